"""The circuit that a pack needs: which parts, what stands where, and how exactly each way of measuring measures.

A flying capacitor carries the voltage of one cell at a time from the stack to the converter, so no measurement of a
cell sees the voltage of the others. That is what makes ten bits enough; `rejected` shows what dividers would do.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from agents.work import SkillFailed
from gates.design.files import Channel, ErrorTerm, Node, Pack, RequirementsFile
from gates.design.parts import Part
from protocol.bodies import ErrorCategory, ErrorLevel

MOST_CELLS: Final = 16  # what the decoder chooses from
FEWEST_CELLS: Final = 8  # with fewer the sketch has no time for the other channels while the capacitor fills
BITS: Final = 10  # of the ATmega2560's converter
OVERSAMPLES: Final = 16
GAIN: Final = Decimal(20)  # of the current amplifier
SHUNT_MV: Final = Decimal(75)  # at its rated current
HALL_ZERO_V: Final = Decimal("2.5")
HALL_SWING_V: Final = Decimal("0.625")  # at its rated current
KNOWN_V: Final = Decimal("2.5")
SUPPLY_V, LOGIC_V = Decimal(9), Decimal(5)
SUPPLY_NODE: Final = "supply"  # between the converter and the board's regulator
FRESH_BATTERY_V: Final = Decimal("9.6")
TEMPERATURES: Final = 8
_HEADROOM: Final = Decimal("1.02")
_KELVIN: Final = Decimal(25)  # how much warmer or colder the board gets than when it was calibrated
_METER: Final = Decimal("0.0005")  # of the meter that it is calibrated with
_REFERENCE_PPM: Final = Decimal(8)  # a kelvin
_RESISTOR_PPM: Final = Decimal(25)  # a kelvin
_MILLION: Final = Decimal(1_000_000)
_HALL_UV_PER_K: Final = Decimal(575)  # 190 ppm/K of its 2.5 V and 0.1 mV/K; data sheet of the HASS series
_HALL_PPM: Final = Decimal(250)  # a kelvin
_ZEROED_K: Final = Decimal(10)  # SOFTWARE.md asks for CAL ZERO when the room is further away from when it was set
_CAPACITOR_NF: Final = Decimal(2200)
_OPEN_CONTACTS: Final = 16  # at each end of the capacitor, while it hangs at the converter
_CONTACT_PF: Final = Decimal(25)  # of an open contact; what makers state for relays of 350 V and 400 V
_UNLIKE_MV: Final = Decimal(300)  # beyond that cell-delta-alarm speaks up
_REFERENCES: Final = {"REF5040": Decimal("4.096"), "REF5045": Decimal("4.5")}
_RELAYS: Final = ("AQW212EH", "AQW214EH")
_SHUNTS: Final = {"SHUNT-100": 100, "SHUNT-200": 200, "SHUNT-300": 300, "SHUNT-500": 500}
_HALLS: Final = {"HASS-100-S": 100, "HASS-200-S": 200, "HASS-300-S": 300, "HASS-400-S": 400}


@dataclass(frozen=True, slots=True)
class Circuit:
    """The parts that depend on the pack. reference_v: of the converter; ratio: of the pack's divider;
    shunt_a, hall_a: rated currents; carried_a: the highest current that the limits allow."""

    pack: Pack
    relay: str
    reference: str
    reference_v: Decimal
    ratio: Decimal
    shunt: str
    shunt_a: Decimal
    hall: str
    hall_a: Decimal
    carried_a: Decimal

    @property
    def shunt_uohm(self) -> Decimal:
        """The shunt's resistance in µΩ."""
        return SHUNT_MV * 1000 / self.shunt_a

    @property
    def shunt_span_a(self) -> Decimal:
        """The current that the converter's full scale stands for, both directions together."""
        return self.reference_v * _MILLION / GAIN / self.shunt_uohm

    @property
    def hall_uv_per_a(self) -> Decimal:
        """What the Hall sensor gives, in µV for an ampere."""
        return HALL_SWING_V * _MILLION / self.hall_a


