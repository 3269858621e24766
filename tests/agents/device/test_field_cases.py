"""Cases that users of battery monitors reported, one test each: what happens here when it happens again.

Case 19, a stale session that holds the only Bluetooth slot of a battery, has no test here: it takes a library that is
not everywhere. That closing gives the battery back, also while it connects, is in `test_bluetooth.py`.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest

from agents.device.alarms.rules import start_rules
from agents.device.alarms.standing import Alarms
from agents.device.device_address import DeviceAddress
from agents.device.emulation import daly_a5, jbd, vedirect
from agents.device.emulation.catalogue import SPEECHES
from agents.device.emulation.device import EmulatedDevice
from agents.device.emulation.pack_model import pack_of, status_of
from agents.device.judging.combining import Heard
from agents.device.judging.known import KnownDevice
from agents.device.judging.limits import Limits
from agents.device.judging.past import NOTHING
from agents.device.judging.plausibility import judge
from agents.device.line import Line as FoundAgain
from agents.device.link import Link
from agents.device.links.loopback import pair
from agents.device.polling import Poller, PollingPace
from agents.device.protocols.catalogue import DECODERS
from agents.device.protocols.daly_a5 import WIRED, ask
from agents.device.protocols.jbd import ask as ask_jbd
from agents.device.protocols.jk_55aa import ask as ask_jk
from agents.device.protocols.jk_uart import JkUart
from agents.device.recording import Chunk, Head, RecordedLink, chunk_line, head_line, read_recording, statuses
from agents.device.status import FrameError, Status, merged, packs_of
from agents.device.watching.watch import Terms, Watched, look
from protocol.bodies import Quality
from tests.agents.device import captures, sealing
from tests.agents.device.benches import Watching, emulated, packs_at, point
from tests.agents.device.test_scanning import battery
from tests.agents.device.virtual import CELLS, VirtualLine, Watch

GOOD, SUSPECT, ABSENT = Quality.GOOD, Quality.SUSPECT, Quality.ABSENT
SECOND_NS = 1_000_000_000
LIMITS = Limits(cell_count=CELLS)


def sound(**changed: object) -> Status:
    """What a monitor says of a pack in order."""
    return replace(status_of(pack_of(1), Random(1)), **changed)  # type: ignore[arg-type]


def basic(status: Status) -> bytes:
    return jbd.basic(status)


def qualities(*said: Status, limits: Limits = LIMITS) -> list[dict[str, Quality]]:
    """What became of each reading of some statuses that come one a second."""
    past, found = NOTHING, list[dict[str, Quality]]()
    for second, status in enumerate(said):
        judged, past = judge(status, past, float(second), limits)
        found.append({one.reading.name: one.reading.quality for one in judged})
    return found


def shown_by(line: VirtualLine, seconds: float, shown: KnownDevice) -> KnownDevice:
    """What a monitor shows after so much time on a line."""

    def take(status: Status | None, at_s: float) -> None:
        if status is not None:
            shown.take(status, at_s)

    line.run(seconds, take)
    return shown


def read(name: str, data: bytes) -> list[Status]:
    decoder, found = DECODERS[name](), list[Status]()
    for frame in decoder.feed(data):
        try:
            found.append(decoder.decode(frame))
        except FrameError:
            continue
    return found


def round_trip(name: str, status: Status) -> Status:
    """What a decoder reads of what an emulated device of its protocol says."""
    speech = SPEECHES[name]
    asks = DECODERS[name]().asks()
    said = speech.talk(status, 1) if speech.talk else b"".join(speech.answers[ask](status) for ask in asks)
    return merged(read(name, said))


def test_case_01_a_pulled_cable_leaves_no_value_on_the_screen_as_if_it_were_new_and_is_an_alarm() -> None:
    line, watch, shown = VirtualLine("jbd"), Watch(), KnownDevice(LIMITS)
    line.run(5, watch.see)
    shown_by(line, 5, shown)
    assert {one.reading.quality for one in shown.look(line.now_s).readings} == {GOOD}
    line.order("unplug")
    line.run(15, watch.see)
    assert {one.reading.quality for one in shown.look(line.now_s).readings} == {ABSENT}
    assert "gone" in line.gone
    assert "`data-lost` warning" in watch.signs


def test_case_02_a_device_that_comes_back_is_read_again_without_anybody_doing_anything(tmp_path: Path) -> None:
    point(place := tmp_path / "usb-pack", device := emulated())
    bench, shown = Watching(FoundAgain(DeviceAddress(url=str(place), protocol="jbd")), device), KnownDevice(LIMITS)
    for _ in range(3):
        for status in bench.run(10):
            shown.take(status, bench.now_s)
        assert {one.reading.quality for one in shown.look(bench.now_s).readings} == {GOOD}
        bench.devices.clear()
        device.close()
        assert bench.run(12) == []
        assert {one.reading.quality for one in shown.look(bench.now_s).readings} == {ABSENT}
        point(place, device := emulated())
        bench.devices.append(device)


def test_case_03_a_device_that_is_connected_and_has_stopped_measuring_is_doubted_in_everything() -> None:
    line, watch, shown = VirtualLine("jbd"), Watch(), KnownDevice(LIMITS)
    line.run(60, watch.see)
    line.order("stuck")
    line.run(110, watch.see)
    shown_by(line, 110, shown)
    assert {one.reading.quality for one in shown.look(line.now_s).readings} == {SUSPECT}
    assert "`readings-doubted` warning" in watch.signs
    zeros = {"pack_voltage_v": 0.0, "current_a": 0.0, "soc_percent": 0.0, "remaining_ah": 0.0}
    half = qualities(sound(), sound(**zeros))[-1]
    assert {half[name] for name in ("pack-voltage", "current", "soc")} == {SUSPECT}
    assert half["cell-1-voltage"] is GOOD


def test_case_04_a_frame_cut_short_by_the_next_one_gives_no_cell_of_minus_23_volt() -> None:
    answer = daly_a5.SPEECH.answers[ask(0x95, WIRED)](sound())
    parts = [answer[at : at + 13] for at in range(0, len(answer), 13)]
    cut = b"".join((*parts[:4], parts[4][:5] + parts[4][9:], parts[5]))
    found = merged(read("daly-a5", cut)).cells
    assert found.keys() & {13, 14, 15} == set()
    assert {number: found[number] for number in range(1, 13)} == {n: sound().cells[n] for n in range(1, 13)}


@pytest.mark.parametrize("percent", [200, 255, 3])
def test_case_05_a_spike_of_one_reading_is_refused_by_its_sum_or_doubted_and_raises_nothing(percent: int) -> None:
    damaged = bytearray(basic(sound()))
    damaged[4 + 19] = percent
    assert read("jbd", bytes(damaged)) == []
    [spike] = read("jbd", basic(sound(soc_percent=percent)))
    watch = Watch()
    found = qualities(*(read("jbd", basic(sound()))[0], spike, read("jbd", basic(sound()))[0]))
    assert [one["soc"] is GOOD for one in found] == [True, False, True]
    for second, status in enumerate((sound(), sound(soc_percent=percent), sound())):
        watch.see(status, float(second))
    assert not any(sign.is_alarm for sign in watch.signs.values())


def test_case_06_of_frames_that_come_in_one_piece_none_is_thrown_away_nor_the_head_of_the_next() -> None:
    decoder, one, other = DECODERS["jbd"](), basic(sound()), jbd.cells(sound())
    assert [frame.data for frame in decoder.feed(one + other + one[:7])] == [one, other]
    assert [frame.data for frame in decoder.feed(one[7:])] == [one]


def test_case_07_junk_echo_and_floods_between_frames_cost_no_reading() -> None:
    line, found = VirtualLine("jbd"), list[Status]()
    line.order("echo")
    for junk in (b"AT\r\n", b"AT+NAME\r\n", b"\xdd" * 300, b"\x77\xa5"):
        found += line.statuses(3)
        line.far.write(junk)
    assert len(found) >= 10
    assert all(status.cells.keys() == set(range(1, 17)) for status in found)
    assert line.counts.junk_bytes > 300
    decoder, good = DECODERS["jbd"](), basic(sound())
    for _ in range(300):
        assert decoder.feed(Random(7).randbytes(4096).replace(b"\xdd", b"\0")) == []
    assert [frame.data for frame in decoder.feed(good)] == [good]


def test_case_08_an_answer_of_any_length_that_is_too_short_ends_nothing() -> None:
    near, far = pair()
    poller, now_s, answers = Poller(near, DECODERS["jbd"](), PollingPace(longest_s=1.0)), 0.0, dict(jbd.SPEECH.answers)
    shortest = min(len(encoder(sound())) for encoder in answers.values())
    for size in range(shortest):
        for _ in range(30):
            now_s += 0.2
            if encoder := answers.get(far.read(0.0)):
                far.write(encoder(sound())[:size])
            assert poller.poll(now_s) is None
    found = None
    while found is None:
        now_s += 0.2
        if encoder := answers.get(far.read(0.0)):
            far.write(encoder(sound()))
        found = poller.poll(now_s)
    assert found.cells == sound().cells


def test_case_09_bytes_that_look_like_an_end_inside_a_binary_answer_neither_end_it_nor_keep_it_waiting() -> None:
    status = sound(remaining_ah=0x77DD / 100, cycles=0x7777)
    data = basic(status)
    assert data.count(b"\x77") > 2
    decoder = DECODERS["jbd"]()
    assert decoder.feed(data[:-1]) == []
    [frame] = decoder.feed(data[-1:])
    assert (decoder.decode(frame).remaining_ah, decoder.decode(frame).cycles) == (306.85, 0x7777)
    lost = data[:-1] + b"\0"  # the end never comes: the next answer is not kept waiting for it
    assert [frame.data for frame in decoder.feed(lost + data)] == [data]


def test_case_10_a_sleeping_battery_that_is_silent_echoes_or_answers_zeros_is_believed_in_nothing() -> None:
    for order in ("silent", "sleep"):
        line, shown = VirtualLine("daly-a5"), KnownDevice(LIMITS)
        shown_by(line, 5, shown)
        line.order(order)
        shown_by(line, 15, shown)
        assert GOOD not in {one.reading.quality for one in shown.look(line.now_s).readings}
    for name in ("daly-a5", "jbd", "jk-uart", "daly-modbus-81", "daly-modbus-d2"):
        assert read(name, b"".join(DECODERS[name]().asks())) == []


@pytest.mark.parametrize("name", SPEECHES)
def test_case_11_a_temperature_below_zero_is_below_zero_and_good(name: str) -> None:
    status = sound(temperatures={f"{number}": -12.0 for number in range(1, len(SPEECHES[name].sensors) + 1)})
    found = round_trip(name, status)
    assert found.temperatures["1"] == pytest.approx(-12.0, abs=0.15)
    assert qualities(found)[0]["temperature-1"] is GOOD


@pytest.mark.parametrize("name", SPEECHES)
@pytest.mark.parametrize("current_a", [0.5, 33.0, 300.0])
def test_case_12_a_current_keeps_its_sign_however_great_and_can_be_turned(name: str, current_a: float) -> None:
    assert round_trip(name, sound(current_a=current_a)).current_a == pytest.approx(current_a, abs=0.06)
    assert round_trip(name, sound(current_a=-current_a)).current_a == pytest.approx(-current_a, abs=0.06)
    [frame] = (turned := JkUart(is_sign_flipped=True)).feed(captures.JK_UART)
    assert turned.decode(frame).current_a == 0.69


def test_case_13_a_sensor_that_is_missing_crashes_nothing_is_absent_and_does_not_flicker() -> None:
    data = bytearray(basic(sound()))
    data[4 + 23 : 4 + 25] = b"\xff\xff"
    [missing] = read("jbd", jbd.answer(0x03, bytes(data[4:-3])))
    assert qualities(missing)[0]["temperature-1"] is ABSENT
    assert qualities(missing)[0]["temperature-2"] is GOOD
    shown = KnownDevice(LIMITS)
    for second in range(12):  # every second answer leaves the temperatures out
        shown.take(sound() if second % 2 == 0 else sound(temperatures={}), float(second))
        assert {one.reading.quality for one in shown.look(float(second)).readings} == {GOOD}
    watch = Watch()
    for second, status in enumerate((Status(), sound(cells={}), Status(alarms=frozenset()), Status(cell_count=16))):
        watch.see(status, float(second))


def test_case_14_a_device_is_found_by_its_adapter_though_its_number_is_given_to_another(tmp_path: Path) -> None:
    ports = {name: tmp_path / name for name in ("ttyUSB0", "ttyUSB10", "by-id/usb-ours", "by-id/usb-other")}
    (tmp_path / "by-id").mkdir()
    ours, other = emulated("jbd"), emulated("jk-uart")
    for name, device in zip(ports, (ours, other, ours, other), strict=True):
        point(ports[name], device)
    line = FoundAgain(DeviceAddress(url=str(ports["ttyUSB0"]), protocol="jbd"), by_id=tmp_path / "by-id")
    bench = Watching(line, ours, other)
    assert bench.run(3)
    other.close()  # a port whose name begins alike is another port
    bench.devices.remove(other)
    assert bench.run(3)
    ours.close()
    bench.devices[:] = [again := emulated("jbd"), stranger := emulated("jk-uart")]
    point(ports["ttyUSB0"], stranger)
    point(ports["ttyUSB10"], again)
    point(ports["by-id/usb-ours"], again)
    assert len(bench.run(12)) >= 2
    assert stranger.sent == b""


@pytest.mark.parametrize("name", SPEECHES)
def test_case_15_looking_for_a_device_upsets_none_and_comes_to_an_end(name: str) -> None:
    """Who talks by itself is sent nothing. Questions of other protocols get no answer, and nothing is written."""
    line = battery(name)
    [found] = line.scan()
    assert found.probe.protocol == name
    assert line.now_s - 100 < 60
    assert bool(line.sent) == bool(SPEECHES[name].answers)
    assert ask_jk(0x1620, 1) not in line.sent
    if SPEECHES[name].answers:
        assert_foreign_questions_do_no_harm(name)


def assert_foreign_questions_do_no_harm(name: str) -> None:
    device, now_s = EmulatedDevice(SPEECHES[name]), 0.0
    foreign = [ask for other in sorted(DECODERS.keys() - {name}) for ask in DECODERS[other]().asks()]
    for question in foreign:
        now_s += 1.0
        assert device.step(now_s, question) + device.step(now_s + 0.5) == b"", question.hex()
    own = b"".join(DECODERS[name]().asks())
    said = merged(read(name, device.step(now_s + 1, own) + device.step(now_s + 2)))
    assert said.pack_voltage_v == pytest.approx(device.status.pack_voltage_v, abs=0.1)


def test_case_16_of_several_packs_on_one_line_each_has_its_own_readings_and_a_wrong_one_none() -> None:
    """Pack 2 answers as pack 3 and pack 4 is missing; another master asks as well."""
    bus = packs_at(1, 2, 5, answers_as={2: 3})
    bench = Watching(FoundAgain(DeviceAddress(url=bus.path, protocol="jbd-up", addresses=(1, 2, 4, 5))), bus)
    said = bench.run(30)
    assert {name for status in said for name in packs_of("rack", status)} == {"rack", "rack/1", "rack/5"}
    assert "answer is from address 3" in bench.line.last_error
    for name in ("jbd-up", "pylontech-ascii", "seplos-v3", "daly-modbus-81"):
        assert read(name, b"".join(DECODERS[name]().asks())) == []
    low, high = (Status(address=at, cells={1: volts, 2: 3.3}, pack_voltage_v=volts + 3.3) for at, volts in
                 ((1, 3.3), (2, 3.7)))  # fmt: skip
    found = packs_of("rack", Status(packs=(low, high)))
    assert alarms_of("rack/1", found["rack/1"]) == set()
    assert alarms_of("rack/2", found["rack/2"]) == {"cell-overvoltage", "cell-delta"}


def alarms_of(name: str, status: Status) -> set[str]:
    """What is raised of the cells of a pack of two within some seconds."""
    terms, watched, raised = Terms(start_rules(2, 280), Limits()), pack_named(name, "bms"), set[str]()
    for second in range(15):
        found = look(watched, {"bms": status}, float(second), second * SECOND_NS, terms)
        watched, raised = found.watched, raised | {one.alert.code for one in found.alerts}
    return raised & {"cell-overvoltage", "cell-delta"}


def pack_named(name: str, *sources: str) -> Watched:
    return Watched(name, Alarms(0.0), {source: Heard(0.0) for source in sources})


def test_case_17_bytes_left_of_the_last_answer_do_not_shift_the_next_one() -> None:
    line = VirtualLine("jk-uart")
    for rest in (1, 17, 100, 200):
        found = line.statuses(4)
        assert found
        assert all(status.cells.keys() == set(range(1, 17)) for status in found)
        line.far.write(captures.JK_UART[-rest:] + captures.JK_UART[:rest])
    assert line.counts.refused == 0


def test_case_18_an_answer_that_fails_now_and_then_is_no_cable_error() -> None:
    line, watch = VirtualLine("jbd"), Watch()
    for _ in range(8):
        line.run(18, watch.see)
        line.order("silent")
        line.run(2, watch.see)
        line.device.faults.clear()
    assert line.counts.timeouts >= 8
    assert not any(sign.is_alarm for sign in watch.signs.values())
    assert ABSENT.value not in watch.signs


def test_case_20_errors_are_forgotten_at_the_first_answer_and_waiting_has_an_end() -> None:
    line = VirtualLine("jbd")
    line.order("silent")
    line.run(300, lambda status, at_s: None)
    assert line.counts.timeouts > 30
    assert line.poller.period_s == 8.0
    line.device.faults.clear()
    assert line.statuses(10)
    assert line.poller.period_s == 1.0
    line.order("silent")
    line.run(3.5, lambda status, at_s: None)
    assert line.poller.period_s == 2.0  # it is the first failure again, not the thirtieth


def test_case_21_after_every_reconnection_each_answer_is_read_once(tmp_path: Path) -> None:
    point(place := tmp_path / "usb-pack", device := emulated())
    bench = Watching(FoundAgain(DeviceAddress(url=str(place), protocol="jbd")), device)
    for _ in range(4):
        bench.run(8)  # it has been found again by then
        before = bench.line.counts.frames
        said = bench.run(10)
        frames = bench.line.counts.frames - before
        assert 9 <= len(said) <= 11
        assert abs(frames - 2 * len(said)) <= 1
        assert device.sent.count(ask_jbd(0x04)) <= 20
        bench.devices.clear()
        device.close()
        point(place, device := emulated())
        bench.devices.append(device)


def test_case_22_a_device_that_turns_itself_off_for_long_is_waited_for_quietly() -> None:
    asked, line, watch = list[bytes](), VirtualLine("jbd"), Watch()
    line.poller = Poller(counted(line.near, asked), DECODERS["jbd"](), PollingPace())
    line.run(5, watch.see)
    line.order("silent")
    asked.clear()
    line.run(600, watch.see)
    assert len(asked) <= 2 * 600 / 8 + 10
    assert "`data-lost` critical" in watch.signs
    line.device.faults.clear()
    assert line.statuses(10)


def counted(link: Link, asked: list[bytes]) -> Link:
    return RecordedLink(link, lambda is_sent, data: asked.append(data) if is_sent else None)


def test_case_23_more_cells_than_can_be_are_refused_and_names_that_are_ever_new_fill_nothing() -> None:
    many = jbd.answer(0x04, bytes.fromhex("0ce4") * 60)
    assert read("jbd", many) == []
    past, limits = NOTHING, Limits(forgotten_s=60.0)
    for second in range(600):
        _, past = judge(sound(temperatures={f"{second}": 21.0}), past, float(second), limits)
    assert max(len(past.last), len(past.good), len(past.held), len(past.broken)) <= 60 + 40


@pytest.mark.parametrize("size", [1, 5, 1000])
def test_case_24_lines_of_another_protocol_inside_a_text_block_change_no_value(size: int) -> None:
    block = vedirect.now(sound())
    ends = [at for at in range(len(block) - 1) if block[at : at + 2] == b"\r\n"]
    plain = merged(read("vedirect-text", block * 2))
    for at in ends:
        data = block[:at] + b":A0002000148\n" + block[at:] + b":7190010000049\n" + block
        decoder = DECODERS["vedirect-text"]()
        frames = [frame for start in range(0, len(data), size) for frame in decoder.feed(data[start : start + size])]
        assert [decoder.decode(frame) for frame in frames] == [plain, plain]


def test_case_25_a_second_instrument_goes_on_while_the_first_is_away() -> None:
    lines, watched = (
        {"bms": VirtualLine("jbd"), "shunt": VirtualLine("vedirect-text")},
        pack_named("pack", "bms", "shunt"),
    )
    terms, readings, raised = Terms(start_rules(CELLS, 280), LIMITS), dict[str, Quality](), set[str]()
    for second in range(40):
        if second == 10:
            lines["bms"].order("unplug")
        said = {name: merged(found) for name, line in lines.items() if (found := line.statuses(1.0))}
        seen = look(watched, said, float(second), second * SECOND_NS, terms)
        watched, raised = seen.watched, raised | {one.alert.code for one in seen.alerts}
        readings |= {one.name: one.quality for one in seen.readings}
    assert [readings[name] for name in ("pack-voltage", "current", "soc", "source-shunt")] == [GOOD] * 4
    assert {readings["source-bms"], readings["cell-1-voltage"]} == {ABSENT}
    assert "data-lost" not in raised
    assert "readings-lost" in raised


def test_case_26_a_fault_that_was_recorded_is_found_again_without_the_battery() -> None:
    line, chunks, live = VirtualLine("jbd"), list[Chunk](), list[tuple[float, Status]]()
    keep: Callable[[bool, bytes], None] = lambda is_sent, data: chunks.append(  # noqa: E731
        Chunk(round(line.now_s * 1e9), is_sent, data)
    )
    line.poller = Poller(RecordedLink(line.near, keep), DECODERS["jbd"](), PollingPace())
    line.run(10, lambda status, at_s: live.append((at_s, status)) if status else None)
    line.order("open-wire 5")
    line.run(10, lambda status, at_s: live.append((at_s, status)) if status else None)
    text = head_line(Head(0, "jbd")) + "".join(map(chunk_line, chunks))
    _, kept = read_recording(text.splitlines(keepends=True), "fault.txt")
    again = [status for _, status in statuses(kept, DECODERS["jbd"]())]
    assert again[: len(live)] == [status for _, status in live]
    assert found_in(again) == found_in([status for _, status in live]) == {"cell-5-voltage", "cell-6-voltage"}


def found_in(said: Sequence[Status]) -> set[str]:
    return {name for one in qualities(*said) for name, quality in one.items() if quality is not GOOD}


def test_case_27_bytes_whose_small_sum_happens_to_agree_are_not_believed_for_that_alone() -> None:
    """One in 256 torn frames has the right sum of 8 bits: type, length and values have to be right as well."""
    random, believed = Random(27), 0
    for _ in range(500):
        torn = sealing.jk_55aa(captures.JK_NEW, at_6=random.randbytes(293))
        for status in read("jk-55aa", torn):
            found = qualities(status, limits=Limits())[0]
            believed += bool(found) and set(found.values()) == {GOOD}
    assert believed == 0
    assert read("jk-55aa", sealing.jk_55aa(captures.JK_NEW, at_4=b"\x09")) == []
    assert read("jk-55aa", captures.JK_NEW[:150] + captures.JK_NEW) == read("jk-55aa", captures.JK_NEW)
