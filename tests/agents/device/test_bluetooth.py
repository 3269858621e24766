"""Batteries by Bluetooth: what a stranger's driver reads becomes a status, and a lost connection is made again.

The radio is not there; behind it is our emulated JBD, so its encoder and a driver that is not ours judge each other.
"""

import asyncio
import sys
import time
from collections.abc import Awaitable, Callable
from contextlib import closing
from dataclasses import dataclass
from enum import Enum
from importlib import import_module
from types import SimpleNamespace
from typing import Any

import pytest

from agents.device.bluetooth import Bluetooth, open_bluetooth, status_of
from agents.device.emulation.catalogue import SPEECHES
from agents.device.emulation.device import EmulatedDevice
from agents.device.status import Status
from protocol.errors import LinkError, SourceError
from tests.builders import until
from tests.systems import need_module

NAME, ADDRESS = "xiaoxiang BMS", "A4:C1:38:00:11:22"
PIECE_BYTES = 20  # what one notification carries
STEP_S = 0.01


class Kind(Enum):
    GENERIC = 0
    CELL = 1
    CELL_MAX = 2
    MOSFET = 4


@dataclass
class Sensor:
    value: float
    type: Kind


def test_what_a_driver_has_read_becomes_a_status() -> None:
    sample = {
        "voltage": 13.2, "current": -5.5, "battery_level": 61, "battery_health": 99, "cycle_charge": 61.5,
        "design_capacity": 100, "cycles": 12, "cell_count": 4, "cell_voltages": [3.3, 3.301, 3.302, 3.303],
        "temp_values": [Sensor(21.5, Kind.CELL), Sensor(30, Kind.MOSFET), Sensor(31, Kind.MOSFET),
                        Sensor(22, Kind.GENERIC), Sensor(25, Kind.CELL_MAX)],
        "chrg_mosfet": True, "dischrg_mosfet": False, "problem_code": 5, "balancer": 6, "heater": True,
    }  # fmt: skip
    assert status_of(sample) == Status(
        pack_voltage_v=13.2, current_a=-5.5, soc_percent=61, soh_percent=99, remaining_ah=61.5, nominal_ah=100,
        cycles=12, cell_count=4, cells={1: 3.3, 2: 3.301, 3: 3.302, 4: 3.303},
        temperatures={"1": 21.5, "mos": 30, "mos-2": 31, "2": 22}, charge_fet=True, discharge_fet=False,
        alarms=frozenset({"bit-0", "bit-2"}), alarm_bits=5, balance_bits=6,
        others={"max-temperature-c": 25, "is-heating": True},
    )  # fmt: skip


@pytest.mark.parametrize(
    ("sample", "alarms"),
    [({}, None), ({"problem": False}, frozenset()), ({"problem": True}, frozenset({"problem"})),
     ({"problem_code": 0}, frozenset()), ({"problem_code": 0, "problem": True}, frozenset({"problem"}))],
)  # fmt: skip
def test_whether_something_is_wrong_is_told_as_far_as_the_driver_knows(
    sample: dict[str, Any], alarms: frozenset[str] | None
) -> None:
    assert status_of(sample).alarms == alarms


def test_what_is_not_there_or_no_number_is_not_told() -> None:
    assert status_of({"voltage": float("nan"), "current": None, "balancer": True}) == Status()


def test_packs_behind_a_battery_are_told_each() -> None:
    sample = {"voltage": 52.8, "packs": [{"voltage": 26.4, "cell_voltages": [3.3]}, {"voltage": 26.5}]}
    first, second = Status(pack_voltage_v=26.4, cells={1: 3.3}), Status(pack_voltage_v=26.5)
    assert status_of(sample) == Status(packs=(first, second))


@pytest.mark.parametrize(
    "url",
    ["ble://", "ble:JBD?driver=jbd", "ble://JBD", "ble://JBD?driver=jbd&driver=jbd", "ble://JBD?driver=jbd&pin=1",
     "ble://JBD/1?driver=jbd", "ble://JBD?driver=jbd#1", "tcp://JBD?driver=jbd", "ble://[JBD?driver=jbd"],
)  # fmt: skip
def test_what_is_no_address_is_refused_with_how_to_write_one(url: str) -> None:
    with pytest.raises(SourceError, match=r"write ble://NAME\?driver=jbd"):
        open_bluetooth(url)


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="here the extra can be installed")
def test_where_there_are_no_drivers_it_is_said_what_they_need() -> None:
    with pytest.raises(SourceError, match=r"Python 3.12 and an extra: pip install 'agent-orchestra\[ble\]'"):
        open_bluetooth("ble://JBD?driver=jbd")


class Radio:
    """What a client of the library finds and talks to: an emulated JBD, if it is in reach."""

    def __init__(self) -> None:
        self.device = EmulatedDevice(SPEECHES["jbd"], cells=8, seed=4)
        self.is_in_reach = True
        self._now_s = 100.0

    def answer(self, asked: bytes) -> bytes:
        said = self.device.step(self._now_s, asked)
        for _ in range(10):
            self._now_s += STEP_S
            said += self.device.step(self._now_s)
        return said

    async def found(self, is_wanted: Callable[[Any, Any], bool], timeout: float) -> Any:
        heard = SimpleNamespace(local_name=NAME)
        device = SimpleNamespace(address=ADDRESS, name=NAME, details={})
        return device if self.is_in_reach and is_wanted(device, heard) else None


