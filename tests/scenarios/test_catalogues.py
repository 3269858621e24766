"""Agents from folders: which of two with one name is meant, what is said about it, and that a resume finds the same."""

import shutil
from pathlib import Path

import pytest

from agents.definitions.definition import catalogue
from agents.definitions.folders import gathered
from bus.artifacts import ArtifactStore
from bus.run import RunFolder
from protocol.errors import DefinitionError
from scenarios.chat import begun, gone_on, partner
from scenarios.compile import plan_mission
from scenarios.mission import Mission, brought_along, mission_of
from scenarios.revision import revision
from scenarios.source import read_workflow
from scenarios.start import start_control


def agent(folder: Path, name: str, *lines: str, file: str = "") -> Path:
    folder.mkdir(exist_ok=True)
    text = "\n".join(["---", f"name: {name}", f"description: of {folder.name}", "tier: routine", *lines, "---", "You."])
    (folder / f"{file or name}.md").write_text(text, encoding="utf-8")
    return folder


def flow(folder: Path, *lines: str, step: str = "{id: x, agent: scout, skill: look}") -> Path:
    (folder / "skills.py").write_text("def look(work): ...\n", encoding="utf-8")
    path = folder / "flow.yaml"
    path.write_text("\n".join(["workflow: flow", "skills: skills.py", *lines, "steps:", f" - {step}", ""]), "utf-8")
    return path


def planned(folder: Path, path: Path, *catalogues: Path) -> Mission:
    return plan_mission(read_workflow(path, {}, catalogues), folder / "out", ArtifactStore(folder / "store"))


def where(mission: Mission) -> str:
    return mission.definition_of("@scout").description


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path, Path]:
    own, early, late = (agent(tmp_path / name, "scout", "skills: [look]") for name in ("own", "early", "late"))
    return own, early, late


def test_the_workflows_own_goes_before_the_commands_and_its_later_before_its_earlier(
    tmp_path: Path, folders: tuple[Path, Path, Path]
) -> None:
    _, early, late = folders
    assert where(planned(tmp_path, flow(tmp_path, "agents: own"), early, late)) == "of own"
    assert where(planned(tmp_path, flow(tmp_path), early, late)) == "of late"
    assert where(planned(tmp_path, flow(tmp_path), late, early)) == "of early"
    assert where(planned(tmp_path, flow(tmp_path, "agents: [early, own]"))) == "of own"


def test_a_name_defined_twice_is_said_once_and_a_copy_is_not(tmp_path: Path, folders: tuple[Path, Path, Path]) -> None:
    own, early, late = folders
    mission = planned(tmp_path, flow(tmp_path, "agents: own"), early, late)
    assert mission.notes == (
        f"scout is defined twice: {own / 'scout.md'} goes before {late / 'scout.md'}",
        f"scout is defined twice: {own / 'scout.md'} goes before {early / 'scout.md'}",
    )
    shutil.copytree(late, tmp_path / "copy")
    assert planned(tmp_path, flow(tmp_path), late, tmp_path / "copy").notes == ()


def test_what_ships_can_be_replaced_and_that_is_said(tmp_path: Path) -> None:
    mine = agent(tmp_path / "mine", "test-automator", "skills: [look]")
    mission = planned(tmp_path, flow(tmp_path, step="{id: x, agent: test-automator}"), mine)
    assert mission.definition_of("@test-automator").description == "of mine"
    [note] = mission.notes
    assert note.endswith("goes before the one that ships")


def test_a_skill_is_asked_of_the_folder_that_goes_first(tmp_path: Path) -> None:
    mine = agent(tmp_path / "mine", "tester", "skills: [run-tests]")
    step = "{id: x, skill: run-tests}"
    assert [task.agent for task in planned(tmp_path, flow(tmp_path, step=step), mine).plan.tasks] == ["@tester"]
    assert [task.agent for task in planned(tmp_path, flow(tmp_path, step=step)).plan.tasks] == ["@test-automator"]


def test_of_other_peoples_folders_what_cannot_be_used_is_left_out_and_said(tmp_path: Path) -> None:
    theirs = agent(tmp_path / "theirs", "scout", "skills: [look]")
    (theirs / "README.md").write_text("# Ours\n")
    (theirs / "NOTES.md").write_text("# Notes\n")
    agent(theirs, "[broken", file="broken")
    mission = planned(tmp_path, flow(tmp_path), theirs)
    assert where(mission) == "of theirs"
    assert [note.partition(": ")[0] for note in mission.notes] == ["left out"] * 2
    with pytest.raises(DefinitionError, match=r"broken cannot be used: .*broken\.md:2: not YAML"):
        planned(tmp_path, flow(tmp_path, step="{id: x, agent: broken}"), theirs)


