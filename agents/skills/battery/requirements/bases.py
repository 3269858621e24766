"""Which base of the limits a fact of a document speaks about, judged by its words, unit and size.

1. Only what a document states about the whole counts: no readings of a pack, nothing decoded, counted or drawn, no
   range within which a setting may lie, nothing under the heading of a component.
2. A figure that cannot belong to this cell, such as the charge limit of another chemistry, is set aside and named.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Final

from agents.skills.battery.requirements.pack import PackSettings
from agents.skills.facts import Fact, FactKind
from agents.skills.matching import DRAWING, is_compared, item_of
from agents.skills.packs import is_record
from gates.design.files import Relation
from gates.units import convert, dimension


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
    """What a fact says about a base. figure: as the document gives it, in the fact's own unit."""

    base: Base
    relation: Relation
    figure: Decimal
    fact: Fact

    @property
    def value(self) -> Decimal:
        """The figure in V, A or degC."""
        return convert(self.figure, self.fact.unit, _UNIT[self.base])


_UNIT: Final = {
    base: "V" if "cell" in base or "pack" in base else "degC" if "temperature" in base else "A" for base in Base
}
# A setting's range, what a part of the electronics draws, and peaks of some seconds limit nothing for long.
_OTHER: Final = re.compile(
    r"\b(?:balanc\w*|standby|stand-by|sleep|deepsleep|shutdown|quiescent|consumption|leakage|self|supply|peak|pulsed?"
    r"|short|inrush|fuse|connectors?|calibration|accuracy|resolution|offset|precharge|heat\w*|recovery|release"
    r"|delay|storage|ambient|difference|diff|delta|float|level|unit|input|output|signal|logic|gate|coil|relay)\b",
    re.I,
)
_MAX: Final = re.compile(r"\b(?:max(?:imum|\.)?|highest|upper|over-?voltage|limit(?:ed)?|up to)\b", re.I)
_MIN: Final = re.compile(r"\b(?:min(?:imum|\.)?|lowest|lower|under-?voltage)\b", re.I)
_END: Final = re.compile(r"\b(?:cut-?\s?off|end|termination|limit(?:ed)?|stop|final)\b", re.I)
_CHARGE: Final = re.compile(r"\bcharg(?:e|ing)\b", re.I)
_DISCHARGE: Final = re.compile(r"\bdischarg(?:e|ing)\b", re.I)
_STANDARD: Final = re.compile(r"\b(?:standard|recommended|rated|nominal)\b", re.I)
_RUNNING: Final = re.compile(r"\b(?:continuous|permanent|sustained)\b", re.I)
_WORKING: Final = re.compile(r"\b(?:operating|working|usable|allowed|permitted)\b", re.I)
_TEMPERATURE: Final = re.compile(r"\btemp(?:erature)?\b", re.I)
_VOLTAGE: Final = re.compile(r"\bvolt(?:age|s)?\b", re.I)
_CURRENT: Final = re.compile(r"\bcurrents?\b", re.I)
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
    """Yield what stated facts say about the bases; whether it can belong to this cell is for `belongs`."""
    for fact in facts:
        if _OTHER.search(fact.subject) or fact.value is None or fact.qualifier == "x" or _is_setting(fact):
            continue
        kind = dimension(fact.unit)
        if kind == dimension("V") and fact.unit != "V/cell":
            yield from _voltage(fact, pack)
        elif kind == dimension("A"):
            yield from _current(fact)
        elif kind == dimension("degC") and _TEMPERATURE.search(fact.subject):
            yield from _temperature(fact)


def _is_setting(fact: Fact) -> bool:
    """Whether a range says what may be set, as in a table of registers: 1.0 to 4.5 V for a protection voltage."""
    return (
        fact.kind is FactKind.RANGE
        and re.search(r"\b(?:protection|alarm|value|threshold)\b", fact.subject, re.I) is not None
    )


def _low(fact: Fact) -> Decimal:
    assert fact.value is not None  # `bounds` asks
    return min(fact.value, fact.value if fact.value_high is None else fact.value_high)


def _high(fact: Fact) -> Decimal:
    assert fact.value is not None  # `bounds` asks
    return max(fact.value, fact.value if fact.value_high is None else fact.value_high)


