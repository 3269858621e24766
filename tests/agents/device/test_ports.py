"""Serial ports are named by what stays, and a port that a program uses is known by that program."""

from pathlib import Path

from agents.device.links.ports import serial_ports, users_of


def linked(name: Path, target: Path) -> None:
    name.parent.mkdir(parents=True, exist_ok=True)
    name.symlink_to(target)


def test_every_adapter_is_named_once_by_its_own_name_where_it_has_one(tmp_path: Path) -> None:
    for name in ("ttyUSB0", "ttyUSB1", "ttyACM0", "ttyS0"):
        (tmp_path / name).touch()
    by_id = tmp_path / "serial" / "by-id"
    linked(by_id / "usb-FTDI", tmp_path / "ttyUSB1")
    linked(by_id / "usb-Arduino", tmp_path / "ttyACM0")
    assert serial_ports(tmp_path) == [str(by_id / "usb-Arduino"), str(by_id / "usb-FTDI"), str(tmp_path / "ttyUSB0")]


def test_where_nothing_is_plugged_in_there_are_no_ports(tmp_path: Path) -> None:
    assert serial_ports(tmp_path) == []


def test_who_has_a_port_open_is_told_by_name_and_number(tmp_path: Path) -> None:
    port, proc = tmp_path / "ttyUSB0", tmp_path / "proc"
    port.touch()
    linked(tmp_path / "usb-FTDI", port)
    linked(proc / "812" / "fd" / "3", port)
    (proc / "812" / "comm").write_text("minicom\n")
    linked(proc / "900" / "fd" / "0", tmp_path / "other")
    (proc / "901").mkdir()  # of another person: what it has open is not told
    (proc / "self").mkdir()
    assert users_of(str(port), proc) == ["minicom (812)"]
    assert users_of(str(tmp_path / "usb-FTDI"), proc) == ["minicom (812)"]
    assert users_of(str(tmp_path / "other"), proc) == ["a program (900)"]
    assert users_of(str(tmp_path / "none"), proc) == []
    assert users_of("/dev/pts/0", proc) == []
    assert users_of(str(port), tmp_path / "no-proc") == []
