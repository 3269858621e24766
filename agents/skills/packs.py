"""Arithmetic of battery packs: whether the figures of one record fit each other.

A record is one document's table of readings, or one decoded frame. Tolerances are those of displays that round and of
values that are not read at the same instant.
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from decimal import Decimal

from agents.skills.facts import Evidence, Fact, Finding, FindingKind, Origin, Severity, evidence_of, finding
from agents.skills.matching import amount_text
from gates.units import convert, dimension

# Sum of cells against the pack: half a per cent covers the resolution of 16 cells and of the total.
SUM_TOLERANCE = Decimal("0.005")
POWER_TOLERANCE = Decimal("0.02")
CHARGE_TOLERANCE_PERCENT = Decimal("2")
# Large cells are far below a milliohm: at most 0.25 mOhm at 1 kHz for 280 Ah, and twenty times that is still no cell.
# Source: EVE LF280K specification PBRI-LF280K-D06-01.
LARGE_CELL_AH = Decimal(50)
LARGEST_RESISTANCE_OHM = Decimal("0.005")

_CELL_VOLTAGE = re.compile(r"^cell\s*#?0*(\d{1,3})\s*(?:volt(?:age)?)$|^cell volt(?:age)?\s*#?0*(\d{1,3})$", re.I)
_CELL_RESISTANCE = re.compile(r"\bcell\b.*\bresistance\b|\bresistance\b.*\bcell\b|\binternal resistance\b", re.I)
_ROLES = {
    "total": re.compile(r"^(?:total|pack|battery)(?: battery| pack)? volt(?:age)?$", re.I),
    "current": re.compile(r"^(?:(?:battery|pack|total) )?current$", re.I),
    "power": re.compile(r"^(?:(?:battery|pack|total) )?power$", re.I),
    "capacity": re.compile(r"^(?:(?:battery|nominal|rated|full|total)\s?)*capacity$", re.I),
    "remaining": re.compile(r"^remain(?:ing|s)?(?: battery)? capacity$", re.I),
    "charge": re.compile(r"^(?:state of charge|soc|remain(?:ing)? battery|battery level)$", re.I),
    "spread": re.compile(
        r"^(?:max\.? )?cell volt(?:age)?\.? (?:diff|delta|difference|spread)\.?$"
        r"|^(?:cell )?(?:delta|difference)(?: cell)? volt(?:age)?$",
        re.I,
    ),
    "average": re.compile(r"^(?:ave|avg|average|mean)\.? cell volt(?:age)?$|^cell average volt(?:age)?$", re.I),
}
_UNITS = {
    "total": "V",
    "current": "A",
    "power": "W",
    "capacity": "Ah",
    "remaining": "Ah",
    "charge": "percent",
    "spread": "V",
    "average": "V",
}
_IRON = re.compile(r"\b(?:LFP|LiFePO4|lithium iron phosphate|iron[- ]lithium)\b", re.I)
_TERNARY = re.compile(r"\b(?:NMC|NCA|ternary|Li-?ion NMC)\b", re.I)


class Record:
    """The readings of one pack at one time: cell voltages by number, and the figures beside them."""

    def __init__(self, facts: Sequence[Fact]) -> None:
        self.cells = [fact for fact in facts if is_cell_voltage(fact)]
        self._facts = facts

    def role(self, name: str) -> Fact | None:
        """Return the first fact in a role, None when the record has none of that dimension."""
        for fact in self._facts:
            has_role = _ROLES[name].match(fact.subject.strip()) is not None and fact.value is not None
            if has_role and dimension(fact.unit) == dimension(_UNITS[name]):
                return fact
        return None

    def value(self, name: str) -> Decimal | None:
        """Return the value in a role in volt, ampere, watt, ampere-hours or per cent."""
        fact = self.role(name)
        return convert(fact.value, fact.unit, _UNITS[name]) if fact is not None and fact.value is not None else None

    def volts(self) -> list[Decimal]:
        """Return the cell voltages in volt."""
        return [convert(fact.value, fact.unit, "V") for fact in self.cells if fact.value is not None]

    def evidence(self, *names: str) -> tuple[Evidence, ...]:
        """Return the words of the figures in these roles."""
        facts = [fact for fact in map(self.role, names) if fact is not None]
        return tuple(evidence_of(fact) for fact in facts)


def is_cell_voltage(fact: Fact) -> bool:
    """Whether a fact is the voltage of one numbered cell."""
    return (
        fact.value is not None
        and _CELL_VOLTAGE.match(fact.subject) is not None
        and dimension(fact.unit) == dimension("V")
    )


def is_record(facts: Sequence[Fact], document: str) -> bool:
    """Whether a document is a record of readings: it lists the voltages of at least three numbered cells."""
    stated = [fact for fact in facts if fact.claim.document == document and fact.origin is Origin.STATED]
    return sum(is_cell_voltage(fact) for fact in stated) >= 3


def pack_findings(facts: Sequence[Fact]) -> Iterator[Finding]:
    """Yield what does not fit within each record. facts: in the order they stand in their documents."""
    for record in _records(facts):
        for check in (_sum, _spread, _average, _power, _charge):
            yield from check(record)
    yield from _resistances(facts)
    yield from _battery_types(facts)


def _records(facts: Sequence[Fact]) -> list[Record]:
    groups: dict[tuple[str, str, str], list[Fact]] = defaultdict(list)
    for fact in facts:
        if fact.origin is not Origin.COUNTED:
            decoded = fact.origin is Origin.DECODED
            groups[fact.claim.document, fact.origin, f"{fact.context} {fact.note}" if decoded else ""].append(fact)
    return [Record(group) for group in groups.values() if _is_one_reading(group)]


def _is_one_reading(group: Sequence[Fact]) -> bool:
    """Whether no cell is listed twice: a file of many readings cannot be added up as one."""
    names = [fact.subject for fact in group if is_cell_voltage(fact)]
    return len(names) == len(set(names))


def _sum(record: Record) -> Iterator[Finding]:
    total, volts = record.value("total"), record.volts()
    if total is None or len(volts) < 2:
        return
    added = sum(volts, Decimal(0))
    if abs(added - total) > SUM_TOLERANCE * abs(total):
        words = f"The {len(volts)} cell voltages add up to {added:f} V, but the total is stated as {total:f} V."
        yield finding(FindingKind.IMPLAUSIBLE, Severity.HIGH, words, record.evidence("total"))


def _spread(record: Record) -> Iterator[Finding]:
    stated, volts = record.value("spread"), record.volts()
    if stated is None or len(volts) < 2:
        return
    spread = max(volts) - min(volts)
    # Each of the two cells may be off by half of its last digit, and so may the stated difference.
    if abs(spread - stated) > Decimal("1.5") * _digit(stated, volts):
        words = (
            f"The cell voltages differ by {spread:f} V ({min(volts):f} to {max(volts):f} V), but the difference "
            f"is stated as {stated:f} V; perhaps they were not read at the same instant."
        )
        highest = max(record.cells, key=lambda fact: convert(fact.value or Decimal(0), fact.unit, "V"))
        lowest = min(record.cells, key=lambda fact: convert(fact.value or Decimal(0), fact.unit, "V"))
        evidence = (*record.evidence("spread"), evidence_of(lowest), evidence_of(highest))
        yield finding(FindingKind.IMPLAUSIBLE, Severity.LOW, words, evidence)


def _digit(*values: Decimal | Sequence[Decimal]) -> Decimal:
    flat = [item for value in values for item in ([value] if isinstance(value, Decimal) else value)]
    exponents = [exponent for value in flat if isinstance(exponent := value.as_tuple().exponent, int)]
    return Decimal(1).scaleb(max(exponents))


def _average(record: Record) -> Iterator[Finding]:
    stated, volts = record.value("average"), record.volts()
    if stated is None or len(volts) < 2:
        return
    mean = sum(volts, Decimal(0)) / len(volts)
    if abs(mean - stated) > Decimal("1.5") * _digit(stated, volts):
        words = f"The cell voltages average {mean:.4f} V, but the average is stated as {stated:f} V."
        yield finding(FindingKind.IMPLAUSIBLE, Severity.LOW, words, record.evidence("average"))


def _power(record: Record) -> Iterator[Finding]:
    total, current, power = record.value("total"), record.value("current"), record.value("power")
    if total is None or current is None or power is None:
        return
    product = abs(total * current)
    if abs(product - abs(power)) > max(POWER_TOLERANCE * abs(power), Decimal(1)):
        words = f"{total:f} V times {abs(current):f} A is {product:.1f} W, but the power is stated as {power:f} W."
        evidence = record.evidence("total", "current", "power")
        yield finding(FindingKind.IMPLAUSIBLE, Severity.MEDIUM, words, evidence)


def _charge(record: Record) -> Iterator[Finding]:
    capacity, remaining, charge = record.value("capacity"), record.value("remaining"), record.value("charge")
    if not capacity or remaining is None or charge is None:
        return
    share = remaining / capacity * 100
    if abs(share - charge) > CHARGE_TOLERANCE_PERCENT:
        words = (
            f"{remaining:f} Ah of {capacity:f} Ah is {share:.1f} %, but the state of charge is stated as {charge:f} %."
        )
        evidence = record.evidence("capacity", "remaining", "charge")
        yield finding(FindingKind.IMPLAUSIBLE, Severity.MEDIUM, words, evidence)


def _resistances(facts: Sequence[Fact]) -> Iterator[Finding]:
    """Name resistances called the cell's that no cell of that capacity has: those of the balance wires, or a slip."""
    groups: dict[str, list[Fact]] = defaultdict(list)
    for fact in facts:
        is_resistance = fact.value is not None and dimension(fact.unit) == dimension("ohm")
        if is_resistance and _CELL_RESISTANCE.search(fact.subject):
            groups[fact.claim.document].append(fact)
    for document, group in groups.items():
        capacity = _capacity_of(facts, document)
        high = [fact for fact in group if convert(fact.value or Decimal(0), fact.unit, "ohm") > LARGEST_RESISTANCE_OHM]
        if high and capacity is not None:
            yield _resistance_finding(high, capacity)


