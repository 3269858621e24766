"""The workflows of scenarios/patterns do what they say, and any other one of valid parts comes to its end."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agents.skills.own import load_own
from agents.work import Outcome, SkillFailed, Work
from bus.artifacts import ArtifactStore
from coordinators.graph import graph_of
from coordinators.plan import check, tasks_of
from gates.checks import GATES
from protocol.bodies import Approval, Consent, ErrorCategory, ErrorLevel
from protocol.messages import MessageType
from scenarios.compile import plan_mission
from scenarios.forecast import assignments
from scenarios.rehearsal import Orchestra, Rehearsed, Script, Terms
from scenarios.source import Source, read_workflow
from scenarios.workflow import Pattern, Step, Workflow
from tests.cases import ROOT

FOLDER = ROOT / "scenarios" / "patterns"
FILES = sorted(path.stem for path in FOLDER.glob("*.yaml"))
SKILLS = load_own((FOLDER / "skills.py").read_bytes(), "skills.py").skills


def rehearsed(name: str, tmp_path: Path, terms: Terms | None = None, **given: str) -> Rehearsed:
    store = ArtifactStore(tmp_path)
    mission = plan_mission(read_workflow(FOLDER / f"{name}.yaml", given), tmp_path / "out", store)
    specialists = {member.name: SKILLS for member in mission.specialists}
    return Orchestra(mission.plan, specialists, store, terms or Terms(gates=GATES)).carry_out()


def result(ended: Rehearsed, name: str) -> str:
    return next(data for path, data in ended.artifacts.items() if path.endswith(f"/{name}")).decode()


def done(ended: Rehearsed) -> list[str]:
    return [message.task for message in ended.said(MessageType.CLAIM)]


@pytest.mark.parametrize("name", FILES)
def test_each_comes_to_its_end(name: str, tmp_path: Path) -> None:
    ended = rehearsed(name, tmp_path)
    assert ended.is_done
    assert all(len(data) < 4096 for data in ended.artifacts.values())


@pytest.mark.parametrize("name", FILES)
def test_each_shows_its_first_assignments_without_being_done(name: str, tmp_path: Path) -> None:
    mission = plan_mission(read_workflow(FOLDER / f"{name}.yaml"), tmp_path / "out", ArtifactStore(tmp_path))
    graph = graph_of(mission.plan)
    shown = [message.task for message in assignments(mission, graph)]
    assert len(shown) == len(list(tasks_of(mission.plan))) == len(set(shown))


def test_sequential_summarises_what_was_found_and_decided(tmp_path: Path) -> None:
    text = result(rehearsed("sequential", tmp_path), "SUMMARY.md")
    assert "4 ERROR, 12 INFO, 2 WARN." in text
    assert "**inspect**: pack-07" in text
    assert "sample/log/2026-03-04.log:5: pack-11: no answer from cell 1 for 30 s" in text


def test_parallel_joins_three_looks(tmp_path: Path) -> None:
    text = result(rehearsed("parallel", tmp_path), "FINDINGS.md")
    assert "voltage: 2 of 23 readings" in text
    assert "pack-07.csv, cell 3 at 120 s: 46.1 °C, allowed 45.0 °C" in text
    assert "pack-11.csv, cell 1 at 120 s: nothing for 120 s" in text


def broken(work: Work) -> Outcome:
    raise SkillFailed(ErrorLevel.SPECIALIST, ErrorCategory.EXECUTION, "the clock of the readings is wrong")


def test_parallel_goes_on_without_the_look_that_is_not_critical(tmp_path: Path) -> None:
    store = ArtifactStore(tmp_path)
    mission = plan_mission(read_workflow(FOLDER / "parallel.yaml"), tmp_path / "out", store)
    nobody: Mapping[str, Script] = {**SKILLS, "find-gaps": broken}
    ended = Orchestra(
        mission.plan, {"@gap-finder": nobody, "@skill-runner": nobody}, store, Terms(gates=GATES)
    ).carry_out()
    assert ended.is_done
    assert "gaps" not in result(ended, "FINDINGS.md")
    assert {message.sender for message in ended.said(MessageType.CLAIM, task="gaps")} == {
        "@gap-finder",
        "@skill-runner",
    }


def test_conditional_notes_or_asks_before_it_orders(tmp_path: Path) -> None:
    assert "Looked at: spread.json." in result(rehearsed("conditional", tmp_path), "NOTE.md")
    terms = Terms(gates=GATES, person=lambda asked: Approval(subject=asked.task, decision=Consent.GRANTED, reason=""))
    ended = rehearsed("conditional", tmp_path, terms, allowed_mv="20")
    assert "pack-07.csv: they differ by 24 mV" in result(ended, "ORDER.md")
    assert [message.task for message in ended.said(MessageType.APPROVAL)] == ["order", "order"]


def test_iterative_stops_when_it_is_short_enough_and_else_keeps_the_shortest(tmp_path: Path) -> None:
    ended = rehearsed("iterative", tmp_path)
    assert done(ended) == ["cut#1", "review#1", "cut#2", "review#2", "cut#3", "review#3"]
    assert len(result(ended, "note.txt").split()) == 56
    never = rehearsed("iterative", tmp_path, words="1")
    assert done(never)[-1] == "review#5"
    assert len(result(never, "note.txt").split()) < 56


def test_pipeline_takes_every_file_through_all_stages(tmp_path: Path) -> None:
    ended = rehearsed("pipeline", tmp_path)
    stages = {f"{stage}#{item}" for stage in ("parse", "check", "tell") for item in (1, 2, 3)}
    assert set(done(ended)) == {*stages, "join"}
    assert result(ended, "REPORT.md").count("# Findings") == 3


def test_nested_puts_the_shortened_note_above_the_findings(tmp_path: Path) -> None:
    text = result(rehearsed("nested", tmp_path), "REPORT.md")
    assert text.startswith("Pack 7 paused its charging")
    assert text.count("# Findings") == 3


def make(work: Work) -> Outcome:
    """Make a file, and values that differ by attempt and round."""
    number = int(work.setting("round", "1"))
    product = work.write("made.txt", work.task.encode(), "text/plain")
    return Outcome("made", (product,), values={"n": number, "ok": number > 1})


class Made:
    """Draws a workflow of valid parts. reach: which steps a new one may need."""

    def __init__(self, draw: Any) -> None:
        self.draw, self.count = draw, 0

    def steps(self, depth: int, reach: tuple[str, ...]) -> list[Step]:
        made: list[Step] = []
        for _ in range(self.draw(st.integers(1, 3))):
            made.append(self.step(depth, (*reach, *(step.id for step in made))))
        return made

    def step(self, depth: int, reach: tuple[str, ...]) -> Step:
        self.count += 1
        shared: dict[str, Any] = {"id": f"s{self.count}"}
        if self.draw(st.booleans()):
            shared["needs"] = self.draw(st.lists(st.sampled_from(reach), unique=True, max_size=2)) if reach else []
        if reach and self.draw(st.integers(0, 3)) == 0:
            shared["when"] = self.condition(reach)
        kinds = [None, *Pattern] if depth and self.count < 12 else [None]
        pattern = self.draw(st.sampled_from([kind for kind in kinds if reach or kind is not Pattern.CONDITIONAL]))
        return Step(**shared, **self.keys(pattern, depth - 1, reach))

    def condition(self, reach: tuple[str, ...]) -> str:
        return (
            f"{self.draw(st.sampled_from(reach))}.{self.draw(st.sampled_from(['n > 0', 'n > 1', 'ok', 'no exists']))}"
        )

    def keys(self, pattern: Pattern | None, depth: int, reach: tuple[str, ...]) -> dict[str, Any]:
        draw = self.draw
        if pattern is None:
            gates = draw(st.sampled_from([[], ["n > 0"], ["n exists", "not none"]]))
            return {"skill": "make", "gates": gates, "outputs": ["made.txt"], "critical": draw(st.booleans())}
        if pattern is Pattern.CONDITIONAL:
            branches = {"then": self.steps(depth, reach), "otherwise_steps": self.steps(depth, reach)}
            return {"pattern": pattern, "condition": self.condition(reach), **branches}
        parts = self.steps(depth, reach)
        keys: dict[str, Any] = {"pattern": pattern, "steps": parts}
        if pattern is Pattern.ITERATIVE:
            keys |= {"rounds": draw(st.integers(1, 3)), "best": f"highest {parts[-1].id}.n"}
            keys |= {"until": f"{parts[-1].id}.ok"} if draw(st.booleans()) else {}
        elif pattern in (Pattern.PARALLEL, Pattern.PIPELINE) and draw(st.booleans()):
            keys |= {"items": "in/*.txt", "batch": draw(st.integers(1, 2))}
        return keys


@st.composite
def workflows(draw: Any) -> Workflow:
    order = draw(st.sampled_from(["sequential", "parallel"]))
    return Workflow(workflow="any", pattern=order, skills="skills.py", steps=Made(draw).steps(2, ()))


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
)
@given(workflows())
def test_any_workflow_of_valid_parts_is_a_good_plan_and_comes_to_its_end(tmp_path: Path, workflow: Workflow) -> None:
    (tmp_path / "in").mkdir(exist_ok=True)
    for name in ("a.txt", "b.txt"):
        (tmp_path / "in" / name).write_text(name)
    (tmp_path / "skills.py").write_text("def make(work): ...\n")
    store = ArtifactStore(tmp_path / "store")
    mission = plan_mission(Source(workflow, tmp_path), tmp_path / "out", store)
    check(mission.plan)
    assert Orchestra(mission.plan, {"@skill-runner": make}, store, Terms(gates=GATES)).carry_out().is_done
