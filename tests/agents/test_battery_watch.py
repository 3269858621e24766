"""What is found out about a battery: each figure by hand, every assessment through the gates, and a modelled pack."""

from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from math import sin
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agents.device.emulation.pack_model import Pack, after, pack_of, status_of
from agents.device.quantities import values_of
from agents.device.recording import read_recording
from agents.skills.battery_watch.skills import assess_readings, report_watch
from agents.work import SkillFailed
from gates.telemetry.kinds import Kind
from gates.telemetry.readings import Row, read_readings
from gates.telemetry.window import WindowAlert
from protocol.bodies import AlertState, Severity
from protocol.conditions import read_condition, spelled
from protocol.errors import SourceError
from protocol.verdicts import Pass
from tests import watches
from tests.watches import BEGAN, SECOND, Watch, Window, assessed, reported, row, window

D = Decimal
Values = Callable[[int], Mapping[str, float]]


def steady(count: int, values: Values, *, every: int = 1) -> list[Row]:
    return [row(second, values(second)) for second in range(0, count * every, every)]


def passed(watch: Watch) -> Watch:
    verdict = watch.judge().verdict
    assert isinstance(verdict, Pass), verdict
    return watch


def two_cells(second: int) -> dict[str, float]:
    return {"cell-1-voltage": 3.3, "cell-2-voltage": round(3.3 + second / 3_600_000 * 6, 6)}


def test_a_window_without_a_single_row_is_assessed_and_everything_in_it_is_unknown(tmp_path: Path) -> None:
    watch = passed(assessed(tmp_path, window([], 60)))
    known = {one.kind: one.value for one in watch.assessment.findings if one.value is not None}
    assert known == {Kind.COVERAGE: D(0), Kind.LONGEST_GAP: D(60), Kind.ALERTS: D(0)}
    assert watch.outcome.description == "nothing good was read; 0 new alerts"


def test_coverage_and_the_longest_gap_count_only_rows_that_say_something_usable(tmp_path: Path) -> None:
    rows = [row(second, {"pack-voltage": 53.0}) for second in (0, 1, 2, 3, 9)]
    rows[2:4] = [row(2, {"pack-voltage": 53.0}, doubted=["pack-voltage"]), row(3, {"current": 1.0})]
    watch = passed(assessed(tmp_path, window(rows, 10)))
    assert watch.value(Kind.COVERAGE) == D(30)
    assert watch.value(Kind.LONGEST_GAP) == D(8)
    assert watch.value(Kind.DOUBTED) == D(20)


def test_a_row_with_a_missing_cell_and_no_voltage_of_the_pack_is_not_covered(tmp_path: Path) -> None:
    rows = steady(10, lambda second: two_cells(second) if second % 2 else {"cell-1-voltage": 3.3})
    assert passed(assessed(tmp_path, window(rows, 10))).value(Kind.COVERAGE) == D(50)


def test_imbalance_and_the_extremes_come_with_the_readings_that_they_are(tmp_path: Path) -> None:
    rows = [
        row(0, {"cell-1-voltage": 3.3, "cell-2-voltage": 3.31, "cell-3-voltage": 3.29}),
        row(1, {"cell-1-voltage": 3.3, "cell-2-voltage": 3.33, "cell-3-voltage": 3.29}),
        row(2, {"cell-1-voltage": 3.4, "cell-2-voltage": 3.31, "cell-3-voltage": 3.0}, doubted=["cell-3-voltage"]),
    ]
    watch = passed(assessed(tmp_path, window(rows, 3)))
    imbalance = watch.finding(Kind.IMBALANCE)
    assert imbalance.value == D(40)
    assert [(one.name, one.value) for one in imbalance.evidence] == [
        ("cell-2-voltage", D("3.33")),
        ("cell-3-voltage", D("3.29")),
    ]
    assert imbalance.text == "cell 2 lay 40 mV above cell 3, the most that two cells lay apart"
    assert watch.value(Kind.HIGHEST_CELL) == D("3.4")
    assert watch.value(Kind.LOWEST_CELL) == D("3.29"), "the suspect reading is not used"
    assert watch.value(Kind.WEAKEST_CELL) == D("-13.33"), "3.29 against a mean of 3.30333"
    assert watch.value(Kind.STRONGEST_CELL) == D("16.67")
    assert watch.finding(Kind.WEAKEST_CELL).text.startswith("cell 3 lies 13.33 mV below")


