"""How each quantity is brought about on a bench without a battery: what is connected, and what is turned.

A string of equal resistors stands for the cells, a supply with a current limit for the pack, a millivolt source for the
shunt, resistors for the temperature sensors. No test needs a live cell, and none needs a current that can burn.
"""

from dataclasses import dataclass

from agents.skills.battery.sensing import is_comparable, words
from gates.design.files import Limit


@dataclass(frozen=True, slots=True)
class Rig:
    """A way to bring a quantity about. setup: what is connected; turn: what is set, "{value}" stands for how far."""

    setup: str
    turn: str


CELL = Rig(
    "Resistor string in place of the cells, fed by supply 1; floating supply 2, limited to 100 mA, across one of them, "
    "47 Ω across its output: a supply gives current and takes none.",
    "Set supply 2 so that the meter shows {value} across that one resistor",
)
SPREAD = Rig(
    CELL.setup,
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
    ("cell", CELL),
)


def rig_of(limit: Limit) -> Rig:
    """Return how to bring about what a limit watches."""
    names = words(f"{limit.name} {limit.quantity}")
    is_apart = "mismatch" in names or "difference" in names
    if is_comparable(limit.unit, "degC"):
        return TEMPERATURE_SPREAD if is_apart else TEMPERATURE
    if is_comparable(limit.unit, "A"):
        return CURRENT_SPREAD if is_apart else CURRENT
    return next((rig for word, rig in _VOLTAGES if word in names), OTHER)


def beside(limit: Limit) -> str:
    """Return what has to be so besides the quantity for a limit to count, as a sentence; "" where nothing has to."""
    names = words(f"{limit.name} {limit.quantity}")
    if "rest" in names:
        return "No current: both current inputs at zero."
    if "discharge" in names:
        return "Current on the way out of the battery: the millivolt source the other way round."
    return "Current on the way into the battery, as while charging." if "charge" in names else ""
