"""Workflows that people write, carried out by real processes: patterns, people, edits, cancellation, kills."""

import contextlib
import json
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from bus.journal import JournalReader
from protocol.bodies import TaskAssignment
from protocol.decoder import reread
from tests.mission.runs import Mission, command, environment, orchestra

SKILLS = """
import time
from agents.work import Outcome, SkillFailed, Work
from protocol.bodies import ErrorCategory, ErrorLevel


def count(work: Work) -> Outcome:
    words = sum(len(work.read(file).split()) for file in work.assignment.inputs)
    made = work.write("words.txt", str(words).encode(), "text/plain", f"{words} words")
    return Outcome(f"{words} words", (made,), values={"words": words})


def add(work: Work) -> Outcome:
    total = sum(int(work.read(file)) for file in work.assignment.inputs)
    made = work.write("total.txt", str(total).encode(), "text/plain", f"{total} in all")
    return Outcome(f"{total} in all", (made,), values={"total": total})


def halve(work: Work) -> Outcome:
    value = int(work.read(work.assignment.inputs[-1])) // 2
    return Outcome(f"now {value}", (work.write("half.txt", str(value).encode(), "text/plain"),), values={"left": value})


def fail(work: Work) -> Outcome:
    raise SkillFailed(ErrorLevel.SPECIALIST, ErrorCategory.VALIDATION, f"attempt {work.attempt} is no good")


def hang(work: Work) -> Outcome:
    time.sleep(600)
    return Outcome("never")
"""
ALL_FIVE = """
workflow: all-five
skills: skills.py
steps:
  - id: documents
    pattern: pipeline
    items: docs/*.txt
    steps:
      - {id: count, skill: count, gates: words > 0}
  - {id: total, skill: add}
  - id: shrink
    pattern: iterative
    until: halve.left < 3
    rounds: 6
    steps:
      - {id: halve, skill: halve}
  - id: size
    pattern: conditional
    if: total.total > 1000
    then: [{id: large, skill: count, inputs: docs/1.txt}]
    else:
      - id: small
        pattern: parallel
        steps:
          - {id: left, skill: count, inputs: docs/1.txt}
          - {id: right, skill: count, inputs: docs/2.txt}
          - {id: extra, skill: fail, critical: false, retry: {attempts: 1}}
"""


@pytest.fixture
def place(tmp_path: Path) -> Path:
    (tmp_path / "docs").mkdir()
    for number in (1, 2, 3):
        (tmp_path / "docs" / f"{number}.txt").write_text("word " * 5 * number, encoding="utf-8")
    (tmp_path / "skills.py").write_text(SKILLS, encoding="utf-8")
    return tmp_path


def written(place: Path, text: str) -> Path:
    path = place / "flow.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def started(place: Path, text: str) -> Mission:
    arguments = ("run", written(place, text), "--run-dir", place / "run", "--output", place / "out")
    process = subprocess.Popen(
        command(*arguments), cwd=place, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment()
    )
    return Mission(place, process)


def run_through(place: Path, text: str) -> subprocess.CompletedProcess[str]:
    return orchestra("run", written(place, text), "--run-dir", "run", "--output", "out", cwd=place)


def assigned(place: Path) -> list[tuple[str, int | None]]:
    messages = [reread(entry.document) for entry in JournalReader(place / "run" / "journal").entries()]
    return [(one.task, one.attempt) for one in messages if isinstance(one.body, TaskAssignment) and one.parent_task]


def asked(place: Path) -> list[str]:
    shown = orchestra("inbox", "run", "--json", cwd=place)
    return [json.loads(line)["short"] for line in shown.stdout.splitlines()]


