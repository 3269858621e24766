"""A small but realistic monitor for tests: requirements and design for any number of cells."""

from collections.abc import Iterator
from decimal import Decimal

from gates.claims import Claim
from gates.design.files import (
    Basis,
    Channel,
    DesignFile,
    Direction,
    Element,
    ErrorTerm,
    FailureMode,
    Level,
    Limit,
    Node,
    Note,
    Pack,
    Pin,
    Relation,
    Requirement,
    RequirementsFile,
    Subject,
    Wire,
)

_LIMITS = """
cell-high-warn|cell voltage|3.50|3.40|V|2
cell-high-alarm|cell voltage|3.65|3.45|V|1
cell-low-warn|cell voltage|2.90|3.10|V|2
cell-low-alarm|cell voltage|2.50|3.10|V|1
pack-high-alarm|pack voltage|58.4|54.0|V|2
cell-delta-warn|cell difference|0.150|0.100|V|10
charge-cold-alarm|temperature while charging|0|2|degC|0
discharge-hot-alarm|temperature while discharging|60|55|degC|5
charge-current-warn|current|140|130|A|600
sum-mismatch|sum of the cells against the pack|0.6|0.3|V|2
"""
_ELEMENTS = """
E-01|Tap fuse|limits what a short at a tap can carry|FUSE-0A5|tap+1||SR-05|
E-02|Dual PhotoMOS relay|connects one cell to the flying capacitor|AQW214|cells|pack|SR-01|
E-03|Flying capacitor 1 µF film|carries a cell's voltage to the converter|CAP-1U|1|pack|SR-01|
E-04|Relay of the converter|connects the capacitor to A0 after the stack is off|AQW214|1|pack|SR-01|
E-05|4-to-16 decoder|lets one relay on at a time|74HC154|1|logic|SR-01|
E-06|Pack divider|measures the whole pack by another way|RES-0.1|2|pack|SR-02|E-02
E-07|Shunt amplifier|fine current measurement|INA240|1|logic|SR-03|
E-08|Hall sensor|wide current measurement|ACS758|1|logic|SR-03|E-07
E-09|NTC string A|temperatures of the odd cells|NTC-10K|4|logic|SR-04|
E-10|NTC string B|temperatures of the even cells|NTC-10K|4|logic|SR-04|E-09
E-11|Reference 4.096 V|scale of all measurements|REF3040|1|logic|SR-01|
E-12|Second reference 2.5 V|shows a drift of the first|REF3025|1|logic|SR-05|E-11
E-13|Arduino Mega 2560|measures, judges, raises alarms|MEGA|1|logic|SR-06|
E-14|LEDs green, yellow, red|show the state|LED-5|3|logic|SR-06|
E-15|Buzzer|sounds an alarm until it is acknowledged|BUZ-5|1|logic|SR-06|
E-16|Acknowledge button|silences a sound that was heard|BTN|1|logic|SR-06|
E-17|Dead-man circuit with relay|sounds when the board hangs or has no power|RELAY-5|1|logic|SR-07|E-13
E-18|Second buzzer on its own 9 V battery|is heard without the board|BUZ-9|1|logic|SR-07|E-15
E-19|OpenLog µSD logger|keeps every line without a host|OPENLOG|1|logic|SR-08|
E-20|USB isolator|keeps the pack's ground from the host's|ADUM4160|1|logic|SR-08|
E-21|DC/DC converter|supplies 5 V from the pack|DCDC-72|1|pack|SR-06|
E-22|Main fuse|ends a short circuit of the pack|FUSE-MAIN|1|pack|SR-09|
E-23|Tap resistor|limits what two closed relays can carry|RES-TAP|tap+1||SR-05|
E-24|Enclosure|keeps fingers from the pack||1||SR-09|
"""
_FAILURES = """
F-01|E-02|a relay stays closed|cells read alike though the pack differs|sum-mismatch alarm|SR-05
F-02|E-07|the amplifier drifts|the two currents differ|current-mismatch alarm|SR-03
F-03|E-13|the board hangs|no heartbeat|watchdog, then the second buzzer sounds|SR-07
F-04|E-11|the reference drifts|the second reference reads wrong|reference-fault alarm|SR-05
"""
_REQUIREMENTS = """
SR-01|voltage|Each cell's voltage is measured to ±10 mV.|cell-high-alarm cell-low-alarm cell-high-warn cell-low-warn
SR-02|voltage|The pack's voltage is measured by a second way.|pack-high-alarm
SR-03|current|The current is measured by two sensors.|charge-current-warn
SR-04|temperature|Charging below the cell's limit is an alarm at once.|charge-cold-alarm discharge-hot-alarm
SR-05|failures to detect|A failed measurement is told, never guessed.|sum-mismatch cell-delta-warn
SR-06|alerts|Alarms work without the host.|
SR-07|alerts|An alarm sounds when the board is dead.|
SR-08|records and calibration|Every reading is recorded.|
SR-09|devices in the documents|Nothing of the pack can be touched.|
"""
_CLAIM = Claim(
    id="c-1",
    statement="the most a cell takes",
    figure=("3.65",),
    document="pack.yaml",
    sha256="0" * 64,
    place="line 6",
    quote="max_v: 3.65",
)

