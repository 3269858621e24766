"""The history of a battery: what was told holds, what is old is not shown, and alarms last from raised to cleared."""

from math import isnan

import numpy as np
import pytest

from agents.device.quantities import CURRENT, PACK, SOC, cell_name, temperature_name, unit_of
from bus.records import Entry
from observers.battery.grid import HELD_S, Grid, Known, Row, grid
from observers.battery.groups import Group, group_of, group_of_alarm, label_of
from observers.battery.history import Stage, Told
from protocol.bodies import Alert, AlertState, Body, Quality, Severity, Telemetry
from protocol.encoder import encode
from protocol.messages import MessageType
from tests.builders import message
from tests.observers.battery.histories import DEVICE, T0_S, a_told, cell, only, reading, whole

GOOD, SUSPECT, STALE, ABSENT = Quality.GOOD, Quality.SUSPECT, Quality.STALE, Quality.ABSENT
NS = 1_000_000_000


def row(shown: Grid, name: str) -> Row:
    return next(one for one in shown.rows if one.name == name)


def at(shown: Grid, name: str, second: float) -> tuple[float, Known]:
    """Return what was known of a reading at a second."""
    place = int(np.searchsorted(shown.at_s, T0_S + second, side="right")) - 1
    return float(row(shown, name).values[place]), Known(int(row(shown, name).known[place]))


def entry(kind: MessageType, body: Body, identity: str, task: str = DEVICE) -> Entry:
    said = message(kind, body, identity, sender="@battery", recipient="@everyone", task=task)
    return Entry(1, 1, f"everyone/{kind.value}", encode(said))


@pytest.mark.parametrize(
    ("name", "group"),
    [
        (cell_name(16), Group.CELLS),
        (PACK, Group.PACK),
        (CURRENT, Group.CURRENT),
        (temperature_name("mos"), Group.TEMPERATURES),
        (SOC, Group.SOC),
    ],
)
def test_readings_as_devices_name_them_have_their_panel(name: str, group: Group) -> None:
    assert group_of(reading(name, 1, unit_of(name))) is group
    assert group_of(reading(name, 1, "furlong")) is None


@pytest.mark.parametrize(
    ("code", "text", "group"),
    [
        ("mine", "pack: mine: cell-3-voltage is 3.5 V, above 3.45 V", Group.CELLS),
        ("mine", "mine: cell-3-voltage less cell-1-voltage is 0.4 V, above 0.3 V while resting", Group.DELTA),
        ("mine", "mine: temperature-1 is 51 °C, above 50 °C", Group.TEMPERATURES),
        ("mine", "mine: the silence is 12 s, above 10 s", None),
        ("cell-delta", "", Group.DELTA),
        ("short-circuit", "", Group.CURRENT),
        ("data-lost", "", None),
    ],
)
def test_a_limit_lies_in_the_panel_of_what_its_alarm_is_about(code: str, text: str, group: Group | None) -> None:
    assert group_of_alarm(code, text) is group


def test_labels_are_words() -> None:
    assert [label_of(name) for name in ("cell-7-voltage", "temperature-mos", "soc")] == [
        "cell 7",
        "sensor mos",
        "state of charge",
    ]


def test_a_value_holds_until_it_is_told_again() -> None:
    shown = whole(only(a_told({0: [cell(1, 3.3), cell(2, 3.4)], 5: [cell(2, 3.5)], 60: [cell(1, 3.3), cell(2, 3.5)]})))
    assert at(shown, "cell-1-voltage", 5) == (3.3, Known.GOOD)
    assert at(shown, "cell-2-voltage", 5) == (3.5, Known.GOOD)


@pytest.mark.parametrize("quality", [STALE, ABSENT])
def test_what_is_stale_or_absent_has_no_value(quality: Quality) -> None:
    shown = whole(only(a_told({0: [cell(1, 3.3)], 5: [cell(1, 3.3, quality)], 9: [cell(1, 3.2)]})))
    value, known = at(shown, "cell-1-voltage", 5)
    assert isnan(value)
    assert known.name == quality.name
    assert at(shown, "cell-1-voltage", 9) == (3.2, Known.GOOD)


