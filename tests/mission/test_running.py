"""Missions from Python: the same mission as with the command, from a plain script and from a test."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from bus.journal import JournalReader
from protocol.errors import DefinitionError
from scenarios.replaying import replay
from scenarios.running import run
from scenarios.workflow import Pattern, Step, Workflow
from tests.cases import ROOT
from tests.mission.runs import orchestra

PATTERNS = ROOT / "scenarios" / "patterns"

LOG = Workflow(
    workflow="log",
    skills="skills.py",
    steps=[
        Step(id="count", skill="count-lines", inputs=["sample/log/*.log"], gates=["lines > 0"]),
        Step(id="find", skill="find-errors", inputs=["sample/log/*.log"], needs=[]),
        Step(
            id="act",
            pattern=Pattern.CONDITIONAL,
            condition="find.errors > 3",
            then=[Step(id="decide", skill="decide-action", settings={"most": "2"})],
            otherwise_steps=[Step(id="note", skill="note-result")],
        ),
    ],
)
SCRIPT = """
from scenarios.running import run
from scenarios.workflow import Step, Workflow

seen = []
count = Step(id="count", skill="count-lines", inputs=["sample/log/*.log"])
ended = run(Workflow(workflow="count", skills="skills.py", steps=[count]), folder={folder!r}, on_entry=seen.append)
print(ended.is_done, ended.values["count"]["errors"], [path.name for path in ended.files], len(seen) > 10)
"""


@pytest.mark.slow
def test_a_workflow_of_python_is_carried_out(tmp_path: Path) -> None:
    ended = run(LOG, folder=PATTERNS, output=tmp_path / "out", runs=tmp_path / "runs")
    assert (ended.is_done, ended.why) == (True, "")
    assert ended.values["count"] == {"lines": "18", "errors": "4", "warnings": "2"}
    assert ended.values["decide"] == ended.values["act"] == {"action": "inspect"}
    assert "note" not in ended.values
    assert [path.relative_to(tmp_path / "out") for path in ended.files] == [Path("counts.json"), Path("action.json")]
    rows = replay(lambda: JournalReader(ended.run / "journal").entries())
    assert {row.not_sent for row in rows} == {0}


@pytest.mark.slow
def test_a_file_with_parameters_is_carried_out_and_what_a_person_must_decide_is_told(tmp_path: Path) -> None:
    given = {"allowed_mv": "20"}
    ended = run(PATTERNS / "conditional.yaml", output=tmp_path / "out", runs=tmp_path / "runs", given=given)
    assert (ended.is_done, ended.files) == (False, ())
    assert ended.why == "nothing goes on without: order (asked)"
    assert ended.values["measure"]["spread_mv"] == "24"
    assert "asks leave for order" in orchestra("inbox", str(ended.run), cwd=tmp_path).stdout


@pytest.mark.slow
def test_a_script_needs_no_guard(tmp_path: Path) -> None:
    (tmp_path / "script.py").write_text(SCRIPT.format(folder=str(PATTERNS)))
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    told = subprocess.run(
        [sys.executable, "script.py"], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert told.stdout == "True 4 ['counts.json'] True\n", told.stderr
    assert (tmp_path / "out" / "counts.json").exists()


def test_what_is_wrong_is_said_with_workflow_and_step_before_anything_starts(tmp_path: Path) -> None:
    wrong = Workflow(
        workflow="w", steps=[Step(id="a", skill="write-fact"), Step(id="b", skill="write-facts", needs=["c"])]
    )
    with pytest.raises(DefinitionError, match=r"^w: b: b needs c, but there is no step c; known: a, b$"):
        run(wrong, output=tmp_path / "out", runs=tmp_path / "runs")
    with pytest.raises(DefinitionError, match=r"^w: a: there is no skill 'write-fact'; did you mean write-facts\?$"):
        run(Workflow(workflow="w", steps=wrong.steps[:1]), output=tmp_path / "out", runs=tmp_path / "runs")
    with pytest.raises(DefinitionError, match="parameters are for files"):
        run(wrong, given={"a": "b"}, output=tmp_path / "out")
    assert not (tmp_path / "runs").exists()
