"""What a picture shows: extremes are named, spikes stay, doubts are marked, old values are not there."""

import numpy as np
import pytest

from observers.battery.grid import Known, grid
from observers.battery.groups import Group
from observers.battery.history import Stage
from observers.battery.measures import measures, reliance
from observers.battery.picture import (
    COLUMNS,
    MOST_ALARMS,
    MOST_LINES,
    SEVERITIES,
    Line,
    Panel,
    Picture,
    Weight,
    picture,
)
from observers.battery.time_axis import ticks
from protocol.bodies import Quality, Severity
from tests.observers.battery.histories import DEVICE, T0_S, a_told, cell, drawn, only, reading, whole

SUSPECT, STALE, ABSENT = Quality.SUSPECT, Quality.STALE, Quality.ABSENT
CRITICAL = SEVERITIES.index(Severity.CRITICAL) + 1


def panel(shown: Picture, group: Group) -> Panel:
    return next(one for one in shown.panels if one.group is group)


def line(shown: Picture, name: str) -> Line:
    return next(one for panel in shown.panels for one in panel.lines if one.name == name)


def test_one_spike_in_a_day_of_sixteen_cells_is_in_the_picture() -> None:
    second = {at: [cell(number, 3.3) for number in range(1, 17)] for at in range(0, 86_400, 60)}
    second |= {54_321: [cell(9, 3.71)], 54_322: [cell(9, 3.3)]}
    shown = drawn(only(a_told(dict(sorted(second.items())))))
    spike = line(shown, "cell-9-voltage")
    assert 54_321.0 in spike.at_s[spike.values == 3.71]
    assert spike.weight is Weight.HIGHEST
    assert float(np.nanmax(line(shown, "delta").values)) == 410.0


def test_what_is_drawn_is_bounded_however_much_was_told() -> None:
    told = a_told({at: [cell(number, 3.3 + (at * number % 17) / 1000) for number in (1, 2)] for at in range(20_000)})
    assert all(one.at_s.size <= 4 * COLUMNS for panel in drawn(only(told)).panels for one in panel.lines)


def test_the_highest_and_the_lowest_cell_are_named_with_value_and_time() -> None:
    told = a_told({0: [cell(1, 3.3), cell(2, 3.2), cell(3, 3.3)], 5: [cell(3, 3.7, SUSPECT)], 9: [cell(3, 3.3)]})
    lines = panel(drawn(only(told)), Group.CELLS).lines
    assert [(one.weight, one.label) for one in lines] == [
        (Weight.PLAIN, "cell 1"),
        (Weight.LOWEST, "cell 2: lowest 3.200 V at 09:30:00"),
        (Weight.HIGHEST, "cell 3: highest 3.700 V at 09:30:05 (suspect)"),
    ]


def test_a_line_breaks_where_a_value_is_old_and_the_panel_says_so() -> None:
    told = a_told(
        {
            0: [reading("current", 40, "A")],
            100: [reading("current", 40, "A", STALE)],
            120: [reading("current", 0, "A", ABSENT)],
            200: [reading("current", 5, "A")],
        }
    )
    shown = drawn(only(told))
    one = line(shown, "current")
    assert not np.any((one.at_s > 100) & (one.at_s < 200) & ~np.isnan(one.values))
    [stale, absent] = panel(shown, Group.CURRENT).voids
    assert (stale.begin_s, stale.rank) == (100.0, Known.STALE)
    assert stale.end_s == pytest.approx(120, abs=0.2)
    assert (absent.rank, absent.end_s) == (Known.ABSENT, 200.0)
    assert [span.rank for span in shown.qualities[0].spans] == [Known.STALE, Known.ABSENT]


def test_what_is_suspect_is_marked() -> None:
    told = a_told({0: [cell(1, 3.3)], 5: [cell(1, 3.4, SUSPECT)], 6: [cell(1, 3.3)], 60: [cell(1, 3.3)]})
    at_s, values = line(drawn(only(told)), "cell-1-voltage").doubts
    assert (at_s.tolist(), values.tolist()) == ([5.0], [3.4])


def test_a_suspect_value_that_cannot_be_does_not_flatten_all_others_and_is_told() -> None:
    told = a_told({0: [cell(1, 3.3), cell(2, 3.31)], 5: [cell(1, 16.7, SUSPECT)], 6: [cell(1, 3.3)]})
    cells = panel(drawn(only(told)), Group.CELLS)
    assert cells.high < 3.4
    assert "16.700 V" in cells.note
    [at_s, values] = cells.lines[0].doubts
    assert (at_s.tolist(), values.tolist()) == ([5.0], [cells.high])


def test_a_suspect_value_alone_is_shown_where_it_is() -> None:
    told = a_told({0: [cell(1, 16.7, SUSPECT)], 5: [cell(1, 16.7, SUSPECT)]})
    cells = panel(drawn(only(told)), Group.CELLS)
    assert cells.low < 16.7 < cells.high
    assert not cells.note


def test_limits_stand_where_they_apply_in_the_unit_of_the_panel() -> None:
    told = a_told({0: [cell(1, 3.3), cell(2, 3.5), reading("current", -150, "A")], 9: []})
    for code, limit in (("cell-overvoltage", 3.45), ("cell-delta", 0.15), ("overcurrent", 140.0), ("data-lost", 10.0)):
        told.raised(DEVICE, code, Stage(T0_S + 1, Severity.WARNING, "", None, limit))
    shown = drawn(only(told))
    assert {one.group: [limit.value for limit in one.limits] for one in shown.panels} == {
        Group.CELLS: [3.45],
        Group.DELTA: [150.0],
        Group.CURRENT: [-140.0],
    }
    assert panel(shown, Group.CURRENT).low < -150


