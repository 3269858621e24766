"""A message on which a coordinator breaks: set aside, its sender refused, the next higher told, replay the same."""

from collections.abc import Callable

import pytest

from coordinators.coordinator import Coordinator
from coordinators.fold import Draft, Heard, say
from coordinators.rows import PlanState
from coordinators.tech_lead import MissionState, TechLead
from protocol.bodies import Action, Refusal, Report
from protocol.messages import Message, MessageType
from protocol.topics import HUMAN, SUPERVISOR, TECH_LEAD
from tests.builders import status


class BrokenCoordinator(Coordinator):
    def step(self, state: PlanState, heard: Heard) -> tuple[PlanState, tuple[Draft, ...]]:
        raise ZeroDivisionError("division by zero")


class BrokenLead(TechLead):
    def step(self, state: MissionState, heard: Heard) -> tuple[MissionState, tuple[Draft, ...]]:
        raise KeyError("coordinator")


def told_by_coordinator() -> list[Message]:
    fold = BrokenCoordinator(TECH_LEAD)
    state, said = say(fold, fold.start(), Heard(status(1), 5), "@lead")
    assert state == fold.start()
    return [message for message, _ in said]


def told_by_lead() -> list[Message]:
    fold = BrokenLead()
    state, said = say(fold, fold.start(), Heard(status(1), 5), TECH_LEAD)
    assert state.asked == {status(1).task}
    return [message for message, _ in said]


@pytest.mark.parametrize("tell", [told_by_coordinator, told_by_lead])
def test_its_sender_is_refused_and_a_second_time_it_is_the_same(tell: Callable[[], list[Message]]) -> None:
    refusal, *_ = tell()
    assert (refusal.type, refusal.recipient) == (MessageType.REFUSAL, "@worker")
    assert isinstance(refusal.body, Refusal)
    assert refusal.body.refused == status(1).id
    assert tell() == tell()


def test_the_coordinators_lead_is_told_that_a_person_has_to_look() -> None:
    _, escalation = told_by_coordinator()
    assert (escalation.type, escalation.recipient) == (MessageType.ESCALATION, TECH_LEAD)
    assert isinstance(escalation.body, Report)
    assert escalation.body.error_details is not None
    assert escalation.body.error_details.message == "@lead broke on a status: ZeroDivisionError: division by zero"


def test_above_the_tech_lead_there_is_only_a_person() -> None:
    _, asked, ended = told_by_lead()
    assert (asked.recipient, ended.recipient) == (HUMAN, SUPERVISOR)
    assert isinstance(ended.body, Report)
    assert ended.body.action is Action.BLOCKED
