"""One pack as it was seen: its good readings, column by column, and what several findings need of them.

Columns of machine floats: a day of sixteen cells at one reading a second takes some twenty megabytes.
"""

from array import array
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from functools import cached_property
from itertools import pairwise
from math import isnan, nan
from typing import Final

from agents.device.quantities import CURRENT, PACK, is_cell, is_cell_temperature
from gates.telemetry.kinds import MAX_PERIODS
from gates.telemetry.readings import Row
from gates.telemetry.window import WindowAlert, WindowFile

HOUR_S: Final = 3600.0
DIGITS: Final = 9  # floats that should be equal are equal to so many
_SECOND_NS: Final = 10**9


class Seen:
    """A pack. name: as in the readings; windows: in their order; units: of all readings."""

    def __init__(self, name: str, windows: Sequence[WindowFile], units: Iterable[str]) -> None:
        self.name, self.windows = name, windows
        self.times = array("q")
        self._columns = {column: array("d") for column in units}
        self._told = set[str]()
        self.values = self.doubted = 0

    def take(self, row: Row) -> None:
        """Take in the next row; a suspect value is left out, and counted."""
        self.times.append(row.taken_ns)
        for name, column in self._columns.items():
            column.append(nan if name in row.doubted else row.values.get(name, nan))
        self._told |= row.values.keys()
        self.values += len(row.values)
        self.doubted += len(row.doubted)

    @property
    def from_ns(self) -> int:
        return self.windows[0].from_ns

    @property
    def to_ns(self) -> int:
        return self.windows[-1].to_ns

    @property
    def limits(self) -> Mapping[str, Decimal]:
        return self.windows[-1].limits

    @property
    def alerts(self) -> list[WindowAlert]:
        """The alerts of the pack, and those of the device: its silence is the silence of every pack behind it."""
        return [alert for one in self.windows for alert in one.alerts if alert.pack in (self.name, one.device)]

    @cached_property
    def most_apart_ns(self) -> int:
        """How far two rows may be apart that belong together."""
        return int(max(one.period_s for one in self.windows) * MAX_PERIODS * _SECOND_NS)

    @cached_property
    def cells(self) -> Mapping[str, Sequence[float]]:
        return {name: column for name, column in self._columns.items() if is_cell(name) and name in self._told}

    @cached_property
    def sensors(self) -> Mapping[str, Sequence[float]]:
        """The temperatures of cells of which a good one is known."""
        named = {name: column for name, column in self._columns.items() if is_cell_temperature(name)}
        return {name: column for name, column in named.items() if not all(map(isnan, column))}

    @cached_property
    def complete(self) -> Sequence[int]:
        """The places of the rows in which every cell is good."""
        # A sum is not a number as soon as one of its parts is none.
        sums = map(sum, zip(*self.cells.values(), strict=True))
        return array("l", (place for place, total in enumerate(sums) if not isnan(total)))

    @cached_property
    def spread(self) -> Sequence[float]:
        """The difference between the highest and the lowest cell, in V, where a row is complete."""
        column, cells = array("d", [nan]) * len(self.times), tuple(self.cells.values())
        for place in self.complete:
            row = [cell[place] for cell in cells]
            column[place] = max(row) - min(row)
        return column

    @cached_property
    def volts(self) -> Sequence[float]:
        """The voltage of the pack in every row: as it says itself, else the sum of its cells."""
        told = self.column(PACK)
        if not self.cells or not all(map(isnan, told)):
            return told
        return array("d", map(sum, zip(*self.cells.values(), strict=True)))

    @cached_property
    def amperes(self) -> Sequence[float]:
        return self.column(CURRENT)

    @cached_property
    def covered(self) -> Sequence[int]:
        """The places of the rows that are complete or have a good voltage of the pack."""
        return sorted({*self.complete, *self.places(self.column(PACK))})

    def column(self, name: str) -> Sequence[float]:
        return self._columns.get(name) or array("d", [nan]) * len(self.times)

    @cached_property
    def hours(self) -> Sequence[float]:
        """Of every row, since the first."""
        return array("d", ((taken_ns - self.times[0]) / _SECOND_NS / HOUR_S for taken_ns in self.times))

    @staticmethod
    def places(column: Sequence[float]) -> Sequence[int]:
        """Return the places of the rows in which a column has a value."""
        return array("l", (place for place, value in enumerate(column) if not isnan(value)))

    def stretches(self, places: Sequence[int]) -> list[list[int]]:
        """Return rows in pieces between which nobody knows what happened."""
        pieces = [list(places[:1])] if places else []
        for before, after in pairwise(places):
            if self.times[after] - self.times[before] > self.most_apart_ns:
                pieces.append([])
            pieces[-1].append(after)
        return pieces