def test_trends_are_slopes_by_the_hour(tmp_path: Path) -> None:
    def values(second: int) -> dict[str, float]:
        return {**two_cells(second), "pack-voltage": 53 - second / 1000, "temperature-1": 20 + second / 100}

    watch = passed(assessed(tmp_path, window(steady(100, values), 100)))
    assert watch.value(Kind.VOLTAGE_TREND) == D("-3.6")
    assert watch.value(Kind.IMBALANCE_TREND) == D("6")
    assert watch.value(Kind.TEMPERATURE_TREND) == D("36")


def test_the_voltage_of_the_pack_is_the_sum_of_its_cells_where_it_is_not_told(tmp_path: Path) -> None:
    watch = passed(assessed(tmp_path, window(steady(100, two_cells), 100)))
    assert watch.value(Kind.VOLTAGE_TREND) == D("0.006")


@pytest.mark.parametrize(("count", "every"), [(9, 10), (60, 1), (10, 6)])
def test_no_trend_is_told_from_too_few_rows_or_too_short_a_time(tmp_path: Path, count: int, every: int) -> None:
    watch = passed(assessed(tmp_path, window(steady(count, two_cells, every=every), 100)))
    trend = watch.finding(Kind.VOLTAGE_TREND)
    assert trend.value is None
    assert trend.unknown == "there are less than 10 rows or less than 60 s to tell a trend from"


def test_charge_and_energy_are_counted_only_where_the_rows_belong_together(tmp_path: Path) -> None:
    def values(second: int) -> dict[str, float]:
        return {"current": -36.0, "pack-voltage": 50.0}

    rows = [row(second, values(second)) for second in (0, 1, 2, 5, 9, 10)]  # 5 to 9 is longer than three periods
    watch = passed(assessed(tmp_path, window(rows, 10)))
    assert watch.value(Kind.CHARGE) == D("-0.06"), "36 A for 6 s"
    assert watch.value(Kind.ENERGY) == D("-3")
    assert watch.finding(Kind.CHARGE).text == "0.06 Ah flowed out of the battery"


def test_charge_is_a_trapezoid(tmp_path: Path) -> None:
    watch = passed(assessed(tmp_path, window([row(0, {"current": 0.0}), row(3, {"current": 240.0})], 3)))
    assert watch.value(Kind.CHARGE) == D("0.1")


def soc_at(second: int, start: float = 50, per_s: float = 0.1) -> dict[str, float]:
    return {"soc": float(int(start + second * per_s)), "current": 360.0}


def test_capacity_is_charge_over_movement_between_changes_of_the_state_of_charge(tmp_path: Path) -> None:
    watch = passed(assessed(tmp_path, window(steady(200, soc_at), 200)))
    assert watch.value(Kind.CAPACITY) == D("100"), "360 A move a per cent in 10 s: 1 Ah"
    assert {one.name for one in watch.finding(Kind.CAPACITY).evidence} == {"soc", "current"}


def test_capacity_is_unknown_where_too_little_moves_or_the_current_goes_the_other_way(tmp_path: Path) -> None:
    little = passed(assessed(tmp_path / "a", window(steady(110, soc_at), 110)))
    assert little.finding(Kind.CAPACITY).unknown == "the state of charge moved less than 10 % in one go"
    against = steady(200, lambda second: {**soc_at(second), "current": -360.0})
    contrary = passed(assessed(tmp_path / "b", window(against, 200)))
    assert "does not flow the way" in contrary.finding(Kind.CAPACITY).unknown


