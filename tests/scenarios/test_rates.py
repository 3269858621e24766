"""What past runs tell of ways out of failures is read once, told at the start, and changes what is done."""

import json
from bisect import bisect_left
from dataclasses import replace
from pathlib import Path

import pytest

from agents.work import Outcome, SkillFailed, Work
from bus.journal import Journal
from bus.run import RunFolder
from coordinators.fold import Draft
from coordinators.recovery import RATE
from gates.checks import GATES
from protocol import MAX_DOCUMENT_BYTES
from protocol.bodies import (
    Decision,
    ErrorCategory,
    ErrorLevel,
    Plan,
    Setting,
    TaskAssignment,
)
from protocol.encoder import encode
from protocol.errors import SourceError
from protocol.messages import MessageType
from protocol.topics import TECH_LEAD
from scenarios import rates as rating
from scenarios.mission import Mission
from scenarios.rates import MEMORY, RUNS, TRIES, rates, with_rates
from scenarios.rehearsal import Script
from scenarios.start import check_size
from tests.asking import started
from tests.coordinators.play import DONE, Play, Reply, task
from tests.scenarios.plays import rehearse, writes

FEEDBACK, OTHER = f"{RATE}rejected/retry-with-feedback", f"{RATE}rejected/alternative"
PLAN = Plan(tasks=(task("a", attempts=2, alternatives=("@other",)),))


def hopeless(work: Work) -> Outcome:
    raise SkillFailed(ErrorLevel.SPECIALIST, ErrorCategory.VALIDATION, f"no such column in attempt {work.attempt}")


def past_run(folder: Path, name: str, script: Script = hopeless) -> RunFolder:
    """Return a run that was carried out in memory and written to a journal."""
    run = RunFolder(folder / name)
    run.create()
    rehearsed = rehearse(PLAN, {"@worker": script, "@other": writes}, folder / "made", gates=GATES)
    journal = Journal(run.journal)
    journal.append([(entry.topic, entry.document) for entry in rehearsed.entries])
    journal.close()
    return run


def past_runs(folder: Path, count: int = TRIES) -> list[RunFolder]:
    return [past_run(folder, f"run-{number}") for number in range(count)]


def not_a_word(text: str) -> None:
    pytest.fail(text)


def test_a_way_is_told_of_when_it_was_tried_often_enough(tmp_path: Path) -> None:
    past = past_runs(tmp_path)
    assert rates(past[:-1], tmp_path / MEMORY, not_a_word) == ()
    # In each run the first way never helped and the second always did.
    assert rates(past, tmp_path / MEMORY, not_a_word) == ((OTHER, "0.857"), (FEEDBACK, "0.143"))


def asked_in_turn(settings: tuple[tuple[str, str], ...]) -> list[str]:
    """Return who was asked by a coordinator that was told so at the start."""
    asked: list[str] = []

    def reply(draft: Draft, body: TaskAssignment) -> Reply:
        asked.append(draft.recipient)
        return DONE if draft.recipient == "@other" else Reply(Decision.REJECT, reason=f"no, for the {len(asked)}. time")

    told = tuple(Setting(name=name, value=value) for name, value in settings)
    body = TaskAssignment(title="m", skill="run-plan", folder="mission", plan=PLAN, settings=told)
    played = Play(PLAN, reply)
    played.go_on(played.hear(MessageType.TASK_ASSIGNMENT, body, "mission", sender=TECH_LEAD))
    assert played.result.result is not None
    return asked


def test_after_enough_failures_of_one_way_the_coordinator_takes_the_other(tmp_path: Path) -> None:
    assert asked_in_turn(()) == ["@worker", "@worker", "@other"]
    assert asked_in_turn(rates(past_runs(tmp_path), tmp_path / MEMORY, not_a_word)) == ["@worker", "@other"]


def test_what_was_read_is_not_read_again(tmp_path: Path) -> None:
    past, memory = past_runs(tmp_path), tmp_path / MEMORY
    first = rates(past, memory, not_a_word)
    kept = memory.stat().st_mtime_ns
    for run in past:
        for path in run.journal.glob("*.mcap"):
            path.write_bytes(bytes(path.stat().st_size))  # the same size; whoever reads it finds nothing in it
    assert rates(past, memory, not_a_word) == first
    assert memory.stat().st_mtime_ns == kept


