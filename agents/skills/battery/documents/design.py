"""DESIGN.md: how the monitor works, how well it measures, what may fail, and what catches it."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import ROUND_DOWN, Decimal
from types import MappingProxyType
from typing import Final

from agents.skills.battery.circuit_roles import Role, Roles, numbers, roles_in
from agents.skills.battery.documents.markdown import NO_PROTECTION, amount, error, linked, page, prose, table
from agents.skills.battery.figures import counted, rounded_up, times
from gates.design.files import Channel, DesignFile, Element, Node, RequirementsFile

_UNKNOWN: Final[Mapping[str, Decimal]] = MappingProxyType({})


def render(requirements: RequirementsFile, design: DesignFile, ratings: Mapping[str, Decimal] = _UNKNOWN) -> bytes:
    """Return DESIGN.md. ratings: what each part bears, in V, by its key in the parts file."""
    roles = roles_in(design)
    return page(
        [
            *_opening(requirements, design),
            *_overview(design),
            *_measuring(design, roles),
            *_rejected(design),
            *_voltages(requirements, design, ratings),
            *_redundancy(requirements, design),
            *_failures(design),
            *_without_host(roles),
            *_without_board(roles),
            *_records(roles),
            *_served(requirements, design),
            *_pictured(),
        ]
    )


def _opening(requirements: RequirementsFile, design: DesignFile) -> Iterator[str]:
    pack = requirements.pack
    yield "# Design\n"
    yield (
        f"A monitor for {counted(pack.cells)} of the type {prose(pack.cell_type)} ({prose(pack.chemistry)}, "
        f"{amount(pack.capacity_ah, 'Ah')}) in series, at most {amount(pack.top_v, 'V')}. "
        f"Board: {prose(design.board)}.\n"
    )
    yield f"{NO_PROTECTION}\n"
    yield (
        "What it has to do: [SAFETY_REQUIREMENTS.md](SAFETY_REQUIREMENTS.md). How it is built: "
        "[WIRING.md](WIRING.md).\n"
    )


def _overview(design: DesignFile) -> Iterator[str]:
    yield "## Overview\n"
    yield "![Block diagram: what measures, what decides, what speaks up](architecture.svg)\n"
    yield from table(
        ("element", "what", "purpose", "part", "number", "serves"), (_element_row(item) for item in design.elements)
    )


def _element_row(element: Element) -> tuple[str, ...]:
    number = str(element.quantity) if element.quantity else "–"
    return (
        prose(element.id),
        prose(element.name),
        prose(element.purpose),
        prose(element.part),
        number,
        _links(element.meets),
    )


def _links(requirements: Iterable[str]) -> str:
    return ", ".join(linked(name) for name in requirements) or "–"


def _measuring(design: DesignFile, roles: Roles) -> Iterator[str]:
    yield "## How it measures\n"
    if roles.has(Role.CELLS):
        yield f"{_FLYING}\n"
    for channel in design.channels:
        yield f"### {prose(channel.name)}\n"
        yield from _channel(channel)


_FLYING: Final = (
    "The cells are measured one after the other with a flying capacitor. A pair of relays puts one cell on the "
    "capacitor; then all cells are parted from it, and only then another pair puts it to the converter: break before "
    "make. So the converter never sees what a cell stands on, only the cell, and one scale fits all of them. A decoder "
    "lets one pair close at a time, whatever the board asks for. Before the next cell the capacitor is emptied, so "
    "that an open wire reads as nothing and not as its neighbour."
)


def _channel(channel: Channel) -> Iterator[str]:
    unit = channel.unit
    yield f"{' → '.join(prose(part) for part in channel.chain)}\n"
    mean = f", mean of {channel.oversamples}" if channel.oversamples > 1 else ""
    yield (
        f"Full scale {amount(channel.span, unit)} over {channel.bits} bits: {prose(rounded_up(channel.step, unit))} a "
        f"step{mean}.\n"
    )
    rows = [(prose(term.name), error(term.value, unit), prose(term.how)) for term in channel.terms]
    total = ("**sum, worst case**", f"**{error(channel.total, unit)}**", _verdict(channel))
    yield from table(("cause", "error", "how it comes about"), [*rows, total])


def _verdict(channel: Channel) -> str:
    allowed, left = error(channel.required, channel.unit), channel.required - channel.total
    if left < 0:
        return f"**more than allowed: {allowed}**"
    return f"allowed {allowed}"


def _rejected(design: DesignFile) -> Iterator[str]:
    yield "## What was rejected\n"
    if not design.rejected:
        yield "No other way of measuring is on record.\n"
    for channel in design.rejected:
        yield f"### Rejected: {prose(channel.name)}\n"
        yield f"{_why_rejected(channel)}\n"
        yield from _channel(channel)


def _why_rejected(channel: Channel) -> str:
    step, total = prose(rounded_up(channel.step, channel.unit)), error(channel.total, channel.unit)
    allowed = error(channel.required, channel.unit)
    if channel.total <= channel.required:
        return f"A step is {step}, the worst case {total}; {allowed} would be allowed."
    beyond = times(channel.total / channel.required) if channel.required > 0 else "any number of times"
    return f"A step alone is {step}, the worst case {total}: {beyond} the {allowed} that are allowed."


def _voltages(requirements: RequirementsFile, design: DesignFile, ratings: Mapping[str, Decimal]) -> Iterator[str]:
    margin = f"{requirements.margin.normalize():f}"
    yield "## Voltages and ratings\n"
    yield f"Each part has to bear {margin} times what stands at its node, against the pack's negative end.\n"
    yield from table(("node", "at most", "why"), (_node_row(node) for node in design.nodes))
    at = {node.name: node for node in design.nodes}
    placed = [element for element in design.elements if element.node in at]
    yield from table(
        ("element", "part", "node", "has to bear", "bears", "margin"),
        (_rating_row(element, at[element.node], requirements.margin, ratings) for element in placed),
    )


def _node_row(node: Node) -> tuple[str, ...]:
    return prose(node.name), amount(node.max_v, "V"), prose(node.why)


def _rating_row(element: Element, node: Node, margin: Decimal, ratings: Mapping[str, Decimal]) -> tuple[str, ...]:
    needed, borne = node.max_v * margin, ratings.get(element.part)
    has = ("see [BOM.md](BOM.md)", "–") if borne is None else (amount(borne, "V"), _spare(borne, node.max_v, needed))
    return (
        f"{prose(element.id)} {prose(element.name)}",
        prose(element.part),
        prose(node.name),
        amount(needed, "V"),
        *has,
    )


def _spare(borne: Decimal, stands: Decimal, needed: Decimal) -> str:
    if stands <= 0:
        return "–"
    # Rounded down, since this is what there is to spare.
    ratio = min(borne / stands, Decimal(1_000_000)).quantize(Decimal("0.01"), ROUND_DOWN)
    return f"{ratio:f} times" if borne >= needed else f"**{ratio:f} times: too little**"


def _redundancy(requirements: RequirementsFile, design: DesignFile) -> Iterator[str]:
    yield "## Redundancy\n"
    by_id = {element.id: element for element in design.elements}
    backed = [element for element in design.elements if element.backs_up]
    if not backed:
        yield "**No element catches the failure of another one.**\n"
        return
    yield from table(
        ("if this fails", "this catches it", "how"),
        ((_called(by_id, item.backs_up), _called(by_id, item.id), prose(item.purpose)) for item in backed),
    )
    alone = list(_single(requirements, design))
    if alone:
        yield "Critical requirements whose elements nothing backs up; the failure modes below tell what notices:\n"
        yield from [*alone, ""]


def _called(elements: Mapping[str, Element], name: str) -> str:
    return f"{prose(name)} {prose(elements[name].name)}" if name in elements else prose(name)


def _single(requirements: RequirementsFile, design: DesignFile) -> Iterator[str]:
    covered = {element.backs_up for element in design.elements if element.backs_up}
    for requirement in requirements.requirements:
        serving = [element for element in design.elements if requirement.id in element.meets]
        if requirement.is_critical and not any(item.id in covered or item.backs_up for item in serving):
            yield f"- {linked(requirement.id)}: {', '.join(prose(item.id) for item in serving) or 'no element'}"


def _failures(design: DesignFile) -> Iterator[str]:
    yield "## Failure modes\n"
    if not design.failures:
        yield "**No failure mode has been examined.**\n"
        return
    open_points = [failure.id for failure in design.failures if not failure.is_safe]
    if open_points:
        yield f"**Not safe as designed: {', '.join(prose(name) for name in open_points)}.**\n"
    by_id = {element.id: element for element in design.elements}
    rows = (
        (
            prose(failure.id),
            _called(by_id, failure.element),
            prose(failure.what),
            prose(failure.detected_by),
            prose(failure.reaction),
            "yes" if failure.is_safe else "**no**",
            linked(failure.requirement),
        )
        for failure in design.failures
    )
    yield from table(("failure", "where", "what", "noticed by", "what happens then", "safe", "requirement"), rows)


def _without_host(roles: Roles) -> Iterator[str]:
    yield "## When the host is dead\n"
    yield (
        "The board judges by limits that are compiled into it and needs nobody for that. Without a host it measures, "
        "raises and holds alarms as before; that the host is silent is a fault that it shows.\n"
    )
    yield from _listed(roles, Role.ALERTS)


def _without_board(roles: Roles) -> Iterator[str]:
    yield "## When the board is dead\n"
    if not roles.has(Role.DEAD_MAN):
        yield "**Nothing sounds when the board is dead: the design has no dead-man circuit.**\n"
        return
    pins = numbers(roles.pins[Role.DEAD_MAN])
    at = f" at pin {prose(pins)}" if pins else ""
    yield (
        f"The board toggles its heartbeat{at} only when every task has run. The dead-man circuit lives on these edges: "
        "they charge what holds a relay. A pin that stands still, high or low, a board that hangs, and a board without "
        "power are the same to it: the relay drops, and what it switches sounds on its own supply.\n"
    )
    yield from _listed(roles, Role.DEAD_MAN)


def _records(roles: Roles) -> Iterator[str]:
    yield "## Records\n"
    yield (
        "Each period the board sends one line of text with a checksum to the host and to the logger; a value that "
        "could not be measured is said to be absent. The last alarms are kept in the board's EEPROM too. "
        "The form of the line: [SOFTWARE.md](SOFTWARE.md).\n"
    )
    yield from _listed(roles, Role.LOGGER, Role.ISOLATOR)


def _listed(roles: Roles, *played: Role) -> Iterator[str]:
    found: Sequence[Element] = [element for role in played for element in roles.elements[role]]
    for element in found:
        yield f"- {prose(element.id)} {prose(element.name)}: {prose(element.purpose)}"
    if found:
        yield ""


def _served(requirements: RequirementsFile, design: DesignFile) -> Iterator[str]:
    yield "## What serves which requirement\n"
    rows = (
        (
            linked(requirement.id),
            prose(requirement.text),
            "yes" if requirement.is_critical else "no",
            ", ".join(prose(item.id) for item in design.elements if requirement.id in item.meets) or "–",
            ", ".join(prose(item.id) for item in design.failures if item.requirement == requirement.id) or "–",
        )
        for requirement in requirements.requirements
    )
    yield from table(("requirement", "what", "critical", "elements", "failure modes"), rows)


def _pictured() -> Iterator[str]:
    yield "## Wiring\n"
    yield "![The circuit: cells, relays, flying capacitor, decoder, and a card for each other part](wiring.svg)\n"
    yield "Pin by pin, wire by wire, and in which order to connect a live pack: [WIRING.md](WIRING.md)."
