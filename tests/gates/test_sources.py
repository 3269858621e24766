"""What a document reads as, and what is refused with a sentence."""

import io
import logging
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pypdf import PdfReader, PdfWriter

from gates import sources
from gates.sources import MEDIA_TYPES, cells, media_type_of, read_source
from protocol.errors import SourceError
from tests.cases import pdf_of


def texts(data: bytes, media_type: str) -> list[tuple[str, str]]:
    return [(line.place, line.text) for line in read_source(data, media_type).lines]


@pytest.mark.parametrize(
    ("name", "media_type"),
    [
        ("a.pdf", "application/pdf"),
        ("folder/A.MD", "text/markdown"),
        ("notes.text", "text/plain"),
        ("x.tsv", "text/tab-separated-values"),
        ("drawing.step", None),
        ("README", None),
    ],
)
def test_the_suffix_tells_the_media_type(name: str, media_type: str | None) -> None:
    assert media_type_of(name) == media_type


def test_a_text_has_a_place_for_every_line_whatever_ends_it() -> None:
    assert texts(b"a\r\nb\rc\nd", "text/plain") == [("line 1", "a"), ("line 2", "b"), ("line 3", "c"), ("line 4", "d")]


def test_a_byte_order_mark_is_not_part_of_the_first_line() -> None:
    assert texts("\ufeffa,b\n1,2".encode(), "text/csv")[0] == ("row 1", "a,b")


def test_a_record_over_two_lines_is_placed_where_it_starts() -> None:
    read = texts(b'a,b\n"one\ntwo",3\nx,4', "text/csv")
    assert read == [("row 1", "a,b"), ("row 2", '"one\ntwo",3'), ("row 4", "x,4")]


def test_a_forgotten_quotation_mark_does_not_swallow_the_table() -> None:
    rows = b'"open,1\n' + b"x,1\n" * 100
    assert len(texts(rows, "text/csv")) > 90


def test_old_encodings_are_read_and_said_so() -> None:
    source = read_source("Länge 5 µm".encode("cp1252"), "text/plain")
    assert source.lines[0].text == "Länge 5 µm"
    assert "Windows-1252" in source.note


def test_utf_sixteen_is_read_by_its_mark() -> None:
    assert read_source("5 Ω".encode("utf-16"), "text/plain").lines[0].text == "5 Ω"


@pytest.mark.parametrize(
    ("data", "media_type", "reason"),
    [
        (b"", "text/plain", "empty"),
        (b" \n\t\n", "text/markdown", "empty"),
        (b"abc\x00def", "text/plain", "binary"),
        (bytes(range(128, 160)) * 9 + b"\x01\x02\x03" * 99, "text/plain", "binary"),
        (b"\xff\xfea", "text/plain", "UTF-16"),
        (b"%PDF-1.7 and then nothing", "application/pdf", "damaged"),
        (b"hello", "image/png", "not read"),
    ],
)
def test_what_cannot_be_read_is_refused_in_a_sentence(data: bytes, media_type: str, reason: str) -> None:
    with pytest.raises(SourceError, match=reason):
        read_source(data, media_type)


def test_a_pdf_has_pages_and_a_place_for_every_line() -> None:
    source = read_source(pdf_of([["Maximum voltage 60 V"], ["Weight t.b.d.", "Page two"]]), "application/pdf")
    assert source.pages == 2
    assert [(line.place, line.text) for line in source.lines if line.text.strip()] == [
        ("page 1, line 1", "Maximum voltage 60 V"),
        ("page 2, line 1", "Weight t.b.d."),
        ("page 2, line 2", "Page two"),
    ]


def test_a_pdf_without_text_is_said_to_be_a_scan() -> None:
    with pytest.raises(SourceError, match="scan"):
        read_source(pdf_of([[]]), "application/pdf")


def test_an_encrypted_pdf_is_refused_by_that_name() -> None:
    writer = PdfWriter()
    writer.add_blank_page(100, 100)
    writer.encrypt("secret", algorithm="RC4-128")
    with pytest.raises(SourceError, match="encrypted"):
        read_source(written(writer), "application/pdf")


def test_a_pdf_of_too_many_pages_names_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "MAX_PAGES", 1)
    with pytest.raises(SourceError, match="limit is 1"):
        read_source(pdf_of([["a"], ["b"]]), "application/pdf")


def test_a_text_of_too_many_characters_names_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "MAX_CHARACTERS", 10)
    with pytest.raises(SourceError, match="limit is 10"):
        read_source(b"a" * 11, "text/plain")


def test_the_level_of_the_pdf_readers_log_is_put_back() -> None:
    before = logging.getLogger("pypdf").level
    with pytest.raises(SourceError):
        read_source(b"%PDF-1.4 junk", "application/pdf")
    assert logging.getLogger("pypdf").level == before


def test_the_cells_of_a_record_are_those_between_its_separators() -> None:
    assert cells('"R1,R2";5', ";") == ("R1,R2", "5")


@given(data=st.binary(max_size=400), media_type=st.sampled_from(sorted(set(MEDIA_TYPES.values()))))
@settings(max_examples=300, deadline=None)
def test_any_bytes_end_in_a_source_or_in_a_source_error(data: bytes, media_type: str) -> None:
    with suppress(SourceError):
        assert read_source(data, media_type).lines


@given(at=st.integers(0, 2_000), junk=st.binary(min_size=1, max_size=20))
@settings(max_examples=150, deadline=None)
def test_a_pdf_damaged_anywhere_ends_in_a_source_or_in_a_source_error(at: int, junk: bytes) -> None:
    whole = pdf_of([["Maximum voltage 60 V"]])
    at %= len(whole)
    with suppress(SourceError):
        assert read_source(whole[:at] + junk + whole[at + len(junk) :], "application/pdf").lines


def written(writer: PdfWriter) -> bytes:
    out = io.BytesIO()
    writer.write(out)
    assert PdfReader(io.BytesIO(out.getvalue())).is_encrypted
    return out.getvalue()
