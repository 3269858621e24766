"""A device's agent: it watches one device, tells the bus what it reads and what is alarming, and hands in what it saw.

1. It watches and does not protect: nothing is ever written to the device.
2. What it has raised is in the journal, and a new life begins from there: no alert is told twice, and an
   acknowledgement that came while nobody lived is heard then.
3. A line that is gone ends nothing. What was read gets stale, then absent, and that is an alarm of its own.
4. A task to observe is done by waiting: everything that is read until its time is over is its result.
"""

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from math import inf
from typing import Final, Protocol

import structlog

from agents.device.alarms import Standing, acknowledge, restored
from agents.device.combining import Heard
from agents.device.commands import Acknowledge, Decline, Observe, meaning
from agents.device.earlier import HANDED_IN, Before
from agents.device.observing import Log, Window, in_words, window_file
from agents.device.own_alarms import names_in, rules_with
from agents.device.status import Status
from agents.device.watch import Watched, alert_id, heard, look, packs_of
from agents.device.wording import Post, blocked
from bus.artifacts import ArtifactStore
from bus.faults import reached
from bus.transport import Hearing, Publishing
from bus.wire import Status as Receipt
from gates.telemetry import readings as readings_file
from gates.telemetry import window as window_json
from protocol.bodies import (
    Action,
    Alert,
    ErrorCategory,
    ErrorLevel,
    File,
    Report,
    Result,
    TaskAssignment,
    Value,
)
from protocol.decoder import reread
from protocol.errors import LinkError, SourceError
from protocol.messages import Message
from protocol.topics import inbox_of

AGES_S: Final = 0.25
_MOST_HEARD: Final = 100  # between two looks at the device, which is not kept waiting for longer
_LEASE_S: Final = 60  # what a task is claimed for beyond the time that it takes
_JOINS_NS: Final = 60_000_000_000  # a window that is asked for so soon after another begins where that one ended
_LINE: Final = "line.txt"


class Source(Protocol):
    """Where statuses come from: a poller of a real line, a recording, a model."""

    def poll(self, now_s: float) -> Status | None:
        """Return what the device says now, or None where it has said nothing new. now_s: monotonic.

        Raises:
            LinkError: the line is gone; it may be asked again.
        """
        ...


