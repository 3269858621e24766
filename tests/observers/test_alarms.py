"""Alarms among what people are asked: one request each, from when it was raised until somebody has taken note."""

from typing import Any

import pytest

from observers.inbox import Request, Standing, requests
from observers.outline import ASKS, Outline
from observers.recoveries import Outcome, account
from protocol.alarms import ACKNOWLEDGE
from protocol.bodies import (
    Action,
    AlertState,
    Answer,
    Approval,
    Consent,
    Control,
    ErrorCategory,
    ErrorDetails,
    ErrorLevel,
    Report,
    Result,
    Setting,
    Severity,
    TaskAssignment,
    Verb,
)
from protocol.messages import Message, MessageType
from protocol.topics import HUMAN, SUPERVISOR, TECH_LEAD
from scenarios import replies
from tests.asking import BATTERY, DEPLOY, OVER, STUCK, alert, escalated, leave, published, up_the_ladder
from tests.builders import message

NOW_NS = 1_800_000_000_000_000_000
WAY = (BATTERY, "@lead", TECH_LEAD)
ACKNOWLEDGED, CLEARED = AlertState.ACKNOWLEDGED, AlertState.CLEARED


def asked(*messages: Message) -> list[Request]:
    return requests(published(*messages).entries, "test")


def standings(*messages: Message) -> list[Standing]:
    return [one.standing(NOW_NS) for one in asked(*messages)]


def answered(cause: str = OVER, *, recipient: str = BATTERY, sender: str = HUMAN, choice: str = ACKNOWLEDGE) -> Message:
    body = Answer(choice=choice, text="seen", person="anna")
    return message(MessageType.ANSWER, body, f"by-{sender}", sender=sender, recipient=recipient, cause=cause)


def approved(subject: str = OVER) -> Message:
    body = Approval(subject=subject, decision=Consent.GRANTED, reason="seen", person="anna")
    return message(MessageType.APPROVAL, body, "approved", sender=HUMAN, recipient=BATTERY)


def set_to(value: str = "cell-overvoltage", *, recipient: str = BATTERY) -> Message:
    body = Control(verb=Verb.SET, settings=(Setting(name=ACKNOWLEDGE, value=value),))
    return message(MessageType.CONTROL, body, f"set-{recipient}", sender=HUMAN, recipient=recipient)


def over() -> Message:
    report = Report(action=Action.BLOCKED, result=Result(success=False, description="cancelled"))
    return message(MessageType.STATUS, report, "over", sender=TECH_LEAD, recipient=SUPERVISOR)


def test_an_alarm_is_one_request_of_the_devices_agent_from_when_it_was_raised() -> None:
    bus = published(*up_the_ladder(alert()))
    [request] = requests(bus.entries, "test")
    assert (request.id, request.kind, request.sender, request.task) == (OVER, MessageType.ALERT, BATTERY, "pack-1")
    assert (request.options, request.due_ns, request.settlement) == ((ACKNOWLEDGE,), None, None)
    assert request.asked_ns == bus.entries[-3].recorded_ns
    assert request.way == WAY
    assert request.question.startswith("pack-1: cell-overvoltage: cell-1-voltage is 3.7 V\nNothing here protects")


@pytest.mark.parametrize("far", [1, 2])
def test_what_has_not_come_up_the_whole_ladder_is_not_asked_so_far(far: int) -> None:
    assert asked(*up_the_ladder(alert())[:far]) == []


def test_warnings_are_never_asked_about() -> None:
    assert asked(*up_the_ladder(alert(severity=Severity.WARNING))) == []


def test_an_answer_goes_to_the_devices_agent_and_names_the_alert_as_its_cause() -> None:
    [request] = asked(*up_the_ladder(alert()))
    said = replies.answer(request, ACKNOWLEDGE, "fans are on", person="anna", now_ns=NOW_NS)
    assert (said.type, said.recipient, said.task, said.cause) == (MessageType.ANSWER, BATTERY, "pack-1", OVER)
    [request] = asked(*up_the_ladder(alert()), said)
    settlement = request.settlement
    assert settlement is not None
    assert (settlement.person, settlement.choice, settlement.text) == ("anna", ACKNOWLEDGE, "fans are on")


@pytest.mark.parametrize(
    "said",
    [answered(), answered(choice=" Acknowledge"), approved(), approved("cell-overvoltage"), set_to(), set_to(OVER)],
    ids=["answer", "as it was typed", "approval", "approval of the code", "setting", "setting to the id"],
)
def test_however_a_person_takes_note_it_is_settled(said: Message) -> None:
    assert standings(*up_the_ladder(alert()), said) == [Standing.SETTLED]


@pytest.mark.parametrize(
    "said",
    [
        answered(choice="ignore it"),
        answered(sender="@lead"),
        answered(recipient=TECH_LEAD),
        answered("another"),
        approved("another"),
        set_to("cell-undervoltage"),
        set_to(recipient="@battery-2"),
        alert("x", ACKNOWLEDGED, code="cell-undervoltage"),
        alert("x", ACKNOWLEDGED, task="pack-2"),
        alert("x", ACKNOWLEDGED, sender="@battery-2"),
    ],
)
def test_what_the_devices_agent_would_not_take_for_a_note_settles_nothing(said: Message) -> None:
    assert standings(*up_the_ladder(alert()), said) == [Standing.OPEN]


