"""Emulated Modbus devices: registers written by a map are what is read by it, and pymodbus' server hands them out."""

import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest

from agents.device.emulation.catalogue import served_device
from agents.device.emulation.pack_model import after, pack_of, status_of
from agents.device.emulation.registers import content
from agents.device.polling import PollingPace
from agents.device.protocols.catalogue import LINES
from agents.device.protocols.modbus import question
from agents.device.protocols.register_map import PACKAGED, Block, packaged_map, read_map
from agents.device.protocols.registers import Answer
from agents.device.status import Status, merged
from protocol.errors import SourceError
from tests.agents.device.virtual import VirtualLine
from tests.systems import need_module

TICK_S = 0.005
# The coarsest steps in which any of the maps tells: a volt of the pack, an ampere, ampere-hours, a cell, a degree.
STEPS = {"pack_voltage_v": 0.1, "current_a": 0.1, "soc_percent": 0.1, "remaining_ah": 0.1, "nominal_ah": 0.1,
         "full_ah": 0.1, "cells": 0.001, "temperatures": 1.0}  # fmt: skip
CELL_STEPS = {"modbus-rtu-renogy": 0.1}
ALARMLESS = {"modbus-rtu-eg4", "modbus-rtu-renogy", "modbus-rtu-pylontech-rt", "daly-modbus-81"}


def pack_status(cells: int = 16, current_a: float = 35.0, sensors: tuple[int, ...] = (1, 6, 11, 16)) -> Status:
    pack = after(pack_of(3, cells=cells), current_a, 600)
    return replace(status_of(pack, Random(1), sensors), cycles=12, balance_bits=0b101)


def assert_same(read: Status, status: Status, name: str) -> None:
    """What is told at all is told as it is, within a step of the map."""
    for field, step in STEPS.items():
        told, true = getattr(read, field), getattr(status, field)
        step = CELL_STEPS.get(name, step) if field == "cells" else step
        if isinstance(told, dict):
            assert told == {key: pytest.approx(true[key], abs=step * 0.51) for key in told}, field
            assert not told or told.keys() == true.keys()
        elif told is not None and true is not None:
            assert told == pytest.approx(true, abs=step * 0.51), field
    for field in ("cycles", "cell_count", "charge_fet", "discharge_fet"):
        assert getattr(read, field) in (None, getattr(status, field)), field


@pytest.mark.parametrize("name", PACKAGED)
@pytest.mark.parametrize("current_a", [-35.0, 35.0])
def test_what_is_written_by_a_map_is_read_by_it(name: str, current_a: float) -> None:
    warm = (1, 16) if name == "modbus-rtu-pylontech-rt" else (1, 6, 11, 16)
    status = pack_status(current_a=current_a, sensors=warm)
    blocks = packaged_map(name).blocks
    read = merged([Answer(block, content(block, status)).status() for block in blocks])
    assert_same(read, status, name)
    assert read.pack_voltage_v is not None
    assert read.balance_bits in (None, 0b101)


@pytest.mark.parametrize("name", PACKAGED)
def test_what_is_not_there_is_written_as_nothing(name: str) -> None:
    status = replace(pack_status(cells=8, sensors=(1, 6)), temperatures={"2": 21.0})
    read = merged([Answer(block, content(block, status)).status() for block in packaged_map(name).blocks])
    assert set(read.cells) in (set(range(1, 9)), set())
    assert set(read.temperatures) == {"2"}


@pytest.mark.parametrize("name", PACKAGED)
def test_of_a_device_that_sleeps_every_register_is_zero(name: str) -> None:
    assert not any(any(content(block, Status(pack_voltage_v=0.0))) for block in packaged_map(name).blocks)


