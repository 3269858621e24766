"""`orchestra keys` and what `orchestra audit` says of keys and seals, as a user meets them."""

import json
from pathlib import Path

import pytest

from bus.journal import Journal
from bus.run import RunFolder
from cli.main import main
from protocol.encoder import encode
from tests.builders import status


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def orchestra(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    """Return exit code, standard output and standard error of a command."""
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    said = capsys.readouterr()
    code = ended.value.code
    return (code if isinstance(code, int) else 0), said.out, said.err


def shown(capsys: pytest.CaptureFixture[str]) -> dict[tuple[str, str], dict[str, object]]:
    rows = [json.loads(line) for line in orchestra(capsys, "keys", "show", "--json")[1].splitlines()]
    return {(row["name"], row["kind"]): row for row in rows}


def test_a_rotated_key_is_another_and_its_name_keeps_its_rights(capsys: pytest.CaptureFixture[str]) -> None:
    orchestra(capsys, "keys", "init", "auditor", "--observer")
    before = shown(capsys)
    assert orchestra(capsys, "keys", "rotate", "auditor")[0] == 0
    after = shown(capsys)
    assert before["auditor", "curve"]["public"] != after["auditor", "curve"]["public"]
    assert after["auditor", "curve"]["hears"] == "everything"
    assert before["broker", "curve"] == after["broker", "curve"]


def test_a_name_without_a_pair_cannot_be_rotated_in_silence(capsys: pytest.CaptureFixture[str]) -> None:
    orchestra(capsys, "keys", "init")
    code, _, complained = orchestra(capsys, "keys", "rotate", "nobody")
    assert code == 2
    assert "no secret key of nobody" in complained


def test_a_run_that_nobody_sealed_is_exported_and_said_to_be_unsealed(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    run = RunFolder(tmp_path / "run")
    run.create()
    journal = Journal(run.journal)
    journal.append([("lead/status", encode(status(1)))])
    journal.close()
    code, said, _ = orchestra(capsys, "audit", "export", "run", "run.tar")
    assert code == 0
    assert "nothing in it is sealed" in said
    code, said, _ = orchestra(capsys, "audit", "prune", "run", "--before", "2020-01-01")
    assert (code, "no whole segment is that old" in said) == (0, True)