@pytest.mark.slow
def test_all_five_patterns_in_one_mission(place: Path) -> None:
    ended = run_through(place, ALL_FIVE)
    assert ended.returncode == 0, ended.stderr
    names = [name for name, _ in assigned(place)]
    assert {"count#1", "count#2", "count#3", "total", "left", "right", "extra"} <= set(names)
    assert [name for name in names if name.startswith("halve")] == ["halve#1", "halve#2", "halve#3", "halve#4"]
    assert "large" not in names
    # Two files of one name: each in the folder of its task.
    assert {path.relative_to(place / "out").as_posix() for path in (place / "out").rglob("*.txt")} >= {
        "left/words.txt",
        "right/words.txt",
    }
    assert orchestra("replay", "run", cwd=place).returncode == 0
    assert orchestra("audit", "verify", "run", cwd=place).returncode == 0


ASKING = """
workflow: asking
skills: skills.py
steps:
  - {id: count, skill: count, inputs: docs/1.txt}
  - {id: publish, skill: add, approve: true}
"""


@pytest.mark.slow
def test_a_mission_sleeps_until_a_person_has_consented_and_wakes_on_resume(place: Path) -> None:
    ended = run_through(place, ASKING)
    assert ended.returncode == 3
    assert "nothing goes on without: publish (asked)" in ended.stderr
    assert orchestra("resume", "run", cwd=place).returncode == 3
    [request] = asked(place)
    assert orchestra("approve", request, "--run", "run", "--reason", "read it", cwd=place).returncode == 0
    assert orchestra("resume", "run", cwd=place).returncode == 0
    assert (place / "out" / "total.txt").read_text() == "5"
    assert orchestra("replay", "run", cwd=place).returncode == 0
    assert asked(place) == []


@pytest.mark.slow
def test_nobody_answering_in_time_is_a_refusal_and_a_person_can_still_decide(place: Path) -> None:
    ended = run_through(place, ASKING.replace("approve: true", "approve: 1s"))
    assert ended.returncode == 3
    deadline_s = time.monotonic() + 20
    while asked(place) and time.monotonic() < deadline_s:
        time.sleep(0.1)  # the consent lapses by the wall clock
    assert orchestra("resume", "run", cwd=place).returncode == 3
    [request] = asked(place)
    assert orchestra("answer", request, "--run", "run", "skip", "--text", "not today", cwd=place).returncode == 0
    ended = orchestra("resume", "run", "--json", cwd=place)
    assert ended.returncode == 0
    assert json.loads(ended.stdout)["done"]
    assert ("publish", 1) not in assigned(place)


@pytest.mark.slow
def test_giving_up_ends_the_mission_and_says_so(place: Path) -> None:
    text = ASKING.replace("{id: publish, skill: add, approve: true}", "{id: publish, skill: fail}")
    assert run_through(place, text).returncode == 3
    assert [attempt for name, attempt in assigned(place) if name == "publish"] == [1, 2, 3]
    [request] = asked(place)
    assert orchestra("answer", request, "--run", "run", "give up", "--text", "no budget", cwd=place).returncode == 0
    ended = orchestra("resume", "run", cwd=place)
    assert (ended.returncode, "no budget" in ended.stderr) == (1, True)
    assert orchestra("resume", "run", cwd=place).returncode == 1


@pytest.mark.slow
def test_an_edited_workflow_is_noticed_and_what_is_the_same_keeps_its_results(place: Path) -> None:
    assert run_through(place, ASKING).returncode == 3
    (place / "docs" / "1.txt").write_text("one two three", encoding="utf-8")
    refused = orchestra("resume", "run", cwd=place)
    assert (refused.returncode, "count: inputs changed" in refused.stderr) == (2, True)
    assert orchestra("resume", "run", "--as-recorded", "--accept-changes", cwd=place).returncode == 2
    assert orchestra("resume", "run", "--as-recorded", cwd=place).returncode == 3
    assert orchestra("resume", "run", "--accept-changes", cwd=place).returncode == 3
    assert [attempt for name, attempt in assigned(place) if name == "count"] == [1, 2]
    [request] = asked(place)
    assert orchestra("approve", request, "--run", "run", cwd=place).returncode == 0
    assert orchestra("resume", "run", cwd=place).returncode == 0
    assert (place / "out" / "total.txt").read_text() == "3"
    assert orchestra("replay", "run", cwd=place).returncode == 0


