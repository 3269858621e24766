"""`orchestra run battery-watch`: what is wrong with the question is said before anything starts."""

from pathlib import Path

import pytest

from cli.main import main
from tests.recorded import record


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    with pytest.raises(SystemExit) as ended:
        main(["run", "battery-watch", *arguments])
    assert ended.value.code == 2
    told = " ".join(capsys.readouterr().err.replace("│", " ").split())
    assert "Traceback" not in told
    return told


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("--device", "/dev/ttyUSB0"), "does not say what the device speaks; add --protocol P"),
        (("--device", "emulated:jbd", "--for", "soon"), "--for 'soon': write such as 90s, 10m, 8h or 7d"),
        (("--device", "emulated:jbd", "--for", "0s"), "one second or more"),
        (("--device", "emulated:jbd", "--window", "-1"), "--window '-1'"),
        (
            ("--device", "emulated:jbd", "--for", "7d", "--window", "1s"),
            "there may be 500, of up to 86,400 s: choose another",
        ),
        (("--device", "emulated:jbd", "--for", "9d", "--window", "8d"), "of up to 86,400 s"),
        (("--device", "emulated:jbd?fault=magic"), "'magic' is no fault"),
        (("--device", "emulated:jbd", "--alarms", "nowhere.yaml"), "nowhere.yaml"),
        (("--device", "recording:nowhere.txt"), "cannot read"),
        (("--device", "emulated:jbd", "--device", "emulated:jbd"), "a line is named twice"),
        (("--device", "a=emulated:jbd", "--device", "a=emulated:jk"), "two devices are called alike"),
        (("--device", "emulated:jbd", "--address", "2"), "have no addresses"),
    ],
)
def test_what_cannot_be_watched_is_one_sentence(
    capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], reason: str, tmp_path: Path
) -> None:
    assert reason in refused(capsys, *arguments)
    assert list(tmp_path.iterdir()) == []  # no run is left behind


def test_a_fault_in_ones_own_alarms_is_named_with_its_line(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "limits.yaml").write_text("cells: 16\nbattery_ah: lots\n")
    assert "limits.yaml:2" in refused(capsys, "--device", "emulated:jbd", "--alarms", "limits.yaml")


def test_a_recording_of_which_nothing_can_be_read_is_no_watch(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    record(tmp_path / "line.txt", 0)
    assert "holds nothing that was said" in refused(capsys, "--device", "recording:line.txt")
