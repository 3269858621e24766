"""readings.csv: what was read of the packs of a device, one line for each status.

    taken_ns,pack,pack-voltage [V],current [A],cell-1-voltage [V]
    1795292400000000000,battery-1,53.12,-12.3,3.312
    1795292401000000000,battery-1,53.12,,3.312?

1. `taken_ns` is in nanoseconds since 1970 and never goes back. `3.312` is a good reading, `3.312?` a suspect one; an
   empty field says that nothing usable was told.
2. Numbers are plain decimals with at most six digits after the point: what is written is what is read again.
3. Nothing is boundless, and rows can be read one by one: a day at one reading a second need not lie in memory.
"""

import io
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from protocol.errors import SourceError

READINGS: Final = "application/vnd.orchestra.readings+csv"
NAME: Final = "readings.csv"

# A week of sixteen cells at one reading a second has sixteen million fields in a hundred million bytes.
MAX_BYTES: Final = 250_000_000
MAX_COLUMNS: Final = 1_200
MAX_FIELDS: Final = 40_000_000
LARGEST: Final = 1e12
PLACES: Final = 6
_HEAD: Final = ("taken_ns", "pack")
_LAST_NS: Final = 2**63 - 1
_IDENTIFIER: Final = r"[A-Za-z0-9][A-Za-z0-9._:/@#\-]{0,199}"
_PACK: Final = re.compile(_IDENTIFIER)
_COLUMN: Final = re.compile(rf"({_IDENTIFIER}) \[([A-Za-z0-9%/*._\-]{{1,32}})\]")
_TIME: Final = re.compile(r"0|[1-9][0-9]{0,18}")
_NUMBER: Final = re.compile(r"(-?[0-9]{1,13}(?:\.[0-9]{1,6})?)(\??)")
_MOST_REMEMBERED: Final = 100_000  # spellings of numbers: readings say the same few thousand again and again


@dataclass(frozen=True, slots=True)
class Row:
    """One status of one pack. values: by the name of the reading; doubted: the names whose value is suspect."""

    taken_ns: int
    pack: str
    values: Mapping[str, float]
    doubted: frozenset[str]


@dataclass(frozen=True, slots=True)
class ReadingsFile:
    """units: of each reading, in the order of the columns."""

    units: Mapping[str, str]
    rows: tuple[Row, ...]


def read_readings(data: bytes, name: str) -> ReadingsFile:
    """Return readings.csv. name: what to call it.

    Raises:
        SourceError: it is none, or larger than MAX_BYTES or MAX_FIELDS; the text names file and line.
    """
    units, rows = read_rows(data, name)
    return ReadingsFile(units, tuple(rows))


def read_rows(data: bytes, name: str) -> tuple[Mapping[str, str], Iterator[Row]]:
    """Return the units of readings.csv and its rows, read as they are asked for.

    Raises:
        SourceError: as for `read_readings`; of a row when it is asked for.
    """
    if len(data) > MAX_BYTES:
        raise SourceError(f"{name} has {len(data):,} bytes, the limit is {MAX_BYTES:,}")
    if not data.isascii():
        place = next(place for place, byte in enumerate(data) if byte > 127)
        line = data.count(b"\n", 0, place) + 1
        raise SourceError(f"{name}, line {line}: a byte that is not ASCII")
    lines = io.TextIOWrapper(io.BytesIO(data), encoding="ascii", newline="\n")
    units = _units(next(lines, ""), name)
    return units, _Rows(name, tuple(units)).of(lines)


def _units(line: str, name: str) -> Mapping[str, str]:
    fields = line.rstrip("\n").split(",")
    if tuple(fields[:2]) != _HEAD or not line.endswith("\n"):
        raise SourceError(f"{name}, line 1: these are no readings; they begin with `taken_ns,pack,NAME [UNIT],…`")
    if len(fields) > MAX_COLUMNS:
        raise SourceError(f"{name}, line 1: {len(fields):,} columns, the limit is {MAX_COLUMNS:,}")
    units = dict[str, str]()
    for number, field in enumerate(fields[2:], 3):
        found = _COLUMN.fullmatch(field)
        if found is None:
            raise SourceError(f"{name}, line 1: column {number} is not `NAME [UNIT]`")
        if found[1] in units:
            raise SourceError(f"{name}, line 1: column {number} is {found[1]} once more")
        units[found[1]] = found[2]
    return units


