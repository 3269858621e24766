"""`orchestra agents` and the options about agents of other commands, as scripts and people see them."""

import json
from pathlib import Path
from typing import Any

import pytest

from agents.definitions.definition import Tier, cast, catalogue
from cli.main import main
from protocol.decoder import decode
from tests.agents.folders import named, write_awkward


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def orchestra(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> tuple[int, str, str]:
    code = 0
    try:
        main([str(argument) for argument in arguments])
    except SystemExit as left:
        code = int(left.code or 0)
    said = capsys.readouterr()
    return code, said.out, said.err


def rows(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> list[dict[str, Any]]:
    code, said, _ = orchestra(capsys, *arguments, "--json")
    assert code == 0
    return [json.loads(line) for line in said.splitlines()]


def folder(tmp_path: Path, *agents: str) -> Path:
    (made := tmp_path / "mine").mkdir()
    for name in agents:
        (made / f"{name}.md").write_text(named(name, "team: crew", "model: opus"), encoding="utf-8")
    return made


def test_the_cast_is_listed_and_with_all_the_house_too(capsys: pytest.CaptureFixture[str]) -> None:
    listed = rows(capsys, "agents", "list")
    assert {row["name"] for row in listed} == cast().keys()
    everybody = rows(capsys, "agents", "list", "--all")
    assert {row["name"] for row in everybody} == catalogue().keys()
    assert {"name", "tier", "model", "team", "skills"} <= everybody[0].keys()
    tiers = [[tier.value for tier in Tier].index(row["tier"]) for row in everybody]
    assert tiers == sorted(tiers)


def test_agents_of_a_folder_are_listed_beside_them(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    mine = folder(tmp_path, "scout", "pilot")
    listed = rows(capsys, "agents", "list", "--team", "crew", "--catalogue", mine)
    assert [(row["name"], row["model"], row["file"]) for row in listed] == [
        (name, "opus", str(mine / f"{name}.md")) for name in ("pilot", "scout")
    ]
    code, said, _ = orchestra(capsys, "agents", "list", "--tier", "routine", "--team", "crew", "--catalogue", mine)
    assert (code, said.splitlines()[0].strip()) == (0, "2 agents")
    assert rows(capsys, "agents", "list", "--tier", "strategic", "--team", "crew", "--catalogue", mine) == []


def test_what_is_not_there_is_told_with_what_is(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, _, told = orchestra(capsys, "agents", "list", "--team", "qualty")
    assert (code, told) == (2, "error: there is no team 'qualty'; did you mean quality?\n")
    code, _, told = orchestra(capsys, "agents", "show", "fact-extracter")
    assert (code, told) == (2, "error: there is no agent 'fact-extracter'; did you mean fact-extractor?\n")
    code, _, told = orchestra(capsys, "agents", "list", "--catalogue", "gone")
    assert (code, told) == (2, "error: --catalogue gone is no folder; name one with agent definitions (*.md)\n")


def test_one_agent_is_shown_with_its_role_its_leader_and_its_file(capsys: pytest.CaptureFixture[str]) -> None:
    definition = catalogue()["code-reviewer"]
    code, said, _ = orchestra(capsys, "agents", "show", "@code-reviewer")
    assert code == 0
    assert definition.role in said
    assert definition.path in said
    code, said, _ = orchestra(capsys, "agents", "show", "code-reviewer", "--json")
    told = json.loads(said)
    assert (told["name"], told["role"], told["takes_part_as"]) == ("code-reviewer", definition.role, "specialist")
    assert told["answers_to"].endswith("coordinator")


def test_what_a_file_says_moves_no_cursor(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (mine := tmp_path / "mine").mkdir()
    text = named("bad", "'\x9b2Jkey': 1", body="\n\x9b31m red [bold]x[/bold] \u202e\n")
    (mine / "bad\n.md").write_text(text, encoding="utf-8")
    commands: list[list[str | Path]]
    commands = [["show", "bad", "--catalogue", mine], ["check", mine], ["list", "--catalogue", mine]]
    for words in commands:
        for more in ([], ["--json"]):
            _, said, told = orchestra(capsys, "agents", *words, *more)
            assert not {"\x9b", "\u202e"} & {*said, *told}
    _, said, _ = orchestra(capsys, "agents", "check", mine)
    assert all(line.startswith(str(mine)) for line in said.splitlines())


@pytest.mark.slow
def test_a_folder_with_errors_is_told_line_by_line_and_leaves_with_1(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (bad := tmp_path / "bad").mkdir()
    code, said, _ = orchestra(capsys, "agents", "check", write_awkward(bad))
    *lines, summary = said.splitlines()
    assert code == 1
    assert f"{bad}/never-closed.md:1: error: the front matter is never closed; add a line with ---" in lines
    assert summary.startswith(f"{bad}: 31 agents can be used; ")
    code, said, _ = orchestra(capsys, "agents", "check", bad, "--json")
    found = [json.loads(line) for line in said.splitlines()]
    assert code == 1
    assert len(found) == len(lines)
    assert found[0].keys() == {"file", "line", "level", "what", "way_out"}


def test_a_good_folder_leaves_with_0_and_none_at_all_with_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    mine = folder(tmp_path, "scout")
    code, said, _ = orchestra(capsys, "agents", "check", mine)
    assert (code, said) == (0, f"{mine}: 1 agent can be used; 0 errors, 0 warnings, 0 notes\n")
    code, said, told = orchestra(capsys, "agents", "check", tmp_path / "gone")
    assert (code, said) == (2, "")
    assert "is neither a folder nor a file" in told


def test_a_template_can_be_that_of_an_agent(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    mine = folder(tmp_path, "scout")
    code, said, _ = orchestra(capsys, "template", "claim", "--agent", "@scout", "--catalogue", mine)
    assert (code, decode(said.encode()).sender) == (0, "@scout")
    code, said, told = orchestra(capsys, "template", "verdict", "--agent", "fact-extractor")
    assert (code, said) == (2, "")
    assert told.startswith("error: @fact-extractor may neither send nor get verdict; it sends: task-completion, ")
    assert orchestra(capsys, "template", "verdict")[0] == 0


def test_a_workflow_can_be_checked_with_somebody_elses_agents(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mine = folder(tmp_path, "scout")
    (mine / "NOTES.md").write_text("# Notes\n")
    (tmp_path / "s.py").write_text("def look(work): ...\n")
    (mine / "scout.md").write_text(named("scout", "skills: look"))
    (tmp_path / "w.yaml").write_text("workflow: w\nskills: s.py\nsteps: [{id: x, agent: scout}]\n")
    assert orchestra(capsys, "workflow", "check", "w.yaml")[0] == 2
    for command in (["check"], ["show"], ["plan"]):
        code, said, told = orchestra(capsys, "workflow", *command, "w.yaml", "--catalogue", "mine")
        assert code == 0
        assert "scout" in said
        assert told.startswith("note: left out: mine/NOTES.md:1: begins with '# Notes'; put front matter between")


def test_a_conversation_that_goes_on_takes_no_other_agents(capsys: pytest.CaptureFixture[str]) -> None:
    code, _, told = orchestra(capsys, "chat", "--run", "last", "--catalogue", ".")
    assert code == 2
    assert "give --catalogue or --run, not both" in told
