"""The frames that publishers, broker and subscribers exchange around documents. Bytes in, values out; no sockets.

Publisher to broker (DEALER to ROUTER), first byte:  H hello · P publish · G publish signed · B heartbeat · S status
                                                     · R a range of the journal (`bus.ranges`)
Broker to publisher:      W welcome · A acknowledgement · N resend from · J status · L a range · X not let in
Broker to subscribers (XPUB), one frame:             topic NUL head documents

Documents in one frame are told apart by a table of lengths, never by a separator.

1. An `unpack_` function raises BusError and nothing else, whatever the bytes are.
2. What it uses of memory follows from the length of the frame, never from a number that stands in it.
"""

import json
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, Final, NamedTuple

from bus.records import Entry
from protocol.errors import BusError

BUNDLE_DOCUMENTS: Final = 32
# In a table of lengths an empty document takes 4 bytes, to judge it takes the broker 10 µs and 160 bytes: without a
# limit a frame of 64 MB would hold it for three minutes. A bundle's documents and a signature for each.
MOST_DOCUMENTS: Final = 2 * BUNDLE_DOCUMENTS
# Facts of one process take some 200 bytes. Only the broker's own answer to a status question may be longer.
MOST_FACTS_BYTES: Final = 65_536
BEACON: Final = "~beacon"
HEAD: Final = "~head"

_PUBLISH: Final = struct.Struct("<cQI")
_ACK: Final = struct.Struct("<cQI")
_RECEIPT: Final = struct.Struct("<BQ")
_LIVE: Final = struct.Struct("<QQQQQI")
_NUMBER: Final = struct.Struct("<cQ")
_PAIR: Final = struct.Struct("<QQ")


class Status(IntEnum):
    """What became of a published document."""

    NEW = 0  # journaled now
    SAME = 1  # already journaled, byte for byte
    CONFLICT = 2  # its id is already journaled with other bytes: the first one counts
    REFUSED = 3  # not admissible; a refusal says why


_STATUS: Final = tuple(Status)


class Receipt(NamedTuple):
    """The broker's answer to one document. sequence: where it stands in the journal; 0 when refused."""

    status: Status
    sequence: int
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Live:
    """Consecutive entries of one topic, as subscribers get them.

    previous: the last sequence before these in the same inbox. previous_everyone: the same for everyone's.
    first_ns: when the first was recorded; entry n of the frame was recorded n nanoseconds later.
    """

    topic: str
    epoch: int
    first: int
    previous: int
    previous_everyone: int
    first_ns: int
    documents: tuple[bytes, ...]

    def entries(self) -> list[Entry]:
        return [Entry(self.first + n, self.first_ns + n, self.topic, raw) for n, raw in enumerate(self.documents)]


@dataclass(frozen=True, slots=True)
class Beacon:
    """How far the journal reaches, and the last sequence of each inbox."""

    epoch: int
    head: int
    inboxes: dict[str, int]


def _bundle(documents: Sequence[bytes]) -> bytes:
    return struct.pack(f"<{len(documents)}I", *map(len, documents)) + b"".join(documents)


def _unbundle(raw: bytes, at: int, count: int) -> tuple[bytes, ...]:
    table_end = at + 4 * count
    if count == 0 or table_end > len(raw):
        raise BusError("a frame's table of lengths is longer than the frame")
    if count > MOST_DOCUMENTS:
        raise BusError(f"a frame's table of lengths names {count} documents, at most {MOST_DOCUMENTS} are taken")
    lengths = struct.unpack_from(f"<{count}I", raw, at)
    if table_end + sum(lengths) != len(raw):
        raise BusError("a frame's lengths do not add up to the frame")
    documents, start = [], table_end
    for length in lengths:
        documents.append(raw[start : start + length])
        start += length
    return tuple(documents)


def pack_publish(number: int, documents: Sequence[bytes], signatures: Sequence[bytes] = ()) -> bytes:
    """Return a publish frame; where they are signed, each document's signature follows all documents."""
    return _PUBLISH.pack(b"G" if signatures else b"P", number, len(documents)) + _bundle([*documents, *signatures])


def unpack_publish(raw: bytes) -> tuple[int, tuple[bytes, ...], tuple[bytes, ...]]:
    """Return a publish frame's number, documents and their signatures, none where they are not signed.

    Raises:
        BusError: lengths and frame do not agree; whatever is claimed, no more memory than the frame's is used.
    """
    if len(raw) < _PUBLISH.size:
        raise BusError("a publish frame is cut short")
    kind, number, count = _PUBLISH.unpack_from(raw)
    if kind == b"P":
        return number, _unbundle(raw, _PUBLISH.size, count), ()
    both = _unbundle(raw, _PUBLISH.size, 2 * count)
    return number, both[:count], both[count:]


