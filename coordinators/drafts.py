"""What a coordinator says: plain functions from where the plan stands to drafts of messages."""

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Final

from coordinators.fold import Draft
from coordinators.graph import is_repeated
from coordinators.recovery import Fault
from coordinators.rows import PlanState, TaskRow
from coordinators.tasks import State
from protocol.alarms import ACKNOWLEDGE
from protocol.bodies import (
    Action,
    Alert,
    AlertState,
    Approval,
    Consent,
    Control,
    ErrorCategory,
    ErrorDetails,
    ErrorLevel,
    File,
    Metric,
    Pattern,
    Report,
    Result,
    Setting,
    Severity,
    TaskAssignment,
    Verb,
    WakeRequest,
)
from protocol.failures import LEFT_OUT, Kind
from protocol.messages import Mark, Message, MessageType, QualityGates
from protocol.names import MAX_ITEMS, Priority
from protocol.topics import CLOCK, HUMAN, SUPERVISOR
from protocol.xml import MAX_DOCUMENT_BYTES

TASK_S: Final = 300
_LISTED: Final = 8
_REFERENCE_BYTES: Final = 190  # of a file's element: its tags, digest, size and media type
_MOST_BYTES: Final = MAX_DOCUMENT_BYTES - 65_536  # the rest of a message needs its place too
_GATE_5: Final = QualityGates(layer_5_escalation=Mark.TRIGGERED)


def mission_task(state: PlanState) -> str:
    return state.given.task if state.given else "run"


def assignment(state: PlanState, row: TaskRow) -> Draft:
    """Give a task to its agent: the plan's own files, what its group works on, and accepted artifacts only."""
    planned, policy = row.planned, row.policy
    body = TaskAssignment(
        title=planned.title,
        skill=planned.skill,
        folder=_folder(state, row),
        inputs=inputs(state, row),
        settings=(*planned.settings, *_numbers(state, row)),
        feedback=row.feedback,
        timeout_s=TASK_S if policy.timeout_s is None else policy.timeout_s,
        accept=planned.accept,
        outputs=planned.outputs,
        max_tokens=policy.max_tokens,
        max_age_s=policy.max_age_s,
        strategy=row.strategy,
    )
    return Draft(
        recipient=row.agent or planned.agent,
        type=MessageType.TASK_ASSIGNMENT,
        priority=policy.priority or Priority.NORMAL,
        task=row.name,
        parent_task=mission_task(state),
        attempt=row.attempt,
        body=body,
    )


def inputs(state: PlanState, row: TaskRow) -> tuple[File, ...]:
    """Return the files that a task works on."""
    return (*row.planned.inputs, *row.given, *_others(row.given, accepted_files(state, row)))


def excess(files: Sequence[File]) -> str:
    """Return in words why a message cannot carry references to so many files; "" where it can."""
    size = sum(_REFERENCE_BYTES + len(file.path.encode()) + len(file.summary.encode()) for file in files)
    if len(files) <= MAX_ITEMS and size <= _MOST_BYTES:
        return ""
    return (
        f"{len(files):,} files of {size:,} bytes in references are more than a message carries ({MAX_ITEMS:,} files, "
        f"{_MOST_BYTES:,} bytes); let a step before bring them together in batches"
    )


def _others(given: tuple[File, ...], files: list[File]) -> list[File]:
    """Return the files that are not given already: a part may need the same task as the group around it."""
    known = set(given)
    return [file for file in files if file not in known]


def accepted_files(state: PlanState, row: TaskRow) -> list[File]:
    """Return what the tasks that a row needs have made, in the order of its needs."""
    chain = state.graph.nodes[row.planned.id].chain
    needs = state.called((need for need in row.planned.needs if need not in chain), row.path)
    return [file for need in needs if need.state is State.ACCEPTED for file in need.artifacts]


def _folder(state: PlanState, row: TaskRow) -> str:
    given = state.given.body if state.given else None
    mission = given.folder if isinstance(given, TaskAssignment) else "."
    return "/".join([mission, row.planned.id, *map(str, row.path)])


