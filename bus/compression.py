"""Frames between machines: zstd with a dictionary of our own messages, so that XML's tags cost next to nothing.

1. On one machine nothing is compressed; over TCP every frame begins with a byte that says whether it is.
2. The dictionary is one example of every message type, as this version writes it; a frame names the dictionary's
   digest, so that another version's frame is refused instead of misread.
3. What a frame claims to become is bounded before anything is unpacked.
"""

from functools import cache
from hashlib import sha256
from typing import Final

import zstandard

from protocol.encoder import encode
from protocol.errors import BusError
from protocol.examples import example
from protocol.messages import MessageType

LARGEST_FRAME_BYTES: Final = 64 * 1024 * 1024
_PLAIN: Final = b"\0"
_ZSTD: Final = b"\1"
_WORTHWHILE_BYTES: Final = 200
_DIGEST_BYTES: Final = 4


@cache
def _dictionary() -> tuple[bytes, zstandard.ZstdCompressor, zstandard.ZstdDecompressor]:
    """Return the first bytes of the dictionary's digest, and what packs and unpacks with it."""
    raw = b"".join(encode(example(kind)) for kind in MessageType)
    words = zstandard.ZstdCompressionDict(raw, dict_type=zstandard.DICT_TYPE_RAWCONTENT)
    words.precompute_compress(level=3)
    digest = _ZSTD + sha256(raw).digest()[:_DIGEST_BYTES]
    return digest, zstandard.ZstdCompressor(dict_data=words), zstandard.ZstdDecompressor(dict_data=words)


def pack(frame: bytes) -> bytes:
    """Return a frame as it crosses to another machine."""
    if len(frame) < _WORTHWHILE_BYTES:
        return _PLAIN + frame
    head, compressor, _ = _dictionary()
    return head + compressor.compress(frame)


def unpack(raw: bytes) -> bytes:
    """Return the frame that crossed.

    Raises:
        BusError: it was not packed so, by another version, or would become too large.
    """
    if raw[:1] == _PLAIN:
        return raw[1:]
    head, _, decompressor = _dictionary()
    if not raw.startswith(head):
        raise BusError("a frame was packed by another version of Agent Orchestra; use the same on both machines")
    try:
        size = zstandard.frame_content_size(raw[len(head) :])
        if not 0 <= size <= LARGEST_FRAME_BYTES:
            raise BusError(f"a frame would become {size:,} bytes, the limit is {LARGEST_FRAME_BYTES:,}")
        return decompressor.decompress(raw[len(head) :])
    except zstandard.ZstdError as error:
        raise BusError(f"a frame cannot be unpacked: {error}") from error


def pack_heard(frame: bytes) -> bytes:
    """As `pack`, for what subscribers hear: the topic stays in front, by it frames are chosen."""
    topic, _, rest = frame.partition(b"\0")
    return topic + b"\0" + pack(rest)


def unpack_heard(raw: bytes) -> bytes:
    """As `unpack`, for what subscribers hear."""
    topic, _, rest = raw.partition(b"\0")
    return topic + b"\0" + unpack(rest)
