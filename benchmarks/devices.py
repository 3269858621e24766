"""Rows `a day of a battery` and `ten batteries`: what it costs to judge readings and to find what is alarming.

The day is a recording of a JBD, a status a second; it is read as `orchestra device replay` does, and looked at as the
agent of a device does. The ten batteries are emulated behind ptys at 115200 baud by a process of their own and asked
four times a second, by ten agents in one process, or by ten processes with one agent each.
"""

import math
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from random import Random
from typing import Final

from agents.device.alarms.rules import start_rules
from agents.device.alarms.standing import Alarms
from agents.device.emulation.device import EmulatedDevice
from agents.device.emulation.jbd import SPEECH
from agents.device.emulation.line_rate import PacedLine
from agents.device.emulation.pack_model import after, pack_of, status_of
from agents.device.emulation.pty_port import PtyPort
from agents.device.judging.combining import Heard
from agents.device.judging.limits import Limits
from agents.device.links.serial_port import SerialPort
from agents.device.polling import Poller, PollingPace
from agents.device.protocols.jbd import Jbd
from agents.device.recording import Chunk, statuses
from agents.device.status import Status
from agents.device.watching.agent import DeviceAgent
from agents.device.watching.surroundings import Surroundings
from agents.device.watching.watch import Terms, Watched, look
from agents.device.watching.wording import Post
from benchmarks.processes import Part, cpu_s, leave_on_sigterm, own_memory_bytes, start
from benchmarks.rows import Aim, Effort, Row, Spread, compared, interleaved
from bus.artifacts import ArtifactStore
from bus.records import Entry
from bus.wire import Receipt
from bus.wire import Status as Answer
from protocol.encoder import encode
from protocol.messages import Message
from protocol.names import Priority

DEVICES: Final = 10
_DAY_S: Final = 86_400
_PERIOD_S: Final = 0.25
_TICK_S: Final = 0.01
_SERVED_S: Final = 0.002
_BAUD: Final = 115_200
_WARM_S: Final = 2.0
_CELLS: Final = 16
_SOURCE: Final = "bms"
_TERMS: Final = Terms(start_rules(_CELLS, 280), Limits(cell_count=_CELLS, period_s=_PERIOD_S))


def rows(effort: Effort) -> list[Row]:
    """A replayed stretch against its decoding alone; ten live devices against reading alone, and as ten processes."""
    return [_replayed(effort), *_live(effort)]


def _replayed(effort: Effort) -> Row:
    count = effort.size(3600, 600)
    chunks = _recorded(count)
    judged, decoded = interleaved(
        effort.times(7, 3), lambda: _cpu_us(_look_at, chunks, count), lambda: _cpu_us(_decode, chunks, count)
    )
    text = (
        "recording.statuses and watch.look for each: 28 readings judged, 17 alarms, telemetry; CPU of one core",
        "recording.statuses alone: frames found, summed, decoded, put together",
    )
    aim = Aim(bound=60 / _DAY_S * 1e6, at_most=True, is_ratio=False)
    facts = {"statuses_per_round": count, "a_day_at_1_Hz_s": round(Spread.of(judged).middle * _DAY_S / 1e6, 1)}
    return compared("a day of a battery", "µs a status", judged, decoded, text=text, aim=aim, facts=facts)


def _recorded(count: int) -> list[Chunk]:
    """A pack that swings between charging and discharging, as its JBD tells of it once a second."""
    noise, pack, chunks = Random(1), pack_of(1), list[Chunk]()
    for second in range(count):
        pack = after(pack, 100.0 * math.sin(second / 300), 1.0)
        status = status_of(pack, noise)
        for place, (question, answer) in enumerate(SPEECH.answers.items()):
            at_ns = round((second + place / 10) * 1e9)
            chunks += [Chunk(at_ns, True, question), Chunk(at_ns + 50_000_000, False, answer(status))]
    return chunks


def _cpu_us(work: Callable[[Sequence[Chunk]], int], chunks: Sequence[Chunk], count: int) -> float:
    """Return the CPU that a status takes, in microseconds."""
    began_s = time.process_time()
    found = work(chunks)
    if found != count:
        raise AssertionError(f"{found} of {count} statuses were read")
    return (time.process_time() - began_s) / count * 1e6


def _decode(chunks: Sequence[Chunk]) -> int:
    return sum(1 for _ in statuses(chunks, Jbd()))


def _look_at(chunks: Sequence[Chunk]) -> int:
    watched, count = Watched("pack", Alarms(0.0), {_SOURCE: Heard(0.0)}), 0
    terms = Terms(start_rules(_CELLS, 280), Limits(cell_count=_CELLS))
    for at_ns, status in statuses(chunks, Jbd()):
        watched = look(watched, {_SOURCE: status}, at_ns / 1e9, at_ns, terms).watched
        count += 1
    return count


@dataclass(frozen=True, slots=True)
class _Used:
    """What some processes used together. statuses: that all devices gave."""

    cpu_percent: float
    own_mib: float
    statuses: int
    messages: int


