"""Ranges of the journal for those who cannot read its files: asked for by a frame, answered in slices.

R asks: facts {"after", "upto", "inbox"}. L answers: how far the journal was read for it, and what of that the
inbox got. The asker goes on from there until it has what it wanted; no slice holds the broker up for long.
"""

import struct
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any, Final

from bus.faults import reached
from bus.journal import JournalReader
from bus.records import Entry
from bus.run import RunFolder
from protocol.errors import BusError
from protocol.topics import EVERYONE, inbox_of

SLICE_ENTRIES: Final = 1024  # looked at for one answer, given out or not
_SLICE_BYTES: Final = 512 * 1024
_HEAD: Final = struct.Struct("<cQQI")
_PLACE: Final = struct.Struct("<QQHI")
_EVERYONE: Final = f"{inbox_of(EVERYONE)}/"


class RangeServer:
    """Reads on for one asker; its place in the journal is kept, so a long range is read once, not once a slice."""

    def __init__(self, run: RunFolder) -> None:
        self._folder = run.journal
        self._reader = JournalReader(self._folder)

    def slice(self, after: int, upto: int, inbox: str | None) -> bytes:
        """Return the answer to one request. upto: the durable head at most.

        Raises:
            JournalError: the journal is damaged there.
        """
        if after != self._reader.position:
            self._reader.close()
            self._reader = JournalReader(self._folder, after)
        chosen: list[Entry] = []
        size = 0
        for entry in islice(self._reader.entries(upto), SLICE_ENTRIES):
            if inbox is None or entry.topic.startswith((f"{inbox}/", _EVERYONE)):
                chosen.append(entry)
                size += len(entry.document)
            if size >= _SLICE_BYTES:
                break
        reached("broker.serving-range")
        return pack_range(after, self._reader.position, chosen)

    def goes_on(self, after: int) -> bool:
        """Return whether a range begins where the last one ended: then nothing has to be searched for."""
        return after == self._reader.position

    def close(self) -> None:
        self._reader.close()


def pack_range(after: int, position: int, entries: Sequence[Entry]) -> bytes:
    """Return an L frame. after: what was asked for. position: the last sequence looked at."""
    topics = [entry.topic.encode() for entry in entries]
    table = b"".join(
        _PLACE.pack(entry.sequence, entry.recorded_ns, len(topic), len(entry.document))
        for entry, topic in zip(entries, topics, strict=True)
    )
    texts = b"".join(topic + entry.document for entry, topic in zip(entries, topics, strict=True))
    return _HEAD.pack(b"L", after, position, len(entries)) + table + texts


def unpack_range(raw: bytes) -> tuple[int, int, list[Entry]]:
    """Return after, position and entries of an L frame.

    Raises:
        BusError: its lengths do not add up to the frame.
    """
    try:
        _, after, position, count = _HEAD.unpack_from(raw)
        end = _HEAD.size + count * _PLACE.size
        if end > len(raw):
            raise BusError("a range's table is longer than its frame")
        return after, position, list(_entries(raw, end))
    except (struct.error, UnicodeDecodeError) as error:
        raise BusError("a range is not what the broker sends") from error


def _entries(raw: bytes, at: int) -> Iterator[Entry]:
    for sequence, recorded_ns, topic_bytes, document_bytes in _PLACE.iter_unpack(raw[_HEAD.size : at]):
        between, end = at + topic_bytes, at + topic_bytes + document_bytes
        yield Entry(sequence, recorded_ns, raw[at:between].decode(), raw[between:end])
        at = end
    if at != len(raw):
        raise BusError("a range's lengths do not add up to its frame")


def asked(facts: dict[str, Any]) -> tuple[int, int, str | None]:
    """Return after, upto and inbox of a request.

    Raises:
        BusError: it does not say them.
    """
    after, upto, inbox = facts.get("after"), facts.get("upto"), facts.get("inbox")
    if not isinstance(after, int) or not isinstance(upto, int) or after < 0 or not isinstance(inbox, str | None):
        raise BusError("a range needs after, upto and inbox")
    return after, upto, inbox
