"""The plan of tests reaches every requirement, and the verifier finds what was tampered with."""

import re
from collections.abc import Callable
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.skills.battery.documents import compliance as compliance_document
from agents.skills.battery.documents import test_plan as test_plan_document
from agents.skills.battery.measuring import meter_error
from agents.skills.battery.sketch.code import SketchCode, whole_number
from agents.skills.battery.test_plan.plan import plan_tests
from agents.skills.battery.verification.verifier import verify
from gates.claims import Claim
from gates.design.coverage import compliance_faults, plan_faults
from gates.design.files import (
    Basis,
    BillFile,
    BillLine,
    Channel,
    ComplianceFile,
    Conclusion,
    DesignFile,
    Direction,
    Element,
    ErrorTerm,
    FailureMode,
    Kind,
    Level,
    Limit,
    Node,
    Pack,
    Pin,
    PlannedTest,
    Relation,
    Requirement,
    RequirementsFile,
    Subject,
    TestPlanFile,
    Verification,
)
from gates.design.headers import macros_of
from gates.values import written

ABOVE, BELOW = Direction.ABOVE, Direction.BELOW
HOSTILE = "<script>alert(1)</script> | [x](http://evil) `a` \u202ereversed\nsecond line www.evil.example @team"


def limit(name: str, quantity: str, direction: Direction, value: str, clear: str, unit: str, delay: str) -> Limit:
    basis = Basis(claim="C-1", relation=Relation.EQUAL, figure=Decimal(value), unit=unit)
    level = Level.WARNING if name.endswith("warn") else Level.ALARM
    return Limit(
        name=name,
        quantity=quantity,
        level=level,
        direction=direction,
        value=Decimal(value),
        clear=Decimal(clear),
        unit=unit,
        delay_s=Decimal(delay),
        bases=(basis,),
    )


def limits(cells: int) -> tuple[Limit, ...]:
    top, bottom = str(Decimal("3.65") * cells), str(Decimal("2.5") * cells)
    return (
        limit("cell-high-warn", "cell voltage", ABOVE, "3.5", "3.4", "V", "2"),
        limit("cell-high-alarm", "cell voltage", ABOVE, "3.65", "3.45", "V", "1"),
        limit("cell-low-alarm", "cell voltage", BELOW, "2.5", "3.1", "V", "1"),
        limit("cell-delta-alarm", "difference of cell voltages", ABOVE, "0.3", "0.2", "V", "10"),
        limit("pack-high-alarm", "pack voltage", ABOVE, top, str(Decimal("3.4") * cells), "V", "2"),
        limit("pack-low-alarm", "pack voltage", BELOW, bottom, str(Decimal("3.0") * cells), "V", "2"),
        limit("charge-cold-alarm", "coldest cell while charging", BELOW, "0", "2", "degC", "0"),
        limit("charge-hot-alarm", "hottest cell while charging", ABOVE, "55", "50", "degC", "5"),
        limit("discharge-cold-alarm", "coldest cell while discharging", BELOW, "-20", "-15", "degC", "5"),
        limit("charge-current-alarm", "current into the battery", ABOVE, "280", "266", "A", "10"),
        limit("discharge-current-alarm", "current out of the battery", ABOVE, "280", "266", "A", "10"),
        limit("current-surge-alarm", "current", ABOVE, "560", "280", "A", "0.3"),
        limit("sum-mismatch", "sum of the cells against the pack", ABOVE, "0.6", "0.3", "V", "2"),
        limit("reference-fault", "known reference", ABOVE, "0.05", "0.03", "V", "1"),
    )


def requirement(number: int, subject: Subject, text: str, *names: str, critical: bool = True) -> Requirement:
    return Requirement(
        id=f"SR-{number:02}", subject=subject, text=text, is_critical=critical, limits=names, claims=("C-1",)
    )


