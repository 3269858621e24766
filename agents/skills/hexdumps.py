"""Runs of hexadecimal octets in notes, with the place of every octet and the octets that were damaged in writing."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from gates.sources import Line

# Below this many octets a line may as well be a list of numbers.
MIN_OCTETS = 8

_ARROW = re.compile(r"^\s*(?:<{2,3}|>{2,3}|RX:?|TX:?|->|<-)\s*")
_OCTET = re.compile(r"[0-9A-Fa-f]{1,2}")
_LINE = re.compile(r"[0-9A-Fa-f]{1,2}(?:[\s:,]+[0-9A-Fa-f]{1,2})*[\s:,]*")


@dataclass(frozen=True, slots=True)
class Octet:
    """One octet: its value as written, the index of its line, where it stands there, and whether a digit is lost."""

    value: int
    line: int
    start: int
    end: int
    is_damaged: bool


@dataclass(frozen=True, slots=True)
class HexDump:
    """A run of octets over one or more lines. context: the last line of words above it."""

    octets: tuple[Octet, ...]
    context: str

    @property
    def lines(self) -> range:
        """Indices of the lines it stands on."""
        return range(self.octets[0].line, self.octets[-1].line + 1)

    @property
    def values(self) -> bytes:
        """The octets as written; a damaged one has the value of the digit that is left."""
        return bytes(octet.value for octet in self.octets)

    def quote(self, lines: Sequence[Line], start: int, end: int) -> str:
        """Return the octets start to end (exclusive) as they stand in the document."""
        first, last = self.octets[start], self.octets[min(end, len(self.octets)) - 1]
        if first.line == last.line:
            return lines[first.line].text[first.start : last.end]
        middle = [lines[number].text for number in range(first.line + 1, last.line)]
        return "\n".join([lines[first.line].text[first.start :], *middle, lines[last.line].text[: last.end]])


def hex_dumps(lines: Sequence[Line]) -> tuple[HexDump, ...]:
    """Return the dumps of a document. An arrow (">>>", "<<<") starts a new one, any other words end one."""
    dumps: list[HexDump] = []
    run: list[Octet] = []
    context = following = ""
    for number, line in enumerate(lines):
        octets = _octets(number, line.text)
        if run and (not octets or _ARROW.match(line.text)):
            dumps += _dump(run, context)
            run = []
        if octets:
            context = context if run else following
            run += octets
        elif re.search(r"[^\W\d_]{2}", line.text):
            following = line.text.strip()
    return (*dumps, *_dump(run, context))


def _dump(run: list[Octet], context: str) -> list[HexDump]:
    # A list of plain numbers has no letters in it; a dump of eight octets almost always has one or a leading zero.
    sound = [octet.value for octet in run if not octet.is_damaged]
    looks_hex = any(value < 16 or value % 16 > 9 or value >= 160 for value in sound)
    is_dump = len(run) >= MIN_OCTETS and len(sound) >= 0.9 * len(run) and looks_hex
    return [HexDump(tuple(run), context)] if is_dump else []


def _octets(number: int, text: str) -> list[Octet]:
    arrow = _ARROW.match(text)
    start = arrow.end() if arrow else 0
    found = _LINE.match(text, start)
    if found is None or text[found.end() :].strip():
        return []
    return [
        Octet(int(octet[0], 16), number, octet.start(), octet.end(), octet.end() - octet.start() == 1)
        for octet in _OCTET.finditer(text, start, found.end())
    ]
