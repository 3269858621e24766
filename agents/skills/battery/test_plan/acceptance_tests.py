"""What the finished monitor has to show before anybody relies on it."""

from collections.abc import Iterator

from agents.skills.battery.test_plan.draft import Draft, of_subject
from agents.skills.battery.test_plan.limit_tests import REACTION_S
from gates.design.files import DesignFile, Kind, Level, RequirementsFile, Subject
from gates.design.words import quantity


def acceptance_tests(requirements: RequirementsFile, design: DesignFile) -> Iterator[Draft]:
    """Yield what the finished monitor has to show before anybody relies on it."""
    every = tuple(item.id for item in requirements.requirements)
    limited = tuple(item.id for item in requirements.requirements if item.limits)
    alarms = [limit.name for limit in requirements.limits if limit.level is Level.ALARM]
    yield _acceptance(
        "24 hours without a false alarm",
        (
            "Resistor string at healthy values, logger on, host on for the first and off for the second half.",
            "Read the log.",
        ),
        "No alarm, no warning, no restart, no gap in the numbers, no line with a wrong CRC in 24 hours.",
        of_subject(requirements, *(subject for subject in Subject if subject is not Subject.DEVICES)),
    )
    yield _acceptance(
        f"All {len(alarms)} alarms in the time stated",
        (f"Repeat the unit tests of these limits on the finished monitor: {', '.join(alarms) or 'none'}.",),
        f"Each speaks up within its delay and {quantity(REACTION_S, 's')}, by light and sound, with the host off.",
        limited,
    )
    yield _acceptance(
        "Errors that remain after calibration",
        ("Repeat the tests of the channels after a night switched off, and at 10 °C and 40 °C if that can be had.",),
        "; ".join(f"{item.name}: at most {quantity(item.required, item.unit)}" for item in design.channels) + ".",
        limited,
    )
    yield _acceptance(
        "First day at the battery",
        (
            "Two people, insulated tools, the battery's own BMS and main fuse in place and working.",
            "Connect in the order of WIRING.md, measuring each tap before it is plugged.",
            "Compare every cell with a meter; charge and discharge once, slowly, with somebody there.",
        ),
        "Every cell within what is allowed; no alarm that a meter does not confirm; nothing warm.",
        every,
    )


def _acceptance(title: str, steps: tuple[str, ...], expected: str, covers: tuple[str, ...]) -> Draft:
    setup = "The finished monitor in its housing, all tests before this one passed."
    return Draft(kind=Kind.ACCEPTANCE, title=title, setup=setup, steps=steps, expected=expected, covers=covers)
