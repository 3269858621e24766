"""Packs of JBD, several on a line."""

import pytest

from agents.device.protocols.jbd_up import JbdUp
from agents.device.status import FrameError, Status
from tests.agents.device import sealing
from tests.agents.device.captures import JBD_UP

DATA = JBD_UP[8:-2]


def said(data: bytes, address: int = 1) -> Status:
    decoder = JbdUp()
    [frame] = decoder.feed(sealing.jbd_up(data, address))
    return decoder.decode(frame)


def changed(at: int, put: bytes) -> bytes:
    return DATA[:at] + put + DATA[at + len(put) :]


def test_a_pack_says_what_it_holds() -> None:
    status = said(DATA)
    assert (status.address, status.pack_voltage_v, status.current_a, status.soc_percent) == (1, 53.17, 0.0, 60.95)
    assert (status.cell_count, status.cells[1], status.cells[16], status.model) == (16, 3.326, 3.322, "JBD48100000")
    assert status.temperatures == {"mos": 21.0, "ambient": 22.6, "1": 20.9, "2": 20.4, "3": 21.0, "4": 21.2}
    assert (status.charge_fet, status.discharge_fet, status.alarms) == (True, True, frozenset())


def test_current_is_what_exceeds_a_middle() -> None:  # case 12
    assert said(changed(4, (300000 + 5000).to_bytes(4, "big"))).current_a == 50.0
    assert said(changed(4, (300000 - 35000).to_bytes(4, "big"))).current_a == -350.0


def test_below_zero_is_below_zero_and_a_missing_sensor_is_absent() -> None:  # case 11, 13
    cold = said(changed(16, (490).to_bytes(2, "big") + b"\xff\xff")).temperatures
    assert cold["mos"] == -1.0
    assert "ambient" not in cold
    assert "mos" not in said(changed(16, b"\0\0")).temperatures


def test_warnings_and_protections_are_told_apart() -> None:
    status = said(changed(24, b"\x00\x04\x00\x01\x00\x00\x00\x01"))
    assert status.alarms == frozenset({"cell-overvoltage", "short-circuit", "cell-overvoltage-warning"})
    assert (status.alarm_bits, status.others["protection-bits"]) == (1, 0x40001)


def test_packs_on_one_line_are_known_by_their_address_and_each_is_asked() -> None:  # case 16
    assert said(DATA, 2).address == 2
    assert [question.hex() for question in JbdUp(addresses=(1,)).asks()] == ["0178100010a000007fb2"]
    assert [question[0] for question in JbdUp(addresses=(1, 2, 3)).asks()] == [1, 2, 3]


@pytest.mark.parametrize(
    "data",
    [DATA[:1], DATA[:67], DATA[:90], changed(66, b"\x00\x40"), changed(100, b"\xff\xff"), changed(8, b"\x80\x00")],
)
def test_a_status_that_does_not_hold_what_it_announces_is_refused(data: bytes) -> None:
    with pytest.raises(FrameError):
        said(data)
