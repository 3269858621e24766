"""The bus in one process, for tests: the same door, the same order, the same bytes, no disk and no socket.

It carries bytes, not objects, so what cannot be encoded fails here too.
"""

import time
from collections.abc import Callable, Sequence

from bus.door import Door
from bus.records import Draft, Entry
from bus.sequencer import Quarantine, Sequencer, Submission
from bus.subscriber import Tracker
from bus.transport import all_taken
from bus.wire import Receipt
from protocol.encoder import encode
from protocol.messages import Message
from protocol.names import RANK, Priority


class MemoryStore:
    """A journal that is a list."""

    def __init__(self, clock_ns: Callable[[], int]) -> None:
        self.entries: list[Entry] = []
        self._clock_ns = clock_ns

    def append(self, documents: Sequence[Draft]) -> list[Entry]:
        last_ns = self.entries[-1].recorded_ns if self.entries else 0
        first, first_ns = len(self.entries) + 1, max(last_ns + 1, self._clock_ns())
        added = [Entry(first + n, first_ns + n, *document) for n, document in enumerate(documents)]
        self.entries += added
        return added


class MemoryBus:
    """A broker, a journal and any number of publishers and subscribers, all in one process."""

    def __init__(self, mission: str = "test", clock_ns: Callable[[], int] = time.time_ns) -> None:
        self._store = MemoryStore(clock_ns)
        self._sequencer = Sequencer(
            self._store, Door(), mission=mission, quarantine=Quarantine(None), clock_ns=clock_ns
        )

    @property
    def entries(self) -> list[Entry]:
        return list(self._store.entries)

    def publisher(self, agent: str) -> "MemoryPublisher":
        return MemoryPublisher(self._sequencer, agent)

    def subscriber(self, inbox: str | None, after: int = 0) -> "MemorySubscriber":
        return MemorySubscriber(self._store, inbox, after)


class MemoryPublisher:
    """Publishes into a MemoryBus; the same two verbs as `bus.publisher.Publisher`."""

    def __init__(self, sequencer: Sequencer, agent: str) -> None:
        self._sequencer, self._agent = sequencer, agent

    def publish(self, messages: Sequence[Message]) -> list[Receipt]:
        """Raises: as `bus.publisher.Publisher.publish`, except that this broker always answers."""
        return all_taken(self.submit([(encode(message), message.priority) for message in messages]))

    def submit(self, documents: Sequence[tuple[bytes, Priority]]) -> list[Receipt]:
        """Send documents, the most urgent first, and return their receipts in the order given."""
        order = sorted(range(len(documents)), key=lambda n: RANK[documents[n][1]])
        raws = tuple(documents[n][0] for n in order)
        [receipts], _ = self._sequencer.accept([Submission(self._agent, b"", 0, raws)])
        given = dict(zip(order, receipts, strict=True))
        return [given[n] for n in range(len(documents))]

    def close(self) -> None:
        """Nothing to let go of."""


class MemorySubscriber:
    """Hears a MemoryBus; the same verb as `bus.subscriber.Subscriber`."""

    def __init__(self, store: MemoryStore, inbox: str | None, after: int) -> None:
        self._store, self._tracker = store, Tracker(inbox, after)

    def receive(self, timeout_s: float | None = None) -> Entry | None:
        """Return the next entry, or None at once when there is none: nobody else is running meanwhile."""
        for entry in self._store.entries[self._tracker.position :]:
            self._tracker.position = entry.sequence
            if self._tracker.concerns(entry.topic):
                return entry
        return None

    def close(self) -> None:
        """Nothing to let go of."""
