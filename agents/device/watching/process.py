"""A device's agent as a process: its lines, its clock, and the loop that looks and listens in turn."""

import os
import signal
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import inf
from pathlib import Path
from typing import Any, Final, Protocol

import structlog

from agents.device.bluetooth import open_bluetooth
from agents.device.device_address import decoders_of
from agents.device.line import Line
from agents.device.watching.agent import DeviceAgent
from agents.device.watching.commands import Observe
from agents.device.watching.earlier import Before, before
from agents.device.watching.forward import ForwardClock
from agents.device.watching.played import Played
from agents.device.watching.settings import DeviceSettings, SourceSettings
from agents.device.watching.spool import Spool
from agents.device.watching.surroundings import Source, Surroundings
from agents.device.watching.wording import Post
from bus.artifacts import ArtifactStore
from bus.follower import durable
from bus.publisher import Publisher
from bus.run import RunFolder
from bus.subscriber import Subscriber
from protocol.topics import inbox_of

LOOK_S: Final = 0.05  # an answer is read so much later at most, which makes every round of questions longer
_IDLE_S: Final = 0.2
_TELL_S: Final = 0.25
_FOLDER: Final = "devices"  # in the run's folder: what its lines have said and nobody has been handed yet
_NEVER_NS: Final = 2**63 - 1


class Clock(Protocol):
    """When it is looked, and what time it is then; the rest is as for `agents.device.watching.agent.Surroundings`."""

    most_held: int

    def now_s(self) -> float: ...

    def clock_ns(self) -> int: ...

    def turn(self, agent: DeviceAgent) -> None:
        """Listen until the next look is due, and look."""
        ...

    def until_s(self, asked: Observe, now_s: float) -> float: ...


class RealTime:
    """As time passes: a look each `look_s`. clock_ns: nanoseconds since 1970."""

    most_held = 0

    def __init__(self, look_s: float = LOOK_S, clock_ns: Callable[[], int] = time.time_ns) -> None:
        self._look_s, self._due_s, self.clock_ns = look_s, time.monotonic(), clock_ns

    def now_s(self) -> float:
        return time.monotonic()

    def until_s(self, asked: Observe, now_s: float) -> float:
        return now_s + asked.seconds

    def turn(self, agent: DeviceAgent) -> None:
        agent.look(time.monotonic())
        self._due_s = max(self._due_s + self._look_s, time.monotonic())
        agent.hear(max(0.0, self._due_s - time.monotonic()))


class RecordedTime:
    """As fast as a recording can be read, while somebody has asked to observe; between that it stands still."""

    most_held = 500  # whoever dies with them says them again: a window is played from its beginning

    def __init__(self, played: Played) -> None:
        self._played = played
        self.clock_ns, self.until_s = played.clock_ns, played.until_s

    def now_s(self) -> float:
        return self._played.now_s

    def turn(self, agent: DeviceAgent) -> None:
        asked = agent.observed
        if asked is None:
            agent.hear(_IDLE_S)
            return
        self._catch_up(asked.from_s, agent)
        if self._played.is_over:
            self._played.end()
            agent.finish(self.now_s())
        else:
            self._played.advance(asked.from_s + asked.seconds)
            agent.look(self.now_s())
        agent.hear(0)

    def _catch_up(self, from_s: float, agent: DeviceAgent) -> None:
        """Another life begins where the window begins, and remembers what came before."""
        while self.now_s() < from_s and not self._played.is_over:
            self._played.advance(from_s)
            if self.now_s() < from_s:
                agent.recall(self.now_s())


@dataclass(frozen=True, slots=True)
class Lines:
    """What a device is read from: its sources, the raw bytes that they keep, and the clock."""

    sources: Mapping[str, Source]
    raw: Mapping[str, Spool]
    clock: Clock


def serve(run: RunFolder, settings: DeviceSettings, alerts_to: str, instance: str) -> None:
    """Run a device's agent as a process until the supervisor stops it. alerts_to: who is told what is alarming.

    Raises:
        SourceError, DefinitionError: the settings cannot be.
        BusError, JournalError: as for `bus.publisher.Publisher.publish` and `bus.follower.durable`.
    """
    post = Post(name=settings.agent, device=settings.name, mission=run.id, terms=settings.terms, alerts_to=alerts_to)
    past = before(durable(run), post.name)
    past = past if settings.recording is None else past.rewound()
    watch(run, post, past, _lines(run, settings, past), instance)


def watch(run: RunFolder, post: Post, past: Before, lines: Lines, instance: str) -> None:
    """Watch with these lines until SIGTERM comes."""
    stopping: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, _frame: stopping.append(number))
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    facts: dict[str, Any] = {"role": "device", "device": post.device, "instance": instance}
    publisher = Publisher(run, post.name, facts=facts)
    subscriber = Subscriber(run, inbox_of(post.name), after=past.position)
    around = Surroundings(
        hearing=subscriber,
        publishing=publisher,
        sources=lines.sources,
        store=ArtifactStore(run.artifacts),
        instance=instance,
        raw=lines.raw,
        tell=_telling(publisher, subscriber),
        clock_ns=lines.clock.clock_ns,
        until_s=lines.clock.until_s,
        most_held=lines.clock.most_held,
    )
    agent = DeviceAgent(post, around, lines.clock.now_s(), past)
    log = structlog.get_logger().bind(agent=post.name, device=post.device)
    log.info("watching", pid=os.getpid())
    while not stopping:
        lines.clock.turn(agent)
    log.info("stopping")


def _telling(publisher: Publisher, subscriber: Subscriber) -> Callable[[str], None]:
    """Return what tells of the agent's state, and that it lives: not at each of ten thousand looks a second."""
    told_s = -inf

    def tell(state: str) -> None:
        nonlocal told_s
        if (now_s := time.monotonic()) - told_s >= _TELL_S:
            told_s = now_s
            publisher.beat({"state": state, "position": subscriber.position})

    return tell


def _lines(run: RunFolder, settings: DeviceSettings, past: Before) -> Lines:
    folder = run.path / _FOLDER / settings.name
    if settings.recording is not None:
        return _played(folder, settings, settings.recording, past)
    clock_ns = ForwardClock(max([past.handed_in_ns, *(one.timestamp_ns for one in past.not_handed_in)]))
    spools = {
        one.name: Spool(folder / one.name, one.protocol, clock_ns, after_ns=past.handed_in_ns)
        for one in settings.sources
    }
    sources = {one.name: _line(settings, one, spools[one.name]) for one in settings.sources}
    return Lines(sources, spools, RealTime(clock_ns=clock_ns))


def _line(settings: DeviceSettings, source: SourceSettings, spool: Spool) -> Source:
    if source.is_bluetooth:
        return open_bluetooth(source.url, settings.period_s)
    return Line(settings.address(source), spool.keep)


def _played(folder: Path, settings: DeviceSettings, recording: Path, past: Before) -> Lines:
    [source] = settings.sources
    decoders = decoders_of(settings.address(source))
    spool = Spool(folder / source.name, source.protocol, after_ns=_NEVER_NS)
    played = Played(
        recording,
        decoders,
        settings.period_s,
        spool.keep,
        past.handed_in_ns,
        is_current_inverted=settings.is_current_inverted,
    )
    return Lines({source.name: played}, {source.name: spool}, RecordedTime(played))
