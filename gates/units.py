"""Units as documents write them, and what pint makes of them.

Only spellings listed here count as units: "5 A" is a current, "5 B" is not guessed at. Source: SI brochure, 9th
edition, tables 2 to 8, and the spellings of battery datasheets.
"""

import re
from decimal import Decimal, InvalidOperation
from functools import cache

import pint

# fmt: off  (one spelling a line would bury the table)
_PREFIXES = {"G": "G", "M": "M", "k": "k", "": "", "m": "m", "\u00b5": "u", "\u03bc": "u", "u": "u", "n": "n", "p": "p"}
_PREFIXED = {  # spelling: (pint's symbol, the prefixes that occur)
    "V": ("V", "kmu\u00b5\u03bc"),
    "A": ("A", "kmnu\u00b5\u03bc"),
    "W": ("W", "kMmu\u00b5\u03bc"),
    "Wh": ("Wh", "kM"),
    "Ah": ("Ah", "km"),
    "AH": ("Ah", "km"),
    "VA": ("VA", "kM"),
    "\u03a9": ("ohm", "kMmu\u00b5\u03bc"),
    "\u2126": ("ohm", "kMmu\u00b5\u03bc"),
    "Ohm": ("ohm", "kMmu\u00b5\u03bc"),
    "ohm": ("ohm", "kMmu\u00b5\u03bc"),
    "Ohms": ("ohm", "kMmu\u00b5\u03bc"),
    "ohms": ("ohm", "kMmu\u00b5\u03bc"),
    "Hz": ("Hz", "kMG"),
    "F": ("F", "mnpu\u00b5\u03bc"),
    "H": ("H", "mnu\u00b5\u03bc"),
    "s": ("s", "mnu\u00b5\u03bc"),
    "J": ("J", "kM"),
    "m": ("m", "kmnu\u00b5\u03bc"),
    "g": ("g", "km"),
    "Pa": ("Pa", "kM"),
    "N": ("N", "k"),
}
_PLAIN = {
    "min": "min",
    "minutes": "min",
    "minute": "min",
    "h": "h",
    "hours": "h",
    "hour": "h",
    "hrs": "h",
    "seconds": "s",
    "second": "s",
    "sec": "s",
    "milliseconds": "ms",
    "days": "day",
    "day": "day",
    "weeks": "week",
    "months": "month",
    "years": "year",
    "year": "year",
    "\u00b0C": "degC",
    "\u2103": "degC",
    "degC": "degC",
    "deg C": "degC",
    "\u00b0 C": "degC",
    "\u00b0F": "degF",
    "K": "K",
    "cm": "cm",
    "inch": "inch",
    "inches": "inch",
    "mm\u00b2": "mm**2",
    "mm2": "mm**2",
    "mm^2": "mm**2",
    "cm\u00b2": "cm**2",
    "cm2": "cm**2",
    "m\u00b2": "m**2",
    "mm\u00b3": "mm**3",
    "cm\u00b3": "cm**3",
    "m\u00b3": "m**3",
    "Nm": "N*m",
    "N\u00b7m": "N*m",
    "N m": "N*m",
    "N.m": "N*m",
    "%": "percent",
    "percent": "percent",
    "ppm": "ppm",
    "dB": "dB",
    "dBm": "dBm",
    "bar": "bar",
    "mbar": "mbar",
    "psi": "psi",
    "rpm": "rpm",
    "lb": "lb",
    "lbs": "lb",
    "bps": "baud",
    "baud": "baud",
    "Bd": "baud",
    "kbps": "kbaud",
    "kbit/s": "kbaud",
    "Mbps": "Mbaud",
    "Mbit/s": "Mbaud",
    "bit/s": "baud",
    "W/mK": "W/m/K",
    "W/m.K": "W/m/K",
    "W/(m\u00b7K)": "W/m/K",
    "W/(mK)": "W/m/K",
    "W/m\u00b7K": "W/m/K",
    "K/W": "K/W",
    "\u00b0C/W": "delta_degC/W",
    "Wh/kg": "Wh/kg",
    "Wh/l": "Wh/l",
    "Wh/L": "Wh/l",
    "V/cell": "V/cell",
    "mV/cell": "mV/cell",
    "mV/K": "mV/K",
    "%/K": "percent/K",
    "\u00b5V/K": "uV/K",
    "cells": "cell",
    "cycles": "cycle_count",
    "pcs": "piece",
    "pieces": "piece",
    "EUR": "EUR",
    "\u20ac": "EUR",
    "USD": "USD",
    "US$": "USD",
    "GBP": "GBP",
    "\u00a3": "GBP",
    "CHF": "CHF",
    "BDT": "BDT",
}
# fmt: on
# A current as a multiple of the capacity: "0.5C". Documents write it as they write degrees and coulombs, so no spelling
# stands for it here; whoever reads the words around it decides.
RATE_UNIT = "C_rate"
# One letter after a space is more often a word or a name than these units.
_ONLY_PREFIXED = frozenset({"F", "H", "g", "N"})
CURRENCIES = ("EUR", "USD", "GBP", "CHF", "BDT")
# Counted things need not follow the number at once: "3 to 16 Li-ion cells".
COUNTED = ("cells", "cycles", "pcs", "pieces")


