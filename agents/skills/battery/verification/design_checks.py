"""What the verifier looks for in design and bill: channels within their budget, parts, a second way, failure modes."""

import re
from collections.abc import Iterator
from decimal import Decimal

from agents.skills.battery.figures import plus_minus
from agents.skills.battery.measuring import (
    apart,
    as_difference,
    channel_links,
    channels_of,
    elements_in,
    error_of,
    is_comparable,
    is_difference,
    is_in_reach,
    named_parts,
    words,
)
from agents.skills.battery.verification.code_checks import flaws_in_code
from agents.skills.battery.verification.dossier import Dossier
from agents.skills.battery.verification.seen import Seen
from gates.design.files import Channel, DesignFile, Element, FailureMode, Kind, Limit, Requirement, Subject
from gates.design.words import quantity

# How the verifier begins what it says of a thing that has no second way.
IN_ONE_WAY = "critical, and noticed in one way only"
# What a life may hang on: here one way of noticing is not enough. Sensors are each other's second way already.
_TWICE = frozenset({Subject.VOLTAGE, Subject.CURRENT, Subject.TEMPERATURE, Subject.ALERTS})


def measurement(requirement: Requirement, dossier: Dossier) -> Iterator[Seen]:
    """Whether each limit's quantity is measured, far enough and well enough, by one channel at least."""
    for limit in dossier.limits_of(requirement):
        yield from _comparison(limit, dossier)
        channels = channels_of(limit, dossier.design)
        if not channels:
            yield Seen.not_met(f"no channel measures what {limit.name} watches ({limit.quantity})")
            continue
        flaws = {channel.name: _flaw(channel, limit, dossier) for channel in channels}
        good = [channel for channel in channels if not flaws[channel.name]]
        if good:
            yield Seen.met(f"{limit.name}: {good[0].name} may be off by {_off(good[0], limit)}")
        else:
            yield from (Seen.not_met(f"{limit.name}: {flaw}") for flaw in flaws.values())


def _comparison(limit: Limit, dossier: Dossier) -> Iterator[Seen]:
    """Whether a limit that compares readings leaves room for what healthy ones may be apart."""
    if is_difference(limit):
        width = apart(limit, dossier.design, dossier.requirements.pack.cells)
        if width >= limit.value:
            yield Seen.not_met(
                f"{limit.name}: healthy readings may be apart by {quantity(width, limit.unit)}, beyond it"
            )


def _off(channel: Channel, limit: Limit) -> str:
    allowed = plus_minus(_allowed(channel, limit), limit.unit)
    return f"{plus_minus(error_of(channel, limit), limit.unit)} where {allowed} is allowed"


def _allowed(channel: Channel, limit: Limit) -> Decimal:
    return as_difference(channel.required, channel.unit, limit.unit) * (2 if is_difference(limit) else 1)


def _flaw(channel: Channel, limit: Limit, dossier: Dossier) -> str:
    """Return why a channel is no good for a limit, "" where it is good."""
    accuracy_mv = dossier.requirements.accuracy_mv
    allowed = plus_minus(channel.required, channel.unit)
    if channel.total > channel.required:
        return f"{channel.name} may be off by {plus_minus(channel.total, channel.unit)}, allowed is {allowed}"
    if channel.total < _least_error(channel):
        return (
            f"the budget of {channel.name} leaves out the converter: a step is {quantity(channel.step, channel.unit)}"
        )
    if _is_cell(channel) and as_difference(channel.required, channel.unit, "mV") > accuracy_mv:
        return f"{channel.name} is allowed {allowed}, the reading of a cell {plus_minus(accuracy_mv, 'mV')}"
    if not is_in_reach(channel, limit):
        return f"{channel.name} does not reach {quantity(limit.value, limit.unit)}"
    if not is_difference(limit) and 0 < abs(limit.value - limit.clear) <= error_of(channel, limit):
        return f"{channel.name} may be off by more than lies between {limit.name} and its end"
    return ""


def _least_error(channel: Channel) -> Decimal:
    """Return the error that no averaging takes away: half a step, less what oversampling can give."""
    return channel.step / 2 / Decimal(channel.oversamples).sqrt()


def _is_cell(channel: Channel) -> bool:
    return "cell" in words(channel.name) and is_comparable(channel.unit, "V")


def parts(requirement: Requirement, dossier: Dossier) -> Iterator[Seen]:
    """Whether every part that serves is in the bill, as often as the design takes it."""
    for element in dossier.serving(requirement):
        if not element.part:
            continue
        bought, needed = dossier.bought[element.part], dossier.needed[element.part]
        if bought >= needed:
            yield Seen.met(f"{element.id}, {element.name}: the bill holds {bought} x {element.part}")
        elif bought:
            yield Seen.not_met(f"{element.id}: the bill holds {bought} x {element.part}, the design takes {needed}")
        else:
            yield Seen.not_met(f"{element.id}, {element.name}: the bill does not hold {element.part}")


