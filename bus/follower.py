"""Following the journal file itself, as far as the broker has called it durable.

For those who need every entry of every inbox and never mind being behind: the recorder. They hear only how
far the journal reaches, so they cost the bus one short frame for each group.
"""

import time
from collections.abc import Iterator

import zmq

from bus import wire
from bus.journal import JournalReader
from bus.lifeline import is_cut, lifeline
from bus.publisher import ask_status
from bus.records import Entry
from bus.run import RunFolder
from protocol.errors import BusError


def durable(run: RunFolder, after: int = 0, patience_s: float = 30.0) -> Iterator[Entry]:
    """Yield what the journal holds after an entry, as far as the broker calls it durable now.

    A group that is written but not synced can still be undone; nobody may act on it.

    Raises:
        JournalError: the journal is damaged.
        BusError, SystemExit: as for `durable_head`.
    """
    yield from JournalReader(run.journal, after).entries(durable_head(run, patience_s))


def durable_head(run: RunFolder, patience_s: float = 30.0) -> int:
    """Return the last entry that the broker calls durable now.

    Raises:
        BusError: no broker answered for `patience_s` seconds.
        SystemExit: the supervisor is gone.
    """
    rope, deadline_s = lifeline(), time.monotonic() + patience_s
    while (status := ask_status(run, 0.5)) is None or is_cut(rope):
        if is_cut(rope):
            raise SystemExit(1)
        if time.monotonic() > deadline_s:
            raise BusError(f"no broker has answered for {patience_s:.0f} s; is the run still alive?")
    return int(status["head"])


class Follower:
    """Reads behind the broker. `position` is the last sequence given out."""

    def __init__(self, run: RunFolder, after: int = 0) -> None:
        self._journal = JournalReader(run.journal, after)
        self._rope = lifeline()
        self._context = zmq.Context()
        self._socket = self._context.socket(zmq.SUB)
        self._socket.setsockopt(zmq.CONFLATE, 1)  # only the newest head matters
        for prefix in (wire.HEAD, wire.BEACON):
            self._socket.subscribe(prefix)
        self._socket.connect(run.endpoint("hear"))

    @property
    def position(self) -> int:
        return self._journal.position

    def entries(self, timeout_s: float) -> Iterator[Entry]:
        """Yield what has become durable; nothing when the head did not move for `timeout_s` seconds.

        Raises:
            JournalError: the journal is damaged.
            SystemExit: the supervisor is gone.
        """
        if not self._socket.poll(int(timeout_s * 1000)):
            if is_cut(self._rope):
                raise SystemExit(1)
            return
        heard = wire.unpack_heard(self._socket.recv())
        if isinstance(heard, wire.Beacon):
            yield from self._journal.entries(heard.head)

    def rest(self) -> Iterator[Entry]:
        """Yield everything that is left once the broker has closed the journal."""
        yield from self._journal.entries()

    def close(self) -> None:
        self._journal.close()
        self._context.destroy(linger=0)