def requirements(cells: int = 16) -> RequirementsFile:
    claim = Claim(
        id="C-1",
        statement="maximum cell voltage",
        figure=("3.65",),
        unit="V",
        document="cell.md",
        sha256="0" * 64,
        place="line 4",
        quote="Maximum 3.65 V",
    )
    return RequirementsFile(
        pack=Pack(
            cells=cells,
            cell_type="EVE LF280K",
            chemistry="LiFePO4",
            capacity_ah=Decimal(280),
            nominal_v=Decimal("3.2"),
            max_v=Decimal("3.65"),
            min_v=Decimal("2.5"),
            max_current_a=Decimal(280),
            budget_usd=Decimal(200),
            platform="Arduino Mega",
        ),
        accuracy_mv=Decimal(10),
        margin=Decimal("1.25"),
        limits=limits(cells),
        requirements=(
            requirement(1, Subject.VOLTAGE, "No cell above its limit unnoticed.", "cell-high-warn", "cell-high-alarm"),
            requirement(2, Subject.VOLTAGE, "No cell below its limit unnoticed.", "cell-low-alarm"),
            requirement(3, Subject.VOLTAGE, "Cells that drift apart are told.", "cell-delta-alarm", critical=False),
            requirement(4, Subject.VOLTAGE, "The pack within its limits.", "pack-high-alarm", "pack-low-alarm"),
            requirement(5, Subject.TEMPERATURE, "Never charged in the cold unnoticed.", "charge-cold-alarm"),
            requirement(6, Subject.TEMPERATURE, "Within its heat.", "charge-hot-alarm", "discharge-cold-alarm"),
            requirement(7, Subject.CURRENT, "Too much current.", "charge-current-alarm", "discharge-current-alarm"),
            requirement(8, Subject.CURRENT, "A surge is told within a second.", "current-surge-alarm"),
            requirement(9, Subject.SENSORS, "A sensor that fails is told.", "sum-mismatch", "reference-fault"),
            requirement(10, Subject.ALERTS, "Light and sound without the host."),
            requirement(11, Subject.ALERTS, "Sound while the board is dead."),
            requirement(12, Subject.RECORDS, "All readings are logged.", critical=False),
            requirement(13, Subject.DEVICES, "The documents name a heater.", critical=False),
        ),
        claims=(claim,),
    )


def channel(name: str, unit: str, span: str, required: str, *chain: str, error: str) -> Channel:
    terms = (
        ErrorTerm(name="quantisation", value=Decimal(span) / 8192, how="half a step, oversampled"),
        ErrorTerm(name="gain", value=Decimal(error), how="after calibration"),
    )
    return Channel(
        name=name,
        chain=chain,
        unit=unit,
        span=Decimal(span),
        bits=10,
        oversamples=16,
        terms=terms,
        required=Decimal(required),
    )


def element(number: int, name: str, part: str, quantity: int, *meets: str, backs_up: str = "") -> Element:
    return Element(
        id=f"E-{number:02}",
        name=name,
        purpose=f"is the {name}",
        part=part,
        quantity=quantity if part else 0,
        meets=meets,
        backs_up=backs_up,
    )


def failure(number: int, element: str, what: str, requirement: str, *, is_safe: bool = True) -> FailureMode:
    return FailureMode(
        id=f"F-{number:02}",
        element=element,
        what=what,
        detected_by="the sum of the cells against the pack",
        reaction="sensor alarm by light and sound",
        requirement=requirement,
        is_safe=is_safe,
    )


def pin(macro: str, number: str, to: str) -> Pin:
    return Pin(macro=macro, number=number, signal="", to=to)


def design(cells: int = 16) -> DesignFile:
    top = Decimal("4.5") * cells
    return DesignFile(
        board="Arduino Mega 2560",
        nodes=(Node(name="pack", max_v=Decimal("3.65") * cells, why="all cells"),),
        elements=(
            element(1, "flying capacitor multiplexer", "RELAY", cells + 1, "SR-01", "SR-02", "SR-03"),
            element(2, "pack divider", "DIVIDER", 1, "SR-04", backs_up="E-01"),
            element(3, "shunt with amplifier", "SHUNT", 1, "SR-07"),
            element(4, "Hall sensor", "HALL", 1, "SR-07", "SR-08", backs_up="E-03"),
            element(5, "temperature string one", "NTC-1", 4, "SR-05", "SR-06"),
            element(6, "temperature string two", "NTC-2", 4, "SR-05", "SR-06", backs_up="E-05"),
            element(7, "known reference", "REF25", 1, "SR-09"),
            element(8, "red light", "LED-R", 1, "SR-10"),
            element(9, "buzzer", "BUZZER", 1, "SR-10", backs_up="E-08"),
            element(10, "dead-man circuit with its own battery", "DEADMAN", 1, "SR-11", backs_up="E-09"),
            element(11, "logger", "OPENLOG", 1, "SR-12"),
            element(12, "second Hall sensor", "HALL-2", 1, backs_up="E-04"),
            element(13, "cell sum", "SUM-C", 1, backs_up="E-02"),
            element(14, "heartbeat", "HB", 1, "SR-11", backs_up="E-10"),
        ),
        channels=(
            channel("cell voltage", "V", "4.096", "0.01", "E-01", error="0.006"),
            channel("pack voltage", "V", str(top), "0.3", "E-02", error="0.1"),
            channel("current by the shunt", "A", "819.2", "5", "E-03", error="2"),
            channel("current by the Hall sensor", "A", "1966", "12", "E-04", error="9"),
            channel("temperature", "degC", "200", "2", "E-05", "E-06", error="1"),
            channel("known reference", "V", "4.096", "0.01", "E-07", error="0.005"),
        ),
        pins=(pin("PIN_BUZZER", "33", "buzzer"), pin("ADC_PACK", "A1", "E-02"), pin("PIN_LED_ALARM", "32", "E-08")),
        wires=(),
        failures=(
            failure(1, "E-01", "a cell's wire is open", "SR-09"),
            failure(2, "E-05", "a sensor is shorted", "SR-09"),
            failure(3, "E-02", "the divider drifts", "SR-09"),
            failure(4, "E-03", "the amplifier is off", "SR-09"),
            failure(5, "E-04", "the Hall sensor is unplugged", "SR-09"),
            failure(6, "E-07", "the reference drifts", "SR-09"),
        ),
    )