class _Rows:
    """Reads the lines below the head of one file."""

    def __init__(self, name: str, columns: tuple[str, ...]) -> None:
        self._name, self._columns = name, columns
        self._known: dict[str, tuple[float, bool]] = {}

    def of(self, lines: Iterable[str]) -> Iterator[Row]:
        last_ns, width = 0, len(self._columns) + len(_HEAD)
        for number, line in enumerate(lines, 2):
            fields = line[:-1].split(",")
            if len(fields) != width or line[-1] != "\n":
                raise self._fault(number, f"not the {width} fields that line 1 names, and a line feed")
            if number * width > MAX_FIELDS:
                raise self._fault(number, f"more than {MAX_FIELDS:,} fields")
            row = self._row(number, fields)
            if row.taken_ns < last_ns:
                raise self._fault(number, "the time goes back")
            last_ns = row.taken_ns
            yield row

    def _row(self, number: int, fields: list[str]) -> Row:
        taken, pack = fields[:2]
        if _TIME.fullmatch(taken) is None or (taken_ns := int(taken)) > _LAST_NS:
            raise self._fault(number, "the first field is no time in nanoseconds since 1970")
        if _PACK.fullmatch(pack) is None:
            raise self._fault(number, "the second field is no name of a pack")
        values, doubted = dict[str, float](), list[str]()
        for name, text in zip(self._columns, fields[2:], strict=True):
            if text:
                values[name], is_doubted = self._known.get(text) or self._number(text, number, name)
                if is_doubted:
                    doubted.append(name)
        return Row(taken_ns, pack, values, frozenset(doubted))

    def _number(self, text: str, number: int, column: str) -> tuple[float, bool]:
        found = _NUMBER.fullmatch(text)
        if found is None or abs(value := float(found[1])) > LARGEST:
            raise self._fault(number, f"{column} is no number such as 3.312, or 3.312? for a suspect one")
        if len(self._known) < _MOST_REMEMBERED:
            self._known[text] = (value, bool(found[2]))
        return value, bool(found[2])

    def _fault(self, number: int, why: str) -> SourceError:
        return SourceError(f"{self._name}, line {number}: {why}")


def write_readings(units: Mapping[str, str], rows: Iterable[Row]) -> bytes:
    """Return readings.csv; the same values give the same bytes. rows: taken as they come, in order of time.

    Raises:
        SourceError: what could not be read again: a name, a unit, a number or an order that readings do not have.
    """
    head = ",".join((*_HEAD, *(f"{name} [{unit}]" for name, unit in units.items()))) + "\n"
    _units(head, NAME)
    out = io.BytesIO()
    out.write(head.encode("ascii"))
    spelled, columns, last_ns = _Spelling(), tuple(units), 0
    for number, row in enumerate(rows, 2):
        if not last_ns <= row.taken_ns <= _LAST_NS or _PACK.fullmatch(row.pack) is None:
            raise SourceError(f"{NAME}, line {number}: the time goes back, or {row.pack[:80]!r} is no name of a pack")
        if not row.values.keys() <= units.keys() or not row.doubted <= row.values.keys():
            raise SourceError(f"{NAME}, line {number}: a reading without a unit, or a doubt without a reading")
        if number * (len(columns) + len(_HEAD)) > MAX_FIELDS:
            raise SourceError(f"{NAME}, line {number}: more than {MAX_FIELDS:,} fields")
        last_ns = row.taken_ns
        out.write(",".join((str(row.taken_ns), row.pack, *spelled.fields(row, columns))).encode("ascii") + b"\n")
    return out.getvalue()


class _Spelling:
    """Writes numbers, and remembers how."""

    def __init__(self) -> None:
        self._known: dict[float, str] = {}

    def fields(self, row: Row, columns: Iterable[str]) -> Iterator[str]:
        values, doubted, known = row.values, row.doubted, self._known
        for name in columns:
            value = values.get(name)
            text = "" if value is None else known.get(value) or self._number(value)
            yield f"{text}?" if name in doubted else text

    def _number(self, value: float) -> str:
        if not abs(value) <= LARGEST:
            raise SourceError(f"{NAME}: {value} is no number that a reading can have")
        text = f"{value:.{PLACES}f}".rstrip("0").rstrip(".")
        text = "0" if text == "-0" else text
        if len(self._known) < _MOST_REMEMBERED:
            self._known[value] = text
        return text
