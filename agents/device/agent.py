"""A device's agent: a process that watches one device and tells the bus what it reads and what is alarming.

1. It watches and does not protect: nothing is ever written to the device.
2. What it has raised is in the journal, and a new life begins from there: no alert is told twice, and an
   acknowledgement that came while nobody lived is heard then.
3. A line that is gone ends nothing. What was read gets stale, then absent, and that is an alarm of its own.
"""

import os
import signal
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, Protocol

import structlog

from agents.device.alarms import Said, Standing, acknowledge, restored
from agents.device.commands import Acknowledge, Decline, meaning
from agents.device.publishing import telemetry_id
from agents.device.status import Status
from agents.device.watch import Terms, Watched, alert_id, look, packs_of
from bus.faults import reached
from bus.follower import durable
from bus.publisher import Publisher
from bus.records import Entry
from bus.run import RunFolder
from bus.subscriber import Subscriber
from bus.transport import Hearing, Publishing
from bus.wire import Status as Receipt
from protocol.bodies import (
    Action,
    Alert,
    Body,
    Claim,
    ErrorCategory,
    ErrorDetails,
    ErrorLevel,
    Refusal,
    Report,
    Result,
    Severity,
    TaskAssignment,
    Telemetry,
)
from protocol.decoder import reread
from protocol.errors import LinkError
from protocol.ids import derived
from protocol.messages import Integrity, Message, MessageType
from protocol.names import Priority
from protocol.peek import peek
from protocol.topics import DASHBOARD, EVERYONE, inbox_of

_MOST_HEARD: Final = 100  # between two looks at the device, which is not kept waiting for longer
_URGENCY: Final = {
    Severity.CRITICAL: Priority.CRITICAL,
    Severity.WARNING: Priority.HIGH,
    Severity.INFO: Priority.NORMAL,
}
_OWN: Final = tuple(
    f"/{kind.value}"
    for kind in (MessageType.ALERT, MessageType.REFUSAL, MessageType.CLAIM, MessageType.TASK_COMPLETION)
)


class Source(Protocol):
    """Where statuses come from: a poller of a real line, a recording, a model."""

    def poll(self, now_s: float) -> Status | None:
        """Return what the device says now, or None where it has said nothing new. now_s: monotonic.

        Raises:
            LinkError: the line is gone; it may be asked again.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Post:
    """Who watches what for whom. name: of the agent, such as @battery-1. device: what its readings are of."""

    name: str
    device: str
    mission: str
    terms: Terms
    telemetry_to: str = DASHBOARD
    alerts_to: str = EVERYONE


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a device's agent works with.

    tell: what it is at, for `orchestra status`. clock_ns: nanoseconds since 1970, for when something was taken.
    """

    hearing: Hearing
    publishing: Publishing
    tell: Callable[[str], None] = lambda state: None
    clock_ns: Callable[[], int] = time.time_ns


@dataclass(frozen=True, slots=True)
class Before:
    """What earlier lives have left: the alerts they told, by pack, and what was said to them and not answered.

    position: how far the journal was read for that.
    """

    alerts: Mapping[str, Sequence[Alert]] = field(default_factory=dict)
    unanswered: tuple[Message, ...] = ()
    position: int = 0


def before(entries: Iterable[Entry], name: str) -> Before:
    """Return what the entries of a journal tell of an agent's earlier lives."""
    alerts, asked, answered, position = dict[str, list[Alert]](), list[Message](), set[str | None](), 0
    for entry in entries:
        position = entry.sequence
        if entry.topic.endswith(_OWN) and peek(entry.document, "sender") == name:
            message = reread(entry.document)
            answered.add(message.cause)
            if isinstance(message.body, Alert):
                alerts.setdefault(message.task, []).append(message.body)
        elif entry.topic.startswith(f"{inbox_of(name)}/"):
            asked.append(reread(entry.document))
    return Before(alerts, tuple(message for message in asked if message.id not in answered), position)


@dataclass(frozen=True, slots=True)
class _Draft:
    """What is said to whom; the agent adds who says it, in which mission and when."""

    to: str
    type: MessageType
    body: Body
    task: str
    id: str
    priority: Priority = Priority.NORMAL
    cause: str | None = None