def bill(cells: int = 16) -> BillFile:
    needed = {item.part: (item.quantity, item.name) for item in design(cells).elements}
    needed["MAINFUSE"] = (1, "main fuse, class T, 300 A")
    lines = tuple(
        BillLine(part=part, description=name, quantity=count, price_usd=Decimal(1), sum_usd=Decimal(count))
        for part, (count, name) in needed.items()
    )
    total = sum((line.sum_usd for line in lines), Decimal(0))
    return BillFile(lines=lines, total_usd=total, budget_usd=Decimal(200), over_usd=Decimal(0), priced="2026-11")


def sketch(file: RequirementsFile) -> dict[str, bytes]:
    """A sketch that takes its limits by a macro, as the shipped one does, and drives its pins."""
    macros = {name: value for item in file.limits for name, value in macros_of(item).items()}
    header = "".join(f"#define {name} {value}\n" for name, value in macros.items())
    rows = "".join(f"    {{{', '.join(macros_of(item))}}},\n" for item in file.limits)
    checks = "".join(f"HOLDS({next(iter(macros_of(item)))});\n" for item in file.limits)
    return {
        "limits.h": f"/* generated */\n#ifndef LIMITS_H\n#define LIMITS_H\n{header}#endif\n".encode(),
        "pins.h": b"#define PIN_BUZZER 33\n#define ADC_PACK A1\n#define PIN_LED_ALARM 32\n",
        "alarms.c": f'#include "limits.h"\n#define HOLDS(NAME) _Static_assert((NAME) < 1000000, "so")\n{checks}'
        f"static const struct rule RULES[] = {{\n{rows}}};\n".encode(),
        "battery_monitor.ino": b'#include "pins.h"\nvoid loop() { tone(PIN_BUZZER, 1); analogRead(ADC_PACK); '
        b"digitalWrite(PIN_LED_ALARM, HIGH); }\n",
    }


def verified(
    *,
    file: RequirementsFile | None = None,
    of: DesignFile | None = None,
    bought: BillFile | None = None,
    plan: TestPlanFile | None = None,
    code: dict[str, bytes] | None = None,
) -> ComplianceFile:
    held, drawn = file or requirements(), of or design()
    return verify(held, drawn, bought or bill(), plan or plan_tests(held, drawn), code or sketch(held))


def found(compliance: ComplianceFile, id: str) -> Verification:
    return next(item for item in compliance.verifications if item.requirement == id)


def said(compliance: ComplianceFile, id: str) -> str:
    return " / ".join(found(compliance, id).evidence)


def conclusions(compliance: ComplianceFile) -> dict[str, Conclusion]:
    return {item.requirement: item.conclusion for item in compliance.verifications}


def evil(requirement: str) -> FailureMode:
    return failure(9, "E-03", HOSTILE, requirement)


def test_every_requirement_is_covered_and_every_limit_provoked_from_its_side() -> None:
    file, drawn = requirements(), design()
    assert list(plan_faults(plan_tests(file, drawn), file)) == []


def test_a_requirement_that_no_other_test_reaches_is_looked_at_on_its_own() -> None:
    plan = plan_tests(requirements(), design())
    [single] = [test for test in plan.tests if test.covers == ("SR-13",)]
    assert single.title == "Look at and show: SR-13"


def test_a_limit_is_provoked_by_what_the_measurement_may_be_off_and_one_step_beyond() -> None:
    plan = plan_tests(requirements(), design())
    stimuli = {test.limit: test.stimulus for test in plan.tests}
    # 6.5 mV of error and a step of 4 mV, rounded away from the limit.
    assert stimuli["cell-high-alarm"] == Decimal("3.661")
    assert stimuli["cell-low-alarm"] == Decimal("2.489")
    # The Hall sensor alone reaches 560 A: 9.24 A of error and a step of 1.92 A.
    assert stimuli["current-surge-alarm"] == Decimal("571.2")


