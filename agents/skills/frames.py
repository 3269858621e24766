"""JK BMS frames of the TTL ("GPS") port: checked, and their registers decoded into facts.

1. A frame starts with 4E 57; the length field (octets 2 and 3) counts everything after those first two octets.
2. The last two octets are the sum, modulo 65536, of all octets up to and including the end mark 68.
3. A frame whose sum does not fit is decoded only when one octet lost a digit in writing and one value for it fits
   length, sum and registers; every fact then says so.

Source: register table of the vendor's "JK BMS RS485/TTL protocol" as published by syssi/esphome-jk-bms,
docs/protocol-design-uart-ttl-gps-port.md.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal

from agents.skills.drafts import Draft
from agents.skills.facts import Evidence, FactKind, Finding, FindingKind, Origin, Severity, finding
from agents.skills.hexdumps import HexDump, hex_dumps
from gates.sources import Line

_START = b"\x4e\x57"
_HEADER = 11  # start 2, length 2, terminal 4, command, source, type
_TRAILER = 9  # record number 4, end mark, unused 2, sum 2
_ANSWER = 1
_CELLS = 0x79
BATTERY_TYPES = {0: "lithium iron phosphate", 1: "ternary", 2: "lithium titanate"}


@dataclass(frozen=True, slots=True)
class Register:
    """subject: what it holds ("" for registers we only step over). size: octets. step: one count in `unit`."""

    size: int
    subject: str = ""
    unit: str = ""
    step: str = "1"
    is_signed: bool = False


REGISTERS = {
    0x80: Register(2, "MOSFET temperature", "degC"),
    0x81: Register(2, "battery box temperature", "degC"),
    0x82: Register(2, "battery temperature", "degC"),
    0x83: Register(2, "total voltage", "V", "0.01"),
    0x84: Register(2, "current", "A", "0.01"),
    0x85: Register(1, "state of charge", "percent"),
    0x86: Register(1, "number of temperature sensors"),
    0x87: Register(2, "cycles"),
    0x89: Register(4, "total cycle capacity", "Ah"),
    0x8A: Register(2, "number of cells in series"),
    0x8B: Register(2),
    0x8C: Register(2),
    0x8E: Register(2, "pack overvoltage protection", "V", "0.01"),
    0x8F: Register(2, "pack undervoltage protection", "V", "0.01"),
    0x90: Register(2, "cell overvoltage protection", "mV"),
    0x91: Register(2, "cell overvoltage recovery", "mV"),
    0x92: Register(2, "cell overvoltage delay", "s"),
    0x93: Register(2, "cell undervoltage protection", "mV"),
    0x94: Register(2, "cell undervoltage recovery", "mV"),
    0x95: Register(2, "cell undervoltage delay", "s"),
    0x96: Register(2, "cell difference protection", "mV"),
    0x97: Register(2, "discharge overcurrent protection", "A"),
    0x98: Register(2, "discharge overcurrent delay", "s"),
    0x99: Register(2, "charge overcurrent protection", "A"),
    0x9A: Register(2, "charge overcurrent delay", "s"),
    0x9B: Register(2, "balance start voltage", "mV"),
    0x9C: Register(2, "balance difference", "mV"),
    0x9D: Register(1),
    0x9E: Register(2, "MOSFET overtemperature protection", "degC"),
    0x9F: Register(2, "MOSFET overtemperature recovery", "degC"),
    0xA0: Register(2, "battery box overtemperature protection", "degC"),
    0xA1: Register(2, "battery box overtemperature recovery", "degC"),
    0xA2: Register(2, "battery temperature difference protection", "delta_degC"),
    0xA3: Register(2, "charge overtemperature protection", "degC"),
    0xA4: Register(2, "discharge overtemperature protection", "degC"),
    0xA5: Register(2, "charge low temperature protection", "degC", is_signed=True),
    0xA6: Register(2, "charge low temperature recovery", "degC", is_signed=True),
    0xA7: Register(2, "discharge low temperature protection", "degC", is_signed=True),
    0xA8: Register(2, "discharge low temperature recovery", "degC", is_signed=True),
    0xA9: Register(1, "cells in series as set"),
    0xAA: Register(4, "capacity", "Ah"),
    0xAB: Register(1),
    0xAC: Register(1),
    0xAD: Register(2),
    0xAE: Register(1),
    0xAF: Register(1, "battery type code"),
    0xB0: Register(2),
    0xB1: Register(1, "low capacity alarm", "percent"),
    0xB2: Register(10),
    0xB3: Register(1),
    0xB4: Register(8),
    0xB5: Register(4),
    0xB6: Register(4),
    0xB7: Register(15),
    0xB8: Register(1),
    0xB9: Register(4),
    0xBA: Register(24),
    0xC0: Register(1),
}


@dataclass(frozen=True, slots=True)
class _Reading:
    subject: str
    value: Decimal
    unit: str
    text: str = ""


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame as it stands in a dump.

    octets: repaired where `repaired` names the index that was. stated, summed: the sum written in the frame and the
    one its octets give as written.
    """

    dump: HexDump
    octets: bytes
    stated: int
    summed: int
    repaired: int | None = None

    @property
    def is_whole(self) -> bool:
        """Whether length and sum fit, if need be after the one repair."""
        fits_length = int.from_bytes(self.octets[2:4]) == len(self.octets) - 2
        return fits_length and sum(self.octets[:-4]) & 0xFFFF == self.stated


