"""A device's alarm on its way up: device, coordinator, tech lead, person. No plan is needed for it, none is changed."""

import pytest

from bus.roles import Role, objection
from coordinators.fold import Draft, Heard
from coordinators.tech_lead import MissionState, TechLead
from protocol.alarms import ACKNOWLEDGE
from protocol.bodies import (
    Action,
    AlertState,
    Answer,
    ErrorCategory,
    ErrorDetails,
    ErrorLevel,
    Plan,
    Report,
    Result,
    Severity,
)
from protocol.encoder import encode
from protocol.failures import LEFT_OUT
from protocol.messages import Mark, Message, MessageType
from protocol.names import Priority
from protocol.topics import HUMAN, TECH_LEAD
from tests.asking import BATTERY, alert, up_the_ladder
from tests.builders import message
from tests.coordinators.play import DONE, Play, play, task

LONGEST = "&" * 65_536


def idle() -> Play:
    """A coordinator that was given no plan so far."""
    return Play(Plan(), lambda draft, body: None)


def says(played: Play, said: Message) -> list[Draft]:
    """Return what a coordinator says to a message; it has to stand where it stood."""
    before = played.state
    after, drafts = played.fold.step(before, Heard(said, played.at_ns + 1))
    assert after == before
    return list(drafts)


@pytest.mark.parametrize(
    "played",
    [
        idle(),
        play(task("pack-1"), reply=lambda draft, body: None),
        play(task("pack-1"), reply=lambda draft, body: DONE),
    ],
    ids=["before its plan", "at work", "after its end"],
)
def test_a_critical_alarm_goes_to_the_tech_lead_whether_there_is_a_plan_or_not_and_no_task_minds(played: Play) -> None:
    [told] = says(played, alert(task="pack-1"))
    assert (told.recipient, told.type, told.task) == (TECH_LEAD, MessageType.ESCALATION, "pack-1")
    assert (told.priority, told.parent_task, told.attempt) == (Priority.CRITICAL, None, None)
    assert told.gates is not None
    assert told.gates.layer_5_escalation is Mark.TRIGGERED
    text = "pack-1: cell-overvoltage: cell-1-voltage is 3.7 V"
    details = ErrorDetails(level=ErrorLevel.PERSON, category=ErrorCategory.EXECUTION, message=text)
    assert told.body == Report(action=Action.ESCALATING, error_details=details, question=text, options=(ACKNOWLEDGE,))


def test_it_is_urgent_even_where_the_alert_was_not() -> None:
    [told] = says(idle(), alert().model_copy(update={"priority": Priority.LOW}))
    assert told.priority is Priority.HIGH


def test_an_alarm_for_the_coordinator_alone_goes_up_as_well() -> None:
    assert len(says(idle(), alert(recipient="@lead"))) == 1


@pytest.mark.parametrize(
    "said",
    [
        alert(severity=Severity.WARNING),
        alert(severity=Severity.INFO),
        alert(state=AlertState.ACKNOWLEDGED),
        alert(state=AlertState.CLEARED),
        alert(code=LEFT_OUT),
        alert(sender="@lead", recipient="@lead"),
    ],
    ids=["warning", "info", "acknowledged", "cleared", "a task was left out", "its own"],
)
def test_what_is_no_new_critical_alarm_of_a_device_stays_in_the_journal(said: Message) -> None:
    assert says(idle(), said) == []
    assert says(play(task("a"), reply=lambda draft, body: None), said) == []


def test_its_own_alarm_to_everyone_does_not_come_back_to_it() -> None:
    assert says(play(task("a"), reply=lambda draft, body: None), alert(sender="@lead")) == []


class Lead:
    """A tech lead that was given no mission so far."""

    def __init__(self, state: MissionState | None = None) -> None:
        self.fold, self.state = TechLead(), state or MissionState()

    def hear(self, said: Message) -> list[Draft]:
        self.state, drafts = self.fold.step(self.state, Heard(said, 1_000))
        return list(drafts)


