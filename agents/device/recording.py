"""A line as it was: every byte with its time, so that a fault can be looked at again without the battery.

A text file. The first line says what it is; then one line for each chunk: nanoseconds since the beginning, `<` for what
came or `>` for what was sent, and the bytes in hexadecimal digits.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TextIO

from agents.device.decoder import Decoder, Frame, TakesQuestions
from agents.device.link import Link
from agents.device.status import FrameError, Status, merged, side_by_side
from protocol.errors import SourceError

_HEAD: Final = re.compile(r"# orchestra device recording 1 began_ns=([0-9]{1,19}) protocol=([a-z0-9-]{1,40})")
_LINE: Final = re.compile(r"([0-9]{1,19}) ([<>]) ((?:[0-9a-f]{2})+)")
_NO_PROTOCOL: Final = "-"
_TAIL_BYTES: Final = 65_536
_LATEST_NS: Final = 2**62  # a time in the year 2116; what is later, or too long, is none


@dataclass(frozen=True, slots=True)
class Head:
    """What a recording says of itself. began_ns: since the Unix epoch. protocol: None where it was only listened to."""

    began_ns: int
    protocol: str | None


@dataclass(frozen=True, slots=True)
class Chunk:
    """Bytes that came or were sent together. at_ns: since the recording began."""

    at_ns: int
    is_sent: bool
    data: bytes


def head_line(head: Head) -> str:
    return f"# orchestra device recording 1 began_ns={head.began_ns} protocol={head.protocol or _NO_PROTOCOL}\n"


def chunk_line(chunk: Chunk) -> str:
    return f"{chunk.at_ns} {'>' if chunk.is_sent else '<'} {chunk.data.hex()}\n"


def read_recording(lines: Iterable[str], name: str) -> tuple[Head, Iterator[Chunk]]:
    """Return the head of a recording and its chunks, read as they are asked for. name: what to call it.

    Raises:
        SourceError: it is no recording, or a line of it is none; the text names file and line.
    """
    given = iter(lines)
    found = _HEAD.fullmatch(next(given, "").rstrip("\n"))
    if found is None:
        raise SourceError(f"{name}, line 1: this is no recording of `orchestra device record`")
    began_ns, protocol = int(found[1]), None if found[2] == _NO_PROTOCOL else found[2]
    if began_ns > _LATEST_NS:
        raise SourceError(f"{name}, line 1: began_ns={began_ns} is no time in nanoseconds since 1970")
    return Head(began_ns, protocol), _chunks(given, name, _LATEST_NS - began_ns)


def open_recording(path: Path) -> TextIO:
    """Return a recording that lies on disk, open to be read.

    Raises:
        SourceError: it cannot be read, or is no file: a pipe may never end, and can be read only once.
    """
    try:
        if path.exists() and not path.is_file():
            raise SourceError(f"{path} is no file; write the path of one that `orchestra device record` has made")
        return path.open(encoding="ascii", errors="replace", newline="\n")
    except OSError as error:
        raise SourceError(f"cannot read {path}: {error.strerror}") from error


@contextmanager
def opened(path: Path) -> Iterator[tuple[Head, Iterator[Chunk]]]:
    """Open the file of a recording: its head, and its chunks, read as they are asked for.

    Raises:
        SourceError: as for `open_recording`, or it is no recording; or, while its chunks are asked for, a line of it is
            none.
    """
    with open_recording(path) as file:
        yield read_recording(_lines(file, path), str(path))


def _lines(file: TextIO, path: Path) -> Iterator[str]:
    try:
        yield from file
    except OSError as error:
        raise SourceError(f"cannot read {path}: {error.strerror}") from error


def read_head(path: Path) -> Head:
    """Return what a recording says of itself.

    Raises:
        SourceError: it cannot be read, or is no recording.
    """
    with opened(path) as (head, _):
        return head


def length_s(path: Path) -> float:
    """Return how long a recording lasts, by the last whole line of it; 0.0 where it holds none.

    Raises:
        SourceError: it cannot be read.
    """
    with open_recording(path) as lines:
        size, tail_bytes = path.stat().st_size, _TAIL_BYTES
        while (last_ns := _last_ns(lines, max(0, size - tail_bytes))) is None and tail_bytes < size:
            tail_bytes *= 16  # a line may be longer than that
    return (last_ns or 0) / 1e9


def _last_ns(lines: TextIO, begin: int) -> int | None:
    lines.seek(begin)
    whole = [found for line in lines.read().split("\n")[:-1] if (found := _LINE.fullmatch(line))]
    return int(whole[-1][1]) if whole else None


def _chunks(lines: Iterator[str], name: str, longest_ns: int) -> Iterator[Chunk]:
    for number, line in enumerate(lines, 2):
        if not line.endswith("\n"):
            return  # whoever recorded was killed within it
        if (found := _LINE.fullmatch(line[:-1])) is None:
            raise SourceError(f"{name}, line {number}: not `NANOSECONDS < HEX` or `NANOSECONDS > HEX`")
        if int(found[1]) > longest_ns:
            raise SourceError(f"{name}, line {number}: {found[1]} nanoseconds after it began is no time")
        yield Chunk(int(found[1]), found[2] == ">", bytes.fromhex(found[3]))


class RecordedLink:
    """A line of which every byte is kept. keep: told whether they were sent, and the bytes."""

    def __init__(self, link: Link, keep: Callable[[bool, bytes], None]) -> None:
        self.name, self._link, self._keep = link.name, link, keep

    def read(self, timeout_s: float) -> bytes:
        data = self._link.read(timeout_s)
        if data:
            self._keep(False, data)
        return data

    def write(self, data: bytes) -> None:
        self._keep(True, data)
        self._link.write(data)

    def close(self) -> None:
        self._link.close()


def statuses(chunks: Iterable[Chunk], *decoders: Decoder) -> Iterator[tuple[int, Status]]:
    """Return what was said, a status for each cycle of questions, and when, in nanoseconds since the beginning.

    decoders: one for each pack that was asked. Of several, each status is about one of them.
    """
    if len(decoders) == 1:
        yield from _statuses(chunks, decoders[0])
        return
    for turn in _turns(chunks, decoders):
        for at_ns, status in _statuses(turn.chunks, turn.decoder):
            yield at_ns, side_by_side([status])


@dataclass(frozen=True, slots=True)
class _Turn:
    decoder: Decoder
    chunks: Sequence[Chunk]


def _turns(chunks: Iterable[Chunk], decoders: Sequence[Decoder]) -> Iterator[_Turn]:
    """Return the chunks of each pack's turn: from one of its questions to that of another pack."""
    whose = {question: decoder for decoder in decoders for question in decoder.asks()}
    now, kept = None, list[Chunk]()
    for chunk in chunks:
        asked = whose.get(chunk.data, now) if chunk.is_sent else now
        if now is not None and asked is not now:
            yield _Turn(now, kept)
            kept = []
        now = asked
        kept.append(chunk)
    if now is not None:
        yield _Turn(now, kept)


def _statuses(chunks: Iterable[Chunk], decoder: Decoder) -> Iterator[tuple[int, Status]]:
    asks = list(decoder.asks())
    said, at_ns = list[Status](), 0
    for chunk in chunks:
        if chunk.is_sent:
            if said and chunk.data in asks[:1]:
                yield at_ns, merged(said)
                said = []
            _tell(decoder, chunk.data, asks)
            continue
        at_ns = chunk.at_ns
        for status in _read(decoder, decoder.feed(chunk.data)):
            said.append(status)
            if not asks:
                yield at_ns, said.pop()
    if said:
        yield at_ns, merged(said)


def _tell(decoder: Decoder, sent: bytes, asks: Sequence[bytes]) -> None:
    """Let a decoder know of a question; that a host lives is none, and comes in the middle of what is said."""
    if sent not in asks:
        return
    decoder.reset()
    if isinstance(decoder, TakesQuestions):
        decoder.asked(sent)


def _read(decoder: Decoder, frames: Sequence[Frame]) -> Iterator[Status]:
    for frame in frames:
        try:
            yield decoder.decode(frame)
        except FrameError:
            continue  # as when it was recorded: what cannot be is no status
