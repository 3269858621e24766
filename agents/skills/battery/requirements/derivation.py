"""Safety requirements of a pack: what practice asks, narrowed by configuration and documents, each with its words.

1. Of several figures for one thing the strictest holds, and that they differ is said.
2. Nothing is filled in: what the documents leave open is a note, and no requirement rests on it.
3. A pack that a device in the documents cannot take is refused; only a person can decide which of the two changes.
"""

from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from typing import Final

from agents.skills.battery.requirements.bases import Base, Bound, bounds, stated
from agents.skills.battery.requirements.belonging import (
    Topics,
    is_about_another_thing,
    is_rating,
    objection,
    refused,
    topics_of,
)
from agents.skills.battery.requirements.citations import Citations, Words
from agents.skills.battery.requirements.limits import Configuration, Sources, derived, strictest
from agents.skills.battery.requirements.pack import PackSettings, settings_of
from agents.skills.battery.requirements.phrases import is_charge, is_discharge
from agents.skills.battery.requirements.practice import Practice, read_practice
from agents.skills.facts import Evidence, Fact, Finding, FindingKind, Severity, identify
from agents.skills.matching import amount_text, telling_words, words_of
from agents.work import SkillFailed
from gates.claims import Claim
from gates.design.files import Note, Pack, Relation, Requirement, RequirementsFile, Subject
from gates.units import convert, dimension, shown
from protocol.bodies import ErrorCategory, ErrorLevel

_GRAVE: Final = (FindingKind.CONTRADICTION, FindingKind.DAMAGED, FindingKind.UNIT_SLIP)
_TOLD: Final = (*_GRAVE, FindingKind.MISSING, FindingKind.IMPLAUSIBLE)
_OTHER_CHEMISTRY: Final = {"LFP": {"nmc", "nca", "lto"}, "NMC": {"lfp", "lifepo4", "lto"}}
_MOST_ASIDE: Final = 40
_MOST_BOUNDS: Final = 25
_MOST_FOUND: Final = 60
_RATE: Final = Decimal("0.9")  # a highest current from here on, as a share of the capacity, is that of one hour


def derive(
    configuration: Words, raw: bytes, practice: Words, facts: Sequence[Fact], findings: Sequence[Finding]
) -> RequirementsFile:
    """Return the requirements of a pack. raw: the bytes of the configuration.

    Raises:
        SourceError: configuration or practice cannot be read.
        SkillFailed: the pack does not fit what the documents say, or breaks a rule that cannot be given up.
    """
    settings = settings_of(raw)
    followed = read_practice(practice, settings.chemistry)
    topics = topics_of(facts)
    said, aside = _sorted_out(bounding_facts(facts, settings), topics, settings)
    sources = Sources(followed, Configuration(configuration, settings), said, Citations())
    _check_ratings(said, topics, settings)
    counts = tuple(_cell_counts(stated(facts), topics, settings))
    limits = derived(sources)
    requirements = [*_practised(followed, sources.citations), *_devices(said, topics, counts, sources)]
    notes = [*_rates(sources, facts), *_differences(said, settings, sources), *_aside(aside, sources.citations)]
    notes += _findings(findings, facts, sources.citations)
    return RequirementsFile(
        pack=_pack(settings, sources),
        accuracy_mv=_figure("accuracy", "mV", followed, sources.citations),
        margin=_figure("margin", "", followed, sources.citations),
        limits=limits,
        requirements=tuple(_numbered(requirements)),
        notes=tuple(notes),
        claims=tuple(sources.citations.claims.values()),
    )


def bounding_facts(facts: Sequence[Fact], settings: PackSettings) -> tuple[Bound, ...]:
    """Return what the documents say about the bases of limits, each fact once for each base."""
    found = bounds(stated(facts), settings)
    return tuple({(bound.base, bound.fact.id): bound for bound in found}.values())


_Aside = tuple[Bound, str]


def _sorted_out(
    found: Iterable[Bound], topics: Topics, settings: PackSettings
) -> tuple[tuple[Bound, ...], tuple[_Aside, ...]]:
    """Return the bounds that hold for this pack, and the others with what speaks against each."""
    judged = [(bound, objection(bound, topics, settings)) for bound in found]
    kept = _strictest_of([bound for bound, why in judged if not why])
    return kept, tuple((bound, why) for bound, why in judged if why)


def _strictest_of(kept: Sequence[Bound]) -> tuple[Bound, ...]:
    """Return the strictest bounds of each kind: a looser one behind so many says nothing that a limit could follow."""
    groups: dict[object, list[Bound]] = {}
    for bound in kept:
        words = bound.fact.subject
        groups.setdefault((bound.base, is_charge(words), is_discharge(words)), []).append(bound)
    strict = {id(bound) for group in groups.values() for bound in sorted(group, key=_looseness)[:_MOST_BOUNDS]}
    return tuple(bound for bound in kept if id(bound) in strict)


def _looseness(bound: Bound) -> Decimal:
    return -bound.value if bound.relation is Relation.AT_LEAST else bound.value


def _refused(text: str) -> SkillFailed:
    return SkillFailed(ErrorLevel.PERSON, ErrorCategory.VALIDATION, text)


