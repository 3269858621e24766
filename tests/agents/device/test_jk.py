"""JK speaks two protocols: registers by its TTL port, frames of 300 bytes by RS485 and Bluetooth."""

import pytest

from agents.device.protocols.jk_55aa import DEVICE, SETTINGS, STATUS, Jk55aa, ask
from agents.device.protocols.jk_uart import JkUart
from agents.device.status import FrameError, Status
from tests.agents.device import sealing
from tests.agents.device.captures import JK_DEVICE, JK_NEW, JK_OLD, JK_UART

ACKNOWLEDGEMENT = sealing.with_crc(bytes.fromhex("021016200001"))


def said(decoder: Jk55aa | JkUart, data: bytes) -> Status:
    [frame] = decoder.feed(data)
    return decoder.decode(frame)


def registers(text: str) -> Status:
    return said(JkUart(), sealing.jk_uart(bytes.fromhex(text)))


def test_the_ttl_port_says_what_its_registers_hold() -> None:
    status = said(JkUart(), JK_UART)
    assert (status.pack_voltage_v, status.current_a, status.soc_percent) == (51.21, -0.69, 15)
    assert (status.cell_count, len(status.cells), status.cells[7], status.nominal_ah) == (16, 16, 3.185, 81)
    assert status.temperatures == {"mos": 18, "1": 16, "2": 16}
    assert (status.charge_fet, status.discharge_fet, status.alarms) == (True, True, frozenset())
    assert status.others == {"balancing": False, "runtime-s": 91136 * 60, "software": "H7.X__S7.1.0H"}


@pytest.mark.parametrize(
    ("text", "current_a"),
    [
        ("8487d0c001", 20.0),
        ("8407d0c001", -20.0),
        ("84fffe c001", 327.66),
        ("847fff c001", -327.67),
        ("840000c001", 0.0),
        ("842af8c000", -10.0),
        ("84251c", 5.0),
    ],
)
def test_the_version_of_the_ttl_protocol_tells_how_current_is_written(text: str, current_a: float) -> None:  # case 12
    assert registers(text).current_a == current_a


def test_a_temperature_above_100_of_the_ttl_port_is_one_below_zero_and_140_an_open_sensor() -> None:  # case 11, 13
    assert registers("800064 810065 82008b").temperatures == {"mos": 100, "1": -1, "2": -39}
    assert registers("80ffff 81008c 820000").temperatures == {"2": 0}


def test_what_the_ttl_port_does_not_say_is_absent() -> None:
    assert registers("8314f0") == Status(pack_voltage_v=53.6)


def test_alarms_of_the_ttl_port_have_names_and_an_unknown_one_its_number() -> None:
    status = registers("8b8402")
    assert status.alarms == frozenset({"mos-overtemperature", "cell-overvoltage", "bit-15"})
    assert status.alarm_bits == 0x8402


@pytest.mark.parametrize("text", ["d10000", "8314", "7906010ced02", "7904010ced02", "8565"])
def test_registers_that_cannot_be_are_refused(text: str) -> None:
    with pytest.raises(FrameError):
        registers(text)


@pytest.mark.parametrize(
    ("frame", "pack_v", "current_a", "cell_1_v"), [(JK_NEW, 53.224, 31.881, 3.333), (JK_OLD, 51.97, 6.699, 3.245)]
)
def test_either_layout_is_known_by_its_mask_of_cells(
    frame: bytes, pack_v: float, current_a: float, cell_1_v: float
) -> None:
    status = said(Jk55aa(), frame)
    assert (status.pack_voltage_v, status.current_a, status.cells[1]) == (pack_v, current_a, cell_1_v)
    assert (status.cell_count, len(status.cells)) == (16, 16)
    assert (status.charge_fet, status.discharge_fet) == (True, True)


def test_the_newer_layout_tells_health_cycles_temperatures_and_alarms() -> None:
    status = said(Jk55aa(), JK_NEW)
    assert (status.soc_percent, status.soh_percent, status.cycles, status.full_ah) == (25, 100, 9, 200)
    assert (status.remaining_ah, status.alarms, status.alarm_bits) == (49.286, frozenset(), 0)
    assert status.temperatures == {"mos": 12.9, "1": 13.4, "2": 12.8, "3": 13.5, "4": 13.1}


def test_an_open_cell_wire_does_not_turn_one_layout_into_the_other() -> None:
    new = sealing.jk_55aa(JK_NEW, at_6=b"\0\0", at_70=b"\xfe\xff\x00\x00")
    old = sealing.jk_55aa(JK_OLD, at_54=b"\xfb\xff\x00\x00")
    assert 1 not in said(Jk55aa(), new).cells
    assert said(Jk55aa(), new).pack_voltage_v == 53.224
    assert sorted({*range(1, 17)} - {*said(Jk55aa(), old).cells}) == [3]
    assert said(Jk55aa(), old).pack_voltage_v == 51.97


