"""Sender, broker and receiver as processes of their own, and what each of them used."""

import logging
import multiprocessing
import resource
import signal
import socket
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from types import FrameType
from typing import Any, Final

import structlog

from benchmarks.messages import MISSION
from bus.broker import Broker
from bus.door import BORN_WITH
from bus.keys import BROKER_KEY, KeyRing
from bus.publisher import Publisher
from bus.remote import RemoteBus
from bus.run import RunFolder
from bus.signatures import Signing
from bus.sockets import Listen
from bus.transport import Place
from bus.wire import Status
from observers import recorder
from protocol.bodies import Control, Setting, Verb
from protocol.messages import Message, MessageType
from protocol.topics import EVERYONE, SUPERVISOR

_CONTEXT: Final = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload(["benchmarks.path", "benchmarks.slow", "benchmarks.roundtrip"])
_CAST: Final = {"@fact-extractor": "specialist", "@spec-coordinator": "coordinator"}
_STOP_S: Final = 5.0
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
        self.process.join(_STOP_S)
        if self.process.is_alive():  # the signal came just before it went to wait where no signal wakes it
            self.process.kill()
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


def own_memory_bytes(pid: int) -> int:
    """Return the memory that would be free if this process ended."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith(("Private_Dirty", "Private_Clean"))) * 1024


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


def serve_broker(pipe: Connection, run: RunFolder, options: dict[str, Any]) -> None:
    """Run the real broker; say "ready" once it is bound."""
    broker = Broker(run, **options)
    pipe.send("ready")
    broker.serve()


def serve_recorder(pipe: Connection, run: RunFolder) -> None:
    """Run the real recorder; its log would stand in the middle of the table."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    pipe.send("ready")
    recorder.serve(run)


@contextmanager
def run_folder(*, signs: bool = False) -> Iterator[RunFolder]:
    """Make the folder of a run under build/, on the same disk as real runs, and remove it afterwards."""
    Path("build").mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir="build", prefix="bench-") as path:
        run = RunFolder(Path(path).absolute() / MISSION, signing=Signing.MESSAGES if signs else Signing.SEALS)
        run.create()
        run.prepare_keys([*BORN_WITH, *_CAST])
        yield run


@contextmanager
def broker_of(run: RunFolder, **options: Any) -> Iterator[Part]:
    """Keep a broker running for a run that knows the benchmark's agents. options: of the Broker."""
    broker = start(serve_broker, run, options)
    try:
        broker.answer()
        introduce(run, _CAST)
        yield broker
    finally:
        broker.stop()


@contextmanager
def recorder_of(run: RunFolder, records: bool) -> Iterator[dict[str, Part]]:
    """Keep a recorder running, where there shall be one."""
    part = start(serve_recorder, run) if records else None
    try:
        yield {} if part is None else {"recorder": part}
    finally:
        if part is not None:
            part.stop()


def listening(run: RunFolder, names: Sequence[str]) -> Listen:
    """Return where a broker can be reached by TCP, with keys for these names."""
    ring = KeyRing.make(run.keys)
    ring.create_curve(BROKER_KEY)
    for name in names:
        ring.allow(name.removeprefix("@"), ring.create_curve(name), is_observer=True)
    return Listen(f"tcp://127.0.0.1:{free_port()}", ring)


def reached(run: RunFolder, listen: Listen | None, name: str) -> Place:
    """Return the way to a run for a name: its folder, or the address where it listens."""
    return run if listen is None else RemoteBus(listen.address, name.removeprefix("@"), listen.keys)


def free_port() -> int:
    """Return a port of this machine that nobody listens on now."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


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
