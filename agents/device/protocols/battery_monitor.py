"""Our own battery monitor, `firmware/battery_monitor`: USB, 115200 8N1; it talks by itself, each 250 ms.

Lines `$TEXT*CRC` CR LF, the CRC-16/Modbus over TEXT in four digits of capital hex. The first word tells what a line is:
BM a scan, BOOT a start, LOG an alarm of the past, CAL the calibration, OK and NO answers to orders. Numbers are in mV,
mA and tenths of a degree; `-` is an absent one. Current is positive into the battery. A gap in the sequence is a lost
line.
Alarms are the limits that are passed, what flags say is wrong with the monitor itself, such as "mux-stuck", and
"reset-by-watchdog" or "reset-by-brown-out" where that is why it last started.
A scan does not tell how many of its values are cells: `cell_count` and `temperature_count` are those of its limits.h.

Source: docs/firmware.md and the headers of the sketch; the names of flags and limits are those of the headers.
"""

import re
from collections.abc import Sequence
from typing import Final

from agents.device.decoder import Frame
from agents.device.protocols.bits import named
from agents.device.protocols.checksums import crc16_modbus
from agents.device.protocols.framing import Framer, Shape
from agents.device.status import FrameError, Status

NAME: Final = "battery-monitor"
_KINDS: Final = {"BM": "scan", "BOOT": "boot", "LOG": "log", "CAL": "calibration", "OK": "answer", "NO": "answer"}
_LONGEST: Final = 288
_END: Final = len("*0000\r\n")
_NUMBER: Final = re.compile(r"-?[0-9]{1,10}")
_BITS: Final = re.compile(r"[0-9A-F]{1,8}")
_VERSION: Final = "1"
_CALIBRATIONS: Final = {
    ("CELL", 4): ("offset-uv", "gain-ppm"),
    ("PACK", 2): ("gain-ppm",),
    ("ZERO", 3): ("shunt-uv", "hall-uv"),
}
LIMITS: Final = (
    "cell-high-warn",
    "cell-high-alarm",
    "cell-low-warn",
    "cell-low-alarm",
    "cell-failed",
    "pack-high-warn",
    "pack-high-alarm",
    "pack-low-warn",
    "pack-low-alarm",
    "cell-delta-rest-warn",
    "cell-delta-warn",
    "cell-delta-alarm",
    "cell-delta-wiring",
    "charge-cold-warn",
    "charge-cold-alarm",
    "charge-hot-warn",
    "charge-hot-alarm",
    "discharge-cold-warn",
    "discharge-cold-alarm",
    "discharge-hot-warn",
    "discharge-hot-alarm",
    "charge-current-warn",
    "charge-current-alarm",
    "discharge-current-warn",
    "discharge-current-alarm",
    "current-surge-alarm",
    "sum-mismatch",
    "current-mismatch",
    "temperature-mismatch",
    "reference-fault",
    "value-lost",
)
FLAGS: Final = (
    "unknown",
    "cell-clipped",
    "cell-wire-open",
    "mux-stuck",
    "value-stuck",
    "temperature-open",
    "temperature-short",
    "pack-clipped",
    "shunt-clipped",
    "hall-clipped",
    "bandgap-wrong",
    "reference-wrong",
    "host-silent",
    "calibration-default",
    "calibration-copy",
    "calibration-unsaved",
    "line-dropped",
    "late",
    "held",
    "adc-silent",
    "card-failed",
)
# What a flag says that is no fault of measuring: how things stand, and what it has not been told.
STATES: Final = frozenset(
    {"unknown", "host-silent", "calibration-default", "calibration-unsaved", "line-dropped", "held"}
)
RESET_CAUSES: Final = ("power", "reset-button", "brown-out", "watchdog", "jtag", "memory-survived", "unknown")
_FAULTS: Final = frozenset({"watchdog", "brown-out"})  # a power-up and a button are none


def _length(head: bytes) -> int | None:
    end = head.find(b"\n", 0, _LONGEST)
    if end < 0:
        return None if len(head) < _LONGEST else 0
    return end + 1


def _is_whole(line: bytes) -> bool:
    text = line[1:-_END]
    return _word(line) in _KINDS and line[-_END:] == b"*%04X\r\n" % crc16_modbus(text)


def _word(line: bytes) -> str:
    return line[1:-_END].split(b",")[0].decode("ascii", "replace")


def order(text: str) -> bytes:
    """Return an order as the monitor takes it: HOST, ACK, LOG, CAL SHOW."""
    return b"%s*%04X\n" % (text.encode("ascii"), crc16_modbus(text.encode("ascii")))


