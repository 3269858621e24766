"""The clock: answers each wake-request when it is due. A fold of its own: requests minus wakes."""

import time
from collections.abc import Callable

from bus.follower import durable
from bus.publisher import Publisher
from bus.records import Entry
from bus.run import RunFolder
from bus.subscriber import Subscriber
from protocol.bodies import Wake, WakeRequest
from protocol.decoder import reread
from protocol.ids import derived
from protocol.messages import Message, MessageType
from protocol.topics import CLOCK, inbox_of


class Wakes:
    """What is still owed. No sockets and no clock."""

    def __init__(self) -> None:
        self._owed: dict[str, Message] = {}

    def hear(self, entry: Entry) -> None:
        """Learn a request, or that one was answered."""
        message = reread(entry.document)
        if isinstance(message.body, WakeRequest) and message.id:
            self._owed[message.id] = message
        elif isinstance(message.body, Wake):
            self._owed.pop(message.cause or "", None)

    def next_due_ns(self) -> int | None:
        """Return when the next wake is due; None when none is owed."""
        dues = [request.body.due for request in self._owed.values() if isinstance(request.body, WakeRequest)]
        return min(dues, default=None)

    def take_due(self, now_ns: int) -> list[Message]:
        """Return and forget the wakes that are due at this time."""
        due = []
        for identity, request in list(self._owed.items()):
            if isinstance(request.body, WakeRequest) and request.body.due <= now_ns:
                del self._owed[identity]
                due.append(_wake(request, request.body, now_ns))
        return due


def _wake(request: Message, body: WakeRequest, now_ns: int) -> Message:
    return Message(
        sender=CLOCK,
        recipient=request.sender,
        type=MessageType.WAKE,
        task=request.task,
        timestamp_ns=now_ns,
        id=derived("wake", request.id),
        mission=request.mission,
        cause=request.id,
        body=Wake(key=body.key, due=body.due),
    )


def serve(run: RunFolder, clock_ns: Callable[[], int] = time.time_ns) -> None:
    """Run the clock as a process until the supervisor stops it."""
    publisher = Publisher(run, CLOCK, facts={"role": "clock"})
    wakes, position = Wakes(), 0
    for entry in durable(run):
        position = entry.sequence
        if entry.topic.endswith(("/wake", "/wake-request")):
            wakes.hear(entry)
    subscriber = Subscriber(run, inbox_of(CLOCK), after=position)
    while True:
        due_ns = wakes.next_due_ns()
        wait_s = 1.0 if due_ns is None else min(1.0, max(0.0, (due_ns - clock_ns()) / 1e9))
        heard = subscriber.receive(wait_s)
        if heard is not None and heard.topic.endswith("/wake-request"):
            wakes.hear(heard)
        publisher.publish(wakes.take_due(clock_ns()))
        publisher.beat({"state": "waiting", "position": subscriber.position})
