"""WATCH.md: what a battery was seen to do, and first of all what is alarming or not known."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from agents.skills.battery.documents.markdown import page, table
from agents.skills.battery_watch.overview import Glance, Range, gaps
from agents.skills.battery_watch.seen import Seen
from agents.skills.battery_watch.trends import NOT_AHEAD
from agents.skills.battery_watch.words import LABELS, said
from agents.skills.facts_report import escaped
from gates.telemetry.assessment import Finding
from gates.telemetry.kinds import AHEAD_H, MAX_PERIODS, MEASURES, SOC_PERCENT, STEP_A, STEP_C, STEPS, Kind
from gates.telemetry.window import WindowAlert, WindowFile
from protocol.bodies import AlertState, Severity
from protocol.names import render_timestamp

NO_PROTECTION: Final = (
    "This monitors and reports. **It does not protect**: nothing was written to the device, and nothing here opens a "
    "contactor or limits a current. A battery management system and a fuse have to do that."
)
_FULL_PERCENT: Final = 95  # what the device's own pace, a little slower than planned, does not come to
_TIMES_AS_LONG: Final = 20
_HOUR_NS: Final = 3_600_000_000_000
_MOST_LISTED: Final = 500
_GRAVEST_FIRST: Final = (Severity.CRITICAL, Severity.WARNING, Severity.INFO)
_SOON: Final = (Kind.TIME_TO_HIGH, Kind.TIME_TO_LOW, Kind.TIME_TO_HOT)


@dataclass(frozen=True, slots=True)
class Told:
    """What there is to tell of one pack: over the whole watch, what was found, and each window at a glance."""

    seen: Seen
    findings: Mapping[Kind, Finding]
    glances: Sequence[Glance]


def render(windows: Sequence[WindowFile], packs: Sequence[Told]) -> bytes:
    """Return WATCH.md. packs: in the order in which the windows name them."""
    return page(
        [
            *_opening(windows, packs),
            *_alarming(packs),
            *_unknown(packs),
            *(line for told in packs for line in _pack(told)),
            *_alerts(windows),
            *_gaps(packs),
            *_meanings(),
        ]
    )


def at(taken_ns: int) -> str:
    """Return a moment to the second, in UTC."""
    return render_timestamp(taken_ns // 10**9 * 10**9)


def _opening(windows: Sequence[WindowFile], packs: Sequence[Told]) -> Iterator[str]:
    rows = sum(one.rows for one in windows)
    yield f"# Watch of {escaped(windows[0].device)}\n"
    count = f"{len(windows)} {'window' if len(windows) == 1 else 'windows'}"
    yield f"From {at(windows[0].from_ns)} to {at(windows[-1].to_ns)} (UTC): {count}, {rows:,} rows.\n"
    yield f"{NO_PROTECTION}\n"
    for source in dict.fromkeys(source for one in windows for source in one.sources):
        yield f"- {escaped(source)}"
    yield f"- packs: {', '.join(escaped(told.seen.name) for told in packs)}\n"


def _alarming(packs: Sequence[Told]) -> Iterator[str]:
    yield "## What is alarming\n"
    found = [line for told in packs for line in _alarms(told)]
    yield from found or ["Nothing, as far as it was read: no alert, and nothing is on its way to a limit."]
    yield ""


def standing(seen: Seen) -> list[WindowAlert]:
    """Return the alarms of a pack that stand in the end, the gravest first: each as it was raised last."""
    latest = {alert.code: alert for alert in seen.alerts}
    raised = {alert.code: alert for alert in seen.alerts if alert.state is AlertState.RAISED}
    still = (code for code, alert in latest.items() if alert.state is not AlertState.CLEARED)
    return sorted((raised.get(code, latest[code]) for code in still), key=_gravity)


def _alarms(told: Told) -> Iterator[str]:
    """Yield first what still stands, the gravest first, then what was, then what is coming, then what was not heard."""
    name = escaped(told.seen.name)
    latest = {alert.code: alert for alert in told.seen.alerts}
    still = standing(told.seen)
    for alert in still:
        noted = latest[alert.code]
        words = f"{alert.severity.value}, raised {at(alert.taken_ns)}"
        words += f", acknowledged {at(noted.taken_ns)}" if noted.state is AlertState.ACKNOWLEDGED else ""
        yield f"- {name}: **{escaped(alert.code)}** stands ({words}): {escaped(alert.text)}"
    if still:
        yield "- an alarm stands until its cause is gone and a person has taken note of it; its words are those of then"
    codes = {alert.code for alert in still}
    for alert in sorted((one for one in latest.values() if one.code not in codes), key=_gravity):
        yield f"- {name}: {escaped(alert.code)} was raised and is over since {at(alert.taken_ns)}"
    reach_h = _TIMES_AS_LONG * (told.seen.to_ns - told.seen.from_ns) / _HOUR_NS
    for kind in _SOON:
        hours = told.findings[kind].value
        if hours is not None and hours <= reach_h:  # further ahead, the noise of a short watch is all there is
            yield f"- {name}: {escaped(told.findings[kind].text)}"
    covered = told.findings[Kind.COVERAGE].value
    if covered is not None and covered < _FULL_PERCENT:
        yield f"- {name}: {escaped(told.findings[Kind.COVERAGE].text)}, so nobody knows about the rest"


def _gravity(alert: WindowAlert) -> int:
    return _GRAVEST_FIRST.index(alert.severity)


def _unknown(packs: Sequence[Told]) -> Iterator[str]:
    yield "## What is not known\n"
    found = [line for told in packs for line in _not_known(told)]
    yield from found or ["Nothing of what is assessed."]
    yield ""


def _not_known(told: Told) -> Iterator[str]:
    name, findings = escaped(told.seen.name), told.findings
    if gaps(told.seen):
        yield f"- {name}: {escaped(findings[Kind.LONGEST_GAP].text)}"
    if findings[Kind.DOUBTED].value:
        yield f"- {name}: {escaped(findings[Kind.DOUBTED].text)} and were not used"
    for one in findings.values():
        # That nothing goes to a limit soon is known.
        if one.unknown and one.unknown != NOT_AHEAD:
            yield f"- {name}: {escaped(one.text)}: {escaped(one.unknown)}"


def _pack(told: Told) -> Iterator[str]:
    yield f"## {escaped(told.seen.name)}\n"
    yield from table(("finding", "value", "in words"), (_finding_row(one) for one in told.findings.values()))
    yield "### Windows\n"
    head = ("window", "from", "to", "rows", "cells V", "delta mV", "current A", "charge %", "alerts")
    yield from table(head, (_window_row(one) for one in told.glances))


def _finding_row(one: Finding) -> tuple[str, ...]:
    if one.unknown == NOT_AHEAD:
        return LABELS[one.kind], "–", escaped(one.unknown)
    if one.value is None:
        return LABELS[one.kind], "**not known**", escaped(one.unknown)
    return LABELS[one.kind], escaped(said(one.value, one.kind)), escaped(one.text)


def _window_row(one: Glance) -> tuple[str, ...]:
    return (
        str(one.window.number),
        at(one.window.from_ns),
        at(one.window.to_ns),
        str(one.rows),
        _range(one.cells_v, 3),
        "–" if one.delta_v is None else f"{one.delta_v * 1000:.0f}",
        _range(one.current_a, 1),
        _range(one.soc_percent, 0),
        str(one.alerts),
    )


def _range(values: Range | None, places: int) -> str:
    if values is None:
        return "–"
    first, last = (f"{value:.{places}f}" for value in values)
    return first if first == last else f"{first} to {last}"


def _alerts(windows: Sequence[WindowFile]) -> Iterator[str]:
    alerts = [alert for one in windows for alert in one.alerts]
    yield "## Alerts\n"
    if not alerts:
        yield "None.\n"
        return
    head = ("at", "pack", "code", "severity", "state", "what it said")
    yield from table(head, map(_alert_row, alerts[:_MOST_LISTED]))
    yield from _more(len(alerts))


def _alert_row(alert: WindowAlert) -> tuple[str, ...]:
    return (
        at(alert.taken_ns),
        escaped(alert.pack),
        escaped(alert.code),
        alert.severity.value,
        alert.state.value,
        escaped(alert.text),
    )


def _gaps(packs: Sequence[Told]) -> Iterator[str]:
    found = [(told.seen.name, *pair) for told in packs for pair in gaps(told.seen)]
    yield "## Gaps\n"
    if not found:
        yield f"Nothing usable was missing for longer than {MAX_PERIODS} periods.\n"
        return
    rows = [(escaped(name), at(first), at(last), f"{(last - first) / 1e9:.1f}") for name, first, last in found]
    yield from table(("pack", "from", "to", "seconds"), rows[:_MOST_LISTED])
    yield from _more(len(rows))


def _more(count: int) -> Iterator[str]:
    if count > _MOST_LISTED:
        yield f"And {count - _MOST_LISTED} more.\n"


def _meanings() -> Iterator[str]:
    yield "## What the findings are\n"
    yield "Worked out from good readings only, and by the gate once more. Definitions:\n"
    for kind, measure in MEASURES.items():
        yield f"- {LABELS[kind]}: {_spelled_out(measure.meaning)}"
    yield ""


def _spelled_out(meaning: str) -> str:
    """Return a definition with its constants as numbers."""
    numbers = {
        "SOC_PERCENT": f"{SOC_PERCENT} %",
        "MOVED_AH": "a thousandth of an ampere-hour",
        "STEP_C": f"{STEP_C} C",
        "STEP_A amperes": f"{STEP_A} A",
        "STEPS": str(STEPS),
        "AHEAD_H": f"{AHEAD_H} h",
    }
    for name, number in numbers.items():
        meaning = meaning.replace(name, number)
    return meaning
