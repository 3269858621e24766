"""Frames: what is packed is unpacked, and hostile frames cost nothing but an error."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bus import wire
from protocol.errors import BusError

documents = st.lists(st.binary(max_size=200), min_size=1, max_size=wire.BUNDLE_DOCUMENTS).map(tuple)


@given(st.integers(0, 2**63), documents)
def test_a_publish_frame_is_read_back(number: int, raws: tuple[bytes, ...]) -> None:
    assert wire.unpack_publish(wire.pack_publish(number, raws)) == (number, raws, ())
    signatures = tuple(raw[:64] for raw in raws)
    assert wire.unpack_publish(wire.pack_publish(number, raws, signatures)) == (number, raws, signatures)


@given(documents)
def test_a_live_frame_is_read_back(raws: tuple[bytes, ...]) -> None:
    live = wire.Live("lead/status", 3, 17, 11, 9, 1_000, raws)
    assert wire.unpack_heard(wire.pack_live(live)) == live
    assert [e.sequence for e in live.entries()] == list(range(17, 17 + len(raws)))


@given(st.lists(st.builds(wire.Receipt, st.sampled_from(wire.Status), st.integers(0, 2**40), st.text(max_size=20))))
def test_receipts_are_read_back(receipts: list[wire.Receipt]) -> None:
    assert wire.unpack_ack(wire.pack_ack(5, receipts)) == (5, receipts)


def test_beacons_are_read_back() -> None:
    beacon = wire.Beacon(7, 99, {"lead": 98, "everyone": 7})
    assert wire.unpack_heard(wire.pack_beacon(beacon)) == beacon
    assert wire.unpack_heard(wire.pack_head(7, 99)) == wire.Beacon(7, 99, {})


@given(st.binary(max_size=300))
def test_any_bytes_give_a_frame_or_an_error(raw: bytes) -> None:
    try:
        number, raws, _ = wire.unpack_publish(b"P" + raw)
    except BusError:
        return
    assert wire.unpack_publish(wire.pack_publish(number, raws)) == (number, raws, ())


@pytest.mark.parametrize("count", [0, 3, 2**31, 2**32 - 1])
def test_a_claimed_length_costs_no_memory(count: int) -> None:
    frame = struct.pack("<cQI", b"P", 1, count) + struct.pack("<2I", 2**31, 2**31)
    with pytest.raises(BusError, match="lengths"):
        wire.unpack_publish(frame)


@pytest.mark.parametrize("raw", [b"H{", b"H[1]", b"H\xff", b"H1"])
def test_facts_that_are_none_are_refused(raw: bytes) -> None:
    with pytest.raises(BusError, match="JSON"):
        wire.unpack_facts(raw)
