"""The lines that the battery monitor has kept on an SD card: `python -m firmware.sd_log IMAGE` writes them out.

The layout is told in `battery_monitor/sd_log.h`. An image may end early, as a copy of the card's beginning does.
"""

import re
import sys
from array import array
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO, Final

from protocol.errors import SourceError

BLOCK_BYTES: Final = 512
_HEADER, _TEXT = b"BMLH", b"BMLT"
_VERSION: Final = 1
_TEXT_AT: Final = 10
_CRC_AT: Final = BLOCK_BYTES - 2
_NOT_PLAIN: Final = re.compile(r"[^ -~]")


def _row(byte: int) -> int:
    for _ in range(8):
        byte = (byte >> 1) ^ 0xA001 if byte & 1 else byte >> 1
    return byte


_ROWS: Final = tuple(map(_row, range(256)))


def _crc16(data: bytes) -> int:
    """CRC-16/Modbus by a table: a card of 2 GB has four million blocks."""
    crc = 0xFFFF
    for byte in data:
        crc = crc >> 8 ^ _ROWS[(crc ^ byte) & 0xFF]
    return crc


def _number(block: bytes, at: int, size: int) -> int:
    return int.from_bytes(block[at : at + size], "little")


def _is_whole(block: bytes, magic: bytes) -> bool:
    return block.startswith(magic) and len(block) == BLOCK_BYTES and _number(block, _CRC_AT, 2) == _crc16(block[:-2])


def read_lines(image: BinaryIO) -> Iterator[str]:
    """Yield the lines on a card, the oldest first, without their ends. What is not plain ASCII is escaped.

    Blocks that are damaged are left out: the gap in the sequence numbers of the lines shows it.

    Raises:
        SourceError: nothing on it is of the monitor, or its log is of a version that is not known.
    """
    header = image.read(BLOCK_BYTES)
    numbers = _numbers(image)
    if not header.startswith(_HEADER) and not numbers:
        raise SourceError("this is no image of a card of the battery monitor: it has neither header nor block of it")
    if _is_whole(header, _HEADER) and (version := _number(header, 4, 2)) != _VERSION:
        raise SourceError(f"the log on this card is of version {version}, only {_VERSION} is known")
    for found in numbers:
        image.seek((found & 0xFFFFFFFF) * BLOCK_BYTES)
        yield from _lines(image.read(BLOCK_BYTES))


def _numbers(image: BinaryIO) -> Sequence[int]:
    """Return number << 32 | place of every whole block behind the header, in the order of the numbers."""
    found, place = array("Q"), 1
    while block := image.read(BLOCK_BYTES):
        if _is_whole(block, _TEXT):
            found.append(_number(block, 4, 4) << 32 | place)
        place += 1
    return sorted(found)


def _lines(block: bytes) -> Iterator[str]:
    text = block[_TEXT_AT:_CRC_AT][: _number(block, 8, 2)].decode("latin-1")
    for line in text.removesuffix("\r\n").split("\r\n"):
        yield _NOT_PLAIN.sub(lambda letter: f"\\x{ord(letter[0]):02x}", line)


def main(arguments: Sequence[str]) -> int:
    """Write the lines of an image to standard output; return the exit code."""
    if len(arguments) != 1:
        sys.stderr.write("say which image: python -m firmware.sd_log IMAGE > lines.txt\n")
        return 2
    try:
        with Path(arguments[0]).open("rb") as image:
            for line in read_lines(image):
                sys.stdout.write(f"{line}\n")
    except OSError as error:
        sys.stderr.write(f"cannot read {ascii(arguments[0])[1:-1]}: {error.strerror}\n")
        return 2
    except SourceError as error:
        sys.stderr.write(f"{ascii(arguments[0])[1:-1]}: {error}\n")
        return 2
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