class Keeping(Protocol):
    """The raw bytes of a line since they were dropped last; `agents.device.spool` keeps them on disk."""

    @property
    def began_ns(self) -> int | None: ...

    def cut(self) -> bytes: ...

    def drop(self) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What a device's agent works with. sources: the device's lines by name, that which counts first first.

    store: where what it hands in lies. instance: the name of this life. raw: the bytes of the sources that keep them.
    tell: what it is at, for `orchestra status`. clock_ns: nanoseconds since 1970, for when something was taken.
    until_s: when a window ends that is asked for at a time, both by the clock of the looks.
    most_held: how many messages of telemetry may wait for each other; an alert or a hand-in never waits.
    """

    hearing: Hearing
    publishing: Publishing
    sources: Mapping[str, Source]
    store: ArtifactStore
    instance: str
    raw: Mapping[str, Keeping]
    tell: Callable[[str], None] = lambda state: None
    clock_ns: Callable[[], int] = time.time_ns
    until_s: Callable[[Observe, float], float] = lambda asked, now_s: now_s + asked.seconds
    most_held: int = 0


@dataclass(frozen=True, slots=True)
class _Task:
    """A window that is open, and who has asked for it."""

    assignment: Message
    window: Window


class DeviceAgent:
    """One life of a device's agent. now_s: monotonic, when it begins."""

    def __init__(self, post: Post, around: Surroundings, now_s: float, past: Before | None = None) -> None:
        self._post, self._around = post, around
        past = past or Before()
        names = dict.fromkeys((post.device, *past.alerts))
        self._watched = {name: self._begun(name, now_s, past.alerts.get(name, ())) for name in names}
        self._waiting, self._asked = past.unanswered, list[tuple[Message, Observe]]()
        self._log, self._task, self._cut = Log(), _NO_TASK, (past.handed_in_ns, now_s)
        for message in past.not_handed_in:
            if isinstance(message.body, Alert):
                self._log.note(message.task, message.timestamp_ns, message.body)
        self._heard_s: float | None = None
        self._looked_s = -inf
        self._held: list[Message] = []
        self._faults: dict[str, str] = {}

    @property
    def observed(self) -> Observe | None:
        """The window that is open, or that comes next; None while nobody has asked for one."""
        return self._asked[0][1] if self._asked else None

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
        """Look at the device once, and tell what there is to tell. now_s: monotonic.

        It may be called as often as the lines want to be read; where nothing is said, what has become old is looked
        at each AGES_S.
        """
        self._tend_window(now_s)
        said, taken_ns = self._said(now_s), self._around.clock_ns()
        if not said and now_s - self._looked_s < AGES_S:
            return
        self._looked_s = now_s
        messages, is_urgent = list[Message](), False
        for name, watched in self._watched.items():
            found = look(watched, said.get(name, {}), now_s, taken_ns, self._post.terms)
            self._watched[name] = found.watched
            alerts = [self._post.alert(name, one, taken_ns) for one in found.alerts]
            messages += [*alerts, *(self._post.telemetry(name, body) for body in found.telemetry)]
            self._log.take(name, taken_ns, found.readings)
            self._note(alerts)
            is_urgent = is_urgent or bool(alerts)
        if self._task is None:
            self._log.trim(taken_ns)
        reached("device.before-publish")
        self._hold(messages, is_urgent=is_urgent)
        self._around.tell(self._state(now_s))

    def recall(self, now_s: float) -> None:
        """Look as an earlier life has looked that has told it all: what was read is remembered, nothing is told."""
        said = self._said(now_s)
        for name, watched in self._watched.items():
            self._watched[name], _ = heard(watched, said.get(name, {}), now_s, self._post.terms)

    def finish(self, now_s: float) -> None:
        """Hand in what is asked for, though its time is not over: nothing more will come."""
        while self._asked:
            self._tend_window(now_s)
            self._hand_in(now_s)

    def _begun(self, name: str, now_s: float, alerts: Iterable[Alert]) -> Watched:
        sources, told = {source: Heard(now_s) for source in self._around.sources}, tuple(alerts)
        own = names_in(told)
        return Watched(name, restored(told, rules_with(own, self._post.terms.rules), now_s), sources, own=own)

    def _said(self, now_s: float) -> Mapping[str, Mapping[str, Status]]:
        """Return what is said now, by pack and source."""
        said: dict[str, dict[str, Status]] = {}
        for source in self._around.sources:
            status = self._poll(source, now_s)
            for name, of_pack in ({} if status is None else packs_of(self._post.device, status)).items():
                said.setdefault(name, {})[source] = of_pack
                if name not in self._watched:
                    self._watched[name] = self._begun(name, now_s, ())
        reached("device.after-read")
        return said

    def _poll(self, source: str, now_s: float) -> Status | None:
        try:
            status = self._around.sources[source].poll(now_s)
        except LinkError as error:
            if self._faults.get(source) != str(error):
                structlog.get_logger().warning("the line is gone", source=source, reason=str(error))
            self._faults[source] = str(error)
            return None
        if status is not None:
            self._heard_s = now_s
            self._faults.pop(source, None)
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
        asked, now_ns = meaning(message), self._around.clock_ns()
        if isinstance(asked, Acknowledge):
            said = self._acknowledge(asked, message)
            gone = Decline("not-raised", f"{asked.what} is not raised now, there is nothing to acknowledge")
            self._publish(said or [self._post.refusal(gone, message, now_ns)])
        elif isinstance(asked, Observe):
            self._asked.append((message, asked))
        elif isinstance(asked, Decline):
            self._publish([self._post.refusal(asked, message, now_ns), *self._gives_up(asked, message)])

    def _acknowledge(self, asked: Acknowledge, message: Message) -> list[Message]:
        said, now_ns = list[Message](), self._around.clock_ns()
        for name, code in self._meant(asked.what):
            watched = self._watched[name]
            alarms, told = acknowledge(watched.alarms, watched.rules(self._post.terms), code, asked.person)
            self._watched[name] = replace(watched, alarms=alarms)
            said += [self._post.alert(name, one, now_ns, message.id) for one in told]
        self._note(said)
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

    def _gives_up(self, why: Decline, message: Message) -> list[Message]:
        """Return what lets a coordinator go on: that the task is taken, and blocked until a person acts."""
        if not isinstance(message.body, TaskAssignment):
            return []
        report, now_ns = blocked(why.reason, ErrorLevel.PERSON, ErrorCategory.VALIDATION), self._around.clock_ns()
        claim = self._post.claim(message, self._around.instance, _LEASE_S, now_ns)
        return [claim, self._post.completion(message, report, now_ns)]

    def _note(self, alerts: Iterable[Message]) -> None:
        for message in alerts:
            if isinstance(message.body, Alert):
                self._log.note(message.task, message.timestamp_ns, message.body)

    def _tend_window(self, now_s: float) -> None:
        """Close the window whose time is over, and open the next that is asked for."""
        if self._task is not None and now_s >= self._task.window.until_s:
            self._hand_in(now_s)
        while self._task is None and self._asked:
            self._open(*self._asked[0], now_s)

    def _open(self, assignment: Message, asked: Observe, now_s: float) -> None:
        now_ns = self._around.clock_ns()
        claim = self._post.claim(assignment, self._around.instance, _LEASE_S + round(2 * asked.seconds), now_ns)
        if self._around.publishing.publish([claim])[0].status not in (Receipt.NEW, Receipt.SAME):
            del self._asked[0]  # an earlier life had claimed it; when its loss is noticed it is asked for again
            return
        cut_ns, cut_s = self._cut
        is_next = now_ns - cut_ns < _JOINS_NS
        kept_ns = [one.began_ns for one in self._around.raw.values() if one.began_ns is not None]
        from_ns = self._log.earliest_ns(min([cut_ns if is_next else now_ns, *kept_ns]))
        until_s = self._around.until_s(asked, cut_s if is_next else now_s)
        self._task = _Task(assignment, Window(asked.number, from_ns, until_s))

    def _hand_in(self, now_s: float) -> None:
        """Tell what the window has brought. What the disk would not take stays, and belongs to the next window."""
        if self._task is None:
            return
        task, now_ns = self._task, self._around.clock_ns()
        try:
            report = self._observed(task, now_ns)
        except SourceError as error:
            report = blocked(str(error), ErrorLevel.COORDINATOR, ErrorCategory.EXECUTION)
        reached("device.before-result")
        self._publish([self._post.completion(task.assignment, report, now_ns)])
        reached("device.after-result")
        self._task, self._cut = _NO_TASK, (now_ns, now_s)
        del self._asked[0]
        if report.action is Action.COMPLETED:
            self._log.clear()
            for kept in self._around.raw.values():
                kept.drop()

    def _observed(self, task: _Task, now_ns: int) -> Report:
        """Store the files of a window and return the report that names them."""
        body = task.assignment.body
        assert isinstance(body, TaskAssignment)
        packs, sources = tuple(self._watched), tuple(self._around.sources)
        # Called after the source and not after who has spoken: those of all windows are joined into one.
        names = {source: f"line-{source}.txt" if place else _LINE for place, source in enumerate(sources)}
        lines = {names[source]: data for source, kept in self._around.raw.items() if (data := kept.cut())}
        line = _LINE if _LINE in lines else ""
        told = window_file(self._post.device, packs, task.window, now_ns, self._log, self._post.terms, sources, line)
        files = [
            (window_json.NAME, window_json.WINDOW, told.model_dump_json(indent=2).encode()),
            (readings_file.NAME, readings_file.READINGS, readings_file.write_readings(self._log.units, self._log.rows)),
            *((name, "text/plain", data) for name, data in lines.items()),
        ]
        artifacts = list[File]()
        for name, media_type, data in files:
            artifacts.append(self._around.store.put(data, path=f"{body.folder}/{name}", media_type=media_type))
            reached("device.mid-write")
        values = {"readings": len(self._log.rows), "alerts": len(self._log.alerts), HANDED_IN: now_ns}
        result = Result(
            success=True,
            description=in_words(self._log),
            artifacts=tuple(artifacts),
            values=tuple(Value(name=name, value=str(value)) for name, value in values.items()),
        )
        return Report(action=Action.COMPLETED, result=result)

    def _hold(self, messages: list[Message], *, is_urgent: bool) -> None:
        self._held += messages
        if is_urgent or len(self._held) > self._around.most_held:
            self._publish([])

    def _publish(self, messages: list[Message]) -> None:
        """Say what has been held and these, in that order."""
        messages, self._held = [*self._held, *messages], []
        if not messages:
            return
        for message, receipt in zip(messages, self._around.publishing.publish(messages), strict=True):
            if receipt.status is Receipt.CONFLICT:
                # An earlier life had said it already, in other words; what is in the journal counts.
                structlog.get_logger().warning("said before, not said again", id=message.id, type=message.type.value)


_NO_TASK: Final[_Task | None] = None