class BatteryMonitor:
    """Decoder of the lines of our firmware."""

    name = NAME
    heartbeat = order("HOST")

    def __init__(self, cell_count: int = 16, temperature_count: int = 8) -> None:
        self._framer = Framer(Shape((b"$",), _length, _is_whole))
        self._cell_count, self._temperature_count = cell_count, temperature_count

    def asks(self) -> Sequence[bytes]:
        return []

    def feed(self, data: bytes) -> list[Frame]:
        return [Frame(NAME, _KINDS[_word(line)], line) for line in self._framer.feed(data)]

    def reset(self) -> None:
        self._framer.reset()

    def decode(self, frame: Frame) -> Status:
        word, *fields = frame.data[1:-_END].decode("ascii", "replace").split(",")
        if frame.kind == "scan":
            return self._scan(fields)
        if frame.kind == "boot":
            return _boot(fields)
        if frame.kind == "log":
            return _log(fields)
        if frame.kind == "calibration":
            return _calibration(fields)
        return _answer(word, fields)

    def _scan(self, fields: list[str]) -> Status:
        _refuse_other(fields, 9 + self._cell_count + self._temperature_count)
        cells, rest = fields[3 : 3 + self._cell_count], fields[3 + self._cell_count :]
        pack, shunt, hall = (_reading(field, 1000) for field in rest[:3])
        flags, alarms, cause = (_bits(field) for field in rest[-3:])
        temperatures = _present(rest[3:-3], 10)
        currents = {"shunt-current-a": shunt, "hall-current-a": hall}
        return Status(
            pack_voltage_v=pack,
            current_a=hall if shunt is None else shunt,  # a sensor at its end is absent: the monitor sees to it
            cell_count=self._cell_count,
            cells=_present(cells, 1000),
            temperatures={f"{number}": value for number, value in temperatures.items()},
            alarm_bits=alarms,
            alarms=named(alarms, LIMITS) | (named(flags, FLAGS) - STATES) | _reset_alarms(cause),
            others={
                "sequence": _number(fields[1]),
                "at-ms": _number(fields[2]),
                "flag-bits": flags,
                **{f"flag-{name}": True for name in named(flags, FLAGS)},
                **{name: value for name, value in currents.items() if value is not None},
                **_reset(cause),
            },
        )


def _refuse_other(fields: list[str], count: int) -> None:
    if len(fields) != count:
        raise FrameError(f"a line of {len(fields)} values, where {count} are expected: cell_count, temperature_count?")
    if fields[0] != _VERSION:
        raise FrameError(f"version {fields[0]!r} of the line is not known")


def _number(field: str) -> int:
    if not _NUMBER.fullmatch(field):
        raise FrameError(f"{field!r} is no number")
    return int(field)


def _bits(field: str) -> int:
    if not _BITS.fullmatch(field):
        raise FrameError(f"{field!r} is no word of bits")
    return int(field, 16)


def _reading(field: str, per: int) -> float | None:
    return None if field == "-" else _number(field) / per


def _present(fields: Sequence[str], per: int) -> dict[int, float]:
    read = {number: _reading(field, per) for number, field in enumerate(fields, 1)}
    return {number: value for number, value in read.items() if value is not None}


def _reset(cause: int) -> dict[str, int | str]:
    names = [name for bit, name in enumerate(RESET_CAUSES) if cause >> bit & 1]
    return {"reset-cause-bits": cause, "reset-cause": " ".join(names)}


def _reset_alarms(cause: int) -> frozenset[str]:
    """Return that it was reset by a fault of its own; it says so until the next reset."""
    return frozenset(f"reset-by-{name}" for name in named(cause, RESET_CAUSES) & _FAULTS)


def _boot(fields: list[str]) -> Status:
    _refuse_other(fields, 3)
    cause = _bits(fields[1])
    return Status(alarms=_reset_alarms(cause) or None, others={**_reset(cause), "state": fields[2].lower()})


def _log(fields: list[str]) -> Status:
    """An alarm of the past is no alarm: it stands among the others."""
    if len(fields) != 4:
        raise FrameError(f"an alarm of the past has 4 values, not {len(fields)}")
    number, at_ms, bit, value = (_number(field) for field in fields)
    if not 0 <= bit < len(LIMITS):
        raise FrameError(f"there is no limit with the number {bit}")
    return Status(others={"log-number": number, "log-at-ms": at_ms, "log-limit": LIMITS[bit], "log-value": value})


def _calibration(fields: list[str]) -> Status:
    names = _CALIBRATIONS.get((fields[0], len(fields))) if fields else None
    if names is None:
        raise FrameError(f"a calibration of {','.join(fields)!r} is not known")
    numbers = [_number(field) for field in fields[1:]]
    place = f"cell-{numbers.pop(0)}" if fields[0] == "CELL" else fields[0].lower()
    return Status(others={f"calibration-{place}-{name}": value for name, value in zip(names, numbers, strict=True)})


def _answer(word: str, fields: list[str]) -> Status:
    """An order that is taken is answered with its text; one that is not, with the reason behind it."""
    *words, reason = fields if word == "NO" and len(fields) > 1 else [*fields, ""]
    return Status(others={"order": ",".join(words), "is-taken": word == "OK", "reason": reason})
