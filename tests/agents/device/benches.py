"""Devices behind ptys whose time is an argument: as much of it as a test needs."""

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType

from agents.device.emulation.catalogue import SPEECHES
from agents.device.emulation.device import EmulatedDevice
from agents.device.emulation.pty_port import PtyPort
from agents.device.line import Line
from agents.device.protocols import jbd_up
from agents.device.status import Status
from protocol.errors import LinkError
from tests.agents.device.captures import JBD_UP
from tests.agents.device.sealing import with_crc

TICK_S = 0.01


class Device:
    """What stands at the other end of a line. answer: what it says, at a moment, to what it was sent."""

    def __init__(self, answer: Callable[[float, bytes], bytes]) -> None:
        self.answer, self._port = answer, PtyPort()
        self.sent = bytearray()

    @property
    def path(self) -> str:
        return self._port.path

    def step(self, now_s: float) -> None:
        asked = self._port.read(0.0)
        self.sent += asked
        if said := self.answer(now_s, asked):
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


@contextmanager
def served(*devices: Device) -> Iterator[None]:
    """Let devices go on in real time, beside what looks at them."""
    over = threading.Event()

    def serve() -> None:
        while not over.is_set():
            for device in devices:
                device.step(time.monotonic())
            over.wait(0.002)

    serving = threading.Thread(target=serve)
    serving.start()
    try:
        yield
    finally:
        over.set()
        serving.join()
        for device in devices:
            device.close()


def packs_at(*addresses: int, answers_as: Mapping[int, int] = MappingProxyType({})) -> Device:
    """Some JBD UP16S on one line; answers_as: one that says it is another."""
    said = {jbd_up.ask(address): _readdressed(answers_as.get(address, address)) for address in addresses}
    return answering(said)


def answering(answers: Mapping[bytes, bytes]) -> Device:
    """A device that knows these questions, however they are cut."""
    asked = bytearray()

    def answer(_now_s: float, data: bytes) -> bytes:
        asked.extend(data)
        found = [said for question, said in answers.items() if question in asked]
        if found or len(asked) > 1000:
            asked.clear()
        return b"".join(found)

    return Device(answer)


def _readdressed(address: int) -> bytes:
    return with_crc(bytes((address,)) + JBD_UP[1:-2])
