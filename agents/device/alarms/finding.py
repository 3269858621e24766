"""What a rule watches among the readings of one moment, and how bad it is there. Nothing is remembered here."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import inf
from typing import Final

from agents.device.alarms.rules import Rule, Side, Watch, When
from agents.device.quantities import CURRENT, OWN, OWN_CODE, PACK, SOURCE, is_cell, is_cell_temperature
from protocol.bodies import Quality, Reading

# Ampere: from where on a pack counts as charging, and as at rest; once an alarm is on, the second value ends that.
_CHARGING_A: Final = (1.0, 0.5)
_RESTING_A: Final = (5.0, 7.5)
_OF_VALUES: Final[Mapping[Watch, Callable[[str], bool]]] = {
    Watch.CELL_VOLTAGE: is_cell,
    Watch.PACK_VOLTAGE: PACK.__eq__,
    Watch.TEMPERATURE: is_cell_temperature,
    Watch.CURRENT: CURRENT.__eq__,
}


@dataclass(frozen=True, slots=True)
class Found:
    """What a rule watches, at one moment. is_sure: it may clear an alarm."""

    value: float
    name: str
    is_sure: bool


@dataclass(frozen=True, slots=True)
class Group:
    """The usable values of one kind with their names, the smallest first. is_sure: none is doubted or missing."""

    values: Sequence[tuple[float, str]]
    is_sure: bool


@dataclass(frozen=True, slots=True)
class Moment:
    """All that rules look at. at_s: monotonic; silence_s: since the device was heard, 0 where it has just spoken.

    groups: by what is watched. Many rules watch one, so each is put together once, not for each rule. known: the names
    of what has been read so far. gap_s: the longest silence that is none.
    """

    at_s: float
    readings: Sequence[Reading]
    groups: Mapping[Watch, Group]
    is_heard: bool
    silence_s: float
    known: frozenset[str]
    gap_s: float


def found_of(rule: Rule, moment: Moment, is_on: bool) -> Found | None:
    """Return what a rule watches; None where nothing can be told of it now. is_on: its alarm is on already."""
    if rule.watch is Watch.SILENCE:
        # A device that is asked seldom is not lost between two answers.
        silence_s = moment.silence_s if moment.silence_s > moment.gap_s else 0.0
        return Found(silence_s, "the silence", is_sure=True)
    if not moment.is_heard:
        return None
    if rule.watch is Watch.DEVICE:
        return _said_by_device(rule, moment)
    if rule.watch is Watch.LOST:
        lost = sorted((one.name for one in moment.readings if _is_lost(one, moment.known)), key=_is_no_source)
        return Found(float(len(lost)), _listed("lost", lost), is_sure=True)
    if rule.watch is Watch.DOUBTED:
        doubted = [one.name for one in moment.readings if one.quality is Quality.SUSPECT and _is_vital(one.name)]
        return Found(float(len(doubted)), _listed("doubted", doubted), is_sure=True)
    found = _worst(rule, moment)
    return found if found is None else _while(rule, found, moment, is_on)


def _said_by_device(rule: Rule, moment: Moment) -> Found | None:
    name = f"{OWN}{rule.code.removeprefix(OWN_CODE)}"
    said = next((one for one in moment.readings if one.name == name), None)
    return None if said is None else Found(float(said.value), name, is_sure=True)


def groups_of(readings: Sequence[Reading], known: frozenset[str]) -> Mapping[Watch, Group]:
    """Return the values of a moment by what is watched. known: the names of what has been read so far."""
    groups = {watch: _group(is_of, readings, known) for watch, is_of in _OF_VALUES.items()}
    return {**groups, Watch.CELL_DELTA: groups[Watch.CELL_VOLTAGE]}


def _group(is_of: Callable[[str], bool], readings: Sequence[Reading], known: frozenset[str]) -> Group:
    group = [one for one in readings if is_of(one.name)]
    values = sorted((float(one.value), one.name) for one in group if one.quality.is_usable)
    expected = {name for name in known if is_of(name)}
    # What never was there, such as a sensor that is not fitted, is not waited for; a cell is always there.
    counts = {one.name: one.quality for one in group if one.name in expected or is_cell(one.name)}
    is_sure = expected <= counts.keys() and all(quality is Quality.GOOD for quality in counts.values())
    return Group(values, is_sure)


def _worst(rule: Rule, moment: Moment) -> Found | None:
    """Return the value of a group that is nearest to its limit, or beyond it by most."""
    group = moment.groups[rule.watch]
    if not group.values:
        return None
    low, high = group.values[0], group.values[-1]
    if rule.watch is Watch.CELL_DELTA:
        return Found(round(high[0] - low[0], 6), f"{high[1]} less {low[1]}", group.is_sure)
    if rule.watch is Watch.CURRENT:
        low = high = max((abs(value), name) for value, name in group.values)
    value, name = high if rule.side is Side.ABOVE else low
    return Found(value, name, group.is_sure)


def _while(rule: Rule, found: Found, moment: Moment, is_on: bool) -> Found:
    """Return what was found, or where the rule does not hold now, a value that is as far from its limit as can be."""
    nowhere = -inf if rule.side is Side.ABOVE else inf
    if not _is_flat(rule, moment):
        return Found(nowhere, "the middle cell", found.is_sure)
    current = moment.groups[Watch.CURRENT]
    if rule.when is When.ALWAYS or not current.values or _holds(rule.when, current.values[0][0], is_on):
        return found
    return Found(nowhere, rule.when.value, current.is_sure)


def _is_flat(rule: Rule, moment: Moment) -> bool:
    """Return whether the middle cell is where the rule holds: the middle one, as a bad one would hide itself."""
    cells = moment.groups[Watch.CELL_VOLTAGE].values
    if rule.flat_v is None or not cells:
        return True
    return rule.flat_v[0] <= cells[len(cells) // 2][0] <= rule.flat_v[1]


def _holds(when: When, current_a: float, is_on: bool) -> bool:
    if when is When.CHARGING:
        return current_a > _CHARGING_A[is_on]
    return abs(current_a) < _RESTING_A[is_on]


def _is_lost(reading: Reading, known: frozenset[str]) -> bool:
    return not reading.quality.is_usable and (reading.name in known or is_cell(reading.name))


def _is_vital(name: str) -> bool:
    return any(is_watched(name) for is_watched in _OF_VALUES.values())


def _listed(what: str, names: Sequence[str]) -> str:
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return f"the number of readings {what} ({', '.join(names[:3]) or 'none'}{more})"


def _is_no_source(name: str) -> bool:
    """Whether a reading is one among many, and not a whole source of them."""
    return not name.startswith(SOURCE)
