"""The tech lead: hands a mission's plan to its coordinator, decides escalations, reports the end.

1. An escalation is answered once. Execution and integration are worth one more try; the rest is for a person.
2. The same task a second time, and whatever a coordinator marks with level 4, goes to a person.
3. While a person is asked the mission goes on with what does not wait for it. When nothing does, the supervisor is
   told that it is blocked; it sleeps in the journal until the answer, which goes to whoever had escalated.
4. The mission ends with one `status` to the supervisor: completed, or given up by a person. A completed one whose
   plan is another afterwards goes on, and ends with another such `status`.
5. A fork begins anew: what was answered or over in the past that it shares may come again. What a person was asked
   there and has not answered stays asked: the question stands in the fork's journal too.
6. An alarm goes on to a person as it stands. Nothing waits for that, so nothing is remembered of it, and whoever takes
   note tells the device's agent. It goes on also before the mission begins and after it is completed; once it is given
   up no more: then nobody goes on watching, and nobody would hear that note was taken.
"""

from dataclasses import dataclass, replace
from typing import Final

from coordinators.fold import Draft, Heard
from coordinators.recovery import RATE
from protocol.alarms import ACKNOWLEDGE
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
RETRY, SKIP, GIVE_UP = "retry", "skip", "give up"
CHOICES: Final = (RETRY, SKIP, GIVE_UP)
_WORTH_ANOTHER_TRY: Final = frozenset({ErrorCategory.EXECUTION, ErrorCategory.INTEGRATION})
_ONLY_WATCHED: Final = (
    "\nNothing here protects: that is the work of the device's own board, of fuses and of people. The mission goes on "
    "watching."
)
_MOST_CHARACTERS: Final = 65_536  # of a text in a message
_GATE_5: Final = QualityGates(layer_5_escalation=Mark.TRIGGERED)


@dataclass(frozen=True, slots=True)
class MissionState:
    """What the tech lead knows. answered: the tasks about which it has decided once already.

    asked: the tasks about which a person is asked. blocked: what was last said about why nothing goes on.
    done: the result with which it was last completed. is_over: it was given up or ended by a person.
    """

    coordinator: str = ""
    answered: frozenset[str] = frozenset()
    asked: frozenset[str] = frozenset()
    blocked: Report | None = None
    done: str = ""
    is_over: bool = False


Stepped = tuple[MissionState, tuple[Draft, ...]]


