"""Rows `first assignment ...` and `log ...`: how soon a mission is under way, and what a line of a log takes."""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, TextIO

import structlog

from benchmarks.rows import Effort, Row, Spread, compared, interleaved
from bus.artifacts import ArtifactStore
from bus.journal import JournalReader
from bus.records import Entry
from bus.run import RunFolder
from bus.supervisor import log_to
from protocol.topics import GATEKEEPER, inbox_of
from scenarios.compile import plan_mission
from scenarios.launch import Launch
from scenarios.source import read_workflow

RUNNER: Final = "@skill-runner"
_ASSIGNED: Final = f"{inbox_of(RUNNER)}/task-assignment"
_LINES: Final = 2_000
_SKILLS: Final = '''"""Skills that take no time."""

from agents.work import Outcome, Work


def notes(work: Work) -> Outcome:
    read = b"".join(work.read(file) for file in work.assignment.inputs)
    return Outcome("noted", (work.write(f"{work.task.replace('#', '-')}.txt", read + b".", "text/plain"),))
'''


def rows(effort: Effort) -> list[Row]:
    """Start missions cold, warm and not at all in turn; then write lines in turn."""
    return [*_first_rows(effort), *_log_rows(effort)]


@contextmanager
def workflow(files: int = 0, parts: int = 1) -> Iterator[Path]:
    """Write a workflow of one task, or of a pipeline of so many parts over so many tiny files; yield its file."""
    Path("build").mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir="build", prefix="bench-") as name:
        folder = Path(name).absolute()
        (folder / "skills.py").write_text(_SKILLS, encoding="utf-8")
        (folder / "items").mkdir()
        for number in range(files):
            (folder / "items" / f"{number:05}.txt").write_text(f"{number}", encoding="utf-8")
        steps = [{"id": f"part-{number}", "skill": "notes"} for number in range(parts)]
        whole = {"id": "all", "pattern": "pipeline", "items": ["items/*.txt"], "steps": steps} if files else steps[0]
        told = {"workflow": "bench", "skills": "skills.py", "workers": 16, "steps": [whole]}
        (folder / "bench.json").write_text(json.dumps(told), encoding="utf-8")
        yield folder / "bench.json"


def started(file: Path, run: Path) -> subprocess.Popen[bytes]:
    """Start `orchestra run` on a workflow, as a user does."""
    where = ("--run-dir", str(run), "--output", str(run.parent / f"{run.name}-out"), "--quiet")
    command = [sys.executable, "-m", "cli.main", "run", str(file), *where]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, env={**os.environ, "PYTHONPATH": os.getcwd()})


def _first_rows(effort: Effort) -> list[Row]:
    with workflow() as file:
        cold, bare, warm = interleaved(
            effort.times(7, 1), lambda: _cold_s(file), _bare_s, lambda: float(_said(f"warm({str(file)!r})"))
        )
    mission = "a workflow of one task; until its assignment is journaled, synced"
    started_by = f"from the start of the process `orchestra run FILE`: Python, imports, keys, all processes; {mission}"
    return [
        compared(
            "first assignment, cold",
            "s",
            cold,
            bare,
            text=(started_by, "`python -c 'import cli.main'` from start to exit: what any command takes"),
        ),
        compared(
            "first assignment, warm",
            "s",
            warm,
            cold,
            text=(
                "Launch.until_done a second time in one process, its forkserver there already; keys, broker and all "
                f"other processes are new; {mission}. No command keeps a forkserver: this is for the Python API",
                "cold, as above",
            ),
        ),
    ]


def _cold_s(file: Path) -> float:
    run = file.parent / f"run-{time.monotonic_ns()}"
    began_ns = time.time_ns()
    code = started(file, run).wait()
    if code != 0:
        raise AssertionError(f"the mission ended with exit code {code}")
    entry = next(entry for entry in JournalReader(run / "journal").entries() if entry.topic == _ASSIGNED)
    return (entry.recorded_ns - began_ns) / 1e9


def _bare_s() -> float:
    began_s = time.perf_counter()
    subprocess.run([sys.executable, "-c", "import cli.main"], check=True)
    return time.perf_counter() - began_s


def _said(call: str) -> str:
    """Return what a function of this module prints in a process of its own."""
    script = f"from benchmarks import engine; engine.{call}"  # not `-m`, as in `benchmarks.startup`
    return subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True).stdout


def warm(file: str) -> None:
    """Launch a mission twice and print how long the second took until its first assignment, in seconds."""
    print([_launched_s(Path(file)) for _ in range(2)][-1])


def _launched_s(file: Path) -> float:
    assigned: list[int] = []

    def hear(entry: Entry) -> None:
        if entry.topic == _ASSIGNED:
            assigned.append(entry.recorded_ns)

    with tempfile.TemporaryDirectory(dir=file.parent, prefix="warm-") as folder:
        run = RunFolder(Path(folder) / "run")
        run.create()
        began_ns = time.time_ns()
        mission = plan_mission(read_workflow(file), Path(folder) / "out", ArtifactStore(run.artifacts))
        Launch(run, mission, hear).until_done()
    return (assigned[0] - began_ns) / 1e9


def _log_rows(effort: Effort) -> list[Row]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "agent.jsonl"
        log_to(path)
        try:
            _timed_us(_log)
            line = path.read_text(encoding="utf-8").splitlines()[-1] + "\n"
            with (Path(folder) / "plain").open("a", encoding="utf-8") as plain:
                ours, base = interleaved(
                    effort.times(21, 7), lambda: _timed_us(_log), lambda: _timed_us(lambda _n: _write(plain, line))
                )
        finally:
            structlog.reset_defaults()
    bare = json.dumps({"agent": GATEKEEPER, "sequence": _LINES, "event": "judging"}, separators=(",", ":"))
    written = "one line as processes write it: level, time, secrets looked for, JSON, write and flush"
    size = float(len(line.encode()))
    return [
        compared("log line", "µs", ours, base, text=(written, "file.write of the same bytes, and flush")),
        Row(
            name="log line, size",
            unit="bytes",
            includes=f"the line: {line.strip()}",
            baseline="what it says without level, time and spaces, as JSON",
            ours=Spread.of([size]),
            base=Spread.of([float(len(bare) + 1)]),
            ratio=Spread.of([size / (len(bare) + 1)]),
        ),
    ]


def _log(number: int) -> None:
    structlog.get_logger().info("judging", agent=GATEKEEPER, sequence=number)


def _write(file: TextIO, line: str) -> None:
    file.write(line)
    file.flush()


def _timed_us(write: Callable[[int], None]) -> float:
    began_s = time.perf_counter()
    for number in range(1, _LINES + 1):
        write(number)
    return (time.perf_counter() - began_s) / _LINES * 1e6
