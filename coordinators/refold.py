"""Feeding the journal to a fold again: how a coordinator restarts, and how a run is replayed. One mechanism.

1. One pass: what the fold says is owed until the journal shows it, byte for byte, under the id that it must have.
2. What the journal shows and the fold does not owe is a difference: said too early, too late or never.
3. What is owed at the end is what a restarted coordinator still has to publish; a replay reports it, and takes it for
   a difference where the coordinator has gone on to say what came of something later.

What is kept in memory is what is owed and a bounded number of causes, not the journal.
"""

import difflib
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Generic, NamedTuple

from lxml import etree

from bus.records import Entry
from coordinators.fold import Fold, Heard, State, say
from protocol.decoder import reread
from protocol.errors import ReplayDifference
from protocol.messages import Message
from protocol.topics import EVERYONE, inbox_of

_EVERYONE: Final = inbox_of(EVERYONE)
# A coordinator answers at once; after a restart as soon as it has heard what it missed.
_CAUSES_KEPT: Final = 1024
_ADVICE: Final = (
    "If the change is meant, give the rules another `version`, record tests again and finish older runs with the older "
    "code; if not, look at what the rules do on hearing that entry."
)


class _Owed(NamedTuple):
    message: Message
    raw: bytes
    cause: int


@dataclass(frozen=True, slots=True)
class Turn(Generic[State]):
    """One entry that a fold has heard, what it says to it, and its state then."""

    sequence: int
    heard: Heard
    said: tuple[Message, ...]
    state: State


@dataclass(frozen=True, slots=True)
class Begun(Generic[State]):
    """Where a refold begins that does not begin at the start: a state after an entry, and what it had said by then
    that the journal shows only behind that entry."""

    state: State
    position: int
    owed: tuple[bytes, ...] = ()


class Refold(Generic[State]):
    """A fold in the middle of its journal.

    state: the fold's. position: the last sequence it was given. compared: how many messages agreed.
    """

    def __init__(self, fold: Fold[State], name: str, begun: "Begun[State] | None" = None) -> None:
        self.fold, self.name = fold, name
        self.state = fold.start() if begun is None else begun.state
        self.position, self.compared = 0 if begun is None else begun.position, 0
        self._inbox, self._mark = inbox_of(name), f"<sender>{name}</sender>".encode()
        self._owed: dict[str, _Owed] = {}
        for raw in begun.owed if begun else ():
            message = reread(raw)
            self._owed[message.id or ""] = _Owed(message, raw, self.position)
        self._heard: OrderedDict[str, tuple[int, str]] = OrderedDict()
        self._shown = 0

    @property
    def missing(self) -> list[Message]:
        """What it has said that the journal does not hold so far, in order."""
        return [owed.message for owed in self._owed.values()]

    def hear(self, entry: Entry) -> Turn[State] | None:
        """Take the next entry of the journal; return the fold's turn where the entry is for it to hear.

        Raises:
            ReplayDifference: the fold would not have said this, or not here, or in other words.
        """
        self.position = entry.sequence
        if self._mark in entry.document[:200]:
            self._compare(entry)
        if entry.topic.partition("/")[0] not in (self._inbox, _EVERYONE):
            return None
        heard = Heard(reread(entry.document), entry.recorded_ns)
        self._note(entry.sequence, heard.message)
        self.state, spoken = say(self.fold, self.state, heard, self.name)
        for message, raw in spoken:
            self._owed[message.id or ""] = _Owed(message, raw, entry.sequence)
        return Turn(entry.sequence, heard, tuple(message for message, _ in spoken), self.state)

    def check_nothing_more(self) -> None:
        """Find out whether the fold says more now than it has said; for a journal that nobody is writing any more.

        Only the last things can be owed rightly: whoever was killed before saying them says them on its return, before
        it hears anything else.

        Raises:
            ReplayDifference: it has gone on to say what came of something later, and never said this.
        """
        extra = next((owed for owed in self._owed.values() if owed.cause < self._shown), None)
        if extra is not None:
            what = f"would say one message more, {_named(extra.message)}, than it has said"
            raise self._difference(what, 0, extra.message, _lines(b"", extra.raw))

    def _compare(self, entry: Entry) -> None:
        recorded = reread(entry.document)
        owed = self._owed.pop(recorded.id or "", None)
        if owed is None:
            raise self._unowed(entry, recorded)
        if owed.raw != entry.document:
            diff = _lines(entry.document, owed.raw)
            raise self._difference("would say something else now", entry.sequence, recorded, diff)
        self.compared += 1
        self._shown = max(self._shown, owed.cause)

    def _unowed(self, entry: Entry, recorded: Message) -> ReplayDifference:
        alike = [owed for owed in self._owed.values() if _is_alike(owed.message, recorded)]
        what = f"has said {_named(recorded)} and would not say it again"
        if alike:
            what += f" there; it would already have said the like on hearing entry {alike[0].cause}"
        return self._difference(what, entry.sequence, recorded, _lines(entry.document, alike[0].raw if alike else b""))

    def _difference(self, what: str, sequence: int, message: Message, diff: str) -> ReplayDifference:
        at, said = self._heard.get(message.cause or "", (0, ""))
        cause = f"entry {at}, {said}" if at else f"message {message.cause}, which it had not heard by then"
        where = f"Entry {sequence}: " if sequence else ""
        reason = f"{where}{self.name}, on hearing {cause}, {what}.\n{_ADVICE}"
        return ReplayDifference(reason, agent=self.name, sequence=sequence or at, cause=cause, diff=diff)

    def _note(self, sequence: int, message: Message) -> None:
        said = f"a {message.type.value} from {message.sender} about task {message.task}"
        self._heard[message.id or ""] = (sequence, said)
        if len(self._heard) > _CAUSES_KEPT:
            self._heard.popitem(last=False)


def refold(fold: Fold[State], name: str, entries: Iterable[Entry]) -> Refold[State]:
    """Return a fold as it stands after these entries, all of them from the journal's start.

    Raises:
        ReplayDifference: it would say something other than it has said; the diff shows what.
    """
    again = Refold(fold, name)
    for entry in entries:
        again.hear(entry)
    return again


def _is_alike(one: Message, other: Message) -> bool:
    return (one.type, one.recipient, one.task, one.attempt) == (other.type, other.recipient, other.task, other.attempt)


def _named(message: Message) -> str:
    return f"the {message.type.value} to {message.recipient} about task {message.task}"


def _lines(recorded: bytes, now: bytes) -> str:
    """Return the difference of two documents, either of which may be missing, as people read it."""
    before, after = _pretty(recorded).splitlines(), _pretty(now).splitlines()
    lines = difflib.unified_diff(before, after, "as recorded", "as it would be now", lineterm="")
    return "\n".join(lines)


def _pretty(raw: bytes) -> str:
    if not raw:
        return ""
    root = etree.fromstring(raw)
    etree.indent(root)
    return etree.tostring(root, encoding="unicode")
