"""What a picture of a battery shows: panels and strips over one time, as points and words. `drawing` only draws it.

1. Everything is reduced to COLUMNS columns, whatever came in; the extremes of each are kept.
2. An old value is not shown: a line breaks where nothing was measured. What is in doubt is marked.
3. Times are seconds since the picture begins.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final

import numpy as np

from observers.battery.grid import Grid, Known, Row, worst
from observers.battery.groups import UNITS, Group, group_of_alarm, label_of
from observers.battery.history import Alarm, History, Stage
from observers.battery.reduction import Floats, Numbers, marks, painted, reduced, stretches
from observers.battery.time_axis import Tick, clock, moment, ticks
from protocol.bodies import Severity

COLUMNS: Final = 1000
MOST_LINES: Final = 64
MOST_ALARMS: Final = 12
_MOST_LIMITS: Final = 8
_MOST_NAMED: Final = 6  # lines of a panel that each have a colour and a name of their own
_MARK_COLUMNS: Final = COLUMNS // 6
# How much a panel spans in any case, and how much it spans at most to show values in doubt: what is as far off as a
# value that cannot be would flatten all others.
_LEAST_HEIGHT: Final = {
    Group.CELLS: 0.02, Group.PACK: 0.2, Group.DELTA: 10.0, Group.CURRENT: 2.0, Group.TEMPERATURES: 2.0, Group.SOC: 2.0,
}  # fmt: skip
_FAR: Final = {
    Group.CELLS: 2.0, Group.PACK: 20.0, Group.DELTA: 2000.0,
    Group.CURRENT: 400.0, Group.TEMPERATURES: 80.0, Group.SOC: 100.0,
}  # fmt: skip
_DIGITS: Final = {Group.CELLS: 3, Group.PACK: 2, Group.DELTA: 0}
# From the mildest to the worst; an alarm that the device tells of itself has no severity.
SEVERITIES: Final = (None, Severity.INFO, Severity.WARNING, Severity.CRITICAL)
MONITORS: Final = "This monitors. It does not protect."


class Weight(Enum):
    """How a line stands out."""

    HIGHEST = "highest"
    LOWEST = "lowest"
    BOTH = "both"
    PLAIN = "plain"


@dataclass(frozen=True, slots=True, eq=False)
class Line:
    """One reading, as steps: a value holds up to the next point; NaN breaks it. doubts: the points in doubt.

    label: "" where it has no entry of its own in the legend.
    """

    name: str
    label: str
    weight: Weight
    at_s: Floats
    values: Floats
    doubts: tuple[Floats, Floats]


@dataclass(frozen=True, slots=True)
class Limit:
    """A limit that an alarm was raised for, in the unit of its panel."""

    value: float
    label: str
    severity: Severity | None


@dataclass(frozen=True, slots=True)
class Span:
    """From when to when something stood. rank: of `grid.Known`, or one more than the place in SEVERITIES."""

    begin_s: float
    end_s: float
    rank: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """Readings that share an axis. low, high: of the axis. voids: where nothing of it was measured.

    note: what cannot be seen in it, "" where everything can.
    """

    group: Group
    lines: tuple[Line, ...]
    limits: tuple[Limit, ...]
    voids: tuple[Span, ...]
    low: float
    high: float
    note: str

    @property
    def title(self) -> str:
        return f"{self.group.value}, {UNITS[self.group]}"


@dataclass(frozen=True, slots=True)
class Strip:
    """One row of spans. marks_s: when somebody acknowledged."""

    label: str
    spans: tuple[Span, ...]
    marks_s: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """All that is drawn. left_out: how many alarms have no row."""

    title: str
    source: str
    about: str
    span_s: float
    ticks: tuple[Tick, ...]
    panels: tuple[Panel, ...]
    alarms: tuple[Strip, ...]
    qualities: tuple[Strip, ...]
    left_out: int = 0


def picture(history: History, shown: Grid, source: str) -> Picture:
    """Return the picture of a device. shown: what was known of it in the time to be shown. source: where it is from."""
    groups = [group for group in Group if shown.of(group) and not (group is Group.PACK and shown.of(Group.CELLS))]
    alarms = [alarm for alarm in history.alarms if alarm.lies_in(shown.begin_s, shown.end_s)]
    strips = list(_alarm_strips(alarms, shown))
    return Picture(
        title=history.device,
        source=source,
        about=f"{moment(shown.begin_s)} to {moment(shown.end_s)} UTC",
        span_s=shown.end_s - shown.begin_s,
        ticks=ticks(shown.begin_s, shown.end_s),
        panels=tuple(_panel(group, shown, alarms) for group in groups),
        alarms=tuple(strips[:MOST_ALARMS]),
        qualities=tuple(_quality_strip(group, shown) for group in groups if group is not Group.DELTA),
        left_out=max(0, len(strips) - MOST_ALARMS),
    )


def in_words(value: float, group: Group) -> str:
    """Return a value with as many digits as mean something, and its unit."""
    return f"{value:.{_DIGITS.get(group, 1)}f} {UNITS[group]}"


def _panel(group: Group, shown: Grid, alarms: Iterable[Alarm]) -> Panel:
    rows = shown.of(group)
    lowest = min(rows, key=lambda row: float(np.nanmin(row.values)))
    highest = max(rows, key=lambda row: float(np.nanmax(row.values)))
    limits = _limits(group, alarms, rows)
    low, high, note = _bounds(group, rows, limits)
    chosen = sorted(rows, key=lambda row: row not in (lowest, highest))[:MOST_LINES]
    hidden = f"{len(rows) - len(chosen)} more are not drawn" if len(chosen) < len(rows) else ""
    lines = [_line(row, shown, _weight(row, rows, lowest, highest), low, high) for row in rows if row in chosen]
    return Panel(
        group=group,
        lines=tuple(lines),
        limits=limits,
        voids=tuple(_voids(rows, shown)),
        low=low,
        high=high,
        note="; ".join(part for part in (note, hidden) if part),
    )


def _weight(row: Row, rows: Sequence[Row], lowest: Row, highest: Row) -> Weight:
    if len(rows) == 1 or (row.group is not Group.CELLS and len(rows) <= _MOST_NAMED):
        return Weight.PLAIN
    if row is lowest and row is highest:
        return Weight.BOTH
    return Weight.HIGHEST if row is highest else Weight.LOWEST if row is lowest else Weight.PLAIN


def _line(row: Row, shown: Grid, weight: Weight, low: float, high: float) -> Line:
    at_s = shown.at_s - shown.begin_s
    doubted = np.where(row.known == Known.SUSPECT, np.clip(row.values, low, high), np.nan)
    return Line(
        row.name,
        _label(row, shown, weight),
        weight,
        *reduced(at_s, row.values, COLUMNS),
        marks(at_s, doubted, _MARK_COLUMNS),
    )


def _label(row: Row, shown: Grid, weight: Weight) -> str:
    name = label_of(row.name)
    if weight is Weight.PLAIN:
        return "" if row.group in (Group.DELTA, Group.CURRENT, Group.SOC, Group.PACK) else name
    extremes = {Weight.HIGHEST: (np.nanargmax,), Weight.LOWEST: (np.nanargmin,)}
    found = [int(extreme(row.values)) for extreme in extremes.get(weight, (np.nanargmax, np.nanargmin))]
    words = ["lowest"] if weight is Weight.LOWEST else ["highest", "lowest"]
    told = [
        f"{word} {in_words(float(row.values[place]), row.group)} at {clock(float(shown.at_s[place]))}"
        + (" (suspect)" if row.known[place] == Known.SUSPECT else "")
        for word, place in zip(words, found, strict=False)
    ]
    return f"{name}: {', '.join(told)}"


def _bounds(group: Group, rows: Sequence[Row], limits: Sequence[Limit]) -> tuple[float, float, str]:
    """Return between what a panel's axis lies, and what lies beyond it."""
    values = np.concatenate([row.values[~np.isnan(row.values)] for row in rows])
    good = np.concatenate([row.values[row.known == Known.GOOD] for row in rows])
    good = np.append(good[~np.isnan(good)], [limit.value for limit in limits])
    sure = good if good.size else values
    height = max(float(np.ptp(sure)), _LEAST_HEIGHT[group])
    is_near = np.ptp(np.append(values, sure)) <= max(4 * height, _FAR[group])
    inside = np.append(values, sure) if is_near else sure
    low, high = float(np.min(inside)), float(np.max(inside))
    pad = max(0.06 * (high - low), (_LEAST_HEIGHT[group] - (high - low)) / 2)
    note = "" if is_near else _beyond(values[(values < low - pad) | (values > high + pad)], group)
    return low - pad, high + pad, note


