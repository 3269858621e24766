"""Starting the processes of a cell, and finding all of them again: every one carries the cell's folder with it."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bus.faults import VARIABLE
from tests.builders import until
from tests.cases import ROOT, SAMPLE
from tests.mission.runs import PATIENCE_S, Mission

_CLOCKS: Final = Path(__file__).with_name("clocks")
_TRACE: Final = "CRASH_FOLDER"


@dataclass(frozen=True, slots=True)
class Clock:
    """The wall clock of a run's processes: since a moment it goes so many times as fast as the real one."""

    since_ns: int
    factor: int

    def now_ns(self) -> int:
        return self.since_ns + (time.time_ns() - self.since_ns) * self.factor

    def real_ns(self, told_ns: int) -> int:
        """Return when it really was that this clock showed a time; exact to the microsecond."""
        return self.since_ns + (told_ns - self.since_ns) // self.factor


@dataclass(frozen=True, slots=True)
class Stage:
    """An empty folder in which something is going to die. fault: "POINT:COUNT", or "" for no fault point."""

    folder: Path
    clock: Clock
    fault: str = ""

    @property
    def marker(self) -> Path:
        """The file that the dying process leaves behind."""
        return self.folder / "died"

    @property
    def died_ns(self) -> int | None:
        """When death came at the fault point, nanoseconds since 1970; None when it did not."""
        return self.marker.stat().st_mtime_ns if self.marker.exists() else None

    def run(self) -> Mission:
        """Start the mission as a user does."""
        where = ("--output", self.folder / "out", "--run-dir", self.folder / "run")
        return self.mission("cli.main", "run", "spec-facts", "--specs", SAMPLE, *where)

    def run_workflow(self, file: Path) -> Mission:
        """Start a workflow as a user does."""
        where = ("--output", self.folder / "out", "--run-dir", self.folder / "run", "--quiet")
        return self.mission("cli.main", "run", file, *where)

    def resume(self) -> Mission:
        return self.mission("cli.main", "resume", self.folder / "run")

    def launch(self, segment_bytes: int) -> Mission:
        """Start the mission, or go on with it, through the Python API."""
        return self.mission("tests.crash.launcher", self.folder, segment_bytes)

    def process(self, module: str, *arguments: object, has_fault: bool = True) -> subprocess.Popen[str]:
        """Start a module of ours; has_fault: whether it is one of those that may die at the fault point."""
        command = [sys.executable, "-m", module, *map(str, arguments)]
        pipe = subprocess.PIPE
        environment = self._environment(has_fault)
        return subprocess.Popen(command, cwd=self.folder, stdout=pipe, stderr=pipe, text=True, env=environment)

    def mission(self, module: str, *arguments: object) -> Mission:
        """Start a mission of any kind in `out` and `run`."""
        return Mission(self.folder, self.process(module, *arguments))

    def _environment(self, has_fault: bool) -> dict[str, str]:
        ours = {
            "PYTHONPATH": f"{ROOT}{os.pathsep}{_CLOCKS}",
            "NO_COLOR": "1",
            "ORCHESTRA_CACHE": "off",  # a result that is not made again would spare its process the fault point
            "COLUMNS": "200",
            "CRASH_CLOCK": f"{self.clock.since_ns}:{self.clock.factor}",
            _TRACE: str(self.folder),
        }
        if self.fault and has_fault:
            ours[VARIABLE] = f"{self.fault}:{self.marker}"
        return {**os.environ, **ours}


def finished(mission: Mission, most_s: float = PATIENCE_S) -> tuple[int, str, str]:
    """Return a mission's exit code and what it said, once it has ended.

    most_s: how long that may take.

    Raises:
        AssertionError: it hung; it is ended now.
    """
    try:
        return mission.finish(most_s)
    except subprocess.TimeoutExpired as error:
        end_all(mission.folder)
        mission.process.communicate(timeout=10)
        raise AssertionError(f"it hangs: {error}") from error


def left_over(folder: Path) -> list[int]:
    """Return the pids of what still runs of a cell, once nothing more goes away by itself or some seconds are over."""
    with suppress(AssertionError):
        until(lambda: not list(_running(folder)), 5.0)
    return list(_running(folder))


def end_all(folder: Path) -> None:
    """Kill whatever is left of a cell."""
    for pid in _running(folder):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def _running(folder: Path) -> Iterator[int]:
    # Children of a forkserver have its command line, so they are told by what they inherited instead.
    mark = f"{_TRACE}={folder}\0".encode()
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it ended while we looked, or is not ours
            if mark in (process / "environ").read_bytes():
                yield int(process.name)
