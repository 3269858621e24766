"""What is done to the monitor on purpose: every failure that the design names, and those that no design may forget.

1. Each failure mode of the design has one test, whose expectation is what the design says of it.
2. A failure of the list below that the design does not name is provoked all the same.
3. Nothing is provoked with a live cell: the string of resistors and a supply at 100 mA stand for the pack.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from agents.skills.battery.test_plan.draft import Draft, by_id, speaking_of
from gates.design.files import DesignFile, Element, FailureMode, Kind, RequirementsFile, Subject

BENCH = "The finished monitor at the resistor string, all inputs at healthy values, no alarm."
_AFTERWARDS = "Undo it, acknowledge, and see the monitor healthy again before the next test."


@dataclass(frozen=True, slots=True)
class WhatIf:
    """A failure that is brought about on purpose. words: how a design speaks of it, a regular expression."""

    title: str
    words: str
    steps: tuple[str, ...]
    expected: str
    subject: Subject

    @property
    def pattern(self) -> re.Pattern[str]:
        """The words, for searching in whatever case."""
        return re.compile(self.words, re.IGNORECASE)


WHAT_IFS = (
    WhatIf(
        "A cell's sense wire is open",
        r"(?:open|broken|loose).{0,30}(?:wire|tap)"
        r"|(?:wire|tap|sense).{0,30}(?:open|broken|breaks|loose)|fuse.{0,20}blow",
        ("Take one tap off the resistor string at its terminal.", "Repeat with the lowest, a middle and the highest."),
        "The cells beside that tap are reported as absent or failed, never with an old value; an alarm within 3 s.",
        Subject.SENSORS,
    ),
    WhatIf(
        "The multiplexer is stuck on one cell",
        r"(?:mux|multiplex|select|decoder).{0,40}(?:stuck|stick|stays on)|stuck.{0,40}(?:mux|multiplex|select|decoder)",
        (
            "Set the second supply so that one cell differs from the others by 0.3 V.",
            "Take the select wires off the board one after the other and tie each low, then high, through 1 kΩ.",
        ),
        "The monitor names the multiplexer or the sum against the pack within 3 s; it does not call all cells healthy.",
        Subject.SENSORS,
    ),
    WhatIf(
        "A relay of the multiplexer stays closed",
        r"relay.{0,40}(?:closed|weld|short|leak|stick|stuck)|(?:closed|weld|short|leak).{0,40}relay|break before make",
        (
            "Supply off. Bridge one output of one relay through 10 kΩ.",
            "Supply on at 50 mA; watch the supply's current and the readings.",
        ),
        "The supply does not reach its current limit; readings that are off are reported as a fault within 3 s.",
        Subject.SENSORS,
    ),
    WhatIf(
        "A temperature sensor is open",
        r"(?:ntc|temperature|thermistor|probe).{0,60}(?:open|broken|breaks|unplug)"
        r"|(?:open|broken).{0,30}(?:ntc|temperature sensor|thermistor|probe)",
        ("Unplug one temperature sensor.", "Repeat with one of the other string."),
        "That sensor is reported as absent, with a sign for people, and no temperature is made up.",
        Subject.SENSORS,
    ),
    WhatIf(
        "A temperature sensor is shorted",
        r"(?:ntc|temperature|thermistor|probe).{0,60}short"
        r"|short.{0,30}(?:ntc|temperature sensor|thermistor|probe)",
        ("Bridge the two pins of one temperature sensor's plug.", "Repeat with one of the other string."),
        "That sensor is reported as absent or failed, and not as a hot cell only.",
        Subject.SENSORS,
    ),
    WhatIf(
        "The reference is lost or drifts",
        r"reference.{0,40}(?:lost|drift|fail|off|wrong|missing|dead|absent)|(?:lost|drift|loss).{0,30}reference",
        (
            "Supply off. Take the known reference off its input and pull that input to ground through 10 kΩ.",
            "Supply on.",
        ),
        "A reference fault is shown and sounded within 3 s, and no cell is reported as good by the wrong reference.",
        Subject.SENSORS,
    ),
    WhatIf(
        "Shunt and Hall sensor contradict each other",
        r"(?:shunt|hall|current sensor)",
        ("Give both current inputs 100 A.", "Take the Hall sensor's source back to 0 A.", "Then the other way round."),
        "The contradiction is reported, and the larger of the two currents goes on being judged.",
        Subject.CURRENT,
    ),
    WhatIf(
        "The host is dead",
        r"\bhost.{0,40}(?:dead|die|silent|\boff\b|lost|gone|hang|unplug|absent|crash)"
        r"|\busb.{0,30}(?:unplug|lost|\boff\b)|without.{0,12}host",
        ("Pull the USB plug while everything is healthy.", "Provoke any cell alarm with the second supply."),
        "Lights and buzzer work as with the host; the logger's card holds the lines of that time.",
        Subject.ALERTS,
    ),
    WhatIf(
        "The board hangs",
        r"(?:board|firmware|program|sketch|software|processor|loop).{0,40}(?:hang|stuck|stop|freez|crash)"
        r"|watchdog|hang.{0,20}board",
        (
            "Load a copy of the sketch in which the loop waits for ever ten seconds after the start; mark the board.",
            "Start it and wait for a minute.",
            "Take the heartbeat's wire off the board as well: it stands for a watchdog that has failed too.",
            "Load the real sketch again and compare its line with the one before.",
        ),
        "The watchdog starts the board again and the next line says so; without the heartbeat the dead-man circuit's "
        "own buzzer sounds within 5 s.",
        Subject.ALERTS,
    ),
    WhatIf(
        "The board has no power",
        r"(?:board|monitor|supply|dc/dc|converter).{0,40}(?:without power|no power|loses|lost|fails|dead|dies|\boff\b)"
        r"|(?:loss of|without|no) power",
        ("Take the output of the DC/DC converter off the board.",),
        "The dead-man circuit's buzzer sounds from its own battery within 5 s and goes on for at least an hour.",
        Subject.ALERTS,
    ),
    WhatIf(
        "Brown-out",
        r"brown|dip|sag|under-?volt.{0,20}(?:board|supply)|supply.{0,30}(?:low|falls)",
        (
            "USB and VIN off: feed the board's 5 V from a supply; lower it from 5.0 V to 2.5 V by 0.1 V every 5 s, and "
            "up again.",
            "Watch readings, lights and the reason of the restart in the line.",
        ),
        "No wrong reading is reported as good at any step: the board measures, tells a reference fault, or is in "
        "reset with the dead-man buzzer sounding. After it, calibration and alarms in the store are unharmed.",
        Subject.ALERTS,
    ),
    WhatIf(
        "Two cell wires are swapped",
        r"(?:tap|wire|polarity|connect|plug).{0,40}(?:swap|revers|exchang|wrong)"
        r"|(?:swap|revers|wrong).{0,30}(?:tap|wire|polarity)",
        (
            "Supply off. Swap two neighbouring taps at the resistor string, current limit 50 mA.",
            "Supply on; watch the supply's current, then the readings.",
        ),
        "Nothing gets warm, the supply stays under its limit, and the cells concerned are told as failed or absent.",
        Subject.SENSORS,
    ),
    WhatIf(
        "The charger goes on below 0 °C",
        r"charg.{0,40}(?:cold|below|freez|0 ?°C)|(?:cold|below 0|freez).{0,40}charg",
        (
            "Decade resistor of one sensor to the table's value for -1 °C.",
            "Millivolt source to a charging current of a twentieth of the capacity.",
            "Acknowledge once and leave the charging current on.",
        ),
        "Alarm at once, by light and sound. After acknowledging, the light stays red while it is charged in the cold.",
        Subject.TEMPERATURE,
    ),
    WhatIf(
        "The acknowledge button is stuck",
        r"(?:button|acknowledge).{0,40}(?:stuck|block|held|jam|pressed|short)"
        r"|(?:stuck|block|jam).{0,30}(?:button|acknowledge)",
        ("Hold the acknowledge button down with a clamp.", "Provoke a cell alarm, end it, and provoke another."),
        "Each new alarm sounds although the button is held: only a press that begins after an alarm silences it.",
        Subject.ALERTS,
    ),
    WhatIf(
        "A buzzer or a light is dead",
        r"(?:buzzer|led|light|lamp|sounder).{0,40}(?:dead|fail|broken|open|off|silent|defect)",
        ("Take one wire off the buzzer, then off each light, one at a time.", "Provoke a cell alarm each time."),
        "Each time the alarm is still noticed in another way: by light, by sound, or in the line to the host.",
        Subject.ALERTS,
    ),
    WhatIf(
        "The logger has no card, or a full one",
        r"(?:log|card|sd).{0,40}(?:full|missing|fail|no card|removed|absent|lost)",
        ("Take the card out while it runs.", "Put in a card that is full."),
        "Measuring, alarms and the line to the host go on; the loss of the record is found at the next inspection.",
        Subject.RECORDS,
    ),
)


def failure_tests(requirements: RequirementsFile, design: DesignFile) -> Iterator[Draft]:
    """Yield a test for each failure mode of the design, then one for each failure of the list that it does not name."""
    elements = {element.id: element for element in design.elements}
    for failure in design.failures:
        yield _of_design(failure, elements.get(failure.element), requirements)
    for what_if in WHAT_IFS:
        if not any(what_if.pattern.search(_told(failure, elements)) for failure in design.failures):
            yield _of_list(what_if, requirements, design)


def _told(failure: FailureMode, elements: dict[str, Element]) -> str:
    element = elements.get(failure.element)
    return f"{element.name if element else ''}: {failure.what}"


def _of_design(failure: FailureMode, element: Element | None, requirements: RequirementsFile) -> Draft:
    where = element.name if element else failure.element
    known = next((item for item in WHAT_IFS if item.pattern.search(f"{where}: {failure.what}")), None)
    notices = failure.detected_by or "nothing; see by what a person could notice it"
    return Draft(
        kind=Kind.SAFETY,
        title=f"What if: {failure.what} ({failure.id})",
        setup=f"{BENCH} It happens at: {where}.",
        steps=(*(known.steps if known else _by_hand(where, failure.what)), _AFTERWARDS),
        expected=f"Noticed by: {notices}. Then: {failure.reaction or 'nothing is said to happen'}.",
        covers=(failure.requirement,) if failure.requirement in by_id(requirements) else (),
    )


# How a failure that only this circuit has is brought about without harm. The first that is found in its words counts.
_HANDS = (
    (
        r"relay does not close",
        ("Supply off. Open one wire to the diodes of one cell's relay; for the transfer relay, the wire of pin 27.",),
    ),
    (r"decoder", ("Supply off. Take select wire A off the board and tie it low through 1 kΩ; then all four.",)),
    (
        r"capacitor",
        ("Supply off. Take one end of the flying capacitor off.", "Then fit it again with 10 kΩ across it."),
    ),
    (r"divider", ("Supply off. Put 150 kΩ across the upper resistor of the pack's divider.", "Then open its fuse.")),
    (r"whole string", ("Unplug the whole string of sensors while it runs.",)),
    (
        r"repeats one value",
        (
            "Supply off. Take one sensor of a string off and put a fixed 10 kΩ with 1 µF across it in its place.",
            "Supply on; warm the sensor of the other string at the same place by hand, and wait for two minutes.",
        ),
    ),
    (r"battery is empty", ("Take the dead-man battery out. Supply off, then on again.",)),
    (r"host is gone", ("Pull the USB plug while everything is healthy; wait for 15 s.",)),
    (
        r"nothing disconnects",
        (
            "Provoke any alarm and leave its cause for a minute.",
            "Measure that no output of the monitor goes to a switch.",
        ),
    ),
)


def _by_hand(where: str, what: str) -> tuple[str, ...]:
    for words, steps in _HANDS:
        if re.search(words, f"{where}: {what}", re.IGNORECASE):
            return (*steps, "Supply on at 100 mA if it is off; note what shows, sounds and stands in the line.")
    return (
        f"Supply off. Bring about at {where}: {what}. Open a wire at its plug, or bridge it by 10 kΩ; never a cell.",
        "Supply on at 100 mA; start the stop watch and note what shows, sounds and stands in the line.",
    )


def _of_list(what_if: WhatIf, requirements: RequirementsFile, design: DesignFile) -> Draft:
    return Draft(
        kind=Kind.SAFETY,
        title=f"What if: {what_if.title[0].lower()}{what_if.title[1:]}",
        setup=BENCH,
        steps=(*what_if.steps, _AFTERWARDS),
        expected=what_if.expected,
        covers=speaking_of(what_if.pattern, requirements, design, what_if.subject, what_if.title),
    )
