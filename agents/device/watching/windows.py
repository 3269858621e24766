"""The windows that a device's agent is asked to observe: one after the other, each handed in when its time is over."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from agents.device.watching.commands import Observe
from agents.device.watching.earlier import HANDED_IN, Before
from agents.device.watching.observing import Log, Window, in_words, window_file
from agents.device.watching.surroundings import Surroundings
from agents.device.watching.wording import Post, blocked
from bus.faults import reached
from bus.wire import Status as Receipt
from gates.telemetry import readings as readings_file
from gates.telemetry import window as window_json
from protocol.bodies import (
    Action,
    Alert,
    ErrorCategory,
    ErrorLevel,
    File,
    Reading,
    Report,
    Result,
    TaskAssignment,
    Value,
)
from protocol.errors import SourceError
from protocol.messages import Message

LEASE_S: Final = 60  # what a task is claimed for beyond the time that it takes
_JOINS_NS: Final = 60_000_000_000  # a window that is asked for so soon after another begins where that one ended
_LINE: Final = "line.txt"


@dataclass(frozen=True, slots=True)
class _Task:
    """A window that is open, and who has asked for it."""

    assignment: Message
    window: Window


class Windows:
    """What is asked for, what is open, and what was read since something was handed in.

    say: publishes. now_s: when this life begins. Where packs are asked for: the names of all that are watched.
    """

    def __init__(
        self, post: Post, around: Surroundings, say: Callable[[list[Message]], None], now_s: float, past: Before
    ) -> None:
        self._post, self._around, self._say = post, around, say
        self._asked = list[tuple[Message, Observe]]()
        self._task: _Task | None = None
        self._log, self._cut_ns, self._cut_s = Log(), past.handed_in_ns, now_s
        self.note(past.not_handed_in)

    @property
    def observed(self) -> Observe | None:
        """The window that is open, or that comes next; None while nobody has asked for one."""
        return self._asked[0][1] if self._asked else None

    def ask(self, assignment: Message, asked: Observe) -> None:
        self._asked.append((assignment, asked))

    def take(self, pack: str, taken_ns: int, readings: Iterable[Reading]) -> None:
        """Keep what was measured at one moment."""
        self._log.take(pack, taken_ns, readings)

    def note(self, alerts: Iterable[Message]) -> None:
        """Keep alerts that were told."""
        for message in alerts:
            if isinstance(message.body, Alert):
                self._log.note(message.task, message.timestamp_ns, message.body)

    def trim(self, now_ns: int) -> None:
        """Forget what nobody has asked for in time."""
        if self._task is None:
            self._log.trim(now_ns)

    def tend(self, now_s: float, packs: Iterable[str]) -> None:
        """Close the window whose time is over, and open the next that is asked for."""
        if self._task is not None and now_s >= self._task.window.until_s:
            self._hand_in(self._task, now_s, packs)
        while self._task is None and self._asked:
            self._open(*self._asked[0], now_s)

    def finish(self, now_s: float, packs: Iterable[str]) -> None:
        """Hand in all that is asked for, though its time is not over: nothing more will come."""
        while self._asked:
            self.tend(now_s, packs)
            if self._task is not None:
                self._hand_in(self._task, now_s, packs)

    def _open(self, assignment: Message, asked: Observe, now_s: float) -> None:
        now_ns = self._around.clock_ns()
        claim = self._post.claim(assignment, self._around.instance, LEASE_S + round(2 * asked.seconds), now_ns)
        if self._around.publishing.publish([claim])[0].status not in (Receipt.NEW, Receipt.SAME):
            del self._asked[0]  # an earlier life had claimed it; when its loss is noticed it is asked for again
            return
        is_next = now_ns - self._cut_ns < _JOINS_NS
        kept_ns = [one.began_ns for one in self._around.raw.values() if one.began_ns is not None]
        from_ns = self._log.earliest_ns(min([self._cut_ns if is_next else now_ns, *kept_ns]))
        until_s = self._around.until_s(asked, self._cut_s if is_next else now_s)
        self._task = _Task(assignment, Window(asked.number, from_ns, until_s))

    def _hand_in(self, task: _Task, now_s: float, packs: Iterable[str]) -> None:
        """Tell what the window has brought. What the disk would not take stays, and belongs to the next window."""
        now_ns = self._around.clock_ns()
        try:
            report = self._observed(task, now_ns, packs)
        except SourceError as error:
            report = blocked(str(error), ErrorLevel.COORDINATOR, ErrorCategory.EXECUTION)
        reached("device.before-result")
        self._say([self._post.completion(task.assignment, report, now_ns)])
        reached("device.after-result")
        self._task, self._cut_ns, self._cut_s = None, now_ns, now_s
        del self._asked[0]
        if report.action is Action.COMPLETED:
            self._log.clear()
            for kept in self._around.raw.values():
                kept.drop()

    def _observed(self, task: _Task, now_ns: int, packs: Iterable[str]) -> Report:
        """Store the files of a window and return the report that names them."""
        body = task.assignment.body
        assert isinstance(body, TaskAssignment)
        artifacts = list[File]()
        for name, media_type, data in self._files(task.window, now_ns, packs):
            artifacts.append(self._around.store.put(data, path=f"{body.folder}/{name}", media_type=media_type))
            reached("device.mid-write")
        values = {"readings": len(self._log.rows), "alerts": len(self._log.alerts), HANDED_IN: now_ns}
        result = Result(
            success=True,
            description="; ".join([in_words(self._log), *self._losses()]),
            artifacts=tuple(artifacts),
            values=tuple(Value(name=name, value=str(value)) for name, value in values.items()),
        )
        return Report(action=Action.COMPLETED, result=result)

    def _losses(self) -> Iterator[str]:
        for source, kept in self._around.raw.items():
            if kept.lost:
                yield f"raw bytes of {source} are missing: {kept.lost}"

    def _files(self, window: Window, now_ns: int, packs: Iterable[str]) -> Iterator[tuple[str, str, bytes]]:
        """Yield name, media type and bytes of what is handed in; the raw bytes of the first source are `line.txt`."""
        sources, log = tuple(self._around.sources), self._log
        # Called after the source and not after who has spoken: those of all windows are joined into one.
        names = {source: f"line-{source}.txt" if place else _LINE for place, source in enumerate(sources)}
        lines = {names[source]: data for source, kept in self._around.raw.items() if (data := kept.cut())}
        line = _LINE if _LINE in lines else ""
        told = window_file(self._post.device, packs, window, now_ns, log, self._post.terms, sources, line)
        yield window_json.NAME, window_json.WINDOW, told.model_dump_json(indent=2).encode()
        yield readings_file.NAME, readings_file.READINGS, readings_file.write_readings(log.units, log.rows)
        for name, data in lines.items():
            yield name, "text/plain", data
