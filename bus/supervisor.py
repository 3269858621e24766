"""The supervisor: starts processes through a forkserver, notices their deaths, starts them again.

1. Every process exits when its supervisor is gone (`bus.lifeline`), so no orphan speaks twice.
2. A death is reported to the caller, which journals it as `lost`; the supervisor itself decides only when to
   start again: at once, then with growing pauses, and never after a failure that would repeat (exit code 70).
"""

import multiprocessing
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator, MutableMapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing import connection
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from types import ModuleType
from typing import Any, Final
from uuid import uuid4

import structlog

from protocol.errors import BusError, OrchestraError
from protocol.secrets import redacted

PERMANENT: Final = 70  # EX_SOFTWARE of sysexits.h: starting again would fail again
TEMPORARY: Final = 75  # EX_TEMPFAIL
_FORKSERVER_GONE: Final = 255  # what multiprocessing reports when it cannot know
_FIRST_PAUSE_S: Final = 0.1
_LONGEST_PAUSE_S: Final = 5.0
_FORGIVEN_AFTER_S: Final = 30.0
_STOP_S: Final = 5.0
_LIVES: Final = 3  # of a program that only has to come to its end
_FORKSERVER_PAUSES_S: Final = (0.02, 0.1, 0.5, 1.0, 2.0)  # after each death of the forkserver during one start
# What agents need anyway; loaded once in the forkserver and shared by every child.
_PRELOAD: Final = ["bus.broker", "bus.publisher", "bus.subscriber", "protocol", "structlog"]


@dataclass(frozen=True, slots=True)
class Program:
    """Something to keep running. slot: the name of its place, such as "fact-extractor-1".

    target is called with args; where `takes_instance` the name of this life is added.
    is_kept: started again whenever it ends; otherwise only when somebody asks.
    """

    agent: str
    slot: str
    target: Callable[..., None]
    args: tuple[Any, ...]
    takes_instance: bool = False
    is_kept: bool = True


@dataclass(frozen=True, slots=True)
class Death:
    """The end of one life. exit_code: negative for a signal; 0 for a retirement.

    in_a_row: how many lives of this slot have ended so, none of them longer than half a minute.
    """

    program: Program
    instance: str
    exit_code: int
    reason: str
    in_a_row: int = 0


@dataclass(slots=True)
class _Life:
    program: Program
    instance: str
    process: ForkServerProcess
    since_s: float


