"""Row `many subscribers`: forty-three quick ones, with and without five slow and two stopped ones beside them."""

import os
import signal
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import count as counting
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Final

from benchmarks.messages import INBOX, SENDER, TOPIC, completion, identity
from benchmarks.processes import Part, broker_of, resident_bytes, run_folder, start
from benchmarks.rows import Aim, Effort, Row, Spread, compared, interleaved
from bus.publisher import Publisher
from bus.run import RunFolder
from bus.subscriber import Subscriber
from bus.wire import Status
from protocol.encoder import encode

QUICK: Final = (11, 11, 11, 10)  # subscribers in each process
SLOW: Final = 5
STOPPED: Final = 2
_PAUSE_S: Final = 0.0003
_IDLE_S: Final = 0.02
_SILENCE_S: Final = 180.0  # longer than the stopped ones stand still, which they cannot tell from silence
_TURN: Final = 64
_FLOOR: Final = 0.8
_MIB: Final = 2**20


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a burst. heard: how many messages each subscriber got, in order. rate: of the quick ones.

    broker_bytes, publisher_bytes: how much the most memory they ever had is above what they had before.
    """

    rate: float
    heard: tuple[int, ...]
    gaps: int
    broker_bytes: int
    publisher_bytes: int


def rows(effort: Effort) -> list[Row]:
    """Send bursts to the whole crowd and to the quick ones alone in interleaved rounds, and one large one."""
    few, many = 20_000, effort.size(200_000, 20_000)
    crowd, alone = interleaved(effort.times(5, 1), lambda: burst(few), lambda: burst(few, 0, 0))
    large = crowd[-1] if effort.is_quick else burst(many)
    missing = [sum(few - heard for heard in one.heard) for one in [*crowd, *alone]]
    beside = (
        f"{SLOW} that need {_PAUSE_S * 1000} ms for each message and {STOPPED} stopped until the quick ones are done"
    )
    return [
        compared(
            "many subscribers",
            "msgs/s",
            [one.rate for one in crowd],
            [one.rate for one in alone],
            text=(
                f"{few:,} messages from one publisher to {sum(QUICK)} quick subscribers in {len(QUICK)} processes, "
                f"from the first message to the last delivery to the last of them; beside them {beside}; every id "
                "and the order checked",
                "the same without the slow and the stopped ones",
            ),
            aim=Aim(bound=_FLOOR),
            facts={"lost": sum(missing), "gaps_read_from_journal": [one.gaps for one in crowd]},
        ),
        Row(
            name="many subscribers, lost",
            unit="msgs",
            includes=f"{many:,} messages to {sum(QUICK)} quick ones and {beside}; all {len(large.heard)} counted",
            baseline="none",
            ours=Spread.of([sum(many - heard for heard in large.heard)]),
            aim=Aim(bound=0, at_most=True, is_ratio=False),
            facts={
                "rate_of_the_quick_ones": round(large.rate),
                "gaps_read_from_journal": large.gaps,
                "broker_peak_growth_mib": round(large.broker_bytes / _MIB, 1),
                "publisher_peak_growth_mib": round(large.publisher_bytes / _MIB, 1),
            },
        ),
    ]


def burst(count: int, slow: int = SLOW, stopped: int = STOPPED) -> Outcome:
    """Send `count` messages to the quick, to so many slow and to so many stopped subscribers."""
    with run_folder() as run, broker_of(run) as broker:
        return burst_over(run, broker.pid, count, slow, stopped)


def burst_over(run: RunFolder, broker_pid: int, count: int, slow: int = SLOW, stopped: int = STOPPED) -> Outcome:
    """Send a burst over a broker that runs already."""
    with ExitStack() as parts:

        def listener(number: int, pause_s: float = 0.0) -> Part:
            return parts.enter_context(_kept(start(hear, run.path, count, number, pause_s)))

        quick = [listener(number) for number in QUICK]
        others = [*(listener(1, _PAUSE_S) for _ in range(slow)), *(listener(1) for _ in range(stopped))]
        sender = parts.enter_context(_kept(start(send, run.path, count)))
        for part in (*quick, *others, sender):
            part.answer()
        with _standing_still(others[slow:]):
            before = resident_bytes(broker_pid), resident_bytes(sender.pid)
            began_s = time.monotonic()
            sender.pipe.send("go")
            done = [_told(part) for part in quick]
        done += [_told(part) for part in others]
        sender.answer()
        return Outcome(
            rate=count / (max(ended_s for ended_s, _, _ in done[: len(quick)]) - began_s),
            heard=tuple(heard for _, all_heard, _ in done for heard in all_heard),
            gaps=sum(gaps for _, _, gaps in done),
            broker_bytes=resident_bytes(broker_pid, "VmHWM") - before[0],
            publisher_bytes=resident_bytes(sender.pid, "VmHWM") - before[1],
        )


@contextmanager
def _kept(part: Part) -> Iterator[Part]:
    try:
        yield part
    finally:
        part.stop()


@contextmanager
def _standing_still(parts: Sequence[Part]) -> Iterator[None]:
    for part in parts:
        os.kill(part.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for part in parts:
            os.kill(part.pid, signal.SIGCONT)


def _told(part: Part) -> tuple[float, tuple[int, ...], int]:
    """Return what a listener tells at its end, however long that takes; it ends by itself when nothing comes."""
    while not part.pipe.poll(1.0):
        if not part.process.is_alive():
            raise AssertionError(f"{part.process.name} ended with exit code {part.process.exitcode}")
    ended_s, heard, gaps = part.answer()
    return ended_s, heard, gaps


class Ear:
    """One subscriber and how far it has come. count: how many messages there will be."""

    def __init__(self, run: RunFolder, count: int) -> None:
        self._subscriber, self._count = Subscriber(run, INBOX), count
        self.heard = 0

    def close(self) -> None:
        self._subscriber.close()

    @property
    def is_done(self) -> bool:
        return self.heard == self._count

    @property
    def gaps(self) -> int:
        return self._subscriber.gaps

    def take(self, timeout_s: float, pause_s: float) -> bool:
        """Take what is there, a turn of it at the most; return whether there was anything.

        pause_s: how long each message of a full turn takes.

        Raises:
            AssertionError: a message is not at its place.
        """
        for turn in range(_TURN):
            entry = None if self.is_done else self._subscriber.receive(0.0 if turn else timeout_s)
            if entry is None:
                return turn > 0
            if entry.topic != TOPIC:
                continue
            if identity(self.heard).encode() not in entry.document:
                raise AssertionError(f"message {self.heard} is not at its place")
            self.heard += 1
        time.sleep(_TURN * pause_s)  # in one piece: thousands of short sleeps would cost the others their processor
        return True


def hear(pipe: Connection, folder: Path, count: int, number: int, pause_s: float) -> None:
    """Be so many subscribers, polled in turn; answer (end, messages heard by each, gaps)."""
    ears = [Ear(RunFolder(folder), count) for _ in range(number)]
    for ear in ears:
        ear.take(_IDLE_S, 0.0)  # it is connected
    pipe.send("ready")
    heard_s = time.monotonic()
    for turn in counting():
        took = [ear.take(0.0, pause_s) for ear in ears]
        if any(took):
            heard_s = time.monotonic()
        elif all(ear.is_done for ear in ears) or time.monotonic() - heard_s > _SILENCE_S:
            break
        else:
            ears[turn % number].take(_IDLE_S, pause_s)
    pipe.send((heard_s, tuple(ear.heard for ear in ears), sum(ear.gaps for ear in ears)))
    pipe.poll(None)


def send(pipe: Connection, folder: Path, count: int) -> None:
    """Publish `count` messages as fast as the bus takes them; answer the most that ever waited for a receipt."""
    publisher = Publisher(RunFolder(folder), SENDER)
    pipe.send("ready")
    pipe.recv()
    waited = waiting = 0
    for n in range(count):
        publisher.enqueue(encode(completion(n)))
        waiting += 1
        waiting -= _settled(publisher)
        waited = max(waited, waiting)
    publisher.flush()
    if waiting != _settled(publisher):
        raise AssertionError("a message has no receipt")
    pipe.send(waited)
    pipe.poll(None)


def _settled(publisher: Publisher) -> int:
    receipts = publisher.take_receipts().values()
    if any(receipt.status is not Status.NEW for receipt in receipts):
        raise AssertionError("a message was not journaled as new")
    return len(receipts)
