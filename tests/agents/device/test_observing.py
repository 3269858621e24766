"""What a device's agent hands in: windows of everything it read, whoever dies, and two monitors of one pack."""

import errno
import os
import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final

import pytest

from agents.device.recording import read_recording
from agents.device.status import Status
from agents.device.watching.commands import OBSERVE
from agents.device.watching.earlier import before
from agents.device.watching.forward import ForwardClock
from agents.device.watching.spool import Spool
from gates.telemetry.readings import NAME as READINGS
from gates.telemetry.readings import ReadingsFile, read_readings
from gates.telemetry.window import NAME as WINDOW
from gates.telemetry.window import WindowFile
from protocol.bodies import Action, AlertState, Claim, Quality, Report, Setting, TaskAssignment, Telemetry
from protocol.messages import Message, MessageType
from tests.agents.device.agent_bench import LEAD, NAME, POST, Bench, pack

SECONDS: Final = 5


def asked(number: int = 1, seconds: str = f"{SECONDS}") -> TaskAssignment:
    told = {"number": f"{number}", "from": f"{(number - 1) * SECONDS}", "seconds": seconds}
    settings = tuple(Setting(name=name, value=value) for name, value in told.items())
    return TaskAssignment(title="observe", skill=OBSERVE, folder=f"mission/{number}", settings=settings)


def ask(bench: Bench, number: int = 1) -> Message:
    return bench.tell(MessageType.TASK_ASSIGNMENT, asked(number), sender=LEAD, task=f"observe-{number}")


def reports(bench: Bench) -> list[Report]:
    bodies = [one.body for one in bench.said(MessageType.TASK_COMPLETION)]
    return [body for body in bodies if isinstance(body, Report)]


def files(bench: Bench, report: Report) -> Mapping[str, bytes]:
    assert report.result is not None
    return {file.path.rpartition("/")[2]: bench.store.get(file) for file in report.result.artifacts}


def window_of(bench: Bench, place: int = -1) -> tuple[WindowFile, ReadingsFile]:
    found = files(bench, reports(bench)[place])
    return WindowFile.model_validate_json(found[WINDOW]), read_readings(found[READINGS], READINGS)


def test_a_window_is_claimed_and_handed_in_when_its_time_is_over_with_every_reading(bench: Bench) -> None:
    ask(bench)
    bench.see(pack(), pack(3.31))
    [claim] = bench.said(MessageType.CLAIM)
    assert isinstance(claim.body, Claim)
    assert claim.body.instance == "battery-1-0a1b2c"
    bench.see(*[pack(3.32)] * 4)
    [report] = reports(bench)
    assert report.action is Action.COMPLETED
    window, readings = window_of(bench)
    assert (window.number, window.rows, window.device) == (1, 5, POST.device)
    assert [row.values["cell-1-voltage"] for row in readings.rows] == [3.3, 3.31, 3.32, 3.32, 3.32]
    assert window.from_ns <= readings.rows[0].taken_ns
    assert readings.rows[-1].taken_ns <= window.to_ns


def test_windows_follow_each_other_without_a_hole(bench: Bench) -> None:
    ask(bench)
    bench.see(*[pack()] * 9)
    ask(bench, 2)
    bench.see(*[pack()] * 9)
    first, one = window_of(bench, 0)
    second, other = window_of(bench, 1)
    assert second.from_ns == first.to_ns
    taken = [row.taken_ns for row in (*one.rows, *other.rows)]
    assert len(set(taken)) == 10
    assert taken == sorted(taken)


def test_what_a_window_holds_tells_doubt_and_leaves_out_what_is_old(bench: Bench) -> None:
    ask(bench)
    bench.see(pack(), pack(4.4), None, None, None, None)
    _, readings = window_of(bench)
    assert len(readings.rows) == 2
    assert readings.rows[0].doubted == frozenset()
    assert "cell-1-voltage" in readings.rows[1].doubted


def test_a_device_that_says_nothing_is_a_window_without_rows(bench: Bench) -> None:
    ask(bench)
    bench.see(*[None] * 6)
    window, readings = window_of(bench)
    assert (window.rows, readings.rows) == (0, ())


def test_alerts_stand_in_the_window_in_which_they_were_told(bench: Bench) -> None:
    ask(bench)
    bench.see(pack(), *[pack(3.55)] * 6)
    window, _ = window_of(bench)
    assert [(one.code, one.state) for one in window.alerts] == [("cell-overvoltage", AlertState.RAISED)]


def test_the_critical_limits_are_told_for_whoever_looks_ahead(bench: Bench) -> None:
    ask(bench)
    bench.see(*[pack()] * 6)
    limits = {name: float(at) for name, at in window_of(bench)[0].limits.items()}
    assert limits == {"cell-high": 3.65, "cell-low": 2.7, "temperature-high": 60, "temperature-low": -20}


