"""A mission becomes a test: recorded, written, passing as it is, and failing loudly when the coordinators change."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cases import ROOT
from tests.mission.runs import Mission, orchestra, start

pytestmark = pytest.mark.slow

CHANGED = """
from dataclasses import replace

from coordinators.coordinator import Coordinator
from protocol.names import Priority
from protocol.topics import TECH_LEAD


class Hasty(Coordinator):
    def step(self, state, heard):
        after, drafts = super().step(state, heard)
        return after, tuple(replace(draft, priority=Priority.CRITICAL) for draft in drafts)


def test_a_coordinator_that_finds_everything_critical(recording, replayed):
    replayed(recording("spec-facts"), {"@data-coordinator": Hasty(TECH_LEAD)})
"""


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Mission:
    mission = start(tmp_path_factory.mktemp("recorded"))
    code, _, complained = mission.finish()
    assert code == 0, complained
    return mission


def run_pytest(folder: Path) -> tuple[int, str]:
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
        "PYTEST_PLUGINS": "scenarios.pytest_plugin",
    }
    command = [sys.executable, "-m", "pytest", "-q", "tests"]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=90, check=False)
    return done.returncode, done.stdout + done.stderr


def test_a_recorded_mission_is_a_test_that_passes_and_breaks_with_a_diff(finished: Mission) -> None:
    folder = finished.folder
    made = orchestra("record-test", finished.run, "--with-artifacts", cwd=folder)
    assert made.returncode == 0, made.stderr
    assert "run it with: python -m pytest tests/test_spec_facts_recording.py" in made.stdout
    written = (folder / "tests" / "test_spec_facts_recording.py").read_text()
    assert 5 <= len(written.splitlines()) <= 15
    code, said = run_pytest(folder)
    assert (code, "2 passed" in said) == (0, True), said

    (folder / "tests" / "test_changed.py").write_text(CHANGED)
    code, said = run_pytest(folder)
    assert (code, "1 failed, 2 passed" in said) == (1, True), said
    assert "spec-facts.recording: Entry " in said
    assert "@data-coordinator, on hearing entry " in said
    assert "+  <priority>critical</priority>" in said


def test_a_recording_replays_as_its_run_does(finished: Mission) -> None:
    folder = finished.folder
    recorded = orchestra("record", finished.run, "mission", cwd=folder)
    assert recorded.returncode == 0, recorded.stderr
    assert recorded.stdout.startswith("mission.recording: ")
    run, file = (orchestra("replay", what, "--json", cwd=folder) for what in (finished.run, "mission.recording"))
    assert run.stdout == file.stdout
    assert [json.loads(line)["not_sent"] for line in run.stdout.splitlines()] == [0, 0]
    partly = orchestra("replay", "mission.recording", "--until", "12", "--speed", "100", cwd=folder)
    assert partly.returncode == 0, partly.stderr
    assert "same  @tech-lead-orchestrator → @data-coordinator task-assignment mission" in partly.stdout


def test_nothing_is_written_over_unasked(finished: Mission) -> None:
    folder = finished.folder
    (folder / "kept.recording").write_text("mine")
    refused = orchestra("record", finished.run, "kept", cwd=folder)
    assert (refused.returncode, (folder / "kept.recording").read_text()) == (2, "mine")
    assert "kept.recording would be written over; --force does it" in refused.stderr
    assert orchestra("record", finished.run, "kept", "--force", cwd=folder).returncode == 0
    (folder / "kept.recording").write_bytes((folder / "kept.recording").read_bytes()[:-10])
    torn = orchestra("replay", "kept.recording", cwd=folder)
    assert (torn.returncode, "is torn" in torn.stderr) == (2, True)
