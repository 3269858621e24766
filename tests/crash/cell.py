"""One way to die, and what came of it."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from bus.journal import SEGMENT_BYTES

Results: TypeAlias = dict[str, bytes]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one round of a cell brought. differences: empty when everything is as it must be.

    recovery_s: seconds, as `tests.crash.recovery` defines them; None where it could not be told.
    """

    differences: tuple[str, ...]
    recovery_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One row of the matrix.

    dies, where: for the table. play: does it once in an empty folder, given what an undisturbed mission brings.
    point, count: the fault point and at which reaching of it death comes; "" where the kill comes from outside.
    moment: the message type at whose first journal entry something is done from outside.
    clock_factor: how many times as fast the run's wall clock goes. segment_bytes: length of the journal's files.
    """

    name: str
    dies: str
    where: str
    play: "Callable[[Cell, Path, Results], Outcome]"
    point: str = ""
    count: int = 1
    moment: str = "claim"
    clock_factor: int = 1
    segment_bytes: int = SEGMENT_BYTES
