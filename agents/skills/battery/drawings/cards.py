"""The smaller circuits of wiring.svg, a card for each: what is drawn, and with which flags.

Places count from a card's lower left corner.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from agents.skills.battery.circuit_roles import Role, Roles, numbers
from agents.skills.battery.drawings.multiplexer import label_of, tag
from agents.skills.battery.drawings.sheet import BLACK, BLOCK, BLUE, NOTE, Anchor, Place, Sheet
from agents.skills.battery.drawings.symbols import elements
from gates.design.files import Element

WIDTH: Final = 14.0
HEIGHT: Final = 6.8
_ROWS: Final = 7  # that a card has room for; the board shows all pins
_FLAGS: Final = 7.7  # where the flags of the board begin


@dataclass(frozen=True, slots=True)
class Card:
    """A small circuit: whose it is, and how it is drawn into a place of that size."""

    roles: tuple[Role, ...]
    draw: Callable[[Sheet, Place, Roles], None]


class _Pen:
    """Draws in the coordinates of a card."""

    def __init__(self, sheet: Sheet, corner: Place) -> None:
        self._sheet, self._corner = sheet, corner

    def _at(self, place: Place) -> Place:
        return self._corner[0] + place[0], self._corner[1] + place[1]

    def line(self, *places: Place, color: str = BLACK) -> None:
        self._sheet.line(*(self._at(place) for place in places), color=color)

    def part(self, kind: type[elements.Element2Term], start: Place, end: Place, name: str = "") -> None:
        self._sheet.symbol(kind, self._at(start), self._at(end))
        middle = ((start[0] + end[0]) / 2, (start[1] + end[1]) / 2)
        is_upright = start[0] == end[0]
        self.text((middle[0] + 0.5, middle[1] - 0.13) if is_upright else (middle[0] - 0.2, middle[1] + 0.42), name)

    def text(self, place: Place, words: str, anchor: Anchor = Anchor.START, width: float = 9.0) -> None:
        if words:
            self._sheet.text(self._at(place), words, NOTE, anchor, width)

    def dot(self, place: Place) -> None:
        self._sheet.dot(self._at(place))

    def ground(self, place: Place) -> None:
        self._sheet.sign(elements.Ground(), self._at(place))

    def block(self, corner: Place, size: Place, *lines: str) -> None:
        self._sheet.box(self._at(corner), size, BLOCK)
        x, y = corner[0] + size[0] / 2, corner[1] + size[1] / 2 + 0.25 * (len(lines) - 1)
        for row, line in enumerate(lines):
            self.text((x, y - 0.13 - 0.5 * row), line, anchor=Anchor.MIDDLE, width=size[0] - 0.1)

    def flag(self, place: Place, words: str, width: float = 5.9, is_left: bool = False) -> None:
        tag(self._sheet, self._at(place), words, width, is_left)


def _flags(roles: Roles, role: Role, start: str = "") -> list[str]:
    return [label_of(pin) for pin in roles.pins[role] if pin.macro.startswith(start)]


def _divider(sheet: Sheet, corner: Place, roles: Roles) -> None:
    pen = _Pen(sheet, corner)
    pen.flag((0.4, 5.0), "PACK +", 2.2)
    pen.line((2.6, 5.0), (2.8, 5.0))
    pen.part(elements.Fuse, (2.8, 5.0), (5.0, 5.0), "F")
    pen.part(elements.Resistor, (5.0, 5.0), (5.0, 3.0), "upper")
    pen.part(elements.Resistor, (5.0, 3.0), (5.0, 1.1), "lower")
    pen.line((5.0, 3.0), (_FLAGS, 3.0))
    pen.part(elements.Capacitor, (6.9, 3.0), (6.9, 1.1), "C")
    pen.dot((5.0, 3.0))
    pen.dot((6.9, 3.0))
    pen.ground((5.0, 1.1))
    pen.ground((6.9, 1.1))
    for words in _flags(roles, Role.PACK_DIVIDER)[:1]:
        pen.flag((_FLAGS, 3.0), words)


def _shunt(sheet: Sheet, corner: Place, roles: Roles) -> None:
    pen = _Pen(sheet, corner)
    pen.flag((0.4, 1.3), "PACK −", 2.2)
    pen.line((2.6, 1.3), (2.9, 1.3))
    pen.part(elements.ResistorIEC, (2.9, 1.3), (6.5, 1.3))
    pen.text((4.7, 0.6), "shunt", anchor=Anchor.MIDDLE)
    pen.line((6.5, 1.3), (_FLAGS, 1.3))
    pen.flag((_FLAGS, 1.3), "LOAD −, CHARGER −")
    pen.block((3.4, 3.0), (2.6, 1.9), "amplifier", "+        −")
    for x in (4.0, 5.4):
        pen.line((x, 1.3), (x, 3.0))
        pen.dot((x, 1.3))
    pen.line((6.0, 3.95), (_FLAGS, 3.95), color=BLUE)
    pen.line((4.7, 4.9), (4.7, 5.2), (2.9, 5.2))
    pen.flag((2.9, 5.2), "5 V", 1.4, is_left=True)
    for words in _flags(roles, Role.SHUNT)[:1]:
        pen.flag((_FLAGS, 3.95), words)


def _main_current(sheet: Sheet, corner: Place, roles: Roles) -> None:
    pen = _Pen(sheet, corner)
    pen.flag((0.4, 1.3), "PACK +", 2.2)
    if roles.has(Role.MAIN_FUSE):
        pen.part(elements.Fuse, (2.6, 1.3), (4.4, 1.3))
        pen.text((2.6, 0.6), "main fuse, at the pack")
    pen.line((4.4 if roles.has(Role.MAIN_FUSE) else 2.6, 1.3), (_FLAGS, 1.3))
    pen.flag((_FLAGS, 1.3), "LOAD +, CHARGER +")
    if roles.has(Role.HALL):
        _hall(pen, roles)


def _hall(pen: _Pen, roles: Roles) -> None:
    pen.text((_FLAGS, 0.6), "goes through the sensor", width=5.9)
    pen.block((4.6, 1.9), (2.2, 2.6), "Hall", "sensor")
    pen.line((6.8, 3.2), (_FLAGS, 3.2), color=BLUE)
    pen.line((5.7, 4.5), (5.7, 5.0), (2.9, 5.0))
    pen.flag((2.9, 5.0), "5 V", 1.4, is_left=True)
    pen.line((4.6, 3.2), (3.4, 3.2), (3.4, 2.9))
    pen.ground((3.4, 2.9))
    for words in _flags(roles, Role.HALL)[:1]:
        pen.flag((_FLAGS, 3.2), words)


def _temperatures(sheet: Sheet, corner: Place, roles: Roles) -> None:
    pen, pins = _Pen(sheet, corner), roles.pins[Role.TEMPERATURES]
    pen.flag((0.4, 5.2), "AREF", 1.8)
    pen.line((2.2, 5.2), (3.4, 5.2))
    pen.part(elements.Resistor, (3.4, 5.2), (3.4, 3.2), "R, series")
    pen.part(elements.Thermistor, (3.4, 3.2), (3.4, 1.2), "NTC")
    pen.ground((3.4, 1.2))
    pen.line((3.4, 3.2), (_FLAGS, 3.2))
    pen.part(elements.Capacitor, (6.2, 3.2), (6.2, 1.2), "C")
    pen.ground((6.2, 1.2))
    pen.dot((3.4, 3.2))
    pen.dot((6.2, 3.2))
    for words in _flags(roles, Role.TEMPERATURES)[:1]:
        pen.flag((_FLAGS, 3.2), words)
    if len(pins) > 1:
        pen.text((_FLAGS, 2.2), f"{len(pins)} times alike:", width=5.9)
        pen.text((_FLAGS, 1.7), f"pins {numbers(pins)}", width=5.9)


def _references(sheet: Sheet, corner: Place, roles: Roles) -> None:
    pen = _Pen(sheet, corner)
    known = [words for words in _flags(roles, Role.REFERENCES) if "AREF" not in words]
    for row, words in enumerate(["AREF", *known][:2]):
        y, element = 4.6 - 2.2 * row, (*roles.elements[Role.REFERENCES], None, None)[row]
        pen.flag((0.4, y), _feed(element, roles), 1.4)
        pen.line((1.8, y), (2.2, y))
        if element is not None and _SHUNT_REFERENCE.search(f"{element.part} {element.name}"):
            _shunt_reference(pen, y)
        else:
            _series_reference(pen, y)
        pen.line((6.0, y), (_FLAGS, y))
        pen.part(elements.Capacitor, (6.9, y), (6.9, y - 1.2))
        pen.dot((6.9, y))
        pen.ground((6.9, y - 1.2))
        pen.flag((_FLAGS, y), words)


# Two ends only: it takes what is too much from a resistor that feeds it.
_SHUNT_REFERENCE: Final = re.compile(r"(?i)\b(?:LM40\d\d|LM4050|LM385|LT1004|TL43\d|shunt|zener)")


def _shunt_reference(pen: _Pen, y: float) -> None:
    pen.part(elements.Resistor, (2.2, y), (4.8, y))
    pen.line((4.8, y), (6.0, y))
    pen.part(elements.Zener, (4.8, y - 1.4), (4.8, y))
    pen.dot((4.8, y))
    pen.ground((4.8, y - 1.4))


def _series_reference(pen: _Pen, y: float) -> None:
    pen.line((2.2, y), (2.8, y))
    pen.block((2.8, y - 0.55), (3.2, 1.1), "reference")
    pen.line((4.4, y - 0.55), (4.4, y - 0.8))
    pen.ground((4.4, y - 0.8))


def _feed(element: Element | None, roles: Roles) -> str:
    """Return from where a reference is fed: what stands at the board's own node comes from the supply, else 5 V."""
    boards = {board.node for board in roles.elements[Role.BOARD] if board.node}
    supplied = [pin.number for pin in roles.pins[Role.POWER]]
    return supplied[0] if element is not None and element.node in boards and supplied else "5 V"