def chosen(requirements: RequirementsFile, parts: Mapping[str, Part]) -> Circuit:
    """Return the circuit for a pack, from the parts there are.

    Raises:
        SkillFailed: the circuit cannot be built for this pack; the text says for which it can.
    """
    pack = requirements.pack
    if pack.cells > MOST_CELLS:
        raise _beyond(f"the circuit chooses from {MOST_CELLS} cells, there are {pack.cells}; build one for each half")
    if pack.cells < FEWEST_CELLS:
        raise _beyond(
            f"the sketch is made for {FEWEST_CELLS} to {MOST_CELLS} cells, there are {pack.cells}; a pack this small "
            "needs another monitor"
        )
    most_a = max(requirements.limit("current-surge-alarm").value, pack.max_current_a)
    bearing_v, above_v = requirements.margin * pack.top_v, pack.max_v * _HEADROOM
    relays = [name for name in _RELAYS if name in parts and (parts[name].max_v or 0) >= bearing_v]
    relay = _first(relays, f"relay with two contacts that bears {bearing_v:.1f} V")
    references = [name for name, volts in _REFERENCES.items() if name in parts and volts >= above_v]
    reference = _first(references, f"reference above {above_v:.2f} V that a board of {LOGIC_V} V can use")
    shunts = [name for name, amperes in _SHUNTS.items() if name in parts and amperes >= pack.max_current_a]
    shunt = _first(shunts, f"shunt for {pack.max_current_a} A")
    share = (_REFERENCES[reference] - HALL_ZERO_V) / HALL_SWING_V
    halls = [name for name, amperes in _HALLS.items() if name in parts and share * amperes >= most_a]
    hall = _first(halls, f"Hall sensor for {most_a} A")
    return Circuit(
        pack=pack,
        relay=relay,
        reference=reference,
        reference_v=_REFERENCES[reference],
        ratio=Decimal(16) if pack.top_v * _HEADROOM <= 16 * _REFERENCES[reference] else Decimal(32),
        shunt=shunt,
        shunt_a=Decimal(_SHUNTS[shunt]),
        hall=hall,
        hall_a=Decimal(_HALLS[hall]),
        carried_a=max(requirements.limit(name).value for name in ("charge-current-alarm", "discharge-current-alarm")),
    )


def _first(found: Sequence[str], what: str) -> str:
    if not found:
        raise _beyond(f"the parts file has no {what}; add one, or change the pack")
    return found[0]


def _beyond(text: str) -> SkillFailed:
    return SkillFailed(ErrorLevel.PERSON, ErrorCategory.ARCHITECTURAL, text)


def nodes(circuit: Circuit) -> tuple[Node, ...]:
    """Return what stands where, against the pack's negative end."""
    pack = circuit.pack
    whole = f"{pack.cells} cells of {pack.max_v} V"
    return (
        Node(name="pack", max_v=pack.top_v, why=whole),
        Node(name="tap", max_v=pack.top_v, why=f"the highest cell wire: {whole}"),
        Node(name="shunt", max_v=pack.top_v, why="a few millivolts, but the whole pack when the negative lead opens"),
        Node(name="cable", max_v=pack.top_v, why="the main cable runs through the sensor"),
        Node(name="terminal", max_v=pack.top_v, why="a temperature sensor lies on a cell terminal"),
        Node(name="host", max_v=pack.top_v, why="between the pack and a host that is earthed"),
        Node(name=SUPPLY_NODE, max_v=SUPPLY_V, why="from the step-down converter"),
        Node(name="battery", max_v=FRESH_BATTERY_V, why="a fresh 9 V battery of the dead-man circuit"),
        Node(name="logic", max_v=LOGIC_V, why="from the board's regulator"),
    )


def channels(circuit: Circuit, requirements: RequirementsFile) -> tuple[Channel, ...]:
    """Return the ways of measuring with their errors, worst case."""
    return (
        _cell(circuit, requirements.accuracy_mv),
        _pack(circuit, requirements.limit("sum-mismatch").clear),
        _shunt(circuit, requirements.limit("current-mismatch").clear),
        _hall(circuit, requirements.limit("current-mismatch").value),
        _temperature(circuit),
        _known(circuit, requirements.limit("reference-fault").clear * 1000),
    )


