"""What becomes of a group: its items, its rounds, and what its parts made together."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Final

from coordinators.graph import Graph, row_name
from coordinators.rows import TaskRow
from coordinators.tasks import State
from protocol.bodies import File, Pattern, Value
from protocol.conditions import Condition, number, read_condition

MAX_ROWS: Final = 100_000
Rows = Mapping[str, TaskRow]


def items_of(files: tuple[File, ...], batch: int) -> list[tuple[File, ...]]:
    """Return the items of a group that is done for each: so many files at a time, in order."""
    return [files[start : start + batch] for start in range(0, len(files), batch)]


def too_many(items: int, parts: int) -> str:
    """Return in words why a group is not begun for so many items."""
    return f"{items:,} items in {parts} parts make the plan more than {MAX_ROWS:,} tasks; use a batch"


def parts_of(graph: Graph, rows: Rows, row: TaskRow, round_: int | None = None) -> list[TaskRow]:
    """Return the rows of a group's parts: of every item, or of the last round or the one asked for."""
    names = graph.nodes[row.planned.id].parts
    group = row.planned.group
    if group is None or group.pattern is Pattern.ONCE:
        paths = [row.path]
    elif group.pattern is Pattern.REPEAT:
        paths = [(*row.path, round_ or row.round)]
    else:
        paths = [(*row.path, item) for item in range(1, row.round + 1)]
    return [rows[row_name(name, path)] for path in paths for name in names]


def merged(graph: Graph, parts: list[TaskRow]) -> tuple[tuple[File, ...], tuple[Value, ...]]:
    """Return what accepted parts made on which no other accepted part builds, and their values; the later one counts.

    A file that several of them hand on is there once.
    """
    accepted = {(part.planned.id, part.path) for part in parts if part.state is State.ACCEPTED}
    finals = [
        part
        for part in parts
        if part.state is State.ACCEPTED
        and not any((after, part.path) in accepted for after in graph.nodes[part.planned.id].after)
    ]
    files = dict.fromkeys(file for part in finals for file in part.artifacts)
    values = {value.name: value for part in finals for value in part.values}
    return tuple(files), tuple(values.values())


def until_holds(graph: Graph, rows: Rows, row: TaskRow) -> tuple[bool, str]:
    """Return whether the criterion of a repeated group holds after this round, and in words what is missing.

    Without a criterion all rounds are made.
    """
    group = row.planned.group
    if group is None or group.until is None:
        return False, ""
    parts = {part.planned.id: part for part in parts_of(graph, rows, row)}
    held, told = asked(read_condition(group.until), parts)
    return held, f"round {row.round} did not reach: {told}"


def asked(condition: Condition, rows: Rows) -> tuple[bool, str]:
    """Return whether a condition holds of some rows, by their tasks' names, and in words what it saw."""
    values: dict[str, str] = {}
    for name in condition.names:
        task, _, value = name.rpartition(".")
        found = rows[task].value(value)
        values |= {} if found is None else {name: found}
    has = ", ".join(f"{name} = {values.get(name, 'not given')}" for name in condition.names)
    return condition.holds(values), f"{condition.text} ({has})"


def chosen_round(rows: Rows, row: TaskRow) -> int:
    """Return the round whose result is kept where the criterion never held: the best by its measure, or the last.

    Of equally good ones the first; a round whose measure is no number is not chosen.
    """
    group = row.planned.group
    sign, _, name = (group.best or "").partition(" ") if group else ("", "", "")
    part, _, measure = name.rpartition(".")
    best, last = row.round, None
    for round_ in range(1, row.round + 1):
        found = rows.get(row_name(part, (*row.path, round_)))
        score = _score(found, measure)
        if score is not None and (last is None or (score < last if sign == "lowest" else score > last)):
            best, last = round_, score
    return best


def _score(row: TaskRow | None, measure: str) -> Decimal | None:
    value = row.value(measure) if row is not None and row.state is State.ACCEPTED else None
    return None if value is None else number(value)
