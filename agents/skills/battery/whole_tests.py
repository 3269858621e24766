"""The tests of what works together, the calibration, and what the finished monitor has to show."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from agents.skills.battery.drafting import Draft, of_subject, speaking_of
from agents.skills.battery.limit_tests import REACTION_S, covering_channel, meter_error
from agents.skills.battery.pages import amount
from agents.skills.battery.sensing import is_comparable, words
from gates.design.files import Channel, DesignFile, Element, Kind, Level, Requirement, RequirementsFile, Subject


@dataclass(frozen=True, slots=True)
class Together:
    """Parts that have to work together. words: how requirements and elements speak of it, a regular expression."""

    title: str
    words: str
    setup: str
    steps: tuple[str, ...]
    expected: str
    subject: Subject


TOGETHER = (
    Together(
        "The line on the bus: whole, in order, at its pace",
        r"\bhost\b|\busb\b|\bserial\b|\bline\b|isolat",
        "The finished monitor on USB at a computer; a terminal that stores what arrives.",
        ("Store ten minutes of lines.", "Count lines, gaps in the numbers and values, with a script or a spreadsheet."),
        "No number is missing, every line has all its fields, and what is absent is told as absent.",
        Subject.RECORDS,
    ),
    Together(
        "A line that was changed on the way is refused",
        r"\bcrc\b|checksum|\bline\b|\bserial\b",
        "As before; stored lines on the computer.",
        (
            "Work out the CRC-16 of ten stored lines with another program.",
            "Change one digit in each and work it out again.",
            "Send the monitor an order with one wrong digit in its CRC.",
        ),
        "The ten CRCs are right; each changed line is recognised; the wrong order is refused and does nothing.",
        Subject.RECORDS,
    ),
    Together(
        "The logger keeps what was measured",
        r"\blog|\brecord|\bstor(?:e|age)|\bcard\b|eeprom",
        "The finished monitor with an empty card, without a host.",
        (
            "Run for an hour; provoke two alarms and note the time.",
            "Supply off in the middle. Read the card elsewhere.",
        ),
        "The card holds the lines up to the last seconds with good CRCs, both alarms among them.",
        Subject.RECORDS,
    ),
    Together(
        "The dead-man circuit",
        r"dead.?man|heartbeat|\bhang|own battery|watchdog|board.{0,30}(?:dead|power)",
        "The finished monitor, its dead-man circuit with a fresh battery.",
        (
            "Take the heartbeat's wire off the board; start the stop watch.",
            "Connect it again. Then tie it high, then low, through 1 kΩ: a level is no heartbeat.",
            "Measure the dead-man battery without and with its buzzer sounding; note both.",
        ),
        "Its buzzer sounds within 5 s each time and is silent again with the heartbeat.",
        Subject.ALERTS,
    ),
    Together(
        "Lights, buzzer and acknowledge button",
        r"\bled\b|light|lamp|buzzer|sound|\bbutton\b|acknowledg|visible|audible",
        "The finished monitor at the resistor string.",
        (
            "Provoke a warning, then an alarm; press the button; provoke a second alarm while the first lasts.",
            "End both. Stand where people usually are, door closed, and have it sound.",
        ),
        "Green, yellow and red say what holds; the button silences what it was pressed for and nothing after it; an "
        "alarm stays shown until acknowledged, even if it is over; it is heard where people are.",
        Subject.ALERTS,
    ),
    Together(
        "After the start: unknown until measured",
        r"\bstart|\bboot|unknown|restart|reset",
        "The finished monitor at the resistor string.",
        ("Supply off, on; watch lights and the first lines.", "Press reset. Load the sketch again."),
        "It does not show green before the first whole round of measurements; the line says why the board started.",
        Subject.SENSORS,
    ),
    Together(
        "The isolation and the supply bear the pack's voltage",
        r"dc/dc|converter|isolat|\bfuse|\bsupply\b",
        "The finished monitor at a supply set to the most that the pack has, current limit 100 mA; no host connected.",
        (
            "Measure the 5 V of the board at the least and the most that the pack has.",
            "Measure the resistance between the host's ground and the pack's negative end, supply off.",
            "After an hour at the most, touch nothing and measure the temperatures of converter and relays.",
        ),
        "5 V within ±0.25 V; no connection between host and pack that the design does not name; nothing above 60 °C.",
        Subject.ALERTS,
    ),
)


def integration_tests(requirements: RequirementsFile, design: DesignFile) -> Iterator[Draft]:
    """Yield a test for each set of parts that have to work together."""
    for item in TOGETHER:
        pattern = re.compile(item.words, re.IGNORECASE)
        yield Draft(
            kind=Kind.INTEGRATION,
            title=item.title,
            setup=item.setup,
            steps=item.steps,
            expected=item.expected,
            covers=speaking_of(pattern, requirements, design, item.subject),
        )


def calibration_tests(requirements: RequirementsFile, design: DesignFile) -> Iterator[Draft]:
    """Yield a procedure for each channel, with what the meter has to be worth."""
    for channel in design.channels:
        yield Draft(
            kind=Kind.CALIBRATION,
            title=f"Calibrate {channel.name}",
            setup=f"Switched on for 30 minutes, room temperature noted. Meter: {_meter(channel)}.",
            steps=_procedure(channel, requirements),
            expected=f"Afterwards every point is read within "
            f"{amount(channel.required, channel.unit)}; the values, the meter's name and the date are in the report "
            "and survive a restart.",
            covers=_calibrated(channel, requirements, design),
        )


def _calibrated(channel: Channel, requirements: RequirementsFile, design: DesignFile) -> tuple[str, ...]:
    about = [item.id for item in requirements.requirements if re.search("calibrat|accura", item.text, re.IGNORECASE)]
    return tuple(dict.fromkeys([*covering_channel(channel, requirements, design), *about]))


def _meter(channel: Channel) -> str:
    if is_comparable(channel.unit, "degC"):
        return "a thermometer with a certificate"
    return f"off by at most {amount(meter_error(channel), channel.unit)} at the points below, calibration not run out"


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
    middle = (low + high) / 2
    return (
        f"Set {amount(middle, 'V')} at {where}, by the meter at the input's own terminals; give the meter's value to "
        f"{order}, which sets the gain.",
        f"CAL SAVE, restart, set {amount(low, 'V')} and {amount(high, 'V')} and note how far the readings are off.",
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


def acceptance_tests(requirements: RequirementsFile, design: DesignFile) -> Iterator[Draft]:
    """Yield what the finished monitor has to show before anybody relies on it."""
    every = tuple(item.id for item in requirements.requirements)
    limited = tuple(item.id for item in requirements.requirements if item.limits)
    alarms = [limit.name for limit in requirements.limits if limit.level is Level.ALARM]
    yield _acceptance(
        "24 hours without a false alarm",
        (
            "Resistor string at healthy values, logger on, host on for the first and off for the second half.",
            "Read the log.",
        ),
        "No alarm, no warning, no restart, no gap in the numbers, no line with a wrong CRC in 24 hours.",
        of_subject(requirements, *(subject for subject in Subject if subject is not Subject.DEVICES)),
    )
    yield _acceptance(
        f"All {len(alarms)} alarms in the time stated",
        (f"Repeat the unit tests of these limits on the finished monitor: {', '.join(alarms) or 'none'}.",),
        f"Each speaks up within its delay and {amount(REACTION_S, 's')}, by light and sound, with the host off.",
        limited,
    )
    yield _acceptance(
        "Errors that remain after calibration",
        ("Repeat the tests of the channels after a night switched off, and at 10 °C and 40 °C if that can be had.",),
        "; ".join(f"{item.name}: at most {amount(item.required, item.unit)}" for item in design.channels) + ".",
        limited,
    )
    yield _acceptance(
        "First day at the battery",
        (
            "Two people, insulated tools, the battery's own BMS and main fuse in place and working.",
            "Connect in the order of WIRING.md, measuring each tap before it is plugged.",
            "Compare every cell with a meter; charge and discharge once, slowly, with somebody there.",
        ),
        "Every cell within what is allowed; no alarm that a meter does not confirm; nothing warm.",
        every,
    )


def _acceptance(title: str, steps: tuple[str, ...], expected: str, covers: tuple[str, ...]) -> Draft:
    setup = "The finished monitor in its housing, all tests before this one passed."
    return Draft(kind=Kind.ACCEPTANCE, title=title, setup=setup, steps=steps, expected=expected, covers=covers)


def inspection(requirement: Requirement, design: DesignFile) -> Draft:
    """Return a test for a requirement that no measurement of ours reaches: look, show it once, write it down."""
    serving = [element for element in design.elements if requirement.id in element.meets]
    return Draft(
        kind=Kind.INTEGRATION,
        title=f"Look at and show: {requirement.id}",
        setup="The finished monitor, the design and the documents side by side.",
        steps=(f"Read what is required: {requirement.text}", *map(_look, serving), "Show it once to a second person."),
        expected="The second person agrees that it is so, and signs. What cannot be shown is written down as open.",
        covers=(requirement.id,),
    )


def _look(element: Element) -> str:
    return f"See that {element.id}, {element.name}, is fitted as drawn and does this: {element.purpose}"
