"""Rows `large mission ...`: ten thousand tasks, a pipeline of three stages over tiny files, next to a tenth of that."""

import os
import time
from collections import deque
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Final

from benchmarks.engine import RUNNER, started, workflow
from benchmarks.messages import MISSION
from benchmarks.processes import resident_bytes, start
from benchmarks.rows import Effort, Row, Spread, compared, interleaved
from bus.journal import TO_THE_END, JournalReader
from bus.records import Entry
from coordinators.coordinator import Coordinator
from coordinators.fold import Heard, say
from coordinators.refold import Begun, Refold, refold
from coordinators.shell import fold_of
from coordinators.snapshots import SnapshotFolder
from protocol.bodies import (
    Body,
    Claim,
    Decision,
    File,
    Group,
    Pattern,
    Plan,
    PlannedTask,
    TaskAssignment,
    VerdictReport,
)
from protocol.decoder import reread
from protocol.messages import Message, MessageType
from protocol.topics import GATEKEEPER, TECH_LEAD, inbox_of

PARTS: Final = 3
_COORDINATOR: Final = "@data-coordinator"
_NS: Final = 1_795_253_400_000_000_000
_MIB: Final = 2**20
_WARM: Final = 30  # files of a plan that is not measured: schemas are read and validators made by then
_STEP_S: Final = 0.05


@dataclass(frozen=True, slots=True)
class Folded:
    """What a fold alone took. us: for each task. grown_bytes: the most memory of its process less that at first."""

    us: float
    grown_bytes: int


@dataclass(frozen=True, slots=True)
class Carried:
    """What a mission of processes took. ms: for each task, from the first assignment to the last verdict.

    coordinator_bytes: the most memory it had. refold_s: to feed the coordinator its journal again, as it does when it
    is started anew; read_s: to read and decode the same journal and do nothing. entries, journal_bytes: its length.
    snapshot_s: to do so from the newest snapshot, of so many bytes, with the entries after it.
    """

    ms: float
    coordinator_bytes: int
    refold_s: float
    read_s: float
    entries: int
    journal_bytes: int
    snapshot_s: float
    snapshot_bytes: int
    entries_after: int


