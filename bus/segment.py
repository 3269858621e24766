"""Reading one segment file: what lies where, and where it stops being whole."""

import os
import re
import struct
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Final
from weakref import finalize

from bus.records import (
    CHUNK_BYTES,
    HEADER,
    MAGIC,
    RECORD_BYTES,
    Channels,
    ChunkPlace,
    Entry,
    Op,
    is_chunk_head,
    preamble,
    read_chunk,
)
from protocol.errors import JournalError

_LARGEST_RECORD_BYTES: Final = 1 << 30
_NUMBER: Final = re.compile(r"[0-9]{12}")  # "1.mcap" would be a second file for the same entries
_PART_BYTES: Final = 1 << 26
_PREAMBLE: Final = (Op.HEADER, Op.SCHEMA, Op.METADATA)


def segment_path(folder: Path, first_sequence: int) -> Path:
    """Return where the segment that begins with this sequence lies."""
    return folder / f"{first_sequence:012}.mcap"


def segments(folder: Path) -> list[tuple[int, Path]]:
    """Return the segments of a journal in order, each with the sequence it begins with."""
    return sorted((int(path.stem), path) for path in folder.glob("*.mcap") if _NUMBER.fullmatch(path.stem))


@dataclass(slots=True, weakref_slot=True)
class Segment:
    """An open segment read front to back; it remembers its place, so a growing file can be read on.

    places: the chunks passed so far. is_closed: its ending was seen, nothing more will come.
    """

    path: Path
    keeps_places: bool = False
    channels: Channels = field(default_factory=Channels)
    places: list[ChunkPlace] = field(default_factory=list)
    offset: int = 0
    is_closed: bool = False
    last_sequence: int = 0
    _descriptor: int = -1
    _let_go: Callable[[], object] = lambda: None
    _schema: bytes = b""
    _preamble_left: int = 3

    def __post_init__(self) -> None:
        try:
            self._descriptor = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)
        except OSError as error:
            raise JournalError(f"{self.path}: {error.strerror}") from error
        # A reader that nobody reads on is let go of, not closed: whoever looks often would run out of files.
        self._let_go = finalize(self, os.close, self._descriptor)

    def close(self) -> None:
        self._let_go()
        self._descriptor = -1

    def size_bytes(self) -> int:
        return os.fstat(self._descriptor).st_size

    def rest(self) -> bytes:
        """Return everything from the present place on, whatever it is."""
        parts, at = [], self.offset
        while part := os.pread(self._descriptor, _PART_BYTES, at):
            parts.append(part)
            at += len(part)
        return b"".join(parts)

    @property
    def is_begun(self) -> bool:
        """Whether its preamble was read: what comes now are chunks and the ending."""
        return self._preamble_left == 0

    def entries(self, after: int, upto: int) -> Iterator[Entry]:
        """Yield entries with after < sequence <= upto, as far as whole records reach.

        Stops in front of the first chunk that goes beyond upto, and reads it again next time. What follows upto
        is not looked at: it may be under way, or be undone.

        Raises:
            JournalError: a record is whole but not what was written.
        """
        while not self.is_closed and self.last_sequence < upto:
            found = self._next_record()
            if found is None:
                return
            op, content, end = found
            if op == Op.CHUNK and self._preamble_left == 0:
                last = yield from self._chunk_entries(content, after, upto)
                if last > upto:
                    return
                self.last_sequence = last
                self._remember(content, end)
            elif op == Op.DATA_END and self._preamble_left == 0:
                self.is_closed = True
                return
            else:
                self._check_preamble(op, content)
            self.offset = end

    def _chunk_entries(self, content: bytes, after: int, upto: int) -> Generator[Entry, None, int]:
        """Yield a chunk's entries and return the last sequence read, which is beyond upto where the chunk is."""
        last = self.last_sequence
        try:
            for entry in read_chunk(content, self.channels):
                last = entry.sequence
                if last > upto:
                    break
                if last > after:
                    yield entry
        except (JournalError, struct.error, LookupError, UnicodeDecodeError) as error:
            raise JournalError(f"{self.path.name}, byte {self.offset:,}: {error}") from error
        return last

    def _remember(self, content: bytes, end: int) -> None:
        if self.keeps_places:
            first_ns, last_ns = struct.unpack_from("<QQ", content)
            length = end - self.offset
            self.places.append(ChunkPlace(self.offset, length, first_ns, last_ns, len(content) - CHUNK_BYTES))

    def _next_record(self) -> tuple[int, bytes, int] | None:
        """Return kind, content and end of the record at the present place; None when it is not whole (yet)."""
        if self.offset == 0:
            magic = os.pread(self._descriptor, len(MAGIC), 0)
            if len(magic) < len(MAGIC) and MAGIC.startswith(magic):
                return None
            if magic != MAGIC:
                raise JournalError(f"{self.path.name} does not begin as a segment does")
            self.offset = len(MAGIC)
        head = os.pread(self._descriptor, RECORD_BYTES, self.offset)
        if len(head) < RECORD_BYTES:
            return None
        op, length = struct.unpack("<BQ", head)
        if op == 0 and not any(head):
            return None  # space that was reserved for a write which never came
        if length > _LARGEST_RECORD_BYTES or op not in Op._value2member_map_:
            raise JournalError(f"{self.path.name}, byte {self.offset:,}: not a record")
        content = os.pread(self._descriptor, length, self.offset + RECORD_BYTES)
        if len(content) < length:
            if op == Op.CHUNK and not is_chunk_head(length, content):
                raise JournalError(f"{self.path.name}, byte {self.offset:,}: the length of a chunk is damaged")
            return None
        return op, content, self.offset + RECORD_BYTES + length

    def _check_preamble(self, op: int, content: bytes) -> None:
        """Header, schema and the schema's digest come first, in this order, and nothing like them later."""
        expected = _PREAMBLE[-self._preamble_left] if self._preamble_left else None
        if op != expected or (op == Op.HEADER and content != HEADER):
            raise JournalError(f"{self.path.name}, byte {self.offset:,}: a record that has no place here")
        self._preamble_left -= 1
        if op == Op.SCHEMA:
            self._schema = _schema_of(content)
        elif op == Op.METADATA:
            whole = preamble(self._schema, sha256(self._schema).hexdigest())
            if os.pread(self._descriptor, self.offset + RECORD_BYTES + len(content), 0) != whole:
                raise JournalError(f"{self.path.name}: the schema stored in it is not the one it names")


def _schema_of(content: bytes) -> bytes:
    """Return the data of a schema record, or nothing where its lengths lead nowhere: its digest tells."""
    place = 2
    for _ in range(2):
        place += 4 + int.from_bytes(content[place : place + 4], "little")
    return content[place + 4 :]
