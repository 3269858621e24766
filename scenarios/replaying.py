"""Replaying: a journal or a recording is fed to all its coordinators again, who are held to what they said."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import takewhile
from typing import Any, Final, TypeAlias

from bus.journal import TO_THE_END
from bus.records import Entry
from bus.roles import Role
from coordinators.fold import Fold
from coordinators.refold import Refold, Turn
from coordinators.shell import fold_of
from protocol.bodies import Control, Verb
from protocol.decoder import reread
from protocol.errors import SourceError
from protocol.topics import EVERYONE, topic_of

# Gives the journal from its start, each time it is called.
Source: TypeAlias = Callable[[], Iterable[Entry]]
# Other rules than those a coordinator of this name has.
Folds: TypeAlias = Mapping[str, Fold[Any]]
_INTRODUCTIONS: Final = topic_of(EVERYONE, "control")
_CONDUCTING: Final = (Role.TECH_LEAD.value, Role.COORDINATOR.value)


@dataclass(frozen=True, slots=True)
class Replayed:
    """One coordinator after its replay: how many messages were the same, how many it still had to send."""

    agent: str
    same: int
    not_sent: int


def replay(
    source: Source,
    folds: Folds | None = None,
    *,
    upto: int = TO_THE_END,
    on_entry: Callable[[Entry], None] = lambda entry: None,
    on_same: Callable[[Entry], None] = lambda entry: None,
) -> list[Replayed]:
    """Feed a journal to all its coordinators and return how each of them did, in the order of their introduction.

    upto: the last sequence that is fed. on_entry: told of every entry before it is fed.
    on_same: told of every recorded message that was said again.

    Raises:
        ReplayDifference: the first message that would not be the same.
        SourceError: the journal names no coordinator.
    """
    rules = {name: fold_of(name) for name in coordinators_of(source())} | dict(folds or {})
    again = [Refold(fold, name) for name, fold in rules.items()]
    if not again:
        raise SourceError("there is nobody to replay: the run stopped before its coordinators were introduced")
    for entry in takewhile(lambda entry: entry.sequence <= upto, source()):
        on_entry(entry)
        for one in again:
            before = one.compared
            one.hear(entry)
            if one.compared > before:
                on_same(entry)
    for one in again if upto == TO_THE_END else ():
        one.check_nothing_more()
    return [Replayed(one.name, one.compared, len(one.missing)) for one in again]


def turns(entries: Iterable[Entry], name: str, fold: Fold[Any] | None = None) -> Iterator[Turn[Any]]:
    """Yield step by step what a coordinator hears, what it says to it, and its state then.

    Raises:
        ReplayDifference: as soon as the journal shows that it has said something else.
    """
    again = Refold(fold or fold_of(name), name)
    for entry in entries:
        turn = again.hear(entry)
        if turn is not None:
            yield turn


def coordinators_of(entries: Iterable[Entry]) -> tuple[str, ...]:
    """Return the names that were introduced as coordinators, the tech lead among them."""
    found = {}
    for entry in entries:
        body = reread(entry.document).body if entry.topic == _INTRODUCTIONS else None
        if isinstance(body, Control) and body.verb is Verb.PRESENT and body.subject and _conducts(body):
            found[body.subject] = True
    return tuple(found)


def _conducts(body: Control) -> bool:
    return any(setting.name == "role" and setting.value in _CONDUCTING for setting in body.settings)
