"""The unit tests of a plan: every limit from both sides, every channel with known inputs.

A limit speaks up at its value, give or take what the measurement may be off; so it is provoked that far and one step
beyond, and has to stay silent that far before.
"""

from collections.abc import Iterator
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from agents.skills.battery.bench import beside, rig_of
from agents.skills.battery.drafting import Draft, covering_limit, requirements_about
from agents.skills.battery.pages import amount
from agents.skills.battery.sensing import (
    at_input,
    channels_of,
    finest,
    is_comparable,
    is_difference,
    is_in_reach,
    unsure,
)
from gates.design.files import Channel, DesignFile, Direction, Kind, Level, Limit, RequirementsFile

# What measuring every channel, deciding and lighting up may take beyond a limit's delay: two cycles of 250 ms.
REACTION_S = Decimal("0.5")
_SPOKEN = {
    Level.WARNING: "the yellow light is on and the line on the bus carries it",
    Level.ALARM: "the red light is on, the buzzer sounds until acknowledged and the line on the bus carries it",
}


def limit_tests(requirements: RequirementsFile, design: DesignFile) -> Iterator[Draft]:
    """Yield one test for each limit: just inside, just beyond, back to clear."""
    for limit in requirements.limits:
        width = unsure(limit, design)
        beyond = stimulus(limit, width)
        inside = _before(limit, width)
        clear = _set_back(limit, width)
        rig = rig_of(limit)
        yield Draft(
            kind=Kind.UNIT,
            title=f"{limit.name}: silent at {amount(inside, limit.unit)}, speaks up at {amount(beyond, limit.unit)}",
            setup=" ".join(part for part in (rig.setup, beside(limit)) if part),
            steps=(
                f"{rig.turn.format(value=amount(inside, limit.unit))}; wait {_wait(limit)}.",
                f"{rig.turn.format(value=amount(beyond, limit.unit))}.",
                f"Note when {limit.name} shows, by the milliseconds of the lines since the value went beyond; press "
                "the acknowledge button.",
                f"{rig.turn.format(value=amount(clear, limit.unit))}; note whether it is over.",
            ),
            expected=_expected(limit, inside, beyond, clear),
            covers=covering_limit(limit, requirements),
            limit=limit.name,
            stimulus=beyond,
        )


def stimulus(limit: Limit, width: Decimal) -> Decimal:
    """Return a value at which the limit has to speak up for certain, as a bench can set it."""
    return _away(limit, width)


def _away(limit: Limit, width: Decimal) -> Decimal:
    """Return the value that lies so far beyond the limit, or before it if negative; rounded away from the limit."""
    return _shifted(limit.value, width if limit.direction is Direction.ABOVE else -width, limit.unit)


def _before(limit: Limit, width: Decimal) -> Decimal:
    """Return a value at which the limit is silent for certain; a difference cannot become less than none."""
    before = _away(limit, -width)
    return max(before, Decimal(0)) if is_difference(limit) and limit.value > 0 else before


def _set_back(limit: Limit, width: Decimal) -> Decimal:
    """Return a value at which the limit is over for certain; a difference cannot become less than none."""
    clear = _shifted(limit.clear, -width if limit.direction is Direction.ABOVE else width, limit.unit)
    return max(clear, Decimal(0)) if limit.direction is Direction.ABOVE and limit.clear >= 0 else clear


def _shifted(value: Decimal, by: Decimal, unit: str) -> Decimal:
    grid = finest(unit)
    return ((value + by) / grid).to_integral_value(ROUND_CEILING if by > 0 else ROUND_FLOOR) * grid


def _wait(limit: Limit) -> str:
    return amount(limit.delay_s * 2 + REACTION_S, "s")


def _expected(limit: Limit, inside: Decimal, beyond: Decimal, clear: Decimal) -> str:
    within = amount(limit.delay_s + REACTION_S, "s")
    early = f", and not before {amount(limit.delay_s, 's')}" if limit.delay_s else ""
    return (
        f"At {amount(inside, limit.unit)} {limit.name} stays silent (a milder limit may speak up). At "
        f"{amount(beyond, limit.unit)} it speaks up within {within}{early}: {_SPOKEN[limit.level]}. "
        f"At {amount(clear, limit.unit)} it is over."
    )


def channel_tests(requirements: RequirementsFile, design: DesignFile) -> Iterator[Draft]:
    """Yield one test for each channel: known inputs, and readings within the error that is allowed."""
    for channel in design.channels:
        low, middle, high = _inputs(channel, requirements, design)
        yield Draft(
            kind=Kind.UNIT,
            title=f"Channel {channel.name}: known inputs are read within {amount(channel.required, channel.unit)}",
            setup=f"A source at the input of {channel.name} and a meter beside it that is off by at most "
            f"{amount(meter_error(channel), channel.unit)}; the channel is calibrated.",
            steps=tuple(
                f"Set {_as_set(channel, value)}, wait 5 s, note the meter and ten readings."
                for value in (low, middle, high)
            ),
            expected=f"Each reading is within {amount(channel.required, channel.unit)} of the meter; the ten readings "
            f"differ by at most {amount(_scatter(channel), channel.unit)}.",
            covers=covering_channel(channel, requirements, design),
        )


def _is_apart(limit: Limit) -> bool:
    """Whether a limit tells how far something is from what it should be, which is no input that can be set."""
    return is_difference(limit) or "against" in limit.quantity


def _as_set(channel: Channel, value: Decimal) -> str:
    by_data_sheet = is_comparable(channel.unit, "A") or is_comparable(channel.unit, "degC")
    return (
        f"what the data sheet gives for {amount(value, channel.unit)}"
        if by_data_sheet
        else f"{amount(value, channel.unit)} by the meter"
    )


def meter_error(channel: Channel) -> Decimal:
    """Return what a meter may be off if it is to judge a channel: a quarter of what is allowed, and no more than the
    channel's error budget counts on."""
    counted = (term.value for term in channel.terms if term.name == "calibration")
    return _rounded_down(min([channel.required / 4, *counted]))


def _rounded_down(value: Decimal) -> Decimal:
    return value.quantize(Decimal(1).scaleb(value.adjusted() - 2), ROUND_FLOOR) if value else value


def _scatter(channel: Channel) -> Decimal:
    return _rounded(max(2 * channel.step, channel.required / 2))


def _rounded(value: Decimal) -> Decimal:
    """Return a value with two digits that count."""
    return value.quantize(Decimal(1).scaleb(value.adjusted() - 1)) if value else value


def _inputs(channel: Channel, requirements: RequirementsFile, design: DesignFile) -> tuple[Decimal, Decimal, Decimal]:
    """Return three inputs: the lowest and highest limit that the channel watches, and the middle between them."""
    watched = [limit for limit in requirements.limits if channel in channels_of(limit, design)]
    values = [at_input(limit, channel) for limit in watched if not _is_apart(limit) and is_in_reach(channel, limit)]
    low, high = min(values, default=channel.span / 4), max(values, default=channel.span * 3 / 4)
    return low, _shifted((low + high) / 2, Decimal(0), channel.unit), high


def covering_channel(channel: Channel, requirements: RequirementsFile, design: DesignFile) -> tuple[str, ...]:
    """Return the requirements whose limits a channel watches, by id; where there are none, those of its subject."""
    names = {limit.name for limit in requirements.limits if channel in channels_of(limit, design)}
    direct = tuple(item.id for item in requirements.requirements if names & set(item.limits))
    return direct or requirements_about(channel.unit, requirements)