class DeviceAgent:
    """One life of a device's agent. now_s: monotonic, when it begins."""

    def __init__(
        self, post: Post, source: Source, around: Surroundings, now_s: float, past: Before | None = None
    ) -> None:
        self._post, self._source, self._around = post, source, around
        past = past or Before()
        names = dict.fromkeys((post.device, *past.alerts))
        self._watched = {name: self._begun(name, now_s, past.alerts.get(name, ())) for name in names}
        self._waiting = past.unanswered
        self._heard_s: float | None = None
        self._fault = ""

    def hear(self, wait_s: float) -> None:
        """Deal with what is said to this agent; waits so long for the first."""
        waiting, self._waiting = self._waiting, ()
        for message in waiting:
            self._answer(message)
        for _ in range(_MOST_HEARD):
            entry = self._around.hearing.receive(wait_s)
            if entry is None:
                return
            if entry.topic.startswith(f"{inbox_of(self._post.name)}/"):
                self._answer(reread(entry.document))
            wait_s = 0.0

    def look(self, now_s: float) -> None:
        """Look at the device once, and tell what there is to tell. now_s: monotonic."""
        status, taken_ns = self._poll(now_s), self._around.clock_ns()
        said = {} if status is None else packs_of(self._post.device, status)
        for name in said:
            if name not in self._watched:
                self._watched[name] = self._begun(name, now_s, ())
        messages = list[Message]()
        for name, watched in self._watched.items():
            found = look(watched, said.get(name), now_s, taken_ns, self._post.terms)
            self._watched[name] = found.watched
            messages += [self._alert(name, one, taken_ns) for one in found.alerts]
            messages += [self._telemetry(name, body) for body in found.telemetry]
        reached("device.before-publish")
        self._publish(messages)
        self._around.tell(self._state(now_s))

    def _begun(self, name: str, now_s: float, alerts: Iterable[Alert]) -> Watched:
        return Watched(name, restored(alerts, self._post.terms.rules, now_s))

    def _poll(self, now_s: float) -> Status | None:
        try:
            status = self._source.poll(now_s)
        except LinkError as error:
            if self._fault != str(error):
                structlog.get_logger().warning("the line is gone", device=self._post.device, reason=str(error))
            self._fault = str(error)
            return None
        if status is not None:
            self._heard_s, self._fault = now_s, ""
        return status

    def _state(self, now_s: float) -> str:
        """Return in words how things stand. Before the device has spoken nobody knows."""
        if self._heard_s is None:
            return "unknown: the device has not spoken yet"
        silent_s = now_s - self._heard_s
        if silent_s > self._post.terms.limits.stale_s:
            return f"the device has been silent for {silent_s:.0f} s"
        alarms = [alarm for watched in self._watched.values() for alarm in watched.alarms.by_code.values()]
        standing = sum(alarm.is_standing for alarm in alarms)
        return f"watching; {standing} alarms stand" if standing else "watching"

    def _answer(self, message: Message) -> None:
        """Do what was asked, or say why not: everything that asks for something is answered once."""
        asked = meaning(message)
        if isinstance(asked, Acknowledge):
            said = self._acknowledge(asked, message)
            gone = Decline("not-raised", f"{asked.what} is not raised now, there is nothing to acknowledge")
            self._publish(said or [self._refusal(gone, message)])
        elif isinstance(asked, Decline):
            self._publish([self._refusal(asked, message), *self._gives_up(asked, message)])

    def _acknowledge(self, asked: Acknowledge, message: Message) -> list[Message]:
        said, now_ns = list[Message](), self._around.clock_ns()
        for name, code in self._meant(asked.what):
            watched = self._watched[name]
            alarms, told = acknowledge(watched.alarms, self._post.terms.rules, code, asked.person)
            self._watched[name] = replace(watched, alarms=alarms)
            said += [self._alert(name, one, now_ns, message.id) for one in told]
        return said

    def _meant(self, what: str) -> list[tuple[str, str]]:
        """Return pack and code of the raised alarms that are meant.

        The id of an alert means its alarm only while none was raised after it: of that nobody has taken note yet.
        """
        return [
            (name, code)
            for name, watched in self._watched.items()
            for code, alarm in watched.alarms.by_code.items()
            if alarm.standing is Standing.RAISED
            and what in (code, alert_id(self._post.mission, name, code, alarm.raised))
        ]

    def _refusal(self, why: Decline, message: Message) -> Message:
        body = Refusal(code=why.code, reason=why.reason[:2000], refused=message.id)
        identity = derived("refusal", self._post.name, message.id)
        draft = _Draft(message.sender, MessageType.REFUSAL, body, message.task, identity, cause=message.id)
        return self._message(draft, self._around.clock_ns())

    def _gives_up(self, why: Decline, message: Message) -> list[Message]:
        """Return what lets a coordinator go on: that the task is taken, and blocked until a person acts."""
        if not isinstance(message.body, TaskAssignment):
            return []
        details = ErrorDetails(level=ErrorLevel.PERSON, category=ErrorCategory.VALIDATION, message=why.reason)
        result = Result(success=False, description=why.reason)
        report = Report(action=Action.BLOCKED, result=result, error_details=details)
        claim = Claim(instance=inbox_of(self._post.name), lease_s=60)
        said: list[tuple[MessageType, Body, str]] = [
            (MessageType.CLAIM, claim, "claim"),
            (MessageType.TASK_COMPLETION, report, "result"),
        ]
        return [self._of_task(message, *one) for one in said]

    def _of_task(self, assignment: Message, kind: MessageType, body: Body, what: str) -> Message:
        identity = derived(what, assignment.mission, assignment.task, assignment.attempt)
        draft = _Draft(assignment.sender, kind, body, assignment.task, identity, assignment.priority, assignment.id)
        kept = {name: getattr(assignment, name) for name in ("attempt", "parent_task", "mission")}
        return self._message(draft, self._around.clock_ns()).model_copy(update=kept)

    def _alert(self, name: str, said: Said, now_ns: int, cause: str | None = None) -> Message:
        alert = said.alert.model_copy(update={"text": f"{name}: {said.alert.text}"})
        identity = alert_id(self._post.mission, name, alert.code, said.number)
        urgency = _URGENCY[alert.severity]
        return self._message(
            _Draft(self._post.alerts_to, MessageType.ALERT, alert, name, identity, urgency, cause), now_ns
        )

    def _telemetry(self, name: str, body: Telemetry) -> Message:
        draft = _Draft(self._post.telemetry_to, MessageType.TELEMETRY, body, name, telemetry_id(body))
        return self._message(draft, body.taken)

    def _message(self, draft: _Draft, now_ns: int) -> Message:
        return Message(
            sender=self._post.name,
            recipient=draft.to,
            type=draft.type,
            priority=draft.priority,
            task=draft.task,
            timestamp_ns=now_ns,
            id=draft.id,
            mission=self._post.mission,
            cause=draft.cause,
            integrity=Integrity.UNTRUSTED,
            body=draft.body,
        )

    def _publish(self, messages: list[Message]) -> None:
        if not messages:
            return
        for message, receipt in zip(messages, self._around.publishing.publish(messages), strict=True):
            if receipt.status is Receipt.CONFLICT:
                # An earlier life had said it already, in other words; what is in the journal counts.
                structlog.get_logger().warning("said before, not said again", id=message.id, type=message.type.value)


def serve(run: RunFolder, post: Post, open_source: Callable[[], Source], period_s: float = 0.25) -> None:
    """Run a device's agent as a process until the supervisor stops it.

    open_source: makes the source, in this process. period_s: between two looks at it.

    Raises:
        BusError, JournalError: as for `bus.publisher.Publisher.publish` and `bus.follower.durable`.
    """
    facts: dict[str, Any] = {"role": "device", "device": post.device}
    publisher = Publisher(run, post.name, facts=facts)
    past = before(durable(run), post.name)
    subscriber = Subscriber(run, inbox_of(post.name), after=past.position)
    around = Surroundings(
        hearing=subscriber,
        publishing=publisher,
        tell=lambda state: publisher.beat({"state": state, "position": subscriber.position}),
    )
    stopping: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, _frame: stopping.append(number))
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    agent = DeviceAgent(post, open_source(), around, time.monotonic(), past)
    log = structlog.get_logger().bind(agent=post.name, device=post.device)
    log.info("watching", pid=os.getpid())
    due_s = time.monotonic()
    while not stopping:
        agent.look(time.monotonic())
        due_s = max(due_s + period_s, time.monotonic())
        agent.hear(max(0.0, due_s - time.monotonic()))
    log.info("stopping")
