"""What is found out about a pack, kind by kind, as gates.telemetry.kinds defines it.

Floats, sums without loss (math.fsum) and the standard library's statistics. The gate works every figure out once
more in another way and holds these to it.
"""

from collections.abc import Callable
from itertools import pairwise
from math import fsum
from typing import Final

from agents.skills.battery_watch.extremes import highest_cell, hottest, imbalance, lowest_cell, strongest, weakest
from agents.skills.battery_watch.flows import capacity, charge, energy, resistance
from agents.skills.battery_watch.seen import Seen
from agents.skills.battery_watch.trends import (
    imbalance_trend,
    temperature_trend,
    time_to_high,
    time_to_hot,
    time_to_low,
    voltage_trend,
)
from agents.skills.battery_watch.words import known, not_known
from gates.telemetry.assessment import Finding
from gates.telemetry.kinds import Kind
from protocol.bodies import AlertState


def findings(seen: Seen) -> tuple[Finding, ...]:
    """Return every finding about a pack, in the order of the kinds."""
    return tuple(find(seen) for find in _WAYS)


def _coverage(seen: Seen) -> Finding:
    planned = fsum((one.to_ns - one.from_ns) / 1e9 / float(one.period_s) for one in seen.windows)
    if not planned:
        return not_known(seen, Kind.COVERAGE, "the window has no length")
    share = min(100.0, len(seen.covered) / planned * 100)
    return known(seen, Kind.COVERAGE, share, "{} of the planned readings are there")


def _longest_gap(seen: Seen) -> Finding:
    moments = [seen.from_ns, *(seen.times[place] for place in seen.covered), seen.to_ns]
    gap_s = max(after - before for before, after in pairwise(moments)) / 1e9
    return known(seen, Kind.LONGEST_GAP, gap_s, "nothing usable was heard for {} at the longest")


def _doubted(seen: Seen) -> Finding:
    if not seen.values:
        return not_known(seen, Kind.DOUBTED, "nothing was told")
    return known(seen, Kind.DOUBTED, seen.doubted / seen.values * 100, "{} of the values are suspect")


def _alerts(seen: Seen) -> Finding:
    raised = sum(alert.state is AlertState.RAISED for alert in seen.alerts)
    return known(seen, Kind.ALERTS, raised, "{} alert was raised" if raised == 1 else "{} alerts were raised")


_WAYS: Final[tuple[Callable[[Seen], Finding], ...]] = (
    _coverage,
    _longest_gap,
    _doubted,
    _alerts,
    highest_cell,
    lowest_cell,
    imbalance,
    weakest,
    strongest,
    hottest,
    voltage_trend,
    imbalance_trend,
    temperature_trend,
    charge,
    energy,
    capacity,
    resistance,
    time_to_high,
    time_to_low,
    time_to_hot,
)
