"""test-plan.json and compliance.json: no requirement without a test, none without a word of the verifier, no lie.

The verifier may find a requirement not met or open. What it may not do is leave one out, call met what nothing serves
or nothing tests, or keep silent about a failure that the design itself calls unsafe.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping

from gates.design.electrics import services
from gates.design.files import (
    ComplianceFile,
    Conclusion,
    DesignFile,
    Level,
    Limit,
    PlannedTest,
    RequirementsFile,
    TestPlanFile,
    Verification,
)
from gates.design.words import quantity, repeated, unknown


def plan_faults(plan: TestPlanFile, file: RequirementsFile) -> Iterator[str]:
    """Yield what is wrong with a test plan, one sentence each."""
    yield from repeated("test", (test.id for test in plan.tests))
    requirements = {requirement.id for requirement in file.requirements}
    limits = {limit.name: limit for limit in file.limits}
    for test in plan.tests:
        yield from unknown(test.id, "requirement", test.covers, requirements)
        yield from _stimulus_faults(test, limits)
    covered = _covering(plan)
    for requirement in file.requirements:
        if requirement.id not in covered:
            yield f"{requirement.id} is covered by no test"
    provoked = {test.limit for test in plan.tests}
    for limit in file.limits:
        if limit.level is Level.ALARM and limit.name not in provoked:
            yield f"the alarm {limit.name} is provoked by no test"


def _stimulus_faults(test: PlannedTest, limits: Mapping[str, Limit]) -> Iterator[str]:
    if not test.limit:
        if test.stimulus is not None:
            yield f"{test.id} has a stimulus, but names no limit that it provokes"
        return
    limit = limits.get(test.limit)
    if limit is None:
        yield from unknown(test.id, "limit", (test.limit,), limits)
    elif test.stimulus is None:
        yield f"{test.id} provokes {limit.name}, but does not say with which value"
    elif not limit.is_beyond(test.stimulus):
        value, stimulus = quantity(limit.value, limit.unit), quantity(test.stimulus, limit.unit)
        yield f"{test.id} gives {stimulus}, but {limit.name} speaks up {limit.direction} {value}"


def compliance_faults(
    compliance: ComplianceFile, file: RequirementsFile, design: DesignFile, plan: TestPlanFile
) -> Iterator[str]:
    """Yield what is wrong with a compliance file, one sentence each."""
    counts = Counter(one.requirement for one in compliance.verifications)
    for requirement in file.requirements:
        if counts[requirement.id] != 1:
            yield f"{requirement.id} has {counts[requirement.id]} verifications, it needs one"
    yield from unknown("a verification", "requirement", counts, {one.id for one in file.requirements})
    yield from _reference_faults(compliance, design, plan)
    for verification in compliance.verifications:
        if verification.conclusion is Conclusion.MET:
            yield from _unfounded(verification)
    for question in compliance.questions:
        if question.is_satisfied and not question.evidence:
            yield f"the question {question.question[:80]!r} is called satisfied without evidence"
    yield from _hidden(compliance, design)


def _reference_faults(compliance: ComplianceFile, design: DesignFile, plan: TestPlanFile) -> Iterator[str]:
    elements, tests = {element.id for element in design.elements}, {test.id for test in plan.tests}
    served, covered = services(design), _covering(plan)
    for one in compliance.verifications:
        who = f"the verification of {one.requirement}"
        yield from unknown(who, "element", one.elements, elements)
        yield from unknown(who, "test", one.tests, tests)
        for element in one.elements:
            if element in elements and element not in served.get(one.requirement, ()):
                yield f"{who} counts on {element}, which the design does not"
        for test in one.tests:
            if test in tests and test not in covered.get(one.requirement, ()):
                yield f"{who} counts on {test}, which does not cover it"


def _covering(plan: TestPlanFile) -> Mapping[str, set[str]]:
    covered: dict[str, set[str]] = {}
    for test in plan.tests:
        for requirement in test.covers:
            covered.setdefault(requirement, set()).add(test.id)
    return covered


def _unfounded(one: Verification) -> Iterator[str]:
    for what, named in (("element serves it", one.elements), ("test covers it", one.tests)):
        if not named:
            yield f"{one.requirement} is called met, but no {what}"


def _hidden(compliance: ComplianceFile, design: DesignFile) -> Iterator[str]:
    said = [text for one in compliance.verifications for text in one.evidence]
    for question in compliance.questions:
        said += [question.question, question.answer, *question.evidence]
    words = {word for text in said for word in re.findall(r"[\w-]+", text)}
    for failure in design.failures:
        if not failure.is_safe and failure.id not in words:
            yield f"the design calls {failure.id} unsafe and the verifier does not name it"
