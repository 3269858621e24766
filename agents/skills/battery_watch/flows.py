"""What flows into a pack and out of it, and what that tells of it: charge, energy, capacity and inner resistance.

Source: charge by the trapezoidal rule; capacity as charge counted over movement of the state of charge; resistance as
voltage step over current step, as in a pulse test of cells.
"""

from collections.abc import Iterator, Sequence
from decimal import Decimal
from itertools import pairwise
from math import fsum, isnan
from statistics import median

from agents.device.quantities import CURRENT, PACK, SOC
from agents.skills.battery_watch.seen import DIGITS, HOUR_S, Seen
from agents.skills.battery_watch.words import ends, known, not_known, seen_at
from gates.telemetry.assessment import Evidence, Finding
from gates.telemetry.kinds import MOVED_AH, SOC_PERCENT, STEP_A, STEP_C, STEPS, Kind
from gates.telemetry.window import BATTERY_AH


def charge(seen: Seen) -> Finding:
    amount = _integral(seen, seen.places(seen.amperes), seen.amperes)
    if amount is None:
        return not_known(seen, Kind.CHARGE, "no two good readings of the current follow each other")
    text = f"{{size}} flowed {_into(amount)} the battery"
    return known(seen, Kind.CHARGE, amount, text, ends(seen, CURRENT))


def energy(seen: Seen) -> Finding:
    watts = [volts * amperes for volts, amperes in zip(seen.volts, seen.amperes, strict=True)]
    amount = _integral(seen, seen.places(watts), watts)
    if amount is None:
        return not_known(seen, Kind.ENERGY, "no two rows with good voltage and current follow each other")
    return known(seen, Kind.ENERGY, amount, f"{{size}} went {_into(amount)} the battery")


def _into(amount: float) -> str:
    return "into" if amount >= 0 else "out of"


def _integral(seen: Seen, places: Sequence[int], column: Sequence[float]) -> float | None:
    """Return the area below a column in unit hours, by trapezoids, where rows belong together."""
    areas = [
        (column[before] + column[after]) / 2 * (seen.times[after] - seen.times[before])
        for stretch in seen.stretches(places)
        for before, after in pairwise(stretch)
    ]
    return fsum(areas) / 1e9 / HOUR_S if areas else None


def capacity(seen: Seen) -> Finding:
    soc = seen.column(SOC)
    both = [place for place, value in enumerate(soc) if not (isnan(value) or isnan(seen.amperes[place]))]
    spans = [span for stretch in seen.stretches(both) if (span := _widest(stretch, soc))]
    first, last = max(spans, key=lambda span: _moved(soc, *span), default=(0, 0))
    moved = _moved(soc, first, last) if spans else 0.0
    if moved < SOC_PERCENT:
        return not_known(seen, Kind.CAPACITY, f"the state of charge moved less than {SOC_PERCENT} % in one go")
    stretch = [place for place in both if first <= place <= last]
    counted = (_integral(seen, stretch, seen.amperes) or 0.0) * (1 if soc[last] > soc[first] else -1)
    if round(counted, DIGITS) < float(MOVED_AH):
        return not_known(seen, Kind.CAPACITY, "the current does not flow the way in which the state of charge moves")
    evidence = [seen_at(seen, name, place) for place in (first, last) for name in (SOC, CURRENT)]
    text = "the battery holds {}, by the current and the state of charge that it tells"
    return known(seen, Kind.CAPACITY, counted / moved * 100, text, evidence)


def _moved(soc: Sequence[float], first: int, last: int) -> float:
    return round(abs(soc[last] - soc[first]), DIGITS)


def _widest(stretch: Sequence[int], soc: Sequence[float]) -> tuple[int, int] | None:
    """Return between which two rows of a stretch the state of charge moved most, of those at which it had just changed.

    There it is known best: in between a whole per cent stands for anything in reach of half a one.
    """
    steps = [after for before, after in pairwise(stretch) if soc[after] != soc[before]]
    if not steps:
        return None
    least, most = min(steps, key=lambda place: soc[place]), max(steps, key=lambda place: soc[place])
    return min(least, most), max(least, most)


def resistance(seen: Seen) -> Finding:
    steps = list(_steps(seen))
    if len(steps) < STEPS:
        why = f"the current made less than {STEPS} steps that are large enough"
        return not_known(seen, Kind.RESISTANCE, why)
    evidence = [one for before, after, _ in steps[:2] for one in _step_evidence(seen, before, after)]
    ohm = median(ratio for *_, ratio in steps)
    return known(seen, Kind.RESISTANCE, ohm * 1000, "the whole pack has an inner resistance of {}", evidence)


def _steps(seen: Seen) -> Iterator[tuple[int, int, float]]:
    """Yield each large step of the current: the rows before and after it, and volt over ampere."""
    capacity = seen.limits.get(BATTERY_AH)
    least = float(Decimal(STEP_A) if capacity is None else capacity * Decimal(STEP_C))
    volts, amperes = seen.volts, seen.amperes
    both = [place for place, value in enumerate(volts) if not (isnan(value) or isnan(amperes[place]))]
    for stretch in seen.stretches(both):
        for before, after in pairwise(stretch):
            step = round(amperes[after] - amperes[before], DIGITS)
            if step and abs(step) >= least:
                yield before, after, (volts[after] - volts[before]) / step


def _step_evidence(seen: Seen, before: int, after: int) -> Iterator[Evidence]:
    names = (PACK, CURRENT) if _says_volts(seen) else (CURRENT,)
    return (seen_at(seen, name, place) for place in (before, after) for name in names)


def _says_volts(seen: Seen) -> bool:
    return not all(map(isnan, seen.column(PACK)))
