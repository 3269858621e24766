"""COMPLIANCE.md: what an independent look at design, bill, sketch and plan found, the gravest first."""

from collections import Counter
from collections.abc import Iterator

from agents.skills.battery.documents.markdown import linked, page, table
from agents.skills.facts_report import escaped
from gates.design.files import (
    GRAVEST_FIRST,
    ComplianceFile,
    Conclusion,
    Question,
    Requirement,
    RequirementsFile,
    Verification,
)

_LONG = 600
_UNVERIFIED = (
    "No hardware was measured: nothing was built, switched on or calibrated. “Met” says that requirements, "
    "design, bill, sketch and test plan agree.",
    "No conformity with any standard is claimed, whatever standard a requirement names.",
    "That the sketch's code uses a macro says that it is compiled in, not that the code does the right thing with it; "
    "that takes the tests of TEST_PLAN.md.",
    "The battery's own BMS, its contactor and its fuse are no part of this design and were not looked at. The monitor "
    "watches and warns; it protects nothing.",
    "The documents were taken at their word.",
)


def render(compliance: ComplianceFile, requirements: RequirementsFile, sketch_note: str = "") -> bytes:
    """Return COMPLIANCE.md.

    sketch_note: what came of compiling the sketch; "" where nobody tried.
    """
    known = {item.id: item for item in requirements.requirements}
    lines = [
        "# Compliance",
        "",
        *_summary(compliance, known),
        *_questions(compliance.questions),
        *_matrix(compliance, known),
        *_evidence(compliance),
        *_limits_of_this(sketch_note),
    ]
    return page(lines)


def _summary(compliance: ComplianceFile, known: dict[str, Requirement]) -> Iterator[str]:
    counted = Counter(item.conclusion for item in compliance.verifications)
    total = len(compliance.verifications)
    yield (
        f"{total} requirements: **{counted[Conclusion.MET]} met, {counted[Conclusion.NOT_MET]} not met, "
        f"{counted[Conclusion.OPEN]} open.** "
        f"{sum(item.is_satisfied for item in compliance.questions)} of {len(compliance.questions)} questions are "
        "answered yes, or as one would wish, by the evidence."
    )
    yield ""
    yield "Verified by a specialist other than the one who designed; it looked for itself and took no “meets” on trust."
    yield ""
    unverified = [id for id in known if id not in {item.requirement for item in compliance.verifications}]
    if unverified:
        yield f"**Not verified at all: {', '.join(map(linked, unverified))}.**"
        yield ""
    pending = [item for item in compliance.verifications if item.conclusion is not Conclusion.MET]
    if not pending:
        return
    yield "## What is not met or open"
    yield ""
    for item in sorted(pending, key=lambda item: _gravity(item, known)):
        yield f"- {_marked(item, known)} Found: {escaped(item.evidence[0], _LONG)}"
    yield ""


def _gravity(item: Verification, known: dict[str, Requirement]) -> tuple[bool, int]:
    requirement = known.get(item.requirement)
    is_critical = requirement is None or requirement.is_critical
    return (not is_critical, GRAVEST_FIRST.index(item.conclusion))


def _marked(item: Verification, known: dict[str, Requirement]) -> str:
    requirement = known.get(item.requirement)
    grave = ", critical" if requirement and requirement.is_critical else ""
    text = f" {escaped(requirement.text, _LONG)}" if requirement else ""
    return f"**{linked(item.requirement)} {item.conclusion}{grave}.**{text}"


def _questions(asked: tuple[Question, ...]) -> Iterator[str]:
    yield "## The questions of whoever signs"
    yield ""
    for number, item in enumerate(asked, 1):
        mark = "shown" if item.is_satisfied else "**not shown**"
        yield f"### {number}. {escaped(item.question)}"
        yield ""
        yield f"{escaped(item.answer, _LONG)} ({mark})"
        yield ""
        yield from (f"- {escaped(text, _LONG)}" for text in item.evidence)
        yield ""


def _matrix(compliance: ComplianceFile, known: dict[str, Requirement]) -> Iterator[str]:
    yield "## Requirement, design element, test, conclusion"
    yield ""
    yield from table(
        ("requirement", "what", "critical", "design elements", "tests", "conclusion"),
        (_row(item, known.get(item.requirement)) for item in compliance.verifications),
    )


def _row(item: Verification, requirement: Requirement | None) -> tuple[str, ...]:
    conclusion = str(item.conclusion) if item.conclusion is Conclusion.MET else f"**{item.conclusion}**"
    return (
        linked(item.requirement),
        escaped(requirement.text) if requirement else "not in requirements.json",
        "yes" if requirement and requirement.is_critical else "",
        _listed(item.elements),
        _listed(item.tests),
        conclusion,
    )


def _listed(ids: tuple[str, ...]) -> str:
    return ", ".join(map(escaped, ids)) or "none"


def _evidence(compliance: ComplianceFile) -> Iterator[str]:
    yield "## Evidence"
    yield ""
    for item in compliance.verifications:
        yield f"### {escaped(item.requirement)}: {item.conclusion}"
        yield ""
        yield from (f"- {escaped(text, _LONG)}" for text in item.evidence)
        yield ""


def _limits_of_this(sketch_note: str) -> Iterator[str]:
    yield "## What was not verified"
    yield ""
    yield from (f"- {text}" for text in _UNVERIFIED)
    compiled = escaped(sketch_note, _LONG) or "nobody told whether it was compiled; take it as not compiled"
    yield f"- The sketch: {compiled}."
    yield ""
