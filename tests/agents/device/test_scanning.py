"""A line is looked over in the time of the test: who talks or answers is found, and who does not is not disturbed."""

import itertools
import random
from collections.abc import Callable

import pytest

from agents.device.emulation.catalogue import SPEECHES
from agents.device.emulation.device import EmulatedDevice
from agents.device.emulation.faults import fault_of
from agents.device.links.opening import SerialPlace, TcpPlace
from agents.device.protocols.catalogue import DECODERS, LINES
from agents.device.protocols.jk_55aa import ask as jk_ask
from agents.device.scanning import ASKED, TALKING, WRITING, Found, Probe, Scan, is_possible, probes
from agents.device.status import Status
from protocol.errors import SourceError
from tests.agents.device.captures import JBD_UP
from tests.agents.device.sealing import with_crc

PORT = SerialPlace("/dev/ttyUSB0", 9600)
STEP_S = 0.01


class Bench:
    """A line on which reading makes time pass. answer: what its other end says, at a moment, to what it hears."""

    name = "bench"

    def __init__(self, answer: Callable[[float, bytes], bytes]) -> None:
        self._answer, self.now_s = answer, 100.0
        self._asked = bytearray()
        self.sent, self.asked_at = bytearray(), list[tuple[float, bytes]]()
        self.told = list[tuple[Probe, str]]()

    def read(self, timeout_s: float) -> bytes:
        end_s = self.now_s + timeout_s
        while True:
            asked, self._asked = bytes(self._asked), bytearray()
            if said := self._answer(self.now_s, asked):
                return said
            if self.now_s >= end_s:
                return b""
            self.now_s += STEP_S

    def write(self, data: bytes) -> None:
        self._asked += data
        self.sent += data
        self.asked_at.append((self.now_s, data))

    def close(self) -> None:
        return

    def scan(self, tried: list[Probe] | None = None) -> list[Found]:
        scan = Scan(self, lambda probe, came: self.told.append((probe, came)), clock=lambda: self.now_s)
        return scan.run(probes(PORT) if tried is None else tried)


def battery(protocol: str, order: str = "") -> Bench:
    device = EmulatedDevice(SPEECHES[protocol])
    if order:
        device.faults.append(fault_of(order, 16, SPEECHES[protocol]))
    return Bench(device.step)


@pytest.mark.parametrize("protocol", SPEECHES)
def test_every_device_is_found_by_what_it_speaks(protocol: str) -> None:
    bench = battery(protocol)
    [found] = bench.scan()
    assert found.probe.protocol == protocol
    assert found.probe.baud == LINES[protocol].baud
    assert found.status.pack_voltage_v == pytest.approx(53, abs=2)
    assert bench.told[-1] == (found.probe, "found")


@pytest.mark.parametrize("protocol", TALKING)
def test_a_device_that_talks_by_itself_is_sent_nothing(protocol: str) -> None:
    bench = battery(protocol)
    assert bench.scan()
    assert bench.sent == b""


def test_a_monitor_that_was_reset_by_being_opened_is_waited_for() -> None:
    device = EmulatedDevice(SPEECHES["battery-monitor"])
    [found] = Bench(lambda now_s, asked: device.step(now_s, asked) if now_s > 102.2 else b"").scan()
    assert found.probe.protocol == "battery-monitor"


def test_on_a_silent_line_everything_is_tried_once_and_nothing_is_found() -> None:
    bench = Bench(lambda _now_s, _asked: b"")
    assert bench.scan() == []
    assert [probe for probe, _ in bench.told] == probes(PORT)
    assert {came for _, came in bench.told} == {"silent", "no answer"}
    assert bench.now_s - 100 < 30


def test_a_line_that_gives_back_what_it_is_sent_holds_no_device() -> None:
    assert Bench(lambda _now_s, asked: asked).scan() == []
    assert battery("jbd", "echo").scan()[0].probe.protocol == "jbd"  # the echo goes before the answer


@pytest.mark.parametrize("seed", range(3))
def test_a_line_full_of_junk_holds_no_device_and_comes_to_an_end(seed: int) -> None:
    chance = random.Random(seed)
    bench = Bench(lambda _now_s, _asked: chance.randbytes(chance.randrange(4)))
    assert bench.scan() == []
    assert bench.now_s - 100 < 90


@pytest.mark.parametrize("protocol", ["jbd", "jk-uart", "daly-a5"])
def test_a_device_is_found_on_a_line_that_flips_a_bit_now_and_then(protocol: str) -> None:
    assert battery(protocol, "flipped 0.0005").scan()[0].probe.protocol == protocol