def _voltage(fact: Fact, pack: PackSettings) -> Iterator[Bound]:
    words, high = fact.subject, convert(_high(fact), fact.unit, "V")
    is_cell = _CELL_V[0] <= high <= _CELL_V[1]
    if fact.value_high is not None:
        if is_cell and _WORKING.search(words) and _VOLTAGE.search(words):
            yield Bound(Base.CELL_MIN, Relation.AT_LEAST, _low(fact), fact)
            yield Bound(Base.CELL_MAX, Relation.AT_MOST, _high(fact), fact)
        return
    is_whole = high >= pack.cells * pack.nominal_voltage / 2 and pack.cells > 1
    if not (is_cell or is_whole):
        return
    if _says_top(fact):
        yield Bound(Base.CELL_MAX if is_cell else Base.PACK_MAX, Relation.AT_MOST, _high(fact), fact)
    elif _says_bottom(fact):
        yield Bound(Base.CELL_MIN if is_cell else Base.PACK_MIN, Relation.AT_LEAST, _low(fact), fact)


def _says_top(fact: Fact) -> bool:
    words = fact.subject
    is_end = _CHARGE.search(words) and not _DISCHARGE.search(words) and (_END.search(words) or _MAX.search(words))
    is_top = (_MAX.search(words) or fact.qualifier == "max") and _VOLTAGE.search(words) and not _DISCHARGE.search(words)
    return bool(is_end or is_top)


def _says_bottom(fact: Fact) -> bool:
    words = fact.subject
    is_end = _DISCHARGE.search(words) and (_END.search(words) or _MIN.search(words))
    return bool(is_end or ((_MIN.search(words) or fact.qualifier == "min") and _VOLTAGE.search(words)))


def _current(fact: Fact) -> Iterator[Bound]:
    words = fact.subject
    if not _CURRENT.search(words) or _low(fact) <= 0:
        return
    is_running = _RUNNING.search(words) or _MAX.search(words) or fact.qualifier in {"max", "<"}
    figure = _low(fact)  # of "70 A to 100 A" only the lower holds for every version of the thing
    if _STANDARD.search(words) and not is_running and (_CHARGE.search(words) or _DISCHARGE.search(words)):
        yield Bound(Base.STANDARD_CURRENT, Relation.AT_MOST, figure, fact)
    elif is_running and _CHARGE.search(words) and not _DISCHARGE.search(words):
        yield Bound(Base.CHARGE_CURRENT_MAX, Relation.AT_MOST, figure, fact)
    elif is_running and _DISCHARGE.search(words) and not _CHARGE.search(words):
        yield Bound(Base.DISCHARGE_CURRENT_MAX, Relation.AT_MOST, figure, fact)
    elif is_running:
        yield Bound(Base.CURRENT_MAX, Relation.AT_MOST, figure, fact)


def _temperature(fact: Fact) -> Iterator[Bound]:
    words = fact.subject
    is_charge, is_discharge = bool(_CHARGE.search(words)), bool(_DISCHARGE.search(words))
    is_low = fact.value_high is not None or _MIN.search(words) or fact.qualifier in {"min", ">"}
    is_high = fact.value_high is not None or _MAX.search(words) or fact.qualifier in {"max", "<"}
    for is_meant, low, high in (
        (is_charge, Base.CHARGE_TEMPERATURE_MIN, Base.CHARGE_TEMPERATURE_MAX),
        (is_discharge, Base.DISCHARGE_TEMPERATURE_MIN, Base.DISCHARGE_TEMPERATURE_MAX),
    ):
        if is_meant and is_low:
            yield Bound(low, Relation.AT_LEAST, _low(fact), fact)
        if is_meant and is_high:
            yield Bound(high, Relation.AT_MOST, _high(fact), fact)


def belongs(bound: Bound, pack: PackSettings) -> bool:
    """Whether a bound can be about this cell (rule 2)."""
    value, nominal = bound.value, pack.nominal_voltage
    if bound.base is Base.CELL_MAX:
        return value > nominal
    if bound.base is Base.CELL_MIN:
        return value < nominal
    if bound.base is Base.PACK_MIN:
        return value < pack.cells * nominal
    if bound.base in (Base.CHARGE_TEMPERATURE_MIN, Base.DISCHARGE_TEMPERATURE_MIN):
        return value < 20
    if bound.base in (Base.CHARGE_TEMPERATURE_MAX, Base.DISCHARGE_TEMPERATURE_MAX):
        return value > 20
    if bound.base is Base.PACK_MAX:
        return True
    return value >= pack.max_current / 10  # what a tenth of the current goes through is not in the main lead


def is_rating(bound: Bound) -> bool:
    """Whether a highest voltage is what a device bears, not what a pack is charged to."""
    return bound.base is Base.PACK_MAX and not re.search(r"\b(?:pack|battery|charg\w*)\b", bound.fact.subject, re.I)
