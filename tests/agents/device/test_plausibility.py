"""How far readings can be relied on: what is healthy is good, what cannot be is suspect, what is old says so."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from decimal import Decimal
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agents.device.emulation.pack_model import Pack, after, allowed_a, pack_of, status_of
from agents.device.judging.limits import Limits
from agents.device.judging.past import NOTHING, Past
from agents.device.judging.plausibility import Judged, aged, judge, worst_of
from agents.device.protocols.jbd import Jbd
from agents.device.status import Status
from protocol.bodies import Quality, Reading

LIMITS = Limits(cell_count=16)
# A JBD board on a bench, as captured: its basic answer and its cells, the last of which is open.
BENCH = bytes.fromhex(
    "dd030017000000000000271000002c500000000000002000011000ff0577"
    "dd0400200e100e100e100e100e100e100e100e100e100e100e100e100e100e100e100000fe1e77"
)
GOOD, SUSPECT, STALE, ABSENT = Quality.GOOD, Quality.SUSPECT, Quality.STALE, Quality.ABSENT


def healthy(**changed: object) -> Status:
    """A pack at rest, with four sensors."""
    cells = {number: 3.300 + number / 1000 for number in range(1, 17)}
    temperatures = {"1": 21.0, "2": 21.5, "3": 22.0, "4": 21.2}
    plain = Status(
        pack_voltage_v=round(sum(cells.values()), 2),
        current_a=0.0,
        soc_percent=60,
        remaining_ah=168.0,
        nominal_ah=280.0,
        cell_count=16,
        cells=cells,
        temperatures=temperatures,
        charge_fet=True,
        discharge_fet=True,
    )
    return replace(plain, **changed)  # type: ignore[arg-type]


def with_cells(**volts: float) -> Status:
    """The same, some of its cells at other voltages: c5=3.9. The pack has what its cells sum to."""
    cells = healthy().cells | {int(name[1:]): value for name, value in volts.items()}
    return healthy(cells=cells, pack_voltage_v=sum(cells.values()))


def judged(statuses: Iterable[Status], limits: Limits = LIMITS, *, period_s: float = 1.0) -> list[dict[str, Judged]]:
    """What is said of each of some statuses that come one after the other."""
    past, said = NOTHING, list[dict[str, Judged]]()
    for number, status in enumerate(statuses):
        found, past = judge(status, past, 100.0 + number * period_s, limits)
        said.append({one.reading.name: one for one in found})
    return said


def qualities(statuses: Iterable[Status], name: str, limits: Limits = LIMITS) -> list[Quality]:
    return [one[name].reading.quality for one in judged(statuses, limits)]


def not_good(said: dict[str, Judged]) -> set[str]:
    return {name for name, one in said.items() if one.reading.quality is not GOOD}


def last_of(statuses: Sequence[Status], limits: Limits = LIMITS) -> dict[str, Judged]:
    return judged(statuses, limits)[-1]


def past_of(statuses: Sequence[Status]) -> Past:
    past = NOTHING
    for number, status in enumerate(statuses):
        _, past = judge(status, past, 100.0 + number, LIMITS)
    return past


def test_a_healthy_status_is_good_and_has_its_units() -> None:
    [said] = judged([healthy()])
    assert not_good(said) == set()
    assert said["cell-3-voltage"].reading == Reading(
        name="cell-3-voltage", unit="V", quality=GOOD, value=Decimal("3.303")
    )
    assert {said[name].reading.unit for name in ("current", "soc", "temperature-1", "charge-fet")} == {
        "A",
        "%",
        "degC",
        "1",
    }


def test_what_is_dangerous_and_possible_is_good() -> None:
    steps = [with_cells(c5=3.6 + number / 20) for number in range(10)]
    assert not_good(last_of([healthy(), *steps])) - {"cell-5-voltage"} == set()
    assert qualities([with_cells(c5=4.2)], "cell-5-voltage") == [GOOD]
    assert qualities([healthy(temperatures={"1": 65.0, "2": 63.0})], "temperature-1") == [GOOD]


@pytest.mark.parametrize("volts", [-23.295, 16.57, 0.1, 6.0])
def test_a_cell_no_cell_can_be_is_suspect_and_no_other(volts: float) -> None:  # case 4
    said = last_of([replace(healthy(), cells=healthy().cells | {13: volts})])
    assert not_good(said) == {"cell-13-voltage"}
    assert "is not between 0.3 and 5" in said["cell-13-voltage"].reasons[0]


def test_a_bench_jbd_reports_pack_0_00_v_while_cells_sum_to_54_v() -> None:
    decoder = Jbd()
    basic, cells = (decoder.decode(frame) for frame in decoder.feed(BENCH))
    said = last_of([replace(basic, cells=cells.cells, cell_count=cells.cell_count)])
    assert basic.pack_voltage_v == 0.0
    assert said["pack-voltage"].reading.quality is SUSPECT
    assert "the cells sum to 54.00 V and the pack is 0.00 V" in said["pack-voltage"].reasons
    assert said["current"].reasons == ("it came with a pack of 0 V",)
    assert said["cell-1-voltage"].reading.quality is GOOD
    assert said["cell-16-voltage"].reading.quality is ABSENT  # nothing is wired to it


def test_cells_and_a_pack_that_contradict_each_other_are_suspect_both() -> None:
    said = last_of([healthy(cells=dict.fromkeys(range(1, 17), 3.1))])  # a multiplexer that stands still
    assert {"pack-voltage", "cell-1-voltage", "cell-16-voltage"} <= not_good(said)
    assert "soc" not in not_good(said)


def test_a_pack_measured_a_moment_after_its_cells_may_lie_as_far_off_as_the_current_stepped() -> None:
    sagged = replace(healthy(), current_a=-140.0, pack_voltage_v=52.0)
    assert not_good(last_of([healthy(), sagged])) == set()
    assert "pack-voltage" in not_good(last_of([healthy(), replace(sagged, current_a=0.0)]))


def test_a_cell_that_jumps_without_a_step_of_current_is_suspect_until_it_stays_there() -> None:
    jumped = with_cells(c5=3.6)
    assert qualities([healthy(), jumped, healthy()], "cell-5-voltage") == [GOOD, SUSPECT, GOOD]
    assert qualities([healthy(), *[jumped] * 5], "cell-5-voltage") == [GOOD, SUSPECT, SUSPECT, SUSPECT, GOOD, GOOD]


def test_a_cell_that_jumps_with_the_current_is_good() -> None:
    loaded = replace(with_cells(c5=3.1), current_a=-140.0)
    assert qualities([healthy(), loaded], "cell-5-voltage") == [GOOD, GOOD]


@pytest.mark.parametrize("spike", [-2330.0, 3200.0, 5.0])
def test_a_spike_of_one_reading_in_soc_is_suspect_and_the_next_reading_good(spike: float) -> None:  # case 5
    assert qualities([healthy(), healthy(soc_percent=spike), healthy()], "soc") == [GOOD, SUSPECT, GOOD]


def test_a_soc_set_anew_by_the_device_is_believed_after_some_readings() -> None:
    full = healthy(soc_percent=100)
    assert qualities([healthy(), *[full] * 5], "soc") == [GOOD, SUSPECT, SUSPECT, SUSPECT, GOOD, GOOD]


def test_a_sleeping_monitor_that_answers_with_zeros_is_believed_in_nothing() -> None:  # case 10
    asleep = healthy(
        pack_voltage_v=0.0,
        current_a=-3000.0,
        soc_percent=0,
        remaining_ah=0.0,
        nominal_ah=None,
        cells=dict.fromkeys(range(1, 17), 0.0),
        temperatures={"1": -40.0},
        charge_fet=None,
        discharge_fet=None,
    )
    said = last_of([asleep])
    assert not_good(said) == said.keys()
    assert {said[name].reading.quality for name in ("current", "cell-1-voltage", "temperature-1")} == {ABSENT}
    assert said["soc"].reading.quality is SUSPECT


def test_a_sub_zero_temperature_shown_as_a_hundred_is_suspect_for_as_long_as_it_is() -> None:  # case 11
    cooling = [healthy(temperatures={"1": celsius}) for celsius in (2.0, 1.0, 0.0, *[100.0] * 30, 0.0)]
    found = qualities(cooling, "temperature-1")
    assert found == [GOOD] * 3 + [SUSPECT] * 30 + [GOOD]


@pytest.mark.parametrize("celsius", [6553.5, 6280.4, -273.1, -40.0, 3276.7])
def test_a_temperature_that_means_no_sensor_is_absent(celsius: float) -> None:  # cases 11 and 13
    said = last_of([healthy(temperatures={"1": celsius, "2": 21.0})])
    assert said["temperature-1"].reading.quality is ABSENT
    assert said["temperature-2"].reading.quality is GOOD


def test_real_cold_is_good() -> None:  # case 11
    assert qualities([healthy(temperatures={"1": -12.5, "2": -13.0})], "temperature-1") == [GOOD]


def test_a_sensor_far_from_all_others_is_suspect() -> None:
    said = last_of([healthy(temperatures={"1": 21.0, "2": 22.0, "3": 60.0, "mos": 70.0})])
    assert not_good(said) == {"temperature-3"}


def test_a_value_that_comes_and_goes_is_never_a_crash_and_becomes_stale_then_absent() -> None:  # case 13
    without = healthy(temperatures={})
    found = judged([healthy(), *[without] * 14])
    states = [said.get("temperature-1") for said in found]
    assert states[1] is None  # one reading without it says nothing yet
    assert [one.reading.quality for one in states[4:6] if one] == [STALE, STALE]
    assert states[-1] is not None
    assert states[-1].reading.quality is ABSENT


def test_a_sensor_that_comes_back_after_hours_with_another_value_is_compared_with_nothing() -> None:  # case 13
    limits = Limits(cell_count=16, forgotten_s=20.0)
    away = [healthy(temperatures={"2": 21.0})] * 40
    said = last_of([healthy(), *away, healthy(temperatures={"1": 45.0, "2": 44.0})], limits)
    assert said["temperature-1"].reading.quality is GOOD
    assert said["temperature-2"].reading.quality is SUSPECT


def test_a_missing_cell_is_absent_by_its_number() -> None:  # case 13
    cells = {number: volts for number, volts in healthy().cells.items() if number != 16}
    said = last_of([healthy(cells=cells)])
    assert said["cell-16-voltage"].reading.quality is ABSENT
    assert said["cell-15-voltage"].reading.quality is GOOD


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -1e300])
def test_what_is_no_number_is_absent(value: float) -> None:
    said = last_of([healthy(soc_percent=value, pack_voltage_v=value)])
    assert said["soc"].reading == Reading(name="soc", unit="%", quality=ABSENT, value=Decimal(0))
    assert said["pack-voltage"].reading.quality is ABSENT


def test_a_pulled_cable_leaves_no_value_standing_as_if_it_were_new() -> None:  # case 1
    past = past_of([healthy(), healthy()])
    assert aged(past, 102.0, LIMITS) == ()
    assert {one.reading.quality for one in aged(past, 105.0, LIMITS)} == {STALE}
    gone = aged(past, 112.0, LIMITS)
    assert {one.reading.quality for one in gone} == {ABSENT}
    assert gone[0].reasons == ("it is 11.0 s old",)


def test_after_a_gap_nothing_is_compared_with_what_was_before_it() -> None:
    past = past_of([healthy()])
    found, _ = judge(healthy(soc_percent=20, temperatures={"1": 45.0}), past, 400.0, LIMITS)
    assert {one.reading.name for one in found if one.reading.quality is SUSPECT} == set()


def test_time_that_goes_backwards_begins_anew() -> None:
    found, _ = judge(healthy(soc_percent=20), past_of([healthy()]), 5.0, LIMITS)
    assert {one.reading.quality for one in found} == {GOOD}


def test_values_stuck_while_charge_flows_are_suspect_all() -> None:  # case 3
    stuck = healthy(current_a=-20.0)
    found = qualities([stuck] * 120, "cell-1-voltage")
    assert found[10] is GOOD
    assert found[-1] is SUSPECT
    assert "nothing has changed while" in last_of([stuck] * 120)["soc"].reasons[0]


def test_a_counter_of_the_device_that_stands_still_makes_all_suspect() -> None:  # case 3
    frozen = healthy(others={"sequence": 71})
    assert qualities([frozen] * 6, "current") == [GOOD] * 4 + [SUSPECT] * 2
    moving = [healthy(others={"sequence": number}) for number in range(6)]
    assert qualities(moving, "current") == [GOOD] * 6


def test_cells_fine_while_voltage_current_and_soc_are_zero_doubts_those_three() -> None:  # case 3
    said = last_of([healthy(), healthy(pack_voltage_v=0.0, current_a=0.0, soc_percent=0, remaining_ah=0.0)])
    assert {"pack-voltage", "current", "soc"} <= not_good(said)
    assert said["cell-1-voltage"].reading.quality is GOOD


def test_a_quiet_pack_at_rest_is_not_called_stuck() -> None:
    assert not_good(last_of([healthy()] * 2000)) == set()


def test_one_cell_that_stands_still_while_the_others_sink_is_suspect() -> None:
    sinking = []
    for number in range(30):
        cells = {cell: volts - 0.002 * number for cell, volts in healthy().cells.items()} | {7: 3.307}
        sinking.append(replace(healthy(), cells=cells, pack_voltage_v=sum(cells.values())))
    said = last_of(sinking)
    assert not_good(said) == {"cell-7-voltage"}
    assert "it stood at 3.307 for" in said["cell-7-voltage"].reasons[0]


def test_neighbours_of_which_one_has_what_the_other_lacks_share_an_open_wire() -> None:
    said = last_of([with_cells(c5=2.3, c6=4.3)])
    assert not_good(said) == {"cell-5-voltage", "cell-6-voltage"}


@pytest.mark.parametrize("count", [15, 17])
def test_another_number_of_cells_than_configured_doubts_them_all(count: int) -> None:
    cells = dict.fromkeys(range(1, count + 1), 3.3)
    said = last_of([healthy(cells=cells, cell_count=count, pack_voltage_v=3.3 * count)])
    assert {f"cell-{number}-voltage" for number in cells} <= not_good(said)


def test_current_through_a_switch_that_is_off_is_suspect_the_second_time() -> None:
    off = healthy(current_a=30.0, charge_fet=False)
    assert qualities([off, off, off], "current") == [GOOD, SUSPECT, SUSPECT]
    assert qualities([off, off], "charge-fet") == [GOOD, SUSPECT]
    out = healthy(current_a=-30.0, charge_fet=False)
    assert qualities([out, out, out], "current") == [GOOD] * 3


def test_a_soc_that_goes_the_other_way_than_the_charge_is_suspect() -> None:  # case 12
    statuses = [
        healthy(current_a=-140.0 - number % 3, soc_percent=60 + number // 12, remaining_ah=168 + number / 10)
        for number in range(120)
    ]
    said = judged(statuses, Limits(cell_count=16, period_s=10), period_s=10)
    assert said[5]["soc"].reading.quality is GOOD
    assert said[-1]["soc"].reading.quality is SUSPECT
    assert "were counted" in said[-1]["soc"].reasons[0]


def test_of_two_sources_that_disagree_the_worse_is_taken_and_doubted() -> None:
    bms, shunt = (source(3.41, GOOD), source(3.60, GOOD))
    high = worst_of([bms, shunt], badness=lambda volts: volts)
    low = worst_of([bms, shunt], badness=lambda volts: -volts)
    assert (high.reading.value, high.reading.quality) == (Decimal("3.6"), SUSPECT)
    assert low.reading.value == Decimal("3.41")
    assert high.reasons == ("the sources say 3.41 and 3.6",)


def test_of_two_sources_that_agree_the_worse_is_taken_and_good() -> None:
    taken = worst_of([source(3.41, GOOD), source(3.43, GOOD)], badness=lambda volts: volts)
    assert (taken.reading.value, taken.reading.quality) == (Decimal("3.43"), GOOD)


def test_a_second_instrument_goes_on_alone_when_the_first_is_away() -> None:  # case 25
    taken = worst_of([source(3.6, STALE), source(3.3, GOOD)], badness=lambda volts: volts)
    assert (taken.reading.value, taken.reading.quality) == (Decimal("3.3"), GOOD)
    assert worst_of([source(3.6, ABSENT), source(3.5, STALE)], badness=abs).reading.quality is STALE


def test_a_suspect_source_that_is_worse_is_not_hidden_by_a_good_one() -> None:
    taken = worst_of([source(3.3, GOOD), source(3.9, SUSPECT)], badness=lambda volts: volts)
    assert (taken.reading.value, taken.reading.quality) == (Decimal("3.9"), SUSPECT)


def source(volts: float, quality: Quality) -> Judged:
    return Judged(Reading(name="cell-1-voltage", unit="V", quality=quality, value=Decimal(str(volts))))


NUMBERS = st.floats(allow_nan=True, allow_infinity=True) | st.sampled_from([0.0, 3.3, 54.0, -40.0, 65.535, 100.0])


@given(
    statuses=st.lists(
        st.builds(
            Status,
            pack_voltage_v=st.none() | NUMBERS,
            current_a=st.none() | NUMBERS,
            soc_percent=st.none() | NUMBERS,
            full_ah=st.none() | NUMBERS,
            remaining_ah=st.none() | NUMBERS,
            cell_count=st.none() | st.integers(min_value=0, max_value=48),
            cells=st.dictionaries(st.integers(min_value=1, max_value=20), NUMBERS, max_size=8),
            temperatures=st.dictionaries(st.sampled_from(["1", "2", "mos"]), NUMBERS),
            charge_fet=st.none() | st.booleans(),
        ),
        max_size=5,
    ),
    step_s=st.sampled_from([0.0, 0.1, 1.0, 60.0, -1.0]),
)
def test_no_status_breaks_the_judgement(statuses: list[Status], step_s: float) -> None:
    for said in judged(statuses, Limits(), period_s=step_s):
        assert all((one.reading.quality is GOOD) == (not one.reasons) for one in said.values())


def day(pack: Pack, hours: Sequence[float], noise: Random, period_s: float) -> Iterable[Status]:
    """What a monitor says of a pack each period while a current is wanted from it or into it, hour by hour."""
    for wanted_a in hours:
        for _ in range(int(3600 / period_s)):
            pack = after(pack, allowed_a(pack, wanted_a), period_s, ambient_c=20.0)
            yield status_of(pack, noise)


def assert_all_good(seed: int, charge: float, hours: Sequence[float], period_s: float) -> None:
    pack = pack_of(seed, charge=charge, celsius=22.0)
    past, limits = NOTHING, Limits(cell_count=16, period_s=period_s)
    for number, status in enumerate(day(pack, hours, Random(seed), period_s)):
        found, past = judge(status, past, number * period_s, limits)
        assert [one for one in found if one.reasons] == []


HOURS = st.lists(st.floats(min_value=-280, max_value=140), min_size=24, max_size=24)


@settings(max_examples=4, deadline=None, suppress_health_check=list(HealthCheck))
@given(seed=st.integers(min_value=0, max_value=10_000), charge=st.floats(min_value=0.05, max_value=0.98), hours=HOURS)
def test_no_reading_of_a_healthy_day_is_suspect(seed: int, charge: float, hours: list[float]) -> None:
    assert_all_good(seed, charge, hours, period_s=60.0)


@pytest.mark.slow
@settings(max_examples=6, deadline=None, suppress_health_check=list(HealthCheck))
@given(seed=st.integers(min_value=0, max_value=10_000), charge=st.floats(min_value=0.05, max_value=0.98), hours=HOURS)
def test_no_reading_of_a_healthy_day_is_suspect_at_short_periods(seed: int, charge: float, hours: list[float]) -> None:
    assert_all_good(seed, charge, hours, period_s=10.0)