def test_capacity_is_not_counted_over_a_gap(tmp_path: Path) -> None:
    rows = [one for one in steady(200, soc_at) if not BEGAN + 95 * SECOND < one.taken_ns < BEGAN + 105 * SECOND]
    assert passed(assessed(tmp_path, window(rows, 200))).value(Kind.CAPACITY) is None


def stepping(amperes: float) -> Values:
    """A pack of 5 mΩ whose current steps every second, and once is told wrongly."""

    def values(second: int) -> dict[str, float]:
        current = amperes * (second % 2)
        return {"current": current, "pack-voltage": round(53 + 0.005 * current + (1 if second == 7 else 0), 6)}

    return values


@pytest.mark.parametrize(("amperes", "ohm"), [(14.0, D("5")), (13.99, None)])
def test_resistance_is_the_median_over_steps_of_a_twentieth_of_the_capacity(
    tmp_path: Path, amperes: float, ohm: Decimal | None
) -> None:
    watch = passed(assessed(tmp_path, window(steady(20, stepping(amperes)), 20)))
    assert watch.value(Kind.RESISTANCE) == ohm


def test_without_a_capacity_ten_amperes_are_a_step_and_three_steps_are_needed(tmp_path: Path) -> None:
    def ohm(folder: str, count: int) -> Decimal | None:
        one = window(steady(count, stepping(10.0)), 20, limits={})
        return passed(assessed(tmp_path / folder, one)).value(Kind.RESISTANCE)

    assert (ohm("a", 3), ohm("b", 4)) == (None, D("5"))


def test_the_first_cell_to_reach_a_limit_is_told_with_its_hours(tmp_path: Path) -> None:
    def values(second: int) -> dict[str, float]:
        rising, falling = 3.0 + second * 0.0001, 3.4 - second * 0.0002
        return {"cell-1-voltage": 3.64, "cell-2-voltage": round(rising, 6), "cell-3-voltage": round(falling, 6)}

    watch = passed(assessed(tmp_path, window(steady(101, values), 101)))
    assert watch.value(Kind.TIME_TO_HIGH) == D("1.78"), "0.64 V at 0.36 V/h; the highest cell does not move"
    assert watch.value(Kind.TIME_TO_LOW) == D("1.22"), "0.88 V at 0.72 V/h"
    assert watch.finding(Kind.TIME_TO_HIGH).text == "cell 2 is at 3.65 V in 1.78 h if it goes on like this"
    assert watch.finding(Kind.TIME_TO_HOT).value is None


def test_a_cell_that_is_at_its_limit_has_no_time_left(tmp_path: Path) -> None:
    watch = passed(assessed(tmp_path, window(steady(100, lambda _: {"cell-1-voltage": 3.65}), 100)))
    assert watch.value(Kind.TIME_TO_HIGH) == D(0)
    assert watch.finding(Kind.TIME_TO_HIGH).text == "cell 1 is at 3.65 V or beyond by its trend"


def test_only_sensors_at_the_cells_count_as_hot(tmp_path: Path) -> None:
    values = {"temperature-1": 25.5, "temperature-mos": 80.0}
    watch = passed(assessed(tmp_path, window(steady(3, lambda _: values), 3)))
    assert watch.value(Kind.HOTTEST) == D("25.5")


def alert(second: int, state: AlertState = AlertState.RAISED, **fields: Any) -> WindowAlert:
    told = {"pack": "battery-1", "code": "cell-delta", "severity": Severity.WARNING, "text": "cells lie apart"}
    return WindowAlert(**{**told, "state": state, "taken_ns": BEGAN + second * SECOND, **fields})


def test_alerts_are_counted_when_they_are_raised(tmp_path: Path) -> None:
    alerts = [alert(1), alert(5, AlertState.CLEARED), alert(7, code="data-lost")]
    watch = passed(assessed(tmp_path, window(steady(10, two_cells), 10, alerts=alerts)))
    assert watch.value(Kind.ALERTS) == D(2)
    assert watch.outcome.description == "cells 3.300 to 3.300 V, delta 0 mV; 2 new alerts"


