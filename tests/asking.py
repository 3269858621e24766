"""Requests to people as agents make them, and runs that hold them, for tests."""

from collections.abc import Sequence
from pathlib import Path

from bus.journal import Journal
from bus.memory import MemoryBus
from bus.run import RunFolder
from protocol.bodies import (
    Action,
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
    Verb,
)
from protocol.messages import Message, MessageType
from protocol.topics import HUMAN, SUPERVISOR, TECH_LEAD
from tests.builders import introduce, message

OPTIONS = ("retry", "skip", "give up")
DEPLOY = "deploy-0c5a7f1e"
STUCK = "stuck-91b2d3aa"


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


def started() -> Message:
    """Return what starts a mission of two tasks."""
    tasks = [PlannedTask(id=name, agent="@worker", skill="s", title=name) for name in ("deploy", "extract/1")]
    setting = Setting(name="coordinator", value="@lead")
    body = Control(verb=Verb.START, subject="a scenario", settings=(setting,), plan=Plan(tasks=tuple(tasks)))
    return message(MessageType.CONTROL, body, "start", sender=SUPERVISOR, recipient=TECH_LEAD, task="run")


def published(*messages: Message) -> MemoryBus:
    """Return a bus on which the test cast has said these messages."""
    bus = MemoryBus()
    introduce(bus.publisher(SUPERVISOR))
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