def _live(effort: Effort) -> list[Row]:
    seconds = effort.size(15, 4)
    emulation = start(emulate, DEVICES)
    try:
        paths: list[str] = emulation.answer()
        together, apart, read = interleaved(
            effort.times(3, 1),
            lambda: _watched([paths], seconds, is_judged=True),
            lambda: _watched([[path] for path in paths], seconds, is_judged=True),
            lambda: _watched([paths], seconds, is_judged=False),
        )
    finally:
        emulation.stop()
    name = f"{DEVICES} batteries, {1 / _PERIOD_S:g} times a second each"
    ours = "read, judged, 17 alarms each, telemetry built, checked and encoded; no broker"
    facts = {"statuses_a_second": round(together[-1].statuses / seconds, 1), "messages": together[-1].messages}
    cpu, one, ten, bare = "% of a core", "one process", f"{DEVICES} processes", "one process, read and decoded alone"
    return [
        compared(f"{name}: one process", cpu, [each.cpu_percent for each in together],
                 [each.cpu_percent for each in read], text=(f"{one}: {ours}", bare), facts=facts),
        compared(f"{name}: {ten}", cpu, [each.cpu_percent for each in apart],
                 [each.cpu_percent for each in together], text=(f"{ten}: {ours}", one)),
        compared(f"{name}: memory, {ten}", "MiB", [each.own_mib for each in apart],
                 [each.own_mib for each in together], text=("what would be free if all ended", one)),
    ]  # fmt: skip


def _watched(groups: Sequence[Sequence[str]], seconds: float, *, is_judged: bool) -> _Used:
    """Watch each group of devices with a process of its own; return what they used together."""
    parts = [start(watch, list(paths), seconds, is_judged) for paths in groups]
    try:
        answers = [_answer(part) for part in parts]
    finally:
        for part in parts:
            part.stop()
    used = _Used(*(sum(figures) for figures in zip(*answers, strict=True)))
    if used.statuses < DEVICES * seconds / _PERIOD_S * 0.9:
        raise AssertionError(f"only {used.statuses} statuses came in {seconds} s")
    return used


def _answer(part: Part) -> tuple[float, float, int, int]:
    cpu_percent, count, messages = part.answer()
    return cpu_percent, own_memory_bytes(part.pid) / 2**20, count, messages


def emulate(pipe: Connection, count: int) -> None:
    """Be so many JBDs behind ptys, until it is stopped; say their paths."""
    leave_on_sigterm()
    devices = [(EmulatedDevice(SPEECH, seed=seed), PtyPort(), PacedLine(_BAUD)) for seed in range(count)]
    pipe.send([port.path for _, port, _ in devices])
    while True:
        for device, port, line in devices:
            asked, now_s = port.read(0.0), time.monotonic()
            if arrived := line.carry(now_s, device.step(now_s, asked)):
                port.write(arrived)
        time.sleep(_SERVED_S)


def watch(pipe: Connection, paths: Sequence[str], seconds: float, is_judged: bool) -> None:
    """Watch devices for so long; say the share of a core in per cent, and how many statuses and messages there were."""
    leave_on_sigterm()
    lines = [_Line(path, is_judged) for path in paths]
    _watch(lines, _WARM_S)
    began_s, used_s = time.monotonic(), cpu_s()
    before = [(line.statuses, line.messages) for line in lines]
    _watch(lines, seconds)
    percent = (cpu_s() - used_s) / (time.monotonic() - began_s) * 100
    counts = [sum(line.statuses for line in lines), sum(line.messages for line in lines)]
    pipe.send((percent, counts[0] - sum(one for one, _ in before), counts[1] - sum(one for _, one in before)))
    pipe.poll(None)


def _watch(lines: "Sequence[_Line]", seconds: float) -> None:
    end_s = time.monotonic() + seconds
    while time.monotonic() < end_s:
        for line in lines:
            line.go_on(time.monotonic())
        time.sleep(_TICK_S)


class _Line:
    """One device, its poller, and its agent where it is judged: the agent looks when there is something to see."""

    def __init__(self, path: str, is_judged: bool) -> None:
        self._poller = Poller(SerialPort(path, _BAUD), Jbd(), PollingPace(period_s=_PERIOD_S))
        self.statuses, self._looked_s, self._bus = 0, 0.0, _NoBus()
        self._status: Status | None = None
        post = Post(name="@battery", device="pack", mission="bench", terms=_TERMS)
        around = Surroundings(
            hearing=self._bus,
            publishing=self._bus,
            sources={_SOURCE: self},
            store=ArtifactStore(Path(tempfile.gettempdir())),  # nobody asks for a window
            instance="bench",
            raw={},
        )
        self._agent = DeviceAgent(post, around, time.monotonic()) if is_judged else None

    @property
    def messages(self) -> int:
        return self._bus.messages

    def go_on(self, now_s: float) -> None:
        self._status = self._poller.poll(now_s)
        self.statuses += self._status is not None
        if self._agent and (self._status or now_s - self._looked_s >= _PERIOD_S):
            self._agent.look(now_s)
            self._looked_s = now_s

    def poll(self, now_s: float) -> Status | None:
        """What came last, for the agent."""
        return self._status


class _NoBus:
    """Says nothing, and encodes what it is told. messages: how many there were."""

    def __init__(self) -> None:
        self.messages = 0

    def receive(self, timeout_s: float | None = None) -> Entry | None:
        return None

    def publish(self, messages: Sequence[Message]) -> list[Receipt]:
        return self.submit([(encode(message), message.priority) for message in messages])

    def submit(self, documents: Sequence[tuple[bytes, Priority]]) -> list[Receipt]:
        self.messages += len(documents)
        return [Receipt(Answer.NEW, self.messages) for _ in documents]

    def close(self) -> None:
        return