def rows(effort: Effort) -> list[Row]:
    """Fold large and small plans in turn; carry out one large and one small mission."""
    files = effort.size(3_334, 60)
    large, small = interleaved(effort.times(3, 1), lambda: _folded_apart(files), lambda: _folded_apart(files // 10))
    return [_fold_row(files, large, small), *_mission_rows(files, carried(files), carried(files // 10))]


def _fold_row(files: int, large: list[Folded], small: list[Folded]) -> Row:
    return compared(
        "large mission, the fold alone",
        "µs/task",
        [one.us for one in large],
        [one.us for one in small],
        text=(
            f"{files * PARTS:,} tasks, {files:,} files in {PARTS} stages: for each a claim and a verdict heard and an "
            "assignment said and encoded; no processes, no bus",
            "the same for a tenth of the files; 1 would be strictly linear",
        ),
        facts={"memory_mib": round(max(one.grown_bytes for one in large) / _MIB, 1)},
    )


def _mission_rows(files: int, large: Carried, small: Carried) -> list[Row]:
    tasks = files * PARTS
    refolded = "the coordinator's rules fed with the whole journal, what they say encoded and compared; no snapshot"
    return [
        compared(
            "large mission, processes",
            "ms/task",
            [large.ms],
            [small.ms],
            text=(
                f"`orchestra run` of {tasks:,} tasks, two specialists, from the first assignment to the last verdict: "
                "assignment, claim, result, verdict, each journaled and synced, an artifact for each task synced",
                "a tenth of the files",
            ),
            facts={
                "coordinator_mib": round(large.coordinator_bytes / _MIB, 1),
                "coordinator_mib_of_a_tenth": round(small.coordinator_bytes / _MIB, 1),
                "entries": large.entries,
                "journal_bytes_per_entry": round(large.journal_bytes / large.entries),
            },
        ),
        Row(
            name="large mission, resumed from a snapshot",
            unit="s",
            includes="the newest snapshot read and checked, what came after it folded",
            baseline="the coordinator's rules fed with the whole journal",
            ours=Spread.of([large.snapshot_s]),
            base=Spread.of([large.refold_s]),
            ratio=Spread.of([large.snapshot_s / large.refold_s]),
            facts={"snapshot_bytes": large.snapshot_bytes, "entries_after": large.entries_after},
        ),
        Row(
            name="large mission, resumed",
            unit="s",
            includes=f"{large.entries:,} entries: {refolded}",
            baseline="the same journal read and decoded, and nothing done with it",
            ours=Spread.of([large.refold_s]),
            base=Spread.of([large.read_s]),
            ratio=Spread.of([large.refold_s / large.read_s]),
            facts={"us_per_entry": round(large.refold_s / large.entries * 1e6)},
        ),
    ]


def plan(files: int) -> Plan:
    """Return a plan of a pipeline over so many files."""
    given = tuple(File(path=f"items/{n:05}.txt", sha256=f"{n:064x}", bytes=5) for n in range(files))
    whole = PlannedTask(
        id="all", agent=_COORDINATOR, skill="run-plan", title="all", inputs=given, group=Group(pattern=Pattern.EACH)
    )
    parts = [
        PlannedTask(
            id=f"part-{number}",
            agent=RUNNER,
            skill="notes",
            title="note",
            within="all",
            needs=(f"part-{number - 1}",) if number else (),
        )
        for number in range(PARTS)
    ]
    return Plan(tasks=(whole, *parts), workers=16)


def folded(files: int) -> float:
    """Carry a plan out with the fold alone and return how many microseconds each task took."""
    fold, heard, waiting = Coordinator(TECH_LEAD), 0, deque[Message]()
    state = fold.start()

    def hear(kind: MessageType, body: Body, about: Message | None, sender: str) -> None:
        nonlocal state, heard
        heard += 1
        said = Message(
            sender=sender,
            recipient=_COORDINATOR,
            type=kind,
            task=about.task if about else "mission",
            timestamp_ns=_NS + heard,
            id=f"heard-{heard}",
            mission=MISSION,
            attempt=about.attempt if about else None,
            body=body,
        )
        state, spoken = say(fold, state, Heard(said, _NS + heard), _COORDINATOR)
        waiting.extend(message for message, _ in spoken if isinstance(message.body, TaskAssignment))

    began_s = time.perf_counter()
    body = TaskAssignment(title="bench", skill="run-plan", folder="mission", plan=plan(files))
    hear(MessageType.TASK_ASSIGNMENT, body, None, TECH_LEAD)
    while waiting:
        given = waiting.popleft()
        hear(MessageType.CLAIM, Claim(instance="skill-runner-1", lease_s=300), given, RUNNER)
        hear(MessageType.VERDICT, _passed(heard), given, GATEKEEPER)
    if not state.is_reported:
        raise AssertionError(f"the plan did not come to its end: {state.accepted} accepted")
    return (time.perf_counter() - began_s) / (files * PARTS) * 1e6


def _passed(number: int) -> VerdictReport:
    made = File(path=f"mission/{number}/note.txt", sha256=f"{number:064x}", bytes=6, media_type="text/plain")
    return VerdictReport(
        decision=Decision.PASS, judged=f"r-{number}", reason="passed", description="noted", artifacts=(made,)
    )


def serve_fold(pipe: Connection, files: int) -> None:
    """Fold in a process of its own, so that its memory can be told."""
    folded(_WARM)
    before = resident_bytes(os.getpid())
    us = folded(files)
    pipe.send(Folded(us, resident_bytes(os.getpid(), "VmHWM") - before))


def _folded_apart(files: int) -> Folded:
    part = start(serve_fold, files)
    try:
        found = part.answer()
        assert isinstance(found, Folded)
        return found
    finally:
        part.stop()


def carried(files: int) -> Carried:
    """Carry a mission out as a user does, then feed its journal to the coordinator's rules again."""
    with workflow(files, PARTS) as file:
        run = file.parent / "run"
        most, process = 0, started(file, run)
        while process.poll() is None:
            most = max(most, _coordinator_bytes(run))
            time.sleep(_STEP_S)
        if process.returncode != 0:
            raise AssertionError(f"the mission ended with exit code {process.returncode}")
        entries = [(entry.topic, entry.recorded_ns) for entry in JournalReader(run / "journal").entries()]
        times = [at_ns for topic, at_ns in entries if topic.endswith((f"{RUNNER[1:]}/task-assignment", "/verdict"))]
        snapshot_s, entries_after = _snapshot_s(run)
        return Carried(
            ms=(max(times) - min(times)) / (files * PARTS) / 1e6,
            coordinator_bytes=most,
            refold_s=_refold_s(run),
            read_s=_read_s(run),
            entries=len(entries),
            journal_bytes=sum(path.stat().st_size for path in (run / "journal").iterdir()),
            snapshot_s=snapshot_s,
            snapshot_bytes=max(path.stat().st_size for path in _snapshots(run).iterdir()),
            entries_after=entries_after,
        )


def _snapshots(run: Path) -> Path:
    return run / "snapshots" / inbox_of(_COORDINATOR)


def _snapshot_s(run: Path) -> tuple[float, int]:
    """Return how long it takes from the newest snapshot to the end of the journal, and over how many entries."""
    fold, journal = Coordinator(TECH_LEAD), run / "journal"

    def entry_at(sequence: int) -> Entry | None:
        return next(JournalReader(journal, sequence - 1).entries(sequence), None)

    began_s = time.perf_counter()
    snapshot = SnapshotFolder(_snapshots(run), fold.version, entry_at).newest(TO_THE_END)
    assert snapshot is not None
    again = Refold(fold, _COORDINATOR, Begun(snapshot.state, snapshot.sequence, snapshot.owed))
    for entry in JournalReader(journal, snapshot.sequence).entries():
        again.hear(entry)
    return time.perf_counter() - began_s, again.position - snapshot.sequence


def _coordinator_bytes(run: Path) -> int:
    """Return the most memory that the coordinator of a run has had so far; 0 where it is not there."""
    try:
        log = next((run / "logs").glob("data-coordinator-*.jsonl")).read_text(encoding="utf-8")
        pid = int(log.partition('"pid": ')[2].partition(",")[0])
        return resident_bytes(pid, "VmHWM")
    except (OSError, StopIteration, ValueError, LookupError):
        return 0


def _refold_s(run: Path) -> float:
    began_s = time.perf_counter()
    again = refold(fold_of(_COORDINATOR), _COORDINATOR, JournalReader(run / "journal").entries())
    assert not again.missing
    return time.perf_counter() - began_s


def _read_s(run: Path) -> float:
    began_s = time.perf_counter()
    for entry in JournalReader(run / "journal").entries():
        reread(entry.document)
    return time.perf_counter() - began_s