def _alerts(sheet: Sheet, corner: Place, roles: Roles) -> None:
    pen = _Pen(sheet, corner)
    pins = roles.pins[Role.ALERTS][:_ROWS]
    pitch = min(1.05, 4.3 / max(1, len(pins) - 1))
    for row, pin in enumerate(pins):
        y = 5.05 - pitch * row
        pen.flag((0.4, y), label_of(pin))
        if pin.macro.startswith("PIN_LED"):
            pen.part(elements.Resistor, (6.3, y), (9.0, y))
            pen.part(elements.LED, (9.0, y), (11.8, y))
        elif pin.macro.startswith("PIN_BUZZER"):
            pen.line((6.3, y), (7.0, y))
            pen.block((7.0, y - 0.3), (4.0, 0.6), "transistor, buzzer")
            pen.line((11.0, y), (11.8, y))
        else:
            pen.part(elements.Button, (6.3, y), (11.8, y))
        pen.line((11.8, y), (12.6, y))
    if pins:
        pen.line((12.6, 5.05), (12.6, 5.05 - pitch * (len(pins) - 1)))
        pen.ground((12.6, 5.05 - pitch * (len(pins) - 1)))


def _dead_man(sheet: Sheet, corner: Place, roles: Roles) -> None:
    pen = _Pen(sheet, corner)
    for words in _flags(roles, Role.DEAD_MAN)[:1]:
        pen.flag((0.4, 5.2), words)
    pen.part(elements.Capacitor, (6.3, 5.2), (8.1, 5.2))
    pen.part(elements.Diode, (8.1, 3.6), (8.1, 5.2))
    pen.part(elements.Diode, (8.1, 5.2), (9.9, 5.2))
    pen.part(elements.Capacitor, (9.9, 5.2), (9.9, 3.6))
    pen.line((9.9, 5.2), (10.5, 5.2))
    pen.block((10.5, 4.75), (2.6, 0.9), "MOSFET")
    pen.line((13.1, 5.2), (13.5, 5.2), (13.5, 4.9))
    pen.ground((13.5, 4.9))
    pen.line((11.8, 4.75), (11.8, 3.4))
    pen.block((10.5, 2.6), (2.6, 0.8), "relay coil")
    pen.line((11.8, 2.6), (11.8, 1.7))
    pen.flag((11.8, 1.7), "5 V", 1.4)
    pen.text((8.2, 0.8), "a diode across the coil", width=5.5)
    for place in ((8.1, 5.2), (9.9, 5.2)):
        pen.dot(place)
    for x in (8.1, 9.9):
        pen.ground((x, 3.6))
    _own_alarm(pen)


