"""A day in which nothing is wrong is a day in which nothing is doubted and nothing is alarming; and the same day with a
fault in it is not."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from agents.device.alarms.rules import start_rules
from agents.device.alarms.standing import Alarms
from agents.device.judging.combining import Heard
from agents.device.judging.limits import Limits
from agents.device.status import Status
from agents.device.watching.watch import Terms, Watched, look
from protocol.bodies import Quality
from tests.agents.device.days import DAY_S, day


def complaints(
    seed: int, period_s: float, change: Callable[[float, Status], Status] = lambda at_s, status: status
) -> tuple[set[str], set[str], list[Status]]:
    """The codes that were raised in a day, the readings that were not good, and what was said."""
    terms = Terms(start_rules(16, 280), Limits(cell_count=16, period_s=period_s))
    watched = Watched("pack", Alarms(0.0), {"bms": Heard(0.0)})
    raised, doubted, said = set[str](), set[str](), list[Status]()
    for at_s, sound in day(seed, period_s):
        status = change(at_s, sound)
        found = look(watched, {"bms": status}, at_s, round(at_s * 1e9), terms)
        watched, raised = found.watched, raised | {one.alert.code for one in found.alerts}
        readings = (one for message in found.telemetry for one in message.readings)
        doubted |= {one.name for one in readings if one.quality is not Quality.GOOD}
        said.append(status)
    return raised, doubted, said


def assert_quiet(seed: int, period_s: float) -> None:
    raised, doubted, said = complaints(seed, period_s)
    assert (raised, doubted) == (set(), set())
    assert len(said) == DAY_S / period_s
    charges = [status.soc_percent or 0.0 for status in said]
    lowest, highest = (pick(volts for status in said for volts in status.cells.values()) for pick in (min, max))
    assert min(charges) <= 8, "it was not emptied"
    assert max(charges) >= 98, "it was not filled"
    assert (lowest, highest) == pytest.approx((3.0, 3.45), abs=0.05)
    assert min(min(status.temperatures.values()) for status in said) < 0


@pytest.mark.parametrize("seed", [3, 11])
def test_a_whole_normal_day_from_full_to_empty_and_back_raises_and_doubts_nothing(seed: int) -> None:
    assert_quiet(seed, period_s=30.0)


@pytest.mark.slow
def test_a_normal_day_looked_at_more_often_raises_and_doubts_nothing() -> None:
    assert_quiet(20, period_s=5.0)  # at each second: python -m tests.agents.device.fault_table


def with_cell_at(number: int, sag_v: float) -> Callable[[float, Status], Status]:
    """A cell that has fallen behind all others, and a pack that has as much less."""

    def change(_: float, status: Status) -> Status:
        pack_v = round((status.pack_voltage_v or 0.0) - sag_v, 3)
        return replace(status, cells={**status.cells, number: round(status.cells[number] - sag_v, 3)},
                       pack_voltage_v=pack_v)  # fmt: skip

    return change


@pytest.mark.parametrize("sag_v", [0.06, 0.09])
def test_a_cell_that_has_fallen_behind_is_found_in_the_flat_part_at_rest(sag_v: float) -> None:
    raised, doubted, _ = complaints(3, 30.0, with_cell_at(7, sag_v))
    assert "cell-delta-rest" in raised
    assert doubted == set()


def test_a_cell_that_lacks_much_is_found_wherever_the_pack_stands() -> None:
    raised, _, _ = complaints(3, 30.0, with_cell_at(7, 0.35))
    assert {"cell-delta-rest", "cell-delta", "cell-undervoltage"} <= raised
