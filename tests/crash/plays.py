"""How each kind of death is brought about, and what is done afterwards."""

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

from bus.records import Entry
from protocol.bodies import Wake, WakeRequest
from protocol.decoder import decode
from tests.builders import until
from tests.crash import recovery
from tests.crash.cell import Cell, Outcome, Results
from tests.crash.checks import differences
from tests.crash.stage import Clock, Stage, finished
from tests.mission.runs import Mission

NOT_REACHED = "not reached: nobody died there"


def undisturbed(folder: Path) -> Results:
    """Return what the mission brings when nobody kills anything."""
    mission = Stage(folder, Clock(0, 1)).run()
    code, said, complained = finished(mission)
    assert code == 0, said + complained
    return mission.results()


def goes_on(cell: Cell, folder: Path, expected: Results) -> Outcome:
    """A process dies at its point; the supervisor starts it again and the mission ends by itself."""
    stage = stage_of(cell, folder)
    return _one_died(stage, stage.run(), expected)


def goes_on_launched(cell: Cell, folder: Path, expected: Results) -> Outcome:
    """The same for a mission with short journal files."""
    stage = stage_of(cell, folder)
    return _one_died(stage, stage.launch(cell.segment_bytes), expected)


def goes_on_held(cell: Cell, folder: Path, expected: Results) -> Outcome:
    """The same for a point that comes with time: a specialist is stopped until somebody has died there."""
    stage = stage_of(cell, folder)
    mission = stage.run()
    mission.wait_for(_is_finders_claim)
    finder = mission.pids("contradiction-finder")[-1]
    os.kill(finder, signal.SIGSTOP)
    try:
        until(stage.marker.exists, 30.0)
    finally:
        os.kill(finder, signal.SIGCONT)
    return _one_died(stage, mission, expected)


def resumed_when_due(cell: Cell, folder: Path, expected: Results) -> Outcome:
    """The supervisor dies at its point, and everything with it; resumed when the wake that was asked for is overdue."""
    stage = stage_of(cell, folder)
    first = stage.run()
    finished(first)
    bodies = [decode(entry.document).body for entry in first.entries()]
    due_ns = max((body.due for body in bodies if isinstance(body, WakeRequest)), default=0)
    until(lambda: stage.clock.now_ns() > due_ns, 30.0)
    outcome = _all_died(stage, stage.died_ns, stage.resume, expected)
    has_woken = any(isinstance(decode(entry.document).body, Wake) for entry in first.entries())
    return outcome if has_woken else Outcome((*outcome.differences, "the overdue wake never came"), outcome.recovery_s)


def launched_again(cell: Cell, folder: Path, expected: Results) -> Outcome:
    """The supervisor dies before its mission has begun: the same launch once more."""
    stage = stage_of(cell, folder)
    finished(stage.launch(cell.segment_bytes))
    return _all_died(stage, stage.died_ns, lambda: stage.launch(cell.segment_bytes), expected)


def resumed_twice(cell: Cell, folder: Path, expected: Results) -> Outcome:
    """The whole tree is killed, and the supervisor that resumes it dies at its point; it is resumed once more."""
    stage = stage_of(cell, folder)
    first = Stage(folder, stage.clock).run()
    first.wait_for(_is_first(cell.moment))
    first.kill_tree()
    finished(stage.resume())
    return _all_died(stage, stage.died_ns, stage.resume, expected)


def tree_killed(cell: Cell, folder: Path, expected: Results) -> Outcome:
    """Everything is killed at once at a moment of the mission, and resumed."""
    return _killed_and_resumed(cell, folder, expected, lambda mission: mission.kill_tree())


def supervisor_killed(cell: Cell, folder: Path, expected: Results) -> Outcome:
    """Only the supervisor is killed; the rest has to notice by itself, while the run is being resumed already."""
    return _killed_and_resumed(cell, folder, expected, _kill_supervisor)


def forkserver_killed(cell: Cell, folder: Path, expected: Results) -> Outcome:
    """The process that starts all others is killed; no second life may start beside a first."""
    stage = stage_of(cell, folder)
    mission = stage.run()
    mission.wait_for(_is_first(cell.moment))
    died_ns = time.time_ns()
    os.kill(forkserver_of(mission), signal.SIGKILL)
    code, said, complained = finished(mission)
    found = tuple(differences(mission, code, said + complained, expected))
    return Outcome(found, recovery.of_all(mission, stage.clock, died_ns) if code == 0 else None)


def forkserver_of(mission: Mission) -> int:
    """Return the pid of the parent of a run's newest broker. Raises OSError: that broker is gone."""
    stat = Path(f"/proc/{mission.pids('broker')[-1]}/stat").read_text(encoding="utf-8")
    return int(stat.rpartition(") ")[2].split()[1])


def stage_of(cell: Cell, folder: Path) -> Stage:
    fault = f"{cell.point}:{cell.count}" if cell.point else ""
    return Stage(folder, Clock(time.time_ns(), cell.clock_factor), fault)


def _one_died(stage: Stage, mission: Mission, expected: Results) -> Outcome:
    code, said, complained = finished(mission)
    died_ns = stage.died_ns
    found = tuple(differences(mission, code, said + complained, expected))
    if died_ns is None:
        return Outcome((NOT_REACHED, *found))
    return Outcome(found, recovery.of_one(mission, stage.clock, died_ns) if code == 0 else None)


def _all_died(stage: Stage, died_ns: int | None, again: Callable[[], Mission], expected: Results) -> Outcome:
    if died_ns is None:
        return Outcome((NOT_REACHED,))
    since_ns = time.time_ns()
    mission = again()
    code, said, complained = finished(mission)
    found = tuple(differences(mission, code, said + complained, expected))
    return Outcome(found, recovery.of_all(mission, stage.clock, since_ns) if code == 0 else None)


def _killed_and_resumed(cell: Cell, folder: Path, expected: Results, kill: Callable[[Mission], None]) -> Outcome:
    stage = stage_of(cell, folder)
    mission = stage.run()
    mission.wait_for(_is_first(cell.moment))
    kill(mission)
    if mission.output.exists():
        return Outcome((NOT_REACHED,))
    return _all_died(stage, time.time_ns(), stage.resume, expected)


def _kill_supervisor(mission: Mission) -> None:
    mission.process.kill()
    mission.process.communicate(timeout=10)


def _is_first(kind: str) -> Callable[[Entry], bool]:
    return lambda entry: entry.topic.endswith(f"/{kind}")


def _is_finders_claim(entry: Entry) -> bool:
    return entry.topic.endswith("/claim") and b"<sender>@contradiction-finder<" in entry.document
