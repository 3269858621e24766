"""What a gate answers. Three values and no others; a gate that gives none of them has escalated."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Pass:
    """Nothing against it. evidence: what was looked at, for the audit."""

    evidence: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Reject:
    """It is wrong, and the sender can mend it: reason is feedback for the next attempt."""

    reason: str
    evidence: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Escalate:
    """No answer at this level: somebody higher has to look. A rejection that may be lifted."""

    reason: str
    evidence: tuple[str, ...] = ()


Verdict: TypeAlias = Pass | Reject | Escalate


def first_objection(verdicts: Iterable[Verdict]) -> Verdict:
    """Return the first verdict that is no pass; none after it is asked for. Else a pass with the evidence of all."""
    evidence: list[str] = []
    for verdict in verdicts:
        if not isinstance(verdict, Pass):
            return verdict
        evidence += verdict.evidence
    return Pass(tuple(evidence))
