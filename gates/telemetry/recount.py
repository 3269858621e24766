"""Every figure of a pack worked out once more, exactly, by the definitions in gates.telemetry.kinds.

Whoever assesses calculates with floats and the standard library's statistics; here are whole numbers and fractions and
other ways of adding up. Only the words are shared, so the same slip would have to be made twice.

Source of the slope: the normal equations of a straight line, n·Σtv - Σt·Σv over n·Σt² - (Σt)².
"""

import re
from array import array
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from itertools import compress, pairwise
from operator import mul
from typing import Final, TypeAlias

from gates.telemetry import kinds, window
from gates.telemetry.given import MILLION, MISSING, PackRows, Watched
from gates.telemetry.kinds import Kind
from protocol.bodies import AlertState

SECOND_NS: Final = 10**9
HOUR_NS: Final = 3600 * SECOND_NS
_CELL: Final = re.compile(r"cell-[0-9]+-voltage")
Series: TypeAlias = tuple[Sequence[int], Sequence[int]]


@dataclass(frozen=True, slots=True)
class Figure:
    """What the readings say. value: in the unit of its kind; None where it cannot be told.

    by_name: where a finding names a reading, the figure of each that it could be.
    """

    value: Fraction | None
    by_name: Mapping[str, Fraction] = field(default_factory=dict)


def figures(watched: Watched, name: str) -> Mapping[Kind, Figure]:
    """Return the figure of every kind for one pack."""
    pack = _Pack(watched.packs[name], watched)
    alerts = [alert for one in watched.windows for alert in one.alerts if alert.pack in (name, watched.device)]
    raised = sum(alert.state is AlertState.RAISED for alert in alerts)
    return {kind: work_out(pack) for kind, work_out in _WAYS.items()} | {Kind.ALERTS: Figure(Fraction(raised))}


def is_cell(name: str) -> bool:
    return _CELL.fullmatch(name) is not None


def is_sensor(name: str) -> bool:
    """Whether a reading is a temperature at the cells."""
    where, _, sensor = name.partition("-")
    return where == "temperature" and sensor not in kinds.BOARD_SENSORS


class _Pack:
    """One pack's columns, and what several figures need of them."""

    def __init__(self, rows: PackRows, watched: Watched) -> None:
        self.rows, self.watched, self.times = rows, watched, rows.times
        self.cells = {name: column for name, column in rows.columns.items() if is_cell(name) and name in rows.told}
        self.sensors = {name: column for name, column in rows.columns.items() if is_sensor(name)}
        self.break_ns = int(kinds.MAX_PERIODS * watched.period_s * SECOND_NS)
        self.complete = array("b", (MISSING not in row for row in zip(*self.cells.values(), strict=True)))

    def column(self, name: str) -> Sequence[int]:
        return self.rows.columns.get(name) or array("q", [MISSING]) * len(self.times)

    @cached_property
    def spread(self) -> Series:
        rows = compress(zip(*self.cells.values(), strict=True), self.complete)
        values = array("q", (max(row) - min(row) for row in rows))
        return array("q", compress(self.times, self.complete)), values

    @cached_property
    def volts(self) -> Sequence[int]:
        """The voltage of the pack in every row."""
        told = self.column("pack-voltage")
        if not self.cells or any(value != MISSING for value in told):
            return told
        rows = zip(*self.cells.values(), strict=True)
        return array("q", (sum(row) if whole else MISSING for row, whole in zip(rows, self.complete, strict=True)))

    def good(self, column: Sequence[int]) -> Series:
        """Return the rows in which a column has a value."""
        there = [value != MISSING for value in column]
        return array("q", compress(self.times, there)), array("q", compress(column, there))

    def both(self, one: Sequence[int], other: Sequence[int]) -> list[tuple[int, int, int]]:
        """Return time and values of the rows in which two columns have one."""
        rows = zip(self.times, one, other, strict=True)
        return [row for row in rows if row[1] != MISSING and row[2] != MISSING]


def _coverage(pack: _Pack) -> Figure:
    planned = sum(
        Fraction(one.to_ns - one.from_ns) / (Fraction(one.period_s) * SECOND_NS) for one in pack.watched.windows
    )
    return Figure(min(Fraction(100), len(_covered(pack)) * 100 / planned) if planned else None)


def _covered(pack: _Pack) -> list[int]:
    told, complete = pack.column("pack-voltage"), pack.complete or bytes(len(pack.times))
    rows = zip(pack.times, told, complete, strict=True)
    return [at for at, value, is_complete in rows if is_complete or value != MISSING]