def pack_ack(number: int, receipts: Sequence[Receipt]) -> bytes:
    table = b"".join(_RECEIPT.pack(receipt.status, receipt.sequence) for receipt in receipts)
    reasons = {n: receipt.reason for n, receipt in enumerate(receipts) if receipt.reason}
    return _ACK.pack(b"A", number, len(receipts)) + table + (json.dumps(reasons).encode() if reasons else b"")


def unpack_ack(raw: bytes) -> tuple[int, list[Receipt]]:
    """Return an acknowledgement's number and receipts.

    Raises:
        BusError: it is cut short, names a status that does not exist, or its reasons are not JSON.
    """
    try:
        _, number, count = _ACK.unpack_from(raw)
        at = _ACK.size + count * _RECEIPT.size
        pairs = _RECEIPT.iter_unpack(raw[_ACK.size : at])
        receipts = [Receipt(_STATUS[status], sequence) for status, sequence in pairs]
    except (struct.error, IndexError) as error:
        raise BusError("an acknowledgement cannot be read") from error
    if len(receipts) != count:
        raise BusError("an acknowledgement is cut short")
    return number, receipts if len(raw) == at else _with_reasons(receipts, _object(raw[at:]))


def _with_reasons(receipts: Sequence[Receipt], reasons: dict[str, Any]) -> list[Receipt]:
    return [receipt._replace(reason=str(reasons.get(str(n), ""))) for n, receipt in enumerate(receipts)]


def pack_live(live: Live) -> bytes:
    head = _LIVE.pack(live.epoch, live.first, live.previous, live.previous_everyone, live.first_ns, len(live.documents))
    return live.topic.encode() + b"\0" + head + _bundle(live.documents)


def pack_beacon(beacon: Beacon) -> bytes:
    table = json.dumps(beacon.inboxes).encode()
    return BEACON.encode() + b"\0" + _PAIR.pack(beacon.epoch, beacon.head) + table


def pack_head(epoch: int, head: int) -> bytes:
    return HEAD.encode() + b"\0" + _PAIR.pack(epoch, head)


def unpack_heard(raw: bytes) -> Live | Beacon:
    """Return what a subscriber heard. A bare head is a beacon that names no inbox.

    Raises:
        BusError: it is neither, or its lengths do not agree.
    """
    topic, _, rest = raw.partition(b"\0")
    try:
        name = topic.decode()
        if name in (BEACON, HEAD):
            epoch, head = _PAIR.unpack_from(rest)
            return Beacon(epoch, head, _inboxes(rest[_PAIR.size :]))
        epoch, first, previous, previous_everyone, first_ns, count = _LIVE.unpack_from(rest)
    except (struct.error, UnicodeDecodeError) as error:
        raise BusError("a frame from the broker cannot be read") from error
    return Live(name, epoch, first, previous, previous_everyone, first_ns, _unbundle(rest, _LIVE.size, count))


def _inboxes(raw: bytes) -> dict[str, int]:
    inboxes = _object(raw or b"{}")
    if not all(type(last) is int for last in inboxes.values()):
        raise BusError("a beacon names an inbox without a sequence")
    return inboxes


def pack_number(kind: bytes, number: int) -> bytes:
    """Return a W (welcome: the epoch) or N (resend from) frame."""
    return _NUMBER.pack(kind, number)


def unpack_number(raw: bytes) -> int:
    """Return the number of such a frame.

    Raises:
        BusError: it has another length.
    """
    try:
        return int(_NUMBER.unpack(raw)[1])
    except struct.error as error:
        raise BusError("a frame with one number is cut short or too long") from error


def pack_facts(kind: bytes, facts: dict[str, Any]) -> bytes:
    """Return an H (hello), B (heartbeat), S (status), J (status answer) or X (not let in) frame."""
    return kind + json.dumps(facts).encode()


def unpack_facts(raw: bytes) -> dict[str, Any]:
    """Return the facts of such a frame.

    Raises:
        BusError: they are not a JSON object, are too many, or hold more than texts and counts: what a stranger
            says of himself is kept and shown, so it has to stay small and flat. The broker's own answer need not.
    """
    is_answer = raw[:1] == b"J"
    if len(raw) > MOST_FACTS_BYTES and not is_answer:
        raise BusError(f"a control frame of {len(raw):,} bytes; at most {MOST_FACTS_BYTES:,} are taken")
    facts = _object(raw[1:] or b"{}")
    if not is_answer and not all(map(_is_plain, facts.values())):
        raise BusError("a control frame holds JSON that is not flat, or a number that no frame can carry")
    return facts


def _is_plain(value: object) -> bool:
    return 0 <= value < 2**63 if isinstance(value, int) else value is None or isinstance(value, str | float)


def _object(raw: bytes) -> dict[str, Any]:
    try:
        found = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise BusError("a control frame does not hold JSON") from error
    if not isinstance(found, dict):
        raise BusError("a control frame does not hold a JSON object")
    return found