def client_of(radio: Radio) -> type:
    class Client:
        """As much of bleak's client as the driver uses."""

        def __init__(self, *_: Any, **__: Any) -> None:
            self.is_connected = False
            self.services = SimpleNamespace(get_characteristic=lambda _: SimpleNamespace(properties=["write"]))

        async def start_notify(self, _: Any, told: Callable[[Any, bytearray], Awaitable[None] | None]) -> None:
            self._told = told

        async def write_gatt_char(self, _: Any, data: bytes, response: bool) -> None:
            if not radio.is_in_reach:
                raise import_module("bleak.exc").BleakError("not connected")
            said = radio.answer(bytes(data))
            for at in range(0, len(said), PIECE_BYTES):
                done = self._told(None, bytearray(said[at : at + PIECE_BYTES]))
                if done is not None:
                    await done

        async def disconnect(self) -> bool:
            self.is_connected = False
            return True

    return Client


@pytest.fixture
def radio(monkeypatch: pytest.MonkeyPatch) -> Radio:
    if sys.version_info < (3, 12):
        pytest.skip("aiobmsble needs Python 3.12")
    need_module("aiobmsble", "ble")
    made = Radio()
    client = client_of(made)

    async def connected(**_: Any) -> Any:
        one = client()
        one.is_connected = True
        return one

    library = import_module("aiobmsble.basebms")
    monkeypatch.setattr(library, "BleakClient", client)
    monkeypatch.setattr(library, "establish_connection", connected)
    monkeypatch.setattr(import_module("bleak").BleakScanner, "find_device_by_filter", made.found)
    return made


def next_status(battery: Bluetooth) -> Status:
    found: list[Status] = []

    def comes() -> bool:
        status = battery.poll(time.monotonic())
        found.extend([status] if status else [])
        return bool(found)

    until(comes)
    return found[0]


@pytest.mark.slow
@pytest.mark.parametrize("wanted", ["xiaoxiang%20BMS", "a4:c1:38:00:11:22"])
def test_a_driver_that_is_not_ours_reads_what_our_emulated_battery_measures(radio: Radio, wanted: str) -> None:
    with closing(open_bluetooth(f"ble://{wanted}?driver=jbd", period_s=0.05)) as battery:
        status, true = next_status(battery), radio.device.status
    assert status.pack_voltage_v == pytest.approx(true.pack_voltage_v, abs=0.05)
    assert status.cells == pytest.approx(true.cells, abs=0.01)
    assert status.temperatures == pytest.approx({name: true.temperatures[name] for name in status.temperatures}, abs=1)
    assert (status.soc_percent, status.cell_count, status.cycles) == (true.soc_percent, 8, 12)
    assert (status.charge_fet, status.discharge_fet, status.alarms) == (True, True, frozenset())


@pytest.mark.slow
def test_a_battery_out_of_reach_is_a_line_that_is_gone_and_comes_back(radio: Radio) -> None:
    with closing(open_bluetooth(f"ble://{ADDRESS}?driver=jbd", period_s=0.05)) as battery:
        next_status(battery)
        radio.is_in_reach = False
        with pytest.raises(LinkError, match="is gone"):
            until(lambda: battery.poll(0.0) and False)
        radio.is_in_reach = True
        assert next_status(battery).cells


@pytest.mark.slow
def test_a_machine_without_bluetooth_is_said_to_have_none(radio: Radio, monkeypatch: pytest.MonkeyPatch) -> None:
    async def refused(*_: Any, **__: Any) -> Any:
        raise FileNotFoundError(2, "No such file or directory")  # as bleak does without D-Bus

    monkeypatch.setattr(import_module("bleak").BleakScanner, "find_device_by_filter", refused)
    with (
        closing(open_bluetooth("ble://JBD?driver=jbd")) as battery,
        pytest.raises(LinkError, match="no Bluetooth on this machine"),
    ):
        until(lambda: battery.poll(0.0) and False)


@pytest.mark.slow
def test_nobody_of_that_name_is_a_line_that_is_gone(radio: Radio) -> None:
    with (
        closing(open_bluetooth("ble://somebody%20else?driver=jbd")) as battery,
        pytest.raises(LinkError, match="nobody of that name or address"),
    ):
        until(lambda: battery.poll(0.0) and False)


@pytest.mark.slow
def test_a_driver_that_is_not_there_is_named_with_those_that_are(radio: Radio) -> None:
    with pytest.raises(SourceError, match=r"'morse' is no driver of aiobmsble; there are: .*jbd.*jikong"):
        open_bluetooth("ble://JBD?driver=morse")


@pytest.mark.slow
def test_it_ends_at_once_when_it_is_closed_also_while_it_connects(
    radio: Radio, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def never(*_: Any, **__: Any) -> Any:
        await asyncio.Event().wait()

    monkeypatch.setattr(import_module("bleak").BleakScanner, "find_device_by_filter", never)
    battery = open_bluetooth("ble://JBD?driver=jbd")
    battery.close()
    battery.close()
    assert battery.poll(0.0) is None
