"""Row `bus`: messages per second, and CPU of every process of the path, against a raw proxy."""

import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from multiprocessing.connection import Connection
from typing import Final

import zmq

from benchmarks.messages import INBOX, MESSAGE_BYTES, SENDER, TOPIC, completion, documents, identity
from benchmarks.processes import (
    Part,
    broker_of,
    cpu_s,
    listening,
    reached,
    recorder_of,
    run_folder,
    settled,
    start,
    used_cpu_s,
)
from benchmarks.rows import Aim, Effort, Row, compared, interleaved
from bus.publisher import Publisher
from bus.subscriber import Subscriber
from bus.transport import Place
from protocol.decoder import reread
from protocol.encoder import encode

_OBSERVER: Final = "@auditor"  # who from elsewhere hears what is not its own
_RAW: Final = (
    "raw pyzmq: sender PUB -> zmq.proxy (XSUB/XPUB, own process) -> receiver SUB, ipc, constant "
    f"{MESSAGE_BYTES:,} bytes, frames topic and body, no high-water mark; nothing built, checked or kept"
)
_BUS: Final = (
    "sender builds, checks and encodes each message (fresh id), Publisher sends bundles of 32 and awaits every "
    "receipt; Broker checks document, sender, role and id, journals, fdatasync before forward; Subscriber delivers "
    "entries, every id and the order checked; "
)


@dataclass(frozen=True, slots=True)
class Passage:
    """One run over a path: from the sender's first message to the receiver's last.

    cpu_s: seconds by process; the sender's, the middle's (proxy or broker), the receiver's.
    """

    count: int
    seconds: float
    cpu_s: dict[str, float]

    @property
    def rate(self) -> float:
        """Messages per second."""
        return self.count / self.seconds

    @property
    def cpu_us(self) -> float:
        """Microseconds of CPU for one message, all processes together."""
        return sum(self.cpu_s.values()) / self.count * 1e6

    def shares(self) -> dict[str, float]:
        """Return the microseconds of CPU for one message by process."""
        return {name: round(used_s / self.count * 1e6, 1) for name, used_s in self.cpu_s.items()}


@dataclass(frozen=True, slots=True)
class Way:
    """How messages go through the bus, and what the row about it says besides what is always included.

    is_typed: the receiver fills typed messages. is_fast: the door recognises canonical documents without libxml2.
    records: the recorder follows. is_keyed: over TCP with CURVE. signs: every message signed and checked.
    """

    name: str
    says: str
    aim: Aim | None = None
    is_typed: bool = False
    is_fast: bool = True
    records: bool = False
    is_keyed: bool = False
    signs: bool = False


_WAYS: Final = (
    Way("bus", "the door recognises canonical documents by the generated pattern", Aim(bound=0.45)),
    Way("bus, libxml2 only", "the door asks libxml2 about every message", Aim(bound=0.22), is_fast=False),
    Way("bus, typed", "as bus; the receiver parses again and fills the typed message", is_typed=True),
    Way("bus, recorder on", "as bus; the recorder chains, seals and indexes every message", records=True),
    Way("bus, CURVE", "as bus, over TCP with CURVE and names by key", is_keyed=True),
    Way("bus, signatures", "as bus; Ed25519 by the sender, checked at the door, journaled", signs=True),
)


def rows(effort: Effort) -> list[Row]:
    """Measure the bus in all its ways, and the raw proxy, in interleaved rounds."""
    many, few = effort.size(60_000, 20_000), effort.size(16_000, 4_000)
    passages: list[Callable[[], Passage]] = [partial(through_proxy, many)]
    passages += [partial(through_bus, few, way) for way in _WAYS]
    raw, *ours = interleaved(effort.times(7, 3), *passages)
    found = zip(_WAYS, ours, strict=True)
    return [row for way, rounds in found for row in (_rate(way, rounds, raw), _cpu(way, rounds, raw))]


def _rate(way: Way, ours: list[Passage], raw: list[Passage]) -> Row:
    facts = {"messages_per_round": ours[0].count, "raw_messages_per_round": raw[0].count}
    rates = [p.rate for p in ours], [p.rate for p in raw]
    return compared(way.name, "msgs/s", *rates, text=(_BUS + way.says, _RAW), aim=way.aim, facts=facts)


def _cpu(way: Way, ours: list[Passage], raw: list[Passage]) -> Row:
    facts = {"ours_cpu_us_by_process": middle(ours).shares(), "raw_cpu_us_by_process": middle(raw).shares()}
    used = [p.cpu_us for p in ours], [p.cpu_us for p in raw]
    aim = Aim(bound=4, at_most=True) if way.name == "bus, libxml2 only" else None
    return compared(f"{way.name}: CPU", "CPU us/msg", *used, text=("as above", _RAW), aim=aim, facts=facts)


