"""The most and the least of a pack: of its cells, of its temperatures, and how far its cells lie apart."""

from collections.abc import Callable, Mapping, Sequence
from math import isnan
from statistics import fmean
from typing import Final

from agents.skills.battery_watch.seen import Seen
from agents.skills.battery_watch.words import called, known, not_known, seen_at
from gates.telemetry.assessment import Finding
from gates.telemetry.kinds import Kind

NO_CELLS: Final = "fewer than two cells were told"
_NO_WHOLE_ROW: Final = "there is no row in which all cells are good"


def highest_cell(seen: Seen) -> Finding:
    return _extreme(seen, Kind.HIGHEST_CELL, seen.cells, 1, "{name} was the highest, at {{}}")


def lowest_cell(seen: Seen) -> Finding:
    return _extreme(seen, Kind.LOWEST_CELL, seen.cells, -1, "{name} was the lowest, at {{}}")


def hottest(seen: Seen) -> Finding:
    return _extreme(seen, Kind.HOTTEST, seen.sensors, 1, "{name} was the warmest, at {{}}")


def _extreme(seen: Seen, kind: Kind, columns: Mapping[str, Sequence[float]], side: int, text: str) -> Finding:
    """Return the most of some columns, or the least with side -1."""
    best = first_most(columns, side)
    if best is None:
        return not_known(seen, kind, "no good reading of one was told")
    name, place = best
    return known(seen, kind, columns[name][place], text.format(name=called(name)), [seen_at(seen, name, place)])


def first_most(columns: Mapping[str, Sequence[float]], side: int = 1) -> tuple[str, int] | None:
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


def imbalance(seen: Seen) -> Finding:
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
        return NO_CELLS
    return "" if seen.complete else _NO_WHOLE_ROW


def weakest(seen: Seen) -> Finding:
    return _offset(seen, Kind.WEAKEST_CELL, min, "below")


def strongest(seen: Seen) -> Finding:
    return _offset(seen, Kind.STRONGEST_CELL, max, "above")


def _offset(seen: Seen, kind: Kind, choose: Callable[..., str], side: str) -> Finding:
    if why := _why_no_spread(seen):
        return not_known(seen, kind, why)
    means = {name: fmean(cell[place] for place in seen.complete) for name, cell in seen.cells.items()}
    name = choose(means, key=lambda name: means[name])
    text = f"{called(name)} lies {{size}} {side} the mean of all cells"
    value = (means[name] - fmean(means.values())) * 1000
    return known(seen, kind, value, text, [seen_at(seen, name, seen.complete[-1])])
