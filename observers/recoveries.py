"""What went wrong in a run, what was done about it, and whether that helped: read from its journal in one pass.

1. A failure is a verdict on the latest attempt of a task that is no pass, or the loss of the process that had it.
   What the coordinator then says about the task is the way it took.
2. A way has helped when the next verdict on the task is a pass. The loss of a process in between says nothing about
   it; a loss is made good by any verdict.
3. Nothing is judged again here: kinds and ways are those that the coordinator has journaled.
4. An escalation without a failed attempt, such as a refused consent, is a failure of its own.
"""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Any, Final

from bus.records import Entry
from protocol.alarms import acknowledgement
from protocol.bodies import (
    Alert,
    Answer,
    Claim,
    Control,
    Decision,
    Lost,
    Report,
    TaskAssignment,
    Verb,
    VerdictReport,
)
from protocol.decoder import reread
from protocol.failures import LEASE_RAN_OUT, LEFT_OUT, Kind, Way, read_kind, read_strategy, strategy_of
from protocol.messages import Message, MessageType
from protocol.topics import HUMAN, SUPERVISOR, TECH_LEAD

_TOLD_BY: Final = frozenset(
    kind.value
    for kind in (
        MessageType.TASK_ASSIGNMENT,
        MessageType.CLAIM,
        MessageType.VERDICT,
        MessageType.LOST,
        MessageType.ALERT,
        MessageType.ESCALATION,
        MessageType.ANSWER,
        MessageType.CONTROL,
    )
)


class Outcome(Enum):
    """What came of a way."""

    OPEN = "open"
    HELPED = "helped"
    FAILED = "failed again"
    LEFT_OUT = "left out"
    ESCALATED = "escalated"
    GIVEN_UP = "given up"


@dataclass(frozen=True, slots=True, kw_only=True)
class Recovery:
    """One failure of one task. way: None while nothing was done about it.

    agent, next_agent: who had the attempt that failed, and who was given what came of it. decision, decided_by: what
    the tech lead or a person said to the escalation. failed_at, answered_at, ended_at: sequences; 0: not so far.
    """

    task: str
    attempt: int
    kind: Kind | None
    reason: str
    agent: str
    failed_at: int
    failed_ns: int
    way: Way | None = None
    next_agent: str = ""
    outcome: Outcome = Outcome.OPEN
    decision: str = ""
    decided_by: str = ""
    answered_at: int = 0
    ended_at: int = 0
    ended_ns: int = 0

    @property
    def took_s(self) -> float | None:
        """From the failure to what came of it."""
        return (self.ended_ns - self.failed_ns) / 1e9 if self.ended_at else None

    @property
    def is_by_person(self) -> bool:
        return self.decided_by not in ("", TECH_LEAD)


@dataclass(frozen=True, slots=True)
class Task:
    """A task that was begun. begun_at: the sequence of its latest assignment."""

    name: str
    is_accepted: bool
    begun_at: int


@dataclass(frozen=True, slots=True)
class Account:
    """All failures of a run, and the tasks that were begun in it.

    shared: up to where a fork's past is its parent's. opened: the entries at which a broker opened the journal; more
    than one where the broker, or all of it, ended and was started again.
    """

    recoveries: tuple[Recovery, ...]
    tasks: tuple[Task, ...]
    shared: int = 0
    opened: tuple[int, ...] = ()

    @property
    def own(self) -> "Account":
        """Without what happened in the run of which this one is a fork."""
        recoveries = tuple(one for one in self.recoveries if one.failed_at > self.shared)
        tasks = tuple(task for task in self.tasks if task.begun_at > self.shared)
        return Account(recoveries, tasks, opened=tuple(at for at in self.opened if at > self.shared))


@dataclass(frozen=True, slots=True)
class Tries:
    """How often a way was taken to its end, and how often it helped."""

    helped: int
    tried: int

    @property
    def share(self) -> float:
        """The share that helped, as if there had been one more success and one more failure (Laplace's rule)."""
        return (self.helped + 1) / (self.tried + 2)


@dataclass(frozen=True, slots=True)
class Tally:
    """Failures in numbers. troubled: tasks that failed at least once; alone: those accepted though nobody was asked."""

    ways: dict[str, Tries]
    failures: int
    tasks: int
    accepted: int
    troubled: int
    alone: int

    @property
    def error_rate(self) -> float | None:
        """The share of the tasks that were begun and not accepted."""
        return 1 - self.accepted / self.tasks if self.tasks else None

    @property
    def share_alone(self) -> float | None:
        return self.alone / self.troubled if self.troubled else None


def account(entries: Iterable[Entry]) -> Account:
    """Return what the journal of a run tells of failures."""
    reading = _Reading()
    for entry in entries:
        if entry.topic.rpartition("/")[2] in _TOLD_BY:
            reading.hear(entry, reread(entry.document))
    tasks = tuple(Task(name, held.is_accepted, held.begun_at) for name, held in reading.held.items())
    return Account(tuple(reading.found.values()), tasks, reading.shared, tuple(reading.opened))


