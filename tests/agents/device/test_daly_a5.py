"""Daly's A5 protocol: parts, leftovers, sleep, the sign of current. The frames are captured ones."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.device.decoder import Frame
from agents.device.protocols.daly_a5 import BLUETOOTH, DalyA5, ask, check_sum
from agents.device.status import FrameError, Status

SOC = bytes.fromhex("a5019008021400007545037889")  # 53.2 V, discharged with 2.1 A, 88.8 %
SOC_CHARGED = bytes.fromhex("a501900800820000753001f359")  # 13.0 V, no current, 49.9 %
EXTREMES = bytes.fromhex("a50191080d000f0cfe010378e1")  # cell 15: 3.328 V, cell 1: 3.326 V
SENSORS = bytes.fromhex("a501960801370000000000007c")  # one sensor of seven: 15 degrees
COUNTS = bytes.fromhex("a5019408100100000000034096")  # 16 cells, 1 sensor, 3 cycles
FETS = bytes.fromhex("a50193080001019a0002a2d859")  # idle, both on, 172.76 Ah
# A read-out in which the device lost four bytes of part 5; the spare places of part 6 hold what is no cell.
CUT = bytes.fromhex(
    "a5019508010d290d330d329089a5019508020d2f0d2e0d33908ca5019508030d330d330d339096a5019508040d330d320d2f9092"
    "a5019508050d300d34a5019508060d320d340d319097a5019008021c000076560286b0"
)


def made(command: int, data: bytes) -> bytes:
    """A frame as a device would send it."""
    frame = bytes((0xA5, 1, command, 8)) + data.ljust(8, b"\0")
    return frame + bytes((check_sum(frame),))


def said(raw: bytes, decoder: DalyA5 | None = None) -> Status:
    decoder = decoder or DalyA5()
    [frame] = decoder.feed(raw)
    return decoder.decode(frame)


def cells_of(decoder: DalyA5, frames: list[Frame]) -> dict[int, float]:
    return {at: volts for frame in frames for at, volts in decoder.decode(frame).cells.items()}


def test_current_is_positive_into_the_battery_though_the_wire_counts_it_the_other_way() -> None:  # case 12
    assert said(SOC).current_a == -2.1
    assert said(SOC, DalyA5(is_sign_flipped=True)).current_a == 2.1
    assert str(said(SOC_CHARGED, DalyA5(is_sign_flipped=True)).current_a) == "0.0"


def test_a_current_beyond_327_ampere_does_not_turn_round() -> None:  # case 12
    assert said(made(0x90, bytes.fromhex("0214000088b8 0378"))).current_a == -500.0
    assert said(made(0x90, bytes.fromhex("0214000061a8 0378"))).current_a == 500.0


def test_a_cut_part_is_missing_and_the_next_ones_are_whole() -> None:  # case 4
    decoder = DalyA5()
    frames = decoder.feed(CUT)
    assert [decoder.decode(frame).part for frame in frames] == [1, 2, 3, 4, 6, None]
    cells = cells_of(decoder, frames)
    assert not {13, 14, 15} & cells.keys()
    assert all(3.2 < volts < 3.5 for volts in cells.values())


def test_what_stands_past_the_last_cell_is_no_cell_once_their_number_is_known() -> None:
    decoder = DalyA5()
    frames = decoder.feed(COUNTS + CUT)
    assert max(cells_of(decoder, frames[1:])) == 16
    told = DalyA5(cell_count=16)
    assert max(cells_of(told, told.feed(CUT))) == 16


def test_an_empty_place_is_no_cell_of_zero_volts() -> None:
    assert said(made(0x95, bytes.fromhex("020d2f0000000090"))).cells == {4: 3.375}


def test_a_part_says_which_one_it_is_and_only_its_own_cells() -> None:
    status = said(CUT[13:26])
    assert (status.part, list(status.cells)) == (2, [4, 5, 6])


def test_a_sensor_that_is_not_there_has_no_temperature() -> None:  # case 13
    assert said(SENSORS).temperatures == {"1": 15.0}


def test_a_temperature_below_zero_stays_below_zero() -> None:  # case 11
    assert said(made(0x96, bytes((1, 35, 1)))).temperatures == {"1": -5.0, "2": -39.0}


def test_a_sleeping_device_that_echoes_the_question_says_nothing() -> None:  # case 10
    for host in (0x40, BLUETOOTH):
        decoder = DalyA5(host)
        assert decoder.feed(b"".join(decoder.asks())) == []


@pytest.mark.parametrize("command", [0x90, 0x91, 0x92, 0x93, 0x94, 0x95, 0x96])
def test_an_answer_of_zeros_is_refused_and_no_battery_of_zero_volts(command: int) -> None:  # case 10
    with pytest.raises(FrameError):
        said(made(command, bytes(8)))


def test_no_alarm_and_no_balancing_are_answers() -> None:
    assert said(made(0x98, b"")).alarms == frozenset()
    assert said(made(0x97, b"")).balance_bits == 0


def test_alarms_have_names_and_the_code_is_told() -> None:
    status = said(made(0x98, bytes.fromhex("0200010001000403")))
    assert status.alarms == frozenset(
        {"cell-overvoltage", "charge-overcurrent-warning", "charge-fet-overtemperature", "short-circuit"}
    )
    assert status.others == {"fault-code": 3}


def test_balancing_cells_are_bits_from_the_first_cell_on() -> None:
    assert said(made(0x97, bytes.fromhex("0180"))).balance_bits == 0x8001


@pytest.mark.parametrize(
    ("command", "data"),
    [
        (0x90, "0214000075450bb8"),  # 300 %
        (0x90, "02140000fde80378"),  # 3,500 A
        (0x91, "0cfe0f0d00010378"),  # the lowest cell above the highest
        (0x91, "ffff0f0cfe010378"),  # 65.5 V
        (0x91, "0d00ff0cfe010378"),  # cell 255
        (0x92, "3701373700000000"),  # sensor 55
        (0x93, "0701019a0002a2d8"),  # state 7
        (0x93, "0001029a0002a2d8"),  # a switch that is 2
        (0x94, "ff01000000000340"),  # 255 cells
        (0x95, "ff0d320d340d3190"),  # part 255
        (0x95, "01a501950801 0d31"),  # the head of the next frame among the cells
        (0x96, "0937000000000000"),  # part 9
    ],
)
def test_what_cannot_be_is_refused_though_the_sum_is_right(command: int, data: str) -> None:  # cases 5, 27
    with pytest.raises(FrameError, match=r"damaged|zeros"):
        said(made(command, bytes.fromhex(data)))


def test_an_impossible_number_of_cells_is_not_learned() -> None:
    decoder = DalyA5()
    decoder.feed(made(0x94, bytes((200, 99))))
    assert said(CUT[13:26], decoder).cells.keys() == {4, 5, 6}


@pytest.mark.parametrize("frame", [SOC, EXTREMES, SENSORS, COUNTS, FETS])
def test_every_flipped_bit_and_every_truncation_is_refused(frame: bytes) -> None:
    # The sum of 8 bits finds each single bit; of frames damaged otherwise it lets one in 256 pass.
    for bit in range(8 * len(frame)):
        flipped = bytearray(frame)
        flipped[bit // 8] ^= 1 << bit % 8
        assert [found.data for found in DalyA5().feed(bytes(flipped) + frame)] in ([frame], []), bit
        assert DalyA5().feed(bytes(flipped)) == []
    assert all(DalyA5().feed(frame[:size]) == [] for size in range(len(frame)))


@given(command=st.integers(min_value=0x90, max_value=0x98), data=st.binary(min_size=8, max_size=8))
def test_any_data_is_decoded_within_reason_or_refused(command: int, data: bytes) -> None:
    try:
        status = said(made(command, data))
    except FrameError:
        return
    assert status.soc_percent is None or 0 <= status.soc_percent <= 100
    assert all(0 < volts <= 5 and 1 <= at <= 48 for at, volts in status.cells.items())
    assert all(-40 < degrees < 215 for degrees in status.temperatures.values())


def test_questions_are_as_the_maker_writes_them() -> None:
    assert ask(0x90).hex() == "a540900800000000000000007d"
    assert ask(0x95).hex() == "a5409508000000000000000082"
    assert {question[1] for question in DalyA5(BLUETOOTH).asks()} == {0x80}
