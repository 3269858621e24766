"""What is taken from documents nobody has seen before, and what is left alone."""

import json
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.skills.amounts import amounts
from agents.skills.facts import DocumentFacts, Fact, FactKind, Origin, from_json, to_json
from agents.skills.hexdumps import hex_dumps
from agents.skills.parts import component_value
from agents.skills.quantities import extract_facts
from gates import units
from gates.claims import flaw, read_claims
from gates.sources import Line, media_type_of, read_source
from protocol.errors import SourceError
from tests.cases import ROOT, SAMPLE, pdf_of

EXPECTED = json.loads((ROOT / "scenarios" / "spec_facts" / "sample_expected.json").read_bytes())


def read(text: str, name: str = "note.md") -> DocumentFacts:
    return extract_facts(name, text.encode())


def told(text: str, name: str = "note.md") -> list[tuple[str, str, str]]:
    return [(fact.subject, str(fact.value), fact.unit) for fact in read(text, name).facts]


def figures(text: str) -> list[str]:
    found = []
    for amount in amounts(text):
        sign = "x" if amount.joined == "x" else ".."
        high = f"{sign}{amount.high}" if amount.high is not None else ""
        found.append(f"{amount.qualifier}{amount.value}{high} {amount.unit}")
    return found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("60V", ["60 V"]),
        ("10mV", ["10 mV"]),
        ("-10 °C to +50 °C", ["-10..50 degC"]),
        ("70-100A", ["70..100 A"]),
        ("70 A – 100 A", ["70..100 A"]),
        ("2.5 … 3.65 V", ["2.5..3.65 V"]),
        ("between 12 V and 48 V", ["12..48 V"]),
        ("70 mm x 135 mm", ["70x135 mm"]),
        ("70×135 mm", ["70x135 mm"]),
        ("500 mV to 1.2 V", ["0.500..1.2 V"]),
        ("< 1 mA", ["<1 mA"]),
        ("at least 3 seconds", [">3 s"]),
        ("up to 100 mA", ["max100 mA"]),
        ("±200-mV", ["±200 mV"]),
        ("5.49 kg ±0.3 kg", ["5.49 kg"]),
        ("3,65 V", ["3.65 V"]),
        ("1,000 mAh", ["1000 mAh"]),
        ("10 000 cycles", ["10000 cycle_count"]),
        ("−5 ℃", ["-5 degC"]),
        ("0.25 μΩ and 35 mm²", ["0.25 uohm", "35 mm**2"]),
        ("3 to 16 Li-ion cells", ["3..16 cell"]),
        ("115200 bps", ["115200 baud"]),
        ("12V, 24V or 48V", ["12 V", "24 V", "48 V"]),
        ("2 x 13 µs", ["13 us"]),
        ("within 0 to 25 %", ["0..25 percent"]),
    ],
)
def test_an_amount_is_read_as_written(text: str, found: list[str]) -> None:
    assert figures(text) == found


@pytest.mark.parametrize(
    "text",
    [
        "25D16H59M30S",
        "on 2026-03-29 at 10:00",
        "version 2.0 A",
        "IEC 61508 V",
        "RS-485",
        "CAN 2.0",
        "M5 threads",
        "the 16S100 board in a 16s configuration",
        "ESP32-C3",
        "https://example.org/5V/10A",
        "see [the sheet](docs/5 V.pdf)",
        '{"rPackVoltage_V":13.71}',
        "4E 57 01 1B",
        "a 10k resistor, 100K",
        "typical 18650 or 2170 cells",
        "70 A -100 A",
        "12 500 V",
        "3500*0.01=35.00 V",
        "0x1000",
        "revision 0.4.2 V",
    ],
)
def test_what_only_looks_like_an_amount_is_left_alone(text: str) -> None:
    assert figures(text) == []


def test_the_subject_of_a_sentence_is_what_stands_before_its_verb() -> None:
    assert told("The maximum operating voltage of the pump is 60V.") == [
        ("maximum operating voltage of the pump", "60", "V")
    ]


def test_a_sentence_over_two_lines_is_quoted_as_it_stands() -> None:
    [fact] = read("Text before it.\nThe maximum voltage of\nthe pump is 60 V.").facts
    assert fact.claim.quote == "The maximum voltage of\nthe pump is 60 V."
    assert fact.claim.place == "line 2"


