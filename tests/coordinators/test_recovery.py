"""What a coordinator does about failures, by their kind; and about people who answer, refuse or say nothing."""

import pytest

from coordinators.coordinator import BREAKER_FAILURES, Coordinator
from coordinators.fold import Draft, say
from coordinators.recovery import RATE
from coordinators.turn import BREAKER_NS, CONSENT_S
from protocol.bodies import (
    Answer,
    Approval,
    Consent,
    Decision,
    ErrorCategory,
    ErrorDetails,
    ErrorLevel,
    Plan,
    Report,
    Setting,
    TaskAssignment,
    WakeRequest,
)
from protocol.messages import MessageType
from protocol.topics import HUMAN, TECH_LEAD
from tests.coordinators.play import DONE, Answering, Play, Reply, play, task


def error(
    message: str,
    level: ErrorLevel = ErrorLevel.SPECIALIST,
    category: ErrorCategory = ErrorCategory.EXECUTION,
    transient: bool | None = None,
) -> ErrorDetails:
    return ErrorDetails(level=level, category=category, message=message, transient=transient)


def failing(*replies: Reply) -> Answering:
    """Fail so, one after the other, and then succeed."""
    left = list(replies)
    return lambda draft, body: left.pop(0) if left else DONE


def rejected(reason: str, details: ErrorDetails | None = None) -> Reply:
    return Reply(Decision.REJECT, reason=reason, error=details)


def escalations(played: Play) -> list[Draft]:
    return [draft for draft in played.said if draft.type is MessageType.ESCALATION]


@pytest.mark.parametrize(
    "details",
    [
        error("the server said 503: temporarily unavailable"),
        error("connection reset by peer"),
        error("no answer", transient=True),
        error("rate limit reached", category=ErrorCategory.INTEGRATION),
    ],
)
def test_a_passing_failure_waits_before_it_is_tried_again_and_longer_each_time(details: ErrorDetails) -> None:
    played = play(task("a"), reply=failing(rejected("1", details), rejected("2", details)))
    pauses = []
    for _ in range(2):
        assert played.states() == {"a": "paused"}
        before_ns = played.at_ns
        played.wake()
        pauses.append((played.at_ns - before_ns) / 1e9)
    assert played.order == ["a", "a", "a"]
    assert 1 <= pauses[0] <= 1.26
    assert 2 <= pauses[1] <= 2.51
    assert played.assignment("a", 2).strategy == "passing/retry"


@pytest.mark.parametrize(
    "details",
    [error("no such column"), error("timed out", transient=False), error("late", category=ErrorCategory.VALIDATION)],
)
def test_a_failure_that_does_not_pass_by_itself_is_told_to_the_next_attempt_at_once(details: ErrorDetails) -> None:
    played = play(task("a"), reply=failing(rejected("layer 4 output: no", details)))
    assert played.assignment("a", 2).feedback == "layer 4 output: no"
    assert played.assignment("a", 2).strategy == "rejected/retry-with-feedback"


def test_the_pause_has_a_longest() -> None:
    passing = rejected("busy", error("busy"))
    played = play(task("a", attempts=9, backoff_s=8), reply=failing(passing, passing, passing, passing))
    pauses = []
    for _ in range(4):
        before_ns = played.at_ns
        played.wake()
        pauses.append((played.at_ns - before_ns) / 1e9)
    assert all(low <= pause <= low * 1.26 for low, pause in zip((8, 16, 30, 30), pauses, strict=True))


def test_a_pause_of_nothing_is_over_at_once() -> None:
    played = play(task("a", backoff_s=0), reply=failing(rejected("busy", error("busy"))))
    before_ns = played.at_ns
    played.wake()
    assert played.order == ["a", "a"]
    assert played.at_ns - before_ns < 1_000


def test_where_one_agent_cannot_do_it_the_next_one_is_asked() -> None:
    played = play(
        task("a", attempts=2, alternatives=("@simple", "@other")),
        reply=lambda draft, body: DONE if draft.recipient == "@other" else rejected(f"{draft.attempt}"),
    )
    agents = [draft.recipient for draft in played.said if isinstance(draft.body, TaskAssignment)]
    assert agents == ["@worker", "@worker", "@simple", "@simple", "@other"]
    assert played.result.result is not None


def test_the_same_result_twice_is_a_loop_and_nobody_is_asked_a_third_time() -> None:
    played = play(task("a", attempts=9), reply=lambda draft, body: rejected("the quote is not there"))
    assert played.order == ["a", "a"]
    [up] = escalations(played)
    assert isinstance(up.body, Report)
    assert up.body.error_details is not None
    assert up.body.error_details.attempted_recovery == "2 attempts, 2 rejected, 0 lost"


