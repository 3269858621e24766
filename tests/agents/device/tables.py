"""Tables of a document that code makes: they stand between two marks, and a test compares them."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from tests.cases import ROOT

DOCUMENT: Final = ROOT / "docs" / "device.md"
_END: Final = "<!-- end of measured -->"


def table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """The lines of a table in Markdown."""
    return [_row(heads), _row(["---"] * len(heads)), *map(_row, rows)]


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |".replace("|  |", "| |").replace("|  |", "| |")


def shown(module: str, path: Path = DOCUMENT) -> list[str]:
    """The lines that stand in a document between the marks of a module."""
    _, found = path.read_text(encoding="utf-8").split(_begin(module))
    return found.partition(_END)[0].strip().splitlines()


def put(module: str, lines: Sequence[str], path: Path = DOCUMENT) -> None:
    """Write lines between the marks of a module."""
    before, found = path.read_text(encoding="utf-8").split(_begin(module))
    text = "\n".join((_begin(module).strip(), *lines, _END))
    path.write_text(before + text + found.partition(_END)[2], encoding="utf-8")


def _begin(module: str) -> str:
    return f"<!-- measured: python -m {module} -->"
