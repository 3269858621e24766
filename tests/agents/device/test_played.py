"""A recording as a source: its statuses and bytes at the times at which they came, however often it is played."""

from contextlib import closing
from pathlib import Path
from typing import Final

import pytest

from agents.device.device_address import DeviceAddress, decoders_of
from agents.device.protocols import jbd_up
from agents.device.protocols.jbd import Jbd
from agents.device.recording import Chunk, Head, chunk_line, head_line, length_s, read_head
from agents.device.watching.commands import Observe
from agents.device.watching.played import Played
from protocol.errors import SourceError
from tests.agents.device.captures import JBD_UP
from tests.agents.device.sealing import with_crc
from tests.recorded import BEGAN_NS, record

SECONDS: Final = 20
Kept = list[tuple[bool, int]]


@pytest.fixture
def line(tmp_path: Path) -> Path:
    return record(tmp_path / "line.txt", SECONDS)


def played(line: Path, until_s: float, kept: Kept | None = None, from_ns: int = 0) -> list[float]:
    """When statuses came, up to some moment."""
    keep = (lambda is_sent, data, at_ns: kept.append((is_sent, at_ns))) if kept is not None else lambda *_: None
    came = list[float]()
    with closing(Played(line, [Jbd()], 1.0, keep, from_ns)) as recording:
        while recording.now_s < until_s and not recording.is_over:
            recording.advance(until_s)
            if recording.poll(recording.now_s) is not None:
                came.append(recording.now_s)
    return came


def test_statuses_come_when_their_last_byte_came(line: Path) -> None:
    assert played(line, SECONDS) == [second + 0.15 for second in range(SECONDS)]


def test_it_goes_no_further_than_it_is_asked_to(line: Path) -> None:
    assert played(line, 5.1) == [second + 0.15 for second in range(5)]


def test_bytes_are_kept_with_their_own_times_and_none_before_its_time(line: Path) -> None:
    kept: Kept = []
    played(line, 2.0, kept)
    assert [(is_sent, at_ns - BEGAN_NS) for is_sent, at_ns in kept] == [
        (True, 0), (False, 50_000_000), (True, 100_000_000), (False, 150_000_000),
        (True, 1_000_000_000), (False, 1_050_000_000), (True, 1_100_000_000), (False, 1_150_000_000),
        (True, 2_000_000_000),
    ]  # fmt: skip


def test_bytes_that_were_handed_in_are_not_kept_again(line: Path) -> None:
    kept: Kept = []
    played(line, 2.0, kept, from_ns=BEGAN_NS + 1_100_000_000)
    assert [at_ns - BEGAN_NS for _, at_ns in kept] == [1_100_000_000, 1_150_000_000, 2_000_000_000]


def test_what_came_after_the_last_status_is_kept_in_the_end(line: Path) -> None:
    with line.open("a", encoding="ascii") as file:
        file.write(f"{SECONDS}000000000 < ff\n")
    kept: Kept = []
    with closing(Played(line, [Jbd()], 1.0, lambda is_sent, data, at_ns: kept.append((is_sent, at_ns)))) as recording:
        while not recording.is_over:
            recording.advance(100)
            recording.poll(recording.now_s)
        recording.end()
    assert kept[-1] == (False, BEGAN_NS + SECONDS * 1_000_000_000)


def test_a_window_ends_at_the_same_place_of_the_recording_whenever_it_is_asked_for(line: Path) -> None:
    with closing(Played(line, [Jbd()], 1.0)) as recording:
        assert recording.until_s(Observe(3, 10.0, 5.0), 99.0) == 15.0


def test_how_long_a_recording_is_stands_in_its_last_whole_line(line: Path) -> None:
    assert length_s(line) == SECONDS - 1 + 0.15
    with line.open("a", encoding="ascii") as file:
        file.write("99999999999 < 0")
    assert length_s(line) == SECONDS - 1 + 0.15
    assert read_head(line).protocol == "jbd"


@pytest.mark.parametrize("text", ["", "something\n", "\0\0\0"])
def test_what_is_no_recording_is_said_to_be_none(tmp_path: Path, text: str) -> None:
    file = tmp_path / "line.txt"
    file.write_text(text)
    with pytest.raises(SourceError, match="line 1: this is no recording"):
        Played(file, [Jbd()], 1.0)
    with pytest.raises(SourceError, match="cannot read"):
        Played(tmp_path / "nowhere.txt", [Jbd()], 1.0)


SECOND: Final = 10**9
BEGAN: Final = 1_795_292_400 * SECOND


def asked(path: Path, kept: list[int], *at_s: float) -> Played:
    """Return a recording of questions that nobody has answered. kept: takes when each was asked, in ns."""
    chunks = (chunk_line(Chunk(round(at * SECOND), True, b"\xdd")) for at in at_s)
    path.write_text(head_line(Head(BEGAN, "jbd")) + "".join(chunks))
    decoders = decoders_of(DeviceAddress(url="", protocol="jbd"))
    return Played(path, decoders, 1.0, lambda _is_sent, _data, at_ns: kept.append(at_ns - BEGAN))


def test_what_was_said_before_a_window_ends_is_kept_before_it_is_handed_in_and_not_what_was_said_then(
    tmp_path: Path,
) -> None:
    kept = list[int]()
    with closing(asked(tmp_path / "line.txt", kept, 0.2, 0.9, 1.0, 4.0)) as line:
        line.advance(until_s=1.0)
    assert kept == [200_000_000, 900_000_000]


def test_a_device_that_falls_silent_is_silent_until_the_recording_ends(tmp_path: Path) -> None:
    looks = list[float]()
    with closing(asked(tmp_path / "line.txt", [], 0.0, 30.0)) as line:
        while not line.is_over:
            line.advance(until_s=100.0)
            looks.append(line.now_s)
    assert looks == [float(second) for second in range(1, 31)]


def test_of_several_packs_on_one_line_each_is_played(tmp_path: Path) -> None:
    path, kept = tmp_path / "line.txt", list[list[int | None]]()
    said = {at: with_crc(bytes((at,)) + JBD_UP[1:-2]) for at in (1, 2)}
    turns = [(number, at) for number, at in enumerate((1, 2, 1, 2))]
    chunks = [chunk for number, at in turns for chunk in (
        Chunk(number * SECOND, True, jbd_up.ask(at)), Chunk(number * SECOND + 1, False, said[at])
    )]  # fmt: skip
    path.write_text(head_line(Head(BEGAN, "jbd-up")) + "".join(map(chunk_line, chunks)))
    decoders = decoders_of(DeviceAddress(url="", protocol="jbd-up", addresses=(1, 2)))
    with closing(Played(path, decoders, 1.0)) as line:
        while not line.is_over:
            line.advance(until_s=100.0)
            if status := line.poll(line.now_s):
                kept.append([one.address for one in status.packs])
    assert kept == [[1], [2], [1], [2]]