class TechLead:
    """The fold at the top."""

    version = "6"

    def start(self) -> MissionState:
        return MissionState()

    def step(self, state: MissionState, heard: Heard) -> Stepped:
        """Return what becomes of the state, and what there is to say, when this has been heard."""
        message, body = heard.message, heard.message.body
        if isinstance(body, Control) and body.verb is Verb.START and not state.coordinator:
            return self._begin(state, body)
        if isinstance(body, Control) and body.verb is Verb.FORK:
            return replace(state, answered=frozenset(), blocked=None, is_over=False), ()
        if state.is_over:
            return state, ()
        if message.type is MessageType.ESCALATION and isinstance(body, Report):
            return (state, (_alarm(message, body),)) if _is_alarm(body) else self._decide(state, message, body)
        if message.type is MessageType.STATUS and isinstance(body, Report) and message.sender == state.coordinator:
            return self._pass_on(state, body)
        if isinstance(body, Answer) and message.sender == HUMAN:
            return self._hand_down(state, message, body)
        if isinstance(body, VerdictReport) and body.judged != state.done:
            return self._end(state, message, body)
        return state, ()

    def set_aside(self, state: MissionState, heard: Heard, reason: str) -> Stepped:
        """Ask a person about a message on which `step` breaks; the mission goes no further by itself."""
        details = ErrorDetails(level=ErrorLevel.PERSON, category=ErrorCategory.ARCHITECTURAL, message=reason)
        return self._ask_a_person(state, heard.message, details)

    def _begin(self, state: MissionState, body: Control) -> Stepped:
        settings = {setting.name: setting.value for setting in body.settings}
        coordinator = settings["coordinator"]
        assignment = TaskAssignment(
            title=body.subject or "mission",
            skill="run-plan",
            folder=MISSION_TASK,
            plan=body.plan,
            settings=tuple(setting for setting in body.settings if setting.name.startswith(RATE)),
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
            return self._ask_a_person(state, message, details)
        text = "one more attempt; the last one failed by accident or by its process"
        answer = _answer(message.sender, message.task, Answer(choice=RETRY, text=text))
        return replace(state, answered=state.answered | {message.task}), (answer,)

    def _pass_on(self, state: MissionState, body: Report) -> Stepped:
        """The coordinator says that the mission is over, or that nothing goes on.

        Where it waits for an answer that is on its way, there is nothing to pass on.
        """
        if body.result is None and not set(body.options) <= state.asked:
            return state, ()
        if body.result is not None:
            state = replace(state, is_over=True)
        return replace(state, blocked=body), (_to_supervisor(body),)

    def _hand_down(self, state: MissionState, message: Message, body: Answer) -> Stepped:
        """A person has decided; giving a task up is giving the mission up. What nobody asked about changes nothing."""
        if message.task not in state.asked or body.choice == ACKNOWLEDGE:
            return state, (_to_supervisor(state.blocked),) if state.blocked else ()
        state = replace(state, asked=state.asked - {message.task}, answered=state.answered | {message.task})
        drafts = [_answer(state.coordinator, message.task, body)]
        if body.choice == GIVE_UP:
            state = replace(state, is_over=True)
            why = f"task {message.task} was given up by a person{f': {body.text}' if body.text else ''}"
            details = ErrorDetails(
                level=ErrorLevel.PERSON, category=ErrorCategory.EXECUTION, message=why[:_MOST_CHARACTERS]
            )
            result = Result(success=False, description=details.message)
            drafts.append(_to_supervisor(Report(action=Action.BLOCKED, result=result, error_details=details)))
        return state, tuple(drafts)

    def _ask_a_person(self, state: MissionState, message: Message, details: ErrorDetails) -> Stepped:
        """Ask; where the plan itself is wrong, nothing goes on meanwhile, which the supervisor is told at once."""
        question = f"Task {message.task} cannot be finished by the agents. {details.message}"
        escalation = Report(
            action=Action.ESCALATING,
            error_details=details.model_copy(update={"level": ErrorLevel.PERSON}),
            question=question[:_MOST_CHARACTERS],
            options=CHOICES,
        )
        drafts = [
            Draft(recipient=HUMAN, type=MessageType.ESCALATION, task=message.task, body=escalation, gates=_GATE_5)
        ]
        if details.category is ErrorCategory.ARCHITECTURAL or message.task == MISSION_TASK:
            blocked = Report(action=Action.BLOCKED, error_details=details)
            state = replace(state, blocked=blocked)
            drafts.append(_to_supervisor(blocked))
        return replace(state, asked=state.asked | {message.task}), tuple(drafts)

    def _end(self, state: MissionState, message: Message, body: VerdictReport) -> Stepped:
        """The coordinator's own result was judged."""
        if body.decision is not Decision.PASS:
            details = ErrorDetails(
                level=ErrorLevel.PERSON,
                category=ErrorCategory.ARCHITECTURAL,
                message=f"the mission's result: {body.reason}",
            )
            return self._ask_a_person(state, message, details)
        result = Result(success=True, description=body.description, artifacts=body.artifacts)
        done = Report(action=Action.COMPLETED, result=result)
        # What was asked and not answered is settled by the end; answers that come late change nothing.
        return replace(state, asked=frozenset(), blocked=None, done=body.judged), (_to_supervisor(done),)


def _to_supervisor(body: Report) -> Draft:
    return Draft(recipient=SUPERVISOR, type=MessageType.STATUS, task=MISSION_TASK, body=body)


def _is_alarm(body: Report) -> bool:
    """Whether an escalation brings its own question, to which there is nothing to say but that note was taken."""
    return body.question is not None and body.options == (ACKNOWLEDGE,)


def _alarm(message: Message, body: Report) -> Draft:
    question = f"{(body.question or '')[: _MOST_CHARACTERS - len(_ONLY_WATCHED)]}{_ONLY_WATCHED}"
    return Draft(
        recipient=HUMAN,
        type=MessageType.ESCALATION,
        priority=message.priority,
        task=message.task,
        body=body.model_copy(update={"question": question}),
        gates=_GATE_5,
    )


def _answer(recipient: str, task: str, body: Answer) -> Draft:
    return Draft(recipient=recipient, type=MessageType.ANSWER, priority=Priority.HIGH, task=task, body=body)
