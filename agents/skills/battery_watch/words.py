"""How findings are put in words, and how a figure becomes one."""

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Final

from agents.skills.battery_watch.seen import Seen
from gates.design.words import quantity
from gates.telemetry.assessment import Evidence, Finding
from gates.telemetry.kinds import MEASURES, Kind

LABELS: Final[dict[Kind, str]] = {
    Kind.COVERAGE: "share of planned readings",
    Kind.LONGEST_GAP: "longest gap",
    Kind.DOUBTED: "suspect values",
    Kind.ALERTS: "alerts raised",
    Kind.HIGHEST_CELL: "highest cell",
    Kind.LOWEST_CELL: "lowest cell",
    Kind.IMBALANCE: "imbalance",
    Kind.WEAKEST_CELL: "weakest cell",
    Kind.STRONGEST_CELL: "strongest cell",
    Kind.HOTTEST: "hottest",
    Kind.VOLTAGE_TREND: "trend of the voltage",
    Kind.IMBALANCE_TREND: "trend of the imbalance",
    Kind.TEMPERATURE_TREND: "trend of the temperature",
    Kind.CHARGE: "charge",
    Kind.ENERGY: "energy",
    Kind.CAPACITY: "capacity",
    Kind.RESISTANCE: "resistance",
    Kind.TIME_TO_HIGH: "time to the upper cell limit",
    Kind.TIME_TO_LOW: "time to the lower cell limit",
    Kind.TIME_TO_HOT: "time to the upper temperature limit",
}


def known(seen: Seen, kind: Kind, value: float, text: str, evidence: Iterable[Evidence] = ()) -> Finding:
    """Return a finding with its value rounded. text: with {} where the value stands, and {size} without its sign."""
    measure = MEASURES[kind]
    exact = plain(round(value, measure.places))
    shown, size = said(exact, kind), said(abs(exact), kind)
    return Finding(
        pack=seen.name,
        kind=kind,
        value=exact,
        unit=measure.unit,
        text=text.format(shown, size=size),
        evidence=tuple(dict.fromkeys(evidence)),
    )


def not_known(seen: Seen, kind: Kind, why: str) -> Finding:
    """Return a finding without a value."""
    text = f"the {LABELS[kind]} is not known"
    return Finding(pack=seen.name, kind=kind, value=None, unit=MEASURES[kind].unit, text=text, unknown=why)


def said(value: Decimal, kind: Kind) -> str:
    unit = MEASURES[kind].unit
    return quantity(value, "" if unit == "1" else unit)


def plain(value: float) -> Decimal:
    """Return a float as the decimal that it is written as; minus zero is zero."""
    return Decimal(repr(value)) if value else Decimal(0)


def seen_at(seen: Seen, name: str, place: int) -> Evidence:
    """Return a reading as evidence."""
    return Evidence(taken_ns=seen.times[place], name=name, value=plain(seen.column(name)[place]))


def ends(seen: Seen, name: str) -> list[Evidence]:
    """Return the first and the last good reading of a name, where there is one."""
    places: Sequence[int] = seen.places(seen.column(name))
    return [seen_at(seen, name, place) for place in (places[0], places[-1])] if places else []


def called(name: str) -> str:
    """Return how people call a reading: cell 7, sensor 2."""
    if name.startswith("cell-"):
        return f"cell {name.removeprefix('cell-').removesuffix('-voltage')}"
    return f"sensor {name.removeprefix('temperature-')}"
