"""What the six questions are answered from, and how an answer is put together."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from agents.skills.battery.measuring import is_comparable
from agents.skills.battery.verification.dossier import Dossier
from gates.design.files import (
    Conclusion,
    Direction,
    Level,
    Limit,
    Question,
    Requirement,
    Subject,
    Verification,
)
from gates.design.words import quantity

SWITCHES_NOTHING = (
    "The monitor switches nothing: disconnecting at a limit is the work of the battery's own BMS, contactor and fuse, "
    "which were not looked at."
)


@dataclass(frozen=True)
class Answering:
    """What was read and what was concluded."""

    dossier: Dossier
    verifications: tuple[Verification, ...]

    @cached_property
    def conclusions(self) -> dict[str, Conclusion]:
        """What was concluded, by requirement."""
        return {item.requirement: item.conclusion for item in self.verifications}

    def about(self, *subjects: Subject) -> tuple[Requirement, ...]:
        """Return the requirements on some subjects."""
        return tuple(item for item in self.dossier.requirements.requirements if item.subject in subjects)

    def unmet(self, *subjects: Subject) -> tuple[str, ...]:
        """Return which requirements on some subjects are not met or open, each with the first thing found."""
        ids = {item.id for item in self.about(*subjects)}
        return tuple(
            f"{item.requirement} is {item.conclusion}: {item.evidence[0]}"
            for item in self.verifications
            if item.requirement in ids and item.conclusion is not Conclusion.MET
        )

    def limits(self, unit: str) -> tuple[Limit, ...]:
        """Return the limits in units of one dimension."""
        return tuple(limit for limit in self.dossier.requirements.limits if is_comparable(limit.unit, unit))

    def alarms(self, unit: str, direction: Direction, word: str = "") -> tuple[Limit, ...]:
        """Return the alarms on a quantity in one direction whose names begin with a word."""
        return tuple(
            limit
            for limit in self.limits(unit)
            if limit.level is Level.ALARM and limit.direction is direction and limit.name.startswith(word)
        )

    def naming(self, limit: Limit) -> tuple[Requirement, ...]:
        """Return the requirements that name a limit."""
        return tuple(item for item in self.dossier.requirements.requirements if limit.name in item.limits)

    def kept(self, unit: str) -> Iterator[str]:
        """Yield the limits that a requirement names and whose requirements are all met."""
        for limit in self.limits(unit):
            naming = self.naming(limit)
            if naming and all(self.conclusions[item.id] is Conclusion.MET for item in naming):
                value = quantity(limit.value, limit.unit)
                after = f"after {quantity(limit.delay_s, 's')}" if limit.delay_s else "at once"
                yield f"{limit.name}: {limit.direction} {value} {after}"

    def nobodys(self, unit: str) -> Iterator[str]:
        """Yield the limits that no requirement names, so that nobody has looked after them."""
        for limit in self.limits(unit):
            if not self.naming(limit):
                yield f"{limit.name} belongs to no requirement and was not verified"


def answer(question: str, yes: str, lacking: Sequence[str], found: Sequence[str], remark: str = "") -> Question:
    """Return an answer: `yes` where something was found and nothing is lacking, otherwise what is lacking first."""
    is_satisfied = bool(found) and not lacking
    said = yes if is_satisfied else _not_shown(lacking)
    text = f"{said} {remark}".strip()
    return Question(question=question, answer=text, is_satisfied=is_satisfied, evidence=(*lacking, *found))


def _not_shown(lacking: Sequence[str]) -> str:
    if not lacking:
        return "Not shown: nothing was found."
    return f"Not shown: {lacking[0]}" + (f", and {len(lacking) - 1} more." if lacking[1:] else ".")