def _terms(step: Decimal, *more: tuple[str, Decimal, str]) -> tuple[ErrorTerm, ...]:
    """Return the errors of a channel: those that every converter has, and those of what stands before it."""
    common = (
        ("quantisation", step / 2, "half a step; without noise averaging does not lower it"),
        ("nonlinearity", step, "one step, after gain and offset have been calibrated"),
    )
    return tuple(ErrorTerm(name=name, value=_rounded(value), how=how) for name, value, how in (*common, *more))


def _rounded(value: Decimal) -> Decimal:
    return value.quantize(Decimal("0.0001")) if value else value


def _drift(value: Decimal, ppm: Decimal) -> Decimal:
    return value * ppm * _KELVIN / _MILLION


def _cell(circuit: Circuit, required_mv: Decimal) -> Channel:
    full = circuit.pack.max_v * 1000
    span = circuit.reference_v * 1000
    return Channel(
        name="cell voltage",
        chain=(
            "cell wires",
            "tap fuses",
            "tap resistors",
            "cell relays",
            "flying capacitor",
            "transfer relay",
            "A0",
            "reference",
        ),
        unit="mV",
        span=span,
        bits=BITS,
        oversamples=OVERSAMPLES,
        terms=_terms(
            span / 2**BITS,
            ("reference drift", _drift(full, _REFERENCE_PPM), f"{_REFERENCE_PPM} ppm/K over {_KELVIN} K"),
            ("calibration", full * _METER, "a meter of 0.05 %"),
            (
                "droop",
                _OPEN_CONTACTS * Decimal(10) * 4 / _CAPACITOR_NF,
                f"{_OPEN_CONTACTS} open contacts of 10 nA each for 4 ms on 2.2 µF; the calibration measures it",
            ),
            ("charge taken", Decimal("0.1"), "16 samples of 14 pF each from 2.2 µF"),
            (
                "open contacts' capacitance",
                _OPEN_CONTACTS * _CONTACT_PF * (circuit.pack.cells - 1) * _UNLIKE_MV / (_CAPACITOR_NF * 1000),
                f"{_OPEN_CONTACTS} of {_CONTACT_PF} pF each take charge as the capacitor comes down from the cells "
                f"below; calibrated away but for cells that are {_UNLIKE_MV} mV unlike those below",
            ),
        ),
        required=required_mv,
    )


def _pack(circuit: Circuit, required_v: Decimal) -> Channel:
    top, span = circuit.pack.top_v, circuit.reference_v * circuit.ratio
    return Channel(
        name="pack voltage",
        chain=("pack divider, upper resistor", "pack divider, lower resistor", "A1", "reference"),
        unit="V",
        span=span,
        bits=BITS,
        oversamples=OVERSAMPLES,
        terms=_terms(
            span / 2**BITS,
            ("divider drift", _drift(top, 2 * _RESISTOR_PPM), f"two resistors of {_RESISTOR_PPM} ppm/K, {_KELVIN} K"),
            ("reference drift", _drift(top, _REFERENCE_PPM), f"{_REFERENCE_PPM} ppm/K over {_KELVIN} K"),
            ("calibration", top * _METER, "a meter of 0.05 %"),
        ),
        required=required_v,
    )


def _shunt(circuit: Circuit, required_a: Decimal) -> Channel:
    most, span = circuit.pack.max_current_a, circuit.shunt_span_a
    return Channel(
        name="current by shunt",
        chain=("shunt", "current amplifier", "A2", "reference"),
        unit="A",
        span=span,
        bits=BITS,
        oversamples=OVERSAMPLES,
        terms=_terms(
            span / 2**BITS,
            ("shunt", most * Decimal("0.005"), "0.5 % of its resistance"),
            ("amplifier", most * Decimal("0.002"), "gain 0.2 %"),
            ("offset", span / 2**BITS / 4, "a quarter of a step after CAL ZERO"),
        ),
        required=required_a,
    )


