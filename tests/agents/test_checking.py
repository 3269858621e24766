"""Checking folders of agents: whatever stands in them, each file is told of with its line, and nothing breaks."""

import os
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.definitions.checking import Checked, check
from agents.definitions.definition import Tier, catalogue, load_folder, parse, read_folder, read_text
from agents.definitions.findings import Level
from protocol.errors import DefinitionError, SourceError
from tests.agents.folders import AWKWARD, CLAUDE, USABLE, named, write_awkward


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_awkward(tmp_path_factory.mktemp("agents"))


@pytest.fixture(scope="module")
def checked(folder: Path) -> Checked:
    return check(folder)


@pytest.mark.parametrize("name", [name for name, (_, level, *_) in AWKWARD.items() if level])
def test_what_is_odd_is_told_with_file_line_and_way_out(name: str, folder: Path, checked: Checked) -> None:
    _, level, line, words = AWKWARD[name]
    told = [str(finding) for finding in checked.findings if finding.path == str(folder / name)]
    assert any(one.startswith(f"{folder / name}:{line}: {level}: ") and words in one for one in told), told


@pytest.mark.parametrize("name", [name for name, (_, level, *_) in AWKWARD.items() if not level])
def test_what_is_as_it_should_be_or_no_agent_is_not_told_of(name: str, folder: Path, checked: Checked) -> None:
    assert not [finding for finding in checked.findings if finding.path == str(folder / name)]


def test_whatever_something_sensible_can_be_made_of_can_be_used(folder: Path, checked: Checked) -> None:
    assert read_folder(folder).definitions.keys() == USABLE
    assert checked.agents == len(USABLE)
    assert not checked.is_good
    assert not (Path.cwd() / "pwned").exists()


@pytest.mark.parametrize(
    ("name", "level", "words"),
    [
        ("nested/up-again", Level.NOTE, "leads to a folder that was read already"),
        ("late-again.md", Level.NOTE, "leads to a file that was read already"),
        ("itself.md", Level.ERROR, "cannot be read"),
        ("nowhere.md", Level.ERROR, "a link that leads nowhere"),
        ("pipe.md", Level.ERROR, "not a regular file"),
    ],
)
def test_what_is_no_ordinary_file_is_told_of_and_not_opened(
    name: str, level: Level, words: str, folder: Path, checked: Checked
) -> None:
    told = [(finding.level, finding.text) for finding in checked.findings if finding.path == str(folder / name)]
    assert [(found, words in text) for found, text in told] == [(level, True)]


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is closed to root")
def test_what_may_not_be_read_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "locked.md").write_text(named("locked"))
    (tmp_path / "locked.md").chmod(0)
    (tmp_path / "closed").mkdir(0)
    try:
        assert [finding.is_error for finding in check(tmp_path).findings] == [True, True]
    finally:
        (tmp_path / "closed").chmod(0o700)


def test_two_files_of_one_name_are_an_error_that_names_both_and_neither_is_used(tmp_path: Path) -> None:
    for name in ("a.md", "b.md"):
        (tmp_path / name).write_text(named("same"))
    read = read_folder(tmp_path)
    assert read.definitions == {}
    assert str(tmp_path / "a.md") in read.left_out["same"].complaint
    assert read.left_out["same"].path == str(tmp_path / "b.md")


def test_a_file_that_cannot_be_used_takes_no_other_one_with_it(tmp_path: Path) -> None:
    for name, text in (("a/scout.md", named("scout")), ("b/scout.md", "# Notes")):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_text(text)
    read = read_folder(tmp_path)
    assert (list(read.definitions), dict(read.left_out)) == (["scout"], {})
    assert [finding.path for finding in read.findings] == [str(tmp_path / "b" / "scout.md")]


def test_what_is_met_by_a_link_first_is_read_under_the_name_that_is_no_link(tmp_path: Path) -> None:
    (there := tmp_path / "there").mkdir()
    (there / "scout.md").write_text(named("scout"))
    (tmp_path / "here").symlink_to(there)
    (tmp_path / "another.md").symlink_to(there / "scout.md")
    checked = check(tmp_path)
    assert [finding.path for finding in checked.findings] == [str(tmp_path / "another.md"), str(tmp_path / "here")]
    assert read_folder(tmp_path).definitions["scout"].path == str(there / "scout.md")


def test_folders_may_be_nested_deeper_than_calls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    depth = sys.getrecursionlimit() + 100
    for _ in range(depth):
        Path("a").mkdir()
        monkeypatch.chdir("a")
    Path("scout.md").write_text(named("scout"))
    monkeypatch.chdir(tmp_path)
    try:
        assert read_folder(Path("a")).definitions.keys() == {"scout"}
    finally:  # who clears the folders of tests away cannot go as deep
        Path("a/" * depth, "scout.md").unlink()
        os.removedirs("a/" * depth)


