"""The attempts at the tasks of a run, read from its journal: who had each, from when to when, what became of it.

1. An attempt begins with an assignment, is taken with a claim, and ends with the verdict on it.
2. Which of them were lost is what `observers.recoveries` says; an assignment in between withdraws what was open.
"""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any, Final

from bus.records import Entry
from observers.recoveries import Recovery
from observers.report.values import Attempt, Fate, Judgement
from protocol.bodies import Claim, Decision, TaskAssignment, VerdictReport
from protocol.failures import Kind
from protocol.messages import Message

_FATES: Final = {
    Decision.PASS: Fate.ACCEPTED,
    Decision.REJECT: Fate.REJECTED,
    Decision.ESCALATE: Fate.ESCALATED,
}
_OPEN: Final = (Fate.WAITING, Fate.RUNNING)


class Attempts:
    """The pass over a journal."""

    def __init__(self) -> None:
        self._found: list[Attempt] = []
        self._latest: dict[str, int] = {}  # where a task's latest attempt stands in the list

    def hear(self, entry: Entry, message: Message) -> None:
        match message.body:
            case TaskAssignment() as body:
                self._assigned(entry, message, body)
            case Claim() as body:
                self._change(message, instance=body.instance, claimed_ns=entry.recorded_ns, fate=Fate.RUNNING)
            case VerdictReport() as body:
                self._judged(entry, message, body)

    def latest(self, task: str) -> Attempt | None:
        """Return the latest attempt at a task."""
        place = self._latest.get(task)
        return None if place is None else self._found[place]

    def all(self, recoveries: Iterable[Recovery], *, is_open: bool, is_over: bool) -> tuple[Attempt, ...]:
        """Return all of them, in the order in which they were given out.

        is_open: the run is being carried out now. is_over: nothing more can come of the mission.
        """
        self._lose(recoveries)
        return tuple(_settled(one, is_open=is_open, is_over=is_over) for one in self._found)

    def _assigned(self, entry: Entry, message: Message, body: TaskAssignment) -> None:
        before = self.latest(message.task)
        is_mission = body.plan is not None
        if before is not None and before.fate in _OPEN:
            if is_mission:  # a plan that grows, or was changed, is given to the same coordinator again
                return
            self._found[self._latest[message.task]] = replace(before, fate=Fate.WITHDRAWN, ended_ns=entry.recorded_ns)
        self._latest[message.task] = len(self._found)
        attempt = Attempt(
            task=message.task,
            title=body.title,
            agent=message.recipient,
            number=message.attempt,
            at=entry.sequence,
            assigned_ns=entry.recorded_ns,
            strategy=body.strategy or "",
            fate=Fate.RUNNING if is_mission else Fate.WAITING,
            is_mission=is_mission,
        )
        self._found.append(attempt)

    def _judged(self, entry: Entry, message: Message, body: VerdictReport) -> None:
        marks = tuple(mark.value for mark in message.gates.__dict__.values()) if message.gates else ()
        judgement = Judgement(entry.sequence, body.decision, marks, body.reason, body.evidence)
        self._change(message, judgement=judgement, ended_ns=entry.recorded_ns, fate=_FATES[body.decision])

    def _change(self, message: Message, **changes: Any) -> None:
        """Say more of the latest attempt at a task, where the message is about that one and it is open."""
        latest = self.latest(message.task)
        if latest is not None and latest.fate in _OPEN and message.attempt in (None, latest.number):
            self._found[self._latest[message.task]] = replace(latest, **changes)

    def _lose(self, recoveries: Iterable[Recovery]) -> None:
        places: dict[str, list[int]] = {}
        for place, one in enumerate(self._found):
            places.setdefault(one.task, []).append(place)
        for recovery in recoveries:
            if recovery.kind is Kind.LOST:
                before = [
                    place for place in places.get(recovery.task, ()) if self._found[place].at < recovery.failed_at
                ]
                if before and not self._was_judged(before[-1], recovery.failed_at):
                    place = before[-1]
                    self._found[place] = replace(self._found[place], fate=Fate.LOST, ended_ns=recovery.failed_ns)

    def _was_judged(self, place: int, by: int) -> bool:
        """Whether the verdict on an attempt stood by then; one that came later was on work that was given out again."""
        judged = self._found[place].judgement
        return judged is not None and judged.at < by


def _settled(one: Attempt, *, is_open: bool, is_over: bool) -> Attempt:
    """Return an attempt as it stands at the end of the journal."""
    if one.fate not in _OPEN:
        return one
    if is_over:
        return replace(one, fate=Fate.WITHDRAWN)
    return one if is_open or one.fate is Fate.WAITING else replace(one, fate=Fate.UNFINISHED)
