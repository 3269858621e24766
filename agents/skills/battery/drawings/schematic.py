"""wiring.svg: the circuit as a builder reads it. Every pin of the board is in it, and flags name where wires go."""

from collections.abc import Sequence
from typing import Final

from agents.skills.battery.circuit_roles import Role, Roles, roles_in
from agents.skills.battery.drawings import multiplexer
from agents.skills.battery.drawings.cards import CARDS, HEIGHT, WIDTH, Card
from agents.skills.battery.drawings.sheet import FINE, FRAME, HEADING, NOTE, PLATE, TITLE, Anchor, Place, Sheet
from agents.skills.battery.figures import counted
from gates.design.files import DesignFile, Pin, RequirementsFile

_GAP: Final = 0.6
_COLUMNS: Final = 3
_ALL: Final = _COLUMNS * WIDTH + (_COLUMNS - 1) * _GAP
_LEFT: Final = 2 * WIDTH + _GAP - 2.0  # what the measurement of the cells takes; the board has the rest
_PITCH: Final = 0.62
_LEGEND: Final = (
    "It monitors, it does not protect. Flags with the same words are one wire. Blue: signals of the board. "
    "Fuses sit at the pack."
)


def render(requirements: RequirementsFile, design: DesignFile) -> bytes:
    """Return the circuit of a design as SVG: the cells' measurement, the board, and a card for each other part."""
    roles, sheet, cells = roles_in(design), Sheet(), requirements.pack.cells
    board, left = _board_height(design.pins), multiplexer.height(cells)
    band = max(board, left)
    _draw_frame(sheet, (0, -band), (_LEFT, band), _titled(roles, Role.CELLS))
    multiplexer.draw(sheet, (0.4, -band + (band - left) / 2), cells, roles, design)
    _draw_board(sheet, (_LEFT + _GAP, -band), (_ALL - _LEFT - _GAP, band), design)
    foot = _draw_cards(sheet, -band - _GAP, roles, design)
    title = f"Wiring of the monitor: {counted(cells)}, {design.board}"
    sheet.text((0, 1.7), title, TITLE, width=_ALL)
    sheet.text((0, 0.75), _LEGEND, NOTE)
    return sheet.svg((-0.7, foot - 0.7), (_ALL + 1.4, 3.6 - foot), title)


def _titled(roles: Roles, role: Role) -> str:
    names = ", ".join(element.id for element in roles.elements[role])
    return f"{role.value} · {names}" if names else role.value


def _draw_frame(sheet: Sheet, corner: Place, size: Place, title: str) -> None:
    sheet.box(corner, size, FRAME)
    sheet.text((corner[0] + 0.35, corner[1] + size[1] - 0.7), title, HEADING, width=size[0] - 0.7)


def _board_height(pins: Sequence[Pin]) -> float:
    return 2.4 + _PITCH * len(pins)


def _draw_board(sheet: Sheet, corner: Place, size: Place, design: DesignFile) -> None:
    """Draw the board with all its pins, in the order of the design."""
    (x, y), (width, height) = corner, size
    sheet.box(corner, size, PLATE)
    sheet.text((x + 0.35, y + height - 0.7), design.board, HEADING, width=width - 0.7)
    row = y + height - 1.6
    for pin in design.pins:
        sheet.box((x + 0.35, row - 0.24), (1.7, 0.5))
        sheet.text((x + 1.2, row - 0.12), pin.number, FINE, Anchor.MIDDLE, width=1.6)
        sheet.text((x + 2.3, row - 0.12), pin.macro or "–", FINE, width=5.6)
        sheet.text((x + 8.1, row - 0.12), pin.signal, NOTE, width=width - 8.3)
        row -= _PITCH


def _draw_cards(sheet: Sheet, top: float, roles: Roles, design: DesignFile) -> float:
    """Draw the cards of what the design has, row by row; return how far down they go."""
    shown: list[Card] = [card for card in CARDS if any(roles.has(role) for role in card.roles)]
    for number, card in enumerate(shown):
        row, column = divmod(number, _COLUMNS)
        corner = (column * (WIDTH + _GAP), top - HEIGHT - row * (HEIGHT + _GAP))
        _draw_frame(
            sheet, corner, (WIDTH, HEIGHT), " + ".join(_titled(roles, role) for role in card.roles if roles.has(role))
        )
        card.draw(sheet, corner, roles)
    rows = -(-len(shown) // _COLUMNS)
    return top - rows * (HEIGHT + _GAP) + _GAP
