"""The history of a battery is drawn from a run's journal or from a recording, by the same command."""

import os
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from agents.device.alarms.rules import start_rules
from agents.device.alarms.standing import Alarms, acknowledge
from agents.device.emulation.catalogue import SPEECHES
from agents.device.emulation.device import EmulatedDevice
from agents.device.emulation.faults import fault_of
from agents.device.judging.combining import Heard
from agents.device.judging.limits import Limits
from agents.device.protocols.catalogue import DECODERS
from agents.device.recording import Chunk, Head, chunk_line, head_line
from agents.device.status import Status
from agents.device.watching.watch import Terms, Watched, look
from bus.journal import Journal
from bus.run import RunFolder
from cli.device_history import of_recording, of_run
from cli.main import main
from observers.battery.grid import Known
from observers.battery.groups import Group
from observers.battery.history import Alarm, History
from observers.battery.picture import Picture
from protocol.bodies import Body, Severity, Telemetry
from protocol.encoder import encode
from protocol.messages import MessageType
from tests.builders import message
from tests.cases import ROOT
from tests.observers.battery.histories import drawn, whole

NS = 1_000_000_000
BEGAN_NS = 1_795_253_400 * NS  # 2026-11-21 09:30 UTC
CELLS = range(1, 17)


def plot(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as left:
        main(("device", "plot", *map(str, arguments)))
    said = capsys.readouterr()
    return int(left.value.code or 0), said.out, said.err


def status(second: int) -> Status | None:
    """Return what a pack says: cell 7 is too high for half a minute, and later there is silence for most of one."""
    if 150 <= second < 190:
        return None
    cells = {number: round(3.3 + number / 1000 + second / 100_000, 3) for number in CELLS}
    cells |= {7: 3.72} if 60 <= second < 90 else {}
    return Status(
        pack_voltage_v=round(sum(cells.values()), 2),
        current_a=20.0,
        soc_percent=50 + second // 100,
        cells=cells,
        temperatures={"1": 21.0, "mos": 30.0},
    )


def told(name: str, seconds: int = 300) -> Iterator[tuple[int, Body]]:
    """Yield what an agent tells of such a pack, and when: thinned as on the bus. A person takes note after 80 s."""
    terms = Terms(start_rules(16, 280), Limits(cell_count=16))
    pack = Watched(name, Alarms(0.0), {"bms": Heard(0.0)})
    for second in range(seconds):
        at_ns = BEGAN_NS + second * NS
        said = status(second)
        found = look(pack, {"bms": said} if said else {}, float(second), at_ns, terms)
        pack = found.watched
        yield from ((at_ns, body) for body in (*(one.alert for one in found.alerts), *found.telemetry))
        if second == 80:
            alarms, noted = acknowledge(pack.alarms, terms.rules, "cell-overvoltage", "Ada")
            pack = replace(pack, alarms=alarms)
            yield from ((at_ns, one.alert) for one in noted)


def a_run(folder: Path, *names: str) -> RunFolder:
    """Return a run in which packs of these names were watched."""
    run = RunFolder(folder / "watched")
    run.create()
    journal = Journal(run.journal, syncs=False)
    for name in names:
        for number, (at_ns, body) in enumerate(told(name)):
            kind = MessageType.TELEMETRY if isinstance(body, Telemetry) else MessageType.ALERT
            said = message(kind, body, f"{name}-{number}", sender="@battery", recipient="@everyone", task=name)
            journal.append([(f"everyone/{kind.value}", encode(said.model_copy(update={"timestamp_ns": at_ns})))])
    journal.close()
    return run


def a_recording(file: Path, protocol: str = "jbd", seconds: int = 120, orders: Iterable[tuple[int, str]] = ()) -> Path:
    """Record an emulated device, a cycle of questions each second. orders: faults, and from which second on."""
    device, asks = EmulatedDevice(SPEECHES[protocol]), DECODERS[protocol]().asks() or [b""]
    due, lines = dict(orders), [head_line(Head(BEGAN_NS, protocol))]
    for second in range(seconds):
        if second in due:
            device.faults[:] = [] if due[second] == "clear" else [fault_of(due[second], 16, SPEECHES[protocol])]
        for ask in asks:
            data = device.step(second, ask) + device.step(second + 0.1)
            lines += [chunk_line(Chunk(second * NS, True, ask))] if ask else []
            lines += [chunk_line(Chunk(second * NS + NS // 10, False, data))] if data else []
    file.write_text("".join(lines))
    return file


def qualities(shown: Picture, label: str) -> list[tuple[Known, int, int]]:
    """Return how far a group was not known, and from about which second to which."""
    [strip] = [one for one in shown.qualities if one.label == label]
    return [(Known(span.rank), round(span.begin_s), round(span.end_s)) for span in strip.spans]


def the_alarm(history: History, code: str) -> Alarm:
    return next(alarm for alarm in history.alarms if alarm.code == code)


def test_a_run_is_drawn_with_what_was_told_of_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = a_run(tmp_path, "battery")
    code, said, _ = plot(capsys, run.path, "--output", tmp_path / "one.png")
    assert code == 0
    assert said.startswith(f"{tmp_path / 'one.png'}: ")
    with Image.open(tmp_path / "one.png") as image:
        assert image.format == "PNG"


def test_thinned_telemetry_is_whole_again_in_the_picture(tmp_path: Path) -> None:
    [history] = of_run(a_run(tmp_path, "battery"))
    shown = whole(history)
    first = next(row for row in shown.rows if row.name == "cell-1-voltage")
    # Of 260 measurements few were told, as it hardly moved; still it is known whenever it was measured.
    assert len(history.tracks[0].at_s) < 30
    is_silent = (shown.at_s >= BEGAN_NS / NS + 153) & (shown.at_s < BEGAN_NS / NS + 190)
    assert set(first.known[~is_silent].tolist()) == {Known.GOOD}
    assert set(first.known[is_silent].tolist()) <= {Known.GOOD, Known.STALE, Known.ABSENT}
    assert [known for known, *_ in qualities(drawn(history), "cells")][-2:] == [Known.STALE, Known.ABSENT]
    assert qualities(drawn(history), "cells")[-1][2] == 190


def test_alarms_of_a_run_stand_from_raised_to_cleared_and_their_limits_are_drawn(tmp_path: Path) -> None:
    [history] = of_run(a_run(tmp_path, "battery"))
    high = the_alarm(history, "cell-overvoltage")
    assert high.stages[-1].severity is Severity.CRITICAL
    assert [round(at_s - BEGAN_NS / NS) for at_s in high.acknowledged_s] == [80]
    assert high.cleared_s is not None
    assert round(high.cleared_s - BEGAN_NS / NS) >= 90
    [cells] = [panel for panel in drawn(history).panels if panel.group is Group.CELLS]
    assert 3.65 in [limit.value for limit in cells.limits]
    assert the_alarm(history, "data-lost").cleared_s is None


def test_several_packs_make_a_picture_each(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    run = a_run(tmp_path, "bank/1", "bank/2", "bank-2")
    monkeypatch.chdir(tmp_path)
    assert plot(capsys, run.path, "-o", "all.svg")[0] == 0
    assert sorted(path.name for path in tmp_path.glob("*.svg")) == [
        "all-bank-1.svg",
        "all-bank-2-2.svg",
        "all-bank-2.svg",
    ]
    assert plot(capsys, run.path, "--device", "bank/2")[0] == 0
    assert [path.name for path in tmp_path.glob("*.png")] == ["watched.png"]
    code, _, error = plot(capsys, run.path, "--device", "bank/3")
    assert (code, "there are: bank-2, bank/1, bank/2" in error) == (2, True)


def test_a_recording_is_judged_and_drawn_as_it_was(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    orders = [(30, "overvoltage 7 3.72"), (45, "clear"), (60, "silent"), (90, "clear")]
    file = a_recording(tmp_path / "fault.txt", orders=orders)
    [history] = of_recording(file, None)
    shown = drawn(history)
    [cells] = [panel for panel in shown.panels if panel.group is Group.CELLS]
    assert next(line.label for line in cells.lines if "highest" in line.label).startswith("cell 7: highest 3.720 V")
    assert [known for known, *_ in qualities(shown, "cells")][-2:] == [Known.STALE, Known.ABSENT]
    assert qualities(shown, "cells")[-1][1:] == (70, 90)
    alarm = the_alarm(history, "cell-overvoltage")
    assert (alarm.stages[0].severity, round(alarm.began_s - BEGAN_NS / NS)) == (None, 30)
    assert plot(capsys, file, "-o", tmp_path / "fault.html")[0] == 0
    assert "<script" not in (tmp_path / "fault.html").read_text(encoding="utf-8")


def test_silence_at_the_end_of_a_recording_is_shown_as_long_as_it_was_listened(tmp_path: Path) -> None:
    [history] = of_recording(a_recording(tmp_path / "end.txt", orders=[(30, "silent")]), None)
    assert qualities(drawn(history), "cells") == [(Known.STALE, 33, 40), (Known.ABSENT, 40, 119)]


def test_a_monitor_without_cells_is_drawn_too(tmp_path: Path) -> None:
    [history] = of_recording(a_recording(tmp_path / "one.txt", "vedirect-text"), None)
    assert Group.PACK in [panel.group for panel in drawn(history).panels]


def test_only_the_time_that_is_asked_for_is_drawn(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run, page = a_run(tmp_path, "battery"), tmp_path / "one.html"
    assert plot(capsys, run.path, "-o", page, "--from", "2026-11-21T09:31", "--to", "2026-11-21T09:32:00Z")[0] == 0
    assert "2026-11-21 09:31:00 to 2026-11-21 09:32:00 UTC" in page.read_text(encoding="utf-8")
    code, _, error = plot(capsys, run.path, "-o", page, "--from", "2027-01-01")
    assert code == 1
    assert "it was told of from 2026-11-21 09:30:00 to 2026-11-21 09:34:11 UTC" in error


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--from", "yesterday"), "--from 'yesterday' is no moment such as"),
        (("--from", "2026-11-21T10:00", "--to", "2026-11-21T09:00"), "is not before --to"),
        (("--output", "one.pdf"), "one.pdf does not end in .png, .svg or .html"),
        (("--protocol", "morse"), "'morse' is no protocol; there are:"),
        (("--device", "other"), "nothing was told of 'other'; there are: fault"),
    ],
)
def test_wrong_usage_is_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: Sequence[str], said: str
) -> None:
    code, _, error = plot(capsys, a_recording(tmp_path / "fault.txt", seconds=3), *arguments)
    assert (code, error.count("\n")) == (2, 1)
    assert said in error


def test_a_run_without_telemetry_is_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, _, error = plot(capsys, a_run(tmp_path).path)
    assert (code, error.count("\n")) == (1, 1)
    assert "watched holds no telemetry" in error


def test_a_recording_of_nothing_is_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, _, error = plot(capsys, a_recording(tmp_path / "one.txt", orders=[(0, "silent")]))
    assert (code, error) == (1, f"error: {tmp_path / 'one.txt'} holds no whole frame of jbd\n")


@pytest.mark.parametrize("missing", ["matplotlib", "numpy"])
def test_without_the_extra_the_way_to_it_is_told(
    missing: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in sys.modules if name.startswith("observers.battery.")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, missing, None)
    code, _, error = plot(capsys, a_recording(tmp_path / "one.txt", seconds=3))
    assert (code, error) == (2, "error: pictures need an extra: pip install 'agent-orchestra[plot]'\n")


def test_settings_with_which_matplotlib_does_not_load_are_one_sentence(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "cli.main", "device", "plot", str(a_recording(tmp_path / "one.txt", seconds=3))]
    environment = {**os.environ, "MPLBACKEND": "no-such-backend"}
    made = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (made.returncode, made.stdout) == (2, "")
    assert made.stderr.startswith("error: matplotlib does not load: ")
    assert "Traceback" not in made.stderr


def test_a_recording_that_claims_decades_of_silence_is_drawn(tmp_path: Path) -> None:
    file = a_recording(tmp_path / "long.txt", seconds=5)
    with file.open("a") as more:
        more.write(chunk_line(Chunk(2_500_000_000 * NS, False, b"\x00")))
    [history] = of_recording(file, None)
    assert qualities(drawn(history), "cells")[0][0] is Known.UNTOLD


def test_other_commands_do_not_load_what_draws() -> None:
    program = "import sys, cli.main; assert not {'matplotlib', 'observers.battery.drawing'} & sys.modules.keys()"
    subprocess.run([sys.executable, "-c", program], check=True, cwd=ROOT)