def _own_alarm(pen: _Pen) -> None:
    """Draw what sounds when the relay drops: a battery of its own, the contact that is closed at rest, a buzzer."""
    pen.line((1.4, 2.4), (1.4, 2.9), (2.0, 2.9))
    pen.part(elements.Battery, (1.4, 2.4), (1.4, 0.9))
    pen.text((2.0, 1.5), "own battery")
    pen.part(elements.Switch, (2.0, 2.9), (5.4, 2.9))
    pen.text((3.7, 3.6), "closed when the relay drops", anchor=Anchor.MIDDLE, width=7.0)
    pen.line((5.4, 2.9), (6.6, 2.9), (6.6, 2.2))
    pen.block((5.4, 1.4), (2.4, 0.8), "2nd buzzer")
    pen.line((6.6, 1.4), (6.6, 0.9), (1.4, 0.9))


def _records(sheet: Sheet, corner: Place, roles: Roles) -> None:
    pen = _Pen(sheet, corner)
    if roles.has(Role.LOGGER):
        words = ", ".join(pin.number for pin in roles.pins[Role.LOGGER]) or "Serial1 TX"
        pen.flag((0.4, 4.6), words, 3.6)
        pen.line((4.0, 4.6), (5.4, 4.6), color=BLUE)
        pen.block((5.4, 4.0), (3.4, 1.2), "µSD logger", "RX")
    if roles.has(Role.ISOLATOR):
        pen.flag((0.4, 2.0), "USB of the board", 3.6)
        pen.line((4.0, 2.0), (5.4, 2.0), color=BLUE)
        pen.block((5.4, 1.4), (3.4, 1.2), "isolator", "‖")
        pen.line((8.8, 2.0), (10.2, 2.0), color=BLUE)
        pen.flag((10.2, 2.0), "USB of host", 2.9)
        pen.text(
            (7.1, 0.7), "no wire crosses it: the host's ground is not the pack's", anchor=Anchor.MIDDLE, width=12.6
        )