def _beyond(values: Floats, group: Group) -> str:
    if not values.size:
        return ""
    low, high = (in_words(float(value), group) for value in (np.min(values), np.max(values)))
    return f"suspect values beyond the edge: {low if low == high else f'{low} to {high}'}"


def _limits(group: Group, alarms: Iterable[Alarm], rows: Sequence[Row]) -> tuple[Limit, ...]:
    found: dict[float, Limit] = {}
    for alarm in alarms:
        for stage in alarm.stages:
            if stage.limit is not None and group_of_alarm(alarm.code, stage.text) is group:
                for value in _in_panel(stage, group, rows):
                    found.setdefault(value, Limit(value, f"{alarm.code} {in_words(value, group)}", stage.severity))
    return tuple(sorted(list(found.values())[:_MOST_LIMITS], key=lambda one: one.value))


def _in_panel(stage: Stage, group: Group, rows: Sequence[Row]) -> tuple[float, ...]:
    """Return a limit in the unit of its panel; one for a current holds in both directions."""
    limit = stage.limit or 0.0
    if group is not Group.CURRENT:
        return (limit * 1000 if group is Group.DELTA else limit,)
    low, high = min(np.nanmin(row.values) for row in rows), max(np.nanmax(row.values) for row in rows)
    return tuple(side * limit for side, most in ((1, high), (-1, -low)) if most > limit / 2)


