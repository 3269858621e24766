"""Calls under a rate limit, by a clock that goes when it is told to."""

from dataclasses import dataclass, field

import pytest

from agents.batches import batched
from protocol.errors import SourceError


@dataclass
class Clock:
    """Seconds since the beginning. pauses: how long was slept."""

    now_s: float = 1_000.0
    pauses: list[float] = field(default_factory=list)

    def __call__(self) -> float:
        return self.now_s

    def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now_s += seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_a_batch_begins_when_those_before_it_are_paid_for(clock: Clock) -> None:
    calls = [lambda: clock.now_s - 1_000] * 5
    begun = list(batched(calls, per_s=4, size=2, now_s=clock, sleep=clock.sleep))
    assert begun == [[0, 0], [0.5, 0.5], [1.0]]


def test_calls_that_are_slower_than_the_limit_do_not_wait_and_are_not_caught_up_with(clock: Clock) -> None:
    def slow() -> None:
        clock.now_s += 3

    def quick() -> None:
        return

    list(batched([slow, quick, quick], per_s=1, size=1, now_s=clock, sleep=clock.sleep))
    assert clock.pauses == [1.0]


def test_what_a_call_raises_comes_out_after_the_batches_before_it(clock: Clock) -> None:
    def broken() -> int:
        raise SourceError("no")

    batches = batched([lambda: 1, broken], per_s=1, size=1, now_s=clock, sleep=clock.sleep)
    assert next(batches) == [1]
    with pytest.raises(SourceError):
        next(batches)


@pytest.mark.parametrize(("per_s", "size"), [(0, 1), (-1, 1), (1, 0)])
def test_a_limit_that_is_none_is_refused(per_s: float, size: int) -> None:
    with pytest.raises(ValueError, match="more than nothing"):
        list(batched([], per_s, size))
