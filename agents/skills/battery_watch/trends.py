"""Where a pack is going: the slopes of its least-squares lines, and when the first of them reaches a limit.

Source: least squares as in statistics.linear_regression.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import linear_regression
from typing import Final

from agents.device.quantities import PACK
from agents.skills.battery_watch.extremes import NO_CELLS, first_most
from agents.skills.battery_watch.seen import DIGITS, Seen
from agents.skills.battery_watch.words import called, ends, known, not_known
from gates.design.words import quantity
from gates.telemetry.assessment import Finding
from gates.telemetry.kinds import AHEAD_H, TREND_ROWS, TREND_S, WITHIN, Kind
from gates.telemetry.window import CELL_HIGH, CELL_LOW, LIMIT_UNITS, TEMPERATURE_HIGH

NOT_AHEAD: Final = f"nothing goes there within {AHEAD_H} h as it goes now"
_NO_TREND: Final = f"there are less than {TREND_ROWS} rows or less than {TREND_S} s to tell a trend from"


@dataclass(frozen=True, slots=True)
class _Line:
    """A least-squares line. slope: by the hour; end: where it stands at the last value."""

    slope: float
    end: float


def _line(seen: Seen, column: Sequence[float]) -> _Line | None:
    places = seen.places(column)
    if len(places) < TREND_ROWS or seen.times[places[-1]] - seen.times[places[0]] < TREND_S * 10**9:
        return None
    hours, values = [seen.hours[place] for place in places], [column[place] for place in places]
    fit = linear_regression(hours, values)
    return _Line(fit.slope, fit.intercept + fit.slope * hours[-1])


def voltage_trend(seen: Seen) -> Finding:
    line = _line(seen, seen.volts)
    if line is None:
        return not_known(seen, Kind.VOLTAGE_TREND, _NO_TREND)
    text = f"the voltage {_way(line.slope, 'rises', 'falls')}"
    return known(seen, Kind.VOLTAGE_TREND, line.slope, text, ends(seen, PACK))


def _way(slope: float, up: str, down: str) -> str:
    return f"{up if slope >= 0 else down} by {{size}}"


def imbalance_trend(seen: Seen) -> Finding:
    line = _line(seen, seen.spread) if len(seen.cells) > 1 else None
    if line is None:
        return not_known(seen, Kind.IMBALANCE_TREND, NO_CELLS if len(seen.cells) < 2 else _NO_TREND)
    text = f"the imbalance {_way(line.slope, 'grows', 'shrinks')}"
    return known(seen, Kind.IMBALANCE_TREND, line.slope * 1000, text)


def temperature_trend(seen: Seen) -> Finding:
    hottest = first_most(seen.sensors)
    if hottest is None:
        return not_known(seen, Kind.TEMPERATURE_TREND, "no good temperature of the cells was told")
    name = hottest[0]
    line = _line(seen, seen.sensors[name])
    if line is None:
        return not_known(seen, Kind.TEMPERATURE_TREND, _NO_TREND)
    text = f"{called(name)} {_way(line.slope, 'warms up', 'cools down')}"
    return known(seen, Kind.TEMPERATURE_TREND, line.slope, text, ends(seen, name))


def time_to_high(seen: Seen) -> Finding:
    return _time_to(seen, Kind.TIME_TO_HIGH, seen.cells, CELL_HIGH, 1)


def time_to_low(seen: Seen) -> Finding:
    return _time_to(seen, Kind.TIME_TO_LOW, seen.cells, CELL_LOW, -1)


def time_to_hot(seen: Seen) -> Finding:
    return _time_to(seen, Kind.TIME_TO_HOT, seen.sensors, TEMPERATURE_HIGH, 1)


def _time_to(seen: Seen, kind: Kind, columns: Mapping[str, Sequence[float]], limit: str, side: int) -> Finding:
    """Return when the first of some columns is at a limit. side: 1 from below, -1 from above."""
    if limit not in seen.limits:
        return not_known(seen, kind, f"no limit {limit} is given")
    lines = {name: line for name, column in columns.items() if (line := _line(seen, column))}
    if not lines:
        return not_known(seen, kind, _NO_TREND)
    at = float(seen.limits[limit])
    hours = {name: left for name, line in lines.items() if (left := _hours(at, line, side)) is not None}
    if not hours:
        return not_known(seen, kind, NOT_AHEAD)
    name = min(hours, key=lambda name: hours[name])
    shown = quantity(seen.limits[limit], LIMIT_UNITS[limit])
    text = f"{called(name)} is at {shown} in {{}} if it goes on like this"
    there = f"{called(name)} is at {shown} or beyond by its trend"
    evidence = ends(seen, name)[-1:]
    return known(seen, kind, hours[name], text if hours[name] else there, evidence)


def _hours(at: float, line: _Line, side: int) -> float | None:
    left, slope = (at - line.end) * side, line.slope * side
    if round(left, DIGITS) <= float(WITHIN):
        return 0.0
    hours = left / slope if slope > 0 else float("inf")
    return hours if round(hours, 2) <= AHEAD_H else None
