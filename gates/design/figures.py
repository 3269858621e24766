"""What the words of a claim say as figures with a unit, and how those are counted in another unit."""

import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Final

from gates.claims import Claim
from gates.design.files import Pack
from gates.units import SPELLINGS, convert, dimension, normalised, number

RATE: Final = "C"
"""A current as a multiple of the capacity: 0.5C empties 280 Ah with 140 A in two hours. pint's "C" is the coulomb."""

# A configuration names the unit in its key: "max_v: 3.65". Source: the keys of pack.yaml.
_KEYED: Final = {
    "v": "V",
    "mv": "mV",
    "a": "A",
    "ma": "mA",
    "ah": "Ah",
    "c": "degC",
    "s": "s",
    "ms": "ms",
    "usd": "USD",
}
_KEY: Final = re.compile(r"""\w_(?P<unit>[A-Za-z]{1,3})["']?\s*[:=]""")
_KNOWN: Final = frozenset(SPELLINGS.values())


def figures_of(claim: Claim) -> frozenset[Decimal]:
    """Return the figures of a claim as numbers.

    "3,650" is read both ways: which one its document means, a single quote cannot tell; a slip by a thousand is
    caught where the limit is held against the pack.
    """
    return frozenset(value for literal in claim.figure for value in _readings(literal))


def _readings(literal: str) -> Iterator[Decimal]:
    for comma in (False, True):
        value = number(literal, decimal_comma=comma)
        if value is not None and -60 < value.adjusted() < 12:
            yield value
            if "\u00b1" in literal:
                yield -value


def unit_of(claim: Claim) -> str | None:
    """Return the unit of a claim as pint writes it, or None where its words name none that we know.

    Where no unit stands with the figure, the key in front of it may: "max_v: 3.65".
    """
    if claim.unit:
        return RATE if claim.unit == RATE else normalised(claim.unit)
    keys = {found["unit"].lower() for found in _KEY.finditer(claim.quote)}
    return _KEYED.get(keys.pop()) if len(keys) == 1 else None


def is_of(unit: str, other: str) -> bool:
    """Whether two units measure the same thing; a unit that nobody knows measures nothing."""
    return {_plain(unit), other} <= _KNOWN and dimension(_plain(unit)) == dimension(other)


def counted(value: Decimal, unit: str, to: str, pack: Pack) -> Decimal:
    """Return a value in another unit: a rate by the capacity of the pack, "per cell" as of one cell.

    Raises:
        ValueError: the units do not measure the same thing.
    """
    if unit == RATE:
        value, unit = value * pack.capacity_ah, "A"
    if not is_of(unit, to):
        raise ValueError(f"{unit or 'no unit'} is not {to}")
    return convert(value, _plain(unit), to)


def _plain(unit: str) -> str:
    return unit.removesuffix("/cell")