def test_another_result_rejected_in_the_same_words_is_no_loop() -> None:
    played = play(
        task("a", attempts=4),
        reply=lambda draft, body: Reply(
            Decision.REJECT, reason="not ready", evidence=(f"rejected result {draft.attempt}",)
        ),
    )
    assert played.order == ["a"] * 4


def test_waiting_for_a_server_is_no_loop() -> None:
    passing = rejected("busy", error("busy"))
    played = play(task("a", attempts=5), reply=failing(passing, passing, passing))
    for _ in range(3):
        played.wake()
    assert played.order == ["a"] * 4


def test_what_a_check_finds_goes_back_to_the_author_and_what_builds_on_it_is_done_again() -> None:
    played = play(
        task("write"),
        task("format", "write"),
        task("test", "write", "format", fixed_by="write"),
        task("ship", "test"),
        reply=failing(DONE, DONE, rejected("test_add: 2 + 2 is not 5")),
    )
    assert played.order == ["write", "format", "test", "write", "format", "test", "ship"]
    assert played.assignment("write", 2).feedback == "test_add: 2 + 2 is not 5"
    assert played.assignment("write", 2).strategy == "faulty-input/fix-author"
    assert [file.path for file in played.assignment("test", 2).inputs] == [
        "mission/write/0.out",
        "mission/format/0.out",
    ]


def test_what_an_earlier_attempt_was_told_is_not_told_again_when_its_input_is_another() -> None:
    replies = {"format": [rejected("indentation")], "test": [rejected("2 + 2 is not 5")]}
    played = play(
        task("write"),
        task("format", "write"),
        task("test", "format", "write", fixed_by="write"),
        reply=lambda draft, body: replies[draft.task].pop() if replies.get(draft.task) else DONE,
    )
    assert played.assignment("format", 2).feedback == "indentation"
    assert (played.assignment("format", 3).feedback, played.assignment("format", 3).strategy) == (None, None)


def test_an_author_is_asked_so_often_and_no_more() -> None:
    played = play(
        task("write"),
        task("test", "write", fixed_by="write", attempts=3),
        reply=lambda draft, body: rejected(f"{draft.attempt}") if draft.task == "test" else DONE,
    )
    assert played.order == ["write", "test"] * 3
    assert [draft.task for draft in escalations(played)] == ["test"]


def test_a_merge_conflict_is_resolved_before_anybody_is_asked() -> None:
    played = play(task("merge"), reply=failing(rejected("merge conflict in limits.h")))
    assert played.assignment("merge", 2).strategy == "conflict/resolve-conflict"


def test_an_agent_that_keeps_failing_is_given_nothing_for_a_while_and_then_one_attempt_decides() -> None:
    passing = rejected("busy", error("busy"))
    played = play(
        *(task(f"t{n}", attempts=20) for n in range(BREAKER_FAILURES)),
        task("late", "t0"),
        reply=failing(*[passing] * BREAKER_FAILURES),
    )
    assert played.order == [f"t{n}" for n in range(BREAKER_FAILURES)]
    opened_ns = played.at_ns
    played.wake()  # the first pause is over, the agent is still shut off
    assert len(played.order) == BREAKER_FAILURES
    while played.at_ns < opened_ns + BREAKER_NS:
        played.wake()
    assert played.order[BREAKER_FAILURES:][0] == "t0"
    for _ in range(3 * BREAKER_FAILURES):
        if played.state.is_reported:
            break
        played.wake()
    assert played.result.result is not None


def test_ways_that_helped_clearly_more_often_in_past_missions_come_first() -> None:
    rates = [Setting(name=f"{RATE}rejected/retry-with-feedback", value="0.1")]
    rates += [Setting(name=f"{RATE}rejected/alternative", value="0.9")]
    plan = Plan(tasks=(task("a", alternatives=("@other",)),))
    body = TaskAssignment(title="m", skill="run-plan", folder="mission", plan=plan, settings=tuple(rates))
    played = Play(plan, failing(rejected("no")))
    played.go_on(played.hear(MessageType.TASK_ASSIGNMENT, body, "mission", sender=TECH_LEAD))
    assert [draft.recipient for draft in played.said if isinstance(draft.body, TaskAssignment)] == ["@worker", "@other"]


