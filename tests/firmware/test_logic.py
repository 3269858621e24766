"""What the battery monitor judges, as its C says it on this machine."""

import ctypes
import random
import re

import pytest

from tests.cases import ROOT
from tests.firmware.logic import (
    CELLS,
    FLAGS,
    LIMITS,
    AlarmRecord,
    Board,
    Calibration,
    Line,
    Report,
    Signals,
    compiled,
    crc16,
)

ORDERS = ("HOST", "ACK", "LOG", "CAL CELL", "CAL PACK", "CAL ZERO", "CAL SHOW", "CAL SAVE", "damaged", "unknown")


@pytest.fixture(scope="module")
def logic(tmp_path_factory: pytest.TempPathFactory) -> ctypes.CDLL:
    return compiled(tmp_path_factory.mktemp("logic"))


@pytest.fixture
def board(logic: ctypes.CDLL) -> Board:
    return Board(logic)


def test_the_documentation_lists_every_alarm_and_every_flag_with_its_bit() -> None:
    text = (ROOT / "docs" / "firmware.md").read_text()
    listed = {name: int(bit) for bit, name in re.findall(r"^\| (\d+) \| `(\w+)` \|", text, re.MULTILINE)}
    assert listed == {**LIMITS, **FLAGS}


# Limits: delay, hysteresis, latch


def test_a_pack_in_order_shows_no_alarm_and_no_flag(board: Board) -> None:
    assert board.scan(0) == set()
    assert board.flags == set()
    assert board.condition == "ok"


def test_an_alarm_is_shown_when_its_delay_is_over_and_not_before(board: Board) -> None:
    board.cell(7, 3700)
    assert board.scan(0) == set()
    assert board.scan(750) == set()
    assert board.scan(1000) == {"CELL_HIGH_ALARM"}
    assert "CELL_HIGH_WARN" in board.scan(2000)


@pytest.mark.parametrize(("millivolts", "alarm"), [(3650, "CELL_HIGH_ALARM"), (2500, "CELL_LOW_ALARM")])
def test_the_limit_itself_is_beyond(board: Board, millivolts: int, alarm: str) -> None:
    board.cell(7, millivolts)
    board.scan(0)
    assert board.scan(1000) == {alarm}


@pytest.mark.parametrize(("millivolts", "alarm"), [(3649, "CELL_HIGH_ALARM"), (2501, "CELL_LOW_ALARM")])
def test_a_millivolt_before_the_limit_is_not(board: Board, millivolts: int, alarm: str) -> None:
    board.cell(7, millivolts)
    board.scan(0)
    assert alarm not in board.scan(60_000)


def test_a_value_that_came_back_in_time_starts_its_delay_anew(board: Board) -> None:
    board.cell(7, 3700)
    board.scan(0)
    board.cell(7, 3300)
    board.scan(500)
    board.cell(7, 3700)
    assert board.scan(1000) == set()
    assert board.scan(1750) == set()
    assert board.scan(2000) == {"CELL_HIGH_ALARM"}


def test_a_delay_is_right_when_the_milliseconds_begin_again(board: Board) -> None:
    board.cell(7, 3700)
    board.scan(2**32 - 500)
    assert board.scan(250) == set()
    assert board.scan(500) == {"CELL_HIGH_ALARM"}


def test_a_warning_ends_only_below_its_clear_value_and_then_by_itself(board: Board) -> None:
    board.all_cells(3510)
    board.scan(0)
    assert "CELL_HIGH_WARN" in board.scan(2000)
    board.all_cells(3450)
    assert "CELL_HIGH_WARN" in board.scan(2250)
    board.all_cells(3399)
    assert "CELL_HIGH_WARN" not in board.scan(2500)


def test_an_alarm_whose_cause_is_gone_is_held_until_somebody_acknowledges_it(board: Board) -> None:
    board.cell(7, 3700)
    board.scan(0)
    board.scan(1000)
    assert board.condition == "alarm"
    board.cell(7, 3300)
    assert board.scan(1250) == {"CELL_HIGH_ALARM"}
    assert board.condition == "held"
    board.acknowledge()
    assert board.scan(1500) == set()


