"""Frames are found whatever is around them, and however the bytes come."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.device.protocols.catalogue import DECODERS
from agents.device.protocols.jbd import Jbd

# The answer of a four-cell JBD board to "cells", as captured: 3.909, 3.901, 3.895, 3.901 V.
CELLS = bytes.fromhex("dd0400080f450f3d0f370f3dfec677")


def chunked(data: bytes, sizes: list[int]) -> list[bytes]:
    cut, at = [], 0
    for size in sizes:
        cut.append(data[at : at + size])
        at += size
    return [*cut, data[at:]]


@given(junk=st.binary(max_size=40), sizes=st.lists(st.integers(min_value=1, max_value=9), max_size=20))
def test_the_same_bytes_give_the_same_frames_however_they_are_cut(junk: bytes, sizes: list[int]) -> None:
    data = junk + CELLS + junk + CELLS[:7] + CELLS
    whole = [frame.data for frame in Jbd().feed(data)]
    decoder = Jbd()
    assert [frame.data for chunk in chunked(data, sizes) for frame in decoder.feed(chunk)] == whole


@pytest.mark.parametrize("name", DECODERS)
@given(data=st.binary(max_size=600))
def test_bytes_of_any_kind_never_break_a_decoder(name: str, data: bytes) -> None:
    decoder = DECODERS[name]()
    for frame in decoder.feed(data):
        assert frame.data in data


def test_a_cut_frame_does_not_take_the_next_one_with_it() -> None:
    assert [frame.data for frame in Jbd().feed(CELLS[:9] + CELLS + CELLS)] == [CELLS, CELLS]


def test_an_echo_of_the_question_and_noise_are_dropped_and_counted() -> None:
    decoder = Jbd()
    echo = b"".join(decoder.asks()) + b"AT\r\n"
    assert [frame.data for frame in decoder.feed(echo + CELLS)] == [CELLS]


@pytest.mark.parametrize("name", DECODERS)
def test_a_flood_of_what_looks_like_beginnings_is_dropped(name: str) -> None:  # case 7
    decoder = DECODERS[name]()
    flood = b"\x55\xaa\xeb\x90\x02\x01\x10\x16\x01\x78\x10\x00\x10\xa0NW$\xdd" * 2000
    assert decoder.feed(flood) == []
