"""The practice that a design follows: its figures, its rules for limits and its requirements, read from a document.

Nothing about limits is built into the specialists: each row can be cited, and another practice is another document.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, TypeVar

from agents.skills.battery.requirements.citations import Amount, Words, amount_in
from gates.design.files import Direction, Level, Subject
from protocol.errors import SourceError

FIGURES: Final = ("name", "value", "for", "why")
LIMITS: Final = ("name", "quantity", "level", "side", "of", "value", "clear", "delay", "for", "why")
REQUIREMENTS: Final = ("key", "about", "critical", "text", "limits", "standard")
_ALL: Final = "all"
Kind = TypeVar("Kind", Level, Direction, Subject)


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a table. place: as the gate names lines; text: the whole of it."""

    place: str
    text: str
    cells: dict[str, str]


@dataclass(frozen=True, slots=True)
class LimitRule:
    """How a limit follows from a base. base: such as "cell max", "" for none. times: "cells", a number, or ""."""

    name: str
    quantity: str
    level: Level
    direction: Direction
    base: str
    times: str
    value: Amount
    clear: Amount
    delay: Amount
    why: str
    row: Row


@dataclass(frozen=True, slots=True)
class RequirementRule:
    """A requirement as the practice words it. limits: by name."""

    key: str
    subject: Subject
    is_critical: bool
    text: str
    limits: tuple[str, ...]
    standard: str
    place: str


@dataclass(frozen=True, slots=True)
class Practice:
    """What applies to one chemistry."""

    words: Words
    figures: dict[str, tuple[Amount, str]]
    limits: tuple[LimitRule, ...]
    requirements: tuple[RequirementRule, ...]


def read_practice(words: Words, chemistry: str) -> Practice:
    """Return the practice for cells of a chemistry.

    Raises:
        SourceError: a row is wrong, or nothing is there for this chemistry.
    """
    rows = {head: tuple(_rows(words, head)) for head in (FIGURES, LIMITS, REQUIREMENTS)}
    known = {row.cells["for"] for row in (*rows[FIGURES], *rows[LIMITS])} - {_ALL}
    if chemistry not in known:
        named = ", ".join(sorted(known))
        raise SourceError(f"{words.name} has no limits for cells of kind {chemistry!r}; it has them for {named}")
    return Practice(
        words,
        {
            row.cells["name"]: (_amount(words, row, "value"), row.place)
            for row in rows[FIGURES]
            if _fits(row, chemistry)
        },
        tuple(_limit_rule(words, row) for row in rows[LIMITS] if _fits(row, chemistry)),
        tuple(_requirement_rule(words, row) for row in rows[REQUIREMENTS]),
    )


def _fits(row: Row, chemistry: str) -> bool:
    return row.cells["for"] in (_ALL, chemistry)


def _rows(words: Words, head: tuple[str, ...]) -> Iterator[Row]:
    """Yield the rows of the table with these columns."""
    is_inside = False
    for line in words.lines:
        cells = [cell.strip() for cell in line.text.strip().strip("|").split("|")] if line.text.startswith("|") else []
        if tuple(cells) == head:
            is_inside = True
        elif not cells:
            is_inside = False
        elif is_inside and not set("".join(cells)) <= set("-: "):
            if len(cells) != len(head):
                raise SourceError(f"{words.name}, {line.place}: {len(cells)} columns, the table has {len(head)}")
            yield Row(line.place, line.text, dict(zip(head, cells, strict=True)))


def _amount(words: Words, row: Row, column: str) -> Amount:
    return amount_in(row.cells[column], f"{words.name}, {row.place}, {column}")


def _limit_rule(words: Words, row: Row) -> LimitRule:
    cells = row.cells
    times, _, base = cells["of"].rpartition(" x ")
    return LimitRule(
        name=cells["name"],
        quantity=cells["quantity"],
        level=_one_of(Level, words, row, "level"),
        direction=_one_of(Direction, words, row, "side"),
        base=base,
        times=times,
        value=_amount(words, row, "value"),
        clear=_amount(words, row, "clear"),
        delay=_amount(words, row, "delay"),
        why=cells["why"],
        row=row,
    )


def _requirement_rule(words: Words, row: Row) -> RequirementRule:
    cells = row.cells
    return RequirementRule(
        key=cells["key"],
        subject=_one_of(Subject, words, row, "about"),
        is_critical=cells["critical"] == "yes",
        text=cells["text"],
        limits=tuple(name.strip() for name in cells["limits"].split(",") if name.strip()),
        standard=cells["standard"],
        place=row.place,
    )


def _one_of(kind: type[Kind], words: Words, row: Row, column: str) -> Kind:
    try:
        return kind(row.cells[column])
    except ValueError as error:
        allowed = ", ".join(one.value for one in kind)
        text = f"{words.name}, {row.place}, {column}: {row.cells[column]!r} is not one of {allowed}"
        raise SourceError(text) from error
