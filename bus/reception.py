"""Who has introduced itself to the broker, and what each frame that comes in submits or asks.

1. A publisher says hello with its name; where connections are keyed the name has to be the key's.
2. Its frames are numbered: the next number is taken, a higher one is answered with "resend from".
3. What a frame asks (status, a range of the journal) is answered here; only what it submits goes on.
"""

import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

import structlog

from bus import wire
from bus.ranges import RangeServer, asked
from bus.run import RunFolder
from bus.sequencer import Submission
from bus.sockets import Sockets
from protocol.errors import BusError, JournalError
from protocol.names import is_agent_name

_PUBLISHED: Final = (b"P", b"G")
_ASKED: Final = (b"H", b"S", b"B", b"R")
_REMOTE_SESSIONS: Final = 256
_FACTS: Final = frozenset({"agent", "role", "instance", "pid", "state", "position"})  # what `orchestra status` shows
_SEARCH_S: Final = 0.02  # a range that took longer to find is not searched again before four times that has passed


@dataclass(slots=True)
class Session:
    """A publisher or reader as the broker knows it. expected: the number of its next frame."""

    sender: str
    pair: Sockets
    facts: dict[str, Any]
    expected: int
    published: int = 0
    heard_s: float = 0.0
    ranges: RangeServer | None = None