HANGING = """
workflow: hanging
skills: skills.py
steps:
  - {id: stuck, skill: hang, needs: []}
  - {id: count, skill: count, inputs: docs/1.txt, needs: []}
  - {id: total, skill: add, needs: [stuck, count]}
"""


@pytest.mark.slow
def test_cancelling_a_running_task_ends_its_process_and_the_mission_goes_on(place: Path) -> None:
    mission = started(place, HANGING)
    mission.wait_for(lambda entry: entry.topic.endswith("/claim") and b">stuck<" in entry.document)
    cancelled = orchestra("cancel", "run", "stuck", "--reason", "too slow", cwd=place)
    assert cancelled.returncode == 0, cancelled.stderr
    code, _, complained = mission.finish()
    assert code == 0, complained
    assert (place / "out" / "total.txt").read_text() == "5"
    assert orchestra("replay", "run", cwd=place).returncode == 0


@pytest.mark.slow
@pytest.mark.parametrize("victim", ["data-coordinator", "tech-lead", "gatekeeper", "broker", "tree"])
def test_killed_in_the_middle_it_ends_with_the_same_result(place: Path, victim: str) -> None:
    mission = started(place, ALL_FIVE)
    mission.wait_for(lambda entry: entry.topic.endswith("/verdict") and b"halve#1" in entry.document)
    if victim == "tree":
        mission.kill_tree()
        ended = orchestra("resume", "run", cwd=place)
        assert ended.returncode == 0, ended.stderr
    else:
        with contextlib.suppress(ProcessLookupError):  # on a quick machine it may be over
            os.kill(mission.pids(victim)[-1], signal.SIGKILL)
        code, _, complained = mission.finish()
        assert code == 0, complained
    # Its own five words, and one each of what was made before the group in which it stands.
    assert (place / "out" / "left" / "words.txt").read_text() == "7"
    assert (place / "out" / "right" / "words.txt").read_text() == "12"
    assert orchestra("replay", "run", cwd=place).returncode == 0
    assert orchestra("audit", "verify", "run", cwd=place).returncode == 0


@pytest.mark.slow
def test_without_its_snapshots_a_coordinator_comes_to_the_same(place: Path) -> None:
    # The snapshot after the first step is written before the second is heard of; the run may end before the second's.
    first = "snapshot_every: 1\nsteps:\n  - {id: first, skill: count, inputs: docs/2.txt}"
    assert run_through(place, ASKING.replace("steps:", first)).returncode == 3
    snapshots = list((place / "run" / "snapshots" / "data-coordinator").glob("*.snapshot"))
    assert snapshots
    for path in snapshots:
        path.unlink()
    [request] = asked(place)
    assert orchestra("approve", request, "--run", "run", cwd=place).returncode == 0
    assert orchestra("resume", "run", cwd=place).returncode == 0
    assert (place / "out" / "total.txt").read_text() == "6"


@pytest.mark.slow
def test_several_missions_at_once_each_have_their_own_run_and_folder(place: Path) -> None:
    names = []
    for number in (1, 2):
        path = place / f"flow-{number}.yaml"
        path.write_text(ASKING.replace(", approve: true", "").replace("1.txt", f"{number}.txt"), encoding="utf-8")
        names.append(path.name)
    ended = orchestra("run", *names, names[0], "--parallel", "2", "--output", "out", cwd=place)
    assert ended.returncode == 0, ended.stderr
    folders = ("flow-1-1", "flow-2", "flow-1-2")  # of one file two missions, neither over the other
    assert [(place / "out" / name / "total.txt").read_text() for name in folders] == ["5", "10", "5"]
