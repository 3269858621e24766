"""Devices behind ptys whose time is an argument: as much of it as a test needs."""

from collections.abc import Callable
from pathlib import Path

from agents.device.emulation.catalogue import SPEECHES
from agents.device.emulation.device import EmulatedDevice
from agents.device.emulation.pty_port import PtyPort
from agents.device.line import Line
from agents.device.status import Status
from protocol.errors import LinkError

TICK_S = 0.01


class Device:
    """What stands at the other end of a line. answer: what it says, at a moment, to what it was sent."""

    def __init__(self, answer: Callable[[float, bytes], bytes]) -> None:
        self._answer, self._port = answer, PtyPort()
        self.sent = bytearray()

    @property
    def path(self) -> str:
        return self._port.path

    def step(self, now_s: float) -> None:
        asked = self._port.read(0.0)
        self.sent += asked
        if said := self._answer(now_s, asked):
            self._port.write(said)

    def close(self) -> None:
        self._port.close()


def emulated(protocol: str = "jbd", seed: int = 1) -> Device:
    return Device(EmulatedDevice(SPEECHES[protocol], seed=seed).step)


def silent() -> Device:
    return Device(lambda _now_s, _asked: b"")


class Watching:
    """A line that is polled while its devices go on. lost: what was said each time it was gone."""

    def __init__(self, line: Line, *devices: Device) -> None:
        self.line, self.devices, self.now_s = line, list(devices), 100.0
        self.lost = list[str]()

    def run(self, seconds: float) -> list[Status]:
        said, end_s = list[Status](), self.now_s + seconds
        while self.now_s < end_s:
            said += [status for status in [self.tick()] if status is not None]
        return said

    def tick(self) -> Status | None:
        self.now_s += TICK_S
        for device in self.devices:
            device.step(self.now_s)
        try:
            return self.line.poll(self.now_s)
        except LinkError as error:
            self.lost.append(str(error))
            return None


def point(name: Path, device: Device) -> None:
    """Let a name lead to a device, as udev does."""
    name.unlink(missing_ok=True)
    name.symlink_to(device.path)
