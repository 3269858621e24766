"""What is kept of a watch between two hand-ins: every reading as it was taken, and the alerts. No clock, no files.

1. A window is what a task asks for: so many seconds of everything that was read, not only of what had moved enough to
   be told.
2. Windows follow each other without a hole: what is read after one has ended belongs to the next.
3. Only what is read now makes a row. What has become old is an alarm, and a hole between two rows.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final

from agents.device.alarms.rules import Rule, Side, Watch
from agents.device.quantities import is_cell
from agents.device.watching.watch import Terms
from gates.telemetry.readings import Row
from gates.telemetry.window import WindowAlert, WindowFile
from protocol.bodies import Alert, AlertState, Quality, Reading, Severity

_KEPT_BETWEEN_NS: Final = 60_000_000_000  # of what is read while no window is open
_LIMITS: Final = {
    "cell-high": (Watch.CELL_VOLTAGE, Side.ABOVE),
    "cell-low": (Watch.CELL_VOLTAGE, Side.BELOW),
    "temperature-high": (Watch.TEMPERATURE, Side.ABOVE),
    "temperature-low": (Watch.TEMPERATURE, Side.BELOW),
}


@dataclass(frozen=True, slots=True)
class Window:
    """A stretch of time that a task has asked for. until_s: by the clock that statuses are taken by."""

    number: int
    from_ns: int
    until_s: float


@dataclass(slots=True)
class Log:
    """What was read and raised since the last window was handed in."""

    rows: list[Row] = field(default_factory=list)
    alerts: list[WindowAlert] = field(default_factory=list)
    units: dict[str, str] = field(default_factory=dict)

    def take(self, pack: str, taken_ns: int, readings: Iterable[Reading]) -> None:
        """Keep what was measured at one moment."""
        measured = [one for one in readings if one.quality.is_usable]
        if measured:
            self.units |= {one.name: one.unit for one in measured}
            values = {one.name: float(one.value) for one in measured}
            doubted = frozenset(one.name for one in measured if one.quality is Quality.SUSPECT)
            self.rows.append(Row(taken_ns, pack, values, doubted))

    def note(self, pack: str, taken_ns: int, alert: Alert) -> None:
        self.alerts.append(noted(pack, taken_ns, alert))

    def trim(self, now_ns: int) -> None:
        """Forget what nobody has asked for in time; alerts are few, and stay."""
        first = next((at for at, row in enumerate(self.rows) if now_ns - row.taken_ns < _KEPT_BETWEEN_NS), None)
        del self.rows[: len(self.rows) if first is None else first]

    def earliest_ns(self, otherwise: int) -> int:
        """Return when the first of what is kept was taken."""
        return min([otherwise, *(row.taken_ns for row in self.rows[:1]), *(one.taken_ns for one in self.alerts)])

    def clear(self) -> None:
        self.rows, self.alerts, self.units = [], [], {}


def noted(pack: str, taken_ns: int, alert: Alert) -> WindowAlert:
    """Return an alert as a window tells of it, which names pack and code besides."""
    return WindowAlert(
        pack=pack,
        code=alert.code,
        severity=alert.severity,
        state=alert.state,
        taken_ns=taken_ns,
        text=alert.text.removeprefix(f"{pack}: ").removeprefix(f"{alert.code}: "),
    )


def window_file(
    device: str,
    packs: Iterable[str],
    window: Window,
    to_ns: int,
    log: Log,
    terms: Terms,
    sources: Sequence[str],
    line: str,
) -> WindowFile:
    """Return what a window says of itself.

    packs: all that are watched, the device among them. to_ns: when it ended. line: the file with the raw bytes.
    """
    spoken_of = {row.pack for row in log.rows} | {one.pack for one in log.alerts}
    return WindowFile(
        device=device,
        number=window.number,
        from_ns=window.from_ns,
        to_ns=to_ns,
        period_s=Decimal(f"{terms.limits.period_s:g}"),
        rows=len(log.rows),
        # A device that only tells of packs behind it is none itself.
        packs=tuple(name for name in packs if name != device or name in spoken_of) or (device,),
        limits=limits_of(terms),
        alerts=tuple(log.alerts),
        sources=tuple(sources),
        line=line,
    )


def limits_of(terms: Terms) -> Mapping[str, Decimal]:
    """Return the critical limits that the assessment looks ahead to, and what the battery holds where that is known."""
    found = {name: at for name, (watch, side) in _LIMITS.items() if (at := _critical(terms.rules, watch, side))}
    capacity = terms.limits.battery_ah
    return {**found, **({"battery-ah": Decimal(f"{capacity:g}")} if capacity else {})}


def _critical(rules: Iterable[Rule], watch: Watch, side: Side) -> Decimal | None:
    """Return the nearest critical limit of a quantity that always holds."""
    at = [step.at for rule in rules if (rule.watch, rule.side, rule.when.value) == (watch, side, "always")
          for step in rule.steps if step.severity is Severity.CRITICAL]  # fmt: skip
    nearest = min if side is Side.ABOVE else max
    return Decimal(f"{nearest(at):g}") if at else None


def in_words(log: Log) -> str:
    """Return what a window holds in a line."""
    cells = [value for row in log.rows for name, value in row.values.items()
             if is_cell(name) and name not in row.doubted]  # fmt: skip
    spread = f", cells {min(cells):.3f} to {max(cells):.3f} V" if cells else ""
    raised = sum(one.state is AlertState.RAISED for one in log.alerts)
    return f"{len(log.rows):,} readings{spread}; {raised} new alert{'s' * (raised != 1)}"
