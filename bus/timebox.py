"""A time limit for work in the main thread of a process: plain code is interrupted, not merely asked."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class TimeUp(BaseException):
    """The time is up. Only `timeboxed` raises it, inside the work; its caller has to expect it.

    Not an Exception: libraries for reading documents are full of `except Exception`, and would take the end of
    their time for a fault of the document.
    """


@contextmanager
def timeboxed(seconds: float) -> Iterator[None]:
    """Interrupt the block with TimeUp after so many seconds. Not to be nested."""

    def ring(_number: int, _frame: FrameType | None) -> None:
        raise TimeUp(f"not done in {seconds:g} s")

    previous = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)
