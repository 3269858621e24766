"""Which element and which pin of a design plays which role in the circuit. Both drawings go by it.

A role is known by words in an element's name and by how the macros of its pins begin. What fits no role is not left
out: it is shown as what it is, one more part.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from gates.design.files import DesignFile, Element, Pin


class Role(StrEnum):
    """What a part of the circuit is there for, as it is titled in the drawings."""

    DEAD_MAN = "Dead-man circuit"
    ISOLATOR = "USB isolator"
    LOGGER = "Logger"
    TEMPERATURES = "Temperature sensors"
    HALL = "Hall sensor"
    SHUNT = "Shunt and amplifier"
    PACK_DIVIDER = "Pack divider"
    REFERENCES = "References"
    POWER = "Supply from the pack"
    CELLS = "Cell measurement: flying capacitor"
    ALERTS = "Lights, buzzer, button"
    BOARD = "Board"
    MAIN_FUSE = "Main fuse"


# In the order in which they are tried: the buzzer of the dead-man circuit is no buzzer of the board.
_WORDS: Final[Mapping[Role, str]] = {
    Role.MAIN_FUSE: r"main fuse",
    Role.DEAD_MAN: r"dead.?man|heart ?beat|charge pump|second buzzer|9 ?v\b",
    Role.ISOLATOR: r"isolator|usb|host",
    Role.LOGGER: r"logger|openlog|sd card|µsd|microsd",
    Role.TEMPERATURES: r"ntc|thermistor|temperature|series resistor",
    Role.HALL: r"hall",
    Role.SHUNT: r"shunt|current.sense|amplifier",
    Role.PACK_DIVIDER: r"divider",
    Role.REFERENCES: r"reference|band.?gap",
    Role.CELLS: r"flying|capacitor|photo.?mos|multiplexer|decoder|tap|cell|balance|relays?",
    Role.POWER: r"dc/?-?dc|converter|step.?down|buck|supply|regulator",
    Role.ALERTS: r"leds?|lights?|lamps?|buzzer|sounder|button|acknowledge",
    Role.BOARD: r"mega|arduino|board\W*$|microcontroller|atmega|watchdog",
}
_MACROS: Final[Mapping[Role, str]] = {
    Role.CELLS: r"^(?:PIN_SELECT_|PIN_CONNECT_|ADC_CELL)",
    Role.PACK_DIVIDER: r"^(?:ADC_PACK)",
    Role.SHUNT: r"^(?:ADC_SHUNT)",
    Role.HALL: r"^(?:ADC_HALL)",
    Role.TEMPERATURES: r"^(?:ADC_TEMPERATURE|ADC_NTC)",
    Role.REFERENCES: r"^(?:ADC_(KNOWN_)?REFERENCE|(PIN_)?AREF)",
    Role.ALERTS: r"^(?:PIN_LED_|PIN_BUZZER|PIN_ACKNOWLEDGE)",
    Role.DEAD_MAN: r"^(?:PIN_HEARTBEAT)",
    Role.LOGGER: r"^(?:PIN_(LOG|SERIAL1?_?)|SERIAL1|LOG)",
    Role.ISOLATOR: r"^(?:(PIN_)?(USB|HOST))",
    Role.POWER: r"^(?:(PIN_)?(VIN|5V|GND|SUPPLY))",
}

_SIGNALS: Final[Mapping[Role, str]] = {
    Role.REFERENCES: r"(?i)\b(?:aref|reference)\b",
    Role.LOGGER: r"(?i)\b(?:logger|openlog)\b",
    Role.ISOLATOR: r"(?i)\b(?:usb|host)\b",
    Role.POWER: r"(?i)\b(?:vin|supply)\b",
}


@dataclass(frozen=True, slots=True)
class Roles:
    """Elements and pins by their role, each in the design's order; others: elements that play none that is known."""

    elements: Mapping[Role, Sequence[Element]]
    pins: Mapping[Role, Sequence[Pin]]
    others: Sequence[Element]

    def has(self, role: Role) -> bool:
        """Return whether the design has anything that plays a role."""
        return bool(self.elements[role] or self.pins[role])


def roles_in(design: DesignFile) -> Roles:
    """Return who plays what in a design."""
    by_element = [(role_of(element), element) for element in design.elements]
    by_pin = [(_role_of_pin(pin), pin) for pin in design.pins]
    return Roles(
        elements={role: [element for played, element in by_element if played is role] for role in Role},
        pins={role: [pin for played, pin in by_pin if played is role] for role in Role},
        others=[element for played, element in by_element if played is None],
    )


def role_of(element: Element) -> Role | None:
    """Return the role that an element's name speaks of, None where it speaks of none."""
    return next((role for role, words in _WORDS.items() if re.search(rf"(?i)\b(?:{words})", element.name)), None)


def _role_of_pin(pin: Pin) -> Role | None:
    # A pin that the sketch does not name, such as AREF or the supply, is known by what it carries.
    known, words = (_MACROS, pin.macro) if pin.macro else (_SIGNALS, f"{pin.number} {pin.signal} {pin.to}")
    return next((role for role, pattern in known.items() if re.search(pattern, words)), None)


def numbers(pins: Iterable[Pin]) -> str:
    """Return the numbers of some pins in few words: A0; 30, 31; 22 … 27, A0."""
    return ", ".join(_in_words(run) for run in _runs([pin.number for pin in pins]))


def _runs(found: Iterable[str]) -> list[list[str]]:
    runs: list[list[str]] = []
    for number in found:
        if runs and _following(runs[-1][-1]) == number:
            runs[-1].append(number)
        else:
            runs.append([number])
    return runs


def _following(number: str) -> str:
    parts = re.fullmatch(r"(\D*)([0-9]{1,4})", number)
    return f"{parts[1]}{int(parts[2]) + 1}" if parts else ""


def _in_words(run: Sequence[str]) -> str:
    return ", ".join(run) if len(run) < 3 else f"{run[0]} … {run[-1]}"
