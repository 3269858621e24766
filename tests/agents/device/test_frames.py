"""Captured frames of real devices, one by one: each decodes to what its source states, each damaged one is refused."""

import json
from functools import cache
from typing import Any

import pytest

from agents.device.decoder import Frame
from agents.device.protocols.catalogue import DECODERS
from agents.device.status import FrameError, Status
from tests.cases import are_here, cases

FILE = "bms-frames.json"
# From names of the captures to what a status calls it.
PLAIN = {
    "pack_voltage_V": "pack_voltage_v",
    "current_A": "current_a",
    "soc_percent": "soc_percent",
    "soh_percent": "soh_percent",
    "remaining_capacity_Ah": "remaining_ah",
    "nominal_capacity_Ah": "nominal_ah",
    "full_capacity_Ah": "full_ah",
    "cycles": "cycles",
    "cell_count": "cell_count",
    "model": "model",
    "address": "address",
    "part": "part",
    "module": "address",
}
NAMED = {"mosfet_temperature_C": "mos", "ambient_temperature_C": "ambient", "board_temperature_C": "board",
         "bms_temperature_C": "bms"}  # fmt: skip
OTHER_FLAGS = {"balancing": "balancing", "protect_bits": "protection-bits"}
OTHERS = {
    "hw": "hardware",
    "port_voltage_V": "port-voltage-v",
    "consumed_Ah": "consumed-ah",
    "sw": "software",
    "runtime_s": "runtime-s",
    "balance_current_A": "balance-current-a",
    "max_cell_V": "max-cell-v",
    "min_cell_V": "min-cell-v",
    "max_cell": "max-cell",
    "min_cell": "min-cell",
    "max_temperature_C": "max-temperature-c",
    "min_temperature_C": "min-temperature-c",
    "max_sensor": "max-temperature-sensor",
    "min_sensor": "min-temperature-sensor",
    "temperature_sensors": "temperature-sensors",
    "state": "state",
    "life_counter": "life",
    "power_W": "power-w",
    "pack_count": "pack-count",
}
NO_SENSOR = -40  # a temperature byte of zero: the device has no such sensor
FLAGS = ("charge_fet", "discharge_fet", "alarm_bits", "balance_bits")


@cache
def captured() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(cases(FILE).read_bytes())
    return loaded


def listed(part: str) -> list[Any]:
    """The captures of protocols there is a decoder for, or one placeholder that skips where they are absent."""
    if not are_here(FILE):
        return [pytest.param(None, id="absent")]
    return [pytest.param(one, id=one["id"]) for one in captured()[part] if one["protocol"] in DECODERS]


def frames_in(protocol: str, data: bytes, size: int = 0) -> list[Frame]:
    """The frames that a new decoder finds, fed in chunks of a size; 0: all at once."""
    decoder, step = DECODERS[protocol](), size or max(len(data), 1)
    return [frame for at in range(0, len(data), step) for frame in decoder.feed(data[at : at + step])]


@pytest.mark.parametrize("capture", listed("frames"))
def test_a_captured_frame_says_what_its_source_states(capture: dict[str, Any] | None) -> None:
    if capture is None:
        cases(FILE)
        return
    found = frames_in(capture["protocol"], bytes.fromhex(capture["hex"]))
    if not capture["valid"]:
        assert found == []
        return
    [frame] = found
    assert frame.data == bytes.fromhex(capture["hex"])
    decoder = DECODERS[capture["protocol"]]()
    if "exception_code" in capture["decoded"]:
        with pytest.raises(FrameError, match=f"exception {capture['decoded']['exception_code']}"):
            decoder.decode(frame)
        return
    assert_says(decoder.decode(frame), capture["decoded"])


def assert_says(status: Status, stated: dict[str, Any]) -> None:
    """Every stated value that a status has a place for is there; 0.05 degrees are makers' two zeros of Celsius."""
    for name, value in stated.items():
        if name in PLAIN:
            assert getattr(status, PLAIN[name]) == pytest.approx(value, abs=0.0051), name
        elif name in NAMED:
            assert status.temperatures[NAMED[name]] == pytest.approx(value, abs=0.051), name
        elif name in OTHERS:
            said = status.others[OTHERS[name]]
            assert said == (value if isinstance(value, str) else pytest.approx(value, abs=0.0051)), name
    if "cell_voltages_V" in stated and "part" not in stated:
        assert list(status.cells.values()) == pytest.approx(stated["cell_voltages_V"], abs=0.00051)
    if "temperatures_C" in stated:
        # A source lists some sensors without their names, which a decoder may know, and leaves out others.
        numbered = [value for name, value in status.temperatures.items() if name.isdigit()]
        there = [value for value in stated["temperatures_C"] if value != NO_SENSOR]
        found = numbered if len(numbered) >= len(there) else list(status.temperatures.values())
        assert found[: len(there)] == pytest.approx(there, abs=0.051)
    if "modules" in stated:
        assert len(status.packs) == len(stated["modules"])
        for pack, module in zip(status.packs, stated["modules"], strict=True):
            assert_says(pack, module)
    if "alarm" in stated.get("flags", {}):
        assert (status.alarms != frozenset()) == stated["flags"]["alarm"]
    for flag in FLAGS:
        if flag in stated.get("flags", {}):
            assert getattr(status, flag) == stated["flags"][flag], flag
    for flag, name in OTHER_FLAGS.items():
        if flag in stated.get("flags", {}):
            assert status.others[name] == stated["flags"][flag], flag


@pytest.mark.parametrize("stream", listed("streams"))
@pytest.mark.parametrize("size", [1, 2, 3, 7, 20, 64, 0])
def test_a_stream_with_junk_and_cuts_gives_exactly_its_frames_at_every_chunking(
    stream: dict[str, Any] | None, size: int
) -> None:
    if stream is None:
        cases(FILE)
        return
    found = frames_in(stream["protocol"], bytes.fromhex(stream["hex"]), size)
    assert [frame.data.hex() for frame in found] == stream["expect_frames"]
