"""architecture.svg: what measures, what decides, what speaks up, and which part catches the failure of which."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from agents.skills.battery.circuit_roles import Role, Roles, numbers, roles_in
from agents.skills.battery.drawings.sheet import (
    ABSENT,
    BACKUP,
    BLOCK,
    BLUE,
    FINE,
    GREEN,
    HEADING,
    NOTE,
    SIGNAL,
    TITLE,
    Anchor,
    Place,
    Sheet,
    lines_of,
)
from agents.skills.battery.figures import counted, plus_minus
from gates.design.files import DesignFile, Element, RequirementsFile
from gates.design.words import quantity

_ROW, _HEAD, _PAD, _GAP = 0.5, 0.95, 0.3, 0.55
_PACK: Final = (0.0, 5.6)  # left edge and width of each column
_FRONT: Final = (8.2, 11.6)
_BOARD: Final = (22.8, 7.0)
_OUT: Final = (32.8, 10.4)
_WIDTH: Final = _OUT[0] + _OUT[1]
_IN_FRONT: Final = (
    Role.CELLS,
    Role.PACK_DIVIDER,
    Role.SHUNT,
    Role.HALL,
    Role.TEMPERATURES,
    Role.POWER,
    Role.MAIN_FUSE,
    Role.REFERENCES,
)
_BEHIND: Final = (Role.ALERTS, Role.DEAD_MAN, Role.LOGGER, Role.ISOLATOR)
_CARRIED: Final[Mapping[Role, str]] = {
    Role.LOGGER: "serial",
    Role.ISOLATOR: "USB",
    Role.POWER: "VIN",
    Role.REFERENCES: "AREF",
}


@dataclass(frozen=True, slots=True)
class _Block:
    """A block of the diagram: its title, its lines, and where it stands. y: its lower edge."""

    title: str
    elements: Sequence[Element]
    x: float
    y: float
    width: float
    height: float

    @property
    def middle(self) -> float:
        return self.y + self.height / 2

    @property
    def right(self) -> float:
        return self.x + self.width


def render(requirements: RequirementsFile, design: DesignFile) -> bytes:
    """Return the block diagram of a design as SVG: every element is in it, by id and name."""
    roles, sheet = roles_in(design), Sheet()
    front = _stack(roles, [role for role in _IN_FRONT if roles.has(role)], _FRONT)
    behind = _stack(roles, [role for role in _BEHIND if roles.has(role)], _OUT)
    foot = min((block.y for block in [*front.values(), *behind.values()]), default=-4.0)
    foot = min(foot, -_height(roles.elements[Role.BOARD], _BOARD[1]) - _ROW * (2 * len(design.channels) + 2))
    board = _Block(design.board, roles.elements[Role.BOARD], _BOARD[0], foot, _BOARD[1], -foot)
    blocks = {**front, **behind, Role.BOARD: board}
    _draw_accuracy(sheet, design, (board.x, board.y))
    _draw_pack(sheet, requirements, foot)
    for block in blocks.values():
        _draw_block(sheet, block)
    _draw_ways(sheet, roles, blocks)
    lowest = _draw_others(sheet, roles.others, foot)
    _draw_backups(sheet, blocks)
    title = f"Architecture of the monitor: {counted(requirements.pack.cells)}, {design.board}"
    sheet.text((0, 1.7), title, TITLE, width=_WIDTH)
    sheet.text((0, 0.75), _LEGEND, NOTE)
    return sheet.svg((-0.7, lowest - 0.7), (_WIDTH + 1.4, 3.6 - lowest), title)


_LEGEND: Final = (
    "It monitors, it does not protect. Green and dashed: catches the failure of. Labels at the board: pins."
)


def _stack(roles: Roles, listed: Sequence[Role], column: tuple[float, float]) -> dict[Role, _Block]:
    blocks, y, (x, width) = {}, 0.0, column
    for role in listed:
        height = _height(roles.elements[role], width)
        blocks[role] = _Block(role.value, roles.elements[role], x, y - height, width, height)
        y -= height + _GAP
    return blocks


def _height(elements: Sequence[Element], width: float) -> float:
    return _HEAD + _ROW * sum(1 for element in elements for _ in _lines(element, width)) + _PAD


def _lines(element: Element, width: float) -> Iterator[str]:
    count = f"{element.quantity} × " if element.quantity > 1 else ""
    lines = lines_of(f"{element.id}  {count}{element.name}", width - 2 * _PAD, NOTE)
    # Two lines, or the block of a design with long names outgrows the page.
    yield from lines[:1]
    yield from (f"{line} …" if len(lines) > 2 else line for line in lines[1:2])
    if element.backs_up:
        yield f"    backs up {element.backs_up}"


def _draw_block(sheet: Sheet, block: _Block) -> None:
    sheet.box((block.x, block.y), (block.width, block.height), BLOCK)
    x, y = block.x + _PAD, block.y + block.height - 0.65
    sheet.text((x, y), block.title, HEADING, width=block.width - 2 * _PAD)
    for element in block.elements:
        for line in _lines(element, block.width):
            y -= _ROW
            face = BACKUP if line.startswith("    backs up") else NOTE
            sheet.text((x, y), line, face, width=block.width - 2 * _PAD)


def _draw_accuracy(sheet: Sheet, design: DesignFile, corner: Place) -> None:
    """Write below in the board how far off each measurement may be, at worst, against what is allowed."""
    x, y, width = corner[0] + _PAD, corner[1] + _PAD, _BOARD[1] - 2 * _PAD
    for channel in reversed(design.channels):
        words = f"{plus_minus(channel.total, channel.unit)} of {plus_minus(channel.required, channel.unit)}"
        sheet.text((x + _PAD, y), words, NOTE, width=width - _PAD)
        sheet.text((x, y + _ROW), channel.name, FINE, width=width)
        y += 2 * _ROW
    sheet.text((x, y + 0.15), "Error, worst case", HEADING)


def _draw_pack(sheet: Sheet, requirements: RequirementsFile, foot: float) -> None:
    pack, (x, width) = requirements.pack, _PACK
    sheet.box((x, foot), (width, -foot), BLOCK)
    lines = (
        f"{pack.cells} × {pack.cell_type}",
        pack.chemistry,
        quantity(pack.capacity_ah, "Ah"),
        f"at most {quantity(pack.top_v, 'V')}",
    )
    sheet.text((x + _PAD, -0.65), "Pack", HEADING)
    for row, line in enumerate(lines, 1):
        sheet.text((x + _PAD, -0.65 - row * _ROW), line, NOTE, width=width - 2 * _PAD)
    _draw_cells(sheet, pack.cells, (x + width / 2, -3.6), -3.6 - foot - 0.9)


def _draw_cells(sheet: Sheet, cells: int, top: Place, room: float) -> None:
    """Draw the cells as a column; more than there is room for are the first and the last, and dots."""
    x, y = top
    fitting = max(3, int(room / 0.8))
    shown = list(range(cells, 0, -1))
    if cells > fitting:
        shown = [*shown[: fitting - 2], 0, 1]
    for cell in shown:
        if cell:
            sheet.box((x - 1.1, y - 0.58), (2.2, 0.58))
        words = f"cell {cell}" if cell else "…"
        sheet.text((x, y - 0.42), words, FINE, Anchor.MIDDLE)
        y -= 0.8


def _draw_ways(sheet: Sheet, roles: Roles, blocks: Mapping[Role, _Block]) -> None:
    board = blocks[Role.BOARD]
    for role, block in blocks.items():
        pins = numbers(roles.pins[role]) or _CARRIED.get(role, "")
        if role in _BEHIND:
            _way(sheet, (board.right, block.middle), (block.x, block.middle), pins)
        elif role is not Role.BOARD:
            if role is not Role.MAIN_FUSE:
                _way(sheet, (block.right, block.middle), (board.x, block.middle), pins)
            if role is not Role.REFERENCES:
                _way(sheet, (sum(_PACK), block.middle), (block.x, block.middle), "")
    _draw_host(sheet, blocks.get(Role.ISOLATOR))


def _way(sheet: Sheet, start: Place, end: Place, label: str) -> None:
    sheet.line(start, end, color=BLUE, is_arrow=True)
    room = end[0] - start[0] - 0.3
    sheet.text(((start[0] + end[0]) / 2, start[1] + 0.2), label, SIGNAL, Anchor.MIDDLE, width=room)


def _draw_host(sheet: Sheet, isolator: _Block | None) -> None:
    if isolator is None:
        return
    x, top = isolator.x + isolator.width / 2, isolator.y
    sheet.line((x, top), (x, top - 1.1), color=BLUE, is_arrow=True)
    sheet.box((x - 3.2, top - 2.0), (6.4, 0.9), ABSENT)
    sheet.text((x, top - 1.68), "Host computer, may be off", anchor=Anchor.MIDDLE)


def _draw_others(sheet: Sheet, others: Sequence[Element], foot: float) -> float:
    """Draw what plays no role that is known in a block below all others; return how far down the picture goes."""
    if not others:
        return foot - 2.2
    height = _height(others, _WIDTH)
    block = _Block("Other parts", others, 0, foot - 1.2 - height, _WIDTH, height)
    _draw_block(sheet, block)
    return min(foot - 2.2, block.y)


def _draw_backups(sheet: Sheet, blocks: Mapping[Role, _Block]) -> None:
    """Draw who catches whose failure: in lanes beside a column, or straight across to the board."""
    places = {element.id: block for block in blocks.values() for element in block.elements}
    pairs = [
        (block, places[element.backs_up])
        for block in blocks.values()
        for element in block.elements
        if element.backs_up in places and places[element.backs_up] is not block
    ]
    lanes, drawn = (
        dict.fromkeys((_FRONT[0], _OUT[0]), 0),
        dict.fromkeys((one.title, other.title) for one, other in pairs),
    )
    for start, end in drawn:
        source, target = _named(blocks, start), _named(blocks, end)
        is_mutual = (end, start) in drawn
        if source.x != target.x:
            _across(sheet, source, target)
        elif not is_mutual or start < end:  # of two that catch each other one lane tells both
            lanes[source.x] += 1
            _lane(sheet, source, target, 0.3 + 0.35 * lanes[source.x], is_mutual)


def _named(blocks: Mapping[Role, _Block], title: str) -> _Block:
    return next(block for block in blocks.values() if block.title == title)


def _lane(sheet: Sheet, source: _Block, target: _Block, off: float, is_mutual: bool) -> None:
    x, shift = source.x, -0.35 if source.middle > target.middle else 0.35
    start, end = source.middle + shift, target.middle - shift
    way = ((x, start), (x - off, start), (x - off, end), (x, end))
    sheet.line(*way, color=GREEN, is_dashed=True)
    for y in (start, end) if is_mutual else (end,):
        sheet.line((x - 0.3, y), (x, y), color=GREEN, is_arrow=True)


def _across(sheet: Sheet, source: _Block, target: _Block) -> None:
    start = source.x if source.x > target.x else source.right
    end = target.right if source.x > target.x else target.x
    y = source.middle - 0.4
    sheet.line((start, y), (end, y), color=GREEN, is_dashed=True, is_arrow=True)
