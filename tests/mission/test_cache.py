"""Kept results in real missions: the second one uses what the first was accepted with, and everything still holds."""

import json
from pathlib import Path

import pytest

from agents.reuse import STEP
from protocol.bodies import Progress
from protocol.decoder import decode
from tests.cases import SAMPLE
from tests.mission.runs import Mission, orchestra, start

READ = 7  # tasks of the sample whose agents let their results be kept: six documents and the comparison


def done(folder: Path, cache: Path, *more: str, specs: Path = SAMPLE) -> Mission:
    """Carry a mission out in a folder of its own."""
    folder.mkdir()
    mission = start(folder, specs, *more, cache=cache)
    code, said, complained = mission.finish()
    assert code == 0, said + complained
    return mission


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("kept") / "results"


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory, cache: Path) -> Mission:
    return done(tmp_path_factory.mktemp("first") / "it", cache)


@pytest.fixture(scope="module")
def second(tmp_path_factory: pytest.TempPathFactory, cache: Path, first: Mission) -> Mission:
    return done(tmp_path_factory.mktemp("second") / "it", cache)


def reused(mission: Mission) -> list[Progress]:
    bodies = [decode(entry.document).body for entry in mission.entries() if entry.topic.endswith("/progress")]
    return [body for body in bodies if isinstance(body, Progress) and body.step == STEP]


@pytest.mark.slow
def test_the_second_mission_uses_kept_results_and_says_so(first: Mission, second: Mission) -> None:
    assert reused(first) == []
    notes = reused(second)
    assert len(notes) == READ
    assert all(f"in run {first.run.name}" in note.note for note in notes)
    assert second.results() == first.results()


@pytest.mark.slow
def test_a_mission_of_kept_results_passes_audit_and_replay(second: Mission) -> None:
    for command in ("audit verify", "replay"):
        checked = orchestra(*command.split(), second.run, cwd=second.folder)
        assert checked.returncode == 0, checked.stdout + checked.stderr


@pytest.mark.slow
def test_no_cache_does_the_work_again(tmp_path: Path, cache: Path, second: Mission) -> None:
    again = done(tmp_path / "it", cache, "--no-cache")
    assert reused(again) == []
    assert again.results() == second.results()


@pytest.mark.slow
def test_a_changed_document_is_read_again_and_the_others_are_not(tmp_path: Path, cache: Path, second: Mission) -> None:
    specs = tmp_path / "specs"
    specs.mkdir()
    for path in SAMPLE.iterdir():
        (specs / path.name).write_bytes(path.read_bytes())
    note = specs / "cell-note.md"
    note.write_text(note.read_text(encoding="utf-8").replace("3.65 V", "3.60 V"), encoding="utf-8")
    mission = done(tmp_path / "it", cache, specs=specs)
    assert len(reused(mission)) == READ - 2  # the document and the comparison
    assert "3.60 V" in (mission.output / "FACTS.md").read_text(encoding="utf-8")


@pytest.mark.slow
def test_a_cache_that_cannot_be_written_costs_a_warning_and_no_mission(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "it").mkdir()
    mission = start(tmp_path / "it", cache=tmp_path / "file" / "results")
    code, said, complained = mission.finish()
    assert code == 0, said + complained
    assert "cannot be used" in complained
    assert "cannot be used" not in said


@pytest.mark.slow
def test_the_command_shows_explains_and_clears_what_is_kept(cache: Path, second: Mission) -> None:
    def asked(*arguments: str) -> str:
        told = orchestra("cache", *arguments, cwd=second.folder, cache=cache)
        assert told.returncode == 0, told.stderr
        return told.stdout

    stats = json.loads(asked("stats", "--json"))
    assert stats["entries"] >= READ
    assert {agent["agent"] for agent in stats["agents"]} == {"fact-extractor", "contradiction-finder"}
    assert "fact-extractor" in asked("stats")
    key = reused(second)[0].request_hash or ""
    told = json.loads(asked("why", key[:16], "--json"))
    assert (told["key"], told["usable"], told["run"]) == (key, True, "run")
    assert [name for name, *_ in told["components"]][:4] == ["agent", "definition", "version", "code"]
    assert "it would be used now" in asked("why", key)
    assert "0 kept results removed" in asked("clear", "--older-than", "48h")
    assert orchestra("cache", "clear", "--older-than", "soon", cwd=second.folder, cache=cache).returncode == 2
    asked("clear", "--agent", "@contradiction-finder")
    asked("clear")
    assert json.loads(asked("stats", "--json"))["entries"] == 0
    assert orchestra("cache", "why", key, cwd=second.folder, cache=cache).returncode == 2
    assert orchestra("cache", "stats", cwd=second.folder).returncode == 2


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["progress", "task-completion"])
def test_a_mission_killed_while_it_uses_kept_results_comes_to_the_same(
    kind: str, tmp_path: Path, first: Mission
) -> None:
    cache = tmp_path / "results"
    done(tmp_path / "before", cache)
    (tmp_path / "it").mkdir()
    mission = start(tmp_path / "it", cache=cache)
    mission.wait_for(lambda entry: entry.topic.endswith(f"/{kind}"))
    mission.kill_tree()
    resumed = orchestra("resume", mission.run, cwd=tmp_path, cache=cache)
    assert resumed.returncode == 0, resumed.stderr
    assert mission.results() == first.results()
    for command in ("audit verify", "replay"):
        assert orchestra(*command.split(), mission.run, cwd=tmp_path).returncode == 0
