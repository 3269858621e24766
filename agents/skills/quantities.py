"""Facts of one document: the first specialist's work, from bytes to facts whose quotes the gate will find.

Every fact is held against the gate's own rule before it is handed on (`gates.claims.flaw`), so a reading that cannot
be shown in the document is dropped here and not found out later.
"""

import hashlib
import re
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal

from agents.skills.amounts import Amount, amounts, rates, uses_decimal_comma
from agents.skills.bills import table_drafts
from agents.skills.drafts import Draft, draft_of, facts_of
from agents.skills.facts import (
    DocumentFacts,
    Evidence,
    FactKind,
    Finding,
    FindingKind,
    Origin,
    Severity,
    finding,
)
from agents.skills.frames import frame_drafts, frame_findings
from agents.skills.hexdumps import hex_dumps
from agents.skills.matching import DRAWING
from agents.skills.missing import missing_in
from agents.skills.parts import is_drawing, part_drafts, schematic_values
from agents.skills.records import Table, miscounted, table_of
from agents.skills.subjects import MAX_SUBJECT, local_words, subject_before, subject_in_sentence
from agents.skills.tables import Block, Cell, blocks, is_value_column
from gates.claims import flaw
from gates.sources import TABULAR, Source, media_type_of, read_source
from gates.units import RATE_UNIT, normalised, number
from protocol.errors import SourceError

MAX_QUOTE = 300
MAX_FACTS = 20_000
# Longer sentences are data in the disguise of text; reading them costs the square of their length.
MAX_CELL = 4_000

_STATED_COLUMNS = {
    "min": "min",
    "minimum": "min",
    "max": "max",
    "maximum": "max",
    "typ": "typ",
    "typical": "typ",
    "nom": "typ",
    "nominal": "typ",
    "value": "",
    "rating": "",
    "limit": "",
}

_CURRENT = re.compile(r"\bcurrents?\b|strom\b|\brates?\b", re.I)
# A column under such a heading is another quantity than its row names, also where it is the first.
_DIRECTION = re.compile(r"(?:dis)?charg(?:e|ing)|(?:ent)?lade[nr]?|(?:ent)?ladung", re.I)
_UNTELLING = frozenset({*_STATED_COLUMNS, "info", "meaning", "known values"})


def extract_facts(document: str, data: bytes) -> DocumentFacts:
    """Return what a document states. document: its name; the suffix tells the media type.

    Raises:
        SourceError: the document is of a type we do not read, or cannot be read as what it claims to be.
    """
    media_type = media_type_of(document)
    if media_type is None:
        raise SourceError(f"{document}: documents of this type are not read")
    source = read_source(data, media_type)
    sha256 = hashlib.sha256(data).hexdigest()
    table = table_of(source.lines) if media_type in TABULAR else None
    drafts = list(_drafts(source, table, is_pdf=media_type == "application/pdf"))
    facts = facts_of(drafts[:MAX_FACTS], document, sha256, [line.place for line in source.lines])
    return DocumentFacts(
        document=document,
        sha256=sha256,
        media_type=media_type,
        pages=source.pages,
        note=source.note,
        facts=tuple(fact for fact in facts if flaw(fact.claim, source) is None),
        findings=tuple(_miscounts(document, source, table) if table else frame_findings(document, source.lines)),
    )


def _drafts(source: Source, table: Table | None, *, is_pdf: bool) -> Iterator[Draft]:
    comma = uses_decimal_comma("\n".join(line.text for line in source.lines))
    if table is not None:
        yield from table_drafts(table, decimal_comma=comma)
        return
    if is_pdf:
        yield from _page_count(source)
        yield from schematic_values(source.lines)
    dumped = {index for dump in hex_dumps(source.lines) for index in dump.lines}
    context = DRAWING if is_pdf and is_drawing(source.lines) else None
    for block in blocks(source.lines, is_pdf=is_pdf):
        if block.start not in dumped:
            yield from _block_drafts(block if context is None else replace(block, context=context), comma, is_pdf)
    yield from part_drafts(source.lines)
    yield from frame_drafts(source.lines)


def _page_count(source: Source) -> Iterator[Draft]:
    last = next(index for index in range(len(source.lines) - 1, -1, -1) if source.lines[index].text.strip())
    yield Draft(
        start=last,
        quote=source.lines[last].text[:MAX_QUOTE],
        subject="pages of the document",
        kind=FactKind.COUNT,
        value=Decimal(source.pages or 0),
        note="counted by us: pages of the PDF",
        origin=Origin.COUNTED,
    )


