"""The unit tests of limits, each from both sides.

A limit speaks up at its value, give or take what the measurement may be off; so it is provoked that far and one step
beyond, and has to stay silent that far before.
"""

from collections.abc import Iterator
from decimal import Decimal

from agents.skills.battery.measuring import is_difference, unsure
from agents.skills.battery.test_plan.bench import beside, rig_of, shifted
from agents.skills.battery.test_plan.draft import Draft, covering_limit
from gates.design.files import DesignFile, Direction, Kind, Level, Limit, RequirementsFile
from gates.design.words import quantity

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
        inside, beyond, clear = _before(limit, width), _away(limit, width), _set_back(limit, width)
        silent, loud, over = (quantity(value, limit.unit) for value in (inside, beyond, clear))
        rig = rig_of(limit)
        yield Draft(
            kind=Kind.UNIT,
            title=f"{limit.name}: silent at {silent}, speaks up at {loud}",
            setup=" ".join(part for part in (rig.setup, beside(limit)) if part),
            steps=(
                f"{rig.turn.format(value=silent)}; wait {_wait(limit)}.",
                f"{rig.turn.format(value=loud)}.",
                f"Note when {limit.name} shows, by the milliseconds of the lines since the value went beyond; press "
                "the acknowledge button.",
                f"{rig.turn.format(value=over)}; note whether it is over.",
            ),
            expected=_expected(limit, silent, loud, over),
            covers=covering_limit(limit, requirements),
            limit=limit.name,
            stimulus=beyond,
        )


def _away(limit: Limit, width: Decimal) -> Decimal:
    """Return the value that lies so far beyond the limit, or before it if negative; rounded away from the limit."""
    return shifted(limit.value, width if limit.direction is Direction.ABOVE else -width, limit.unit)


def _before(limit: Limit, width: Decimal) -> Decimal:
    """Return a value at which the limit is silent for certain; a difference cannot become less than none."""
    before = _away(limit, -width)
    return max(before, Decimal(0)) if is_difference(limit) and limit.value > 0 else before


def _set_back(limit: Limit, width: Decimal) -> Decimal:
    """Return a value at which the limit is over for certain; a difference cannot become less than none."""
    clear = shifted(limit.clear, -width if limit.direction is Direction.ABOVE else width, limit.unit)
    return max(clear, Decimal(0)) if limit.direction is Direction.ABOVE and limit.clear >= 0 else clear


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