def test_a_cell_is_raised_by_a_supply_and_lowered_by_a_resistor_since_a_supply_takes_no_current_back() -> None:
    steps = {test.limit: test.steps for test in plan_tests(requirements(), design()).tests}
    assert steps["cell-high-alarm"][1].startswith("Set supply 2 so that")
    assert steps["cell-low-alarm"][1].startswith("Set the decade resistor so that")


def test_a_channel_is_given_the_limits_that_it_watches_and_a_current_both_ways() -> None:
    tests = {test.title.partition(":")[0]: test for test in plan_tests(requirements(), design()).tests}
    told = {title: [step.partition(",")[0] for step in test.steps] for title, test in tests.items()}
    assert told["Channel cell voltage"] == [f"Set {value} V by the meter" for value in ("2.5", "3.075", "3.65")]
    assert told["Channel current by the shunt"] == [
        f"Set {value} A as the data sheet gives it" for value in ("-280", "0", "280")
    ]


def test_no_test_asks_for_a_difference_below_none() -> None:
    titles = [test.title for test in plan_tests(requirements(), design()).tests if test.limit]
    assert [title for title in titles if "mismatch: silent at -" in title or "delta-alarm: silent at -" in title] == []


def test_a_meter_is_asked_to_be_as_good_as_the_error_budget_counts_on() -> None:
    [cell] = [channel for channel in design().channels if channel.name == "cell voltage"]
    counted = ErrorTerm(name="calibration", value=Decimal("0.0008"), how="a meter of 0.02 %")
    better = cell.model_copy(update={"terms": (*cell.terms, counted)})
    assert meter_error(cell) == (cell.required / 4)
    assert meter_error(better) == Decimal("0.0008")


def test_a_test_of_a_limit_says_what_is_silent_what_speaks_up_when_and_what_ends_it() -> None:
    [test] = [test for test in plan_tests(requirements(), design()).tests if test.limit == "cell-high-alarm"]
    assert test.expected.startswith("At 3.639 V cell-high-alarm stays silent")
    assert "At 3.661 V it speaks up within 1.5 s, and not before 1 s" in test.expected
    assert test.expected.endswith("At 3.439 V it is over.")


def test_every_failure_mode_has_its_safety_test_and_no_known_failure_is_forgotten() -> None:
    titles = [test.title for test in plan_tests(requirements(), design()).tests if test.kind is Kind.SAFETY]
    assert all(any(f"({item.id})" in title for title in titles) for item in design().failures)
    for known in ("host is dead", "board hangs", "no power", "brown-out", "wires are swapped", "below 0", "button"):
        assert any(known in title for title in titles), known


def test_a_test_counts_only_for_what_it_is_about() -> None:
    file = requirements()
    more = (requirement(14, Subject.SENSORS, "Wires that are swapped are told."), *file.requirements)
    plan = plan_tests(file.model_copy(update={"requirements": more}), design())
    assert [test.covers for test in plan.tests if "wires are swapped" in test.title] == [("SR-14",)]


def test_a_requirement_to_measure_is_covered_by_the_test_of_its_channel() -> None:
    file = requirements()
    more = (*file.requirements, requirement(14, Subject.CURRENT, "The current is measured both ways."))
    plan = plan_tests(file.model_copy(update={"requirements": more}), design())
    covering = [test.title.partition(":")[0] for test in plan.tests if "SR-14" in test.covers]
    assert covering[:2] == ["Channel current by the shunt", "Channel current by the Hall sensor"]


def test_a_failure_that_the_design_names_is_not_tested_twice() -> None:
    titles = [test.title for test in plan_tests(requirements(), design()).tests]
    assert "What if: a cell's wire is open (F-01)" in titles
    assert "What if: a cell's sense wire is open" not in titles


@pytest.mark.parametrize("cells", [4, 8, 12, 16])
def test_a_whole_design_is_met_and_what_nobody_deals_with_is_open(cells: int) -> None:
    file, drawn = requirements(cells), design(cells)
    compliance = verified(file=file, of=drawn, bought=bill(cells))
    expected = {item.id: Conclusion.MET for item in file.requirements} | {"SR-13": Conclusion.OPEN}
    assert conclusions(compliance) == expected
    assert [item.is_satisfied for item in compliance.questions] == [True] * 6
    assert list(compliance_faults(compliance, file, drawn, plan_tests(file, drawn))) == []


