"""The elements of the monitor: what each is for, which requirements it serves, and whose failure it catches."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from agents.skills.battery.design.circuit import TEMPERATURES, Circuit
from gates.design.files import Element, RequirementsFile

HOST: Final = "raspberry-pi"


@dataclass(frozen=True, slots=True)
class _Draft:
    """An element before it has a number. key: by which others name it; meets: keys of requirements."""

    key: str
    name: str
    purpose: str
    part: str = ""
    quantity: int = 0
    node: str = ""
    meets: str = ""
    backs_up: str = ""


def elements(circuit: Circuit, requirements: RequirementsFile) -> Mapping[str, Element]:
    """Return the elements by key, numbered in their order."""
    drafts = tuple(_drafts(circuit))
    numbers = {draft.key: f"E-{number:02}" for number, draft in enumerate(drafts, 1)}
    ids = {requirement.key: requirement.id for requirement in requirements.requirements}
    return {draft.key: _element(draft, numbers, ids) for draft in drafts}


def _element(draft: _Draft, numbers: Mapping[str, str], ids: Mapping[str, str]) -> Element:
    return Element(
        id=numbers[draft.key],
        name=draft.name,
        purpose=draft.purpose,
        part=draft.part,
        quantity=draft.quantity,
        node=draft.node,
        meets=tuple(ids[key] for key in draft.meets.split() if key in ids),
        backs_up=numbers[draft.backs_up] if draft.backs_up else "",
    )


def _drafts(circuit: Circuit) -> Iterator[_Draft]:
    yield from _taps(circuit)
    yield from _cells(circuit)
    yield from _whole_pack(circuit)
    yield from _currents(circuit)
    yield from _temperatures()
    yield from _self_test(circuit)
    yield from _board(circuit)
    yield from _alerts()
    yield from _surroundings(circuit)


def _taps(circuit: Circuit) -> Iterator[_Draft]:
    cells = circuit.pack.cells
    yield _Draft(
        "taps",
        "cell wires",
        "bring every cell terminal to the board, the negative end first",
        "WIRES",
        1,
        "tap",
        "cell-voltage",
    )
    yield _Draft(
        "tap-fuses",
        "tap fuses",
        "a pinched cell wire blows its fuse and burns nothing",
        "FUSE-TAP",
        cells + 1,
        "tap",
    )
    yield _Draft(
        "tap-resistors",
        "tap resistors",
        "limit the current until a tap fuse opens, when two relays are closed that should not be",
        "RES-TAP",
        cells + 1,
        "tap",
    )


def _cells(circuit: Circuit) -> Iterator[_Draft]:
    yield _Draft(
        "multiplexer",
        "cell relays",
        "put both ends of one cell on the flying capacitor; a pair of contacts for each cell",
        circuit.relay,
        circuit.pack.cells,
        "tap",
        "cell-voltage cell-high cell-low cell-failed imbalance open-wire",
        backs_up="divider",
    )
    yield _Draft(
        "capacitor",
        "flying capacitor",
        "carries the voltage of one cell from the stack to the converter",
        "CAP-2U2-100",
        1,
        "tap",
        "cell-voltage",
    )
    yield _Draft(
        "transfer",
        "transfer relay",
        "puts the capacitor on the converter once the stack is off: break before make",
        circuit.relay,
        1,
        "tap",
        "cell-voltage",
    )
    yield _Draft(
        "decoder", "decoder", "closes one pair of relays and never two", "74HC154N", 1, "logic", "cell-voltage"
    )


def _whole_pack(circuit: Circuit) -> Iterator[_Draft]:
    yield _Draft(
        "divider",
        "pack divider, upper resistor",
        "measures the whole pack by a way of its own, without the cell wires",
        "RES-150K",
        1 if circuit.ratio == 16 else 2,
        "pack",
        "pack-voltage stuck-multiplexer sum-of-cells device-voltage",
        backs_up="multiplexer",
    )
    yield _Draft("divider-foot", "pack divider, lower resistor", "the other half of the divider", "RES-10K", 1, "pack")


def _currents(circuit: Circuit) -> Iterator[_Draft]:
    yield _Draft(
        "shunt",
        "shunt",
        "measures the current finely, in the negative lead",
        circuit.shunt,
        1,
        "shunt",
        "current charge-current discharge-current two-currents charge-cold device-current",
        backs_up="hall",
    )
    yield _Draft("amplifier", "current amplifier", "lifts the shunt's millivolts", "INA240A1", 1, "shunt", "current")
    yield _Draft(
        "hall",
        "Hall sensor",
        "measures the current by another principle, up to a surge",
        circuit.hall,
        1,
        "cable",
        "current surge two-currents charge-current discharge-current device-current",
        backs_up="shunt",
    )
    yield _Draft(
        "main-fuse",
        "main fuse",
        "ends a short circuit; part of the pack, without it nothing may be connected",
        "FUSE-MAIN",
        1,
        "pack",
        "surge no-switching",
        backs_up="hall",
    )


def _temperatures() -> Iterator[_Draft]:
    half = TEMPERATURES // 2
    meets = "temperature charge-cold charge-hot discharge-temperature two-strings"
    yield _Draft("string-a", "temperature string A", "four cell terminals", "NTC-10K", half, "terminal", meets)
    yield _Draft(
        "string-b",
        "temperature string B",
        "four other cell terminals, on connectors and resistors of their own",
        "NTC-10K",
        half,
        "terminal",
        meets,
        backs_up="string-a",
    )
    yield _Draft("series", "series resistors", "one for each sensor", "RES-10K", TEMPERATURES, "logic")


def _self_test(circuit: Circuit) -> Iterator[_Draft]:
    yield _Draft(
        "reference", "reference", "what every voltage is held against", circuit.reference, 1, "logic", "cell-voltage"
    )
    yield _Draft(
        "known",
        "known reference",
        "measured in every cycle: shows a reference or converter that has gone wrong",
        "LM4040-2.5",
        1,
        "logic",
        "reference",
        backs_up="reference",
    )


def _board(circuit: Circuit) -> Iterator[_Draft]:
    yield _Draft(
        "board",
        "board",
        "measures, decides, speaks; its watchdog is fed only when every task has run",
        "MEGA-2560",
        1,
        "supply",
        "hung-software unknown-first no-old-values stuck-value calibration log silent-host acknowledge device-cells",
    )
    yield _Draft("supply", "step-down converter", "feeds the board from the pack", "DCDC-XL7015", 1, "pack")


def _alerts() -> Iterator[_Draft]:
    yield _Draft(
        "lights", "lights", "green: all is measured and good, dark when the board is dead; yellow: warning; red: alarm",
        "LEDS", 1, "logic",
        "local-alert unknown-first acknowledge", backs_up="second-buzzer",
    )  # fmt: skip
    yield _Draft("buzzer", "buzzer", "sounds with every alarm", "BUZZER", 1, "logic", "local-alert acknowledge")
    yield _Draft(
        "button", "acknowledge button", "silences the sound, not the light", "BUTTON", 1, "logic", "acknowledge"
    )
    yield _Draft(
        "dead-man",
        "dead-man circuit",
        "the board's heartbeat holds a relay; without it the relay drops and closes the second buzzer's own battery",
        "DEADMAN",
        1,
        "logic",
        "dead-board hung-software",
        backs_up="board",
    )
    yield _Draft(
        "second-buzzer", "second buzzer", "sounds when the board is dead", "BUZZER", 1, "battery",
        "dead-board local-alert", backs_up="buzzer",
    )  # fmt: skip


def _surroundings(circuit: Circuit) -> Iterator[_Draft]:
    yield _Draft("logger", "logger", "writes every line to a card, also without a host", "OPENLOG", 1, "logic", "log")
    yield _Draft(
        "isolator",
        "USB isolator",
        "keeps the pack's negative end and the host's earth apart",
        "USB-ISO",
        1,
        "host",
        "silent-host",
    )
    yield _Draft(
        "small", "small parts",
        "transistors, resistors of lights, relays and A0, 100 nF, two fuses for divider and supply",
        "SMALL", 1, "tap",
    )  # fmt: skip
    yield _Draft("housing", "housing", "holds it all, away from the cells", "BOARD", 1, "tap")
    if circuit.pack.platform == HOST:
        yield _Draft(
            "host",
            "host",
            "keeps and shows the record; it measures and alarms nothing, since it has no converter and no fixed time",
            "RPI-4",
            1,
            "logic",
            "silent-host",
        )