_HEADER = b"""/* What the sketch counts. It goes on after the first sentence. */
#define PERIOD_MS 250U
#define HOST_SILENT_MS 10000
#define TEMPERATURE_COUNT 8
#define SETTLE_MS 5
#define RING_COUNT 64U
#define STUCK_SAMPLES 240
enum limit {
    LIMIT_CELL_HIGH_WARN = 0,
    LIMIT_CELL_HIGH_ALARM = 1,
    LIMIT_VALUE_LOST = 30,
    LIMIT_COUNT
};
enum flag {
    FLAG_UNKNOWN = 0,     /* since the start no scan had all values */
    FLAG_HOST_SILENT = 12 /* no order from the host */
};
enum condition {
    CONDITION_OK,   /* green */
    CONDITION_ALARM /* red blinks */
};
enum order_kind {
    ORDER_ACKNOWLEDGE, /* ACK */
    ORDER_CAL_CELL,    /* CAL CELL n mV, n from 1 */
    ORDER_UNKNOWN      /* sound, but not an order */
};
"""
SKETCH = {
    "alarms.c": b'#include "alarms.h"\n',
    "alarms.h": _HEADER,
    "battery_monitor.ino": b"/* Battery monitor. */\nvoid setup() { wdt_enable(WDTO_1S); }\n",
}
"""What SOFTWARE.md reads of a sketch, as short as it can be."""


def requirements(cells: int = 16) -> RequirementsFile:
    """Return what a monitor for so many cells has to do."""
    pack = Pack(
        cells=cells,
        cell_type="EVE LF280K",
        chemistry="LiFePO4",
        capacity_ah=Decimal(280),
        nominal_v=Decimal("3.2"),
        max_v=Decimal("3.65"),
        min_v=Decimal("2.5"),
        max_current_a=Decimal(280),
        budget_usd=Decimal(200),
        platform="Arduino Mega",
    )
    return RequirementsFile(
        pack=pack,
        accuracy_mv=Decimal(10),
        margin=Decimal("1.25"),
        limits=tuple(_limits()),
        requirements=tuple(_requirements()),
        notes=(Note(text="The bus bars carry the full current.", is_grave=True),),
        claims=(_CLAIM,),
    )


def design(cells: int = 16) -> DesignFile:
    """Return a design that watches so many cells."""
    top = cells * Decimal("3.65")
    return DesignFile(
        board="Arduino Mega 2560",
        nodes=(
            Node(name="pack", max_v=top, why=f"{cells} cells at 3.65 V"),
            Node(name="logic", max_v=Decimal("5.25"), why="USB supply at its highest"),
        ),
        elements=tuple(_elements(cells)),
        channels=tuple(_channels()),
        rejected=(
            Channel(
                name="divider on every cell",
                chain=("divider", "converter"),
                unit="mV",
                span=Decimal(60000),
                bits=10,
                terms=(
                    ErrorTerm(name="half a step", value=Decimal("29.3"), how="60 V over 1024 steps"),
                    ErrorTerm(name="two dividers", value=Decimal("116.8"), how="0.1 % of 58.4 V, twice"),
                ),
                required=Decimal(10),
            ),
        ),
        pins=tuple(pins()),
        wires=tuple(_wires(cells)),
        failures=tuple(_failures()),
    )