def test_in_a_workflows_own_folder_nothing_may_be_wrong(tmp_path: Path) -> None:
    own = agent(tmp_path / "own", "scout", "skills: [look]")
    (own / "README.md").write_text("# Ours\n")
    assert where(planned(tmp_path, flow(tmp_path, "agents: own"))) == "of own"
    agent(own, "[broken", file="broken")
    with pytest.raises(DefinitionError, match=r"broken\.md:2: not YAML"):
        planned(tmp_path, flow(tmp_path, "agents: own"))


def test_a_folder_that_is_not_there_is_told_with_its_option(tmp_path: Path) -> None:
    with pytest.raises(DefinitionError, match=r"^--catalogue .*gone is no folder; name one with agent definitions"):
        planned(tmp_path, flow(tmp_path), tmp_path / "gone")
    assert gathered(catalogues=[tmp_path]).notes == (f"--catalogue {tmp_path}: there is no agent in it",)


def test_a_run_finds_its_agents_again_when_the_folder_is_gone(tmp_path: Path) -> None:
    theirs = tmp_path / "theirs"
    theirs.mkdir()
    (theirs / "scout.md").write_text("---\ndescription: one: two\nskills: [look]\n---\nYou look.\n", encoding="utf-8")
    mission = planned(tmp_path, flow(tmp_path), theirs)
    start = start_control(mission)
    shutil.rmtree(theirs)
    again = mission_of(start, 2)
    assert brought_along(again) == brought_along(mission)
    assert again.definition_of("@scout").role == "You look."
    assert again.definition_of("@scout").skills == ("look",)


def test_a_resume_reads_the_same_folders_and_notices_what_changed_in_them(tmp_path: Path) -> None:
    theirs = agent(tmp_path / "theirs", "scout", "skills: [look]")
    start = start_control(planned(tmp_path, flow(tmp_path), theirs))
    run = RunFolder(tmp_path / "run")
    run.create()
    assert revision(run, start, tmp_path / "out") is None
    agent(theirs, "scout", "skills: [look, see]")
    changed = revision(run, start, tmp_path / "out")
    assert changed is not None
    assert changed.differences == ("the definition of scout changed",)


def test_the_one_team_of_all_agents_gives_the_coordinator_unless_one_is_named(tmp_path: Path) -> None:
    crew = agent(tmp_path / "crew", "scout", "team: crew", "skills: [look]")
    agent(crew, "captain", "team: crew", "leads: crew")
    agent(crew, "hermit", "skills: [look]")
    assert planned(tmp_path, flow(tmp_path), crew).coordinator == "@captain"
    assert planned(tmp_path, flow(tmp_path, "coordinator: data-coordinator"), crew).coordinator == "@data-coordinator"
    assert planned(tmp_path, flow(tmp_path, "coordinator: captain"), crew).coordinator == "@captain"
    alone = "{id: x, agent: scout, skill: look, otherwise: hermit}"
    assert planned(tmp_path, flow(tmp_path, step=alone), crew).coordinator == "@data-coordinator"
    assert planned(tmp_path, flow(tmp_path, step="{id: x, skill: look, agent: skill-runner}")).coordinator == (
        "@data-coordinator"
    )


def test_a_conversation_brings_its_agent_along(tmp_path: Path) -> None:
    crew = agent(tmp_path / "crew", "tester", "skills: [run-tests]")
    whom = partner("tester", None, gathered(catalogues=[crew]))
    mission = begun(whom.task(1, "hello"), tmp_path, "anna", None, whom.definition)
    shutil.rmtree(crew)
    again = mission_of(start_control(mission), 1)
    assert again.definition_of("@tester").description == "of crew"
    assert gone_on("@tester", None, mission.plan.tasks[0], again.definitions).skills == ("run-tests",)
    with pytest.raises(DefinitionError, match="there is no agent 'tester'"):
        gone_on("@tester", None, mission.plan.tasks[0])


def test_the_catalogue_that_ships_is_not_brought_along(tmp_path: Path) -> None:
    whom = partner("fact-extractor", None)
    mission = begun(whom.task(1, "hello"), tmp_path, "anna", None, whom.definition)
    assert brought_along(mission) == ()
    assert whom.definition == catalogue()["fact-extractor"]
