"""The broker: one process, one lock, one order.

Drain a group → judge it at the door → one journal chunk → sync → acknowledge → forward. A blocking poller,
no asyncio. It decides nothing itself: judging and ordering is `bus.sequencer`.
"""

import os
import signal
import time
from dataclasses import dataclass
from types import FrameType
from typing import Any, Final

import structlog
import zmq

from bus import wire
from bus.door import Door
from bus.faults import reached
from bus.journal import SEGMENT_BYTES, Journal
from bus.lifeline import is_cut, lifeline
from bus.records import Entry
from bus.run import RunFolder
from bus.sequencer import Quarantine, Sequencer, Submission
from protocol.bodies import Control, Setting, Verb
from protocol.encoder import encode
from protocol.errors import BusError, JournalError
from protocol.ids import derived
from protocol.messages import Message, MessageType
from protocol.names import is_agent_name
from protocol.schema import schema_digest
from protocol.topics import BROKER, EVERYONE, inbox_of

GROUP_DOCUMENTS: Final = 512
GROUP_BYTES: Final = 2 * 1024 * 1024
BEACON_S: Final = 0.2
# When nothing moves the beacon is repeated ever more rarely: a slow subscriber may have missed all the others.
RAREST_BEACON_S: Final = 2.0
# Frames waiting for one slow subscriber before it has to read the journal instead. A full bundle of
# 1 KB messages is 35 KB, so this is some 9 MB for each subscriber at the very most.
WAITING_FRAMES: Final = 256
_LARGEST_FRAME_BYTES: Final = 64 * 1024 * 1024
_FULL_DISK_PAUSE_S: Final = 0.5


@dataclass(slots=True)
class Session:
    """A publisher as the broker knows it. expected: the number of its next frame."""

    sender: str
    facts: dict[str, Any]
    expected: int
    published: int = 0
    heard_s: float = 0.0


