"""The windows that a task was given, as the gate reads them itself: whole numbers, column by column.

1. What counts is what was given, never what the result brings along.
2. A value is kept in millionths of its unit and a time in nanoseconds: nothing is rounded, so nothing depends on the
   order in which it is added up.
"""

from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import lru_cache
from itertools import pairwise
from pathlib import PurePosixPath
from typing import Final, TypeAlias

from bus.artifacts import ArtifactStore
from gates.judged import Judged, inputs_of
from gates.telemetry import readings, window
from gates.telemetry.readings import Row, read_rows
from gates.telemetry.window import WindowFile
from gates.values import read
from protocol.bodies import File
from protocol.errors import SourceError

MISSING: Final = -(2**63)
MILLION: Final = 10**6
Whole: TypeAlias = "array[int]"


@dataclass(slots=True)
class PackRows:
    """What was read of one pack. columns: good values by reading, MISSING where there is none, as long as times.

    told: readings of which anything was said, good or not.
    """

    times: Whole = field(default_factory=lambda: array("q"))
    columns: dict[str, Whole] = field(default_factory=dict)
    told: set[str] = field(default_factory=set)
    values: int = 0
    doubted: int = 0

    def widen(self, names: Iterable[str]) -> None:
        """Make room for readings; of those not seen before nothing was said until now.

        Raises SourceError: they are more than one file of readings may have.
        """
        for name in names:
            if name not in self.columns:
                self.columns[name] = array("q", [MISSING]) * len(self.times)
        if len(self.columns) > readings.MAX_COLUMNS:
            raise SourceError(f"more than {readings.MAX_COLUMNS:,} different readings of one pack")

    def add(self, row: Row) -> None:
        self.times.append(row.taken_ns)
        for name, column in self.columns.items():
            value = None if name in row.doubted else row.values.get(name)
            column.append(MISSING if value is None else round(value * MILLION))
        self.told.update(row.values)
        self.values += len(row.values)
        self.doubted += len(row.doubted)


@dataclass(frozen=True, slots=True)
class Watched:
    """One window, or all of a watch, with what was read of every pack."""

    windows: tuple[WindowFile, ...]
    packs: Mapping[str, PackRows]

    @property
    def device(self) -> str:
        return self.windows[0].device

    @property
    def from_ns(self) -> int:
        return self.windows[0].from_ns

    @property
    def to_ns(self) -> int:
        return self.windows[-1].to_ns

    @property
    def rows(self) -> int:
        return sum(len(pack.times) for pack in self.packs.values())

    @property
    def limits(self) -> Mapping[str, Decimal]:
        """The limits under which it was observed last."""
        return self.windows[-1].limits

    @property
    def period_s(self) -> Decimal:
        return max(one.period_s for one in self.windows)


def watched(judged: Judged) -> Watched | None:
    """Return what a task was given to assess, or None where it was given no window.

    Raises:
        SourceError: a window or its readings are missing, broken, or do not fit together.
    """
    return _watched(judged.store, tuple(inputs_of(judged)))


@lru_cache(maxsize=1)  # an assessment comes with the joined readings: both are held to the same windows
def _watched(store: ArtifactStore, inputs: tuple[File, ...]) -> Watched | None:
    given = {file.path: file for file in inputs}
    files = [file for file in given.values() if is_window(file)]
    if not files:
        return None
    for file in files:
        _held(file, window.WINDOW)
    pairs = [(read(WindowFile, store.get(file), file.path), _beside(file, given)) for file in files]
    pairs.sort(key=lambda pair: pair[0].number)
    _follow(tuple(one for one, _ in pairs))
    packs = {name: PackRows() for one, _ in pairs for name in one.packs}
    for one, file in pairs:
        for row in rows_of(one, store.get(file), file.path, packs):
            packs[row.pack].add(row)
    return Watched(tuple(one for one, _ in pairs), packs)


def _beside(file: File, given: Mapping[str, File]) -> File:
    path = str(PurePosixPath(file.path).parent / readings.NAME)
    if path not in given:
        raise SourceError(f"{file.path} was given without {readings.NAME}")
    _held(given[path], readings.READINGS)
    return given[path]


def is_window(file: File) -> bool:
    """Whether a file is a window, or passes for one."""
    return PurePosixPath(file.path).name == window.NAME


def _held(file: File, media_type: str) -> None:
    """Raises SourceError: a file was handed in as something else, so no gate has held it to anything."""
    if file.media_type != media_type:
        raise SourceError(f"{file.path} was given as {file.media_type or 'a file of no type'}, not as {media_type}")


def _follow(windows: Sequence[WindowFile]) -> None:
    for before, after in pairwise(windows):
        if before.device != after.device:
            raise SourceError(f"windows {before.number} and {after.number} are of two devices")
        if before.number == after.number or after.from_ns < before.to_ns:
            raise SourceError(f"windows {before.number} and {after.number} do not follow each other")


def rows_of(one: WindowFile, data: bytes, name: str, packs: Mapping[str, PackRows]) -> Iterator[Row]:
    """Yield the rows of a window. packs: what was read before, widened for what is read now.

    Raises:
        SourceError: rows are not as many as the window says, outside of it, of other packs, or the same twice.
    """
    units, rows = read_rows(data, name)
    for pack in one.packs:
        packs[pack].widen(units)
    last, count = {pack: packs[pack].times[-1] if packs[pack].times else -1 for pack in one.packs}, 0
    for count, row in enumerate(rows, 1):
        if row.pack not in last:
            raise SourceError(f"{name}, line {count + 1}: the pack {row.pack} is not one of the window")
        if not one.from_ns <= row.taken_ns <= one.to_ns:
            raise SourceError(f"{name}, line {count + 1}: the time {row.taken_ns} is outside of the window")
        if row.taken_ns == last[row.pack]:
            raise SourceError(f"{name}, line {count + 1}: {row.pack} at {row.taken_ns} was told before")
        last[row.pack] = row.taken_ns
        yield row
    if count != one.rows:
        raise SourceError(f"{name} has {count} rows, the window says {one.rows}")
