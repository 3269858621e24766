"""The protocol: what agents say to one another, as typed values and as XML documents. No I/O.

message = decode(raw)      bytes in: parsed, validated, typed
raw = encode(message)      bytes out: valid by construction
"""

from protocol.decoder import decode
from protocol.encoder import encode
from protocol.errors import (
    BusError,
    Invalid,
    JournalError,
    Malformed,
    OrchestraError,
    Refused,
    TooLarge,
    WireError,
)
from protocol.messages import Mark, Message, MessageType, QualityGates, Usage
from protocol.names import Priority
from protocol.xml import MAX_DOCUMENT_BYTES, parse

__all__ = [
    # messages and their documents
    "Message", "MessageType", "Priority", "QualityGates", "Mark", "Usage",
    "encode", "decode", "parse", "MAX_DOCUMENT_BYTES",
    # what can go wrong
    "OrchestraError", "WireError", "TooLarge", "Malformed", "Invalid", "BusError", "Refused", "JournalError",
]  # fmt: skip