def _spellings() -> dict[str, str]:
    spelt = dict(_PLAIN)
    for name, (symbol, prefixes) in _PREFIXED.items():
        for prefix in prefixes:
            spelt[prefix + name] = _PREFIXES[prefix] + symbol
        if name not in _ONLY_PREFIXED:
            spelt[name] = symbol
    return spelt


SPELLINGS = _spellings()
# The longest spelling first: "mm²" before "mm" before "m". Rule for the end as in gates.claims.
UNIT = (
    "(?:"
    + "|".join(re.escape(name) for name in sorted(SPELLINGS, key=lambda name: (-len(name), name)))
    + r")(?![\w\u00b2\u00b3\u00b7^\u00b0]|/[A-Za-z]|\u22c5)"
)


_SHOWN = {
    "percent": "%",
    "degC": "\u00b0C",
    "degF": "\u00b0F",
    "delta_degC": "K",
    "cell": "cells",
    "piece": "pieces",
    "cycle_count": "cycles",
    RATE_UNIT: "C",
    "N*m": "N\u00b7m",
    "ohm": "\u03a9",
    "mohm": "m\u03a9",
    "uohm": "\u00b5\u03a9",
    "kohm": "k\u03a9",
    "Mohm": "M\u03a9",
}


def shown(unit: str) -> str:
    """Return a normalised unit as a person writes it."""
    return _SHOWN.get(unit, unit).replace("**2", "\u00b2").replace("**3", "\u00b3")


@cache
def _registry() -> pint.UnitRegistry:  # type: ignore[type-arg]  # pint's magnitude type is Decimal throughout
    # Built on first use: it takes a quarter of a second, which a process that only reads JSON need not pay.
    registry: pint.UnitRegistry = pint.UnitRegistry(non_int_type=Decimal)  # type: ignore[type-arg]
    for name in ("cell", "cycle_count", "piece", RATE_UNIT, *CURRENCIES):
        registry.define(f"{name} = [{name}]")
    return registry


def normalised(literal: str) -> str | None:
    """Return pint's name for a unit as a document writes it, or None when we do not know it."""
    return SPELLINGS.get(literal)


@cache
def dimension(unit: str) -> str:
    """Return the dimension of a normalised unit, comparable with `==`; "" for bare numbers."""
    return str(_registry().Unit(unit).dimensionality) if unit else ""


def convert(value: Decimal, unit: str, to: str) -> Decimal:
    """Return a value in another unit of the same dimension.

    Raises:
        ValueError: the units are of different dimensions.
    """
    if unit == to:
        return value
    if dimension(unit) != dimension(to):
        raise ValueError(f"{unit} is not {to}")
    return Decimal(_registry().Quantity(value, unit).to(to).magnitude)


def number(literal: str, *, decimal_comma: bool = False) -> Decimal | None:
    """Return the value of a number as written, or None when it can be read in two ways.

    decimal_comma: whether this document writes 3,25 for three and a quarter; decides "1,234" and "1.234".
    """
    text = re.sub("['\u2019\u00a0\u2009\u202f]", "", literal.strip())
    text = re.sub("[\u2212\u2013]", "-", text).replace("\u00b1", "").lstrip("+")
    if " " in text:
        # "12 500" may be one number or two columns; only whole thousands are safe.
        if not re.fullmatch(r"-?\d{1,3}(?: 000)+", text):
            return None
        text = text.replace(" ", "")
    return _decimal(_with_point(text, decimal_comma))


def _with_point(text: str, decimal_comma: bool) -> str:
    if "," in text and "." in text:
        thousands, point = (",", ".") if text.rindex(".") > text.rindex(",") else (".", ",")
        return text.replace(thousands, "").replace(point, ".")
    mark = "," if "," in text else "."
    if text.count(mark) > 1:
        return text.replace(mark, "")
    if mark == ",":
        is_thousands = not decimal_comma and re.fullmatch(r"-?[1-9]\d{0,2},\d{3}", text)
        return text.replace(",", "" if is_thousands else ".")
    is_thousands = decimal_comma and re.fullmatch(r"-?[1-9]\d{0,2}\.\d{3}", text)
    return text.replace(".", "") if is_thousands else text


def _decimal(text: str) -> Decimal | None:
    try:
        value = Decimal(text)
    except InvalidOperation:
        return None
    return value if value.is_finite() else None
