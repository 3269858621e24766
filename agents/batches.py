"""Many calls of plain functions under a rate limit, such as that of a provider."""

import time
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import TypeVar

R = TypeVar("R")


def batched(
    calls: Iterable[Callable[[], R]],
    per_s: float,
    size: int,
    *,
    now_s: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Iterator[list[R]]:
    """Make calls in their order, `size` at a time, and yield the results of each batch.

    A batch begins when the calls before it are paid for at `per_s` calls a second; what was slower than that is
    not caught up with. What a call raises comes out, and ends it.
    """
    if per_s <= 0 or size < 1:
        raise ValueError(f"{per_s} calls a second, {size} at a time: both must be more than nothing")
    waiting, due_s = iter(calls), now_s()
    while batch := list(islice(waiting, size)):
        pause_s = due_s - now_s()
        if pause_s > 0:
            sleep(pause_s)
        due_s = max(due_s, now_s()) + len(batch) / per_s
        yield [call() for call in batch]
