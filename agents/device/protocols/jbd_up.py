"""JBD UP16S, a pack of 16 cells with a JBD board: RS485, 9600 8N1, several on a line.

Frame `address 78 start(2) end(2) length(2) data crc`, big-endian but for the CRC-16/Modbus, whose low byte comes first.
It resembles Modbus and is not: the function is its own, and a question is an answer without data, so that its echo is
no frame here. Start and end are registers: 1000 to 10A0 is the status of a pack.
Current is what exceeds 300000, in hundredths of an ampere, positive into the battery; `is_sign_flipped` for firmware
that counts the other way. Temperatures are tenths of a degree above -50.

Source: syssi/esphome-jbd-bms, read as documentation of the wire format.
"""

import struct
from collections.abc import Sequence
from typing import Final

from agents.device.decoder import Frame
from agents.device.protocols.bits import named
from agents.device.protocols.checksums import crc16_modbus
from agents.device.protocols.framing import Framer, Shape
from agents.device.status import FrameError, Status

NAME: Final = "jbd-up"
ADDRESSES: Final = range(32)
_STATUS: Final = b"\x78\x10\x00\x10\xa0"
_HEAD, _TAIL = 8, 2
# What the registers asked for can hold. A length beyond that is a damaged one, and not waited for.
_LONGEST: Final = 2 * 0xA0
_FIXED: Final = 68
_MOST_CELLS, _MOST_SENSORS = 32, 16
# -50, -40, and what stands for no sensor elsewhere.
_NO_SENSOR: Final = (0, 100, 0x7FFF, 0xFFFF)
WARNINGS: Final = (
    "cell-overvoltage",
    "cell-undervoltage",
    "pack-overvoltage",
    "pack-undervoltage",
    "charge-overcurrent",
    "discharge-overcurrent",
    "charge-overtemperature",
    "charge-undertemperature",
    "discharge-overtemperature",
    "discharge-undertemperature",
    "mos-overtemperature",
    "ambient-overtemperature",
    "ambient-undertemperature",
    "cell-difference",
    "temperature-difference",
    "low-capacity",
    "memory",
    "clock",
)
PROTECTIONS: Final = (
    "cell-overvoltage",
    "cell-undervoltage",
    "pack-overvoltage",
    "pack-undervoltage",
    "charge-overcurrent",
    "charge-overcurrent-2",
    "discharge-overcurrent",
    "discharge-overcurrent-2",
    "charge-overtemperature",
    "charge-undertemperature",
    "discharge-overtemperature",
    "discharge-undertemperature",
    "mos-overtemperature",
    "ambient-overtemperature",
    "ambient-undertemperature",
    "cell-difference",
    "temperature-difference",
    "low-capacity",
    "short-circuit",
    "cell-offline",
    "temperature-sensor",
    "charge-fet-fault",
    "discharge-fet-fault",
    "current-limiter",
    "aerosol",
    "full",
    "front-end",
)


def _length(head: bytes) -> int | None:
    if len(head) < _HEAD:
        return None
    length = int.from_bytes(head[6:8], "big")
    return _HEAD + length + _TAIL if length and length <= _LONGEST else 0


def _is_whole(frame: bytes) -> bool:
    return crc16_modbus(frame[:-2]) == int.from_bytes(frame[-2:], "little")


class JbdUp:
    """Decoder of the JBD UP16S. addresses: of the packs to ask; whoever answers is told by its address."""

    name = NAME

    def __init__(self, addresses: Sequence[int] = (1,), *, is_sign_flipped: bool = False) -> None:
        starts = tuple(bytes((address,)) + _STATUS for address in ADDRESSES)
        self._framer = Framer(Shape(starts, _length, _is_whole))
        self._addresses, self._sign = addresses, -1 if is_sign_flipped else 1

    def asks(self) -> Sequence[bytes]:
        return [ask(address) for address in self._addresses]

    def feed(self, data: bytes) -> list[Frame]:
        return [Frame(NAME, "status", frame) for frame in self._framer.feed(data)]

    def reset(self) -> None:
        self._framer.reset()

    def decode(self, frame: Frame) -> Status:
        return _status(frame.data[0], frame.data[_HEAD:-_TAIL], self._sign)


def ask(address: int) -> bytes:
    """Return the question for the status of the pack at an address."""
    body = bytes((address,)) + _STATUS + b"\0\0"
    return body + crc16_modbus(body).to_bytes(2, "little")


def _status(address: int, data: bytes, sign: int) -> Status:
    cells, temperatures, model = _variable(data)
    volts, _, current, soc, remaining, nominal = struct.unpack_from(">HHIHHH", data)
    mos, ambient, _, soh, protections, warnings, switches = struct.unpack_from(">HHHHIIH", data, 16)
    (cycles,) = struct.unpack_from(">H", data, 36)
    if soc > 10000:
        raise FrameError(f"a state of charge of {soc / 100:.2f} % cannot be")
    sensors = {"mos": mos, "ambient": ambient} | {f"{number}": raw for number, raw in enumerate(temperatures, 1)}
    return Status(
        address=address,
        pack_voltage_v=volts / 100,
        current_a=sign * (current - 300000) / 100,
        soc_percent=soc / 100,
        soh_percent=soh if soh <= 100 else None,
        remaining_ah=remaining / 100,
        nominal_ah=nominal / 100,
        cycles=cycles,
        cell_count=len(cells),
        cells={number: raw / 1000 for number, raw in enumerate(cells, 1) if raw != 0xFFFF},
        temperatures={name: (raw - 500) / 10 for name, raw in sensors.items() if raw not in _NO_SENSOR},
        charge_fet=bool(switches & 2),
        discharge_fet=bool(switches & 1),
        alarm_bits=warnings,
        alarms=named(protections, PROTECTIONS) | {f"{name}-warning" for name in named(warnings, WARNINGS)},
        model=model or None,
        others={"protection-bits": protections},
    )


def _variable(data: bytes) -> tuple[tuple[int, ...], tuple[int, ...], str]:
    """Return cells and temperatures, both with their number before them, and the model six bytes behind them."""
    cells, at = _counted(data, _FIXED - 2, _MOST_CELLS)
    temperatures, at = _counted(data, at, _MOST_SENSORS)
    return cells, temperatures, data[at + 6 : at + 36].split(b"\0")[0].decode("ascii", "replace").strip()


def _counted(data: bytes, at: int, most: int) -> tuple[tuple[int, ...], int]:
    count = int.from_bytes(data[at : at + 2], "big")
    end = at + 2 + 2 * count
    if len(data) < at + 2 or count > most or len(data) < end:
        raise FrameError(f"a status of {len(data)} bytes does not hold the {count} values it announces at {at}")
    return struct.unpack_from(f">{count}H", data, at + 2), end
