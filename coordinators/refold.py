"""Feeding the journal to a fold again: how a coordinator restarts, and how a run is replayed. One mechanism.

Every message the fold gives is compared, byte for byte, with what the journal holds under its id. What the
journal does not hold yet is what a restarted coordinator still has to publish; a replay reports it.
"""

import difflib
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Generic

from lxml import etree

from bus.records import Entry
from coordinators.fold import Fold, Heard, State, say
from protocol.decoder import reread
from protocol.errors import ReplayDifference
from protocol.messages import Message
from protocol.topics import EVERYONE, inbox_of

_EVERYONE = inbox_of(EVERYONE)


@dataclass(slots=True)
class Refold(Generic[State]):
    """A fold in the middle of its journal.

    missing: what it has said that the journal does not hold, in order. compared: how many messages agreed.
    """

    fold: Fold[State]
    name: str
    state: State
    position: int = 0
    compared: int = 0
    missing: list[Message] = field(default_factory=list)


def refold(fold: Fold[State], name: str, entries: Iterable[Entry]) -> Refold[State]:
    """Return a fold as it stands after these entries, all of them from the journal's start.

    Raises:
        ReplayDifference: it would say something other than it has said; the diff shows what.
    """
    inbox = inbox_of(name)
    said: dict[str, bytes] = {}
    heard: list[Entry] = []
    position = 0
    for entry in entries:
        position = entry.sequence
        if entry.topic.partition("/")[0] in (inbox, _EVERYONE):
            heard.append(entry)
        if f"<sender>{name}</sender>".encode() in entry.document[:200]:
            message = reread(entry.document)
            said[message.id or ""] = entry.document
    again = Refold(fold, name, fold.start(), position)
    for entry in heard:
        _step(again, entry, said)
    if said:
        identity, raw = next(iter(said.items()))
        raise ReplayDifference(f"{name} has said {identity} and would not say it again:\n{_pretty(raw)}")
    return again


def _step(again: Refold[State], entry: Entry, said: dict[str, bytes]) -> None:
    heard = Heard(reread(entry.document), entry.recorded_ns)
    again.state, spoken = say(again.fold, again.state, heard, again.name)
    for message, raw in spoken:
        recorded = said.pop(message.id or "", None)
        if recorded is None:
            again.missing.append(message)
        elif recorded != raw:
            raise ReplayDifference(_difference(again.name, entry.sequence, recorded, raw))
        else:
            again.compared += 1


def _difference(name: str, sequence: int, recorded: bytes, now: bytes) -> str:
    lines = difflib.unified_diff(
        _pretty(recorded).splitlines(), _pretty(now).splitlines(), "as recorded", "as it would be now", lineterm=""
    )
    return f"{name}, on hearing entry {sequence}, would say something else:\n" + "\n".join(lines)


def _pretty(raw: bytes) -> str:
    root = etree.fromstring(raw)
    etree.indent(root)
    return etree.tostring(root, encoding="unicode")
