"""A fork: the same past, another future; only what was changed and what builds on it is done again."""

import json
import os
import signal
import subprocess
from pathlib import Path

import pytest

from bus.journal import JournalReader
from bus.run import RunFolder
from protocol.bodies import Control, Verb
from protocol.decoder import decode
from scenarios.fork import branch
from tests.cases import SAMPLE
from tests.mission.runs import Mission, command, environment, orchestra, start

CHANGED = "extract/003-cell-note.md"


@pytest.fixture(scope="module")
def parent(tmp_path_factory: pytest.TempPathFactory) -> Mission:
    mission = start(tmp_path_factory.mktemp("parent"))
    code, said, complained = mission.finish()
    assert code == 0, said + complained
    return mission


def forked(parent: Mission, folder: Path, at: int, *more: str | Path) -> Mission:
    """Start `orchestra fork` and return at once."""
    where = ("--output", folder / "out", "--run-dir", folder / "run")
    arguments = command("fork", parent.run, "--at", str(at), *where, *more)
    pipe = subprocess.PIPE
    process = subprocess.Popen(arguments, cwd=folder, stdout=pipe, stderr=pipe, text=True, env=environment())
    return Mission(folder, process)


def states(mission: Mission) -> dict[str, int]:
    """Return the attempt that each task of a run has come to."""
    shown = orchestra("show", mission.run, "--json", cwd=mission.folder)
    return {task["task"]: task["attempt"] for task in json.loads(shown.stdout)["tasks"]}


@pytest.mark.slow
def test_a_fork_without_changes_comes_to_the_same_from_any_moment(parent: Mission, tmp_path: Path) -> None:
    claims = [entry.sequence for entry in parent.entries() if entry.topic.endswith("/claim")]
    for number, at in enumerate((claims[0], claims[-2])):
        folder = tmp_path / str(number)
        folder.mkdir()
        mission = forked(parent, folder, at)
        code, said, complained = mission.finish()
        assert code == 0, said + complained
        assert mission.results() == parent.results()


@pytest.mark.slow
def test_a_changed_document_is_read_again_and_nothing_else_is(parent: Mission, tmp_path: Path) -> None:
    note = tmp_path / "cell-note.md"
    note.write_text((SAMPLE / "cell-note.md").read_text(encoding="utf-8").replace("3.65 V", "3.60 V"), encoding="utf-8")
    last = parent.entries()[-1].sequence
    mission = forked(parent, tmp_path, last, "--set", f"{CHANGED}.input={note}")
    mission.wait_for(lambda entry: entry.sequence > last and entry.topic.endswith("/claim"))
    mission.kill_tree()
    resumed = orchestra("resume", mission.run, cwd=tmp_path)
    assert resumed.returncode == 0, resumed.stderr
    again = {task for task, attempt in states(mission).items() if attempt > 1}
    assert again == {CHANGED, "compare", "write"}
    facts = (mission.output / "FACTS.md").read_text(encoding="utf-8")
    assert "3.60 V" in facts
    for check in ("replay", "audit verify"):
        checked = orchestra(*check.split(), mission.run, cwd=tmp_path)
        assert checked.returncode == 0, checked.stderr
    assert (parent.run / "forks.jsonl").read_text().count("\n") >= 1
    entry = list(JournalReader(mission.run / "journal").entries())[last]
    body = decode(entry.document).body
    assert isinstance(body, Control)
    assert (body.verb, body.subject) == (Verb.FORK, parent.run.name)


@pytest.mark.slow
@pytest.mark.parametrize("change", ["nosuch.title=x", "compare", "compare.input=/nosuch", f"{CHANGED}.input=/nosuch"])
def test_a_change_that_names_nothing_makes_no_run(change: str, parent: Mission, tmp_path: Path) -> None:
    mission = forked(parent, tmp_path, 30, "--set", change)
    code, _, complained = mission.finish()
    assert (code, mission.run.exists()) == (2, False), complained


@pytest.mark.slow
def test_a_moment_that_never_was_is_refused(parent: Mission, tmp_path: Path) -> None:
    code, _, complained = forked(parent, tmp_path, 9999).finish()
    assert code == 2
    assert "choose --at from 1 to" in complained


@pytest.mark.slow
def test_the_past_of_a_fork_is_its_parents_to_the_nanosecond(parent: Mission, tmp_path: Path) -> None:
    mission = forked(parent, tmp_path, 40)
    mission.wait_for(lambda entry: entry.sequence > 45)
    os.kill(mission.process.pid, signal.SIGINT)
    mission.process.communicate(timeout=20)
    assert mission.entries()[:40] == parent.entries()[:40]
    assert len(branch(RunFolder(mission.run), 41, "@data-coordinator", []).past) == 41