def _hall(circuit: Circuit, required_a: Decimal) -> Channel:
    most = circuit.pack.max_current_a
    step = circuit.reference_v * _MILLION / 2**BITS / circuit.hall_uv_per_a
    return Channel(
        name="current by Hall sensor",
        chain=("Hall sensor", "A3", "reference"),
        unit="A",
        span=step * 2**BITS,
        bits=BITS,
        oversamples=OVERSAMPLES,
        terms=_terms(
            step,
            ("gain", most * Decimal("0.01"), "1 % of the reading"),
            ("offset", step, "one step after CAL ZERO; remembers a magnetising surge, which the shunt shows"),
            (
                "drift",
                _ZEROED_K * (_HALL_UV_PER_K / circuit.hall_uv_per_a + most * _HALL_PPM / _MILLION),
                f"{_HALL_UV_PER_K} µV/K of its zero, {_HALL_PPM} ppm/K of its gain, {_ZEROED_K} K since CAL ZERO",
            ),
        ),
        required=required_a,
    )


def _temperature(circuit: Circuit) -> Channel:
    step = Decimal("0.172")  # at 60 °C, the hottest limit and the coarsest end; 0.104 near 0 °C
    return Channel(
        name="temperature",
        chain=("temperature string A", "temperature string B", "series resistors", "A4 to A11"),
        unit="degC",
        span=step * 2**BITS,
        bits=BITS,
        oversamples=OVERSAMPLES,
        terms=_terms(
            step,
            ("sensor", Decimal("0.28"), "1 % of its resistance, at 60 °C"),
            ("curve", Decimal("0.2"), "0.5 % of B, 35 K from 25 °C"),
            ("series resistor", Decimal("0.03"), "0.1 %"),
            ("self-heating", Decimal("0.05"), "0.4 mW in a ring lug on metal"),
        ),
        required=Decimal(1),
    )


def _known(circuit: Circuit, required_mv: Decimal) -> Channel:
    known, span = KNOWN_V * 1000, circuit.reference_v * 1000
    return Channel(
        name="known reference",
        chain=("known reference", "A12", "reference"),
        unit="mV",
        span=span,
        bits=BITS,
        oversamples=OVERSAMPLES,
        terms=_terms(
            span / 2**BITS,
            ("tolerance", known * Decimal("0.001"), "0.1 %"),
            ("drift of the known reference", _drift(known, Decimal(100)), f"100 ppm/K over {_KELVIN} K"),
            ("reference drift", _drift(known, _REFERENCE_PPM), f"{_REFERENCE_PPM} ppm/K over {_KELVIN} K"),
        ),
        required=required_mv,
    )


def rejected(circuit: Circuit, requirements: RequirementsFile) -> tuple[Channel, ...]:
    """Return ways of measuring cells that look simpler and do not work, with their errors."""
    top_mv = circuit.pack.top_v * 1000
    span = _next_decade(top_mv)
    difference = circuit.reference_v * 1000
    return (
        Channel(
            name="cell voltage by dividers",
            chain=(f"one divider for each of {circuit.pack.cells} cell wires", "A0 to A15", "differences by software"),
            unit="mV",
            span=span,
            bits=BITS,
            oversamples=OVERSAMPLES,
            terms=_terms(
                span / 2**BITS,
                ("divider drift", _drift(top_mv, 2 * _RESISTOR_PPM), "of the whole stack, not of one cell"),
                ("second divider", _drift(top_mv, 2 * _RESISTOR_PPM), "a cell is the difference of two wires"),
            ),
            required=requirements.accuracy_mv,
        ),
        Channel(
            name="cell voltage by difference amplifiers",
            chain=("one amplifier of four 0.1 % resistors for each cell", "16 : 1 multiplexer", "A0"),
            unit="mV",
            span=difference,
            bits=BITS,
            oversamples=OVERSAMPLES,
            terms=_terms(
                difference / 2**BITS,
                ("common mode", top_mv * Decimal("0.002"), "0.1 % resistors reject 54 dB of the cells below"),
                ("drift", _drift(top_mv, _RESISTOR_PPM), "what calibration has taken out comes back with temperature"),
            ),
            required=requirements.accuracy_mv,
        ),
    )


def _next_decade(millivolts: Decimal) -> Decimal:
    """Return the next full ten volts, as a builder would choose the range."""
    return Decimal(-(-int(millivolts) // 10_000) * 10_000)
