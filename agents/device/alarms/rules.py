"""What raises an alarm: the table of limits, with start values for lithium iron phosphate, and a user's own file.

    cells: 16                   # in series
    battery_ah: 280             # what one hour of charge is
    without: [cell-delta-rest]  # start values that are left out
    alarms:                     # added; one with the code of a start value takes its place
      - code: cell-overvoltage
        watch: cell-voltage     # cell-voltage, pack-voltage, cell-delta, temperature, current, silence, lost, doubted
        side: above             # or below
        when: always            # or charging, resting
        steps:                  # from the mildest to the worst
          - {severity: warning, at: 3.50, clear: 3.40, delay_s: 2}
          - {severity: critical, at: 3.65, clear: 3.45, delay_s: 1}

Of cells and temperatures the highest is watched, or the lowest; of a current its size, whichever way it flows. `device`
is what the device itself calls alarming, 1 or 0: its mux-stuck has the code device-mux-stuck, and is a warning unless a
rule of yours says otherwise. `silence` is in seconds since the device was last heard, once that is long enough to call
it lost; `lost` and `doubted` are numbers of readings. A rule with `flat_v: [3.22, 3.35]` holds only while the middle
cell has between so many volts.
"""

from collections.abc import Iterator
from enum import Enum
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field

from agents.document import Document, Place, checked, parse_document, read_document, shown
from protocol.bodies import Severity
from protocol.errors import DefinitionError

_FIRST_KEY: Final = "cells: 16"
# Volt of a rested cell of lithium iron phosphate between a sixth and nearly full. Outside of it the curve is steep:
# there cells that differ by 2 % of charge, as sound ones do, lie 50 mV and more apart.
_FLAT_V: Final = (3.22, 3.35)
RANK: Final = {severity: rank for rank, severity in enumerate(Severity)}


class Watch(Enum):
    CELL_VOLTAGE = "cell-voltage"
    PACK_VOLTAGE = "pack-voltage"
    CELL_DELTA = "cell-delta"
    TEMPERATURE = "temperature"
    CURRENT = "current"
    SILENCE = "silence"
    LOST = "lost"
    DOUBTED = "doubted"
    DEVICE = "device"


class Side(Enum):
    ABOVE = "above"
    BELOW = "below"


class When(Enum):
    """While what a rule holds. Where the current is not known it may be so, and the rule holds."""

    ALWAYS = "always"
    CHARGING = "charging"
    RESTING = "resting"


Limit = Annotated[float, Field(ge=-1e9, le=1e9, allow_inf_nan=False)]
Seconds = Annotated[float, Field(ge=0, le=86_400, allow_inf_nan=False)]
Code = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,59}$")]


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Step(_Strict):
    """One level of an alarm: beyond `at` for `delay_s` it is on, at `clear` or better it is off again."""

    severity: Severity
    at: Limit
    clear: Limit
    delay_s: Seconds = 0.0


class Rule(_Strict):
    """One alarm. steps: from the mildest to the worst. flat_v: what the middle cell has while the rule holds."""

    code: Code
    watch: Watch
    side: Side
    when: When = When.ALWAYS
    flat_v: tuple[Limit, Limit] | None = None
    steps: Annotated[tuple[Step, ...], Field(min_length=1)]

    def is_beyond(self, value: float, step: Step) -> bool:
        return value > step.at if self.side is Side.ABOVE else value < step.at

    def is_cleared(self, value: float, step: Step) -> bool:
        return value <= step.clear if self.side is Side.ABOVE else value >= step.clear


class AlarmFile(_Strict):
    """What a user's file says."""

    cells: Annotated[int, Field(ge=1, le=512)]
    battery_ah: Annotated[float, Field(gt=0, le=100_000, allow_inf_nan=False)]
    without: tuple[Code, ...] = ()
    alarms: tuple[Rule, ...] = ()


def start_rules(cells: int, battery_ah: float) -> tuple[Rule, ...]:
    """Return the start values for so many cells of lithium iron phosphate in series.

    Source: the cell's own limits (EVE LF280K, PBRI-LF280K-D06-01: 2.5 to 3.65 V, charging from 0 °C, 0.5P), and the
    shape of makers' factory settings. They are values to begin with; what protects the pack is its own board.
    """
    return (*_cell_rules(), *_pack_rules(cells, battery_ah), *_temperature_rules(), *_data_rules())


def _cell_rules() -> Iterator[Rule]:
    yield _rule("cell-overvoltage", Watch.CELL_VOLTAGE, Side.ABOVE, _warn(3.50, 3.40, 2), _alarm(3.65, 3.45, 1))
    yield _rule("cell-undervoltage", Watch.CELL_VOLTAGE, Side.BELOW, _warn(2.90, 3.10, 2), _alarm(2.70, 3.10, 1))
    yield _rule("cell-failed", Watch.CELL_VOLTAGE, Side.BELOW, _alarm(2.0, 2.5, 1))
    at_rest = _rule("cell-delta-rest", Watch.CELL_DELTA, Side.ABOVE, _warn(0.05, 0.03, 10), when=When.RESTING)
    yield at_rest.model_copy(update={"flat_v": _FLAT_V})
    yield _rule("cell-delta", Watch.CELL_DELTA, Side.ABOVE, _warn(0.15, 0.10, 10), _alarm(0.30, 0.20, 10))
    yield _rule("cell-wiring", Watch.CELL_DELTA, Side.ABOVE, _alarm(1.0, 0.5, 10))


