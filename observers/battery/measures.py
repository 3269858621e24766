"""What a picture shows, as numbers: the extremes and the mean of each reading, and how long it could be relied on."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from observers.battery.grid import Grid, Known, Row, worst
from observers.battery.groups import Group
from observers.battery.reduction import Numbers


@dataclass(frozen=True, slots=True)
class Extreme:
    """The lowest or the highest value of a reading, and when it was there first."""

    value: float
    at_s: float
    is_suspect: bool


@dataclass(frozen=True, slots=True)
class Measure:
    """One reading over the time that is shown. None: it was never measured.

    mean: of its good values, each counted as long as it stood; None where it had none. shares: of the time since it was
    measured first, by how far it was known; what never was is left out.
    """

    name: str
    group: Group
    lowest: Extreme | None
    highest: Extreme | None
    mean: float | None
    shares: Mapping[Known, float]


def measures(shown: Grid) -> tuple[Measure, ...]:
    """Return the numbers of each reading, in the order of the panels."""
    order = list(Group)
    return tuple(_measure(row, shown) for row in sorted(shown.rows, key=lambda row: order.index(row.group)))


def reliance(shown: Grid) -> Mapping[Group, Mapping[Known, float]]:
    """Return for each group how much of the time it was known how far; what counts is its least known reading."""
    groups = ((group, shown.of(group)) for group in Group if group is not Group.DELTA)
    return {group: _shares(worst(rows), shown) for group, rows in groups if rows}


def _measure(row: Row, shown: Grid) -> Measure:
    if not row.is_measured:
        return Measure(row.name, row.group, None, None, None, {})
    lowest, highest = (_extreme(row, shown, int(which(row.values))) for which in (np.nanargmin, np.nanargmax))
    return Measure(row.name, row.group, lowest, highest, _mean(row, shown), _shares(row.known, shown))


def _extreme(row: Row, shown: Grid, place: int) -> Extreme:
    return Extreme(float(row.values[place]), float(shown.at_s[place]), bool(row.known[place] == Known.SUSPECT))


def _mean(row: Row, shown: Grid) -> float | None:
    is_good = (row.known == Known.GOOD) & ~np.isnan(row.values)
    lasts_s = shown.lasts_s[is_good]
    return float(np.average(row.values[is_good], weights=lasts_s)) if lasts_s.sum() else None


def _shares(known: Numbers, shown: Grid) -> dict[Known, float]:
    lasts_s = np.bincount(known, weights=shown.lasts_s, minlength=len(Known))
    lasts_s[Known.NOTHING] = 0.0
    total_s = float(lasts_s.sum()) or 1.0
    return {one: float(lasts_s[one]) / total_s for one in Known if lasts_s[one]}
