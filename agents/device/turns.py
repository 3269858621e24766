"""Several devices on one line, asked one after the other; what they say is one status with a pack for each.

1. A device is asked all its questions before the next one is. Whoever waits longest is next.
2. A round is over when everybody who is there has said something. Who was missing last time is not waited for, and is
   asked less often.
"""

from collections.abc import Sequence

from agents.device.polling import Counts, Poller, added
from agents.device.status import Status, side_by_side


class Turns:
    """The devices on one line. pause_s: how long it is left alone between two of them."""

    def __init__(self, pollers: Sequence[Poller], pause_s: float) -> None:
        self._pollers, self._pause_s = list(pollers), pause_s
        self._now = self._pollers[0]
        self._quiet_s = float("-inf")
        self._said = dict[Poller, Status]()

    @property
    def counts(self) -> Counts:
        return added(poller.counts for poller in self._pollers)

    @property
    def last_error(self) -> str:
        return next((poller.last_error for poller in self._pollers if poller.last_error), "")

    def poll(self, now_s: float, wait_s: float = 0.0) -> Status | None:
        """Go on with whose turn it is, and return what a round has brought when it is over. now_s: monotonic.

        Raises:
            LinkError: the line is gone.
        """
        if self._now.is_resting and now_s >= self._quiet_s:
            due = [poller for poller in self._pollers if poller.due_s <= now_s]
            self._now = min(due, key=lambda poller: poller.due_s, default=self._now)
        was_at_work = not self._now.is_resting
        status = self._now.poll(now_s, wait_s)
        if status is not None:
            self._said[self._now] = status
        if was_at_work and self._now.is_resting:
            self._quiet_s = now_s + self._pause_s
            return self._round()
        return None

    def _round(self) -> Status | None:
        if not self._said or any(poller not in self._said and not poller.is_missing for poller in self._pollers):
            return None
        said = side_by_side(self._said[poller] for poller in self._pollers if poller in self._said)
        self._said.clear()
        return said
