"""What the journal of a mission tells about it: its tasks, its verdicts, what people are asked, what it cost."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from bus.journal import JournalReader
from bus.lock import is_open
from protocol.bodies import (
    Action,
    Alert,
    Answer,
    Approval,
    Claim,
    Consent,
    Control,
    Decision,
    Report,
    TaskAssignment,
    Verb,
    VerdictReport,
)
from protocol.decoder import reread
from protocol.errors import JournalError, OrchestraError
from protocol.messages import Message, MessageType
from protocol.topics import HUMAN, SUPERVISOR, TECH_LEAD

DONE: Final = "done"
ASKS: Final = "a person must decide"
ENDED: Final = "ended before it was done"
RUNS: Final = "running"
STOPPED: Final = "stopped"
WAITING, ACCEPTED, LEFT_OUT, REJECTED = "waiting", "accepted", "left out", "rejected"
ASKED: Final = "a person is asked"
_UNHEARD: Final = tuple(f"/{kind.value}" for kind in (MessageType.PROGRESS, MessageType.TELEMETRY, MessageType.WAKE))


@dataclass(frozen=True, slots=True)
class Judged:
    """One verdict on a task."""

    sequence: int
    attempt: int
    decision: Decision
    reason: str


@dataclass(slots=True)
class Task:
    """A task as its journal tells. why: it stands where it stands, where that was said."""

    name: str
    agent: str
    stands: str = WAITING
    why: str = ""
    verdicts: list[Judged] = field(default_factory=list)


@dataclass(slots=True)
class Told:
    """A mission as its journal tells. asked: what people are asked and have not answered, by message id.

    cost_nano_usd: of the calls whose price is known; unpriced: how many others there were.
    """

    run: str
    scenario: str = ""
    stands: str = ""
    entries: int = 0
    tasks: dict[str, Task] = field(default_factory=dict)
    asked: dict[str, tuple[str, str]] = field(default_factory=dict)
    calls: int = 0
    tokens: int = 0
    cost_nano_usd: int = 0
    unpriced: int = 0

    @property
    def accepted(self) -> int:
        return sum(task.stands == ACCEPTED for task in self.tasks.values())


def runs_in(folder: Path) -> list[Path]:
    """Return the runs in a folder, the oldest first."""
    found = [path for path in folder.glob("*/") if (path / "journal").is_dir() and not path.is_symlink()]
    return sorted(found, key=lambda path: (_begun_ns(path), path.name))


def _begun_ns(run: Path) -> int:
    return min((run / "journal").glob("*.mcap"), default=run).stat().st_mtime_ns


def read_mission(run: Path) -> Told:
    """Return what a run's journal tells.

    Raises:
        JournalError: it cannot be read.
    """
    told = Told(run.name)
    try:
        for entry in JournalReader(run / "journal").entries():
            told.entries = entry.sequence
            if not entry.topic.endswith(_UNHEARD):
                _hear(told, reread(entry.document), entry.sequence)
    except OrchestraError as error:
        raise JournalError(f"{run.name} cannot be read: {error}") from error
    told.stands = told.stands or (RUNS if is_open(run / "journal") else STOPPED)
    return told


def _hear(told: Told, message: Message, sequence: int) -> None:
    _count(told, message)
    body, task = message.body, told.tasks.get(message.task)
    match body:
        case Control(verb=Verb.START | Verb.SET | Verb.FORK):
            _plan(told, body)
        case TaskAssignment(plan=None):
            told.tasks.pop(message.task.partition("#")[0] if "#" in message.task else "", None)  # what it is made of
            given = told.tasks.setdefault(message.task, Task(message.task, message.recipient))
            given.agent, given.stands = message.recipient, f"given to {message.recipient}"
        case Claim() if task:
            task.stands = f"under way by {body.instance}"
        case VerdictReport() if task:
            _judge(task, Judged(sequence, message.attempt or 1, body.decision, body.reason))
        case Alert(code="task-left-out") if task:
            task.stands, task.why = LEFT_OUT, body.text
        case Report() | Approval() if message.recipient == HUMAN:
            _ask(told, message, task)
        case Report() if (message.sender, message.recipient) == (TECH_LEAD, SUPERVISOR):
            told.stands = DONE if body.action is Action.COMPLETED else ENDED if body.result else ASKS
        case Answer() | Approval() if message.sender == HUMAN:
            told.asked.pop(message.cause or "", None)
            told.stands = ""


def _plan(told: Told, body: Control) -> None:
    told.scenario = told.scenario or body.subject or ""
    told.stands = ""
    for planned in body.plan.tasks if body.plan else ():
        if planned.group is None:
            told.tasks.setdefault(planned.id, Task(planned.id, planned.agent))


def _judge(task: Task, judged: Judged) -> None:
    task.verdicts.append(judged)
    is_passed = judged.decision is Decision.PASS
    task.stands, task.why = (ACCEPTED, "") if is_passed else (REJECTED, judged.reason)


def _ask(told: Told, message: Message, task: Task | None) -> None:
    body = message.body
    if isinstance(body, Approval) and body.decision is not Consent.REQUESTED:
        return
    details = body.error_details if isinstance(body, Report) else None
    said = body.reason if isinstance(body, Approval) else getattr(body, "question", None) or ""
    why = said or (details.message if details else "")
    told.asked[message.id or ""] = (message.task, why)
    if task is not None:
        task.stands, task.why = ASKED, why


def _count(told: Told, message: Message) -> None:
    usage = message.usage
    if usage is None:
        return
    told.calls += 1
    told.tokens += usage.input_tokens + usage.output_tokens
    told.unpriced += usage.cost_nano_usd is None
    told.cost_nano_usd += usage.cost_nano_usd or 0
