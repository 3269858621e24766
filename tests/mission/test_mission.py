"""The mission as a user runs it: what it prints, what it writes, what its exit code says."""

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from bus.segment import segments
from protocol.decoder import decode
from tests.cases import ROOT, SAMPLE, cases
from tests.mission.runs import Mission, command, environment, orchestra, start


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Mission:
    """One mission on the sample documents, done; tests look at it and leave it as it is."""
    mission = start(tmp_path_factory.mktemp("finished"))
    code, said, complained = mission.finish()
    assert code == 0, complained
    assert "done: " in said
    return mission


@pytest.mark.slow
def test_it_finds_what_the_sample_is_made_to_show(finished: Mission) -> None:
    expected = json.loads((ROOT / "scenarios/spec_facts/sample_expected.json").read_text())
    found = json.loads(finished.results()["facts.json"])
    assert sorted({item["kind"] for item in found["findings"]}) == sorted(
        {item["kind"] for item in expected["findings"]}
    )
    assert len(found["findings"]) == len(expected["findings"])
    text = finished.results()["FACTS.md"].decode()
    assert text.index("## Contradictions") < text.index("## Missing values")


def test_each_process_is_its_own(finished: Mission) -> None:
    slots = ["broker", "recorder", "gatekeeper", "clock", "tech-lead", "data-coordinator", "fact-extractor-1"]
    slots += ["contradiction-finder", "fact-writer"]
    pids = [pid for slot in slots for pid in finished.pids(slot)]
    assert len(pids) == len(set(pids)) == 9


def test_every_message_is_a_valid_document_with_an_id_and_a_mission(finished: Mission) -> None:
    for entry in finished.entries():
        message = decode(entry.document)
        assert message.id
        assert message.mission == "run"


def test_every_fact_passed_the_gatekeeper_before_anyone_built_on_it(finished: Mission) -> None:
    messages = [decode(entry.document) for entry in finished.entries()]
    order = [(m.type.value, m.task) for m in messages]
    extracts = {task for kind, task in order if kind == "task-completion" and task.startswith("extract/")}
    assert len(extracts) == 6
    compare = order.index(("task-assignment", "compare"))
    assert all(order.index(("verdict", task)) < compare for task in extracts)


@pytest.mark.slow
def test_audit_show_filters(finished: Mission) -> None:
    def rows(*options: str) -> list[dict[str, object]]:
        shown = orchestra("audit", "show", finished.run, "--json", *options, cwd=finished.folder)
        assert shown.returncode == 0, shown.stderr
        return [json.loads(line) for line in shown.stdout.splitlines()]

    everything = rows()
    assert [row["sequence"] for row in everything] == list(range(1, len(everything) + 1))
    verdicts = rows("--type", "verdict", "--agent", "data-coordinator")
    assert len(verdicts) == 8
    assert all(row["gates"]["hallucination"] == "✓ Passed" for row in verdicts)  # type: ignore[index]
    assert "quotes stand verbatim" in str(verdicts[0]["reason"])
    assert {row["task"] for row in rows("--task", "compare")} == {"compare"}
    assert rows("--since", "2100-01-01T00:00:00") == []
    assert len(rows("--until", "2100-01-01T00:00:00")) == len(everything)


def test_audit_show_prints_the_documents_as_they_were_sent(finished: Mission) -> None:
    shown = orchestra("audit", "show", finished.run, "--xml", "--type", "claim", cwd=finished.folder)
    claims = [e.document.decode() for e in finished.entries() if e.topic.endswith("/claim")]
    assert shown.stdout.splitlines() == claims


@pytest.mark.slow
def test_observe_shows_a_finished_run_and_status_counts_it(finished: Mission) -> None:
    observed = orchestra("observe", finished.run, "--from", "10", "--topic", "gatekeeper/", cwd=finished.folder)
    assert all("task-completion" in line for line in observed.stdout.splitlines())
    assert len(observed.stdout.splitlines()) == 9
    told = json.loads(orchestra("status", finished.run, "--json", cwd=finished.folder).stdout)
    assert (told["live"], told["head"]) == (False, len(finished.entries()))


def test_costs_of_a_mission_without_a_model_are_zero(finished: Mission) -> None:
    told = json.loads(orchestra("costs", finished.run, "--json", cwd=finished.folder).stdout)
    assert (told["usd"], told["rows"]) == ("0.00", [])


def test_one_changed_byte_makes_the_audit_red(finished: Mission, tmp_path: Path) -> None:
    copy = tmp_path / "run"
    shutil.copytree(finished.run, copy)
    path = segments(copy / "journal")[0][1]
    raw = bytearray(path.read_bytes())
    raw[raw.index(b"task-completion")] ^= 1
    path.write_bytes(raw)
    verified = orchestra("audit", "verify", copy, cwd=tmp_path)
    assert verified.returncode == 1
    assert "cannot be trusted" in verified.stderr


