"""Facts from the rows of a table: bills of materials by the role of each column, other tables cell by cell."""

import re
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal

from agents.skills.amounts import amounts
from agents.skills.drafts import Draft, draft_of
from agents.skills.facts import FactKind, Origin
from agents.skills.missing import missing_in
from agents.skills.parts import component_value, designator_kind
from agents.skills.records import HEADING_UNIT, Row, Table, heading_unit
from agents.skills.subjects import MAX_SUBJECT, local_words
from gates.claims import numbers
from gates.units import number

_UNREAD = frozenset({"datasheet", "footprint", "url", "link", "package", "dnp", "manufacturer", "supplier", "library"})


# A record must fit into the quote of a claim, and nobody compares a longer one with its document.
MAX_RECORD = 1_500


def table_drafts(table: Table, *, decimal_comma: bool) -> Iterator[Draft]:
    """Yield what a table states row by row, then what counting it gives."""
    for row in table.rows:
        if len(row.record) > MAX_RECORD:
            continue
        for draft in _row_drafts(table, row, decimal_comma):
            yield replace(draft, quote=_quote_that_shows(draft, row.record))
    if table.column("quantity") is not None or table.column("reference") is not None:
        yield from _tallies(table)


def _row_drafts(table: Table, row: Row, comma: bool) -> Iterator[Draft]:
    subject, headings = table.subject(row), table.headings
    for position, cell in enumerate(row.cells[: len(headings)]):
        if not cell.strip() or headings[position] in _UNREAD:
            continue
        if position == table.column("part"):
            name = f"{subject} part number"[:MAX_SUBJECT]
            yield Draft(start=row.index, quote=row.record, subject=name, kind=FactKind.PART, text=cell.strip())
        elif position == table.column("quantity"):
            yield from _quantity(row, cell, subject)
        elif position == table.column("value") and designator_kind(table.first_reference(row)):
            yield from _value(row, cell, subject, table.first_reference(row))
        elif position != table.column("reference"):
            yield from _cell(row, cell, subject, table.header.cells[position].strip(), comma)


def _quote_that_shows(draft: Draft, record: str) -> str:
    """Return the record, or its part from the figure on: in "1,4,Nut" the 4 can only be seen when the 1 is left out."""
    standing = {text for text, _, _ in numbers(record)}
    if all(figure in standing for figure in draft.figures):
        return record
    starts = (found.end() for found in re.finditer(r"[,;\t]", record))
    shorter = (record[start:] for start in starts if record.startswith(draft.figures[0], start))
    return next((part for part in shorter if draft.figures[0] in {text for text, _, _ in numbers(part)}), record)


def _quantity(row: Row, cell: str, subject: str) -> Iterator[Draft]:
    figure = cell.strip()
    if figure.isascii() and figure.isdigit():
        yield Draft(
            start=row.index,
            quote=row.record,
            subject=f"{subject} quantity"[:MAX_SUBJECT],
            kind=FactKind.COUNT,
            figures=(figure,),
            value=Decimal(figure),
            unit="piece",
        )


def _value(row: Row, cell: str, subject: str, reference: str) -> Iterator[Draft]:
    value = component_value(reference, cell)
    if value is not None:
        yield Draft(
            start=row.index,
            quote=row.record,
            subject=f"{subject} value"[:MAX_SUBJECT],
            kind=FactKind.QUANTITY,
            figures=(value.figure,),
            literal=value.literal,
            value=value.value,
            unit=value.unit,
            note=value.note,
        )


def _cell(row: Row, cell: str, subject: str, heading: str, comma: bool) -> Iterator[Draft]:
    unit = heading_unit(heading)
    value = number(cell, decimal_comma=comma) if unit and re.fullmatch(r"[-+]?\d[\d.,]*", cell.strip()) else None
    if unit and value is not None:
        yield Draft(
            start=row.index,
            quote=row.record,
            subject=_under(subject, HEADING_UNIT.sub("", heading).strip()),
            kind=FactKind.QUANTITY,
            figures=(cell.strip(),),
            value=value,
            unit=unit,
            note=f"unit from the heading {heading!r}",
        )
        return
    word = missing_in(cell, whole=True)
    if word:
        name = _under(subject, heading)
        yield Draft(start=row.index, quote=row.record, subject=name, kind=FactKind.MISSING, text=word)
    for amount in amounts(cell, decimal_comma=comma):
        words = local_words(cell, amount) or heading.lower()
        yield draft_of(amount, start=row.index, quote=row.record, subject=_under(subject, words), context="")


def _under(subject: str, name: str) -> str:
    return f"{subject}, {name}"[:MAX_SUBJECT] if name and name.lower() not in subject.lower() else subject


def _tallies(table: Table) -> Iterator[Draft]:
    """Count the table: these figures stand nowhere, so the claim is the heading row and the note says how."""
    stated = [table.cell(row, "quantity") for row in table.rows]
    quantities = [int(text) for text in stated if text.isascii() and text.isdigit() and len(text) < 10]
    counted = [("lines in the table", len(table.rows), "records below the heading")]
    if quantities:
        counted.append(("sum of quantities", sum(quantities), f"added over {len(quantities)} lines"))
    if table.column("part") is not None:
        named = sum(bool(table.cell(row, "part")) for row in table.rows)
        counted.append(("lines with a part number", named, "records whose part number is not empty"))
    for subject, value, note in counted:
        yield Draft(
            start=table.header.index,
            quote=table.header.record[:MAX_RECORD],
            subject=subject,
            kind=FactKind.COUNT,
            value=Decimal(value),
            note=f"counted by us: {note}",
            origin=Origin.COUNTED,
        )
