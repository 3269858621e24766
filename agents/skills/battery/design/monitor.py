"""The design of a monitor for a pack, from its requirements and the parts there are."""

from collections.abc import Iterable, Mapping

from agents.skills.battery.design.circuit import channels, chosen, nodes, rejected
from agents.skills.battery.design.elements import elements
from agents.skills.battery.design.failures import failures
from agents.skills.battery.design.wiring import pins, wires
from agents.work import SkillFailed
from gates.design.files import DesignFile, Element, RequirementsFile
from gates.design.parts import Part
from protocol.bodies import ErrorCategory, ErrorLevel

BOARD = "Arduino Mega 2560"


def design(requirements: RequirementsFile, parts: Mapping[str, Part]) -> DesignFile:
    """Return a design that meets the requirements.

    Raises:
        SkillFailed: none can be made of these parts for this pack.
    """
    circuit = chosen(requirements, parts)
    built = elements(circuit, requirements)
    _check_parts(built.values(), parts)
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


def _check_parts(built: Iterable[Element], parts: Mapping[str, Part]) -> None:
    """Tell all parts at once that the circuit needs and the parts file lacks."""
    absent = sorted({element.part for element in built} - {"", *parts})
    if absent:
        text = f"the parts file has no {', '.join(absent)}; give each a row with price and voltage"
        raise SkillFailed(ErrorLevel.PERSON, ErrorCategory.VALIDATION, text)
