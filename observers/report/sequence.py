"""Who said what to whom, in order: a lifeline for each agent, an arrow for each message. Places and words only.

The picture is cut into strips, each with the names above it: so it can be read on a small screen, and printed.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from observers.report.scale import duration
from observers.report.values import Said, Talk
from protocol.bodies import Decision
from protocol.messages import MessageType
from protocol.topics import HUMAN

MOST_LIFELINES: Final = 10
OTHERS: Final = "others"
_ROWS: Final = 20  # of a strip
_GUTTER: Final = 104.0  # for sequence and time
_COLUMN: Final = 150.0
_HEAD, _ROW = 34.0, 30.0
_LETTER: Final = 6.0
_TROUBLE: Final = (MessageType.ESCALATION, MessageType.LOST, MessageType.ALERT, MessageType.REFUSAL)


@dataclass(frozen=True, slots=True)
class Lifeline:
    name: str
    x: float


@dataclass(frozen=True, slots=True)
class Arrow:
    """One message. y: of its line. kind: plain, good, bad, trouble or person.

    text_x, anchor: where its label stands.
    """

    y: float
    start: float
    end: float
    kind: str
    label: str
    text_x: float
    anchor: str
    sequence: int
    when: str
    told: str


@dataclass(frozen=True, slots=True)
class Gap:
    """Where messages are left out. y: of its middle."""

    y: float
    messages: int


@dataclass(frozen=True, slots=True)
class Strip:
    """Some of the messages. first, last: their sequences."""

    width: float
    height: float
    arrows: tuple[Arrow, ...]
    gaps: tuple[Gap, ...]
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Diagram:
    lifelines: tuple[Lifeline, ...]
    strips: tuple[Strip, ...]


def diagram(talk: Talk, began_ns: int) -> Diagram:
    """Return the sequence diagram of what was said. began_ns: from when its times are counted."""
    names = _names(talk.shown)
    places = {name: _GUTTER + _COLUMN * (number + 0.5) for number, name in enumerate(names)}
    width = _GUTTER + _COLUMN * max(1, len(names))
    rows = list(_rows(talk))
    parts = [rows[start : start + _ROWS] for start in range(0, len(rows), _ROWS)]
    strips = tuple(_strip(part, places, width, began_ns) for part in parts)
    return Diagram(tuple(Lifeline(name, x) for name, x in places.items()), strips)


def _names(shown: Sequence[Said]) -> list[str]:
    """Return who has a lifeline: whoever says and hears most, in the order in which they come up."""
    counts: Counter[str] = Counter()
    for said in shown:
        counts.update((said.sender, said.heard_by))
    kept = {name for name, _ in counts.most_common(MOST_LIFELINES if len(counts) <= MOST_LIFELINES else 9)}
    if HUMAN in counts:  # what concerns people is what is looked for
        kept.add(HUMAN)
    ordered = [name for name in counts if name in kept]
    return ordered if len(kept) == len(counts) else [*ordered, OTHERS]


def _rows(talk: Talk) -> Iterator[Said | int]:
    """Yield what is shown, and in between how many are left out where there are any."""
    before = 0
    for said in talk.shown:
        if said.place > before + 1:
            yield said.place - before - 1
        yield said
        before = said.place


def _strip(rows: Sequence[Said | int], places: dict[str, float], width: float, began_ns: int) -> Strip:
    arrows, gaps = [], []
    for number, row in enumerate(rows):
        y = _HEAD + _ROW * (number + 0.75)
        if isinstance(row, int):
            gaps.append(Gap(y - 6, row))
        else:
            arrows.append(_arrow(row, places, width, began_ns, y))
    sequences = [arrow.sequence for arrow in arrows] or [0]
    return Strip(width, _HEAD + _ROW * len(rows) + 10, tuple(arrows), tuple(gaps), sequences[0], sequences[-1])


def _arrow(said: Said, places: dict[str, float], width: float, began_ns: int, y: float) -> Arrow:
    start = places.get(said.sender, places.get(OTHERS, _GUTTER))
    end = places.get(said.heard_by, places.get(OTHERS, _GUTTER))
    left, right = min(start, end), max(start, end)
    # From the end with more room before it, so that as much as possible can be read.
    is_from_left = width - left >= right - _GUTTER
    room = (width - left if is_from_left else right - _GUTTER) - 16
    what = f"{said.type.value} {said.decision.value}" if said.decision else said.type.value
    label = f"{what} · {said.task}"
    most = int(room / _LETTER)
    return Arrow(
        y=y,
        start=start,
        end=end if end != start else start + 14,
        kind=_kind(said),
        label=label if len(label) <= most else f"{label[: most - 1]}…",
        text_x=left + 8 if is_from_left else right - 8,
        anchor="start" if is_from_left else "end",
        sequence=said.sequence,
        when=f"+{duration(said.recorded_ns - began_ns)}",
        told=f"{said.sequence}: {said.sender} to {said.heard_by}, {label}: {said.text}",
    )


def _kind(said: Said) -> str:
    if said.decision is not None:
        return "good" if said.decision is Decision.PASS else "bad"
    if HUMAN in (said.sender, said.heard_by):
        return "person"
    return "trouble" if said.type in _TROUBLE else "plain"
