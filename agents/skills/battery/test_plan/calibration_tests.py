"""The calibration of each channel: at which points, with what meter, and how one sees that it holds."""

import re
from collections.abc import Iterator
from decimal import Decimal

from agents.skills.battery.measuring import is_comparable, meter_error, words
from agents.skills.battery.test_plan.channel_tests import covering_channel
from agents.skills.battery.test_plan.draft import Draft
from gates.design.files import Channel, DesignFile, Kind, RequirementsFile
from gates.design.words import quantity


def calibration_tests(requirements: RequirementsFile, design: DesignFile) -> Iterator[Draft]:
    """Yield a procedure for each channel, with what the meter has to be worth."""
    for channel in design.channels:
        yield Draft(
            kind=Kind.CALIBRATION,
            title=f"Calibrate {channel.name}",
            setup=f"Switched on for 30 minutes, room temperature noted. Meter: {_meter(channel)}.",
            steps=_procedure(channel, requirements),
            expected=f"Afterwards every point is read within {quantity(channel.required, channel.unit)}; the values, "
            "the meter's name and the date are in the report and survive a restart.",
            covers=_calibrated(channel, requirements, design),
        )


def _calibrated(channel: Channel, requirements: RequirementsFile, design: DesignFile) -> tuple[str, ...]:
    about = [item.id for item in requirements.requirements if re.search("calibrat", item.text, re.IGNORECASE)]
    return tuple(dict.fromkeys([*covering_channel(channel, requirements, design), *about]))


def _meter(channel: Channel) -> str:
    if is_comparable(channel.unit, "degC"):
        return "a thermometer with a certificate"
    return f"off by at most {quantity(meter_error(channel), channel.unit)} at the points below, calibration not run out"


def _procedure(channel: Channel, requirements: RequirementsFile) -> tuple[str, ...]:
    names = words(channel.name)
    if is_comparable(channel.unit, "degC"):
        return _ICE
    if is_comparable(channel.unit, "A"):
        return _HALL if "hall" in names else _SHUNT
    if names & {"reference", "bandgap"}:
        return _REFERENCE
    low, high = requirements.pack.min_v, requirements.pack.max_v
    if "pack" in names:
        cells = requirements.pack.cells
        return _one_point(low * cells, high * cells, "the whole string", "CAL PACK mV")
    return _one_point(low, high, f"each of the {requirements.pack.cells} inputs, one after the other", "CAL CELL n mV")


def _one_point(low: Decimal, high: Decimal, where: str, order: str) -> tuple[str, ...]:
    middle, lowest, highest = (quantity(value, "V") for value in ((low + high) / 2, low, high))
    return (
        f"Set {middle} at {where}, by the meter at the input's own terminals; give the meter's value to {order}, which "
        "sets the gain.",
        f"CAL SAVE, restart, set {lowest} and {highest} and note how far the readings are off.",
    )


_SHUNT = (
    "Short the shunt amplifier's input at the shunt and let no current through the Hall sensor; CAL ZERO, then CAL "
    "SAVE.",
    "Give the amplifier a known voltage within its range, by the meter, and compare with the shunt's rated values. "
    "There is no order for the gain: what is off is a part to be replaced.",
    "Reverse the source: the same current with the other sign.",
    "On the battery, later: compare with a clamp meter at a tenth and half of the greatest current, both ways.",
)
_HALL = (
    "No current through the sensor, the shunt amplifier's input shorted: CAL ZERO, then CAL SAVE.",
    "Ten turns of a wire through the sensor and 5 A from a supply stand for 50 A: compare. There is no order for the "
    "gain.",
    "Turn the wire round: the same current with the other sign.",
)
_ICE = (
    "Crushed ice and a little water in a flask, stirred, the sensors in a thin bag in it for ten minutes: 0 °C.",
    "Water of about 40 °C in a flask with the thermometer beside the sensors, stirred, ten minutes.",
    "Note every sensor at both points; one that is further off than allowed is replaced.",
)
_REFERENCE = (
    "Measure the converter's reference at its pin and the known reference at its input.",
    "Both within their data sheets; one that is not is replaced. There is no order for them: CAL CELL and CAL PACK "
    "take out what the reference is off.",
    "Compare the known reference as the monitor reads it with the meter.",
)