def _voids(rows: Sequence[Row], shown: Grid) -> Iterator[Span]:
    is_void = np.all(np.isnan([row.values for row in rows]), axis=0)
    return _spans(shown, np.asarray(np.where(is_void, worst(rows), 0), dtype=np.int64), Known.STALE)


def _quality_strip(group: Group, shown: Grid) -> Strip:
    return Strip(group.value.lower(), tuple(_spans(shown, worst(shown.of(group)), Known.SUSPECT)))


def _spans(shown: Grid, known: Numbers, least: Known) -> Iterator[Span]:
    found = ((first, last, rank) for first, last, rank in shown.spans(known) if rank >= least)
    return _stretched(found, shown)


def _alarm_strips(alarms: Sequence[Alarm], shown: Grid) -> Iterator[Strip]:
    for code in dict.fromkeys(alarm.code for alarm in alarms):
        same = [alarm for alarm in alarms if alarm.code == code]
        spans = [span for alarm in same for span in _stages(alarm, shown.end_s)]
        noted = sorted({at_s - shown.begin_s for alarm in same for at_s in alarm.acknowledged_s})
        seen = [at_s for at_s in noted if 0 <= at_s <= shown.end_s - shown.begin_s]
        yield Strip(code, tuple(_stretched(spans, shown)), _thinned(seen, shown))


def _stages(alarm: Alarm, end_s: float) -> Iterator[tuple[float, float, int]]:
    ends = [*(stage.at_s for stage in alarm.stages[1:]), end_s if alarm.cleared_s is None else alarm.cleared_s]
    for stage, until_s in zip(alarm.stages, ends, strict=True):
        yield stage.at_s, until_s, SEVERITIES.index(stage.severity) + 1


def _stretched(spans: Iterable[tuple[float, float, int]], shown: Grid) -> Iterator[Span]:
    ranks = painted(spans, shown.begin_s, shown.end_s, COLUMNS)
    column_s = (shown.end_s - shown.begin_s) / COLUMNS
    for first, last, rank in stretches(ranks):
        yield Span(first * column_s, last * column_s, rank)


def _thinned(moments: Sequence[float], shown: Grid) -> tuple[float, ...]:
    """Return one moment of each column that has any."""
    column_s = (shown.end_s - shown.begin_s) / COLUMNS
    return tuple({int(at_s / column_s): at_s for at_s in moments}.values())