@pytest.mark.parametrize("slots", [24, 25, 26, 31, 32])
def test_the_newer_layout_is_known_with_its_slots_full_too(slots: int) -> None:
    mask = ((1 << slots) - 1).to_bytes(4, "little")
    status = said(Jk55aa(), sealing.jk_55aa(JK_NEW, at_6=(3280).to_bytes(2, "little") * slots, at_70=mask))
    assert len(status.cells) == slots
    assert set(status.cells.values()) == {3.28}


def test_below_zero_is_below_zero_and_an_absent_sensor_is_absent() -> None:  # case 11, 13
    cold = sealing.jk_55aa(JK_NEW, at_162=b"\xf6\xff\x30\xf8", at_214=b"\xfe")
    assert said(Jk55aa(), cold).temperatures == {"1": -1.0, "3": 13.5, "4": 13.1}


def test_alarms_of_either_layout_have_names() -> None:
    new = sealing.jk_55aa(JK_NEW, at_166=b"\x12\x08\x00\x40")
    assert said(Jk55aa(), new).alarms == frozenset(
        {"mos-overtemperature", "cell-overvoltage", "cell-undervoltage", "bit-30"}
    )
    assert said(Jk55aa(), sealing.jk_55aa(JK_OLD, at_136=b"\x00\x20")).alarms == frozenset({"discharge-overcurrent"})


@pytest.mark.parametrize(
    "frame",
    [
        sealing.jk_55aa(JK_NEW, at_6=b"\0" * 290),
        sealing.jk_55aa(JK_NEW, at_6=b"\0" * 64),
        sealing.jk_55aa(JK_NEW, at_7=b"\x1d"),
        sealing.jk_55aa(JK_NEW, at_173=b"\xe9"),
        sealing.jk_55aa(JK_NEW, at_152=b"\x10"),
        sealing.jk_55aa(JK_NEW, at_161=b"\x80"),
        sealing.jk_55aa(JK_NEW, at_162=b"\x00\x40"),
    ],
    ids=["all 0, asleep", "no voltages", "a cell of 7 V", "233 % charged", "a pack of 1101 V", "-2 MA", "1638 degrees"],
)
def test_a_status_that_passes_its_small_sum_and_cannot_be_is_refused(frame: bytes) -> None:  # case 5, 10, 27
    with pytest.raises(FrameError):
        said(Jk55aa(), frame)


def test_a_cut_frame_whose_rest_is_another_is_none_even_when_the_sum_agrees() -> None:  # case 4, 27
    spliced = sealing.jk_55aa(JK_NEW[:150] + JK_NEW[:150])
    assert Jk55aa().feed(spliced) == []
    assert [frame.data for frame in Jk55aa().feed(spliced + JK_OLD)] == [JK_OLD]


def test_a_frame_of_a_type_that_is_not_known_is_none() -> None:
    assert Jk55aa().feed(sealing.jk_55aa(JK_NEW, at_4=b"\x05")) == []


def test_all_310_bytes_of_an_answer_are_taken_and_tell_who_answered() -> None:  # case 16, 17
    answer = JK_NEW + b"\0" + ACKNOWLEDGEMENT + b"\0"
    assert len(answer) == 310
    decoder = Jk55aa(addresses=(1, 2))
    frames = [frame for byte in answer + answer for frame in decoder.feed(bytes((byte,)))]
    assert [frame.kind for frame in frames] == ["status", "acknowledgement"] * 2
    assert decoder.decode(frames[1]) == Status(address=2)


def test_questions_are_writes_of_modbus_to_each_address() -> None:
    assert ask(STATUS, 1).hex() == "011016200001020000d6f1"
    assert ask(SETTINGS, 1).hex() == "0110161e0001020000d22f"
    assert ask(DEVICE, 1).hex() == "0110161c0001020000d3cd"
    assert [question[0] for question in Jk55aa(addresses=(1, 2)).asks()] == [1, 1, 1, 2, 2, 2]


def test_a_device_says_what_it_is_and_keeps_its_passwords() -> None:
    status = said(Jk55aa(), JK_DEVICE)
    assert status.model == "JK-B2A24S20P"
    assert (status.others["hardware"], status.others["software"]) == ("10.XG", "10.07")
    assert "1234" not in str(status)


def test_settings_are_told_with_their_unit() -> None:
    body = sealing.jk_55aa(
        b"\x55\xaa\xeb\x90\x01" + b"\0" * 295, at_18=b"\x42\x0e", at_98=b"\x9c\xff\xff\xff", at_114=b"\x10"
    )
    status = said(Jk55aa(), body)
    assert status.cell_count == 16
    assert (status.others["setting-cell-overvoltage-v"], status.others["setting-charge-cold-c"]) == (3.65, -10.0)
