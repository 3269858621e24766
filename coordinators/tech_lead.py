"""The tech lead: hands a mission's plan to its coordinator, decides escalations, reports the end.

1. An escalation is answered once. Execution and integration are worth one more try; the rest is for a person.
2. The same task a second time, and whatever a coordinator marks with level 4, goes to a person.
3. A fork begins anew: what was answered or over in the past that it shares may come again.
4. The mission ends with one `status` to the supervisor: completed, or blocked by what a person must decide.
"""

from dataclasses import dataclass, replace
from typing import Final

from coordinators.fold import Draft, Heard
from protocol.bodies import (
    Action,
    Answer,
    Control,
    Decision,
    ErrorCategory,
    ErrorDetails,
    ErrorLevel,
    Report,
    Result,
    TaskAssignment,
    Verb,
    VerdictReport,
)
from protocol.messages import Mark, Message, MessageType, QualityGates
from protocol.names import Priority
from protocol.topics import HUMAN, SUPERVISOR

MISSION_TASK: Final = "mission"
CHOICES: Final = ("retry", "give up")
_WORTH_ANOTHER_TRY: Final = frozenset({ErrorCategory.EXECUTION, ErrorCategory.INTEGRATION})
_GATE_5: Final = QualityGates(layer_5_escalation=Mark.TRIGGERED)


@dataclass(frozen=True, slots=True)
class MissionState:
    """What the tech lead knows. answered: the tasks about which it has decided once already."""

    coordinator: str = ""
    answered: frozenset[str] = frozenset()
    is_over: bool = False


Stepped = tuple[MissionState, tuple[Draft, ...]]


class TechLead:
    """The fold at the top."""

    version = "2"

    def start(self) -> MissionState:
        return MissionState()

    def step(self, state: MissionState, heard: Heard) -> Stepped:
        """Return what becomes of the state, and what there is to say, when this has been heard."""
        message, body = heard.message, heard.message.body
        if isinstance(body, Control) and body.verb is Verb.START and not state.coordinator:
            return self._begin(state, body)
        if isinstance(body, Control) and body.verb is Verb.FORK:
            return replace(state, answered=frozenset(), is_over=False), ()
        if state.is_over:
            return state, ()
        if message.type is MessageType.ESCALATION and isinstance(body, Report):
            return self._decide(state, message, body)
        if isinstance(body, VerdictReport):
            return self._end(state, message, body)
        return state, ()

    def set_aside(self, state: MissionState, heard: Heard, reason: str) -> Stepped:
        """Ask a person about a message on which `step` breaks; the mission ends there."""
        details = ErrorDetails(level=ErrorLevel.PERSON, category=ErrorCategory.ARCHITECTURAL, message=reason)
        return replace(state, is_over=True), self._ask_a_person(heard.message, details)

    def _begin(self, state: MissionState, body: Control) -> Stepped:
        settings = {setting.name: setting.value for setting in body.settings}
        coordinator = settings["coordinator"]
        assignment = TaskAssignment(
            title=body.subject or "mission", skill="run-plan", folder=MISSION_TASK, plan=body.plan
        )
        draft = Draft(
            recipient=coordinator,
            type=MessageType.TASK_ASSIGNMENT,
            task=MISSION_TASK,
            attempt=1,
            body=assignment,
        )
        return replace(state, coordinator=coordinator), (draft,)

    def _decide(self, state: MissionState, message: Message, body: Report) -> Stepped:
        details = body.error_details or ErrorDetails(
            level=ErrorLevel.TECH_LEAD, category=ErrorCategory.EXECUTION, message="no reason was given"
        )
        may_retry = (
            details.category in _WORTH_ANOTHER_TRY
            and details.level is not ErrorLevel.PERSON
            and message.task not in state.answered
        )
        if not may_retry:
            return replace(state, is_over=True), self._ask_a_person(message, details)
        answer = Draft(
            recipient=message.sender,
            type=MessageType.ANSWER,
            priority=Priority.HIGH,
            task=message.task,
            body=Answer(choice="retry", text="one more attempt; the last one failed by accident or by its process"),
        )
        return replace(state, answered=state.answered | {message.task}), (answer,)

    def _ask_a_person(self, message: Message, details: ErrorDetails) -> tuple[Draft, ...]:
        question = f"Task {message.task} cannot be finished by the agents. {details.message}"
        escalation = Report(
            action=Action.ESCALATING,
            error_details=details.model_copy(update={"level": ErrorLevel.PERSON}),
            question=question[:65536],
            options=CHOICES,
        )
        told = Report(action=Action.BLOCKED, error_details=details)
        return (
            Draft(recipient=HUMAN, type=MessageType.ESCALATION, task=message.task, body=escalation, gates=_GATE_5),
            Draft(recipient=SUPERVISOR, type=MessageType.STATUS, task=MISSION_TASK, body=told),
        )

    def _end(self, state: MissionState, message: Message, body: VerdictReport) -> Stepped:
        """The coordinator's own result was judged."""
        if body.decision is not Decision.PASS:
            details = ErrorDetails(
                level=ErrorLevel.PERSON,
                category=ErrorCategory.ARCHITECTURAL,
                message=f"the mission's result: {body.reason}",
            )
            return replace(state, is_over=True), self._ask_a_person(message, details)
        result = Result(success=True, description=body.description, artifacts=body.artifacts)
        done = Report(action=Action.COMPLETED, result=result)
        draft = Draft(recipient=SUPERVISOR, type=MessageType.STATUS, task=MISSION_TASK, body=done)
        return replace(state, is_over=True), (draft,)