def _longest_gap(pack: _Pack) -> Figure:
    moments = [pack.watched.from_ns, *_covered(pack), pack.watched.to_ns]
    return Figure(Fraction(max(after - before for before, after in pairwise(moments)), SECOND_NS))


def _doubted(pack: _Pack) -> Figure:
    return Figure(Fraction(100 * pack.rows.doubted, pack.rows.values) if pack.rows.values else None)


def _extreme(columns: Mapping[str, Sequence[int]], most: Callable[[list[int]], int], best: bool) -> Figure:
    """Return the most, or the least, of all values of some columns."""
    each = {name: good for name, column in columns.items() if (good := [one for one in column if one != MISSING])}
    if not each:
        return Figure(None)
    by_name = {name: Fraction(most(good), MILLION) for name, good in each.items()}
    return Figure(max(by_name.values()) if best else min(by_name.values()), by_name)


def _imbalance(pack: _Pack) -> Figure:
    spread = pack.spread[1]
    return Figure(Fraction(max(spread), 1000) if len(pack.cells) > 1 and spread else None)


def _offsets(pack: _Pack) -> Mapping[str, Fraction]:
    """Return how far each cell's mean lies from the mean of all, in mV."""
    count = sum(pack.complete)
    if len(pack.cells) < 2 or not count:
        return {}
    sums = {name: sum(compress(column, pack.complete)) for name, column in pack.cells.items()}
    mean = Fraction(sum(sums.values()), len(sums) * count)
    return {name: (Fraction(total, count) - mean) / 1000 for name, total in sums.items()}


def _weakest(pack: _Pack) -> Figure:
    offsets = _offsets(pack)
    return Figure(min(offsets.values(), default=None), offsets)


def _strongest(pack: _Pack) -> Figure:
    offsets = _offsets(pack)
    return Figure(max(offsets.values(), default=None), offsets)


@dataclass(frozen=True, slots=True)
class _Line:
    """The least-squares line of a series. slope: millionths a nanosecond; end: where it stands at the last time."""

    slope: Fraction
    end: Fraction


def _line(series: Series) -> _Line | None:
    times, values = series
    if len(times) < kinds.TREND_ROWS or times[-1] - times[0] < kinds.TREND_S * SECOND_NS:
        return None
    count, base = len(times), times[0]
    moments = [at - base for at in times]
    st, sv, stt, stv = sum(moments), sum(values), sum(map(mul, moments, moments)), sum(map(mul, moments, values))
    slope = Fraction(count * stv - st * sv, count * stt - st * st)
    return _Line(slope, Fraction(sv, count) + slope * (moments[-1] - Fraction(st, count)))


def _trend(series: Series, scale: int = 1) -> Figure:
    """Return the slope by the hour, in units, or in thousandths with a scale of 1000."""
    line = _line(series)
    return Figure(line.slope * HOUR_NS * scale / MILLION if line else None)


def _imbalance_trend(pack: _Pack) -> Figure:
    return _trend(pack.spread, 1000) if len(pack.cells) > 1 else Figure(None)


def _temperature_trend(pack: _Pack) -> Figure:
    tops = {name: max(column, default=MISSING) for name, column in pack.sensors.items()}
    if max(tops.values(), default=MISSING) == MISSING:
        return Figure(None)
    hottest = max(tops, key=lambda name: (tops[name], -pack.sensors[name].index(tops[name])))  # the first of several
    return _trend(pack.good(pack.sensors[hottest]))


def _charge(pack: _Pack) -> Figure:
    times, amperes = pack.good(pack.column("current"))
    return Figure(_integral(list(zip(times, amperes, strict=True)), pack.break_ns, MILLION))


def _energy(pack: _Pack) -> Figure:
    rows = pack.both(pack.volts, pack.column("current"))
    return Figure(_integral([(at, volts * amperes) for at, volts, amperes in rows], pack.break_ns, MILLION**2))


def _integral(series: Sequence[tuple[int, int]], break_ns: int, scale: int) -> Fraction | None:
    """Return the area below a series in unit hours, or None where no two of it follow each other."""
    areas = [(a + b) * (after - at) for (at, a), (after, b) in pairwise(series) if after - at <= break_ns]
    return Fraction(sum(areas), 2 * HOUR_NS * scale) if areas else None


