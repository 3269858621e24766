"""What a coordinator is: a pure fold over what it heard.

    step(state, heard) -> (state, drafts)

Nothing in a fold asks the time, reads a file or draws a number; what it says gets its id and its timestamp
from what caused it. Therefore feeding it the journal again must give the same messages.
"""

from dataclasses import dataclass
from typing import Protocol, TypeVar

from protocol.bodies import Body
from protocol.encoder import encode
from protocol.ids import derived
from protocol.messages import Message, MessageType, Priority, QualityGates

State = TypeVar("State")


@dataclass(frozen=True, slots=True)
class Heard:
    """A message as it stands in the journal. at_ns: when it was journaled, which is a fold's only clock."""

    message: Message
    at_ns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What a fold wants to say; sender, id and timestamp are added by whoever runs the fold."""

    recipient: str
    type: MessageType
    task: str
    body: Body
    priority: Priority = Priority.NORMAL
    parent_task: str | None = None
    attempt: int | None = None
    gates: QualityGates | None = None


class Fold(Protocol[State]):
    """A coordinator's rules. version: changes whenever the same messages would give other drafts."""

    version: str

    def start(self) -> State: ...

    def step(self, state: State, heard: Heard) -> tuple[State, tuple[Draft, ...]]: ...


def sign(draft: Draft, *, sender: str, heard: Heard, ordinal: int) -> Message:
    """Return a draft as a message: its id follows from its cause and its place among the cause's drafts."""
    return Message(
        sender=sender,
        recipient=draft.recipient,
        type=draft.type,
        priority=draft.priority,
        task=draft.task,
        parent_task=draft.parent_task,
        timestamp_ns=heard.at_ns,
        id=derived(sender, heard.message.id, ordinal),
        mission=heard.message.mission,
        cause=heard.message.id,
        attempt=draft.attempt,
        body=draft.body,
        gates=draft.gates,
    )


def say(fold: Fold[State], state: State, heard: Heard, sender: str) -> tuple[State, list[tuple[Message, bytes]]]:
    """Take one step and return the new state and what is to be published, as messages and as documents."""
    state, drafts = fold.step(state, heard)
    messages = [sign(draft, sender=sender, heard=heard, ordinal=n) for n, draft in enumerate(drafts)]
    return state, [(message, encode(message)) for message in messages]
