"""What a mission learns: heard in its journal from verdicts that let a result pass, and taken into the memory.

1. A result tells a fact in its values: `memory.KEY` is a fact, `memory.progress.KEY` how far something is.
2. That a mission was accepted as a whole is progress too, under `mission/` and the run's id.
3. The memory is a convenience: whatever is wrong with it is a warning, and the mission goes on.
"""

from collections.abc import Iterator
from typing import Final

import structlog

from agents.memory import MOST_CHARACTERS, Kind, Learned, Memory, Source
from bus.records import Entry
from protocol.bodies import Decision, VerdictReport
from protocol.decoder import reread
from protocol.errors import SourceError
from protocol.messages import Message, MessageType
from protocol.topics import GATEKEEPER, TECH_LEAD

PREFIX: Final = "memory."
PROGRESS: Final = "memory.progress."
_MARKS: Final = (PREFIX.encode(), TECH_LEAD.encode())


class Learner:
    """Hears the journal of a run, from its start in every life: what was taken in before is not taken in again.

    memory: None: nothing is learned.
    """

    def __init__(self, memory: Memory | None) -> None:
        self._memory = _usable(memory)
        self._done: dict[str, str] = {}
        self._owed: list[Learned] = []
        self._is_warned = False

    def hear(self, entry: Entry) -> None:
        """Take in one journal entry."""
        # Most results tell nothing: their documents are not read once more.
        if self._memory is None or not any(mark in entry.document for mark in _MARKS):
            return
        kind = entry.topic.rpartition("/")[2]
        if kind == MessageType.TASK_COMPLETION.value:
            message = reread(entry.document)
            self._done[message.id or ""] = message.sender
        elif kind == MessageType.VERDICT.value:
            self._judge(entry, reread(entry.document))

    def _judge(self, entry: Entry, verdict: Message) -> None:
        agent = self._done.pop(verdict.cause or "", "")
        body = verdict.body
        if not agent or verdict.sender != GATEKEEPER or not isinstance(body, VerdictReport):
            return
        if body.decision is not Decision.PASS:
            return
        source = Source(
            run=verdict.mission or "",
            task=verdict.task,
            agent=agent,
            message=verdict.id or "",
            sequence=entry.sequence,
            recorded_ns=entry.recorded_ns,
        )
        self._owed += _told(verdict, body, source)
        self.settle()

    def settle(self) -> None:
        """Write what is not written yet; where that fails it is tried again with the next verdict and at the end."""
        if self._memory is None or not self._owed:
            return
        try:
            self._memory.learn(self._owed)
        except SourceError as error:
            if not self._is_warned:
                _warn(str(error))
            self._is_warned = True
            return
        self._owed.clear()


def _usable(memory: Memory | None) -> Memory | None:
    try:
        if memory is not None:
            memory.check()
    except SourceError as error:
        _warn(str(error))
        return None
    return memory


def _told(verdict: Message, body: VerdictReport, source: Source) -> Iterator[Learned]:
    if verdict.recipient == TECH_LEAD:
        yield Learned(Kind.PROGRESS, "", f"mission/{source.run}", body.description[:MOST_CHARACTERS], source)
    for value in body.values:
        kind, prefix = (Kind.PROGRESS, PROGRESS) if value.name.startswith(PROGRESS) else (Kind.FACT, PREFIX)
        key = value.name.removeprefix(prefix)
        if not value.name.startswith(PREFIX) or not key:
            continue
        if len(value.value) > MOST_CHARACTERS:
            _warn(f"{value.name} of task {source.task} has {len(value.value):,} characters, limit {MOST_CHARACTERS:,}")
            continue
        yield Learned(kind, value.name, key, value.value, source)


def _warn(reason: str) -> None:
    structlog.get_logger().warning("something was not remembered", reason=reason)
