"""Deaths of a device's agent: a recording is watched, and what is handed in must be what nobody's death has changed.

A recording is played again from where a window begins, so all that comes of it has to be the same to the byte: the
readings, the raw bytes, what was raised and how often. With a device there is no second chance to hear a byte; there
it is looked at that what was heard is not lost, and nothing is told twice.
"""

from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from typing import Final

from agents.device.protocols.jbd import Jbd
from agents.device.recording import read_recording, statuses
from protocol.bodies import Alert
from protocol.decoder import decode
from tests.crash import recovery
from tests.crash.cell import Cell, Outcome, Results
from tests.crash.checks import differences, order
from tests.crash.plays import NOT_REACHED, stage_of
from tests.crash.stage import Clock, Stage, finished
from tests.mission.runs import Mission
from tests.recorded import record

_SECONDS: Final = 180
_FAULTS: Final = ((70, "overvoltage 7 3.72"),)
_LIVE: Final = "emulated:jbd?fault=overvoltage+7+3.72&after=1"
_LIVE_S: Final = 6


def played(cell: Cell, folder: Path, _expected: Results) -> Outcome:
    """The agent dies at its point while a recording is played; the supervisor starts it again."""
    stage = stage_of(cell, folder)
    mission = _recorded(stage)
    code, said, complained = finished(mission)
    calm = _undisturbed()
    found = (*differences(mission, code, said + complained, calm.results()), *_alerts(mission, calm))
    if stage.died_ns is None:
        return Outcome((NOT_REACHED, *found))
    return Outcome(found, recovery.of_one(mission, stage.clock, stage.died_ns) if code == 0 else None)


def lived(cell: Cell, folder: Path, _expected: Results) -> Outcome:
    """The agent dies at its point while a device is watched."""
    stage = stage_of(cell, folder)
    where = ("--output", folder / "out", "--run-dir", folder / "run", "--for", f"{_LIVE_S}s", "--window", "2s")
    mission = stage.mission("cli.main", "run", "battery-watch", "--device", _LIVE, *where)
    code, said, complained = finished(mission)
    if code != 0:
        return Outcome((f"exit code {code}: {(said + complained).strip()[-500:]}",))
    found = tuple(_not_as_heard(mission))
    if stage.died_ns is None:
        return Outcome((NOT_REACHED, *found))
    return Outcome(found, recovery.of_one(mission, stage.clock, stage.died_ns))


@cache
def _undisturbed() -> Mission:
    """Return the mission when nobody dies."""
    folder = Path(mkdtemp(prefix="crash-watched-"))
    mission = _recorded(Stage(folder, Clock(0, 1)))
    code, said, complained = finished(mission)
    assert code == 0, said + complained
    return mission


def _recorded(stage: Stage) -> Mission:
    record(stage.folder / "line.txt", _SECONDS, _FAULTS)
    where = ("--output", stage.folder / "out", "--run-dir", stage.folder / "run", "--window", "60s")
    return stage.mission("cli.main", "run", "battery-watch", "--device", "pack=recording:line.txt", *where)


def _alerts(mission: Mission, calm: Mission) -> Iterator[str]:
    """What was raised is what is raised when nobody dies, each once."""
    told, expected = _raised(mission), _raised(calm)
    if told != expected:
        yield f"alerts: {told}, undisturbed: {expected}"


def _raised(mission: Mission) -> Counter[tuple[str, str]]:
    bodies = [decode(entry.document).body for entry in mission.entries()]
    return Counter((body.code, body.state.value) for body in bodies if isinstance(body, Alert))


def _not_as_heard(mission: Mission) -> Iterator[str]:
    """Yield what is told twice, or is missing among the raw bytes."""
    entries = mission.entries()
    yield from order(entries, [decode(entry.document) for entry in entries])
    twice = {key: count for key, count in _raised(mission).items() if count > 1}
    if twice:
        yield f"raised more than once: {twice}"
    lines = (mission.output / "line.txt").read_text(encoding="ascii").splitlines(keepends=True)
    _, chunks = read_recording(lines, "line.txt")
    heard = sum(1 for _ in statuses(chunks, Jbd()))
    rows = (mission.output / "readings.csv").read_bytes().count(b"\n") - 1
    # What a dead life has read and not handed in is among the bytes all the same.
    if heard < rows:
        yield f"{rows} statuses were handed in, and the bytes hold {heard}"