def test_a_device_whose_first_answer_is_lost_is_asked_again() -> None:
    device, asked_so_far = EmulatedDevice(SPEECHES["jbd"]), bytearray()

    def sleepy(now_s: float, asked: bytes) -> bytes:
        asked_so_far.extend(asked)
        return device.step(now_s, asked if len(asked_so_far) > 7 else b"")

    assert Bench(sleepy).scan()[0].probe.protocol == "jbd"


def test_one_frame_with_a_sum_of_8_bits_is_chance() -> None:  # case 27
    frame = EmulatedDevice(SPEECHES["daly-a5"])
    answers = 0

    def once(now_s: float, asked: bytes) -> bytes:
        nonlocal answers
        answer = frame.step(now_s, asked)
        answers += bool(answer)
        return answer if answers == 1 else b""

    assert Bench(once).scan([Probe("daly-a5", 9600)]) == []


@pytest.mark.parametrize("protocol", ["jbd", "daly-a5", "jk-uart"])
def test_what_says_only_what_cannot_be_is_not_taken_for_a_battery(protocol: str) -> None:
    bench = battery(protocol, "sleep")
    assert bench.scan([Probe(protocol, 9600)]) == []


def test_it_stops_at_the_first_that_answers_and_lists_its_neighbours() -> None:
    said = {bytes((at,)): with_crc(bytes((at,)) + JBD_UP[1:-2]) for at in (1, 2, 4)}
    bench = Bench(lambda _now_s, asked: said.get(asked[:1], b"") if asked[1:2] == b"\x78" else b"")
    found = bench.scan()
    assert [(one.probe.protocol, one.probe.address) for one in found] == [("jbd-up", at) for at in (1, 2, 4)]
    assert found[0].status.model == "JBD48100000"
    assert not any(probe.protocol == "jk-uart" for probe, _ in bench.told)


def test_nothing_that_writes_is_sent_unless_it_is_asked_for() -> None:
    bench = Bench(lambda _now_s, _asked: b"")
    bench.scan()
    readings = {question for probe in probes(PORT) if probe.is_asked for question in all_questions(probe.protocol)}
    sent = {data for _, data in bench.asked_at}
    assert jk_ask(0x1620, 1) not in sent
    assert {data[1] for data in sent - readings if len(data) == 8} <= {3, 4}  # the same at another address
    other = Bench(lambda _now_s, _asked: b"")
    other.scan(probes(PORT, also=["jk-55aa"]))
    assert jk_ask(0x1620, 1) in {data for _, data in other.asked_at}


def all_questions(protocol: str) -> list[bytes]:
    return list(DECODERS[protocol]().asks())


def test_there_is_a_pause_before_each_question() -> None:
    bench = battery("daly-a5", "silent")
    bench.scan()
    times = [at_s for at_s, _ in bench.asked_at]
    assert min(later - sooner for sooner, later in itertools.pairwise(times)) >= 0.1


def test_every_protocol_by_wire_is_tried_the_most_used_first_and_by_rate() -> None:
    wired = {name for name, line in LINES.items() if line.wires != "Bluetooth"}
    assert {probe.protocol for probe in probes(PORT)} == wired - set(WRITING)
    assert {*TALKING, *ASKED, *WRITING} == wired
    asked = [probe for probe in probes(PORT) if probe.is_asked]
    assert [rate for rate, _ in itertools.groupby(probe.baud for probe in asked)] == [9600, 115200, 19200]
    assert asked[0].protocol == "jbd"
    assert len(set(asked)) == len(asked)


def test_a_line_whose_rate_is_given_or_not_ours_to_set_is_tried_at_that_one() -> None:
    assert {probe.baud for probe in probes(PORT, 4800)} == {4800}
    tcp = probes(TcpPlace("host", 1))
    assert {probe.baud for probe in tcp} == {None}
    assert len(set(tcp)) == len(tcp)
    with pytest.raises(SourceError, match="'morse' is not left out"):
        probes(PORT, also=["morse"])


def test_a_battery_has_a_voltage_and_no_cell_beyond_all_cells() -> None:
    assert is_possible(Status(pack_voltage_v=52.0))
    assert is_possible(Status(pack_voltage_v=0.0, cells={1: 3.3, 2: 0.0}))  # a board on a bench, its pack not connected
    assert is_possible(Status(packs=(Status(cells={1: 3.3}),)))
    assert not is_possible(Status())
    assert not is_possible(Status(pack_voltage_v=0.0, cells={1: 0.0}))
    assert not is_possible(Status(pack_voltage_v=52.0, cells={1: 65.535}))
