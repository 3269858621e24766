"""Telling a group that was never finished from damage to what was acknowledged.

A power cut leaves any part of the writes since the last sync: a shorter file, holes of zeros, pages of something
else. Only one group is ever under way, so at most one is incomplete, and it is the last.

1. An entry that the mark or a seal vouches for is never called incomplete.
2. Nothing whole may follow what is incomplete: a later chunk or an ending was written after a sync.
3. One flipped bit is damage: power cuts take pages, and the checksum tells where a single bit would have to be.

What cannot be told apart: two or more changed bits in the last group of all, when mark and seal are older than it.

Source: journals cut at every write in tests/bus/test_power_cut.py.
"""

import re
import struct
import zlib
from pathlib import Path
from typing import Final

from bus.records import CHUNK_BYTES, MAGIC, RECORD_BYTES, Op

_HEAD_BYTES: Final = RECORD_BYTES + CHUNK_BYTES
_FOOTER: Final = struct.Struct("<BQQQI")
_ENDING_BYTES: Final = _FOOTER.size + len(MAGIC)
_DATA_END: Final = struct.pack("<BQI", Op.DATA_END, 4, 0)
# Neither XML nor a record's head has so many zeros in a row; a lost page or sector has.
_HOLE: Final = bytes(64)


def mark_path(folder: Path) -> Path:
    """Return where a journal notes how far it was synced."""
    return folder / "synced"


def mark(sequence: int) -> bytes:
    """Return the content of a mark: the number twice, so that half of it or a changed digit is no mark."""
    return b"%012d %012d\n" % (sequence, sequence)


def marked(folder: Path) -> int:
    """Return up to which entry the journal was certainly synced; 0 where the mark is missing or unreadable.

    It is written after every sync and never synced itself: exact after a killed process, late after a power cut.
    """
    try:
        found = re.fullmatch(rb"(\d{12}) (\d{12})\n", mark_path(folder).read_bytes())
    except OSError:
        return 0
    return int(found[1]) if found and found[1] == found[2] else 0


def is_incomplete(rest: bytes, at: int) -> bool:
    """Return whether the rest of the last segment, which begins at byte `at`, is a group or ending never finished."""
    return not (_ends_later(rest, at) or _holds_chunk(rest) or _is_one_bit_off(rest))


def is_ending(raw: bytes, at: int) -> bool:
    """Return whether these last bytes of a file, from `at` on, are the whole ending of a segment."""
    if len(raw) < len(_DATA_END) + _ENDING_BYTES or not raw.startswith(_DATA_END) or not raw.endswith(MAGIC):
        return False
    *_, crc = _FOOTER.unpack_from(raw, len(raw) - _ENDING_BYTES)
    return _ending_begins(raw) == at and zlib.crc32(raw[len(_DATA_END) : -len(MAGIC) - 4]) == crc


def _ending_begins(raw: bytes) -> int | None:
    """Return at which byte the ending says that it begins; None where no footer is at the end."""
    if len(raw) < _ENDING_BYTES or not raw.endswith(MAGIC):
        return None
    op, length, summary, _, _ = _FOOTER.unpack_from(raw, len(raw) - _ENDING_BYTES)
    return summary - len(_DATA_END) if (op, length) == (Op.FOOTER, 20) else None


def _ends_later(rest: bytes, at: int) -> bool:
    begins = _ending_begins(rest)
    return begins is not None and begins > at


def _holds_chunk(rest: bytes) -> bool:
    needle = bytes([Op.CHUNK])
    place = rest.find(needle)
    while place >= 0:
        if _mismatch(rest[place : place + _HEAD_BYTES], rest, place) == 0:
            return True
        place = rest.find(needle, place + 1)
    return False


def _mismatch(head: bytes, raw: bytes, place: int) -> int | None:
    """Return how the checksum in a chunk's head differs from that of the records behind it; None: no whole chunk."""
    if len(head) < _HEAD_BYTES:
        return None
    op, length, _, _, size, crc, compression, records = struct.unpack("<BQQQQIIQ", head)
    is_consistent = op == Op.CHUNK and compression == 0 and size == records == length - CHUNK_BYTES
    begin = place + _HEAD_BYTES
    if not is_consistent or not size or begin + size > len(raw):
        return None
    return zlib.crc32(memoryview(raw)[begin : begin + size]) ^ int(crc)


def _is_one_bit_off(rest: bytes) -> bool:
    head = rest[:_HEAD_BYTES]
    difference = _mismatch(head, rest, 0)
    if difference is None:
        return any(_mismatch(flipped, rest, 0) == 0 for flipped in _flips(head))
    if difference.bit_count() == 1:
        return True  # a bit of the checksum itself
    size = int(struct.unpack_from("<Q", head, RECORD_BYTES + 16)[0])
    return _HOLE not in rest[: _HEAD_BYTES + size] and _is_one_flip(difference, size)


def _flips(head: bytes) -> list[bytes]:
    """Return all that one flipped bit makes of a chunk's head."""
    whole, bits = int.from_bytes(head, "little"), 8 * len(head)
    return [(whole ^ (1 << bit)).to_bytes(len(head), "little") for bit in range(bits)]


# What a checksum becomes by one more byte of zero, and the way back: the upper byte of an entry is unique.
_STEP: Final = [zlib.crc32(bytes([n])) ^ zlib.crc32(b"\0") for n in range(256)]
_BACK: Final = {step >> 24: n for n, step in enumerate(_STEP)}


def _is_one_flip(difference: int, size: int) -> bool:
    """Return whether one flipped bit somewhere in so many bytes makes this difference of the CRC-32.

    The checksum is linear: a flip makes a difference that depends only on the bit and on how many bytes follow.
    """
    ends = {_STEP[1 << bit] for bit in range(8)}
    for _ in range(size):
        if difference in ends:
            return True
        number = _BACK[difference >> 24]
        difference = ((difference ^ _STEP[number]) << 8) & 0xFFFFFFFF | number
    return False
