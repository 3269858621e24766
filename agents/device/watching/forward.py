"""The time of a watch: that of the day, which may be set back, while what is told of a watch never goes back."""

import time
from collections.abc import Callable


class ForwardClock:
    """Nanoseconds since 1970, never before what was told last.

    Where the clock of the day is set back, this one goes on from where it was, as fast as time passes, until that has
    caught up. not_before_ns: what an earlier life has told last. day_ns, passed_ns: the two clocks of the machine.
    """

    def __init__(
        self,
        not_before_ns: int = 0,
        day_ns: Callable[[], int] = time.time_ns,
        passed_ns: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        self._day_ns, self._passed_ns = day_ns, passed_ns
        self._last_ns, self._at_ns = not_before_ns, passed_ns()

    def __call__(self) -> int:
        at_ns = self._passed_ns()
        self._last_ns, self._at_ns = max(self._day_ns(), self._last_ns + at_ns - self._at_ns), at_ns
        return self._last_ns
