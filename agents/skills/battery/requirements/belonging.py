"""Whether what a document says can be about this pack, and if not, why not: nothing is set aside without a word.

1. A folder holds more than the pack's own documents: other cells, chargers, single components. What is not about this
   pack limits nothing, and refuses nothing.
2. Where only the figure can tell, one that would leave the pack no room is set aside.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from agents.skills.battery.requirements import phrases
from agents.skills.battery.requirements.bases import Base, Bound, is_of_pack
from agents.skills.battery.requirements.pack import PackSettings
from agents.skills.facts import Fact
from agents.skills.matching import item_of
from gates.units import convert, dimension

_CHEMISTRIES: Final[Mapping[str, re.Pattern[str]]] = {
    name: re.compile(rf"(?<![a-z])(?:{words})(?![a-z0-9])", re.I)
    for name, words in {
        "LFP": r"lfp|life[- ]?po4?|lithium[- ]iron(?:[- ]phosphate)?|lithium-?eisenphosphat",
        "NMC": r"nmc|nca|ncm|ternary|li-?po(?:ly|lymer)?|lithium[- ]polymer",
        "LTO": r"lto|(?:lithium[- ])?titanate",
        "lead-acid": r"lead[- _]?acid|agm|vrla|opz[sv]|gel[- _]batter(?:y|ies)"
        r"|blei(?:s(?:\u00e4|ae)ure|akku\w*|batterie\w*|-\w+)",
        "nickel": r"ni-?mh|ni-?cd|nickel[- ](?:metal|cadmium)\w*",
    }.items()
}
_COMPONENT: Final = re.compile(
    r"(?<![a-z])(?:(?:mos|j)fets?|igbts?|transistors?|diodes?|fuses?|contactors?|relays?|photomos|optocouplers?|capacitors?"
    r"|resistors?|adcs?|converters?|regulators?|ldos?|amplifiers?|references?|sensors?|connectors?|isolators?|ics?"
    r"|microcontrollers?|arduino|atmega\w*|esp32\w*|decoders?|multiplexers?|logger|buzzers?|displays?|crimps?|testers?"
    r"|sicherung\w*|widerst(?:and|\u00e4nde)|kondensator\w*|wandler)(?![a-z])",
    re.I,
)
_SOURCE: Final = re.compile(
    r"(?<![a-z])(?:chargers?|inverters?|rectifiers?|mppt|solar|charge controllers?|power suppl(?:y|ies)|adapters?"
    r"|ladeger(?:\u00e4|ae)te?|wechselrichter|netzteil\w*|(?:multi|quattro)plus)(?![a-z])",
    re.I,
)
_GUARD: Final = re.compile(r"(?<![a-z])(?:bms|battery management|protection board|smart ?board|pcm)(?![a-z])", re.I)
_ABOUT_CELLS: Final = re.compile(
    r"(?<![a-z])(?:cells?|batter(?:y|ies)|packs?|akku\w*|zellen?|batterien?)(?![a-z])", re.I
)
_FIRST_LINES: Final = frozenset({"line 1", "line 2", "line 3", "page 1, line 1", "page 1, line 2", "page 1, line 3"})
_FINEST, _LARGEST = -9, 10**7  # what is measured of a battery has fewer places, and fewer digits
_CAPACITY: Final = re.compile(r"(?<![\w.,])(\d{1,4}(?:\.\d{1,2})?)\s?Ah(?![a-z])", re.I)
_SAME_CAPACITY: Final = Decimal("0.25")
_SAME_CELL_V: Final = Decimal("0.15")  # nominal voltages of iron phosphate differ by less, those of others by more


@dataclass(frozen=True, slots=True)
class Topics:
    """What the documents of a folder are about. titles: name and first words of each; cells: those about cells.

    nominal: the nominal voltages of one cell that a document states, in V. capacities: in Ah, likewise.
    """

    titles: Mapping[str, str]
    cells: frozenset[str]
    nominal: Mapping[str, frozenset[Decimal]]
    capacities: Mapping[str, frozenset[Decimal]]


def topics_of(facts: Sequence[Fact]) -> Topics:
    """Return what the documents are about, judged by their facts."""
    titles: dict[str, list[str]] = {}
    nominal: dict[str, set[Decimal]] = {}
    capacities: dict[str, set[Decimal]] = {}
    cells = set()
    for fact in facts:
        name = fact.claim.document
        words = titles.setdefault(name, [re.sub(r"[_/.-]", " ", name)])
        words.append(fact.context.split(" > ")[0])
        if fact.claim.place in _FIRST_LINES and not fact.context:
            words.append(fact.claim.quote)
        if _ABOUT_CELLS.search(f"{words[0]} {fact.context} {fact.subject}") or _is_in(fact, "Ah"):
            cells.add(name)
        if _is_nominal(fact) and fact.value is not None:
            nominal.setdefault(name, set()).add(convert(fact.value, fact.unit, "V"))
        if _is_capacity(fact) and fact.value is not None:
            capacities.setdefault(name, set()).add(convert(fact.value, fact.unit, "Ah"))
    joined = {name: " ".join(dict.fromkeys(words)) for name, words in titles.items()}
    for name, title in joined.items():
        capacities.setdefault(name, set()).update(Decimal(found[1]) for found in _CAPACITY.finditer(title))
    return Topics(
        joined,
        frozenset(cells),
        {name: frozenset(values) for name, values in nominal.items()},
        {name: frozenset(values) for name, values in capacities.items()},
    )


def _is_in(fact: Fact, unit: str) -> bool:
    return fact.value is not None and bool(fact.unit) and dimension(fact.unit) == dimension(unit)


def _is_capacity(fact: Fact) -> bool:
    is_named = re.search(r"\b(?:nominal|rated|typical) capacity|nennkapazit", fact.subject, re.I) is not None
    return is_named and fact.value_high is None and _is_in(fact, "Ah")


def _is_nominal(fact: Fact) -> bool:
    is_named = re.search(r"\bnominal volt|\brated volt|nennspannung", fact.subject, re.I) is not None
    return is_named and _is_in(fact, "V") and 1 < convert(fact.value or Decimal(0), fact.unit, "V") < 5


def objection(bound: Bound, topics: Topics, pack: PackSettings) -> str:
    """Return why a bound limits nothing in this pack, "" where it does."""
    if not _is_measurable(bound.figure):
        return "No battery has such a figure"
    fact = bound.fact
    title = topics.titles[fact.claim.document]
    nearest = (fact.subject, *reversed(fact.context.split(" > ")), title)
    words = " ".join(nearest)
    if is_rating(bound, topics) and _is_guard(words):
        return ""
    if is_rating(bound, topics) and not item_of(fact) and not _is_of_component(fact, title):
        return "" if bound.value >= pack.cells * pack.min_voltage else _impossible(bound)
    return (
        _other_kind(nearest, topics.nominal.get(fact.claim.document, frozenset()), pack)
        or _other_size(title, topics.capacities[fact.claim.document], pack)
        or _of_another_thing(bound, title, topics)
        or _conditional(bound)
        or ("" if _is_possible(bound, pack) else _impossible(bound))
    )


def _is_measurable(figure: Decimal) -> bool:
    exponent = figure.as_tuple().exponent
    return isinstance(exponent, int) and exponent >= _FINEST and abs(figure) < _LARGEST


def _impossible(bound: Bound) -> str:
    return f"This cannot be about this pack ({bound.base.value})"


def _other_kind(words: Sequence[str], nominal: frozenset[Decimal], pack: PackSettings) -> str:
    """Return which other kind of cell a fact is about. words: the closest first; the first to name a kind decides."""
    own = _CHEMISTRIES.get(pack.chemistry.upper())
    for said in words:
        named = [name for name, pattern in _CHEMISTRIES.items() if pattern.search(said)]
        if own and named:
            is_own = pack.chemistry.upper() in named
            return "" if is_own else f"This is about {named[0]}, not about {pack.chemistry}"
    if nominal and all(abs(value - pack.nominal_voltage) > _SAME_CELL_V for value in nominal):
        return f"This is about a cell of {min(nominal):f} V, not of {pack.nominal_voltage:f} V"
    return ""


def _other_size(title: str, capacities: frozenset[Decimal], pack: PackSettings) -> str:
    """Return what speaks against a document all of whose capacities are those of another cell."""
    if _is_guard(title) or not capacities:
        return ""
    if any(abs(value - pack.capacity) <= pack.capacity * _SAME_CAPACITY for value in capacities):
        return ""
    return f"This is about a cell of {min(capacities):f} Ah, not of {pack.capacity:f} Ah"


def _is_of_component(fact: Fact, title: str) -> bool:
    """Whether headings, or a subject that names no battery, say that a component is meant and not its whole."""
    if _is_guard(f"{title} {fact.subject}"):
        return False
    headings = fact.context or title
    return bool(_COMPONENT.search(headings) or (not _names_cells(fact.subject) and _COMPONENT.search(fact.subject)))


def _is_of_source(fact: Fact, title: str) -> bool:
    """Whether a document is about something that charges or is fed; a chapter about chargers may state a limit."""
    about = fact.context.split(" > ")[0] or title
    return not _is_guard(f"{title} {fact.subject}") and _SOURCE.search(about) is not None


def _names_cells(words: str) -> bool:
    """Whether words name cells, a battery, or what is done to them."""
    return phrases.is_charge(words) or phrases.is_discharge(words) or _ABOUT_CELLS.search(words) is not None


def _is_guard(words: str) -> bool:
    return _GUARD.search(words) is not None


def _of_another_thing(bound: Bound, title: str, topics: Topics) -> str:
    if is_rating(bound, topics) and item_of(bound.fact):
        return "This is about a component"
    if _is_of_component(bound.fact, title):
        return "This is about a component"
    if _is_of_source(bound.fact, title):
        return "This is what a charger or an inverter gives or takes, no limit of the cells"
    is_cell = bound.base in (Base.CELL_MAX, Base.CELL_MIN)
    if is_cell and bound.fact.claim.document not in topics.cells and not phrases.is_charge(bound.fact.subject):
        return "The document does not say that it is about a cell"
    return ""


def _conditional(bound: Bound) -> str:
    if "current" in bound.base and phrases.is_conditional(bound.fact.subject):
        return "It holds under a condition only, which a monitor with one limit for all times cannot keep"
    return ""


def _is_possible(bound: Bound, pack: PackSettings) -> bool:
    """Whether the figure leaves the pack room (rule 2)."""
    value, nominal = bound.value, pack.nominal_voltage
    if bound.base is Base.CELL_MAX:
        return value > nominal
    if bound.base is Base.CELL_MIN:
        return value < nominal
    if bound.base is Base.PACK_MIN:
        return value < pack.cells * nominal
    if bound.base is Base.PACK_MAX:
        return value > pack.cells * nominal
    if bound.base in (Base.CHARGE_TEMPERATURE_MIN, Base.DISCHARGE_TEMPERATURE_MIN):
        return value < 20
    if bound.base in (Base.CHARGE_TEMPERATURE_MAX, Base.DISCHARGE_TEMPERATURE_MAX):
        return value > 20
    return value >= pack.max_current / 10  # what a tenth of the current goes through is not in the main lead


def is_rating(bound: Bound, topics: Topics) -> bool:
    """Whether a highest voltage is what a device bears, not what a pack is charged to."""
    if bound.base is not Base.PACK_MAX or phrases.is_charge(bound.fact.subject):
        return False
    words = bound.fact.subject
    return not is_of_pack(words) or _is_guard(topics.titles[bound.fact.claim.document])


def is_about_another_thing(fact: Fact, topics: Topics) -> bool:
    """Whether a fact is about a component, a charger or an inverter, which need not take the whole pack."""
    title = topics.titles[fact.claim.document]
    return _is_of_source(fact, title) or _is_of_component(fact, title) or _COMPONENT.search(fact.subject) is not None


def refused(said: Iterable[Bound], topics: Topics, top: Decimal) -> Bound | None:
    """Return the first rating below the highest voltage of the pack, None where every device bears it."""
    return next((bound for bound in said if is_rating(bound, topics) and bound.value < top), None)
