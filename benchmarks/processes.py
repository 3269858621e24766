"""Sender, broker and receiver as processes of their own, and what each of them used."""

import multiprocessing
import resource
import signal
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from types import FrameType
from typing import Any, Final

from bus.broker import Broker
from bus.publisher import Publisher
from bus.run import RunFolder
from bus.wire import Status
from protocol.bodies import Control, Setting, Verb
from protocol.messages import Message, MessageType
from protocol.topics import EVERYONE, SUPERVISOR

_CONTEXT: Final = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload(["benchmarks.path", "benchmarks.slow", "benchmarks.roundtrip"])
_ANSWER_S: Final = 60.0
_NS: Final = 1_795_253_400_250_000_000


@dataclass(frozen=True, slots=True)
class Part:
    """A running process and the pipe to it."""

    process: ForkServerProcess
    pipe: Connection

    def answer(self) -> Any:
        """Return the next thing the process says.

        Raises:
            TimeoutError: it said nothing for a minute.
        """
        if not self.pipe.poll(_ANSWER_S):
            raise TimeoutError(f"{self.process.name} said nothing for {_ANSWER_S:.0f} s")
        return self.pipe.recv()

    @property
    def pid(self) -> int:
        assert self.process.pid is not None
        return self.process.pid

    def stop(self) -> None:
        self.process.terminate()
        self.process.join()
        self.pipe.close()


def start(target: Callable[..., None], *args: Any) -> Part:
    """Start target(pipe, *args) in a process of its own."""
    ours, theirs = _CONTEXT.Pipe()
    process = _CONTEXT.Process(target=target, args=(theirs, *args), name=target.__name__, daemon=True)
    process.start()
    theirs.close()
    return Part(process, ours)


def cpu_s() -> float:
    """Return the seconds of CPU, user and system, that all threads of this process have used."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def resident_bytes(pid: int, field: str = "VmRSS") -> int:
    """Return the resident memory of a process; field VmHWM: the most it ever had."""
    lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(field))


def used_cpu_s(pid: int) -> float:
    """Return the seconds of CPU, user and system, that the living threads of another process have used.

    Source: the first figure, nanoseconds, of /proc/PID/task/*/schedstat.
    """
    stats = [path.read_text(encoding="ascii") for path in Path(f"/proc/{pid}/task").glob("*/schedstat")]
    return sum(int(stat.split()[0]) for stat in stats) / 1e9


def leave_on_sigterm() -> None:
    """End this process on SIGTERM without a word."""

    def leave(_number: int, _frame: FrameType | None) -> None:
        raise SystemExit(0)

    signal.signal(signal.SIGTERM, leave)


def serve_broker(pipe: Connection, folder: Path, syncs: bool) -> None:
    """Run the real broker; say "ready" once it is bound."""
    broker = Broker(RunFolder(folder), syncs=syncs)
    pipe.send("ready")
    broker.serve()


@contextmanager
def run_folder() -> Iterator[RunFolder]:
    """Make the folder of a run under build/, on the same disk as real runs, and remove it afterwards."""
    Path("build").mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir="build", prefix="bench-") as path:
        run = RunFolder(Path(path).absolute())
        run.create()
        yield run


@contextmanager
def broker_of(run: RunFolder, *, syncs: bool = True) -> Iterator[Part]:
    """Keep a broker running for a run that knows the benchmark's agents."""
    broker = start(serve_broker, run.path, syncs)
    try:
        broker.answer()
        introduce(run, {"@fact-extractor": "specialist", "@spec-coordinator": "coordinator"})
        yield broker
    finally:
        broker.stop()


def introduce(run: RunFolder, cast: dict[str, str]) -> None:
    """Tell the broker who takes part: name to role."""
    publisher = Publisher(run, SUPERVISOR)
    publisher.publish([_present(name, role, run.id) for name, role in cast.items()])
    publisher.close()


def _present(name: str, role: str, mission: str) -> Message:
    body = Control(verb=Verb.PRESENT, subject=name, settings=(Setting(name="role", value=role),))
    return Message(
        sender=SUPERVISOR,
        recipient=EVERYONE,
        type=MessageType.CONTROL,
        task="run",
        timestamp_ns=_NS,
        id=f"present-{name[1:]}",
        mission=mission,
        body=body,
    )


def settled(publisher: Publisher, count: int) -> None:
    """Check that every one of `count` documents was journaled as new."""
    receipts = publisher.take_receipts().values()
    new = sum(receipt.status is Status.NEW for receipt in receipts)
    if new != count:
        raise AssertionError(f"{new} of {count} documents were journaled as new")
