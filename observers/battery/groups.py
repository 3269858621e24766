"""What belongs together in a picture of a battery: which readings share a panel, and which alarm's limit lies in it."""

import re
from enum import Enum
from typing import Final

from protocol.bodies import Reading


class Group(Enum):
    """A panel of readings, in the order in which they are shown. The value is its title."""

    CELLS = "Cells"
    PACK = "Pack voltage"
    DELTA = "Delta of the cells"
    CURRENT = "Current"
    TEMPERATURES = "Temperatures"
    SOC = "State of charge"


UNITS: Final = {
    Group.CELLS: "V",
    Group.PACK: "V",
    Group.DELTA: "mV",
    Group.CURRENT: "A",
    Group.TEMPERATURES: "°C",
    Group.SOC: "%",
}
_READINGS: Final = (
    (re.compile(r"cell-[0-9]{1,4}-voltage"), "V", Group.CELLS),
    (re.compile(r"pack-voltage"), "V", Group.PACK),
    (re.compile(r"current"), "A", Group.CURRENT),
    (re.compile(r"temperature-.+"), "degC", Group.TEMPERATURES),
    (re.compile(r"soc"), "%", Group.SOC),
)
# An alert says what it is about in words: "cell-3-voltage less cell-9-voltage is 0.4 V, above 0.3 V".
_ABOUT: Final = re.compile(r"([a-z][A-Za-z0-9._\-]*)( less [a-z][A-Za-z0-9._\-]*)? is .*, (above|below) ")
_CODES: Final = (
    (("cell-delta", "cell-wiring"), Group.DELTA),
    (("cell-",), Group.CELLS),
    (("pack-",), Group.PACK),
    (("overcurrent", "short-circuit"), Group.CURRENT),
    (("temperature-", "charging-cold", "charging-hot"), Group.TEMPERATURES),
)


def group_of(reading: Reading) -> Group | None:
    """Return the panel of a reading; None where it has none, or is in another unit than that."""
    return _group(reading.name, reading.unit)


def group_of_alarm(code: str, text: str) -> Group | None:
    """Return the panel in which an alarm's limit lies; None for one that is about no value, such as silence.

    text: what the alert says; it goes before the code, which people choose themselves.
    """
    if found := _ABOUT.search(text):
        group = _group(found[1])
        return Group.DELTA if group is Group.CELLS and found[2] else group
    return next((group for prefixes, group in _CODES if code.startswith(prefixes)), None)


def label_of(name: str) -> str:
    """Return how a reading is called in a legend or a table."""
    if found := re.fullmatch(r"cell-([0-9]+)-voltage", name):
        return f"cell {int(found[1])}"
    if name == "soc":
        return Group.SOC.value.lower()
    sensor = name.removeprefix("temperature-")
    return f"sensor {sensor}" if sensor != name else name.replace("-", " ")


def place_of(name: str) -> tuple[str, int, str]:
    """Return what puts readings in order: cell 2 before cell 10."""
    digits = re.search(r"[0-9]+", name)
    return name[: digits.start()] if digits else name, int(digits[0][:9]) if digits else 0, name


def _group(name: str, unit: str | None = None) -> Group | None:
    return next(
        (group for pattern, its, group in _READINGS if unit in (None, its) and pattern.fullmatch(name)), None
    )  # fmt: skip
