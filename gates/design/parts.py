"""parts.csv: what can be bought, what it bears, and what it costs. It is given to a design, not made by it."""

import csv
import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Final

from protocol.errors import SourceError

NAME: Final = "parts.csv"
COLUMNS: Final = (
    "part", "description", "max_v", "price_usd", "priced_on", "price_basis", "alternatives", "notes",
)  # fmt: skip
MAX_BYTES: Final = 1_000_000
_MOST: Final = Decimal(10) ** 7


@dataclass(frozen=True, slots=True)
class Part:
    """One part. max_v: the most it bears, in V; None where the file does not say. price_usd: of one, None likewise."""

    name: str
    description: str
    max_v: Decimal | None
    price_usd: Decimal | None
    priced_on: str = ""
    price_basis: str = ""
    alternatives: str = ""
    notes: str = ""


def read_parts(data: bytes) -> Mapping[str, Part]:
    """Return the parts by their names.

    Raises:
        SourceError: it is not such a file, a part stands twice, or a number is none; the line is named.
    """
    parts: dict[str, Part] = {}
    for line, row in _rows(data):
        part = _part(line, row)
        if part.name in parts:
            raise SourceError(f"{NAME}, line {line}: the part {part.name} stands twice")
        parts[part.name] = part
    return parts


def _rows(data: bytes) -> Iterator[tuple[int, dict[str, str]]]:
    if len(data) > MAX_BYTES:
        raise SourceError(f"{NAME} has {len(data):,} bytes, the limit is {MAX_BYTES:,}")
    try:
        rows = csv.reader(io.StringIO(data.decode("utf-8-sig"), newline=""), strict=True)
        head = tuple(cell.strip() for cell in next(rows, []))
        if missing := [name for name in COLUMNS[:4] if name not in head]:
            raise SourceError(f"{NAME} has no column {', '.join(missing)}; its columns are {', '.join(COLUMNS)}")
        for cells in rows:
            if any(cell.strip() for cell in cells):
                yield rows.line_num, dict(zip(head, (cell.strip() for cell in cells), strict=False))
    except (csv.Error, UnicodeDecodeError) as error:
        raise SourceError(f"{NAME} is not CSV in UTF-8: {error}") from error


def _part(line: int, row: Mapping[str, str]) -> Part:
    name = row.get("part", "")
    if not name or len(name) > 200 or not name.isprintable():
        raise SourceError(f"{NAME}, line {line}: the part has no name that can be shown")
    words = {column: row.get(column, "") for column in ("description", *COLUMNS[4:])}
    return Part(name, max_v=_number(line, row, "max_v"), price_usd=_number(line, row, "price_usd"), **words)


def _number(line: int, row: Mapping[str, str], column: str) -> Decimal | None:
    text = row.get(column, "")
    if not text:
        return None
    try:
        value = Decimal(text)
    except InvalidOperation as error:
        raise SourceError(f"{NAME}, line {line}: {column} is {text[:40]!r}, which is no number") from error
    # An exponent such as 1E-999999 is a number too, and takes minutes to add to another.
    if not value.is_finite() or not 0 <= value <= _MOST or (value and value.adjusted() < -9) or len(text) > 40:
        raise SourceError(f"{NAME}, line {line}: {column} is {text[:40]!r}, which is out of range")
    return value
