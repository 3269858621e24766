"""What a gate answers. Three values and no others; a gate that gives none of them has escalated."""

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
