"""design.json against the requirements and the parts: does each part bear its place, does each channel measure enough.

1. At the node "pack" stands at least what all cells together have. A part bears `margin` times what stands at its node.
2. A channel's error is the sum of its terms and stays within what is required of it. No term is negative.
3. One of the terms is quantisation: no less than half a step of the converter. Averaging n readings makes it smaller
   by the root of n, for at most MOST_AVERAGED readings: two more bits. Beyond that the converter's own nonlinearity,
   which does not average out, is what is left. And no step is larger than the error that is allowed, for a reading
   that does not move by a step has nothing to average.
4. The channel of the cells is the one whose name begins with "cell" and which measures a voltage; it is required to
   be as accurate as the requirements say.
5. Each requirement is served by an element, or is the answer to a failure mode.
"""

import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Final

from gates.design.figures import is_of
from gates.design.files import Channel, DesignFile, Element, Node, RequirementsFile
from gates.design.parts import NAME, Part
from gates.design.words import about, quantity, repeated, unknown
from gates.units import convert

MOST_AVERAGED: Final = 16
_IDENTIFIER: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_ANALOG: Final = re.compile(r"A(\d{1,2})")
MEGA_ANALOG_0: Final = 54
"""On a Mega A0 to A15 are also 54 to 69. Source: pins_arduino.h of the variant "mega"."""
# A term that is rounded up to three digits may be less than half a step by as much.
_ROUNDING: Final = Decimal("0.995")


def electric_faults(design: DesignFile, file: RequirementsFile, parts: Mapping[str, Part]) -> Iterator[str]:
    """Yield what is wrong with a design, one sentence each."""
    yield from _named_once(design)
    yield from _node_faults(design, file)
    yield from _reference_faults(design, file)
    nodes = {node.name: node for node in design.nodes}
    for element in design.elements:
        yield from _part_faults(element, nodes, parts, file.margin)
    for channel in design.channels:
        yield from _channel_faults(channel)
    yield from _cell_faults(design, file)
    yield from _pin_faults(design)
    served = services(design)
    for requirement in file.requirements:
        if requirement.id not in served:
            yield f"{requirement.id} is met by no element and answers no failure mode"


def _named_once(design: DesignFile) -> Iterator[str]:
    yield from repeated("node", (node.name for node in design.nodes))
    yield from repeated("element", (element.id for element in design.elements))
    yield from repeated("channel", (channel.name for channel in design.channels))
    yield from repeated("failure mode", (failure.id for failure in design.failures))


def _node_faults(design: DesignFile, file: RequirementsFile) -> Iterator[str]:
    top = file.pack.top_v
    packs = [node for node in design.nodes if node.name == "pack"]
    if not packs:
        yield "no node is named pack"
    for node in packs:
        if node.max_v < top:
            cells = f"{file.pack.cells} cells of {quantity(file.pack.max_v, 'V')}"
            yield f"the node pack is given {quantity(node.max_v, 'V')}, but {cells} are {quantity(top, 'V')}"


def _reference_faults(design: DesignFile, file: RequirementsFile) -> Iterator[str]:
    elements = {element.id for element in design.elements}
    requirements = {requirement.id for requirement in file.requirements}
    for element in design.elements:
        yield from unknown(element.id, "requirement", element.meets, requirements)
        if element.backs_up == element.id:
            yield f"{element.id} backs up itself"
        elif element.backs_up:
            yield from unknown(element.id, "element", (element.backs_up,), elements)
    for failure in design.failures:
        yield from unknown(failure.id, "element", (failure.element,), elements)
        yield from unknown(failure.id, "requirement", (failure.requirement,), requirements)


def _part_faults(
    element: Element, nodes: Mapping[str, Node], parts: Mapping[str, Part], margin: Decimal
) -> Iterator[str]:
    node = nodes.get(element.node)
    if element.node and node is None:
        yield f"{element.id} stands at the node {element.node}, which is not there"
    if not element.part:
        return
    if not element.quantity:
        yield f"{element.id} uses {element.part}, but none of it"
    part = parts.get(element.part)
    if part is None:
        yield f"{element.id} uses {element.part}, which is not in {NAME}"
    elif node is not None:
        yield from _overloaded(element, part, node, margin)


