"""VE.Direct text mode, spoken by a SmartShunt: see `agents.device.protocols.vedirect`. It knows nothing of cells."""

from collections.abc import Mapping
from typing import Final

from agents.device.emulation.speech import Speech, bits_of, whole
from agents.device.protocols.vedirect import ALARMS, NAME
from agents.device.status import Status

_SMART_SHUNT: Final = "0xA389"


def block(fields: Mapping[str, object]) -> bytes:
    """Return a block of lines with its check sum."""
    text = "".join(f"\r\n{label}\t{value}" for label, value in fields.items()).encode("ascii") + b"\r\nChecksum\t"
    return text + bytes((-sum(text) % 256,))


def talk(status: Status, _: int = 0) -> bytes:
    """Return what is said each second: what is now, then the history."""
    return now(status) + history(status)


def now(status: Status) -> bytes:
    volts, amperes, alarms = status.pack_voltage_v, status.current_a, bits_of(status.alarms, ALARMS)
    watts = None if volts is None or amperes is None else volts * amperes
    return block(
        {
            "PID": status.model or _SMART_SHUNT,
            "V": _spelt(volts, 0.001),
            "I": _spelt(amperes, 0.001),
            "P": _spelt(watts, 1),
            "SOC": _spelt(status.soc_percent, 0.1),
            "T": _spelt(status.temperatures.get("1"), 1),
            "Alarm": "ON" if alarms else "OFF",
            "AR": alarms,
        }
    )


def history(status: Status) -> bytes:
    """Return how often it was discharged: a device just installed has no history otherwise."""
    return block({"H1": 0, "H2": 0, "H3": 0, "H4": _spelt(status.cycles, 1), "H5": 0, "H6": 0})


def _spelt(value: float | None, step: float) -> str:
    return "---" if value is None else f"{whole(value, step)}"


SPEECH: Final = Speech(name=NAME, talk=talk, sensors=(1,), cells=range(1, 49))
