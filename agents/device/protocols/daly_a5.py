"""Daly's own protocol, known by its start byte A5: UART or RS485 9600 8N1, or Bluetooth.

Ask `A5 host cmd 08 00(8) sum`, host 0x40 on a wire and 0x80 over Bluetooth; answer `A5 01 cmd 08 data(8) sum`.
The sum is that of the first twelve bytes, modulo 256: it finds every single flipped bit, but one damaged frame in 256
passes. So an answer has to have its address, a known type, the length 8, and values that can be; else it is refused.
The wire counts current as positive out of the battery: the sign is turned here.

Cells come three, temperatures seven to a frame, each with its part number. What stands past the last cell is left over
from something else: as soon as a 0x94 answer, or whoever makes the decoder, says how many there are, it is left out.

Source: Daly's RS485/UART protocol as read by maland16/daly-bms-uart and dreadnought/python-daly-bms.
"""

import struct
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from agents.device.decoder import Frame
from agents.device.protocols.framing import Framer, Shape
from agents.device.status import FrameError, Status

NAME: Final = "daly-a5"
WIRED, BLUETOOTH = 0x40, 0x80
_KINDS: Final = {
    0x94: "status",  # first, so that the number of cells is known when the cells come
    0x90: "soc",
    0x91: "minmax-cell",
    0x92: "minmax-temp",
    0x93: "mos",
    0x95: "cells-part",
    0x96: "temps-part",
    0x97: "balance",
    0x98: "faults",
}
# An awake device never says these with zeros alone; one that sleeps does: 0 V, -3000 A, -40 degrees.
_NEVER_ZERO: Final = {"status", "soc", "minmax-cell", "minmax-temp", "mos"}
_LENGTH: Final = 13
_NO_AMPERE, _ZERO_CELSIUS = 30000, 40
_MOST_CELLS, _MOST_SENSORS, _MOST_MV = 48, 16, 5000
_CELLS_A_PART, _SENSORS_A_PART = 3, 7
_NO_SENSOR: Final = {0, 255}
_STATES: Final = ("idle", "charging", "discharging")
ALARMS: Final = (
    *("cell-overvoltage-warning", "cell-overvoltage", "cell-undervoltage-warning", "cell-undervoltage"),
    *("pack-overvoltage-warning", "pack-overvoltage", "pack-undervoltage-warning", "pack-undervoltage"),
    *("charge-overtemperature-warning", "charge-overtemperature"),
    *("charge-undertemperature-warning", "charge-undertemperature"),
    *("discharge-overtemperature-warning", "discharge-overtemperature"),
    *("discharge-undertemperature-warning", "discharge-undertemperature"),
    *("charge-overcurrent-warning", "charge-overcurrent", "discharge-overcurrent-warning", "discharge-overcurrent"),
    *("soc-high-warning", "soc-high", "soc-low-warning", "soc-low"),
    *("cell-difference-warning", "cell-difference", "temperature-difference-warning", "temperature-difference"),
    *("bit-28", "bit-29", "bit-30", "bit-31"),
    *("charge-fet-overtemperature", "discharge-fet-overtemperature", "charge-fet-sensor", "discharge-fet-sensor"),
    *("charge-fet-stuck", "discharge-fet-stuck", "charge-fet-open", "discharge-fet-open"),
    *("front-end", "cell-wire", "temperature-sensor", "memory", "clock", "precharge", "vehicle-link", "inner-link"),
    *("current-sensor", "pack-voltage-sensor", "short-circuit", "too-low-to-charge"),
    *("bit-52", "bit-53", "bit-54", "bit-55"),
)


def check_sum(data: bytes) -> int:
    """Return the check sum of what stands before it."""
    return sum(data) & 0xFF


def _length(head: bytes) -> int | None:
    if len(head) < 4:
        return None
    return _LENGTH if head[2] in _KINDS and head[3] == 8 else 0


def _is_whole(frame: bytes) -> bool:
    return frame[-1] == check_sum(frame[:-1])


class DalyA5:
    """Decoder of Daly's protocol.

    host: who asks, WIRED or BLUETOOTH. address: who answers. cell_count: of the pack, where it is known; a 0x94 answer
    tells it too. is_sign_flipped: for firmware that counts current the other way round than its kind.
    """

    name = NAME

    def __init__(
        self, host: int = WIRED, *, address: int = 1, cell_count: int | None = None, is_sign_flipped: bool = False
    ) -> None:
        self._host, self._sign = host, -1 if is_sign_flipped else 1
        self._framer = Framer(Shape((bytes((0xA5, address)),), _length, _is_whole))
        self._cells, self._sensors = cell_count or _MOST_CELLS, _MOST_SENSORS

    def asks(self) -> Sequence[bytes]:
        return [ask(command, self._host) for command in _KINDS]

    def feed(self, data: bytes) -> list[Frame]:
        frames = [Frame(NAME, _KINDS[frame[2]], frame) for frame in self._framer.feed(data)]
        for frame in frames:
            self._learn(frame)
        return frames

    def reset(self) -> None:
        self._framer.reset()

    def decode(self, frame: Frame) -> Status:
        data, address = frame.data[4:-1], frame.data[1]
        if frame.kind in _NEVER_ZERO and not any(data):
            raise FrameError(f"{frame.kind} says nothing but zeros: the device sleeps")
        match frame.kind:
            case "soc":
                return _soc(data, address, self._sign)
            case "cells-part":
                return _cells(data, address, self._cells)
            case "temps-part":
                return _temperatures(data, address, self._sensors)
        return _SAYS[frame.kind](data, address)

    def _learn(self, frame: Frame) -> None:
        cells, sensors = frame.data[4:6]
        if frame.kind == "status" and _is_count(cells, sensors):
            self._cells, self._sensors = cells, sensors


