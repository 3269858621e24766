"""Pieces of Markdown that all documents of a design share. Words from documents are escaped, nothing of them acts."""

import re
from collections.abc import Iterable, Sequence
from decimal import ROUND_UP, Decimal

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


def counted(cells: int) -> str:
    """Return how many cells there are, in words."""
    return f"{cells} cell" if cells == 1 else f"{cells} cells"


def error(value: Decimal, unit: str) -> str:
    """Return an error as people write it, ±4.13 mV: three digits, rounded up, so that it never looks smaller."""
    places = max(0, 2 - value.adjusted()) if value else 0
    return f"±{amount(value.quantize(Decimal(1).scaleb(-min(places, 12)), ROUND_UP), unit)}"


def linked(requirement: str) -> str:
    """Return a requirement's id as a link to where it stands in SAFETY_REQUIREMENTS.md."""
    anchor = re.sub(r"[^a-z0-9_-]", "", requirement.lower())
    return f"[{escaped(requirement)}](SAFETY_REQUIREMENTS.md#{anchor})"
