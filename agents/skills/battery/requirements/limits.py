"""Limits from practice, configuration and documents: the strictest holds, and each rests on words that are cited."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Final

from agents.skills.battery.requirements.bases import Base, Bound
from agents.skills.battery.requirements.citations import Amount, Citations, Words, amount_in
from agents.skills.battery.requirements.pack import PackSettings
from agents.skills.battery.requirements.phrases import is_charge as is_for_charge
from agents.skills.battery.requirements.phrases import is_discharge as is_for_discharge
from agents.skills.battery.requirements.practice import LimitRule, Practice
from gates.design.figures import RATE
from gates.design.files import Basis, Direction, Limit, Relation
from gates.units import convert
from protocol.errors import SourceError

_HUNDRED: Final = Decimal(100)
_FINEST: Final = {"V": Decimal("0.001"), "A": Decimal("0.001"), "degC": Decimal("0.1")}  # what the board counts in
# Which line of the configuration stands behind which base, and which bases a more general one bounds as well.
_CONFIGURED: Final[Mapping[Base, tuple[str, ...]]] = {
    Base.CELL_MAX: ("max_voltage",),
    Base.CELL_MIN: ("min_voltage",),
    Base.STANDARD_CURRENT: ("standard_current", "max_current"),
    Base.CURRENT_MAX: ("max_current",),
    Base.CHARGE_CURRENT_MAX: ("max_current",),
    Base.DISCHARGE_CURRENT_MAX: ("max_current",),
}
_BOUNDED_BY: Final[Mapping[Base, tuple[Base, ...]]] = {
    Base.STANDARD_CURRENT: (Base.CURRENT_MAX, Base.CHARGE_CURRENT_MAX, Base.DISCHARGE_CURRENT_MAX),
    Base.CHARGE_CURRENT_MAX: (Base.CURRENT_MAX,),
    Base.DISCHARGE_CURRENT_MAX: (Base.CURRENT_MAX,),
    Base.CURRENT_MAX: (),
}
_OF_PACK: Final[Mapping[Base, Base]] = {Base.CELL_MAX: Base.PACK_MAX, Base.CELL_MIN: Base.PACK_MIN}


@dataclass(frozen=True, slots=True)
class Configuration:
    """The configuration as words that can be cited, and what they say."""

    words: Words
    settings: PackSettings

    def amount(self, name: str) -> tuple[Amount, str, str]:
        """Return the quantity of a line with its place and its words. Raises SourceError: it has no such line."""
        for line in self.words.lines:
            if line.text.startswith(f"{name}: "):
                quote = line.text.partition("  #")[0]
                return amount_in(quote.removeprefix(f"{name}: "), f"{self.words.name}, {line.place}"), line.place, quote
        raise SourceError(f"{self.words.name} has no line {name}")

    def cite(self, name: str, citations: Citations) -> tuple[Amount, str]:
        """Cite a line; return its quantity and the claim's id."""
        amount, place, quote = self.amount(name)
        statement = f"{name.replace('_', ' ')} as configured: {amount.quote}"
        return amount, citations.cite(self.words, place, quote, statement, amount)


@dataclass(frozen=True, slots=True)
class Sources:
    """What limits follow from. bounds: those of the documents that can be about this pack."""

    practice: Practice
    configuration: Configuration
    bounds: tuple[Bound, ...]
    citations: Citations


def derived(sources: Sources) -> tuple[Limit, ...]:
    """Return the limits of the practice, each as strict as its strictest source."""
    return tuple(_limit(rule, sources) for rule in sources.practice.limits)


def strictest(base: Base, sources: Sources, quantity: str = "") -> Decimal:
    """Return what configuration and documents allow at most, or at least. Raises SourceError: none says anything."""
    values = [_value(basis, _unit_of(base), sources) for basis in _bases(base, Decimal(1), sources, quantity)]
    if not values:
        raise SourceError(f"nothing says what {base.value} is")
    return max(values) if base is Base.CELL_MIN else min(values)


def _unit_of(base: Base) -> str:
    return "V" if base in (Base.CELL_MAX, Base.CELL_MIN) else "degC" if "temperature" in base else "A"


