"""A report as one HTML page that needs nothing from outside: no script, no font, no network.

1. Everything that comes from a run is shown through `observers.templates`: the template has no other way to say
   anything.
2. The same report gives the same bytes. Times are UTC.
3. Whatever could be long is bounded, and what is left out is counted beside it.
"""

import shlex
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final, Generic, TypeVar

from jinja2 import Environment

from observers.costs import Cost, usd
from observers.inbox import Request, Standing
from observers.outline import ASKS, DONE, GIVEN_UP, RUNNING
from observers.report.scale import duration
from observers.report.sequence import diagram
from observers.report.timeline import timeline
from observers.report.values import DAMAGED, Attempt, Fate, RunReport
from observers.templates import environment
from protocol.messages import Mark
from protocol.names import render_timestamp

MOST_ATTEMPTS: Final = 400
MOST_ROWS: Final = 200  # of any other table
MOST_BY_TASK: Final = 50
_GATES: Final = ("input", "hallucination", "boundary", "output", "escalation")
_SIGNS: Final = {
    Mark.PASSED.value: ("✓", "passed"),
    Mark.REJECTED.value: ("✗", "refused"),
    Mark.ESCALATED.value: ("!", "raised"),
    Mark.TRIGGERED.value: ("!", "raised"),
}
_TONES: Final = {DONE: "good", GIVEN_UP: "bad", DAMAGED: "bad", ASKS: "person", RUNNING: "going"}
_LONGEST: Final = 600  # characters of a text that is shown as a whole
_UNITS: Final = ((1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB"))
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Bounded(Generic[T]):
    """The rows of a table for which there is room. total: how many there are."""

    rows: tuple[T, ...]
    total: int

    @property
    def is_cut(self) -> bool:
        return len(self.rows) < self.total


def render(report: RunReport) -> str:
    """Return the page of a report."""
    return (
        _environment()
        .get_template("page.html.jinja")
        .render(
            report=report,
            run=shlex.quote(report.folder),
            stands=report.stands.partition(":")[0],
            tone=_TONES.get(report.stands, "idle"),
            is_asking=report.stands == ASKS,
            open_requests=[one for one in report.requests if one.standing(report.now_ns) is Standing.OPEN],
            timeline=timeline(report),
            diagram=diagram(report.talk, report.began_ns),
            attempts=_attempts(report.attempts),
            unbegun=_bounded(report.unbegun or ()),
            requests=_bounded(report.requests),
            words=_bounded(report.words),
            recoveries=_bounded(report.recoveries),
            artifacts=_bounded(report.artifacts),
            results=_bounded([one for one in report.artifacts if one.is_result]),
            agents=_bounded(report.agents),
            costs=[
                ("agent", _bounded(report.costs.by_agent)),
                ("model", _bounded(report.costs.by_model)),
                ("task", _bounded(report.costs.by_task, MOST_BY_TASK)),
            ],
            spent=_spent(report.costs.by_agent),
            version=version("agent-orchestra"),
        )
    )


def _bounded(rows: Sequence[T], most: int = MOST_ROWS) -> Bounded[T]:
    return Bounded(tuple(rows[:most]), len(rows))


def _attempts(attempts: Sequence[Attempt]) -> Bounded[Attempt]:
    """Return the attempts there is room for, in order: those that were not simply accepted before the others."""
    ranked = sorted(attempts, key=lambda one: (one.fate is Fate.ACCEPTED, one.at))
    return Bounded(tuple(sorted(ranked[:MOST_ATTEMPTS], key=lambda one: one.at)), len(attempts))


@cache
def _environment() -> Environment:
    made = environment(Path(__file__).parent)
    filters: dict[str, Callable[..., Any]] = {
        "clock": _clock,
        "cut": _cut,
        "duration": duration,
        "marks": _marks,
        "price": _price,
        "said": _said,
        "size": _size,
    }
    made.filters.update(filters)
    return made


def _clock(stamp_ns: int) -> str:
    """Return a moment in UTC, to the millisecond."""
    second, _, fraction = render_timestamp(stamp_ns).rstrip("Z").partition(".")
    return f"{second.replace('T', ' ')}.{fraction[:3].ljust(3, '0')}"


def _cut(text: str, most: int = _LONGEST) -> str:
    return text if len(text) <= most else f"{text[:most]}… ({len(text) - most:,} more characters)"


def _size(count: int | None) -> str:
    """Return a number of bytes as people read it, and exactly."""
    if count is None:
        return "unknown"
    rough = next((f" ({count / unit:.1f} {name})" for unit, name in _UNITS if count >= unit), "")
    return f"{count:,} bytes{rough}"


def _marks(marks: Iterable[str]) -> list[tuple[int, str, str, str, str]]:
    """Return of each gate: its number, its name, its sign, how it looks, and what it said."""
    signs = [(mark, *_SIGNS.get(mark, ("–", "silent"))) for mark in marks]
    return [
        (number, name, sign, tone, mark or "nothing")
        for number, (name, (mark, sign, tone)) in enumerate(zip(_GATES, signs, strict=False), 1)
    ]


def _price(cost: Cost) -> str:
    if cost.unpriced == cost.calls:
        return "unknown"
    return usd(cost.nano_usd) + (f" and {cost.unpriced} calls of unknown price" if cost.unpriced else "")


def _spent(by_agent: Sequence[Cost]) -> str:
    """Return what a run has cost as a whole."""
    unpriced = sum(cost.unpriced for cost in by_agent)
    known = f"{usd(sum(cost.nano_usd for cost in by_agent))} USD"
    return known + (f" and {unpriced} calls of unknown price" if unpriced else "")


def _said(request: Request, now_ns: int) -> str:
    """Return what a person said to a request, or how it stands."""
    said = request.settlement
    if said is None:
        return {
            Standing.OPEN: "not answered yet",
            Standing.LAPSED: "nobody answered in time, which is a refusal",
        }.get(request.standing(now_ns), "withdrawn before anybody answered")
    words = f": {said.text}" if said.text else ""
    return f"{said.choice} by {said.person or 'a person who is not named'}{words}"
