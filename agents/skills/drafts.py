"""A fact before its document is known to it, so that readers of tables, frames and prose stay plain functions."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from agents.skills.amounts import Amount
from agents.skills.facts import Fact, FactKind, Origin, identify
from gates.claims import Claim


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What a fact says and the words it rests on; fields as in `agents.skills.facts.Fact`.

    start: index of the line on which the quote begins. figures, literal: as they stand in the quote.
    """

    start: int
    quote: str
    subject: str
    kind: FactKind
    figures: tuple[str, ...] = ()
    literal: str = ""
    value: Decimal | None = None
    high: Decimal | None = None
    unit: str = ""
    text: str = ""
    qualifier: str = ""
    note: str = ""
    context: str = ""
    origin: Origin = Origin.STATED


def draft_of(amount: Amount, *, start: int, quote: str, subject: str, context: str) -> Draft:
    """Return the draft of an amount; quote holds the amount as it stands."""
    kind = FactKind.QUANTITY if amount.high is None else FactKind.RANGE
    if kind is FactKind.QUANTITY and amount.unit in {"cell", "cycle_count", "piece"}:
        kind = FactKind.COUNT
    return Draft(
        start=start,
        quote=quote,
        subject=subject,
        kind=kind,
        figures=amount.figures,
        literal=amount.literal,
        value=amount.value,
        high=amount.high,
        unit=amount.unit,
        qualifier="x" if amount.joined == "x" else amount.qualifier,
        note=amount.note,
        context=context,
    )


def facts_of(drafts: Iterable[Draft], document: str, sha256: str, places: list[str]) -> tuple[Fact, ...]:
    """Return the facts of a document, each once, in the order they stand there."""
    facts = (_fact(draft, document, sha256, places[draft.start]) for draft in drafts)
    return tuple({fact.id: fact for fact in facts}.values())


def _fact(draft: Draft, document: str, sha256: str, place: str) -> Fact:
    says = (draft.subject, draft.kind, draft.value, draft.high, draft.unit, draft.text, draft.qualifier)
    claim = Claim(
        id=identify("claim", sha256, document, place, draft.quote, draft.figures, *says),
        statement=statement(draft),
        figure=draft.figures,
        unit=draft.literal,
        document=document,
        sha256=sha256,
        place=place,
        quote=draft.quote,
    )
    return Fact(
        id=identify("fact", claim.id),
        subject=draft.subject,
        kind=draft.kind,
        value=draft.value,
        value_high=draft.high,
        unit=draft.unit,
        text=draft.text,
        qualifier=draft.qualifier,
        note=draft.note,
        context=draft.context,
        origin=draft.origin,
        claim=claim,
    )


def statement(draft: Draft) -> str:
    """Return the fact as a sentence a person can compare with the quote."""
    if draft.kind is FactKind.MISSING:
        return f"{draft.subject}: not stated ({draft.text})"
    if draft.value is None:
        return f"{draft.subject}: {draft.text}"
    joint = " x " if draft.qualifier == "x" else " to "
    figure = joint.join(f"{value:f}" for value in (draft.value, draft.high) if value is not None)
    qualifier = "" if draft.qualifier == "x" else draft.qualifier
    worked = "" if draft.origin is Origin.STATED else f" ({draft.origin.value})"
    return " ".join(filter(None, (f"{draft.subject}:", qualifier, figure, draft.unit))) + worked
