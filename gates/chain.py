"""The chain of gates: asked in order, the first that does not pass decides.

1. A gate that crashes escalates. No answer is not a yes.
2. A gate that is late escalates. The time is for each gate, not for the chain.
3. Gates behind the one that decided are not run, and their marks say so.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from bus.faults import reached
from bus.timebox import TimeUp, timeboxed
from gates.judged import Gate, Judged
from protocol.messages import Mark, QualityGates
from protocol.verdicts import Escalate, Pass, Reject, Verdict

GATE_SECONDS: Final = 20.0
_MARKS: Final = {Pass: Mark.PASSED, Reject: Mark.REJECTED, Escalate: Mark.ESCALATED}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the chain said: the verdict that decided, the gate that gave it, and the marks of all."""

    verdict: Verdict
    layer: str
    marks: QualityGates


def run(gates: Mapping[str, Gate], judged: Judged, gate_s: float = GATE_SECONDS) -> Outcome:
    """Ask the gates in their order; the keys are the layers' field names in QualityGates."""
    marks: dict[str, Mark] = {}
    evidence: list[str] = []
    for layer, gate in gates.items():
        reached(f"gate.{layer}")
        verdict = _ask(gate, judged, gate_s)
        marks[layer] = _MARKS[type(verdict)]
        evidence += verdict.evidence
        if not isinstance(verdict, Pass):
            return Outcome(verdict, layer, QualityGates(**marks, layer_5_escalation=Mark.TRIGGERED))
    return Outcome(Pass(tuple(evidence)), "", QualityGates(**marks))


def _ask(gate: Gate, judged: Judged, gate_s: float) -> Verdict:
    try:
        with timeboxed(gate_s):
            verdict = gate(judged)
    except TimeUp as late:
        return Escalate(f"the gate was late: {late}")
    except Exception as error:  # noqa: BLE001  # rule 1: whatever breaks inside a gate must not let a result through
        return Escalate(f"the gate failed: {type(error).__name__}: {error}")
    if not isinstance(verdict, Pass | Reject | Escalate):
        return Escalate(f"the gate gave no verdict but {verdict!r}")
    return verdict
