"""Modbus RTU: answers are found without a start byte, by what was asked or by their length. The frames are captured."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.device.decoder import Decoder, Frame, TakesQuestions
from agents.device.protocols.checksums import crc16_modbus
from agents.device.protocols.modbus import Modbus, question
from agents.device.protocols.register_map import PACKAGED, packaged_map
from agents.device.status import FrameError, Status

D2 = bytes.fromhex(
    "d2037c0d6e0d690d590dd70d0b0d0b0d0c0d0b000000000000000000000000000000000000000000000000000000000000000000000000"
    "000000000000000000000000003d0028002800000000000000000000010f753003e80dd70d0b003d003d000000fa00080001000000000001"
    "00010d4600cc00000100000000000000cf2d"
)
D2_LONG = bytes.fromhex(
    "d203a00ccf0cd10cd10cd10cd10cd10cd20cd20cd20cd20cd00cd20cd20cd20cd20cd100000000000000000000000000000000000000"
    "0000000000000000000000000000370037003700370000000000000000020d751202120cd20ccf003700370002045900100004003900"
    "00000100010cd10003009d0000000000000000000000007530000000370000000000000000000000000000000000000000000000000000"
    "d616"
)
DALY_81 = bytes.fromhex(
    "51037c00090006003e0004003e000100000002000000000a95000700070000000000000000000100010000000000000cf201e70000004000"
    "4600000000ffff000075301a06021405220b0a0402000000000080000074bb0011035d0000000000000080000000000000ffffffffffffff"
    "ffffffffffffffffff00ffffff0002684e"
)
DALY_81_CELLS = bytes.fromhex(
    "5103800cf40cf00cf30cf20cf30cf10cf30cf30cf00cf30cf40cf40cf40cf30cf30cf6"
    + "00" * 64
    + "003e003e003e003e0000000000000000021274d5035f006a001000040cf6001018ef"
)
PIA = bytes.fromhex("01042214ccff776b4080e80122034003e7000a0cff0b800d000cff0b820b7e000000b400b4155e")
PIB = bytes.fromhex(
    "0204340dc80dc80dc80dc70dc70dc70dc70dc60dc60dc70dc70dc70dc70dc80dc80dc90ba50b990b9a0ba40aab0aab0aab0aab0bc40bb553f1"
)
EIA = bytes.fromhex(
    "00043414cd0000fff3ffff6b40000080e800000122000080e8000000010000000000000708000007080000024001d00001000a034003e7f2cc"
)
PIC = bytes.fromhex("0101120000000000000000100000000000000300007af5")
EIC = bytes.fromhex("00010a100000000000000300002e65")
REFUSAL = bytes.fromhex("018102c191")
EG4 = bytes.fromhex(
    "01034e052cffc20cee0cf10ced0cf1000000000000000000000000000000000000000000000000001100110011000002ee00640030000200"
    "0000000000000000010000000011c80000000000040000000095a4"
)
RENOGY = bytes.fromhex("30034400040023002100210021" + "00" * 24 + "000200aa00aa" + "00" * 28 + "2574")
RT = bytes.fromhex("01031a052cffd00cf00cef00960096005b0063003f00000b9003e803e845d8")
CAPTURED = [
    ("daly-modbus-d2", D2),
    ("daly-modbus-d2", D2_LONG),
    ("daly-modbus-81", DALY_81),
    ("daly-modbus-81", DALY_81_CELLS),
    ("seplos-v3", PIA),
    ("seplos-v3", PIB),
    ("seplos-v3", EIA),
    ("seplos-v3", PIC),
    ("seplos-v3", EIC),
    ("modbus-rtu-eg4", EG4),
    ("modbus-rtu-renogy", RENOGY),
    ("modbus-rtu-pylontech-rt", RT),
]


def decoder_of(name: str) -> Modbus:
    return Modbus(packaged_map(name))


def with_crc(data: bytes) -> bytes:
    return data + crc16_modbus(data).to_bytes(2, "little")


def answer(address: int, function: int, data: bytes) -> bytes:
    return with_crc(bytes((address, function, len(data))) + data)


def said(name: str, raw: bytes) -> Status:
    decoder = decoder_of(name)
    [frame] = decoder.feed(raw)
    return decoder.decode(frame)


def bytes_of(frames: list[Frame]) -> list[bytes]:
    return [frame.data for frame in frames]


def test_daly_d2_tells_cells_current_and_what_is_wrong() -> None:
    status = said("daly-modbus-d2", D2)
    assert status.cells == {1: 3.438, 2: 3.433, 3: 3.417, 4: 3.543, 5: 3.339, 6: 3.339, 7: 3.34, 8: 3.339}
    assert (status.pack_voltage_v, status.current_a, status.soc_percent) == (27.1, 0.0, 100.0)
    assert (status.address, status.cell_count, status.temperatures) == (0xD2, 8, {"1": 21.0})
    assert status.alarms == frozenset({"charge-overtemperature-warning"})


def test_daly_d2_answers_of_62_and_80_registers_are_read_by_one_map() -> None:
    status = said("daly-modbus-d2", D2_LONG)
    assert (status.current_a, status.remaining_ah, status.cycles) == (-3.0, 111.3, 57)
    assert status.temperatures == {"1": 15.0, "2": 15.0, "3": 15.0, "4": 15.0, "mos": 15.0}
    assert status.others["state"] == "discharging"
    assert said("daly-modbus-d2", D2).balance_bits is None


def test_daly_81_is_asked_at_one_address_and_answers_from_another() -> None:
    decoder = decoder_of("daly-modbus-81")
    assert [sent.hex() for sent in decoder.asks()] == ["8103000000405bfa", "81030041003e8bce"]
    frames = decoder.feed(decoder.asks()[0] + DALY_81_CELLS + decoder.asks()[1] + DALY_81)
    cells, status = (decoder.decode(frame) for frame in frames)
    assert (len(cells.cells), cells.cells[16], cells.current_a, cells.address) == (16, 3.318, -9.1, 0x81)
    assert (cells.others["max-cell"], status.others["min-cell"]) == (16, 9)
    assert status.temperatures == {"mos": 24.0, "board": 30.0}
    assert (status.charge_fet, status.discharge_fet, status.alarm_bits) == (True, True, 0)


def test_a_sleeping_daly_of_zeros_is_refused_and_no_battery_at_minus_3000_ampere() -> None:  # case 10
    with pytest.raises(FrameError, match="sleeps"):
        said("daly-modbus-d2", answer(0xD2, 3, bytes(124)))


def test_an_echo_of_the_question_is_no_answer() -> None:  # case 10
    for name in PACKAGED:
        decoder = decoder_of(name)
        assert decoder.feed(b"".join(decoder.asks())) == []


def test_missing_sensors_are_absent() -> None:  # case 13
    assert said("modbus-rtu-eg4", EG4).temperatures == {"board": 17.0, "1": 17.0}
    pib = bytearray(PIB[3:-2])
    pib[32:34], pib[34:36], pib[36:38] = b"\xff\xff", b"\0\0", b"\x0a\xab"
    status = said("seplos-v3", answer(2, 4, bytes(pib)))
    assert status.temperatures == {"3": 0.0, "4": 24.9, "ambient": 28.1, "mos": 26.6}


def test_temperatures_below_zero_stay_below_zero() -> None:  # case 11
    rt = bytearray(RT[3:-2])
    rt[8:10] = (-55 & 0xFFFF).to_bytes(2, "big")
    assert said("modbus-rtu-pylontech-rt", answer(1, 3, bytes(rt))).temperatures == {"1": -5.5, "2": 15.0}
    eg4 = bytearray(EG4[3:-2])
    eg4[66] = 0xF6
    assert said("modbus-rtu-eg4", answer(1, 3, bytes(eg4))).temperatures["1"] == -10.0


def test_current_keeps_its_sign_beyond_32_ampere_and_is_turned_on_request() -> None:  # case 12
    pia = bytearray(PIA[3:-2])
    pia[2:4] = (-20000 & 0xFFFF).to_bytes(2, "big")
    assert said("seplos-v3", answer(1, 4, bytes(pia))).current_a == -200.0
    flipped = Modbus(packaged_map("seplos-v3"), is_sign_flipped=True)
    assert [flipped.decode(frame).current_a for frame in flipped.feed(PIA)] == [1.37]
    idle = Modbus(packaged_map("daly-modbus-d2"), is_sign_flipped=True)
    assert [str(idle.decode(frame).current_a) for frame in idle.feed(D2)] == ["0.0"]


def test_seplos_tells_a_pack_its_cells_its_alarms_and_the_whole_system() -> None:
    pack, cells, system = said("seplos-v3", PIA), said("seplos-v3", PIB), said("seplos-v3", EIA)
    assert (pack.address, pack.pack_voltage_v, pack.current_a, pack.full_ah) == (1, 53.24, -1.37, 330.0)
    assert (cells.address, cells.cells[16], cells.temperatures["mos"]) == (2, 3.529, 26.6)
    # Numbers of two registers come low word first.
    assert (system.address, system.current_a, system.nominal_ah, system.others["pack-count"]) == (0, -1.3, 330.0, 1)


def test_seplos_alarms_come_as_coils() -> None:
    for frame in (PIC, EIC):
        status = said("seplos-v3", frame)
        assert (status.alarms, status.charge_fet, status.discharge_fet) == (frozenset(), True, True)
    coils = bytearray(PIC[3:-2])
    coils[0], coils[9], coils[17] = 0x04, 0x08, 0x20
    status = said("seplos-v3", answer(1, 1, bytes(coils)))
    assert status.alarms == frozenset({"cell-undervoltage", "cell-wire"})
    assert status.others["low-cell-bits"] == 0b100


def test_all_sixteen_cells_low_are_sixteen_and_not_a_missing_value() -> None:
    coils = b"\xff\xff" + PIC[5:-2]
    assert said("seplos-v3", answer(1, 1, coils)).others["low-cell-bits"] == 0xFFFF


def test_a_refusal_is_told_with_its_reason() -> None:
    decoder = decoder_of("seplos-v3")
    decoder.asked(question(1, 1, 0x1200, 144))
    [frame] = decoder.feed(REFUSAL)
    assert frame.kind == "exception"
    with pytest.raises(FrameError, match="device at 1 refuses function 1 with exception 2: illegal data address"):
        decoder.decode(frame)


def test_renogy_tells_its_switches_among_its_alarms() -> None:
    data = bytearray(16)
    data[13] = 0x06
    status = said("modbus-rtu-renogy", answer(0x30, 3, bytes(data)))
    assert (status.charge_fet, status.discharge_fet, status.alarms) == (True, True, frozenset())
    data[13], data[0] = 0x04, 0x01
    status = said("modbus-rtu-renogy", answer(0x30, 3, bytes(data)))
    assert (status.charge_fet, status.alarms) == (False, frozenset({"bit-104"}))


def test_more_cells_than_there_are_places_for_are_refused() -> None:  # case 23
    data = b"\xff\xfe" + RENOGY[5:-2]
    with pytest.raises(FrameError, match="65534 cells are announced"):
        said("modbus-rtu-renogy", answer(0x30, 3, data))


def test_the_last_question_tells_two_answers_of_one_length_apart() -> None:
    decoder = Modbus(packaged_map("seplos-v3"), [0])
    assert isinstance(decoder, TakesQuestions)
    pib = answer(0, 4, PIB[3:-2])
    for sent, raw, kind in ((0x1100, pib, "pib"), (0x2000, EIA, "eia")):
        decoder.asked(question(0, 4, sent, 26))
        assert [frame.kind for frame in decoder.feed(raw)] == [kind]


def test_an_answer_that_may_be_either_of_two_is_refused_and_not_guessed() -> None:
    decoder = Modbus(packaged_map("seplos-v3"), [0])
    [frame] = decoder.feed(EIA)
    with pytest.raises(FrameError, match="pib or eia: nobody told what was asked"):
        decoder.decode(frame)


def test_only_the_one_that_was_asked_is_heard() -> None:  # case 16
    decoder = Modbus(packaged_map("seplos-v3"), [1, 2])
    decoder.asked(question(1, 4, 0x1000, 17))
    elsewhere = answer(2, 4, PIA[3:-2])
    assert bytes_of(decoder.feed(elsewhere + question(2, 4, 0x1000, 17) + PIA)) == [PIA]


def test_what_is_left_of_the_last_answer_does_not_shift_the_next_one() -> None:  # case 17
    decoder = decoder_of("seplos-v3")
    decoder.asked(question(1, 4, 0x1000, 17))
    decoder.feed(PIA[:20])
    decoder.asked(question(1, 4, 0x1000, 17))
    assert bytes_of(decoder.feed(PIA)) == [PIA]


def test_two_answers_in_one_chunk_with_junk_between_are_both_found() -> None:  # cases 6, 7
    assert bytes_of(decoder_of("seplos-v3").feed(b"AT\r\n" + PIA + b"\x01\x04" + PIB + b"\0" + EIA)) == [PIA, PIB, EIA]


def test_junk_that_announces_many_bytes_does_not_keep_an_answer_waiting() -> None:  # case 9
    assert bytes_of(decoder_of("seplos-v3").feed(b"\x01\x04\xfa" + PIA)) == [PIA]


def test_what_is_asked_has_to_be_in_the_map() -> None:
    decoder = decoder_of("seplos-v3")
    with pytest.raises(ValueError, match="no block of seplos-v3 begins at 0x3000"):
        decoder.asked(question(1, 4, 0x3000, 2))
    with pytest.raises(ValueError, match="no question"):
        decoder.asked(PIA)


def test_questions_are_those_that_the_devices_are_seen_to_answer() -> None:
    asks = {name: [sent.hex() for sent in decoder_of(name).asks()] for name in PACKAGED}
    assert asks["daly-modbus-d2"] == ["d2030000003ed7b9"]
    assert asks["seplos-v3"][:2] == ["01041000001134c6", "01041100001a74fd"]
    assert "00042000001a7bd0" in asks["seplos-v3"]
    assert asks["modbus-rtu-eg4"] == ["01030000002705d0"]
    assert asks["modbus-rtu-renogy"][0] == "300313b20007a48a"
    assert asks["modbus-rtu-pylontech-rt"] == ["01031016000d610b"]


@pytest.mark.parametrize(("name", "frame"), CAPTURED)
def test_every_flipped_bit_and_every_truncation_is_refused(name: str, frame: bytes) -> None:
    for bit in range(8 * len(frame)):
        flipped = bytearray(frame)
        flipped[bit // 8] ^= 1 << bit % 8
        assert bytes_of(decoder_of(name).feed(bytes(flipped) + frame)) == [frame], bit
    decoder = decoder_of(name)
    for size in range(len(frame)):
        assert decoder.feed(frame[:size]) == []
        decoder.reset()


@given(
    junk=st.lists(st.binary(max_size=30), min_size=4, max_size=4),
    sizes=st.lists(st.integers(min_value=1, max_value=40), max_size=30),
)
def test_the_same_bytes_give_the_same_frames_however_they_are_cut(junk: list[bytes], sizes: list[int]) -> None:
    data = junk[0] + PIA + junk[1] + PIB[:30] + EIA + junk[2] + REFUSAL + junk[3] + PIC
    whole = bytes_of(decoder_of("seplos-v3").feed(data))
    decoder, found, at = decoder_of("seplos-v3"), list[bytes](), 0
    for size in [*sizes, len(data)]:
        found += bytes_of(decoder.feed(data[at : at + size]))
        at += size
    assert found == whole


@pytest.mark.parametrize("name", PACKAGED)
@given(data=st.data())
def test_registers_of_any_content_are_decoded_or_refused(name: str, data: st.DataObject) -> None:
    registers = packaged_map(name)
    block = data.draw(st.sampled_from(registers.blocks))
    length = data.draw(st.sampled_from(sorted(block.lengths)))
    address = (*block.addresses, *registers.addresses)[0]
    content = data.draw(st.binary(min_size=length, max_size=length))
    decoder: Decoder = Modbus(registers)
    frames = decoder.feed(answer(address + registers.answer_offset, block.function, content))
    try:
        statuses = [decoder.decode(frame) for frame in frames]
    except FrameError:
        return
    assert [status.address for status in statuses] == [address]


def test_a_flood_of_false_starts_is_dropped_and_an_answer_behind_it_found() -> None:
    assert bytes_of(decoder_of("seplos-v3").feed(b"\x01\x04" * 20_000 + PIA)) == [PIA]


def test_an_address_is_what_was_asked_for() -> None:
    status = said("modbus-rtu-pylontech-rt", answer(7, 3, RT[3:-2]))
    assert status == replace(said("modbus-rtu-pylontech-rt", RT), address=7)
