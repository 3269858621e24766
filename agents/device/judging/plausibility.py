"""From what a device says to readings that say how far they can be relied on.

1. A reading is good, suspect (a check has a reason against it), stale (older than three periods) or absent (not said,
   or said by a sensor that is not there). An old value is never given again as a new one.
2. Nothing here has a clock or changes anything: time comes as an argument, what was before as a value.
3. Suspect is not harmless: see `agents.device.judging.checks`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from math import isfinite
from typing import Final

from agents.device.judging.checks import BREAKS, CHECKS, Doubts, is_against_fets, rails
from agents.device.judging.limits import Limits
from agents.device.judging.past import Past, after, now_of, recent
from agents.device.quantities import cell_name, unit_of, values_of
from agents.device.status import Status
from protocol.bodies import Quality, Reading

_LARGEST: Final = 1e12  # what a message can hold


@dataclass(frozen=True, slots=True)
class Judged:
    """A reading, and why it is not good; none where it is."""

    reading: Reading
    reasons: tuple[str, ...] = ()


def judge(status: Status, past: Past, at_s: float, limits: Limits) -> tuple[tuple[Judged, ...], Past]:
    """Return the readings of a status, and the past with it. at_s: monotonic.

    Of what an earlier status said and this one does not, those that have become stale or absent are told again.
    """
    past = recent(past, at_s, limits)
    said = values_of(status)
    unusable = {name: "it is no number" for name, value in said.items() if not _fits(value)}
    absent = {**rails({name: said[name] for name in said.keys() - unusable.keys()}, limits), **unusable}
    now = now_of(status, {name: value for name, value in said.items() if name not in absent}, at_s)
    found = {check: check(now, past, limits) for check in CHECKS}
    judged = [_judged(name, value, absent, list(found.values())) for name, value in said.items()]
    missing = [_reading(name, 0.0, Quality.ABSENT, ("nothing was said of it",)) for name in _missing(status, limits)]
    told = said.keys() | {one.reading.name for one in missing}
    old = [one for one in aged(past, at_s, limits) if one.reading.name not in told]
    broken = {name for check in BREAKS for name in found[check]}
    later = after(past, now, broken, limits, is_against_fets=is_against_fets(now, limits))
    return (*judged, *missing, *old), later


def aged(past: Past, at_s: float, limits: Limits) -> tuple[Judged, ...]:
    """Return what has become of values nobody has said again: stale after three periods, then absent."""
    ages = {name: (value, at_s - said_s) for name, (value, said_s) in past.last.items()}
    return tuple(
        _reading(name, value, Quality.ABSENT if age > limits.gone_s else Quality.STALE, (f"it is {age:.1f} s old",))
        for name, (value, age) in ages.items()
        if age > limits.stale_s
    )


def worst_of(
    sources: Sequence[Judged], badness: Callable[[float], float], agreement: Mapping[str, float] | None = None
) -> Judged:
    """Return the worse of what several sources say of one quantity; it is suspect where good ones disagree.

    sources: at least one. badness: greater is worse: the value itself for what must not be high, its negative for what
    must not be low, `abs` for a current. agreement: by unit, how far apart good ones may be.

    A good source is believed before a suspect one that is less bad, not before one that is worse. Where only one is
    left, it is taken: its quality is its own.
    """
    usable = [one for one in sources if one.reading.quality.is_usable]
    if not usable:
        return min(sources, key=lambda one: one.reading.quality is Quality.ABSENT)
    worst = max(usable, key=lambda one: badness(float(one.reading.value)))
    good = [float(one.reading.value) for one in usable if one.reading.quality is Quality.GOOD]
    allowed = (Limits().agreement if agreement is None else agreement).get(worst.reading.unit, 0.0)
    if len(good) < 2 or max(good) - min(good) <= allowed:
        return worst
    reason = f"the sources say {min(good):g} and {max(good):g}"
    return Judged(worst.reading.model_copy(update={"quality": Quality.SUSPECT}), (*worst.reasons, reason))


def _judged(name: str, value: float, absent: Doubts, found: Sequence[Doubts]) -> Judged:
    if name in absent:
        return _reading(name, value, Quality.ABSENT, (absent[name],))
    reasons = tuple(doubts[name] for doubts in found if name in doubts)
    return _reading(name, value, Quality.SUSPECT if reasons else Quality.GOOD, reasons)


def _missing(status: Status, limits: Limits) -> Sequence[str]:
    """Return the cells that should be there and are not, where cells are spoken of at all."""
    expected = limits.cell_count or status.cell_count or 0
    return [cell_name(number) for number in range(1, expected + 1) if status.cells and number not in status.cells]


def _fits(value: float) -> bool:
    return isfinite(value) and abs(value) < _LARGEST


def _reading(name: str, value: float, quality: Quality, reasons: tuple[str, ...]) -> Judged:
    return Judged(_plain(name, value if _fits(value) else 0.0, quality), reasons)


@lru_cache(maxsize=20_000)
def _plain(name: str, value: float, quality: Quality) -> Reading:
    """Return a reading; a battery says the same few thousand again and again."""
    number = Decimal(f"{value:.6f}".rstrip("0").rstrip("."))
    return Reading(name=name, unit=unit_of(name), quality=quality, value=number)