def _block_drafts(block: Block, comma: bool, is_pdf: bool) -> Iterator[Draft]:
    for cell in block.cells:
        if not is_value_column(cell.heading) or len(cell.text) > MAX_CELL:
            continue
        word = missing_in(cell.text, whole=bool(block.key))
        if word:
            yield _missing(block, cell, word)
        found = list(amounts(cell.text, decimal_comma=comma))
        for amount in found:
            yield from _amount_draft(block, cell, amount, is_pdf)
        for rate in rates(cell.text):
            yield from (draft for draft in _amount_draft(block, cell, rate, is_pdf) if _CURRENT.search(draft.subject))
        if not found:
            yield from _bare_figure(block, cell, comma)


def _amount_draft(block: Block, cell: Cell, amount: Amount, is_pdf: bool) -> Iterator[Draft]:
    subject = _subject(block, cell, amount, is_pdf)
    # A figure with nothing that says what it is, as on a drawing, is not a fact anybody could use.
    if subject:
        yield draft_of(
            amount,
            start=_line_of(block, cell, amount),
            quote=_quote(block, cell, amount),
            subject=subject,
            context=block.context,
        )


def _subject(block: Block, cell: Cell, amount: Amount, is_pdf: bool) -> str:
    if not block.key:
        subject_of = subject_before if is_pdf and amount.unit != "cell" else subject_in_sentence
        return subject_of(cell.text, amount)
    words = local_words(cell.text, amount)
    is_beside = cell is not block.cells[0] and cell.heading.lower() not in _UNTELLING
    # Beside the value stand its conditions: the 25 °C of "280 Ah | at 25 °C" is not the capacity.
    if not words and _DIRECTION.fullmatch(cell.heading.strip()):
        is_beside = True
    extra = words or ((cell.heading.lower() or "remark") if is_beside else "")
    return f"{block.key}, {extra}"[:MAX_SUBJECT] if extra else block.key[:MAX_SUBJECT]


def _quote(block: Block, cell: Cell, amount: Amount) -> str:
    """Return the whole block when it is short, else whole words around the amount."""
    if len(block.quote) <= MAX_QUOTE:
        return block.quote
    offset = max(0, block.quote.find(cell.text))
    start, end = max(0, offset + amount.start - 130), offset + amount.end + 110
    window = block.quote[start:end]
    if start:
        window = re.sub(r"^\S*\s+", "", window, count=1)
    if end < len(block.quote):
        window = re.sub(r"\s+\S*$", "", window, count=1)
    return window


def _line_of(block: Block, cell: Cell, amount: Amount) -> int:
    if len(block.quote) <= MAX_QUOTE:
        return block.start
    begin = block.quote.find(_quote(block, cell, amount))
    return block.start + block.quote.count("\n", 0, max(0, begin))


def _bare_figure(block: Block, cell: Cell, comma: bool) -> Iterator[Draft]:
    """Read "| Charge voltage | 3.65 | V |": the figure in a column of values, its unit in the column of units."""
    column = cell.heading.lower().strip(".")
    figure = cell.text.strip()
    literal = next((other.text.strip() for other in block.cells if other.heading.lower() in {"unit", "units"}), "")
    unit = RATE_UNIT if literal == "C" and _CURRENT.search(block.key) else normalised(literal)
    value = number(figure, decimal_comma=comma) if re.fullmatch(r"[-+\u2212]?\d[\d.,]*", figure) else None
    if column in _STATED_COLUMNS and unit is not None and value is not None:
        yield Draft(
            start=block.start,
            quote=block.quote[: MAX_QUOTE * 2],
            subject=block.key[:MAX_SUBJECT],
            kind=FactKind.QUANTITY,
            figures=(figure,),
            literal=literal,
            value=value,
            unit=unit,
            qualifier=_STATED_COLUMNS[column],
            context=block.context,
        )


def _missing(block: Block, cell: Cell, word: str) -> Draft:
    remark = re.sub(r"\s+", " ", cell.text).strip()
    is_remark = bool(block.key) and remark.lower() != word.lower()
    subject = f"{block.key} ({remark})" if is_remark else block.key or remark
    quote = block.quote if len(block.quote) <= MAX_QUOTE else block.quote[:MAX_QUOTE]
    return Draft(
        start=block.start,
        quote=quote,
        subject=subject[:MAX_SUBJECT],
        kind=FactKind.MISSING,
        text=word,
        context=block.context,
    )


def _miscounts(document: str, source: Source, table: Table) -> Iterator[Finding]:
    for index, listed, stated in miscounted(table):
        line = source.lines[index]
        words = f"The row lists {listed} designators but its quantity is {stated}."
        evidence = (Evidence(document=document, place=line.place, quote=line.text),)
        yield finding(FindingKind.IMPLAUSIBLE, Severity.MEDIUM, words, evidence)
