"""Batteries by Bluetooth: ble://NAME-OR-ADDRESS?driver=jbd, asked by one of the drivers of the library aiobmsble.

1. The driver asks and decodes; what it read becomes a status. What it would work out by itself is not taken.
2. It lives in a thread with a loop of its own: connecting can take a minute, and whoever polls does not wait for it.
3. A connection that is lost is made again after a second, and each time after twice as long, up to half a minute.

Source: aiobmsble 0.31. Its values are of one sign with ours: current is positive into the battery.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from math import isfinite
from pkgutil import iter_modules
from threading import Thread
from typing import Any, Final
from urllib.parse import parse_qs, unquote, urlsplit

from agents.device.link import LinkError
from agents.device.status import Status
from protocol.errors import SourceError

SCHEME: Final = "ble"
_FORM: Final = "ble://NAME?driver=jbd or ble://A4:C1:38:00:00:00?driver=jbd"
_ENDING: Final = "_bms"
_NO_DRIVERS: Final = frozenset({"dummy"})
_FIND_S: Final = 15.0
_FIRST_WAIT_S, _LONGEST_WAIT_S = 1.0, 30.0
_CLOSE_S: Final = 10.0
_NUMBERS: Final = {
    "voltage": "pack_voltage_v",
    "current": "current_a",
    "battery_level": "soc_percent",
    "battery_health": "soh_percent",
    "cycle_charge": "remaining_ah",
    "design_capacity": "nominal_ah",
}
_COUNTS: Final = {"cycles": "cycles", "cell_count": "cell_count"}
_SWITCHES: Final = {"chrg_mosfet": "charge_fet", "dischrg_mosfet": "discharge_fet"}
_OTHERS: Final = {
    "balance_current": "balance-current-a",
    "heater_current": "heater-current-a",
    "total_charge": "discharged-ah",
    "heater": "is-heating",
    "pack_count": "pack-count",
}
_PLACES: Final = {"MOSFET": "mos", "PCB": "board", "AMBIENT": "ambient", "HEATER": "heater", "BALANCER": "balancer"}
_EXTREMES: Final = {"CELL_MAX": "max-temperature-c", "CELL_MIN": "min-temperature-c"}


class Bluetooth:
    """A battery that is asked each period_s. Only `open_bluetooth` makes one."""

    def __init__(self, url: str, wanted: str, driver: Callable[[Any], Any], period_s: float) -> None:
        self.name, self._wanted, self._driver, self._period_s = url, wanted, driver, period_s
        self._said, self._wait_s = deque[Status | LinkError](maxlen=1), _FIRST_WAIT_S
        self._loop = asyncio.new_event_loop()
        self._task: asyncio.Task[None] | None = None
        self._thread = Thread(target=self._run, name=url, daemon=True)
        self._thread.start()

    def poll(self, now_s: float) -> Status | None:
        """Return what it has said since it was asked last; None: nothing. now_s: of no use here, but of every source.

        Raises:
            LinkError: it is not found, or the connection is lost; it is being made again.
        """
        try:
            said = self._said.popleft()
        except IndexError:
            return None
        if isinstance(said, LinkError):
            raise said
        return said

    def close(self) -> None:
        """Give the battery back, so that another program can connect to it."""
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._stop)
        self._thread.join(_CLOSE_S)

    def _stop(self) -> None:
        if self._task:
            self._task.cancel()

    def _run(self) -> None:
        self._task = self._loop.create_task(self._live())
        try:
            self._loop.run_until_complete(self._task)
        except asyncio.CancelledError:
            return
        finally:
            self._loop.close()

    async def _live(self) -> None:
        while True:
            try:
                await self._talk()
            # A driver is a stranger's, and so are the bytes it reads: whatever it raises, the connection is made anew.
            except Exception as error:  # noqa: BLE001
                self._said.append(LinkError(f"{self.name} is gone: {_reason(error)}"))
            await asyncio.sleep(self._wait_s)
            self._wait_s = min(2 * self._wait_s, _LONGEST_WAIT_S)

    async def _talk(self) -> None:
        """Ask until it does not answer any more."""
        async with self._driver(await self._found()) as battery:
            while True:
                self._said.append(status_of(await battery.async_update(raw=True)))
                self._wait_s = _FIRST_WAIT_S
                await asyncio.sleep(self._period_s)

    async def _found(self) -> Any:
        def is_wanted(device: Any, heard: Any) -> bool:
            return self._wanted.casefold() in {one.casefold() for one in (device.address, heard.local_name or "")}

        device = await import_module("bleak").BleakScanner.find_device_by_filter(is_wanted, timeout=_FIND_S)
        if device is None:
            raise LinkError(f"nobody of that name or address is heard within {_FIND_S:g} s")
        return device


def _reason(error: Exception) -> str:
    if isinstance(error, FileNotFoundError):  # of the socket of D-Bus
        return "there is no Bluetooth on this machine; on Linux it needs an adapter and a running bluetoothd, of BlueZ"
    return str(error) or type(error).__name__


def open_bluetooth(url: str, period_s: float = 1.0) -> Bluetooth:
    """Return a battery that is being connected to; what comes of it is told when it is polled.

    Raises:
        SourceError: as for `driver_of`.
    """
    wanted, name = _asked_for(url)
    return Bluetooth(url, wanted, _driver(name), period_s)


def driver_of(url: str) -> str:
    """Return which driver an address names.

    Raises:
        SourceError: it is no such address, there is no such driver, or the extra is not installed.
    """
    _, name = _asked_for(url)
    _driver(name)
    return name


def _asked_for(url: str) -> tuple[str, str]:
    """Return the name or address of the battery, and that of the driver."""
    try:
        parts = urlsplit(url)
    except ValueError as error:
        raise SourceError(f"{url!r} is no address of a battery by Bluetooth: {error}; write {_FORM}") from error
    given = parse_qs(parts.query, keep_blank_values=True)
    drivers = given.pop("driver", [])
    if parts.scheme != SCHEME or not parts.netloc or parts.path or parts.fragment or given or len(drivers) != 1:
        raise SourceError(f"{url!r} is no address of a battery by Bluetooth; write {_FORM}")
    return unquote(parts.netloc), drivers[0]


def _driver(name: str) -> Callable[[Any], Any]:
    known = sorted(_drivers())
    if name not in known:
        raise SourceError(f"{name!r} is no driver of aiobmsble; there are: {', '.join(known)}")
    driver: Callable[[Any], Any] = import_module(f"aiobmsble.bms.{name}{_ENDING}").BMS
    return driver


def _drivers() -> Iterator[str]:
    try:
        folder = import_module("aiobmsble.bms").__path__
    except ImportError as error:
        raise SourceError("Bluetooth needs Python 3.12 and an extra: pip install 'agent-orchestra[ble]'") from error
    names = (module.name.removesuffix(_ENDING) for module in iter_modules(folder))
    return (name for name in names if name not in _NO_DRIVERS)


def status_of(values: Mapping[str, Any]) -> Status:
    """Return what a driver has read, as a status. Of a battery with packs behind it, what it says of each."""
    if packs := values.get("packs"):
        return Status(packs=tuple(status_of(pack) for pack in packs))
    said: dict[str, Any] = {ours: float(values[name]) for name, ours in _NUMBERS.items() if _is_number(values, name)}
    said |= {ours: int(values[name]) for name, ours in _COUNTS.items() if _is_number(values, name)}
    said |= {ours: bool(values[name]) for name, ours in _SWITCHES.items() if name in values}
    cells = {number: float(volts) for number, volts in enumerate(values.get("cell_voltages") or (), 1)}
    temperatures, extremes = _temperatures(values)
    others = {ours: values[name] for name, ours in _OTHERS.items() if _is_number(values, name)}
    said |= {**_bits(values), **_alarms(values)}
    return Status(cells=cells, temperatures=temperatures, others={**extremes, **others}, **said)


def _is_number(values: Mapping[str, Any], name: str) -> bool:
    return isinstance(values.get(name), int | float) and isfinite(values[name])


def _temperatures(values: Mapping[str, Any]) -> tuple[dict[str, float], dict[str, float]]:
    """Return the sensors by name, those of one kind numbered, and the extremes that stand for no sensor."""
    sensors: dict[str, float] = {}
    extremes: dict[str, float] = {}
    for sensor in values.get("temp_values") or ():
        kind = sensor.type.name
        if kind in _EXTREMES:
            extremes[_EXTREMES[kind]] = float(sensor.value)
        else:
            sensors[_free(sensors, _PLACES.get(kind))] = float(sensor.value)
    return sensors, extremes


def _free(taken: Mapping[str, float], place: str | None) -> str:
    """Return the next name for a sensor: of the cells 1, 2, 3, elsewhere mos, mos-2."""
    if place is None:
        return f"{1 + sum(name.isdigit() for name in taken)}"
    count = sum(name == place or name.startswith(f"{place}-") for name in taken)
    return f"{place}-{count + 1}" if count else place


def _bits(values: Mapping[str, Any]) -> dict[str, int]:
    """Return which cells are balanced, where it says so and not only that some are."""
    balancer = values.get("balancer")
    return {"balance_bits": balancer} if isinstance(balancer, int) and not isinstance(balancer, bool) else {}


def _alarms(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is wrong. Drivers pass on the maker's bits without their names."""
    code = values.get("problem_code")
    if code is None and "problem" not in values:
        return {}
    if not code:
        return {"alarms": frozenset({"problem"} if values.get("problem") else ())}
    return {
        "alarm_bits": code,
        "alarms": frozenset(f"bit-{bit}" for bit in range(code.bit_length()) if code >> bit & 1),
    }
