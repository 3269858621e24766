"""What was recorded gives the same readings again, and what is no recording is refused."""

from collections.abc import Callable
from pathlib import Path

import pytest

from agents.device.device_address import DeviceAddress, decoders_of
from agents.device.emulation.catalogue import SPEECHES
from agents.device.emulation.device import EmulatedDevice
from agents.device.judging.known import KnownDevice
from agents.device.judging.limits import Limits
from agents.device.links.loopback import pair
from agents.device.protocols import jbd_up
from agents.device.protocols.catalogue import DECODERS
from agents.device.recording import (
    Chunk,
    Head,
    RecordedLink,
    chunk_line,
    head_line,
    length_s,
    read_head,
    read_recording,
    statuses,
)
from agents.device.status import Status
from protocol.bodies import Quality
from protocol.errors import SourceError
from tests.agents.device.captures import JBD_UP
from tests.agents.device.sealing import with_crc

HEAD = Head(1_700_000_000_000_000_000, "jbd")
SECOND_NS = 1_000_000_000


def recorded(name: str, cycles: int, size: int) -> tuple[list[Chunk], list[Status]]:
    """What is said in some cycles, in chunks of some size, and what the device had measured in each."""
    device, chunks, measured = EmulatedDevice(SPEECHES[name]), list[Chunk](), list[Status]()
    for cycle in range(cycles):
        for ask in DECODERS[name]().asks() or [b""]:
            at_ns = cycle * SECOND_NS
            chunks += [Chunk(at_ns, True, ask)] if ask else []
            data = device.step(cycle, ask) + device.step(cycle + 0.1)
            chunks += [Chunk(at_ns, False, data[at : at + size]) for at in range(0, len(data), size)]
        measured.append(device.status)
    return chunks, measured


@pytest.mark.parametrize("name", SPEECHES)
@pytest.mark.parametrize("size", [1, 7, 10_000])
def test_a_recording_gives_a_status_for_each_cycle_however_it_was_cut(name: str, size: int) -> None:
    chunks, measured = recorded(name, 5, size)
    text = head_line(HEAD) + "".join(map(chunk_line, chunks))
    _, read = read_recording(text.splitlines(keepends=True), "file")
    found = [status for _, status in statuses(read, DECODERS[name]()) if status.pack_voltage_v is not None]
    assert len(found) == 5
    assert [status.pack_voltage_v for status in found] == pytest.approx(
        [one.pack_voltage_v for one in measured], abs=0.3
    )


def test_every_byte_of_a_line_is_kept_in_both_directions() -> None:
    kept: list[tuple[bool, bytes]] = []
    near, far = pair()
    link = RecordedLink(near, lambda is_sent, data: kept.append((is_sent, data)))
    link.write(b"ask")
    far.write(b"answer")
    assert (link.read(0), link.read(0), far.read(0)) == (b"answer", b"", b"ask")
    assert kept == [(True, b"ask"), (False, b"answer")]


def test_a_line_cut_when_the_recorder_was_killed_is_left_out() -> None:
    lines = [head_line(HEAD), chunk_line(Chunk(5, False, b"\x01")), "6 < 0"]
    head, chunks = read_recording(lines, "file")
    assert head == HEAD
    assert list(chunks) == [Chunk(5, False, b"\x01")]


@pytest.mark.parametrize("text", ["", "\n", "{}", "# orchestra device recording 2 began_ns=1 protocol=jbd\n"])
def test_what_is_no_recording_is_refused(text: str) -> None:
    with pytest.raises(SourceError, match=r"^file, line 1: this is no recording"):
        read_recording(text.splitlines(keepends=True), "file")


@pytest.mark.parametrize("line", ["5 < 0g\n", "5 < 0\n", "x < 00\n", "5 ? 00\n", "5 <\n", "-5 < 00\n", "\x1b[2J\n"])
def test_a_line_that_is_none_is_refused_by_its_number(line: str) -> None:
    _, chunks = read_recording([head_line(HEAD), chunk_line(Chunk(1, True, b"\0")), line], "file")
    with pytest.raises(SourceError, match=r"^file, line 3: not"):
        list(chunks)


def test_what_was_never_heard_is_unknown_and_what_is_old_is_never_shown_as_new() -> None:
    watched = KnownDevice(Limits())
    assert watched.look(0.0).age_s is None
    watched.take(Status(pack_voltage_v=52.8, alarms=frozenset()), 10.0)
    qualities = [watched.look(at_s).readings[0].reading.quality for at_s in (10.0, 12.9, 13.5, 25.0)]
    assert qualities == [Quality.GOOD, Quality.GOOD, Quality.STALE, Quality.ABSENT]
    assert watched.look(25.0).age_s == 15.0


def test_what_a_device_says_of_itself_makes_no_measurement_younger() -> None:
    watched = KnownDevice(Limits())
    watched.take(Status(pack_voltage_v=52.8), 10.0)
    known = watched.take(Status(model="SmartShunt", cycles=4), 15.0)
    assert (known.age_s, known.model) == (5.0, "SmartShunt")


def test_of_several_packs_each_turn_is_a_status_of_one() -> None:
    pack = {at: with_crc(bytes((at,)) + JBD_UP[1:-2]) for at in (1, 2)}
    turns = [(1, pack[1]), (2, pack[2]), (1, b""), (2, pack[1]), (1, pack[1])]
    chunks = [
        chunk
        for number, (at, answer) in enumerate(turns)
        for chunk in (Chunk(number, True, jbd_up.ask(at)), Chunk(number, False, answer))
    ]
    decoders = decoders_of(DeviceAddress(url="", protocol="jbd-up", addresses=(1, 2)))
    found = [(at_ns, [one.address for one in status.packs]) for at_ns, status in statuses(chunks, *decoders)]
    assert found == [(0, [1]), (1, [2]), (4, [1])]
    assert list(statuses([], *decoders)) == []


@pytest.mark.parametrize("text", [f"{2**62 + 1} protocol=jbd\n", f"{2**62 - 9} protocol=jbd\n10 < 00\n"])
def test_a_time_that_cannot_be_is_refused(text: str) -> None:
    with pytest.raises(SourceError, match="is no time"):
        list(read_recording(f"# orchestra device recording 1 began_ns={text}".splitlines(keepends=True), "x")[1])


def test_the_length_of_a_recording_is_told_by_its_last_line_however_long_that_is(tmp_path: Path) -> None:
    path = tmp_path / "line.txt"
    path.write_text(head_line(Head(1, "jbd")) + chunk_line(Chunk(2_500_000_000, False, bytes(100_000))))
    assert length_s(path) == 2.5


@pytest.mark.parametrize("reads", [read_head, length_s])
def test_what_never_ends_is_no_recording(reads: Callable[[Path], object]) -> None:
    with pytest.raises(SourceError, match="is no file"):
        reads(Path("/dev/zero"))