def _check_ratings(said: Iterable[Bound], topics: Topics, settings: PackSettings) -> None:
    """Refuse a pack that charges higher than a device of the documents bears (rule 3)."""
    top = settings.cells * settings.max_voltage
    bound = refused(said, topics, top)
    if bound is not None:
        raise _refused(
            f"{settings.cells} cells of {settings.max_voltage} V come to {top} V, but "
            f"{_where(bound.fact)} says {bound.fact.subject}: {amount_text(bound.fact)}; take fewer cells, another "
            "kind of cell, or another device (and its document out of the folder)"
        )


def _cell_counts(facts: Iterable[Fact], topics: Topics, settings: PackSettings) -> Iterator[Fact]:
    """Yield what the documents say about how many cells may be in series, for cells of this kind.

    Raises:
        SkillFailed: the pack has fewer or more.
    """
    others = _OTHER_CHEMISTRY.get(settings.chemistry.upper(), set())
    for fact in facts:
        if fact.unit != "cell" or fact.value is None or words_of(fact) & others or telling_words(fact) & others:
            continue
        subject = fact.subject.lower()
        if "serie" not in subject and (fact.qualifier != "max" or "parallel" in subject):
            continue
        if is_about_another_thing(fact, topics):
            continue
        low = fact.value if fact.value_high is not None else Decimal(0)
        high = fact.value_high if fact.value_high is not None else fact.value
        if not low <= settings.cells <= high:
            raise _refused(
                f"the pack has {settings.cells} cells in series, but {_where(fact)} says {fact.subject}: "
                f"{amount_text(fact)}; change `cells`, or take that document out of the folder"
            )
        yield fact


def _where(fact: Fact) -> str:
    return f"{fact.claim.document}, {fact.claim.place}"


def _practised(practice: Practice, citations: Citations) -> Iterator[Requirement]:
    for rule in practice.requirements:
        claim = citations.cite(practice.words, rule.place, rule.text, rule.text)
        yield Requirement(
            id="",
            key=rule.key,
            subject=rule.subject,
            text=rule.text,
            is_critical=rule.is_critical,
            limits=rule.limits,
            claims=(claim,),
            standard=rule.standard,
        )


def _devices(said: Iterable[Bound], topics: Topics, counts: Iterable[Fact], sources: Sources) -> Iterator[Requirement]:
    """Yield what a device of the documents asks of the pack, where it fits."""
    settings, citations = sources.configuration.settings, sources.citations
    ratings = [bound for bound in said if is_rating(bound, topics)]
    if ratings:
        least = min(ratings, key=lambda bound: bound.value)
        top = settings.cells * settings.max_voltage
        yield _device(
            "device-voltage",
            f"No point of the pack comes above {least.value:f} V, the most that the device in the documents bears; "
            f"{settings.cells} cells of {settings.max_voltage} V come to {top} V.",
            [bound.fact for bound in ratings],
            citations,
        )
    listed = list({fact.id: fact for fact in counts}.values())[:_MOST_BOUNDS]
    if listed:
        text = f"The {settings.cells} cells in series stay within what the device in the documents is made for."
        yield _device("device-cells", text, listed, citations)
    currents = [bound for bound in said if bound.base is Base.CURRENT_MAX]
    if currents:
        least = min(currents, key=lambda bound: bound.value)
        text = (
            f"No more than {least.value:f} A flow through the device in the documents for long; a device that is to "
            f"carry {settings.max_current} A is another one, or stands beside the main lead."
        )
        yield _device("device-current", text, [bound.fact for bound in currents], citations)


def _device(key: str, text: str, facts: Iterable[Fact], citations: Citations) -> Requirement:
    claims = tuple(dict.fromkeys(citations.add(fact.claim) for fact in facts))
    return Requirement(id="", key=key, subject=Subject.DEVICES, text=text, is_critical=True, claims=claims)


def _numbered(requirements: Iterable[Requirement]) -> Iterator[Requirement]:
    for number, requirement in enumerate(requirements, 1):
        yield requirement.model_copy(update={"id": f"SR-{number:02}"})


def _pack(settings: PackSettings, sources: Sources) -> Pack:
    return Pack(
        cells=settings.cells,
        cell_type=settings.cell_type,
        chemistry=settings.chemistry,
        capacity_ah=settings.capacity,
        nominal_v=settings.nominal_voltage,
        max_v=strictest(Base.CELL_MAX, sources),
        min_v=strictest(Base.CELL_MIN, sources),
        max_current_a=settings.max_current,
        budget_usd=settings.budget,
        platform=settings.platform,
    )


def _figure(name: str, unit: str, practice: Practice, citations: Citations) -> Decimal:
    amount, place = practice.figures[name]
    citations.cite(practice.words, place, amount.quote, f"{name} by practice: {amount.quote}", amount)
    return convert(amount.value, amount.unit, unit) if unit else amount.value