def _overloaded(element: Element, part: Part, node: Node, margin: Decimal) -> Iterator[str]:
    needed = abs(node.max_v) * margin
    stands = f"at node {node.name} stand {quantity(node.max_v, 'V')} and the margin is {quantity(margin, '')}"
    if part.max_v is None:
        yield f"{element.id} uses {part.name}, of which {NAME} does not say what it takes; {stands}"
    elif part.max_v < needed:
        takes = quantity(part.max_v, "V")
        yield f"{element.id} uses {part.name} which takes {takes}; {stands}: {quantity(needed, 'V')}"


def _channel_faults(channel: Channel) -> Iterator[str]:
    if channel.span <= 0 or channel.required <= 0:
        yield f"channel {channel.name}: span and required error have to be positive"
        return
    for term in channel.terms:
        if term.value < 0:
            yield f"channel {channel.name}: the term {term.name} is negative; an error is added, never taken away"
    yield from _step_faults(channel)
    if channel.total > channel.required:
        allowed = quantity(channel.required, channel.unit)
        yield f"channel {channel.name} is off by up to {about(channel.total, channel.unit)}, {allowed} are allowed"


def _step_faults(channel: Channel) -> Iterator[str]:
    step = about(channel.step, channel.unit)
    converter = f"one step of {channel.bits} bits over {quantity(channel.span, channel.unit)} is {step}"
    if channel.step > channel.required:
        yield f"channel {channel.name}: {converter}, {quantity(channel.required, channel.unit)} are allowed"
    least = channel.step / 2 / Decimal(min(channel.oversamples, MOST_AVERAGED)).sqrt()
    terms = [term.value for term in channel.terms if "quanti" in f"{term.name} {term.how}".casefold()]
    if not terms:
        yield f"channel {channel.name} has no term for quantisation; {converter}"
    elif max(terms) < least * _ROUNDING:
        said, is_ = about(max(terms), channel.unit), about(least, channel.unit)
        yield f"channel {channel.name}: quantisation is given as {said}, but is at least {is_}: {converter}"


def _cell_faults(design: DesignFile, file: RequirementsFile) -> Iterator[str]:
    channels = [one for one in design.channels if one.name.casefold().startswith("cell") and is_of(one.unit, "V")]
    if not channels:
        yield "no channel measures the cells: none whose name begins with 'cell' is in volts"
    for channel in channels:
        required = convert(channel.required, channel.unit, "mV")
        if required > file.accuracy_mv:
            allowed = quantity(file.accuracy_mv, "mV")
            yield f"channel {channel.name} is required to {quantity(required, 'mV')}, the requirements say {allowed}"
        if convert(channel.span, channel.unit, "V") < file.pack.max_v:
            yield f"channel {channel.name} ends below {quantity(file.pack.max_v, 'V')}, where a cell may be"


def _pin_faults(design: DesignFile) -> Iterator[str]:
    macros = [pin.macro for pin in design.pins if pin.macro]
    yield from repeated("macro", macros)
    for macro in macros:
        if not _IDENTIFIER.fullmatch(macro):
            yield f"the macro {macro!r} is no name in C"
    is_mega = "mega" in design.board.casefold()
    yield from repeated("pin", (_pin(pin.number, is_mega=is_mega) for pin in design.pins))


def _pin(number: str, *, is_mega: bool) -> str:
    """Return a pin by its one name: A0 of a Mega and 54 are the same pin, and so are 7 and 07."""
    name = number.strip().upper()
    analog = _ANALOG.fullmatch(name)
    if analog and is_mega:
        return str(MEGA_ANALOG_0 + int(analog[1]))
    return name.lstrip("0") or "0" if name.isascii() and name.isdigit() else name


def serving(design: DesignFile, requirement: str) -> frozenset[str]:
    """Return the elements, by id, that serve a requirement: they meet it, or it answers their failure."""
    return services(design).get(requirement, frozenset())


def services(design: DesignFile) -> Mapping[str, frozenset[str]]:
    """Return which elements serve each requirement, by their ids; a requirement that nothing serves is not in it."""
    served: dict[str, set[str]] = {}
    for element in design.elements:
        for requirement in element.meets:
            served.setdefault(requirement, set()).add(element.id)
    for failure in design.failures:
        served.setdefault(failure.requirement, set()).add(failure.element)
    return {requirement: frozenset(elements) for requirement, elements in served.items()}
