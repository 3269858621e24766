"""What a mission brings along is journaled with its start; whoever resumes it needs nothing but that."""

import shutil
from pathlib import Path

from bus.artifacts import ArtifactStore
from protocol.bodies import Control, Setting, Verb
from scenarios.compile import plan_mission
from scenarios.mission import brought_along, mission_of
from scenarios.source import read_workflow
from tests.crash.graphs import write_graph


def test_a_mission_with_agents_of_its_own_is_the_same_again_when_their_files_are_gone(tmp_path: Path) -> None:
    folder = tmp_path / "graph"
    first = plan_mission(read_workflow(write_graph(folder, 1, 20)), tmp_path, ArtifactStore(tmp_path / "store"))
    settings = (("coordinator", first.coordinator), *first.settings, *brought_along(first))
    told = tuple(Setting(name=name, value=value) for name, value in settings)
    shutil.rmtree(folder)
    again = mission_of(Control(verb=Verb.START, subject=first.scenario, settings=told, plan=first.plan), 2)
    assert brought_along(again) == brought_along(first)
    assert again.specialists == first.specialists
    for member in first.specialists:
        assert again.definition_of(member.name).skills == first.definition_of(member.name).skills
