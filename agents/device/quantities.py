"""What the values of a status are called as readings, and in which unit they are."""

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Final

from agents.device.status import Status

PACK: Final = "pack-voltage"
CURRENT: Final = "current"
SOC: Final = "soc"
REMAINING: Final = "remaining-capacity"
FULL: Final = "full-capacity"
NOMINAL: Final = "nominal-capacity"
CHARGE_FET: Final = "charge-fet"
DISCHARGE_FET: Final = "discharge-fet"
_NAMES: Final = 4_096  # of readings; they are asked about at every status
_FIELDS: Final = {
    PACK: ("pack_voltage_v", "V"),
    CURRENT: ("current_a", "A"),
    SOC: ("soc_percent", "%"),
    "soh": ("soh_percent", "%"),
    REMAINING: ("remaining_ah", "Ah"),
    FULL: ("full_ah", "Ah"),
    NOMINAL: ("nominal_ah", "Ah"),
    "cycles": ("cycles", "1"),
    CHARGE_FET: ("charge_fet", "1"),
    DISCHARGE_FET: ("discharge_fet", "1"),
}
# What a device itself calls alarming: the reading `alarm-mux-stuck`, the alarm `device-mux-stuck`.
OWN: Final = "alarm-"
SOURCE: Final = "source-"  # and the source's name: whether it speaks
OWN_CODE: Final = "device-"
_BOARD: Final = frozenset({"mos", "ambient", "board", "bms"})


def cell_name(number: int) -> str:
    return f"cell-{number}-voltage"


def temperature_name(sensor: str) -> str:
    return f"temperature-{sensor}"


@lru_cache(maxsize=_NAMES)
def is_cell(name: str) -> bool:
    return name.startswith("cell-")


@lru_cache(maxsize=_NAMES)
def is_temperature(name: str) -> bool:
    return name.startswith("temperature-")


@lru_cache(maxsize=_NAMES)
def is_cell_temperature(name: str) -> bool:
    """Return whether a reading is the temperature of cells, not of switches or of the air around."""
    return is_temperature(name) and name.removeprefix("temperature-") not in _BOARD


def unit_of(name: str) -> str:
    if is_cell(name):
        return "V"
    return "degC" if is_temperature(name) else _FIELDS[name][1]


def values_of(status: Status) -> Mapping[str, float]:
    """Return what a status holds as numbers, by the name of the reading; a switch is 1 or 0."""
    return dict(_values(status))


def _values(status: Status) -> Iterator[tuple[str, float]]:
    for name, (field, _) in _FIELDS.items():
        if (value := getattr(status, field)) is not None:
            yield name, float(value)
    for number, volts in status.cells.items():
        yield cell_name(number), volts
    for sensor, celsius in status.temperatures.items():
        yield temperature_name(sensor), celsius
