"""What a device's agent works with: its bus, its lines, its clock, and a place for what it hands in."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from agents.device.status import Status
from agents.device.watching.commands import Observe
from bus.artifacts import ArtifactStore
from bus.transport import Hearing, Publishing


class Source(Protocol):
    """Where statuses come from: a poller of a real line, a recording, a model."""

    def poll(self, now_s: float) -> Status | None:
        """Return what the device says now, or None where it has said nothing new. now_s: monotonic.

        Raises:
            LinkError: the line is gone; it may be asked again.
        """
        ...


class Keeping(Protocol):
    """The raw bytes of a line since they were dropped last; `agents.device.watching.spool` keeps them on disk.

    lost: why some are missing, "" where none are.
    """

    lost: str

    @property
    def began_ns(self) -> int | None: ...

    def cut(self) -> bytes: ...

    def drop(self) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What a device's agent works with. sources: the device's lines by name, that which counts first first.

    store: where what it hands in lies. instance: the name of this life. raw: the bytes of the sources that keep them.
    tell: what it is at, for `orchestra status`. clock_ns: nanoseconds since 1970, for when something was taken.
    until_s: when a window ends that is asked for at a time, both by the clock of the looks.
    most_held: how many messages of telemetry may wait for each other; an alert or a hand-in never waits.
    """

    hearing: Hearing
    publishing: Publishing
    sources: Mapping[str, Source]
    store: ArtifactStore
    instance: str
    raw: Mapping[str, Keeping]
    tell: Callable[[str], None] = lambda state: None
    clock_ns: Callable[[], int] = time.time_ns
    until_s: Callable[[Observe, float], float] = lambda asked, now_s: now_s + asked.seconds
    most_held: int = 0
