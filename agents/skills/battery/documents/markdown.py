"""Pieces of Markdown that all documents of a design share. Words from documents are escaped, nothing of them acts."""

import re
from collections.abc import Iterable, Sequence
from decimal import Decimal

from agents.skills.battery.figures import plus_minus
from agents.skills.facts_report import escaped
from gates.claims import Claim
from gates.design.words import quantity


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Return the lines of a table; the cells are Markdown already."""
    lines = [f"| {' | '.join(head)} |", f"|{' --- |' * len(head)}"]
    lines += [f"| {' | '.join(row)} |" for row in rows]
    return [*lines, ""]


def said(claim: Claim) -> str:
    """Return where something stands and the words themselves."""
    return f"{escaped(claim.document)}, {escaped(claim.place)}: “{escaped(claim.quote)}”"


def amount(value: Decimal, unit: str) -> str:
    """Return a quantity to its last digit: 3.65 V, -10 °C."""
    return escaped(quantity(value, unit))


def error(value: Decimal, unit: str) -> str:
    """Return an error either way, rounded up to three digits: ±4.13 mV."""
    return escaped(plus_minus(value, unit))


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
