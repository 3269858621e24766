"""The unit tests of a plan: every limit from both sides, every channel with known inputs.

A limit speaks up at its value, give or take what the measurement may be off; so it is provoked that far and one step
beyond, and has to stay silent that far before.
"""

import re
from collections.abc import Iterator
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from agents.skills.battery.measuring import (
    at_input,
    channels_of,
    finest,
    is_comparable,
    is_difference,
    is_in_reach,
    unsure,
    words,
)
from agents.skills.battery.test_plan.bench import beside, rig_of, source_of
from agents.skills.battery.test_plan.draft import Draft, covering_limit, requirements_about
from gates.design.files import Channel, DesignFile, Direction, Kind, Level, Limit, Requirement, RequirementsFile
from gates.design.words import quantity

# What measuring every channel, deciding and lighting up may take beyond a limit's delay: four cycles of 250 ms.
REACTION_S = Decimal(1)
_MEASURING = re.compile("measur|accura", re.IGNORECASE)
_SPOKEN = {
    Level.WARNING: "the yellow light is on and the line on the bus carries it",
    Level.ALARM: "the red light is on, the buzzer sounds until acknowledged and the line on the bus carries it",
}


def limit_tests(requirements: RequirementsFile, design: DesignFile) -> Iterator[Draft]:
    """Yield one test for each limit: just inside, just beyond, back to clear."""
    for limit in requirements.limits:
        width = unsure(limit, design)
        inside, beyond, clear = _away(limit, -width), _away(limit, width), _set_back(limit, width)
        silent, loud, over = (quantity(value, limit.unit) for value in (inside, beyond, clear))
        rig = rig_of(limit)
        yield Draft(
            kind=Kind.UNIT,
            title=f"{limit.name}: silent at {silent}, speaks up at {loud}",
            setup=" ".join(part for part in (rig.setup, beside(limit)) if part),
            steps=(
                f"{rig.turn.format(value=silent)}; wait {_wait(limit)}.",
                f"{rig.turn.format(value=loud)}; start the stop watch.",
                f"Note when {limit.name} shows; press the acknowledge button.",
                f"{rig.turn.format(value=over)}; note whether it is over.",
            ),
            expected=_expected(limit, silent, loud, over),
            covers=covering_limit(limit, requirements),
            limit=limit.name,
            stimulus=beyond,
        )


def _away(limit: Limit, width: Decimal) -> Decimal:
    """Return the value that lies so far beyond the limit, or before it if negative; rounded away from the limit."""
    return _shifted(limit.value, width if limit.direction is Direction.ABOVE else -width, limit.unit)


def _set_back(limit: Limit, width: Decimal) -> Decimal:
    """Return a value at which the limit is over for certain; a difference cannot become less than none."""
    clear = _shifted(limit.clear, -width if limit.direction is Direction.ABOVE else width, limit.unit)
    return max(clear, Decimal(0)) if limit.direction is Direction.ABOVE and limit.clear >= 0 else clear


def _shifted(value: Decimal, by: Decimal, unit: str) -> Decimal:
    grid = finest(unit)
    return ((value + by) / grid).to_integral_value(ROUND_CEILING if by > 0 else ROUND_FLOOR) * grid


def _wait(limit: Limit) -> str:
    return quantity(limit.delay_s * 2 + REACTION_S, "s")


def _expected(limit: Limit, silent: str, loud: str, over: str) -> str:
    within = quantity(limit.delay_s + REACTION_S, "s")
    early = f", and not before {quantity(limit.delay_s, 's')}" if limit.delay_s else ""
    return (
        f"At {silent} {limit.name} stays silent (other limits may speak up). At "
        f"{loud} it speaks up within {within}{early}: {_SPOKEN[limit.level]}. "
        f"At {over} it is over."
    )


def channel_tests(requirements: RequirementsFile, design: DesignFile) -> Iterator[Draft]:
    """Yield one test for each channel: known inputs, and readings within the error that is allowed."""
    for channel in design.channels:
        allowed = quantity(channel.required, channel.unit)
        yield Draft(
            kind=Kind.UNIT,
            title=f"Channel {channel.name}: known inputs are read within {allowed}",
            setup=f"The channel is calibrated. {source_of(channel.unit)}; a meter beside it whose error is worth at "
            f"most {quantity(meter_error(channel), channel.unit)}.",
            steps=tuple(
                f"Set {quantity(value, channel.unit)}, wait 5 s, note the meter and ten readings."
                for value in _inputs(channel, requirements, design)
            ),
            expected=f"Each reading is within {allowed} of the meter; the ten readings differ by at most "
            f"{quantity(_scatter(channel), channel.unit)}.",
            covers=covering_channel(channel, requirements, design),
        )


def meter_error(channel: Channel) -> Decimal:
    """Return what a meter may be off if it is to judge a channel: a quarter of what is allowed."""
    return _rounded(channel.required / 4)


def _scatter(channel: Channel) -> Decimal:
    return _rounded(max(2 * channel.step, channel.required / 2))


def _rounded(value: Decimal) -> Decimal:
    """Return a value with two digits that count."""
    return value.quantize(Decimal(1).scaleb(value.adjusted() - 1)) if value else value


def _inputs(channel: Channel, requirements: RequirementsFile, design: DesignFile) -> tuple[Decimal, ...]:
    """Return known inputs: the lowest and highest limit that the channel watches, the middle; currents both ways."""
    watched = [item for item in requirements.limits if channel in channels_of(item, design) and not is_difference(item)]
    values = [at_input(limit, channel) for limit in watched if is_in_reach(channel, limit)]
    low, high = min(values, default=channel.span / 4), max(values, default=channel.span * 3 / 4)
    if is_comparable(channel.unit, "A"):
        high = max(values, default=channel.span * 3 / 8)
        low = -high
    return tuple(sorted({low, _shifted((low + high) / 2, Decimal(0), channel.unit), high}))


def covering_channel(channel: Channel, requirements: RequirementsFile, design: DesignFile) -> tuple[str, ...]:
    """Return the requirements, by id, whose limits a channel watches or that ask for the measurement itself.

    Where there are none, those on its subject.
    """
    names = {limit.name for limit in requirements.limits if channel in channels_of(limit, design)}
    about = requirements_about(channel.unit, requirements)
    found = tuple(
        item.id
        for item in requirements.requirements
        if names & set(item.limits) or (item.id in about and _asks_for(item, channel))
    )
    return found or about


def _asks_for(requirement: Requirement, channel: Channel) -> bool:
    """Whether a requirement without limits wants what a channel measures to be measured."""
    is_measuring = _MEASURING.search(requirement.text) and not requirement.limits
    return bool(is_measuring and words(channel.name) & words(requirement.text))