def ask(command: int, host: int = WIRED) -> bytes:
    """Return the question for one kind of answer."""
    question = bytes((0xA5, host, command, 8)) + bytes(8)
    return question + bytes((check_sum(question),))


def _is_count(cells: int, sensors: int) -> bool:
    return 0 < cells <= _MOST_CELLS and sensors <= _MOST_SENSORS


def _require(is_so: bool, what: str) -> None:
    if not is_so:
        raise FrameError(f"{what}: damaged in a way that the sum does not show")


def _soc(data: bytes, address: int, sign: int) -> Status:
    volts, _, amperes, soc = struct.unpack(">HHHH", data)
    _require(soc <= 1000, f"a state of charge of {soc / 10} %")
    _require(amperes <= 2 * _NO_AMPERE, f"a current of {amperes / 10 - 3000} A")
    return Status(
        address=address,
        pack_voltage_v=volts / 10,
        # Raw zero, the end of the scale, is what comes where no current is measured.
        current_a=sign * (_NO_AMPERE - amperes) / 10 if amperes else None,
        soc_percent=soc / 10,
    )


def _extreme_cells(data: bytes, address: int) -> Status:
    high, highest, low, lowest = struct.unpack_from(">HBHB", data)
    _require(low <= high <= _MOST_MV, f"cells from {low} to {high} mV")
    _require(max(highest, lowest) <= _MOST_CELLS, f"cell number {max(highest, lowest)}")
    others = {"max-cell-v": high / 1000, "max-cell": highest, "min-cell-v": low / 1000, "min-cell": lowest}
    return Status(address=address, others=others)


def _extreme_temperatures(data: bytes, address: int) -> Status:
    others: dict[str, float | int | str | bool] = {}
    for name, raw, sensor in (("max", data[0], data[1]), ("min", data[2], data[3])):
        _require(sensor <= _MOST_SENSORS, f"temperature sensor {sensor}")
        if raw not in _NO_SENSOR:
            others |= {f"{name}-temperature-c": raw - _ZERO_CELSIUS, f"{name}-temperature-sensor": sensor}
    return Status(address=address, others=others)


def _fets(data: bytes, address: int) -> Status:
    state, charge, discharge, life, remaining = struct.unpack(">BBBBI", data)
    _require(state < len(_STATES), f"state {state}")
    _require(max(charge, discharge) <= 1, "a switch that is neither on nor off")
    return Status(
        address=address,
        remaining_ah=remaining / 1000,
        charge_fet=bool(charge),
        discharge_fet=bool(discharge),
        others={"state": _STATES[state], "life": life},
    )


def _counts(data: bytes, address: int) -> Status:
    cells, sensors, charger, load = data[:4]
    _require(_is_count(cells, sensors), f"{cells} cells and {sensors} temperature sensors")
    others: dict[str, float | int | str | bool] = {"temperature-sensors": sensors}
    others |= {"has-charger": bool(charger), "has-load": bool(load)}
    return Status(address=address, cell_count=cells, cycles=int.from_bytes(data[5:7], "big"), others=others)


def _cells(data: bytes, address: int, count: int) -> Status:
    part, *volts = struct.unpack_from(">BHHH", data)
    first = _first_of(part, _CELLS_A_PART, _MOST_CELLS)
    _require(max(volts) <= _MOST_MV, f"a cell of {max(volts)} mV")
    cells = {number: raw / 1000 for number, raw in enumerate(volts, first) if raw and number <= count}
    return Status(address=address, part=part, cells=cells)


def _temperatures(data: bytes, address: int, count: int) -> Status:
    first = _first_of(data[0], _SENSORS_A_PART, _MOST_SENSORS)
    sensors = enumerate(data[1:], first)
    found = {f"{at}": float(raw - _ZERO_CELSIUS) for at, raw in sensors if raw not in _NO_SENSOR and at <= count}
    return Status(address=address, part=data[0], temperatures=found)


def _first_of(part: int, size: int, most: int) -> int:
    first = size * (part - 1) + 1
    _require(0 < first <= most, f"part {part}")
    return first


def _balance(data: bytes, address: int) -> Status:
    return Status(address=address, balance_bits=int.from_bytes(data[:6], "little"))


def _faults(data: bytes, address: int) -> Status:
    bits = int.from_bytes(data[:7], "little")
    alarms = frozenset(name for bit, name in enumerate(ALARMS) if bits & (1 << bit))
    return Status(address=address, alarm_bits=bits, alarms=alarms, others={"fault-code": data[7]} if data[7] else {})


_SAYS: Final[Mapping[str, Callable[[bytes, int], Status]]] = {
    "status": _counts,
    "minmax-cell": _extreme_cells,
    "minmax-temp": _extreme_temperatures,
    "mos": _fets,
    "balance": _balance,
    "faults": _faults,
}