def test_rows_of_an_aligned_table_have_their_first_cell_as_subject() -> None:
    text = "Feature        Value\n-------------  ------\nMass           2 kg\nTorque         t.b.d.\n"
    facts = read(text, "note.txt").facts
    assert [(fact.subject, fact.kind) for fact in facts] == [
        ("Mass", FactKind.QUANTITY),
        ("Torque", FactKind.MISSING),
    ]


def test_a_column_of_units_belongs_to_the_column_of_values() -> None:
    text = "| Parameter | Min | Max | Unit |\n|---|---|---|---|\n| Charge voltage | 2.5 | 3.65 | V |\n"
    facts = read(text).facts
    assert [(fact.qualifier, str(fact.value), fact.unit) for fact in facts if fact.qualifier != "min"] == [
        ("max", "3.65", "V")
    ]


def test_a_column_that_tells_the_resolution_states_no_value() -> None:
    text = "| Offset | Name | Coefficient | Unit |\n|---|---|---|---|\n| 4 | Cell voltage | 0.001 | V |\n"
    assert told(text) == []


def test_the_condition_beside_a_value_is_not_the_value() -> None:
    text = "| Parameter | Value | Condition |\n|---|---|---|\n| Capacity | 280 Ah | at 25 °C |\n"
    assert told(text) == [("Capacity", "280", "Ah"), ("Capacity, condition", "25", "degC")]


@pytest.mark.parametrize("word", ["t.b.d.", "TBD", "n/a", "to be determined", "?", "tbc"])
def test_an_open_value_is_a_fact_without_a_figure(word: str) -> None:
    [fact] = read(f"- Weight: {word}\n").facts
    assert (fact.subject, fact.kind, fact.value, fact.claim.figure) == ("Weight", FactKind.MISSING, None, ())


def test_headings_are_remembered_as_context() -> None:
    [fact] = [item for item in read("# Board\n## Chip: XY12345\n- Current: 1 uA\n").facts if item.unit]
    assert fact.context == "Board > Chip: XY12345"


def test_code_between_fences_states_nothing() -> None:
    assert told("```\nlimit: 5 V\n```\nlimit: 6 V\n") == [("limit", "6", "V")]


def test_a_parts_list_is_read_by_the_kind_of_its_parts() -> None:
    rows = "Reference,Value,Qty,PartNumber\nR45,300µ,1,WS-300\n" + '"C1,C2",100nF,2,CL10\n'
    facts = read(rows, "parts.csv").facts
    values = {fact.subject: (str(fact.value), fact.unit) for fact in facts if fact.kind is not FactKind.PART}
    assert values["R45 300µ value"] == ("300", "uohm")
    assert values["C1,C2 100nF value"] == ("100", "nF")
    assert values["sum of quantities"] == ("3", "")
    assert [fact.text for fact in facts if fact.kind is FactKind.PART] == ["WS-300", "CL10"]


def test_a_row_that_lists_more_parts_than_it_counts_is_reported() -> None:
    [found] = read('Reference,Value,Qty\n"R1,R2,R3",10k,2\n', "parts.csv").findings
    assert "3 designators but its quantity is 2" in found.statement


def test_semicolons_and_decimal_commas_are_read() -> None:
    facts = read("Name;Voltage (V)\nCell one;3,25\nCell two;3,30\n", "cells.csv").facts
    assert [(fact.subject, str(fact.value)) for fact in facts][:1] == [("Cell one, Voltage", "3.25")]


@pytest.mark.parametrize(
    ("reference", "text", "expected"),
    [
        ("R1", "4.7k", ("4.7", "kohm")),
        ("R1", "0R", ("0", "ohm")),
        ("R1", "10M", ("10", "Mohm")),
        ("R1", "5m", ("5", "mohm")),
        ("C1", "2.2µF", ("2.2", "uF")),
        ("D1", "5.1V", ("5.1", "V")),
        ("R1", "10 V", None),
        ("U1", "BQ76952", None),
        ("C1", "100", None),
        ("row", "100", None),
    ],
)
def test_the_value_of_a_part_has_the_unit_of_its_kind(
    reference: str, text: str, expected: tuple[str, str] | None
) -> None:
    value = component_value(reference, text)
    assert (value and (str(value.value), value.unit)) == expected


def test_a_pdf_tells_its_pages_its_facts_and_its_parts() -> None:
    data = pdf_of([["Maximum voltage: 60 V", "Monitor BQ76952 on this page"], ["Weight: t.b.d."]])
    facts = extract_facts("sheet.pdf", data).facts
    assert [fact.text for fact in facts if fact.kind is FactKind.PART] == ["BQ76952"]
    counted = [fact.value for fact in facts if fact.origin is Origin.COUNTED]
    assert counted == [Decimal(2)]
    assert any(fact.claim.place == "page 1, line 1" and fact.value == 60 for fact in facts)


