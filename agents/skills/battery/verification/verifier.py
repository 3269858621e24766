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

from agents.skills.battery.measuring import is_beyond
from agents.skills.battery.sketch.code import SketchCode
from agents.skills.battery.verification.code_checks import limits_in_code, pins_in_code, software_in_code
from agents.skills.battery.verification.design_checks import failure_modes, measurement, parts, second_way
from agents.skills.battery.verification.evidence import Looked, Seen
from agents.skills.battery.verification.questions import questions
from agents.skills.missing import missing_in
from gates.design.files import (
    BillFile,
    ComplianceFile,
    Conclusion,
    DesignFile,
    Requirement,
    RequirementsFile,
    Subject,
    TestPlanFile,
    Verification,
)

Check: TypeAlias = Callable[[Requirement, Looked], Iterator[Seen]]


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
    looked = Looked(requirements, design, bill, plan, SketchCode(sketch))
    verifications = tuple(_verified(item, looked) for item in requirements.requirements)
    return ComplianceFile(verifications=verifications, questions=tuple(questions(looked, verifications)))


def _verified(requirement: Requirement, looked: Looked) -> Verification:
    seen = [found for check in CHECKS for found in check(requirement, looked)]
    return Verification(
        requirement=requirement.id,
        elements=tuple(element.id for element in looked.traced(requirement)),
        tests=tuple(test.id for test in looked.tests_of(requirement)),
        conclusion=_worst(seen),
        evidence=tuple(dict.fromkeys(found.text for found in sorted(seen, key=_weight))),
    )


def _weight(seen: Seen) -> int:
    return _ORDER.index(seen.conclusion)


_ORDER = (Conclusion.NOT_MET, Conclusion.OPEN, Conclusion.MET)


def _worst(seen: list[Seen]) -> Conclusion:
    return min(seen, key=_weight).conclusion if seen else Conclusion.OPEN


def documents(requirement: Requirement, looked: Looked) -> Iterator[Seen]:
    """Whether a document says it: claims that exist and that do not leave the value open."""
    known = {claim.id: claim for claim in looked.requirements.claims}
    named = [*requirement.claims]
    for name in requirement.limits:
        limit = looked.limit(name)
        if limit is None:
            yield Seen.not_met(f"names the limit {name}, which does not exist")
        else:
            named += [basis.claim for basis in limit.bases]
    held = [known[id] for id in dict.fromkeys(named) if id in known]
    for lost in sorted(set(named) - known.keys()):
        yield Seen.open(f"rests on the claim {lost}, which is not in requirements.json")
    for claim in held:
        if words := missing_in(claim.quote, whole=True):
            yield Seen.open(f"{claim.document}, {claim.place} leaves it open: “{words}”")
    if held:
        yield Seen.met(f"rests on {_places(sorted({f'{claim.document}, {claim.place}' for claim in held}))}")
    else:
        yield Seen.open("no document says it, and no practice that is named")


def _places(places: list[str]) -> str:
    return "; ".join(places[:3]) + (f" and {len(places) - 3} more" if len(places) > 3 else "")


def tests(requirement: Requirement, looked: Looked) -> Iterator[Seen]:
    """Whether a test covers it, and for each limit whether one provokes it from the side on which it speaks up."""
    covering = looked.tests_of(requirement)
    if not covering:
        yield Seen.not_met("no test covers it")
        return
    for limit in looked.limits_of(requirement):
        named = [test for test in covering if test.limit == limit.name]
        right = [test.id for test in named if test.stimulus is not None and is_beyond(limit, test.stimulus)]
        if right:
            yield Seen.met(f"{limit.name} is provoked by {', '.join(right)}")
        elif named:
            yield Seen.not_met(f"{limit.name} is tested by {named[0].id}, but not beyond {limit.value} {limit.unit}")
        else:
            yield Seen.not_met(f"no test that covers it provokes {limit.name}")
    if not requirement.limits:
        yield Seen.met(f"tested by {', '.join(test.id for test in covering[:6])}")


def fitting(requirement: Requirement, looked: Looked) -> Iterator[Seen]:
    """Whether anything of the design serves it at all; what documents name but nobody uses is for a person."""
    if looked.traced(requirement):
        return
    if requirement.subject is Subject.DEVICES:
        yield Seen.open("nothing of this design deals with it; whoever signs has to look at the device itself")
    else:
        yield Seen.not_met("no element of the design serves it")


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