def _capacity(pack: _Pack) -> Figure:
    """Return the charge over the movement of the state of charge, of the stretch in which that moved most."""
    best: tuple[int, Fraction] | None = None
    for stretch in _stretches(pack.both(pack.column("soc"), pack.column("current")), pack.break_ns):
        steps = [place for place in range(1, len(stretch)) if stretch[place][1] != stretch[place - 1][1]]
        if not steps:
            continue
        least, most = min(steps, key=lambda at: stretch[at][1]), max(steps, key=lambda at: stretch[at][1])
        moved = stretch[most][1] - stretch[least][1]
        if best is None or moved > best[0]:
            part = [(at, amperes) for at, _, amperes in stretch[min(least, most) : max(least, most) + 1]]
            charge = _integral(part, pack.break_ns, MILLION) or Fraction(0)
            best = moved, charge if most > least else -charge
    if best is None or best[0] < kinds.SOC_PERCENT * MILLION or best[1] < Fraction(kinds.MOVED_AH):
        return Figure(None)
    return Figure(best[1] * 100 * MILLION / best[0])


def _stretches(rows: Sequence[tuple[int, int, int]], break_ns: int) -> Iterator[Sequence[tuple[int, int, int]]]:
    first = 0
    for place in range(1, len(rows) + 1):
        if place == len(rows) or rows[place][0] - rows[place - 1][0] > break_ns:
            yield rows[first:place]
            first = place


def _resistance(pack: _Pack) -> Figure:
    capacity = pack.watched.limits.get(window.BATTERY_AH)
    least = Fraction(kinds.STEP_A) if capacity is None else Fraction(capacity) * Fraction(kinds.STEP_C)
    rows = pack.both(pack.volts, pack.column("current"))
    ratios = sorted(
        Fraction(volts - before_v, amperes - before_a)
        for (before, before_v, before_a), (at, volts, amperes) in pairwise(rows)
        if at - before <= pack.break_ns and amperes != before_a and abs(amperes - before_a) >= least * MILLION
    )
    if len(ratios) < kinds.STEPS:
        return Figure(None)
    half = len(ratios) // 2
    return Figure((ratios[half] + ratios[-half - 1]) / 2 * 1000)


def _time_to(pack: _Pack, columns: Mapping[str, Sequence[int]], limit: str, side: int) -> Figure:
    """Return in how many hours the first of some columns is at a limit. side: 1 from below, -1 from above."""
    if limit not in pack.watched.limits:
        return Figure(None)
    at = Fraction(pack.watched.limits[limit]) * MILLION
    lines = {name: line for name, column in columns.items() if (line := _line(pack.good(column)))}
    hours = {name: _hours((at - line.end) * side, line.slope * side) for name, line in lines.items()}
    within = {name: value for name, value in hours.items() if value is not None and round(value, 2) <= kinds.AHEAD_H}
    return Figure(min(within.values(), default=None), within)


def _hours(left: Fraction, slope: Fraction) -> Fraction | None:
    if left <= Fraction(kinds.WITHIN) * MILLION:
        return Fraction(0)
    return left / slope / HOUR_NS if slope > 0 else None


_WAYS: Final[Mapping[Kind, Callable[[_Pack], Figure]]] = {
    Kind.COVERAGE: _coverage,
    Kind.LONGEST_GAP: _longest_gap,
    Kind.DOUBTED: _doubted,
    Kind.HIGHEST_CELL: lambda pack: _extreme(pack.cells, max, True),
    Kind.LOWEST_CELL: lambda pack: _extreme(pack.cells, min, False),
    Kind.IMBALANCE: _imbalance,
    Kind.WEAKEST_CELL: _weakest,
    Kind.STRONGEST_CELL: _strongest,
    Kind.HOTTEST: lambda pack: _extreme(pack.sensors, max, True),
    Kind.VOLTAGE_TREND: lambda pack: _trend(pack.good(pack.volts)),
    Kind.IMBALANCE_TREND: _imbalance_trend,
    Kind.TEMPERATURE_TREND: _temperature_trend,
    Kind.CHARGE: _charge,
    Kind.ENERGY: _energy,
    Kind.CAPACITY: _capacity,
    Kind.RESISTANCE: _resistance,
    Kind.TIME_TO_HIGH: lambda pack: _time_to(pack, pack.cells, window.CELL_HIGH, 1),
    Kind.TIME_TO_LOW: lambda pack: _time_to(pack, pack.cells, window.CELL_LOW, -1),
    Kind.TIME_TO_HOT: lambda pack: _time_to(pack, pack.sensors, window.TEMPERATURE_HIGH, 1),
}
