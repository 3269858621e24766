"""Whatever is damaged is no frame, whatever is whole is read or refused, and the next good frame is found."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.device.protocols.catalogue import DECODERS
from agents.device.status import FrameError
from tests.agents.device import captures, sealing

GOOD = {
    "battery-monitor": sealing.scan(),
    "jbd-up": captures.JBD_UP,
    "jk-55aa": captures.JK_NEW,
    "jk-uart": captures.JK_UART,
}
SEALED = {
    "battery-monitor": lambda body: sealing.line("BM," + body.decode("latin1").replace("\n", "").replace("\r", "")),
    "jbd-up": sealing.jbd_up,
    "jk-55aa": lambda body: sealing.jk_55aa(captures.JK_NEW, at_5=body[:294]),
    "jk-uart": sealing.jk_uart,
}


def found(protocol: str, data: bytes) -> list[bytes]:
    return [frame.data for frame in DECODERS[protocol]().feed(data)]


@pytest.mark.parametrize("protocol", GOOD)
def test_a_frame_with_one_bit_flipped_is_none(protocol: str) -> None:
    """Also where the sum has 8 bits: one bit always changes it. Two may cancel out there, in no 16-bit CRC."""
    good = GOOD[protocol]
    for bit in range(8 * len(good)):
        flipped = bytearray(good)
        flipped[bit // 8] ^= 1 << bit % 8
        assert found(protocol, bytes(flipped)) == [], bit


@pytest.mark.parametrize("protocol", GOOD)
def test_a_frame_cut_short_is_none_and_does_not_take_the_next_with_it(protocol: str) -> None:  # case 4, 8
    good = GOOD[protocol]
    for size in range(len(good)):
        assert found(protocol, good[:size]) == [], size
        assert found(protocol, good[:size] + good + good)[-2:] == [good, good], size


@pytest.mark.parametrize("protocol", GOOD)
def test_two_frames_in_one_chunk_are_two_and_echo_and_junk_none(protocol: str) -> None:  # case 6, 7, 10
    good, echo = GOOD[protocol], b"".join(DECODERS[protocol]().asks())
    assert found(protocol, b"AT\r\n" + echo + good + good + echo + b"AT\r\n" + good) == [good, good, good]


@pytest.mark.parametrize("protocol", GOOD)
def test_bytes_left_from_an_answer_that_was_cut_do_not_shift_the_next_after_a_reset(protocol: str) -> None:  # case 17
    decoder, good = DECODERS[protocol](), GOOD[protocol]
    assert decoder.feed(good[: len(good) // 2]) == []
    decoder.reset()
    assert [frame.data for frame in decoder.feed(good)] == [good]


@pytest.mark.parametrize("protocol", SEALED)
@given(body=st.binary(max_size=400))
def test_a_whole_frame_with_anything_inside_is_read_or_refused(protocol: str, body: bytes) -> None:
    decoder = DECODERS[protocol]()
    for frame in decoder.feed(SEALED[protocol](body)):
        with suppress(FrameError):
            assert decoder.decode(frame) == decoder.decode(frame)


@pytest.mark.parametrize("protocol", ["jbd-up", "jk-55aa", "jk-uart"])
def test_a_firmware_that_counts_current_the_other_way_is_put_right(protocol: str) -> None:  # case 12
    made = DECODERS[protocol]
    straight, flipped = made(), made(is_sign_flipped=True)  # type: ignore[call-arg]
    [frame] = straight.feed(GOOD[protocol])
    said = straight.decode(frame).current_a
    assert said is not None
    assert flipped.decode(frame).current_a == -said