def test_an_alert_of_the_device_is_one_of_every_pack_behind_it(tmp_path: Path) -> None:
    alerts = [alert(1, code="data-lost"), alert(2, pack="rack/1")]
    watch = passed(assessed(tmp_path, window([], 10, packs=["rack/1", "rack/2"], alerts=alerts)))
    assert (watch.value(Kind.ALERTS, "rack/1"), watch.value(Kind.ALERTS, "rack/2")) == (D(2), D(1))


def test_figures_that_no_battery_has_are_assessed_like_any(tmp_path: Path) -> None:
    def values(second: int) -> dict[str, float]:
        return {"pack-voltage": 9e11 + second * 1e9, "current": 9e11 * (second % 2), "cell-1-voltage": 1e-6}

    watch = passed(assessed(tmp_path, window(steady(100, values), 100)))
    energy = watch.value(Kind.ENERGY)
    assert energy is not None
    assert energy > 10**22


def test_a_pack_with_a_very_long_name_is_assessed_though_its_figures_are_no_values(tmp_path: Path) -> None:
    packs = ["p" * 195, "q" * 195]
    rows = [row(second, two_cells(second), pack) for second in range(100) for pack in packs]
    watch = passed(assessed(tmp_path, window(rows, 100, packs=packs)))
    assert watch.value(Kind.IMBALANCE_TREND, packs[0]) == D(6)
    assert len(watch.outcome.description) < 1_000


def test_figures_are_values_for_conditions_named_by_pack_where_there_are_several(tmp_path: Path) -> None:
    one = passed(assessed(tmp_path / "a", window(steady(100, two_cells), 100)))
    assert one.outcome.values["imbalance-trend"] == D(6)
    assert "capacity" not in one.outcome.values
    rows = [row(second, two_cells(second), pack) for second in range(100) for pack in ("rack/1", "rack/2")]
    two = passed(assessed(tmp_path / "b", window(rows, 100, packs=["rack/1", "rack/2"])))
    assert two.outcome.values["rack/2:imbalance-trend"] == D(6)
    assert "imbalance-trend" not in two.outcome.values
    assert two.outcome.values["not-known"] == 2 * one.outcome.values["not-known"]
    told = {f"assess.{name}": spelled(value) for name, value in two.outcome.values.items()}
    assert read_condition("assess.rack/2:imbalance-trend > 5 and not assess.rack/2:capacity > 0").holds(told)


CELLS = ("cell-1-voltage", "cell-2-voltage", "cell-10-voltage")
names = st.sampled_from([*CELLS, "pack-voltage", "current", "soc", "temperature-1", "temperature-2", "temperature-mos"])


@st.composite
def windows(draw: st.DrawFn) -> Window:
    """A window of one or two packs whose rows waver, jump, fall silent and are doubted as it happens."""
    random = Random(draw(st.integers(0, 2**32)))
    columns = sorted(draw(st.sets(names, min_size=1)))
    packs = draw(st.sampled_from([["battery-1"], ["rack/1", "rack/2"]]))
    count = draw(st.integers(0, 120))
    period = draw(st.sampled_from(["1", "0.5", "2.5"]))
    slope, step, jitter = random.choice([0, 0.1, -0.1, 3]), random.choice([0.001, 0.25, 1]), random.choice([0, 0.01])
    missing, suspect = random.choice([0, 0.1, 0.7]), random.choice([0, 0.1])
    levels = {"cell": 3.3, "pack": 53.0, "current": 0.0, "soc": 50.0, "temperature": 25.0}
    swings = {"current": 40.0, "soc": 20.0}
    rows, second = [], 0.0
    for place in range(count):
        second += random.choice([0.5, 1, 1, 1, 1, 2, 30]) * float(period) if random.random() < 0.3 else float(period)
        pack, values = random.choice(packs), {}
        for name in columns:
            kind = name.partition("-")[0]
            wave = swings.get(kind, 0.02) * sin(place / 7) + slope * place / 100 + random.gauss(0, 1) * jitter
            if random.random() >= missing:
                values[name] = round(round((levels[kind] + wave) / step) * step, 6)
        rows.append(row(round(second, 3), values, pack, [name for name in values if random.random() < suspect]))
    limits = draw(st.sets(st.sampled_from(sorted(watches.LIMITS))))
    return window(
        rows,
        round(second, 3) + draw(st.integers(0, 20)),
        packs=packs,
        period_s=period,
        limits={name: watches.LIMITS[name] for name in limits},
    )


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(windows())
def test_skill_and_gate_come_to_the_same_by_different_ways(
    tmp_path_factory: pytest.TempPathFactory, one: Window
) -> None:
    passed(assessed(tmp_path_factory.mktemp("w"), one))


