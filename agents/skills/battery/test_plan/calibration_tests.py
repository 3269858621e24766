"""The calibration of each channel: at which points, with what meter, and how one sees that it holds."""

import re
from collections.abc import Iterator
from decimal import Decimal

from agents.skills.battery.measuring import is_comparable, words
from agents.skills.battery.test_plan.channel_tests import covering_channel, meter_error
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
            expected=f"Afterwards both points, and one between them that was not used, are read within "
            f"{quantity(channel.required, channel.unit)}; the values, the meter's name and the date are in the report "
            "and survive a restart.",
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
        return _two_points(low * requirements.pack.cells, high * requirements.pack.cells, "the whole string")
    return _two_points(low, high, f"each of the {requirements.pack.cells} inputs, one after the other")


def _two_points(low: Decimal, high: Decimal, where: str) -> tuple[str, ...]:
    middle = (low + high) / 2
    return (
        f"Set {quantity(low, 'V')} at {where}, by the meter at the input's own terminals; give the meter's value to "
        "the calibration order.",
        f"Set {quantity(high, 'V')} there and do the same: offset and gain follow from the two.",
        f"Save, restart, set {quantity(middle, 'V')} and note how far the reading is off.",
    )


_SHUNT = (
    "Short the shunt amplifier's input at the shunt: set the zero, average over a minute.",
    "Give the amplifier a known voltage within its range, by the meter; set the gain from the shunt's rated values.",
    "Reverse the source: the same current with the other sign.",
    "On the battery, later: compare with a clamp meter at a tenth and half of the greatest current, both ways.",
)
_HALL = (
    "No conductor through the sensor: set the zero, average over a minute.",
    "Ten turns of a wire through the sensor and 5 A from a supply stand for 50 A: set the gain.",
    "Turn the wire round: the same current with the other sign.",
)
_ICE = (
    "Crushed ice and a little water in a flask, stirred, the sensors in a thin bag in it for ten minutes: 0 °C.",
    "Water of about 40 °C in a flask with the thermometer beside the sensors, stirred, ten minutes.",
    "Note every sensor at both points; one that is further off than allowed is replaced.",
)
_REFERENCE = (
    "Measure the converter's reference at its pin and the known reference at its input.",
    "Enter both into the calibration; save and restart.",
    "Compare the known reference as the monitor reads it with the meter.",
)
