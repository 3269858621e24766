"""What the verifier has before it, and what can be looked up in it."""

from collections import Counter
from dataclasses import dataclass
from functools import cached_property

from agents.skills.battery.measuring import channels_of, elements_in
from agents.skills.battery.sketch.code import SketchCode
from gates.design.electrics import serving
from gates.design.files import (
    BillFile,
    Channel,
    DesignFile,
    Element,
    Limit,
    PlannedTest,
    Requirement,
    RequirementsFile,
    TestPlanFile,
)


@dataclass(frozen=True)
class Dossier:
    """All files of a design, as one who did not make them reads them."""

    requirements: RequirementsFile
    design: DesignFile
    bill: BillFile
    plan: TestPlanFile
    code: SketchCode

    @cached_property
    def elements(self) -> dict[str, Element]:
        """The elements by id."""
        return {element.id: element for element in self.design.elements}

    @cached_property
    def bought(self) -> Counter[str]:
        """How many of each part the bill holds."""
        bought: Counter[str] = Counter()
        for line in self.bill.lines:
            bought[line.part] += line.quantity
        return bought

    @cached_property
    def needed(self) -> Counter[str]:
        """How many of each part the design's elements take; one at least where a part is named."""
        needed: Counter[str] = Counter()
        for element in self.design.elements:
            if element.part:
                needed[element.part] += max(1, element.quantity)
        return needed

    def is_bought(self, element: Element) -> bool:
        """Whether the bill holds an element's part, as often as the design takes it."""
        return bool(element.part) and self.bought[element.part] >= self.needed[element.part]

    def limit(self, name: str) -> Limit | None:
        """Return a limit by its name, or None."""
        return self._limits.get(name)

    @cached_property
    def _limits(self) -> dict[str, Limit]:
        return {limit.name: limit for limit in self.requirements.limits}

    def limits_of(self, requirement: Requirement) -> tuple[Limit, ...]:
        """Return the limits of a requirement that exist."""
        return tuple(limit for limit in map(self.limit, requirement.limits) if limit is not None)

    def channels_of(self, requirement: Requirement) -> tuple[Channel, ...]:
        """Return the channels that measure what a requirement's limits watch."""
        found = {channel.name for limit in self.limits_of(requirement) for channel in channels_of(limit, self.design)}
        return tuple(channel for channel in self.design.channels if channel.name in found)

    def serving(self, requirement: Requirement) -> tuple[Element, ...]:
        """Return the elements that the design names for a requirement, and those that measure for it."""
        measuring = {
            element.id for channel in self.channels_of(requirement) for element in elements_in(channel, self.design)
        }
        return tuple(item for item in self.design.elements if requirement.id in item.meets or item.id in measuring)

    def traced(self, requirement: Requirement) -> tuple[Element, ...]:
        """Return the elements that the design itself names for a requirement, or whose failure it answers."""
        named = serving(self.design, requirement.id)
        return tuple(item for item in self.design.elements if item.id in named)

    def tests_of(self, requirement: Requirement) -> tuple[PlannedTest, ...]:
        """Return the tests that cover a requirement."""
        return tuple(test for test in self.plan.tests if requirement.id in test.covers)