@pytest.mark.slow
def test_an_observer_that_comes_and_goes_disturbs_nothing(tmp_path: Path) -> None:
    mission = start(tmp_path)
    mission.wait_for(lambda entry: entry.topic.endswith("/task-assignment"))
    watching = [
        subprocess.Popen(
            command("observe", mission.run, "--from", "1", "--json"),
            stdout=subprocess.PIPE,
            text=True,
            env=environment(),
        )
        for _ in range(2)
    ]
    mission.wait_for(lambda entry: entry.topic.endswith("/claim"))
    watching[0].send_signal(signal.SIGKILL)
    code, _, complained = mission.finish()
    assert code == 0, complained
    seen, _ = watching[1].communicate(timeout=30)
    watching[0].communicate()
    assert [json.loads(line)["sequence"] for line in seen.splitlines()] == [e.sequence for e in mission.entries()]


def broken(folder: Path) -> Path:
    specs = folder / "specs"
    specs.mkdir()
    (specs / "good.md").write_text("The maximum voltage is 3.65 V.\n")
    (specs / "scan.pdf").write_bytes(b"%PDF-1.4\nnot really")
    (specs / "picture.png").write_bytes(b"\x89PNG")
    return specs


@pytest.mark.slow
def test_a_document_nobody_can_read_is_a_persons_decision(tmp_path: Path) -> None:
    mission = start(tmp_path, broken(tmp_path))
    code, said, complained = mission.finish()
    assert code == 3
    assert "a person must decide" in complained
    assert "scan.pdf" in complained
    assert "--skip-unreadable" in complained
    assert not mission.output.exists()
    assert "done" not in said


@pytest.mark.slow
def test_the_person_may_decide_to_go_on_without_it(tmp_path: Path) -> None:
    mission = start(tmp_path, broken(tmp_path), "--skip-unreadable")
    code, _, complained = mission.finish()
    assert code == 0, complained
    text = mission.results()["FACTS.md"].decode()
    assert "scan.pdf" in text
    assert "picture.png" in text
    assert "3.65" in text


