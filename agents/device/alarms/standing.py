"""Alarms: a fold over judged readings. No clock, no bus; what has to be said comes out as alerts.

1. An alarm begins as unknown and stays so until something usable was read. Unknown is not calm, and not an alert.
2. A step is on when every value was beyond its limit for the whole delay, the last one included: silence confirms
   nothing. It is off again at its clear value. Doubted values raise as good ones do; only good ones clear, and only
   when none of those that are watched is missing.
3. An alert is raised once for each severity that is reached. It is latched: it is cleared when no step is on and a
   person has acknowledged it, once, whichever of the two comes last. What gets worse after that has to be acknowledged
   again.
4. Lost data is an alarm like any other: of the seconds since the device was heard, and of the readings that are gone.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from enum import Enum
from math import isfinite
from typing import Final

from agents.device.alarms.finding import Found, Moment, found_of, groups_of
from agents.device.alarms.rules import RANK, Rule, Step, Watch, When
from agents.device.quantities import OWN_CODE
from protocol.bodies import Alert, AlertState, Reading, Severity

_UNITS: Final = {Watch.TEMPERATURE: "°C", Watch.CURRENT: "A", Watch.SILENCE: "s", Watch.LOST: "", Watch.DOUBTED: ""}


class Standing(Enum):
    UNKNOWN = "unknown"
    CALM = "calm"
    RAISED = "raised"
    ACKNOWLEDGED = "acknowledged"


@dataclass(frozen=True, slots=True)
class Timed:
    """One step of an alarm. since_s: when its value went beyond the limit; last_s: when it last was found there."""

    since_s: float | None = None
    last_s: float = 0.0
    is_on: bool = False


_OFF: Final = Timed()


@dataclass(frozen=True, slots=True)
class Alarm:
    """How one alarm stands.

    severity: what was told of it. said: how many alerts there were; raised: which raised it last, counted from 1.
    """

    standing: Standing = Standing.UNKNOWN
    severity: Severity | None = None
    steps: tuple[Timed, ...] = ()
    said: int = 0
    raised: int = 0

    @property
    def is_standing(self) -> bool:
        return self.standing in (Standing.RAISED, Standing.ACKNOWLEDGED)


@dataclass(frozen=True, slots=True)
class Alarms:
    """All alarms of one device. heard_s: when it was last heard, or watched for the first time.

    known: what has been read of it so far, the absence of which is a loss.
    """

    heard_s: float
    by_code: Mapping[str, Alarm] = field(default_factory=dict)
    known: frozenset[str] = frozenset()

    def of(self, rule: Rule) -> Alarm:
        alarm = self.by_code.get(rule.code, Alarm())
        missing = len(rule.steps) - len(alarm.steps)
        return replace(alarm, steps=(*alarm.steps, *([_OFF] * missing))) if missing > 0 else alarm


@dataclass(frozen=True, slots=True)
class Said:
    """An alert that has to be told. number: which of the alarm's it is, counted from 1."""

    alert: Alert
    number: int


def advance(
    alarms: Alarms,
    rules: Sequence[Rule],
    readings: Sequence[Reading],
    at_s: float,
    *,
    is_heard: bool = True,
    gap_s: float = 10.0,
) -> tuple[Alarms, tuple[Said, ...]]:
    """Return the alarms after some readings, and what has to be said of them.

    at_s: monotonic. is_heard: the device has spoken; without that the readings only tell what has become old.
    gap_s: the longest time between two values that still count as one stretch; a shorter silence is none.
    """
    usable = {reading.name for reading in readings if reading.quality.is_usable}
    known = alarms.known | usable if is_heard else alarms.known
    heard_s = at_s if is_heard else alarms.heard_s
    groups = groups_of(readings, known) if is_heard else {}
    moment = Moment(at_s, readings, groups, is_heard, at_s - alarms.heard_s if not is_heard else 0.0, known, gap_s)
    by_code, said = dict(alarms.by_code), list[Said]()
    for rule in rules:
        by_code[rule.code], told = _advanced(alarms.of(rule), rule, moment)
        said += told
    return Alarms(heard_s, by_code, known), tuple(said)


def acknowledge(alarms: Alarms, rules: Sequence[Rule], code: str, person: str = "") -> tuple[Alarms, tuple[Said, ...]]:
    """Return the alarms after a person has taken note of one, and what has to be said: nothing where it is not raised.

    It is acknowledged, and where its cause is gone, cleared as well.
    """
    rule = next((one for one in rules if one.code == code), None)
    alarm = alarms.of(rule) if rule else alarms.by_code.get(code, Alarm())
    if alarm.standing is not Standing.RAISED:
        return alarms, ()
    by = f" by {person}" if person else ""
    alarm, first = _say(alarm, code, AlertState.ACKNOWLEDGED, f"{code} was acknowledged{by}")
    alarm = replace(alarm, standing=Standing.ACKNOWLEDGED)
    told = [first]
    # Without a rule nothing would ever end it: somebody has taken the rule out of the file since.
    if rule is None or not any(step.is_on for step in alarm.steps):
        alarm, last = _cleared(alarm, code)
        told.append(last)
    return replace(alarms, by_code={**alarms.by_code, code: alarm}), tuple(told)


