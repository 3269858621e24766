"""WIRING.md: pin by pin, wire by wire, and in which order a pack that cannot be switched off is connected."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Final

from agents.skills.battery.circuit_roles import Role, Roles, numbers, roles_in
from agents.skills.battery.design.circuit import SUPPLY_NODE
from agents.skills.battery.documents.markdown import NO_PROTECTION, amount, numbered, page, prose, table
from agents.skills.battery.figures import counted
from gates.design.files import DesignFile, Pack, RequirementsFile


def render(requirements: RequirementsFile, design: DesignFile) -> bytes:
    """Return WIRING.md."""
    roles, pack = roles_in(design), requirements.pack
    return page(
        [
            *_opening(pack, design),
            *_pins(design),
            *_wires(design),
            *_before(roles, pack, design),
            *_connecting(roles),
            *_taps(pack),
            *_taking_off(),
        ]
    )


def _opening(pack: Pack, design: DesignFile) -> Iterator[str]:
    yield "# Wiring\n"
    yield f"{prose(design.board)}, {counted(pack.cells)}, at most {amount(pack.top_v, 'V')}.\n"
    yield f"{NO_PROTECTION}\n"
    yield (
        f"> **A pack cannot be switched off.** {counted(pack.cells).capitalize()} of {amount(pack.capacity_ah, 'Ah')} "
        "melt any tool, ring or wire that shorts them, and keep burning what they lit. Whoever is not sure of a step "
        "asks somebody who is, before it.\n"
    )
    yield "![The circuit](wiring.svg)\n"


def _pins(design: DesignFile) -> Iterator[str]:
    yield f"## Pins of the {prose(design.board)}\n"
    rows = (
        (prose(pin.number), prose(pin.macro), prose(pin.signal), prose(pin.to), prose(pin.note)) for pin in design.pins
    )
    yield from table(("pin", "name in pins.h", "signal", "goes to", "note"), rows)


def _wires(design: DesignFile) -> Iterator[str]:
    yield "## Wires\n"
    rows = (
        (str(number), prose(wire.source), prose(wire.target), prose(wire.carries), prose(wire.note))
        for number, wire in enumerate(design.wires, 1)
    )
    yield from table(("number", "from", "to", "carries", "protection and notes"), rows)


def _before(roles: Roles, pack: Pack, design: DesignFile) -> Iterator[str]:
    yield "## Checks before anything is connected to the pack\n"
    yield from numbered(_checks(roles, pack, design))


def _checks(roles: Roles, pack: Pack, design: DesignFile) -> Iterator[str]:
    yield "Compare every joint with the tables above, a second person reading them aloud."
    yield (
        "Measure with an ohmmeter at the monitor's plugs: no short between PACK + and PACK −, where the pack divider "
        "is all that may be read, nor between 5 V and ground, nor between any two taps."
    )
    yield (
        "**Load the sketch before AREF is connected.** A board that uses its own reference while another one is at "
        "AREF drives both against each other."
    )
    if roles.has(Role.POWER):
        yield (
            "Feed the converter of the supply from a bench supply with its current limited, output open, up to "
            f"{amount(pack.top_v, 'V')}. {_set_to(design)}"
        )
    if roles.has(Role.REFERENCES):
        yield (
            "Power the board on the bench as it will be powered, not by USB alone, which need not feed everything, and "
            "measure each reference with the voltmeter that will be used to calibrate."
        )
    if roles.has(Role.CELLS):
        yield (
            "With the board held in reset, all relays have to be open: no connection from any tap to the capacitor, "
            "and none from the capacitor to the converter."
        )
    if roles.has(Role.DEAD_MAN):
        yield (
            "Hold the board in reset, then take its supply away: each time the alarm of the dead-man circuit has to "
            "sound."
        )
    yield "Run the tests of [TEST_PLAN.md](TEST_PLAN.md) that need no battery."


def _set_to(design: DesignFile) -> str:
    """Return to what the converter is set; what a design does not say is what the board takes."""
    fed = next((node for node in design.nodes if node.name == SUPPLY_NODE), None)
    if fed is None:
        return (
            "Only when what comes out of it is what the board takes, and stays over the whole range, connect the two."
        )
    return (
        f"Set it to {amount(fed.max_v, 'V')}. Only when these come out of it, and stay over the whole range, connect "
        "the board's VIN to it."
    )


_PREPARE: Final = (
    "Insulated tools, eye protection, no rings, watch or chain, dry hands; cover every bus bar that is not being "
    "worked on. Not alone.",
    "Load and charger off and disconnected.",
    "Fuses first: a fuse sits at the cell, at the very beginning of each wire to a tap, and is left open until the "
    "wire's other end is finished. A wire without its fuse is never connected.",
    "Finish all wires at the plug of the monitor, the plug not plugged in. Then the fuses, one at a time.",
)
_PLUG: Final = (
    "Measure each tap at the loose plug against PACK − and compare with the table below. **One wrong tap: stop, open "
    "the fuses, find out why.** A negative reading, or one cell twice, is a swapped wire.",
    "**PACK − first**: join the monitor's ground with the pack's negative end. The plug never goes into a monitor "
    "whose ground is not connected, since current would then find its way through the inputs.",
)


def _connecting(roles: Roles) -> Iterator[str]:
    yield "## Connecting a live pack, in this order\n"
    yield from numbered(_steps(roles))


def _steps(roles: Roles) -> Iterator[str]:
    yield from _PREPARE
    if roles.has(Role.SHUNT) or roles.has(Role.HALL):
        yield "Fit what sits in the main current's way, shunt and Hall sensor, while the main fuse of the pack is out."
    yield from _PLUG
    supply = "Close the fuse of the supply." if roles.has(Role.POWER) else "Switch the board's own supply on."
    yield (
        f"{supply} The board starts and says that its values are unknown. A host is connected through an isolator or "
        "not at all. The plug never goes into a board without power: inputs of a chip that has no supply must not be "
        "driven."
    )
    cell = numbers(roles.pins[Role.CELLS])
    yield (
        f"Plug the taps in. All cells appear{f' (pins {prose(cell)})' if cell else ''}; compare each with the "
        "voltmeter."
    )
    if roles.has(Role.PACK_DIVIDER):
        yield "Close the fuse of the pack divider. The sum of the cells and the pack have to agree."
    yield "Calibrate as [SOFTWARE.md](SOFTWARE.md) says, then do the remaining tests of [TEST_PLAN.md](TEST_PLAN.md)."
    yield "Only then connect charger and load."


def _taps(pack: Pack) -> Iterator[str]:
    yield "## What each tap has to read\n"
    yield "Against PACK −, with cells between empty and full. The step from tap to tap is one cell.\n"
    rows = ((str(tap), "PACK −" if not tap else _at(pack, tap), *_span(pack, tap)) for tap in range(pack.cells + 1))
    yield from table(("tap", "where", "at least", "nominal", "at most"), rows)


def _at(pack: Pack, tap: int) -> str:
    return "PACK +" if tap == pack.cells else f"positive end of cell {tap}"


def _span(pack: Pack, tap: int) -> tuple[str, str, str]:
    low, usual, high = (amount(Decimal(tap) * volts, "V") for volts in (pack.min_v, pack.nominal_v, pack.max_v))
    return low, usual, high


def _taking_off() -> Iterator[str]:
    yield "## Disconnecting\n"
    yield (
        "The other way round: load and charger off, fuse of the pack divider, plug of the taps, fuse of the supply, "
        "PACK −, and the fuses of the taps last.\n"
    )
    yield "A wire that comes off the monitor while its fuse is closed is live: insulate its end at once."