def jk_frame(dump: HexDump) -> Frame | None:
    """Return the JK frame a dump holds, or None when it holds none."""
    values = dump.values
    if not values.startswith(_START) or len(values) < _HEADER + _TRAILER:
        return None
    stated, summed = int.from_bytes(values[-2:]), sum(values[:-4]) & 0xFFFF
    frame = Frame(dump, values, stated, summed)
    damaged = [index for index, octet in enumerate(dump.octets) if octet.is_damaged]
    if frame.is_whole or len(damaged) != 1 or not 4 <= damaged[0] < len(values) - 4:
        return frame
    return _repaired(frame, damaged[0]) or frame


def _repaired(frame: Frame, index: int) -> Frame | None:
    meant = frame.octets[index] + frame.stated - frame.summed
    # A digit was lost, not changed: the one that is left must be one of the two.
    if not 0 <= meant <= 255 or f"{frame.octets[index]:X}" not in f"{meant:02X}":
        return None
    octets = frame.octets[:index] + bytes([meant]) + frame.octets[index + 1 :]
    repaired = Frame(frame.dump, octets, frame.stated, frame.summed, index)
    return repaired if repaired.is_whole and _registers(octets) is not None else None


def _registers(octets: bytes) -> tuple[tuple[int, int, int], ...] | None:
    """Return (code, start of the data, end) of each register, or None when the codes do not come out even."""
    found: list[tuple[int, int, int]] = []
    at, end = _HEADER, len(octets) - _TRAILER
    while at < end:
        code = octets[at]
        start = at + 2 if code == _CELLS else at + 1
        size = octets[at + 1] if code == _CELLS else REGISTERS[code].size if code in REGISTERS else None
        if size is None or start + size > end:
            return None
        found.append((code, start, start + size))
        at = start + size
    return tuple(found)


def frame_drafts(lines: Sequence[Line]) -> Iterator[Draft]:
    """Yield the values of every whole answer frame; nothing from a frame that does not check."""
    for dump in hex_dumps(lines):
        frame = jk_frame(dump)
        if frame is None or not frame.is_whole or frame.octets[10] != _ANSWER:
            continue
        registers = _registers(frame.octets) or ()
        is_signed = any(code == 0xC0 and frame.octets[start] == 1 for code, start, _ in registers)
        for code, start, end in registers:
            if code == _CELLS:
                yield from _cell_drafts(lines, frame, start, end)
            elif REGISTERS[code].subject:
                reading = _reading(code, frame.octets[start:end], is_signed)
                yield _decoded(lines, frame, range(start - 1, end), reading)