class Broker:
    """The sockets around a sequencer."""

    def __init__(
        self, run: RunFolder, *, sealed_upto: int = 0, syncs: bool = True, segment_bytes: int = SEGMENT_BYTES
    ) -> None:
        """Open the journal and bind.

        Raises:
            JournalError: the journal is held, damaged or cut below `sealed_upto`.
            BusError: the sockets cannot be bound.
        """
        self._door = Door()
        self._started_s = time.monotonic()
        self._topics: dict[str, int] = {}
        inboxes: dict[str, int] = {}

        def remember(entry: Entry) -> None:
            self._door.remember(entry.document, entry.sequence)
            inboxes[entry.topic.partition("/")[0]] = entry.sequence
            self._topics[entry.topic] = self._topics.get(entry.topic, 0) + 1

        self._journal = Journal(
            run.journal, on_entry=remember, sealed_upto=sealed_upto, syncs=syncs, segment_bytes=segment_bytes
        )
        self._sequencer = Sequencer(self._journal, self._door, mission=run.id, quarantine=Quarantine(run.quarantine))
        self._sequencer.last = inboxes
        self._sessions: dict[bytes, Session] = {}
        self._said_head = -1
        self._trouble = ""
        self._log = structlog.get_logger().bind(agent=BROKER)
        self._bind(run)
        self._open_epoch(run.id)

    def _bind(self, run: RunFolder) -> None:
        self._context = zmq.Context()
        self._router = self._context.socket(zmq.ROUTER)
        self._router.set_hwm(WAITING_FRAMES * 16)
        self._router.setsockopt(zmq.MAXMSGSIZE, _LARGEST_FRAME_BYTES)
        self._router.setsockopt(zmq.ROUTER_HANDOVER, 1)
        self._xpub = self._context.socket(zmq.XPUB)
        self._xpub.setsockopt(zmq.SNDHWM, WAITING_FRAMES)
        self._xpub.setsockopt(zmq.XPUB_VERBOSE, 1)
        for socket in (self._router, self._xpub):
            socket.setsockopt(zmq.LINGER, 500)
        try:
            self._router.bind(run.endpoint("publish"))
            self._xpub.bind(run.endpoint("hear"))
        except zmq.ZMQError as error:
            self._context.destroy(linger=0)
            self._journal.close()
            raise BusError(f"the broker cannot bind in {run.path}: {error}") from error

    def _open_epoch(self, mission: str) -> None:
        """Journal that a broker opened this journal: the number of that entry is the epoch."""
        self.epoch = self._journal.head + 1
        body = Control(
            verb=Verb.EPOCH,
            subject=f"epoch {self.epoch}",
            settings=(Setting(name="schema-sha256", value=schema_digest()),),
        )
        message = Message(
            sender=BROKER,
            recipient=EVERYONE,
            type=MessageType.CONTROL,
            task="run",
            timestamp_ns=time.time_ns(),
            id=derived("epoch", mission, self.epoch),
            mission=mission,
            body=body,
        )
        self._accept([Submission(BROKER, b"", 0, (encode(message),))])

    def serve(self) -> None:
        """Work until told to stop (SIGTERM) or until the supervisor is gone; then close the journal properly."""
        stopping: list[int] = []

        def stop(number: int, _frame: FrameType | None) -> None:
            stopping.append(number)

        signal.signal(signal.SIGTERM, stop)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        rope = lifeline()
        poller = zmq.Poller()
        poller.register(self._router, zmq.POLLIN)
        poller.register(self._xpub, zmq.POLLIN)
        pause_s, beacon_due_s = BEACON_S, 0.0
        while not stopping and not is_cut(rope):
            ready = dict(poller.poll(int(BEACON_S * 1000)))
            if self._xpub in ready:
                self._hear_subscriptions()
            if self._router in ready:
                self._serve_group()
            now_s = time.monotonic()
            has_moved = self._said_head != self._journal.head
            if self._router not in ready and (now_s >= beacon_due_s or has_moved):
                self._beacon()
                pause_s = BEACON_S if has_moved else min(2 * pause_s, RAREST_BEACON_S)
                beacon_due_s = now_s + pause_s
        self.close()

    def close(self) -> None:
        """Say how far the journal reaches, then close journal and sockets."""
        self._beacon()
        self._journal.close()
        self._context.destroy(linger=500)

    def _hear_subscriptions(self) -> None:
        while self._xpub.poll(0):
            self._xpub.recv()
        self._beacon()  # whoever joined now knows how far to read

    def _beacon(self) -> None:
        self._said_head = self._journal.head
        self._xpub.send(wire.pack_beacon(wire.Beacon(self.epoch, self._journal.head, dict(self._sequencer.last))))

    def _serve_group(self) -> None:
        group = self._drain()
        if not group:
            return
        try:
            receipts = self._accept(group)
        except JournalError as error:
            self._refuse_group(group, str(error))
            return
        if self._trouble:
            self._log.info("journal takes entries again")
            self._trouble = ""
        reached("broker.before-ack")
        for submission, row in zip(group, receipts, strict=True):
            self._router.send_multipart([submission.session, wire.pack_ack(submission.number, row)])

    def _drain(self) -> list[Submission]:
        group: list[Submission] = []
        documents = size = 0
        while documents < GROUP_DOCUMENTS and size < GROUP_BYTES:
            try:
                frames = self._router.recv_multipart(zmq.NOBLOCK)
            except zmq.Again:
                break
            if len(frames) != 2 or not frames[1]:
                continue  # not a frame of ours: a stranger on the socket gets no answer
            submission = self._take(frames[0], frames[1])
            if submission is not None:
                group.append(submission)
                documents += len(submission.documents)
                size += len(frames[1])
        return group

    def _take(self, identity: bytes, raw: bytes) -> Submission | None:
        """Return what a frame submits, after answering frames that submit nothing."""
        kind = raw[:1]
        try:
            if kind == b"P":
                return self._numbered(identity, raw)
            facts = wire.unpack_facts(raw)
        except BusError as error:
            self._log.warning("frame dropped", reason=str(error))
            return None
        if kind == b"H":
            self._welcome(identity, facts)
        elif kind == b"B" and identity in self._sessions:
            self._sessions[identity].facts.update(facts)
            self._sessions[identity].heard_s = time.monotonic()
        elif kind == b"S":
            self._router.send_multipart([identity, wire.pack_facts(b"J", self._facts())])
        return None

    def _numbered(self, identity: bytes, raw: bytes) -> Submission | None:
        session = self._sessions.get(identity)
        if session is None:
            self._router.send_multipart([identity, wire.pack_number(b"N", 0)])
            return None
        number, documents = wire.unpack_publish(raw)
        if number > session.expected:
            # A killed pipe loses the middle, not the end: ask for everything from the gap on.
            self._router.send_multipart([identity, wire.pack_number(b"N", session.expected)])
            return None
        # A smaller number was sent again although it was taken: the ids tell that nothing of it is new.
        is_repeated = number < session.expected
        if not is_repeated:
            session.expected += 1
        session.published += len(documents)
        session.heard_s = time.monotonic()
        return Submission(session.sender, identity, number, documents, is_repeated)

    def _welcome(self, identity: bytes, facts: dict[str, Any]) -> None:
        agent, first = str(facts.get("agent", "")), facts.get("first", 1)
        if not is_agent_name(agent):
            reason = f"{agent[:80]!r} is not an agent name such as @python-expert"
            self._router.send_multipart([identity, wire.pack_facts(b"X", {"code": "no-name", "reason": reason})])
            return
        for known, session in list(self._sessions.items()):
            if not _is_alive(session.facts.get("pid")):
                del self._sessions[known]
        expected = first if isinstance(first, int) else 1
        self._sessions[identity] = Session(agent, facts, expected, heard_s=time.monotonic())
        self._router.send_multipart([identity, wire.pack_number(b"W", self.epoch)])

    def _accept(self, group: list[Submission]) -> list[list[wire.Receipt]]:
        receipts, entries = self._sequencer.accept(group)
        reached("broker.before-forward")
        for live in self._sequencer.frames(entries, self.epoch, wire.BUNDLE_DOCUMENTS):
            self._topics[live.topic] = self._topics.get(live.topic, 0) + len(live.documents)
            self._xpub.send(wire.pack_live(live))
        if entries:
            self._xpub.send(wire.pack_head(self.epoch, self._journal.head))
        return receipts

    def _refuse_group(self, group: list[Submission], reason: str) -> None:
        """The disk would not take a group: acknowledge nothing, say so once, let the publishers send again."""
        if reason != self._trouble:
            self._log.error("journal takes nothing", reason=reason)
            self._trouble = reason
        for submission in group:
            session = self._sessions.get(submission.session)
            if session is not None and not submission.is_repeated:
                session.expected = min(session.expected, submission.number)
        time.sleep(_FULL_DISK_PAUSE_S)

    def _facts(self) -> dict[str, Any]:
        now_s = time.monotonic()
        return {
            "live": True,
            "pid": os.getpid(),
            "epoch": self.epoch,
            "head": self._journal.head,
            "up_s": round(now_s - self._started_s, 1),
            "refused": self._sequencer.refused,
            "trouble": self._trouble,
            "topics": self._topics,
            "inboxes": {name: self._sequencer.last.get(inbox_of(name), 0) for name in self._door.cast},
            "cast": {name: role.value for name, role in self._door.cast.items()},
            "sessions": [
                {**s.facts, "agent": s.sender, "published": s.published, "silent_s": round(now_s - s.heard_s, 1)}
                for s in self._sessions.values()
            ],
        }


def _is_alive(pid: object) -> bool:
    """Return whether a publisher's process is still there; one that does not tell its pid counts as alive."""
    if not isinstance(pid, int) or pid <= 0:
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
