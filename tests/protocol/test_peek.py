"""One leaf of a document, read without decoding it."""

import pytest

from protocol.encoder import encode
from protocol.examples import example
from protocol.messages import MessageType
from protocol.peek import peek


@pytest.mark.parametrize("kind", MessageType)
def test_what_is_peeked_at_is_what_is_decoded(kind: MessageType) -> None:
    message = example(kind)
    raw = encode(message)
    found = [peek(raw, tag) for tag in ("sender", "recipient", "task-id", "cause", "attempt", "message-id")]
    assert found == [message.sender, message.recipient, message.task, message.cause, "1", message.id]


def test_what_is_not_there_is_nothing() -> None:
    assert peek(b"<a></a>", "b") == ""