def _capacity_of(facts: Sequence[Fact], document: str) -> Fact | None:
    """Return the capacity of the cells a document speaks of; a series pack has the capacity of its cells."""
    stated = [
        fact
        for fact in facts
        if fact.claim.document == document and fact.value is not None and dimension(fact.unit) == dimension("Ah")
    ]
    large = [fact for fact in stated if convert(fact.value or Decimal(0), fact.unit, "Ah") >= LARGE_CELL_AH]
    named = [fact for fact in large if _ROLES["capacity"].match(fact.subject)]
    return next(iter(named + large), None)


def _resistance_finding(high: Sequence[Fact], capacity: Fact) -> Finding:
    values = sorted(convert(fact.value or Decimal(0), fact.unit, "ohm") for fact in high)
    written = f"{values[0]:f} ohm" if len(high) == 1 else f"{values[0]:f} to {values[-1]:f} ohm ({len(high)} values)"
    if len(high) >= 3:
        meant = "these are resistances of the balance wires, not of the cells"
    else:
        meant = "milliohm is probably meant, or the balance wire was measured"
    words = (
        f"{high[0].subject} is given as {written}, but a cell of {amount_text(capacity)} is well under 0.001 ohm: "
        f"{meant}. Do not use them as cell resistance."
    )
    kind = FindingKind.IMPLAUSIBLE if len(high) >= 3 else FindingKind.UNIT_SLIP
    return finding(kind, Severity.HIGH, words, (*map(evidence_of, high[:2]), evidence_of(capacity)))


def _battery_types(facts: Sequence[Fact]) -> Iterator[Finding]:
    """Name packs whose heading and whose type register disagree on the chemistry."""
    for fact in facts:
        if fact.subject != "battery type code" or fact.value is None:
            continue
        says_iron, is_iron = _IRON.search(fact.context), fact.value == 0
        says_ternary, is_ternary = _TERNARY.search(fact.context), fact.value == 1
        said = says_iron if is_ternary else says_ternary if is_iron else None
        if said is not None:
            words = (
                f"The document calls the pack {said[0]} ({fact.context.strip('# ')!r}), but its battery type code "
                f"is {fact.value:f}, which the register table calls {fact.text}."
            )
            yield finding(FindingKind.CONTRADICTION, Severity.MEDIUM, words, (evidence_of(fact),))
