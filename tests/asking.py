"""Requests to people as agents make them, and runs that hold them, for tests."""

from collections.abc import Sequence
from pathlib import Path

from bus.journal import Journal
from bus.memory import MemoryBus
from bus.roles import Role
from bus.run import RunFolder
from coordinators.fold import Heard, say
from coordinators.shell import fold_of
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
    Plan,
    PlannedTask,
    Report,
    Setting,
    Severity,
    Verb,
)
from protocol.messages import Message, MessageType
from protocol.names import Priority
from protocol.topics import EVERYONE, HUMAN, SUPERVISOR, TECH_LEAD
from tests.builders import CAST, introduce, message

OPTIONS = ("retry", "skip", "give up")
DEPLOY = "deploy-0c5a7f1e"
STUCK = "stuck-91b2d3aa"
OVER = "over-4e07c1d9"
BATTERY = "@battery-1"


def leave(identity: str = DEPLOY, *, due_ns: int | None = None, reason: str = "switch the relay off") -> Message:
    """Return a coordinator's request for consent."""
    body = Approval(subject="deploy", decision=Consent.REQUESTED, reason=reason, due=due_ns)
    return message(MessageType.APPROVAL, body, identity, sender="@lead", recipient=HUMAN, task="deploy")


def escalated(
    identity: str = STUCK, *, options: Sequence[str] = OPTIONS, question: str = "What now?", task: str = "extract/1"
) -> Message:
    """Return the tech lead's question about a task that the agents cannot finish."""
    details = ErrorDetails(
        level=ErrorLevel.PERSON,
        category=ErrorCategory.VALIDATION,
        message="rejected three times",
        attempted_recovery="another specialist",
    )
    body = Report(action=Action.ESCALATING, question=question, options=tuple(options), error_details=details)
    return message(MessageType.ESCALATION, body, identity, sender=TECH_LEAD, recipient=HUMAN, task=task)


def alert(
    identity: str = OVER,
    state: AlertState = AlertState.RAISED,
    severity: Severity = Severity.CRITICAL,
    *,
    code: str = "cell-overvoltage",
    task: str = "pack-1",
    sender: str = BATTERY,
    recipient: str = EVERYONE,
    text: str = "",
) -> Message:
    """Return what a device's agent says of an alarm."""
    body = Alert(code=code, severity=severity, state=state, text=text or f"{task}: {code}: cell-1-voltage is 3.7 V")
    urgency = Priority.CRITICAL if severity is Severity.CRITICAL else Priority.HIGH
    return message(MessageType.ALERT, body, identity, sender=sender, recipient=recipient, task=task, priority=urgency)


def up_the_ladder(said: Message) -> list[Message]:
    """Return a message, what a coordinator without a plan says to it, and what the tech lead says to that."""
    going = [said]
    for name in ("@lead", TECH_LEAD):
        fold = fold_of(name)
        _, spoken = say(fold, fold.start(), Heard(going[-1], going[-1].timestamp_ns), name)
        going += [one for one, _ in spoken]
    return going


def started() -> Message:
    """Return what starts a mission of two tasks."""
    tasks = [PlannedTask(id=name, agent="@worker", skill="s", title=name) for name in ("deploy", "extract/1")]
    setting = Setting(name="coordinator", value="@lead")
    body = Control(verb=Verb.START, subject="a scenario", settings=(setting,), plan=Plan(tasks=tuple(tasks)))
    return message(MessageType.CONTROL, body, "start", sender=SUPERVISOR, recipient=TECH_LEAD, task="run")


def published(*messages: Message) -> MemoryBus:
    """Return a bus on which the test cast has said these messages."""
    bus = MemoryBus()
    introduce(bus.publisher(SUPERVISOR), CAST | {BATTERY: Role.DEVICE, "@battery-2": Role.DEVICE})
    for said in messages:
        bus.publisher(said.sender).publish([said])
    return bus


def stopped_run(path: Path, *messages: Message) -> RunFolder:
    """Return a run that does not run, in whose journal the test cast has said these messages."""
    run = RunFolder(path)
    run.create()
    journal = Journal(run.journal)
    journal.append([(entry.topic, entry.document) for entry in published(*messages).entries])
    journal.close()
    return run
