"""Make the recordings of this folder again: `python -m tests.recordings`, all, or those whose names are given.

Each is a real mission: the workflows of scenarios/patterns, one that asks a person, the facts of the sample, and a
battery that is watched.
Needed when a coordinator's rules have changed on purpose; what changed is then in their `version`.
"""

import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Final

from agents.device.watching.settings import DeviceSettings, sources_of
from bus.artifacts import ArtifactStore
from bus.journal import JournalReader
from bus.run import RunFolder
from observers.inbox import requests
from protocol.bodies import Consent
from scenarios.battery_watch import plan as battery_watch
from scenarios.compile import plan_mission
from scenarios.mission import Mission
from scenarios.person import tell
from scenarios.recording import SUFFIX, write_recording
from scenarios.replies import consent
from scenarios.running import carry_out
from scenarios.source import read_workflow
from scenarios.spec_facts import plan as spec_facts
from tests.cases import ROOT, SAMPLE
from tests.recorded import record

HERE: Final = Path(__file__).parent
PATTERNS: Final = ("sequential", "parallel", "conditional", "iterative", "pipeline", "nested")
Planning = Callable[[Path, ArtifactStore], Mission]


def main(names: list[str]) -> None:
    missions: dict[str, Planning] = {name: partial(_pattern, name, {}) for name in PATTERNS}
    missions |= {"approved": partial(_pattern, "conditional", {"allowed_mv": "20"}), "spec-facts": _spec_facts}
    missions["battery-watch"] = _battery_watch
    for name in names or missions:
        with tempfile.TemporaryDirectory(prefix="orchestra-") as folder:
            size = _record(name, missions[name], Path(folder))
            sys.stdout.write(f"{name}{SUFFIX}: {size:,} bytes\n")


def _record(name: str, planning: Planning, folder: Path) -> int:
    run, output = RunFolder(folder / name), folder / "out"
    run.create()
    mission = planning(folder, ArtifactStore(run.artifacts))
    ended = carry_out(run, mission, output)
    if not ended.is_done:
        _agree(run)
        ended = carry_out(run, mission, output)
    if not ended.is_done:
        sys.exit(f"{name} did not come to its end: {ended.why}")
    return write_recording(
        HERE / f"{name}{SUFFIX}", JournalReader(run.journal).entries, run=run.id, scenario=mission.scenario
    )


def _agree(run: RunFolder) -> None:
    """Say yes to all that is asked."""
    for request in requests(JournalReader(run.journal).entries(), run.id):
        tell(run, consent(request, Consent.GRANTED, "", person="a tester", now_ns=time.time_ns()))


def _pattern(name: str, given: dict[str, str], folder: Path, store: ArtifactStore) -> Mission:
    # A copy, so that the recording does not tell where this clone lies.
    copied = shutil.copytree(ROOT / "scenarios" / "patterns", folder / "patterns")
    return plan_mission(read_workflow(copied / f"{name}.yaml", given), folder / "out", store)


def _spec_facts(folder: Path, store: ArtifactStore) -> Mission:
    copied = shutil.copytree(SAMPLE, folder / "sample")
    return spec_facts.plan_mission(copied, folder / "out", store, skips_unreadable=False, instances=2)


def _battery_watch(folder: Path, store: ArtifactStore) -> Mission:
    """A battery of which a cell gets too high: its alarm goes up the ladder."""
    line = record(folder / "line.txt", 90, ((40, "overvoltage 7 3.72"),))
    name, sources = sources_of(f"pack=recording:{line}", "", 1)
    return battery_watch.plan_mission([DeviceSettings(name=name, sources=sources)], folder / "out", window_s=30)


if __name__ == "__main__":
    main(sys.argv[1:])
