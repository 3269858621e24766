"""Register maps that users write: what each key does, and how a mistake in one is told."""

from pathlib import Path

import pytest

from agents.device.protocols.checksums import crc16_modbus
from agents.device.protocols.modbus import Modbus
from agents.device.protocols.register_map import PACKAGED, packaged_map, read_map
from agents.device.status import Status
from protocol.errors import DefinitionError

# A shunt, as somebody would write it down from its data sheet.
SHUNT = """\
name: modbus-rtu-shunt
addresses: [1, 2]
blocks:
  - name: values
    function: 4
    at: 0
    count: 8
    fields:
      - {at: 0, to: pack_voltage_v, scale: 0.01}
      - {at: 1, to: current_a, scale: -0.01}
      - {at: 2, to: others.power-w, type: u32, word_order: little, scale: 0.1}
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "mine.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def with_fields(*fields: str, function: int = 3) -> str:
    lines = "\n".join(f"      - {{{field}}}" for field in fields)
    head = f"name: mine\naddresses: [1]\nblocks:\n  - name: a\n    function: {function}\n    at: 0x10\n    count: 8\n"
    return f"{head}    fields:\n{lines}\n"


def said(folder: Path, text: str, data: str, function: int = 3) -> Status:
    """What the answer with these registers says by a map with this text."""
    decoder = Modbus(read_map(written(folder, text)))
    content = bytes.fromhex(data)
    head = bytes((1, function, len(content))) + content
    [frame] = decoder.feed(head + crc16_modbus(head).to_bytes(2, "little"))
    return decoder.decode(frame)


def test_a_map_of_ones_own_makes_a_decoder(tmp_path: Path) -> None:
    status = said(tmp_path, SHUNT, "14cd 0082 02a0 0001 0000 0000 0000 0000", function=4)
    assert (status.pack_voltage_v, status.current_a) == (53.25, -1.3)
    assert status.others == {"power-w": 6620.8}
    decoder = Modbus(read_map(written(tmp_path, SHUNT)), [2])
    assert [sent[:6].hex() for sent in decoder.asks()] == ["020400000008"]


@pytest.mark.parametrize(
    ("field", "data", "value"),
    [
        ("to: current_a, type: i16, scale: 0.1", "ffc2", -6.2),
        ("to: current_a, scale: 0.1, offset: -3000", "74d5", -9.1),
        ("to: current_a, type: i32, scale: 0.001", "fffffc18", -1.0),
        ("to: current_a, type: i32, scale: 0.001, word_order: little", "fc18ffff", -1.0),
        ("to: current_a, type: i16", "7fff", None),
        ("to: current_a", "ffff", None),
        ("to: current_a, absent: []", "ffff", 65535.0),
        ("to: current_a, absent: [0]", "0000", None),
        ("to: cycles", "0039", 57),
        ("to: alarm_bits", "ffff", 0xFFFF),
        ("to: charge_fet", "0001", True),
        ("to: charge_fet, mask: 0x0002", "0005", False),
        ("to: model, type: text, count: 4", "4142 4320 0000 0000", "ABC"),
        ("to: model, type: text, count: 4", "0000 0000 0000 0000", None),
        ("to: model, type: text, count: 2", "1b5b 3331", None),
    ],
)
def test_a_field_says_how_its_value_is_read(tmp_path: Path, field: str, data: str, value: object) -> None:
    name = field.partition(",")[0].removeprefix("to: ")
    registers = data.replace(" ", "").ljust(32, "0")
    assert getattr(said(tmp_path, with_fields(f"at: 0x10, {field}"), registers), name) == value


@pytest.mark.parametrize(
    ("field", "data", "temperatures"),
    [
        ("scale: 0.1, kelvin: true", "0ba5 0aab 0000 ffff", {"1": 25.0, "2": 0.0}),
        ("type: i8", "11 c8 7f 00", {"1": 17.0, "2": -56.0, "4": 0.0}),
        ("type: i8, absent: [-56, 0]", "11 c8 f6 00", {"1": 17.0, "3": -10.0}),
        (
            "offset: -40, absent: [0], counted_by: 0x17",
            "003e 0000 0023 003e 0000 0000 0000 0003",
            {"1": 22.0, "3": -5.0},
        ),
    ],
)
def test_slots_are_numbered_and_missing_ones_left_out(
    tmp_path: Path, field: str, data: str, temperatures: dict[str, float]
) -> None:
    registers = data.replace(" ", "").ljust(32, "0")
    status = said(tmp_path, with_fields(f"at: 0x10, to: temperatures, count: 4, {field}"), registers)
    assert status.temperatures == temperatures


def test_words_stand_for_numbers_and_names_for_bits(tmp_path: Path) -> None:
    text = with_fields(
        "at: 0x10, to: others.state, values: {0: idle, 1: charging}",
        "at: 0x11, to: alarm_bits, names: {0: cell-overvoltage, 3: short-circuit}",
        "at: 0x12, to: temperatures.mos, scale: 0.1, kelvin: true",
    )
    status = said(tmp_path, text, "0001 0029 0bc4 0000 0000 0000 0000 0000")
    assert status.others == {"state": "charging"}
    # A bit that has no name is told by its number.
    assert status.alarms == frozenset({"cell-overvoltage", "short-circuit", "bit-5"})
    assert status.temperatures == {"mos": 28.1}
    assert said(tmp_path, text, "0007" + "0000" * 7).others == {"state": 7}


def test_coils_are_numbers_whose_lowest_bit_comes_first(tmp_path: Path) -> None:
    text = with_fields("at: 0x11, to: charge_fet", "at: 0x12, to: others.cells, count: 3", function=1)
    status = said(tmp_path, text, "16", function=1)
    assert (status.charge_fet, status.others) == (True, {"cells": 5})


@pytest.mark.parametrize("name", PACKAGED)
def test_the_maps_that_come_with_the_package_are_sound_and_say_where_they_come_from(name: str) -> None:
    assert packaged_map(name).name == name
    assert "Source: " in packaged_map(name).about


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("", 1, "begin it with: name: modbus-rtu-mine"),
        ("name: [", 1, "not YAML"),
        (SHUNT.replace("scale: 0.01}", "scael: 0.01}", 1), 9, "there is no key 'scael'; did you mean scale?"),
        (SHUNT.replace("addresses: [1, 2]\n", ""), 1, "'addresses' is missing"),
        (SHUNT.replace("function: 4", "function: 6"), 5, "6 is not one of 1, 2, 3, 4"),
        (SHUNT.replace("count: 8", "count: many"), 7, "'many' is no whole number"),
        (SHUNT.replace("type: u32", "type: u33"), 11, "'u33' is not one of"),
        (SHUNT.replace("[1, 2]", "[1, 400]"), 2, "400 is too large; the most is 255"),
        (SHUNT.replace("to: current_a", "to: curent_a"), 10, "'curent_a' is no value of a status"),
        (SHUNT.replace("to: current_a", "to: pack_voltage_v"), 10, "has a field in this block already"),
        (SHUNT.replace("at: 2, to", "at: 7, to"), 11, "at: 0x0007 with 2 is outside the block, 0x0000 to 0x0007"),
        (SHUNT.replace("count: 8", "count: 126"), 7, "one answer holds at most 125"),
        (SHUNT.replace("at: 0\n", "at: 0xFFFF\n"), 7, "the last register is 0xFFFF"),
        (SHUNT.replace("name: values", "name: exception"), 4, "the name exception is taken"),
        (SHUNT.replace("addresses: [1, 2]", "addresses: [1]\nanswer_offset: -2"), 2, "would answer from -1"),
        (SHUNT.replace("    at: 0\n", "    at: 0\n    addresses: [250]\n") + "answer_offset: 9", 7, "answer from 259"),
        (SHUNT.replace("at: 0, to", "at: 0, count: 2, to"), 9, "pack_voltage_v is one value"),
        (SHUNT.replace("at: 0, to", "at: 0, type: text, to"), 9, "pack_voltage_v cannot be text"),
        (SHUNT.replace("at: 0, to", "at: 0, names: {0: a}, to"), 9, "only alarm_bits have names"),
        (SHUNT.replace("at: 0, to", "at: 0, values: {0: a}, to"), 9, "only others.NAME can be words"),
        (SHUNT.replace("at: 0, to: pack_voltage_v", "at: 0, counted_by: 9, to: cells"), 9, "0x0009 is no register"),
        (SHUNT.replace("scale: 0.01}", "scale: .nan}", 1), 9, "scale"),
        (SHUNT.replace("scale: 0.01}", "scale: 1e99}", 1), 9, "scale"),
        (SHUNT.replace("scale: 0.01}", "scale: 0}", 1), 9, "scale: 0 makes every value the same"),
        (SHUNT.replace("others.power-w", "'others.<b>'"), 11, "'others.<b>' is no value of a status"),
        (SHUNT.replace("others.power-w", "power-w"), 11, "for one of your own write others.power-w"),
        (with_fields("at: 0x10, to: cells, count: 4", function=1), 9, "cells cannot come from coils"),
    ],
)
def test_a_mistake_is_told_with_file_line_and_key(tmp_path: Path, text: str, line: int, words: str) -> None:
    path = written(tmp_path, text)
    with pytest.raises(DefinitionError) as caught:
        read_map(path)
    first = str(caught.value).splitlines()[0]
    assert first.startswith(f"{path}:{line}: ")
    assert words in first


def test_a_file_that_is_not_there_is_told_by_name(tmp_path: Path) -> None:
    with pytest.raises(DefinitionError, match=r"none.yaml: cannot be read"):
        read_map(tmp_path / "none.yaml")
