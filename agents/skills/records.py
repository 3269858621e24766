"""A CSV document as a table: which separator it uses, what its columns are for, what its rows are about."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from agents.skills.parts import designator_kind
from agents.skills.subjects import MAX_SUBJECT
from gates.sources import Line, cells
from gates.units import CURRENCIES, normalised

_ROLES = {
    "reference": ("reference", "references", "ref", "refs", "designator", "designators", "refdes"),
    "value": ("value", "val"),
    "quantity": ("qty", "quantity", "count", "pieces", "pcs"),
    "part": (
        "partnumber",
        "part number",
        "part number / type",
        "part no",
        "part no.",
        "mpn",
        "order code",
        "manufacturer part number",
        "mfr part",
    ),
    "name": ("description", "name", "component", "item", "parameter", "feature"),
}
HEADING_UNIT = re.compile(r"[(\[]\s*(?P<unit>[^)\]]{1,8})\s*[)\]]\s*$|[\s_](?P<last>[^\s_()\[\]]{1,8})$")


@dataclass(frozen=True, slots=True)
class Row:
    """One record: the index of its line, its text as written and its cells."""

    index: int
    record: str
    cells: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """A heading and the rows below it. header: the record of the headings."""

    header: Row
    rows: tuple[Row, ...]

    @property
    def headings(self) -> tuple[str, ...]:
        """The headings in lower case."""
        return tuple(cell.strip().lower() for cell in self.header.cells)

    def column(self, role: str) -> int | None:
        """Where the column with this role stands; of several names the first listed counts."""
        headings = self.headings
        return next((headings.index(name) for name in _ROLES[role] if name in headings), None)

    def name_column(self) -> int:
        """Where the names of the rows stand: the value in parts lists, else a description, else the first column."""
        value = self.column("value")
        if self.column("reference") is not None and value is not None:
            return value
        return self.column("name") or 0

    def cell(self, row: Row, role: str) -> str:
        """Return a row's cell in a role, "" when there is none."""
        position = self.column(role)
        return row.cells[position].strip() if position is not None and position < len(row.cells) else ""

    def first_reference(self, row: Row) -> str:
        """Return the first designator of a row, "" when it has none."""
        return self.cell(row, "reference").split(",")[0].strip()

    def subject(self, row: Row) -> str:
        """Return what a row is about: its designators and its value or name."""
        at = self.name_column()
        name = row.cells[at].strip() if at < len(row.cells) else ""
        words = f"{self.cell(row, 'reference')} {name}".strip()
        return re.sub(r"\s+", " ", words)[:MAX_SUBJECT] or f"row {row.index + 1}"


def table_of(lines: Sequence[Line]) -> Table | None:
    """Return the table of a CSV document, or None when its first record is no heading.

    Raises:
        SourceError: a record is not CSV.
    """
    filled = [index for index, line in enumerate(lines) if line.text.strip()]
    delimiter = delimiter_of([lines[index].text for index in filled[:20]])
    rows = [Row(index, lines[index].text, cells(lines[index].text, delimiter)) for index in filled]
    if not rows or not any(re.search(r"[^\W\d_]{2}", cell) for cell in rows[0].cells):
        return None
    return Table(rows[0], tuple(rows[1:]))


def delimiter_of(texts: Sequence[str]) -> str:
    """Return the separator that cuts the most lines into at least as many cells as the first line."""

    def agreement(delimiter: str) -> tuple[int, int]:
        counts = [text.count(delimiter) for text in texts]
        return (sum(count >= counts[0] > 0 for count in counts) if counts else 0, counts[0] if counts else 0)

    return max((",", ";", "\t", "|"), key=agreement)


def heading_unit(heading: str) -> str | None:
    """Return the unit a column heading gives its cells: "Voltage (V)", "price_eur", "Price [EUR]"; None without one."""
    found = HEADING_UNIT.search(heading.strip())
    if found is None:
        return None
    literal = found["unit"] or found["last"]
    if literal.upper() in CURRENCIES:
        return literal.upper()
    # A last word is a unit only where it cannot be a word: the "a" of "variant a" is none.
    is_unit = found["unit"] is not None or literal in {"mV", "mA", "Ah", "kg", "mm"}
    return normalised(literal) if is_unit else None


def miscounted(table: Table) -> Iterator[tuple[int, int, int]]:
    """Yield (line index, different designators listed, quantity stated) for the rows in which the two differ."""
    for row in table.rows:
        listed = {name.strip() for name in table.cell(row, "reference").split(",") if name.strip()}
        stated = table.cell(row, "quantity")
        is_counted = stated.isascii() and stated.isdigit() and len(stated) < 10
        if listed and is_counted and all(map(designator_kind, sorted(listed))) and len(listed) != int(stated):
            yield row.index, len(listed), int(stated)