@pytest.mark.slow
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(windows())
def test_skill_and_gate_come_to_the_same_for_many_windows(
    tmp_path_factory: pytest.TempPathFactory, one: Window
) -> None:
    passed(assessed(tmp_path_factory.mktemp("w"), one))


def modelled(current_a: Callable[[int], float], seconds: int, charge: float) -> tuple[Pack, Iterator[Row]]:
    """Return a pack and what a monitor says of it every second."""
    made, noise = pack_of(3, charge=charge), Random(3)

    def rows() -> Iterator[Row]:
        pack = made
        for second in range(seconds):
            pack = after(pack, current_a(second), 1.0)
            values = values_of(status_of(pack, noise))
            yield row(second, {name: round(value, 6) for name, value in values.items()})

    return made, rows()


def test_capacity_and_resistance_of_a_modelled_pack_are_found_again(tmp_path: Path) -> None:
    pack, rows = modelled(lambda second: -140.0 if second // 300 % 2 else -60.0, 5_400, charge=0.9)
    watch = passed(assessed(tmp_path, window(list(rows), 5_400)))
    capacity, resistance = watch.value(Kind.CAPACITY), watch.value(Kind.RESISTANCE)
    assert capacity is not None
    assert resistance is not None
    made_ah = sum(cell.capacity_ah for cell in pack.cells) / len(pack.cells)
    assert float(capacity) == pytest.approx(made_ah, rel=0.02)
    assert float(resistance) == pytest.approx(sum(cell.ohm for cell in pack.cells) * 1000, rel=0.10)


def three_windows() -> list[Window]:
    """Return a watch of three minutes with a minute missing, and an alert that is over and one that stands."""

    def part(number: int, since: int, *alerts: WindowAlert) -> Window:
        rows = [row(since + second, {**two_cells(since + second), "current": -36.0}) for second in range(60)]
        made = window(rows, 60, number=number, since=since, alerts=alerts)
        began_ns = BEGAN + since * SECOND
        line = f"# orchestra device recording 1 began_ns={began_ns} protocol=jbd\n0 > dda5\n7 < dd03\n"
        return Window(made.file, made.rows, made.units, line.encode())

    over = [alert(3), alert(9, AlertState.CLEARED)]
    stands = alert(190, code="cell-overvoltage", severity=Severity.CRITICAL, text="cell 2 | <b>3.7 V</b>")
    return [part(1, 0, *over), part(2, 60), part(4, 180, stands)]


def test_a_whole_watch_is_one_assessment_one_file_of_readings_one_recording_and_a_page(tmp_path: Path) -> None:
    handed_in = three_windows()
    watch = passed(reported(tmp_path, [handed_in[2], handed_in[0], handed_in[1]]))
    assert list(watches.media_types(watch.outcome)) == ["assessment.json", "readings.csv", "line.txt", "WATCH.md"]
    file = watch.assessment
    assert (file.from_ns, file.to_ns, file.rows) == (BEGAN, BEGAN + 240 * SECOND, 180)
    assert watch.value(Kind.LONGEST_GAP) == D(61)
    assert watch.value(Kind.COVERAGE) == D(100), "of what the windows were to read"
    assert watch.value(Kind.CHARGE) == D("-1.78"), "the minute that nobody watched is not counted"
    assert read_readings(watch.data("readings.csv"), "r").rows == tuple(one for w in handed_in for one in w.rows)


def test_the_recordings_of_a_watch_are_joined_with_their_times(tmp_path: Path) -> None:
    watch = reported(tmp_path, three_windows())
    head, chunks = read_recording(watch.data("line.txt").decode().splitlines(keepends=True), "line.txt")
    assert (head.began_ns, head.protocol) == (BEGAN, "jbd")
    assert [one.at_ns for one in chunks] == [0, 7, 60 * SECOND, 60 * SECOND + 7, 180 * SECOND, 180 * SECOND + 7]


def test_the_page_says_first_what_stands_and_what_is_not_known_and_that_nothing_is_protected(tmp_path: Path) -> None:
    said = reported(tmp_path, three_windows()).data("WATCH.md").decode()
    order = [
        "**It does not protect**",
        "## What is alarming",
        "**cell-overvoltage** stands (critical, raised 2026-11-21T20:23:10Z)",
        "cell-delta was raised and is over",
        "## What is not known",
        "nothing usable was heard for 61 s at the longest",
        "the capacity is not known: the state of charge moved less than 10 % in one go",
        "the imbalance grows by 6 mV/h",
        "### Windows",
        "## Alerts",
        "## Gaps",
        "| battery-1 | 2026-11-21T20:21:59Z | 2026-11-21T20:23:00Z | 61.0 |",
    ]
    places = [said.find(words) for words in order]
    assert -1 not in places, order[places.index(-1)]
    assert places == sorted(places)
    assert "<b>" not in said
    assert "SOC_PERCENT" not in said


def test_windows_of_different_columns_and_of_no_rows_are_one_watch(tmp_path: Path) -> None:
    first = window(steady(60, two_cells), 60)
    silent = window([], 60, number=2, since=60)
    other = window([row(120 + second, {"current": 1.0}) for second in range(60)], 60, number=3, since=120)
    watch = passed(reported(tmp_path, [first, silent, other]))
    assert watch.value(Kind.COVERAGE) == D("33.33")
    assert "| 2 |" in watch.data("WATCH.md").decode()


def test_what_does_not_belong_together_is_refused_in_a_sentence(tmp_path: Path) -> None:
    windows_in = three_windows()
    overlapping = Window(windows_in[1].file.model_copy(update={"from_ns": BEGAN}), *_rest(windows_in[1]))
    other = Window(windows_in[1].file.model_copy(update={"device": "other"}), *_rest(windows_in[1]))
    kelvin = Window(windows_in[1].file, windows_in[1].rows, {**windows_in[1].units, "current": "mA"})
    for folder, wrong, why in [
        ("a", overlapping, "windows 1 and 2 do not follow each other"),
        ("b", other, "windows 1 and 2 are of battery-1 and other"),
        ("c", kelvin, "window-2/readings.csv has current in mA, an earlier window in A"),
    ]:
        with pytest.raises(SkillFailed, match=why):
            report_watch(watches.given(tmp_path / folder, [windows_in[0], wrong]).work())
    with pytest.raises(SkillFailed, match="2 windows are among the inputs"):
        assess_readings(watches.given(tmp_path / "d", windows_in[:2]).work())
    with pytest.raises(SkillFailed, match=r"window\.json is not among the inputs"):
        report_watch(watches.given(tmp_path / "e", []).work())
    broken = Window(windows_in[0].file, windows_in[0].rows, windows_in[0].units, b"no recording\n")
    with pytest.raises(SourceError, match=r"window-1/line\.txt, line 1: this is no recording"):
        report_watch(watches.given(tmp_path / "f", [broken]).work())


def _rest(one: Window) -> tuple[Any, Any]:
    return one.rows, one.units
