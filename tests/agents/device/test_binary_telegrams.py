"""The binary forms of Seplos v2 and PACE, as they come over Bluetooth."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.device.decoder import Decoder
from agents.device.protocols import pace_bin, seplos_bin
from agents.device.protocols.checksums import crc16_modbus, crc16_xmodem
from agents.device.protocols.pace_bin import PaceBin
from agents.device.protocols.seplos_bin import SeplosBin
from agents.device.status import FrameError, Status
from tests.agents.device.damage import cut, flipped, read

SEPLOS = bytes.fromhex(
    "7e14006100006a0000100d440d470d4c0d470d450d460d460d580d580d590d480d440d480d430d480d47060b930b920b900b950bd00ba0"
    "049c1543749d0676c003d676c000d603e8154600000000000000000000000000000000000000000000000002030800000000000000000002"
    "0000d8c30d"
)
SYSTEM = bytes.fromhex(
    "7e1400620000300000100cf40cee060b930b7f0bb60b8d00d714b411140720d0020820d0007103e814b907000203080000000000000000"
    "76310d"
)
PACK = bytes.fromhex(
    "9a00000a0100002b02fe8014b61cff271027104a6400ef000000000000000014d70000030b8e010b890b930b9c0a0cf0100ceca4b49d"
)
CELLS = bytes.fromhex(
    "9a00000a020000440214b6100cee0b890cec0b8b0cee0b8e0cef0b8b0cef00000cee00000cef00000cef00000cef00000cf000000cef0000"
    "0cee00000cee00000cef00000cee00000cec000032a19d"
)


def said(data: bytes) -> Status:
    [status] = read(PaceBin if data[0] == 0x9A else SeplosBin, data)
    return status


def test_telemetry_of_seplos_is_read_in_bytes() -> None:
    status = said(SEPLOS)
    assert (status.pack_voltage_v, status.current_a, status.soc_percent, status.cycles) == (54.43, 11.8, 98.2, 214)
    assert (status.cells[1], status.cells[16], status.temperatures["5"]) == (3.396, 3.399, 29.3)


def test_of_the_system_of_packs_only_switches_and_alarms_are_taken() -> None:
    status = said(SYSTEM)
    assert (status.charge_fet, status.discharge_fet, status.alarms) == (True, True, frozenset())
    assert (status.pack_voltage_v, status.current_a) == (None, None)


def test_a_pack_of_pace_and_its_cells_are_two_answers() -> None:
    pack, cells = said(PACK), said(CELLS)
    assert (pack.pack_voltage_v, pack.current_a, pack.remaining_ah) == (53.02, -3.84, 74.23)
    assert (pack.soc_percent, pack.soh_percent, pack.cycles) == (74, 100, 239)
    assert (cells.cell_count, cells.cells[10], cells.cells[16]) == (16, 3.312, 3.308)


def test_sensors_that_are_not_there_are_absent() -> None:  # case 13
    assert said(CELLS).temperatures == {"1": 22.2, "2": 22.4, "3": 22.7, "4": 22.4}


def test_temperatures_below_zero_are_below_zero() -> None:  # case 11
    cold = CELLS[:14] + (2731 - 55).to_bytes(2, "big") + CELLS[16:-3]
    assert said(cold + crc16_modbus(cold).to_bytes(2, "big") + b"\x9d").temperatures["1"] == -5.5


def test_a_refusal_of_seplos_is_said_with_its_code() -> None:
    text = bytes.fromhex("14006180000100")
    [frame] = SeplosBin().feed(b"\x7e" + text + crc16_xmodem(text).to_bytes(2, "big") + b"\r")
    with pytest.raises(FrameError, match="refuses telemetry with code 0x80"):
        SeplosBin().decode(frame)


def test_the_questions_are_those_that_devices_answer() -> None:
    assert SeplosBin().asks()[0].hex() == "7e10004661000100f7c10d"
    assert PaceBin().asks()[0].hex() == "9a00000a0100000201011b9c9d"


@pytest.mark.parametrize("decoder", [SeplosBin(), PaceBin()], ids=["seplos", "pace"])
def test_the_question_coming_back_is_no_answer(decoder: Decoder) -> None:  # cases 7 and 10
    assert decoder.feed(b"".join(decoder.asks())) == []


@pytest.mark.parametrize("frame", [SEPLOS, SYSTEM, PACK, CELLS], ids=["telemetry", "system", "pack", "cells"])
def test_a_turned_bit_or_a_cut_refuses_the_frame(frame: bytes) -> None:
    for damaged in (*flipped(frame), *cut(frame)):
        assert read(PaceBin if frame[0] == 0x9A else SeplosBin, damaged) == []


@given(data=st.binary(max_size=120), command=st.sampled_from([0x51, 0x61, 0x62]))
def test_any_content_under_the_check_sum_of_seplos_is_read_or_refused(data: bytes, command: int) -> None:
    text = bytes((0x14, 0, command, 0)) + len(data).to_bytes(2, "big") + data
    [frame] = SeplosBin().feed(b"\x7e" + text + crc16_xmodem(text).to_bytes(2, "big") + b"\r")
    with suppress(FrameError):
        assert isinstance(SeplosBin().decode(frame), Status)


@given(data=st.binary(min_size=15, max_size=120), kind=st.sampled_from([1, 2]))
def test_any_content_under_the_check_sum_of_pace_is_read_or_refused(data: bytes, kind: int) -> None:
    text = bytes((0x9A, 0, 0, 0x0A, kind, 0, 0, len(data))) + data
    [frame] = PaceBin().feed(text + crc16_modbus(text).to_bytes(2, "big") + b"\x9d")
    with suppress(FrameError):
        assert isinstance(PaceBin().decode(frame), Status)


def test_other_packs_can_be_asked() -> None:
    assert seplos_bin.ask(0x61, address=2)[2] == 2
    assert pace_bin.ask("cells", pack=3)[9] == 3
