"""The chain over a journal: one SHA-256 that changes when any byte, any order or any number changes.

And what the journal itself says of signatures: whether every message has to carry its sender's.
"""

import struct
from hashlib import sha256
from typing import Final

from bus.records import Entry
from bus.signatures import demands_signatures
from protocol.decoder import decode
from protocol.errors import WireError
from protocol.topics import EVERYONE, topic_of

START: Final = sha256(b"agent-orchestra journal").digest()
_CONTROL: Final = topic_of(EVERYONE, "control")
_FRAME: Final = struct.Struct("<QQII")


def link(head: bytes, entry: Entry) -> bytes:
    """Return the head after an entry: over the head before, its numbers, its topic, its raw bytes, its signature."""
    topic = entry.topic.encode()
    frame = _FRAME.pack(entry.sequence, entry.recorded_ns, len(topic), len(entry.document))
    return sha256(head + frame + topic + entry.document + entry.signature).digest()


def must_sign(entry: Entry, before: bool) -> bool:
    """Return whether messages from this entry on have to be signed: each epoch of the broker begins by saying so.

    What was said once is never taken back: an epoch that is not signed could be anybody's.
    """
    if before or entry.topic != _CONTROL:
        return before
    try:
        return demands_signatures(decode(entry.document)) or before
    except WireError:
        return before
