"""VE.Direct: blocks of text that end in any byte, with lines of another protocol in between."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.device.decoder import Frame
from agents.device.protocols.vedirect import Vedirect
from agents.device.status import FrameError, Status
from tests.agents.device.damage import cut, flipped, read

# A BMV-700 discharging with 7.625 A, as captured, and the history of a BMV-702.
NOW = (
    b"\r\nPID\t0x203\r\nV\t12065\r\nI\t-7625\r\nP\t-92\r\nCE\t-65473\r\nSOC\t839\r\nTTG\t942\r\nAlarm\tOFF\r\nRelay\tOFF"
    b"\r\nAR\t0\r\nBMV\t700\r\nFW\t0308\r\nChecksum\tq"
)
HISTORY = (
    b"\r\nH1\t-149322\r\nH2\t-82854\r\nH3\t0\r\nH4\t0\r\nH5\t0\r\nH6\t-5526294\r\nH7\t11733\r\nH8\t16161\r\nH9\t368003"
    b"\r\nH10\t26\r\nH11\t0\r\nH12\t0\r\nH17\t6843\r\nH18\t8527\r\nChecksum\t\xbc"
)
HEX = b":A0002000148\n"
# Texts of every sum of characters modulo 256.
TEXTS = [f"{chr(33 + min(n, 90))}{chr(33 + min(max(n - 90, 0), 90))}{chr(33 + max(n - 180, 0))}" for n in range(256)]


def block(**fields: str) -> bytes:
    """A block of these lines, begun as a monitor begins it, with its check sum."""
    text = "".join(f"\r\n{label}\t{value}" for label, value in {"PID": "0x203", **fields}.items())
    data = text.encode() + b"\r\nChecksum\t"
    return data + bytes((-sum(data) & 0xFF,))


def frames(data: bytes, size: int = 0) -> list[bytes]:
    decoder, step = Vedirect(), size or len(data)
    return [frame.data for at in range(0, len(data), step) for frame in decoder.feed(data[at : at + step])]


def said(data: bytes) -> Status:
    [status] = read(Vedirect, data)
    return status


def test_a_block_says_volt_ampere_and_per_cent_and_discharge_is_negative() -> None:
    status = said(NOW)
    assert (status.pack_voltage_v, status.current_a, status.soc_percent) == (12.065, -7.625, 83.9)
    assert status.others["consumed-ah"] == -65.473
    assert (status.model, status.alarms) == ("700", frozenset())


def test_a_history_is_a_kind_of_its_own_and_says_nothing_of_now() -> None:
    [frame] = Vedirect().feed(HISTORY)
    status = Vedirect().decode(frame)
    assert frame.kind == "history"
    assert (status.pack_voltage_v, status.current_a, status.alarms) == (None, None, None)
    assert (status.cycles, status.others["deepest-discharge-ah"], status.others["lowest-voltage-v"]) == (
        0,
        -149.322,
        11.733,
    )


@pytest.mark.parametrize("size", [1, 2, 3, 7, 20, 64, 0])
def test_hexadecimal_lines_between_and_inside_blocks_take_nothing_with_them(size: int) -> None:  # case 24
    inside = NOW[:27] + HEX + NOW[27:70] + HEX + HEX + NOW[70:]
    assert frames(HEX + inside + HEX + HISTORY + HEX + NOW, size) == [NOW, HISTORY, NOW]


@pytest.mark.parametrize("last", [b"\r", b"\n", b"\t", b":", b"\0", b"C"])
@pytest.mark.parametrize("size", [1, 5, 0])
def test_a_check_sum_can_be_any_byte(last: bytes, size: int) -> None:
    made = next(made for text in TEXTS if (made := block(BMV=text))[-1:] == last)
    assert frames(made + NOW + made + HISTORY, size) == [made, NOW, made, HISTORY]


def test_a_colon_that_begins_no_hexadecimal_line_is_text() -> None:
    made = block(**{"SER#": "HQ:12:x"})
    assert frames(made + NOW, 1) == [made, NOW]


def test_a_stream_that_is_joined_in_the_middle_of_a_block_waits_for_the_next_one() -> None:
    for at in range(1, len(NOW)):
        assert frames(NOW[at:] + NOW) == [NOW]


def test_a_cut_block_does_not_take_the_next_one_with_it() -> None:
    for at in range(1, len(NOW)):
        assert frames(NOW[:at] + HISTORY + NOW) == [HISTORY, NOW]


def test_an_old_monitor_without_a_product_number_is_read() -> None:
    text = b"\r\nV\t26201\r\nI\t0\r\nSOC\t1000\r\nBMV\t602S\r\nFW\t212\r\nChecksum\t"
    assert said(text + bytes((-sum(text) & 0xFF,))).pack_voltage_v == 26.201


def test_dashes_are_no_value() -> None:  # case 13
    status = said(block(V="12000", SOC="---", T="---", TTG="---"))
    assert (status.soc_percent, status.temperatures) == (None, {})
    assert "time-to-go-min" not in status.others


def test_temperatures_below_zero_are_below_zero() -> None:  # case 11
    assert said(block(T="-7")).temperatures == {"1": -7.0}


def test_reasons_of_an_alarm_have_names() -> None:
    assert said(block(Alarm="ON", AR="5")).alarms == frozenset({"pack-undervoltage", "low-soc"})
    assert said(block(Alarm="ON", AR="0")).alarms == frozenset({"unspecified"})


def test_the_sign_can_be_turned_for_a_shunt_that_is_the_other_way_round() -> None:  # case 12
    decoder = Vedirect(is_sign_flipped=True)
    [frame] = decoder.feed(NOW)
    assert decoder.decode(frame).current_a == 7.625


def test_a_value_that_is_no_number_is_refused() -> None:
    [frame] = Vedirect().feed(block(V="12.8"))
    with pytest.raises(FrameError, match=r"V is '12\.8'"):
        Vedirect().decode(frame)


def test_no_turned_bit_and_no_cut_makes_another_value() -> None:
    # The sum has 8 bits, but one bit always changes it: only two and more can pass, once in 256.
    for damaged in flipped(NOW):
        assert read(Vedirect, damaged) == []
    for part in cut(NOW):
        assert read(Vedirect, part) == []


@given(data=st.lists(st.sampled_from([NOW[:40], NOW[40:], HEX, b":", b"\r\n", b"Checksum\t", b"\r\nPID\t", b"\0"])))
def test_pieces_in_any_order_give_whole_frames_only(data: list[bytes]) -> None:
    decoder = Vedirect()
    for frame in decoder.feed(b"".join(data)):
        assert isinstance(frame, Frame)
        assert sum(frame.data) % 256 == 0


def test_reset_forgets_a_block_that_was_begun() -> None:
    decoder = Vedirect()
    assert decoder.feed(NOW[:50] + b":A0") == []
    decoder.reset()
    assert [frame.data for frame in decoder.feed(NOW)] == [NOW]
