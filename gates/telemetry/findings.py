"""Whether one finding is what the readings say: its value, what it names, its evidence and its words."""

import re
from bisect import bisect_left
from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from typing import Final

from gates.design.words import quantity
from gates.telemetry.assessment import Evidence, Finding
from gates.telemetry.given import MILLION, MISSING, PackRows, Watched
from gates.telemetry.kinds import MEASURES, Kind
from gates.telemetry.recount import Figure, is_cell
from gates.values import bound_number

# Half of the last digit for the rounding; and for what floats lose on the way a hundredth of it, and of large figures
# some of the sixteen digits that a float has.
_SLACK: Final = Fraction(51, 100)
_LOST: Final = Fraction(1, 10**12)
_NUMBER: Final = re.compile(r"(?<![\w.])\d+(?:\.\d+)?")
_NAMED_CELL: Final = re.compile(r"\bcell (\d+)\b")
_NAMED_SENSOR: Final = re.compile(r"\bsensor ([A-Za-z0-9](?:[A-Za-z0-9._:/@#\-]*[A-Za-z0-9])?)")
_EXTREMES: Final = frozenset({Kind.HIGHEST_CELL, Kind.LOWEST_CELL, Kind.HOTTEST})


def finding_faults(finding: Finding, figure: Figure, given: Watched) -> Iterator[str]:
    """Yield what is wrong with a finding. figure: what the gate itself has found of that kind."""
    who, measure = f"{finding.kind} of {finding.pack}", MEASURES[finding.kind]
    if finding.unit != measure.unit:
        yield f"{who} is in {finding.unit or 'no unit'}, not in {measure.unit}"
        return
    said = _shown(finding.value, finding.kind)
    if finding.value is None:
        if figure.value is not None:
            yield f"{who} is called unknown, but the readings say {told(figure, finding.kind)}"
    elif figure.value is None:
        yield f"{who} is said to be {said}, but that cannot be known from these readings"
    elif not is_near(finding.value, figure.value, finding.kind):
        yield f"{who} is said to be {said}, but the readings say {told(figure, finding.kind)}"
    else:
        yield from (f"{who}: {fault}" for fault in _proof_faults(finding, finding.value, figure))
    rows = given.packs[finding.pack]
    yield from (f"{who}: {fault}" for one in finding.evidence for fault in _evidence_faults(one, rows))
    yield from (f"{who}: {fault}" for fault in _word_faults(finding, given))


def value_faults(name: str, text: str, kind: Kind, figure: Figure) -> Iterator[str]:
    """Yield what is wrong with a value of the result that is called like a finding."""
    value = _number_of(text)
    if figure.value is None or value is None or not is_near(value, figure.value, kind):
        yield f"the value {name} is {text[:60]}, but the readings say {told(figure, kind)}"


def _number_of(text: str) -> Decimal | None:
    try:
        value = Decimal(text)
        bound_number(value, Finding.MAX_POWER)
    except (InvalidOperation, ValueError):
        return None
    return value


def is_near(value: Decimal, figure: Fraction, kind: Kind) -> bool:
    """Whether a value is a figure, rounded."""
    last_digit = Fraction(1, 10 ** MEASURES[kind].places)
    return abs(Fraction(value) - figure) <= _SLACK * last_digit + _LOST * abs(figure)


def told(figure: Figure, kind: Kind) -> str:
    """Return what the readings say, in words."""
    if figure.value is None:
        return "that it cannot be known"
    digits = round(figure.value, MEASURES[kind].places)
    return _shown(Decimal(digits.numerator) / digits.denominator, kind)


def _shown(value: Decimal | None, kind: Kind) -> str:
    unit = MEASURES[kind].unit
    return "unknown" if value is None else quantity(value, "" if unit == "1" else unit)


def _proof_faults(finding: Finding, value: Decimal, figure: Figure) -> Iterator[str]:
    """Yield what is missing in the evidence of a finding that names readings: those have to be the ones."""
    names = {one.name for one in finding.evidence}
    if finding.kind is Kind.IMBALANCE:
        values = [one.value for one in finding.evidence if is_cell(one.name)]
        is_shown = len(values) == len(names) == 2 and len({one.taken_ns for one in finding.evidence}) == 1
        if not is_shown or not is_near(value, Fraction(max(values) - min(values)) * 1000, finding.kind):
            yield "its evidence is not two cells at one time that differ by it"
        return
    if finding.kind in _EXTREMES and not any(
        is_near(value, Fraction(one.value), finding.kind) for one in finding.evidence
    ):
        yield "its evidence does not hold the reading that it is"
    if figure.by_name and not (names and all(_is_of(name, value, figure, finding.kind) for name in names)):
        yield f"its evidence names {', '.join(sorted(names)) or 'no reading'}, of which it is not true"


def _is_of(name: str, value: Decimal, figure: Figure, kind: Kind) -> bool:
    return name in figure.by_name and is_near(value, figure.by_name[name], kind)


def _evidence_faults(evidence: Evidence, rows: PackRows) -> Iterator[str]:
    place = bisect_left(rows.times, evidence.taken_ns)
    column = rows.columns.get(evidence.name)
    if column is None or place == len(rows.times) or rows.times[place] != evidence.taken_ns:
        yield f"there is no reading {evidence.name} at {evidence.taken_ns}"
    elif column[place] == MISSING:
        yield f"{evidence.name} at {evidence.taken_ns} is suspect or was not told"
    elif column[place] != round(float(evidence.value) * MILLION):
        there = Decimal(column[place]) / MILLION
        said = f"is said to be {evidence.value}, the readings say {there.normalize():f}"
        yield f"{evidence.name} at {evidence.taken_ns} {said}"


def _word_faults(finding: Finding, given: Watched) -> Iterator[str]:
    """Yield what the words say and the evidence does not: another cell or sensor, another number."""
    names = {one.name for one in finding.evidence}
    for found in _NAMED_CELL.finditer(finding.text):
        if f"cell-{found[1]}-voltage" not in names:
            yield f"its text names cell {found[1]}, which its evidence does not"
    for found in _NAMED_SENSOR.finditer(finding.text):
        if f"temperature-{found[1]}" not in names:
            yield f"its text names sensor {found[1]}, which its evidence does not"
    bare = _NAMED_SENSOR.sub("", _NAMED_CELL.sub("", finding.text))
    known = {abs(one.value) for one in finding.evidence} | {abs(one) for one in given.limits.values()}
    known |= {abs(finding.value)} if finding.value is not None else set()
    for literal in _NUMBER.findall(bare):
        if Decimal(literal) not in known:
            yield f"its text says {literal}, which is neither its value nor in its evidence"
