"""Whom a workflow names: agents with and without @, alternatives that can do the work, files named twice."""

from pathlib import Path

import pytest

from bus.artifacts import ArtifactStore
from protocol.bodies import PlannedTask
from protocol.errors import DefinitionError
from scenarios.compile import plan_mission
from scenarios.mission import Mission
from scenarios.source import Source
from scenarios.workflow import Step, Workflow


def compiled(folder: Path, *steps: Step, **keys: str) -> Mission:
    (folder / "skills.py").write_text("def make(work): ...\n")
    workflow = Workflow.model_validate({"workflow": "w", "skills": "skills.py", "steps": steps, **keys})
    return plan_mission(Source(workflow, folder), folder / "out", ArtifactStore(folder / "store"))


def only(mission: Mission) -> PlannedTask:
    [task] = mission.plan.tasks
    return task


def test_a_file_that_several_patterns_name_is_given_once(tmp_path: Path) -> None:
    for name in ("b.txt", "a.txt", ".hidden.txt"):
        (tmp_path / name).write_text(name)
    task = only(compiled(tmp_path, Step(id="x", skill="make", inputs=["b.txt", "*.txt"])))
    assert [file.path for file in task.inputs] == ["b.txt", "a.txt"]


def test_names_of_agents_may_have_an_at(tmp_path: Path) -> None:
    step = Step(id="x", agent="@skill-runner", skill="make")
    mission = compiled(tmp_path, step, coordinator="@data-coordinator")
    assert (mission.coordinator, only(mission).agent) == ("@data-coordinator", "@skill-runner")
    assert compiled(tmp_path, step, coordinator="data-coordinator").coordinator == "@data-coordinator"


def test_whoever_cannot_do_a_step_is_no_alternative(tmp_path: Path) -> None:
    with pytest.raises(DefinitionError, match=r"^w: x: fact-writer cannot do make; who can: skill-runner$"):
        compiled(tmp_path, Step(id="x", skill="make", otherwise=["fact-writer"]))


def test_a_file_with_a_secret_in_its_name_is_refused_without_saying_it(tmp_path: Path) -> None:
    secret = "sk-ant-" + "a1B2" * 8
    (tmp_path / f"{secret}.txt").write_text("a")
    with pytest.raises(DefinitionError, match="has a secret in its name; rename it") as refused:
        compiled(tmp_path, Step(id="x", skill="make", inputs=["*.txt"]))
    assert secret not in str(refused.value)