def pins() -> Iterator[Pin]:
    """Yield the pins of the reference circuit."""
    for bit in range(4):
        yield Pin(macro=f"PIN_SELECT_{bit}", number=str(22 + bit), signal=f"select line {bit}", to="E-05 decoder")
    yield Pin(
        macro="PIN_CONNECT_STACK", number="26", signal="stack to capacitor", to="E-05 enable", note="off at reset"
    )
    yield Pin(macro="PIN_CONNECT_ADC", number="27", signal="capacitor to A0", to="E-04", note="never with 26")
    names = ("LED_OK", "LED_WARN", "LED_ALARM", "BUZZER", "ACKNOWLEDGE", "HEARTBEAT")
    for number, name in enumerate(names, 30):
        yield Pin(macro=f"PIN_{name}", number=str(number), signal=name.lower().replace("_", " "), to="front")
    for number, name in enumerate(("CELL", "PACK", "SHUNT", "HALL")):
        yield Pin(macro=f"ADC_{name}", number=f"A{number}", signal=f"{name.lower()} measurement", to="front end")
    for number in range(8):
        yield Pin(macro=f"ADC_TEMPERATURE_{number}", number=f"A{4 + number}", signal=f"NTC {number + 1}", to="E-09")
    yield Pin(macro="ADC_KNOWN_REFERENCE", number="A12", signal="second reference", to="E-12")
    yield Pin(macro="", number="USB", signal="lines, orders", to="USB isolator")
    yield Pin(macro="", number="18", signal="lines to the logger", to="OpenLog RXI")
    yield Pin(macro="", number="AREF", signal="reference", to="E-11")
    yield Pin(macro="", number="VIN", signal="supply", to="E-21")
    yield Pin(macro="", number="GND", signal="ground", to="pack's negative end")


def _rows(table: str) -> Iterator[list[str]]:
    return (line.split("|") for line in table.strip().splitlines())


def _limits() -> Iterator[Limit]:
    for name, quantity, value, clear, unit, delay in _rows(_LIMITS):
        is_above = Decimal(value) > Decimal(clear)
        yield Limit(
            name=name,
            quantity=quantity,
            level=Level.WARNING if name.endswith("warn") else Level.ALARM,
            direction=Direction.ABOVE if is_above else Direction.BELOW,
            value=Decimal(value),
            clear=Decimal(clear),
            unit=unit,
            delay_s=Decimal(delay),
            bases=(Basis(claim="c-1", relation=Relation.AT_MOST, figure=Decimal("3.65"), unit="V"),),
        )


def _requirements() -> Iterator[Requirement]:
    for name, subject, text, limits in _rows(_REQUIREMENTS):
        yield Requirement(id=name, subject=Subject(subject), text=text, is_critical=True, limits=tuple(limits.split()))


def _elements(cells: int) -> Iterator[Element]:
    counts = {"cells": cells, "tap+1": cells + 1}
    for name, title, purpose, part, quantity, node, meets, backs_up in _rows(_ELEMENTS):
        count = counts.get(quantity) or int(quantity)
        yield Element(
            id=name,
            name=title,
            purpose=purpose,
            part=part,
            quantity=count,
            node=node,
            meets=(meets,),
            backs_up=backs_up,
        )


def _channels() -> Iterator[Channel]:
    for name, unit, span, required in (
        ("cell voltage", "mV", "4096", "10"),
        ("pack voltage", "mV", "65536", "300"),
        ("current, fine", "A", "819", "3"),
        ("temperature", "degC", "160", "2"),
    ):
        half = Decimal(span) / 2048
        yield Channel(
            name=name,
            chain=("sensor", "converter A0"),
            unit=unit,
            span=Decimal(span),
            bits=10,
            oversamples=16,
            terms=(
                ErrorTerm(name="half a step", value=half, how=f"{span} {unit} over 1024 steps"),
                ErrorTerm(name="reference", value=Decimal(required) / 5, how="drift after calibration"),
            ),
            required=Decimal(required),
        )


def _wires(cells: int) -> Iterator[Wire]:
    for tap in range(cells + 1):
        yield Wire(source=f"tap {tap}", target=f"fuse F{tap}", carries=f"{tap} cells", note="fuse 0.5 A at the tap")
    yield Wire(source="reference", target="AREF", carries="4.096 V")


def _failures() -> Iterator[FailureMode]:
    for name, element, what, detected, reaction, requirement in _rows(_FAILURES):
        yield FailureMode(
            id=name, element=element, what=what, detected_by=detected, reaction=reaction, requirement=requirement
        )
