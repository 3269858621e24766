"""What comparing facts shows: contradictions, gaps, slips of unit, and pairs that only look like contradictions.

1. Two facts contradict each other when they speak of the same thing (same telling words, same part) and no value
   satisfies both. Readings of a battery are not specifications and are compared only within their own record.
2. Nothing is filled in: a missing value stays missing, and the finding names it.
3. Same facts, same findings, in the same order.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from decimal import Decimal
from itertools import combinations

from agents.skills.facts import (
    DocumentFacts,
    Fact,
    FactKind,
    Finding,
    FindingKind,
    Severity,
    evidence_of,
    finding,
)
from agents.skills.matching import (
    DRAWING,
    amount_text,
    can_both_hold,
    is_about_title,
    is_compared,
    item_of,
    ratio,
    same_dimension,
    telling_words,
    words_of,
)
from agents.skills.packs import is_record, pack_findings
from gates.units import RATE_UNIT, dimension, shown

_ORDER = {kind: rank for rank, kind in enumerate(FindingKind)}
_WEIGHT = {Severity.HIGH: 0, Severity.MEDIUM: 1, Severity.LOW: 2}
_SLIPS = tuple(Decimal(10) ** power for power in (1, 2, 3, 6))
MAX_LOOKALIKES = 12
# A document that gives more different values than this under one name lists a series, not a limit.
SERIES = 6
# So many different values of one thing are told once and not pair by pair: twelve values are 66 pairs already.
MAX_COMPARED = 12

# The last word of a subject tells its dimension; only words that never mean anything else.
_DIMENSION_OF = {
    "voltage": "V",
    "current": "A",
    "resistance": "ohm",
    "temperature": "degC",
    "torque": "N*m",
    "weight": "kg",
    "power": "W",
    "energy": "Wh",
    "frequency": "Hz",
    "delay": "s",
}
_ALSO_ALLOWED = {"current": (RATE_UNIT,), "power": ("VA",), "voltage": ("V/cell",), "temperature": ("delta_degC",)}
_CHEMISTRY = re.compile(r"\b(LFP|LiFePO4|NMC|NCA|LTO|Li-?ion|lead[- ]acid)\b", re.I)


def find(facts: Sequence[Fact], documents: Sequence[DocumentFacts] = ()) -> tuple[Finding, ...]:
    """Return the findings over all facts of a mission, the gravest kind first.

    documents: the documents the facts were taken from; what their reading already showed is passed on.
    """
    ordered = sorted(facts, key=lambda fact: (fact.claim.document, _natural(fact.claim.place), fact.id))
    found = [
        *(item for document in documents for item in document.findings),
        *_disagreements(ordered),
        *_missing(ordered),
        *_wrong_dimensions(ordered),
        *_chemistry_limits(ordered),
        *pack_findings(ordered),
    ]
    unique = {item.id: item for item in found}
    return tuple(sorted(unique.values(), key=_rank))


def _rank(item: Finding) -> tuple[int, int, str, str]:
    first = item.evidence[0] if item.evidence else None
    return (_ORDER[item.kind], _WEIGHT[item.severity], first.document if first else "", item.statement)


def _natural(place: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", place))


def _disagreements(facts: Sequence[Fact]) -> Iterator[Finding]:
    names = sorted({fact.claim.document for fact in facts})
    records = {name for name in names if is_record(facts, name)}
    compared = [fact for fact in facts if _is_comparable(fact) and fact.claim.document not in records]
    groups: dict[frozenset[str], list[Fact]] = defaultdict(list)
    for fact in compared:
        groups[words_of(fact)].append(fact)
    for words, group in groups.items():
        if words:
            yield from _within(group)
    yield from _lookalikes(compared)


def _is_comparable(fact: Fact) -> bool:
    # A share in a sentence may be a share of anything; under a name it is that of one thing.
    return is_compared(fact) and (fact.unit != "percent" or _is_named(fact))


def _within(group: Sequence[Fact]) -> Iterator[Finding]:
    """Compare facts of one subject; of several that say the same, the first stands for all."""
    distinct: dict[tuple[object, ...], Fact] = {}
    for fact in group:
        distinct.setdefault((fact.claim.document, item_of(fact), fact.value, fact.value_high, fact.unit), fact)
    told = Counter(fact.claim.document for fact in distinct.values())
    stated = [fact for fact in distinct.values() if told[fact.claim.document] <= SERIES]
    if len(stated) > MAX_COMPARED:
        yield from _many_values(stated)
        return
    for one, other in combinations(stated, 2):
        if _are_listed_together(one, other):
            continue
        if item_of(one) != item_of(other):
            yield from _slip_between_titles(one, other)
        elif not same_dimension(one, other):
            yield from _different_dimensions(one, other)
        elif not can_both_hold(one, other):
            yield _contradiction(one, other)


def _many_values(stated: Sequence[Fact]) -> Iterator[Finding]:
    """Say once that many documents give one thing many values; every pair of them would bury the rest."""
    first = stated[0]
    other = next((fact for fact in stated if same_dimension(first, fact) and not can_both_hold(first, fact)), None)
    if other is None:
        return
    documents = len({fact.claim.document for fact in stated})
    words = (
        f"{documents} documents give {first.subject} {len(stated)} different values: {_said(first)}, "
        f"{_said(other)}, and so on."
    )
    yield finding(FindingKind.CONTRADICTION, Severity.MEDIUM, words, (evidence_of(first), evidence_of(other)))


def _slip_between_titles(one: Fact, other: Fact) -> Iterator[Finding]:
    """Two documents may mean the same thing though only one names it: enough to report a factor of ten, not more."""
    may_be_one = is_about_title(one) and is_about_title(other) and len(words_of(one)) > 1 and same_dimension(one, other)
    if may_be_one and ratio(one, other) in _SLIPS:
        yield _contradiction(one, other)


def _are_listed_together(one: Fact, other: Fact) -> bool:
    """Whether one sentence or row states both: it offers alternatives or conditions, it does not contradict itself."""
    return one.claim.document == other.claim.document and one.claim.place == other.claim.place


def _contradiction(one: Fact, other: Fact) -> Finding:
    both = (evidence_of(one), evidence_of(other))
    times = ratio(one, other)
    if times is not None and times in _SLIPS:
        words = (
            f"{_said(one)}, but {_said(other)}: exactly a factor of {times:f}, so one of the two has probably "
            "slipped a unit prefix or a decimal point."
        )
        return finding(FindingKind.UNIT_SLIP, Severity.HIGH, words, both)
    words = f"{_said(one)}, but {_said(other)}: no value satisfies both."
    return finding(FindingKind.CONTRADICTION, Severity.HIGH, words, both)


def _said(fact: Fact) -> str:
    return f"{fact.claim.document} ({fact.claim.place}) gives {fact.subject} as {amount_text(fact)}"


def _different_dimensions(one: Fact, other: Fact) -> Iterator[Finding]:
    # A single word such as "depth" may be a length here and a share there.
    if len(words_of(one)) < 2 or RATE_UNIT in {one.unit, other.unit}:
        return  # a rate is a current by another name
    if "x" in {one.qualifier, other.qualifier}:
        return  # sides given in an area unit are named by _wrong_dimensions, once
    words = f"{_said(one)}, but {_said(other)}: these units measure different things."
    yield finding(FindingKind.UNIT_SLIP, Severity.MEDIUM, words, (evidence_of(one), evidence_of(other)))


def _lookalikes(facts: Sequence[Fact]) -> Iterator[Finding]:
    """Name pairs that share a telling word and disagree, but speak of different parts."""
    paired: set[str] = set()
    for one, other in _sharing(facts):
        # One pair for each fact tells the reader enough, and MAX_LOOKALIKES pairs tell that names are shared widely.
        if paired & {one.id, other.id} or len(paired) >= 2 * MAX_LOOKALIKES:
            continue
        if item_of(one) == item_of(other) or not same_dimension(one, other):
            continue
        # "< 1 mA" and "1 µA" can both hold and still are taken for each other; 5.45 kg and 5.49 kg are not.
        if can_both_hold(one, other) and (ratio(one, other) or 1) < 10:
            continue
        paired |= {one.id, other.id}
        words = (
            f"Not a contradiction: {_said(one)}, and {_said(other)}; the first is about {_item(one)}, the second "
            f"about {_item(other)}."
        )
        yield finding(FindingKind.LOOKALIKE, Severity.LOW, words, (evidence_of(one), evidence_of(other)))


def _sharing(facts: Sequence[Fact]) -> Iterator[tuple[Fact, Fact]]:
    """Yield the pairs that share a telling word; a word that many facts share tells nothing."""
    groups: dict[str, list[Fact]] = defaultdict(list)
    for fact in facts:
        for word in sorted(telling_words(fact)):
            groups[word].append(fact)
    for group in groups.values():
        if len(group) <= 4 * SERIES:
            yield from combinations(group, 2)


def _item(fact: Fact) -> str:
    return {"": "the whole device", DRAWING: "a detail of a drawing"}.get(item_of(fact), item_of(fact))


def _missing(facts: Sequence[Fact]) -> Iterator[Finding]:
    for fact in facts:
        if fact.kind is FactKind.MISSING:
            words = f"{fact.claim.document} leaves open {fact.subject}: it says {fact.text!r}. No figure is assumed."
            yield finding(FindingKind.MISSING, Severity.MEDIUM, words, (evidence_of(fact),))


def _wrong_dimensions(facts: Sequence[Fact]) -> Iterator[Finding]:
    for fact in facts:
        if not is_compared(fact):
            continue
        if fact.qualifier == "x" and dimension(fact.unit) == dimension("mm**2"):
            words = (
                f"{_said(fact)}: two sides are lengths, but the unit is one of area. Meant are probably sides in "
                f"{shown(fact.unit.removesuffix('**2'))}."
            )
            yield finding(FindingKind.UNIT_SLIP, Severity.MEDIUM, words, (evidence_of(fact),))
        word = _last_word(fact)
        if word and dimension(fact.unit) not in {
            dimension(unit) for unit in (_DIMENSION_OF[word], *_ALSO_ALLOWED.get(word, ()))
        }:
            words = f"{_said(fact)}: {shown(fact.unit)} is no unit of {word}."
            yield finding(FindingKind.UNIT_SLIP, Severity.HIGH, words, (evidence_of(fact),))


def _last_word(fact: Fact) -> str:
    """Return the word that tells the dimension of a key or column, "" for sentences, whose words wander."""
    words = re.sub(r"\s*\(.*$", "", fact.subject).lower().split()
    last = words[-1] if _is_named(fact) and 1 < len(words) < 6 else ""
    return last if last in _DIMENSION_OF and fact.unit != "percent" else ""


def _is_named(fact: Fact) -> bool:
    """Whether the quote begins with the subject: a key or the first cell of a row, not words out of a sentence."""
    subject = re.sub(r"\s*[(,].*$", "", fact.subject).strip().lower()
    return bool(subject) and fact.claim.quote.lower().lstrip("|-*+ \t").startswith(subject)


def _chemistry_limits(facts: Sequence[Fact]) -> Iterator[Finding]:
    """Name cell counts that differ because the chemistry does."""
    limits: dict[str, Fact] = {}
    for fact in facts:
        found = _CHEMISTRY.search(fact.subject) if fact.unit == "cell" else None
        if found is not None and fact.value is not None:
            limits.setdefault(found[0].lower().replace("-", ""), fact)
    told = sorted(limits.values(), key=lambda fact: (_upper(fact), fact.id))
    if len({_upper(fact) for fact in told}) > 1:
        least, most = told[0], told[-1]
        words = (
            f"The number of cells depends on the chemistry: {_said(least)}, while {_said(most)}. This is no "
            "contradiction, but the larger figure must not be used for the other chemistry."
        )
        yield finding(FindingKind.LOOKALIKE, Severity.MEDIUM, words, (evidence_of(least), evidence_of(most)))


def _upper(fact: Fact) -> Decimal:
    return fact.value_high if fact.value_high is not None else fact.value or Decimal(0)
