"""What has to be remembered of earlier statuses to doubt the next one: a value, folded, never changed in place."""

from collections.abc import Mapping, Set
from dataclasses import dataclass, field
from statistics import median
from typing import Final

from agents.device.judging.limits import Limits
from agents.device.quantities import CURRENT, FULL, NOMINAL, SOC, is_cell, is_cell_temperature
from agents.device.status import Status


@dataclass(frozen=True, slots=True)
class Now:
    """One status at one moment. values: what is left of it without what no sensor sent.

    cells, warmth: the voltages among them, and the temperatures of cells, which have to do with each other.
    """

    at_s: float
    values: Mapping[str, float]
    cells: Mapping[str, float]
    warmth: Mapping[str, float]
    status: Status


def now_of(status: Status, values: Mapping[str, float], at_s: float) -> Now:
    """Return a status as it is checked."""
    cells = {name: value for name, value in values.items() if is_cell(name)}
    warmth = {name: value for name, value in values.items() if is_cell_temperature(name)}
    return Now(at_s, values, cells, warmth, status)


@dataclass(frozen=True, slots=True)
class Held:
    """A value that has not changed: for how many readings, and where the middle of its group stood at the first."""

    value: float
    readings: int
    middle: float


@dataclass(frozen=True, slots=True)
class Mark:
    """A moment that later ones are compared with. charge_ah: what had been counted by then."""

    at_s: float
    charge_ah: float
    soc_percent: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """at_s: of the last status; None: there has been none, or it is too long ago to compare with.

    last: what was said last, and when, believed or not. good: what was last said without breaking with what was before.
    broken: how often in a row it broke.
    changed: when anything was different the last time. counted: likewise for a counter of the device.
    """

    at_s: float | None = None
    last: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    good: Mapping[str, float] = field(default_factory=dict)
    broken: Mapping[str, int] = field(default_factory=dict)
    held: Mapping[str, Held] = field(default_factory=dict)
    current_a: float | None = None
    charge_ah: float = 0.0
    soc_mark: Mark | None = None
    changed: Mark | None = None
    counted: tuple[float, float] | None = None
    against_fets: int = 0


NOTHING: Final = Past()


def recent(past: Past, at_s: float, limits: Limits) -> Past:
    """Return the past as far as it can be compared with: after a gap only what was said last, to be called lost."""
    if past.at_s is None or not 0 <= at_s - past.at_s <= limits.gone_s:
        return Past(last=past.last)
    return past


def after(past: Past, now: Now, broken: Set[str], limits: Limits, *, is_against_fets: bool) -> Past:
    """Return the past with a status in it. broken: what in it breaks with what was before."""
    good = {name: value for name, value in now.values.items() if name not in broken}
    charge_ah = past.charge_ah + (moved_ah(past, now) if CURRENT in good else 0.0)
    old = {name: entry for name, entry in past.last.items() if now.at_s - entry[1] <= limits.forgotten_s}
    return Past(
        at_s=now.at_s,
        last=old | {name: (value, now.at_s) for name, value in now.values.items()},
        good={name: value for name, value in past.good.items() if name in old} | good,
        broken={name: past.broken.get(name, 0) + 1 for name in broken},
        held=_held(past, now),
        current_a=good.get(CURRENT),
        charge_ah=charge_ah,
        soc_mark=_soc_mark(past, Mark(now.at_s, charge_ah, good.get(SOC)), limits),
        changed=_changed(past, now, charge_ah),
        counted=_counted(past, now, limits),
        against_fets=past.against_fets + 1 if is_against_fets else 0,
    )


def moved_ah(past: Past, now: Now) -> float:
    """Return the charge that went in since the last status, by the mean of the two currents."""
    current = now.values.get(CURRENT)
    if past.at_s is None or past.current_a is None or current is None:
        return 0.0
    return (past.current_a + current) / 2 * (now.at_s - past.at_s) / 3600


def counter_of(status: Status, limits: Limits) -> float | None:
    """Return what the device counts up itself, where it does."""
    found = [status.others[name] for name in limits.counters if name in status.others]
    return float(found[0]) if found else None


def capacity_ah(values: Mapping[str, float], limits: Limits) -> float | None:
    """Return how much the pack holds, by the device or by the configuration."""
    return limits.battery_ah or values.get(FULL) or values.get(NOMINAL) or None


def _held(past: Past, now: Now) -> Mapping[str, Held]:
    held: dict[str, Held] = {}
    for group in (now.cells, now.warmth):
        middle = median(group.values()) if group else 0.0
        for name, value in group.items():
            before = past.held.get(name)
            if before is not None and before.value == value:
                held[name] = Held(value, before.readings + 1, before.middle)
            else:
                held[name] = Held(value, 1, middle)
    return held


def _soc_mark(past: Past, here: Mark, limits: Limits) -> Mark | None:
    """Return where counting of charge against SOC begins: anew after each window, and at both ends of SOC."""
    mark, soc = past.soc_mark, here.soc_percent
    if soc is None:
        return mark
    is_old = mark is None or here.at_s - mark.at_s > limits.coulomb_window_s
    return here if is_old or not 0.5 < soc < 99.5 else mark


def _changed(past: Past, now: Now, charge_ah: float) -> Mark:
    is_same = past.changed and all(past.last.get(name, (None,))[0] == value for name, value in now.values.items())
    return past.changed if past.changed and is_same else Mark(now.at_s, charge_ah)


def _counted(past: Past, now: Now, limits: Limits) -> tuple[float, float] | None:
    if (count := counter_of(now.status, limits)) is None:
        return None
    return past.counted if past.counted and past.counted[0] == count else (count, now.at_s)
