"""Running real missions in tests: the command line as a user starts it, and what it leaves behind."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from bus.journal import JournalReader
from bus.records import Entry
from protocol.errors import JournalError
from tests.cases import ROOT, SAMPLE

PATIENCE_S = 60.0


def orchestra(
    *arguments: str | Path, cwd: Path, timeout_s: float = 90, cache: str | Path = "off"
) -> subprocess.CompletedProcess[str]:
    """Run a command to its end and return what it said."""
    return subprocess.run(
        command(*arguments),
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=timeout_s,
        env=environment(cache),
        check=False,
    )


def command(*arguments: str | Path) -> list[str]:
    return [sys.executable, "-m", "cli.main", *map(str, arguments)]


def environment(cache: str | Path = "off") -> dict[str, str]:
    """Missions of tests do all their work, and leave nothing with the user, unless they are about kept results."""
    ours = {"ORCHESTRA_CACHE": str(cache)}
    return {**os.environ, **ours, "PYTHONPATH": str(ROOT), "NO_COLOR": "1", "COLUMNS": "200"}


@dataclass
class Mission:
    """A spec-facts mission started in the background."""

    folder: Path
    process: subprocess.Popen[str]

    @property
    def run(self) -> Path:
        return self.folder / "run"

    @property
    def output(self) -> Path:
        return self.folder / "out"

    def results(self) -> dict[str, bytes]:
        files = [path for path in sorted(self.output.rglob("*")) if path.is_file()]
        return {path.relative_to(self.output).as_posix(): path.read_bytes() for path in files}

    def entries(self) -> list[Entry]:
        return list(JournalReader(self.run / "journal").entries())

    def wait_for(self, fact: Callable[[Entry], bool]) -> Entry:
        """Return the first journal entry for which something holds, as soon as it is there."""
        deadline_s = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline_s and self.process.poll() is None:
            for entry in self._so_far():
                if fact(entry):
                    return entry
            time.sleep(0.005)
        raise AssertionError(f"it never happened; the mission said: {self.process.communicate(timeout=10)}")

    def _so_far(self) -> Iterator[Entry]:
        try:
            yield from JournalReader(self.run / "journal").entries()
        except (JournalError, FileNotFoundError):
            return

    def pids(self, slot: str) -> list[int]:
        """Return the pids of every life that a slot has had, the newest last."""
        lives = []
        for path in (self.run / "logs").glob(f"{slot}-*.jsonl"):
            for line in path.read_text(encoding="utf-8").splitlines():
                row = json.loads(line)
                if row["event"] == "started":
                    lives.append((row["timestamp"], row["pid"]))
        return [pid for _, pid in sorted(lives)]

    def tree(self) -> list[int]:
        """Return the pids of everything this mission has started that is still there."""
        listed = subprocess.run(["ps", "-eo", "pid,ppid"], capture_output=True, text=True, check=True).stdout
        children: dict[int, list[int]] = {}
        for line in listed.splitlines()[1:]:
            pid, parent = map(int, line.split())
            children.setdefault(parent, []).append(pid)
        found, waiting = [], [self.process.pid]
        while waiting:
            pid = waiting.pop()
            found.append(pid)
            waiting += children.get(pid, [])
        return found

    def finish(self, most_s: float = PATIENCE_S) -> tuple[int, str, str]:
        said, complained = self.process.communicate(timeout=most_s)
        return self.process.returncode, said, complained

    def kill_tree(self) -> None:
        for pid in self.tree():
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        self.process.communicate(timeout=10)


def start(folder: Path, specs: Path = SAMPLE, *more: str, cache: str | Path = "off") -> Mission:
    """Start `orchestra run spec-facts` and return at once."""
    arguments = command(
        "run", "spec-facts", "--specs", specs, "--output", folder / "out", "--run-dir", folder / "run", *more
    )
    process = subprocess.Popen(
        arguments, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment(cache)
    )
    return Mission(folder, process)
