"""What a picture shows, as numbers: the extremes and the mean of each reading, and how long it could be relied on."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from observers.battery.grid import Grid, Known, Row
from observers.battery.groups import Group


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


def _measure(row: Row, shown: Grid) -> Measure:
    if not row.is_measured:
        return Measure(row.name, row.group, None, None, None, {})
    lowest, highest = (_extreme(row, shown, int(which(row.values))) for which in (np.nanargmin, np.nanargmax))
    return Measure(row.name, row.group, lowest, highest, _mean(row, shown), _shares(row, shown))


def _extreme(row: Row, shown: Grid, place: int) -> Extreme:
    return Extreme(float(row.values[place]), float(shown.at_s[place]), bool(row.known[place] == Known.SUSPECT))


def _mean(row: Row, shown: Grid) -> float | None:
    is_good = (row.known == Known.GOOD) & ~np.isnan(row.values)
    lasts_s = shown.lasts_s[is_good]
    return float(np.average(row.values[is_good], weights=lasts_s)) if lasts_s.sum() else None


def _shares(row: Row, shown: Grid) -> dict[Known, float]:
    lasts_s = np.bincount(row.known, weights=shown.lasts_s, minlength=len(Known))
    lasts_s[Known.NOTHING] = 0.0
    total_s = float(lasts_s.sum()) or 1.0
    return {known: float(lasts_s[known]) / total_s for known in Known if lasts_s[known]}
