"""A battery that is not there is emulated in a process of its own, and looked at as a real one is."""

import json
import signal
import struct
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import pytest

from agents.device.emulation.catalogue import EMULATED, SPEECHES
from agents.device.protocols.modbus import question
from agents.device.protocols.register_map import PACKAGED
from cli.main import main
from tests.agents.device.benches import answering, packs_at, served
from tests.agents.device.sealing import with_crc
from tests.builders import until
from tests.cases import ROOT
from tests.systems import need_module

ORCHESTRA = (sys.executable, "-m", "cli.main", "device")


def orchestra(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as left:
        main(("device", *arguments))
    said = capsys.readouterr()
    return int(left.value.code or 0), said.out, said.err


class Emulated:
    """A running `orchestra device emulate`."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process
        self.path = line(process.stdout)
        assert line(process.stderr).startswith("emulating")

    def order(self, text: str) -> str:
        """Give an order and return what it answers."""
        assert self._process.stdin
        self._process.stdin.write(text + "\n")
        self._process.stdin.flush()
        return line(self._process.stderr)


def line(stream: IO[str] | None) -> str:
    assert stream
    return stream.readline().rstrip("\n")


@contextmanager
def running(*arguments: str) -> Iterator["subprocess.Popen[str]"]:
    pipe = subprocess.PIPE
    with subprocess.Popen(
        [*ORCHESTRA, *arguments], cwd=ROOT, stdin=pipe, stdout=pipe, stderr=pipe, text=True
    ) as process:
        try:
            yield process
        finally:
            process.kill()


@contextmanager
def emulated(protocol: str, *arguments: str) -> Iterator[Emulated]:
    with running("emulate", "--protocol", protocol, *arguments) as process:
        yield Emulated(process)


def reading(row: dict[str, Any], name: str) -> dict[str, Any]:
    [found] = [one for one in row["readings"] if one["name"] == name]
    assert isinstance(found, dict)
    return found


@pytest.mark.slow
@pytest.mark.parametrize("protocol", ["battery-monitor", "jbd", "seplos-v3"])
def test_an_emulated_device_is_monitored_as_a_real_one(protocol: str, capsys: pytest.CaptureFixture[str]) -> None:
    if protocol in PACKAGED:
        need_module("pymodbus", "modbus")
    with emulated(protocol) as device:
        code, said, _ = orchestra(capsys, "monitor", device.path, "--protocol", protocol, "--once", "--json")
    row = json.loads(said)
    assert code == 0
    assert (row["protocol"], row["device"]) == (protocol, device.path)
    assert not row["alarms"]  # some do not say
    assert 50 < reading(row, "pack-voltage")["value"] < 55
    assert reading(row, "pack-voltage")["quality"] == "good"
    # Whoever talks by itself is joined in the middle of a word.
    assert row["counts"]["junk_bytes"] == 0 or (protocol in SPEECHES and SPEECHES[protocol].talk)


@pytest.mark.slow
def test_an_overvoltage_is_seen_as_a_bar_a_delta_and_an_alarm(capsys: pytest.CaptureFixture[str]) -> None:
    with emulated("jbd", "--fault", "overvoltage 7 3.72") as device:
        code, said, _ = orchestra(capsys, "monitor", device.path, "--protocol", "jbd", "--once")
    assert code == 0
    [cell] = [one for one in said.splitlines() if one.startswith("cell  7")]
    assert cell.endswith("3.720 V max")
    assert "ALARMS: cell-overvoltage" in said
    assert "It does not protect" in said
    assert len([one for one in said.splitlines() if one.startswith("cell ")]) == 16


@pytest.mark.slow
def test_of_a_line_that_loses_bytes_nothing_is_believed(capsys: pytest.CaptureFixture[str]) -> None:
    with emulated("jbd", "--fault", "lost 0.5") as device:
        arguments = ("monitor", device.path, "--protocol", "jbd", "--once", "--wait", "2.5")
        code, said, error = orchestra(capsys, *arguments)
    assert (code, said) == (1, "")
    assert "bytes came, none of them a whole jbd frame" in error


@pytest.mark.slow
def test_a_silent_device_is_said_to_be_silent(capsys: pytest.CaptureFixture[str]) -> None:
    with emulated("jbd", "--fault", "silent") as device:
        code, said, error = orchestra(capsys, "monitor", device.path, "--protocol", "jbd", "--once", "--wait", "0.5")
    assert (code, said) == (1, "")
    assert "not a byte came" in error


@pytest.mark.slow
def test_a_device_that_sleeps_is_said_to_answer_what_cannot_be(capsys: pytest.CaptureFixture[str]) -> None:
    with emulated("daly-a5", "--fault", "sleep") as device:
        code, _, error = orchestra(capsys, "monitor", device.path, "--protocol", "daly-a5", "--once", "--wait", "2")
    assert code == 1
    assert "the device sleeps" in error


@pytest.mark.slow
@pytest.mark.parametrize("form", [(), ("--json",)])
def test_unplugged_while_it_is_watched_it_goes_on_when_the_battery_is_back(
    form: tuple[str, ...], tmp_path: Path
) -> None:
    place = str(tmp_path / "pack")
    with (
        emulated("jbd", "--link", place) as device,
        running("monitor", place, "--protocol", "jbd", *form) as watching,
    ):
        assert "pack" in line(watching.stdout)
        assert device.order("unplug") == "unplugged: no fault"
        assert "gone: unplugged" in line(watching.stderr)
        while "stale" not in (last := line(watching.stdout)):
            assert "pack" in last
        assert form or last.endswith("alarms: none when it last spoke, not known now")
        assert device.order("plug") == f"{place}: no fault"
        assert line(watching.stderr).startswith("the line is back after")
        while "stale" in last:
            last = line(watching.stdout)
        watching.send_signal(signal.SIGINT)
        assert watching.wait(30) == 0


@pytest.mark.slow
def test_a_recording_goes_on_when_the_battery_is_back(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    place, file = str(tmp_path / "pack"), tmp_path / "line.txt"
    with (
        emulated("jbd", "--link", place) as device,
        running("record", place, str(file), "--protocol", "jbd") as recording,
    ):
        wait_for_rounds(file, 2)
        device.order("unplug")
        assert "gone: unplugged" in line(recording.stderr)
        device.order("plug")
        assert line(recording.stderr).startswith("the line is back")
        wait_for_rounds(file, 5)
        recording.send_signal(signal.SIGINT)
        assert recording.wait(30) == 0
    assert orchestra(capsys, "replay", str(file))[1].count("pack ") >= 3


def wait_for_rounds(file: Path, count: int) -> None:
    until(lambda: file.exists() and file.read_text().count("> dda503") >= count)


def test_several_packs_on_one_line_are_shown_and_recorded_each_by_its_address(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bus, file = packs_at(1, 2), str(tmp_path / "line.txt")
    named = ("--protocol", "jbd-up", "--address", "1", "--address", "0x2")
    with served(bus):
        code, said, _ = orchestra(capsys, "monitor", bus.path, *named, "--once", "--json", "--invert-current")
        assert "pack 2  pack 53.17 V" in orchestra(capsys, "monitor", bus.path, *named, "--once")[1]
        kept = orchestra(capsys, "record", bus.path, file, *named, "--seconds", "1")[1]
    rows = [json.loads(one) for one in said.splitlines()]
    assert code == 0
    assert [row["pack"] for row in rows] == ["1", "2"]
    assert reading(rows[1], "cell-16-voltage")["value"] == 3.322
    assert "replay" in kept
    assert kept.rstrip().endswith("--address 1 --address 0x2")
    rows = [json.loads(one) for one in orchestra(capsys, "replay", file, "--json", *named[2:])[1].splitlines()]
    assert {row["pack"] for row in rows} == {"1", "2"}


def test_a_device_is_read_by_a_map_of_ones_own(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    own = tmp_path / "shunt.yaml"
    own.write_text(
        "name: shunt\naddresses: [5]\nblocks:\n  - {name: all, function: 4, at: 0, count: 2, fields: [\n"
        "      {at: 0, to: pack_voltage_v, scale: 0.01}, {at: 1, to: current_a, type: i16, scale: 0.1}]}\n"
    )
    shunt = answering({question(5, 4, 0, 2): with_crc(bytes((5, 4, 4)) + struct.pack(">Hh", 5312, -105))})
    named = ("--protocol", "modbus", "--map", str(own), "--once", "--json")
    with served(shunt):
        code, said, _ = orchestra(capsys, "monitor", shunt.path, *named, "--invert-current")
    row = json.loads(said)
    assert (code, row["pack"]) == (0, None)
    assert reading(row, "pack-voltage")["value"] == 53.12
    assert reading(row, "current")["value"] == 10.5


@pytest.mark.slow
def test_orders_are_given_while_it_runs_and_a_wrong_one_is_answered(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place = tmp_path / "pack"
    with emulated("jbd", "--link", str(place), "--cells", "8") as device:
        assert device.path == str(place)
        assert device.order("open-ntc 2") == f"{place}: open-ntc 2"
        assert "CELL is a cell" in device.order("overvoltage 9 3.7")
        assert "is no fault" in device.order("explode")
        assert device.order("overvoltage 8 3.7") == f"{place}: open-ntc 2, overvoltage 8 3.7"
        assert device.order("unplug") == "unplugged: open-ntc 2, overvoltage 8 3.7"
        assert not place.is_symlink()
        assert device.order("plug") == f"{place}: open-ntc 2, overvoltage 8 3.7"
        code, said, _ = orchestra(capsys, "monitor", str(place), "--protocol", "jbd", "--once", "--json")
        row = json.loads(said)
        assert device.order("clear") == f"{place}: no fault"
    assert code == 0
    assert reading(row, "cell-8-voltage")["value"] == 3.7
    assert reading(row, "temperature-2") == {
        "name": "temperature-2", "unit": "degC", "value": None, "quality": "absent",
        "reasons": ["-273.1 is what is sent without a sensor"],
    }  # fmt: skip


@pytest.mark.slow
def test_what_was_recorded_is_shown_again_without_the_device(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = str(tmp_path / "line.txt")
    with emulated("jbd") as device:
        arguments = ("record", device.path, file, "--protocol", "jbd", "--seconds", "2.5")
        code, said, _ = orchestra(capsys, *arguments)
        assert (code, "bytes came" in said) == (0, True)
        assert orchestra(capsys, *arguments)[0] == 2  # what was recorded is not written over
    code, said, _ = orchestra(capsys, "replay", file, "--json")
    rows = [json.loads(one) for one in said.splitlines()]
    assert code == 0
    assert len(rows) >= 2
    assert 50 < reading(rows[-1], "pack-voltage")["value"] < 55
    assert orchestra(capsys, "replay", file)[1].count("pack ") >= 3


def test_wrong_input_is_said_in_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "notes.txt"
    file.write_text("no recording\n")
    wrong: list[tuple[tuple[str, ...], int, str]] = [
        (("monitor", "/dev/null", "--protocol", "morse"), 2, "'morse' is no protocol; there are: battery-monitor"),
        (
            ("monitor", "/dev/null", "--protocol", "jbd", "--address", "two"),
            2,
            "write a whole number such as 2 or 0x81",
        ),
        (("monitor", "/dev/null", "--protocol", "jbd", "--address", "2"), 2, "devices of jbd have no addresses"),
        (("monitor", "/dev/null", "--protocol", "modbus"), 2, "needs a map of your own"),
        (("monitor", "/dev/null", "--protocol", "modbus", "--map", str(file)), 2, "notes.txt"),
        (("record", "/dev/null", str(tmp_path / "x"), "--address", "2"), 2, "add --protocol P"),
        (("monitor", "http://a", "--protocol", "jbd"), 2, "is no address of a device; write /dev/ttyUSB0"),
        (("monitor", str(tmp_path / "no"), "--protocol", "jbd", "--once"), 1, "there is no such port"),
        (("emulate", "--protocol", "pace-bin"), 2, "cannot be emulated; there are"),
        (("emulate", "--protocol", "battery-monitor", "--cells", "8"), 2, "takes 16 to 16 cells"),
        (("emulate", "--protocol", "jbd", "--fault", "lost 7"), 2, "RATE is 0 to 1"),
        (("replay", str(tmp_path / "no")), 2, "cannot read"),
        (("replay", str(file)), 2, "line 1: this is no recording"),
    ]
    for arguments, code, says in wrong:
        left, said, error = orchestra(capsys, *arguments)
        assert (left, said) == (code, ""), arguments
        assert says in error


def test_every_protocol_is_listed_with_its_line(capsys: pytest.CaptureFixture[str]) -> None:
    code, said, _ = orchestra(capsys, "info", "--json")
    rows = {row["protocol"]: row for row in map(json.loads, said.splitlines())}
    assert code == 0
    assert rows["jbd"] == {
        "protocol": "jbd", "baud": 9600, "wires": "UART, RS485", "asked": True, "emulated": True,
    }  # fmt: skip
    assert rows["vedirect-text"]["asked"] is False
    assert {name for name, row in rows.items() if row["emulated"]} == set(EMULATED)
    assert "It does not protect" in orchestra(capsys, "info")[1]
