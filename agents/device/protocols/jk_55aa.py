"""JK of the PB series by RS485, 115200 8N1, up to 16 devices on a line; the same frames come over Bluetooth.

Asked by writing to a Modbus register of one address, function 16: 1620 status, 161E settings, 161C device. Answered by
310 bytes: a frame of 300, a zero, the acknowledgement of the write (8 bytes with CRC-16), a zero. Only the
acknowledgement tells who answers. Ask nothing before all 310 have come, and then 100 ms later.

Frame `55 AA EB 90 type counter data sum`, little-endian. The sum is one byte, of the 299 before it: two damages in 256
may pass it. So a frame with the start of another inside is none, the type must be known, and what cannot be is refused.
Two layouts of the status, told apart by their mask of cells: 24 cells (older, mostly Bluetooth) or 32.
Current is positive into the battery; one line of firmware counts the other way, hence `is_sign_flipped`.

Source: syssi/esphome-jk-bms and patman15/aiobmsble, read as documentation of the wire format.
"""

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from agents.device.decoder import Frame
from agents.device.protocols.bits import named
from agents.device.protocols.checksums import crc16_modbus
from agents.device.protocols.framing import Framer, Shape
from agents.device.status import FrameError, Status

NAME: Final = "jk-55aa"
STATUS, SETTINGS, DEVICE = 0x1620, 0x161E, 0x161C
_KINDS: Final = {1: "settings", 2: "status", 3: "device"}
_START: Final = b"\x55\xaa\xeb\x90"
ACKNOWLEDGEMENT: Final = "acknowledgement"
_SIZE, _ACKNOWLEDGEMENT = 300, 8
_WRITE: Final = b"\x10\x16"
# Addresses are set by four switches.
ADDRESSES: Final = range(16)
# What no pack of up to 32 cells goes beyond, however faulty it is: beyond it, the frame is.
_CELL_V, _PACK_V, _CURRENT_A, _CELSIUS = (0.0, 5.0), (0.0, 160.0), (-3000.0, 3000.0), (-60.0, 200.0)
_NO_SENSOR: Final = (-2000, 0x7FFF)
# Bit 4 is called "fully charged" as well: a cell has come to the voltage at which charging is cut off.
ALARMS: Final = (
    "wire-resistance",
    "mos-overtemperature",
    "cell-count",
    "current-sensor",
    "cell-overvoltage",
    "pack-overvoltage",
    "charge-overcurrent",
    "charge-short-circuit",
    "charge-overtemperature",
    "charge-undertemperature",
    "coprocessor",
    "cell-undervoltage",
    "pack-undervoltage",
    "discharge-overcurrent",
    "discharge-short-circuit",
    "discharge-overtemperature",
    "charge-fet-fault",
    "discharge-fet-fault",
    "gps-disconnected",
    "password-unchanged",
    "discharge-start-failed",
    "battery-overtemperature",
    "temperature-sensor",
    "parallel-module",
    "short-circuit-release-failed",
    "discharge-overcurrent-2",
    "discharge-overcurrent-3",
    "discharge-undertemperature",
    "gps-lock",
)
# Where both layouts have their settings; what follows differs, and is not read.
_SETTINGS: Final = (
    (10, "cell-undervoltage-v", 1000),
    (18, "cell-overvoltage-v", 1000),
    (50, "charge-current-a", 1000),
    (62, "discharge-current-a", 1000),
    (82, "charge-hot-c", 10),
    (90, "discharge-hot-c", 10),
    (98, "charge-cold-c", 10),
    (106, "mos-hot-c", 10),
)


