"""A line to a battery that is not there, in this process: emulated:jk?cells=16&seed=1&fault=overvoltage+7+3.72&after=4

1. One address is one battery as long as the process lives: its pack goes on while nobody has it open, and the time of
   its faults counts from when it was opened first. So a battery that was unplugged comes back when its time has come,
   and one that was closed and opened again is not well again.
2. One program part has it open at a time, as with a port.
3. What nobody fetches for more than ten seconds is lost.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite, ulp
from typing import Final
from urllib.parse import parse_qsl, urlsplit

from agents.device.emulation.catalogue import device_of
from agents.device.emulation.device import EmulatedDevice
from agents.device.emulation.faults import Fault, fault_of
from agents.device.emulation.line_rate import PacedLine
from agents.device.link import LinkError
from agents.device.protocols.catalogue import LINES
from protocol.errors import SourceError

SCHEME: Final = "emulated"
_TICK_S: Final = 0.005
_MOST_S: Final = 10.0
_MOST_DIGITS: Final = 9
_SETTINGS: Final = ("cells", "seed", "fault", "after", "for")
_CELLS: Final = 16
_SEED: Final = 1


@dataclass(frozen=True, slots=True)
class Clock:
    """Where time comes from. now_s: monotonic."""

    now_s: Callable[[], float] = time.monotonic
    wait: Callable[[float], None] = time.sleep


@dataclass(frozen=True, slots=True)
class Plan:
    """What goes wrong from after_s to until_s, counted from the first opening."""

    faults: tuple[Fault, ...] = ()
    after_s: float = 0.0
    until_s: float = float("inf")

    def at(self, age_s: float) -> tuple[Fault, ...]:
        return self.faults if self.after_s <= age_s < self.until_s else ()


class _Battery:
    """A device and what goes wrong with it, on a line of its own."""

    def __init__(self, device: EmulatedDevice, baud: int, plan: Plan, now_s: float) -> None:
        self._device, self._baud, self._plan = device, baud, plan
        self._began_s = self._at_s = now_s
        self._line, self._asked = PacedLine(baud), b""
        self.is_open = False

    def is_unplugged(self, now_s: float) -> bool:
        return any(fault.word == "unplug" for fault in self._plan.at(now_s - self._began_s))

    def open(self, now_s: float) -> None:
        self._line, self._asked, self._at_s, self.is_open = PacedLine(self._baud), b"", now_s, True

    def ask(self, data: bytes) -> None:
        self._asked += data

    def said(self, now_s: float) -> bytes:
        """Return what has come out of the line since it was asked last."""
        self._at_s = max(self._at_s, now_s - _MOST_S)
        arrived = self._step(self._at_s)
        while self._at_s + _TICK_S <= now_s:
            self._at_s += _TICK_S
            arrived += self._step(self._at_s)
        return arrived

    def _step(self, at_s: float) -> bytes:
        self._device.faults[:] = self._plan.at(at_s - self._began_s)
        asked, self._asked = self._asked, b""
        return self._line.carry(at_s, self._device.step(at_s, asked))


class EmulatedLink:
    """An open line to an emulated battery. Only `open_emulated` makes one."""

    def __init__(self, name: str, battery: _Battery, clock: Clock) -> None:
        self.name, self._battery, self._clock, self._is_open = name, battery, clock, True
        battery.open(clock.now_s())

    def read(self, timeout_s: float) -> bytes:
        end_s = self._clock.now_s() + timeout_s
        while True:
            now_s = self._refused_when_gone()
            if data := self._battery.said(now_s):
                return data
            if now_s >= end_s:
                return b""
            # Never less than what moves the clock: a wait that rounding swallows would never end.
            self._clock.wait(max(min(_TICK_S, end_s - now_s), ulp(now_s)))

    def write(self, data: bytes) -> None:
        self._refused_when_gone()
        self._battery.ask(data)

    def close(self) -> None:
        if self._is_open:
            self._is_open = self._battery.is_open = False

    def _refused_when_gone(self) -> float:
        """Return the time, when the line is still there."""
        now_s = self._clock.now_s()
        if not self._is_open:
            raise LinkError(f"{self.name} is gone: it was closed")
        if self._battery.is_unplugged(now_s):
            self.close()
            raise LinkError(f"{self.name} is gone: unplugged")
        return now_s


_BATTERIES: Final[dict[str, _Battery]] = {}  # by address: see the first rule above


def open_emulated(url: str, clock: Clock | None = None) -> EmulatedLink:
    """Return an open line to the battery with this address.

    Raises:
        SourceError: the address asks for something that there is not.
        LinkError: it is unplugged now, or open already.
    """
    clock = clock or Clock()
    battery = _BATTERIES.get(url)
    if battery is None:
        battery = _BATTERIES[url] = _Battery(*_asked_for(url), clock.now_s())
    if battery.is_open:
        raise LinkError(f"cannot open {url}: it is open already; for a second battery add a seed")
    if battery.is_unplugged(clock.now_s()):
        raise LinkError(f"cannot open {url}: there is no such port now, it is unplugged")
    return EmulatedLink(url, battery, clock)


@dataclass(frozen=True, slots=True)
class EmulatedPlace:
    """Where an emulated battery is, and what it speaks, by its full name. Only `emulated_place` makes one."""

    url: str
    protocol: str

    def open(self) -> EmulatedLink:
        """Raises LinkError when it is unplugged now, or open already."""
        return open_emulated(self.url)


def emulated_place(url: str) -> EmulatedPlace:
    """Return the place of the battery with this address; its time begins when it is opened.

    Raises:
        SourceError: the address asks for something that there is not.
    """
    device, _, _ = _asked_for(url)
    return EmulatedPlace(url, device.speech.name)


def _asked_for(url: str) -> tuple[EmulatedDevice, int, Plan]:
    """Return the device, how fast its line is, and what goes wrong with it."""
    parts = urlsplit(url)
    if parts.netloc or not parts.path or parts.fragment:
        raise SourceError(f"{url!r} names no emulated battery; write emulated:jk or emulated:jk?cells=8&fault=stuck")
    try:
        given = _given(parts.query)
        cells = _whole(given, "cells", _CELLS)
        device = device_of(parts.path, cells, _whole(given, "seed", _SEED))
        return device, LINES[device.speech.name].baud, _plan(given, cells, device)
    except SourceError as error:
        raise SourceError(f"{url!r}: {error}") from error


def _given(query: str) -> Mapping[str, Sequence[str]]:
    given: dict[str, list[str]] = {}
    for name, text in parse_qsl(query, keep_blank_values=True):
        given.setdefault(name, []).append(text)
    for name, texts in given.items():
        if name not in _SETTINGS:
            raise SourceError(f"{name!r} is no setting of an emulated battery; there are: {', '.join(_SETTINGS)}")
        if len(texts) > 1 and name != "fault":
            raise SourceError(f"{name} is given {len(texts)} times")
    return given


def _plan(given: Mapping[str, Sequence[str]], cells: int, device: EmulatedDevice) -> Plan:
    faults = tuple(fault_of(text, cells, device.speech) for text in given.get("fault", ()))
    if not faults and ("after" in given or "for" in given):
        raise SourceError("after and for are about faults: add fault=ORDER")
    after_s = _seconds(given, "after", 0.0)
    return Plan(faults, after_s, after_s + _seconds(given, "for", float("inf")))


def _whole(given: Mapping[str, Sequence[str]], name: str, otherwise: int) -> int:
    [text] = given.get(name, [f"{otherwise}"])
    if not (text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS):
        raise SourceError(f"{name} is a whole number of at most {_MOST_DIGITS} digits, not {text!r}")
    return int(text)


def _seconds(given: Mapping[str, Sequence[str]], name: str, otherwise: float) -> float:
    if name not in given:
        return otherwise
    [text] = given[name]
    try:
        seconds = float(text)
    except ValueError:
        seconds = float("nan")
    if not (isfinite(seconds) and seconds >= 0):
        raise SourceError(f"{name} is a number of seconds, 0 or more, not {text!r}")
    return seconds
