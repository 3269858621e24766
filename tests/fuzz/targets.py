"""What is fuzzed: every place at which bytes from a stranger become values. Anything but our own errors is a bug."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Final
from xml.etree import ElementTree

from bus import wire
from bus.compression import pack, unpack
from bus.door import Door
from bus.memory import MemoryStore
from bus.ranges import pack_range, unpack_range
from bus.records import Entry
from bus.sequencer import Quarantine, Sequencer, Submission
from protocol.decoder import decode, reread
from protocol.encoder import encode
from protocol.errors import BusError, WireError
from protocol.examples import example
from protocol.messages import MessageType
from protocol.topics import topic_of
from protocol.xml import well_formed
from tests.builders import CAST
from tests.cases import FOLDER

EXAMPLES: Final = [encode(example(kind)) for kind in MessageType]
_LONGEST_REASON: Final = 2_000

Target = Callable[[bytes], object]


def document(raw: bytes) -> bool:
    """Parse, validate, decode. What is accepted means one thing, however often and by whomever it is read."""
    refusal = None
    try:
        message = decode(raw)
    except WireError as error:
        refusal = error
    if refusal is not None:
        assert 0 < len(refusal.reason) < _LONGEST_REASON, "a refusal needs a short reason"
        assert refusal.line >= 1 <= refusal.column, "a refusal needs a place"
        return False
    assert reread(raw) == message
    assert decode(encode(message)) == message
    assert _second(raw) in (None, _first(raw)), "two readers read two things"
    return True


def _first(raw: bytes) -> object:
    return [(node.tag, dict(node.attrib), "".join(node.itertext())) for node in well_formed(raw).iter("*")]


def _second(raw: bytes) -> object:
    try:
        root = ElementTree.fromstring(raw)
    except (ElementTree.ParseError, LookupError, ValueError):
        return None
    return [(node.tag, dict(node.attrib), "".join(node.itertext())) for node in root.iter()]


def admission(raw: bytes) -> bool:
    """The door and what stands behind it: there is always a receipt, and a refusal can always be journaled."""
    door = Door()
    door.cast.update(CAST)
    sequencer = Sequencer(MemoryStore(lambda: 1), door, mission="fuzz", quarantine=Quarantine(None), clock_ns=lambda: 1)
    [[receipt]], entries = sequencer.accept([Submission("@worker", b"w", 1, (raw,))])
    [entry] = entries
    message, is_taken = decode(entry.document), receipt.status is wire.Status.NEW
    if is_taken:  # whatever way the door has of finding out, the schema says the same
        assert entry.document == raw
        assert (message.sender, entry.topic) == ("@worker", topic_of(message.recipient, message.type.value))
    else:
        assert entry.topic == "worker/refusal"
        assert not receipt.reason.startswith(("invalid", "malformed")) or not document(raw)
    return is_taken


def _frame(reader: Callable[[bytes], object]) -> Target:
    def read(raw: bytes) -> bool:
        try:
            reader(raw)
        except BusError:
            return False
        return True

    return read


def _from_worker_to_lead(raw: bytes) -> bytes:
    return re.sub(rb"<sender>.*</recipient>", b"<sender>@worker</sender><recipient>@lead</recipient>", raw)


_LIVE: Final = wire.Live("lead/status", 3, 17, 11, 9, 1_000, (EXAMPLES[0], b"", EXAMPLES[1]))
_RECEIPTS: Final = [wire.Receipt(wire.Status.NEW, 7), wire.Receipt(wire.Status.REFUSED, 0, "invalid: ü")]
_FACTS: Final = {"agent": "@worker", "pid": 4, "first": 1, "state": "ready", "position": 9}
_RANGE: Final = [Entry(1, 5, "lead/status", EXAMPLES[0]), Entry(2, 6, "everyone/control", EXAMPLES[1])]

# What reads, and honest bytes to begin with.
TARGETS: Final[dict[str, tuple[Target, list[bytes]]]] = {
    "document": (document, EXAMPLES),
    "admission": (admission, [_from_worker_to_lead(raw) for raw in EXAMPLES]),
    "publish": (_frame(wire.unpack_publish), [wire.pack_publish(1, EXAMPLES[:2]), wire.pack_publish(2, [b""])]),
    "acknowledgement": (_frame(wire.unpack_ack), [wire.pack_ack(1, _RECEIPTS), wire.pack_ack(2, [])]),
    "heard": (
        _frame(wire.unpack_heard),
        [wire.pack_live(_LIVE), wire.pack_beacon(wire.Beacon(7, 99, {"lead": 98})), wire.pack_head(7, 99)],
    ),
    "number": (_frame(wire.unpack_number), [wire.pack_number(b"N", 5)]),
    "facts": (_frame(wire.unpack_facts), [wire.pack_facts(kind, _FACTS) for kind in (b"H", b"B", b"S", b"R", b"J")]),
    "packed": (_frame(unpack), [pack(EXAMPLES[0]), pack(b"H{}")]),
    "range": (_frame(unpack_range), [pack_range(5, 9, _RANGE), pack_range(5, 9, [])]),
}


def corpus() -> list[bytes]:
    """Return the real documents, to borrow from; none where they are absent."""
    paths = sorted(Path(FOLDER / "xml").rglob("*.xml")) if (FOLDER / "xml").exists() else []
    return [path.read_bytes() for path in paths]
