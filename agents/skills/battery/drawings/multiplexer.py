"""The heart of wiring.svg: cells, fuses, relays, flying capacitor, decoder. Three cells stand for all."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from agents.skills.battery.circuit_roles import Role, Roles
from agents.skills.battery.drawings.sheet import (
    BLACK,
    BLOCK,
    BLUE,
    FINE,
    FLAG,
    GROUP,
    HEADING,
    NOTE,
    SIGNAL,
    Anchor,
    Place,
    Sheet,
)
from agents.skills.battery.drawings.symbols import elements
from gates.design.files import DesignFile, Pin

_STEP, _SPREAD = 3.2, 0.55
_NODE, _CONTACT, _PLUS, _MINUS, _DECODER, _TAGS = 4.6, (5.4, 8.4), 9.2, 10.0, 12.6, 16.6
_DECODER_WIDTH = 2.6
_BUS_PLUS, _BUS_MINUS = -1.7, -4.1
_NOTES = (
    "K: both contacts of a dual PhotoMOS",
    "relay close together; its LED hangs",
    "at the decoder, through a resistor.",
    "EN is pulled low by a transistor.",
)


@dataclass(frozen=True, slots=True)
class _Row:
    """A cell that is drawn: its number, and how high its negative tap and its positive tap stand."""

    cell: int
    low: float
    high: float

    @property
    def middle(self) -> float:
        return (self.low + self.high) / 2


def height(cells: int) -> float:
    """Return how high the drawing is for so many cells, in units."""
    return _rows(cells)[-1].high - _BUS_MINUS + 4.2


def draw(sheet: Sheet, corner: Place, cells: int, roles: Roles, design: DesignFile) -> None:
    """Draw the measurement of the cells; the corner is the lower left one."""
    rows, origin = _rows(cells), (corner[0] + 1.6, corner[1] - _BUS_MINUS + 1.4)
    has_resistors = any(re.search(r"(?i)\btap resistor", element.name) for element in roles.elements[Role.CELLS])
    art = _Multiplexer(sheet, origin, has_resistors)
    for row in rows:
        art.cell(row)
    if cells > len(rows):
        art.gap(rows[-2].high, rows[-1].low, cells)
    art.taps(rows)
    art.buses(rows)
    art.transfer(cells, [pin for pin in roles.pins[Role.CELLS] if pin.macro.startswith(("PIN_CONNECT_ADC", "ADC_"))])
    art.decoder(rows, [pin for pin in roles.pins[Role.CELLS] if pin.macro.startswith("PIN_SELECT_")], design)


def tag(sheet: Sheet, place: Place, words: str, width: float = 5.9, is_left: bool = False) -> None:
    """Draw a flag that names where a wire goes; is_left: the wire comes to its right end."""
    x, y = place
    left = x - width if is_left else x
    sheet.box((left, y - 0.3), (width, 0.6), FLAG)
    sheet.text((left + width / 2, y - 0.13), words, SIGNAL, Anchor.MIDDLE, width=width - 0.1)


def label_of(pin: Pin) -> str:
    """Return how a pin is named in drawings: its number and its macro."""
    return f"{pin.number}  {pin.macro}".strip()


def _rows(cells: int) -> Sequence[_Row]:
    shown = range(1, cells + 1) if cells <= 3 else (1, 2, cells)
    rows: list[_Row] = []
    low = 0.0
    for number, cell in enumerate(shown):
        low += 2.5 if number and cell > rows[-1].cell + 1 else 0.0
        rows.append(_Row(cell, low, low + _STEP))
        low += _STEP
    return rows


class _Multiplexer:
    """The drawing in its own coordinates: the pack's negative tap is at 0, 0."""

    def __init__(self, sheet: Sheet, origin: Place, has_resistors: bool) -> None:
        self._sheet, (self._x, self._y), self._has_resistors = sheet, origin, has_resistors

    def _at(self, x: float, y: float) -> Place:
        return self._x + x, self._y + y

    def _line(self, *places: Place, color: str = BLACK) -> None:
        self._sheet.line(*(self._at(*place) for place in places), color=color)

    def _dots(self, *places: Place) -> None:
        for place in places:
            self._sheet.dot(self._at(*place))

    def cell(self, row: _Row) -> None:
        """Draw a cell with its pair of contacts."""
        self._sheet.symbol(elements.BatteryCell, self._at(0, row.high), self._at(0, row.low))
        self._sheet.text(self._at(-0.55, row.middle - 0.1), str(row.cell), anchor=Anchor.END)
        left, right = _CONTACT
        upper, lower = row.high - _SPREAD, row.low + _SPREAD
        for height, bus in ((upper, _PLUS), (lower, _MINUS)):
            self._line((_NODE, height), (left, height))
            self._sheet.symbol(elements.Switch, self._at(left, height), self._at(right, height))
            self._line((right, height), (bus, height))
            self._dots((bus, height))
        self._sheet.box(self._at(left - 0.1, lower - 0.4), (right - left + 0.2, upper - lower + 0.95), GROUP)
        self._sheet.text(self._at((left + right) / 2, row.middle - 0.15), f"K{row.cell}", HEADING, Anchor.MIDDLE)
        self._line((right + 0.1, row.middle), (_DECODER, row.middle), color=BLUE)

    def gap(self, low: float, high: float, cells: int) -> None:
        """Draw that there are more cells than are shown."""
        self._line((0, low), (0, low + 0.5))
        self._line((0, high - 0.5), (0, high))
        self._sheet.text(self._at(0.5, (low + high) / 2 - 0.15), f"… cells 3 to {cells - 1} alike …", NOTE)

    def taps(self, rows: Sequence[_Row]) -> None:
        """Draw each tap with its fuse and how it branches to the contacts."""
        for number, height, has_below, has_above in _taps(rows):
            self._sheet.symbol(elements.Fuse, self._at(0, height), self._at(_NODE / 2, height))
            self._beside_fuse(number, height)
            self._sheet.text(self._at(_NODE / 4, height + 0.42), f"F{number}", FINE, Anchor.MIDDLE)
            top = height + (_SPREAD if has_above else 0)
            self._line((_NODE, height - (_SPREAD if has_below else 0)), (_NODE, top))
            self._dots((0, height), (_NODE, height))
        top = rows[-1].high
        self._line((0, 0), (0, -0.9))
        self._line((0, top), (0, top + 0.9))
        tag(self._sheet, self._at(-1.2, -1.2), "PACK −", 2.4)
        tag(self._sheet, self._at(-1.2, top + 1.2), "PACK +", 2.4)

    def _beside_fuse(self, number: int, height: float) -> None:
        start, end = self._at(_NODE / 2, height), self._at(_NODE, height)
        if self._has_resistors:
            self._sheet.symbol(elements.Resistor, start, end)
            self._sheet.text(self._at(_NODE * 3 / 4, height + 0.42), f"R{number}", FINE, Anchor.MIDDLE)
        else:
            self._sheet.line(start, end)

    def buses(self, rows: Sequence[_Row]) -> None:
        """Draw the two rails of the flying capacitor."""
        for x, top, foot in (
            (_PLUS, rows[-1].high - _SPREAD, _BUS_PLUS),
            (_MINUS, rows[-1].low + _SPREAD, _BUS_MINUS),
        ):
            self._line((x, top), (x, foot))
        self._sheet.text(self._at(_PLUS - 0.15, _BUS_PLUS + 0.55), "C+", FINE, Anchor.END)
        self._sheet.text(self._at(_MINUS + 0.15, _BUS_PLUS + 0.55), "C−", FINE)

    def transfer(self, cells: int, pins: Sequence[Pin]) -> None:
        """Draw the capacitor and the relay that puts it to the converter."""
        x, left, right, end = 11.6, 12.6, 15.6, _TAGS
        self._line((_PLUS, _BUS_PLUS), (left, _BUS_PLUS))
        self._line((_MINUS, _BUS_MINUS), (left, _BUS_MINUS))
        self._sheet.symbol(elements.Capacitor, self._at(x, _BUS_PLUS), self._at(x, _BUS_MINUS))
        self._sheet.text(self._at(x - 0.5, -2.75), "C1", FINE, Anchor.END)
        self._dots((x, _BUS_PLUS), (x, _BUS_MINUS))
        for height in (_BUS_PLUS, _BUS_MINUS):
            self._sheet.symbol(elements.Switch, self._at(left, height), self._at(right, height))
        # Through this resistor the board empties the capacitor: without it, its pin would be shorted by 2.2 µF.
        self._sheet.symbol(elements.Resistor, self._at(right, _BUS_PLUS), self._at(end, _BUS_PLUS))
        self._line((right, _BUS_MINUS), (end, _BUS_MINUS))
        box = self._at(left - 0.1, _BUS_MINUS - 0.4)
        self._sheet.box(box, (right - left + 0.2, _BUS_PLUS - _BUS_MINUS + 0.95), GROUP)
        middle = (_BUS_PLUS + _BUS_MINUS) / 2
        self._sheet.text(self._at((left + right) / 2, middle - 0.15), f"K{cells + 1}", HEADING, Anchor.MIDDLE)
        self._line((right + 0.1, middle), (end, middle), color=BLUE)
        self._sheet.sign(elements.Ground(), self._at(end, _BUS_MINUS))
        for pin in pins:
            height = _BUS_PLUS if pin.macro.startswith("ADC_") else middle
            tag(self._sheet, self._at(end, height), label_of(pin))
        for row, words in enumerate(_NOTES):
            self._sheet.text(self._at(-1.2, -2.6 - 0.5 * row), words, NOTE)

    def decoder(self, rows: Sequence[_Row], selects: Sequence[Pin], design: DesignFile) -> None:
        """Draw what chooses the cell: one output at a time, and none unless it is enabled."""
        foot, top = rows[0].middle - 0.8, max(rows[-1].middle, rows[0].middle + 0.75 * (len(selects) + 1)) + 0.8
        self._sheet.box(self._at(_DECODER, foot), (_DECODER_WIDTH, top - foot), BLOCK)
        for row in rows:
            self._sheet.text(self._at(_DECODER + 0.15, row.middle - 0.13), f"Y{row.cell - 1}", FINE)
        self._sheet.text(self._at(_DECODER + _DECODER_WIDTH / 2, top + 0.25), "Decoder", HEADING, Anchor.MIDDLE)
        enables = [pin for pin in design.pins if pin.macro.startswith("PIN_CONNECT_STACK")]
        right, height = _DECODER + _DECODER_WIDTH, top - 0.8
        for name, pin in (
            *((f"A{bit}", pin) for bit, pin in enumerate(selects)),
            *(("EN", pin) for pin in enables),
        ):
            self._sheet.text(self._at(right - 0.15, height - 0.13), name, FINE, Anchor.END)
            self._line((right, height), (_TAGS, height), color=BLUE)
            tag(self._sheet, self._at(_TAGS, height), label_of(pin))
            height -= 0.75


def _taps(rows: Sequence[_Row]) -> Iterator[tuple[int, float, bool, bool]]:
    """Yield each tap that is drawn: its number, its height, and whether a cell below and above it is drawn."""
    tops, feet = {row.high: row.cell for row in rows}, {row.low: row.cell for row in rows}
    for height in sorted({*tops, *feet}):
        number = tops.get(height, feet.get(height, 0) - 1)
        yield number, height, height in tops, height in feet
