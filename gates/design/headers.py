"""limits.h of a sketch against requirements.json: the firmware compares with what was derived, to the last digit.

Only text is compared. A sketch that keeps a number of its own beside limits.h is for a reviewer to find.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Final

from gates.design.files import Limit, RequirementsFile
from gates.design.words import quantity, repeated
from protocol.errors import SourceError

NAME: Final = "limits.h"
MAX_BYTES: Final = 500_000
CELL_COUNT: Final = "CELL_COUNT"
# unit of a limit: the suffix of its macro, and how many of the macro's unit are one of the limit's
_MACROS: Final = {"V": ("MV", 1000), "A": ("MA", 1000), "degC": ("DC", 10)}
_NAME: Final = re.compile(r"[a-z][a-z0-9]*(?:-[a-z0-9]+)*")
# Comments and literals in one pass: a comment that never ends, or a quotation mark in one, must not hide anything.
_ASIDE: Final = re.compile(r"""/\*.*?(?:\*/|\Z)|//[^\n]*|"(?:\\.|[^"\\\n])*"?|'(?:\\.|[^'\\\n])*'?""", re.DOTALL)
_DEFINE: Final = re.compile(r"#\s*define\s+(\w+)(?:\s+(.*))?")
_INTEGER: Final = re.compile(r"\(?\s*([-+]?\s*(?:0|[1-9]\d{0,9}))(?:[uU]?[lL]{0,2})\s*\)?")
_HARMLESS: Final = re.compile(r"#\s*(?:pragma\s+once|include\s*<std\w+\.h>|endif)\s*")
_GUARD: Final = re.compile(r"#\s*ifndef\s+(\w+)\s*")
_CHANGED: Final = re.compile(r"(?:#|%:)\s*(?:define|undef)\s+(\w+)")


def macros_of(limit: Limit) -> Mapping[str, int]:
    """Return what limits.h defines for a limit: CELL_HIGH_ALARM_MV, …_CLEAR_MV and …_DELAY_MS.

    Volts are in mV, amperes in mA, temperatures in tenths of a degree Celsius, delays in ms.

    Raises:
        SourceError: the limit has a name, a unit or a value that limits.h cannot say.
    """
    if not _NAME.fullmatch(limit.name) or limit.unit not in _MACROS:
        raise SourceError(f"{limit.name!r} in {limit.unit!r} cannot be a macro of {NAME}")
    stem, (suffix, factor) = limit.name.upper().replace("-", "_"), _MACROS[limit.unit]
    return {
        f"{stem}_{suffix}": _whole(limit, "value", factor),
        f"{stem}_CLEAR_{suffix}": _whole(limit, "clear", factor),
        f"{stem}_DELAY_MS": _whole(limit, "delay_s", 1000),
    }


def _whole(limit: Limit, field: str, factor: int) -> int:
    value = getattr(limit, field) * factor
    # The board counts with 32 bits.
    if value != value.to_integral_value() or abs(value) >= 2**31:
        unit = "s" if field == "delay_s" else limit.unit
        said = quantity(getattr(limit, field), unit)
        raise SourceError(f"{field} of {limit.name} is {said}, which {NAME} cannot say in whole parts of 1/{factor}")
    return int(value)


def expected_macros(file: RequirementsFile) -> Mapping[str, int]:
    """Return every macro that limits.h has to define for the requirements.

    Raises:
        SourceError: a limit cannot be said, or two limits would be the same macro.
    """
    expected: dict[str, int] = {}
    for limit in file.limits:
        macros = macros_of(limit)
        if twice := expected.keys() & macros.keys():
            raise SourceError(f"two limits would both be {min(twice)} in {NAME}")
        expected.update(macros)
    return expected


def header_faults(data: bytes, file: RequirementsFile) -> Iterator[str]:
    """Yield where limits.h says something else than the requirements, one sentence each.

    Raises:
        SourceError: it cannot be read, or the requirements cannot be said in it.
    """
    expected = expected_macros(file)
    defined = list(_defined(_directives(data, NAME)))
    yield from repeated("macro", (name for name, _ in defined))
    said = dict(defined)
    for name, value in expected.items():
        if name not in said:
            yield f"{name} is not defined; the requirements say {value}"
        elif _integer(said[name]) != value:
            yield f"{name} is {said[name][:40] or 'empty'}, the requirements say {value}"
    if CELL_COUNT in said and _integer(said[CELL_COUNT]) != file.pack.cells:
        yield f"{CELL_COUNT} is {said[CELL_COUNT][:40]}, the pack has {file.pack.cells} cells"


def changed_elsewhere(data: bytes, name: str, file: RequirementsFile) -> Iterator[str]:
    """Yield a fault for each macro of limits.h that another file of the sketch defines or takes away.

    Raises:
        SourceError: it cannot be read, or the requirements cannot be said in limits.h.
    """
    expected = {*expected_macros(file), CELL_COUNT}
    for number, line in _directives(data, name):
        for found in _CHANGED.finditer(line):
            if found[1] in expected:
                yield f"{name}, line {number} redefines {found[1]}, which only {NAME} does"


def _directives(data: bytes, name: str) -> Iterator[tuple[int, str]]:
    """Yield the lines of a C file that hold anything, without comments and literals, continued lines joined."""
    if len(data) > MAX_BYTES:
        raise SourceError(f"{name} has {len(data):,} bytes, the limit is {MAX_BYTES:,}")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise SourceError(f"{name} is not text in UTF-8") from error
    if "\x00" in text:
        raise SourceError(f"{name} is binary data, not text")
    # A line that goes on keeps its number: the newline is moved behind what it was joined to.
    text = re.sub(r"\r\n?", "\n", text)
    number, joined = 1, _ASIDE.sub(_blank, text.replace("\\\n", "\x00"))
    for line in joined.split("\n"):
        if line.strip("\x00 \t"):
            yield number, line.replace("\x00", "").strip()
        number += 1 + line.count("\x00")


def _blank(found: re.Match[str]) -> str:
    """A comment is one space to the compiler; its newlines stay, so that lines keep their numbers."""
    return " " + "".join(letter for letter in found[0] if letter in "\n\x00")


def _defined(lines: Iterator[tuple[int, str]]) -> Iterator[tuple[str, str]]:
    """Yield what a header defines. Anything but plain definitions could hide one, and is refused."""
    guard = ""
    for number, line in lines:
        opened = _GUARD.fullmatch(line)
        if opened and not guard:
            guard = opened[1]
        elif found := _DEFINE.fullmatch(line):
            if found[1] != guard:
                yield found[1], (found[2] or "").strip()
        elif not _HARMLESS.fullmatch(line):
            raise SourceError(f"{NAME}, line {number} is neither a comment nor a definition: {line[:60]!r}")


def _integer(text: str) -> int | None:
    found = _INTEGER.fullmatch(text)
    return int(re.sub(r"\s", "", found[1])) if found else None
