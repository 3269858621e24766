"""The short way in: what it recognises, what it leaves to libxml2, and that it never says yes where libxml2 says no."""

import re
from collections.abc import Iterable
from itertools import islice

import pytest
from hypothesis import given, settings
from lxml import etree

from benchmarks.messages import documents
from protocol import MessageType, encode
from protocol.canonical import KINDS, MAX_GLANCE_BYTES, Glance, glance, pattern_of, written
from protocol.examples import example
from protocol.messages import Message
from protocol.schema import XS, schema_bytes
from tests.differential.mutants import bordering, inserting, lacking, mutants
from tests.differential.trial import Trial, counted, tried
from tests.protocol.arbitrary import messages
from tests.protocol.test_codec import BRISK

RAW = encode(example(MessageType.TASK_COMPLETION))


def wrongly_accepted(raws: Iterable[bytes]) -> list[Trial]:
    return [trial for raw in raws if glance(raw) is not None and (trial := tried(raw)).is_wrong]


@pytest.mark.parametrize("kind", MessageType)
def test_the_envelope_of_an_example_is_read_as_the_decoder_reads_it(kind: MessageType) -> None:
    message = example(kind)
    assert glance(encode(message)) == Glance(
        sender=message.sender,
        recipient=message.recipient,
        type=kind.value,
        priority=message.priority.value,
        message_id=message.id,
    )


def test_a_message_without_an_id_is_recognised_and_says_so() -> None:
    said = glance(encode(example(MessageType.CLAIM).model_copy(update={"id": None})))
    assert said is not None
    assert said.message_id is None


@pytest.mark.parametrize("kind", MessageType)
def test_whatever_the_encoder_writes_is_recognised_but_for_what_is_left_out_on_purpose(kind: MessageType) -> None:
    @settings(BRISK, max_examples=25)
    @given(messages(kind))
    def is_recognised(message: Message) -> None:
        trial = tried(encode(message))
        assert trial.is_ours
        assert not trial.is_missed
        assert not trial.is_wrong

    is_recognised()


def test_the_message_of_the_benchmarks_is_recognised() -> None:
    assert all(glance(raw) is not None for raw in documents(3))


@pytest.mark.parametrize("text", ["&", "<b>", "a > b", "\r\n", "]]>", 'say "yes"', "\t", "", "Ω" * 200, "&" * 200])
def test_a_text_that_needs_references_is_recognised_like_any_other(text: str) -> None:
    message = example(MessageType.ANSWER)
    body = message.body.model_copy(update={"choice": text, "text": text})
    assert glance(encode(message.model_copy(update={"body": body}))) is not None


@pytest.mark.slow
def test_at_every_border_of_every_facet_only_what_libxml2_accepts_is_accepted() -> None:
    assert wrongly_accepted(bordering()) == []


def test_no_character_or_reference_gets_in_where_libxml2_refuses_it() -> None:
    assert wrongly_accepted(inserting()) == []


def test_nothing_is_accepted_that_lacks_a_part_or_has_it_twice_against_the_schema() -> None:
    assert wrongly_accepted(lacking()) == []


def test_of_a_few_thousand_mutants_none_is_accepted_wrongly() -> None:
    counts, found = counted(islice(mutants(seed=1), 3_000))
    assert found == []
    # If the mutants were all far off, or all untouched, the test would say nothing.
    assert 300 < counts["accepted by pattern"] < 1_500


@pytest.mark.parametrize(
    "raw",
    [
        b"", b"<type>", b"<type>wake", b"<type>wake</type>", b"\xff", RAW[:-1], RAW + b"\n", b"\xef\xbb\xbf" + RAW,
        b'<?xml version="1.0"?>' + RAW, RAW.replace(b"12 facts", b"12&#32;facts"),
        RAW.replace(b"</sender>", b"</sender>\n"),
        RAW.replace(b'"', b"'"), RAW.replace(b"<payload>", b"<payload ><!-- -->"), RAW.decode().encode("utf-16"),
        RAW.replace(b">2026-11-21", b">2024-02-29"), RAW.replace(b">2026-11-21", b">9999-12-31"),
        RAW.replace(b"<description>", b"<description>" + b"x" * MAX_GLANCE_BYTES),
    ],
)  # fmt: skip
def test_of_what_is_not_spelled_as_ours_nothing_is_said(raw: bytes) -> None:
    assert raw != RAW
    assert glance(raw) is None


def test_every_message_type_has_its_pattern() -> None:
    assert {kind.value for kind in MessageType} == KINDS


