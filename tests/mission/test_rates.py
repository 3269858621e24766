"""A mission is told at its start what past runs tell of failures, once and for good."""

from pathlib import Path

import pytest

from bus.journal import JournalReader
from bus.run import RunFolder
from protocol.bodies import Control, TaskAssignment, Verb
from protocol.decoder import reread
from scenarios.rates import TRIES
from tests.cases import SAMPLE
from tests.mission.runs import orchestra
from tests.scenarios.test_rates import FEEDBACK, OTHER, past_run


def told(run: RunFolder) -> list[list[str]]:
    """Return the rates in everything that starts or hands on the mission, in the order of the journal."""
    bodies = [reread(entry.document).body for entry in JournalReader(run.journal).entries()]
    starts = [body.settings for body in bodies if isinstance(body, Control) and body.verb is Verb.START]
    handed = [body.settings for body in bodies if isinstance(body, TaskAssignment) and body.plan is not None]
    return [[one.name for one in settings if one.name.startswith("rate.")] for settings in (*starts, *handed)]


@pytest.mark.slow
def test_a_start_journals_the_rates_and_the_coordinator_is_told_them(tmp_path: Path) -> None:
    for number in range(TRIES):
        past_run(tmp_path / "runs", f"past-{number}")
    command = ("run", "spec-facts", "--specs", SAMPLE, "--run-dir", tmp_path / "run", "--quiet")
    assert orchestra(*command, cwd=tmp_path).returncode == 0
    run = RunFolder(tmp_path / "run")
    assert told(run) == [[OTHER, FEEDBACK]] * 2
    past_run(tmp_path / "runs", "later")
    assert orchestra("resume", run.path, "--quiet", cwd=tmp_path).returncode == 0
    assert told(run) == [[OTHER, FEEDBACK]] * 2
    assert orchestra("replay", run.path, cwd=tmp_path).returncode == 0
