"""What was known at each moment: the series of a device on one common time, with what stands for nothing left out.

1. A value that is stale or absent, or that was not told again for too long, is NaN: an old value is no value.
2. Telemetry tells everything once a minute. What was not told again for two minutes, or for twice the usual time
   between two messages where that is longer, nobody knows any more; nor what nobody watched.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

import numpy as np

from observers.battery.groups import Group
from observers.battery.history import QUALITIES, History, Track
from observers.battery.reduction import Floats, Numbers
from protocol.bodies import Quality

HELD_S: Final = 120.0
_LAST_S: Final = 1.0  # how long the last of all values stands, and so the shortest time to be shown
_USUAL: Final = 2.0  # times the usual time between two messages


class Known(IntEnum):
    """How far a reading is known at a moment; what is greater is worse."""

    NOTHING = 0  # nobody has ever measured it so far
    GOOD = 1
    SUSPECT = 2
    STALE = 3
    ABSENT = 4
    UNTOLD = 5  # nobody has told anything of it for too long

    @property
    def word(self) -> str:
        return "not told" if self is Known.UNTOLD else self.name.lower()


_KNOWN: Final = np.array([Known[quality.name] for quality in QUALITIES], dtype=np.int64)
_SUSPECT: Final = QUALITIES.index(Quality.SUSPECT)


@dataclass(frozen=True, slots=True, eq=False)
class Row:
    """One reading at each moment of a grid. values: NaN where it was not measured. known: of `Known`."""

    name: str
    group: Group
    values: Floats
    known: Numbers

    @property
    def is_measured(self) -> bool:
        """Whether it ever was."""
        return bool(np.any(~np.isnan(self.values)))


@dataclass(frozen=True, slots=True, eq=False)
class Grid:
    """A device between two moments. at_s: rising, from the beginning to the end of what is shown, both included."""

    at_s: Floats
    rows: tuple[Row, ...]

    @property
    def begin_s(self) -> float:
        return float(self.at_s[0])

    @property
    def end_s(self) -> float:
        return float(self.at_s[-1])

    @property
    def lasts_s(self) -> Floats:
        """How long each moment lasts, up to the next; the last one does not."""
        return np.diff(self.at_s, append=self.at_s[-1])

    def of(self, group: Group) -> tuple[Row, ...]:
        """Return the readings of a group of which a value was ever measured here."""
        return tuple(row for row in self.rows if row.group is group and row.is_measured)

    def spans(self, known: Numbers) -> Iterator[tuple[float, float, int]]:
        """Yield from when to when something was known how far, one after the other."""
        begins = np.flatnonzero(np.concatenate([[True], known[1:] != known[:-1]]))
        ends = np.append(begins[1:], known.size - 1)
        for first, last in zip(begins, ends, strict=True):
            yield float(self.at_s[first]), float(self.at_s[last]), int(known[first])


def grid(history: History, begin_s: float, end_s: float) -> Grid:
    """Return what was known of a device between two moments, a second apart at least."""
    end_s = max(end_s, begin_s + _LAST_S)
    held_s = _held_s(history.heard_s)
    over_s = history.end_s + _LAST_S
    moments = [np.array([begin_s, end_s, over_s])]
    for track in history.tracks:
        at_s = np.frombuffer(track.at_s)
        moments += [at_s, at_s[:-1][np.diff(at_s) > held_s] + held_s, at_s[-1:] + held_s]
    every = np.unique(np.concatenate(moments))
    shown = every[(every >= begin_s) & (every <= end_s)]
    rows = tuple(_row(track, shown, held_s, over_s) for track in history.tracks)
    return Grid(shown, (*rows, *_delta(rows)))


def worst(rows: Sequence[Row]) -> Numbers:
    """Return how far the least known of some readings is known at each moment."""
    return np.asarray(np.max([row.known for row in rows], axis=0), dtype=np.int64)


def _held_s(heard_s: Sequence[float]) -> float:
    gaps = np.diff(np.unique(np.array(heard_s)))
    return max(HELD_S, _USUAL * float(np.median(gaps))) if gaps.size else HELD_S


def _row(track: Track, at_s: Floats, held_s: float, over_s: float) -> Row:
    told_s = np.frombuffer(track.at_s)
    places = np.searchsorted(told_s, at_s, side="right") - 1
    known = _KNOWN[np.frombuffer(track.qualities, dtype=np.uint8)[places]]
    known[(at_s >= told_s[places] + held_s) | (at_s >= over_s)] = Known.UNTOLD
    measured = np.isin(np.frombuffer(track.qualities, dtype=np.uint8), [0, _SUSPECT])
    # Before its first value a sensor is not known to be there at all.
    known[places < (int(np.argmax(measured)) if measured.any() else told_s.size)] = Known.NOTHING
    values = np.where(np.isin(known, [Known.GOOD, Known.SUSPECT]), np.frombuffer(track.values)[places], np.nan)
    return Row(track.name, track.group, values, known)


def _delta(rows: Sequence[Row]) -> Iterator[Row]:
    """Yield how far the cells are apart, in mV; it is in doubt where a cell is, or is missing."""
    cells = [row for row in rows if row.group is Group.CELLS and row.is_measured]
    if len(cells) < 2:
        return
    values = np.array([row.values for row in cells])
    counted = np.sum(~np.isnan(values), axis=0)
    high = np.max(np.where(np.isnan(values), -np.inf, values), axis=0)
    low = np.min(np.where(np.isnan(values), np.inf, values), axis=0)
    is_there = counted >= 2
    delta = np.full(counted.size, np.nan)
    delta[is_there] = np.round((high[is_there] - low[is_there]) * 1000, 3)
    known = worst(cells)
    known[is_there & (known > Known.GOOD)] = Known.SUSPECT
    yield Row("delta", Group.DELTA, delta, known)
