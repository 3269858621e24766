"""Telemetry: what has changed, seldom enough, everything now and then, and never an old value as a new one."""

from collections.abc import Sequence
from decimal import Decimal
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from agents.device.judging.limits import Limits
from agents.device.judging.past import NOTHING
from agents.device.judging.plausibility import aged, judge
from agents.device.status import Status
from agents.device.watching.publishing import NOTHING_TOLD, PublishingPace, Told, telemetry, telemetry_id
from protocol.bodies import Quality, Reading, Telemetry
from protocol.names import MAX_ITEMS

GOOD, SUSPECT, STALE, ABSENT = Quality.GOOD, Quality.SUSPECT, Quality.STALE, Quality.ABSENT
PACE = PublishingPace(least_s=1.0, full_s=60.0)


def volts(value: float, quality: Quality = GOOD, name: str = "cell-1-voltage") -> Reading:
    return Reading(name=name, unit="V", quality=quality, value=Decimal(f"{value:.3f}"))


class Line:
    """What is published of one device."""

    def __init__(self, pace: PublishingPace = PACE) -> None:
        self._told, self._pace = NOTHING_TOLD, pace
        self.messages: list[Telemetry] = []

    def see(self, at_s: float, *readings: Reading) -> Sequence[Reading]:
        """Return the readings that are published of these."""
        messages, self._told = telemetry(self._told, "pack-1", readings, at_s, round(at_s * 1e9), self._pace)
        self.messages += messages
        return [reading for message in messages for reading in message.readings]


def test_the_first_is_told_in_full_and_then_only_what_has_moved() -> None:
    line, other = Line(), volts(3.3, name="cell-2-voltage")
    assert line.see(0, volts(3.3), other) == [volts(3.3), other]
    assert line.see(2, volts(3.302), other) == []
    assert line.see(4, volts(3.303), other) == [volts(3.303)]


def test_a_slow_drift_is_told_as_it_is_compared_with_what_was_told() -> None:
    line = Line()
    found = [line.see(at_s, volts(3.3 + at_s / 1000)) for at_s in range(10)]
    assert [len(one) for one in found] == [1, 0, 0, 1, 0, 0, 1, 0, 0, 1]


def test_values_are_told_at_most_once_in_the_least_time_and_then_as_they_are_now() -> None:
    line = Line()
    line.see(0, volts(3.3))
    assert line.see(0.25, volts(3.4)) == []
    assert line.see(0.5, volts(3.5)) == []
    assert line.see(1.0, volts(3.45)) == [volts(3.45)]


def test_a_change_of_quality_is_told_at_once() -> None:
    line = Line()
    line.see(0, volts(3.3))
    assert line.see(0.1, volts(4.4, SUSPECT)) == [volts(4.4, SUSPECT)]
    assert line.see(0.2, volts(3.3)) == [volts(3.3)]


def test_everything_is_told_now_and_then() -> None:
    line = Line()
    found = [line.see(at_s, volts(3.3), volts(0, ABSENT, "cell-2-voltage")) for at_s in range(125)]
    assert [at_s for at_s, one in enumerate(found) if one] == [0, 60, 120]


def test_what_is_old_is_told_once_and_nothing_is_told_in_full_while_nothing_comes() -> None:
    line = Line()
    line.see(0, volts(3.3))
    assert line.see(4, volts(3.3, STALE)) == [volts(3.3, STALE)]
    assert line.see(11, volts(3.3, ABSENT)) == [volts(3.3, ABSENT)]
    assert all(line.see(at_s, volts(3.3, ABSENT)) == [] for at_s in range(12, 200))


def test_a_silent_device_is_stale_after_three_periods_and_lost_after_ten_seconds() -> None:
    line, limits = Line(), Limits(period_s=1.0)
    judged, past = judge(Status(pack_voltage_v=52.8), NOTHING, 100.0, limits)
    line.see(100.0, *(one.reading for one in judged))
    qualities = {}
    for tenth in range(1, 120):
        for reading in line.see(100 + tenth / 10, *(one.reading for one in aged(past, 100 + tenth / 10, limits))):
            qualities[tenth / 10] = reading.quality
    assert list(qualities.values()) == [STALE, ABSENT]
    assert [3.0 < at_s < 3.2 or 10.0 < at_s < 10.2 for at_s in qualities] == [True, True]


def test_more_than_one_message_holds_is_told_in_several_with_ids_of_their_own() -> None:
    line = Line()
    readings = [volts(3.3, name=f"cell-{number}-voltage") for number in range(MAX_ITEMS + 1)]
    assert line.see(0, *readings) == readings
    assert len({telemetry_id(message) for message in line.messages}) == len(line.messages) == 2


def test_the_same_measurement_has_the_same_id_in_every_life_and_another_time_another() -> None:
    first, second = Line(), Line()
    for line in (first, second):
        line.see(0, volts(3.3))
        line.see(2, volts(3.4))
    ids = [telemetry_id(message) for message in first.messages]
    assert ids == [telemetry_id(message) for message in second.messages]
    assert len(set(ids)) == 2


moments = st.lists(st.tuples(st.floats(0.01, 5), st.floats(2.5, 3.7), st.sampled_from([GOOD, SUSPECT])), max_size=60)


@given(moments)
def test_whatever_is_told_was_read_at_that_moment(found: list[tuple[float, float, Quality]]) -> None:
    line, at_s = Line(), 0.0
    for seconds, value, quality in found:
        at_s += seconds
        assert line.see(at_s, volts(value, quality)) in ([], [volts(value, quality)])


@given(moments)
def test_who_listens_is_never_further_off_than_the_dead_band_after_the_least_time(
    found: list[tuple[float, float, Quality]],
) -> None:
    line, at_s, last, heard_s = Line(), 0.0, None, 0.0
    for seconds, value, quality in found:
        at_s += seconds
        now = volts(value, quality)
        if line.see(at_s, now):
            last, heard_s = now, at_s
        assert last is not None
        assert last.quality is quality
        assert at_s - heard_s < PACE.least_s or abs(last.value - now.value) < Decimal("0.003")


@given(moments)
def test_messages_of_values_alone_keep_their_distance(found: list[tuple[float, float, Quality]]) -> None:
    line, at_s, times = Line(), 0.0, list[float]()
    for seconds, value, _ in found:
        at_s += seconds
        if line.see(at_s, volts(value)):
            times.append(at_s)
    assert all(later - before >= PACE.least_s for before, later in pairwise(times))


def test_nothing_at_all_says_nothing() -> None:
    assert telemetry(NOTHING_TOLD, "pack-1", (), 0.0, 0, PACE) == ((), Told())
