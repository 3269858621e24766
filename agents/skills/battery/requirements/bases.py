"""Which base of the limits a fact of a document speaks about, judged by its words, unit and size.

1. Only what a document states about the whole counts: no readings of a pack, nothing decoded, counted or drawn, no
   range within which a setting may lie, nothing under the heading of a component.
2. Whether a figure can belong to this pack at all is for `agents.skills.battery.requirements.belonging`.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Final

from agents.skills.battery.requirements import phrases
from agents.skills.battery.requirements.pack import PackSettings
from agents.skills.facts import Fact, FactKind
from agents.skills.matching import DRAWING, is_compared, item_of
from agents.skills.packs import is_record
from gates.design.figures import RATE
from gates.design.files import Relation
from gates.units import RATE_UNIT, convert, dimension


class Base(StrEnum):
    """What limits are counted from; the column `of` in the practice."""

    CELL_MAX = "cell max"
    CELL_MIN = "cell min"
    PACK_MAX = "pack max"
    PACK_MIN = "pack min"
    STANDARD_CURRENT = "standard current"
    CURRENT_MAX = "current max"
    CHARGE_CURRENT_MAX = "charge current max"
    DISCHARGE_CURRENT_MAX = "discharge current max"
    CHARGE_TEMPERATURE_MIN = "charge temperature min"
    CHARGE_TEMPERATURE_MAX = "charge temperature max"
    DISCHARGE_TEMPERATURE_MIN = "discharge temperature min"
    DISCHARGE_TEMPERATURE_MAX = "discharge temperature max"


@dataclass(frozen=True, slots=True)
class Bound:
    """What a fact says about a base. figure: as the document gives it; capacity: of the pack in Ah, for rates."""

    base: Base
    relation: Relation
    figure: Decimal
    fact: Fact
    capacity: Decimal

    @property
    def unit(self) -> str:
        """The unit of the figure, as the gate names it."""
        return RATE if self.fact.unit == RATE_UNIT else self.fact.unit

    @property
    def value(self) -> Decimal:
        """The figure in V, A or degC."""
        if self.unit == RATE:
            return self.figure * self.capacity
        return convert(self.figure, _of_one(self.unit), _UNIT[self.base])


_UNIT: Final = {
    base: "V" if "cell" in base or "pack" in base else "degC" if "temperature" in base else "A" for base in Base
}
_CELL_V: Final = (Decimal("0.8"), Decimal(5))  # what one cell of any chemistry can have


def stated(facts: Sequence[Fact]) -> list[Fact]:
    """Return the facts that speak of the whole as somebody states it (rule 1)."""
    records = {name for name in {fact.claim.document for fact in facts} if is_record(facts, name)}
    return [
        fact for fact in facts if is_compared(fact) and not _is_of_part(fact) and fact.claim.document not in records
    ]


def _is_of_part(fact: Fact) -> bool:
    """Whether a fact stands under the heading of a component; the title of a document says what all of it is about."""
    title, _, below = fact.context.partition(" > ")
    return bool(item_of(fact)) and ((bool(below) and item_of(fact) not in title) or fact.context == DRAWING)


def bounds(facts: Iterable[Fact], pack: PackSettings) -> Iterator[Bound]:
    """Yield what stated facts say about the bases."""
    listed = list(facts)
    ends = {_row_of(fact) for fact in listed if fact.qualifier in {"min", "max"}}
    for fact in listed:
        words = phrases.own_words(fact)
        if fact.qualifier == "typ" and _row_of(fact) in ends:
            continue  # beside its ends the middle of a range limits nothing
        if phrases.is_other(words) or fact.value is None or fact.qualifier == "x" or _is_setting(fact, words):
            continue
        kind = dimension(_of_one(fact.unit))
        if kind == dimension("V"):
            told = _voltage(fact, words, pack)
        elif kind in (dimension("A"), dimension(RATE_UNIT)):
            told = _current(fact, words)
        elif kind == dimension("degC") and phrases.is_temperature(words):
            told = _temperature(fact, words)
        else:
            continue
        for base, relation, figure in told:
            yield Bound(base, relation, figure, fact, pack.capacity)


def _row_of(fact: Fact) -> tuple[str, str, str]:
    return fact.claim.document, fact.claim.place, fact.subject


_Told = tuple[Base, Relation, Decimal]


def _of_one(unit: str) -> str:
    """Return a unit without "per cell": what is said of each cell is said of one."""
    return unit.removesuffix("/cell")


def _is_setting(fact: Fact, words: str) -> bool:
    """Whether a range says what may be set, as in a table of registers: 1.0 to 4.5 V for a protection voltage."""
    return fact.kind is FactKind.RANGE and phrases.is_setting(words)


def _low(fact: Fact) -> Decimal:
    assert fact.value is not None  # `bounds` asks
    return min(fact.value, fact.value if fact.value_high is None else fact.value_high)


def _high(fact: Fact) -> Decimal:
    assert fact.value is not None  # `bounds` asks
    return max(fact.value, fact.value if fact.value_high is None else fact.value_high)


def _voltage(fact: Fact, words: str, pack: PackSettings) -> Iterator[_Told]:
    high = convert(_high(fact), _of_one(fact.unit), "V")
    is_cell = _CELL_V[0] <= high <= _CELL_V[1] or fact.unit != _of_one(fact.unit)
    if not is_cell and (pack.cells == 1 or high < pack.cells * pack.nominal_voltage / 2):
        return
    top, bottom = (Base.CELL_MAX, Base.CELL_MIN) if is_cell else (Base.PACK_MAX, Base.PACK_MIN)
    if fact.value_high is not None and phrases.is_advised(words):
        return
    if phrases.is_supplied(words):
        # What a device is fed with tells what it bears; of a few volts it tells nothing about a cell.
        if not is_cell and (fact.value_high is not None or phrases.says_top(fact, words)):
            yield top, Relation.AT_MOST, _high(fact)
    elif fact.value_high is not None:
        yield from _voltage_range(fact, words, top, bottom)
    elif phrases.is_charge(words) and phrases.is_discharge(words):
        # "Cut-off (charge/discharge): 3.65 V / 2.5 V": which of the two is meant the size tells.
        is_top = high > pack.nominal_voltage * (1 if is_cell else pack.cells)
        yield (top, Relation.AT_MOST, _high(fact)) if is_top else (bottom, Relation.AT_LEAST, _low(fact))
    elif phrases.says_top(fact, words):
        yield top, Relation.AT_MOST, _high(fact)
    elif phrases.says_bottom(fact, words):
        yield bottom, Relation.AT_LEAST, _low(fact)


def _voltage_range(fact: Fact, words: str, top: Base, bottom: Base) -> Iterator[_Told]:
    """Of a range for charging only the upper end is a limit, of one for discharging only the lower."""
    is_charge, is_discharge = phrases.is_charge(words), phrases.is_discharge(words)
    if not phrases.is_voltage(words) or not (phrases.is_working_range(words) or is_charge or is_discharge):
        return
    if is_charge or not is_discharge:
        yield top, Relation.AT_MOST, _high(fact)
    # What a device needs at least limits the device, not the battery.
    if (is_discharge or not is_charge) and (bottom is Base.CELL_MIN or is_of_pack(words)):
        yield bottom, Relation.AT_LEAST, _low(fact)


def is_of_pack(words: str) -> bool:
    """Whether words name the battery as a whole."""
    return any(name in words.lower() for name in ("pack", "batter", "akku"))


def _current(fact: Fact, words: str) -> Iterator[_Told]:
    if not phrases.is_current(words) or phrases.is_supplied(words) or _low(fact) <= 0:
        return
    is_charge, is_discharge = phrases.is_charge(words), phrases.is_discharge(words)
    is_running = phrases.is_for_long(fact, words)
    figure = _low(fact)  # of "70 A to 100 A" only the lower holds for every version of the thing
    if phrases.is_standard(words) and not is_running:
        if is_charge or is_discharge:
            yield Base.STANDARD_CURRENT, Relation.AT_MOST, figure
    elif is_running and is_charge and not is_discharge:
        yield Base.CHARGE_CURRENT_MAX, Relation.AT_MOST, figure
    elif is_running and is_discharge and not is_charge:
        yield Base.DISCHARGE_CURRENT_MAX, Relation.AT_MOST, figure
    elif is_running:
        yield Base.CURRENT_MAX, Relation.AT_MOST, figure


def _temperature(fact: Fact, words: str) -> Iterator[_Told]:
    is_charge, is_discharge = phrases.is_charge(words), phrases.is_discharge(words)
    if not is_charge and not is_discharge:
        # Without a word about either, what a cell is run in holds for both; a device's range is its own.
        is_both = fact.value_high is not None and phrases.is_working(words) and "cell" in _place_words(fact)
        is_charge = is_discharge = is_both and not phrases.is_device(_place_words(fact))
    is_low, is_high = phrases.says_low(fact, words), phrases.says_high(fact, words)
    for is_meant, low, high in (
        (is_charge, Base.CHARGE_TEMPERATURE_MIN, Base.CHARGE_TEMPERATURE_MAX),
        (is_discharge, Base.DISCHARGE_TEMPERATURE_MIN, Base.DISCHARGE_TEMPERATURE_MAX),
    ):
        if is_meant and is_low:
            yield low, Relation.AT_LEAST, _low(fact)
        if is_meant and is_high:
            yield high, Relation.AT_MOST, _high(fact)


def _place_words(fact: Fact) -> str:
    return f"{fact.claim.document} {fact.context} {fact.subject}".lower().replace("zelle", "cell")
