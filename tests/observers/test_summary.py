"""One line a message, and nothing in it that a terminal would obey."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from observers.summary import describe, printable
from protocol.bodies import Approval, Consent
from protocol.examples import example
from protocol.messages import MessageType
from scenarios import replies
from tests.builders import message, status


@pytest.mark.parametrize("kind", MessageType)
def test_every_type_has_words(kind: MessageType) -> None:
    assert len(describe(example(kind))) > 3


@given(st.text())
def test_whatever_stands_in_a_message_only_printable_characters_come_out(text: str) -> None:
    assert printable(text).isprintable()


def test_escape_codes_are_shown_and_not_executed() -> None:
    assert describe(status(1, text="\x9b2J\u202egood\nbye")) == "pending · \\x9b2J\\u202egood bye"


def test_what_a_person_said_is_told_with_the_name() -> None:
    said = replies.cancellation("run", "@lead", None, "too late", person="anna", now_ns=1)
    assert describe(said) == "cancel all by anna: too late"
    body = Approval(subject="x", decision=Consent.DENIED, reason="not today", person="bert")
    assert describe(message(MessageType.APPROVAL, body, "a", sender="@human")) == "denied by bert: not today"