def test_what_nobody_has_told_for_long_is_not_known_any_more() -> None:
    shown = whole(only(a_told({0: [cell(1, 3.3)], 1: [cell(1, 3.3)], 2: [cell(1, 3.3)], 3600: [cell(1, 3.2)]})))
    assert at(shown, "cell-1-voltage", 1 + HELD_S)[1] is Known.GOOD
    assert at(shown, "cell-1-voltage", 2 + HELD_S)[1] is Known.UNTOLD
    assert at(shown, "cell-1-voltage", 3600)[1] is Known.GOOD


def test_a_device_that_is_asked_seldom_is_not_unknown_between_two_answers() -> None:
    shown = whole(only(a_told({second: [cell(1, 3.3)] for second in range(0, 6000, 600)})))
    assert set(row(shown, "cell-1-voltage").known.tolist()) == {Known.GOOD}


def test_nothing_is_known_after_the_last_that_was_told() -> None:
    history = only(a_told({0: [cell(1, 3.3)], 10: [cell(1, 3.3)]}))
    shown = grid(history, T0_S, T0_S + 100)
    assert at(shown, "cell-1-voltage", 10)[1] is Known.GOOD
    assert at(shown, "cell-1-voltage", 12)[1] is Known.UNTOLD


def test_the_delta_is_in_doubt_where_a_cell_is_missing_and_not_there_with_one_cell() -> None:
    told = a_told(
        {
            0: [cell(1, 3.300), cell(2, 3.310), cell(3, 3.350)],
            1: [cell(3, 3.350, STALE)],
            2: [cell(2, 3.310, ABSENT)],
            3: [cell(1, 3.300), cell(2, 3.310), cell(3, 3.320)],
        }
    )
    shown = whole(only(told))
    assert at(shown, "delta", 0) == (50.0, Known.GOOD)
    assert at(shown, "delta", 1) == (10.0, Known.SUSPECT)
    assert isnan(at(shown, "delta", 2)[0])
    assert at(shown, "delta", 3) == (20.0, Known.GOOD)


def test_what_is_told_out_of_order_is_put_in_order_and_the_later_telling_counts() -> None:
    told = Told()
    for second, volts in ((5, 3.5), (0, 3.0), (5, 3.6)):
        told.readings(DEVICE, T0_S + second, [cell(1, volts)])
    [track] = only(told).tracks
    assert list(track.at_s) == [T0_S, T0_S + 5]
    assert list(track.values) == [3.0, 3.6]


def test_an_alarm_lasts_from_raised_to_cleared_through_what_gets_worse() -> None:
    told = a_told({0: [cell(1, 3.3)]})
    told.raised(DEVICE, "high", Stage(T0_S + 1, Severity.WARNING))
    told.raised(DEVICE, "high", Stage(T0_S + 2, Severity.CRITICAL))
    told.acknowledged(DEVICE, "high", T0_S + 3)
    told.cleared(DEVICE, "high", T0_S + 4)
    told.raised(DEVICE, "high", Stage(T0_S + 5, Severity.WARNING))
    told.cleared(DEVICE, "never-raised", T0_S + 6)
    first, second = only(told).alarms
    assert [stage.severity for stage in first.stages] == [Severity.WARNING, Severity.CRITICAL]
    assert (first.began_s, first.acknowledged_s, first.cleared_s) == (T0_S + 1, (T0_S + 3,), T0_S + 4)
    assert second.cleared_s is None


def test_a_journal_tells_of_each_device_and_of_the_alarms_of_its_packs() -> None:
    taken = int(T0_S) * NS
    said = [
        entry(MessageType.TELEMETRY, Telemetry(device="bank/1", taken=taken, readings=(cell(1, 3.3),)), "m1"),
        entry(MessageType.TELEMETRY, Telemetry(device="bank/2", taken=taken, readings=(cell(1, 3.4),)), "m2"),
        entry(MessageType.TELEMETRY, Telemetry(device="silent", taken=taken), "m3"),
        entry(MessageType.ALERT, alert("data-lost"), "m4", task="bank"),
        entry(MessageType.ALERT, alert("high"), "m5", task="bank/2"),
        entry(MessageType.ALERT, alert("other"), "m6", task="a-task"),
    ]
    told = Told()
    told.entries(said)
    found = {one.device: [alarm.code for alarm in one.alarms] for one in told.histories()}
    assert found == {"bank/1": ["data-lost"], "bank/2": ["data-lost", "high"]}


def alert(code: str) -> Alert:
    return Alert(code=code, severity=Severity.WARNING, state=AlertState.RAISED, text=code)
