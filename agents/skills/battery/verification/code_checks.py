"""What the verifier looks for in the sketch: the limits' values, code that uses them, pins that are driven."""

import re
from collections.abc import Iterator

from agents.skills.battery.sketch.code import SketchCode, whole_number
from agents.skills.battery.verification.dossier import Dossier
from agents.skills.battery.verification.seen import Seen
from gates.design.electrics import MEGA_ANALOG_0
from gates.design.files import Element, Limit, Pin, Requirement
from gates.design.headers import macros_of
from protocol.errors import SourceError

LIMITS = "limits.h"
# Words of an element's name that programs hold for other reasons.
_COMMON = frozenset(
    {"with", "from", "that", "this", "board", "mega", "arduino", "sketch", "software", "firmware", "code"}
)


def limits_in_code(requirement: Requirement, dossier: Dossier) -> Iterator[Seen]:
    """Whether limits.h says the same as requirements.json, is compiled in, and is referred to by code."""
    for limit in dossier.limits_of(requirement):
        flaws = flaws_in_code(limit, dossier.code)
        yield from map(Seen.not_met, flaws)
        if not flaws:
            name, value = next(iter(macros_of(limit).items()))
            users = ", ".join(file for file in dossier.code.users(name) if file not in dossier.code.named(LIMITS))
            yield Seen.met(f"{LIMITS}: {name} is {value}, used in {users}")


def flaws_in_code(limit: Limit, code: SketchCode) -> list[str]:
    """Return why the sketch does not hold a limit as it is required; nothing where it does."""
    headers = code.named(LIMITS)
    if len(headers) != 1:
        return [f"the sketch has {len(headers)} files {LIMITS}; which limits hold cannot be said"]
    if LIMITS not in code.included:
        return [f"no file of the sketch includes {LIMITS}"]
    try:
        macros = macros_of(limit)
    except SourceError as error:
        return [str(error)]
    flaws = [flaw for name, value in macros.items() if (flaw := _flaw(name, value, headers[0], code))]
    unused = [name for name in macros if not set(code.users(name)) - {headers[0]}]
    return [*flaws, *([f"no code of the sketch uses {', '.join(unused)}"] if unused else [])]


def _flaw(name: str, value: int, header: str, code: SketchCode) -> str:
    """Return what is wrong with a definition: not there, there twice, elsewhere, another value; "" if nothing is."""
    found = code.defined(name)
    if not found:
        return f"{header} does not define {name}, which is to be {value}"
    if len(found) > 1 or name in code.undefined:
        return f"{name} is defined {_times(len(found))} or taken back in {_files(macro.file for macro in found)}"
    if found[0].file != header:
        return f"{name} is defined in {found[0].file}, not in {header}"
    if whole_number(found[0].body) != value:
        return f"{header}: {name} is {found[0].body or 'nothing'}, required is {value}"
    return ""


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"


def _files(names: Iterator[str]) -> str:
    return ", ".join(sorted(set(names)))


def pins_in_code(requirement: Requirement, dossier: Dossier) -> Iterator[Seen]:
    """Whether the pins that lead to an element are numbered as designed, and whether code uses any of them."""
    for element in dossier.serving(requirement):
        # Pins without a macro belong to the board: supply, reference, the serial lines.
        pins = [pin for pin in dossier.design.pins if pin.macro and _leads_to(pin, element)]
        for pin in pins:
            yield from _numbered(pin, dossier.code)
        if not pins:
            continue
        used = [pin.macro for pin in pins if dossier.code.users(pin.macro)]
        if used:
            yield Seen.met(f"{element.id}: the sketch uses {', '.join(used)}")
        else:
            yield Seen.not_met(f"{element.id}, {element.name}: no code uses {', '.join(pin.macro for pin in pins)}")


def _leads_to(pin: Pin, element: Element) -> bool:
    told = f"{pin.to} {pin.signal}".lower()
    return bool(re.search(rf"\b{re.escape(element.id.lower())}\b", told)) or element.name.lower() in told


def _numbered(pin: Pin, code: SketchCode) -> Iterator[Seen]:
    found = code.defined(pin.macro)
    if not found:
        return  # one macro may stand for the first of several pins; whether any is used is asked above
    if len(found) > 1:
        yield Seen.not_met(f"{pin.macro} is defined {len(found)} times")
    elif found[0].body.strip("() uUlL") not in _spellings(pin.number):
        yield Seen.not_met(f"{found[0].file}: {pin.macro} is {found[0].body}, the design says {pin.number}")


def _spellings(number: str) -> set[str]:
    """Return how a sketch may write a pin: A3 is pin 57 of the board and channel 3 of its converter."""
    analog = re.fullmatch(r"A(\d{1,2})", number)
    return {number, analog[1], str(MEGA_ANALOG_0 + int(analog[1]))} if analog else {number}


def software_in_code(requirement: Requirement, dossier: Dossier) -> Iterator[Seen]:
    """Whether the sketch at least speaks of what an element without a part is to do; what it does, tests show."""
    if requirement.limits:
        return  # the limits' own macros are the better evidence
    for element in dossier.serving(requirement):
        if element.part:
            continue
        names = sorted(word for word in re.findall(r"[a-z]{4,}", element.name.lower()) if word not in _COMMON)
        found = {word: files for word in names if (files := dossier.code.speaks_of(word.removesuffix("s")))}
        if found:
            word, files = next(iter(found.items()))
            yield Seen.met(f"{element.id}, {element.name}: “{word}” stands in the code of {', '.join(files[:3])}")
        else:
            yield Seen.open(f"{element.id}, {element.name}: has no part, and nothing in the sketch speaks of it")
