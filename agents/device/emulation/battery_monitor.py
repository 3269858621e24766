"""Our own monitor, spoken: see `agents.device.protocols.battery_monitor`. The sketch itself is in `firmware`."""

from typing import Final

from agents.device.emulation.speech import Speech, bits_of, whole
from agents.device.protocols.battery_monitor import FLAGS, LIMITS, NAME
from agents.device.protocols.checksums import crc16_modbus
from agents.device.status import Status

_CELLS, _SENSORS = 16, 8
_PERIOD_MS: Final = 250
_POWER_ON: Final = 1
_ALARMS: Final = {"cell-overvoltage": "cell-high-alarm", "cell-undervoltage": "cell-low-alarm"}


def line(text: str) -> bytes:
    """Return a line with its check sum."""
    return b"$%s*%04X\r\n" % (text.encode("ascii"), crc16_modbus(text.encode("ascii")))


def talk(status: Status, number: int) -> bytes:
    """Return a scan; before the first, that it has started."""
    boot = line(f"BOOT,1,{_POWER_ON:X},UNKNOWN") if number == 0 else b""
    return boot + scan(status, number)


def scan(status: Status, number: int) -> bytes:
    """Return the line of a scan. The shunt and the Hall sensor measure the same current."""
    cells = [_spelt(status.cells.get(cell), 0.001) for cell in range(1, _CELLS + 1)]
    warm = [_spelt(status.temperatures.get(f"{sensor}"), 0.1) for sensor in range(1, _SENSORS + 1)]
    current = _spelt(status.current_a, 0.001)
    flags = bits_of(frozenset({"temperature-open"}) if "-" in warm else frozenset(), FLAGS)
    alarms = bits_of(frozenset(_ALARMS.get(name, name) for name in status.alarms or ()), LIMITS)
    values = [*cells, _spelt(status.pack_voltage_v, 0.001), current, current, *warm]
    told = f"{number},{number * _PERIOD_MS},{','.join(values)},{flags:X},{alarms:X},{_POWER_ON:X}"
    return line(f"BM,1,{told}")


def _spelt(value: float | None, step: float) -> str:
    return "-" if value is None else f"{whole(value, step)}"


SPEECH: Final = Speech(
    name=NAME, talk=talk, period_s=_PERIOD_MS / 1000, sensors=tuple(range(1, 17, 2)), cells=range(_CELLS, _CELLS + 1)
)
