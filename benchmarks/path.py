"""Row `bus`: messages per second, and CPU of every process of the path, against a raw proxy."""

import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Final

import zmq

from benchmarks.messages import INBOX, MESSAGE_BYTES, SENDER, TOPIC, completion, documents, identity
from benchmarks.processes import (
    Part,
    broker_of,
    cpu_s,
    run_folder,
    settled,
    start,
    used_cpu_s,
)
from benchmarks.rows import Aim, Effort, Row, compared, interleaved
from bus.publisher import Publisher
from bus.run import RunFolder
from bus.subscriber import Subscriber
from protocol.decoder import reread
from protocol.encoder import encode

_FLOOR: Final = 0.22
_RAW: Final = (
    "raw pyzmq: sender PUB -> zmq.proxy (XSUB/XPUB, own process) -> receiver SUB, ipc, constant "
    f"{MESSAGE_BYTES:,} bytes, frames topic and body, no high-water mark; nothing built, checked or kept"
)
_BUS: Final = (
    "sender builds, checks and encodes each message (fresh id), Publisher sends bundles of 32 and awaits every "
    "receipt; Broker parses, validates by XSD, checks sender, role and id, journals, fdatasync before forward; "
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


def rows(effort: Effort) -> list[Row]:
    """Measure the bus with plain and with typed receivers, and the raw proxy, in interleaved rounds."""
    many, few = effort.size(60_000, 20_000), effort.size(16_000, 4_000)
    raw, bus, typed = interleaved(
        effort.times(11, 3),
        lambda: through_proxy(many),
        lambda: through_bus(few, False),
        lambda: through_bus(few, True),
    )
    entries = _BUS + "Subscriber delivers entries, every id and the order checked"
    models = _BUS + "Subscriber delivers, the receiver parses again (validated at the door) and fills the typed message"
    return [
        _rate("bus", bus, raw, entries, Aim(bound=_FLOOR)),
        _rate("bus, typed", typed, raw, models, None),
        _cpu("bus CPU", bus, raw, entries),
        _cpu("bus CPU, typed", typed, raw, models),
    ]


def _rate(name: str, ours: list[Passage], raw: list[Passage], text: str, aim: Aim | None) -> Row:
    facts = {"messages_per_round": ours[0].count, "raw_messages_per_round": raw[0].count}
    return compared(
        name, "msgs/s", [p.rate for p in ours], [p.rate for p in raw], text=(text, _RAW), aim=aim, facts=facts
    )


def _cpu(name: str, ours: list[Passage], raw: list[Passage], text: str) -> Row:
    facts = {"ours_cpu_us_by_process": _middle(ours).shares(), "raw_cpu_us_by_process": _middle(raw).shares()}
    return compared(
        name, "CPU us/msg", [p.cpu_us for p in ours], [p.cpu_us for p in raw], text=(text, _RAW), facts=facts
    )


def _middle(passages: list[Passage]) -> Passage:
    return sorted(passages, key=lambda passage: passage.cpu_us)[len(passages) // 2]


def through_bus(count: int, is_typed: bool) -> Passage:
    """Send `count` messages through the real broker and await every one at the receiver."""
    with run_folder() as run, broker_of(run) as broker:
        receiver = start(receive_from_bus, run.path, count, is_typed)
        receiver.answer()
        sender = start(send_to_bus, run.path, count)
        return _passed(count, sender, ("broker", broker), receiver)


def through_proxy(count: int) -> Passage:
    """Send `count` times the same bytes through a raw proxy and await every one at the receiver."""
    with tempfile.TemporaryDirectory() as folder:
        proxy = start(serve_proxy, folder)
        proxy.answer()
        receiver = start(receive_raw, folder, count)
        receiver.answer()
        sender = start(send_raw, folder, count)
        passage = _passed(count, sender, ("proxy", proxy), receiver)
        proxy.stop()
    return passage


def _passed(count: int, sender: Part, middle: tuple[str, Part], receiver: Part) -> Passage:
    """Say go and return what the passage took. middle: the name and process between the two."""
    name, between = middle
    sender.answer()
    before_s = used_cpu_s(between.pid)
    sender.pipe.send("go")
    ended_s, received_cpu_s = receiver.answer()
    began_s, sent_cpu_s = sender.answer()
    between_cpu_s = used_cpu_s(between.pid) - before_s
    for part in (sender, receiver):
        part.stop()
    return Passage(count, ended_s - began_s, {"sender": sent_cpu_s, name: between_cpu_s, "receiver": received_cpu_s})


def send_to_bus(pipe: Connection, folder: Path, count: int) -> None:
    """Publish `count` messages; answer (start in monotonic seconds, CPU seconds)."""
    publisher = Publisher(RunFolder(folder), SENDER)
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


def receive_from_bus(pipe: Connection, folder: Path, count: int, is_typed: bool) -> None:
    """Take `count` entries in order, each checked by its id; answer as `receive_raw`."""
    subscriber = Subscriber(RunFolder(folder), INBOX)
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
