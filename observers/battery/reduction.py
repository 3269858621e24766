"""Fewer points that look the same: what a picture of some columns can show of any number of values.

1. Of each column the lowest, the highest and the last value are kept: no spike is lost, however short.
2. NaN breaks a line. A break narrower than a column may close; `painted` shows what stood for a moment as a column.
"""

from collections.abc import Iterable
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float64]
Numbers: TypeAlias = NDArray[np.int64]


def reduced(at_s: Floats, values: Floats, columns: int) -> tuple[Floats, Floats]:
    """Return the points of a line that is drawn as steps, broken by NaN where values are NaN.

    at_s: rising; the first and the last are the edges of the picture. A value holds until the next moment.
    """
    kept, ends = _kept(at_s, values, columns)
    # A run ends where the next value is none: its last value holds up to there.
    closing = np.minimum(ends + 1, at_s.size - 1)
    xs = np.concatenate([at_s[kept], at_s[closing], at_s[closing]])
    ys = np.concatenate([values[kept], values[ends], np.full(ends.size, np.nan)])
    order = np.lexsort((np.repeat([0, 1, 2], [kept.size, ends.size, ends.size]), np.concatenate([kept, ends, ends])))
    xs, ys = xs[order], ys[order]
    changes = np.flatnonzero(~_is_idle(ys))
    return xs[changes], ys[changes]


def marks(at_s: Floats, values: Floats, columns: int) -> tuple[Floats, Floats]:
    """Return the lowest and the highest value of each column; where values are NaN there is none."""
    there = np.flatnonzero(~np.isnan(values))
    if not there.size:
        return at_s[:0], values[:0]
    groups = _begins(_columns(at_s, columns)[there])
    chosen = there[_extremes(values[there], groups)]
    return at_s[chosen], values[chosen]


def painted(spans: Iterable[tuple[float, float, int]], begin_s: float, end_s: float, columns: int) -> Numbers:
    """Return for each column the highest rank of the spans that touch it, 0 where none does.

    spans: from when to when, and a rank above 0. However short, one that lies in the picture has a column.
    """
    ranks = np.zeros(columns, dtype=np.int64)
    scale = columns / (end_s - begin_s)
    for first_s, last_s, rank in sorted(spans, key=lambda one: one[2]):
        if last_s < begin_s or first_s > end_s:
            continue
        first = min(max(0, int((first_s - begin_s) * scale)), columns - 1)
        last = int(np.ceil(min(last_s - begin_s, end_s - begin_s) * scale))
        ranks[first : max(last, first + 1)] = rank
    return ranks


def stretches(ranks: Numbers) -> list[tuple[int, int, int]]:
    """Return from which column to before which one a rank stands, and the rank; rank 0 is left out."""
    if not ranks.size:
        return []
    begins = _begins(ranks)
    ends = np.append(begins[1:], ranks.size)
    return [
        (int(first), int(last), int(ranks[first]))
        for first, last in zip(begins, ends, strict=True)
        if ranks[first]
    ]  # fmt: skip


def _kept(at_s: Floats, values: Floats, columns: int) -> tuple[Numbers, Numbers]:
    """Return which points are kept, and after which of them the line breaks."""
    there = np.flatnonzero(~np.isnan(values))
    if not there.size:
        return there, there
    column = _columns(at_s, columns)[there]
    runs = _calmed(np.cumsum(np.diff(there, prepend=there[0]) > 1, dtype=np.int64), column)
    groups, begins = _begins(runs * columns + column), _begins(runs)
    lasts = np.append(groups[1:], there.size) - 1
    chosen = np.unique(np.concatenate([begins, lasts, _extremes(values[there], groups)]))
    return there[chosen], there[np.append(begins[1:], there.size) - 1]


def _calmed(runs: Numbers, column: Numbers) -> Numbers:
    """Return the runs with those of a column that has more than two of them taken as one: nobody could see them."""
    begins = _begins(column)
    crossed = runs[np.append(begins[1:], runs.size) - 1] - runs[begins] > 1
    is_crossed = np.repeat(crossed, np.diff(np.append(begins, runs.size)))
    firsts = np.repeat(runs[begins], np.diff(np.append(begins, runs.size)))
    return np.asarray(np.where(is_crossed, firsts, runs), dtype=np.int64)


def _columns(at_s: Floats, columns: int) -> Numbers:
    span_s = max(float(at_s[-1] - at_s[0]), 1e-9)
    places = ((at_s - at_s[0]) / span_s * columns).astype(np.int64)
    return np.asarray(np.minimum(places, columns - 1), dtype=np.int64)


def _begins(keys: Numbers) -> Numbers:
    """Return where each stretch of equal keys begins."""
    return np.asarray(np.flatnonzero(np.concatenate([[True], keys[1:] != keys[:-1]])), dtype=np.int64)


def _extremes(values: Floats, groups: Numbers) -> Numbers:
    """Return where the lowest and the highest value of each group stand; of equals the first."""
    sizes = np.diff(np.append(groups, values.size))
    numbers = np.repeat(np.arange(groups.size), sizes)
    found = []
    for extreme in (np.minimum, np.maximum):
        hits = np.flatnonzero(values == np.repeat(extreme.reduceat(values, groups), sizes))
        found.append(hits[np.unique(numbers[hits], return_index=True)[1]])
    return np.asarray(np.unique(np.concatenate(found)), dtype=np.int64)


def _is_idle(values: Floats) -> NDArray[np.bool_]:
    """Return which points of a line of steps say nothing: the value before and the value after are the same."""
    idle = np.zeros(values.size, dtype=np.bool_)
    idle[1:-1] = (values[1:-1] == values[:-2]) & (values[1:-1] == values[2:])
    return idle
