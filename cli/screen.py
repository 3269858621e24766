"""What people see: two consoles, colours only where they are wanted, untrusted text never as markup."""

import json
import os
import sys
import time
from typing import Any

import structlog
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from observers.summary import printable


class Undemanding(Console):
    """A console for progress: when whoever reads it goes away, it goes quiet and what it reports on goes on."""

    def on_broken_pipe(self) -> None:
        # What is still buffered goes nowhere too: starting a process flushes it, and would fail.
        self.quiet = True
        os.dup2(os.open(os.devnull, os.O_WRONLY), self.file.fileno())


out = Console(highlight=False, soft_wrap=True)
_PIPED_WIDTH = 400
_GAP = 2
err = Undemanding(stderr=True, highlight=False, soft_wrap=True)


def say(text: str, style: str = "") -> None:
    """Print a line to standard output; nothing in it is markup and nothing in it moves the cursor."""
    out.print(Text("\n".join(printable(line) for line in text.split("\n")), style=style))


def warn(text: str, style: str = "") -> None:
    """Print a line to standard error."""
    err.print(Text("\n".join(printable(line) for line in text.split("\n")), style=style))


def log_to_screen() -> None:
    """Let what the layers below log in this process go to standard error: standard output is for results."""
    render = structlog.processors.LogfmtRenderer(key_order=["event"])
    structlog.configure(processors=[render], logger_factory=lambda *_: structlog.PrintLogger(sys.stderr))


def say_json(value: Any) -> None:
    """Print one JSON value on one line, as scripts expect it; what a terminal would obey is escaped as JSON escapes."""
    text = json.dumps(value, ensure_ascii=False, default=str)
    out.file.write((text if text.isprintable() else _escaped(text)) + "\n")
    out.file.flush()


def _escaped(text: str) -> str:
    # json.dumps has escaped what is below U+0020; the rest stands only inside strings, where \u is the same.
    return "".join(c if c.isprintable() else json.dumps(c)[1:-1] for c in text)


def when(stamp_ns: int) -> str:
    """Return a moment as people here read it."""
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(stamp_ns // 1_000_000_000))


def shared(widest: list[int], room: int) -> list[int]:
    """Return how wide columns are that share so much room: narrow ones whole, the others alike, the last twice that.

    Left to itself, one long column would take the room of all the others.
    """
    wanted = [(one, 1) for one in widest[:-1]] + [(widest[-1], 2)]
    fitting = (most for most in range(room, 0, -1) if sum(min(one, most * times) for one, times in wanted) <= room)
    most = next(fitting, 1)
    *first, last = (min(one, most * times) for one, times in wanted)
    return [*first, max(last, min(widest[-1], room - sum(first)))]


def table(title: str, columns: list[str], rows: list[list[Any]]) -> None:
    """Print a table, cut to the terminal's width; piped, only its last column is ever cut."""
    cells = [[printable(str(cell)) for cell in row] for row in rows]
    grid = Table(title=title, title_justify="left", box=None, padding=(0, _GAP, 0, 0))
    widest = [max(map(cell_len, column)) for column in zip(columns, *cells, strict=True)]
    room = (out.width if out.is_terminal else _PIPED_WIDTH) - _GAP * len(columns)
    widths = shared(widest, room) if out.is_terminal else [*widest[:-1], None]
    for column, width in zip(columns, widths, strict=True):
        grid.add_column(column, overflow="ellipsis", no_wrap=True, min_width=width, max_width=width)
    for row in cells:
        grid.add_row(*map(Text, row))
    console = out if out.is_terminal else Console(width=_PIPED_WIDTH, highlight=False, file=out.file)
    console.print(grid)
