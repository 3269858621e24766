"""The chain over a journal: one SHA-256 that changes when any byte, any order or any number changes."""

import struct
from hashlib import sha256
from typing import Final

from bus.records import Entry

START: Final = sha256(b"agent-orchestra journal").digest()
_FRAME: Final = struct.Struct("<QQII")


def link(head: bytes, entry: Entry) -> bytes:
    """Return the head after an entry: over the head before, its numbers, its topic, its raw bytes, its signature."""
    topic = entry.topic.encode()
    frame = _FRAME.pack(entry.sequence, entry.recorded_ns, len(topic), len(entry.document))
    return sha256(head + frame + topic + entry.document + entry.signature).digest()