def _rates(sources: Sources, facts: Sequence[Fact]) -> Iterator[Note]:
    """Say of a current of one capacity in an hour what it is: the most, not the standard."""
    settings, citations = sources.configuration.settings, sources.citations
    rate = settings.max_current / settings.capacity
    if rate < _RATE:
        return
    cited = [sources.configuration.cite(name, citations)[1] for name in ("max_current", "capacity", "standard_current")]
    cited += [
        citations.add(fact.claim) for fact in [fact for fact in stated(facts) if _is_standard_rate(fact)][:_MOST_BOUNDS]
    ]
    standard = strictest(Base.STANDARD_CURRENT, sources)
    yield Note(
        text=f"{settings.max_current} A is the {rate:.2g}C limit of this cell (1C: its capacity in an hour), not "
        f"its standard rate. Above {standard:f} A for ten minutes the monitor warns; a cycle life is stated at the "
        "standard rate.",
        claims=tuple(dict.fromkeys(cited)),
    )


def _is_standard_rate(fact: Fact) -> bool:
    is_rate = dimension(fact.unit) in (dimension("W"), dimension("A"))
    return is_rate and "standard" in fact.subject.lower()


def _differences(said: Sequence[Bound], settings: PackSettings, sources: Sources) -> Iterator[Note]:
    """Say where documents are stricter than the configuration (rule 1)."""
    configured = {
        Base.CELL_MAX: settings.max_voltage,
        Base.CELL_MIN: settings.min_voltage,
        Base.CURRENT_MAX: settings.max_current,
        Base.CHARGE_CURRENT_MAX: settings.max_current,
        Base.DISCHARGE_CURRENT_MAX: settings.max_current,
    }
    for base, value in configured.items():
        told = [bound for bound in said if bound.base is base]
        stricter = [bound for bound in told if (bound.value > value if base is Base.CELL_MIN else bound.value < value)]
        if not stricter:
            continue
        worst = (max if base is Base.CELL_MIN else min)(stricter, key=lambda bound: bound.value)
        unit = shown("A" if "current" in base else "V")
        yield Note(
            text=f"{base.value.capitalize()}: {value} {unit} as configured, but {_where(worst.fact)} says "
            f"{worst.fact.subject}: {amount_text(worst.fact)}. The stricter holds: {worst.value:f} {unit}.",
            claims=tuple(dict.fromkeys(sources.citations.add(bound.fact.claim) for bound in stricter)),
            is_grave=True,
        )


def _aside(aside: Sequence[_Aside], citations: Citations) -> Iterator[Note]:
    """Say what was set aside and why, for so many that a person still reads them."""
    for bound, why in aside[:_MOST_ASIDE]:
        told = f"{_where(bound.fact)} says {bound.fact.subject}: {amount_text(bound.fact)}."
        yield Note(text=f"{told} {why}, so no limit rests on it.", claims=(citations.add(bound.fact.claim),))
    if len(aside) > _MOST_ASIDE:
        documents = sorted({bound.fact.claim.document for bound, _ in aside[_MOST_ASIDE:]})
        text = f"{len(aside) - _MOST_ASIDE} further figures limit nothing for such reasons; they stand in FACTS.md."
        claims = {bound.fact.claim.document: bound.fact.claim for bound, _ in reversed(aside[_MOST_ASIDE:])}
        yield Note(text=text, claims=tuple(citations.add(claims[name]) for name in documents[:_MOST_ASIDE]))


def _findings(findings: Sequence[Finding], facts: Sequence[Fact], citations: Citations) -> Iterator[Note]:
    """Pass on what comparing the documents has shown, the gravest first, as much as a person reads."""
    told = sorted((one for one in findings if one.kind in _TOLD), key=lambda one: not _is_grave(one))
    known = {fact.id: fact.claim for fact in facts}
    digests = {fact.claim.document: fact.claim.sha256 for fact in facts}
    for one in told[:_MOST_FOUND]:
        yield _found(one, known, digests, citations)
    if len(told) > _MOST_FOUND:
        is_grave = _is_grave(told[_MOST_FOUND])
        yield Note(text=f"{len(told) - _MOST_FOUND} further findings stand in FACTS.md.", is_grave=is_grave)


def _is_grave(finding: Finding) -> bool:
    return finding.severity is Severity.HIGH or finding.kind in _GRAVE


def _found(finding: Finding, known: dict[str, Claim], digests: dict[str, str], citations: Citations) -> Note:
    claims = [_evidence(one, known, digests) for one in finding.evidence if one.quote]
    return Note(
        text=finding.statement,
        claims=tuple(dict.fromkeys(citations.add(claim) for claim in claims if claim)),
        is_grave=_is_grave(finding),
    )


def _evidence(evidence: Evidence, known: dict[str, Claim], digests: dict[str, str]) -> Claim | None:
    """Return the words of a finding as a claim, None where they stand in a document of which nothing else is known."""
    if evidence.fact in known:
        return known[evidence.fact]
    digest = digests.get(evidence.document)
    if digest is None:
        return None
    return Claim(
        id=identify("evidence", evidence.document, evidence.place, evidence.quote),
        statement=f"{evidence.document} says so at {evidence.place}",
        document=evidence.document,
        sha256=digest,
        place=evidence.place,
        quote=evidence.quote,
    )
