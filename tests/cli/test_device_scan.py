"""What is on a port is said in a table, in JSON and as the command to go on with; what cannot be looked at, why."""

import json
import socket
from contextlib import closing
from pathlib import Path

import pytest

from agents.device.emulation.catalogue import SPEECHES
from agents.device.links.opening import place_of
from agents.device.protocols.catalogue import LINES
from tests.agents.device.benches import Device, emulated, packs_at, served, silent
from tests.cli.test_device import orchestra


@pytest.mark.slow
@pytest.mark.parametrize("protocol", ["battery-monitor", "jbd"])
def test_a_battery_on_a_port_is_found_whether_it_talks_or_is_asked(
    protocol: str, capsys: pytest.CaptureFixture[str]
) -> None:
    device = emulated(protocol)
    with served(device):
        code, said, progress = orchestra(capsys, "scan", device.path, "--json")
        row = json.loads(said)
        assert orchestra(capsys, *row["command"].split()[2:], "--once")[0] == 0
    assert code == 0
    assert (row["port"], row["protocol"], row["baud"]) == (device.path, protocol, LINES[protocol].baud)
    assert row["cells"] == 16
    assert row["volts"] == pytest.approx(53, abs=2)
    assert row["command"] == f"orchestra device monitor {device.path} --protocol {protocol}"
    assert f"{protocol}{', listening' if SPEECHES[protocol].talk else ''}: found" in progress


@pytest.mark.slow
def test_several_packs_are_a_row_each_and_one_command(capsys: pytest.CaptureFixture[str]) -> None:
    bus = packs_at(1, 2)
    with served(bus):
        code, said, _ = orchestra(capsys, "scan", f"{bus.path}?baud=9600")
    command = f"orchestra device monitor '{bus.path}?baud=9600' --protocol jbd-up --address 1 --address 2"
    assert code == 0
    assert "2 found" in said
    assert [line for line in said.splitlines() if "JBD48100000" in line]
    assert said.splitlines()[-1].strip() == command


@pytest.mark.slow
def test_where_nothing_but_an_echo_answers_it_says_so_and_what_to_look_at(capsys: pytest.CaptureFixture[str]) -> None:
    line = Device(lambda _now_s, asked: asked)
    with served(line):
        code, said, progress = orchestra(capsys, "scan", f"{line.path}?baud=9600")
    assert code == 1
    assert "nothing that is known answered" in said
    assert "--also jk-55aa" in said
    assert "jbd: " in progress


def test_a_port_that_is_in_use_or_gone_is_named_and_does_not_end_the_others(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    used, monitor = silent(), emulated("battery-monitor")
    with closing(place_of(used.path).open()), served(used, monitor), socket.create_server(("127.0.0.1", 0)) as server:
        dead = f"tcp://127.0.0.1:{server.getsockname()[1]}"
        server.close()
        urls = (used.path, str(tmp_path / "none"), dead, monitor.path)
        code, said, _ = orchestra(capsys, "scan", *urls, "--json")
    rows = {row["port"]: row for row in map(json.loads, said.splitlines())}
    assert code == 0
    assert "another program uses it" in rows[used.path]["reason"]
    assert "there is no such port" in rows[str(tmp_path / "none")]["reason"]
    assert "cannot connect" in rows[dead]["reason"]
    assert rows[monitor.path]["protocol"] == "battery-monitor"
    assert used.sent == b""


def test_wrong_input_is_refused_before_any_port_is_opened(capsys: pytest.CaptureFixture[str]) -> None:
    device = silent()
    assert orchestra(capsys, "scan", device.path, "http://a")[0] == 2
    code, _, error = orchestra(capsys, "scan", device.path, "--also", "jbd")
    assert (code, "'jbd' is not left out" in error) == (2, True)
    device.step(0.0)
    assert device.sent == b""
    device.close()
