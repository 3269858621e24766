"""The verifier: looks for itself whether each requirement is kept, and doubts what the designer says.

1. A check looks at one thing and says what it found: met, not met or open, each with the place. A requirement is met
   when every check that applies says so; one "not met" decides, then one "open".
2. `meets` and `is_safe` are pointers, not evidence: a part has to be in the bill, a macro in the sketch, a channel
   within its budget, a test on the right side of its limit.
3. What no document answers is open, never met.
4. Nothing here has touched hardware: "met" means that design, bill, sketch and plan agree.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import TypeAlias

from agents.skills.battery.sketch.code import SketchCode
from agents.skills.battery.verification.code_checks import limits_in_code, pins_in_code, software_in_code
from agents.skills.battery.verification.design_checks import failure_modes, measurement, parts, second_way
from agents.skills.battery.verification.dossier import Dossier
from agents.skills.battery.verification.questions import questions
from agents.skills.battery.verification.seen import Seen
from agents.skills.battery.verification.trace_checks import documents, fitting, tests
from gates.design.files import (
    GRAVEST_FIRST,
    BillFile,
    ComplianceFile,
    Conclusion,
    DesignFile,
    Requirement,
    RequirementsFile,
    TestPlanFile,
    Verification,
)

Check: TypeAlias = Callable[[Requirement, Dossier], Iterator[Seen]]


def verify(
    requirements: RequirementsFile,
    design: DesignFile,
    bill: BillFile,
    plan: TestPlanFile,
    sketch: Mapping[str, bytes],
) -> ComplianceFile:
    """Return what an independent look at each requirement found, and the answers to the six questions.

    sketch: the files of the sketch's folder by name; limits.h and pins.h among them.
    """
    dossier = Dossier(requirements, design, bill, plan, SketchCode(sketch))
    verifications = tuple(_verified(item, dossier) for item in requirements.requirements)
    return ComplianceFile(verifications=verifications, questions=tuple(questions(dossier, verifications)))


def _verified(requirement: Requirement, dossier: Dossier) -> Verification:
    seen = [found for check in CHECKS for found in check(requirement, dossier)]
    return Verification(
        requirement=requirement.id,
        elements=tuple(element.id for element in dossier.traced(requirement)),
        tests=tuple(test.id for test in dossier.tests_of(requirement)),
        conclusion=_worst(seen),
        evidence=tuple(dict.fromkeys(found.text for found in sorted(seen, key=_weight))),
    )


def _weight(seen: Seen) -> int:
    return GRAVEST_FIRST.index(seen.conclusion)


def _worst(seen: list[Seen]) -> Conclusion:
    return min(seen, key=_weight).conclusion if seen else Conclusion.OPEN


CHECKS: tuple[Check, ...] = (
    fitting,
    limits_in_code,
    measurement,
    parts,
    pins_in_code,
    software_in_code,
    second_way,
    failure_modes,
    tests,
    documents,
)
