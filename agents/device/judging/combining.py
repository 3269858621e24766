"""Several sources of one pack, such as its BMS and a monitor beside it, as one set of readings.

1. Every source is judged by itself, against its own past. What both measure is the worse of the two, and doubted where
   good ones do not agree; what one alone measures is taken as it is.
2. Where one falls silent the others go on, and that it is silent is a reading of its own, `source-NAME`: 1 while it
   speaks, 0 until it has spoken, absent once it is lost.
3. Sensors of temperature sit at places of their own: those of a second source bear its name.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final

from agents.device.judging.limits import Limits
from agents.device.judging.past import NOTHING, Past
from agents.device.judging.plausibility import Judged, aged, judge, worst_of
from agents.device.quantities import CURRENT, PACK, SOC, SOURCE, is_cell, is_cell_temperature, is_temperature
from agents.device.status import Status
from protocol.bodies import Quality, Reading

_MIDDLE_V: Final = 3.075  # of a cell, between empty and full: what lies further from it is nearer to a limit
_MIDDLE_PERCENT: Final = 50.0


@dataclass(frozen=True, slots=True)
class Heard:
    """One source of a pack. since_s: when it was listened to first; at_s: when it spoke last, None: it never has."""

    since_s: float
    past: Past = NOTHING
    latest: Mapping[str, Judged] = field(default_factory=dict)
    at_s: float | None = None


def listen(source: Heard, status: Status | None, at_s: float, limits: Limits) -> tuple[Heard, tuple[Judged, ...]]:
    """Return a source after one look at it, and what is new of it: what it says, and what has become old."""
    if status is None:
        news, past = aged(source.past, at_s, limits), source.past
    else:
        news, past = judge(status, source.past, at_s, limits)
    latest = {**source.latest, **{one.reading.name: one for one in news}}
    return Heard(source.since_s, past, latest, source.at_s if status is None else at_s), news


def combined(
    sources: Mapping[str, Heard], news: Mapping[str, Sequence[Judged]], at_s: float, limits: Limits
) -> tuple[Judged, ...]:
    """Return the readings of a pack of which something is new.

    sources, news: by the name of the source, the one that counts first for what is not compared first.
    """
    if len(sources) == 1:
        return tuple(one for judged in news.values() for one in judged)
    names = dict.fromkeys(_called(one.reading.name, source, sources) for source, judged in news.items()
                          for one in judged)  # fmt: skip
    found = [_one(name, sources, limits) for name in names if name is not None]
    return (*found, *(_is_speaking(source, heard, at_s, limits) for source, heard in sources.items()))


def _called(name: str, source: str, sources: Mapping[str, Heard]) -> str | None:
    """Return what a reading of a source is called among those of all; None where it is left out."""
    if not is_temperature(name) or source == next(iter(sources)):
        return name
    return f"{name}-{source}" if is_cell_temperature(name) else None


def _one(name: str, sources: Mapping[str, Heard], limits: Limits) -> Judged:
    said = [judged for source, heard in sources.items() if (judged := _said(name, source, heard, sources))]
    if len(said) == 1:
        return said[0]
    if name in (PACK, CURRENT, SOC) or is_cell(name):
        return worst_of(said, lambda value: _badness(name, value, limits), limits.agreement)
    return next((one for one in said if one.reading.quality.is_usable), said[0])


def _said(name: str, source: str, heard: Heard, sources: Mapping[str, Heard]) -> Judged | None:
    """Return what a source says now under a name of all."""
    own = name.removesuffix(f"-{source}") if is_temperature(name) else name
    judged = heard.latest.get(own)
    if judged is None or _called(own, source, sources) != name:
        return None
    return Judged(judged.reading.model_copy(update={"name": name}), judged.reasons) if own != name else judged


def _badness(name: str, value: float, limits: Limits) -> float:
    if is_cell(name):
        return abs(value - _MIDDLE_V)
    if name == PACK:
        return abs(value - _MIDDLE_V * (limits.cell_count or 16))
    return abs(value - (_MIDDLE_PERCENT if name == SOC else 0.0))


def _is_speaking(source: str, heard: Heard, at_s: float, limits: Limits) -> Judged:
    silent_s = at_s - (heard.since_s if heard.at_s is None else heard.at_s)
    quality = Quality.ABSENT if silent_s > limits.gone_s else Quality.GOOD
    value = Decimal(0) if heard.at_s is None or quality is Quality.ABSENT else Decimal(1)
    reasons = () if quality is Quality.GOOD else (f"it has been silent for {silent_s:.0f} s",)
    return Judged(Reading(name=f"{SOURCE}{source}", unit="1", quality=quality, value=value), reasons)
