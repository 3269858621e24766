"""Row `slow subscriber`: a burst at once, and a receiver that needs 0.2 ms for each message."""

import tempfile
import time
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Final

import zmq

from benchmarks.messages import INBOX, TOPIC, identity
from benchmarks.path import send_raw, send_to_bus, serve_proxy
from benchmarks.processes import broker_of, resident_bytes, run_folder, start
from benchmarks.rows import Aim, Effort, Row, Spread, compared, interleaved
from bus.run import RunFolder
from bus.subscriber import Subscriber

_PAUSE_S: Final = 0.0002
_SILENCE_S: Final = 2.0
_DEFAULT_MARK: Final = 1_000


@dataclass(frozen=True, slots=True)
class Outcome:
    """What arrived of a burst. gaps: how often the journal was read. grown_bytes: the broker's memory, end - start."""

    lost: int
    gaps: int = 0
    grown_bytes: int = 0
    peak_bytes: int = 0
    seconds: float = 0.0


def rows(effort: Effort) -> list[Row]:
    """Send the burst to a slow and to a quick subscriber of the bus, and through a raw proxy with default marks."""
    count = effort.size(20_000, 4_000)
    slow, quick, raw = interleaved(
        effort.times(3, 1),
        lambda: _through_bus(count, _PAUSE_S),
        lambda: _through_bus(count, 0.0),
        lambda: _through_proxy(count),
    )
    burst = f"{count:,} messages as fast as the bus takes them, one subscriber sleeping 0.2 ms for each"
    grown = "broker resident memory, after the last delivery less before the first message"
    return [
        Row(
            name="slow subscriber, lost",
            unit="msgs",
            includes=f"{burst}; every id and the order checked",
            baseline="raw proxy as in `bus` with the default high-water mark (1,000), the same receiver",
            ours=Spread.of([one.lost for one in slow]),
            base=Spread.of([one.lost for one in raw]),
            aim=Aim(bound=0, at_most=True, is_ratio=False),
            facts={
                "gaps_read_from_journal": [one.gaps for one in slow],
                "seconds_to_last_delivery": [round(one.seconds, 2) for one in slow],
            },
        ),
        compared(
            "slow subscriber, memory",
            "MiB",
            [one.grown_bytes / 2**20 for one in slow],
            [one.grown_bytes / 2**20 for one in quick],
            text=(
                f"{grown}; the index of ids, which grows with every message, included",
                "the same burst, subscriber that does not sleep",
            ),
            facts={"peak_mib": [round(one.peak_bytes / 2**20, 1) for one in slow]},
        ),
    ]


def _through_bus(count: int, pause_s: float) -> Outcome:
    with run_folder() as run, broker_of(run) as broker:
        receiver = start(receive_slowly, run.path, count, pause_s)
        receiver.answer()
        sender = start(send_to_bus, run, count)
        sender.answer()
        before = resident_bytes(broker.pid)
        sender.pipe.send("go")
        began_s, _ = sender.answer()
        ended_s, received, gaps = receiver.answer()
        outcome = Outcome(
            count - received,
            gaps,
            resident_bytes(broker.pid) - before,
            resident_bytes(broker.pid, "VmHWM"),
            ended_s - began_s,
        )
        for part in (sender, receiver):
            part.stop()
    return outcome


def _through_proxy(count: int) -> Outcome:
    with tempfile.TemporaryDirectory() as folder:
        proxy = start(serve_proxy, folder, _DEFAULT_MARK)
        proxy.answer()
        receiver = start(receive_raw_slowly, folder)
        receiver.answer()
        sender = start(send_raw, folder, count, _DEFAULT_MARK)
        sender.answer()
        sender.pipe.send("go")
        lost = count - receiver.answer()
        for part in (sender, receiver, proxy):
            part.stop()
    return Outcome(lost)


def receive_slowly(pipe: Connection, folder: Path, count: int, pause_s: float) -> None:
    """Take `count` entries in order with a pause after each; answer (end, received, gaps)."""
    subscriber = Subscriber(RunFolder(folder), INBOX)
    while subscriber.receive(timeout_s=0.3) is not None:
        pass  # what everyone heard before the first message
    pipe.send("ready")
    received, gaps_before = 0, subscriber.gaps
    while received < count:
        entry = subscriber.receive(timeout_s=_SILENCE_S + 3.0)
        if entry is None:
            break  # whatever is missing now is lost
        if identity(received).encode() not in entry.document:
            raise AssertionError(f"message {received} is not at its place")
        received += 1
        if pause_s:
            time.sleep(pause_s)
    pipe.send((time.monotonic(), received, subscriber.gaps - gaps_before))
    subscriber.close()


def receive_raw_slowly(pipe: Connection, folder: str) -> None:
    """Take messages with a pause after each until none comes for two seconds; answer how many came."""
    socket: zmq.Socket[bytes] = zmq.Context.instance().socket(zmq.SUB)
    socket.set_hwm(_DEFAULT_MARK)
    socket.subscribe(TOPIC)
    socket.connect(f"ipc://{folder}/out")
    pipe.send("ready")
    received = 0
    while socket.poll(int(_SILENCE_S * 1000)):
        socket.recv_multipart()
        received += 1
        time.sleep(_PAUSE_S)
    pipe.send(received)
    socket.close(linger=0)