def restored(alerts: Iterable[Alert], rules: Sequence[Rule], at_s: float) -> Alarms:
    """Return how the alarms stand after these alerts of an earlier life, in their order.

    What was raised is on until good values say otherwise.
    """
    by_code: dict[str, Alarm] = {}
    steps = {rule.code: rule.steps for rule in rules}
    for alert in alerts:
        before = by_code.get(alert.code, Alarm())
        by_code[alert.code] = _replayed(before, alert, steps.get(alert.code, ()))
    return Alarms(at_s, by_code)


def _replayed(alarm: Alarm, alert: Alert, steps: Sequence[Step]) -> Alarm:
    number = alarm.said + 1
    if alert.state is AlertState.CLEARED:
        return Alarm(said=number, raised=alarm.raised)
    if alert.state is AlertState.ACKNOWLEDGED:
        return replace(alarm, standing=Standing.ACKNOWLEDGED, said=number)
    on = tuple(Timed(is_on=RANK[step.severity] <= RANK[alert.severity]) for step in steps)
    return Alarm(Standing.RAISED, alert.severity, on, number, number)


def _advanced(alarm: Alarm, rule: Rule, moment: Moment) -> tuple[Alarm, list[Said]]:
    found = found_of(rule, moment, any(step.is_on for step in alarm.steps))
    if found is None:
        return alarm, []
    steps = tuple(_timed(*pair, rule, found, moment) for pair in zip(alarm.steps, rule.steps, strict=False))
    alarm = alarm if steps == alarm.steps else replace(alarm, steps=steps)
    on = [step for timed, step in zip(steps, rule.steps, strict=False) if timed.is_on]
    if on:
        return _raised(alarm, rule, on[-1], found)
    if alarm.standing is Standing.ACKNOWLEDGED:
        alarm, last = _cleared(alarm, rule.code, found.value)
        return alarm, [last]
    return (replace(alarm, standing=Standing.CALM) if alarm.standing is Standing.UNKNOWN else alarm), []


def _timed(timed: Timed, step: Step, rule: Rule, found: Found, moment: Moment) -> Timed:
    at_s = moment.at_s
    if timed.is_on:
        return _OFF if found.is_sure and rule.is_cleared(found.value, step) else timed
    if not rule.is_beyond(found.value, step):
        return _OFF
    # Silence is measured by our own clock, whenever that is looked at.
    is_same = timed.since_s is not None and (rule.watch is Watch.SILENCE or at_s - timed.last_s <= moment.gap_s)
    since_s = timed.since_s if is_same and timed.since_s is not None else at_s
    return Timed(since_s, at_s, is_on=at_s - since_s >= step.delay_s)


def _raised(alarm: Alarm, rule: Rule, worst: Step, found: Found) -> tuple[Alarm, list[Said]]:
    """Tell of a severity that has not been told yet; what is less after an acknowledgement can get worse again."""
    told = -1 if alarm.severity is None or not alarm.is_standing else RANK[alarm.severity]
    if RANK[worst.severity] <= told:
        if alarm.standing is Standing.ACKNOWLEDGED:
            alarm = replace(alarm, severity=worst.severity)
        return alarm, []
    alarm = replace(alarm, standing=Standing.RAISED, severity=worst.severity, raised=alarm.said + 1)
    alarm, said = _say(alarm, rule.code, AlertState.RAISED, _in_words(rule, worst, found), found.value, worst.at)
    return alarm, [said]


def _cleared(alarm: Alarm, code: str, value: float | None = None) -> tuple[Alarm, Said]:
    alarm, said = _say(alarm, code, AlertState.CLEARED, f"{code} is over", value)
    return Alarm(Standing.CALM, None, alarm.steps, alarm.said, alarm.raised), said


def _say(
    alarm: Alarm, code: str, state: AlertState, text: str, value: float | None = None, limit: float | None = None
) -> tuple[Alarm, Said]:
    alert = Alert(
        code=code,
        severity=alarm.severity or Severity.INFO,
        state=state,
        text=text,
        value=_number(value) if value is not None and isfinite(value) else None,
        limit=None if limit is None else _number(limit),
    )
    alarm = replace(alarm, said=alarm.said + 1)
    return alarm, Said(alert, alarm.said)


def _in_words(rule: Rule, step: Step, found: Found) -> str:
    if rule.watch is Watch.DEVICE:
        return f"{rule.code}: the device itself says {rule.code.removeprefix(OWN_CODE)}"
    unit = _UNITS.get(rule.watch, "V")
    doubt = (
        ""
        if found.is_sure or rule.watch in (Watch.SILENCE, Watch.LOST, Watch.DOUBTED)
        else "; the value is doubted, or others are missing"
    )
    while_ = "" if rule.when is When.ALWAYS else f" while {rule.when.value}"
    value, limit = (f"{number:.4g} {unit}".rstrip() for number in (found.value, step.at))
    return f"{rule.code}: {found.name} is {value}, {rule.side.value} {limit}{while_}{doubt}"


def _number(value: float) -> Decimal:
    return Decimal(f"{Decimal(f'{value:.6f}').normalize():f}")