def test_an_alarm_that_goes_on_stays_shown_when_acknowledged_and_ends_with_its_cause(board: Board) -> None:
    board.cell(7, 3700)
    board.scan(0)
    board.scan(1000)
    board.acknowledge()
    assert "CELL_HIGH_ALARM" in board.scan(1250)
    assert board.condition == "acknowledged"
    board.cell(7, 3300)
    assert board.scan(1500) == set()


def test_a_held_alarm_that_comes_back_is_raised_without_another_delay(board: Board) -> None:
    board.cell(7, 3700)
    board.scan(0)
    board.scan(1000)
    board.cell(7, 3300)
    board.scan(1250)
    board.cell(7, 3700)
    board.scan(1500)
    assert board.condition == "alarm"


def test_charging_below_zero_is_an_alarm_at_once(board: Board) -> None:
    board.temperature(-1.0)
    board.current(5.0)
    assert board.scan(0) == {"CHARGE_COLD_ALARM"}


def test_one_cold_sensor_of_two_at_a_place_is_enough(board: Board) -> None:
    board.temperature(4.0)
    board.temperature(-1.0, 6)
    board.current(5.0)
    assert board.scan(0) == {"CHARGE_COLD_ALARM"}


def test_cold_without_charging_is_no_alarm_of_charging(board: Board) -> None:
    board.temperature(-5.0)
    board.current(-20.0)
    board.scan(0)
    assert board.scan(5000) == set()


def test_without_any_current_sensor_the_limits_of_charging_apply(board: Board) -> None:
    board.temperature(-1.0)
    board.counts.shunt = board.counts.hall = 0
    assert "CHARGE_COLD_ALARM" in board.scan(0)
    assert board.readings.shunt_ma.known() is None


@pytest.mark.parametrize(("amperes", "alarm"), [(300.0, "CHARGE_CURRENT_ALARM"), (-300.0, "DISCHARGE_CURRENT_ALARM")])
def test_a_current_is_judged_by_its_direction(board: Board, amperes: float, alarm: str) -> None:
    board.current(amperes)
    board.scan(0)
    assert board.scan(10_000) == {alarm}


def test_a_current_beyond_both_sensors_is_a_surge(board: Board) -> None:
    board.counts.shunt = board.counts.hall = 16383
    board.scan(0)
    assert "CURRENT_SURGE_ALARM" in board.scan(500)


def test_a_difference_of_50_mv_warns_at_rest_only(board: Board) -> None:
    board.cell(3, 3370)
    board.current(60.0)
    board.scan(0)
    assert board.scan(10_000) == set()
    board.current(0.0)
    board.scan(10_250)
    assert board.scan(20_250) == {"CELL_DELTA_REST_WARN"}


# What cannot be true


def test_a_stuck_multiplexer_is_named_when_all_cells_are_alike_and_the_pack_is_not(board: Board) -> None:
    board.all_cells(3250)
    board.counts.pack = 3350 * 4
    board.scan(0)
    assert board.flags == {"MUX_STUCK"}
    assert board.scan(2000) == {"SUM_MISMATCH"}


def test_cells_that_are_alike_in_a_pack_that_says_the_same_are_a_balanced_pack(board: Board) -> None:
    board.all_cells(3250)
    board.scan(0)
    assert board.flags == set()


def test_an_open_cell_wire_is_absent_and_never_an_empty_cell(board: Board) -> None:
    board.cell(4, 20)
    assert board.scan(0) == set()
    assert board.flags == {"CELL_WIRE_OPEN"}
    assert board.cells_mv[3] is None
    assert board.scan(10_000) == {"VALUE_LOST"}


def test_a_cell_that_is_really_empty_is_missing_from_the_pack_voltage_and_has_failed(board: Board) -> None:
    board.cell(4, 20)
    board.counts.pack = (15 * 3300 + 20) * 4 // 16
    board.scan(0)
    assert board.cells_mv[3] == 20
    assert "CELL_FAILED" in board.scan(1000)


def test_a_cell_beyond_the_converter_has_no_value_and_is_too_high_all_the_same(board: Board) -> None:
    board.counts.cells[0] = 16368
    board.scan(0)
    assert board.flags == {"CELL_CLIPPED"}
    assert board.cells_mv[0] is None
    assert board.scan(1000) == {"CELL_HIGH_ALARM"}