@dataclass(slots=True)
class Reception:
    """The sessions of one broker. head: the last durable sequence. facts: what a question for status is told."""

    run: RunFolder
    epoch: int
    head: Callable[[], int]
    facts: Callable[[], dict[str, Any]]
    denied: int = 0
    sessions: dict[bytes, Session] = field(default_factory=dict)
    searching: dict[str, float] = field(default_factory=dict)

    def take(self, pair: Sockets, identity: bytes, raw: bytes, name: str) -> Submission | None:
        """Return what a frame submits, after answering what it asks. name: whose key the connection has.

        What is no frame of ours is dropped: a stranger on the socket gets no answer.
        """
        try:
            raw = pair.opened(raw)
            kind = raw[:1]
            if kind in _PUBLISHED:
                return self._numbered(pair, identity, raw, name)
            if kind not in _ASKED:
                raise BusError(f"a frame of {len(raw):,} bytes of no kind that a broker takes")
            self._answer(pair, identity, kind, wire.unpack_facts(raw), name)
        except BusError as error:
            structlog.get_logger().warning("frame dropped", reason=str(error))
        return None

    def give_back(self, submission: Submission) -> None:
        """Expect a submission again: it could not be taken."""
        session = self.sessions.get(submission.session)
        if session is not None and not submission.is_repeated:
            session.expected = min(session.expected, submission.number)

    def acknowledge(self, submission: Submission, receipts: list[wire.Receipt]) -> None:
        session = self.sessions.get(submission.session)
        if session is not None:
            answer = wire.pack_ack(submission.number, receipts)
            session.pair.send(submission.session, answer)

    def _answer(self, pair: Sockets, identity: bytes, kind: bytes, facts: dict[str, Any], name: str) -> None:
        session = self._session(pair, identity, name)
        if kind == b"H":
            self._welcome(pair, identity, facts, name)
        elif kind == b"S":
            pair.send(identity, wire.pack_facts(b"J", self.facts()))
        elif kind == b"B" and session is not None:
            session.facts.update(_told(facts))
            session.heard_s = time.monotonic()
        elif kind == b"R" and session is not None:
            self._serve_range(session, identity, facts)

    def _session(self, pair: Sockets, identity: bytes, name: str) -> Session | None:
        """Return the session of an identity, if it is on this pair of sockets and under this key's name."""
        session = self.sessions.get(identity)
        if session is None or session.pair is not pair or (pair.are_keyed and session.sender != f"@{name}"):
            return None
        return session

    def _numbered(self, pair: Sockets, identity: bytes, raw: bytes, name: str) -> Submission | None:
        session = self._session(pair, identity, name)
        if session is None:
            pair.send(identity, wire.pack_number(b"N", 0))
            return None
        number, documents, signatures = wire.unpack_publish(raw)
        if number > session.expected:
            # A killed pipe loses the middle, not the end: ask for everything from the gap on.
            pair.send(identity, wire.pack_number(b"N", session.expected))
            return None
        # A smaller number was sent again although it was taken: the ids tell that nothing of it is new.
        is_repeated = number < session.expected
        if not is_repeated:
            session.expected += 1
        session.published += len(documents)
        session.heard_s = time.monotonic()
        return Submission(session.sender, identity, number, documents, is_repeated, signatures)

    def _welcome(self, pair: Sockets, identity: bytes, facts: dict[str, Any], name: str) -> None:
        agent, first = str(facts.get("agent", "")), facts.get("first", 1)
        known = self.sessions.get(identity)
        if not is_agent_name(agent):
            self._turn_away(pair, identity, "no-name", f"{agent[:80]!r} is not an agent name such as @python-expert")
        elif pair.are_keyed and agent != f"@{name}":
            self._turn_away(pair, identity, "not-your-name", f"the key of @{name} may not speak as {agent}")
        elif known is not None and (known.pair is not pair or (pair.are_keyed and known.sender != agent)):
            self._turn_away(pair, identity, "not-your-session", "somebody else has this identity; connect again")
        else:
            self._forget_the_dead()
            expected = first if isinstance(first, int) else 1
            self.sessions[identity] = Session(agent, pair, _told(facts), expected, heard_s=time.monotonic())
            pair.send(identity, wire.pack_number(b"W", self.epoch))

    def _turn_away(self, pair: Sockets, identity: bytes, code: str, reason: str) -> None:
        self.denied += 1
        structlog.get_logger().warning("turned away", code=code, reason=reason)
        pair.send(identity, wire.pack_facts(b"X", {"code": code, "reason": reason}))

    def _forget_the_dead(self) -> None:
        """Forget processes of this machine that are gone, and of the others the most silent beyond a number."""
        remote = sorted((s.heard_s, identity) for identity, s in self.sessions.items() if s.pair.are_keyed)
        forgotten = [identity for _, identity in remote[:-_REMOTE_SESSIONS]]
        forgotten += [i for i, s in self.sessions.items() if not s.pair.are_keyed and not _is_alive(s.facts.get("pid"))]
        for identity in forgotten:
            ranges = self.sessions.pop(identity).ranges
            if ranges is not None:
                ranges.close()

    def _serve_range(self, session: Session, identity: bytes, facts: dict[str, Any]) -> None:
        after, upto, inbox = asked(facts)
        if not session.pair.may_hear(session.sender[1:], "" if inbox is None else f"{inbox}/"):
            reason = f"{session.sender} may read its own inbox; to read everything it has to be allowed as an observer"
            self._turn_away(session.pair, identity, "not-your-inbox", reason)
            return
        session.ranges = session.ranges or RangeServer(self.run)
        begun_s = time.monotonic()
        if not session.ranges.goes_on(after) and begun_s < self.searching.get(session.sender, 0.0):
            return  # the asker asks again
        try:
            answer = session.ranges.slice(after, min(upto, self.head()), inbox)
        except JournalError as error:
            answer = wire.pack_facts(b"X", {"code": "journal", "reason": str(error)})
        spent_s = time.monotonic() - begun_s
        if spent_s > _SEARCH_S:
            self.searching[session.sender] = begun_s + 5 * spent_s
        session.pair.send(identity, answer)


def _told(facts: dict[str, Any]) -> dict[str, Any]:
    """Return of what a stranger tells of himself what is kept: a few short facts, whatever he sends."""
    return {name: fact[:200] if isinstance(fact, str) else fact for name, fact in facts.items() if name in _FACTS}


def _is_alive(pid: object) -> bool:
    """Return whether a publisher's process is still there; one that does not tell its pid counts as alive."""
    if not isinstance(pid, int) or pid <= 0:
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True
    return True