REQUEST = "4E 57 00 13 00 00 00 00 06 03 00 00 00 00 00 00 68 00 00 01 29"


def dump(text: str) -> list[bool]:
    lines = [Line(f"line {number}", line) for number, line in enumerate(text.split("\n"), 1)]
    return [octet.is_damaged for found in hex_dumps(lines) for octet in found.octets]


@pytest.mark.parametrize("separator", [" ", ":", ", "])
def test_octets_are_found_with_any_separator(separator: str) -> None:
    assert len(dump(f">>> {REQUEST.replace(' ', separator)}")) == 21


def test_an_octet_of_one_digit_is_damaged() -> None:
    assert sum(dump(REQUEST.replace("68", "6"))) == 1


def test_a_list_of_plain_numbers_is_no_dump() -> None:
    assert dump("22 33 44 55 66 77 88 99 22 33") == []


def test_a_frame_whose_sum_fails_is_reported_and_not_decoded() -> None:
    document = read(REQUEST.replace("01 29", "01 2A"), "dump.txt")
    assert document.facts == ()
    assert "sum of a JK frame fails" in document.findings[0].statement


def test_a_frame_that_lost_octets_is_reported() -> None:
    document = read(REQUEST.replace("06 03 00", "06 03"), "dump.txt")
    assert "octets are missing" in document.findings[0].statement


def test_a_type_that_is_not_read_is_refused() -> None:
    with pytest.raises(SourceError, match="not read"):
        extract_facts("part.step", b"ISO-10303-21;")


@pytest.mark.parametrize("literal", sorted(units.SPELLINGS))
def test_every_spelling_is_a_unit_pint_knows(literal: str) -> None:
    assert units.dimension(units.SPELLINGS[literal])


def test_units_of_other_dimensions_are_not_converted() -> None:
    with pytest.raises(ValueError, match="is not"):
        units.convert(Decimal(1), "V", "A")


def of_sample(name: str) -> DocumentFacts:
    return extract_facts(name, (SAMPLE / name).read_bytes())


def says(fact: Fact, item: dict[str, str | None]) -> bool:
    value = None if item["value"] is None else Decimal(item["value"])
    high = Decimal(high) if (high := item.get("high")) else None
    return (fact.subject, fact.value, fact.value_high, fact.unit) == (item["subject"], value, high, item["unit"])


@pytest.mark.parametrize("item", EXPECTED["facts"], ids=lambda item: f"{item['document']} {item['subject']}")
def test_the_sample_yields_what_it_should(item: dict[str, str | None]) -> None:
    facts = of_sample(str(item["document"])).facts
    assert any(says(fact, item) and str(item["quote"]) in fact.claim.quote for fact in facts)


@given(st.text(max_size=300), st.sampled_from(["a.md", "a.txt", "a.csv", "a.tsv"]))
@settings(max_examples=200, deadline=None)
def test_any_text_gives_facts_that_stand_in_it(text: str, name: str) -> None:
    data = text.encode("utf-8", "replace")
    try:
        document = extract_facts(name, data)
    except SourceError:
        return
    source = read_source(data, media_type_of(name) or "")
    assert [flaw(claim, source) for claim in read_claims(to_json(document))] == [None] * len(document.facts)
    assert from_json(to_json(document)) == document


@given(
    st.lists(st.sampled_from(["5 V", "10", "mA", "-", "to", "|", "x", "R1,", "4E 57", "t.b.d.", ":", "cells", "\n"]))
)
@settings(max_examples=200, deadline=None)
def test_any_mixture_of_pieces_gives_the_same_facts_twice(pieces: list[str]) -> None:
    text = " ".join(["pump", *pieces])
    assert to_json(read(text)) == to_json(read(text))


@pytest.mark.parametrize("piece", ["a", "1", "5 V, ", "(", "1,", '"', "x/y ", "t.b.d. "])
@pytest.mark.parametrize("name", ["a.md", "a.csv"])
def test_a_line_of_enormous_length_is_passed_over(piece: str, name: str) -> None:
    document = read(f"Head,Qty\n{piece * (20_000 // len(piece))}\nLength: 5 mm", name)
    assert all(len(fact.claim.quote) < 4_000 for fact in document.facts)
