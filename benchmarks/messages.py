"""The message that everything is measured with: a task-completion of 1,075 bytes, with a fresh id each."""

from typing import Final

from protocol.bodies import Action, File, Report, Result
from protocol.encoder import encode
from protocol.messages import Integrity, Mark, Message, MessageType, QualityGates

MESSAGE_BYTES: Final = 1_075
SENDER: Final = "@fact-extractor"
RECIPIENT: Final = "@spec-coordinator"
# A task-completion is heard by the gatekeeper, whoever it is addressed to.
INBOX: Final = "gatekeeper"
TOPIC: Final = "gatekeeper/task-completion"
MISSION: Final = "spec-facts-20261121-093000"
_DIGEST: Final = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
_NS: Final = 1_795_253_400_250_000_000
_SENTENCE: Final = "12 facts from 1 document, every one with its page and its verbatim quote"


def identity(n: int) -> str:
    """Return the id of message n, in the form of a UUID."""
    return f"0d5f6f0e-53a3-5d5b-9f0c-{n:012x}"


def _made(n: int, description: str) -> Message:
    file = File(
        path="extract/1/facts.json",
        sha256=_DIGEST,
        bytes=1840,
        media_type="application/json",
        summary="12 facts",
    )
    return Message(
        sender=SENDER,
        recipient=RECIPIENT,
        type=MessageType.TASK_COMPLETION,
        task="extract/1",
        timestamp_ns=_NS,
        id=identity(n),
        mission=MISSION,
        cause="b7f1c7de-1f5b-5c9e-8d55-5a9b9e0a4c77",
        attempt=1,
        integrity=Integrity.UNTRUSTED,
        body=Report(action=Action.COMPLETED, result=Result(success=True, description=description, artifacts=(file,))),
        gates=QualityGates(layer_1_input=Mark.PASSED),
    )


_PADDING_BYTES: Final = MESSAGE_BYTES - len(encode(_made(0, "")))
_DESCRIPTION: Final = _SENTENCE.ljust(_PADDING_BYTES, ".")[:_PADDING_BYTES]


def completion(n: int) -> Message:
    """Return message n, made anew and checked by its model as an agent makes it; encoded it has MESSAGE_BYTES bytes."""
    return _made(n, _DESCRIPTION)


def documents(count: int) -> list[bytes]:
    """Return the first `count` messages as documents."""
    made = [encode(completion(n)) for n in range(count)]
    assert all(len(raw) == MESSAGE_BYTES for raw in made)
    return made
