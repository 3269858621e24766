"""What one mission learned, recalled by another: with its source, without what was rejected, each fact once."""

import json
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest

from bus.journal import JournalReader
from protocol.bodies import TaskAssignment
from protocol.decoder import decode
from tests.mission.runs import Mission, command, environment, orchestra

SKILLS = """
import json, time
from agents.work import Outcome

def measure(work):
    while work.setting("slowly") and work.attempt == 1:
        time.sleep(0.05)
    return Outcome("measured", values={"memory.charge_limit": work.setting("limit"), "limit": work.setting("limit")})

def use(work):
    [file] = work.assignment.inputs
    told = json.loads(work.read(file))
    text = "".join(f"{fact['key']} = {fact['value']}, from {fact['sources'][0]['run']}" for fact in told["facts"])
    return Outcome(text, (work.write("known.txt", text.encode(), "text/plain"),))
"""
LEARN = """
workflow: learn
skills: skills.py
parameters: {limit: "3.65", slowly: ""}
steps:
  - {id: measure, skill: measure, with: {limit: $limit}, gates: limit < 5, critical: false, retry: {attempts: 1}}
  - {id: again, skill: measure, with: {limit: "3.65", slowly: $slowly}, needs: []}
"""
USE = """
workflow: use
skills: skills.py
steps:
  - {id: use, skill: use, recall: limit when charging}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, text in (("skills.py", SKILLS), ("learn.yaml", LEARN), ("use.yaml", USE)):
        (tmp_path / name).write_text(text)
    return tmp_path


def known(folder: Path) -> list[dict[str, Any]]:
    listed = orchestra("memory", "list", "--json", cwd=folder)
    assert listed.returncode == 0, listed.stderr
    return [fact for fact in map(json.loads, listed.stdout.splitlines()) if fact["kind"] == "fact"]


def run(folder: Path, name: str, *more: str) -> Path:
    done = orchestra("run", f"{name}.yaml", "--run-dir", name, *more, cwd=folder)
    assert done.returncode == 0, done.stdout + done.stderr
    for words in ("audit verify", "replay"):
        checked = orchestra(*words.split(), name, cwd=folder)
        assert checked.returncode == 0, checked.stdout + checked.stderr
    return folder / name


@pytest.mark.slow
def test_the_second_mission_recalls_what_the_first_learned_and_its_journal_says_where_from(folder: Path) -> None:
    run(folder, "learn")
    second = run(folder, "use")
    assert (folder / "out/known.txt").read_text() == "charge_limit = 3.65, from learn"
    bodies = [decode(entry.document).body for entry in JournalReader(second / "journal").entries()]
    [given] = [body for body in bodies if isinstance(body, TaskAssignment) and body.skill == "use"]
    [file] = given.inputs
    assert (file.path, file.media_type) == ("memory/use.json", "application/vnd.orchestra.memory+json")
    assert file.summary.startswith("1 recalled, ")
    [fact] = known(folder)
    assert fact["count"] == 2
    source = fact["sources"][0]
    shown = orchestra("audit", "show", "learn", "--type", "verdict", "--json", cwd=folder)
    verdict = next(row for row in map(json.loads, shown.stdout.splitlines()) if row["id"] == source["message"])
    assert (verdict["sequence"], verdict["task"], verdict["decision"]) == (source["sequence"], source["task"], "pass")


@pytest.mark.slow
def test_what_a_gate_rejected_is_not_remembered(folder: Path) -> None:
    run(folder, "learn", "--set", "limit=48")
    assert [(fact["value"], fact["count"]) for fact in known(folder)] == [("3.65", 1)]


@pytest.mark.slow
def test_a_mission_killed_in_the_middle_leaves_each_fact_once(folder: Path) -> None:
    arguments = command("run", "learn.yaml", "--run-dir", "run", "--set", "slowly=yes")
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    process = subprocess.Popen(arguments, cwd=folder, text=True, env=environment(), **streams)  # type: ignore[call-overload]
    mission = Mission(folder, process)
    mission.wait_for(lambda entry: entry.topic.endswith("/verdict"))
    mission.wait_for(lambda entry: entry.topic.endswith("/claim") and b"<task-id>again<" in entry.document)
    process.send_signal(signal.SIGSTOP)  # dead where it stands: it may or may not have written what it heard
    mission.kill_tree()
    resumed = orchestra("resume", "run", cwd=folder)
    assert resumed.returncode == 0, resumed.stderr
    [fact] = known(folder)
    assert (fact["value"], fact["count"]) == ("3.65", 2)
    assert {source["task"] for source in fact["sources"]} == {"measure", "again"}
    assert orchestra("resume", "run", cwd=folder).returncode == 0
    assert known(folder)[0]["count"] == 2
    for again in ("audit verify", "replay"):
        assert orchestra(*again.split(), "run", cwd=folder).returncode == 0
