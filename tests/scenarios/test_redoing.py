"""Specialists given their recorded assignments again: the same results, or what is different about them."""

from pathlib import Path

import pytest

from agents.work import Outcome, Work
from bus.artifacts import ArtifactStore
from protocol.bodies import File, Plan, PlannedTask
from protocol.errors import DefinitionError, SourceError
from scenarios.redoing import answered, redo
from scenarios.rehearsal import Died, Rehearsed
from tests.scenarios.plays import rehearse


def copies(work: Work) -> Outcome:
    data = work.step("copy", b"copy it", lambda: work.read(work.assignment.inputs[0]), "text/plain")
    return Outcome("copied", (work.write("copy.txt", data, "text/plain"),), values={"bytes": len(data)})


def upper(work: Work) -> Outcome:
    data = work.read(work.assignment.inputs[0]).upper()
    return Outcome("copied", (work.write("copy.txt", data, "text/plain"),), values={"bytes": len(data) + 1})


def plan_of(source: File) -> Plan:
    return Plan(tasks=(PlannedTask(id="a", agent="@worker", skill="copy", title="a", inputs=(source,)),))


@pytest.fixture
def copied(tmp_path: Path) -> Rehearsed:
    source = ArtifactStore(tmp_path / "store").put(b"one\ntwo\n", path="a.txt", media_type="text/plain")
    return rehearse(plan_of(source), {"@worker": copies}, tmp_path)


def test_the_same_skill_gives_the_same_result(copied: Rehearsed) -> None:
    [row] = redo(copied.entries, "@worker", copied.store, {"copy": copies})
    assert (row.task, row.attempt, row.differences) == ("a", 1, ())
    assert row.now.result is not None
    assert row.recorded.result is not None
    assert row.now.result.artifacts == row.recorded.result.artifacts


def test_another_skill_is_shown_with_the_lines_it_writes_otherwise(copied: Rehearsed) -> None:
    [row] = redo(copied.entries, "@worker", copied.store, {"copy": upper})
    values, artifact = row.differences
    assert values == "values: recorded {'bytes': '8'}, now {'bytes': '9'}"
    assert artifact.startswith("artifact mission/a/copy.txt is another\n--- as recorded")
    assert "-one\n-two\n+ONE\n+TWO" in artifact


def test_a_skill_that_breaks_now_is_a_difference(copied: Rehearsed) -> None:
    def breaks(work: Work) -> Outcome:
        raise ValueError("no more")

    [row] = redo(copied.entries, "@worker", copied.store, {"copy": breaks})
    assert "action: recorded 'completed', now 'blocked'" in row.differences
    assert "artifact mission/a/copy.txt is not made any more" in row.differences


def test_without_the_artifacts_it_says_how_to_record_them(copied: Rehearsed, tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="is not in the store; record the run with --with-artifacts"):
        list(redo(copied.entries, "@worker", ArtifactStore(tmp_path / "empty"), {"copy": copies}))


def test_an_attempt_that_nobody_finished_is_left_out_and_its_steps_are_reused(tmp_path: Path) -> None:
    source = ArtifactStore(tmp_path / "store").put(b"one\n", path="a.txt", media_type="text/plain")
    made = []

    def dies_once(work: Work) -> Outcome:
        work.step("costly", b"request", lambda: made.append(1) or b"made", "text/plain")  # type: ignore[func-returns-value]
        if work.attempt == 1:
            raise Died
        return Outcome("done", (work.write("a.txt", b"made", "text/plain"),))

    rehearsed = rehearse(plan_of(source), {"@worker": dies_once}, tmp_path)
    [row] = redo(rehearsed.entries, "@worker", rehearsed.store, {"copy": dies_once})
    assert (row.attempt, row.differences) == (2, ())
    assert made == [1]


def test_an_agent_without_a_definition_needs_its_skills_given(copied: Rehearsed) -> None:
    with pytest.raises(DefinitionError, match="give the skills of @worker yourself"):
        list(redo(copied.entries, "@worker", copied.store))


def test_only_specialists_with_skills_of_ours_are_named_for_redoing(copied: Rehearsed) -> None:
    assert answered(copied.entries) == ()
