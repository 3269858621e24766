"""JK by its TTL port, also called GPS port: UART, 115200 8N1, one device on a line.

Frame `4E 57 length(2) terminal(4) command source type, registers, record(4) 68 00 00 sum(2)`, big-endian. The length
counts all but the two first bytes. The sum is that of all bytes up to and including 68, in 16 bits; the two bytes
before it are kept for a CRC that no device sends. An answer is of type 1; the question is of type 0, so that its echo
is no frame. A register is a number of one byte and a value whose size follows from the number: whoever meets an
unknown one cannot read on.

Current: register C0 tells how. 1: hundredths of an ampere, bit 15 set where it flows into the battery. 0, or no C0:
10000 less the value, in hundredths. Both are positive into the battery then; one line of firmware counts the other way,
hence `is_sign_flipped`.

Source: syssi/esphome-jk-bms, read as documentation of the wire format.
"""

from collections.abc import Sequence
from typing import Final

from agents.device.decoder import Frame
from agents.device.protocols.bits import named
from agents.device.protocols.framing import Framer, Shape
from agents.device.status import FrameError, Status

NAME: Final = "jk-uart"
READ_ALL: Final = bytes.fromhex("4e5700130000000006030000000000006800000129")
_HEAD, _TAIL = 11, 9
_READS: Final = (0x03, 0x06)
_ANSWER: Final = 1
# A frame of 32 cells has 339 bytes. A length beyond that is a damaged one, and not waited for.
_LONGEST: Final = 512
# 140 is -40, what an open sensor reads; more is none at all.
_NO_SENSOR: Final = 140
_CELLS: Final = 0x79
_SIZES: Final = {
    number: size
    for size, numbers in (
        (1, "85 86 9d a9 ab ac ae af b1 b3 b8 c0"),
        (2, "80 81 82 83 84 87 8a 8b 8c 8e 8f 90 91 92 93 94 95 96 97 98 99 9a 9b 9c 9e 9f a0 a1 a2 a3 a4 a5 a6 a7 a8"),
        (2, "ad b0 be bf"),
        (4, "89 aa b5 b6 b9"),
        (8, "b4"),
        (10, "b2"),
        (15, "b7"),
        (24, "ba"),
    )
    for number in bytes.fromhex(numbers)
}
ALARMS: Final = (
    "low-capacity",
    "mos-overtemperature",
    "charge-overvoltage",
    "discharge-undervoltage",
    "battery-overtemperature",
    "charge-overcurrent",
    "discharge-overcurrent",
    "cell-difference",
    "box-overtemperature",
    "battery-undertemperature",
    "cell-overvoltage",
    "cell-undervoltage",
    "309a-protection-1",
    "309a-protection-2",
)


def _length(head: bytes) -> int | None:
    if len(head) < _HEAD:
        return None
    length = int.from_bytes(head[2:4], "big") + 2
    is_answer = head[8] in _READS and head[10] == _ANSWER
    return length if is_answer and _HEAD + _TAIL < length <= _LONGEST else 0


def _is_whole(frame: bytes) -> bool:
    return frame[-5:] == b"\x68\0\0" + (sum(frame[:-4]) & 0xFFFF).to_bytes(2, "big")


class JkUart:
    """Decoder of JK's TTL port. is_sign_flipped: its firmware counts a current out of the battery as positive."""

    name = NAME

    def __init__(self, *, is_sign_flipped: bool = False) -> None:
        self._framer = Framer(Shape((b"NW",), _length, _is_whole))
        self._sign = -1 if is_sign_flipped else 1

    def asks(self) -> Sequence[bytes]:
        return [READ_ALL]

    def feed(self, data: bytes) -> list[Frame]:
        return [Frame(NAME, "status", frame) for frame in self._framer.feed(data)]

    def reset(self) -> None:
        self._framer.reset()

    def decode(self, frame: Frame) -> Status:
        values = _registers(frame.data[_HEAD:-_TAIL])
        numbers = {register: int.from_bytes(value, "big") for register, value in values.items() if register in _SIZES}
        fets, alarms, soc = numbers.get(0x8C), numbers.get(0x8B), numbers.get(0x85)
        if soc is not None and soc > 100:
            raise FrameError(f"a state of charge of {soc} % cannot be")
        return Status(
            pack_voltage_v=_scaled(numbers.get(0x83), 100),
            current_a=_current(numbers, self._sign),
            soc_percent=soc,
            nominal_ah=numbers.get(0xAA),
            full_ah=numbers.get(0xB9) or None,  # 0: never measured
            cycles=numbers.get(0x87),
            cell_count=numbers.get(0x8A),
            cells=_cells(values.get(_CELLS, b"")[1:]),
            temperatures=_temperatures(numbers),
            charge_fet=None if fets is None else bool(fets & 1),
            discharge_fet=None if fets is None else bool(fets & 2),
            alarm_bits=alarms,
            alarms=None if alarms is None else named(alarms, ALARMS),
            others=_others(values, numbers),
        )


def _registers(data: bytes) -> dict[int, bytes]:
    """Return the values by register."""
    values, at = {}, 0
    while at < len(data):
        end = at + 1 + _size(data[at], data[at + 1 : at + 2])
        if end > len(data):
            raise FrameError(f"register {data[at]:#04x} goes on beyond the end of its frame")
        values[data[at]], at = data[at + 1 : end], end
    return values


def _size(number: int, following: bytes) -> int:
    """Return how many bytes a register's value has; that of the cells begins with the number of those that follow."""
    if number == _CELLS:
        return 1 + sum(following)
    if number not in _SIZES:
        raise FrameError(f"register {number:#04x} is not known, so that what follows it cannot be read")
    return _SIZES[number]


def _scaled(number: int | None, per: int) -> float | None:
    return None if number is None else number / per


def _current(numbers: dict[int, int], sign: int) -> float | None:
    raw = numbers.get(0x84)
    if raw is None:
        return None
    if numbers.get(0xC0) != 1:
        return sign * (10000 - raw) / 100
    return sign * (raw & 0x7FFF if raw & 0x8000 else -raw) / 100


def _cells(data: bytes) -> dict[int, float]:
    if len(data) % 3:
        raise FrameError(f"{len(data)} bytes of cells are no whole number of them")
    volts = {data[at]: int.from_bytes(data[at + 1 : at + 3], "big") for at in range(0, len(data), 3)}
    return {number: raw / 1000 for number, raw in volts.items() if raw != 0xFFFF}


def _temperatures(numbers: dict[int, int]) -> dict[str, float]:
    found = {name: numbers.get(number, _NO_SENSOR) for number, name in ((0x80, "mos"), (0x81, "1"), (0x82, "2"))}
    return {name: float(raw if raw <= 100 else 100 - raw) for name, raw in found.items() if raw < _NO_SENSOR}


def _others(values: dict[int, bytes], numbers: dict[int, int]) -> dict[str, float | int | str | bool]:
    others: dict[str, float | int | str | bool] = {}
    if 0x8C in numbers:
        others["balancing"] = bool(numbers[0x8C] & 4)
    if 0xB6 in numbers:
        others["runtime-s"] = numbers[0xB6] * 60
    if 0xB7 in values:
        others["software"] = values[0xB7].decode("ascii", "replace").strip("\0 _")
    return others
