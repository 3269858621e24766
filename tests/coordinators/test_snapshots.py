"""Snapshots: a restart from any of them comes to the same state as one from the start, and needs none of them."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from bus.records import Entry
from coordinators.coordinator import Coordinator
from coordinators.fold import Heard, say
from coordinators.refold import Begun, Refold
from coordinators.rows import PlanState
from coordinators.snapshots import KEPT, Photographer, Snapshot, SnapshotFolder
from protocol.bodies import (
    Alert,
    AlertState,
    Consent,
    Control,
    Decision,
    ErrorCategory,
    ErrorDetails,
    ErrorLevel,
    Pattern,
    Severity,
    Verb,
)
from protocol.encoder import encode
from protocol.messages import MessageType
from protocol.topics import HUMAN, TECH_LEAD, topic_of
from tests.coordinators.play import DONE, Play, Reply, files, group, play, task

BUSY = ErrorDetails(level=ErrorLevel.SPECIALIST, category=ErrorCategory.EXECUTION, message="busy", transient=True)


def eventful() -> Play:
    """A play with groups, rounds, pauses, people, what was left out and a plan that was changed."""
    tries: list[str] = []

    def reply(draft: object, body: object) -> Reply | None:
        name = draft.task  # type: ignore[attr-defined]
        tries.append(name)
        if name == "shaky" and tries.count(name) == 1:
            return Reply(Decision.REJECT, reason="busy", error=BUSY)
        if name == "nice":
            return Reply(Decision.REJECT, reason=f"no {tries.count(name)}")
        return Reply(values={"score": str(len(tries)), "ok": "false"})

    played = play(
        task("a"),
        task("shaky"),
        task("nice", critical=False, attempts=2),
        group("each", Pattern.EACH, "a", inputs=files(4)),
        task("one", within="each"),
        group("again", Pattern.REPEAT, "one", within="each", rounds=2, until="two.ok", best="highest two.score"),
        task("two", within="again"),
        task("deploy", "each", approve=True),
        task("last", "deploy", "shaky", "nice"),
        reply=reply,
        snapshot_every=1,
    )
    played.wake()
    changed = played.plan.model_copy(
        update={
            "tasks": tuple(one.model_copy(update={"title": "b"}) if one.id == "a" else one for one in played.plan.tasks)
        }
    )
    played.go_on(played.hear(MessageType.CONTROL, Control(verb=Verb.SET, plan=changed), "run", sender=HUMAN))
    hot = Alert(code="hot", severity=Severity.CRITICAL, state=AlertState.RAISED, text="55 °C")
    played.hear(MessageType.ALERT, hot, "a", sender="@battery-1")
    played.go_on(played.consent("deploy", Consent.GRANTED))
    assert played.state.is_reported
    return played


def journal_of(heard: Sequence[Heard]) -> list[Entry]:
    """Return a journal: what a coordinator heard, and behind each what it said to that."""
    fold = Coordinator(TECH_LEAD)
    entries: list[Entry] = []
    state = fold.start()
    for one in heard:
        state, spoken = say(fold, state, one, "@lead")
        said = [(message, raw) for message, raw in spoken]
        for message, raw in [(one.message, encode(one.message)), *said]:
            topic = topic_of(message.recipient, message.type.value)
            topic = f"lead/{message.type.value}" if message is one.message else topic
            entries.append(Entry(len(entries) + 1, one.at_ns, topic, raw))
    return entries


def photographed(entries: list[Entry], folder: Path) -> SnapshotFolder:
    """Let a coordinator live through a journal, taking every snapshot that is due."""
    snapshots = SnapshotFolder(folder, Coordinator.version, lambda sequence: entries[sequence - 1])
    photographer, again = Photographer(snapshots), Refold(Coordinator(TECH_LEAD), "@lead")
    at = {entry.document: entry.sequence for entry in entries}
    for entry in entries:
        turn = again.hear(entry)
        if turn is not None:
            photographer.learn(turn.sequence, turn.heard.message)
            said = [encode(message) for message in turn.said]
            photographer.turned(turn.sequence, turn.state, [(at[raw], raw) for raw in said])
    return snapshots


def refolded(entries: list[Entry], after: Snapshot | None) -> Refold[PlanState]:
    begun = Begun(after.state, after.sequence, after.owed) if after else None
    again = Refold(Coordinator(TECH_LEAD), "@lead", begun)
    for entry in entries[again.position :]:
        again.hear(entry)
    return again


def test_from_any_snapshot_it_comes_to_the_same_state_and_owes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("coordinators.snapshots.KEPT", 1_000)
    entries = journal_of(eventful().heard)
    snapshots = photographed(entries, tmp_path)
    whole = refolded(entries, None)
    taken = len(list(tmp_path.glob("*.snapshot")))
    assert taken > 8
    for upto in range(len(entries) + 1):
        again = refolded(entries, snapshots.newest(upto))
        assert again.state == whole.state
        assert again.missing == []


def test_what_was_said_and_stands_behind_a_snapshot_in_the_journal_is_still_owed(tmp_path: Path) -> None:
    entries = journal_of(play(task("a"), task("b", "a"), snapshot_every=1).heard)
    photographed(entries, tmp_path)
    snapshots = SnapshotFolder(tmp_path, Coordinator.version, lambda sequence: entries[sequence - 1])
    first = snapshots.newest(3)
    assert first is not None
    assert len(first.owed) == 1  # the assignment of b
    assert refolded(entries[:3], first).missing  # killed before it was published: said again


def test_only_the_newest_are_kept_and_each_names_the_one_before(tmp_path: Path) -> None:
    entries = journal_of(eventful().heard)
    snapshots = photographed(entries, tmp_path)
    assert len(list(tmp_path.iterdir())) == KEPT
    newest = snapshots.newest(len(entries))
    assert newest is not None
    assert len(newest.parent) == 64


@pytest.mark.parametrize("harm", ["cut", "flipped", "empty", "foreign", "head"])
def test_a_damaged_snapshot_is_passed_over_for_the_one_before(tmp_path: Path, harm: str) -> None:
    entries = journal_of(eventful().heard)
    snapshots = photographed(entries, tmp_path)
    newest, before = sorted(tmp_path.glob("*.snapshot"), reverse=True)[:2]
    raw = newest.read_bytes()
    newest.write_bytes(
        {
            "cut": raw[:-20],
            "flipped": raw[:-9] + bytes([raw[-9] ^ 1]) + raw[-8:],
            "empty": b"",
            "foreign": b"\x89PNG\r\n\x1a\n",
            "head": raw.replace(b'"given_at": 1', b'"given_at": 2'),
        }[harm]
    )
    found = snapshots.newest(len(entries))
    assert found is not None
    assert f"{found.sequence:012}" == before.stem


def test_other_rules_and_another_plan_begin_from_the_start(tmp_path: Path) -> None:
    entries = journal_of(eventful().heard)
    photographed(entries, tmp_path)
    assert SnapshotFolder(tmp_path, "other", lambda sequence: entries[sequence - 1]).newest(9**9) is None
    others = journal_of(play(task("x"), task("y"), task("z")).heard)
    assert SnapshotFolder(tmp_path, Coordinator.version, lambda n: (others * 9)[n - 1]).newest(9**9) is None


def test_a_snapshot_from_beyond_the_journals_end_is_not_used(tmp_path: Path) -> None:
    entries = journal_of(eventful().heard)
    assert photographed(entries, tmp_path).newest(5) is None


@pytest.mark.slow
def test_snapshots_of_another_journals_future_do_not_push_out_our_own(tmp_path: Path) -> None:
    for number in range(3):
        (tmp_path / f"{900_000 + number:012}.snapshot").write_bytes(b"of another run")
    entries = journal_of(eventful().heard)
    assert photographed(entries, tmp_path).newest(len(entries)) is not None


@pytest.mark.slow
def test_of_ten_thousand_tasks_a_snapshot_stays_below_a_megabyte(tmp_path: Path) -> None:
    played = play(
        group("each", Pattern.EACH, inputs=files(3_334)),
        task("one", within="each"),
        task("two", "one", within="each"),
        task("three", "two", within="each"),
        reply=lambda draft, body: DONE,
    )
    one = Entry(1, 1_000, "lead/task-assignment", encode(played.heard[0].message))
    folder = SnapshotFolder(tmp_path, Coordinator.version, lambda sequence: one)
    folder.write(Snapshot(9, played.state, (), 1, 1))
    [path] = tmp_path.iterdir()
    assert path.stat().st_size < 1_000_000
    again = folder.newest(9)
    assert again is not None
    assert again.state == played.state
