"""What emulated devices say is what the decoders read, and what is wrong with them is what is found."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.device.decoder import Decoder
from agents.device.emulation.catalogue import SPEECHES
from agents.device.emulation.device import EmulatedDevice
from agents.device.emulation.faults import ORDERS, fault_of
from agents.device.emulation.line_rate import PacedLine
from agents.device.emulation.speech import Speech
from agents.device.judging.known import KnownDevice
from agents.device.judging.limits import Limits
from agents.device.judging.past import NOTHING
from agents.device.judging.plausibility import judge
from agents.device.polling import PollingPace
from agents.device.protocols.catalogue import DECODERS
from agents.device.quantities import cell_name
from agents.device.status import Status, merged
from protocol.bodies import Quality
from protocol.errors import SourceError
from tests.agents.device.virtual import VirtualLine

ALARMS = {
    "jbd": ("cell-overvoltage", "short-circuit"),
    "jk-uart": ("cell-overvoltage", "cell-undervoltage"),
    "daly-a5": ("cell-overvoltage", "cell-wire"),
    "vedirect-text": ("pack-overvoltage", "low-soc"),
    "battery-monitor": ("cell-high-alarm", "cell-low-alarm"),
}
PLAIN_SUMS = {"jbd", "jk-uart", "daly-a5"}
# What each says of a status, and in which steps: a volt of the pack, an ampere, a per cent, a degree.
STEPS = {
    "jbd": (0.01, 0.01, 1, 0.1),
    "jk-uart": (0.01, 0.01, 1, 1),
    "daly-a5": (0.1, 0.1, 0.1, 1),
    "vedirect-text": (0.001, 0.001, 0.1, 1),
    "battery-monitor": (0.001, 0.001, 1, 0.1),
}
UNSAID = {
    "jbd": set[str](),
    "jk-uart": {"remaining_ah"},
    "daly-a5": {"nominal_ah"},
    "vedirect-text": {"remaining_ah", "nominal_ah", "cell_count", "cells", "charge_fet", "discharge_fet"},
    "battery-monitor": {"remaining_ah", "nominal_ah", "soc_percent", "cycles", "charge_fet", "discharge_fet"},
}
TOLD = (
    *("pack_voltage_v", "current_a", "soc_percent", "remaining_ah", "nominal_ah", "cycles", "cell_count"),
    *("cells", "temperatures", "charge_fet", "discharge_fet", "alarms"),
)


def steps(low: int, high: int, step: float) -> st.SearchStrategy[float]:
    digits = len(f"{step:.10f}".rstrip("0").partition(".")[2])
    return st.integers(round(low / step), round(high / step)).map(lambda number: round(number * step, digits))


@st.composite
def statuses(draw: st.DrawFn, name: str) -> Status:
    speech = SPEECHES[name]
    volt, ampere, percent, degree = STEPS[name]
    count = draw(st.integers(max(4, speech.cells[0]), speech.cells[-1]))
    warm = draw(st.lists(steps(-39, 99, degree), min_size=len(speech.sensors), max_size=len(speech.sensors)))
    return Status(
        pack_voltage_v=draw(steps(1, 99, volt)),
        current_a=draw(steps(-200, 200, ampere)),
        soc_percent=draw(steps(0, 100, percent)),
        remaining_ah=draw(steps(0, 300, 0.01)),
        nominal_ah=float(draw(st.integers(1, 300))),
        cycles=draw(st.integers(0, 9999)),
        cell_count=count,
        cells={number: draw(steps(1, 5, 0.001)) for number in range(1, count + 1)},
        temperatures={f"{number}": float(value) for number, value in enumerate(warm, 1)},
        charge_fet=draw(st.booleans()),
        discharge_fet=draw(st.booleans()),
        alarms=frozenset(draw(st.sets(st.sampled_from(ALARMS[name])))),
    )


def said(speech: Speech, status: Status) -> bytes:
    if speech.talk:
        return speech.talk(status, 0)
    asks = DECODERS[speech.name]().asks()
    return b"".join(speech.answers[ask](status) for ask in asks)


def understood(decoder: Decoder, data: bytes) -> Status:
    return merged([decoder.decode(frame) for frame in decoder.feed(data)])


@pytest.mark.parametrize("name", SPEECHES)
@given(data=st.data())
def test_what_is_encoded_decodes_to_the_same_values(name: str, data: st.DataObject) -> None:
    status = data.draw(statuses(name))
    read = understood(DECODERS[name](), said(SPEECHES[name], status))
    for field in TOLD:
        expected = getattr(status, field)
        if field in UNSAID[name]:
            continue
        if isinstance(expected, dict | float):
            assert getattr(read, field) == pytest.approx(expected, abs=1e-6), field
        else:
            assert getattr(read, field) == expected, field


@pytest.mark.parametrize("name", SPEECHES)
def test_every_question_of_its_decoder_is_answered(name: str) -> None:
    asks = DECODERS[name]().asks()
    assert set(asks) <= set(SPEECHES[name].answers)
    assert bool(asks) != bool(SPEECHES[name].talk)


def measured(found: list[Status]) -> list[Status]:
    return [status for status in found if status.pack_voltage_v is not None]


@pytest.mark.parametrize("name", SPEECHES)
def test_a_device_is_read_each_period_without_a_byte_of_junk(name: str) -> None:
    line = VirtualLine(name)
    found = measured(line.statuses(10))
    assert len(found) >= 9
    counts = line.counts
    assert (counts.refused, counts.timeouts, counts.junk_bytes) == (0, 0, 0)
    assert found[-1].pack_voltage_v == pytest.approx(line.device.status.pack_voltage_v, abs=0.5)


@pytest.mark.parametrize("name", sorted(SPEECHES.keys() - {"vedirect-text"}))
def test_an_overvoltage_is_measured_and_the_device_raises_its_alarm(name: str) -> None:
    [*_, last] = measured(VirtualLine(name, "overvoltage 7 3.72").statuses(3))
    assert last.cells[7] == pytest.approx(3.72)
    assert {"cell-overvoltage", "cell-high-alarm"} & (last.alarms or set())


@pytest.mark.parametrize("name", SPEECHES)
@pytest.mark.parametrize("fault", ["lost 0.01", "flipped 0.01", "lost 0.2", "flipped 0.2"])
def test_what_a_bad_line_does_to_bytes_is_refused_or_doubted(name: str, fault: str) -> None:  # case 27
    """A plain sum does not find two flips that cancel out; what comes through so is not believed."""
    line, past = VirtualLine(name), NOTHING
    true = line.device.status.cells
    line.statuses(2)
    line.order(fault)
    said = list[tuple[Status, float]]()
    line.run(60, lambda status, at_s: said.append((status, at_s)) if status else None)
    for status, at_s in said:
        judged, past = judge(status, past, at_s, Limits())
        wrong = {cell_name(number) for number, volts in status.cells.items() if abs(volts - true[number]) > 0.15}
        assert not wrong or name in PLAIN_SUMS
        assert all(one.reading.quality is not Quality.GOOD for one in judged if one.reading.name in wrong)
    assert line.counts.junk_bytes > 0


@pytest.mark.parametrize("name", SPEECHES)
def test_a_silent_device_gives_nothing_is_asked_less_often_and_is_read_again_when_it_speaks(name: str) -> None:
    line = VirtualLine(name)
    assert line.statuses(3)
    line.order("silent")
    line.statuses(1)  # what was under way still comes
    assert line.statuses(20) == []
    assert line.counts.timeouts >= 4
    assert line.poller.period_s == (8.0 if line.device.speech.answers else 1.0)
    line.device.faults.clear()
    assert measured(line.statuses(12))
    assert line.poller.period_s == 1.0


@pytest.mark.parametrize("name", SPEECHES)
def test_an_echo_of_the_questions_does_no_harm(name: str) -> None:
    found = measured(VirtualLine(name, "echo").statuses(5))
    assert len(found) >= 3
    assert all(status.pack_voltage_v == pytest.approx(52.7, abs=2) for status in found)


def test_a_sleeping_device_that_answers_with_zeros_is_not_believed() -> None:  # case 10
    line = VirtualLine("daly-a5", "sleep")
    assert all(status.pack_voltage_v is None and not status.cells for status in line.statuses(5))
    assert line.counts.refused > 0
    assert "sleeps" in line.poller.last_error


def test_the_answers_of_another_address_are_not_taken() -> None:  # case 16
    line = VirtualLine("daly-a5", "wrong-address")
    assert line.statuses(10) == []
    assert line.counts.timeouts > 0


@pytest.mark.parametrize("name", [name for name, speech in SPEECHES.items() if speech.answers])
def test_an_answer_that_comes_too_late_is_not_taken_for_that_to_the_next_question(name: str) -> None:  # case 17
    line = VirtualLine(name, "slow 0.9", pace=PollingPace(timeout_s=0.5))
    assert all(status.cells.keys() <= set(range(1, 17)) for status in line.statuses(20))
    assert line.counts.timeouts > 0
    assert measured(VirtualLine(name, "slow 0.9", pace=PollingPace(timeout_s=2.0)).statuses(40))


def test_a_stuck_device_goes_on_talking_and_says_the_same() -> None:  # case 3
    line = VirtualLine("jbd")
    line.statuses(2)
    line.order("stuck")
    line.statuses(2)
    found = line.statuses(10)
    assert len(found) >= 9
    assert len({tuple(status.cells.values()) for status in found}) == 1


@pytest.mark.parametrize("name", SPEECHES)
def test_a_sensor_that_is_not_connected_is_no_temperature(name: str) -> None:
    [*_, last] = measured(VirtualLine(name, "open-ntc 1").statuses(3))
    assert last.temperatures.get("1", -273.1) == pytest.approx(-273.1)  # what plausibility calls absent


def test_an_open_wire_takes_from_one_cell_what_it_gives_to_the_next() -> None:
    [*_, last] = VirtualLine("jbd", "open-wire 5").statuses(3)
    assert last.cells[5] < 2.6
    assert last.cells[6] > 4.0
    assert sum(last.cells.values()) == pytest.approx(last.pack_voltage_v, abs=0.1)


def judged_after(name: str, order: str, seconds: int) -> dict[str, Quality]:
    """The worst that became of each reading within some seconds of a fault that comes after a minute."""
    line, watched, worst = VirtualLine(name), KnownDevice(Limits()), dict[str, Quality]()
    for second in range(60 + seconds):
        if order and second == 60:
            line.order(order)
        for status in line.statuses(1):
            watched.take(status, line.now_s)
        for one in watched.look(line.now_s).readings:
            if one.reading.quality is not Quality.GOOD:
                worst[one.reading.name] = one.reading.quality
    return worst


@pytest.mark.parametrize("name", SPEECHES)
def test_of_a_sound_device_nothing_is_ever_doubted(name: str) -> None:
    assert judged_after(name, "", 120) == {}


@pytest.mark.parametrize("name", sorted(SPEECHES.keys() - {"vedirect-text"}))
def test_of_an_open_wire_just_its_two_cells_are_doubted(name: str) -> None:
    found = judged_after(name, "open-wire 5", 20)
    assert found == {"cell-5-voltage": Quality.SUSPECT, "cell-6-voltage": Quality.SUSPECT}


@pytest.mark.parametrize("name", SPEECHES)
def test_of_a_silent_device_everything_becomes_absent(name: str) -> None:
    assert set(judged_after(name, "silent", 20).values()) == {Quality.ABSENT}


@pytest.mark.parametrize("name", SPEECHES)
def test_the_temperature_of_a_sensor_that_is_gone_becomes_absent(name: str) -> None:
    assert judged_after(name, "open-ntc 1", 20) == {"temperature-1": Quality.ABSENT}


@pytest.mark.parametrize("name", ["jbd", "daly-a5"])
def test_of_a_device_that_has_stopped_measuring_everything_is_doubted(name: str) -> None:  # case 3
    found = judged_after(name, "stuck", 60)
    assert set(found.values()) == {Quality.SUSPECT}
    assert len(found) > 20


@pytest.mark.parametrize("name", SPEECHES)
def test_of_a_sleeping_device_no_cell_is_good(name: str) -> None:  # case 10
    found = judged_after(name, "sleep", 20)
    assert "pack-voltage" in found
    assert name == "vedirect-text" or {f"cell-{number}-voltage" for number in range(1, 17)} <= found.keys()


def test_the_rest_of_an_answer_is_counted_as_junk_and_thrown_away() -> None:
    line = VirtualLine("jbd")
    line.statuses(0.5)
    line.far.write(b"AT\r\n")
    line.statuses(5)
    assert line.counts.junk_bytes == 4


@pytest.mark.parametrize(
    ("order", "says"),
    [("", "is no fault"), ("burn", "there are: overvoltage"), ("overvoltage 3", "write overvoltage CELL V"),
     ("overvoltage 17 3.7", "CELL is a cell"), ("overvoltage 1.5 3.7", "CELL is a cell"), ("lost much", "no number"),
     ("lost 2", "RATE is 0 to 1"), ("lost nan", "no number"), ("open-wire 16", "one above"), ("silent 3", "silent"),
     ("open-ntc 5", "sensor"), ("wrong-address", "no address"), ("slow -1", "SECONDS"), ("slow 1 2", "SECONDS")],
)  # fmt: skip
def test_an_order_that_is_none_is_refused_with_what_there_is(order: str, says: str) -> None:
    with pytest.raises(SourceError, match=says.replace("[", r"\[")):
        fault_of(order, 16, SPEECHES["jbd"])


def test_every_order_can_be_given_as_it_is_described() -> None:
    for order in ORDERS.values():
        text = order.usage.split("[")[0].replace("CELL V", "3 3.7").replace("RATE", "0.5").replace("N", "3")
        assert fault_of(text, 16, SPEECHES["daly-a5"]).word in order.usage


def test_a_line_takes_ten_bits_a_byte() -> None:
    line, arrived = PacedLine(9600), bytearray()
    line.carry(0.0, b"\x55" * 96)
    for tick in range(1, 21):
        arrived += line.carry(tick * 0.005)
        assert len(arrived) == pytest.approx(tick * 4.8, abs=1)
    assert bytes(arrived) == b"\x55" * 96


def test_the_same_seed_gives_the_same_day() -> None:
    one, other = (EmulatedDevice(SPEECHES["battery-monitor"], seed=5) for _ in range(2))
    times = [at * 0.25 for at in range(400)]
    assert [one.step(at) for at in times] == [other.step(at) for at in times]


def test_statuses_of_one_cycle_are_put_together() -> None:
    parts = [Status(part=1, cells={1: 3.3}, alarms=frozenset({"a"})), Status(part=2, cells={2: 3.4}, current_a=1.0)]
    whole = merged([*parts, Status(alarms=frozenset({"b"}), soc_percent=50.0)])
    assert whole == Status(cells={1: 3.3, 2: 3.4}, alarms=frozenset({"a", "b"}), current_a=1.0, soc_percent=50.0)
    assert merged([]) == Status()
    assert merged([replace(parts[0], alarms=None)]).alarms is None
