"""An emulated device behind a pty, in real time and at the real line rate, with orders while it runs."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from agents.device.emulation.device import EmulatedDevice
from agents.device.emulation.faults import fault_of
from agents.device.emulation.line_rate import PacedLine
from agents.device.emulation.pty_port import PtyPort
from protocol.errors import SourceError

_TICK_S: Final = 0.005


class Serving:
    """path: of its port, None while it is unplugged."""

    def __init__(self, device: EmulatedDevice, cells: int, baud: int, link: Path | None = None) -> None:
        self._device, self._cells, self._baud, self._link = device, cells, baud, link
        self._port: PtyPort | None = None
        self._line = PacedLine(baud)
        self.plug()

    @property
    def path(self) -> str | None:
        return self._port.path if self._port else None

    def plug(self) -> None:
        """Raises LinkError when there is something else at the link."""
        self._port = self._port or PtyPort(self._link)

    def unplug(self) -> None:
        if self._port:
            self._port.close()
        self._port, self._line = None, PacedLine(self._baud)

    def order(self, text: str) -> str:
        """Carry out an order: a fault, `clear [FAULT]`, or `plug`. Return what is so now.

        Raises:
            SourceError: it is no order.
            LinkError: it cannot be plugged in again.
        """
        words = text.split()
        if words == ["plug"]:
            self.plug()
        elif words[:1] == ["clear"] and len(words) <= 2:
            self._clear(words[1:])
        else:
            self._add(text)
        told = [" ".join([fault.word, *(f"{number:g}" for number in fault.numbers)]) for fault in self._device.faults]
        return f"{self.path or 'unplugged'}: {', '.join(told) or 'no fault'}"

    def _add(self, text: str) -> None:
        fault = fault_of(text, self._cells, self._device.speech)
        if fault.word == "unplug":
            self.unplug()
        else:
            self._device.faults.append(fault)

    def _clear(self, words: list[str]) -> None:
        kept = [fault for fault in self._device.faults if words and fault.word not in words]
        if words and len(kept) == len(self._device.faults):
            raise SourceError(f"there is no fault {words[0]!r} to clear")
        self._device.faults[:] = kept

    def run(self, is_over: Callable[[], bool]) -> None:
        """Serve until it is over. is_over: asked some hundred times a second; it may give orders."""
        try:
            while not is_over():
                self._tick()
        finally:
            self.unplug()

    def _tick(self) -> None:
        if self._port is None:
            self._device.step(time.monotonic())
            time.sleep(_TICK_S)
            return
        asked = self._port.read(_TICK_S)
        now_s = time.monotonic()
        if arrived := self._line.carry(now_s, self._device.step(now_s, asked)):
            self._port.write(arrived)
