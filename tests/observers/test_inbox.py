"""What people are asked is read from the journal alone, and so is what they have said."""

from hypothesis import given
from hypothesis import strategies as st

from bus.memory import MemoryBus
from observers.inbox import SHORT_ID, Request, Standing, requests, short_ids
from protocol.bodies import Action, Answer, Approval, Consent, Control, Report, Result, Verb
from protocol.messages import Message, MessageType
from protocol.topics import EVERYONE, HUMAN, SUPERVISOR, TECH_LEAD
from scenarios import replies
from tests.asking import DEPLOY, OPTIONS, STUCK, escalated, leave, published
from tests.builders import message, status

NOW_NS = 1_800_000_000_000_000_000


def asked(*messages: Message) -> list[Request]:
    return requests(published(*messages).entries, "test")


def granted(identity: str, cause: str) -> Message:
    body = Approval(subject=cause, decision=Consent.GRANTED, reason="go ahead", person="anna")
    return message(MessageType.APPROVAL, body, identity, sender=HUMAN, recipient="@lead", cause=cause, task="deploy")


def test_where_nobody_asks_there_is_nothing() -> None:
    assert asked(status(1), status(2)) == []


def test_a_request_for_consent_says_what_would_be_done_and_until_when_it_can_be_answered() -> None:
    [request] = asked(leave(due_ns=NOW_NS))
    assert (request.id, request.run, request.kind) == (DEPLOY, "test", MessageType.APPROVAL)
    assert (request.sender, request.task, request.question) == ("@lead", "deploy", "switch the relay off")
    assert (request.options, request.due_ns, request.settlement) == ((), NOW_NS, None)


def test_an_escalation_says_what_is_asked_what_was_tried_and_what_can_be_chosen() -> None:
    [request] = asked(escalated())
    assert (request.kind, request.sender, request.task) == (MessageType.ESCALATION, TECH_LEAD, "extract/1")
    assert request.question == "What now?\ntried so far: another specialist"
    assert request.options == OPTIONS


def test_an_escalation_without_a_question_asks_with_its_error() -> None:
    [request] = asked(escalated(question=""))
    assert request.question.startswith("rejected three times")


def test_a_question_is_a_request_too() -> None:
    body = Report(action=Action.PENDING, question="Which of the two?")
    [request] = asked(message(MessageType.QUESTION, body, "q-1", sender="@lead", recipient=HUMAN))
    assert (request.question, request.options) == ("Which of the two?", ())


def test_what_is_asked_again_stands_in_the_place_of_what_was_asked_before() -> None:
    first, second = asked(leave("leave-1"), leave("leave-2"))
    assert [one.standing(NOW_NS) for one in (first, second)] == [Standing.WITHDRAWN, Standing.OPEN]


def test_when_the_mission_is_over_nothing_is_asked_any_more() -> None:
    over = Report(action=Action.BLOCKED, result=Result(success=False, description="cancelled"))
    told = message(MessageType.STATUS, over, "over", sender=TECH_LEAD, recipient=SUPERVISOR)
    assert [one.standing(NOW_NS) for one in asked(leave(), told)] == [Standing.WITHDRAWN]


def test_what_people_are_only_told_is_no_request() -> None:
    assert asked(status(1, recipient=HUMAN)) == []


def test_it_is_dated_by_the_journal_and_not_by_who_asks() -> None:
    bus = published(leave())
    [request] = requests(bus.entries, "test")
    assert request.asked_ns == bus.entries[-1].recorded_ns != leave().timestamp_ns


def test_an_approval_settles_the_request_that_caused_it_and_no_other() -> None:
    deploy, stuck = asked(leave(), escalated(), granted("a", DEPLOY))
    assert stuck.settlement is None
    said = deploy.settlement
    assert said is not None
    assert (said.person, said.choice, said.text) == ("anna", "granted", "go ahead")


def test_the_first_answer_counts() -> None:
    body = Approval(subject=DEPLOY, decision=Consent.DENIED, reason="no", person="bert")
    second = message(MessageType.APPROVAL, body, "b", sender=HUMAN, recipient="@lead", cause=DEPLOY)
    [request] = asked(leave(), granted("a", DEPLOY), second)
    assert request.settlement is not None
    assert request.settlement.choice == "granted"


def test_nobody_else_can_answer_for_a_person() -> None:
    body = Answer(choice="retry")
    [request] = asked(
        escalated(),
        message(MessageType.ANSWER, body, "x", sender=TECH_LEAD, recipient="@lead", cause=STUCK),
    )
    assert request.settlement is None


def test_an_answer_tells_who_said_it_and_what_else() -> None:
    [open_] = asked(escalated())
    answer = replies.answer(open_, "give up", "two\nlines", person="anna b.", now_ns=NOW_NS)
    [request] = asked(escalated(), answer)
    said = request.settlement
    assert said is not None
    assert (said.person, said.choice, said.text) == ("anna b.", "give up", "two\nlines")


def test_an_answer_of_a_person_unknown_is_an_answer() -> None:
    answer = message(
        MessageType.ANSWER,
        Answer(choice="skip", text="by hand"),
        "x",
        sender=HUMAN,
        recipient=TECH_LEAD,
        cause=STUCK,
    )
    [request] = asked(escalated(), answer)
    assert request.settlement is not None
    assert (request.settlement.person, request.settlement.text) == ("", "by hand")


def test_a_request_is_open_until_it_is_due_then_lapsed_and_settled_whenever_somebody_answered() -> None:
    [request] = asked(leave(due_ns=NOW_NS))
    assert request.standing(NOW_NS) is Standing.OPEN
    assert request.standing(NOW_NS + 1) is Standing.LAPSED
    [request] = asked(leave(due_ns=NOW_NS), granted("a", DEPLOY))
    assert request.standing(NOW_NS + 1) is Standing.SETTLED


def test_in_a_fork_what_was_open_is_open_and_what_was_answered_is_answered() -> None:
    begins = Control(verb=Verb.FORK, subject="parent")
    fork = message(MessageType.CONTROL, begins, "fork", sender=SUPERVISOR, recipient=EVERYONE, task="run")
    deploy, stuck = asked(leave(), escalated(), granted("a", DEPLOY), fork)
    assert (deploy.standing(NOW_NS), stuck.standing(NOW_NS)) == (Standing.SETTLED, Standing.OPEN)


def test_without_a_time_it_never_lapses() -> None:
    [request] = asked(leave())
    assert request.standing(2**62) is Standing.OPEN


def test_only_what_concerns_people_is_decoded() -> None:
    bus: MemoryBus = published(status(1), leave())
    broken = [entry._replace(document=b"no XML") if "status" in entry.topic else entry for entry in bus.entries]
    assert [request.id for request in requests(broken, "test")] == [DEPLOY]


@given(st.sets(st.text("ab", min_size=1, max_size=12), min_size=1))
def test_a_short_id_begins_one_id_only(ids: set[str]) -> None:
    for identity, short in short_ids(ids).items():
        assert identity.startswith(short)
        assert len(short) >= min(SHORT_ID, len(identity))
        assert short == identity or [other for other in ids if other.startswith(short)] == [identity]
