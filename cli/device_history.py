"""The history of a device, from a run or from a recording, in the one form that pictures are made of."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from agents.device.judging.known import Known, KnownDevice
from agents.device.judging.limits import Limits
from agents.device.protocols.catalogue import DECODERS
from agents.device.recording import Chunk, opened, statuses
from agents.device.status import Status, packs_of
from bus.journal import JournalReader
from bus.run import RunFolder
from cli.device_lines import spoken_in
from observers.battery.history import NS, History, Stage, Told
from protocol.errors import LinkError, SourceError

_LOOK_S: Final = 1.0  # how closely it is looked at what gets old while nothing comes
_SELDOM_S: Final = 60.0  # and once all of it is absent
_MOST_LOOKS: Final = 10_000  # in one silence: a week; a number in a file must not keep anybody busy for ever


def of_run(run: RunFolder) -> list[History]:
    """Return what a run's journal tells of each device; it may be going on.

    Raises:
        LinkError: it tells of none.
        JournalError, WireError: it is damaged.
    """
    told = Told()
    told.entries(JournalReader(run.journal).entries())
    if not (found := told.histories()):
        raise LinkError(f"{run.id} holds no telemetry: no device was watched in it, or it has not spoken so far")
    return found


def of_recording(file: Path, protocol: str | None) -> list[History]:
    """Return what the bytes of a recording tell, judged as they were when they came. protocol: None: as recorded.

    Raises:
        SourceError: it cannot be read, is no recording, or does not say what the device speaks.
        LinkError: nothing in it can be read as that protocol.
    """
    with opened(file) as (head, chunks):
        name = spoken_in(file, head, protocol)
        if name not in DECODERS:
            raise SourceError(f"{name!r} is no protocol; there are: {', '.join(sorted(DECODERS))}")
        played = _Played(file.stem, head.began_ns / NS)
        for at_ns, status in statuses(played.noting(chunks), DECODERS[name]()):
            played.take(status, at_ns / NS)
    if not (found := played.histories()):
        raise LinkError(f"{file} holds no whole frame of {name}")
    return found


class _Played:
    """A recording as it is played: its packs are watched by the time of the recording, in seconds since it began."""

    def __init__(self, device: str, began_s: float) -> None:
        self._device, self._began_s = device, began_s
        self._told, self._limits = Told(), Limits()
        self._packs: dict[str, KnownDevice] = {}
        self._standing: dict[str, frozenset[str]] = {}
        self._looked_s = self._heard_s = self._end_s = 0.0

    def noting(self, chunks: Iterable[Chunk]) -> Iterator[Chunk]:
        """Yield the chunks, and keep when the last one was."""
        for chunk in chunks:
            self._end_s = chunk.at_ns / NS
            yield chunk

    def take(self, status: Status, at_s: float) -> None:
        self._age(at_s)
        for name, said in packs_of(self._device, status).items():
            known = self._packs.setdefault(name, KnownDevice(self._limits)).take(said, at_s)
            self._tell(name, known, at_s)
            self._alarms(name, known.alarms, self._began_s + at_s)
        self._looked_s = self._heard_s = at_s

    def histories(self) -> list[History]:
        """Return what was told of each pack up to the end of the recording."""
        self._age(self._end_s)
        self._told.watched(self._began_s + self._end_s)
        return self._told.histories()

    def _age(self, until_s: float) -> None:
        """Look at what gets old while nothing comes: what is not said again is stale, then absent."""
        for _ in range(_MOST_LOOKS):
            is_gone = self._looked_s - self._heard_s > self._limits.gone_s + _LOOK_S
            self._looked_s += _SELDOM_S if is_gone else _LOOK_S
            if self._looked_s >= until_s:
                return
            for name, watched in self._packs.items():
                self._tell(name, watched.look(self._looked_s), self._looked_s)

    def _tell(self, name: str, known: Known, at_s: float) -> None:
        self._told.readings(name, self._began_s + at_s, [one.reading for one in known.readings])

    def _alarms(self, name: str, alarms: frozenset[str] | None, at_s: float) -> None:
        """Tell of the alarms that the device itself has raised, and of those that it says nothing of any more."""
        if alarms is None:
            return
        before = self._standing.get(name, frozenset())
        for code in sorted(alarms - before):
            self._told.raised(name, code, Stage(at_s, None))
        for code in sorted(before - alarms):
            self._told.cleared(name, code, at_s)
        self._standing[name] = alarms
