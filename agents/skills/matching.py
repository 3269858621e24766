"""Whether two facts speak of the same thing, and whether what they say can both be true."""

import re
from dataclasses import dataclass
from decimal import Decimal

from agents.skills.facts import Fact, FactKind, Origin
from agents.skills.parts import designator_kind, is_part_number
from gates.units import convert, dimension, shown

DRAWING = "note on a drawing"

_SYNONYMS = {
    "maximum": "max",
    "max.": "max",
    "highest": "max",
    "peak": "max",
    "minimum": "min",
    "min.": "min",
    "lowest": "min",
    "temp": "temperature",
    "temp.": "temperature",
    "volt": "voltage",
    "volts": "voltage",
    "curr": "current",
    "amps": "current",
    "diff": "difference",
    "delta": "difference",
    "ave": "average",
    "avg": "average",
    "mean": "average",
    "mass": "weight",
    "size": "dimension",
    "baud": "baudrate",
    "baud-rate": "baudrate",
    "discharging": "discharge",
    "charging": "charge",
}
# Words that do not tell one quantity from another. "operating" goes because "maximum operating voltage" and "maximum
# voltage" of one device are one limit; what belongs to a part is told apart by the headings, not by these words.
_EMPTY = frozenset(
    re.findall(
        r"\w+",
        "the a an of and or for in on at to is are be by with from its it this that value rated operating nominal"
        " typical typ bms board device system unit product module used allowed permitted permissible each per approx"
        " about up rating specification limit limits",
    )
)
# Words that many quantities share; they make no lookalike.
_COMMON = frozenset(
    re.findall(
        r"\w+",
        "max min current voltage temperature power capacity resistance mode cell cells battery pack part time range"
        " total charge discharge average high low single level protection delay recovery dimension number quantity",
    )
)


@dataclass(frozen=True, slots=True)
class Interval:
    """What a fact allows, in one unit; None for an open side."""

    low: Decimal | None
    high: Decimal | None

    def meets(self, other: "Interval") -> bool:
        """Whether some value satisfies both."""
        return not _is_below(self.high, other.low) and not _is_below(other.high, self.low)


def _is_below(high: Decimal | None, low: Decimal | None) -> bool:
    return high is not None and low is not None and high < low


def words_of(fact: Fact) -> frozenset[str]:
    """Return the words of a subject that tell it from others, in one spelling and number."""
    found = re.findall(r"[a-z][a-z0-9+_-]*\.?|\d+", fact.subject.lower())
    words = (_SYNONYMS.get(word, word.rstrip(".")) for word in found)
    telling = {_singular(_SYNONYMS.get(word, word)) for word in words if word not in _EMPTY}
    if fact.qualifier in {"max", "min"}:
        telling.add(fact.qualifier)
    return frozenset(telling)


def _singular(word: str) -> str:
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word


def telling_words(fact: Fact) -> frozenset[str]:
    """Return the words of a subject that few other quantities share."""
    return frozenset(word for word in words_of(fact) - _COMMON if len(word) > 3 and word.isalpha())


def item_of(fact: Fact) -> str:
    """Return the part whose heading a fact stands under, "" when it speaks of the whole.

    Notes on a drawing stand beside the detail they mean, which is lost in its text: they never speak of the whole.
    """
    if fact.context == DRAWING:
        return DRAWING
    for heading in reversed(fact.context.split(" > ")):
        for found in re.finditer(r"[A-Z][A-Z0-9.-]{3,}", heading):
            if is_part_number(found[0]):
                return found[0]
    return ""


def is_about_title(fact: Fact) -> bool:
    """Whether a fact stands under the title of its document alone: it may speak of what others call the whole."""
    return " > " not in fact.context and fact.context != DRAWING


def is_compared(fact: Fact) -> bool:
    """Whether a fact is a stated amount that other documents may state too: not counted, decoded or a part's value."""
    has_amount = fact.kind in {FactKind.QUANTITY, FactKind.RANGE, FactKind.COUNT} and fact.value is not None
    is_stated = fact.origin is Origin.STATED and bool(fact.unit) and fact.unit != "piece"
    return has_amount and is_stated and designator_kind(re.split(r"[,\s]", fact.subject)[0]) is None


def interval(fact: Fact, unit: str) -> Interval:
    """Return what a fact allows, in a unit of its dimension.

    Raises:
        ValueError: the unit is of another dimension.
    """
    assert fact.value is not None  # callers ask is_compared first
    low = convert(fact.value, fact.unit, unit)
    if fact.qualifier == "<":
        return Interval(None, low)
    if fact.qualifier == ">":
        return Interval(low, None)
    high = convert(fact.value_high, fact.unit, unit) if fact.value_high is not None else low
    return Interval(low, high)


def can_both_hold(one: Fact, other: Fact) -> bool:
    """Whether two amounts of one dimension are compatible; figures are taken as exact as they are written."""
    if "x" in {one.qualifier, other.qualifier}:
        return _sides(one, one.unit) == _sides(other, one.unit)
    return _widened(one, one.unit).meets(_widened(other, one.unit))


def _sides(fact: Fact, unit: str) -> list[Decimal]:
    return sorted(convert(value, fact.unit, unit) for value in (fact.value, fact.value_high) if value is not None)


def _widened(fact: Fact, unit: str) -> Interval:
    """Widen by half the last digit as written: 3.27 V and 3.273 V agree; and by a tenth where it says "about"."""
    bounds = interval(fact, unit)
    slack = _half_digit(fact, unit)
    low = None if bounds.low is None else bounds.low - slack
    high = None if bounds.high is None else bounds.high + slack
    return Interval(low, high)


def _half_digit(fact: Fact, unit: str) -> Decimal:
    assert fact.value is not None  # callers ask is_compared first
    if fact.qualifier in {"~", "typ"}:
        return abs(convert(fact.value, fact.unit, unit)) / 10
    tolerance = re.match(r"(?:\u00b1|\+/?-)\s*(\d+(?:\.\d+)?)", fact.note)
    if tolerance is not None:
        return convert(Decimal(tolerance[1]), fact.unit, unit)
    exponent = fact.value.as_tuple().exponent
    if not isinstance(exponent, int) or exponent >= 0 or fact.unit.startswith("deg"):
        return Decimal(0)
    return abs(convert(Decimal(5).scaleb(exponent - 1), fact.unit, unit))


def same_dimension(one: Fact, other: Fact) -> bool:
    """Whether two facts can be compared at all."""
    return dimension(one.unit) == dimension(other.unit)


def ratio(one: Fact, other: Fact) -> Decimal | None:
    """Return how many times as large the larger is, None where that says nothing: zero, signs, temperatures, ranges."""
    if one.unit.startswith("deg") or one.value is None or other.value is None:
        return None
    if one.value_high is not None or other.value_high is not None:
        return None
    first, second = one.value, convert(other.value, other.unit, one.unit)
    if first <= 0 or second <= 0:
        return None
    return max(first, second) / min(first, second)


def amount_text(fact: Fact) -> str:
    """Return the amount as a person writes it."""
    joint = " x " if fact.qualifier == "x" else " to "
    figures = joint.join(f"{value:f}" for value in (fact.value, fact.value_high) if value is not None)
    qualifier = "" if fact.qualifier == "x" else fact.qualifier
    return " ".join(filter(None, (qualifier, figures, shown(fact.unit))))
