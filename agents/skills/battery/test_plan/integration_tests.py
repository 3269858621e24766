"""The tests of what has to work together, and of what can only be looked at."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from agents.skills.battery.test_plan.draft import Draft, speaking_of
from gates.design.files import DesignFile, Element, Kind, Requirement, RequirementsFile, Subject


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
            covers=speaking_of(pattern, requirements, design, item.subject, item.title),
        )


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
