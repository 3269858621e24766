"""Pieces of Markdown that all documents of a design share. Words from documents are escaped, nothing of them acts."""

import re
from collections.abc import Iterable, Sequence
from decimal import ROUND_UP, Decimal
from typing import Final

from agents.skills.facts_report import escaped
from gates.claims import Claim
from gates.units import shown

_MANY: Final = 1_000_000


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
    return f"{digits} {escaped(shown(unit), 40)}"


def counted(cells: int) -> str:
    """Return how many cells there are, in words."""
    return f"{cells} cell" if cells == 1 else f"{cells} cells"


def error(value: Decimal, unit: str) -> str:
    """Return an error as people write it, ±4.13 mV: three digits, rounded up, so that it never looks smaller."""
    places = max(0, 2 - value.adjusted()) if value else 0
    return f"±{amount(value.quantize(Decimal(1).scaleb(-min(places, 12)), ROUND_UP), unit)}"


def times(ratio: Decimal) -> str:
    """Return how many times something is something else, with three digits: 6.85 times."""
    if ratio > _MANY:
        return f"more than {_MANY} times"
    return f"{error(ratio, '').removeprefix('±').strip()} times"


def linked(requirement: str) -> str:
    """Return a requirement's id as a link to where it stands in SAFETY_REQUIREMENTS.md."""
    anchor = re.sub(r"[^a-z0-9_-]", "", requirement.lower())
    return f"[{escaped(requirement)}](SAFETY_REQUIREMENTS.md#{anchor})"


def numbered(steps: Iterable[str]) -> list[str]:
    """Return the lines of a numbered list; the steps are Markdown already."""
    return [*(f"{number}. {step}" for number, step in enumerate(steps, 1)), ""]


def prose(text: str) -> str:
    """Return words of a design or a document as Markdown shows them, a paragraph at most."""
    return escaped(text, 600) or "–"


def page(lines: Iterable[str]) -> bytes:
    """Return the bytes of a document from its lines."""
    return ("\n".join(lines).rstrip() + "\n").encode("utf-8", "replace")


NO_PROTECTION = (
    "It monitors and warns. **It does not protect**: nothing in it opens a contactor, limits a current or disconnects "
    "a charger. A battery management system and a fuse of their own have to do that, also when this monitor is off. "
    "No conformity with any standard is claimed."
)