def test_the_answers_say_that_nothing_is_switched_and_how_far_an_alarm_may_be_late() -> None:
    voltages = verified().questions[0]
    assert "The monitor switches nothing" in voltages.answer
    assert "cell-high-alarm may speak up only at 3.66 V, beyond the cell's own limit" in voltages.answer


def edited(name: str, change: Callable[[bytes], bytes]) -> dict[str, bytes]:
    code = sketch(requirements())
    return {**code, name: change(code[name])}


CODE = {
    "another value": (
        edited("limits.h", lambda text: text.replace(b"ALARM_MV 3650", b"ALARM_MV 3750")),
        "CELL_HIGH_ALARM_MV is 3750, required is 3650",
    ),
    "another delay": (
        edited("limits.h", lambda text: text.replace(b"HIGH_ALARM_DELAY_MS 1000", b"HIGH_ALARM_DELAY_MS 60000")),
        "CELL_HIGH_ALARM_DELAY_MS is 60000",
    ),
    "left out": (
        edited("limits.h", lambda text: text.replace(b"#define CELL_HIGH_ALARM_MV 3650\n", b"")),
        "does not define CELL_HIGH_ALARM_MV",
    ),
    "only in a comment": (
        edited("limits.h", lambda text: text.replace(b"#define CELL_HIGH_ALARM_MV", b"// #define CELL_HIGH_ALARM_MV")),
        "does not define CELL_HIGH_ALARM_MV",
    ),
    "defined again elsewhere": (
        edited("alarms.c", lambda text: text + b"#define CELL_HIGH_ALARM_MV 9999\n"),
        "CELL_HIGH_ALARM_MV is defined 2 times",
    ),
    "taken back": (
        edited("alarms.c", lambda text: b"#undef CELL_HIGH_ALARM_MV\n" + text),
        "CELL_HIGH_ALARM_MV is defined once or taken back",
    ),
    "asserted but not used": (
        edited("alarms.c", lambda text: text.replace(b"{CELL_HIGH_ALARM_MV, ", b"{3650, ")),
        "no code of the sketch uses CELL_HIGH_ALARM_MV",
    ),
    "used under if 0": (
        edited("alarms.c", lambda text: text.replace(b"    {CELL_HIGH_AL", b"#if 0\n{CELL_HIGH_AL", 1) + b"\n#endif\n"),
        "no code of the sketch uses CELL_HIGH_ALARM_MV",
    ),
    "not included": (
        edited("alarms.c", lambda text: text.replace(b'#include "limits.h"', b"")),
        "no file of the sketch includes limits.h",
    ),
    "two of them": (
        {**sketch(requirements()), "old/limits.h": b""},
        "the sketch has 2 files limits.h",
    ),
    "none": ({"battery_monitor.ino": b"void loop() {}"}, "the sketch has 0 files limits.h"),
}


@pytest.mark.parametrize("case", CODE)
def test_a_limit_that_the_sketch_does_not_hold_is_not_met(case: str) -> None:
    code, words = CODE[case]
    compliance = verified(code=code)
    assert found(compliance, "SR-01").conclusion is Conclusion.NOT_MET
    assert words in said(compliance, "SR-01")
    assert not compliance.questions[0].is_satisfied


def test_a_pin_that_no_code_drives_or_that_is_another_is_named_with_its_element() -> None:
    silent = verified(code=edited("battery_monitor.ino", lambda text: text.replace(b"PIN_BUZZER", b"7")))
    assert "E-09, buzzer: no code uses PIN_BUZZER" in said(silent, "SR-10")
    moved = verified(code=edited("pins.h", lambda text: text.replace(b"BUZZER 33", b"BUZZER 34")))
    assert "PIN_BUZZER is 34, the design says 33" in said(moved, "SR-10")
    assert conclusions(silent)["SR-10"] is conclusions(moved)["SR-10"] is Conclusion.NOT_MET


def without(part: str) -> BillFile:
    return bill().model_copy(update={"lines": tuple(line for line in bill().lines if line.part != part)})


def test_an_element_whose_part_nobody_buys_does_not_count() -> None:
    compliance = verified(bought=without("RELAY"))
    assert "E-01, flying capacitor multiplexer: the bill does not hold RELAY" in said(compliance, "SR-01")
    assert conclusions(compliance)["SR-01"] is Conclusion.NOT_MET


def test_too_few_of_a_part_are_counted() -> None:
    lines = tuple(line.model_copy(update={"quantity": 1}) for line in bill().lines)
    compliance = verified(bought=bill().model_copy(update={"lines": lines}))
    assert "the bill holds 1 x RELAY, the design takes 17" in said(compliance, "SR-01")


