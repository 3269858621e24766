"""Who did what when: a lane for each agent, a bar for each attempt. Places and words only; the page draws them.

1. At most MOST_BARS bars in at most MOST_LANES lanes: first what was not simply accepted, then the longest.
2. What is left out is counted, and a line above the lane's bars shows when the agent was busy, with it.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import zip_longest
from typing import Final

from observers.inbox import Request
from observers.report.scale import Scale, Tick, duration, scale
from observers.report.values import Attempt, Fate, RunReport
from protocol.topics import HUMAN

MOST_BARS: Final = 600
MOST_LANES: Final = 40
WIDTH: Final = 960
_MARGIN: Final = 14.0
_AXIS, _CUTS = 34.0, 14.0  # the height of the axis, and of the line below it that tells what is cut out
_NAME, _ROW, _BAR, _GAP = 22.0, 19.0, 15.0, 12.0
_MOST_ROWS: Final = 10  # attempts at the same time that a lane shows
_LEAST: Final = 3.0  # the width of a bar
_LETTER: Final = 6.1
_LEAST_LETTERS: Final = 5  # fewer would be no word
_JUDGED: Final = (Fate.ACCEPTED, Fate.REJECTED, Fate.ESCALATED)
ASKED: Final = "asked"


@dataclass(frozen=True, slots=True)
class Bar:
    """One attempt, or one request to a person. kind: what became of it. told: all there is to say, for a tooltip.

    is_outside: its label stands to the right of it.
    """

    x: float
    y: float
    width: float
    height: float
    kind: str
    label: str
    told: str
    is_outside: bool = False


@dataclass(frozen=True, slots=True)
class Lane:
    """One agent. note: what it did, in numbers.

    busy: from where to where it had work; none where all of its bars are shown.
    """

    name: str
    note: str
    y: float
    bars: tuple[Bar, ...]
    busy: tuple[tuple[float, float], ...] = ()


@dataclass(frozen=True, slots=True)
class Timeline:
    """The picture. kinds: which occur, for the legend. left_out: how many bars are not shown; lanes_left_out: lanes."""

    width: int
    height: float
    lanes: tuple[Lane, ...]
    ticks: tuple[Tick, ...]
    breaks: tuple[Tick, ...]
    kinds: tuple[str, ...]
    shown: int
    left_out: int
    lanes_left_out: int


@dataclass(frozen=True, slots=True)
class _Stretch:
    """What becomes a bar."""

    lane: str
    begin_ns: int
    end_ns: int
    kind: str
    label: str
    told: str
    is_judged: bool

    @property
    def rank(self) -> tuple[bool, int]:
        """What goes first: what is special, then what is long."""
        return self.kind == Fate.ACCEPTED.value, self.begin_ns - self.end_ns


def timeline(report: RunReport) -> Timeline:
    """Return the timeline of a run."""
    stretches = [_attempted(one, report) for one in report.attempts]
    stretches += [_requested(one, report) for one in report.requests]
    scaled = _scale(report, stretches)
    lanes: dict[str, list[_Stretch]] = {}
    for one in stretches:
        lanes.setdefault(one.lane, []).append(one)
    most = sorted(lanes, key=lambda name: -len(lanes[name]))[:MOST_LANES]
    chosen = _chosen([one for name in most for one in lanes[name]])
    drawn, y = [], _AXIS + (_CUTS if scaled.breaks else 0)
    for name in (name for name in lanes if name in most):
        lane, y = _lane(name, lanes[name], chosen, scaled, y)
        drawn.append(lane)
    shown = sum(len(lane.bars) for lane in drawn)
    return Timeline(
        width=WIDTH,
        height=y,
        lanes=tuple(drawn),
        ticks=scaled.ticks(),
        breaks=scaled.breaks,
        kinds=tuple(dict.fromkeys(bar.kind for lane in drawn for bar in lane.bars)),
        shown=shown,
        left_out=len(stretches) - shown,
        lanes_left_out=len(lanes) - len(drawn),
    )


def _attempted(one: Attempt, report: RunReport) -> _Stretch:
    end_ns = one.ended_ns or report.ended_ns
    number = f", attempt {one.number}" if one.number else ""
    waited = f" after waiting {duration(one.claimed_ns - one.assigned_ns)}" if one.claimed_ns else ""
    told = f"{one.task}{number}: {one.fate.value}; {duration(end_ns - one.began_ns)}{waited}"
    if one.judgement is not None and one.fate is not Fate.ACCEPTED:
        told += f"; {one.judgement.reason[:300]}"
    label = one.task if (one.number or 1) == 1 else f"{one.task} ({one.number})"
    kind, is_judged = one.fate.value, one.fate in _JUDGED and not one.is_mission
    return _Stretch(one.agent, one.began_ns, max(end_ns, one.began_ns), kind, label, told, is_judged)


def _requested(one: Request, report: RunReport) -> _Stretch:
    said = one.settlement
    end_ns = said.said_ns if said else report.ended_ns
    answer = f"{said.choice} by {said.person or 'a person'}" if said else one.standing(report.now_ns).value
    told = f"{one.kind.value} about {one.task}: {answer}; {duration(end_ns - one.asked_ns)}"
    return _Stretch(HUMAN, one.asked_ns, max(end_ns, one.asked_ns), ASKED, one.task, told, False)


def _scale(report: RunReport, stretches: Sequence[_Stretch]) -> Scale:
    """Return the scale from the first that was given out, or asked, to the end of the journal."""
    first_ns = min((one.begin_ns for one in stretches), default=report.began_ns)
    moments = {first_ns, report.ended_ns, *(at_ns for at_ns in report.starts_ns if at_ns > first_ns)}
    for one in stretches:
        moments |= {one.begin_ns, one.end_ns}
    busy = [(one.begin_ns, one.end_ns) for one in stretches if one.is_judged]
    return scale(moments, busy, _MARGIN, WIDTH - _MARGIN, report.began_ns)


def _chosen(stretches: Iterable[_Stretch]) -> set[int]:
    """Return which stretches there is room for, by identity: two of them may be equal."""
    return {id(one) for one in sorted(stretches, key=lambda one: one.rank)[:MOST_BARS]}


def _lane(name: str, stretches: list[_Stretch], chosen: set[int], scaled: Scale, y: float) -> tuple[Lane, float]:
    """Return a lane that begins at y, and where the next one begins."""
    rows: list[list[Bar]] = []
    for one in sorted((one for one in stretches if id(one) in chosen), key=lambda one: one.begin_ns):
        x = scaled.x(one.begin_ns)
        row = next((row for row, bars in enumerate(rows) if bars[-1].x + bars[-1].width <= x + 0.01), len(rows))
        if row == _MOST_ROWS:
            continue
        rows += [[]] if row == len(rows) else []
        width = max(_LEAST, scaled.x(one.end_ns) - x)
        rows[row].append(Bar(x, y + _NAME + row * _ROW, width, _BAR, one.kind, one.label, one.told))
    bars = tuple(bar for row in rows for bar in _labelled(row))
    accepted = sum(one.kind == Fate.ACCEPTED.value for one in stretches)
    note = f"{len(stretches):,} asked" if name == HUMAN else f"{accepted:,} of {len(stretches):,} accepted"
    busy = _busy(stretches, scaled) if len(bars) < len(stretches) else ()
    return Lane(name, note, y, bars, busy), y + _NAME + max(1, len(rows)) * _ROW + _GAP


def _labelled(row: Sequence[Bar]) -> Iterator[Bar]:
    """Yield the bars of a row with as much of their labels as there is room for: in the bar, or else after it."""
    for bar, after in zip_longest(row, row[1:]):
        inside = int((bar.width - 6) / _LETTER)
        outside = int(((after.x if after else WIDTH) - bar.x - bar.width - 8) / _LETTER)
        if len(bar.label) <= inside:
            yield bar
        elif len(bar.label) <= outside:
            yield replace(bar, is_outside=True)
        else:
            yield replace(bar, label=f"{bar.label[: inside - 1]}…" if inside >= _LEAST_LETTERS else "")


def _busy(stretches: Iterable[_Stretch], scaled: Scale) -> tuple[tuple[float, float], ...]:
    """Return from where to where a lane had any work, to the pixel."""
    found: list[tuple[float, float]] = []
    for begin, end in sorted((scaled.x(one.begin_ns), scaled.x(one.end_ns)) for one in stretches):
        if found and begin <= found[-1][1] + 1:
            found[-1] = (found[-1][0], max(found[-1][1], end))
        else:
            found.append((begin, end + 1))
    return tuple(found)
