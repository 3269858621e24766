"""A battery is watched by a whole mission: windows, verdicts, alarms that go up, and what is left in the end."""

import json
import signal
import subprocess
from pathlib import Path

import pytest

from agents.device.protocols.jbd import Jbd
from agents.device.recording import read_recording, statuses
from bus.journal import JournalReader
from gates.telemetry.readings import read_readings
from protocol.bodies import Alert, AlertState, Telemetry
from protocol.decoder import decode
from protocol.messages import Message, MessageType
from protocol.topics import HUMAN, TECH_LEAD
from tests.mission.runs import Mission, command, environment, orchestra
from tests.recorded import BEGAN_NS, record

pytestmark = pytest.mark.slow

OVER = "cell-overvoltage"


def watch(folder: Path, device: str, *more: str) -> subprocess.CompletedProcess[str]:
    where = ("--output", "out", "--run-dir", "run")
    return orchestra("run", "battery-watch", "--device", device, *where, *more, cwd=folder)


def messages(folder: Path) -> list[Message]:
    return [decode(entry.document) for entry in JournalReader(folder / "run" / "journal").entries()]


def raised(folder: Path) -> list[str]:
    bodies = [message.body for message in messages(folder)]
    return [body.code for body in bodies if isinstance(body, Alert) and body.state is AlertState.RAISED]


def test_a_battery_with_a_fault_is_watched_to_the_end_and_a_person_is_told(tmp_path: Path) -> None:
    done = watch(tmp_path, "pack=emulated:jbd?fault=overvoltage+7+3.72&after=3", "--for", "8s", "--window", "4s")
    assert done.returncode == 0, done.stderr
    assert OVER in raised(tmp_path)
    said = messages(tmp_path)
    ladder = [(one.sender, one.recipient) for one in said if one.type is MessageType.ESCALATION]
    assert ladder[:2] == [("@data-coordinator", TECH_LEAD), (TECH_LEAD, HUMAN)]
    page = (tmp_path / "out" / "WATCH.md").read_text(encoding="utf-8")
    assert f"**{OVER}** stands" in page
    rows = read_readings((tmp_path / "out" / "readings.csv").read_bytes(), "readings.csv").rows
    assert max(row.values["cell-7-voltage"] for row in rows) == 3.72
    lines = (tmp_path / "out" / "line.txt").read_text(encoding="ascii").splitlines(keepends=True)
    heard = [status.cells.get(7) for _, status in statuses(read_recording(lines, "line.txt")[1], Jbd())]
    assert [row.values["cell-7-voltage"] for row in rows] == heard  # the bytes say what the rows say
    for look in ("audit verify", "replay"):
        checked = orchestra(*look.split(), "run", cwd=tmp_path)
        assert checked.returncode == 0, checked.stdout + checked.stderr


def test_a_recording_is_watched_with_its_own_times_and_twice_the_same(tmp_path: Path) -> None:
    """What came of one watch can be watched again: its line is a recording."""
    line = record(tmp_path / "line.txt", 90, ((30, "overvoltage 7 3.72"),))
    folders = [tmp_path / "one", tmp_path / "other"]
    for folder, source in zip(folders, (line, folders[0] / "out" / "line.txt"), strict=True):
        folder.mkdir()
        done = watch(folder, f"pack=recording:{source}", "--window", "30s")
        assert done.returncode == 0, done.stderr
    first, second = ({path.name: path.read_bytes() for path in (folder / "out").iterdir()} for folder in folders)
    assert first == second
    taken = [body.taken for message in messages(folders[0]) if isinstance(body := message.body, Telemetry)]
    assert BEGAN_NS <= min(taken) <= max(taken) < BEGAN_NS + 90_000_000_000
    assert raised(folders[0]).count(OVER) == 1


