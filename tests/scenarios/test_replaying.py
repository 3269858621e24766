"""Replaying whole journals: all coordinators at once, in the one order that there is."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from bus.artifacts import ArtifactStore
from bus.records import Entry
from coordinators.shell import fold_of
from protocol.errors import ReplayDifference, SourceError
from protocol.messages import MessageType
from protocol.topics import TECH_LEAD
from scenarios.rehearsal import COORDINATOR, Rehearsed
from scenarios.replaying import Replayed, coordinators_of, replay, turns
from tests.scenarios.plays import Shouting, diamond, rehearse, writes


@pytest.fixture
def rehearsed(tmp_path: Path) -> Rehearsed:
    return rehearse(diamond(4), {"@worker": writes}, tmp_path)


def replayed(entries: Sequence[Entry]) -> list[Replayed]:
    return replay(lambda: entries)


def test_all_coordinators_are_found_and_say_the_same(rehearsed: Rehearsed) -> None:
    assert coordinators_of(rehearsed.entries) == (TECH_LEAD, COORDINATOR)
    rows = replayed(rehearsed.entries)
    assert [(row.agent, row.not_sent) for row in rows] == [(TECH_LEAD, 0), (COORDINATOR, 0)]
    assert sum(row.same for row in rows) == len(
        [one for one in rehearsed.messages if one.sender in (TECH_LEAD, COORDINATOR)]
    )


@pytest.mark.parametrize("seed", range(5))
def test_branches_in_whatever_order_they_went_replay_in_that_order(tmp_path: Path, seed: int) -> None:
    rehearsed = rehearse(diamond(4), {"@worker": writes, "@other": writes}, tmp_path, seed=seed)
    assert rehearsed.is_done
    assert {row.not_sent for row in replayed(rehearsed.entries)} == {0}


def test_branches_fed_in_another_order_than_they_went_are_noticed(rehearsed: Rehearsed) -> None:
    entries = list(rehearsed.entries)
    first, second = (
        next(n for n, entry in enumerate(entries) if _is_verdict_on(entry, task)) for task in ("left/1", "left/2")
    )
    entries[first], entries[second] = entries[second], entries[first]
    with pytest.raises(ReplayDifference, match="on hearing"):
        replayed(entries)


def _is_verdict_on(entry: Entry, task: str) -> bool:
    return entry.topic.endswith("/verdict") and f"<task-id>{task}</task-id>".encode() in entry.document


def test_other_rules_are_noticed_at_the_first_message_that_they_change(rehearsed: Rehearsed) -> None:
    with pytest.raises(ReplayDifference) as difference:
        replay(lambda: rehearsed.entries, {COORDINATOR: Shouting(fold_of(COORDINATOR))})
    first = next(e for e in rehearsed.entries if f"<sender>{COORDINATOR}</sender>".encode() in e.document)
    assert difference.value.sequence == first.sequence
    heard = f"entry {first.sequence - 1}, a task-assignment from {TECH_LEAD} about task mission"
    assert difference.value.cause == heard
    assert "+  <priority>critical</priority>" in difference.value.diff


def test_a_journal_that_ends_anywhere_replays_up_to_there(rehearsed: Rehearsed) -> None:
    for end in range(4, len(rehearsed.entries)):
        replay(lambda: rehearsed.entries, upto=end)


def test_one_coordinator_can_be_followed_step_by_step(rehearsed: Rehearsed) -> None:
    steps = list(turns(rehearsed.entries, COORDINATOR))
    assert [step.sequence for step in steps] == sorted(step.sequence for step in steps)
    begun = next(step for step in steps if step.heard.message.type is MessageType.TASK_ASSIGNMENT)
    assert [one.task for one in begun.said] == ["left/1", "left/2", "left/3", "left/4"]
    assert [one.type for one in steps[-1].said] in ([MessageType.TASK_COMPLETION], [])


def test_where_nobody_was_introduced_there_is_nobody_to_replay() -> None:
    with pytest.raises(SourceError, match="nobody to replay"):
        replayed([])


def test_a_store_is_not_needed_to_replay(rehearsed: Rehearsed, tmp_path: Path) -> None:
    for path in (tmp_path / "store").rglob("*"):
        if path.is_file():
            path.unlink()
    assert isinstance(rehearsed.store, ArtifactStore)
    assert replayed(rehearsed.entries)
