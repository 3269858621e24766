"""A device's agent: it watches one device, tells the bus what it reads and what is alarming, and hands in what it saw.

1. It watches and does not protect: nothing is ever written to the device.
2. What it has raised is in the journal, and a new life begins from there: no alert is told twice, and an
   acknowledgement that came while nobody lived is heard then.
3. A line that is gone ends nothing. What was read gets stale, then absent, and that is an alarm of its own.
4. A task to observe is done by waiting: everything that is read until its time is over is its result.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from math import inf
from typing import Final

import structlog

from agents.device.alarms.own import names_in, rules_with
from agents.device.alarms.standing import Standing, acknowledge, restored
from agents.device.judging.combining import Heard
from agents.device.status import Status, packs_of
from agents.device.watching.commands import Decline, Observe, meaning
from agents.device.watching.earlier import Before
from agents.device.watching.surroundings import Surroundings
from agents.device.watching.watch import Watched, alert_id, heard, look
from agents.device.watching.windows import LEASE_S, Windows
from agents.device.watching.wording import Post, blocked
from bus.faults import reached
from bus.wire import Status as Receipt
from protocol.alarms import Acknowledgement
from protocol.bodies import Alert, ErrorCategory, ErrorLevel, TaskAssignment
from protocol.decoder import reread
from protocol.errors import LinkError
from protocol.messages import Message
from protocol.topics import inbox_of

AGES_S: Final = 0.25
_MOST_HEARD: Final = 100  # between two looks at the device, which is not kept waiting for longer


class DeviceAgent:
    """One life of a device's agent. now_s: monotonic, when it begins."""

    def __init__(self, post: Post, around: Surroundings, now_s: float, past: Before | None = None) -> None:
        self._post, self._around = post, around
        past = past or Before()
        names = dict.fromkeys((post.device, *past.alerts))
        self._watched = {name: self._begun(name, now_s, past.alerts.get(name, ())) for name in names}
        self._waiting = past.unanswered
        self._windows = Windows(post, around, self._publish, now_s, past)
        self._heard_s: float | None = None
        self._looked_s = -inf
        self._held: list[Message] = []
        self._faults: dict[str, str] = {}

    @property
    def observed(self) -> Observe | None:
        """The window that is open, or that comes next; None while nobody has asked for one."""
        return self._windows.observed

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
        self._windows.tend(now_s, self._watched)
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
            self._windows.take(name, taken_ns, found.readings)
            self._windows.note(alerts)
            is_urgent = is_urgent or bool(alerts)
        self._windows.trim(taken_ns)
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
        self._windows.finish(now_s, self._watched)

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
            return "; ".join(["unknown: the device has not spoken yet", *self._faults.values()])
        silent_s = now_s - self._heard_s
        if silent_s > self._post.terms.limits.stale_s:
            return "; ".join([f"the device has been silent for {silent_s:.0f} s", *self._faults.values()])
        alarms = [alarm for watched in self._watched.values() for alarm in watched.alarms.by_code.values()]
        standing = sum(alarm.is_standing for alarm in alarms)
        return f"watching; {standing} alarms stand" if standing else "watching"

    def _answer(self, message: Message) -> None:
        """Do what was asked, or say why not: everything that asks for something is answered once."""
        asked, now_ns = meaning(message), self._around.clock_ns()
        if isinstance(asked, Acknowledgement):
            said = self._acknowledge(asked, message)
            gone = Decline("not-raised", f"{asked.what} is not raised now, there is nothing to acknowledge")
            self._publish(said or [self._post.refusal(gone, message, now_ns)])
        elif isinstance(asked, Observe):
            self._windows.ask(message, asked)
        elif isinstance(asked, Decline):
            self._publish([self._post.refusal(asked, message, now_ns), *self._gives_up(asked, message)])

    def _acknowledge(self, asked: Acknowledgement, message: Message) -> list[Message]:
        said, now_ns = list[Message](), self._around.clock_ns()
        for name, code in self._meant(asked.what):
            watched = self._watched[name]
            alarms, told = acknowledge(watched.alarms, watched.rules(self._post.terms), code, asked.person)
            self._watched[name] = replace(watched, alarms=alarms)
            said += [self._post.alert(name, one, now_ns, message.id) for one in told]
        self._windows.note(said)
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
        claim = self._post.claim(message, self._around.instance, LEASE_S, now_ns)
        return [claim, self._post.completion(message, report, now_ns)]

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
