"""The broker's sockets: a pair for this machine, and, where the run listens, a pair for others.

1. On this machine the run folder, 0700, is the key: whoever may open its sockets is the run's own user.
2. From elsewhere nobody connects without a CURVE key that is allowed by name; the key says who it is.
   CURVE alone lets any key in, so the authenticator is asked for every connection, in one named domain.
3. A name from elsewhere hears its own inbox and everyone's; an observer hears everything.
"""

from dataclasses import dataclass
from typing import Final

import structlog
import zmq
from zmq.auth.thread import ThreadAuthenticator
from zmq.utils import z85

from bus.compression import LARGEST_FRAME_BYTES, pack, pack_heard, unpack
from bus.keys import BROKER_KEY, KeyRing
from bus.roles import may_hear
from bus.run import RunFolder
from protocol.errors import BusError

# Frames waiting for one slow subscriber before it has to read the journal instead. A full bundle of
# 1 KB messages is 35 KB, so this is some 9 MB for each subscriber at the very most.
WAITING_FRAMES: Final = 256
_LARGEST_SUBSCRIPTION_BYTES: Final = 4096
_DOMAIN: Final = "agent-orchestra"


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
        self._keys = keys
        self.router, self.xpub = context.socket(zmq.ROUTER), context.socket(zmq.XPUB)
        self.router.set_hwm(WAITING_FRAMES * 16)
        self.router.setsockopt(zmq.MAXMSGSIZE, LARGEST_FRAME_BYTES)
        self.xpub.setsockopt(zmq.SNDHWM, WAITING_FRAMES)
        self.xpub.setsockopt(zmq.MAXMSGSIZE, _LARGEST_SUBSCRIPTION_BYTES)
        self.xpub.setsockopt(zmq.XPUB_VERBOSE, 1)
        for socket in (self.router, self.xpub):
            socket.setsockopt(zmq.LINGER, 500)
        if keys is None:
            self.router.setsockopt(zmq.ROUTER_HANDOVER, 1)
        else:
            self.xpub.setsockopt(zmq.XPUB_MANUAL, 1)
            self._lock(keys)

    def _lock(self, keys: KeyRing) -> None:
        public, secret = keys.curve(BROKER_KEY)
        for socket in (self.router, self.xpub):
            socket.curve_publickey, socket.curve_secretkey = public, secret
            socket.curve_server = True
            socket.zap_domain = _DOMAIN.encode()

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

    def hear_subscriptions(self) -> None:
        """Take what subscribers ask to hear; from elsewhere only what rule 3 lets them."""
        while self.xpub.poll(0):
            frame = self.xpub.recv(copy=False)
            if self._keys is None:
                continue
            asks, prefix = frame.bytes[:1] == b"\x01", frame.bytes[1:]
            if not asks:
                self.xpub.setsockopt(zmq.UNSUBSCRIBE, prefix)
            elif self.may_hear(_user(frame), prefix.decode(errors="replace")):
                self.xpub.setsockopt(zmq.SUBSCRIBE, prefix)
            else:
                structlog.get_logger().warning("subscription refused", agent=_user(frame), prefix=repr(prefix[:80]))

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
        self.denied = 0
        self.configure_curve_callback(_DOMAIN, self)

    def callback(self, _domain: str, public: bytes) -> bool:
        """Return whether a public key, in Z85, may connect. Asked anew each time, so a change counts at once."""
        is_known = self._keys.peer(public) is not None
        if not is_known:
            self.denied += 1
            structlog.get_logger().warning("connection refused: the key is not allowed", key=public.decode())
        return is_known

    def curve_user_id(self, client_public_key: bytes) -> str:
        """Return the name that the key ring gives a key; the connection is known by it from now on."""
        peer = self._keys.peer(z85.encode(client_public_key))
        return peer.name if peer is not None else ""


def bind(context: "zmq.Context[zmq.Socket[bytes]]", run: RunFolder, listen: Listen | None) -> list[Sockets]:
    """Return the bound pairs, this machine's first.

    Raises:
        BusError: an address cannot be bound.
        KeyFault: the run is to listen and the broker has no key.
    """
    pairs = [Sockets(context)] + ([Sockets(context, listen.keys)] if listen is not None else [])
    for pair, place in zip(pairs, (run, listen), strict=False):
        assert place is not None
        for socket, name in ((pair.router, "publish"), (pair.xpub, "hear")):
            endpoint = place.endpoint(name)
            try:
                socket.bind(endpoint)
            except zmq.ZMQError as error:
                raise BusError(f"the broker cannot bind {endpoint}: {error}") from error
    return pairs