FIELDS = {
    "current_a, type: i32, scale: 0.001": Status(current_a=-123.456),
    "current_a, type: i32, word_order: little, scale: 0.001": Status(current_a=-123.456),
    "current_a, scale: 0.1, offset: -3000": Status(current_a=-12.3),
    "pack_voltage_v, scale: -0.01, type: i16": Status(pack_voltage_v=51.2),
    "temperatures.mos, scale: 0.1, kelvin: true": Status(temperatures={"mos": -12.3}),
    "temperatures, type: i8, count: 3": Status(temperatures={"1": -8.0, "2": 21.0, "3": 99.0}),
    "cells, count: 3, counted_by: 0x17, scale: 0.001": Status(cell_count=2, cells={1: 3.301, 2: 3.302}),
    "temperatures, count: 3, counted_by: 0x17": Status(temperatures={"1": 20.0, "2": 21.0}),
    "cycles, mask: 0x0FFF": Status(cycles=300),
    "charge_fet, mask: 0x0040": Status(charge_fet=True),
    "discharge_fet": Status(discharge_fet=False),
    "balance_bits, type: u48, word_order: little": Status(balance_bits=0x123456789ABC),
    "alarm_bits, type: u32, names: {9: key, 3: clock}": Status(alarms=frozenset({"key"}), alarm_bits=1 << 9),
    "model, type: text, count: 4": Status(model="BMS-16"),
    "others.state, values: {0: idle, 7: charging}": Status(others={"state": "charging"}),
    "others.heater-bits, mask: 0x2000": Status(others={"heater-bits": 0x2000}),
}  # fmt: skip


@pytest.mark.parametrize("text", FIELDS)
def test_every_way_to_describe_a_register_is_written_as_it_is_read(text: str, tmp_path: Path) -> None:
    head = "name: mine\naddresses: [1]\nblocks:\n  - {name: a, function: 3, at: 0x10, count: 8, fields: ["
    path = tmp_path / "mine.yaml"
    path.write_text(f"{head}{{at: 0x10, to: {text}}}]}}\n", encoding="utf-8")
    [block] = read_map(path).blocks
    status = replace(FIELDS[text], cell_count=FIELDS[text].cell_count or 2)
    assert replace(Answer(block, content(block, status)).status(), cell_count=None) == replace(status, cell_count=None)


def test_several_values_share_a_register_by_their_masks(tmp_path: Path) -> None:
    fields = "{at: 1, to: alarm_bits, mask: 0xFFF1, names: {4: key}}, {at: 1, to: charge_fet, mask: 2}"
    path = tmp_path / "mine.yaml"
    path.write_text(
        f"name: mine\naddresses: [1]\nblocks:\n  - {{name: a, at: 1, count: 1, fields: [{fields}]}}\n", encoding="utf-8"
    )
    [block] = read_map(path).blocks
    status = Status(cell_count=4, alarms=frozenset({"key"}), charge_fet=True)
    assert content(block, status).hex() == "0012"


