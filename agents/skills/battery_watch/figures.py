"""What is found out about a pack, kind by kind, as gates.telemetry.kinds defines it.

Floats, sums without loss (math.fsum) and the standard library's statistics. The gate works every figure out once
more in another way and holds these to it.
Source: least squares as in statistics.linear_regression; charge by the trapezoidal rule; capacity as charge counted
over movement of the state of charge; resistance as voltage step over current step, as in a pulse test of cells.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise
from math import fsum, isnan
from statistics import fmean, linear_regression, median
from typing import Final

from agents.device.quantities import CURRENT, PACK, SOC
from agents.skills.battery_watch.seen import HOUR_S, Seen
from agents.skills.battery_watch.words import called, ends, known, not_known, seen_at
from gates.design.words import quantity
from gates.telemetry.assessment import Evidence, Finding
from gates.telemetry.kinds import (
    AHEAD_H,
    MOVED_AH,
    SOC_PERCENT,
    STEP_A,
    STEP_C,
    STEPS,
    TREND_ROWS,
    TREND_S,
    WITHIN,
    Kind,
)
from gates.telemetry.window import BATTERY_AH, CELL_HIGH, CELL_LOW, LIMIT_UNITS, TEMPERATURE_HIGH
from protocol.bodies import AlertState

_DIGITS: Final = 9  # floats that should be equal are equal to so many
_NO_CELLS: Final = "fewer than two cells were told"
_NO_WHOLE_ROW: Final = "there is no row in which all cells are good"
NOT_AHEAD: Final = f"nothing goes there within {AHEAD_H} h as it goes now"
_NO_TREND: Final = f"there are less than {TREND_ROWS} rows or less than {TREND_S} s to tell a trend from"


def findings(seen: Seen) -> tuple[Finding, ...]:
    """Return every finding about a pack, in the order of the kinds."""
    return tuple(find(seen) for find in _WAYS)


def _coverage(seen: Seen) -> Finding:
    planned = fsum((one.to_ns - one.from_ns) / 1e9 / float(one.period_s) for one in seen.windows)
    if not planned:
        return not_known(seen, Kind.COVERAGE, "the window has no length")
    share = min(100.0, len(seen.covered) / planned * 100)
    return known(seen, Kind.COVERAGE, share, "{} of the planned readings are there")


def _longest_gap(seen: Seen) -> Finding:
    moments = [seen.from_ns, *(seen.times[place] for place in seen.covered), seen.to_ns]
    gap_s = max(after - before for before, after in pairwise(moments)) / 1e9
    return known(seen, Kind.LONGEST_GAP, gap_s, "nothing usable was heard for {} at the longest")


def _doubted(seen: Seen) -> Finding:
    if not seen.values:
        return not_known(seen, Kind.DOUBTED, "nothing was told")
    return known(seen, Kind.DOUBTED, seen.doubted / seen.values * 100, "{} of the values are suspect")


def _alerts(seen: Seen) -> Finding:
    raised = sum(alert.state is AlertState.RAISED for alert in seen.alerts)
    return known(seen, Kind.ALERTS, raised, "{} alert was raised" if raised == 1 else "{} alerts were raised")


def _highest_cell(seen: Seen) -> Finding:
    return _extreme(seen, Kind.HIGHEST_CELL, seen.cells, 1, "{name} was the highest, at {{}}")


def _lowest_cell(seen: Seen) -> Finding:
    return _extreme(seen, Kind.LOWEST_CELL, seen.cells, -1, "{name} was the lowest, at {{}}")


def _hottest(seen: Seen) -> Finding:
    return _extreme(seen, Kind.HOTTEST, seen.sensors, 1, "{name} was the warmest, at {{}}")


def _extreme(seen: Seen, kind: Kind, columns: Mapping[str, Sequence[float]], side: int, text: str) -> Finding:
    """Return the most of some columns, or the least with side -1."""
    best = _first_most(columns, side)
    if best is None:
        return not_known(seen, kind, "no good reading of one was told")
    name, place = best
    return known(seen, kind, columns[name][place], text.format(name=called(name)), [seen_at(seen, name, place)])


def _first_most(columns: Mapping[str, Sequence[float]], side: int = 1) -> tuple[str, int] | None:
    """Return where the most of some columns stands: name and place."""
    tops = (
        (side * value, -place, -order, name)
        for order, (name, column) in enumerate(columns.items())
        for place, value in [_top(column, side)]
        if place >= 0
    )
    best = max(tops, default=None)
    return None if best is None else (best[3], -best[1])


def _top(column: Sequence[float], side: int) -> tuple[int, float]:
    places = (place for place, value in enumerate(column) if not isnan(value))
    place = max(places, key=lambda at: side * column[at], default=-1)
    return place, column[place] if place >= 0 else 0.0


def _imbalance(seen: Seen) -> Finding:
    if why := _why_no_spread(seen):
        return not_known(seen, Kind.IMBALANCE, why)
    worst = max(seen.complete, key=lambda place: seen.spread[place])
    at = {name: cell[worst] for name, cell in seen.cells.items()}
    high, low = max(at, key=lambda name: at[name]), min(at, key=lambda name: at[name])
    if high == low:  # all are equal; two of them show it as well as any
        high, low = list(at)[:2]
    evidence = [seen_at(seen, high, worst), seen_at(seen, low, worst)]
    text = f"{called(high)} lay {{}} above {called(low)}, the most that two cells lay apart"
    return known(seen, Kind.IMBALANCE, seen.spread[worst] * 1000, text, evidence)


def _why_no_spread(seen: Seen) -> str:
    if len(seen.cells) < 2:
        return _NO_CELLS
    return "" if seen.complete else _NO_WHOLE_ROW


def _weakest(seen: Seen) -> Finding:
    return _offset(seen, Kind.WEAKEST_CELL, min, "below")


def _strongest(seen: Seen) -> Finding:
    return _offset(seen, Kind.STRONGEST_CELL, max, "above")


def _offset(seen: Seen, kind: Kind, choose: Callable[..., str], side: str) -> Finding:
    if why := _why_no_spread(seen):
        return not_known(seen, kind, why)
    means = {name: fmean(cell[place] for place in seen.complete) for name, cell in seen.cells.items()}
    name = choose(means, key=lambda name: means[name])
    text = f"{called(name)} lies {{size}} {side} the mean of all cells"
    value = (means[name] - fmean(means.values())) * 1000
    return known(seen, kind, value, text, [seen_at(seen, name, seen.complete[-1])])


@dataclass(frozen=True, slots=True)
class _Line:
    """A least-squares line. slope: by the hour; end: where it stands at the last value."""

    slope: float
    end: float


def _line(seen: Seen, column: Sequence[float]) -> _Line | None:
    places = seen.places(column)
    if len(places) < TREND_ROWS or seen.times[places[-1]] - seen.times[places[0]] < TREND_S * 10**9:
        return None
    hours, values = [seen.hours[place] for place in places], [column[place] for place in places]
    fit = linear_regression(hours, values)
    return _Line(fit.slope, fit.intercept + fit.slope * hours[-1])


def _voltage_trend(seen: Seen) -> Finding:
    line = _line(seen, seen.volts)
    if line is None:
        return not_known(seen, Kind.VOLTAGE_TREND, _NO_TREND)
    text = f"the voltage {_way(line.slope, 'rises', 'falls')}"
    return known(seen, Kind.VOLTAGE_TREND, line.slope, text, ends(seen, PACK))


def _says_volts(seen: Seen) -> bool:
    return not all(map(isnan, seen.column(PACK)))


def _way(slope: float, up: str, down: str) -> str:
    return f"{up if slope >= 0 else down} by {{size}}"


def _imbalance_trend(seen: Seen) -> Finding:
    line = _line(seen, seen.spread) if len(seen.cells) > 1 else None
    if line is None:
        return not_known(seen, Kind.IMBALANCE_TREND, _NO_CELLS if len(seen.cells) < 2 else _NO_TREND)
    text = f"the imbalance {_way(line.slope, 'grows', 'shrinks')}"
    return known(seen, Kind.IMBALANCE_TREND, line.slope * 1000, text)


def _temperature_trend(seen: Seen) -> Finding:
    hottest = _first_most(seen.sensors)
    if hottest is None:
        return not_known(seen, Kind.TEMPERATURE_TREND, "no good temperature of the cells was told")
    name = hottest[0]
    line = _line(seen, seen.sensors[name])
    if line is None:
        return not_known(seen, Kind.TEMPERATURE_TREND, _NO_TREND)
    text = f"{called(name)} {_way(line.slope, 'warms up', 'cools down')}"
    return known(seen, Kind.TEMPERATURE_TREND, line.slope, text, ends(seen, name))


def _charge(seen: Seen) -> Finding:
    amount = _integral(seen, seen.places(seen.amperes), seen.amperes)
    if amount is None:
        return not_known(seen, Kind.CHARGE, "no two good readings of the current follow each other")
    text = f"{{size}} flowed {_into(amount)} the battery"
    return known(seen, Kind.CHARGE, amount, text, ends(seen, CURRENT))


def _energy(seen: Seen) -> Finding:
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


def _capacity(seen: Seen) -> Finding:
    soc = seen.column(SOC)
    both = [place for place, value in enumerate(soc) if not (isnan(value) or isnan(seen.amperes[place]))]
    spans = [span for stretch in seen.stretches(both) if (span := _widest(stretch, soc))]
    first, last = max(spans, key=lambda span: _moved(soc, *span), default=(0, 0))
    moved = _moved(soc, first, last) if spans else 0.0
    if moved < SOC_PERCENT:
        return not_known(seen, Kind.CAPACITY, f"the state of charge moved less than {SOC_PERCENT} % in one go")
    stretch = [place for place in both if first <= place <= last]
    counted = (_integral(seen, stretch, seen.amperes) or 0.0) * (1 if soc[last] > soc[first] else -1)
    if round(counted, _DIGITS) < float(MOVED_AH):
        return not_known(seen, Kind.CAPACITY, "the current does not flow the way in which the state of charge moves")
    evidence = [seen_at(seen, name, place) for place in (first, last) for name in (SOC, CURRENT)]
    text = "the battery holds {}, by the current and the state of charge that it tells"
    return known(seen, Kind.CAPACITY, counted / moved * 100, text, evidence)


def _moved(soc: Sequence[float], first: int, last: int) -> float:
    return round(abs(soc[last] - soc[first]), _DIGITS)


def _widest(stretch: Sequence[int], soc: Sequence[float]) -> tuple[int, int] | None:
    """Return between which two rows of a stretch the state of charge moved most, of those at which it had just changed.

    There it is known best: in between a whole per cent stands for anything in reach of half a one.
    """
    steps = [after for before, after in pairwise(stretch) if soc[after] != soc[before]]
    if not steps:
        return None
    least, most = min(steps, key=lambda place: soc[place]), max(steps, key=lambda place: soc[place])
    return min(least, most), max(least, most)


def _resistance(seen: Seen) -> Finding:
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
            step = round(amperes[after] - amperes[before], _DIGITS)
            if step and abs(step) >= least:
                yield before, after, (volts[after] - volts[before]) / step


def _step_evidence(seen: Seen, before: int, after: int) -> Iterator[Evidence]:
    names = (PACK, CURRENT) if _says_volts(seen) else (CURRENT,)
    return (seen_at(seen, name, place) for place in (before, after) for name in names)


def _time_to_high(seen: Seen) -> Finding:
    return _time_to(seen, Kind.TIME_TO_HIGH, seen.cells, CELL_HIGH, 1)


def _time_to_low(seen: Seen) -> Finding:
    return _time_to(seen, Kind.TIME_TO_LOW, seen.cells, CELL_LOW, -1)


def _time_to_hot(seen: Seen) -> Finding:
    return _time_to(seen, Kind.TIME_TO_HOT, seen.sensors, TEMPERATURE_HIGH, 1)


def _time_to(seen: Seen, kind: Kind, columns: Mapping[str, Sequence[float]], limit: str, side: int) -> Finding:
    """Return when the first of some columns is at a limit. side: 1 from below, -1 from above."""
    if limit not in seen.limits:
        return not_known(seen, kind, f"no limit {limit} is given")
    lines = {name: line for name, column in columns.items() if (line := _line(seen, column))}
    if not lines:
        return not_known(seen, kind, _NO_TREND)
    at = float(seen.limits[limit])
    hours = {name: left for name, line in lines.items() if (left := _hours(at, line, side)) is not None}
    if not hours:
        return not_known(seen, kind, NOT_AHEAD)
    name = min(hours, key=lambda name: hours[name])
    shown = quantity(seen.limits[limit], LIMIT_UNITS[limit])
    text = f"{called(name)} is at {shown} in {{}} if it goes on like this"
    there = f"{called(name)} is at {shown} or beyond by its trend"
    evidence = ends(seen, name)[-1:]
    return known(seen, kind, hours[name], text if hours[name] else there, evidence)


def _hours(at: float, line: _Line, side: int) -> float | None:
    left, slope = (at - line.end) * side, line.slope * side
    if round(left, _DIGITS) <= float(WITHIN):
        return 0.0
    hours = left / slope if slope > 0 else float("inf")
    return hours if round(hours, 2) <= AHEAD_H else None


_WAYS: Final[tuple[Callable[[Seen], Finding], ...]] = (
    _coverage,
    _longest_gap,
    _doubted,
    _alerts,
    _highest_cell,
    _lowest_cell,
    _imbalance,
    _weakest,
    _strongest,
    _hottest,
    _voltage_trend,
    _imbalance_trend,
    _temperature_trend,
    _charge,
    _energy,
    _capacity,
    _resistance,
    _time_to_high,
    _time_to_low,
    _time_to_hot,
)
