"""The coordinator: carries out one plan. Assigns, acts on verdicts, retries, escalates, reports.

1. Only a verdict makes a result usable; claims, progress and what specialists say about themselves do not.
2. A rejection costs an attempt, a lost process does not; both are bounded.
3. What was rejected reaches no other task: inputs are the plan's own files and accepted artifacts.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Final

from coordinators.fold import Draft, Heard
from coordinators.plan import check
from coordinators.tasks import State, Step, advance
from protocol.bodies import (
    Action,
    Answer,
    Claim,
    Control,
    Decision,
    ErrorCategory,
    ErrorDetails,
    ErrorLevel,
    File,
    Lost,
    Metric,
    PlannedTask,
    Report,
    Result,
    TaskAssignment,
    Verb,
    VerdictReport,
    Wake,
    WakeRequest,
)
from protocol.errors import DefinitionError
from protocol.messages import Mark, Message, MessageType, QualityGates
from protocol.names import Priority
from protocol.topics import CLOCK

ATTEMPTS: Final = 3
LIVES: Final = 8
TASK_S: Final = 300
_GRACE_NS: Final = 60_000_000_000
_AT_WORK: Final = (State.ASSIGNED, State.CLAIMED, State.ESCALATED)
_GATE_5: Final = QualityGates(layer_5_escalation=Mark.TRIGGERED)


@dataclass(frozen=True, slots=True)
class TaskRow:
    """A planned task and where it stands. rejections and losses count what has happened to it.

    valid_from: the first attempt that counts; those before it were made before the task was changed.
    """

    planned: PlannedTask
    state: State = State.WAITING
    attempt: int = 0
    rejections: int = 0
    losses: int = 0
    instance: str = ""
    due_ns: int = 0
    artifacts: tuple[File, ...] = ()
    error: ErrorDetails | None = None
    valid_from: int = 1


@dataclass(frozen=True, slots=True)
class PlanState:
    """Everything a coordinator knows. given: the assignment that brought the plan; None before it came."""

    given: Message | None = None
    rows: Mapping[str, TaskRow] = field(default_factory=lambda: MappingProxyType({}))
    gone: frozenset[str] = frozenset()
    wake_due_ns: int = 0
    is_reported: bool = False


Stepped = tuple[PlanState, tuple[Draft, ...]]


class Coordinator:
    """The fold. name: who it is; lead: whom it reports and escalates to."""

    version = "3"

    def __init__(self, lead: str) -> None:
        self._lead = lead

    def start(self) -> PlanState:
        return PlanState()

    def step(self, state: PlanState, heard: Heard) -> Stepped:
        """Return what becomes of the state, and what there is to say, when this has been heard."""
        body, task = heard.message.body, heard.message.task
        if isinstance(body, TaskAssignment):
            return self._begin(state, heard, body)
        if isinstance(body, Lost):
            return self._lose(state, body)
        if isinstance(body, Wake):
            return self._wake(state, heard)
        if isinstance(body, Control) and body.verb is Verb.SET and body.plan is not None:
            return self._change(state, body.plan.tasks)
        row = state.rows.get(task)
        if row is None or row.state not in _AT_WORK:
            return state, ()
        if isinstance(body, Claim):
            return self._claim(state, heard, row, body)
        if isinstance(body, VerdictReport):
            return self._verdict(state, heard, row, body)
        if isinstance(body, Answer):
            return self._answer(state, row, body)
        return state, ()

    def _begin(self, state: PlanState, heard: Heard, body: TaskAssignment) -> Stepped:
        if state.given is not None or body.plan is None:
            return state, ()
        state = replace(state, given=heard.message)
        try:
            check(body.plan)
        except DefinitionError as error:
            return replace(state, is_reported=True), (self._refuse_plan(heard.message.task, str(error)),)
        rows = {task.id: TaskRow(task) for task in body.plan.tasks}
        return self._assign_ready(replace(state, rows=MappingProxyType(rows)))

    def _change(self, state: PlanState, changed: tuple[PlannedTask, ...]) -> Stepped:
        """Tasks of the plan are others now: do them, and all that builds on them, again."""
        planned = {task.id: task for task in changed if task.id in state.rows}
        again = set(planned)
        while more := {name for name, row in state.rows.items() if again & set(row.planned.needs)} - again:
            again |= more
        for name in again:
            row = state.rows[name]
            waiting, attempt = advance(row.state, Step.CHANGE), row.attempt
            fresh = TaskRow(planned.get(name, row.planned), waiting, attempt, valid_from=attempt + 1)
            state = _with(state, fresh)
        return self._assign_ready(replace(state, is_reported=False) if again else state)

    def _claim(self, state: PlanState, heard: Heard, row: TaskRow, body: Claim) -> Stepped:
        if row.state is not State.ASSIGNED or heard.message.attempt != row.attempt:
            return state, ()
        # Time runs from the claim: what waits for a free process is not late, however long the queue.
        due_ns = heard.at_ns + body.lease_s * 1_000_000_000 + _GRACE_NS
        claimed = replace(row, state=advance(row.state, Step.CLAIM), instance=body.instance, due_ns=due_ns)
        state = _with(state, claimed)
        # A claim can be sequenced behind the news that its sender died.
        if body.instance in state.gone:
            return self._retry_lost(state, [claimed], "its process had died")
        return self._ask_for_wake(state)

    def _verdict(self, state: PlanState, heard: Heard, row: TaskRow, body: VerdictReport) -> Stepped:
        if (heard.message.attempt or 1) < row.valid_from:
            return state, ()
        if body.decision is Decision.PASS:
            accepted = replace(row, state=advance(row.state, Step.PASS), artifacts=body.artifacts)
            return self._assign_ready(_with(state, accepted))
        if heard.message.attempt != row.attempt or row.state is State.ESCALATED:
            return state, ()
        row = replace(row, rejections=row.rejections + 1, error=body.error_details)
        level = body.error_details.level if body.error_details else ErrorLevel.SPECIALIST
        is_over = row.rejections >= ATTEMPTS or level in (ErrorLevel.TECH_LEAD, ErrorLevel.PERSON)
        if body.decision is Decision.ESCALATE or is_over:
            return self._escalate(state, row, body.reason, body.error_details)
        return self._assign(_with(state, row), [row.planned.id], feedback=body.reason)

    def _answer(self, state: PlanState, row: TaskRow, body: Answer) -> Stepped:
        """The tech lead has decided about an escalated task: retry, or give it up and the mission with it."""
        if row.state is not State.ESCALATED:
            return state, ()
        if body.choice == "retry":
            return self._assign(state, [row.planned.id], feedback=body.text)
        return _with(state, replace(row, state=advance(row.state, Step.ABANDON))), ()

    def _lose(self, state: PlanState, body: Lost) -> Stepped:
        state = replace(state, gone=state.gone | {body.instance})
        held = [row for row in state.rows.values() if row.state is State.CLAIMED and row.instance == body.instance]
        return self._retry_lost(state, held, body.reason)

    def _retry_lost(self, state: PlanState, held: list[TaskRow], why: str) -> Stepped:
        drafts: list[Draft] = []
        for row in held:
            row = replace(row, losses=row.losses + 1)
            if row.losses >= LIVES:
                reason = f"{row.losses} processes were lost while doing this task; the last one: {why}"
                state, said = self._escalate(state, row, reason, None)
            else:
                state, said = self._assign(_with(state, row), [row.planned.id])
            drafts += said
        return state, tuple(drafts)

    def _wake(self, state: PlanState, heard: Heard) -> Stepped:
        """Claimed tasks whose lease is over without a verdict are treated as lost: their process hangs."""
        state = replace(state, wake_due_ns=0)
        late = [row for row in _claimed(state) if row.due_ns <= heard.at_ns]
        state, drafts = self._retry_lost(state, late, "its lease ran out")
        state, wake = self._ask_for_wake(state)
        return state, drafts + wake

    def _assign_ready(self, state: PlanState) -> Stepped:
        rows = state.rows
        ready = [
            name
            for name, row in rows.items()
            if row.state is State.WAITING and all(rows[need].state is State.ACCEPTED for need in row.planned.needs)
        ]
        state, drafts = self._assign(state, ready)
        if all(row.state is State.ACCEPTED for row in state.rows.values()) and not state.is_reported:
            return replace(state, is_reported=True), (*drafts, self._completion(state))
        return state, drafts

    def _assign(self, state: PlanState, names: list[str], feedback: str | None = None) -> Stepped:
        drafts = []
        for name in names:
            row = state.rows[name]
            step = Step.ASSIGN if row.state is State.WAITING else Step.RETRY
            row = replace(row, state=advance(row.state, step), attempt=row.attempt + 1, instance="")
            state = _with(state, row)
            drafts.append(self._assignment(state, row, feedback))
        return state, tuple(drafts)

    def _assignment(self, state: PlanState, row: TaskRow, feedback: str | None) -> Draft:
        planned = row.planned
        accepted = [file for need in planned.needs for file in state.rows[need].artifacts]
        body = TaskAssignment(
            title=planned.title,
            skill=planned.skill,
            folder=f"{_folder(state)}/{planned.id}",
            inputs=(*planned.inputs, *accepted),
            settings=planned.settings,
            feedback=feedback,
            timeout_s=TASK_S,
        )
        return Draft(
            recipient=planned.agent,
            type=MessageType.TASK_ASSIGNMENT,
            task=planned.id,
            parent_task=_mission_task(state),
            attempt=row.attempt,
            body=body,
        )

    def _ask_for_wake(self, state: PlanState) -> Stepped:
        """Keep one wake owed, for the claimed task that is due first."""
        first_ns = min((row.due_ns for row in _claimed(state)), default=0)
        if first_ns == 0 or state.wake_due_ns:
            return state, ()
        body = WakeRequest(key="tasks-due", due=first_ns)
        draft = Draft(recipient=CLOCK, type=MessageType.WAKE_REQUEST, task=_mission_task(state) or "run", body=body)
        return replace(state, wake_due_ns=first_ns), (draft,)

    def _escalate(self, state: PlanState, row: TaskRow, reason: str, error: ErrorDetails | None) -> Stepped:
        escalated = replace(row, state=advance(row.state, Step.ESCALATE))
        category = error.category if error else ErrorCategory.EXECUTION
        level = error.level if error and error.level is ErrorLevel.PERSON else ErrorLevel.TECH_LEAD
        details = ErrorDetails(
            level=level,
            category=category,
            message=f"{row.planned.title}: {reason}",
            attempted_recovery=f"{row.attempt} attempts, {row.rejections} rejected, {row.losses} lost",
        )
        draft = Draft(
            recipient=self._lead,
            type=MessageType.ESCALATION,
            priority=Priority.HIGH,
            task=row.planned.id,
            parent_task=_mission_task(state),
            attempt=row.attempt,
            body=Report(action=Action.ESCALATING, error_details=details),
            gates=_GATE_5,
        )
        return _with(state, escalated), (draft,)

    def set_aside(self, state: PlanState, heard: Heard, reason: str) -> Stepped:
        """Tell the lead about a message on which `step` breaks; a person has to look, trying again is no use."""
        return state, (self._refuse_plan(heard.message.task, reason),)

    def _refuse_plan(self, task: str, reason: str) -> Draft:
        details = ErrorDetails(level=ErrorLevel.PERSON, category=ErrorCategory.ARCHITECTURAL, message=reason)
        body = Report(action=Action.ESCALATING, error_details=details)
        return Draft(recipient=self._lead, type=MessageType.ESCALATION, task=task, body=body, gates=_GATE_5)

    def _completion(self, state: PlanState) -> Draft:
        rows = state.rows.values()
        needed = {need for row in rows for need in row.planned.needs}
        final = [file for row in rows if row.planned.id not in needed for file in row.artifacts]
        attempts = sum(row.attempt for row in rows)
        result = Result(
            success=True,
            description=f"{len(state.rows)} tasks accepted in {attempts} attempts",
            artifacts=tuple(final),
        )
        metrics = (
            Metric(name="tasks", value=len(state.rows)),
            Metric(name="attempts", value=attempts),
            Metric(name="rejections", value=sum(row.rejections for row in rows)),
            Metric(name="losses", value=sum(row.losses for row in rows)),
        )
        return Draft(
            recipient=self._lead,
            type=MessageType.TASK_COMPLETION,
            task=_mission_task(state) or "run",
            attempt=1,
            body=Report(action=Action.COMPLETED, result=result, metrics=metrics),
        )


def _with(state: PlanState, row: TaskRow) -> PlanState:
    return replace(state, rows=MappingProxyType({**state.rows, row.planned.id: row}))


def _claimed(state: PlanState) -> list[TaskRow]:
    return [row for row in state.rows.values() if row.state is State.CLAIMED]


def _folder(state: PlanState) -> str:
    given = state.given.body if state.given else None
    return given.folder if isinstance(given, TaskAssignment) else "."


def _mission_task(state: PlanState) -> str | None:
    return state.given.task if state.given else None