def _pack_rules(cells: int, battery_ah: float) -> Iterator[Rule]:
    def volts(per_cell: float) -> float:
        return round(per_cell * cells, 3)

    high = (_warn(volts(3.5), volts(3.375), 2), _alarm(volts(3.6), volts(3.375), 2))
    low = (_warn(volts(2.9), volts(3.0), 2), _alarm(volts(2.7), volts(3.0), 2))
    yield _rule("pack-overvoltage", Watch.PACK_VOLTAGE, Side.ABOVE, *high)
    yield _rule("pack-undervoltage", Watch.PACK_VOLTAGE, Side.BELOW, *low)
    long = (_warn(0.5 * battery_ah, 0.45 * battery_ah, 600), _alarm(battery_ah, 0.9 * battery_ah, 10))
    yield _rule("overcurrent", Watch.CURRENT, Side.ABOVE, *long)
    yield _rule("short-circuit", Watch.CURRENT, Side.ABOVE, _alarm(2 * battery_ah, 0.9 * battery_ah, 0.3))


def _temperature_rules() -> Iterator[Rule]:
    # Below freezing lithium plates on the anode from the first ampere on: nothing is waited for.
    cold, hot = (_warn(5, 7, 5), _alarm(0, 3, 0)), (_warn(45, 43, 5), _alarm(55, 50, 5))
    yield _rule("charging-cold", Watch.TEMPERATURE, Side.BELOW, *cold, when=When.CHARGING)
    yield _rule("charging-hot", Watch.TEMPERATURE, Side.ABOVE, *hot, when=When.CHARGING)
    yield _rule("temperature-low", Watch.TEMPERATURE, Side.BELOW, _warn(-10, -8, 5), _alarm(-20, -15, 5))
    yield _rule("temperature-high", Watch.TEMPERATURE, Side.ABOVE, _warn(50, 47, 5), _alarm(60, 55, 5))


def _data_rules() -> Iterator[Rule]:
    yield _rule("data-lost", Watch.SILENCE, Side.ABOVE, _warn(10, 5, 2), _alarm(60, 5, 2))
    yield _rule("readings-lost", Watch.LOST, Side.ABOVE, _warn(0.5, 0.5, 10))
    yield _rule("readings-doubted", Watch.DOUBTED, Side.ABOVE, _warn(0.5, 0.5, 60))


def _rule(code: str, watch: Watch, side: Side, *steps: Step, when: When = When.ALWAYS) -> Rule:
    return Rule(code=code, watch=watch, side=side, when=when, steps=steps)


def _warn(at: float, clear: float, delay_s: float) -> Step:
    return Step(severity=Severity.WARNING, at=at, clear=clear, delay_s=delay_s)


def _alarm(at: float, clear: float, delay_s: float) -> Step:
    return Step(severity=Severity.CRITICAL, at=at, clear=clear, delay_s=delay_s)


def read_rules(path: Path) -> tuple[Rule, ...]:
    """Return the rules of a user's file: the start values with its own in their place.

    Raises:
        DefinitionError: it cannot be read, or says what cannot be; each complaint names file and line.
    """
    return _rules_of(read_document(path, _FIRST_KEY))


def parse_rules(text: str, path: str) -> tuple[Rule, ...]:
    """Return the rules of a text; `path` is for complaints.

    Raises:
        DefinitionError: as for `read_rules`.
    """
    return _rules_of(parse_document(text, path, _FIRST_KEY))


def _rules_of(document: Document) -> tuple[Rule, ...]:
    said = checked(document, AlarmFile)
    starting = {rule.code: rule for rule in start_rules(said.cells, said.battery_ah)}
    if complaints := [str(document.fault(place, text)) for place, text in _faults(said, set(starting))]:
        raise DefinitionError("\n".join(complaints))
    own = {rule.code: rule for rule in said.alarms}
    return tuple(rule for code, rule in {**starting, **own}.items() if code not in said.without)


def _faults(said: AlarmFile, starting: set[str]) -> Iterator[tuple[Place, str]]:
    """Yield what only shows when the parts of a file are seen together."""
    for number, code in enumerate(said.without):
        if code not in starting:
            yield ("without", number), f"there is no start value {code}; known: {', '.join(sorted(starting))}"
    seen = set(said.without)
    for number, rule in enumerate(said.alarms):
        place: Place = ("alarms", number)
        if rule.code in seen:
            yield (*place, "code"), f"{shown(rule.code)} stands in this file twice; take one out"
        seen.add(rule.code)
        yield from ((place + where, text) for where, text in _rule_faults(rule))


def _rule_faults(rule: Rule) -> Iterator[tuple[Place, str]]:
    if rule.flat_v and rule.flat_v[0] >= rule.flat_v[1]:
        yield ("flat_v",), f"flat_v: {rule.flat_v[0]:g} is not below {rule.flat_v[1]:g}; the lower one is first"
    for number, step in enumerate(rule.steps):
        if rule.is_beyond(step.clear, step):
            safe = "below" if rule.side is Side.ABOVE else "above"
            text = f"clear: {step.clear:g} is beyond the limit {step.at:g}; write a value {safe} it"
            yield ("steps", number, "clear"), text
    for number, (mild, worse) in enumerate(pairwise(rule.steps), 1):
        if RANK[worse.severity] <= RANK[mild.severity]:
            text = f"severity: {worse.severity.value} does not come after {mild.severity.value}; the mildest is first"
            yield ("steps", number, "severity"), text
        if not rule.is_beyond(worse.at, mild):
            text = f"at: {worse.at:g} is not worse than {mild.at:g} of the step before; swap them"
            yield ("steps", number, "at"), text