def tally(accounts: Iterable[Account]) -> Tally:
    """Return the failures of some runs in numbers; ways by `KIND/WAY`, in the order of their names."""
    helped, tried, sums = Counter[str](), Counter[str](), Counter[str]()
    for one in accounts:
        for recovery in one.recoveries:
            name = _measured(recovery)
            tried[name] += bool(name)
            helped[name] += bool(name) and recovery.outcome is Outcome.HELPED
        sums.update(_counted(one))
    ways = {name: Tries(helped[name], tried[name]) for name in sorted(filter(None, tried))}
    return Tally(ways, **{name: sums[name] for name in ("failures", "tasks", "accepted", "troubled", "alone")})


def _measured(recovery: Recovery) -> str:
    """Return the way that a recovery is a try of; "" where it says nothing about one."""
    is_over = recovery.outcome in (Outcome.HELPED, Outcome.FAILED)
    if not is_over or recovery.kind is None or recovery.way is None or recovery.way in (Way.MANUAL, Way.SKIP):
        return ""
    return strategy_of(recovery.kind, recovery.way)


def _counted(one: Account) -> dict[str, int]:
    troubled = {recovery.task for recovery in one.recoveries}
    asked = {recovery.task for recovery in one.recoveries if recovery.is_by_person}
    accepted = {task.name for task in one.tasks if task.is_accepted}
    return {
        "failures": len(one.recoveries),
        "tasks": len(one.tasks),
        "accepted": len(accepted),
        "troubled": len(troubled),
        "alone": len((troubled & accepted) - asked),
    }


@dataclass(slots=True)
class _Held:
    """A task as it stands. failed: its latest attempt has failed already."""

    attempt: int
    agent: str
    begun_at: int
    instance: str = ""
    is_accepted: bool = False
    failed: bool = False


