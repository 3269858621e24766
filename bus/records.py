"""The MCAP records that a journal needs, as bytes in and bytes out. No files.

1. One uncompressed chunk with its CRC for each group that was synced; unchunked MCAP has no checksum.
2. A chunk's own header is not under its CRC, so its times, sizes and sequences are checked against its messages.
3. A signature is a message of its own channel, right behind the document that it signs, with its sequence.
4. `sequence` is 32 bits in MCAP; a journal ends with a clear error before it would wrap.

Source: the MCAP specification, version 0 of the format (magic "MCAP0").
"""

import struct
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Final, NamedTuple, TypeAlias

from protocol.errors import JournalError

MAGIC: Final = b"\x89MCAP0\r\n"
PROFILE: Final = "agent-orchestra"
SIGNATURES: Final = "~signatures"
LAST_SEQUENCE: Final = 2**32 - 1

_RECORD: Final = struct.Struct("<BQ")
_MESSAGE: Final = struct.Struct("<BQHIQQ")
_MESSAGE_FIXED_BYTES: Final = _MESSAGE.size - _RECORD.size
_PLACED: Final = struct.Struct("<HIQQ")  # channel, sequence, recorded, published
_CHUNK: Final = struct.Struct("<QQQIIQ")  # start, end, size, crc, length of "" (no compression), records length
RECORD_BYTES: Final = _RECORD.size
CHUNK_BYTES: Final = _CHUNK.size


class Op(IntEnum):
    HEADER = 0x01
    FOOTER = 0x02
    SCHEMA = 0x03
    CHANNEL = 0x04
    MESSAGE = 0x05
    CHUNK = 0x06
    CHUNK_INDEX = 0x08
    STATISTICS = 0x0B
    METADATA = 0x0C
    DATA_END = 0x0F


class Entry(NamedTuple):
    """One document in the journal. sequence counts from 1; recorded_ns is the broker's clock, strictly rising.

    signature: its sender's over the document, 64 bytes; empty where messages are not signed.
    """

    sequence: int
    recorded_ns: int
    topic: str
    document: bytes
    signature: bytes = b""


# What is to become an entry: topic, document and, where it was signed, the signature.
Draft: TypeAlias = tuple[str, bytes] | tuple[str, bytes, bytes]


@dataclass(frozen=True, slots=True)
class ChunkPlace:
    """Where a chunk lies in its segment and what it spans."""

    offset: int
    length: int
    first_ns: int
    last_ns: int
    records_bytes: int


@dataclass(slots=True)
class Channels:
    """The channel ids of one segment: MCAP's numbers for topics."""

    ids: dict[str, int] = field(default_factory=dict)
    topics: dict[int, str] = field(default_factory=dict)
    counts: dict[int, int] = field(default_factory=dict)

    def count(self, entry: Entry) -> None:
        """Count an entry that was read, and its signature."""
        for topic in (entry.topic, SIGNATURES) if entry.signature else (entry.topic,):
            self.counts[self.ids[topic]] += 1

    def add(self, number: int, topic: str) -> None:
        self.ids[topic] = number
        self.topics[number] = topic
        self.counts.setdefault(number, 0)


def _text(value: str) -> bytes:
    raw = value.encode()
    return struct.pack("<I", len(raw)) + raw


def _map(pairs: Mapping[str, str]) -> bytes:
    body = b"".join(_text(key) + _text(value) for key, value in pairs.items())
    return struct.pack("<I", len(body)) + body


def record(op: Op, content: bytes) -> bytes:
    """Return one record: its kind, its length, its content."""
    return _RECORD.pack(op, len(content)) + content


def preamble(schema: bytes, schema_digest: str) -> bytes:
    """Return how a segment begins: magic, header, the schema of messages and its digest."""
    head = record(Op.HEADER, HEADER)
    body = struct.pack("<H", 1) + _text("agent-message") + _text("xsd") + struct.pack("<I", len(schema)) + schema
    note = record(Op.METADATA, _text("agent-orchestra") + _map({"schema-sha256": schema_digest}))
    return MAGIC + head + record(Op.SCHEMA, body) + note


HEADER: Final = _text(PROFILE) + _text("agent-orchestra")


def _channel(number: int, topic: str) -> bytes:
    return record(Op.CHANNEL, struct.pack("<HH", number, 1) + _text(topic) + _text("xml") + _map({}))


def chunk(entries: Sequence[Entry], channels: Channels) -> bytes:
    """Return the chunk that holds these entries, with the channels they use for the first time.

    Raises:
        JournalError: the sequence or the number of topics is beyond what the format can count.
    """
    parts: list[bytes] = []
    for entry in entries:
        _add(parts, channels, entry, entry.topic, entry.document)
        if entry.signature:
            _add(parts, channels, entry, SIGNATURES, entry.signature)
    if entries[-1].sequence > LAST_SEQUENCE:
        raise JournalError("the journal is full: it counts to 4,294,967,295; start a new run")
    records = b"".join(parts)
    size, crc = len(records), zlib.crc32(records)
    head = _CHUNK.pack(entries[0].recorded_ns, entries[-1].recorded_ns, size, crc, 0, size)
    return _RECORD.pack(Op.CHUNK, len(head) + size) + head + records


