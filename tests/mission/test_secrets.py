"""Secrets planted everywhere in the documents of a mission: none of them is in any file of the run."""

import shutil
from pathlib import Path

import pytest

from tests.cases import SAMPLE
from tests.mission.runs import orchestra, start
from tests.secrets import ANNOUNCED, SECRETS

PLANTED = [*SECRETS.values(), *(secret for _, secret in ANNOUNCED.values())]


def files_with(folder: Path, secret: str) -> list[str]:
    wanted = secret.splitlines()[-2].encode() if "\n" in secret else secret.encode()
    return [str(path) for path in folder.rglob("*") if path.is_file() and wanted in path.read_bytes()]


@pytest.mark.slow
def test_no_file_of_a_run_holds_a_secret_that_its_documents_held(tmp_path: Path) -> None:
    specs = Path(shutil.copytree(SAMPLE, tmp_path / "specs"))
    lines = [
        f"Maximum current with {word}{secret} is {70 + n} A\n" for n, (word, secret) in enumerate(ANNOUNCED.values())
    ]
    lines += [f"Maximum voltage: {40 + n} V, see {secret} there\n" for n, secret in enumerate(SECRETS.values())]
    (specs / "leak.md").write_text("# Ratings\n\n" + "\n".join(lines), encoding="utf-8")
    (specs / "leak.csv").write_text(
        "Part,Value\n" + "".join(f'"{secret}",{n} V\n' for n, secret in enumerate(SECRETS.values()))
    )
    mission = start(tmp_path, specs)
    code, said, complained = mission.finish()
    assert code == 0, said + complained
    assert orchestra("audit", "verify", mission.run, cwd=tmp_path).returncode == 0
    facts = (mission.output / "facts.json").read_text(encoding="utf-8")
    assert "[api key]" in facts
    for secret in PLANTED:
        assert files_with(mission.run, secret) == []
        assert files_with(mission.output, secret) == []


@pytest.mark.slow
def test_a_secret_in_a_file_name_stops_the_mission_before_it_begins(tmp_path: Path) -> None:
    (tmp_path / "specs").mkdir()
    (tmp_path / "specs" / f"{SECRETS['github']}.md").write_text("Maximum voltage: 70 V\n")
    ended = orchestra("run", "spec-facts", "--specs", tmp_path / "specs", cwd=tmp_path)
    assert ended.returncode == 2
    assert "has a secret in its name" in ended.stderr
    assert SECRETS["github"] not in ended.stderr
