"""The publishing side of the bus: numbered frames, a window of unacknowledged ones, resending.

1. Frames carry (session, n); the broker takes only the next n and otherwise says from where to send again.
2. A frame leaves the window when its receipts are in. The window is the flow control: when it is full,
   `publish` waits, it does not buffer.
3. Whatever is sent twice has the same id and the same bytes, so the broker answers `same`.
"""

import contextlib
import itertools
import os
import time
from collections.abc import Callable, Sequence
from typing import Any, Final

import zmq

from bus import wire
from bus.faults import reached
from bus.lifeline import is_cut, lifeline
from bus.transport import Place, all_taken
from bus.wire import Receipt
from protocol.encoder import encode
from protocol.errors import BusError, Refused
from protocol.messages import Message
from protocol.names import RANK, Priority

WINDOW_FRAMES: Final = 64
PATIENCE_S: Final = 60.0
_RESEND_S: Final = 1.0
_HELLO_S: Final = 0.05  # a new broker asks once for each frame of the window; one hello answers them all


class Publisher:
    """One agent's way onto the bus. One thread.

    agent: the name it speaks as. facts: what `orchestra status` shows of it (role, instance, pid).
    while_waiting: called again and again while there is no answer; the supervisor starts a dead broker there.
    """

    def __init__(
        self,
        place: Place,
        agent: str,
        *,
        facts: dict[str, Any] | None = None,
        patience_s: float = PATIENCE_S,
        while_waiting: Callable[[], None] = lambda: None,
    ) -> None:
        self._role = str((facts or {}).get("role", "publisher"))
        self._facts = {"agent": agent, "pid": os.getpid(), **(facts or {})}
        self._patience_s, self._while_waiting = patience_s, while_waiting
        self._rope = lifeline()
        self._context = zmq.Context()
        self._dealer = self._context.socket(zmq.DEALER)
        self._dealer.setsockopt(zmq.IDENTITY, b"p" + os.urandom(15))
        self._dealer.setsockopt(zmq.LINGER, 0)
        self._place, self._sign = place, place.signer(agent)
        self._dealer.set_hwm(WINDOW_FRAMES * 4)
        place.connect(self._dealer, "publish")
        self._window: dict[int, tuple[bytes, Sequence[int]]] = {}
        self._outbox: list[tuple[int, int, bytes]] = []
        self._receipts: dict[int, Receipt] = {}
        self._tickets = itertools.count(1)
        self._next = 1
        self._heard_s = self._resent_s = time.monotonic()
        self._hello()

    def publish(self, messages: Sequence[Message]) -> list[Receipt]:
        """Send messages, the most urgent first, and return their receipts in the order given.

        Raises:
            Invalid, TooLarge: a message cannot be written as a document; nothing was sent.
            Refused: the broker would not take one of them; the others were taken.
            BusError: no broker answered for `patience_s` seconds.
        """
        return all_taken(self.submit([(encode(message), message.priority) for message in messages]))

    def submit(self, documents: Sequence[tuple[bytes, Priority]]) -> list[Receipt]:
        """Send documents as they are and return their receipts, refusals included.

        Raises:
            BusError: no broker answered for `patience_s` seconds.
        """
        tickets = [self.enqueue(raw, priority) for raw, priority in documents]
        self.flush()
        return [self._receipts.pop(ticket) for ticket in tickets]

    def enqueue(self, raw: bytes, priority: Priority = Priority.NORMAL) -> int:
        """Put a document into the outbox and return its ticket; waits only while the window is full.

        Raises:
            BusError: the window stayed full and no broker answered for `patience_s` seconds.
            SystemExit: the supervisor is gone.
        """
        ticket = next(self._tickets)
        self._outbox.append((RANK[priority], ticket, raw))
        if len(self._outbox) >= wire.BUNDLE_DOCUMENTS:
            while len(self._window) >= WINDOW_FRAMES:
                reached("publisher.full-window")
                self._wait(0.1)
            self._send_bundle()
        return ticket

    def flush(self) -> None:
        """Send what waits and return when every receipt is in.

        Raises:
            BusError: no broker answered for `patience_s` seconds.
            SystemExit: the supervisor is gone.
        """
        self._heard_s = time.monotonic()
        while self._outbox or self._window:
            if self._outbox and len(self._window) < WINDOW_FRAMES:
                self._send_bundle()
            # The answer is there, so the broker has journaled it; this process dies without having heard.
            # Where the answer was quicker than this line there is none left to wait for.
            reached(f"{self._role}.before-ack", lambda: self._window and self._dealer.poll())
            self._wait(0.1)

    def take_receipts(self) -> dict[int, Receipt]:
        """Return and forget the receipts that have come in for enqueued documents, by ticket."""
        taken, self._receipts = self._receipts, {}
        return taken

    def beat(self, facts: dict[str, Any]) -> None:
        """Tell the broker that this agent is alive and what it is at; outside the journal."""
        self._send(wire.pack_facts(b"B", facts))
        self._receive_all()

    def close(self) -> None:
        self._context.destroy(linger=0)

    def _send_bundle(self) -> None:
        self._outbox.sort()
        bundle, self._outbox = self._outbox[: wire.BUNDLE_DOCUMENTS], self._outbox[wire.BUNDLE_DOCUMENTS :]
        documents = [document for _, _, document in bundle]
        signatures = [self._sign(document) for document in documents] if self._sign else []
        raw = wire.pack_publish(self._next, documents, signatures)
        self._window[self._next] = (raw, [ticket for _, ticket, _ in bundle])
        self._next += 1
        self._send(raw)
        self._receive_all()

    def _send(self, raw: bytes) -> None:
        # What does not fit stays in the window and is sent again when the broker answers.
        with contextlib.suppress(zmq.Again):
            self._dealer.send(self._place.packed(raw), zmq.NOBLOCK)

    def _hello(self) -> None:
        self._send(wire.pack_facts(b"H", {**self._facts, "first": min(self._window, default=self._next)}))

    def _wait(self, most_s: float) -> None:
        """Wait for the broker to say something; send again what it has left unanswered too long."""
        if is_cut(self._rope):
            raise SystemExit(1)
        self._while_waiting()
        if self._dealer.poll(int(most_s * 1000)):
            self._receive_all()
        silent_s = time.monotonic() - self._heard_s
        if silent_s > self._patience_s:
            raise BusError(f"no broker has answered for {self._patience_s:.0f} s; is the run still alive?")
        if silent_s > _RESEND_S and time.monotonic() - self._resent_s > _RESEND_S:
            self._resend()

    def _receive_all(self) -> None:
        while True:
            try:
                raw = self._place.unpacked(self._dealer.recv(zmq.NOBLOCK))
            except zmq.Again:
                return
            kind = raw[:1]
            if kind in (b"A", b"W"):
                self._heard_s = time.monotonic()
            if kind == b"A":
                self._settle(raw)
            elif kind == b"N":
                number = wire.unpack_number(raw)
                # What the broker asks for may have been acknowledged from an earlier copy: a new hello gets past that.
                if number in self._window:
                    self._resend_from(number)
                elif time.monotonic() - self._resent_s > _HELLO_S:
                    self._resend()
            elif kind == b"X":
                facts = wire.unpack_facts(raw)
                raise Refused(str(facts.get("code")), str(facts.get("reason")))

    def _settle(self, raw: bytes) -> None:
        number, receipts = wire.unpack_ack(raw)
        _, tickets = self._window.pop(number, (b"", ()))
        self._receipts.update(zip(tickets, receipts, strict=False))

    def _resend(self) -> None:
        """Introduce ourselves again, to a broker that may be new, and send the whole window."""
        self._resent_s = time.monotonic()
        self._hello()
        self._resend_from(0)

    def _resend_from(self, number: int) -> None:
        for n in sorted(n for n in self._window if n >= number):
            self._send(self._window[n][0])


def ask_status(place: Place, timeout_s: float = 2.0) -> dict[str, Any] | None:
    """Return what the broker of a run says of itself, or None where none answers."""
    context = zmq.Context()
    try:
        dealer = context.socket(zmq.DEALER)
        dealer.setsockopt(zmq.LINGER, 0)
        place.connect(dealer, "publish")
        dealer.send(place.packed(wire.pack_facts(b"S", {})))
        deadline_s = time.monotonic() + timeout_s
        while (left_s := deadline_s - time.monotonic()) > 0 and dealer.poll(int(left_s * 1000)):
            raw = place.unpacked(dealer.recv())
            if raw[:1] == b"J":
                return wire.unpack_facts(raw)
        return None
    finally:
        context.destroy(linger=0)
