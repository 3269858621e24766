"""Three-way merges: what git merges, what is decided without judgement, and what goes to a person."""

import os
from collections.abc import Mapping
from pathlib import Path

import pytest

from agents.skills.merging import merge_files
from agents.work import Outcome, SkillFailed, Work
from gates.checks import GATES
from protocol.bodies import (
    ErrorCategory,
    ErrorLevel,
    Plan,
    PlannedTask,
    Report,
    Setting,
    TaskAssignment,
    VerdictReport,
)
from protocol.messages import MessageType
from scenarios.rehearsal import Script
from tests.agents.works import work_with
from tests.scenarios.plays import rehearse
from tests.systems import need_command

BASE = "one\ntwo\nthree\nfour\nfive\n"
RESOLVE = "conflict/resolve-conflict"
NAMED = ("base", "ours", "theirs")


@pytest.fixture(autouse=True)
def _with_git() -> None:
    need_command("git", "git")


def merging(
    folder: Path, base: str, ours: str, theirs: str, *, name: str = "a.c", strategy: str | None = None, union: str = ""
) -> Work:
    files = {f"base/{name}": base, f"ours/{name}": ours, f"theirs/{name}": theirs}
    settings = {**{side: f"{side}/{name}" for side in NAMED}, "union": union}
    return work_with(folder, files, settings, strategy=strategy)


def merged(work: Work) -> str:
    outcome = merge_files(work)
    [file] = outcome.artifacts
    return work.store.get(file).decode()


def failure(work: Work) -> SkillFailed:
    with pytest.raises(SkillFailed) as failed:
        merge_files(work)
    return failed.value


def test_changes_of_different_places_come_together(tmp_path: Path) -> None:
    work = merging(tmp_path, BASE, BASE.replace("one", "1"), BASE.replace("five", "5"))
    outcome = merge_files(work)
    assert merged(work) == "1\ntwo\nthree\nfour\n5\n"
    assert outcome.values == {"conflicts": 0, "resolved": 0, "files": 1}
    assert outcome.artifacts[0].path == "mission/t/a.c"


def test_a_conflict_names_the_file_counts_the_places_and_quotes_the_first(tmp_path: Path) -> None:
    ours, theirs = BASE.replace("one", "1").replace("five", "5"), BASE.replace("one", "I").replace("five", "V")
    told = failure(merging(tmp_path, BASE, ours, theirs)).details
    assert told.message.startswith(
        "merge conflict in a.c: 2 places; the first one:\n<<<<<<< ours\n1\n||||||| base\none"
    )
    assert ">>>>>>> theirs" in told.message
    assert "V" not in told.message
    assert (told.level, told.category) == (ErrorLevel.COORDINATOR, ErrorCategory.INTEGRATION)


def test_words_in_the_quoted_lines_do_not_make_a_conflict_one_that_passes_by_itself(tmp_path: Path) -> None:
    details = failure(merging(tmp_path, "a\n", "connection timed out\n", "busy\n")).details
    assert details.transient is False


@pytest.mark.parametrize(
    ("name", "base", "ours", "theirs", "expected"),
    [
        ("a.c", "x\n", "\ty = 1;\n", "    y  = 1;\n", "\ty = 1;\n"),  # the same but for space
        ("a.c", "x = 1;\n", "  x = 1;\n", "x = 2;\n", "x = 2;\n"),  # ours changed only space
        ("a.c", "x = 1;\n", "x = 2;\n", "  x = 1;\n", "x = 2;\n"),  # theirs changed only space
        ("a.py", "x\n", "y = 1\n", "y = 1  \n", "y = 1\n"),  # at the end of a line it means nothing anywhere
        ("a.txt", "x\n", "y\r\n", "y\n", "y\r\n"),
    ],
)
def test_what_differs_in_space_only_takes_no_judgement(
    tmp_path: Path, name: str, base: str, ours: str, theirs: str, expected: str
) -> None:
    first = failure(merging(tmp_path, base, ours, theirs, name=name))
    assert first.details.level is ErrorLevel.COORDINATOR
    work = merging(tmp_path, base, ours, theirs, name=name, strategy=RESOLVE)
    assert merge_files(work).values["resolved"] == 1
    assert merged(work) == expected


@pytest.mark.parametrize(
    ("name", "base", "ours", "theirs"),
    [
        ("a.py", "x\n", "    y = 1\n", "y = 1\n"),  # blocks are made of indentation
        ("a.c", "x\n", 'y = "a b";\n', 'y = "a  b";\n'),  # within quotes
        ("a.md", "x\n", "y\n", "y  \n"),  # a line break
        ("a.c", "x\n", "y\n", "z\n"),
        ("a.c", "", "y\n", "z\n"),  # both have added, and nobody said that both may stay
    ],
)
def test_what_takes_judgement_goes_to_a_person_with_its_lines(
    tmp_path: Path, name: str, base: str, ours: str, theirs: str
) -> None:
    details = failure(merging(tmp_path, base, ours, theirs, name=name, strategy=RESOLVE)).details
    assert details.level is ErrorLevel.PERSON
    assert details.message.startswith(f"merge conflict in {name}: 1 place; the first one:\n<<<<<<< ours\n{ours}")
    assert details.attempted_recovery is not None


def test_lines_that_both_have_added_may_both_stay_ours_first(tmp_path: Path) -> None:
    work = merging(tmp_path, "a\nz\n", "a\nours\nz\n", "a\ntheirs\nz\n", strategy=RESOLVE, union="true")
    assert merged(work) == "a\nours\ntheirs\nz\n"
    work = merging(tmp_path, "", "ours", "theirs", strategy=RESOLVE, union="true")
    assert merged(work).split() == ["ours", "theirs"]


