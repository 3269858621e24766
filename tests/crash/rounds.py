"""Playing cells round by round, and what the rounds of each cell add up to."""

import subprocess
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

from tests.crash.cell import Cell, Outcome, Results
from tests.crash.stage import end_all


@dataclass(slots=True)
class Row:
    """A cell and its rounds. failures: what differed, with the folder that was kept."""

    cell: Cell
    runs: int = 0
    recoveries_s: list[float] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    failed: int = 0

    @property
    def passed(self) -> int:
        return self.runs - self.failed

    @property
    def median_s(self) -> float | None:
        return median(self.recoveries_s) if self.recoveries_s else None

    @property
    def worst_s(self) -> float | None:
        return max(self.recoveries_s, default=None)

    def note(self, outcome: Outcome, folder: Path) -> None:
        """Add one round."""
        self.runs += 1
        if outcome.recovery_s is not None:
            self.recoveries_s.append(outcome.recovery_s)
        if outcome.differences:
            self.failed += 1
            self.failures += [f"{text} (kept: {folder})" for text in outcome.differences]

    def as_json(self) -> dict[str, Any]:
        cell = asdict(self.cell)
        facts = {key: cell[key] for key in ("name", "dies", "where", "point", "count", "clock_factor")}
        figures = {"runs": self.runs, "passed": self.passed, "recoveries_s": self.recoveries_s}
        return {**facts, **figures, "failures": self.failures}


def once(cell: Cell, folder: Path, undisturbed: Results) -> Outcome:
    """Play a cell once in an empty folder."""
    return to_the_end(lambda: cell.play(cell, folder, undisturbed), folder)


def to_the_end(play: Callable[[], Outcome], folder: Path) -> Outcome:
    """Play something in a folder; that it hangs is a difference too, and then it is ended."""
    try:
        return play()
    except (AssertionError, OSError, subprocess.TimeoutExpired) as error:
        return Outcome((f"it did not come to an end: {str(error)[-500:]}",))
    finally:
        end_all(folder)


def rounds(
    cells: Sequence[Cell], count: int, undisturbed: Results, place: Callable[[str], Path]
) -> Iterator[tuple[Row, Outcome, Path]]:
    """Play every cell `count` times, cell after cell within each round; yield after each play.

    place: makes an empty folder for a cell of this name.
    """
    rows = {cell.name: Row(cell) for cell in cells}
    for _ in range(count):
        for cell in cells:
            folder = place(cell.name)
            outcome = once(cell, folder, undisturbed)
            rows[cell.name].note(outcome, folder)
            yield rows[cell.name], outcome, folder
