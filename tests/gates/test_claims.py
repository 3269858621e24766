"""When a claim stands in a source, and what is said when it does not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gates.claims import Claim, ClaimsFile, flaw, numbers, read_claims
from gates.sources import Line, Source
from protocol.errors import SourceError

SHA = "0" * 64


def source(*texts: str) -> Source:
    return Source(tuple(Line(f"line {number}", text) for number, text in enumerate(texts, 1)))


def claim(quote: str, *figure: str, unit: str = "", place: str = "line 1") -> Claim:
    return Claim(id="c", statement="s", figure=figure, unit=unit, document="d.md", sha256=SHA, place=place, quote=quote)


def verdict(quote: str, *figure: str, unit: str = "") -> str | None:
    return flaw(claim(quote, *figure, unit=unit), source(*quote.split("\n")))


@pytest.mark.parametrize(
    ("quote", "figure", "unit"),
    [
        ("Maximum voltage      70 V", ("70",), "V"),
        ("Continuous current: 70-100A", ("70", "100"), "A"),
        ("-10 °C to +50 °C", ("-10", "+50"), "°C"),
        ("70 mm x 135 mm", ("70", "135"), "mm"),
        ("70x135 mm²", ("70", "135"), "mm²"),
        ("3 to 16 Li-ion cells in series", ("3", "16"), "cells"),
        ('"R45","300µ","","x"', ("300",), "µ"),
        ("| Charge voltage | 3.65 | V |", ("3.65",), "V"),
        ("Voltage [V]: 3.2", ("3.2",), "V"),
        ("(±200-mV range)", ("±200",), "mV"),
        ("1,234.5 mAh", ("1,234.5",), "mAh"),
        ("10 000 cycles", ("10 000",), "cycles"),
        ("<95%, non-condensing", ("95",), "%"),
        ("[3.495,3.497,3.486]", ("3.497",), ""),
        ("Weight t.b.d.", (), ""),
        ("min. 25V, X7R", ("25",), "V"),
    ],
)
def test_a_claim_that_stands_has_no_flaw(quote: str, figure: tuple[str, ...], unit: str) -> None:
    assert verdict(quote, *figure, unit=unit) is None


@pytest.mark.parametrize(
    ("quote", "figure"),
    [
        ("170 V", "70"),
        ("7.70 V", "70"),
        ("700 V", "70"),
        ("-10 °C", "10"),
        ("−10 °C", "10"),
        ("1.000 V", "1"),
        ("1,000 mAh", "1"),
        ("1,000 mAh", "000"),
        ("revision 0.4.2", "0.4"),
        ("the 16S100 board", "16"),
        ("the 16S100 board", "100"),
        ("RS-485", "485"),
        ("AOS5931-500U", "500"),
        ("0x1000", "1000"),
        ("3V3", "3"),
        ("about seventy", "70"),
    ],
)
def test_a_figure_that_is_only_part_of_another_does_not_stand(quote: str, figure: str) -> None:
    assert "whole number" in (verdict(quote, figure) or "")


@pytest.mark.parametrize(
    ("quote", "figure", "unit"),
    [
        ("70 mV", "70", "V"),
        ("70 V", "70", "A"),
        ("35 mm²", "35", "mm"),
        ("5 Volumes", "5", "V"),
        ("1 W/mK", "1", "W"),
        ("10 mV at 5 A", "10", "A"),
        ("3.2 and then, after much else, the word cells", "3.2", "cells"),
        ("5 kΩ", "5", "Ω"),
    ],
)
def test_a_unit_that_does_not_belong_to_the_figure_does_not_stand(quote: str, figure: str, unit: str) -> None:
    assert "unit" in (verdict(quote, figure, unit=unit) or "")


def test_a_quote_must_be_verbatim_at_its_place() -> None:
    document = source("Maximum  voltage 70 V", "Weight t.b.d.")
    assert flaw(claim("Maximum voltage 70 V"), document) is not None
    assert flaw(claim("Weight t.b.d."), document) is not None
    assert flaw(claim("Weight t.b.d.", place="line 2"), document) is None
    assert "no 'line 9'" in (flaw(claim("Weight", place="line 9"), document) or "")


def test_a_quote_over_two_lines_is_placed_at_the_first() -> None:
    document = source("The maximum", "voltage is 60 V.", "End")
    assert flaw(claim("maximum\nvoltage is 60 V", "60", unit="V"), document) is None
    assert flaw(claim("voltage is 60 V.\nEnd", "60", unit="V"), document) is not None
    assert flaw(claim("End\nof all", place="line 3"), document) is not None


def test_an_empty_quote_proves_nothing() -> None:
    assert flaw(claim(" "), source("x")) == "the quote is empty"


def test_a_unit_without_a_figure_is_a_flaw() -> None:
    assert "without a figure" in (verdict("70 V", unit="V") or "")


@given(st.integers(0, 9_999), st.sampled_from(["V", "mA", "°C", "mm²", "%"]))
def test_a_figure_and_unit_written_out_always_stand(value: int, unit: str) -> None:
    assert verdict(f"limit {value} {unit}.", str(value), unit=unit) is None


@given(st.text(max_size=200))
def test_numbers_are_found_where_they_say_they_are(text: str) -> None:
    assert all(text[start:end] == found for found, start, end in numbers(text))


def test_claims_come_back_from_json_whatever_else_is_in_the_file() -> None:
    file = ClaimsFile(claims=(claim("70 V", "70", unit="V"),)).model_dump_json()
    assert read_claims(file[:-1].encode() + b',"facts":[]}') == (claim("70 V", "70", unit="V"),)


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b'{"claims":[{}]}', b'{"claims":1}', b"\xff\xfe"])
def test_what_is_no_claims_file_is_refused_in_a_sentence(data: bytes) -> None:
    with pytest.raises(SourceError, match="claims cannot be read"):
        read_claims(data)


def test_the_places_of_a_source_are_indexed_once_for_all_its_claims() -> None:
    document = source(*(f"Line {number} of the maximum voltage: {number} V" for number in range(5_000)))
    index = document.index
    claims = [
        claim(f"maximum voltage: {number} V", str(number), unit="V", place=f"line {number + 1}")
        for number in range(0, 5_000, 5)
    ]
    assert [flaw(item, document) for item in claims] == [None] * 1_000
    assert document.index is index
