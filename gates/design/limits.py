"""requirements.json against itself: every limit against the words it rests on, and against the pack.

1. A basis names a claim of the file, a figure that is among the claim's, and the claim's unit. That the claim stands
   in its document is gate 2's to see.
2. The value keeps the relation to each basis, counted as the basis says. A basis in seconds or minutes holds the delay.
3. An alarm rests on a figure that bounds it on its dangerous side: "at most" or "equal" for one that speaks up above.
4. It is over on the safe side of where it began. A warning comes before the alarm of the same name, and the alarm
   waits no longer than the warning.
5. What other files are held against stands in a claim: the pack's voltages and current, the accuracy, the margin. The
   pack bounds the limits of its cells and its own.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from gates.claims import Claim
from gates.design.figures import RATE, counted, figures_of, is_of, unit_of
from gates.design.files import Basis, Direction, Level, Limit, Pack, Relation, Requirement, RequirementsFile
from gates.design.words import quantity, repeated, unknown

UNITS: Final = ("V", "A", "degC")
# What conversions may lose in their last digits: nothing that is measured.
_HAIR: Final = Decimal("1e-9")
_SAID: Final = {Relation.AT_MOST: "allows at most", Relation.AT_LEAST: "allows at least", Relation.EQUAL: "says"}
_SAFE: Final = {Direction.ABOVE: Relation.AT_MOST, Direction.BELOW: Relation.AT_LEAST}


@dataclass(frozen=True, slots=True)
class _Bound:
    """What the pack demands of a limit by its name."""

    name: str
    relation: Relation
    of: Callable[[Pack], Decimal]
    unit: str
    is_needed: bool = True


_BOUNDS: Final = (
    _Bound("cell-high-alarm", Relation.AT_MOST, lambda pack: pack.max_v, "V"),
    _Bound("cell-low-alarm", Relation.AT_LEAST, lambda pack: pack.min_v, "V"),
    _Bound("pack-high-alarm", Relation.AT_MOST, lambda pack: pack.top_v, "V"),
    _Bound("pack-low-alarm", Relation.AT_LEAST, lambda pack: pack.cells * pack.min_v, "V"),
    _Bound("charge-current-alarm", Relation.AT_MOST, lambda pack: pack.max_current_a, "A", is_needed=False),
    _Bound("discharge-current-alarm", Relation.AT_MOST, lambda pack: pack.max_current_a, "A", is_needed=False),
)


def limit_faults(file: RequirementsFile) -> Iterator[str]:
    """Yield what is wrong with a requirements file, one sentence each."""
    claims = {claim.id: claim for claim in file.claims}
    yield from _named_once(file)
    yield from _pack_faults(file)
    for limit in file.limits:
        yield from _shape_faults(limit)
        yield from _basis_faults(limit, claims, file.pack)
    yield from _bound_faults(file)
    yield from _order_faults(file)
    limits = {limit.name for limit in file.limits}
    for requirement in file.requirements:
        yield from _requirement_faults(requirement, limits, claims)
    for note in file.notes:
        yield from unknown("a note", "claim", note.claims, claims)


def _named_once(file: RequirementsFile) -> Iterator[str]:
    yield from repeated("limit", (limit.name for limit in file.limits))
    yield from repeated("requirement", (requirement.id for requirement in file.requirements))
    yield from repeated("claim", (claim.id for claim in file.claims))


def _requirement_faults(requirement: Requirement, limits: set[str], claims: Mapping[str, Claim]) -> Iterator[str]:
    yield from unknown(requirement.id, "limit", requirement.limits, limits)
    yield from unknown(requirement.id, "claim", requirement.claims, claims)


def _shape_faults(limit: Limit) -> Iterator[str]:
    if limit.unit not in UNITS:
        yield f"{limit.name} is in {limit.unit!r}; limits are in {', '.join(UNITS)}"
    if limit.delay_s < 0:
        yield f"{limit.name} waits {quantity(limit.delay_s, 's')}; a delay is not negative"
    is_safe = limit.clear < limit.value if limit.direction is Direction.ABOVE else limit.clear > limit.value
    if not is_safe:
        side = "below" if limit.direction is Direction.ABOVE else "above"
        yield (
            f"{limit.name} speaks up {limit.direction} {quantity(limit.value, limit.unit)} and is over at "
            f"{quantity(limit.clear, limit.unit)}, which has to be {side} it"
        )


def _basis_faults(limit: Limit, claims: Mapping[str, Claim], pack: Pack) -> Iterator[str]:
    sound = []
    for basis in limit.bases:
        claim = claims.get(basis.claim)
        fault = _misquoted(limit, basis, claim) or _broken(limit, basis, claim, pack)
        if fault:
            yield fault
        else:
            sound.append(basis)
    if len(sound) == len(limit.bases):
        yield from _unbounded(limit)


def _misquoted(limit: Limit, basis: Basis, claim: Claim | None) -> str | None:
    if claim is None:
        return f"{limit.name} rests on the claim {basis.claim}, which is not there"
    if basis.figure not in figures_of(claim):
        says = ", ".join(claim.figure) or "no figure"
        return f"{limit.name} rests on {quantity(basis.figure, basis.unit)}, but {_place(claim)} says {says}"
    unit = unit_of(claim)
    if unit is None or unit != basis.unit:
        says = f"is in {claim.unit or unit}" if claim.unit or unit else "names no unit"
        return f"{limit.name} rests on {quantity(basis.figure, basis.unit)}, but {_place(claim)} {says}"
    return None


def _broken(limit: Limit, basis: Basis, claim: Claim | None, pack: Pack) -> str | None:
    if claim is None or limit.unit not in UNITS:
        return None  # both are faults of their own
    value, unit, does = (limit.delay_s, "s", "waits") if is_of(basis.unit, "s") else (limit.value, limit.unit, "is")
    figure = basis.figure * basis.times + basis.plus
    try:
        bound = counted(figure, basis.unit, unit, pack)
    except ValueError:
        return f"{limit.name} is in {unit}, but rests on {quantity(basis.figure, basis.unit)} of {_place(claim)}"
    if _keeps(value, basis.relation, bound):
        return None
    return (
        f"{limit.name} {does} {quantity(value, unit)}, but {_place(claim)} {_SAID[basis.relation]} "
        f"{quantity(bound, unit)}{_how(basis, unit)}"
    )


def _keeps(value: Decimal, relation: Relation, bound: Decimal) -> bool:
    is_low, is_high = value < bound - _HAIR, value > bound + _HAIR
    return not {
        Relation.AT_MOST: is_high,
        Relation.AT_LEAST: is_low,
        Relation.EQUAL: is_high or is_low,
    }[relation]


def _how(basis: Basis, unit: str) -> str:
    """Return how a bound was counted, where it is not the figure as it stands."""
    times = f"{quantity(basis.times, '')} × " if basis.times != 1 else ""
    plus = f" {'+' if basis.plus > 0 else '-'} {quantity(abs(basis.plus), basis.unit)}" if basis.plus else ""
    counted_so = f"{times}{quantity(basis.figure, basis.unit)}{plus}"
    return f" ({counted_so})" if times or plus or basis.unit != unit else ""


def _place(claim: Claim) -> str:
    return f"{claim.document}, {claim.place}"


def _unbounded(limit: Limit) -> Iterator[str]:
    relations = {basis.relation for basis in limit.bases if not is_of(basis.unit, "s")}
    if not relations:
        yield f"{limit.name} rests on no figure for its value"
    elif limit.level is Level.ALARM and not relations & {_SAFE[limit.direction], Relation.EQUAL}:
        yield f"{limit.name} is an alarm {limit.direction} a value that no figure bounds: none says {_side(limit)}"


def _side(limit: Limit) -> str:
    return f"'{_SAFE[limit.direction]}' or '{Relation.EQUAL}'"


def _bound_faults(file: RequirementsFile) -> Iterator[str]:
    limits = {limit.name: limit for limit in file.limits}
    for bound in _BOUNDS:
        limit, demanded = limits.get(bound.name), bound.of(file.pack)
        if limit is None:
            if bound.is_needed:
                yield f"there is no limit {bound.name}"
        elif limit.unit != bound.unit or not _keeps(limit.value, bound.relation, demanded):
            said = f"{_SAID[bound.relation]} {quantity(demanded, bound.unit)}"
            yield f"{limit.name} is {quantity(limit.value, limit.unit)}, but the pack {said}"
    for limit in file.limits:
        yield from _range_faults(limit, file.pack)


def _range_faults(limit: Limit, pack: Pack) -> Iterator[str]:
    """A limit in millivolts that is written as volts is beyond anything that the pack can show."""
    tops = {"cell": pack.max_v, "pack": pack.top_v}
    top = tops.get(limit.name.partition("-")[0])
    if top is not None and limit.unit == "V" and not 0 < limit.value <= top:
        yield f"{limit.name} is {quantity(limit.value, 'V')}, which lies outside 0 V to {quantity(top, 'V')}"


def _order_faults(file: RequirementsFile) -> Iterator[str]:
    limits = {limit.name: limit for limit in file.limits}
    for warning in file.limits:
        alarm = limits.get(warning.name.removesuffix("-warn") + "-alarm")
        if not warning.name.endswith("-warn") or alarm is None:
            continue
        relation = _SAFE[warning.direction]
        if warning.direction is not alarm.direction or not _keeps(warning.value, relation, alarm.value):
            yield (
                f"{warning.name} at {quantity(warning.value, warning.unit)} does not come before {alarm.name} at "
                f"{quantity(alarm.value, alarm.unit)}"
            )
        if alarm.delay_s > warning.delay_s:
            waits = f"{quantity(alarm.delay_s, 's')}, longer than {warning.name} with {quantity(warning.delay_s, 's')}"
            yield f"{alarm.name} waits {waits}"


def _pack_faults(file: RequirementsFile) -> Iterator[str]:
    pack = file.pack
    if not 0 < pack.min_v < pack.max_v:
        yield f"a cell of the pack goes from {quantity(pack.min_v, 'V')} to {quantity(pack.max_v, 'V')}"
    for name, value in (("capacity_ah", pack.capacity_ah), ("max_current_a", pack.max_current_a)):
        if value <= 0:
            yield f"{name} of the pack is {quantity(value, '')}"
    if file.accuracy_mv <= 0:
        yield f"the accuracy is {quantity(file.accuracy_mv, 'mV')}"
    yield from _unsaid(file)


def _unsaid(file: RequirementsFile) -> Iterator[str]:
    """Yield which of the figures that other files are held against stand in no claim."""
    pack = file.pack
    figures = [
        ("max_v of the pack", pack.max_v, "V"),
        ("min_v of the pack", pack.min_v, "V"),
        ("max_current_a of the pack", pack.max_current_a, "A"),
        ("the accuracy", file.accuracy_mv, "mV"),
        ("the margin", file.margin, ""),
    ]
    if any(basis.unit == RATE for limit in file.limits for basis in limit.bases):
        figures.append(("capacity_ah of the pack", pack.capacity_ah, "Ah"))
    said = {unit: _said(file, unit) for _, _, unit in figures}
    for name, value, unit in figures:
        # A document may give the voltage of the whole pack and not that of a cell.
        if not {value, pack.cells * value} & said[unit]:
            yield f"{name} is {quantity(value, unit)}, which no claim says"


def _said(file: RequirementsFile, unit: str) -> set[Decimal]:
    """Return every figure of the claims that measures what this unit does, in this unit; for "" the bare numbers."""
    found: set[Decimal] = set()
    for claim in file.claims:
        own = unit_of(claim) or ""
        if own == unit:
            found |= figures_of(claim)
        elif is_of("A" if own == RATE else own, unit):
            found |= {counted(figure, own, unit, file.pack) for figure in figures_of(claim)}
    return found
