"""How each quantity is brought about on a bench without a battery: what is connected, and what is turned.

A string of equal resistors stands for the cells, a supply with a current limit for the pack, a millivolt source for the
shunt, resistors for the temperature sensors. No test needs a live cell, and none needs a current that can burn.
"""

from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from agents.skills.battery.measuring import finest, is_comparable, words
from gates.design.files import Direction, Limit


@dataclass(frozen=True, slots=True)
class Rig:
    """A way to bring a quantity about. setup: what is connected; turn: what is set, "{value}" stands for how far."""

    setup: str
    turn: str


CELL_HIGH = Rig(
    "Resistor string in place of the cells, fed by supply 1 so that each has a cell's nominal voltage; floating "
    "supply 2, limited to 100 mA, across one of them.",
    "Set supply 2 so that the meter shows {value} across that one resistor",
)
# A supply gives current and takes none back: it can raise one resistor's voltage, not lower it.
CELL_LOW = Rig(
    "Resistor string in place of the cells, fed by supply 1 so that each has a cell's nominal voltage; a decade "
    "resistor, from 10 kΩ down, across one of them.",
    "Set the decade resistor so that the meter shows {value} across that one resistor",
)
SPREAD = Rig(
    CELL_HIGH.setup,
    "Set supply 2 so that this resistor's voltage is {value} away from the resistor furthest from it, by the meter",
)
PACK = Rig(
    "Resistor string in place of the cells, fed by supply 1 with its current limit at 100 mA.",
    "Set supply 1 so that the meter shows {value} across the whole string",
)
SUM = Rig(
    "Resistor string fed by supply 1; the input of the pack's divider taken off it and fed by a supply of its own.",
    "Set the divider's supply to {value} away from the string's voltage, both by the meter",
)
REFERENCE = Rig(
    "The known reference taken off its input; an adjustable source with a meter there instead, never above the board's "
    "supply.",
    "Set the source to {value} away from what the reference gives",
)
CURRENT = Rig(
    "Shunt not in any circuit; a millivolt source at the shunt amplifier's input, an adjustable source at the Hall "
    "sensor's input, both set to the same current.",
    "Set both sources to what the shunt's and the Hall sensor's data sheets give for {value}",
)
CURRENT_SPREAD = Rig(
    CURRENT.setup,
    "Leave the shunt's source where it is and set the Hall sensor's source to a current {value} away from it",
)
TEMPERATURE = Rig(
    "A decade resistor in place of one temperature sensor, the others at fixed resistors for 25 °C; a millivolt source "
    "at the shunt amplifier's input.",
    "Set the decade resistor to what the sensor's table gives for {value}",
)
TEMPERATURE_SPREAD = Rig(
    TEMPERATURE.setup,
    "Set the decade resistor to what the sensor's table gives for {value} away from its partner of the other string",
)
OTHER = Rig("An adjustable source with a meter at the input, within what the input bears.", "Set the source to {value}")

_VOLTAGES = (
    ("sum", SUM),
    ("reference", REFERENCE),
    ("delta", SPREAD),
    ("difference", SPREAD),
    ("pack", PACK),
    ("cell", CELL_HIGH),
)


def rig_of(limit: Limit) -> Rig:
    """Return how to bring about what a limit watches."""
    names = words(f"{limit.name} {limit.quantity}")
    is_apart = "mismatch" in names or "difference" in names
    if is_comparable(limit.unit, "degC"):
        return TEMPERATURE_SPREAD if is_apart else TEMPERATURE
    if is_comparable(limit.unit, "A"):
        return CURRENT_SPREAD if is_apart else CURRENT
    found = next((rig for word, rig in _VOLTAGES if word in names), OTHER)
    return CELL_LOW if found is CELL_HIGH and limit.direction is Direction.BELOW else found


def source_of(unit: str) -> str:
    """Return what gives a channel known inputs, by the unit that it measures in."""
    if is_comparable(unit, "A"):
        return "A millivolt source at the sensor's input, set to what its data sheet gives for each current"
    if is_comparable(unit, "degC"):
        return "A decade resistor in place of each sensor in turn, set to what its table gives for each temperature"
    return "An adjustable source at the input, within what the input bears"


def beside(limit: Limit) -> str:
    """Return what has to be so besides the quantity for a limit to count, as a sentence; "" where nothing has to."""
    names = words(f"{limit.name} {limit.quantity}")
    if "rest" in names:
        return "No current: both current inputs at zero."
    if "discharge" in names:
        return "Current on the way out of the battery: the millivolt source the other way round."
    return "Current on the way into the battery, as while charging." if "charge" in names else ""


def shifted(value: Decimal, by: Decimal, unit: str) -> Decimal:
    """Return a value moved by so much, as finely as a bench can set it, rather further than less far."""
    grid = finest(unit)
    return ((value + by) / grid).to_integral_value(ROUND_CEILING if by > 0 else ROUND_FLOOR) * grid
