"""What every transport of the bus guarantees, held against both: in memory and over ZeroMQ."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bus.memory import MemoryBus
from bus.publisher import Publisher
from bus.records import Entry
from bus.subscriber import Subscriber
from bus.transport import Hearing, Publishing
from bus.wire import Status
from protocol.bodies import Claim, Refusal, TaskAssignment
from protocol.decoder import decode
from protocol.encoder import encode
from protocol.errors import Refused
from protocol.messages import MessageType
from protocol.names import Priority
from protocol.topics import SUPERVISOR
from tests.builders import broker, introduce, message, status


class Bus:
    """One way to reach either transport."""

    def __init__(
        self, publish: Callable[[str], Publishing], hear: Callable[[str | None, int], Hearing], patience_s: float
    ) -> None:
        self._publish, self._hear, self._patience_s = publish, hear, patience_s
        self._opened: list[Publishing | Hearing] = []

    def publisher(self, agent: str) -> Publishing:
        opened = self._publish(agent)
        self._opened.append(opened)
        return opened

    def heard(self, inbox: str | None, count: int, after: int = 0) -> list[str]:
        """Return the ids of the next entries of an inbox that are not about the run itself."""
        subscriber = self._hear(inbox, after)
        self._opened.append(subscriber)
        found: list[str] = []
        while len(found) < count:
            entry = subscriber.receive(self._patience_s)
            if entry is None:
                break
            if not entry.topic.endswith("/control"):
                found.append(decode(entry.document).id or "")
        return found

    def entries(self, inbox: str) -> list[Entry]:
        """Return everything an inbox has got so far: up to a mark that is published for the purpose."""
        mark = status(999, recipient="@lead")
        self.publisher("@worker").publish([mark])
        subscriber = self._hear(None, 0)
        self._opened.append(subscriber)
        found: list[Entry] = []
        while (entry := subscriber.receive(self._patience_s)) is not None:
            if decode(entry.document).id == mark.id:
                break
            if entry.topic.startswith(f"{inbox}/"):
                found.append(entry)
        return found

    def close(self) -> None:
        for opened in self._opened:
            opened.close()


@pytest.fixture(params=["memory", "zeromq"])
def bus(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Bus]:
    if request.param == "memory":
        memory = MemoryBus()
        introduce(memory.publisher(SUPERVISOR))
        yield Bus(memory.publisher, memory.subscriber, 0)
        return
    with broker(tmp_path / "run") as running:
        made = Bus(
            lambda agent: Publisher(running.run, agent),
            lambda inbox, after: Subscriber(running.run, inbox, after=after),
            10,
        )
        yield made
        made.close()


def test_what_is_published_is_heard_in_order(bus: Bus) -> None:
    receipts = bus.publisher("@worker").publish([status(n) for n in range(100)])
    assert [receipt.status for receipt in receipts] == [Status.NEW] * 100
    assert bus.heard("lead", 100) == [f"m-@worker-{n}" for n in range(100)]


def test_a_late_joiner_misses_nothing(bus: Bus) -> None:
    publisher = bus.publisher("@worker")
    publisher.publish([status(n) for n in range(40)])
    assert len(bus.heard("lead", 40)) == 40
    publisher.publish([status(n) for n in range(40, 50)])
    assert bus.heard("lead", 50) == [f"m-@worker-{n}" for n in range(50)]


def test_hearing_goes_on_from_any_past_sequence(bus: Bus) -> None:
    receipts = bus.publisher("@worker").publish([status(n) for n in range(10)])
    assert bus.heard("lead", 5, after=receipts[4].sequence) == [f"m-@worker-{n}" for n in range(5, 10)]


def test_an_inbox_hears_nothing_that_is_not_its_own(bus: Bus) -> None:
    publisher = bus.publisher("@worker")
    publisher.publish([status(1, recipient="@tech-lead-orchestrator"), status(2)])
    assert bus.heard("lead", 1) == ["m-@worker-2"]
    assert bus.heard(None, 2) == ["m-@worker-1", "m-@worker-2"]


def test_the_same_document_twice_is_journaled_once(bus: Bus) -> None:
    publisher = bus.publisher("@worker")
    [first] = publisher.publish([status(1)])
    [second] = publisher.publish([status(1)])
    assert (first.status, second.status) == (Status.NEW, Status.SAME)
    assert second.sequence == first.sequence


def test_the_same_id_with_other_words_loses_to_the_first(bus: Bus) -> None:
    publisher = bus.publisher("@worker")
    receipts = publisher.publish([status(1, text="first"), status(1, text="second")])
    assert [receipt.status for receipt in receipts] == [Status.NEW, Status.CONFLICT]
    assert receipts[0].sequence == receipts[1].sequence


def test_of_two_claims_the_first_one_wins(bus: Bus) -> None:
    publisher = bus.publisher("@worker")
    one, two = (
        message(MessageType.CLAIM, Claim(instance=name, lease_s=60), "claim-t", attempt=1) for name in ("w-1", "w-2")
    )
    assert publisher.publish([one])[0].status is Status.NEW
    assert publisher.publish([two])[0].status is Status.CONFLICT


def test_two_senders_may_use_one_id(bus: Bus) -> None:
    one = message(MessageType.CLAIM, Claim(instance="a", lease_s=1), "same-id")
    other = message(MessageType.CLAIM, Claim(instance="b", lease_s=1), "same-id", sender="@other")
    assert bus.publisher("@worker").publish([one])[0].status is Status.NEW
    assert bus.publisher("@other").publish([other])[0].status is Status.NEW


WRONG = {
    "no-such-recipient": status(1, recipient="@nobody"),
    "spoofed-sender": status(1, sender="@other"),
    "role": message(MessageType.TASK_ASSIGNMENT, TaskAssignment(title="x", skill="x", folder="x"), "x"),
}


@pytest.mark.parametrize("code", WRONG)
def test_what_may_not_be_said_is_refused_to_its_sender_and_heard_by_nobody(bus: Bus, code: str) -> None:
    publisher = bus.publisher("@worker")
    with pytest.raises(Refused, match=code) as refused:
        publisher.publish([WRONG[code]])
    assert refused.value.code == code
    publisher.publish([status(2)])
    assert bus.heard("lead", 1) == ["m-@worker-2"]


def test_a_refusal_is_journaled_once_and_reaches_the_sender(bus: Bus) -> None:
    publisher = bus.publisher("@worker")
    for _ in range(2):
        [receipt] = publisher.submit([(b"<not-a-message/>", Priority.NORMAL)])
        assert receipt.status is Status.REFUSED
        assert "invalid" in receipt.reason
    [refusal] = [entry for entry in bus.entries("worker") if entry.topic == "worker/refusal"]
    body = decode(refusal.document).body
    assert isinstance(body, Refusal)
    assert body.code == "invalid"


def test_a_message_without_an_id_is_refused(bus: Bus) -> None:
    raw = encode(status(1)).replace(b"<message-id>m-@worker-1</message-id>", b"")
    [receipt] = bus.publisher("@worker").submit([(raw, Priority.NORMAL)])
    assert (receipt.status, receipt.reason.partition(":")[0]) == (Status.REFUSED, "no-id")


def test_a_publishers_most_urgent_goes_first_and_receipts_keep_their_order(bus: Bus) -> None:
    publisher = bus.publisher("@worker")
    said = [status(1, priority=Priority.LOW), status(2, priority=Priority.CRITICAL), status(3, priority=Priority.LOW)]
    receipts = publisher.publish(said)
    assert bus.heard("lead", 3) == ["m-@worker-2", "m-@worker-1", "m-@worker-3"]
    assert receipts[1].sequence < receipts[0].sequence < receipts[2].sequence
