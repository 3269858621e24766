"""What a person may say to a request, and what is said when it cannot be said."""

import re

import pytest

from observers.inbox import Request, requests
from protocol.bodies import Answer, Approval, Consent, Control, Verb
from protocol.decoder import decode
from protocol.encoder import encode
from protocol.errors import SourceError
from protocol.messages import Message, MessageType
from protocol.topics import HUMAN, TECH_LEAD
from scenarios import replies
from tests.asking import DEPLOY, STUCK, escalated, leave, published

NOW_NS = 1_800_000_000_000_000_000


def request(message: Message) -> Request:
    [found] = requests(published(message).entries, "test")
    return found


def answered(choice: str, text: str = "", *, person: str = "anna", to: Message | None = None) -> Message:
    return replies.answer(request(to or escalated()), choice, text, person=person, now_ns=NOW_NS)


def test_an_answer_goes_to_who_asked_about_the_same_task_and_names_what_it_answers() -> None:
    said = decode(encode(answered("skip", "by hand")))
    assert (said.sender, said.recipient, said.type) == (HUMAN, TECH_LEAD, MessageType.ANSWER)
    assert (said.task, said.cause, said.mission) == ("extract/1", STUCK, "test")
    assert isinstance(said.body, Answer)
    assert (said.body.choice, said.body.text, said.body.person) == ("skip", "by hand", "anna")


def test_a_consent_names_the_request_and_the_person() -> None:
    made = replies.consent(request(leave()), Consent.DENIED, "not today", person="anna", now_ns=NOW_NS)
    said = decode(encode(made))
    assert (said.recipient, said.type, said.task, said.cause) == ("@lead", MessageType.APPROVAL, "deploy", DEPLOY)
    assert said.body == Approval(subject=DEPLOY, decision=Consent.DENIED, reason="not today", person="anna")


def test_whatever_is_answered_has_the_same_id() -> None:
    assert answered("skip").id == answered("retry", "again", person="bert").id


@pytest.mark.parametrize(("task", "told"), [("deploy", "deploy"), (None, "run")])
def test_a_cancellation_goes_to_the_coordinator(task: str | None, told: str) -> None:
    made = replies.cancellation("test", "@lead", task, "too late", person="anna", now_ns=NOW_NS)
    said = decode(encode(made))
    assert (said.sender, said.recipient, said.task) == (HUMAN, "@lead", told)
    assert isinstance(said.body, Control)
    assert (said.body.verb, said.body.subject) == (Verb.CANCEL, task)
    assert {setting.name: setting.value for setting in said.body.settings} == {"reason": "too late", "person": "anna"}


def test_a_choice_that_was_not_offered_is_refused_with_those_that_were() -> None:
    with pytest.raises(SourceError, match=r"'Retry' is not among the options .*'retry', 'skip', 'give up'"):
        answered("Retry")


def test_an_option_can_be_chosen_as_it_is_shown() -> None:
    said = answered(r"\x1b[2Jretry", to=escalated(options=("a\tb", "\u202eretry", r"\x1b[2Jretry")))
    assert isinstance(said.body, Answer)
    assert said.body.choice == r"\x1b[2Jretry"
    said = answered("a b", to=escalated(options=("a\tb",)))
    assert isinstance(said.body, Answer)
    assert said.body.choice == "a\tb"


def test_where_nothing_is_offered_any_words_will_do() -> None:
    said = answered("the second", to=escalated(options=()))
    assert isinstance(said.body, Answer)
    assert said.body.choice == "the second"


def test_a_lapsed_request_cannot_be_consented_to() -> None:
    with pytest.raises(SourceError, match="has lapsed"):
        replies.consent(request(leave(due_ns=NOW_NS - 1)), Consent.GRANTED, "", person="anna", now_ns=NOW_NS)


def test_an_answer_is_no_consent_and_a_consent_no_answer() -> None:
    with pytest.raises(SourceError, match=re.escape("orchestra approve")):
        answered("yes", to=leave())
    with pytest.raises(SourceError, match=rf"orchestra answer {STUCK} 'retry' \| 'skip'"):
        replies.consent(request(escalated()), Consent.GRANTED, "", person="anna", now_ns=NOW_NS)


@pytest.mark.parametrize("person", ["", " ", "anna\nand bert", "\x1b[31manna", "a" * 201])
def test_who_speaks_has_a_name(person: str) -> None:
    with pytest.raises(SourceError):
        replies.consent(request(leave()), Consent.GRANTED, "", person=person, now_ns=NOW_NS)


@pytest.mark.parametrize("text", ["\x00", "\ud800", "x" * 70_000])
def test_what_cannot_be_sent_is_said_before_anything_is_begun(text: str) -> None:
    with pytest.raises(SourceError, match="it cannot be sent"):
        answered("skip", text)