def with_elements(change: Callable[[Element], Element | None]) -> DesignFile:
    kept = tuple(after for item in design().elements if (after := change(item)))
    return design().model_copy(update={"elements": kept})


def alone() -> DesignFile:
    return with_elements(lambda item: item.model_copy(update={"backs_up": ""}))


def unlimited(name: str) -> RequirementsFile:
    """The requirements without one limit."""
    file = requirements()
    kept = tuple(item.model_copy(update={"limits": tuple(set(item.limits) - {name})}) for item in file.requirements)
    limits = tuple(item for item in file.limits if item.name != name)
    return file.model_copy(update={"limits": limits, "requirements": kept})


def test_redundancy_that_was_taken_away_is_missed_where_it_is_critical() -> None:
    compliance = verified(of=alone(), file=unlimited("sum-mismatch"))
    for id in ("SR-01", "SR-02", "SR-04", "SR-05", "SR-10", "SR-11"):
        assert conclusions(compliance)[id] is Conclusion.NOT_MET, id
        assert "in one way only" in said(compliance, id)
    # Shunt and Hall sensor measure the same without sharing anything, whatever the design says of them.
    assert conclusions(compliance)["SR-07"] is Conclusion.MET
    assert not compliance.questions[4].is_satisfied
    assert not compliance.questions[5].is_satisfied


def test_a_comparison_that_the_sketch_holds_is_a_second_way_and_one_that_it_does_not_hold_is_none() -> None:
    assert "second way: sum-mismatch compares cell voltage with pack voltage" in said(verified(of=alone()), "SR-01")
    deaf = edited("alarms.c", lambda text: text.replace(b"{SUM_MISMATCH_MV, ", b"{600, "))
    assert conclusions(verified(of=alone(), code=deaf))["SR-01"] is Conclusion.NOT_MET


def test_a_comparison_that_healthy_readings_may_trip_is_not_met() -> None:
    terms = (ErrorTerm(name="gain", value=Decimal("0.008"), how="uncalibrated"),)
    # Sixteen cells may be off by 0.128 V together, the divider by 0.5 V: more than the 0.6 V that are compared.
    worse = with_channel("cell voltage", terms=terms)
    kept = tuple(
        item.model_copy(update={"required": Decimal("0.6"), "terms": (*item.terms, *(terms * 50))})
        if item.name == "pack voltage"
        else item
        for item in worse.channels
    )
    compliance = verified(of=worse.model_copy(update={"channels": kept}))
    assert "sum-mismatch: healthy readings may be apart by 0.6367890625 V, beyond it" in said(compliance, "SR-09")


def test_nothing_backs_up_itself_and_what_is_not_bought_backs_up_nothing() -> None:
    selfish = with_elements(lambda item: item.model_copy(update={"backs_up": item.id}))
    assert conclusions(verified(of=selfish))["SR-05"] is Conclusion.NOT_MET
    assert "in one way only" in said(verified(bought=without("NTC-2")), "SR-05")


def test_what_the_designer_calls_unsafe_and_nothing_backs_up_is_for_a_person_to_decide() -> None:
    unsafe = failure(9, "E-10", "its battery is empty", "SR-11", is_safe=False)
    compliance = verified(of=alone().model_copy(update={"failures": (*design().failures, unsafe)}))
    assert conclusions(compliance)["SR-11"] is Conclusion.OPEN
    assert "in one way only" in said(compliance, "SR-11")


def without_tests(of: str) -> TestPlanFile:
    plan = plan_tests(requirements(), design())
    kept = (test.model_copy(update={"covers": tuple(id for id in test.covers if id != of)}) for test in plan.tests)
    return plan.model_copy(update={"tests": tuple(test for test in kept if test.covers)})


def test_a_requirement_without_a_test_is_not_met() -> None:
    compliance = verified(plan=without_tests("SR-02"))
    assert conclusions(compliance)["SR-02"] is Conclusion.NOT_MET
    assert "no test covers it" in said(compliance, "SR-02")
    assert conclusions(compliance)["SR-01"] is Conclusion.MET


def with_tests(change: Callable[[PlannedTest], PlannedTest]) -> TestPlanFile:
    plan = plan_tests(requirements(), design())
    return plan.model_copy(update={"tests": tuple(map(change, plan.tests))})