def test_an_absent_value_neither_ends_nor_raises_an_alarm(board: Board) -> None:
    board.cell(7, 3700)
    board.scan(0)
    board.counts.cells[:] = [0] * CELLS
    assert board.scan(1000) == set()
    assert board.cells_mv == [None] * CELLS
    board.all_cells(3300)
    board.cell(7, 3700)
    assert board.scan(1250) == {"CELL_HIGH_ALARM"}
    board.counts.cells[:] = [0] * CELLS
    assert board.scan(1500) == {"CELL_HIGH_ALARM"}
    assert board.condition == "alarm"


@pytest.mark.parametrize(("count", "flag"), [(16368, "TEMPERATURE_OPEN"), (10, "TEMPERATURE_SHORT")])
def test_a_broken_ntc_is_absent_and_its_twin_is_enough(board: Board, count: int, flag: str) -> None:
    board.counts.temperatures[2] = count
    board.scan(0)
    assert board.flags == {flag}
    assert board.readings.temperatures_dc[2].known() is None
    assert board.scan(10_000) == set()


def test_both_ntcs_of_a_place_broken_is_a_loss(board: Board) -> None:
    board.counts.temperatures[2] = board.counts.temperatures[6] = 16368
    board.scan(0)
    assert board.scan(10_000) == {"VALUE_LOST"}


def test_two_sensors_that_disagree_are_named(board: Board) -> None:
    board.temperature(40.0, 1)
    board.counts.hall += 200
    board.scan(0)
    assert board.scan(10_000) == {"TEMPERATURE_MISMATCH", "CURRENT_MISMATCH"}


def test_a_known_reference_that_reads_wrong_is_an_alarm(board: Board) -> None:
    board.counts.known_reference = 2560 * 4
    board.scan(0)
    assert board.flags == {"REFERENCE_WRONG"}
    assert board.scan(1000) == {"REFERENCE_FAULT"}


def test_a_count_that_stands_still_while_its_witness_moves_is_stuck(board: Board) -> None:
    for number in range(241):
        board.counts.pack = 13200 + number
        board.counts.cells[:] = [13200 + number + cell for cell in range(CELLS)]
        board.cell(5, 3300)
        board.scan(number * 250)
    assert board.flags == {"VALUE_STUCK"}


def test_a_pack_that_rests_is_not_stuck(board: Board) -> None:
    for number in range(300):
        board.scan(number * 250)
    assert board.flags == set()


# Conversion and calibration


@pytest.mark.parametrize("celsius", [-30.0, -10.0, 0.0, 25.0, 45.0, 60.0, 90.0])
def test_a_temperature_is_what_the_ntc_says_to_two_tenths(board: Board, celsius: float) -> None:
    board.temperature(celsius)
    board.scan(0)
    assert board.readings.temperatures_dc[0].value == pytest.approx(celsius * 10, abs=2)


def test_a_current_into_the_battery_is_positive(board: Board) -> None:
    board.current(100.0)
    board.scan(0)
    assert board.readings.shunt_ma.known() == 100_000
    assert board.readings.hall_ma.value == pytest.approx(100_000, abs=200)


def test_calibrating_a_cell_makes_it_read_as_the_meter_says(logic: ctypes.CDLL, board: Board) -> None:
    assert logic.calibrate_cell(ctypes.byref(board.calibration), ctypes.byref(board.counts), 6, 3312)
    board.scan(0)
    assert board.cells_mv[6] == 3312
    assert board.cells_mv[5] == 3300


@pytest.mark.parametrize("millivolts", [2800, 3500, 0])
def test_a_correction_that_is_too_large_is_refused(logic: ctypes.CDLL, board: Board, millivolts: int) -> None:
    assert not logic.calibrate_cell(ctypes.byref(board.calibration), ctypes.byref(board.counts), 6, millivolts)
    board.scan(0)
    assert board.cells_mv[6] == 3300


