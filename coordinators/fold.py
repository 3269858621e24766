"""What a coordinator is: a pure fold over what it heard.

    step(state, heard) -> (state, drafts)

Nothing in a fold asks the time, reads a file or draws a number; what it says gets its id and its timestamp
from what caused it. Therefore feeding it the journal again must give the same messages.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from protocol.bodies import Body, Refusal
from protocol.encoder import encode
from protocol.ids import derived
from protocol.messages import Message, MessageType, QualityGates
from protocol.names import Priority

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

    def set_aside(self, state: State, heard: Heard, reason: str) -> tuple[State, tuple[Draft, ...]]:
        """Tell the next higher on the ladder about a message on which `step` breaks."""
        ...


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


def say(
    fold: Fold[State],
    state: State,
    heard: Heard,
    sender: str,
    on_break: Callable[[Exception], None] = lambda error: None,
) -> tuple[State, list[tuple[Message, bytes]]]:
    """Take one step and return the new state and what is to be published, as messages and as documents.

    A message on which the step breaks is set aside: its sender is refused, the next higher is told, the state stays.
    A fold is pure, so a second try would break again, and so does a replay, which therefore says the same.
    on_break: told of the error; a replay does not mind, the process logs it.
    """
    try:
        after, drafts = fold.step(state, heard)
        return after, _signed(drafts, heard, sender)
    except Exception as error:  # noqa: BLE001  # whatever breaks, the coordinator has to go on with the next message
        on_break(error)
        reason = f"{type(error).__name__}: {error}"[:500]
    after, told = fold.set_aside(state, heard, f"{sender} broke on a {heard.message.type.value}: {reason}")
    return after, _signed((_refusal(heard, reason), *told), heard, sender)


def _signed(drafts: Sequence[Draft], heard: Heard, sender: str) -> list[tuple[Message, bytes]]:
    messages = [sign(draft, sender=sender, heard=heard, ordinal=n) for n, draft in enumerate(drafts)]
    return [(message, encode(message)) for message in messages]


def _refusal(heard: Heard, reason: str) -> Draft:
    body = Refusal(code="set-aside", reason=reason, refused=heard.message.id)
    return Draft(recipient=heard.message.sender, type=MessageType.REFUSAL, task=heard.message.task, body=body)
