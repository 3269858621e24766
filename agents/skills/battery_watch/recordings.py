"""The raw recordings of several windows, joined into one: each byte keeps the time at which it came."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from io import BytesIO, TextIOWrapper
from typing import TypeAlias

from agents.device.recording import Chunk, Head, chunk_line, head_line, read_recording
from protocol.errors import SourceError

Recording: TypeAlias = tuple[str, bytes]
"""Its name and its bytes."""


def joined(recordings: Sequence[Recording]) -> bytes:
    """Return one recording of several, in their order; times count from where the first began.

    Raises:
        SourceError: one is none, began before the one before it, or speaks another protocol.
    """
    out = BytesIO()
    first: Head | None = None
    for name, data in recordings:
        head, chunks = read_recording(_lines(name, data), name)
        if first is None:
            first = head
            out.write(head_line(head).encode())
        if head.protocol != first.protocol or head.began_ns < first.began_ns:
            raise SourceError(f"{name} does not go on with the recording of {recordings[0][0]}")
        out.writelines(chunk_line(chunk).encode() for chunk in _later(chunks, head.began_ns - first.began_ns))
    return out.getvalue()


def _later(chunks: Iterator[Chunk], by_ns: int) -> Iterator[Chunk]:
    return (replace(chunk, at_ns=chunk.at_ns + by_ns) for chunk in chunks)


def _lines(name: str, data: bytes) -> Iterator[str]:
    try:
        yield from TextIOWrapper(BytesIO(data), encoding="ascii", newline="\n")
    except UnicodeDecodeError as error:
        raise SourceError(f"{name} is no recording: it has bytes that are not ASCII") from error
