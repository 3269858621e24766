"""Where results are kept, by the settings, and what the command says when it cannot do what is asked."""

from pathlib import Path

import pytest

from agents.results import MOST_BYTES
from cli.main import main
from cli.runs import kept_results
from cli.settings import load


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("ORCHESTRA_CACHE", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))


def orchestra(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    with pytest.raises(SystemExit) as left:
        main(arguments)
    said = capsys.readouterr()
    return int(left.value.code or 0), said.out + said.err


def test_results_are_kept_in_the_users_cache_unless_told_otherwise(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = kept_results(load())
    assert store is not None
    assert (store.folder, store.most_bytes) == (tmp_path / "xdg/agent-orchestra/results", MOST_BYTES)
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert load().cache == tmp_path / "home/.cache/agent-orchestra/results"


def test_file_and_environment_name_another_folder_and_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("orchestra.toml").write_text('cache = "here"\ncache_bytes = 1000\n')
    store = kept_results(load())
    assert store is not None
    assert (store.folder, store.most_bytes) == (tmp_path / "here", 1000)
    monkeypatch.setenv("ORCHESTRA_CACHE", "off")
    assert kept_results(load()) is None


def test_off_in_the_file_keeps_nothing_and_the_command_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    Path("orchestra.toml").write_text('cache = "off"\n')
    assert kept_results(load()) is None
    code, said = orchestra(capsys, "cache", "stats")
    assert code == 2
    assert "`cache` is off" in said


def test_no_name_is_no_folder(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("ORCHESTRA_CACHE", "")
    code, said = orchestra(capsys, "cache", "stats")
    assert code == 2
    assert 'cache: Value error, give a folder, or "off"' in said


def test_an_empty_store_is_shown_as_such_and_explains_no_key(capsys: pytest.CaptureFixture[str]) -> None:
    code, said = orchestra(capsys, "cache", "stats")
    assert code == 0
    assert "all" in said
    code, said = orchestra(capsys, "cache", "why", "abc")
    assert code == 2
    assert "no kept result begins with 'abc': nothing is kept" in said


@pytest.mark.parametrize("age", ["48", "h", "-1h", "0h", "1w", "1.5h"])
def test_an_age_that_is_none_clears_nothing(age: str, capsys: pytest.CaptureFixture[str]) -> None:
    code, said = orchestra(capsys, "cache", "clear", f"--older-than={age}")
    assert code == 2
    assert "such as 48h" in said
