"""The unit tests of channels, each with known inputs and a meter beside it."""

import re
from collections.abc import Iterator
from decimal import Decimal

from agents.skills.battery.measuring import (
    at_input,
    channels_of,
    is_comparable,
    is_difference,
    is_in_reach,
    meter_error,
    words,
)
from agents.skills.battery.test_plan.bench import shifted, source_of
from agents.skills.battery.test_plan.draft import Draft, requirements_about
from gates.design.files import Channel, DesignFile, Kind, Requirement, RequirementsFile
from gates.design.words import quantity

_MEASURING = re.compile("measur|accura", re.IGNORECASE)


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
                f"Set {quantity(value, channel.unit)} {_set_by(channel)}, wait 5 s, note the meter and ten readings."
                for value in _inputs(channel, requirements, design)
            ),
            expected=f"Each reading is within {allowed} of the meter; the ten readings differ by at most "
            f"{quantity(_scatter(channel), channel.unit)}.",
            covers=covering_channel(channel, requirements, design),
        )


def _set_by(channel: Channel) -> str:
    """Return by what an input is set: no bench has the current or the temperature itself."""
    stands_in = is_comparable(channel.unit, "A") or is_comparable(channel.unit, "degC")
    return "as the data sheet gives it" if stands_in else "by the meter"


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
    return tuple(sorted({low, shifted((low + high) / 2, Decimal(0), channel.unit), high}))


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