def test_zero_is_taken_from_small_currents_only(logic: ctypes.CDLL, board: Board) -> None:
    board.current(3.0)
    assert logic.calibrate_zero(ctypes.byref(board.calibration), ctypes.byref(board.counts))
    board.scan(0)
    assert board.readings.shunt_ma.known() == 0
    board.current(40.0)
    assert not logic.calibrate_zero(ctypes.byref(board.calibration), ctypes.byref(board.counts))


def test_a_stored_calibration_is_taken_back_only_whole(logic: ctypes.CDLL, board: Board) -> None:
    logic.calibrate_pack(ctypes.byref(board.calibration), ctypes.byref(board.counts), 53_000)
    stored = ctypes.create_string_buffer(ctypes.sizeof(Calibration) + 4)
    logic.calibration_seal(ctypes.byref(board.calibration), stored)
    read = Calibration()
    assert logic.calibration_open(stored, ctypes.byref(read))
    assert bytes(read) == bytes(board.calibration)
    for place in range(len(stored)):
        damaged = ctypes.create_string_buffer(stored.raw, len(stored))
        damaged[place] = bytes([stored.raw[place] ^ 0x10])
        assert not logic.calibration_open(damaged, ctypes.byref(read))


def test_an_empty_eeprom_is_no_calibration_and_no_alarm(logic: ctypes.CDLL) -> None:
    for empty in (b"\xff", b"\0"):
        erased = ctypes.create_string_buffer(empty * 256, 256)
        assert not logic.calibration_open(erased, ctypes.byref(Calibration()))
        assert not logic.alarm_open(erased, ctypes.byref(AlarmRecord()))


def test_an_alarm_record_comes_back_as_it_was_stored(logic: ctypes.CDLL) -> None:
    stored, read = ctypes.create_string_buffer(16), AlarmRecord()
    logic.alarm_seal(ctypes.byref(AlarmRecord(70_000, 12_345, -15, 14)), stored)
    assert logic.alarm_open(stored, ctypes.byref(read))
    assert (read.number, read.at_ms, read.value, read.limit) == (70_000, 12_345, -15, 14)


# Lines and orders


def test_the_crc_is_that_of_modbus(logic: ctypes.CDLL) -> None:
    assert logic.crc16(b"123456789", 9) == 0x4B37
    noise = random.Random(1).randbytes(200)
    assert logic.crc16(noise, 200) == crc16(noise)


def written(logic: ctypes.CDLL, board: Board, **report: int) -> str:
    line = Line()
    logic.line_report(ctypes.byref(line), ctypes.byref(Report(**report)), ctypes.byref(board.readings))
    assert logic.line_end(ctypes.byref(line))
    return bytes(line.text)[: line.length].decode("ascii")


def test_a_line_has_every_value_in_its_place_and_ends_in_its_crc(logic: ctypes.CDLL, board: Board) -> None:
    board.current(-20.0)
    board.counts.cells[2] = 16368
    board.scan(0)
    line = written(logic, board, sequence=7, at_ms=1750, flags=0x1002, alarms=0x80000001, reset_cause=8)
    text, _, crc = line.removeprefix("$").partition("*")
    fields = text.split(",")
    assert fields[:4] == ["BM", "1", "7", "1750"]
    assert fields[4:20] == ["3300", "3300", "-"] + ["3300"] * 13
    assert fields[20:22] == ["52800", "-20000"]
    assert fields[23:31] == ["250"] * 8
    assert fields[31:] == ["1002", "80000001", "8"]
    assert crc == f"{crc16(text.encode()):04X}\r\n"


def test_the_longest_line_fits(logic: ctypes.CDLL, board: Board) -> None:
    for reading in (*board.readings.cells_mv, *board.readings.temperatures_dc):
        reading.value, reading.is_present = -99_999, True
    for reading in (board.readings.pack_mv, board.readings.shunt_ma, board.readings.hall_ma):
        reading.value, reading.is_present = -(2**31), True
    most = 2**32 - 1
    line = written(logic, board, sequence=most, at_ms=most, flags=most, alarms=most, reset_cause=255)
    assert ",-2147483648," in line


def order_of(logic: ctypes.CDLL, text: bytes) -> tuple[str, int, int]:
    order = logic.order_read(ctypes.create_string_buffer(text))
    return ORDERS[order.kind], order.cell, order.millivolts


