"""A bus on another machine: reached over TCP with a key, its journal read through the broker."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import zmq
from zmq.utils.monitor import recv_monitor_message

from bus import wire
from bus.compression import pack, unpack, unpack_heard
from bus.journal import TO_THE_END
from bus.keys import CURVE, ED25519, KeyRing
from bus.publisher import PATIENCE_S
from bus.ranges import unpack_range
from bus.records import Entry
from bus.signatures import Sign, signing_key
from bus.sockets import tcp_endpoint
from protocol.errors import BusError

_ANSWER_S: Final = 5.0
_ASK_AGAIN_S: Final = 1.0


@dataclass(frozen=True, slots=True)
class RemoteBus:
    """Where a bus is and as whom to go there. address: tcp://HOST:PORT. name: without @, one of the ring's keys."""

    address: str
    name: str
    keys: KeyRing

    def connect(self, socket: "zmq.Socket[bytes]", name: str) -> None:
        """Connect a socket to the broker's "publish" or "hear", with the keys of both sides.

        Raises:
            KeyFault: one of them is missing.
            BusError: the address is none.
        """
        socket.curve_publickey, socket.curve_secretkey = self.keys.curve(self.name)
        socket.curve_serverkey = self.keys.brokers_public()
        socket.connect(tcp_endpoint(self.address, name))

    def history(self, inbox: str | None, after: int) -> "RangeReader":
        """Return the reading of what an inbox got after a sequence."""
        return RangeReader(self, inbox, after)

    def packed(self, frame: bytes) -> bytes:
        return pack(frame)

    def unpacked(self, raw: bytes) -> bytes:
        return unpack(raw)

    def heard(self, raw: bytes) -> bytes:
        return unpack_heard(raw)

    def signer(self, agent: str) -> Sign | None:
        """Return what to sign messages with; None where the ring has no signing key of that name."""
        return signing_key(self.keys, agent).sign if self.keys.has(agent, ED25519) else None

    def check(self, wait_s: float = _ANSWER_S) -> None:
        """Find out whether the broker lets us in.

        Raises:
            BusError: it does not, or nobody answers there; the text says which, and what to do.
            KeyFault: a key is missing.
        """
        context = zmq.Context()
        try:
            dealer = context.socket(zmq.DEALER)
            dealer.setsockopt(zmq.LINGER, 0)
            monitor = dealer.get_monitor_socket(zmq.EVENT_HANDSHAKE_FAILED_AUTH | zmq.EVENT_HANDSHAKE_SUCCEEDED)
            self.connect(dealer, "publish")
            if not monitor.poll(int(wait_s * 1000)):
                raise BusError(f"no broker answers at {self.address} to the key we know of it; is it listening?")
            if recv_monitor_message(monitor)["event"] == zmq.EVENT_HANDSHAKE_FAILED_AUTH:
                public = self.keys.public(self.name, CURVE).decode()
                raise BusError(
                    f"{self.address} does not know our key; there: orchestra keys allow {self.name} '{public}'"
                )
            dealer.disable_monitor()
        finally:
            context.destroy(linger=0)


class RangeReader:
    """The journal as the broker hands it out: only what the inbox got. Remembers its place, as JournalReader does."""

    def __init__(self, bus: RemoteBus, inbox: str | None, after: int) -> None:
        self.position = after
        self._inbox = inbox
        self._address = bus.address
        self._context = zmq.Context()
        self._dealer = self._context.socket(zmq.DEALER)
        self._dealer.setsockopt(zmq.LINGER, 0)
        bus.connect(self._dealer, "publish")
        self._hello = wire.pack_facts(b"H", {"agent": f"@{bus.name}", "role": "reader", "first": 1})

    def entries(self, upto: int) -> Iterator[Entry]:
        """Yield what the inbox got after the present position, to `upto`.

        Raises:
            BusError: the broker refuses, or does not answer for a minute.
        """
        while self.position < upto:
            position, entries = self._ask(upto)
            if position <= self.position and upto == TO_THE_END:
                return
            if position <= self.position:
                raise BusError(f"{self._address} ends at {position}, though it has spoken of {upto}")
            yield from entries
            self.position = position

    def seek(self, after: int) -> None:
        """Go on after this sequence; only forwards."""
        self.position = max(self.position, after)

    def close(self) -> None:
        self._context.destroy(linger=0)

    def _ask(self, upto: int) -> tuple[int, list[Entry]]:
        """Ask until there is an answer: a broker that was killed in between has forgotten us and the question."""
        request = wire.pack_facts(b"R", {"after": self.position, "upto": upto, "inbox": self._inbox})
        deadline_s = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline_s:
            for frame in (self._hello, request):
                self._dealer.send(pack(frame))
            while self._dealer.poll(int(_ASK_AGAIN_S * 1000)):
                raw = unpack(self._dealer.recv())
                if raw[:1] == b"L":
                    after, position, entries = unpack_range(raw)
                    if after == self.position:  # else an answer to a question that was asked twice
                        return position, entries
                if raw[:1] == b"X":
                    raise BusError(f"{self._address} refuses: {wire.unpack_facts(raw).get('reason')}")
        raise BusError(f"{self._address} has not answered for {PATIENCE_S:.0f} s; is the run still alive?")