def test_two_monitors_of_one_pack_are_told_as_one_and_two_batteries_as_two(tmp_path: Path) -> None:
    both = "pack=emulated:jbd?seed=3,emulated:mega?seed=3"
    done = watch(tmp_path, both, "--device", "boat=emulated:jk", "--for", "6s", "--window", "6s")
    assert done.returncode == 0, done.stderr
    pages = {path.parent.name: path.read_text(encoding="utf-8") for path in (tmp_path / "out").rglob("WATCH.md")}
    assert set(pages) == {"pack-report", "boat-report"}
    [line] = (tmp_path / "out").rglob("line-battery-monitor.txt")
    raw = line.read_text(encoding="ascii")
    assert raw.startswith("# orchestra device recording 1")
    assert raw.partition("\n")[0].endswith("protocol=battery-monitor")
    told = {one.name for message in messages(tmp_path) if isinstance(body := message.body, Telemetry)
            for one in body.readings if body.device == "pack"}  # fmt: skip
    assert {"source-jbd", "source-battery-monitor", "cell-16-voltage", "temperature-1-battery-monitor"} <= told


def test_interrupted_it_goes_on_where_it_stopped(tmp_path: Path) -> None:
    record(tmp_path / "line.txt", 240, ((100, "overvoltage 7 3.72"),))
    calm = tmp_path / "calm"
    calm.mkdir()
    assert watch(calm, "pack=recording:../line.txt", "--window", "40s").returncode == 0
    mission = _started(tmp_path, "pack=recording:line.txt", "--window", "40s")
    mission.wait_for(lambda entry: entry.topic.endswith("/verdict"))
    mission.process.send_signal(signal.SIGINT)
    code, _, told = mission.finish()
    assert code == 130
    assert "orchestra resume" in told
    again = orchestra("resume", "run", cwd=tmp_path)
    assert again.returncode == 0, again.stderr
    expected = {path.name: path.read_bytes() for path in (calm / "out").iterdir()}
    assert {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()} == expected
    assert raised(tmp_path) == raised(calm)


def test_a_person_takes_note_while_it_runs_and_the_alarm_stands_acknowledged(tmp_path: Path) -> None:
    mission = _started(tmp_path, "pack=emulated:jbd?fault=overvoltage+7+3.72", "--for", "12s", "--window", "12s")
    mission.wait_for(lambda entry: entry.topic == "human/escalation")
    shown = orchestra("inbox", "run", "--json", cwd=tmp_path)
    request = json.loads(shown.stdout.splitlines()[0])
    said = orchestra("answer", request["id"], "acknowledge", "--run", "run", "--as", "Ada", cwd=tmp_path)
    assert said.returncode == 0, said.stderr
    code, _, told = mission.finish()
    assert code == 0, told
    states = [body.state for message in messages(tmp_path) if isinstance(body := message.body, Alert)
              and body.code == OVER]  # fmt: skip
    assert states == [AlertState.RAISED, AlertState.ACKNOWLEDGED]
    page = (tmp_path / "out" / "WATCH.md").read_text(encoding="utf-8")
    [line] = [one for one in page.splitlines() if f"**{OVER}** stands" in one]
    assert ", acknowledged " in line
    assert "cell-7-voltage is 3.72 V" in line


def test_a_device_that_is_never_there_is_a_watch_of_nothing_that_says_so(tmp_path: Path) -> None:
    done = watch(tmp_path, "pack=jbd@/dev/ttyNOWHERE0", "--for", "14s", "--window", "14s")
    assert done.returncode == 0, done.stderr
    assert raised(tmp_path) == ["data-lost"]
    page = (tmp_path / "out" / "WATCH.md").read_text(encoding="utf-8")
    assert "**data-lost** stands" in page
    assert "there is no /dev/ttyNOWHERE0 now" in done.stderr
    assert "0 rows" in page


def _started(folder: Path, device: str, *more: str) -> Mission:
    where = ("--output", "out", "--run-dir", "run")
    process = subprocess.Popen(
        command("run", "battery-watch", "--device", device, *where, *more),
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(),
    )
    return Mission(folder, process)
