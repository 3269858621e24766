"""Ten pairs of agents and every type of message, both ways, over a real broker: heard, or refused with the reason.

Each pair speaks and hears through publishers and subscribers of its own, over ZeroMQ, as agents of a mission do.
"""

from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Final

import pytest

from agents.definitions.definition import Definition, catalogue
from agents.teams import role_of
from bus.publisher import Publisher
from bus.records import Entry
from bus.roles import Role, objection
from bus.run import RunFolder
from bus.subscriber import Subscriber
from bus.wire import Receipt, Status
from protocol.bodies import Refusal
from protocol.decoder import decode
from protocol.encoder import encode
from protocol.examples import Part, example
from protocol.ids import derived
from protocol.messages import Message, MessageType
from protocol.names import Priority
from protocol.topics import BROKER, GATEKEEPER, HUMAN, SUPERVISOR, inbox_of, topic_of
from tests.builders import broker, introduce

PAIRS: Final = (
    (HUMAN, "@tech-lead-orchestrator"),
    ("@tech-lead-orchestrator", "@backend-coordinator"),
    ("@backend-coordinator", "@django-specialist"),
    ("@data-coordinator", "@fact-extractor"),
    ("@quality-coordinator", "@test-automator"),
    (GATEKEEPER, "@data-coordinator"),
    ("@clock", "@devops-coordinator"),
    (SUPERVISOR, "@operations-coordinator"),
    ("@recorder", "@security-auditor"),
    ("@python-expert", "@rust-expert"),
)
NAMES: Final = tuple(dict.fromkeys(name for pair in PAIRS for name in pair))
OF_DEVICES: Final = {MessageType.TELEMETRY}  # no agent says it


def role(name: str) -> Role:
    return role_of(Definition(name=name[1:], description="", role=""))


CAST: Final = {name: role(name) for name in NAMES}


class Table:
    """All of them at one broker, each with its own connections."""

    def __init__(self, run: RunFolder) -> None:
        self._run = run
        self._publishers = {name: Publisher(run, name, patience_s=20) for name in NAMES}
        self._hearing = {name: Subscriber(run, inbox_of(name)) for name in NAMES}

    def say(self, message: Message) -> Receipt:
        [receipt] = self._publishers[message.sender].submit([(encode(message), Priority.NORMAL)])
        return receipt

    def heard(self, name: str, sequence: int) -> Entry:
        """Return what somebody hears at this place of the journal."""
        while True:
            entry = self._hearing[name].receive(20)
            assert entry is not None, f"{name} heard nothing"
            assert entry.sequence <= sequence, f"{name} has missed {sequence}"
            if entry.sequence == sequence:
                return entry

    def refused(self, name: str, message: str) -> Refusal:
        """Return the refusal of a message that somebody hears."""
        while True:
            entry = self._hearing[name].receive(20)
            assert entry is not None, f"{name} heard no refusal"
            told = decode(entry.document)
            if told.sender == BROKER and isinstance(told.body, Refusal) and told.body.refused == message:
                return told.body

    def close(self) -> None:
        for publisher in self._publishers.values():
            publisher.close()
        for subscriber in self._hearing.values():
            subscriber.close()


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Table]:
    folder: Path = tmp_path_factory.mktemp("pairs")
    with broker(folder / "run") as running:
        supervisor = Publisher(running.run, SUPERVISOR)
        introduce(supervisor, CAST)
        supervisor.close()
        made = Table(running.run)
        yield made
        made.close()


def said(kind: MessageType, sender: str, recipient: str) -> Message:
    part = Part(sender=sender, recipient=recipient, specialist=sender, coordinator=recipient, task=f"{sender[1:]}/1")
    return example(kind, part).model_copy(update={"id": derived(kind.value, sender, recipient)})


@pytest.mark.parametrize("kind", MessageType, ids=lambda kind: kind.value)
@pytest.mark.parametrize("pair", PAIRS, ids=" ".join)
def test_what_the_roles_allow_is_heard_as_it_was_said_and_all_else_is_refused_with_the_reason(
    pair: tuple[str, str], kind: MessageType, table: Table
) -> None:
    for sender, recipient in (pair, pair[::-1]):
        message = said(kind, sender, recipient)
        receipt = table.say(message)
        fault = objection(role(sender), kind, role(recipient))
        if fault is None:
            assert receipt.status is Status.NEW
            hearer = GATEKEEPER if kind is MessageType.TASK_COMPLETION else recipient
            entry = table.heard(hearer, receipt.sequence)
            assert (entry.topic, entry.document) == (topic_of(recipient, kind.value), encode(message))
            assert decode(entry.document) == message
        else:
            assert (receipt.status, receipt.reason) == (Status.REFUSED, f"role: {fault}")
            refusal = table.refused(sender, message.id or "")
            assert (refusal.code, refusal.reason) == ("role", fault)


def test_every_type_that_agents_exchange_is_exchanged_by_one_of_the_pairs() -> None:
    ways = [way for pair in PAIRS for way in (pair, pair[::-1])]
    allowed = {kind for kind, (one, other) in product(MessageType, ways) if not objection(role(one), kind, role(other))}
    assert allowed == set(MessageType) - OF_DEVICES


def test_the_pairs_are_agents_that_ship_and_who_is_in_every_run() -> None:
    shipped = {f"@{name}" for name in catalogue()}
    assert set(NAMES) - shipped == {HUMAN, SUPERVISOR}
    assert {name: role_of(catalogue()[name[1:]]) for name in set(NAMES) & shipped}.items() <= CAST.items()