@pytest.mark.parametrize("seconds", ["soon", "0", "-1", "nan", "86401", "inf"])
def test_a_window_that_cannot_be_is_declined_with_the_reason(bench: Bench, seconds: str) -> None:
    bench.tell(MessageType.TASK_ASSIGNMENT, asked(seconds=seconds), sender=LEAD)
    assert bench.last_refusal().code == "bad-setting"


def test_another_life_leaves_what_a_dead_one_had_claimed_and_takes_it_when_it_is_asked_for_again(bench: Bench) -> None:
    ask(bench)
    bench.see(pack(), *[pack(3.55)] * 4)
    bench.restart()
    bench.see(*[pack(3.55)] * 9)
    assert reports(bench) == []
    again = bench.tell(MessageType.TASK_ASSIGNMENT, asked(), sender=LEAD, task="observe-1", attempt=2)
    bench.see(*[pack(3.55)] * 6)
    [report] = reports(bench)
    [told] = bench.said(MessageType.TASK_COMPLETION)
    assert (told.attempt, told.cause) == (2, again.id)
    assert report.action is Action.COMPLETED
    window, _ = window_of(bench)
    assert window.alerts[0].code == "cell-overvoltage"  # told by the life that died
    assert window.from_ns <= window.alerts[0].taken_ns