def test_what_the_devices_agent_says_was_acknowledged_is_settled() -> None:
    [request] = asked(*up_the_ladder(alert()), alert("x", ACKNOWLEDGED, text="acknowledged by R. Meyer"))
    said = request.settlement
    assert said is not None
    assert (said.person, said.choice, said.text) == ("", "acknowledged", "acknowledged by R. Meyer")


def test_the_person_who_took_note_is_named_and_not_only_that_somebody_did() -> None:
    [request] = asked(*up_the_ladder(alert()), answered(), alert("x", ACKNOWLEDGED))
    assert request.settlement is not None
    assert request.settlement.person == "anna"


def test_what_was_acknowledged_before_it_came_up_the_ladder_is_not_asked_any_more() -> None:
    first, *others = up_the_ladder(alert())
    assert standings(first, answered(), alert("x", ACKNOWLEDGED), *others) == [Standing.SETTLED]


def test_what_was_cleared_without_anybody_taking_note_is_still_asked() -> None:
    assert standings(*up_the_ladder(alert()), alert("x", CLEARED)) == [Standing.OPEN]


def test_what_is_raised_again_asks_anew_and_takes_the_place_of_what_nobody_answered() -> None:
    again = up_the_ladder(alert("over-2"))
    assert standings(*up_the_ladder(alert()), *again) == [Standing.WITHDRAWN, Standing.OPEN]
    assert standings(*up_the_ladder(alert()), answered(), *again) == [Standing.SETTLED, Standing.OPEN]


def test_other_alarms_and_questions_about_the_same_name_stand_beside_it() -> None:
    other, elsewhere = alert("low-1", code="cell-undervoltage"), alert("over-2", sender="@battery-2")
    ladders = [one for first in (alert(), other, elsewhere) for one in up_the_ladder(first)]
    messages = [escalated(task="pack-1"), leave(), *ladders]
    assert standings(*messages) == [Standing.OPEN] * 5
    assert standings(*messages, answered()) == [Standing.OPEN, Standing.OPEN, Standing.SETTLED, *[Standing.OPEN] * 2]


def test_one_code_for_all_packs_of_a_device_is_acknowledged_for_all_of_them() -> None:
    ladders = [one for n in (1, 2) for one in up_the_ladder(alert(f"over-{n}", task=f"pack-1/{n}"))]
    assert standings(*ladders, set_to()) == [Standing.SETTLED] * 2


def test_two_coordinators_that_pass_one_alarm_on_ask_once() -> None:
    first, second, third = up_the_ladder(alert())
    copies = [one.model_copy(update={"id": f"{one.id}-2"}) for one in (second, third)]
    copies[1] = copies[1].model_copy(update={"cause": copies[0].id})
    assert standings(first, second, third, *copies) == [Standing.OPEN]


def test_when_the_mission_is_over_it_is_withdrawn_also_where_it_was_still_on_its_way() -> None:
    messages = up_the_ladder(alert())
    assert standings(*messages, over()) == [Standing.WITHDRAWN]
    assert standings(*messages[:2], over(), messages[2]) == [Standing.WITHDRAWN]


def test_an_escalation_to_a_person_about_an_alert_that_brings_choices_is_no_alarm() -> None:
    [request] = asked(alert(), escalated().model_copy(update={"cause": OVER}))
    assert (request.id, request.kind, request.way) == (STUCK, MessageType.ESCALATION, ())


def test_an_alert_with_the_id_of_a_request_hides_nothing() -> None:
    assert [one.kind for one in asked(alert(DEPLOY), leave())] == [MessageType.APPROVAL]


def test_a_chain_that_leads_to_no_alert_is_a_request_of_who_asks() -> None:
    [request] = asked(up_the_ladder(alert())[-1])
    assert (request.kind, request.sender) == (MessageType.ESCALATION, TECH_LEAD)


def outline(*messages: Message) -> Outline:
    told = Outline()
    for entry in published(*messages).entries:
        told.hear(entry)
    return told


def test_who_takes_note_of_an_alarm_has_not_decided_what_the_mission_waits_for() -> None:
    waits = Report(action=Action.BLOCKED, question="nothing goes on without: a")
    blocked = message(MessageType.STATUS, waits, "waits", sender=TECH_LEAD, recipient=SUPERVISOR)
    assert outline(*up_the_ladder(alert()), blocked, answered()).stands(is_open=False) == ASKS
    decided = message(MessageType.ANSWER, Answer(choice="skip"), "d", sender=HUMAN, recipient=TECH_LEAD)
    assert outline(blocked, decided).end is None


def test_an_alarm_is_no_failure_of_a_task_and_a_note_of_it_no_decision_about_one() -> None:
    assert account(published(*up_the_ladder(alert()), answered()).entries).recoveries == ()
    details = ErrorDetails(level=ErrorLevel.TECH_LEAD, category=ErrorCategory.EXECUTION, message="it broke")
    about: dict[str, Any] = {"sender": "@lead", "task": "pack-1"}
    body = TaskAssignment(title="t", skill="s", folder="m", plan=None)
    given = message(MessageType.TASK_ASSIGNMENT, body, "given", recipient="@worker", attempt=1, **about)
    report = Report(action=Action.ESCALATING, error_details=details)
    up = message(MessageType.ESCALATION, report, "up", recipient=TECH_LEAD, attempt=1, **about)
    noted = answered().model_copy(update={"task": "pack-1"})
    stuck = up.model_copy(update={"parent_task": "mission"})
    [one] = account(published(given, stuck, *up_the_ladder(alert()), noted).entries).recoveries
    assert (one.outcome, one.decision) == (Outcome.ESCALATED, "")