def escalated(said: Message | None = None) -> Message:
    """An alarm as the coordinator passes it on."""
    return up_the_ladder(said or alert())[1]


def test_the_tech_lead_passes_an_alarm_on_as_it_stands_and_says_that_nothing_here_protects() -> None:
    lead = Lead()
    [told] = lead.hear(escalated())
    assert (told.recipient, told.type, told.task) == (HUMAN, MessageType.ESCALATION, "pack-1")
    assert told.priority is Priority.CRITICAL
    assert isinstance(told.body, Report)
    assert told.body.options == (ACKNOWLEDGE,)
    alarm, more = (told.body.question or "").split("\n")
    assert alarm == "pack-1: cell-overvoltage: cell-1-voltage is 3.7 V"
    assert more.startswith("Nothing here protects")
    assert lead.state == MissionState()


def test_the_longest_alarm_is_still_a_message_and_says_that_nothing_here_protects() -> None:
    told = up_the_ladder(alert(text=LONGEST))
    assert [one.recipient for one in told[1:]] == [TECH_LEAD, HUMAN]
    assert all(encode(one) for one in told)
    assert isinstance(told[-1].body, Report)
    assert "Nothing here protects" in (told[-1].body.question or "")


def test_an_alarm_of_what_is_called_as_a_task_that_is_asked_about_decides_nothing_about_that_task() -> None:
    lead = Lead(MissionState(coordinator="@lead", asked=frozenset({"pack-1"})))
    before = lead.state
    assert [one.recipient for one in lead.hear(escalated())] == [HUMAN]
    noted = message(
        MessageType.ANSWER, Answer(choice=ACKNOWLEDGE), "n", sender=HUMAN, recipient=TECH_LEAD, task="pack-1"
    )
    assert lead.hear(noted) == []
    assert lead.state == before


def test_after_a_mission_is_completed_alarms_go_on_and_after_it_is_given_up_no_more() -> None:
    assert len(Lead(MissionState(coordinator="@lead", done="r")).hear(escalated())) == 1
    lead = Lead(MissionState(coordinator="@lead"))
    over = Report(action=Action.BLOCKED, result=Result(success=False, description="cancelled"))
    lead.hear(message(MessageType.STATUS, over, "over", sender="@lead", recipient=TECH_LEAD))
    assert lead.hear(escalated()) == []


def test_an_escalation_with_other_options_is_decided_as_ever() -> None:
    details = ErrorDetails(level=ErrorLevel.TECH_LEAD, category=ErrorCategory.EXECUTION, message="it broke")
    body = Report(action=Action.ESCALATING, error_details=details, question="what now?", options=("a", "b"))
    [answer] = Lead().hear(message(MessageType.ESCALATION, body, "e", sender="@lead", recipient=TECH_LEAD))
    assert isinstance(answer.body, Answer)


@pytest.mark.parametrize(
    ("sender", "kind", "recipient"),
    [
        (Role.DEVICE, MessageType.ALERT, Role.EVERYONE),
        (Role.DEVICE, MessageType.ALERT, Role.COORDINATOR),
        (Role.COORDINATOR, MessageType.ESCALATION, Role.TECH_LEAD),
        (Role.TECH_LEAD, MessageType.ESCALATION, Role.PERSON),
        (Role.PERSON, MessageType.ANSWER, Role.DEVICE),
        (Role.PERSON, MessageType.APPROVAL, Role.DEVICE),
        (Role.PERSON, MessageType.CONTROL, Role.DEVICE),
        (Role.DEVICE, MessageType.REFUSAL, Role.PERSON),
    ],
)
def test_every_step_of_the_ladder_may_be_said(sender: Role, kind: MessageType, recipient: Role) -> None:
    assert objection(sender, kind, recipient) is None


def test_from_the_device_to_the_person_each_names_the_one_before_as_its_cause() -> None:
    first, second, third = up_the_ladder(alert())
    assert (second.cause, third.cause) == (first.id, second.id)
    assert [one.sender for one in (first, second, third)] == [BATTERY, "@lead", TECH_LEAD]
