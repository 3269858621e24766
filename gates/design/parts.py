"""The parts that a design may use, with what they bear and what they cost: a table that its user can replace."""

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Final

from protocol.errors import SourceError

NAME: Final = "parts.csv"
COLUMNS: Final = ("part", "description", "max_v", "price_usd", "priced_on", "price_basis", "alternatives", "notes")
_MOST: Final = Decimal(1_000_000)


@dataclass(frozen=True, slots=True)
class Part:
    """One part. max_v: what it bears between its terminals and the pack, in V. price_usd: of one."""

    part: str
    description: str
    max_v: Decimal
    price_usd: Decimal
    priced_on: str
    price_basis: str
    alternatives: str
    notes: str


def read_parts(data: bytes, name: str = NAME) -> Mapping[str, Part]:
    """Return the parts of a table by their names.

    Raises:
        SourceError: a row is wrong; the text names file, row and column.
    """
    try:
        rows = csv.DictReader(io.StringIO(data.decode("utf-8-sig")), strict=True)
        missing = set(COLUMNS) - set(rows.fieldnames or ())
        if missing:
            raise SourceError(f"{name}:1: the columns {', '.join(sorted(missing))} are missing")
        found: dict[str, Part] = {}
        for row in rows:
            part = _part(row, f"{name}:{rows.line_num}")
            if part.part in found:
                raise SourceError(f"{name}:{rows.line_num}: {part.part} is listed twice; take one out")
            found[part.part] = part
    except (UnicodeDecodeError, csv.Error) as error:
        raise SourceError(f"{name} is no CSV in UTF-8: {error}") from error
    return found


def _part(row: Mapping[str | None, str | None], where: str) -> Part:
    cells = {column: (row.get(column) or "").strip() for column in COLUMNS}
    if not cells["part"]:
        raise SourceError(f"{where}: the part has no name")
    if row.get(None):  # where csv keeps what stands beyond the columns
        raise SourceError(f"{where}: more cells than columns; put quotes around text with a comma")
    return Part(
        part=cells["part"],
        description=cells["description"],
        max_v=_number(cells["max_v"], f"{where}: max_v"),
        price_usd=_number(cells["price_usd"], f"{where}: price_usd"),
        priced_on=cells["priced_on"],
        price_basis=cells["price_basis"],
        alternatives=cells["alternatives"],
        notes=cells["notes"],
    )


def _number(text: str, where: str) -> Decimal:
    try:
        value = Decimal(text)
    except InvalidOperation:
        value = Decimal("NaN")
    if not value.is_finite() or not 0 <= value <= _MOST:
        raise SourceError(f"{where}: {text[:20]!r} is no amount from 0 to {_MOST:,}")
    return value
