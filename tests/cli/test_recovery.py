"""`orchestra recovery`, as a person and a script meet it."""

import json
from pathlib import Path

import pytest

from cli.main import main
from scenarios.rates import TRIES
from tests.scenarios.plays import writes
from tests.scenarios.test_rates import past_run

KEYS = {
    "task", "attempt", "kind", "way", "reason", "agent", "next_agent", "outcome", "decision", "decided_by",
    "failed_at", "answered_at", "ended_at", "took_s",
}  # fmt: skip


def orchestra(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """Return what a command says."""
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 0
    said: str = capsys.readouterr().out
    return said


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path / "runs"


def test_it_tells_what_went_wrong_what_was_done_and_what_came_of_it(
    runs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    past_run(runs, "one")
    said = orchestra(capsys, "recovery", "one")
    assert "one: 2 failures" in said
    assert "rejected  retry-with-feedback  @worker" in said
    assert "@worker → @other" in said
    assert "no such column in attempt 1" in said
    assert "accepted in the end without a person: 1 of 1 tasks that failed (100%)" in said
    assert "not accepted: 0 of 1 tasks that were begun (0%)" in said


def test_scripts_get_one_object_for_each_failure(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    past_run(runs, "one")
    first, second = map(json.loads, orchestra(capsys, "recovery", "one", "--json").splitlines())
    assert first.keys() == second.keys() == KEYS
    assert (first["kind"], first["way"], first["outcome"]) == ("rejected", "retry-with-feedback", "failed again")
    assert (second["way"], second["agent"], second["next_agent"]) == ("alternative", "@worker", "@other")


def test_a_run_in_which_nothing_failed_says_so(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    past_run(runs, "good", writes)
    assert "good: nothing went wrong" in orchestra(capsys, "recovery", "good")


def test_over_all_runs_it_tells_which_ways_helped_and_how_often(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for number in range(TRIES):
        past_run(runs, f"run-{number}")
    said = orchestra(capsys, "recovery", "--all")
    assert "5 runs: 10 failures" in said
    assert [line.split() for line in said.splitlines() if line.startswith("rejected")] == [
        ["rejected", "alternative", "5", "5", "0.86"],
        ["rejected", "retry-with-feedback", "0", "5", "0.14"],
    ]
    told = json.loads(orchestra(capsys, "recovery", "--all", "--json"))
    assert (told["runs"], told["unread"], told["share_alone"], told["error_rate"]) == (5, 0, 1.0, 0.0)
    assert told["ways"][1] == {"way": "rejected/retry-with-feedback", "helped": 0, "tried": 5, "share": 0.143}


def test_without_any_run_there_is_nothing_to_tell(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "0 runs: nothing went wrong" in orchestra(capsys, "recovery", "--all")