def test_a_disk_that_is_full_loses_no_reading(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    ask(bench)
    bench.see(*[pack()] * 3)
    monkeypatch.setattr(os, "fsync", refused)
    bench.see(*[pack()] * 3)
    assert reports(bench)[0].action is Action.BLOCKED
    monkeypatch.undo()
    bench.tell(MessageType.TASK_ASSIGNMENT, asked(), sender=LEAD, task="observe-1", attempt=2)
    bench.see(*[pack()] * 6)
    window, readings = window_of(bench)
    assert window.rows == len(readings.rows) > 6


def refused(_: int) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def monitor(cell: float, current: float = 0.0) -> Status:
    return replace(pack(cell), current_a=current, soc_percent=None, temperatures={"1": 22.0})


@pytest.fixture
def both(tmp_path: Path) -> Bench:
    """A pack with a BMS, and a monitor beside it."""
    return Bench(tmp_path, others=("mega",))


def latest(bench: Bench, name: str) -> tuple[float, Quality]:
    found = [reading for told in bench.said(MessageType.TELEMETRY) if isinstance(told.body, Telemetry)
             for reading in told.body.readings if reading.name == name]  # fmt: skip
    return float(found[-1].value), found[-1].quality


def test_of_two_monitors_the_worse_value_counts_and_where_they_disagree_it_is_doubted(both: Bench) -> None:
    both.see_both((pack(3.40), monitor(3.42)))
    assert latest(both, "cell-1-voltage") == (3.42, Quality.GOOD)
    both.see_both((pack(3.40), monitor(3.50)), (pack(3.40), monitor(3.50)))
    assert latest(both, "cell-1-voltage") == (3.5, Quality.SUSPECT)


def test_near_empty_the_worse_of_two_is_the_lower(both: Bench) -> None:
    both.see_both((pack(2.95), monitor(2.93)))
    assert latest(both, "cell-1-voltage") == (2.93, Quality.GOOD)


def test_where_one_falls_silent_the_other_goes_on_and_that_is_an_alarm_of_its_own(both: Bench) -> None:
    both.see_both(*[(pack(3.3), monitor(3.3))] * 3)
    both.see_both(*[(None, monitor(3.33))] * 30)
    assert latest(both, "cell-1-voltage") == (3.33, Quality.GOOD)
    assert latest(both, "source-bms")[1] is Quality.ABSENT
    assert both.alerts("data-lost") == []
    [lost] = both.alerts("readings-lost")
    assert "source-bms" in lost.text


def test_one_that_never_spoke_is_missed_as_well(both: Bench) -> None:
    both.see_both(*[(pack(3.3), None)] * 30)
    assert "source-mega" in both.alerts("readings-lost")[0].text


class Kept:
    """Raw bytes of a line that are there from the beginning."""

    began_ns = None
    lost = ""

    def cut(self) -> bytes:
        return b"kept"

    def drop(self) -> None:
        return


def test_a_window_says_which_raw_bytes_are_missing_and_why(bench: Bench, tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool", "jbd", lambda: 1_000)
    bench.raw["bms"] = spool
    (tmp_path / "spool").write_text("in the way")
    spool.keep(False, b"\x01")
    ask(bench)
    bench.see(*[pack()] * 6)
    said = reports(bench)[0].result
    assert said is not None
    assert said.description.endswith("; raw bytes of bms are missing: File exists")


def test_raw_bytes_are_called_after_their_source_whoever_else_has_spoken(both: Bench) -> None:
    both.raw["mega"] = Kept()
    ask(both)
    both.see_both(*[(None, monitor(3.3))] * 8)
    assert "line.txt" not in files(both, reports(both)[-1])
    assert files(both, reports(both)[-1])["line-mega.txt"] == b"kept"
    assert window_of(both)[0].line == ""


def test_temperatures_of_two_monitors_are_of_different_places(both: Bench) -> None:
    both.see_both((pack(), monitor(3.3)))
    assert latest(both, "temperature-1") == (21.0, Quality.GOOD)
    assert latest(both, "temperature-1-mega") == (22.0, Quality.GOOD)


def test_raw_bytes_are_on_disk_as_they_come_and_another_life_goes_on_with_them(tmp_path: Path) -> None:
    now = [1_000]
    spool = Spool(tmp_path, "jbd", lambda: now[0])
    spool.keep(True, b"\x01")
    now[0] = 1_500
    spool.keep(False, b"\x02\x03")
    with (tmp_path / "line.txt").open("a") as file:
        file.write("700 < 0")  # a life that was killed within a line
    later = Spool(tmp_path, "jbd", lambda: now[0])
    now[0] = 2_000
    later.keep(False, b"\x04")
    head, chunks = read_recording(later.cut().decode().splitlines(keepends=True), "line.txt")
    assert (head.began_ns, head.protocol) == (1_000, "jbd")
    assert [(one.at_ns, one.is_sent, one.data) for one in chunks] == [
        (0, True, b"\x01"), (500, False, b"\x02\x03"), (1_000, False, b"\x04"),
    ]  # fmt: skip
    later.drop()
    assert later.cut() == b""


def test_raw_bytes_that_were_handed_in_are_not_handed_in_again(tmp_path: Path) -> None:
    Spool(tmp_path, "jbd", lambda: 1_000).keep(False, b"\x01")
    assert Spool(tmp_path, "jbd", lambda: 3_000, after_ns=2_000).cut() == b""


def test_what_is_no_recording_is_put_aside_and_not_lost(tmp_path: Path) -> None:
    (tmp_path / "line.txt").write_text("something else\n")
    assert Spool(tmp_path, "jbd", lambda: 5).cut() == b""
    assert [path.read_text() for path in tmp_path.iterdir()] == ["something else\n"]


def test_raw_bytes_that_had_no_place_are_missed_and_what_comes_after_is_a_whole_recording(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "house" / "jbd", "jbd", lambda: 1_000)
    (tmp_path / "house" / "jbd" / "line.txt").mkdir(parents=True)
    spool.keep(True, b"\x01")
    assert spool.cut() == b""
    spool.drop()
    shutil.rmtree(tmp_path / "house")
    spool.keep(False, b"\x02")
    head, chunks = read_recording(spool.cut().decode().splitlines(keepends=True), "line.txt")
    assert (head.began_ns, [one.data for one in chunks]) == (1_000, [b"\x02"])


def test_a_full_disk_leaves_no_recording_without_a_head(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spool, write = Spool(tmp_path, "jbd", lambda: 1_000), os.write
    monkeypatch.setattr(os, "write", lambda file, data: write(file, data[:3]))
    spool.keep(True, b"\x01")
    monkeypatch.setattr(os, "write", write)
    spool.keep(True, b"\x02")
    head, chunks = read_recording(spool.cut().decode().splitlines(keepends=True), "line.txt")
    assert (head.protocol, [one.data for one in chunks]) == ("jbd", [b"\x02"])


def test_the_time_of_a_watch_goes_on_while_the_clock_of_the_day_is_set_back() -> None:
    day, passed = [5_000], [0]
    clock = ForwardClock(4_000, lambda: day[0], lambda: passed[0])
    told = [clock()]
    for day[0], passed[0] in ((5_010, 10), (1_000, 15), (1_020, 35), (9_000, 40)):
        told.append(clock())
    assert told == [5_000, 5_010, 5_015, 5_035, 9_000]


def test_another_life_goes_on_from_the_time_that_was_told_last() -> None:
    assert ForwardClock(4_000, lambda: 1_000, lambda: 7)() == 4_000


def test_what_was_handed_in_is_known_to_the_next_life(bench: Bench) -> None:
    ask(bench)
    bench.see(pack(), *[pack(3.55)] * 8)
    past = before(bench.bus.entries, NAME)
    assert past.handed_in_ns == window_of(bench)[0].to_ns
    assert past.not_handed_in == ()


def test_a_place_in_which_nothing_can_be_kept_does_not_end_a_watch(tmp_path: Path) -> None:
    (tmp_path / "devices").write_text("in the way")
    spool = Spool(tmp_path / "devices" / "jbd", "jbd", lambda: 1_000)
    spool.keep(False, b"\x01")
    assert (spool.cut(), spool.lost) == (b"", "Not a directory")
