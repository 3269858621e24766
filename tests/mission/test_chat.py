"""A conversation as a person has it: by a pipe or at a terminal, resumed, killed in the middle, audited, replayed."""

import json
import os
import pty
import subprocess
from pathlib import Path
from typing import Any

import pytest

from bus.journal import JournalReader
from protocol.decoder import decode
from protocol.messages import MessageType
from protocol.topics import HUMAN
from tests.mission.runs import Mission, command, environment

SKILLS = """
import time
from agents.work import Outcome

def count(work):
    text = work.setting("request")
    while text == "slowly" and work.attempt == 1 and not work.setting("quickly"):
        time.sleep(0.05)
    if text == "fail":
        raise ValueError("no words")
    made = work.write("up.txt", text.upper().encode(), "text/plain")
    return Outcome(f"{len(text.split())} words", (made,), values={"words": len(text.split())})

def names(work):
    return Outcome(" ".join(file.path for file in work.assignment.inputs) + work.setting("end") + "\\u202e")
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "own.py").write_text(SKILLS)
    (tmp_path / "a.md").write_text("# A\n")
    return tmp_path


def chat(folder: Path, said: str, *more: str) -> subprocess.CompletedProcess[str]:
    arguments = command("chat", *more)
    piped: dict[str, Any] = {"capture_output": True, "text": True, "env": environment(), "timeout": 90, "check": False}
    return subprocess.run(arguments, cwd=folder, input=said, **piped)


BEGIN = ("--with", "skill-runner", "--skills", "own.py", "--run-dir", "run", "--as", "anna")


def rows(done: subprocess.CompletedProcess[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in done.stdout.splitlines()]


def check(folder: Path) -> None:
    for words in (("audit", "verify", "run"), ("replay", "run")):
        done = subprocess.run(
            command(*words), cwd=folder, capture_output=True, text=True, env=environment(), check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.slow
def test_a_piped_conversation_is_answered_line_by_line_and_gone_on_with(folder: Path) -> None:
    said = "one two\nfail\n/skill names\n/file a.md\n/set end=!\nwhat is there\n"
    first = chat(folder, said, *BEGIN, "--json")
    assert first.returncode == 0, first.stderr
    one, failed, names = rows(first)
    assert (one["line"], one["decision"], one["answer"], one["values"]) == (
        "one two",
        "pass",
        "2 words",
        {"words": "2"},
    )
    assert [Path(path).read_text() for path in one["files"]] == ["ONE TWO"]
    assert failed["decision"] == "left-out"
    assert "ValueError: no words" in failed["reason"]
    assert (names["answer"], names["attempt"]) == ("a.md!\u202e", 1)
    assert "\u202e" not in first.stdout

    second = chat(folder, "and now\n", "--run", "run")
    assert second.returncode == 0, second.stderr
    shown = second.stdout
    assert [line for line in shown.splitlines() if line.startswith("> ")] == [
        *("> one two", "> fail", "> what is there", "> and now")
    ]
    assert shown.count("@skill-runner: a.md!\\u202e") == 2
    assert "\x1b" not in shown
    spoken = [decode(entry.document) for entry in JournalReader(folder / "run/journal").entries()]
    mine = [message for message in spoken if message.sender == HUMAN]
    assert [(message.type, message.task) for message in mine] == [
        (MessageType.CONTROL, f"turn-{number}") for number in (2, 3, 4)
    ]
    given = [message for message in spoken if message.type is MessageType.TASK_ASSIGNMENT and message.parent_task]
    assert [message.task for message in given] == ["turn-1", "turn-2", "turn-2", "turn-3", "turn-4"]
    check(folder)


@pytest.mark.slow
def test_a_conversation_killed_in_the_middle_of_an_answer_goes_on_with_it(folder: Path) -> None:
    streams = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    process: subprocess.Popen[str] = subprocess.Popen(
        command("chat", *BEGIN),
        cwd=folder,
        text=True,
        env=environment(),
        **streams,  # type: ignore[call-overload]
    )
    mission = Mission(folder, process)
    assert process.stdin is not None
    process.stdin.write("one\nslowly\n")
    process.stdin.flush()
    mission.wait_for(lambda entry: entry.topic.endswith("/claim") and b">turn-2<" in entry.document)
    mission.kill_tree()
    done = chat(folder, "three\n", "--run", "run", "--json")
    assert done.returncode == 0, done.stderr
    assert [(row["turn"], row["decision"], row["new"]) for row in rows(done)] == [
        *(("turn-1", "pass", False), ("turn-2", "pass", True), ("turn-3", "pass", True))
    ]
    check(folder)


@pytest.mark.slow
def test_at_a_terminal_it_prompts_and_ends_with_ctrl_d(folder: Path) -> None:
    ours, theirs = pty.openpty()
    streams = {"stdin": theirs, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    process: subprocess.Popen[str] = subprocess.Popen(
        command("chat", *BEGIN),
        cwd=folder,
        text=True,
        env=environment(),
        **streams,  # type: ignore[call-overload]
    )
    os.close(theirs)
    os.write(ours, b"/nonsense\none two\n")
    Mission(folder, process).wait_for(lambda entry: entry.topic == "supervisor/status")
    os.write(ours, b"\x04")
    said, complained = process.communicate(timeout=60)
    os.close(ours)
    assert process.returncode == 0, complained
    assert "@skill-runner, count; no model is asked" in said
    assert "> @skill-runner: 2 words" in said
    assert "'/nonsense' is not understood; /help says what is" in complained
    assert "go on with: orchestra chat --run" in said


@pytest.mark.slow
def test_the_tech_lead_answers_about_the_missions_that_there_are(folder: Path) -> None:
    first = chat(folder, "one two\n", "--with", "skill-runner", "--skills", "own.py", "--run-dir", "runs/first")
    assert first.returncode == 0, first.stderr
    said = "why was turn-1 accepted in first\nwho are you\ndo: find contradictions\n"
    done = chat(folder, said, "--run-dir", "run", "--json")
    assert done.returncode == 0, done.stderr
    why, unknown, proposal = rows(done)
    assert why["answer"].startswith("turn-1 of first stands at: accepted\n  attempt 1: pass, entry ")
    assert unknown["values"] == {"understood": "false"}
    assert "@contradiction-finder" in proposal["answer"]
    check(folder)


@pytest.mark.slow
def test_what_is_no_line_begins_no_run(folder: Path) -> None:
    done = chat(folder, "\n/help\n/file nothing.md\n/set request=x\n/set a b=1\n/skill sing\n/file '\n", *BEGIN)
    assert done.returncode == 2
    assert "/set NAME=VALUE" in done.stdout
    assert "nothing was said, so nothing was begun" in done.stdout
    for complaint in ("nothing.md: no such file", "'request=x'", "'a'", "No closing quotation", "has no skill 'sing'"):
        assert complaint in done.stderr
    assert not (folder / "run").exists()
    assert chat(folder, "", "--with", "fact-writer", "--run", "run").returncode == 2