@pytest.mark.slow
def test_wrong_input_is_one_sentence_and_exit_code_two(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for arguments, words in (
        (("run", "spec-facts", "--specs", tmp_path / "none"), "is not a folder"),
        (("run", "spec-facts", "--specs", tmp_path / "empty"), "holds no document that is read"),
        (("run", "spec-facts"), "Missing option"),
        (("run", "unheard-of"), "neither a workflow's file nor a scenario"),
        (("observe", "unheard-of"), "no run is called 'unheard-of'"),
        (("costs", "unheard-of"), "no run is called"),
        (("resume", "unheard-of"), "no run is called"),
    ):
        done = orchestra(*arguments, cwd=tmp_path)
        assert done.returncode == 2, arguments
        assert words in done.stderr
        assert "Traceback" not in done.stderr
    assert not (tmp_path / "runs").exists(), "what was never begun is no run"


def test_a_folder_that_holds_a_run_is_not_run_in_again(finished: Mission) -> None:
    arguments = ("run", "spec-facts", "--specs", SAMPLE, "--run-dir", finished.run, "--output", finished.folder / "o2")
    done = orchestra(*arguments, cwd=finished.folder)
    assert done.returncode == 2
    assert "already holds a run" in done.stderr


@pytest.mark.slow
def test_a_finished_run_resumed_says_the_same_and_does_nothing_twice(finished: Mission, tmp_path: Path) -> None:
    copy = tmp_path / "run"
    shutil.copytree(finished.run, copy)
    before = [e.document for e in finished.entries() if e.topic.endswith(("/task-completion", "/verdict"))]
    resumed = orchestra("resume", copy, cwd=tmp_path)
    assert resumed.returncode == 0, resumed.stderr
    after = [e.document for e in Mission(tmp_path, finished.process).entries()]
    assert [raw for raw in after if b"<type>task-completion" in raw or b"<type>verdict" in raw] == before


@pytest.mark.slow
def test_an_interrupted_mission_says_how_to_go_on(tmp_path: Path) -> None:
    mission = start(tmp_path)
    mission.wait_for(lambda entry: entry.topic.endswith("/claim"))
    mission.process.send_signal(signal.SIGINT)
    code, _, complained = mission.finish()
    assert code == 130
    assert f"orchestra resume {mission.run}" in complained
    assert orchestra("resume", mission.run, cwd=tmp_path).returncode == 0
    assert mission.results().keys() == {"FACTS.md", "facts.json"}


@pytest.mark.slow
def test_the_module_is_the_command(tmp_path: Path) -> None:
    options = ["--specs", str(SAMPLE), "--output", str(tmp_path / "out"), "--json"]
    command = [sys.executable, "-m", "scenarios.spec_facts", *options]
    done = subprocess.run(
        command, cwd=tmp_path, capture_output=True, text=True, env=environment(), timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["done"] is True
    last = orchestra("replay", "last", cwd=tmp_path)
    assert last.returncode == 0
    assert "all the same" in last.stdout


@pytest.mark.slow
@pytest.mark.parametrize(("folder", "facts"), [("libresolar_bms_c1", 300), ("jk_bms", 200)])
def test_the_real_folders_come_through_the_whole_mission(folder: str, facts: int, tmp_path: Path) -> None:
    mission = start(tmp_path, cases("battery") / folder)
    code, _, complained = mission.finish()
    assert code == 0, complained
    found = json.loads(mission.results()["facts.json"])
    assert len(found["facts"]) > facts
    assert any(item["kind"] == "contradiction" for item in found["findings"])
    assert orchestra("audit", "verify", mission.run, cwd=tmp_path).returncode == 0


@pytest.mark.slow
def test_a_run_is_carried_out_by_one_process_only(tmp_path: Path) -> None:
    mission = start(tmp_path)
    mission.wait_for(lambda entry: entry.topic.endswith("/claim"))
    mission.process.send_signal(signal.SIGSTOP)  # so that it is not over before the second has begun
    second = orchestra("resume", mission.run, cwd=tmp_path)
    mission.process.send_signal(signal.SIGCONT)
    code, _, complained = mission.finish()
    assert code == 0, complained
    assert second.returncode == 1
    assert "is being carried out by another process" in second.stderr


@pytest.mark.slow
def test_a_mission_told_to_stop_seals_what_it_has(tmp_path: Path) -> None:
    mission = start(tmp_path)
    mission.wait_for(lambda entry: entry.topic.endswith("/claim"))
    mission.process.send_signal(signal.SIGTERM)
    assert mission.finish()[0] == 130
    told = json.loads(orchestra("audit", "verify", mission.run, "--json", cwd=tmp_path).stdout)
    assert (told["good"], told["unsealed"]) == (True, 0)
    assert not (mission.run / "sockets").exists()


@pytest.mark.slow
def test_a_reader_of_the_progress_that_goes_away_does_not_end_the_mission(tmp_path: Path) -> None:
    mission = start(tmp_path)
    assert mission.process.stderr is not None
    mission.process.stderr.readline()
    mission.process.stderr.close()
    assert mission.process.stdout is not None
    assert "done: " in mission.process.stdout.read()
    mission.process.stdout.close()
    assert mission.process.wait(60) == 0
    assert mission.results().keys() == {"FACTS.md", "facts.json"}


@pytest.mark.slow
def test_folders_with_awkward_names_are_no_obstacle(tmp_path: Path) -> None:
    specs = tmp_path / "specs ü"
    (specs / "sub folder").mkdir(parents=True)
    (specs / "sub folder" / "cell note é.md").write_text("The maximum voltage is 3.65 V.\n")
    (specs / "loop").symlink_to(specs)
    os.mkfifo(specs / "pipe.md")
    arguments = (
        "run",
        "spec-facts",
        "--specs",
        specs,
        "--output",
        tmp_path / "out",
        "--run-dir",
        tmp_path / "a b ü",
        "-q",
    )
    done = orchestra(*arguments, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "cell note é.md" in (tmp_path / "out" / "FACTS.md").read_text()


@pytest.mark.slow
def test_what_cannot_be_carried_out_is_said_before_anything_starts(tmp_path: Path) -> None:
    for name, count in ((b"bad-\xff.md", 1), (b"escape-\x1b.md", 1), (b"x" * 200 + b"-%d.md", 900)):
        specs = tmp_path / str(count) / name[:4].decode()
        specs.mkdir(parents=True)
        for number in range(count):
            path = Path(os.fsdecode(os.fsencode(specs) + b"/" + name.replace(b"%d", b"%d" % number)))
            path.write_text("3 V")
        done = orchestra("run", "spec-facts", "--specs", specs, cwd=tmp_path)
        assert done.returncode == 2, (name, done.stderr)
        assert "rename it" in done.stderr or "split it" in done.stderr
        assert "Traceback" not in done.stderr


@pytest.mark.slow
def test_show_tells_where_every_task_stood_at_any_moment(finished: Mission) -> None:
    def states(*arguments: str) -> dict[str, str]:
        shown = orchestra("show", finished.run, *arguments, "--json", cwd=finished.folder)
        assert shown.returncode == 0, shown.stderr
        return {task["task"]: task["state"] for task in json.loads(shown.stdout)["tasks"]}

    entries = finished.entries()
    plan = next(e.sequence for e in entries if e.topic == "data-coordinator/task-assignment")
    claim = next(e.sequence for e in entries if e.topic.endswith("/claim"))
    assert states("--at", "1") == {}
    assert set(states("--at", str(plan)).values()) == {"assigned", "waiting"}
    assert list(states("--at", str(claim)).values()).count("claimed") == 1
    assert set(states().values()) == {"accepted"}


@pytest.mark.slow
def test_history_lists_the_missions_and_how_they_ended(finished: Mission) -> None:
    listed = orchestra("history", "--json", cwd=finished.folder)
    assert listed.stdout == ""  # this one was given a folder of its own
    (finished.folder / "runs" / "one").symlink_to(finished.run)
    [row] = [json.loads(line) for line in orchestra("history", "--json", cwd=finished.folder).stdout.splitlines()]
    (finished.folder / "runs" / "one").unlink()
    assert (row["scenario"], row["stands"], row["tasks"], row["accepted"]) == ("spec-facts", "done", 8, 8)
