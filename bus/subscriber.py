"""The hearing side of the bus: live frames over ZeroMQ, gaps read from the journal.

1. `position` says: everything for this inbox up to that sequence was delivered, in order, once.
2. Every frame names the sequence before it in its inbox and in everyone's, so a gap is exact although one
   subscriber hears only some topics; a beacon names the last of each inbox, so a lost tail is noticed too.
3. On a gap the range is read from the journal, up to what the broker has called durable, then it goes on.
4. Nothing is buffered here: what the socket cannot hold is dropped by the broker and read later.
"""

import time
from collections.abc import Iterator
from typing import Final

import zmq

from bus import wire
from bus.lifeline import is_cut, lifeline
from bus.records import Entry
from bus.sockets import WAITING_FRAMES
from bus.transport import Place
from protocol.topics import EVERYONE, inbox_of

_EVERYONE: Final = inbox_of(EVERYONE)


class Tracker:
    """Decides what a frame means for somebody who hears one inbox, or all of them. No sockets.

    inbox: None hears everything. position: as in the module's first rule.
    """

    def __init__(self, inbox: str | None, after: int) -> None:
        self.inbox = inbox
        self.position = after

    def concerns(self, topic: str) -> bool:
        return self.inbox is None or topic.partition("/")[0] in (self.inbox, _EVERYONE)

    def missing_before(self, heard: wire.Live | wire.Beacon) -> int:
        """Return up to which sequence the journal has to be read before what was heard can be delivered.

        0: nothing is missing.
        """
        if isinstance(heard, wire.Beacon):
            return 0 if self._knows_all(heard) else heard.head
        if self.inbox is None or heard.topic.startswith(_EVERYONE + "/"):
            # Everyone's frames do not say what else this inbox has got meanwhile; they are rare, so look.
            needed = heard.first - 1
        else:
            needed = max(heard.previous, heard.previous_everyone)
        return heard.first - 1 if needed > self.position else 0

    def _knows_all(self, beacon: wire.Beacon) -> bool:
        if self.inbox is None:
            return beacon.head <= self.position
        last = max(beacon.inboxes.get(self.inbox, 0), beacon.inboxes.get(_EVERYONE, 0))
        return last <= self.position


class Subscriber:
    """Delivers every entry of an inbox, in order, from any past sequence on. One thread."""

    def __init__(
        self, place: Place, inbox: str | None, *, after: int = 0, waiting_frames: int = WAITING_FRAMES
    ) -> None:
        """Start hearing.

        inbox: whose messages, without @; None hears everything. after: deliver what follows this sequence.
        """
        self._tracker = Tracker(inbox, after)
        self._place = place
        self._rope = lifeline()
        self._journal = place.history(inbox, after)
        self._context = zmq.Context()
        self._socket = self._context.socket(zmq.SUB)
        self._socket.setsockopt(zmq.RCVHWM, waiting_frames)
        self._socket.setsockopt(zmq.LINGER, 0)
        for prefix in self._prefixes(inbox):
            self._socket.subscribe(prefix)
        place.connect(self._socket, "hear")
        self._pending: Iterator[Entry] = iter(())
        self.gaps = 0

    @staticmethod
    def _prefixes(inbox: str | None) -> list[str]:
        if inbox is None:
            return [""]
        return [f"{inbox}/", f"{_EVERYONE}/", wire.BEACON]

    @property
    def position(self) -> int:
        return self._tracker.position

    def receive(self, timeout_s: float | None = None) -> Entry | None:
        """Return the next entry, or None when there was none for `timeout_s` seconds (None: wait for ever).

        Raises:
            JournalError: a gap had to be read and the journal is damaged there.
            SystemExit: the supervisor is gone.
        """
        deadline_s = None if timeout_s is None else time.monotonic() + timeout_s
        while True:
            entry = next(self._pending, None)
            if entry is not None:
                return entry
            left_s = 1.0 if deadline_s is None else min(1.0, deadline_s - time.monotonic())
            if self._socket.poll(max(0, int(left_s * 1000))):
                self._pending = self._deliver(wire.unpack_heard(self._place.heard(self._socket.recv())))
            elif is_cut(self._rope):
                raise SystemExit(1)
            elif deadline_s is not None and time.monotonic() >= deadline_s:
                return None

    def close(self) -> None:
        self._journal.close()
        self._context.destroy(linger=0)

    def _deliver(self, heard: wire.Live | wire.Beacon) -> Iterator[Entry]:
        upto = self._tracker.missing_before(heard)
        if upto:
            self.gaps += 1
            yield from self._from_journal(upto)
        if isinstance(heard, wire.Beacon):
            self._tracker.position = max(self._tracker.position, heard.head)
            return
        if not self._tracker.concerns(heard.topic):
            return
        for entry in heard.entries():
            if entry.sequence > self._tracker.position:
                self._tracker.position = entry.sequence
                yield entry

    def _from_journal(self, upto: int) -> Iterator[Entry]:
        self._journal.seek(self._tracker.position)
        for entry in self._journal.entries(upto):
            if entry.sequence > self._tracker.position and self._tracker.concerns(entry.topic):
                self._tracker.position = entry.sequence
                yield entry
        self._tracker.position = max(self._tracker.position, upto)
