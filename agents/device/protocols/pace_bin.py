"""PACE over Bluetooth (names PC-…): `9A type(6) length data crc(2) 9D`. Service fff0, notify fff1, write fff2.

The check sum is the CRC-16 of Modbus over all before it, big-endian. Type 00000A010000 is a pack, 00000A020000 its
cells, each with a word of temperature, zero where there is no sensor. A question has the type of its answer and little
or no data: what is too short for an answer is an echo. Current is positive into the battery already.

Source: patman15/aiobmsble, read as documentation of the wire format.
"""

import struct
from collections.abc import Sequence
from typing import Final

from agents.device.decoder import Frame
from agents.device.protocols.checksums import crc16_modbus
from agents.device.protocols.framing import Framer, Shape
from agents.device.protocols.telecom_fields import celsius
from agents.device.status import FrameError, Status

NAME: Final = "pace-9a"
_TYPES: Final = {bytes.fromhex("00000a010000"): "pack", bytes.fromhex("00000a020000"): "cells"}
_HEAD, _TAIL = 8, 3
_LEAST: Final = {"pack": 15, "cells": 8}


def ask(kind: str, pack: int = 1) -> bytes:
    """Return the question for "pack" or "cells"."""
    [code] = (code for code, name in _TYPES.items() if name == kind)
    text = b"\x9a" + code + bytes((2, 1, pack))
    return text + crc16_modbus(text).to_bytes(2, "big") + b"\x9d"


def _length(head: bytes) -> int | None:
    if len(head) < _HEAD:
        return None
    kind = _TYPES.get(head[1:7])
    return _HEAD + head[7] + _TAIL if kind and head[7] >= _LEAST[kind] else 0


def _is_whole(frame: bytes) -> bool:
    return frame[-1] == 0x9D and int.from_bytes(frame[-3:-1], "big") == crc16_modbus(frame[:-3])


class PaceBin:
    """Decoder of the binary form of PACE."""

    name = NAME

    def __init__(self, *, is_sign_flipped: bool = False) -> None:
        self._framer, self._sign = Framer(Shape((b"\x9a",), _length, _is_whole)), -1 if is_sign_flipped else 1

    def asks(self) -> Sequence[bytes]:
        return [ask("pack"), ask("cells")]

    def feed(self, data: bytes) -> list[Frame]:
        return [Frame(NAME, _TYPES[frame[1:7]], frame) for frame in self._framer.feed(data)]

    def reset(self) -> None:
        self._framer.reset()

    def decode(self, frame: Frame) -> Status:
        data = frame.data[_HEAD:-_TAIL]
        return _pack(data, self._sign) if frame.kind == "pack" else _cells(data)


def _pack(data: bytes, sign: int) -> Status:
    current, volts, remaining, full, nominal, soc, soh, cycles = struct.unpack_from(">hHHHHBBH", data, 1)
    return Status(
        current_a=sign * current / 100,
        pack_voltage_v=volts / 100,
        remaining_ah=remaining / 100,
        full_ah=full / 100,
        nominal_ah=nominal / 100,
        soc_percent=soc,
        soh_percent=soh,
        cycles=cycles,
    )


def _cells(data: bytes) -> Status:
    count = data[3]
    if not count or len(data) < 4 + 4 * count:
        raise FrameError(f"a cells answer of {len(data)} bytes is too short for {count} cells")
    words = struct.unpack_from(f">{2 * count}H", data, 4)
    return Status(
        pack_voltage_v=int.from_bytes(data[1:3], "big") / 100,
        cell_count=count,
        cells={number: raw / 1000 for number, raw in enumerate(words[::2], 1) if raw != 0xFFFF},
        temperatures=celsius({str(number): raw for number, raw in enumerate(words[1::2], 1)}),
    )