def _add(parts: list[bytes], channels: Channels, entry: Entry, topic: str, data: bytes) -> None:
    number = channels.ids.get(topic)
    if number is None:
        number = _next_channel(topic, channels)
        parts.append(_channel(number, topic))
    channels.counts[number] += 1
    stamp_ns = entry.recorded_ns
    parts.append(
        _MESSAGE.pack(Op.MESSAGE, _MESSAGE_FIXED_BYTES + len(data), number, entry.sequence, stamp_ns, stamp_ns)
    )
    parts.append(data)


def _next_channel(topic: str, channels: Channels) -> int:
    number = len(channels.ids) + 1
    if number > 65_535:
        raise JournalError("more than 65,535 topics in one segment")
    channels.add(number, topic)
    return number


def is_chunk_head(length: int, content: bytes) -> bool:
    """Return whether the beginning of a chunk's content agrees with the length that its record gives.

    It tells a chunk that was cut short from one whose length was damaged.
    """
    if len(content) < CHUNK_BYTES:
        return True
    _, _, size, _, compression, records_bytes = _CHUNK.unpack_from(content)
    return bool(compression == 0 and size == records_bytes == length - CHUNK_BYTES)


def read_chunk(content: bytes, channels: Channels) -> list[Entry]:
    """Return the entries of a chunk's content; learn its channels.

    Raises:
        JournalError: the checksum, the sizes, the times or the sequences are not what was written.
    """
    first_ns, last_ns, size, crc, compression, length = _CHUNK.unpack_from(content)
    records = content[CHUNK_BYTES:]
    if compression or size != length or length != len(records) or zlib.crc32(records) != crc:
        raise JournalError("a chunk is damaged: its checksum or size is not the one written")
    entries: list[Entry] = []
    at, previous = 0, 0
    while at < length:
        op, body_bytes = _RECORD.unpack_from(records, at)
        at, start = at + RECORD_BYTES + body_bytes, at + RECORD_BYTES
        if op == Op.CHANNEL:
            _learn(records[start:at], channels)
        elif op == Op.MESSAGE:
            number, sequence, recorded_ns, _ = _PLACED.unpack_from(records, start)
            topic, data = channels.topics[number], records[start + _MESSAGE_FIXED_BYTES : at]
            if topic == SIGNATURES and sequence == previous:
                entries[-1] = entries[-1]._replace(signature=data)
                continue
            if previous and sequence != previous + 1:
                raise JournalError(f"a chunk is damaged at sequence {sequence}")
            previous = sequence
            entries.append(Entry(sequence, recorded_ns, topic, data))
    if entries and (entries[0].recorded_ns != first_ns or entries[-1].recorded_ns != last_ns):
        raise JournalError("a chunk is damaged: its times are not those of its messages")
    return entries


def _learn(content: bytes, channels: Channels) -> None:
    number, _schema, length = struct.unpack_from("<HHI", content)
    channels.add(number, content[8 : 8 + length].decode())


def ending(places: Sequence[ChunkPlace], channels: Channels, schema: bytes, at: int) -> bytes:
    """Return how a closed segment ends: summary and footer, for readers that look there first.

    at: the segment's length so far in bytes.
    """
    data_end = record(Op.DATA_END, struct.pack("<I", 0))
    body = struct.pack("<H", 1) + _text("agent-message") + _text("xsd") + struct.pack("<I", len(schema)) + schema
    parts = [record(Op.SCHEMA, body), *(_channel(number, topic) for topic, number in channels.ids.items())]
    parts += [record(Op.CHUNK_INDEX, _chunk_index(place)) for place in places]
    parts.append(record(Op.STATISTICS, _statistics(places, channels)))
    summary = b"".join(parts)
    start = at + len(data_end)
    foot = _RECORD.pack(Op.FOOTER, 20) + struct.pack("<QQ", start, 0)
    crc = struct.pack("<I", zlib.crc32(summary + foot))
    return data_end + summary + foot + crc + MAGIC


def _chunk_index(place: ChunkPlace) -> bytes:
    fixed = struct.pack("<QQQQ", place.first_ns, place.last_ns, place.offset, place.length)
    return fixed + struct.pack("<IQ", 0, 0) + _text("") + struct.pack("<QQ", place.records_bytes, place.records_bytes)


def _statistics(places: Sequence[ChunkPlace], channels: Channels) -> bytes:
    first, last = (places[0].first_ns, places[-1].last_ns) if places else (0, 0)
    counts = b"".join(struct.pack("<HQ", number, count) for number, count in channels.counts.items())
    fixed = struct.pack(
        "<QHIIIIQQ", sum(channels.counts.values()), 1, len(channels.ids), 0, 1, len(places), first, last
    )
    return fixed + struct.pack("<I", len(counts)) + counts