def test_a_run_that_has_gone_on_is_read_again(tmp_path: Path) -> None:
    past, memory = past_runs(tmp_path), tmp_path / MEMORY
    rates(past, memory, not_a_word)
    journal = Journal(past[0].journal)
    journal.append([("tech-lead-orchestrator/control", encode(started()))])
    journal.close()
    before = json.loads(memory.read_text())["runs"]
    rates(past, memory, not_a_word)
    after = json.loads(memory.read_text())["runs"]
    assert {name for name in after if after[name] != before[name]} == {"run-0"}


def test_only_so_many_bytes_are_read_at_one_start_the_newest_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    past, memory = past_runs(tmp_path), tmp_path / MEMORY
    size_bytes = sum(path.stat().st_size for path in past[0].journal.glob("*.mcap"))
    monkeypatch.setattr(rating, "READ_BYTES", 3 * size_bytes)
    assert rates(past, memory, not_a_word) == ()
    assert sorted(json.loads(memory.read_text())["runs"]) == ["run-2", "run-3", "run-4"]
    assert len(rates(past, memory, not_a_word)) == 2


def test_only_the_newest_runs_count_and_others_are_forgotten(tmp_path: Path) -> None:
    past, memory = past_runs(tmp_path), tmp_path / MEMORY
    rates(past, memory, not_a_word)
    empty = [RunFolder(tmp_path / f"later-{number}") for number in range(RUNS)]
    assert rates([*past, *empty], memory, not_a_word) == ()
    assert json.loads(memory.read_text())["runs"] == {}


def test_a_run_that_cannot_be_read_costs_one_warning_and_no_more(tmp_path: Path) -> None:
    past, memory = past_runs(tmp_path, TRIES + 1), tmp_path / MEMORY
    [segment] = past[2].journal.glob("*.mcap")
    raw = bytearray(segment.read_bytes())
    raw[len(raw) // 2] ^= 1
    segment.write_bytes(raw)
    words: list[str] = []
    assert len(rates(past, memory, words.append)) == 2
    assert len(rates(past, memory, words.append)) == 2
    [word] = words
    assert "run-2 is left out of what past runs tell" in word


@pytest.mark.parametrize("content", ["", "[]", '{"format": 1, "runs": {"run-0": [1]}}', '{"format": 2}', "\0"])
def test_a_memory_that_is_not_ours_is_made_again(tmp_path: Path, content: str) -> None:
    past, memory = past_runs(tmp_path), tmp_path / MEMORY
    memory.write_text(content)
    assert len(rates(past, memory, not_a_word)) == 2
    assert len(json.loads(memory.read_text())["runs"]) == TRIES


def test_a_folder_that_cannot_be_written_costs_a_word(tmp_path: Path) -> None:
    words: list[str] = []
    assert len(rates(past_runs(tmp_path), tmp_path / "nowhere" / MEMORY, words.append)) == 2
    assert "cannot be written" in words[0]


def test_without_a_past_nothing_is_told_and_nothing_is_written(tmp_path: Path) -> None:
    assert rates([], tmp_path / MEMORY, not_a_word) == ()
    assert not (tmp_path / MEMORY).exists()


def test_a_mission_is_told_behind_its_own_settings(tmp_path: Path) -> None:
    mission = Mission("m", "@coordinator", (), PLAN, settings=(("output", "out"),))
    advised = with_rates(mission, past_runs(tmp_path), tmp_path / MEMORY, not_a_word)
    assert [name for name, _ in advised.settings] == ["output", OTHER, FEEDBACK]


def fits(mission: Mission) -> bool:
    try:
        check_size(mission)
    except SourceError:
        return False
    return True


def as_large_as_can_be(mission: Mission) -> Mission:
    """Return a mission with room for 20 to 70 bytes more: a timestamp may take some more in the next message."""

    def filled(last: int) -> Mission:
        fillers = [(f"filler-{number}", "x" * 65_000) for number in range(MAX_DOCUMENT_BYTES // 65_100)]
        return replace(mission, settings=(*fillers, ("rest", "x" * last)))

    lengths = range(0, 65_000, 50)
    first_too_long = bisect_left(lengths, True, key=lambda length: not fits(filled(length)))
    return filled(lengths[first_too_long] - 70)


def test_a_plan_that_only_just_fits_starts_without_the_advice(tmp_path: Path) -> None:
    full = as_large_as_can_be(Mission("m", "@coordinator", (), PLAN))
    assert fits(full)
    assert with_rates(full, past_runs(tmp_path), tmp_path / MEMORY, not_a_word) == full
