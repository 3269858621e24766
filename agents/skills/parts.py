"""Part numbers in running text and schematics, and what a component's value means by the letter of its designator."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal

from agents.skills.amounts import masked
from agents.skills.drafts import Draft
from agents.skills.facts import FactKind
from gates.sources import Line
from gates.units import normalised, number

_PART = re.compile(r"(?<![\w./-])[A-Z]{2,}[A-Z0-9]*\d[A-Z0-9]*(?:[-.][A-Z0-9]+)*(?:/[A-Z0-9]{1,2}\b)?(?![\w+]|[./-]\w)")
# Names of standards, interfaces, chemistries and nets that look like part numbers.
_NOT_PARTS = re.compile(
    r"^(?:RS|IEC|ISO|EN|DIN|UL|UN|IEEE|ASTM|USB|CAN|LFP|NMC|NCA|SHA|CRC|AES|UTF|UINT|INT|GPIO|ADC|UART|CELL|VC|TEMP"
    r"|CP|IP|AWG|PDF|ISBN|RFC|TP|SOC|SOH|DRY|OVP|UVP|CC|BY|PAGE|FIG|CERN|RTOS|LTS|DIY|MQTT|HTTP|REV|SN)[-\d]*(?:[-.]\d+)*$"
    r"|^(?:GPIO|ADC|UART|CELL|TEMP|REG|TP|VC)\d|^GND"
)
# Source: IEEE 315 reference designations, and those of common layout programs.
_DESIGNATOR = re.compile(
    r"^(?P<kind>BT|CN|DS|FB|FID|HS|IC|LED|LOGO|LS|MH|NT|NTC|PTC|RN|RT|RV|SW|TP|TR|TVS|VR|ZD|[A-HJ-NP-Z])\d{1,4}$"
)
_PASSIVE_UNIT = {"R": "\u03a9", "C": "F", "L": "H", "RT": "\u03a9", "RV": "\u03a9", "FB": "\u03a9"}
_VALUE = re.compile(r"^\s*(?P<figure>\d+(?:[.,]\d+)?)\s?(?P<suffix>[A-Za-z\u00b5\u03bc\u03a9\u2126\u00b0]{0,4})\s*$")
# Lower-case m and M are a million apart, so R's "M" and "m" are kept as written; "R" marks the ohm itself.
_OHM_PREFIXES = {"": "", "R": "", "\u03a9": "", "K": "k", "\u03bc": "\u00b5", **{mark: mark for mark in "kMmu\u00b5"}}


@dataclass(frozen=True, slots=True)
class ComponentValue:
    """figure, literal: as written; unit: what pint calls it; note: how the unit was come by when it is not written."""

    figure: str
    literal: str
    value: Decimal
    unit: str
    note: str = ""


def designator_kind(reference: str) -> str | None:
    """Return the letters of a reference designator ("R" of "R45"), or None when it is not one."""
    found = _DESIGNATOR.match(reference.strip())
    return found["kind"] if found else None


def component_value(reference: str, text: str) -> ComponentValue | None:
    """Return the value of a component as parts lists write it: "300µ" of a resistor is 300 microohm.

    None where the value is a name, or has a unit that is not the one of such a part.
    """
    kind = designator_kind(reference)
    found = _VALUE.match(text)
    value = number(found["figure"]) if found else None
    if kind is None or found is None or value is None:
        return None
    suffix = found["suffix"]
    unit = normalised(suffix)
    base = _PASSIVE_UNIT.get(kind)
    if base is None:
        return ComponentValue(found["figure"], suffix, value, unit) if unit else None
    if unit is not None and suffix not in _OHM_PREFIXES:
        expected = normalised("m" + base) or ""
        return ComponentValue(found["figure"], suffix, value, unit) if unit[-1] == expected[-1] else None
    if base != "\u03a9" or suffix not in _OHM_PREFIXES:
        return None
    spelt = normalised(_OHM_PREFIXES[suffix] + base)
    if spelt is None:
        return None
    return ComponentValue(found["figure"], suffix, value, spelt, "unit from the kind of part: resistance")


def part_drafts(lines: Sequence[Line]) -> Iterator[Draft]:
    """Yield each part number a text names, once, where it stands first."""
    seen: set[str] = set()
    for index, line in enumerate(lines):
        for found in _PART.finditer(masked(line.text)):
            name = found[0].rstrip(".-")
            if name in seen or not is_part_number(name):
                continue
            seen.add(name)
            quote = line.text.strip() if len(line.text) <= 200 else name
            yield Draft(start=index, quote=quote, subject="part named", kind=FactKind.PART, text=name)


def is_part_number(name: str) -> bool:
    """Whether a word in capitals and digits is a maker's name for a part: at least three digits, and no standard."""
    return sum(letter.isdigit() for letter in name) >= 3 and _NOT_PARTS.match(name) is None and len(name) <= 32


def is_drawing(lines: Sequence[Line]) -> bool:
    """Whether a text is a schematic's: at least ten lines that are nothing but a designator."""
    return sum(designator_kind(line.text) is not None for line in lines) >= 10


def schematic_values(lines: Sequence[Line]) -> Iterator[Draft]:
    """Yield the values a drawing's text puts on the line after a designator: "C28", then "100nF"."""
    for index in range(1, len(lines)):
        reference, text = lines[index - 1].text.strip(), lines[index].text.strip()
        value = component_value(reference, text)
        if value is None or not value.literal:
            continue
        yield Draft(
            start=index - 1,
            quote=f"{lines[index - 1].text}\n{lines[index].text}".strip(),
            subject=f"{reference} value",
            kind=FactKind.QUANTITY,
            figures=(value.figure,),
            literal=value.literal,
            value=value.value,
            unit=value.unit,
            note=value.note,
        )