def test_a_limit_that_is_tested_from_the_harmless_side_is_not_met() -> None:
    plan = with_tests(
        lambda test: test.model_copy(update={"stimulus": Decimal(3)}) if test.limit == "cell-low-alarm" else test
    )
    compliance = verified(plan=plan)
    assert conclusions(compliance)["SR-02"] is Conclusion.NOT_MET
    assert "but not beyond 2.5 V" in said(compliance, "SR-02")


def test_a_failure_mode_that_no_safety_test_brings_about_is_named() -> None:
    plan = with_tests(lambda test: test.model_copy(update={"title": "What if"}))
    assert "F-01: a cell's wire is open is brought about by no safety test" in said(verified(plan=plan), "SR-09")


def with_channel(which: str, **fields: object) -> DesignFile:
    kept = tuple(item.model_copy(update=fields) if item.name == which else item for item in design().channels)
    return design().model_copy(update={"channels": kept})


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"span": Decimal(60)}, "leaves out the converter: a step is 0.05859375 V"),
        ({"required": Decimal("0.05")}, "is allowed ±0.05 V, the reading of a cell ±10 mV"),
        ({"required": Decimal("0.001")}, "may be off by ±0.0065 V, allowed is ±0.001 V"),
        ({"span": Decimal("3.3")}, "does not reach 3.65 V"),
        ({"unit": "A"}, "no channel measures what cell-high-alarm watches"),
        ({"name": "something else"}, "no channel measures what cell-high-alarm watches"),
    ],
)
def test_a_channel_that_cannot_tell_a_cell_is_not_enough(fields: dict[str, object], words: str) -> None:
    compliance = verified(of=with_channel("cell voltage", **fields))
    assert conclusions(compliance)["SR-01"] is Conclusion.NOT_MET
    assert words in said(compliance, "SR-01")


def with_failures(*failures: FailureMode) -> DesignFile:
    return design().model_copy(update={"failures": (*design().failures, *failures)})


def test_an_unsafe_failure_mode_is_open_and_listed() -> None:
    compliance = verified(of=with_failures(failure(9, "E-02", "the divider burns", "SR-04", is_safe=False)))
    assert conclusions(compliance)["SR-04"] is Conclusion.OPEN
    unsafe = compliance.questions[4]
    assert not unsafe.is_satisfied
    assert unsafe.answer.startswith("Yes, 1: F-09: the divider burns: unsafe by the designer's own word.")


def test_a_failure_mode_that_is_called_safe_though_nothing_notices_it_is_not_believed() -> None:
    unseen = failure(9, "E-02", "the divider burns", "SR-04").model_copy(update={"detected_by": " "})
    compliance = verified(of=with_failures(unseen))
    assert conclusions(compliance)["SR-04"] is Conclusion.NOT_MET
    assert not compliance.questions[3].is_satisfied


def test_what_no_document_answers_is_open_however_well_it_is_built() -> None:
    file = requirements()
    asked = file.model_copy(update={"claims": (file.claims[0].model_copy(update={"quote": "Maximum: t.b.d."}),)})
    assert set(conclusions(verified(file=asked)).values()) == {Conclusion.OPEN}
    groundless = file.model_copy(update={"claims": ()})
    assert set(conclusions(verified(file=groundless)).values()) == {Conclusion.OPEN}


def test_without_a_main_fuse_there_is_no_protection_against_overcurrent() -> None:
    question = verified(bought=without("MAINFUSE")).questions[2]
    assert not question.is_satisfied
    assert question.answer.startswith("Not shown: It is detected, on paper, but nothing in the bill breaks")


def test_a_limit_that_no_requirement_names_was_not_verified_and_the_answer_says_so() -> None:
    file = requirements()
    kept = tuple(item.model_copy(update={"limits": ()}) if item.id == "SR-02" else item for item in file.requirements)
    question = verified(file=file.model_copy(update={"requirements": kept})).questions[0]
    assert not question.is_satisfied
    assert "cell-low-alarm belongs to no requirement and was not verified" in question.evidence


def test_an_element_without_a_part_is_looked_for_in_the_sketch() -> None:
    soft = with_elements(
        lambda item: item.model_copy(update={"part": "", "quantity": 0}) if item.id == "E-11" else item
    )
    assert conclusions(verified(of=soft))["SR-12"] is Conclusion.OPEN
    speaking = edited("battery_monitor.ino", lambda text: text + b"void write_to_logger() {}\n")
    assert conclusions(verified(of=soft, code=speaking))["SR-12"] is Conclusion.MET


def test_names_that_a_macro_pastes_together_count_as_used() -> None:
    code = SketchCode(
        {
            "limits.h": b"#define CELL_MV 1\n#define CELL_MV_CLEAR 2\n",
            "a.c": b"#define ROW(NAME) {NAME, NAME##_CLEAR}\nint rows[] = ROW(CELL_MV);\n",
        }
    )
    assert code.users("CELL_MV_CLEAR") == code.users("CELL_MV") == ("a.c",)


