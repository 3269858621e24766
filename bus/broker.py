"""The broker: one process, one lock, one order.

Drain a group → judge it at the door → one journal chunk → sync → acknowledge → forward. A blocking poller,
no asyncio. It decides nothing itself: judging and ordering is `bus.sequencer`.
"""

import os
import signal
import time
from types import FrameType
from typing import Any, Final

import structlog
import zmq

from bus import wire
from bus.door import Door
from bus.faults import reached
from bus.journal import SEGMENT_BYTES, Journal
from bus.lifeline import is_cut, lifeline
from bus.reception import Reception
from bus.records import Entry
from bus.run import RunFolder
from bus.sequencer import Quarantine, Sequencer, Submission
from bus.signatures import Signing
from bus.sockets import Listen, Names, bind
from protocol.bodies import Control, Setting, Verb
from protocol.encoder import encode
from protocol.errors import JournalError, KeyFault, OrchestraError
from protocol.ids import derived
from protocol.messages import Message, MessageType
from protocol.schema import schema_digest
from protocol.topics import BROKER, EVERYONE, inbox_of

GROUP_DOCUMENTS: Final = 512
GROUP_BYTES: Final = 2 * 1024 * 1024
BEACON_S: Final = 0.2
# When nothing moves the beacon is repeated ever more rarely: a slow subscriber may have missed all the others.
RAREST_BEACON_S: Final = 2.0
_FULL_DISK_PAUSE_S: Final = 0.5
_DRAIN_S: Final = 0.05  # for questions; what was submitted until then is taken


