"""The pytest plugin as a user's project has it: tests in a folder of their own, run by a pytest of their own."""

import tomllib
from pathlib import Path

import pytest

from scenarios.recording import write_recording
from tests.cases import ROOT
from tests.scenarios.plays import diamond, rehearse, writes

pytest_plugins = ["pytester"]

PLAYS = """
from agents.work import Outcome
from coordinators.shell import fold_of
from scenarios.rehearsal import COORDINATOR
from tests.scenarios.plays import Shouting, diamond, writes
"""


@pytest.fixture
def project(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """A project with the recording of a small plan, and the plugin without an installation."""
    rehearsed = rehearse(diamond(2), {"@worker": writes}, pytester.path / "rehearsed")
    path = pytester.mkdir("recordings") / "diamond.recording"
    write_recording(path, lambda: rehearsed.entries, run="r", scenario="diamond", store=rehearsed.store)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    # Named here and not found as installed: registered twice, it would be refused.
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    monkeypatch.setenv("PYTEST_PLUGINS", "scenarios.pytest_plugin")
    return pytester


def said_of(project: pytest.Pytester, text: str) -> str:
    """Return what pytest says of a test file with this text; a warning would be an error."""
    project.makepyfile(text)
    return str(project.runpytest_subprocess("-q", "-W", "error", "--strict-config", "-p", "no:cacheprovider").stdout)


def test_a_recording_is_replayed_and_followed_and_its_specialists_redone(project: pytest.Pytester) -> None:
    tests = """
def test_the_coordinators(recording, replayed):
    rows = replayed(recording("diamond"))
    assert [row.agent for row in rows] == ["@tech-lead-orchestrator", COORDINATOR]

def test_step_by_step(recording, turns):
    begun = next(turn for turn in turns(recording("diamond"), COORDINATOR) if turn.said)
    assert [message.task for message in begun.said] == ["left/1", "left/2"]

def test_the_specialists(recording, redone):
    assert len(redone(recording("diamond"), "@worker", {"write": writes})) == 5
"""
    said = said_of(project, PLAYS + tests)
    assert "3 passed" in said, said


def test_what_is_not_as_recorded_fails_with_what_is_different_and_no_traceback(project: pytest.Pytester) -> None:
    tests = """
def test_rules(recording, replayed):
    replayed(recording("diamond"), {COORDINATOR: Shouting(fold_of(COORDINATOR))})

def test_skills(recording, redone):
    redone(recording("diamond"), "@worker", {"write": lambda work: Outcome("nothing")})

def test_files(recording):
    recording("none")
"""
    said = said_of(project, PLAYS + tests)
    assert "3 failed" in said, said
    assert "diamond.recording: Entry " in said
    assert ": @coordinator, on hearing entry " in said
    # Where CI is set pytest tells each failure once more, whole, in its summary.
    assert said.partition("short test summary")[0].count("+  <priority>critical</priority>") == 1
    assert "@worker, left/1, attempt 1: description: recorded 'written', now 'nothing'" in said
    assert "recordings/none.recording cannot be read: No such file or directory" in said
    assert "replaying.replay(recorded.entries" not in said


def test_more_at_the_end_than_was_recorded_fails_unless_it_is_expected(project: pytest.Pytester) -> None:
    tests = """
class Cut:
    path = None

    def __init__(self, whole, upto):
        self.path, self.whole, self.upto = whole.path, whole, upto

    def entries(self):
        return [entry for entry in self.whole.entries() if entry.sequence <= self.upto]

def begun(recording):
    whole = recording("diamond")
    return Cut(whole, next(e.sequence for e in whole.entries() if b"<sender>@coordinator<" in e.document))

def test_unexpected(recording, replayed):
    replayed(begun(recording))

def test_expected(recording, replayed):
    replayed(begun(recording), not_sent=1)
"""
    said = said_of(project, PLAYS + tests)
    assert "1 failed, 1 passed" in said, said
    assert "the recording ends with 0 messages still to be said, now it would be {'@coordinator': 1}" in said


def test_a_plan_is_carried_out_in_memory(project: pytest.Pytester) -> None:
    tests = """
from agents.work import Outcome
from gates.checks import GATES
from protocol.bodies import Plan, PlannedTask

def test_a_plan(orchestra_in_memory, artifact_store):
    source = artifact_store.put(b"1 2 3", path="numbers.txt", media_type="text/plain")
    plan = Plan(tasks=(PlannedTask(id="add", agent="@adder", skill="add", title="add", inputs=(source,)),))

    def add(work):
        total = sum(int(word) for word in work.read(work.assignment.inputs[0]).split())
        return Outcome(f"the sum is {total}", (work.write("sum.txt", str(total).encode(), "text/plain"),))

    ended = orchestra_in_memory(plan, {"@adder": add}, gates=GATES)
    assert ended.is_done
    assert ended.artifacts == {"mission/add/sum.txt": b"6"}
"""
    said = said_of(project, tests)
    assert "1 passed" in said, said


def test_a_project_that_does_not_use_it_pays_nothing_and_keeps_its_own_names(project: pytest.Pytester) -> None:
    tests = """
import sys
import pytest

@pytest.fixture
def recording():
    return "mine"

def test_own_names(recording):
    assert recording == "mine"

def test_nothing_was_imported():
    ours = {"protocol", "bus", "gates", "agents", "coordinators", "scenarios"}
    loaded = {name for name in sys.modules if name.partition(".")[0] in ours}
    assert loaded == {"scenarios", "scenarios.pytest_plugin"}
    assert not {"pydantic", "lxml", "zmq", "zstandard"} & sys.modules.keys()
"""
    said = said_of(project, tests)
    assert "2 passed" in said, said


def test_it_comes_with_the_package(project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    """Installed, pytest finds it by its entry point; here a folder says what an installation would say."""
    points = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["entry-points"]["pytest11"]
    installed = project.mkdir("site") / "agent_orchestra_here-0.dist-info"
    installed.mkdir()
    (installed / "METADATA").write_text("Metadata-Version: 2.1\nName: agent-orchestra-here\nVersion: 0\n")
    lines = [f"{name} = {module}" for name, module in points.items()]
    (installed / "entry_points.txt").write_text("\n".join(["[pytest11]", *lines]))
    monkeypatch.delenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD")
    monkeypatch.delenv("PYTEST_PLUGINS")
    monkeypatch.setenv("PYTHONPATH", f"{ROOT}:{Path(installed).parent}")
    said = said_of(project, 'def test_it(recording, replayed):\n    assert replayed(recording("diamond"))\n')
    assert "1 passed" in said, said