def _numbers(state: PlanState, row: TaskRow) -> list[Setting]:
    """Return which item and which round this is; where groups stand within groups, of the innermost."""
    chain = [state.graph.nodes[name].planned for name in state.graph.nodes[row.planned.id].chain]
    repeated = [planned for planned in chain if is_repeated(planned)]
    numbers: dict[str, int] = {}
    for planned, number in zip(repeated, row.path, strict=True):
        is_round = planned.group is not None and planned.group.pattern is Pattern.REPEAT
        numbers["round" if is_round else "item"] = number
    return [Setting(name=name, value=str(number)) for name, number in numbers.items()]


def wake_request(state: PlanState, due_ns: int) -> Draft:
    body = WakeRequest(key="tasks-due", due=due_ns)
    return Draft(recipient=CLOCK, type=MessageType.WAKE_REQUEST, task=mission_task(state), body=body)


def consent(state: PlanState, row: TaskRow, due_ns: int) -> Draft:
    """Ask a person whether a task may be started."""
    files = ", ".join(file.path for file in accepted_files(state, row)[:_LISTED]) or "no files of other tasks"
    reason = f"{row.planned.agent} would do: {row.planned.title} ({row.planned.skill}), with {files}"
    body = Approval(subject=row.name, decision=Consent.REQUESTED, reason=reason, due=due_ns)
    return Draft(
        recipient=HUMAN,
        type=MessageType.APPROVAL,
        priority=Priority.HIGH,
        task=row.name,
        parent_task=mission_task(state),
        body=body,
    )


def stop_process(state: PlanState, row: TaskRow, why: str) -> Draft:
    """Ask the supervisor to end the process that works on a row which nobody waits for any more."""
    settings = (Setting(name="reason", value=why), Setting(name="task", value=row.name))
    body = Control(verb=Verb.CANCEL, subject=row.instance, settings=settings)
    return Draft(
        recipient=SUPERVISOR, type=MessageType.CONTROL, priority=Priority.HIGH, task=mission_task(state), body=body
    )


def left_out(row: TaskRow, why: str, kind: Kind | None) -> Draft:
    """Say that the mission goes on without a task. kind: of the failure for which; None: somebody decided so."""
    text = f"{row.name} was left out: {why}"[:65536]
    named = kind.value if kind else None
    body = Alert(code=LEFT_OUT, severity=Severity.WARNING, state=AlertState.RAISED, text=text, kind=named)
    return Draft(recipient=SUPERVISOR, type=MessageType.ALERT, task=row.name, body=body)


def escalation(state: PlanState, lead: str, row: TaskRow, reason: str, fault: Fault | None) -> Draft:
    """Tell the lead that a task cannot be finished here, with everything that was tried."""
    details = ErrorDetails(
        level=ErrorLevel.PERSON if fault and fault.level is ErrorLevel.PERSON else ErrorLevel.TECH_LEAD,
        category=fault.category if fault else ErrorCategory.EXECUTION,
        message=f"{row.planned.title}: {reason}"[:65536],
        attempted_recovery=_tried(row),
        kind=(fault.kind if fault else Kind.LOST).value,
    )
    return Draft(
        recipient=lead,
        type=MessageType.ESCALATION,
        priority=Priority.HIGH,
        task=row.name,
        parent_task=mission_task(state),
        attempt=row.attempt,
        body=Report(action=Action.ESCALATING, error_details=details),
        gates=_GATE_5,
    )


def _tried(row: TaskRow) -> str:
    line = (row.planned.agent, *row.policy.alternatives)
    agents = line[: line.index(row.agent) + 1] if row.agent in line else line[:1]
    by = f" by {', '.join(agents)}" if len(agents) > 1 else ""
    return f"{row.attempt} attempts{by}, {row.rejections} rejected, {row.losses} lost"


def alarm(lead: str, alert: Message, text: str) -> Draft:
    """Tell the lead of an alarm of which a person has to take note. alert: what raised it, text: in words."""
    details = ErrorDetails(level=ErrorLevel.PERSON, category=ErrorCategory.EXECUTION, message=text)
    return Draft(
        recipient=lead,
        type=MessageType.ESCALATION,
        priority=Priority.CRITICAL if alert.priority is Priority.CRITICAL else Priority.HIGH,
        task=alert.task,
        body=Report(action=Action.ESCALATING, error_details=details, question=text, options=(ACKNOWLEDGE,)),
        gates=_GATE_5,
    )


