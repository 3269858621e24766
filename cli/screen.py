"""What people see: two consoles, colours only where they are wanted, untrusted text never as markup."""

import json
import os
import sys
import time
from typing import Any

import structlog
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


def table(title: str, columns: list[str], rows: list[list[Any]]) -> None:
    """Print a table, cut to the terminal's width; piped, only its last column is ever cut."""
    cells = [[printable(str(cell)) for cell in row] for row in rows]
    grid = Table(title=title, title_justify="left", box=None, padding=(0, 2, 0, 0))
    for number, column in enumerate(columns):
        widest = max([len(column), *(len(row[number]) for row in cells)])
        is_whole = not out.is_terminal and number < len(columns) - 1
        grid.add_column(column, overflow="ellipsis", no_wrap=True, min_width=widest if is_whole else None)
    for row in cells:
        grid.add_row(*map(Text, row))
    console = out if out.is_terminal else Console(width=_PIPED_WIDTH, highlight=False, file=out.file)
    console.print(grid)
