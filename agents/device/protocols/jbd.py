"""JBD, sold as Xiaoxiang, Overkill Solar and LLT: UART, RS485 or Bluetooth, 9600 8N1.

Ask `DD A5 cmd 00 crc 77`; answer `DD cmd status length data crc 77`. The check sum is 0x10000 less the sum of what
stands between cmd and crc, big-endian; in an answer from status on. Current is positive into the battery already.

Source: syssi/esphome-jbd-bms and patman15/aiobmsble, read as documentation of the wire format.
"""

import struct
from collections.abc import Sequence
from typing import Final

from agents.device.decoder import Frame
from agents.device.protocols.framing import Framer, Shape
from agents.device.status import FrameError, Status

NAME: Final = "jbd"
_BASIC, _CELLS, _MODEL, _ERRORS = 0x03, 0x04, 0x05, 0xAA
_KINDS: Final = {_BASIC: "basic", _CELLS: "cells", _MODEL: "model", _ERRORS: "error-counters"}
_HEAD, _TAIL = 4, 3
_ZERO_CELSIUS: Final = 2731  # tenths of a kelvin
_MOST_CELLS: Final = 48
ALARMS: Final = (
    "cell-overvoltage",
    "cell-undervoltage",
    "pack-overvoltage",
    "pack-undervoltage",
    "charge-overtemperature",
    "charge-undertemperature",
    "discharge-overtemperature",
    "discharge-undertemperature",
    "charge-overcurrent",
    "discharge-overcurrent",
    "short-circuit",
    "front-end",
    "software-lock",
    "charge-timeout",
)


def check_sum(data: bytes) -> int:
    """Return the check sum of a frame's middle: what stands between command and check sum."""
    return (0x10000 - sum(data)) & 0xFFFF


def _length(head: bytes) -> int | None:
    if len(head) < _HEAD:
        return None
    return _HEAD + head[3] + _TAIL if head[1] in _KINDS else 0


def _is_whole(frame: bytes) -> bool:
    return frame[-1] == 0x77 and int.from_bytes(frame[-3:-1], "big") == check_sum(frame[2:-3])


class Jbd:
    """Decoder of the JBD protocol."""

    name = NAME

    def __init__(self) -> None:
        self._framer = Framer(Shape((b"\xdd",), _length, _is_whole))

    def asks(self) -> Sequence[bytes]:
        return [ask(_BASIC), ask(_CELLS)]

    def feed(self, data: bytes) -> list[Frame]:
        return [Frame(NAME, _KINDS[frame[1]], frame) for frame in self._framer.feed(data)]

    def reset(self) -> None:
        self._framer.reset()

    def decode(self, frame: Frame) -> Status:
        if frame.data[2] != 0:
            raise FrameError(f"the device refuses {frame.kind} with status {frame.data[2]:#04x}")
        data = frame.data[_HEAD:-_TAIL]
        if frame.kind == "basic":
            return _basic(data)
        if frame.kind == "cells":
            return _cells(data)
        if frame.kind == "model":
            return Status(model=data.decode("ascii", "replace").strip("\0 "))
        return _errors(data)


def ask(command: int) -> bytes:
    """Return the question for one kind of answer."""
    return b"\xdd\xa5" + bytes((command, 0)) + check_sum(bytes((command, 0))).to_bytes(2, "big") + b"\x77"


def _basic(data: bytes) -> Status:
    if len(data) < 23 or len(data) < 23 + 2 * data[22]:
        raise FrameError(f"a basic answer of {len(data)} bytes is too short for what it announces")
    volts, current, remaining, nominal, cycles = struct.unpack_from(">HhHHH", data)
    balance_low, balance_high, protection = struct.unpack_from(">HHH", data, 12)
    soc, fets, cell_count, sensors = data[19], data[20], data[21], data[22]
    temperatures = struct.unpack_from(f">{sensors}H", data, 23)
    return Status(
        pack_voltage_v=volts / 100,
        current_a=current / 100,
        remaining_ah=remaining / 100,
        nominal_ah=nominal / 100,
        cycles=cycles,
        soc_percent=soc,
        cell_count=cell_count,
        temperatures={f"{n}": (raw - _ZERO_CELSIUS) / 10 for n, raw in enumerate(temperatures, 1)},
        charge_fet=bool(fets & 1),
        discharge_fet=bool(fets & 2),
        alarm_bits=protection,
        alarms=frozenset(name for bit, name in enumerate(ALARMS) if protection & (1 << bit)),
        balance_bits=balance_low | balance_high << 16,
    )


def _cells(data: bytes) -> Status:
    if len(data) % 2 or not 0 < len(data) <= 2 * _MOST_CELLS:
        raise FrameError(f"a cells answer of {len(data)} bytes holds no whole number of cells")
    volts = struct.unpack(f">{len(data) // 2}H", data)
    return Status(cells={number: raw / 1000 for number, raw in enumerate(volts, 1)}, cell_count=len(volts))


def _errors(data: bytes) -> Status:
    if len(data) < 22:
        raise FrameError(f"error counters of {len(data)} bytes are too short")
    counts = struct.unpack_from(">11H", data)
    return Status(others={f"error-count-{number}": count for number, count in enumerate(counts, 1)})