@dataclass(slots=True)
class _Reading:
    """The pass over a journal. found: failures by the sequence and task of each; causes: of which message each came."""

    held: dict[str, _Held] = field(default_factory=dict)
    found: dict[tuple[int, str], Recovery] = field(default_factory=dict)
    shared: int = 0
    opened: list[int] = field(default_factory=list)
    _causes: dict[tuple[int, str], str] = field(default_factory=dict)
    _running: dict[str, list[tuple[int, str]]] = field(default_factory=dict)
    _holders: dict[str, str] = field(default_factory=dict)
    _gone: set[str] = field(default_factory=set)

    def hear(self, entry: Entry, message: Message) -> None:
        match message.body:
            case TaskAssignment() as body if body.plan is None:
                self._assigned(entry, message, body)
            case Claim() as body:
                self._claimed(entry, message, body)
            case VerdictReport() as body:
                self._judged(entry, message, body)
            case Lost() as body:
                self._gone.add(body.instance)
                self._lost(entry, message, self._holders.get(body.instance, ""), body.reason)
            case Control() as body:
                self._controlled(entry, message, body)
            case Alert() as body if body.code == LEFT_OUT:
                self._given_up(entry, message, Way.SKIP, Outcome.LEFT_OUT, read_kind(body.kind), body.text)
            case Report() as body if message.recipient == TECH_LEAD and message.parent_task is not None:
                error = body.error_details
                kind, why = (read_kind(error.kind), error.message) if error else (None, "")
                self._given_up(entry, message, Way.MANUAL, Outcome.ESCALATED, kind, why)
            case Answer() as body if acknowledgement(message) is None:
                self._answered(entry, message, body)

    def _assigned(self, entry: Entry, message: Message, body: TaskAssignment) -> None:
        """Somebody was given a task; where it had failed before, that is the way that was taken."""
        strategy = read_strategy(body.strategy)
        failed = self._unanswered(lambda one: one.task == message.task)
        if failed is None and strategy is not None and strategy[1] is Way.FIX:
            failed = self._unanswered(lambda one: one.kind is None and one.reason == (body.feedback or ""))
        if failed is not None:
            is_lost = self.found[failed].kind is Kind.LOST
            taken = (Kind.LOST, Way.RETRY) if is_lost else strategy
            if taken is None:  # it failed while it was taken back anyway, and nobody minded
                self._forget(failed)
            else:
                self._answer(failed, entry, kind=taken[0], way=taken[1], next_agent=message.recipient)
        for key in self._running.get(message.task, ()):
            if self.found[key].way is Way.MANUAL and not self.found[key].next_agent:
                self._change(key, next_agent=message.recipient)
        self.held[message.task] = _Held(message.attempt or 1, message.recipient, entry.sequence)

    def _claimed(self, entry: Entry, message: Message, body: Claim) -> None:
        held = self.held.get(message.task)
        if held is not None and message.attempt == held.attempt:
            held.instance, self._holders[body.instance] = body.instance, message.task
            if body.instance in self._gone:
                self._lost(entry, message, message.task, "its process had died")

    def _judged(self, entry: Entry, message: Message, body: VerdictReport) -> None:
        held = self.held.get(message.task)
        if held is None:
            return
        if body.decision is Decision.PASS:
            held.is_accepted, held.instance = True, ""
            self._settle(message.task, entry, lambda one: Outcome.HELPED)
        elif message.attempt == held.attempt and not held.failed:
            self._settle(message.task, entry, lambda one: Outcome.HELPED if one.kind is Kind.LOST else Outcome.FAILED)
            self._fail(entry, message, message.task, None, body.reason)

    def _lost(self, entry: Entry, message: Message, task: str, reason: str) -> None:
        held = self.held.get(task)
        if held is None or held.failed or held.is_accepted or self._holders.get(held.instance) != task:
            return
        self._settle(task, entry, lambda one: Outcome.FAILED if one.kind is Kind.LOST else None)
        self._fail(entry, message, task, Kind.LOST, reason)

    def _controlled(self, entry: Entry, message: Message, body: Control) -> None:
        told = {setting.name: setting.value for setting in body.settings}
        if body.verb is Verb.FORK:
            self.shared = entry.sequence
        elif body.verb is Verb.EPOCH:
            self.opened.append(entry.sequence)
        elif body.verb is Verb.CANCEL and message.recipient == SUPERVISOR and told.get("reason") == LEASE_RAN_OUT:
            self._lost(entry, message, told.get("task", ""), LEASE_RAN_OUT)

    def _given_up(
        self, entry: Entry, message: Message, way: Way, outcome: Outcome, kind: Kind | None, why: str
    ) -> None:
        """A task was left out, or somebody higher is asked about it."""
        failed = self._unanswered(lambda one: one.task == message.task) or next(
            (key for key, cause in self._causes.items() if cause == message.cause and self.found[key].way is None), None
        )
        if failed is None and way is Way.SKIP and self._running.get(message.task):
            self._settle(message.task, entry, lambda one: outcome)
            return
        if failed is None:
            failed = self._fail(entry, message, message.task, kind, why)
        self._answer(failed, entry, kind=self.found[failed].kind or kind, way=way, outcome=outcome)
        if outcome is Outcome.LEFT_OUT:
            self._end(failed, entry, outcome)

    def _answered(self, entry: Entry, message: Message, body: Answer) -> None:
        for key in list(self._running.get(message.task, ())):
            one = self.found[key]
            if one.outcome is not Outcome.ESCALATED or one.decided_by:
                continue
            who = (body.person or HUMAN) if message.sender == HUMAN else message.sender
            self._change(key, decision=body.choice, decided_by=who)
            if body.choice == "retry":
                self._change(key, outcome=Outcome.OPEN)
            elif body.choice != "skip":
                self._end(key, entry, Outcome.GIVEN_UP)

    def _fail(self, entry: Entry, message: Message, task: str, kind: Kind | None, reason: str) -> tuple[int, str]:
        held, key = self.held.get(task), (entry.sequence, task)
        attempt, agent = (held.attempt, held.agent) if held else (message.attempt or 0, "")
        if held is not None:
            held.failed, held.instance = True, ""
        self.found[key] = Recovery(
            task=task,
            attempt=attempt,
            kind=kind,
            reason=reason,
            agent=agent,
            failed_at=entry.sequence,
            failed_ns=entry.recorded_ns,
        )
        self._causes[key] = message.id or ""
        return key

    def _unanswered(self, fits: Callable[[Recovery], bool]) -> tuple[int, str] | None:
        return next((key for key in self._causes if self.found[key].way is None and fits(self.found[key])), None)

    def _answer(self, key: tuple[int, str], entry: Entry, **changes: Any) -> None:
        self._change(key, answered_at=entry.sequence, **changes)
        self._causes.pop(key)
        self._running.setdefault(key[1], []).append(key)

    def _settle(self, task: str, entry: Entry, outcome: Callable[[Recovery], Outcome | None]) -> None:
        for key in list(self._running.get(task, ())):
            found = outcome(self.found[key])
            if found is not None:
                self._end(key, entry, found)

    def _end(self, key: tuple[int, str], entry: Entry, outcome: Outcome) -> None:
        self._change(key, outcome=outcome, ended_at=entry.sequence, ended_ns=entry.recorded_ns)
        self._running[key[1]].remove(key)

    def _forget(self, key: tuple[int, str]) -> None:
        del self.found[key], self._causes[key]

    def _change(self, key: tuple[int, str], **changes: Any) -> None:
        self.found[key] = replace(self.found[key], **changes)