@pytest.mark.parametrize(
    ("text", "order"),
    [
        ("HOST", ("HOST", 0, 0)),
        ("ACK", ("ACK", 0, 0)),
        ("CAL CELL 16 3312", ("CAL CELL", 15, 3312)),
        ("CAL PACK 53120", ("CAL PACK", 0, 53120)),
        ("CAL SAVE", ("CAL SAVE", 0, 0)),
        ("CAL CELL 0 3312", ("unknown", 0, 0)),
        ("CAL CELL 17 3312", ("unknown", 0, 0)),
        ("CAL PACK -5", ("unknown", 0, 0)),
        ("ack", ("unknown", 0, 0)),
        ("", ("unknown", 0, 0)),
    ],
)
def test_an_order_is_read_as_it_stands(logic: ctypes.CDLL, text: str, order: tuple[str, int, int]) -> None:
    assert order_of(logic, f"{text}*{crc16(text.encode()):04X}".encode()) == order


@pytest.mark.parametrize("text", [b"CAL PACK 5312000", b"CAL CELL 1 33 12", b"CAL CELL 1", b"CAL PACK 53120 "])
def test_numbers_that_are_not_plain_make_no_order(logic: ctypes.CDLL, text: bytes) -> None:
    assert order_of(logic, b"%s*%04X" % (text, crc16(text)))[0] == "unknown"


@pytest.mark.parametrize("text", [b"ACK", b"ACK*", b"ACK*0000", b"*", b"ACK*12345", b"ACK*GGGG", b"", b"\xff\xfe*\x80"])
def test_an_order_without_its_crc_is_damaged(logic: ctypes.CDLL, text: bytes) -> None:
    assert order_of(logic, text)[0] == "damaged"


def test_no_order_with_a_flipped_bit_is_obeyed(logic: ctypes.CDLL) -> None:
    sound = b"CAL CELL 3 3312*%04X" % crc16(b"CAL CELL 3 3312")
    for bit in range(len(sound) * 8):
        flipped = bytearray(sound)
        flipped[bit // 8] ^= 1 << bit % 8
        assert order_of(logic, bytes(flipped))[0] == "damaged"


# Lamps and buzzer


def shown(logic: ctypes.CDLL, board: Board, at_ms: int) -> Signals:
    signals = logic.signals_at(CONDITION[board.condition], ctypes.c_uint32(at_ms))
    assert isinstance(signals, Signals)
    return signals


CONDITION = {"ok": 0, "warn": 1, "unknown": 2, "acknowledged": 3, "held": 4, "alarm": 5}


def test_all_well_is_one_green_lamp(logic: ctypes.CDLL, board: Board) -> None:
    board.scan(0)
    signals = shown(logic, board, 0)
    assert (signals.is_ok_lit, signals.is_warn_lit, signals.is_alarm_lit, signals.is_buzzing) == (
        True,
        False,
        False,
        False,
    )


def test_an_alarm_blinks_and_sounds_until_it_is_acknowledged(logic: ctypes.CDLL, board: Board) -> None:
    board.cell(7, 3700)
    board.scan(0)
    board.scan(1000)
    seen = [shown(logic, board, at_ms) for at_ms in range(0, 1000, 25)]
    assert {signals.is_alarm_lit for signals in seen} == {True, False}
    assert sum(signals.is_buzzing for signals in seen) == 20
    assert not any(signals.is_ok_lit for signals in seen)
    board.acknowledge()
    after = [shown(logic, board, at_ms) for at_ms in range(1000, 10_000, 25)]
    assert all(signals.is_alarm_lit and not signals.is_buzzing for signals in after)


def test_what_is_not_known_is_never_shown_as_well(logic: ctypes.CDLL, board: Board) -> None:
    board.flag_bits = 1
    assert board.condition == "unknown"
    assert not any(shown(logic, board, at_ms).is_ok_lit for at_ms in range(0, 10_000, 50))


def test_a_broken_sensor_warns(board: Board) -> None:
    board.counts.temperatures[2] = 16368
    board.scan(0)
    assert board.condition == "warn"
