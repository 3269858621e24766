"""Which channels measure what a limit watches, how far they reach and how far they may be off.

1. A channel measures a limit's quantity when their units are of one dimension and their names share words; of several
   the ones that share most, and for a difference all that do. One voltage is not another, so a voltage needs a word
   in common; a current or a temperature does not.
2. What a channel is worth is worked out from its terms, its span and its bits, not from what its author says of it.
"""

import re
from collections.abc import Iterator
from decimal import ROUND_FLOOR, Decimal

from gates.design.files import Channel, DesignFile, Element, Limit
from gates.units import convert, dimension, normalised

# A difference of one reading to another is off by what both are off.
_DIFFERENCE = re.compile(r"delta|differ|spread|mismatch|deviat|drift|reference-fault|against", re.IGNORECASE)
# Words that tell no quantity from another.
_IDLE = frozenset(
    {"a", "against", "and", "any", "at", "between", "by", "either", "for", "from", "in", "is", "it", "of", "on"}
    | {"are", "its", "no", "one", "or", "the", "to", "two", "voltage", "volt", "what", "with"}
)
_TEMPERATURES = {"degC": Decimal(1), "K": Decimal(1), "delta_degC": Decimal(1), "degF": Decimal(5) / Decimal(9)}
_FINEST = {"V": Decimal("0.001"), "mV": Decimal(1), "A": Decimal("0.1"), "mA": Decimal(100), "degC": Decimal("0.1")}


def channels_of(limit: Limit, design: DesignFile) -> tuple[Channel, ...]:
    """Return the channels that measure what a limit watches, in the order of the design."""
    alike = [channel for channel in design.channels if is_comparable(channel.unit, limit.unit)]
    wanted = words(f"{limit.name} {limit.quantity}")
    shared = [len(wanted & words(channel.name)) for channel in alike]
    most = max(shared, default=0)
    if most == 0:
        return () if is_comparable(limit.unit, "V") else tuple(alike)
    least = 1 if is_difference(limit) else most
    return tuple(channel for channel, count in zip(alike, shared, strict=True) if count >= least)


def words(text: str) -> frozenset[str]:
    """Return the words of a name that tell things apart, in the singular: "cell", "pack", "hall", but not "voltage"."""
    found = {word.removesuffix("s") for word in re.findall(r"[a-z]+", text.lower())}
    return frozenset(found - _IDLE)


def is_comparable(unit: str, other: str) -> bool:
    """Whether two units are of one dimension; an unknown unit is comparable with nothing."""
    known = [_known(unit), _known(other)]
    if None in known:
        return False
    return dimension(str(known[0])) == dimension(str(known[1]))


def _known(unit: str) -> str | None:
    return unit if unit in _TEMPERATURES else normalised(unit)


def is_difference(limit: Limit) -> bool:
    """Whether a limit watches how far two readings are apart."""
    return _DIFFERENCE.search(f"{limit.name} {limit.quantity}") is not None


def as_difference(value: Decimal, unit: str, to: str) -> Decimal:
    """Return how far apart two readings are, in another unit: 2 K are 2 °C apart, not -271 °C.

    Raises:
        ValueError: the units are of different dimensions, or one is not known.
    """
    if unit == to:
        return value
    if unit in _TEMPERATURES and to in _TEMPERATURES:
        return value * _TEMPERATURES[unit] / _TEMPERATURES[to]
    if (known := _known(unit)) is None or (wanted := _known(to)) is None:
        raise ValueError(f"{unit} is not {to}")
    return convert(value, known, wanted)


def at_input(limit: Limit, channel: Channel) -> Decimal:
    """Return a limit's value in the channel's unit; unlike a difference, 0 °C are 32 °F."""
    known, wanted = _known(limit.unit), _known(channel.unit)
    if known is None or wanted is None or is_difference(limit):
        return as_difference(limit.value, limit.unit, channel.unit)
    return convert(limit.value, known, wanted)


def is_in_reach(channel: Channel, limit: Limit) -> bool:
    """Whether a reading beyond the limit still lies within the channel's span; a current flows both ways."""
    span = as_difference(channel.span, channel.unit, limit.unit)
    if is_comparable(limit.unit, "A"):
        span /= 2
    return abs(limit.value) + error_of(channel, limit) <= span


def error_of(channel: Channel, limit: Limit) -> Decimal:
    """Return by how much a channel may be off at worst, in the limit's unit; twice that for a difference."""
    return as_difference(channel.total, channel.unit, limit.unit) * (2 if is_difference(limit) else 1)


def apart(limit: Limit, design: DesignFile, cells: int) -> Decimal:
    """Return how far two healthy readings may seem apart at worst, in the unit of the limit that compares them.

    cells: how many readings a sum of the cells adds up, each with its own error.
    """
    compared = channels_of(limit, design)
    if len(compared) == 1:
        return error_of(compared[0], limit)
    total = Decimal(0)
    for channel in compared:
        times = cells if "sum" in words(limit.name) and "cell" in words(channel.name) else 1
        total += times * as_difference(channel.total, channel.unit, limit.unit)
    return total


def meter_error(channel: Channel) -> Decimal:
    """Return what a meter may be off if it is to judge a channel, rounded down.

    A quarter of what the channel is allowed, and no more than its error budget counts on.
    """
    counted = (term.value for term in channel.terms if term.name == "calibration")
    least = min([channel.required / 4, *counted])
    return least.quantize(Decimal(1).scaleb(least.adjusted() - 2), ROUND_FLOOR) if least else least


def unsure(limit: Limit, design: DesignFile) -> Decimal:
    """Return how far around its value a limit may or may not speak up: the worst error and one step, in its unit.

    A limit that no channel measures is given a fiftieth of its value: it has to be tested all the same.
    """
    widths = [
        error_of(channel, limit) + as_difference(channel.step, channel.unit, limit.unit)
        for channel in channels_of(limit, design)
        if is_in_reach(channel, limit)
    ]
    return max([*widths, finest(limit.unit)]) if widths else max(abs(limit.value) / 50, finest(limit.unit))


def finest(unit: str) -> Decimal:
    """Return the finest difference that a bench can set in this unit."""
    return _FINEST.get(unit, Decimal("0.001"))


def elements_in(channel: Channel, design: DesignFile) -> Iterator[Element]:
    """Yield the elements of the design that stand in a channel's chain, by id or by name."""
    chain = " | ".join(channel.chain).lower()
    for element in design.elements:
        if re.search(rf"\b{re.escape(element.id.lower())}\b", chain) or element.name.lower() in channel_links(channel):
            yield element


def named_parts(channel: Channel) -> frozenset[str]:
    """Return the parts that a channel's chain names, as far as a name with a digit in it is one: REF5040."""
    found = re.findall(r"\b[A-Z][A-Z0-9-]{3,}\b", " ".join(channel.chain))
    return frozenset(name for name in found if re.search(r"\d", name))


def channel_links(channel: Channel) -> frozenset[str]:
    """Return the links of a channel's chain, in small letters."""
    return frozenset(link.strip().lower() for link in channel.chain)
