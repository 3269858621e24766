"""Recall when a mission is planned: what a task is given, and that nothing else changes."""

import json
from pathlib import Path

import pytest

from agents.memory import Kind, Learned, Memory, Source
from bus.artifacts import ArtifactStore
from protocol.bodies import Plan, PlannedTask, Setting
from protocol.errors import DefinitionError, SourceError
from scenarios.compile import plan_mission
from scenarios.mission import Mission
from scenarios.recall import MEDIA_TYPE, RECALL, with_recalled
from scenarios.source import read_workflow

HOUR_NS = 3_600_000_000_000


@pytest.fixture
def memory(tmp_path: Path) -> Memory:
    kept = Memory(tmp_path / "memory.db", "cells", clock_ns=lambda: 50 * HOUR_NS)
    for number, (key, value) in enumerate([("limit", "3.6 V"), ("limit", "3.65 V"), ("mass", "70 g")], 1):
        source = Source(
            run=f"run-{number}",
            task="t",
            agent="@worker",
            message=f"v-{number}",
            sequence=9,
            recorded_ns=number * HOUR_NS,
        )
        kept.learn([Learned(Kind.FACT, f"memory.{key}", key, value, source)])
    return kept


@pytest.fixture
def store(tmp_path: Path) -> ArtifactStore:
    return ArtifactStore(tmp_path / "artifacts")


def mission(*queries: str) -> Mission:
    tasks = tuple(
        PlannedTask(id=f"t{n}", agent="@worker", skill="s", title="t", settings=(Setting(name=RECALL, value=query),))
        for n, query in enumerate(queries)
    )
    return Mission("m", "@lead", (), Plan(tasks=tasks))


def test_a_task_that_asks_is_given_what_is_known_with_source_and_age(memory: Memory, store: ArtifactStore) -> None:
    planned = with_recalled(mission("charge limit", ""), memory, store).plan.tasks
    [file] = planned[0].inputs
    assert (file.path, file.media_type) == ("memory/t0.json", MEDIA_TYPE)
    assert file.summary == "2 recalled, 2 d 0 h to 2 d 1 h old, 2 of them contradicted"
    told = json.loads(store.get(file))
    assert (told["query"], told["project"]) == ("charge limit", "cells")
    assert [(fact["value"], fact["last"]) for fact in told["facts"]] == [
        ("3.65 V", "1970-01-01T02:00:00Z"),
        ("3.6 V", "1970-01-01T01:00:00Z"),
    ]
    assert told["facts"][0]["contradicts"] == [told["facts"][1]["id"]]
    assert told["facts"][0]["sources"] == [
        {
            "run": "run-2",
            "task": "t",
            "agent": "@worker",
            "message": "v-2",
            "sequence": 9,
            "accepted": "1970-01-01T02:00:00Z",
        }
    ]
    assert planned[1].inputs == ()


def test_the_same_memory_gives_the_same_bytes_whatever_the_time(memory: Memory, store: ArtifactStore) -> None:
    later = Memory(memory.path, memory.project, clock_ns=lambda: 99 * HOUR_NS)
    digests = [with_recalled(mission("mass"), one, store).plan.tasks[0].inputs[0].sha256 for one in (memory, later)]
    assert digests[0] == digests[1]


def test_that_nothing_is_known_is_told_too(memory: Memory, store: ArtifactStore) -> None:
    [file] = with_recalled(mission("colour"), memory, store).plan.tasks[0].inputs
    assert file.summary == "nothing is known about that"
    assert json.loads(store.get(file))["facts"] == []


def test_to_ask_without_a_memory_or_without_words_is_an_error(memory: Memory, store: ArtifactStore) -> None:
    with pytest.raises(SourceError, match="task t0 wants 'mass' recalled, but `memory` is off"):
        with_recalled(mission("mass"), None, store)
    with pytest.raises(SourceError, match="names no word"):
        with_recalled(mission("?!"), memory, store)
    assert with_recalled(mission(""), None, store) == mission("")


def test_a_step_of_a_workflow_asks_by_a_key_and_a_group_cannot(tmp_path: Path, store: ArtifactStore) -> None:
    (tmp_path / "s.py").write_text("def look(work): ...\n")
    file = tmp_path / "w.yaml"
    file.write_text("workflow: w\nskills: s.py\nsteps:\n  - {id: look, skill: look, recall: charge limit}\n")
    [task] = plan_mission(read_workflow(file), tmp_path / "out", store).plan.tasks
    assert Setting(name=RECALL, value="charge limit") in task.settings
    group = "{id: g, pattern: parallel, recall: limit, steps: [{id: look, skill: look}]}"
    file.write_text(f"workflow: w\nskills: s.py\nsteps:\n  - {group}\n")
    with pytest.raises(DefinitionError, match="takes no `recall`"):
        read_workflow(file)