def test_a_team_with_two_leaders_is_told(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / f"{name}.md").write_text(named(name, "leads: data"))
    [finding] = check(tmp_path).findings
    assert (finding.level, finding.path, finding.line) == (Level.WARNING, str(tmp_path / "b.md"), 5)
    assert "data is led by a too" in finding.what


def test_one_file_can_be_checked_alone_and_a_path_to_nothing_is_refused(folder: Path) -> None:
    assert check(folder / "windows.md").is_good
    assert not check(folder / "empty.md").is_good
    for nothing in (folder / "gone", folder / ("x" * 5_000)):
        with pytest.raises(SourceError, match="neither a folder nor a file"):
            check(nothing)


def test_what_ships_has_no_errors_and_nothing_odd_but_skills_that_need_a_model() -> None:
    checked = check(Path(os.path.commonpath([one.path for one in catalogue().values()])))
    assert checked.is_good
    assert checked.agents == len(catalogue())
    assert [str(one) for one in checked.findings if "no deterministic skill" not in one.what] == []


def test_a_file_as_other_programs_write_it_is_read_as_it_is_meant() -> None:
    definition = parse(CLAUDE, "x.md")
    assert definition.description.startswith("Use this agent when code is ready. Examples: <example>")
    assert definition.description.endswith('user: "please"')
    assert definition.tools == ("Bash(git add:*, git commit:*)", "Read", "mcp__github__get_issue")
    assert (definition.model, definition.tier, definition.unknown) == ("sonnet", Tier.IMPLEMENTATION, ("color",))


@pytest.mark.parametrize(
    ("tools", "expected"),
    [
        ("Read, Write", ("Read", "Write")),
        ("Read Write", ("Read", "Write")),
        ("[Read, Write, Read]", ("Read", "Write")),
        ("\n  - Read\n  - 'Write, Edit'", ("Read", "Write", "Edit")),
        ("Bash(git log:*, git diff:*), Read", ("Bash(git log:*, git diff:*)", "Read")),
        ("", ()),
        ("'*'", ("*",)),
        ("~", ()),
        ("no", ("no",)),
    ],
)
def test_tools_are_read_as_a_list_or_as_a_text(tools: str, expected: tuple[str, ...]) -> None:
    assert parse(named("a", f"tools: {tools}"), "x.md").tools == expected


@pytest.mark.parametrize(
    ("model", "kept", "tier"),
    [
        ("opus", "opus", Tier.STRATEGIC),
        ("Sonnet", "sonnet", Tier.IMPLEMENTATION),
        ("haiku", "haiku", Tier.ROUTINE),
        ("inherit", "inherit", Tier.IMPLEMENTATION),
        ("none", "none", Tier.IMPLEMENTATION),
        ("", "inherit", Tier.IMPLEMENTATION),
        ("sonnet[1m]", "sonnet", Tier.IMPLEMENTATION),
        ("claude-haiku-4-5-20251001", "claude-haiku-4-5-20251001", Tier.ROUTINE),
        ("anthropic/claude-opus-4", "anthropic/claude-opus-4", Tier.STRATEGIC),
        ("gpt-9", "gpt-9", Tier.IMPLEMENTATION),
    ],
)
def test_a_missing_tier_follows_from_the_model(model: str, kept: str, tier: Tier) -> None:
    definition = parse(f"---\nname: a\ndescription: d\nmodel: {model}\n---\n\nYou.\n", "x.md")
    assert (definition.model, definition.tier) == (kept, tier)


def test_what_was_read_once_is_read_the_same_again_from_what_a_journal_keeps(folder: Path) -> None:
    for definition in read_folder(folder).definitions.values():
        again = parse(definition.text, f"{definition.name}.md")
        assert (again.name, again.role, again.skills) == (definition.name, definition.role, definition.skills)


def test_a_workflows_own_folder_has_to_be_right(folder: Path) -> None:
    with pytest.raises(DefinitionError):
        load_folder(folder)


@given(st.text())
def test_no_text_breaks_the_reading(text: str) -> None:
    reading = read_text(text, "x.md")
    assert (reading.definition is None) == (reading.error is not None)


@given(st.text(alphabet="-:#&*!|>'\"[]{},\n\t abc\\\u0085\ufeff"), st.text(alphabet="a-:\n *&!{}[]"))
def test_no_front_matter_breaks_the_reading(front: str, more: str) -> None:
    reading = read_text(f"---\n{front}\nname: a\n{more}\n---\nYou.\n", "x.md")
    assert all(finding.line >= 1 for finding in reading.findings)
