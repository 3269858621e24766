"""Words of bits with a name for each."""

from collections.abc import Sequence


def named(bits: int, names: Sequence[str | None]) -> frozenset[str]:
    """Return the names of the bits that are set, the lowest first; one without a name is told by its number."""
    known = dict(enumerate(names))
    return frozenset(known.get(bit) or f"bit-{bit}" for bit in range(bits.bit_length()) if bits >> bit & 1)