def test_a_value_beyond_its_register_is_written_as_the_highest_there_is(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    field = "{at: 1, to: pack_voltage_v, scale: 0.01, absent: []}"
    path.write_text(f"name: mine\naddresses: [1]\nblocks:\n  - {{name: a, at: 1, count: 1, fields: [{field}]}}\n")
    [block] = read_map(path).blocks
    assert content(block, Status(cell_count=300, pack_voltage_v=1000.0)).hex() == "ffff"


@contextmanager
def served(name: str, *orders: str) -> Iterator[VirtualLine]:
    """A device whose time is an argument, behind a server that is real."""
    need_module("pymodbus", "modbus")
    with closing(VirtualLine(name, *orders, pace=PollingPace(pause_s=LINES[name].pause_s), tick_s=TICK_S)) as made:
        yield made


@pytest.mark.parametrize("name", PACKAGED)
def test_a_poller_reads_from_the_server_what_the_pack_measures(name: str) -> None:
    with served(name) as made:
        found = made.statuses(5)
        assert len(found) >= 4
        made.order("stuck")  # what was read last is then what is measured last
        [*_, last] = made.statuses(3)
        assert_same(last, made.device.status, name)
        counts = made.counts
        assert (counts.refused, counts.timeouts, counts.junk_bytes) == (0, 0, 0)


@pytest.mark.parametrize("name", PACKAGED)
def test_faults_of_sensors_are_in_the_registers(name: str) -> None:
    with served(name, "overvoltage 7 3.72", "open-ntc 1") as made:
        [*_, last] = made.statuses(3)
    assert last.cells.get(7, last.others.get("max-cell-v")) == pytest.approx(3.72, abs=CELL_STEPS.get(name, 0.001) / 2)
    assert "1" not in last.temperatures
    assert name in ALARMLESS or "cell-overvoltage" in (last.alarms or ())


def test_a_device_that_sleeps_is_refused() -> None:
    with served("seplos-v3", "sleep") as made:
        assert not any(status.cells for status in made.statuses(5))
        assert "sleeps" in made.poller.last_error


@pytest.mark.parametrize("order", ["silent", "wrong-address"])
def test_who_does_not_answer_or_answers_as_another_is_not_read(order: str) -> None:
    with served("daly-modbus-d2", order) as made:
        assert made.statuses(5) == []
        assert made.counts.timeouts > 0


@pytest.mark.parametrize("order", ["lost 0.02", "flipped 0.02", "echo"])
def test_what_a_bad_line_does_to_frames_is_refused(order: str) -> None:
    with served("seplos-v3", order) as made:
        true = made.device.status.cells
        for status in made.statuses(20):
            assert status.cells == {key: pytest.approx(true[key], abs=0.05) for key in status.cells}
        assert made.counts.junk_bytes > 0


def test_a_question_to_another_device_is_not_answered() -> None:
    with served("seplos-v3") as made:
        assert made.answer(question(1, 4, 0x1000, 17))
        assert made.answer(question(0, 4, 0x2000, 26))
        assert made.answer(question(2, 4, 0x1000, 17)) == b""
    with served("modbus-rtu-eg4") as made:
        assert made.answer(question(2, 3, 0, 39)) == b""
        assert made.answer(question(0, 3, 0, 39)) == b""


def test_a_question_of_another_protocol_is_over_with_the_silence_after_it() -> None:
    with served("seplos-v3") as made:
        assert made.answer(b"\xdd\xa5\x03\x00\xff\xfd\x77") == b""
        assert made.answer(b"") == b""
        assert made.answer(question(1, 4, 0x1000, 17))


@pytest.mark.parametrize(
    ("function", "at", "code"), [(3, 0x1000, 2), (4, 0x900, 2), (4, 0x1011, 2), (1, 0, 2), (2, 0, 2), (6, 0x1000, 2)]
)
def test_what_no_block_describes_is_refused(function: int, at: int, code: int) -> None:
    with served("seplos-v3") as made:
        answer = made.answer(question(1, function, at, 1))
        assert answer[:3] == bytes((1, function | 0x80, code))


@pytest.mark.parametrize(("name", "function", "at"), [("daly-modbus-d2", 6, 0x28), ("seplos-v3", 5, 0x1278)])
def test_nothing_can_be_written(name: str, function: int, at: int) -> None:
    address = packaged_map(name).addresses[0]
    with served(name) as made:
        true = made.device.status.pack_voltage_v
        assert made.answer(question(address, function, at, 0))[:3] == bytes((address, function | 0x80, 1))
        [*_, last] = made.statuses(3)
        assert last.pack_voltage_v == pytest.approx(true, abs=0.1)
        assert last.discharge_fet


def test_part_of_a_block_is_answered_too() -> None:
    block: Block = packaged_map("seplos-v3").blocks[2]
    with served("seplos-v3") as made:
        answer = made.answer(question(1, 1, block.at + 0x78, 2))
        assert answer[2:4] == b"\x01\x03"  # both switches are on
        assert made.answer(question(1, 4, 0x1007, 1))[2:5] == b"\x02\x00\x0c"


def test_without_the_extra_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("pymodbus", "pymodbus.constants"):  # the second where the first is loaded already
        monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.delitem(sys.modules, "agents.device.emulation.modbus_server", raising=False)
    with pytest.raises(SourceError, match=r"pip install 'agent-orchestra\[modbus\]'"):
        served_device("seplos-v3", 16, 1)


def test_cells_that_there_is_no_room_for_are_refused() -> None:
    with pytest.raises(SourceError, match="seplos-v3 takes 1 to 16 cells, not 17"):
        served_device("seplos-v3", 17, 1)