def refused_plan(lead: str, task: str, reason: str) -> Draft:
    details = ErrorDetails(level=ErrorLevel.PERSON, category=ErrorCategory.ARCHITECTURAL, message=reason)
    body = Report(action=Action.ESCALATING, error_details=details)
    return Draft(recipient=lead, type=MessageType.ESCALATION, task=task, body=body, gates=_GATE_5)


def blocked(state: PlanState, lead: str, rows: Iterable[TaskRow]) -> Draft:
    """Say that nothing goes on until somebody decides. options: the tasks about which the lead was asked."""
    waiting = list(rows)
    names = ", ".join(f"{row.name} ({row.state.value})" for row in waiting[:_LISTED])
    more = f" and {len(waiting) - _LISTED} more" if len(waiting) > _LISTED else ""
    escalated = tuple(row.name for row in waiting if row.state is State.ESCALATED)
    body = Report(action=Action.BLOCKED, question=f"nothing goes on without: {names}{more}", options=escalated[:4096])
    return _status(state, lead, body)


def ended(state: PlanState, lead: str, why: str) -> Draft:
    """Say that the mission was ended before it was done."""
    details = ErrorDetails(level=ErrorLevel.PERSON, category=ErrorCategory.EXECUTION, message=why)
    result = Result(success=False, description=why)
    return _status(state, lead, Report(action=Action.BLOCKED, result=result, error_details=details))


def _status(state: PlanState, lead: str, body: Report) -> Draft:
    task = mission_task(state)
    return Draft(recipient=lead, type=MessageType.STATUS, priority=Priority.HIGH, task=task, body=body)


def completion(state: PlanState, lead: str) -> Draft:
    """Report the whole plan: the artifacts that no accepted task builds on, and what was left out.

    Where there are more than a message carries, it is said that the plan lacks a step that brings them together.
    """
    reason = excess(tuple(_final_files(state)))
    if reason:
        return refused_plan(lead, mission_task(state), f"the mission's result: {reason}")
    rows = [row for row in state.all_rows() if row.planned.group is None]
    left = [row for row in rows if row.state is State.SKIPPED]
    attempts = sum(row.attempt for row in rows)
    result = Result(
        success=True,
        description=f"{len(rows) - len(left)} tasks accepted in {attempts} attempts{_left_out_in_words(left)}"
        + _unreached_in_words(state.all_rows()),
        artifacts=tuple(_final_files(state)),
    )
    counts = {
        "tasks": len(rows),
        "attempts": attempts,
        "rejections": sum(row.rejections for row in rows),
        "losses": sum(row.losses for row in rows),
    } | ({"left-out": len(left)} if left else {})
    metrics = tuple(Metric(name=name, value=Decimal(count)) for name, count in counts.items())
    body = Report(action=Action.COMPLETED, result=result, metrics=metrics)
    return Draft(recipient=lead, type=MessageType.TASK_COMPLETION, task=mission_task(state), attempt=1, body=body)


def _left_out_in_words(left: list[TaskRow]) -> str:
    if not left:
        return ""
    named = "; ".join(f"{row.name}: {row.note}"[:200] for row in left[:_LISTED])
    more = f"; and {len(left) - _LISTED} more" if len(left) > _LISTED else ""
    return f", {len(left)} left out ({named}{more})"


def _unreached_in_words(rows: Iterable[TaskRow]) -> str:
    """Say of repeated groups that never reached their criterion which round was kept."""
    missed = [row for row in rows if row.state is State.ACCEPTED and row.value("held") == "false" and _has_until(row)]
    told = [f"{row.name} did not reach its criterion in {row.round} rounds, round {row.value('best')} is kept"
            for row in missed[:_LISTED]]  # fmt: skip
    return "".join(f"; {one}" for one in told)


def _has_until(row: TaskRow) -> bool:
    return row.planned.group is not None and row.planned.group.until is not None


def _final_files(state: PlanState) -> Iterable[File]:
    for name in state.graph.top:
        row = state.rows[name]
        followers = [state.rows[follower] for follower in state.graph.nodes[name].after]
        if row.state is State.ACCEPTED and not any(follower.state is State.ACCEPTED for follower in followers):
            yield from row.artifacts
