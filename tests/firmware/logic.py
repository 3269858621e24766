"""The sketch's logic compiled for this machine, and a board of counts to feed it with."""

import ctypes
import math
import re
import subprocess
from importlib.resources import files
from pathlib import Path
from typing import Final

from tests.systems import need_command

SKETCH: Final = Path(str(files("firmware"))) / "battery_monitor"
CELLS: Final = 16
SENSORS: Final = 8


def numbered(header: str, prefix: str) -> dict[str, int]:
    """Return the members of an enum that has its numbers written out."""
    text = (SKETCH / header).read_text()
    return {name: int(number) for name, number in re.findall(rf"\b{prefix}_(\w+) = (\d+)", text)}


LIMITS: Final = numbered("alarms.h", "LIMIT")
FLAGS: Final = numbered("readings.h", "FLAG")
QUANTITIES: Final = 17
CONDITIONS: Final = ("ok", "warn", "unknown", "acknowledged", "held", "alarm")


class Counts(ctypes.Structure):
    _fields_ = (
        ("cells", ctypes.c_uint16 * CELLS),
        ("pack", ctypes.c_uint16),
        ("shunt", ctypes.c_uint16),
        ("hall", ctypes.c_uint16),
        ("temperatures", ctypes.c_uint16 * SENSORS),
        ("known_reference", ctypes.c_uint16),
        ("bandgap", ctypes.c_uint16),
    )


class Reading(ctypes.Structure):
    _fields_ = (("value", ctypes.c_int32), ("is_present", ctypes.c_bool))

    def known(self) -> int | None:
        return int(self.value) if self.is_present else None


class Readings(ctypes.Structure):
    _fields_ = (
        ("cells_mv", Reading * CELLS),
        ("pack_mv", Reading),
        ("shunt_ma", Reading),
        ("hall_ma", Reading),
        ("temperatures_dc", Reading * SENSORS),
        ("known_reference_mv", Reading),
        ("bandgap_mv", Reading),
    )


class Calibration(ctypes.Structure):
    _fields_ = (
        ("cell_offset_uv", ctypes.c_int32 * CELLS),
        ("cell_gain_ppm", ctypes.c_int32 * CELLS),
        ("pack_gain_ppm", ctypes.c_int32),
        ("shunt_zero_uv", ctypes.c_int32),
        ("hall_zero_uv", ctypes.c_int32),
    )


class Line(ctypes.Structure):
    _fields_ = (("text", ctypes.c_char * 288), ("length", ctypes.c_uint16), ("is_whole", ctypes.c_bool))


class Report(ctypes.Structure):
    _fields_ = (
        ("sequence", ctypes.c_uint32),
        ("at_ms", ctypes.c_uint32),
        ("flags", ctypes.c_uint32),
        ("alarms", ctypes.c_uint32),
        ("reset_cause", ctypes.c_uint8),
    )


class Order(ctypes.Structure):
    _fields_ = (("kind", ctypes.c_int), ("cell", ctypes.c_uint8), ("millivolts", ctypes.c_int32))


class Signals(ctypes.Structure):
    _fields_ = (
        ("is_ok_lit", ctypes.c_bool),
        ("is_warn_lit", ctypes.c_bool),
        ("is_alarm_lit", ctypes.c_bool),
        ("is_buzzing", ctypes.c_bool),
    )


class AlarmRecord(ctypes.Structure):
    _fields_ = (
        ("number", ctypes.c_uint32),
        ("at_ms", ctypes.c_uint32),
        ("value", ctypes.c_int32),
        ("limit", ctypes.c_uint8),
    )


class SdSearch(ctypes.Structure):
    _fields_ = (
        ("low", ctypes.c_uint32),
        ("high", ctypes.c_uint32),
        ("at", ctypes.c_uint32),
        ("next", ctypes.c_uint32),
        ("damaged", ctypes.c_uint8),
    )


class SdLog(ctypes.Structure):
    _fields_ = (
        ("bytes", ctypes.c_uint8 * 512),
        ("text", ctypes.c_char * 500),
        ("length", ctypes.c_uint16),
        ("count", ctypes.c_uint32),
        ("number", ctypes.c_uint32),
        ("phase", ctypes.c_int),
        ("crc", ctypes.c_uint16),
        ("summed", ctypes.c_uint16),
        ("is_summing", ctypes.c_bool),
        ("is_sealed", ctypes.c_bool),
        ("search", SdSearch),
    )


