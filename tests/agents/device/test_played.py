"""A recording that is played: which bytes belong to the window that ends, and when it is over."""

from contextlib import closing
from pathlib import Path
from typing import Final

from agents.device.device_address import DeviceAddress, decoders_of
from agents.device.played import Played
from agents.device.recording import Chunk, Head, chunk_line, head_line

SECOND: Final = 10**9
BEGAN: Final = 1_795_292_400 * SECOND


def played(path: Path, kept: list[int], *at_s: float) -> Played:
    """Return a recording of questions that nobody has answered. kept: takes when each was asked, in ns."""
    chunks = (chunk_line(Chunk(round(at * SECOND), True, b"\xdd")) for at in at_s)
    path.write_text(head_line(Head(BEGAN, "jbd")) + "".join(chunks))
    [decoder] = decoders_of(DeviceAddress(url="", protocol="jbd"))
    return Played(path, decoder, 1.0, lambda _is_sent, _data, at_ns: kept.append(at_ns - BEGAN))


def test_what_was_said_before_a_window_ends_is_kept_before_it_is_handed_in_and_not_what_was_said_then(
    tmp_path: Path,
) -> None:
    kept = list[int]()
    with closing(played(tmp_path / "line.txt", kept, 0.2, 0.9, 1.0, 4.0)) as line:
        line.advance(until_s=1.0)
    assert kept == [200_000_000, 900_000_000]


def test_a_device_that_falls_silent_is_silent_until_the_recording_ends(tmp_path: Path) -> None:
    looks = list[float]()
    with closing(played(tmp_path / "line.txt", [], 0.0, 30.0)) as line:
        while not line.is_over:
            line.advance(until_s=100.0)
            looks.append(line.now_s)
    assert looks == [float(second) for second in range(1, 31)]
