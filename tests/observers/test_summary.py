"""One line a message, and nothing in it that a terminal would obey."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from observers.summary import describe, printable
from protocol.examples import example
from protocol.messages import MessageType
from tests.builders import status


@pytest.mark.parametrize("kind", MessageType)
def test_every_type_has_words(kind: MessageType) -> None:
    assert len(describe(example(kind))) > 3


@given(st.text())
def test_whatever_stands_in_a_message_only_printable_characters_come_out(text: str) -> None:
    assert printable(text).isprintable()


def test_escape_codes_are_shown_and_not_executed() -> None:
    assert describe(status(1, text="\x9b2J\u202egood\nbye")) == "pending · \\x9b2J\\u202egood bye"