def compiled(folder: Path) -> ctypes.CDLL:
    """Compile the C of the sketch, with its warnings as errors on this machine too."""
    need_command("cc", "gcc")
    library = folder / "logic.so"
    flags = ("-std=c99", "-Wall", "-Wextra", "-Wconversion", "-Werror", "-O1", "-fPIC", "-shared")
    sources = sorted(map(str, SKETCH.glob("*.c")))
    subprocess.run(["cc", *flags, *sources, "-o", str(library), "-lm"], check=True, timeout=60)
    logic = ctypes.CDLL(str(library))
    for name in ("alarms_judge", "alarms_shown", "check"):
        getattr(logic, name).restype = ctypes.c_uint32
    for name in ("is_stuck", "line_end", "calibrate_cell", "calibrate_pack", "calibrate_zero"):
        getattr(logic, name).restype = ctypes.c_bool
    for name in ("calibration_open", "alarm_open", "sd_log_put"):
        getattr(logic, name).restype = ctypes.c_bool
    logic.crc16.restype = ctypes.c_uint16
    logic.signals_at.restype = Signals
    logic.order_read.restype = Order
    return logic


def names(bits: int, numbers: dict[str, int]) -> set[str]:
    """Return the names of the bits that are set; a bit without a name is a KeyError."""
    by_number = {number: name for name, number in numbers.items()}
    return {by_number[number] for number in range(32) if bits >> number & 1}


def crc16(text: bytes) -> int:
    """Return CRC-16/Modbus, worked out here by division of polynomials and not by the sketch's loop."""
    remainder = 0
    bits = [byte >> bit & 1 for byte in text for bit in range(8)] + [0] * 16
    bits[:16] = [bit ^ 1 for bit in bits[:16]]
    for bit in bits:
        top = remainder >> 15
        remainder = (remainder << 1 & 0xFFFF | bit) ^ (0x8005 if top else 0)
    return int(f"{remainder:016b}"[::-1], 2)


class Board:
    """A pack at rest at 3.3 V a cell and 25 °C, as the converter counts it, until something is changed."""

    def __init__(self, logic: ctypes.CDLL) -> None:
        self._logic = logic
        # Larger than the sketch's own state, and zero as it begins there.
        self._alarms = ctypes.create_string_buffer(1024)
        self._history = ctypes.create_string_buffer(1024)
        self._quantities = (Reading * QUANTITIES)()
        self.calibration = Calibration()
        logic.calibration_default(ctypes.byref(self.calibration))
        self.readings = Readings()
        self.counts = Counts(pack=13200, shunt=8192, hall=10000, known_reference=10000, bandgap=4400)
        self.flag_bits = 0
        for cell in range(1, CELLS + 1):
            self.cell(cell, 3300)
        self.temperature(25.0)

    def cell(self, cell: int, millivolts: int) -> None:
        """Set one cell, counted from 1; the pack voltage stays what it is."""
        self.counts.cells[cell - 1] = millivolts * 4

    def all_cells(self, millivolts: int) -> None:
        for cell in range(1, CELLS + 1):
            self.cell(cell, millivolts)
        self.counts.pack = millivolts * 4

    def current(self, amperes: float) -> None:
        self.counts.shunt = round(8192 + amperes * 20)
        self.counts.hall = round(10000 + amperes * 2.083 * 4)

    def temperature(self, celsius: float, *sensors: int) -> None:
        """Set the sensors named, counted from 1, or all of them."""
        ohm = 10_000 * math.exp(3950 * (1 / (celsius + 273.15) - 1 / 298.15))
        for sensor in sensors or range(1, SENSORS + 1):
            self.counts.temperatures[sensor - 1] = round(16384 * ohm / (ohm + 10_000))

    def scan(self, at_ms: int) -> set[str]:
        """Judge the counts as a scan begun at that time. Return the names of the alarms that are shown."""
        logic, readings = self._logic, ctypes.byref(self.readings)
        logic.convert(ctypes.byref(self.counts), ctypes.byref(self.calibration), readings)
        self.flag_bits = logic.check(readings, ctypes.byref(self.counts), self._history)
        logic.summarise(readings, ctypes.c_uint32(self.flag_bits), self._quantities)
        logic.alarms_judge(self._alarms, self._quantities, ctypes.c_uint32(at_ms))
        return names(logic.alarms_shown(self._alarms), LIMITS)

    @property
    def flags(self) -> set[str]:
        return names(self.flag_bits, FLAGS)

    @property
    def cells_mv(self) -> list[int | None]:
        return [reading.known() for reading in self.readings.cells_mv]

    @property
    def condition(self) -> str:
        return CONDITIONS[self._logic.condition_of(self._alarms, ctypes.c_uint32(self.flag_bits))]

    def acknowledge(self) -> None:
        self._logic.alarms_acknowledge(self._alarms)
