"""Frames made to order: the check sum is right, whatever stands in them. The sums are worked out here once more."""

from tests.firmware.logic import crc16


def jk_uart(registers: bytes) -> bytes:
    """An answer of a JK's TTL port that holds these registers."""
    length = (len(registers) + 18).to_bytes(2, "big")
    body = b"NW" + length + b"\0\0\0\0\x06\0\x01" + registers + b"\0\0\0\0\x68"
    return body + sum(body).to_bytes(4, "big")


def jk_55aa(frame: bytes, **changed: bytes) -> bytes:
    """A frame of 300 bytes with other bytes at some places, named at_PLACE."""
    data = bytearray(frame)
    for place, put in changed.items():
        at = int(place.removeprefix("at_"))
        data[at : at + len(put)] = put
    return bytes(data[:299]) + bytes((sum(data[:299]) % 256,))


def with_crc(body: bytes) -> bytes:
    """A body and its CRC-16/Modbus, low byte first."""
    return body + crc16(body).to_bytes(2, "little")


def jbd_up(data: bytes, address: int = 1) -> bytes:
    """An answer of a JBD UP16S that holds this status."""
    return with_crc(bytes((address,)) + b"\x78\x10\x00\x10\xa0" + len(data).to_bytes(2, "big") + data)


def line(text: str) -> bytes:
    """A line of our firmware."""
    return f"${text}*{crc16(text.encode()):04X}\r\n".encode()


def scan(**changed: str) -> bytes:
    """A scan of 16 cells at 3.3 V, 5 A into the battery, 25 degrees; other fields can be put in, named n_INDEX."""
    fields = ["BM", "1", "7", "1750", *["3300"] * 16, "52800", "5000", "4900", *["250"] * 8, "0", "0", "60"]
    for place, put in changed.items():
        fields[int(place.removeprefix("n_"))] = put
    return line(",".join(fields))
