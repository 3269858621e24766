"""The report: complete, the same for the same input, and safe whatever the documents say."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.skills.facts import DocumentFacts, Unread
from agents.skills.facts_report import escaped, render_json, render_markdown
from agents.skills.findings import find
from agents.skills.quantities import extract_facts
from gates.claims import flaw, read_claims
from gates.sources import media_type_of, read_source
from tests.cases import SAMPLE


def documents() -> list[DocumentFacts]:
    return [extract_facts(path.name, path.read_bytes()) for path in sorted(SAMPLE.iterdir())]


def markdown(*, reverse: bool = False) -> str:
    read = documents()[:: -1 if reverse else 1]
    findings = find([fact for document in read for fact in document.facts], read)
    return render_markdown(
        read, findings, [Unread(document="frame.step", reason="documents of this type are not read")]
    )


def test_contradictions_come_before_everything_else() -> None:
    headings = [line for line in markdown().splitlines() if line.startswith("## ")]
    assert headings[:2] == ["## Contradictions", "## Missing values"]
    assert headings.index("## Documents not read") < headings.index("## cell-note.md")


def test_documents_that_were_not_read_are_listed_with_the_reason() -> None:
    assert "- frame.step: documents of this type are not read" in markdown()


def test_a_missing_value_is_shown_as_missing() -> None:
    assert "| Weight | not stated (t.b.d.) | line 22 |" in markdown()


def test_every_fact_stands_with_its_place_and_quote() -> None:
    assert "| Maximum pack voltage | 58.4 V | line 7 | - Maximum pack voltage: 58.4 V |" in markdown()


def test_the_order_of_the_documents_does_not_change_the_report() -> None:
    assert markdown() == markdown(reverse=True)


def test_the_json_is_the_same_bytes_for_the_same_input() -> None:
    read = documents()
    findings = find([fact for document in read for fact in document.facts], read)
    assert render_json(read, findings) == render_json(read[::-1], findings)


def test_the_gate_can_check_every_claim_of_the_json() -> None:
    sources = {path.name: read_source(path.read_bytes(), str(media_type_of(path.name))) for path in SAMPLE.iterdir()}
    claims = read_claims(render_json(documents(), ()))
    assert len(claims) > 50
    assert [flaw(claim, sources[claim.document]) for claim in claims] == [None] * len(claims)


def test_the_json_holds_the_facts_and_which_claim_each_rests_on() -> None:
    content = json.loads(render_json(documents(), ()))
    known = {claim["id"] for claim in content["claims"]}
    assert {fact["claim"] for fact in content["facts"]} <= known


def test_an_empty_mission_still_has_a_report() -> None:
    assert "0 documents read" in render_markdown((), ())
    assert json.loads(render_json((), ()))["facts"] == []


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a | b", "a \\| b"),
        ("<script>", "&lt;script&gt;"),
        ("**bold** [x](y)", "\\*\\*bold\\*\\* \\[x\\](y)"),
        ("line\nline", "line line"),
        ("see http://x.org", "see http&#58;//x.org"),
        ("bell\x07", "bell"),
        ("a\u202eb", "a\ufffdb"),
        ("&amp;", "&amp;amp;"),
    ],
)
def test_text_from_documents_is_shown_and_never_obeyed(text: str, shown: str) -> None:
    assert escaped(text) == shown


def test_a_wide_quote_is_cut() -> None:
    assert escaped("x" * 500).endswith("x…")


@given(st.text(max_size=400))
def test_escaped_text_is_one_line_without_tags(text: str) -> None:
    shown = escaped(text)
    assert "\n" not in shown
    assert "<" not in shown
    assert "://" not in shown
