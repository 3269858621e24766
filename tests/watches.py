"""Watches of batteries for tests: windows as a device's agent hands them in, and what the gates say of them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

from agents.device.quantities import unit_of
from agents.skills.battery_watch.skills import assess_readings, report_watch
from agents.work import Outcome, Work
from bus.artifacts import ArtifactStore
from gates.chain import Outcome as Judgement
from gates.chain import run
from gates.checks import GATES
from gates.judged import Judged
from gates.telemetry.assessment import AssessmentFile, Finding
from gates.telemetry.kinds import Kind
from gates.telemetry.readings import READINGS, Row, write_readings
from gates.telemetry.window import WINDOW, WindowAlert, WindowFile
from gates.values import read, written
from protocol.bodies import Action, File, Report, Result, TaskAssignment, Value
from protocol.conditions import spelled
from protocol.messages import MessageType
from tests.builders import message

SECOND = 10**9
BEGAN = 1_795_292_400 * SECOND
LIMITS = {"cell-high": "3.65", "cell-low": "2.5", "temperature-high": "55", "battery-ah": "280"}
FOLDER = "mission/assess"
RECORDING = f"# orchestra device recording 1 began_ns={BEGAN} protocol=jbd\n0 < dda5\n"


@dataclass(frozen=True)
class Window:
    """A window as it is handed in: what it says, and the rows beside it."""

    file: WindowFile
    rows: Sequence[Row]
    units: Mapping[str, str]
    recording: bytes = RECORDING.encode()

    def files(self) -> dict[str, tuple[bytes, str]]:
        """Return its files by path, with their media types."""
        folder = f"mission/window-{self.file.number}"
        made = {
            f"{folder}/window.json": (written(self.file), WINDOW),
            f"{folder}/readings.csv": (write_readings(self.units, self.rows), READINGS),
        }
        return {**made, f"{folder}/line.txt": (self.recording, "text/plain")} if self.file.line else made


def row(second: float, values: Mapping[str, float], pack: str = "battery-1", doubted: Iterable[str] = ()) -> Row:
    return Row(BEGAN + round(second * SECOND), pack, values, frozenset(doubted))


def window(
    rows: Sequence[Row],
    seconds: float,
    *,
    number: int = 1,
    since: float = 0,
    packs: Sequence[str] = ("battery-1",),
    alerts: Sequence[WindowAlert] = (),
    limits: Mapping[str, str] = LIMITS,
    period_s: str = "1",
) -> Window:
    """Return a window of so many seconds from a second of the watch on."""
    file = WindowFile(
        device="battery-1",
        number=number,
        from_ns=BEGAN + round(since * SECOND),
        to_ns=BEGAN + round((since + seconds) * SECOND),
        period_s=Decimal(period_s),
        rows=len(rows),
        packs=tuple(packs),
        limits={name: Decimal(value) for name, value in limits.items()},
        alerts=tuple(alerts),
        sources=("a test",),
        line="line.txt",
    )
    names = dict.fromkeys(name for one in rows for name in one.values)
    return Window(file, rows, {name: unit_of(name) for name in names})


@dataclass
class Watch:
    """Windows that were handed in, and what came of assessing them."""

    store: ArtifactStore
    inputs: tuple[File, ...]
    outcome: Outcome = field(init=False)

    def work(self) -> Work:
        body = TaskAssignment(title="t", skill="s", folder=FOLDER, inputs=self.inputs)
        return Work("t", 1, body, self.store, report=lambda progress: None)

    @property
    def assessment(self) -> AssessmentFile:
        return read(AssessmentFile, self.data("assessment.json"), "assessment.json")

    def data(self, name: str) -> bytes:
        [file] = [one for one in self.outcome.artifacts if one.path == f"{FOLDER}/{name}"]
        return self.store.get(file)

    def finding(self, kind: Kind, pack: str = "battery-1") -> Finding:
        [found] = [one for one in self.assessment.findings if (one.pack, one.kind) == (pack, kind)]
        return found

    def value(self, kind: Kind, pack: str = "battery-1") -> Decimal | None:
        return self.finding(kind, pack).value

    def judge(self, changed: Mapping[str, bytes] | None = None, values: Mapping[str, Any] | None = None) -> Judgement:
        """Return what the gates say of the outcome. changed: files in place of what was made, by name."""
        swapped = {f"{FOLDER}/{name}": data for name, data in (changed or {}).items()}
        artifacts = tuple(
            self.store.put(swapped[one.path], path=one.path, media_type=one.media_type or "")
            if one.path in swapped
            else one
            for one in self.outcome.artifacts
        )
        return self.judge_files(artifacts, self.outcome.values if values is None else values)

    def judge_files(self, artifacts: tuple[File, ...], values: Mapping[str, Any]) -> Judgement:
        told = tuple(Value(name=name, value=spelled(value)) for name, value in values.items())
        result = Result(success=True, description="d", artifacts=artifacts, values=told)
        one = message(MessageType.TASK_COMPLETION, Report(action=Action.COMPLETED, result=result), "r", attempt=1)
        assignment = TaskAssignment(title="t", skill="s", folder=FOLDER, inputs=self.inputs)
        return run(GATES, Judged(one, one.body, assignment, self.store))  # type: ignore[arg-type]

    def with_finding(self, kind: Kind, **fields: object) -> bytes:
        """Return assessment.json with one finding changed."""
        file = self.assessment
        found = tuple(one.model_copy(update=fields) if one.kind is kind else one for one in file.findings)
        return written(file.model_copy(update={"findings": found}))


def given(folder: Path, windows: Sequence[Window]) -> Watch:
    """Return windows as the inputs of a task."""
    store = ArtifactStore(folder / "store")
    files = {path: made for one in windows for path, made in one.files().items()}
    return Watch(store, tuple(store.put(data, path=path, media_type=kind) for path, (data, kind) in files.items()))


def assessed(folder: Path, one: Window) -> Watch:
    """Return a window with its assessment."""
    watch = given(folder, [one])
    watch.outcome = assess_readings(watch.work())
    return watch


def reported(folder: Path, windows: Sequence[Window]) -> Watch:
    """Return a whole watch with its report."""
    watch = given(folder, windows)
    watch.outcome = report_watch(watch.work())
    return watch


def media_types(outcome: Outcome) -> dict[str, str | None]:
    return {one.path.rpartition("/")[2]: one.media_type for one in outcome.artifacts}
