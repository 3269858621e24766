"""The headers of the sketch that depend on the pack: limits.h, calibration.h, pins.h."""

import re
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from typing import Final

from agents.skills.battery.design.circuit import GAIN, HALL_ZERO_V, KNOWN_V, OVERSAMPLES, TEMPERATURES, Circuit
from agents.skills.facts_report import one_line
from gates.claims import Claim
from gates.design.files import Limit, Pin, RequirementsFile
from gates.design.headers import macros_of

_MADE: Final = "Made from the requirements of a pack; change those and make it again."
_REST: Final = Decimal("0.05")  # of the capacity in an hour: below it a battery counts as at rest
_SHOWN: Final = 160
_MILLION: Final = 1_000_000
_OTHERS: Final = (
    ("STUCK_SAMPLES", "240", "so many equal raw values of a noisy channel, a minute of them, are not believed"),
    ("HOST_SILENT_MS", "10000", "a host that says nothing for so long is reported as silent"),
)


def limits_header(requirements: RequirementsFile) -> bytes:
    """Return limits.h: every limit with its clear value and delay, and the words that it rests on."""
    claims = {claim.id: claim for claim in requirements.claims}
    rest_ma = int(requirements.pack.capacity_ah * _REST * 1000)
    lines = [
        _define("CELL_COUNT", str(requirements.pack.cells)),
        _define("TEMPERATURE_COUNT", str(TEMPERATURES)),
        _define("REST_CURRENT_MA", f"{rest_ma}L"),
        *(f"{_define(name, value)}  /* {why} */" for name, value, why in _OTHERS),
        "",
    ]
    for limit in requirements.limits:
        lines += [*_comment(limit, claims), *_macros(macros_of(limit)), ""]
    return _header("LIMITS_H", "Limits in mV, mA, tenths of a degree and ms.", lines)


def _macros(values: Mapping[str, int]) -> Iterator[str]:
    return (_define(name, f"{value}L" if value >= 0 else f"({value}L)") for name, value in values.items())


def _comment(limit: Limit, claims: Mapping[str, Claim]) -> Iterator[str]:
    yield f"/* {plain(limit.quantity)} {limit.direction.value}: {limit.level.value}. {plain(limit.why)}"
    for basis in limit.bases:
        claim = claims[basis.claim]
        yield f" * {plain(claim.document)}, {plain(claim.place)}: {plain(claim.quote)}"
    yield " */"


def calibration_header(requirements: RequirementsFile, circuit: Circuit) -> bytes:
    """Return calibration.h: what the parts say, until the builder has calibrated each channel."""
    cells = requirements.pack.cells
    zeros = ", ".join("0" for _ in range(cells))
    values = (
        ("ADC_REFERENCE_UV", _micro(circuit.reference_v), "reference on AREF"),
        ("OVERSAMPLES", str(OVERSAMPLES), "conversions added up for one value"),
        ("CELL_OFFSET_UV", f"{{ {zeros} }}", "of each cell, by CAL CELL"),
        ("CELL_GAIN_PPM", f"{{ {zeros} }}", "of each cell, by CAL CELL"),
        ("PACK_RATIO_MILLI", f"{int(circuit.ratio * 1000)}L", "divider of the pack"),
        ("SHUNT_UOHM", f"{int(circuit.shunt_uohm)}L", circuit.shunt),
        ("SHUNT_GAIN_MILLI", f"{int(GAIN * 1000)}L", "INA240A1"),
        ("SHUNT_ZERO_UV", _micro(circuit.reference_v / 2), "at 0 A, by CAL ZERO"),
        ("HALL_ZERO_UV", _micro(HALL_ZERO_V), "at 0 A, by CAL ZERO"),
        ("HALL_UV_PER_A", f"{int(circuit.hall_uv_per_a)}L", circuit.hall),
        ("NTC_R25_OHM", "10000L", "NTC-10K"),
        ("NTC_BETA", "3950L", "NTC-10K"),
        ("NTC_SERIES_OHM", "10000L", "RES-10K"),
        ("KNOWN_REFERENCE_UV", _micro(KNOWN_V), "LM4040-2.5"),
        ("BANDGAP_UV", _micro(Decimal("1.1")), "in the ATmega2560, 10 % either way"),
        ("SETTLE_MS", "5", "for the flying capacitor: 2 ms for the relay, then 8 time constants of 2.2 uF and 160 Ohm"),
    )
    lines = [f"{_define(name, value)}  /* {plain(why)} */" for name, value, why in values]
    return _header("CALIBRATION_H", "What the parts say; the calibration in EEPROM goes before it.", lines)


def pins_header(pins: Iterable[Pin]) -> bytes:
    """Return pins.h, made of the same pins as WIRING.md."""
    lines = [
        f"{_define(pin.macro, pin.number)}  /* {plain(pin.signal)}: {plain(pin.to)} */" for pin in pins if pin.macro
    ]
    return _header("PINS_H", "Pins of the Arduino Mega 2560.", lines)


def _micro(volts: Decimal) -> str:
    return f"{int(volts * _MILLION)}L"


def _define(name: str, value: str) -> str:
    return f"#define {name} {value}"


def _header(guard: str, what: str, lines: Iterable[str]) -> bytes:
    begin = (f"/* {what} {_MADE} */", f"#ifndef {guard}", f"#define {guard}", "")
    return "\n".join([*begin, *lines, "", "#endif", ""]).encode()


def plain(text: str) -> str:
    """Return words as they may stand in a comment of C: on one line, ending nothing, joining no lines."""
    line = re.sub(r"[^\x20-\x7e\u00a1-\uffff]", " ", one_line(text, _SHOWN))
    # The stroke first: made of a backslash it would end the comment behind a star.
    line = re.sub(r"\?(?=\?)", "? ", line.replace("\\", "/"))
    return line.replace("*/", "* /").replace("/*", "/ *")