def _cell_drafts(lines: Sequence[Line], frame: Frame, start: int, end: int) -> Iterator[Draft]:
    for at in range(start, end - 2, 3):
        millivolts = Decimal(int.from_bytes(frame.octets[at + 1 : at + 3]))
        reading = _Reading(f"cell {frame.octets[at]} voltage", millivolts, "mV")
        yield _decoded(lines, frame, range(at, at + 3), reading)


def _reading(code: int, data: bytes, is_signed: bool) -> _Reading:
    """is_signed: whether the frame tells charging from discharging by the highest bit of the current."""
    register = REGISTERS[code]
    raw = int.from_bytes(data, signed=register.is_signed)
    if code in {0x80, 0x81, 0x82}:
        raw = raw if raw <= 100 else 100 - raw
    elif code == 0x84:
        charging = 1 if raw & 0x8000 else -1
        raw = charging * (raw & 0x7FFF) if is_signed else 10_000 - raw
    text = BATTERY_TYPES.get(raw, "unknown") if code == 0xAF else ""
    return _Reading(register.subject, raw * Decimal(register.step), register.unit, text)


def _decoded(lines: Sequence[Line], frame: Frame, span: range, reading: _Reading) -> Draft:
    note = "decoded from a frame whose length and sum fit"
    if frame.repaired is not None:
        note = (
            f"decoded from a frame whose sum fits only with {frame.octets[frame.repaired]:02X} for the damaged "
            f"octet at index {frame.repaired}"
        )
    return Draft(
        start=frame.dump.octets[span.start].line,
        quote=frame.dump.quote(lines, span.start, span.stop),
        subject=reading.subject,
        kind=FactKind.QUANTITY if reading.unit else FactKind.COUNT,
        value=reading.value,
        unit=reading.unit,
        text=reading.text,
        note=note,
        context=frame.dump.context,
        origin=Origin.DECODED,
    )


def frame_findings(document: str, lines: Sequence[Line]) -> Iterator[Finding]:
    """Yield what is wrong with the dumps of a document: damaged octets, and frames that do not check."""
    for dump in hex_dumps(lines):
        frame = jk_frame(dump)
        for index, octet in enumerate(dump.octets):
            if octet.is_damaged:
                evidence = _evidence(document, lines, dump, index - 3, index + 4)
                yield finding(FindingKind.DAMAGED, Severity.HIGH, _damage(dump, frame, index), [evidence])
        if frame is not None and not frame.is_whole and not any(octet.is_damaged for octet in dump.octets):
            evidence = _evidence(document, lines, dump, len(dump.octets) - 8, len(dump.octets))
            yield finding(FindingKind.DAMAGED, Severity.HIGH, _failure(frame), [evidence])


def _evidence(document: str, lines: Sequence[Line], dump: HexDump, start: int, end: int) -> Evidence:
    start = max(0, start)
    return Evidence(document=document, place=lines[dump.octets[start].line].place, quote=dump.quote(lines, start, end))


def _damage(dump: HexDump, frame: Frame | None, index: int) -> str:
    written = f"{dump.octets[index].value:X}"
    words = f"The octet at index {index} of a dump of {len(dump.octets)} is damaged: it has one digit, {written!r}."
    if frame is None:
        return words
    words += f" As written the sum of the JK frame is {frame.summed}, but the frame says {frame.stated}: it fails."
    if frame.repaired == index:
        words += f" With {frame.octets[index]:02X} in its place length, sum and registers fit."
    return words


def _failure(frame: Frame) -> str:
    length = int.from_bytes(frame.octets[2:4]) + 2
    if length != len(frame.octets):
        return f"A JK frame of {len(frame.octets)} octets says it has {length}: octets are missing or too many."
    return f"The sum of a JK frame fails: its octets give {frame.summed}, the frame says {frame.stated}."
