"""What `orchestra memory` shows and removes, and what it says when it cannot."""

import json
from pathlib import Path

import pytest

from agents.memory import Kind, Learned, Memory, Source
from cli.main import main
from cli.runs import project_memory
from cli.settings import load


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "cells").mkdir()
    monkeypatch.chdir(tmp_path / "cells")
    monkeypatch.delenv("ORCHESTRA_MEMORY", raising=False)


def orchestra(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    with pytest.raises(SystemExit) as left:
        main(("memory", *arguments))
    said = capsys.readouterr()
    return int(left.value.code or 0), said.out + said.err


def memory() -> Memory:
    found = project_memory(load())
    assert found is not None
    return found


@pytest.fixture
def known() -> Memory:
    kept = memory()
    for number, (key, value) in enumerate([("limit", "3.6 V"), ("limit", "3.65\x1b[2J V"), ("mass", "70 g")], 1):
        source = Source(run="run-1", task="t", agent="@worker", message=f"v-{number}", sequence=9, recorded_ns=number)
        kept.learn([Learned(Kind.FACT, f"memory.{key}", key, value, source)])
    return kept


def test_the_memory_lies_with_the_runs_under_the_name_of_their_folder(tmp_path: Path) -> None:
    assert (memory().path, memory().project) == (tmp_path / "cells/runs/memory.db", "cells")
    Path("orchestra.toml").write_text('memory = "elsewhere.db"\nproject = "packs"\n')
    assert (memory().path, memory().project) == (tmp_path / "cells/elsewhere.db", "packs")


def test_off_remembers_nothing_and_the_command_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ORCHESTRA_MEMORY", "off")
    code, said = orchestra(capsys, "list")
    assert code == 2
    assert "`memory` is off" in said


def test_an_empty_memory_is_shown_as_such(capsys: pytest.CaptureFixture[str]) -> None:
    assert orchestra(capsys, "list") == (0, "nothing is known\n")
    assert orchestra(capsys, "forget", "--all") == (0, "nothing to forget\n")


def test_the_list_shows_source_age_count_and_contradictions(known: Memory, capsys: pytest.CaptureFixture[str]) -> None:
    code, said = orchestra(capsys, "list")
    assert code == 0
    assert "run-1 t @worker #9" in said
    assert "1, 2 contradict each other" in said
    assert "\x1b" not in said
    code, said = orchestra(capsys, "list", "limit", "--json")
    rows = [json.loads(line) for line in said.splitlines()]
    rows.sort(key=lambda row: -row["id"])
    assert [row["id"] for row in rows] == [2, 1]
    assert {"project": "cells", "kind": "fact", "key": "limit", "count": 1, "contradicts": [1]}.items() <= rows[
        0
    ].items()
    assert orchestra(capsys, "list", "--project", "packs") == (0, "nothing is known\n")


def test_forgetting_says_what_it_removed(known: Memory, capsys: pytest.CaptureFixture[str]) -> None:
    assert orchestra(capsys, "forget", "1") == (0, "forgotten: 1 cells limit: 3.6 V\n")
    code, said = orchestra(capsys, "forget", "1")
    assert code == 2
    assert "there is no fact 1" in said
    code, said = orchestra(capsys, "forget", "--older-than", "90d", "--json")
    assert [json.loads(line)["key"] for line in said.splitlines()] == ["limit", "mass"]
    assert known.listed() == ()


@pytest.mark.parametrize("given", [(), ("1", "--all"), ("--all", "--older-than", "2d"), ("--older-than", "soon")])
def test_what_to_forget_has_to_be_said_once(
    given: tuple[str, ...], known: Memory, capsys: pytest.CaptureFixture[str]
) -> None:
    code, _ = orchestra(capsys, "forget", *given)
    assert code == 2
    assert len(known.listed()) == 3
