"""What a window looks like at a glance: the extremes that a row of a table and a short sentence need."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import isnan
from typing import TypeAlias

from agents.device.quantities import SOC
from agents.skills.battery_watch.seen import Seen
from gates.telemetry.window import WindowFile
from protocol.bodies import AlertState

Range: TypeAlias = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Glance:
    """One pack in one window. cells_v, current_a: least and most; soc: first and last; None: nothing good was told."""

    window: WindowFile
    rows: int
    cells_v: Range | None
    delta_v: float | None
    current_a: Range | None
    last_a: float | None
    soc_percent: Range | None
    alerts: int


def glance(seen: Seen) -> Glance:
    """Return what was seen of a pack in a single window."""
    [window] = seen.windows
    cells = [value for cell in seen.cells.values() for value in _good(cell)]
    amperes, soc = list(_good(seen.amperes)), list(_good(seen.column(SOC)))
    return Glance(
        window=window,
        rows=len(seen.times),
        cells_v=_range(cells),
        delta_v=max(_good(seen.spread), default=None) if len(seen.cells) > 1 else None,
        current_a=_range(amperes),
        last_a=amperes[-1] if amperes else None,
        soc_percent=(soc[0], soc[-1]) if soc else None,
        alerts=sum(alert.state is AlertState.RAISED for alert in seen.alerts),
    )


def _good(column: Sequence[float]) -> Iterator[float]:
    return (value for value in column if not isnan(value))


def _range(values: Sequence[float]) -> Range | None:
    return (min(values), max(values)) if values else None


def in_short(one: Glance) -> str:
    """Return a window in one line: cells 3.301 to 3.318 V, delta 17 mV, -12.3 A; 2 alerts."""
    parts = []
    if one.cells_v:
        parts.append(f"cells {one.cells_v[0]:.3f} to {one.cells_v[1]:.3f} V")
    if one.delta_v is not None:
        parts.append(f"delta {one.delta_v * 1000:.0f} mV")
    if one.last_a is not None:
        parts.append(f"{one.last_a:.1f} A")
    said = ", ".join(parts) or "nothing good was read"
    return f"{said}; {one.alerts} new {'alert' if one.alerts == 1 else 'alerts'}"


def gaps(seen: Seen) -> list[tuple[int, int]]:
    """Return from when to when nothing usable was heard for longer than belongs together, the longest first."""
    moments = [seen.from_ns, *(seen.times[place] for place in seen.covered), seen.to_ns]
    found = [pair for pair in pairwise(moments) if pair[1] - pair[0] > seen.most_apart_ns]
    return sorted(found, key=lambda pair: pair[0] - pair[1])
