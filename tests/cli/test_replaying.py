"""`orchestra replay` on recordings: what it prints, its exit codes, its JSON."""

import json
from pathlib import Path

import pytest

from bus.records import Entry
from cli.main import main
from scenarios.recording import write_recording
from scenarios.rehearsal import Rehearsed
from tests.scenarios.plays import diamond, rehearse, writes


@pytest.fixture
def rehearsed(tmp_path: Path) -> Rehearsed:
    return rehearse(diamond(2), {"@worker": writes}, tmp_path)


def recorded(folder: Path, entries: list[Entry]) -> str:
    path = folder / "a.recording"
    write_recording(path, lambda: entries, run="r", scenario="diamond")
    return str(path)


def replay(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as left:
        main(["replay", *arguments])
    printed = capsys.readouterr()
    return int(left.value.code or 0), printed.out, printed.err


def changed(entries: tuple[Entry, ...]) -> tuple[list[Entry], int]:
    """Return entries of which the coordinator's first assignment has another title, and its sequence."""
    marks = (b"<title>left/1<", b"<skill>write<")
    found = next(entry for entry in entries if all(mark in entry.document for mark in marks))
    other = found._replace(document=found.document.replace(b"<title>left/1<", b"<title>left/one<"))
    return [other if entry is found else entry for entry in entries], found.sequence


def test_a_recording_replays_without_its_run(
    rehearsed: Rehearsed, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = recorded(tmp_path, list(rehearsed.entries))
    code, said, _ = replay(capsys, path, "--json")
    rows = [json.loads(line) for line in said.splitlines()]
    assert (code, [row["not_sent"] for row in rows]) == (0, [0, 0])
    assert replay(capsys, path.removesuffix(".recording"), "--json")[1] == said


def test_until_stops_at_an_entry(rehearsed: Rehearsed, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = recorded(tmp_path, list(rehearsed.entries))
    code, said, _ = replay(capsys, path, "--until", "7")
    assert code == 0
    assert "@tech-lead-orchestrator: 1 messages, all the same" in said
    assert "more after that entry" in said


def test_at_a_pace_each_message_is_shown(
    rehearsed: Rehearsed, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, said, _ = replay(capsys, recorded(tmp_path, list(rehearsed.entries)), "--speed", "1000")
    shown = [line for line in said.splitlines() if " same  " in line]
    ours = [one for one in rehearsed.messages if one.sender in ("@tech-lead-orchestrator", "@coordinator")]
    assert (code, len(shown)) == (0, len(ours))


def test_the_first_difference_is_shown_and_the_code_is_1(
    rehearsed: Rehearsed, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    entries, sequence = changed(rehearsed.entries)
    code, said, complained = replay(capsys, recorded(tmp_path, entries))
    assert (code, said) == (1, "")
    assert complained.startswith(f"Entry {sequence}: @coordinator, on hearing entry ")
    assert "-      <title>left/one</title>" in complained
    assert "+      <title>left/1</title>" in complained


def test_a_difference_is_one_json_object(
    rehearsed: Rehearsed, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    entries, sequence = changed(rehearsed.entries)
    code, said, _ = replay(capsys, recorded(tmp_path, entries), "--json")
    facts = json.loads(said)
    assert (code, list(facts)) == (1, ["agent", "sequence", "cause", "reason", "diff"])
    assert (facts["agent"], facts["sequence"]) == ("@coordinator", sequence)


def test_what_is_neither_run_nor_recording_is_wrong_input(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "notes.txt").write_text("hello")
    assert replay(capsys, str(tmp_path / "notes.txt"))[0] == 2
    assert replay(capsys, str(tmp_path / "nothing"))[0] == 2