@dataclass(slots=True)
class Supervisor:
    """Keeps programs running. logs: the folder for their log files."""

    logs: Path
    preload: Sequence[str] = ()
    _lives: dict[str, _Life] = field(default_factory=dict)
    _deaths: dict[str, int] = field(default_factory=dict)
    _due: dict[str, tuple[float, Program]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._context = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload([*_PRELOAD, *self.preload])

    _context: multiprocessing.context.ForkServerContext = field(init=False)

    def start(self, program: Program) -> str:
        """Start a program and return the name of this life, unique over all runs; no-op where it already runs.

        Raises:
            OrchestraError: the forkserver dies again and again.
        """
        if program.slot in self._lives:
            return self._lives[program.slot].instance
        self._due.pop(program.slot, None)
        for pause_s in _FORKSERVER_PAUSES_S:
            instance = f"{program.slot}-{uuid4().hex[:6]}"
            try:
                process = self._begin(program, instance)
            except (EOFError, ConnectionError):
                # The forkserver died just now; the next start begins another, once the kernel has let go of the dead
                # one: its sockets close a moment before it can be waited for. A child that it may still have made
                # finds its lifeline cut, and has another name than the one that is started instead.
                structlog.get_logger().warning("the forkserver died while it started somebody", instance=instance)
                time.sleep(pause_s)
                continue
            self._lives[program.slot] = _Life(program, instance, process, time.monotonic())
            return instance
        often = len(_FORKSERVER_PAUSES_S)
        raise OrchestraError(f"{program.slot} cannot be started: the forkserver died {often} times in a row")

    def _begin(self, program: Program, instance: str) -> ForkServerProcess:
        args = (*program.args, instance) if program.takes_instance else program.args
        process = self._context.Process(
            target=_enter, args=(program.target, args, self.logs, instance), name=instance, daemon=True
        )
        with _without_main():
            process.start()
        return process

    def watch(self, most_s: float) -> list[Death]:
        """Wait up to so long for deaths; start again what is due; return the deaths."""
        now_s = time.monotonic()
        for slot, (due_s, program) in list(self._due.items()):
            if due_s <= now_s:
                del self._due[slot]
                self.start(program)
        sentinels = {life.process.sentinel: life for life in self._lives.values()}
        ready = connection.wait(list(sentinels), timeout=most_s)
        return [self._bury(sentinels[sentinel]) for sentinel in ready if isinstance(sentinel, int)]

    def is_running(self, slot: str) -> bool:
        return slot in self._lives or slot in self._due

    def slots(self) -> list[str]:
        return list(self._lives)

    def stop(self, slots: Sequence[str] | None = None) -> dict[str, int]:
        """Ask processes to end, all or these, and end those that do not within some seconds.

        Returns the exit codes of those that were there, by slot.
        """
        codes: dict[str, int] = {}
        chosen = [life for slot, life in self._lives.items() if slots is None or slot in slots]
        for life in chosen:
            life.process.terminate()
        deadline_s = time.monotonic() + _STOP_S
        for life in chosen:
            life.process.join(max(0.0, deadline_s - time.monotonic()))
            if life.process.is_alive():
                life.process.kill()
                life.process.join()
            codes[life.program.slot] = life.process.exitcode or 0
            if life.process.exitcode == _FORKSERVER_GONE:
                _make_sure_it_is_dead(life.process.pid)
            del self._lives[life.program.slot]
        if slots is None:
            self._due.clear()
        return codes

    def end(self, instance: str) -> bool:
        """Kill one life at once, whatever it is doing; `watch` tells of its death. Returns whether it was there."""
        life = next((life for life in self._lives.values() if life.instance == instance), None)
        if life is not None:
            life.process.kill()
        return life is not None

    def carry_out(self, program: Program) -> None:
        """Run a program that ends by itself, and wait until it has ended well; where it dies it is started again.

        Raises:
            OrchestraError: it cannot go on, or has died too often.
        """
        for _ in range(_LIVES):
            self.start(program)
            death = self._bury(self._lives[program.slot])
            if death.exit_code == 0:
                return
        raise OrchestraError(f"{program.slot} died {_LIVES} times in a row, the last time {death.reason}")

    def _bury(self, life: _Life) -> Death:
        life.process.join()
        code = life.process.exitcode if life.process.exitcode is not None else TEMPORARY
        if code == _FORKSERVER_GONE:
            _make_sure_it_is_dead(life.process.pid)
        slot = life.program.slot
        del self._lives[slot]
        reason = _reason(self.logs / f"{life.instance}.error", code)
        if code == PERMANENT:
            raise OrchestraError(f"{life.instance} cannot go on: {reason}")
        if life.program.is_kept or code != 0:
            self._plan_restart(life)
        return Death(life.program, life.instance, code, reason, self._deaths.get(slot, 0) if code != 0 else 0)

    def _plan_restart(self, life: _Life) -> None:
        slot, now_s = life.program.slot, time.monotonic()
        if now_s - life.since_s > _FORGIVEN_AFTER_S:
            self._deaths[slot] = 0
        count = self._deaths[slot] = self._deaths.get(slot, 0) + 1
        pause_s = min(_FIRST_PAUSE_S * 2 ** (count - 1), _LONGEST_PAUSE_S)
        self._due[slot] = (now_s + (0.0 if count == 1 else pause_s), life.program)


@contextmanager
def _without_main() -> Iterator[None]:
    """Hide the main module while a child starts.

    multiprocessing would run it again in every child, which for a command line means importing all of it: a
    quarter of a second each. What children run is importable by its own name and needs no main module.
    """
    hidden = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = hidden


def _make_sure_it_is_dead(pid: int | None) -> None:
    """When the forkserver itself dies its children live on unseen; a second life must not start beside the first."""
    if pid is not None:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            return


def _reason(error_file: Path, code: int) -> str:
    if error_file.exists():
        return error_file.read_text(encoding="utf-8")
    if code < 0:
        return f"killed by signal {-code}"
    return "retired" if code == 0 else f"ended with exit code {code}"


_AS_JSON: Final = structlog.processors.JSONRenderer()


def _without_secrets(logger: Any, method: str, event: MutableMapping[str, Any]) -> str:
    """The last step of logging: one line of JSON that holds no secret, whatever a traceback quotes."""
    return redacted(str(_AS_JSON(logger, method, event)))


def log_to(path: Path) -> None:
    """Send this process's log, JSON lines with time and level, to a file."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.dict_tracebacks,
            _without_secrets,
        ],
        logger_factory=structlog.WriteLoggerFactory(path.open("a", encoding="utf-8")),
    )


def _enter(target: Callable[..., None], args: tuple[Any, ...], logs: Path, instance: str) -> None:
    """What a child does: log to its own file, work, and leave one sentence behind when it cannot go on."""
    log_to(logs / f"{instance}.jsonl")
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    structlog.get_logger().info("started", instance=instance, pid=os.getpid(), parent=os.getppid())
    try:
        target(*args)
    except OrchestraError as error:
        structlog.get_logger().error("cannot go on", instance=instance, reason=str(error))
        (logs / f"{instance}.error").write_text(redacted(str(error)), encoding="utf-8")
        sys.exit(TEMPORARY if isinstance(error, BusError) else PERMANENT)
    except Exception as error:  # noqa: BLE001  # the process's edge: the log keeps the traceback, the user gets a sentence
        structlog.get_logger().exception("broke", instance=instance)
        (logs / f"{instance}.error").write_text(redacted(f"{type(error).__name__}: {error}"), encoding="utf-8")
        sys.exit(1)
