"""The windows that a task is given: which files belong together, and in which order."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import PurePosixPath
from typing import Final

from agents.work import SkillFailed, Work
from gates.telemetry import readings, window
from gates.telemetry.readings import Row, read_rows
from gates.telemetry.window import WindowFile
from gates.values import read
from protocol.bodies import ErrorCategory, ErrorLevel, File

_LINE: Final = re.compile(r"line-[A-Za-z0-9._-]+\.txt")


@dataclass(frozen=True, slots=True)
class Given:
    """A window and the files beside it. line: None where nothing was recorded.

    others: the raw bytes of further sources, by the name of the file.
    """

    window: WindowFile
    readings: File
    line: File | None
    others: Mapping[str, File] = field(default_factory=dict)


def windows_of(work: Work) -> tuple[Given, ...]:
    """Return the windows among the inputs, in their order; what lies in one folder is one window.

    Raises:
        SkillFailed: there is none, one lacks its readings, or they are not of one watch.
        SourceError: a window cannot be read.
    """
    given = sorted(_windows(work), key=lambda one: one.window.number)
    if not given:
        raise unfit(f"{window.NAME} is not among the inputs of this task")
    for before, after in pairwise(one.window for one in given):
        if before.device != after.device:
            raise unfit(f"windows {before.number} and {after.number} are of {before.device} and {after.device}")
        if before.number == after.number or after.from_ns < before.to_ns:
            raise unfit(f"windows {before.number} and {after.number} do not follow each other")
    return tuple(given)


def unfit(why: str) -> SkillFailed:
    """Return what is raised where the plan gives files that do not fit together."""
    return SkillFailed(ErrorLevel.TECH_LEAD, ErrorCategory.ARCHITECTURAL, why)


def _windows(work: Work) -> Iterator[Given]:
    files = {PurePosixPath(file.path): file for file in work.assignment.inputs}
    for path, file in files.items():
        if path.name != window.NAME:
            continue
        one = read(WindowFile, work.read(file), file.path)
        beside = files.get(path.parent / readings.NAME)
        if beside is None:
            raise unfit(f"{file.path} was given without {readings.NAME}")
        folder = {other.name: file for other, file in files.items() if other.parent == path.parent}
        others = {name: file for name, file in folder.items() if _LINE.fullmatch(name)}
        yield Given(one, beside, files.get(path.parent / one.line) if one.line else None, others)


def units_of(work: Work, given: Sequence[Given]) -> Mapping[str, str]:
    """Return the units of all readings, in the order in which they first occur.

    Raises:
        SkillFailed: a reading changes its unit within the watch.
        SourceError: readings cannot be read.
    """
    units = dict[str, str]()
    for one in given:
        for name, unit in read_rows(work.read(one.readings), one.readings.path)[0].items():
            if units.setdefault(name, unit) != unit:
                raise unfit(f"{one.readings.path} has {name} in {unit}, an earlier window in {units[name]}")
        if len(units) > readings.MAX_COLUMNS:
            known = f"with {one.readings.path} there are {len(units):,} readings"
            raise unfit(f"{known}, the limit is {readings.MAX_COLUMNS:,}")
    return units


def rows_of(work: Work, given: Given) -> Iterator[Row]:
    """Yield the rows of a window. Raises SourceError: they cannot be read."""
    yield from read_rows(work.read(given.readings), given.readings.path)[1]
