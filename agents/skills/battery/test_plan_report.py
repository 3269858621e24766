"""TEST_PLAN.md: what is needed, how the bench is kept safe, each test with room for its result, what covers what."""

import re
from collections import defaultdict
from collections.abc import Iterator
from decimal import ROUND_CEILING, Decimal

from agents.skills.battery.pages import amount, linked, table
from agents.skills.facts_report import escaped
from gates.design.files import Kind, PlannedTest, RequirementsFile, TestPlanFile

_LONG = 900
_TITLES = {
    Kind.UNIT: ("Limits and channels", "Each limit from both sides, each channel with known inputs. No battery."),
    Kind.INTEGRATION: ("What works together", "The finished monitor at the resistor string. No battery."),
    Kind.SAFETY: ("What if", "Failures, brought about on purpose, one at a time. No battery."),
    Kind.CALIBRATION: ("Calibration", "Before the tests of the channels, and again once a year."),
    Kind.ACCEPTANCE: ("Acceptance", "What the finished monitor has to show before anybody relies on it."),
}
_RULES = (
    "Never short a cell, never work on a live pack alone, and take rings and watches off before. A cell of this size "
    "gives thousands of amperes.",
    "Everything but the last acceptance test is done without a battery.",
    "Current limit of every supply at 100 mA before it is switched on; more only where a test says so.",
    "Above 60 V DC and at the top of the string: one hand, insulated probes, supply off before anything is moved.",
    "One change at a time; supply off, change, look, supply on.",
    "Two people for the first day at the battery; its own BMS and main fuse stay in place and working.",
    "Something gets warm or smells: supply off, write it down, find out why before going on.",
)


def plan_page(plan: TestPlanFile, requirements: RequirementsFile) -> bytes:
    """Return TEST_PLAN.md."""
    lines = [
        "# Test plan",
        "",
        f"{len(plan.tests)} tests for {len(requirements.requirements)} requirements. Whoever does a test writes down "
        "result, date and initials; a test that fails stops those that build on it.",
        "",
        *_equipment(plan, requirements),
        *_list("Safety at the bench", _RULES),
        *_order(plan),
    ]
    for kind in Kind:
        lines += _chapter(kind, [test for test in plan.tests if test.kind is kind])
    lines += [*_criteria(plan), *_matrix(plan, requirements)]
    return ("\n".join(lines).rstrip() + "\n").encode("utf-8", "replace")


def _equipment(plan: TestPlanFile, requirements: RequirementsFile) -> Iterator[str]:
    pack = requirements.pack
    top = _tens(max([pack.top_v, *_stimuli(plan, requirements, "V")]) * Decimal("1.05"))
    yield from _list(
        "Equipment",
        (
            f"Supply 1: 0 to {amount(top, 'V')}, current limit that can be set to 50 mA; two in series where one does "
            "not reach.",
            "Supply 2: floating, 0 to 5 V, current limit that can be set to 100 mA; a resistor of 47 Ω, 1 W, across "
            "its output, so that it can also lower the voltage across a resistor of the string.",
            f"Resistor string in place of the cells: {pack.cells} equal resistors of 100 Ω, 1 W, 1 %, in series on a "
            f"terminal block with {pack.cells + 1} taps, in a housing: the taps are live.",
            "Meter of 4½ digits or better with a calibration that has not run out; each test says what it may be off.",
            "Millivolt source for the shunt's input, adjustable source 0 to 5 V for the Hall sensor's.",
            "Decade resistor 100 Ω to 1 MΩ, fixed resistors for the temperature sensors, 10 kΩ and 1 kΩ for bridges.",
            "Thermometer with a certificate, two flasks, crushed ice.",
            "Clamp meter for direct current, for the first day at the battery.",
            "Stop watch, a computer with a terminal program, a card reader, a spare card.",
            "Insulated tools, safety glasses, a fire blanket, a fuse in every tap before anything is connected.",
        ),
    )


def _stimuli(plan: TestPlanFile, requirements: RequirementsFile, unit: str) -> list[Decimal]:
    units = {limit.name: limit.unit for limit in requirements.limits}
    return [test.stimulus for test in plan.tests if test.stimulus is not None and units.get(test.limit) == unit]


def _tens(value: Decimal) -> Decimal:
    return (value / 10).to_integral_value(ROUND_CEILING) * 10


def _list(title: str, items: tuple[str, ...]) -> Iterator[str]:
    yield f"## {title}"
    yield ""
    yield from (f"- {item}" for item in items)
    yield ""


def _order(plan: TestPlanFile) -> Iterator[str]:
    yield "## Order"
    yield ""
    yield "Calibration first, then channels and limits, what works together, what if, acceptance."
    yield ""
    counted = ((kind, sum(test.kind is kind for test in plan.tests)) for kind in Kind)
    yield from table(("kind", "tests"), ((str(kind), str(count)) for kind, count in counted))


def _chapter(kind: Kind, tests: list[PlannedTest]) -> Iterator[str]:
    if not tests:
        return
    title, why = _TITLES[kind]
    yield f"## {title}"
    yield ""
    yield why
    yield ""
    for test in tests:
        yield from _test(test)


def _test(test: PlannedTest) -> Iterator[str]:
    yield f"### {escaped(test.id)}"
    yield ""
    yield f"**{escaped(test.title, _LONG)}** (for {', '.join(map(linked, test.covers))})"
    yield ""
    yield f"Set-up: {escaped(test.setup, _LONG)}"
    yield ""
    yield from (f"{number}. {escaped(step, _LONG)}" for number, step in enumerate(test.steps, 1))
    yield ""
    yield f"Expected: {escaped(test.expected, _LONG)}"
    yield ""
    yield from table(("result", "date", "initials"), [("&nbsp;", "&nbsp;", "&nbsp;")])


def _criteria(plan: TestPlanFile) -> Iterator[str]:
    yield "## Criteria for acceptance"
    yield ""
    yield "- Every test above has been done and passed; what failed was mended, and what builds on it done again."
    accepting = [test for test in plan.tests if test.kind is Kind.ACCEPTANCE]
    yield from (f"- {_test_link(test.id)} {escaped(test.title)}: {escaped(test.expected, _LONG)}" for test in accepting)
    yield "- Every requirement that COMPLIANCE.md calls open has been decided by a person, in writing."
    yield ""


def _matrix(plan: TestPlanFile, requirements: RequirementsFile) -> Iterator[str]:
    covering: dict[str, list[PlannedTest]] = defaultdict(list)
    for test in plan.tests:
        for id in test.covers:
            covering[id].append(test)
    yield "## Which test covers which requirement"
    yield ""
    yield from table(
        ("requirement", "what", *map(str, Kind)),
        ((linked(item.id), escaped(item.text), *_cells(covering[item.id])) for item in requirements.requirements),
    )


def _cells(tests: list[PlannedTest]) -> Iterator[str]:
    for kind in Kind:
        yield ", ".join(_test_link(test.id) for test in tests if test.kind is kind)


def _test_link(id: str) -> str:
    """Return a link to a test of this page."""
    return f"[{id}](#{id.lower()})" if re.fullmatch(r"[A-Za-z0-9-]{1,20}", id) else escaped(id)