@dataclass(frozen=True, slots=True)
class _Layout:
    """Where things stand in a status. shift: how far behind the place in the older layout, from the mask on by half."""

    slots: int
    shift: int
    mos: int
    alarms: tuple[str, int]

    def mask(self, data: bytes) -> int:
        return int.from_bytes(data[54 + self.shift // 2 : 58 + self.shift // 2], "little")

    def raw_cells(self, data: bytes) -> tuple[int, ...]:
        return struct.unpack_from(f"<{self.slots}H", data, 6)

    def misfit(self, data: bytes) -> int:
        """Return how many cells speak against this layout: in the mask without a voltage, or the other way round."""
        used = sum(1 << slot for slot, raw in enumerate(self.raw_cells(data)) if raw)
        return (self.mask(data) ^ used).bit_count() if self.mask(data) else 2 * self.slots


_OLD: Final = _Layout(24, 0, 134, ("<H", 136))
_NEW: Final = _Layout(32, 32, 144, ("<I", 166))


def _length(head: bytes) -> int | None:
    if not head.startswith(_START):
        return _ACKNOWLEDGEMENT
    if len(head) < 5:
        return None
    return _SIZE if head[4] in _KINDS and head.find(_START, 4, _SIZE) < 0 else 0


def _is_whole(frame: bytes) -> bool:
    if len(frame) == _ACKNOWLEDGEMENT:
        return crc16_modbus(frame[:-2]) == int.from_bytes(frame[-2:], "little")
    return sum(frame[:-1]) & 0xFF == frame[-1] and frame.find(_START, 4) < 0


class Jk55aa:
    """Decoder of the frames of 300 bytes. addresses: of the devices to ask, where there are several."""

    name = NAME

    def __init__(self, addresses: Sequence[int] = (1,), *, is_sign_flipped: bool = False) -> None:
        starts = (_START, *(bytes((address,)) + _WRITE for address in ADDRESSES))
        self._framer = Framer(Shape(starts, _length, _is_whole))
        self._addresses, self._sign = addresses, -1 if is_sign_flipped else 1

    def asks(self) -> Sequence[bytes]:
        return [ask(what, address) for address in self._addresses for what in (STATUS, SETTINGS, DEVICE)]

    def feed(self, data: bytes) -> list[Frame]:
        return [Frame(NAME, _kind(frame), frame) for frame in self._framer.feed(data)]

    def reset(self) -> None:
        self._framer.reset()

    def decode(self, frame: Frame) -> Status:
        if frame.kind == ACKNOWLEDGEMENT:
            return Status(address=frame.data[0])
        if frame.kind == "settings":
            return _settings(frame.data)
        if frame.kind == "device":
            return _device(frame.data)
        return _status(frame.data, self._sign)


def ask(what: int, address: int) -> bytes:
    """Return the question for STATUS, SETTINGS or DEVICE of the device at an address."""
    body = struct.pack(">BBHHBH", address, 0x10, what, 1, 2, 0)
    return body + crc16_modbus(body).to_bytes(2, "little")


def _kind(frame: bytes) -> str:
    return ACKNOWLEDGEMENT if len(frame) == _ACKNOWLEDGEMENT else _KINDS[frame[4]]


def _layout(data: bytes) -> _Layout:
    """Return the layout whose mask fits its voltages best.

    A cell or two may be open. Resistances and voltages read as a mask miss by many more.
    """
    old, new = _OLD.misfit(data), _NEW.misfit(data)
    if old == new or min(old, new) > 4:
        raise FrameError("neither layout of a status fits its cells")
    return _OLD if old < new else _NEW


def _status(data: bytes, sign: int) -> Status:
    layout = _layout(data)
    at = layout.shift
    volts, _, milliamperes = struct.unpack_from("<IIi", data, 118 + at)
    balance_ma, balancing, soc, remaining, full, cycles = struct.unpack_from("<hBBIII", data, 138 + at)
    (runtime_s,) = struct.unpack_from("<I", data, 162 + at)
    (alarms,) = struct.unpack_from(layout.alarms[0], data, layout.alarms[1])
    status = Status(
        pack_voltage_v=volts / 1000,
        current_a=sign * milliamperes / 1000,
        soc_percent=soc,
        soh_percent=data[158 + at] if data[158 + at] <= 100 else None,
        remaining_ah=remaining / 1000,
        # What it holds when full, by its own measurement; the capacity that was set stands in the settings.
        nominal_ah=full / 1000,
        full_ah=full / 1000,
        cycles=cycles,
        cell_count=layout.mask(data).bit_count(),
        cells=_cells(layout, data),
        temperatures=_temperatures(layout, data),
        charge_fet=bool(data[166 + at]),
        discharge_fet=bool(data[167 + at]),
        alarm_bits=alarms,
        alarms=named(alarms, ALARMS),
        others={"balance-current-a": balance_ma / 1000, "balancing": bool(balancing), "runtime-s": runtime_s},
    )
    _refuse_impossible(status)
    return status


def _refuse_impossible(status: Status) -> None:
    """The small sum lets some damage through; what it did to the upper bits of a value shows here."""
    values = [
        ("state of charge", status.soc_percent, (0.0, 100.0)),
        ("pack voltage", status.pack_voltage_v, _PACK_V),
        ("current", status.current_a, _CURRENT_A),
        *((f"voltage of cell {number}", volts, _CELL_V) for number, volts in status.cells.items()),
        *((f"temperature {name}", celsius, _CELSIUS) for name, celsius in status.temperatures.items()),
    ]
    for what, value, (lowest, highest) in values:
        if value is not None and not lowest <= value <= highest:
            raise FrameError(f"a {what} of {value} cannot be")


def _cells(layout: _Layout, data: bytes) -> dict[int, float]:
    mask = layout.mask(data)
    return {slot + 1: raw / 1000 for slot, raw in enumerate(layout.raw_cells(data)) if mask >> slot & 1}


def _temperatures(layout: _Layout, data: bytes) -> dict[str, float]:
    """Return those whose sensor is there: a byte has a bit for each, MOS first. 3 and 4 are 0 in older firmware."""
    places = {"mos": layout.mos, "1": 130 + layout.shift, "2": 132 + layout.shift}
    if layout is _NEW:
        places |= {name: at for name, at in (("3", 258), ("4", 256)) if data[at : at + 2] != b"\0\0"}
    there = data[182 + layout.shift]
    raws = {name: struct.unpack_from("<h", data, at)[0] for name, at in places.items()}
    bits = {"mos": 0, "1": 1, "2": 2, "3": 3, "4": 4}
    return {name: raw / 10 for name, raw in raws.items() if there >> bits[name] & 1 and raw not in _NO_SENSOR}


def _settings(data: bytes) -> Status:
    others = {f"setting-{name}": struct.unpack_from("<i", data, at)[0] / per for at, name, per in _SETTINGS}
    (nominal,) = struct.unpack_from("<I", data, 130)
    return Status(cell_count=data[114], nominal_ah=nominal / 1000, others={**others})


def _device(data: bytes) -> Status:
    """Passwords stand in this frame too: they are not read."""
    (uptime_s,) = struct.unpack_from("<I", data, 38)
    others = {"hardware": _text(data[22:30]), "software": _text(data[30:38]), "uptime-s": uptime_s}
    return Status(model=_text(data[6:22]), others=others)


def _text(data: bytes) -> str:
    return data.split(b"\0")[0].decode("ascii", "replace").strip()
