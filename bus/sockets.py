"""The broker's sockets: a pair for this machine, and, where the run listens, a pair for others.

1. On this machine the run folder, 0700, is the key: whoever may open its sockets is the run's own user.
2. From elsewhere nobody connects without a CURVE key that is allowed by name; the key says who it is.
   CURVE alone lets any key in, so the authenticator is asked for every connection, in one named domain.
3. A name from elsewhere hears its own inbox and everyone's; an observer hears everything.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import structlog
import zmq
from zmq.auth.thread import ThreadAuthenticator
from zmq.utils import z85

from bus.compression import LARGEST_FRAME_BYTES, pack, pack_heard, unpack
from bus.keys import BROKER_KEY, KeyRing, Peer
from bus.roles import may_hear
from bus.run import RunFolder
from protocol.errors import BusError

# Frames waiting for one slow subscriber before it has to read the journal instead. A full bundle of
# 1 KB messages is 35 KB, so this is some 9 MB for each subscriber at the very most.
WAITING_FRAMES: Final = 256
_LARGEST_SUBSCRIPTION_BYTES: Final = 1024  # the handshake of CURVE has to fit too
_MOST_SUBSCRIPTIONS: Final = 64  # different ones of one name; a subscriber has three
_MOST_AT_ONCE: Final = 256  # subscriptions looked at before the broker turns to something else
_DOMAIN: Final = "agent-orchestra"
_REBIND_S: Final = 5.0


@dataclass(frozen=True, slots=True)
class Listen:
    """Where a run can be reached from elsewhere. address: tcp://HOST:PORT; hearing is on the port after it."""

    address: str
    keys: KeyRing

    def endpoint(self, name: str) -> str:
        """Return the address of one of the two sockets, "publish" or "hear"."""
        return tcp_endpoint(self.address, name)


def tcp_endpoint(address: str, name: str) -> str:
    """Return the address of a broker's socket, "publish" or "hear", from tcp://HOST:PORT.

    Raises:
        BusError: it is no such address.
    """
    scheme, _, rest = address.partition("://")
    host, _, port = rest.rpartition(":")
    if scheme != "tcp" or not host or not port.isdigit() or not 0 < int(port) < 65_535:
        raise BusError(f"{address!r} is not an address such as tcp://192.0.2.7:7788")
    return f"tcp://{host}:{int(port) + (name == 'hear')}"


class Sockets:
    """One pair: a ROUTER that publishers reach and an XPUB that subscribers hear."""

    def __init__(self, context: "zmq.Context[zmq.Socket[bytes]]", keys: KeyRing | None = None) -> None:
        """Make the pair. keys: only whom they name may connect; None for the pair on this machine."""
        self._context, self._keys = context, keys
        self._bar: Callable[[str], None] = lambda name: None
        self._hearing_at = ""
        self._asked: dict[str, set[bytes]] = {}
        self.router = context.socket(zmq.ROUTER)
        self.router.set_hwm(WAITING_FRAMES * 16)
        self.router.setsockopt(zmq.MAXMSGSIZE, LARGEST_FRAME_BYTES)
        self.router.setsockopt(zmq.LINGER, 500)
        if keys is None:
            self.router.setsockopt(zmq.ROUTER_HANDOVER, 1)
        else:
            self.router.setsockopt(zmq.SNDHWM, WAITING_FRAMES)  # a slice may have half a megabyte
            self._lock(self.router, keys)
        self.xpub = self._new_xpub()

    def _new_xpub(self) -> "zmq.Socket[bytes]":
        xpub = self._context.socket(zmq.XPUB)
        xpub.setsockopt(zmq.SNDHWM, WAITING_FRAMES)
        xpub.setsockopt(zmq.MAXMSGSIZE, _LARGEST_SUBSCRIPTION_BYTES)
        xpub.setsockopt(zmq.XPUB_VERBOSE, 1)
        xpub.setsockopt(zmq.LINGER, 500)
        if self._keys is not None:
            xpub.setsockopt(zmq.XPUB_MANUAL, 1)
            self._lock(xpub, self._keys)
        return xpub

    @staticmethod
    def _lock(socket: "zmq.Socket[bytes]", keys: KeyRing) -> None:
        socket.curve_publickey, socket.curve_secretkey = keys.curve(BROKER_KEY)
        socket.curve_server = True
        socket.zap_domain = _DOMAIN.encode()

    def bind(self, publish: str, hear: str, bar: Callable[[str], None] = lambda name: None) -> None:
        """Bind both. bar: called with the name of somebody who has to be kept out until the broker starts again.

        Raises:
            BusError: an address cannot be bound.
        """
        self._bar, self._hearing_at = bar, hear
        for socket, endpoint in ((self.router, publish), (self.xpub, hear)):
            try:
                socket.bind(endpoint)
            except zmq.ZMQError as error:
                raise BusError(f"the broker cannot bind {endpoint}: {error}") from error

    @property
    def are_keyed(self) -> bool:
        return self._keys is not None

    def receive(self) -> tuple[bytes, bytes, str] | None:
        """Return identity, frame and the name that the connection's key gives ("" on this machine).

        None: nothing waits. A multipart that is not two frames comes back with an empty frame.
        """
        try:
            if self._keys is None:
                frames = self.router.recv_multipart(zmq.NOBLOCK)
                name = ""
            else:
                told = self.router.recv_multipart(zmq.NOBLOCK, copy=False)
                name = _user(told[-1])
                frames = [frame.bytes for frame in told]
        except zmq.Again:
            return None
        return (frames[0], frames[1], name) if len(frames) == 2 else (frames[0], b"", name)

    def opened(self, raw: bytes) -> bytes:
        """Return a frame that was received as its sender made it.

        Raises:
            BusError: it came from elsewhere and cannot be unpacked.
        """
        return raw if self._keys is None else unpack(raw)

    def send(self, identity: bytes, frame: bytes) -> None:
        """Answer somebody."""
        self.router.send_multipart([identity, frame if self._keys is None else pack(frame)])

    def tell(self, frame: bytes) -> None:
        """Say something to whoever hears its topic."""
        self.xpub.send(frame if self._keys is None else pack_heard(frame))

    def hear_subscriptions(self) -> bool:
        """Take what subscribers ask to hear; from elsewhere only what rule 3 lets them.

        Returns whether `xpub` is another socket now. With XPUB_MANUAL a subscription goes to "the last pipe", and
        libzmq moves on to the next pipe for every frame that is read, although only subscriptions have put one into
        its queue. After anything else what is allowed to one would be given to another, so everybody has to come again.
        """
        for _ in range(_MOST_AT_ONCE):
            if not self.xpub.poll(0):
                break
            frame = self.xpub.recv(copy=False)
            if self._keys is None:
                continue
            kind, prefix = frame.bytes[:1], frame.bytes[1:]
            if kind not in (b"\x00", b"\x01") or (kind == b"\x01" and self._asks_too_much(_user(frame), prefix)):
                self._begin_hearing_anew(_user(frame))
                return True
            if kind == b"\x00":
                self.xpub.setsockopt(zmq.UNSUBSCRIBE, prefix)
            elif self.may_hear(_user(frame), prefix.decode(errors="replace")):
                self.xpub.setsockopt(zmq.SUBSCRIBE, prefix)
            else:
                structlog.get_logger().warning("subscription refused", agent=_user(frame), prefix=repr(prefix[:80]))
        return False

    def _asks_too_much(self, name: str, prefix: bytes) -> bool:
        """Return whether a name has asked for more than any subscriber asks for; libzmq keeps refused ones too."""
        asked = self._asked.setdefault(name, set())
        asked.add(prefix)
        return len(asked) > _MOST_SUBSCRIPTIONS

    def _begin_hearing_anew(self, intruder: str) -> None:
        """Let every subscriber connect and ask again, but for the one who has sent what no subscriber sends."""
        structlog.get_logger().error("kept out: it sends what no subscriber sends", agent=intruder)
        self._bar(intruder)
        self._asked.clear()
        self.xpub.close(linger=0)
        self.xpub = self._new_xpub()
        deadline_s = time.monotonic() + _REBIND_S
        while True:
            try:
                self.xpub.bind(self._hearing_at)
                break
            except zmq.ZMQError as error:  # the old socket is closed in the background
                if time.monotonic() > deadline_s:
                    raise BusError(f"the broker cannot bind {self._hearing_at}: {error}") from error
                time.sleep(0.01)

    def may_hear(self, name: str, prefix: str) -> bool:
        """Return whether a name may hear the topics that begin so; on this machine everybody hears everything."""
        if self._keys is None:
            return True
        is_observer = any(peer.name == name and peer.is_observer for peer in self._keys.peers())
        return may_hear(name, is_observer, prefix)