def _limit(rule: LimitRule, sources: Sources) -> Limit:
    base = Base(rule.base) if rule.base else None
    times = _times(rule, sources.configuration.settings)
    bases = _bases(base, times, sources, rule.quantity) if base else []
    from_base = _from_base(base, times, sources, rule.quantity)
    offset = _practised(rule, times, from_base, sources)
    strict = min if rule.direction is Direction.ABOVE else max
    value = strict(_value(basis, rule.value.unit, sources) for basis in (offset, *bases))
    return Limit(
        name=rule.name,
        quantity=rule.quantity,
        level=rule.level,
        direction=rule.direction,
        value=_safely(value, rule),
        clear=_safely(_clear(rule, value, times), rule),
        unit=rule.value.unit,
        delay_s=rule.delay.value,
        bases=(offset, *bases, _delayed(rule, sources)),
        why=rule.why,
    )


def _times(rule: LimitRule, settings: PackSettings) -> Decimal:
    if rule.times == "cells":
        return Decimal(settings.cells)
    return Decimal(rule.times or 1)


def _from_base(base: Base | None, times: Decimal, sources: Sources, quantity: str) -> Decimal:
    """Return what a rule's value is counted from; a base on which only documents may speak counts from nothing."""
    return strictest(base, sources, quantity) * times if base in _CONFIGURED and base is not None else Decimal(0)


def _practised(rule: LimitRule, times: Decimal, start: Decimal, sources: Sources) -> Basis:
    words = sources.practice.words
    statement = f"{rule.name} by practice: {rule.value.quote}{f' from {rule.base}' if rule.base else ''}"
    claim = sources.citations.cite(words, rule.row.place, rule.row.text, statement, rule.value)
    relation = Relation.AT_MOST if rule.direction is Direction.ABOVE else Relation.AT_LEAST
    # A multiple of a base, such as twice the highest current, is counted into what the base gives.
    each = times if rule.times == "cells" else Decimal(1)
    return Basis(claim=claim, relation=relation, figure=rule.value.value, unit=rule.value.unit, times=each, plus=start)


def _delayed(rule: LimitRule, sources: Sources) -> Basis:
    statement = f"{rule.name} by practice: after {rule.delay.quote}"
    claim = sources.citations.cite(sources.practice.words, rule.row.place, rule.row.text, statement, rule.delay)
    return Basis(claim=claim, relation=Relation.EQUAL, figure=rule.delay.value, unit=rule.delay.unit)


def _safely(value: Decimal, rule: LimitRule) -> Decimal:
    """Return a value as fine as the board counts, rounded to the safe side: it speaks up rather sooner than later."""
    rounding = ROUND_FLOOR if rule.direction is Direction.ABOVE else ROUND_CEILING
    return value.quantize(_FINEST[rule.value.unit], rounding)


def _clear(rule: LimitRule, value: Decimal, times: Decimal) -> Decimal:
    if rule.clear.unit == "percent":
        return value * (_HUNDRED + rule.clear.value) / _HUNDRED
    return value + (rule.clear.value - rule.value.value) * (times if rule.times == "cells" else 1)


def _bases(base: Base, times: Decimal, sources: Sources, quantity: str) -> list[Basis]:
    """Return what configuration and documents say about a base, the configuration first."""
    found = []
    relation = Relation.AT_LEAST if base.value.endswith("min") else Relation.AT_MOST
    for name in _CONFIGURED.get(base, ()):
        amount, claim = sources.configuration.cite(name, sources.citations)
        found.append(Basis(claim=claim, relation=relation, figure=amount.value, unit=amount.unit, times=times))
    told = (base, *_BOUNDED_BY.get(base, ()))
    found += [
        _told(bound, times, sources.citations)
        for bound in sources.bounds
        if bound.base in told and _is_for(bound, quantity)
    ]
    if times > 1 and base in _OF_PACK:  # a limit of the whole pack: what is said of the pack itself counts once
        whole = [bound for bound in sources.bounds if bound.base is _OF_PACK[base]]
        found += [_told(bound, Decimal(1), sources.citations) for bound in whole]
    return found


def _is_for(bound: Bound, quantity: str) -> bool:
    """Whether a bound says anything about a quantity: what is said of charging alone does not bound discharging."""
    words = bound.fact.subject
    is_charge, is_discharge = is_for_charge(words), is_for_discharge(words)
    if quantity == "charge current":
        return is_charge or not is_discharge
    return quantity != "discharge current" or is_discharge or not is_charge


def _told(bound: Bound, times: Decimal, citations: Citations) -> Basis:
    claim = citations.add(bound.fact.claim)
    return Basis(claim=claim, relation=bound.relation, figure=bound.figure, unit=bound.unit, times=times)


def _value(basis: Basis, unit: str, sources: Sources) -> Decimal:
    if basis.unit == RATE:
        return basis.figure * sources.configuration.settings.capacity * basis.times
    return convert(basis.figure, basis.unit.removesuffix("/cell"), unit) * basis.times + basis.plus