def schema_with(old: str, new: str) -> etree._Element:
    text = schema_bytes().decode()
    assert old in text
    return etree.fromstring(text.replace(old, new, 1).encode())


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('<xs:maxLength value="32"/>', '<xs:maxLength value="32"/><xs:whiteSpace value="collapse"/>'),
        ('<xs:maxLength value="32"/>', '<xs:length value="32"/>'),
        ('<xs:maxLength value="32"/>', '<xs:maxLength value="32" fixed="true"/>'),
        ('<xs:maxLength value="32"/>', '<xs:maxLength value="32"/><xs:pattern value="a"/>'),
        ('<xs:maxLength value="32"/>', '<xs:minLength value="1"/>'),
        ('<xs:maxLength value="32"/>', ""),
        ('<xs:pattern value="[0-9a-f]{64}"/>', '<xs:pattern value="[0-9a-f]{64}"/><xs:pattern value="none"/>'),
        *[
            ('<xs:pattern value="[0-9a-f]{64}"/>', f'<xs:pattern value="{pattern}"/>')
            for pattern in (r"\d", r"\i", ".", "a+", "a*", "a{2,}", "[^a]", "[a-z-[b]]", "[!-~]", "[A-z]", "&lt;", "^a")
        ],
        ('base="xs:string"', 'base="xs:token"'),
        ('value="normal"', 'value="a &lt; b"'),
        ('maxOccurs="4096"', 'maxOccurs="unbounded"'),
        ('use="required"', 'use="prohibited"'),
        ('use="required"', 'use="optional" default="x"'),
        ('<xs:element name="device" type="identifier">', '<xs:element name="device" type="label" nillable="true">'),
        ('<xs:element name="device" type="identifier">', '<xs:element name="device">'),
        ('<xs:element name="device" type="identifier">', '<xs:element name="device" type="xs:string">'),
        ('<xs:complexType name="telemetry">', '<xs:complexType name="telemetry" mixed="true">'),
        ('<xs:extension base="number">', '<xs:extension base="reading">'),
        ('<xs:extension base="number">', '<xs:extension base="xs:decimal">'),
        ('name="timestamp">', 'name="moment">'),
        ('<xs:element name="sender"', '<xs:element name="from"'),
        ('<xs:complexType name="wake">', '<xs:complexType name="alert">'),
    ],
)  # fmt: skip
def test_a_schema_that_says_more_than_is_understood_is_not_translated(old: str, new: str) -> None:
    schema = schema_with(old, new)
    with pytest.raises(NotImplementedError):
        _ = [written(schema, kind, has_references=False) for kind in sorted(KINDS)]


@pytest.mark.parametrize("place", ["sequence", "complexType", "restriction", "schema", "element"])
@pytest.mark.parametrize("word", ["all", "any", "anyAttribute", "attributeGroup", "union", "list", "key", "unique"])
def test_a_word_that_is_not_known_is_found_wherever_it_stands(place: str, word: str) -> None:
    schema = etree.fromstring(schema_bytes())
    etree.SubElement(next(schema.iter(f"{XS}{place}")), f"{XS}{word}")
    with pytest.raises(NotImplementedError):
        written(schema, "wake", has_references=False)


def test_two_alternatives_for_one_type_are_not_translated() -> None:
    schema = schema_with('<xs:element name="wake" type="wake">', '<xs:element name="wake-request" type="wake">')
    with pytest.raises(NotImplementedError, match="2 alternatives"):
        written(schema, "wake-request", has_references=False)


@pytest.mark.parametrize("kind", MessageType)
@pytest.mark.parametrize("has_references", [False, True])
def test_nothing_in_a_pattern_is_possessive_or_atomic(kind: MessageType, has_references: bool) -> None:
    source = pattern_of(kind.value, has_references).pattern
    assert not re.search(r"[*+?}]\+|\(\?>|\(\?=", re.sub(r"\\.|\[[^]]*\]", "x", source))


@pytest.mark.parametrize(
    "filling", ["a", "&amp;", "&amp;a", "a&", "Ω", "<step>a</step>", "</description>", "&amp", "]]>"]
)
def test_a_document_made_to_be_slow_is_refused_all_the_same(filling: str) -> None:
    # Were there two ways to read a filling, the patterns would not come back from this before the sun is cold.
    count = 6_000 // len(filling)
    for place in (b"</description>", b"<basis>", b"</step>", b"</file>", b'" sha256'):
        raw = RAW.replace(place, filling.encode() * count + place, 1)
        assert glance(raw[:-1]) is None
        assert glance(raw.replace(b"</agent-message>", b"<agent-message>")) is None