def _power(sheet: Sheet, corner: Place, roles: Roles) -> None:
    pen = _Pen(sheet, corner)
    pen.flag((0.4, 4.6), "PACK +", 2.2)
    pen.part(elements.Fuse, (2.6, 4.6), (5.2, 4.6), "F")
    pen.block((5.2, 1.8), (3.0, 3.4), "DC/DC", "converter")
    pen.flag((0.4, 2.4), "PACK −", 2.2)
    pen.line((2.6, 2.4), (5.2, 2.4))
    pen.line((3.9, 2.4), (3.9, 1.9))
    pen.dot((3.9, 2.4))
    pen.ground((3.9, 1.9))
    pen.line((8.2, 4.6), (9.4, 4.6))
    pen.flag((9.4, 4.6), ", ".join(_flags(roles, Role.POWER)) or "VIN", 3.6)
    pen.line((8.2, 2.4), (9.4, 2.4), (9.4, 2.1))
    pen.ground((9.4, 2.1))


CARDS: Final = (
    Card((Role.PACK_DIVIDER,), _divider),
    Card((Role.SHUNT,), _shunt),
    Card((Role.HALL, Role.MAIN_FUSE), _main_current),
    Card((Role.TEMPERATURES,), _temperatures),
    Card((Role.REFERENCES,), _references),
    Card((Role.ALERTS,), _alerts),
    Card((Role.DEAD_MAN,), _dead_man),
    Card((Role.LOGGER, Role.ISOLATOR), _records),
    Card((Role.POWER,), _power),
)