def middle(passages: list[Passage]) -> Passage:
    """Return the passage with the middle CPU time."""
    return sorted(passages, key=lambda passage: passage.cpu_us)[len(passages) // 2]


def through_bus(count: int, way: Way) -> Passage:
    """Send `count` messages through the real broker and await every one at the receiver."""
    with run_folder(signs=way.signs) as run:
        listen = listening(run, (SENDER, _OBSERVER)) if way.is_keyed else None
        with broker_of(run, is_fast=way.is_fast, listen=listen) as broker, recorder_of(run, way.records) as recorder:
            receiver = start(receive_from_bus, reached(run, listen, _OBSERVER), count, way.is_typed)
            receiver.answer()
            sender = start(send_to_bus, reached(run, listen, SENDER), count)
            return _passed(count, sender, {"broker": broker, **recorder}, receiver)


def through_proxy(count: int) -> Passage:
    """Send `count` times the same bytes through a raw proxy and await every one at the receiver."""
    with tempfile.TemporaryDirectory() as folder:
        proxy = start(serve_proxy, folder)
        proxy.answer()
        receiver = start(receive_raw, folder, count)
        receiver.answer()
        sender = start(send_raw, folder, count)
        passage = _passed(count, sender, {"proxy": proxy}, receiver)
        proxy.stop()
    return passage


def _passed(count: int, sender: Part, between: dict[str, Part], receiver: Part) -> Passage:
    """Say go and return what the passage took. between: what stands between the two, by name."""
    sender.answer()
    before_s = {name: used_cpu_s(part.pid) for name, part in between.items()}
    sender.pipe.send("go")
    ended_s, received_cpu_s = receiver.answer()
    began_s, sent_cpu_s = sender.answer()
    used_s = {name: used_cpu_s(part.pid) - before_s[name] for name, part in between.items()}
    for part in (sender, receiver):
        part.stop()
    return Passage(count, ended_s - began_s, {"sender": sent_cpu_s, **used_s, "receiver": received_cpu_s})


def send_to_bus(pipe: Connection, place: Place, count: int) -> None:
    """Publish `count` messages; answer (start in monotonic seconds, CPU seconds)."""
    publisher = Publisher(place, SENDER)
    _timed(pipe, lambda: _publish(publisher, count))
    settled(publisher, count)
    publisher.close()


def _publish(publisher: Publisher, count: int) -> None:
    for n in range(count):
        publisher.enqueue(encode(completion(n)))
    publisher.flush()


def send_raw(pipe: Connection, folder: str, count: int, mark: int = 0) -> None:
    """Send constant bytes once the receiver's subscription has come through the proxy. mark: high-water mark."""
    context = zmq.Context()
    socket = context.socket(zmq.XPUB)
    socket.set_hwm(mark)
    socket.connect(f"ipc://{folder}/in")
    socket.recv()  # the subscription
    topic, raw = TOPIC.encode(), documents(1)[0]

    def send() -> None:
        for _ in range(count):
            socket.send_multipart((topic, raw))

    _timed(pipe, send)
    context.destroy()


def _timed(pipe: Connection, work: Callable[[], None]) -> None:
    pipe.send("ready")
    pipe.recv()
    before_s, began_s = cpu_s(), time.monotonic()
    work()
    pipe.send((began_s, cpu_s() - before_s))


def serve_proxy(pipe: Connection, folder: str, mark: int = 0) -> None:
    """Run zmq.proxy until the process is ended; say "ready" once it is bound. mark: high-water mark."""
    context = zmq.Context()
    into, out = context.socket(zmq.XSUB), context.socket(zmq.XPUB)
    for socket, name in ((into, "in"), (out, "out")):
        socket.set_hwm(mark)
        socket.bind(f"ipc://{folder}/{name}")
    pipe.send("ready")
    zmq.proxy(into, out)


def receive_raw(pipe: Connection, folder: str, count: int) -> None:
    """Take `count` messages; answer (end in monotonic seconds, CPU seconds)."""
    context = zmq.Context()
    socket = context.socket(zmq.SUB)
    socket.set_hwm(0)
    socket.subscribe(TOPIC)
    socket.connect(f"ipc://{folder}/out")
    pipe.send("ready")
    before_s = cpu_s()
    for _ in range(count):
        _topic, raw = socket.recv_multipart()
        if len(raw) != MESSAGE_BYTES:
            raise AssertionError(f"{len(raw)} bytes arrived instead of {MESSAGE_BYTES}")
    pipe.send((time.monotonic(), cpu_s() - before_s))
    context.destroy(linger=0)


def receive_from_bus(pipe: Connection, place: Place, count: int, is_typed: bool) -> None:
    """Take `count` entries in order, each checked by its id; answer as `receive_raw`."""
    subscriber = Subscriber(place, INBOX)
    while subscriber.receive(timeout_s=0.3) is not None:
        pass  # what everyone heard before the first message
    pipe.send("ready")
    before_s = cpu_s()
    for n in range(count):
        entry = subscriber.receive()
        assert entry is not None
        is_right = reread(entry.document).id == identity(n) if is_typed else identity(n).encode() in entry.document
        if not is_right:
            raise AssertionError(f"message {n} is not at its place")
    pipe.send((time.monotonic(), cpu_s() - before_s))
    subscriber.close()
