"""Pieces of Markdown that all documents of a design share. Words from documents are escaped, nothing of them acts."""

from collections.abc import Iterable, Sequence
from decimal import Decimal

from agents.skills.facts_report import escaped
from gates.claims import Claim
from gates.units import shown


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Return the lines of a table; the cells are Markdown already."""
    lines = [f"| {' | '.join(head)} |", f"|{' --- |' * len(head)}"]
    lines += [f"| {' | '.join(row)} |" for row in rows]
    return [*lines, ""]


def said(claim: Claim) -> str:
    """Return where something stands and the words themselves."""
    return f"{escaped(claim.document)}, {escaped(claim.place)}: “{escaped(claim.quote)}”"


def amount(value: Decimal, unit: str) -> str:
    """Return a quantity as people write it: 3.65 V, -10 °C."""
    digits = f"{value.normalize():f}" if value else "0"
    return f"{digits} {shown(unit)}"