def test_texts_and_comments_of_a_sketch_say_nothing() -> None:
    code = SketchCode({"a.c": b'const char *say = "CELL_MV // "; /* CELL_MV */ // CELL_MV\n'})
    assert code.users("CELL_MV") == ()


@given(st.binary(max_size=300) | st.text("#if0 endlsdefineABC()\"'/*\\\n", max_size=300).map(str.encode))
def test_whatever_stands_in_a_sketch_it_can_be_read(text: bytes) -> None:
    code = SketchCode({"limits.h": text, "a.c": text})
    assert code.users("CELL_MV") in {(), ("a.c", "limits.h")}


def test_a_macro_that_is_made_of_itself_is_read_to_the_end() -> None:
    code = SketchCode({"a.c": b"#define A B\n#define B A C\nint x = A;\n"})
    assert code.users("C") == ("a.c",)


@pytest.mark.parametrize(
    ("body", "value"),
    [("3650", 3650), ("(-100)", -100), ("4096000L", 4096000), ("0x10", 16), ("010", None), ("3 + 4", None), ("", None)],
)
def test_only_a_plain_number_is_read_as_one(body: str, value: int | None) -> None:
    assert whole_number(body) == value


def hostile() -> tuple[RequirementsFile, DesignFile]:
    file = requirements()
    worse = tuple(item.model_copy(update={"text": HOSTILE}) for item in file.requirements)
    pack = file.pack.model_copy(update={"cell_type": HOSTILE})
    drawn = with_elements(lambda item: item.model_copy(update={"name": HOSTILE, "purpose": HOSTILE}))
    return (
        file.model_copy(update={"requirements": worse, "pack": pack}),
        drawn.model_copy(update={"failures": (evil("SR-09"),)}),
    )


def test_no_word_of_a_document_becomes_markup() -> None:
    file, drawn = hostile()
    plan = plan_tests(file, drawn)
    pages = (
        test_plan_document.render(plan, file),
        compliance_document.render(verified(file=file, of=drawn, plan=plan), file, HOSTILE),
    )
    for page in (data.decode() for data in pages):
        assert "&lt;script&gt;" in page
        assert "<script" not in page
        assert not re.search(r"(?<!\\)\]\(http", page)
        assert "\u202e" not in page
        assert "www." not in page
        assert not re.search(r"^second line", page, re.MULTILINE)


def test_the_pages_hold_every_requirement_test_and_question() -> None:
    file = requirements()
    plan, compliance = plan_tests(file, design()), verified()
    tests, report = (
        test_plan_document.render(plan, file).decode(),
        compliance_document.render(compliance, file).decode(),
    )
    assert all(f"### {test.id}\n" in tests for test in plan.tests)
    for item in file.requirements:
        assert f"| [{item.id}](SAFETY_REQUIREMENTS.md#{item.id.lower()}) |" in tests
        assert f"| [{item.id}](SAFETY_REQUIREMENTS.md#{item.id.lower()}) |" in report
    assert all(question.question in report for question in compliance.questions)
    assert "No conformity with any standard is claimed" in report
    assert "nobody told whether it was compiled" in report


def test_the_report_begins_with_what_is_critical_and_not_met() -> None:
    compliance = verified(plan=without_tests("SR-02"))
    report = compliance_document.render(compliance, requirements()).decode()
    assert "13 requirements: **11 met, 1 not met, 1 open.**" in report
    assert report.index("SR-02](SAFETY_REQUIREMENTS.md#sr-02) not met, critical.") < report.index("SR-13]")


def test_the_same_values_give_the_same_bytes() -> None:
    file = requirements()

    def once() -> tuple[bytes, ...]:
        plan, checked = plan_tests(file, design()), verified()
        pages = test_plan_document.render(plan, file), compliance_document.render(checked, file)
        return written(plan), written(checked), *pages

    assert once() == once()


def test_a_plan_for_nothing_is_empty_and_a_verification_of_nothing_says_so() -> None:
    nothing = requirements().model_copy(update={"requirements": (), "limits": ()})
    empty = DesignFile(board="", nodes=(), elements=(), channels=(), pins=(), wires=(), failures=())
    assert plan_tests(nothing, empty).tests == ()
    compliance = verify(nothing, empty, bill(), TestPlanFile(tests=()), {})
    assert compliance.verifications == ()
    assert not any(question.is_satisfied for question in compliance.questions)
