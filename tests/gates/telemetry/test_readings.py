"""The files of a watch: what is written is read again, and what is no such file is refused with its line."""

import tracemalloc
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gates.telemetry.readings import MAX_BYTES, ReadingsFile, Row, read_readings, read_rows, write_readings
from protocol.errors import SourceError

HEAD = "taken_ns,pack,current [A],cell-1-voltage [V]\n"
UNITS = {"current": "A", "cell-1-voltage": "V", "temperature-mos": "degC", "soc": "%"}
numbers = st.decimals(min_value=-(10**12), max_value=10**12, places=6).map(float).map(lambda value: round(value, 3))


@st.composite
def files(draw: st.DrawFn) -> ReadingsFile:
    times = sorted(draw(st.lists(st.integers(0, 2**63 - 1), max_size=8)))
    rows = []
    for taken_ns in times:
        values = draw(st.dictionaries(st.sampled_from(sorted(UNITS)), numbers))
        doubted = draw(st.sets(st.sampled_from(sorted(values)))) if values else set()
        rows.append(Row(taken_ns, draw(st.sampled_from(["battery-1", "rack/2"])), values, frozenset(doubted)))
    return ReadingsFile(UNITS, tuple(rows))


@given(files())
def test_what_is_written_is_read_again(file: ReadingsFile) -> None:
    data = write_readings(file.units, file.rows)
    assert read_readings(data, "readings.csv") == file
    assert write_readings(file.units, file.rows) == data


def test_readings_are_spelled_shortly_and_without_an_exponent() -> None:
    values = {"current": -0.0000001, "cell-1-voltage": 3.312, "soc": 1e-06, "temperature-mos": 25.0}
    data = write_readings(UNITS, [Row(5, "b", values, frozenset({"cell-1-voltage"}))])
    assert data.decode().splitlines()[1] == "5,b,0,3.312?,25,0.000001"


def test_an_empty_field_says_nothing_and_a_question_mark_doubts() -> None:
    [row] = read_readings(f"{HEAD}7,b,,3.3?\n".encode(), "r").rows
    assert row == Row(7, "b", {"cell-1-voltage": 3.3}, frozenset({"cell-1-voltage"}))


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "line 1: these are no readings"),
        (b"taken_ns,pack", "line 1: these are no readings"),
        (b"taken_ns;pack\n", "line 1: these are no readings"),
        (b"taken_ns,pack,current\n", "line 1: column 3 is not"),
        (b"taken_ns,pack,current [A],current [A]\n", "line 1: column 4 is current once more"),
        (b"taken_ns,pack,=cmd() [A]\n", "line 1: column 3 is not"),
        (f"{HEAD}1,b,1\n".encode(), "line 2: not the 4 fields"),
        (f"{HEAD}1,b,1,2".encode(), "line 2: not the 4 fields"),
        (f"{HEAD}1,b,1,2\n\n".encode(), "line 3: not the 4 fields"),
        (f"{HEAD}1,b,1,2\r\n".encode(), "line 2: cell-1-voltage is no number"),
        (f"{HEAD}-1,b,1,2\n".encode(), "line 2: the first field is no time"),
        (f"{HEAD}9999999999999999999,b,1,2\n".encode(), "line 2: the first field is no time"),
        (f"{HEAD}1,b c,1,2\n".encode(), "line 2: the second field is no name"),
        (f"{HEAD}2,b,1,2\n1,b,1,2\n".encode(), "line 3: the time goes back"),
        (f"{HEAD}1,b,nan,2\n".encode(), "line 2: current is no number"),
        (f"{HEAD}1,b,1e3,2\n".encode(), "line 2: current is no number"),
        (f"{HEAD}1,b,?,2\n".encode(), "line 2: current is no number"),
        (f"{HEAD}1,b,9999999999999,2\n".encode(), "line 2: current is no number"),
        (f"{HEAD}1,b,1,\u0663\n".encode(), "line 2: a byte that is not ASCII"),
        (f"{HEAD}1,b,1,\x002\n".encode(), "line 2: cell-1-voltage is no number"),
    ],
)
def test_what_is_no_readings_is_refused_with_its_line(data: bytes, why: str) -> None:
    with pytest.raises(SourceError, match=r"^r\.csv, ") as caught:
        read_readings(data, "r.csv")
    assert why in str(caught.value)


def test_too_many_bytes_columns_or_fields_are_refused() -> None:
    with pytest.raises(SourceError, match="bytes, the limit"):
        read_rows(b"x" * (MAX_BYTES + 1), "r")
    wide = ",".join(f"c-{number} [V]" for number in range(2_000))
    with pytest.raises(SourceError, match="2,002 columns"):
        read_rows(f"taken_ns,pack,{wide}\n".encode(), "r")
    wide = ",".join(f"c-{number} [V]" for number in range(1_000))
    line = "1,b" + "," * 1_000 + "\n"
    with pytest.raises(SourceError, match=r"line 39921: more than 40,000,000 fields"):
        for _ in read_rows(f"taken_ns,pack,{wide}\n{line * 40_000}".encode(), "r")[1]:
            pass


@given(st.binary(max_size=200))
def test_any_bytes_are_readings_or_refused(tail: bytes) -> None:
    for data in (tail, HEAD.encode() + tail):
        try:
            file = read_readings(data, "r")
        except SourceError:
            continue
        assert read_readings(write_readings(file.units, file.rows), "r") == file


@pytest.mark.parametrize(
    "row",
    [
        Row(1, "b", {"current": float("nan")}, frozenset()),
        Row(1, "b", {"current": 1e13}, frozenset()),
        Row(1, "b", {"other": 1.0}, frozenset()),
        Row(1, "b", {}, frozenset({"current"})),
        Row(1, "b,c", {}, frozenset()),
        Row(-1, "b", {}, frozenset()),
    ],
)
def test_what_could_not_be_read_again_is_not_written(row: Row) -> None:
    with pytest.raises(SourceError):
        write_readings(UNITS, [row])


def test_rows_are_read_one_by_one_in_little_memory() -> None:
    units = {f"cell-{number}-voltage": "V" for number in range(25)}
    values = {name: 3.3 + number / 1000 for number, name in enumerate(units)}
    data = write_readings(units, (Row(number, "b", values, frozenset()) for number in range(20_000)))
    tracemalloc.start()
    count = sum(1 for _ in read_rows(data, "r")[1])
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert count == 20_000
    assert peak < 6 * len(data)


def test_numbers_are_what_their_digits_say() -> None:
    [row] = read_readings(f"{HEAD}1,b,-12.345678,0.1\n".encode(), "r").rows
    assert {name: Decimal(repr(value)) for name, value in row.values.items()} == {
        "current": Decimal("-12.345678"),
        "cell-1-voltage": Decimal("0.1"),
    }