def test_what_could_be_resolved_is_counted_where_something_is_left(tmp_path: Path) -> None:
    ours, theirs = "\t1\ntwo\nthree\nfour\n5\n", "1\ntwo\nthree\nfour\nV\n"
    told = str(failure(merging(tmp_path, BASE, ours, theirs, strategy=RESOLVE)))
    assert told.startswith("merge conflict in a.c: 1 place (1 more could be resolved without judgement)")
    assert "5\n" in told


def test_a_file_that_speaks_of_conflicts_is_merged_like_any_other(tmp_path: Path) -> None:
    base = "<<<<<<< ours\n=======\n>>>>>>> theirs\nlast\n"
    work = merging(tmp_path, base, base.replace("last", " last"), base.replace("last", "l a s t"), strategy=RESOLVE)
    assert merged(work) == base.replace("last", "l a s t")
    told = str(failure(merging(tmp_path, base, base.replace("last", "1"), base.replace("last", "2"))))
    assert told.startswith("merge conflict in a.c: 1 place;")


def test_several_files_are_merged_in_one_task(tmp_path: Path) -> None:
    files = {f"{side}/{name}": BASE for side in NAMED for name in ("a.c", "b.c")}
    files["theirs/b.c"] = BASE.replace("two", "2")
    settings = {f"{side}.{name[0]}": f"{side}/{name}" for side in NAMED for name in ("a.c", "b.c")}
    work = work_with(tmp_path, files, settings)
    outcome = merge_files(work)
    assert {file.path: work.store.get(file).decode() for file in outcome.artifacts} == {
        "mission/t/a.c": BASE,
        "mission/t/b.c": files["theirs/b.c"],
    }


@pytest.mark.parametrize(
    ("files", "settings", "words"),
    [
        ({}, {}, "the task names no files"),
        ({"x/a.c": "", "y/a.c": ""}, {"ours": "a.c", "base": "x/a.c", "theirs": "y/a.c"}, "several inputs are called"),
        ({"x/a.c": ""}, {"ours": "b.c"}, "no input is called"),
        ({"a.c": b"\0\1", "b.c": b"\0\2", "c.c": b"\0"}, {"ours": "a.c", "base": "c.c", "theirs": "b.c"}, "binary"),
    ],
)
def test_what_cannot_be_merged_at_all_is_for_a_person(
    tmp_path: Path, files: dict[str, str | bytes], settings: dict[str, str], words: str
) -> None:
    details = failure(work_with(tmp_path, files, settings)).details
    assert details.level is ErrorLevel.PERSON
    assert words in details.message


def test_without_git_a_person_is_told_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", os.fspath(tmp_path))
    details = failure(merging(tmp_path, "a", "b", "c")).details
    assert details.level is ErrorLevel.PERSON
    assert "git is not installed" in details.message


def test_terminals_and_documents_are_spared_what_a_file_may_hold(tmp_path: Path) -> None:
    told = str(failure(merging(tmp_path, "a\n", "\x1b[2Jb\n", "c" * 5_000 + "\n")))
    assert "\x1b" not in told
    assert told.endswith("(shortened)")
    assert len(told) < 2_200


def plan() -> Plan:
    sides = [
        PlannedTask(id=name, agent="@writer", skill="write", title=name, settings=(Setting(name="text", value=text),))
        for name, text in (("base", "x = 1;\n"), ("mine", "x = 2;\n"), ("yours", "\tx = 1;\n"))
    ]
    named = (("base", "base/a.c"), ("ours", "mine/a.c"), ("theirs", "yours/a.c"))
    settings = tuple(Setting(name=name, value=path) for name, path in named)
    needs = tuple(side.id for side in sides)
    merge = PlannedTask(id="m", agent="@merger", skill="merge-files", title="m", needs=needs, settings=settings)
    return Plan(tasks=(*sides, merge))


def writes_text(work: Work) -> Outcome:
    return Outcome("written", (work.write("a.c", work.setting("text").encode(), "text/x-c"),))


CAST: Mapping[str, Script | Mapping[str, Script]] = {"@writer": writes_text, "@merger": {"merge-files": merge_files}}


def test_in_a_plan_a_conflict_is_resolved_before_anybody_is_asked(tmp_path: Path) -> None:
    rehearsed = rehearse(plan(), CAST, tmp_path, gates=GATES)
    assert rehearsed.artifacts == {"mission/m/a.c": b"x = 2;\n"}
    strategies = [one.body.strategy for one in rehearsed.said(MessageType.TASK_ASSIGNMENT, task="m")
                  if isinstance(one.body, TaskAssignment)]  # fmt: skip
    assert strategies == [None, RESOLVE]
    assert not rehearsed.said(MessageType.ESCALATION)


def test_in_a_plan_a_conflict_that_takes_judgement_reaches_a_person_with_its_lines(tmp_path: Path) -> None:
    tasks = [task.model_copy(update={"settings": (Setting(name="text", value=f"x = {task.id};\n"),)})
             if task.id != "m" else task for task in plan().tasks]  # fmt: skip
    rehearsed = rehearse(Plan(tasks=tuple(tasks)), CAST, tmp_path, gates=GATES)
    assert not rehearsed.is_done
    asked = rehearsed.said(MessageType.ESCALATION)[-1]
    assert asked.recipient == "@human"
    assert isinstance(asked.body, Report)
    assert "x = mine;" in (asked.body.question or "")
    verdicts = [one.body for one in rehearsed.said(MessageType.VERDICT, task="m")]
    assert len([one for one in verdicts if isinstance(one, VerdictReport)]) == 2
