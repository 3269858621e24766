"""Figures of a design as people write them: plain text, for files and drawings. Markdown escapes them on its own.

What is exact is said to its last digit by gates.design.words.quantity; here is what was worked out.
"""

from decimal import ROUND_UP, Decimal
from typing import Final

from gates.design.words import quantity

_MANY: Final = 1_000_000


def rounded_up(value: Decimal, unit: str) -> str:
    """Return a quantity with three digits, 4.13 mV, rounded up, so that it never looks smaller than it is."""
    places = max(0, 2 - value.adjusted()) if value else 0
    return quantity(value.quantize(Decimal(1).scaleb(-min(places, 12)), ROUND_UP), unit)


def plus_minus(value: Decimal, unit: str) -> str:
    """Return an error either way: ±4.13 mV."""
    return f"±{rounded_up(value, unit)}"


def times(ratio: Decimal) -> str:
    """Return how many times something is something else: 6.85 times."""
    return f"more than {_MANY} times" if ratio > _MANY else f"{rounded_up(ratio, '')} times"


def counted(cells: int) -> str:
    """Return how many cells there are, in words."""
    return f"{cells} cell" if cells == 1 else f"{cells} cells"
