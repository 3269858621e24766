"""Whom a decoder asks and whom it believes follows from what was said about the device."""

from dataclasses import replace
from typing import Any

import pytest

from agents.device.decoder import Decoder
from agents.device.device_address import DeviceAddress, decoders_of, line_of
from agents.device.protocols import daly_a5, jk_55aa
from agents.device.protocols.catalogue import DECODERS, LINES
from agents.device.protocols.modbus import question
from agents.device.protocols.telecom_ascii import telegram
from agents.device.status import OtherDevice, Status, merged, side_by_side
from tests.agents.device.captures import JK_DEVICE, JK_NEW
from tests.agents.device.sealing import scan, with_crc
from tests.agents.device.test_telecom_ascii import PACE, PYLONTECH


def decoders(protocol: str, *addresses: int, **more: Any) -> tuple[Decoder, ...]:
    return decoders_of(DeviceAddress(url="/dev/null", protocol=protocol, addresses=addresses, **more))


def heard(decoder: Decoder, data: bytes) -> list[Status]:
    return [decoder.decode(frame) for frame in decoder.feed(data)]


@pytest.mark.parametrize("protocol", DECODERS)
def test_without_addresses_a_device_is_asked_as_it_comes_out_of_the_box(protocol: str) -> None:
    [decoder] = decoders(protocol)
    assert list(decoder.asks()) == list(DECODERS[protocol]().asks())
    assert line_of(protocol) == LINES[protocol]


@pytest.mark.parametrize(
    ("protocol", "address", "first"),
    [
        ("daly-a5", 3, daly_a5.ask(0x94, 0x42)),
        ("jbd-up", 7, with_crc(b"\x07\x78\x10\x00\x10\xa0\0\0")),
        ("jk-55aa", 7, jk_55aa.ask(jk_55aa.STATUS, 7)),
        ("pace-ascii", 7, telegram(0x25, 7, 0x42, b"\x07")),
        ("seplos-v2-ascii", 7, telegram(0x20, 7, 0x42, b"\x07")),
        ("pylontech-ascii", 7, telegram(0x20, 7, 0x42, b"\x07")),
        ("seplos-v3", 7, question(7, 4, 0x1000, 17)),
        ("modbus-rtu-renogy", 0x99, None),
    ],
)
def test_each_address_has_a_decoder_that_asks_nobody_else(protocol: str, address: int, first: bytes | None) -> None:
    one, other = decoders(protocol, address, address + 1)
    assert one.asks()[0] == (first or one.asks()[0])
    assert len(one.asks()) == len(other.asks())
    assert not set(one.asks()) & set(other.asks())


def test_the_master_of_a_line_is_asked_what_only_it_has_and_a_pack_is_not() -> None:
    pack, alone = decoders("seplos-v3", 7, 0)
    assert {ask[0] for ask in pack.asks()} == {7}
    assert {ask[0] for ask in alone.asks()} == {0}
    assert len(alone.asks()) > len(pack.asks())


def test_a_telegram_of_another_pack_is_not_believed() -> None:  # case 16
    assert heard(decoders("pace-ascii", 1)[0], PACE)[0].pack_voltage_v == 52.896
    with pytest.raises(OtherDevice, match="from address 1, asked was 2"):
        heard(decoders("pace-ascii", 2)[0], PACE)


def test_a_pack_that_tells_of_those_behind_it_is_believed() -> None:
    [status] = heard(decoders("pylontech-ascii", 2)[0], PYLONTECH)
    assert [pack.address for pack in status.packs] == [2, 3, 4]
    with pytest.raises(OtherDevice):
        heard(decoders("pylontech-ascii", 3)[0], PYLONTECH)


def test_of_a_daly_only_the_board_that_was_asked_is_heard() -> None:
    answer = bytes.fromhex("a50294081004000000000c00")
    answer += bytes((daly_a5.check_sum(answer),))
    assert heard(decoders("daly-a5", 2)[0], answer)[0].cell_count == 16
    assert heard(decoders("daly-a5", 1)[0], answer) == []


def test_a_frame_of_a_jk_counts_when_its_own_acknowledgement_follows() -> None:
    own, strange = (with_crc(bytes((address, 0x10, 0x16, 0x20, 0, 1))) for address in (1, 2))
    assert [bool(status.cells) for status in heard(decoders("jk-55aa", 1)[0], JK_NEW + b"\0" + own)] == [True, False]
    assert heard(decoders("jk-55aa", 1)[0], JK_NEW) == []
    with pytest.raises(OtherDevice, match="from address 2, asked was 1"):
        heard(decoders("jk-55aa", 1)[0], JK_NEW + b"\0" + strange)
    [decoder] = decoders("jk-55aa", 1)
    decoder.feed(JK_NEW)
    decoder.reset()
    assert [status.cells for status in heard(decoder, own)] == [{}]
    decoder.feed(JK_NEW)
    assert heard(decoder, JK_DEVICE + b"\0" + own)[0].model == "JK-B2A24S20P"


def test_how_many_cells_there_are_is_told_where_the_device_does_not_tell() -> None:
    line = scan()
    assert heard(decoders("battery-monitor", cells=16)[0], line)[0].cell_count == 16
    part = bytes.fromhex("a50195080101020304050600")
    part += bytes((daly_a5.check_sum(part),))
    assert len(heard(decoders("daly-a5", cells=2)[0], part)[0].cells) == 2


def test_what_two_answers_say_of_a_pack_is_one_pack() -> None:
    first = Status(packs=(Status(address=2, soc_percent=50.0), Status(address=3, soc_percent=60.0)))
    second = Status(packs=(Status(address=2, alarms=frozenset({"a"})), Status(address=3, alarms=frozenset())))
    assert merged([first, second]).packs == (
        Status(address=2, soc_percent=50.0, alarms=frozenset({"a"})),
        Status(address=3, soc_percent=60.0, alarms=frozenset()),
    )
    nameless = (Status(soc_percent=1.0), Status(soc_percent=2.0))
    assert side_by_side([*nameless, replace(first, packs=first.packs[:1])]).packs == (*nameless, first.packs[0])
