"""Seplos v2, PACE and Pylontech: one form of telegram, three scales, and answers about several packs."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.device.protocols.telecom_ascii import MEMBERS, TelecomAscii, length_field, telegram
from agents.device.status import FrameError, Status
from tests.agents.device.damage import cut, flipped

SEPLOS = (
    b"~2000460010960001100CD70CE90CF40CD60CEF0CE50CE10CDC0CE90CF00CE80CEF0CEA0CDA0CDE0CD8060BA60BA00B970BA60BA50BA2"
    b"FD5C14A0344E0A426803134650004603E8149F0000000000000000DC6C\r"
)
PACE = (
    b"~25014600D07C0001100CE90CEA0CEA0CEA0CEA0CE80CEB0CE70CEB0CEA0CEA0CEA0CEB0CEC0CEA0CEB060BA10BA40B9F0B9A0BDE0BE4"
    b"FCF6CEA0272304282D0028271061E0E4\r"
)
PACE_ALARMS = b"~25014600004C000110000000000000000000000000000000000600000000000000000000000E000000000000EF3A\r"
# Three US2000, and one module of a UP2500 whose capacities stand in 24 bits.
PYLONTECH = (
    b"~20024600914211030F0CE70CE80CE60CE70CE80CE80CE80CE60CE50CE60CE80CE70CEA0CE50CE6050B910B870B870B870B87FFE6C189"
    b"82DC02C350001F0F0CE20CE60CE60CE10CE50CE70CE60CE30CE20CE50CE30CE90CE70CE90CE9050B910B870B870B870B87FFE7C170"
    b"82DC02C350001F0F0CE20CE50CE50CE20CE30CE30CE40CE50CE60CE60CE30CE40CE40CE60CE6050B910B7D0B7D0B7D0B7DFFE5C160"
    b"82DC02C350001FB476\r"
)
PYLONTECH_ONE = (
    b"~20024600D05E1002080D020D020D020D030D000D010D010D03050B7D0B690B690B690B73FFFA680EFFFF04FFFF00000174E401B198E906\r"
)
FRAMES = {"seplos-v2-ascii": SEPLOS, "pace-ascii": PACE, "pylontech-ascii": PYLONTECH_ONE}


def said(name: str, data: bytes, *, is_sign_flipped: bool = False) -> Status:
    decoder = TelecomAscii(name, is_sign_flipped=is_sign_flipped)
    [frame] = decoder.feed(data)
    return decoder.decode(frame)


def reasons(name: str, info: bytes, code: int = 0) -> str:
    """Why an answer with this INFO is refused at decoding."""
    with pytest.raises(FrameError) as refused:
        said(name, telegram(0x20, 1, code, info))
    return str(refused.value)


def test_each_member_scales_its_own_way() -> None:
    seplos, pace = said("seplos-v2-ascii", SEPLOS), said("pace-ascii", PACE)
    assert (seplos.pack_voltage_v, seplos.current_a, seplos.soc_percent) == (52.8, -6.76, 78.7)
    assert (pace.pack_voltage_v, pace.current_a, pace.nominal_ah) == (52.896, -7.78, 100.0)
    [first, *_] = said("pylontech-ascii", PYLONTECH).packs
    assert (first.pack_voltage_v, first.current_a, first.full_ah) == (49.545, -2.6, 50.0)


def test_sensors_of_ambient_and_switches_are_named_where_the_maker_says_which_they_are() -> None:
    assert said("seplos-v2-ascii", SEPLOS).temperatures["mos"] == 24.7
    assert said("pace-ascii", PACE).temperatures["ambient"] == 31.3
    assert said("pylontech-ascii", PYLONTECH_ONE).temperatures["bms"] == 21.0


def test_an_answer_about_three_packs_gives_each_with_its_address() -> None:  # case 16
    status = said("pylontech-ascii", PYLONTECH)
    assert [(pack.address, pack.cell_count, pack.current_a) for pack in status.packs] == [
        (2, 15, -2.6),
        (3, 15, -2.5),
        (4, 15, -2.7),
    ]
    assert (status.current_a, status.cells) == (None, {})


def test_capacities_stand_in_24_bits_where_16_are_full() -> None:
    status = said("pylontech-ascii", PYLONTECH_ONE)
    assert (status.address, status.remaining_ah, status.full_ah) == (2, 95.46, 111.0)


def test_alarms_and_switches_are_told_from_telemetry_by_their_layout() -> None:
    status = said("pace-ascii", PACE_ALARMS)
    assert (status.charge_fet, status.discharge_fet, status.alarms) == (True, True, frozenset())
    assert (status.pack_voltage_v, status.cell_count) == (None, 16)


def test_alarms_of_seplos_have_names() -> None:
    cells, sensors = bytes((2, *[0] * 15)), bytes((0, 0, 0, 0, 1, 0))
    flags = bytes((0, 1, 20, 0b10000, 0b10, 0, 0, 0b100000, 0, 0b01, 0b1000, 0, 1, 0, 2, *[0] * 8))
    status = said("seplos-v2-ascii", telegram(0x20, 0, 0, bytes((0, 1, 16)) + cells + b"\6" + sensors + flags))
    assert set(status.alarms or ()) == {
        "cell-overvoltage-warning", "undertemperature-warning", "pack-undervoltage-warning",
        "cell-voltage-difference", "cell-overvoltage", "short-circuit", "open-wire",
    }  # fmt: skip
    assert (status.charge_fet, status.discharge_fet, status.balance_bits) == (False, True, 0b1000)


def test_switches_of_pylontech_are_read() -> None:
    info = bytes((0x10, 2, 15, *[0] * 15, 5, *[0] * 5, 0, 0, 0, 0, 0b100, 0, 0, 0))
    status = said("pylontech-ascii", telegram(0x20, 2, 0, info))
    assert (status.charge_fet, status.discharge_fet) == (False, True)


def test_a_refusal_is_said_with_its_reason() -> None:
    assert reasons("seplos-v2-ascii", b"", code=4) == "the device refuses the question: the command is not right"


def test_what_fills_no_layout_is_refused() -> None:
    assert "fits neither" in reasons("seplos-v2-ascii", bytes((0, 1, 16, 12, 200)))
    assert "fits neither" in reasons("pylontech-ascii", b"")


@pytest.mark.parametrize("name", MEMBERS)
def test_the_question_coming_back_is_no_answer(name: str) -> None:  # cases 7 and 10
    decoder = TelecomAscii(name)
    assert decoder.feed(b"".join(decoder.asks())) == []


def test_the_questions_are_those_that_devices_answer() -> None:
    first = {name: TelecomAscii(name).asks()[0] for name in MEMBERS}
    assert first == {
        "seplos-v2-ascii": b"~20004642E00200FD37\r",
        "pace-ascii": b"~25014642E00201FD30\r",
        "pylontech-ascii": b"~20024642E00202FD33\r",
    }
    assert len(TelecomAscii("pylontech-ascii", addresses=(2, 3, 4)).asks()) == 6


def test_the_length_has_its_own_check() -> None:
    # The example of the maker's paper: 18 digits are D012.
    assert length_field(18) == 0xD012
    assert TelecomAscii("seplos-v2-ascii").feed(SEPLOS.replace(b"1096", b"2096", 1)) == []


def test_temperatures_below_zero_are_below_zero_and_missing_sensors_are_absent() -> None:  # cases 11 and 13
    words = [2731 - 125, 0xFFFF, 0, 0x7FFF, 2731 + 200, 2731 + 250]
    sensors = b"".join(word.to_bytes(2, "big") for word in words)
    info = bytes((0, 1, 1)) + b"\x0c\xe4\6" + sensors + bytes(6) + b"\1\x27\x10"
    assert said("seplos-v2-ascii", telegram(0x20, 0, 0, info)).temperatures == {
        "1": -12.5,
        "ambient": 20.0,
        "mos": 25.0,
    }


def test_the_sign_can_be_turned() -> None:  # case 12
    assert said("pace-ascii", PACE, is_sign_flipped=True).current_a == 7.78


def test_two_telegrams_in_one_chunk_are_two_and_junk_between_is_dropped() -> None:  # cases 6 and 7
    found = TelecomAscii("pace-ascii").feed(b"AT\r\n~~" + PACE + b"\0~2501" + PACE_ALARMS + PACE[:60] + PACE)
    assert [frame.data for frame in found] == [PACE, PACE_ALARMS, PACE]


@pytest.mark.parametrize(("name", "frame"), FRAMES.items())
def test_a_turned_bit_or_a_cut_refuses_the_telegram(name: str, frame: bytes) -> None:
    for damaged in (*flipped(frame), *cut(frame)):
        assert TelecomAscii(name).feed(damaged) == []


@pytest.mark.parametrize("name", MEMBERS)
@given(info=st.binary(max_size=200))
def test_any_content_under_a_right_check_sum_is_read_or_refused(name: str, info: bytes) -> None:
    decoder = TelecomAscii(name)
    [frame] = decoder.feed(telegram(0x20, 1, 0, info))
    try:
        status = decoder.decode(frame)
    except FrameError:
        return
    assert status.packs or status.cell_count
