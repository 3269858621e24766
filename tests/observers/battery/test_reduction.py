"""Reduction loses no extreme and no break that could be seen, and bounds what is drawn."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from observers.battery.reduction import marks, painted, reduced, stretches

COLUMNS = 100
values = st.lists(st.one_of(st.just(float("nan")), st.integers(-9, 9).map(float)), min_size=2, max_size=400)


def seconds(count: int) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    return np.arange(count, dtype=np.float64)


@given(values)
def test_the_extremes_are_kept_and_nothing_is_made_up(given: list[float]) -> None:
    every = np.array(given)
    xs, ys = reduced(seconds(every.size), every, COLUMNS)
    there, kept = every[~np.isnan(every)], ys[~np.isnan(ys)]
    assert set(kept) <= set(there)
    assert (kept.size == 0) == (there.size == 0)
    if there.size:
        assert (kept.min(), kept.max()) == (there.min(), there.max())
    assert np.all(np.diff(xs) >= 0)


@given(values)
def test_a_line_breaks_wherever_a_whole_column_has_no_value(given: list[float]) -> None:
    every = np.array([one for one in given for _ in range(3 * COLUMNS)])  # each value fills columns
    xs, ys = reduced(seconds(every.size), every, COLUMNS)
    for second in np.flatnonzero(np.isnan(every)):
        before = int(np.searchsorted(xs, second, side="right")) - 1
        assert before < 0 or np.isnan(ys[before])


@given(st.integers(2, 5000))
def test_what_flickers_is_bounded_by_the_columns(count: int) -> None:
    every = np.where(seconds(count) % 2, np.nan, 1.0)
    xs, _ = reduced(seconds(count), every, COLUMNS)
    assert xs.size <= 12 * COLUMNS


def test_a_single_spike_in_a_day_is_kept() -> None:
    every = np.full(86_400, 3.3)
    every[54_321] = 3.9
    xs, ys = reduced(seconds(every.size), every, COLUMNS)
    assert xs[ys == 3.9].tolist() == [54_321.0]
    assert xs.size < 10


def test_a_value_holds_up_to_the_break() -> None:
    xs, ys = reduced(seconds(5), np.array([1.0, 1.0, np.nan, np.nan, 2.0]), COLUMNS)
    assert xs[np.isnan(ys)][0] == 2.0
    assert (xs[0], ys[0]) == (0.0, 1.0)


def test_marks_are_the_extremes_of_each_column() -> None:
    every = np.full(1000, np.nan)
    every[500:510] = np.arange(10)
    xs, ys = marks(seconds(1000), every, COLUMNS)
    assert set(ys) == {0.0, 9.0}
    assert xs.tolist() == [500.0, 509.0]
    assert marks(seconds(3), np.full(3, np.nan), COLUMNS)[0].size == 0


def test_a_moment_has_a_column_and_the_worst_of_a_column_is_shown() -> None:
    ranks = painted([(0, 1000, 1), (500.0, 500.0, 3), (500.0, 505.0, 2), (2000, 3000, 4)], 0, 1000, COLUMNS)
    assert stretches(ranks) == [(0, 50, 1), (50, 51, 3), (51, 100, 1)]
