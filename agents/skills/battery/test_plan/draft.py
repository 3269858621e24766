"""A planned test before it has its number, and which requirements a test serves."""

import re
from dataclasses import asdict, dataclass
from decimal import Decimal

from agents.skills.battery.measuring import is_comparable, words
from gates.design.files import DesignFile, Kind, Limit, PlannedTest, Requirement, RequirementsFile, Subject


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A test that has no number yet. covers: requirements by id; none means that nothing here calls for the test."""

    kind: Kind
    title: str
    setup: str
    steps: tuple[str, ...]
    expected: str
    covers: tuple[str, ...]
    limit: str = ""
    stimulus: Decimal | None = None

    def numbered(self, number: int) -> PlannedTest:
        """Return the test with its number."""
        return PlannedTest(id=f"T-{number:03}", **asdict(self))


_SUBJECTS = (("V", Subject.VOLTAGE), ("A", Subject.CURRENT), ("degC", Subject.TEMPERATURE))


def requirements_about(unit: str, requirements: RequirementsFile) -> tuple[str, ...]:
    """Return the requirements on voltages, currents or temperatures, by id, as the unit says."""
    wanted = {subject for known, subject in _SUBJECTS if is_comparable(unit, known)}
    return tuple(item.id for item in requirements.requirements if item.subject in wanted)


def covering_limit(limit: Limit, requirements: RequirementsFile) -> tuple[str, ...]:
    """Return the requirements that name a limit, by id; where none does, those on its subject."""
    direct = tuple(item.id for item in requirements.requirements if limit.name in item.limits)
    return direct or requirements_about(limit.unit, requirements)


def speaking_of(
    pattern: re.Pattern[str], requirements: RequirementsFile, design: DesignFile, subject: Subject, told: str
) -> tuple[str, ...]:
    """Return the requirements, by id, whose text matches, or which an element that matches serves.

    subject, told: where nothing matches, the requirement on this subject that shares most words with what is told.
    """
    named = {item.id for item in requirements.requirements if pattern.search(item.text)}
    served = {id for element in design.elements if pattern.search(element.name) for id in element.meets}
    found = tuple(item.id for item in requirements.requirements if item.id in named | served)
    return found or _nearest(told, [item for item in requirements.requirements if item.subject is subject])


def _nearest(told: str, requirements: list[Requirement]) -> tuple[str, ...]:
    """Return the one requirement that shares most words with a text; the first of several, none of none."""
    wanted = words(told)
    nearest = max(requirements, key=lambda item: len(wanted & words(item.text)), default=None)
    return (nearest.id,) if nearest else ()


def of_subject(requirements: RequirementsFile, *subjects: Subject) -> tuple[str, ...]:
    """Return the requirements on some subjects, by id."""
    return tuple(item.id for item in requirements.requirements if item.subject in subjects)


def by_id(requirements: RequirementsFile) -> dict[str, Requirement]:
    """Return the requirements by their ids."""
    return {item.id: item for item in requirements.requirements}