def asked() -> Play:
    return play(task("a"), task("deploy", "a", approve=True), task("tell", "deploy"))


def test_what_wants_consent_waits_for_a_person_and_the_mission_sleeps_meanwhile() -> None:
    played = asked()
    assert played.order == ["a"]
    [request] = [draft for draft in played.said if draft.type is MessageType.APPROVAL]
    assert isinstance(request.body, Approval)
    assert (request.recipient, request.body.subject, request.body.decision) == (HUMAN, "deploy", Consent.REQUESTED)
    assert request.body.due is not None
    assert request.body.due - played.at_ns == CONSENT_S * 1_000_000_000
    assert "mission/a/0.out" in request.body.reason
    [blocked] = [draft for draft in played.said if draft.type is MessageType.STATUS]
    assert isinstance(blocked.body, Report)
    assert blocked.body.options == ()
    played.go_on(played.consent("deploy", Consent.GRANTED))
    assert played.order == ["a", "deploy", "tell"]
    assert played.result.result is not None


@pytest.mark.parametrize("how", ["denied", "silent", "late"])
def test_no_consent_is_a_refusal_however_it_comes(how: str) -> None:
    played = asked()
    if how == "denied":
        played.consent("deploy", Consent.DENIED)
    elif how == "silent":
        played.wake()
    else:
        played.at_ns += CONSENT_S * 1_000_000_000
        played.consent("deploy", Consent.GRANTED)
    assert played.order == ["a"]
    [up] = escalations(played)
    assert isinstance(up.body, Report)
    assert up.body.error_details is not None
    assert up.body.error_details.level is ErrorLevel.PERSON
    again = played.hear(MessageType.ANSWER, Answer(choice="retry"), "deploy", sender=TECH_LEAD)
    assert [draft.type for draft in again if draft.recipient == HUMAN] == [MessageType.APPROVAL]


def test_only_a_person_can_consent() -> None:
    played = asked()
    played.go_on(played.consent("deploy", Consent.GRANTED, sender="@worker"))
    assert played.order == ["a"]


def test_other_branches_go_on_while_a_person_is_asked() -> None:
    played = play(
        task("a", attempts=1),
        task("b"),
        task("c", "b"),
        reply=lambda draft, body: rejected("no") if draft.task == "a" else DONE,
    )
    assert played.order == ["b", "a", "c"]
    [blocked] = [draft for draft in played.said if draft.type is MessageType.STATUS]
    assert played.said[-1] is blocked
    played.go_on(played.hear(MessageType.ANSWER, Answer(choice="skip", text="not needed"), "a", sender=TECH_LEAD))
    assert played.result.result is not None
    assert "a: decided so: not needed" in played.result.result.description


def test_giving_up_stops_everything() -> None:
    played = play(task("a", attempts=1), task("b", "a"), reply=failing(rejected("no")))
    played.go_on(played.hear(MessageType.ANSWER, Answer(choice="give up"), "a", sender=TECH_LEAD))
    assert played.states() == {"a": "abandoned", "b": "waiting"}
    assert played.order == ["a"]


def test_all_of_this_said_again_is_the_same_byte_for_byte() -> None:
    passing = rejected("busy", error("busy"))
    played = play(
        task("a"), task("deploy", "a", approve=True), task("b", "a", critical=False, attempts=1),
        reply=failing(passing, passing, DONE, rejected("x")),
    )  # fmt: skip
    played.wake()
    played.wake()
    played.go_on(played.consent("deploy", Consent.GRANTED))
    fold = Coordinator(TECH_LEAD)
    for _ in range(2):
        state, documents = fold.start(), []
        for heard in played.heard:
            state, said = say(fold, state, heard, "@lead")
            documents += [raw for _, raw in said]
        assert len(documents) == len(played.said)
        assert state == played.state
    assert [draft for draft in played.said if isinstance(draft.body, WakeRequest)]


def test_an_answer_to_what_was_asked_before_is_none_to_what_is_asked_now() -> None:
    played = asked()
    first = played.state.rows["deploy"].request
    played.consent("deploy", Consent.DENIED)
    played.hear(MessageType.ANSWER, Answer(choice="retry"), "deploy", sender=TECH_LEAD)
    late = Approval(subject=first, decision=Consent.GRANTED, reason="yes")
    played.go_on(played.hear(MessageType.APPROVAL, late, "deploy", sender=HUMAN, cause=first))
    assert played.order == ["a"]
    played.go_on(played.consent("deploy", Consent.GRANTED))
    assert played.order == ["a", "deploy", "tell"]
