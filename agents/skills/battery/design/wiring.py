"""Pins of the board and wires of the monitor. The sketch's pins.h is made from the same pins."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Final, TypeAlias

from agents.skills.battery.design.circuit import TEMPERATURES, Circuit
from gates.design.files import Pin, Wire

_GROUND: Final = (
    "on a lug of its own, never through the plug of the taps; short, doubly insulated, no fuse: it must not open first"
)
_SERIES_FUSE: Final = Decimal("1.25")  # as practice.md has it
_Row: TypeAlias = tuple[str, str, str, str]  # from, to, what it carries, a note
_SELECT: Final = ("22", "23", "24", "25")
_DIGITAL: Final = (
    (
        "PIN_CONNECT_STACK",
        "26",
        "enables the decoder",
        "74HC154N G1, over a transistor",
        "PA4; off at reset: 10 kΩ from G1 to 5 V and from the base to GND, G2 to GND",
    ),
    (
        "PIN_CONNECT_ADC",
        "27",
        "closes the transfer relay",
        "transfer relay, its diodes in series, 470 Ω, to GND",
        "PA5; never with 26",
    ),
    ("PIN_LED_OK", "30", "green light", "LED, 330 Ω", ""),
    ("PIN_LED_WARN", "31", "yellow light", "LED, 330 Ω", ""),
    ("PIN_LED_ALARM", "32", "red light", "LED, 330 Ω", ""),
    ("PIN_BUZZER", "33", "sound", "buzzer over a transistor", ""),
    ("PIN_ACKNOWLEDGE", "34", "acknowledge button", "button to GND", "with the board's pull-up"),
    ("PIN_HEARTBEAT", "35", "heartbeat", "charge pump of the dead-man circuit", "toggles only when every task has run"),
)


def pins(circuit: Circuit) -> tuple[Pin, ...]:
    """Return the pins of the board that are used."""
    return (*_digital_pins(), *_analog_pins(circuit), *_serial_pins())


def _digital_pins() -> Iterator[Pin]:
    for bit, number in enumerate(_SELECT):
        yield Pin(
            macro=f"PIN_SELECT_{bit}",
            number=number,
            signal=f"cell number, bit {bit}",
            to=f"74HC154N {'ABCD'[bit]}",
            note=f"PA{bit}",
        )
    for macro, number, signal, to, note in _DIGITAL:
        yield Pin(macro=macro, number=number, signal=signal, to=to, note=note)


def _analog_pins(circuit: Circuit) -> Iterator[Pin]:
    yield Pin(macro="ADC_CELL", number="A0", signal="one cell", to="transfer relay", note="0 V to the reference")
    yield Pin(macro="ADC_PACK", number="A1", signal="whole pack", to=f"divider {circuit.ratio} : 1")
    yield Pin(macro="ADC_SHUNT", number="A2", signal="current, fine", to="INA240A1 OUT", note="half of AREF at 0 A")
    yield Pin(macro="ADC_HALL", number="A3", signal="current, wide", to=f"{circuit.hall} OUT", note="2.5 V at 0 A")
    for number in range(TEMPERATURES):
        string = "A" if number < TEMPERATURES // 2 else "B"
        yield Pin(
            macro=f"ADC_TEMPERATURE_{number}",
            number=f"A{4 + number}",
            signal=f"temperature {number + 1}",
            to=f"string {string}, sensor {number % (TEMPERATURES // 2) + 1}",
            note="10 kΩ to the reference",
        )
    yield Pin(macro="ADC_KNOWN_REFERENCE", number="A12", signal="known reference", to="LM4040-2.5", note="self-test")


def _serial_pins() -> Iterator[Pin]:
    yield Pin(macro="", number="USB", signal="lines, orders", to="USB isolator", note="Serial, 115200")
    yield Pin(macro="", number="18", signal="lines to the logger", to="OpenLog RXI", note="Serial1 TX, 115200")
    yield Pin(macro="", number="AREF", signal="reference", to="reference OUT", note="never switch to the internal one")
    yield Pin(macro="", number="VIN", signal="supply", to="step-down converter, 9 V")
    yield Pin(macro="", number="GND", signal="ground", to="pack's negative end, at one point", note="before the shunt")


def wires(circuit: Circuit) -> tuple[Wire, ...]:
    """Return the wires, in the order in which they are laid."""
    rows = (*_capacitor_rows(circuit), *_pack_rows(circuit), *_board_rows(circuit))
    rest = (Wire(source=source, target=target, carries=carries, note=note) for source, target, carries, note in rows)
    return (*_cell_wires(circuit), *rest)


def _cell_wires(circuit: Circuit) -> Iterator[Wire]:
    protected = "fuse 62 mA at the terminal, then 47 Ω"
    yield Wire(source="cell 1, negative", target="tap 0", carries="0 V", note=protected)
    for cell in range(1, circuit.pack.cells + 1):
        volts = cell * circuit.pack.max_v
        yield Wire(source=f"cell {cell}, positive", target=f"tap {cell}", carries=f"up to {volts:f} V", note=protected)
    for cell in range(1, circuit.pack.cells + 1):
        yield Wire(
            source=f"tap {cell} and tap {cell - 1}",
            target=f"{circuit.relay} number {cell}, contacts",
            carries="one cell",
            note=f"its diodes in series, 470 Ω, to 74HC154N output {cell - 1}",
        )


def _capacitor_rows(circuit: Circuit) -> tuple[_Row, ...]:
    last = f"{circuit.relay} number {circuit.pack.cells + 1}"
    return (
        ("all cell relays, other side", "flying capacitor 2.2 µF", "one cell", "positive side to positive side"),
        ("flying capacitor 2.2 µF", f"{last}, contacts", "one cell", "this is the transfer relay"),
        (
            f"{last}, other side",
            "A0 and GND",
            "one cell",
            "positive over 220 Ω to A0: through it the capacitor is emptied",
        ),
    )


def _pack_rows(circuit: Circuit) -> tuple[_Row, ...]:
    return (
        ("pack positive", f"divider {circuit.ratio} : 1, then A1", f"up to {circuit.pack.top_v:f} V", "fuse 0.5 A"),
        ("pack positive", "DCDC-XL7015 input", f"up to {circuit.pack.top_v:f} V", "fuse 0.5 A"),
        ("DCDC-XL7015 output", "VIN", "9 V", "set to 9 V before the board is connected"),
        ("pack negative, before the shunt", "GND and DCDC-XL7015 input", "0 V, the monitor's own current", _GROUND),
        (
            "pack positive",
            f"main fuse, {circuit.hall}, then load and charger",
            "the whole current",
            f"main fuse at the terminal, {_SERIES_FUSE * circuit.carried_a:.0f} A at most and no more than "
            f"the cable bears, for {circuit.pack.top_v:f} V direct voltage and for the current of a short circuit",
        ),
        (
            "pack negative",
            f"{circuit.shunt}, then load and charger",
            "the whole current",
            "sense wires twisted, own screws",
        ),
        (f"{circuit.shunt}, sense screws", "INA240A1 inputs", "millivolts", "REF pins between reference and GND"),
        ("INA240A1 OUT", "A2", "half the reference at 0 A", ""),
        (
            f"{circuit.hall}",
            "A3",
            "2.5 V at 0 A",
            "around the positive conductor; arrow into the battery; fed from 5 V",
        ),
    )


def _board_rows(circuit: Circuit) -> tuple[_Row, ...]:
    return (
        ("temperature strings A and B", "A4 to A11", "below the reference", "separate plugs for A and B"),
        (
            circuit.reference,
            "AREF and the series resistors",
            f"{circuit.reference_v} V",
            "fed from 5 V; 100 nF at AREF",
        ),
        ("LM4040-2.5", "A12", "2.5 V", "fed from 5 V over 1 kΩ"),
        ("pin 35", "dead-man circuit, charge pump", "heartbeat", "10 µF, two diodes, 10 µF with 330 kΩ beside it"),
        (
            "charge pump",
            "dead-man circuit, gate of the MOSFET",
            "up to 4 V",
            "it switches the coil from 5 V, a diode across it",
        ),
        ("dead-man relay, resting contact", "9 V battery and second buzzer", "9 V", "closed when the relay drops"),
        ("18 (Serial1)", "OpenLog RXI", "115200 baud", "set its config file to 115200; fed from 5 V"),
        ("USB", "USB isolator, then the host", "lines and orders", "never without the isolator"),
    )
