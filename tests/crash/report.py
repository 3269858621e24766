"""What is shown of the matrix: on the terminal, as Markdown, as JSON."""

import os
import platform
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final

import zmq
from rich.table import Table

from tests.crash.graph_storm import Stormed
from tests.crash.rounds import Row

BEGIN: Final = "<!-- measured: python -m tests.crash --markdown -->"
END: Final = "<!-- end of measured -->"
GRAPHS: Final = "<!-- measured: python -m tests.crash --graph --markdown -->"
_HEADINGS: Final = ("cell", "what dies", "where", "runs", "passed", "back after, median", "worst")
_TEXT_COLUMNS: Final = 3


def table(rows: Sequence[Row]) -> Table:
    shown = Table(title="recovery in seconds")
    for number, heading in enumerate(_HEADINGS):
        shown.add_column(heading, justify="left" if number < _TEXT_COLUMNS else "right")
    for row in rows:
        shown.add_row(*_fields(row), style="red" if row.failed else "")
    return shown


def markdown(rows: Sequence[Row]) -> str:
    """Return the block that stands in docs/reliability.md, its two comment markers included."""
    lines = [
        BEGIN,
        "",
        f"Measured on {datetime.now(UTC):%Y-%m-%d}: {_machine()}.",
        "",
        f"| {' | '.join(_HEADINGS)} |",
        f"|{' --- |' * _TEXT_COLUMNS}{' ---: |' * (len(_HEADINGS) - _TEXT_COLUMNS)}",
        *(f"| `{name}` | {' | '.join(rest)} |" for name, *rest in map(_fields, rows)),
        "",
        f"Together {sum(row.runs for row in rows)} runs, {sum(row.failed for row in rows)} failed.",
        "",
        END,
    ]
    return "\n".join(lines) + "\n"


def graphs(rows: Sequence[Stormed]) -> str:
    """Return the block about graphs under kills, its two comment markers included."""
    lines = [
        GRAPHS,
        "",
        f"Measured on {datetime.now(UTC):%Y-%m-%d}: {_machine()}.",
        "",
        "| seed | tasks | undisturbed: entries | took | under kills: killed | entries | took | |",
        "| ---: | ---: | ---: | ---: | ---: | ---: | ---: | --- |",
        *map(_graph, rows),
        "",
        END,
    ]
    return "\n".join(lines) + "\n"


def _graph(row: Stormed) -> str:
    graph, verdict = row.graph, "**differs**" if row.differences else "the same"
    undisturbed = f"| {graph.seed} | {len(graph.ends):,} | {graph.entries:,} | {graph.took_s:.1f} s "
    return f"{undisturbed}| {row.killed} | {row.entries:,} | {row.took_s:.1f} s | {verdict} |"


def in_place(text: str, block: str) -> str:
    """Return a document with the block between its two markers exchanged; one without markers becomes the block."""
    before, begin, rest = text.partition(block.partition("\n")[0])
    _, end, after = rest.partition(END)
    return f"{before}{block.rstrip()}{after}" if begin and end else block


def as_json(rows: Sequence[Row], took_s: float) -> dict[str, Any]:
    return {"machine": _machine(), "took_s": round(took_s, 1), "rows": [row.as_json() for row in rows]}


def _fields(row: Row) -> tuple[str, ...]:
    figures = (str(row.runs), str(row.passed), _seconds(row.median_s), _seconds(row.worst_s))
    return (row.cell.name, row.cell.dies, row.cell.where, *figures)


def _seconds(value: float | None) -> str:
    return "" if value is None else f"{value:.2f} s"


def _machine() -> str:
    python = ".".join(map(str, sys.version_info[:3]))
    return f"{os.cpu_count()} cores, {platform.system()} {platform.machine()}, Python {python}, pyzmq {zmq.__version__}"