def test_an_alarm_is_a_bar_from_raised_to_cleared_with_its_severities_and_who_took_note() -> None:
    told = a_told({0: [cell(1, 3.3)], 100: [cell(1, 3.3)]})
    told.raised(DEVICE, "high", Stage(T0_S + 10, Severity.WARNING))
    told.raised(DEVICE, "high", Stage(T0_S + 20, Severity.CRITICAL))
    told.acknowledged(DEVICE, "high", T0_S + 30)
    told.cleared(DEVICE, "high", T0_S + 40)
    [strip] = drawn(only(told)).alarms
    assert [(span.begin_s, span.end_s, span.rank) for span in strip.spans] == [
        (10.0, 20.0, CRITICAL - 1),
        (20.0, 40.0, CRITICAL),
    ]
    assert strip.marks_s == (30.0,)


def test_an_alarm_from_before_the_time_shown_stands_from_its_beginning() -> None:
    told = a_told({second: [cell(1, 3.3)] for second in range(0, 101, 10)})
    told.raised(DEVICE, "old", Stage(T0_S + 10, Severity.INFO))
    told.raised(DEVICE, "gone", Stage(T0_S + 10, Severity.INFO))
    told.cleared(DEVICE, "gone", T0_S + 20)
    history = only(told)
    later = grid(history, T0_S + 50, T0_S + 100)
    [strip] = picture(history, later, "").alarms
    assert (strip.label, strip.spans[0].begin_s) == ("old", 0.0)


def test_very_many_cells_and_alarms_are_bounded_and_what_is_left_out_is_counted() -> None:
    told = a_told({0: [cell(number, 3.3) for number in range(1, 200)]})
    for number in range(50):
        told.raised(DEVICE, f"alarm-{number}", Stage(T0_S, Severity.INFO))
    shown = drawn(only(told))
    cells = panel(shown, Group.CELLS)
    assert len(cells.lines) == MOST_LINES
    assert cells.note == f"{199 - MOST_LINES} more are not drawn"
    assert (len(shown.alarms), shown.left_out) == (MOST_ALARMS, 50 - MOST_ALARMS)


def test_a_battery_without_cells_has_its_voltage_instead() -> None:
    pack = reading("pack-voltage", 52.8, "V")
    groups = [one.group for one in drawn(only(a_told({0: [pack, reading("soc", 50, "%")]}))).panels]
    assert groups == [Group.PACK, Group.SOC]
    assert Group.PACK not in [one.group for one in drawn(only(a_told({0: [pack, cell(1, 3.3)]}))).panels]


def test_a_sensor_that_is_not_there_is_no_line_and_no_lack_of_quality() -> None:
    told = a_told({0: [reading("temperature-1", 20, "degC"), reading("temperature-2", 0, "degC", ABSENT)], 5: []})
    shown = drawn(only(told))
    assert [one.label for one in panel(shown, Group.TEMPERATURES).lines] == ["sensor 1"]
    assert shown.qualities[0].spans == ()


def test_the_numbers_are_of_all_that_was_measured_and_the_mean_counts_time() -> None:
    told = a_told(
        {0: [cell(1, 3.0)], 30: [cell(1, 3.4)], 40: [cell(1, 3.9, SUSPECT)], 50: [cell(1, 3.9, STALE)], 60: []}
    )
    [one] = measures(whole(only(told)))
    assert one.lowest is not None
    assert one.highest is not None
    assert (one.lowest.value, one.highest.value, one.highest.is_suspect) == (3.0, 3.9, True)
    assert one.mean == pytest.approx(3.1)
    assert one.shares == pytest.approx({Known.GOOD: 4 / 6, Known.SUSPECT: 1 / 6, Known.STALE: 1 / 6})


def test_a_group_is_as_good_as_its_least_known_reading() -> None:
    told = a_told({0: [cell(1, 3.0), cell(2, 3.0)], 30: [cell(2, 3.0, STALE)], 40: [cell(2, 3.0)], 60: []})
    assert reliance(whole(only(told))) == {
        Group.CELLS: {Known.GOOD: pytest.approx(5 / 6), Known.STALE: pytest.approx(1 / 6)}
    }


@pytest.mark.parametrize(
    ("span_s", "labels"),
    [
        (0.002, ["09:30:00.000\n2026-11-21", "09:30:00.001", "09:30:00.002"]),
        (20, ["09:30:00\n2026-11-21", "09:30:05", "09:30:10", "09:30:15", "09:30:20"]),
        (7200, ["09:30\n2026-11-21", "09:45", "10:00", "10:15", "10:30", "10:45", "11:00", "11:15", "11:30"]),
        (86_400, ["12:00\n2026-11-21", "15:00", "18:00", "21:00", "00:00\n2026-11-22", "03:00", "06:00", "09:00"]),
        (3 * 86_400, ["12:00\n2026-11-21", "00:00\n2026-11-22", "12:00"]),
    ],
)
def test_the_time_axis_has_round_marks_in_utc(span_s: float, labels: list[str]) -> None:
    assert [tick.label for tick in ticks(T0_S, T0_S + span_s)][: len(labels)] == labels


def test_the_time_axis_reaches_from_the_first_year_to_the_last() -> None:
    found = ticks(-62_135_596_800.0, 253_402_300_799.0)
    assert 2 < len(found) < 12
    assert all(len(tick.label) == 10 for tick in found)
