"""The design of a monitor for a pack, from its requirements and the parts there are."""

from collections.abc import Mapping

from agents.skills.battery.design.circuit import channels, chosen, nodes, rejected
from agents.skills.battery.design.elements import elements
from agents.skills.battery.design.failures import failures
from agents.skills.battery.design.wiring import pins, wires
from gates.design.files import DesignFile, RequirementsFile
from gates.design.parts import Part

BOARD = "Arduino Mega 2560"


def design(requirements: RequirementsFile, parts: Mapping[str, Part]) -> DesignFile:
    """Return a design that meets the requirements.

    Raises:
        SkillFailed: none can be made of these parts for this pack.
    """
    circuit = chosen(requirements, parts)
    built = elements(circuit, requirements)
    return DesignFile(
        board=BOARD,
        nodes=nodes(circuit),
        elements=tuple(built.values()),
        channels=channels(circuit, requirements),
        rejected=rejected(circuit, requirements),
        pins=pins(circuit),
        wires=wires(circuit),
        failures=failures(built, requirements),
    )
