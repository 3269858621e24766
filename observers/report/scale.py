"""From moments to places on a line: linear, but long stretches in which nothing happens are cut out and marked."""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

BREAK: Final = 42.0  # the width of what stands for a stretch that is cut out
_MOST_TICKS: Final = 9
_NEAR: Final = 56.0  # ticks nearer to one another would run into each other
_DULL_NS: Final = 60_000_000_000  # a shorter stretch is never cut out
_DULL_SHARE: Final = 0.25  # nor one that is less than this of what is left
_MS: Final = 1_000_000
_S, _MIN, _H, _D = 1_000 * _MS, 60_000 * _MS, 3_600_000 * _MS, 86_400_000 * _MS
_STEPS: Final = (
    *(step * _MS for step in (1, 2, 5, 10, 20, 50, 100, 200, 500)),
    *(step * _S for step in (1, 2, 5, 10, 15, 30)),
    *(step * _MIN for step in (1, 2, 5, 10, 15, 30)),
    *(step * _H for step in (1, 2, 3, 6, 12)),
    *(step * _D for step in (1, 2, 5, 10, 30, 100, 300, 1000)),
)


def duration(span_ns: int) -> str:
    """Return a length of time in the unit, or the two units, that people would use."""
    span_ns = max(0, span_ns)
    if span_ns < _S:
        return f"{span_ns / _MS:.0f} ms" if span_ns >= _MS or not span_ns else "under 1 ms"
    if span_ns < _MIN:
        return f"{span_ns / _S:.1f} s".replace(".0 s", " s")
    for unit, name, small, below in ((_MIN, "min", _S, "s"), (_H, "h", _MIN, "min"), (_D, "d", _H, "h")):
        if span_ns < unit * (60 if unit == _MIN else 24) or unit == _D:
            whole, rest = divmod(span_ns, unit)
            return f"{whole} {name} {rest // small} {below}" if rest // small else f"{whole} {name}"
    raise AssertionError("days have no end")


@dataclass(frozen=True, slots=True)
class Tick:
    """A mark on the axis."""

    x: float
    label: str


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch that is drawn, from one moment and place to another."""

    begin_ns: int
    end_ns: int
    left: float
    right: float


@dataclass(frozen=True, slots=True)
class Scale:
    """Pieces of time side by side. breaks: where something is cut out between them, and how long it took.

    zero_ns: the moment from which its marks are counted.
    """

    pieces: tuple[Piece, ...]
    breaks: tuple[Tick, ...]
    zero_ns: int

    def x(self, at_ns: int) -> float:
        """Return where a moment stands; what was cut out stands in the middle of its break."""
        place = bisect_right([piece.begin_ns for piece in self.pieces], at_ns) - 1
        piece = self.pieces[max(0, place)]
        if at_ns > piece.end_ns and place + 1 < len(self.pieces):
            return piece.right + BREAK / 2
        span_ns = max(1, piece.end_ns - piece.begin_ns)
        share = min(1.0, max(0.0, (at_ns - piece.begin_ns) / span_ns))
        return piece.left + share * (piece.right - piece.left)

    def ticks(self) -> tuple[Tick, ...]:
        """Return the marks of the axis."""
        zero_ns = self.zero_ns
        drawn_ns = sum(piece.end_ns - piece.begin_ns for piece in self.pieces)
        step_ns = next((step for step in _STEPS if drawn_ns <= step * _MOST_TICKS), _STEPS[-1])
        found: list[Tick] = []
        for piece in self.pieces:
            first_ns = -(-(piece.begin_ns - zero_ns) // step_ns) * step_ns
            moments = list(range(first_ns, piece.end_ns - zero_ns + 1, step_ns))
            for offset_ns in moments or [piece.begin_ns - zero_ns]:
                tick = Tick(self.x(zero_ns + offset_ns), f"+{duration(offset_ns)}" if offset_ns else "0")
                if not found or (tick.x - found[-1].x >= _NEAR and tick.label != found[-1].label):
                    found.append(tick)
        return tuple(found)


def scale(
    moments: Iterable[int], busy: Iterable[tuple[int, int]], left: float, right: float, zero_ns: int | None = None
) -> Scale:
    """Return the scale on which these moments, nanoseconds, lie between two places.

    busy: from when to when something was being done, though nothing was said; that is never cut out. zero_ns: from when
    its marks are counted; None: from the first moment.
    """
    ordered = sorted(set(moments)) or [0]
    cut = _dull(ordered, _merged(busy))
    edges = [ordered[0], *(edge for stretch in cut for edge in stretch), ordered[-1]]
    stretches = list(zip(edges[::2], edges[1::2], strict=True))
    drawn_ns = max(1, sum(end - begin for begin, end in stretches))
    room, x, pieces = right - left - BREAK * len(cut), left, list[Piece]()
    for begin_ns, end_ns in stretches:
        wide = room * (end_ns - begin_ns) / drawn_ns
        pieces.append(Piece(begin_ns, end_ns, x, x + wide))
        x += wide + BREAK
    breaks = [Tick(one.right + BREAK / 2, duration(other.begin_ns - one.end_ns)) for one, other in pairwise(pieces)]
    return Scale(tuple(pieces), tuple(breaks), ordered[0] if zero_ns is None else zero_ns)


def _dull(ordered: Sequence[int], busy: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return the stretches to cut out, in order: each is much of what is left without the longer ones."""
    left_ns, found = ordered[-1] - ordered[0], []
    for begin, end in sorted(pairwise(ordered), key=lambda pair: pair[0] - pair[1]):
        span_ns = end - begin
        if span_ns < _DULL_NS or span_ns < left_ns * _DULL_SHARE:
            break
        if not _is_in(begin, end, busy):
            found.append((begin, end))
            left_ns -= span_ns
    return sorted(found)


def _is_in(begin: int, end: int, stretches: Sequence[tuple[int, int]]) -> bool:
    place = bisect_right(stretches, (begin, end)) - 1
    near = stretches[max(0, place) : place + 2]
    return any(first <= begin and end <= last for first, last in near)


def _merged(stretches: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return stretches that do not touch, in order, which cover the same."""
    found: list[tuple[int, int]] = []
    for begin, end in sorted(stretches):
        if found and begin <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], end))
        else:
            found.append((begin, end))
    return found