class Broker:
    """The sockets around a sequencer."""

    def __init__(
        self,
        run: RunFolder,
        *,
        sealed_upto: int = 0,
        syncs: bool = True,
        segment_bytes: int = SEGMENT_BYTES,
        listen: Listen | None = None,
        is_fast: bool = True,
    ) -> None:
        """Open the journal and bind.

        listen: where to be reached from elsewhere; None for this machine only. is_fast: as for `bus.door.Door`.

        Raises:
            JournalError: the journal is held, damaged or cut below `sealed_upto`.
            BusError: the sockets cannot be bound.
            KeyFault: it is to listen and has no key.
        """
        self._sign = run.signer(BROKER)
        self._door = Door(run.signers(), is_fast=is_fast, mission=run.id)
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
        if self._door.was_signed and run.signing is not Signing.MESSAGES:
            self._journal.close()
            raise KeyFault(f'the messages of {run.path} are signed; go on with sign = "messages"')
        self._sequencer = Sequencer(
            self._journal, self._door, mission=run.id, quarantine=Quarantine(run.quarantine), sign=self._sign
        )
        self._sequencer.last = inboxes
        self._said_head = -1
        self._trouble = ""
        self._log = structlog.get_logger().bind(agent=BROKER)
        for path in self._journal.set_aside:
            self._log.warning("incomplete group kept aside", path=str(path))
        self.epoch = self._journal.head + 1
        self._reception = Reception(run, self.epoch, lambda: self._journal.head, self._facts)
        self._bind(run, listen)
        self._open_epoch(run)

    def _bind(self, run: RunFolder, listen: Listen | None) -> None:
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self._names = Names(self._context, listen.keys) if listen is not None else None
        try:
            if self._names is not None:
                self._names.start()  # before the sockets are bound: nobody may slip in between
            self._pairs = bind(self._context, run, listen, self._names)
        except OrchestraError:
            self._journal.close()
            self._close_sockets()
            raise

    def _close_sockets(self) -> None:
        if self._names is not None:
            self._names.stop()
        self._context.destroy(linger=500)

    def _open_epoch(self, run: RunFolder) -> None:
        """Journal that a broker opened this journal: the number of that entry is the epoch."""
        body = Control(
            verb=Verb.EPOCH,
            subject=f"epoch {self.epoch}",
            settings=(
                Setting(name="schema-sha256", value=schema_digest()),
                Setting(name="signing", value=run.signing.value),
            ),
        )
        message = Message(
            sender=BROKER,
            recipient=EVERYONE,
            type=MessageType.CONTROL,
            task="run",
            timestamp_ns=time.time_ns(),
            id=derived("epoch", run.id, self.epoch),
            mission=run.id,
            body=body,
        )
        raw = encode(message)
        signatures = (self._sign(raw),) if self._sign else ()
        self._accept([Submission(BROKER, b"", 0, (raw,), signatures=signatures)])

    def serve(self) -> None:
        """Work until told to stop (SIGTERM) or until the supervisor is gone; then close the journal properly."""
        stopping: list[int] = []

        def stop(number: int, _frame: FrameType | None) -> None:
            stopping.append(number)

        signal.signal(signal.SIGTERM, stop)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        rope = lifeline()
        poller = self._poller()
        pause_s, beacon_due_s = BEACON_S, 0.0
        while not stopping and not is_cut(rope):
            ready = dict(poller.poll(int(BEACON_S * 1000)))
            if any(pair.xpub in ready for pair in self._pairs) and self._hear_subscriptions():
                poller = self._poller()
            is_busy = any(pair.router in ready for pair in self._pairs)
            if is_busy:
                self._serve_group()
            now_s = time.monotonic()
            has_moved = self._said_head != self._journal.head
            if not is_busy and (now_s >= beacon_due_s or has_moved):
                self._beacon()
                pause_s = BEACON_S if has_moved else min(2 * pause_s, RAREST_BEACON_S)
                beacon_due_s = now_s + pause_s
        self.close()

    def close(self) -> None:
        """Say how far the journal reaches, then close journal and sockets."""
        self._beacon()
        self._journal.close()
        self._close_sockets()

    def _poller(self) -> zmq.Poller:
        poller = zmq.Poller()
        for pair in self._pairs:
            poller.register(pair.router, zmq.POLLIN)
            poller.register(pair.xpub, zmq.POLLIN)
        return poller

    def _hear_subscriptions(self) -> bool:
        """Return whether a socket is another one now."""
        renewed = [pair.hear_subscriptions() for pair in self._pairs]
        self._beacon()  # whoever joined now knows how far to read
        return True in renewed

    def _beacon(self) -> None:
        self._said_head = self._journal.head
        self._tell(wire.pack_beacon(wire.Beacon(self.epoch, self._journal.head, dict(self._sequencer.last))))

    def _tell(self, frame: bytes) -> None:
        for pair in self._pairs:
            pair.tell(frame)

    def _serve_group(self) -> None:
        group = self._drain()
        if not group:
            return
        try:
            receipts = self._accept(group)
        except JournalError as error:
            self._give_back(group, str(error))
            return
        if self._trouble:
            self._log.info("journal takes entries again")
            self._trouble = ""
        reached("broker.before-ack")
        for submission, row in zip(group, receipts, strict=True):
            self._reception.acknowledge(submission, row)

    def _drain(self) -> list[Submission]:
        """Return what publishers have sent, from all pairs of sockets, up to a group's size.

        Every frame counts, also one that only asks: who asks without end must not keep others' documents waiting.
        """
        group: list[Submission] = []
        for pair in self._pairs:  # each has a group's size of its own, so neither can starve the other
            documents = size = 0
            end_s = time.monotonic() + _DRAIN_S
            while documents < GROUP_DOCUMENTS and size < GROUP_BYTES and time.monotonic() < end_s:
                frame = pair.receive()
                if frame is None:
                    break
                submission = self._reception.take(pair, *frame)
                size += len(frame[1])
                documents += 1
                if submission is not None:
                    group.append(submission)
                    documents += len(submission.documents) - 1
        return group

    def _accept(self, group: list[Submission]) -> list[list[wire.Receipt]]:
        receipts, entries = self._sequencer.accept(group)
        reached("broker.before-forward")
        for live in self._sequencer.frames(entries, self.epoch, wire.BUNDLE_DOCUMENTS):
            self._topics[live.topic] = self._topics.get(live.topic, 0) + len(live.documents)
            self._tell(wire.pack_live(live))
        if entries:
            self._tell(wire.pack_head(self.epoch, self._journal.head))
        return receipts

    def _give_back(self, group: list[Submission], reason: str) -> None:
        """The disk would not take a group: acknowledge nothing, say so once, let the publishers send again."""
        if reason != self._trouble:
            self._log.error("journal takes nothing", reason=reason)
            self._trouble = reason
        for submission in group:
            self._reception.give_back(submission)
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
            "conflicts": self._sequencer.conflicts,
            "denied": self._reception.denied + (self._names.denied if self._names is not None else 0),
            "trouble": self._trouble,
            "topics": self._topics,
            "inboxes": {name: self._sequencer.last.get(inbox_of(name), 0) for name in self._door.cast},
            "cast": {name: role.value for name, role in self._door.cast.items()},
            "sessions": [
                {**s.facts, "agent": s.sender, "published": s.published, "silent_s": round(now_s - s.heard_s, 1)}
                for s in self._reception.sessions.values()
            ],
        }