def second_way(requirement: Requirement, dossier: Dossier) -> Iterator[Seen]:
    """Whether what is critical is noticed in a second way when the first one fails."""
    if not requirement.is_critical or requirement.subject not in _TWICE:
        return
    ways = [*_twice(requirement, dossier), *_compared(requirement, dossier), *_backed(requirement, dossier)]
    yield from (Seen.met(f"second way: {way}") for way in dict.fromkeys(ways))
    if ways:
        return
    alone = f"{IN_ONE_WAY}: nothing that is bought backs up what serves it, and nothing is compared with it"
    # What the designer calls unsafe has been said already; a person decides about both together.
    is_admitted = any(item.requirement == requirement.id and not item.is_safe for item in dossier.design.failures)
    yield Seen.open(alone) if is_admitted else Seen.not_met(alone)


def _twice(requirement: Requirement, dossier: Dossier) -> Iterator[str]:
    for limit in dossier.limits_of(requirement):
        if ways := _independent(limit, dossier):
            shared = ", ".join(["the board", *sorted(named_parts(ways[0]) & named_parts(ways[1]))])
            yield f"{limit.name} is measured by {ways[0].name} and {ways[1].name}, which share {shared}"


def _compared(requirement: Requirement, dossier: Dossier) -> Iterator[str]:
    """Yield the limits that compare what measures for a requirement with another channel, and that the sketch holds."""
    measuring = set(dossier.channels_of(requirement))
    for limit in dossier.requirements.limits:
        channels = channels_of(limit, dossier.design) if is_difference(limit) else ()
        if len(channels) > 1 and measuring & set(channels) and not flaws_in_code(limit, dossier.code):
            yield f"{limit.name} compares {' with '.join(channel.name for channel in channels)}"


def _backed(requirement: Requirement, dossier: Dossier) -> Iterator[str]:
    for item in backing(requirement, dossier):
        yield f"{item.id}, {item.name}, for {item.backs_up}"


def backing(requirement: Requirement, dossier: Dossier) -> tuple[Element, ...]:
    """Return the elements that can be bought and that back up another one which serves a requirement.

    An alert that itself backs up something else is the second way.
    """
    serving = {element.id for element in dossier.serving(requirement)}
    return tuple(
        element
        for element in dossier.design.elements
        if dossier.is_bought(element)
        and element.backs_up in dossier.elements.keys() - {element.id}
        and (element.backs_up in serving or (requirement.subject is Subject.ALERTS and element.id in serving))
    )


def _independent(limit: Limit, dossier: Dossier) -> tuple[Channel, ...]:
    """Return two channels of one quantity with sensors of their own, or none."""
    if is_difference(limit):
        return ()
    good = [channel for channel in channels_of(limit, dossier.design) if not _flaw(channel, limit, dossier)]
    for number, one in enumerate(good):
        for other in good[number + 1 :]:
            if not _shared(one, other, dossier.design):
                return one, other
    return ()


def _shared(one: Channel, other: Channel, design: DesignFile) -> bool:
    ids = {element.id for element in elements_in(one, design)}
    others = {element.id for element in elements_in(other, design)}
    return bool(ids & others) or bool(channel_links(one) & channel_links(other)) or one.chain[:1] == other.chain[:1]


def failure_modes(requirement: Requirement, dossier: Dossier) -> Iterator[Seen]:
    """What can go wrong with it: noticed and answered, called unsafe by the designer, or called safe for no reason."""
    for failure in dossier.design.failures:
        if failure.requirement != requirement.id:
            continue
        if not failure.is_safe:
            yield Seen.open(
                f"{failure.id}: {failure.what} is not safe by the designer's own word; a person has to decide"
            )
        elif not failure.detected_by.strip() or not failure.reaction.strip():
            yield Seen.not_met(f"{failure.id}: {failure.what} is called safe, but nothing notices it or answers to it")
        elif not _is_provoked(failure, dossier):
            yield Seen.not_met(f"{failure.id}: {failure.what} is brought about by no safety test")
        elif failure.element not in dossier.elements:
            yield Seen.not_met(f"{failure.id}: happens at {failure.element}, which the design does not have")
        else:
            yield Seen.met(f"{failure.id}: {failure.what} is noticed by {failure.detected_by}")


def _is_provoked(failure: FailureMode, dossier: Dossier) -> bool:
    """Whether a safety test names the failure, in its title or its set-up."""
    named = re.compile(rf"(?<![\w-]){re.escape(failure.id)}(?![\w-])")
    return any(test.kind is Kind.SAFETY and named.search(f"{test.title} {test.setup}") for test in dossier.plan.tests)