def _user(frame: zmq.Frame) -> str:
    """Return the name that the authenticator gave the connection on which a frame came."""
    name = frame.get("User-Id")
    return name if isinstance(name, str) else ""


class Names(ThreadAuthenticator):
    """Asks the key ring who a CURVE key belongs to. denied: how many connections were turned away."""

    def __init__(self, context: "zmq.Context[zmq.Socket[bytes]]", keys: KeyRing) -> None:
        super().__init__(context)
        self._keys = keys
        self._barred: set[str] = set()
        self.denied = 0
        self.configure_curve_callback(_DOMAIN, self)

    def callback(self, _domain: str, public: bytes) -> bool:
        """Return whether a public key, in Z85, may connect. Asked anew each time, so a change counts at once."""
        is_known = self._peer(public) is not None
        if not is_known:
            self.denied += 1
            structlog.get_logger().warning("connection refused: the key is not allowed", key=public.decode())
        return is_known

    def curve_user_id(self, client_public_key: bytes) -> str:
        """Return the name that the key ring gives a key; the connection is known by it from now on."""
        peer = self._peer(z85.encode(client_public_key))
        return peer.name if peer is not None else ""

    def bar(self, name: str) -> None:
        """Let nobody connect under a name until the broker is started again."""
        self._barred.add(name)

    def stop(self) -> None:
        if self.pipe and not self.is_alive():  # else pyzmq waits for ever for a thread that is gone
            self.pipe.close(linger=0)
            self.pipe = None  # type: ignore[assignment]
        super().stop()

    def _peer(self, public: bytes) -> Peer | None:
        """Return who has a key. Whatever is wrong with the ring: an exception would end the thread that asks here."""
        try:
            peer = self._keys.peer(public)
        except Exception as error:  # noqa: BLE001  # the thread's edge
            structlog.get_logger().error("the key ring cannot be read", reason=str(error))
            return None
        return None if peer is None or peer.name in self._barred else peer


def bind(
    context: "zmq.Context[zmq.Socket[bytes]]", run: RunFolder, listen: Listen | None, names: Names | None = None
) -> list[Sockets]:
    """Return the bound pairs, this machine's first.

    Raises:
        BusError: an address cannot be bound.
        KeyFault: the run is to listen and the broker has no key.
    """
    pairs = [Sockets(context)]
    pairs[0].bind(run.endpoint("publish"), run.endpoint("hear"))
    if listen is not None:
        pairs.append(Sockets(context, listen.keys))
        bar = names.bar if names is not None else lambda name: None
        pairs[1].bind(listen.endpoint("publish"), listen.endpoint("hear"), bar)
    return pairs
