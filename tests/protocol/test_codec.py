"""Encoding and decoding: what goes in comes out, and what cannot be carried is refused by name."""

from functools import cache
from typing import Any

import pytest
import xmlschema
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from lxml import etree
from pydantic import BaseModel, ValidationError

from protocol import MAX_DOCUMENT_BYTES, Invalid, Malformed, Message, MessageType, TooLarge, decode, encode, parse
from protocol.bodies import Answer, Metric, Report, Result, Telemetry
from protocol.examples import example as example_of
from protocol.names import parse_timestamp, render_timestamp
from protocol.schema import compiled, schema_bytes
from protocol.xml import well_formed
from tests.protocol.arbitrary import messages

BRISK = settings(deadline=None, suppress_health_check=list(HealthCheck), database=None)
EXAMPLES = [encode(example_of(kind)) for kind in MessageType]
_XML_SPACE = " \t\r\n"


@cache
def second_opinion() -> xmlschema.XMLSchema10:
    return xmlschema.XMLSchema10(schema_bytes().decode())


def says_yes(root: etree._Element) -> bool:
    return second_opinion().is_valid(root)  # type: ignore[arg-type]  # its stubs know no lxml element


def validated_again(value: BaseModel) -> Any:
    """Return the value built anew by pydantic, every field checked, from the inside out."""
    return type(value).model_validate({name: _plain(getattr(value, name)) for name in type(value).model_fields})


def _plain(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return validated_again(value)
    return tuple(_plain(item) for item in value) if isinstance(value, tuple) else value


def answer(**values: Any) -> Message:
    return example_of(MessageType.ANSWER).model_copy(update={"body": Answer.model_construct(**values)})


@pytest.mark.parametrize("kind", MessageType)
def test_what_is_encoded_decodes_to_the_same_message(kind: MessageType) -> None:
    @settings(BRISK, max_examples=25)
    @given(messages(kind))
    def comes_back(message: Message) -> None:
        raw = encode(message)
        assert decode(raw) == message
        assert says_yes(parse(raw))

    comes_back()


@pytest.mark.parametrize("kind", MessageType)
def test_a_decoded_message_passes_its_models_when_they_check_it_again(kind: MessageType) -> None:
    message = decode(encode(example_of(kind)))
    assert validated_again(message) == message == example_of(kind)
    assert validated_again(message).body == message.body


def test_every_character_that_xml_can_carry_survives_in_text_and_in_attributes() -> None:
    allowed = "\t\n\r" + "".join(map(chr, range(0x20, 0xD800))) + "".join(map(chr, range(0xE000, 0xFFFE)))
    for start in range(0, len(allowed), 30000):
        assert decode(encode(answer(choice="60 V", text=allowed[start : start + 30000]))).body == Answer(
            choice="60 V", text=allowed[start : start + 30000]
        )
    for start in range(0, len(allowed), 1000):
        status = example_of(MessageType.STATUS)
        for character in ("\r", "\n", "\t", '"', "'", "<", "&", allowed[start]):
            body = Report(action="pending", metrics=(Metric(name="x", unit=f"a{character}b", value=1),))
            message = status.model_copy(update={"body": body})
            assert decode(encode(message)) == message


@pytest.mark.parametrize("character", ["\x00", "\x0b", "\x1b", "\ud800", "\ufffe", "\uffff"])
def test_what_xml_cannot_carry_is_refused_with_its_code_point(character: str) -> None:
    with pytest.raises(Invalid, match=f"U\\+{ord(character):04X} cannot stand in XML"):
        encode(answer(choice="60 V", text=f"before {character} after"))


def test_a_lone_surrogate_does_not_even_get_into_a_message() -> None:
    with pytest.raises(ValidationError):
        Answer(choice="60 V", text="\ud800")


def test_a_message_over_the_limit_is_refused_before_it_is_sent() -> None:
    options = ("x" * 65536,) * 17
    with pytest.raises(TooLarge, match="use an artifact"):
        encode(example_of(MessageType.QUESTION).model_copy(update={"body": Report(action="pending", options=options)}))


def test_a_list_has_the_same_limit_in_the_model_and_in_the_schema() -> None:
    full = Result(success=True, description="", basis=("s",) * 4096)
    message = example_of(MessageType.STATUS).model_copy(update={"body": Report(action="pending", result=full)})
    assert decode(encode(message)).body == message.body
    with pytest.raises(ValidationError):
        Result(success=True, description="", basis=("s",) * 4097)
    with pytest.raises(Invalid):
        decode(encode(message).replace(b"<basis>", b"<basis><step>s</step>"))


def test_telemetry_without_readings_can_be_said() -> None:
    message = example_of(MessageType.TELEMETRY).model_copy(
        update={"body": Telemetry(device="pack-1", taken=0, readings=())}
    )
    assert decode(encode(message)) == message


def test_an_empty_list_and_no_list_mean_the_same() -> None:
    raw = encode(example_of(MessageType.STATUS))
    with_empty = raw.replace(b"<metrics>", b"<options/><metrics>")
    assert decode(with_empty) == decode(raw)


@settings(BRISK, max_examples=300)
@given(st.integers(parse_timestamp("0001-01-01T00:00:00Z"), parse_timestamp("9999-12-31T23:59:59.999999999Z")))
@example(-1)
@example(0)
@example(parse_timestamp("0001-01-01T00:00:00Z"))
@example(parse_timestamp("9999-12-31T23:59:59.999999999Z"))
def test_every_moment_of_the_years_1_to_9999_survives(stamp_ns: int) -> None:
    assert parse_timestamp(render_timestamp(stamp_ns)) == stamp_ns
    message = example_of(MessageType.WAKE).model_copy(update={"timestamp_ns": stamp_ns})
    assert decode(encode(message)) == message


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("2026-11-21T09:30:00", "2026-11-21T09:30:00Z"),
        ("2026-11-21T09:30:00+01:00", "2026-11-21T08:30:00Z"),
        ("2026-11-21T09:30:00.5-23:59", "2026-11-22T09:29:00.5Z"),
        ("2024-02-29T00:00:00.000000001Z", "2024-02-29T00:00:00.000000001Z"),
    ],
)
def test_a_timestamp_means_the_same_moment_in_every_zone(text: str, same: str) -> None:
    assert render_timestamp(parse_timestamp(text)) == same


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """A valid document with a few bytes flipped, put in, cut out, doubled, moved or cut off."""
    raw = draw(st.sampled_from(EXAMPLES))
    for _ in range(draw(st.integers(1, 3))):
        start = draw(st.integers(0, max(len(raw) - 1, 0)))
        end = min(len(raw), start + draw(st.integers(1, 60)))
        pieces = [
            b"<",
            b">",
            b"&",
            b"'",
            b"\x00",
            b"\xff",
            b"\xc2\xa0",
            b" ",
            b"\n",
            b"<a/>",
            b"0",
            b"<!-- -->",
            b"<?p?>",
        ]
        new = draw(st.sampled_from(pieces) | st.binary(min_size=1, max_size=3))
        raw = draw(
            st.sampled_from(
                [
                    raw[:start] + new + raw[start + 1 :],
                    raw[:start] + new + raw[start:],
                    raw[:start] + raw[end:],
                    raw[:end] + raw[start:end] + raw[end:],
                    raw[:start],
                ]
            )
        )
    return raw


@st.composite
def rearranged(draw: st.DrawFn) -> bytes:
    """A valid document whose elements were dropped, doubled, moved, renamed or filled with something else."""
    root = etree.fromstring(draw(st.sampled_from(EXAMPLES)))
    for _ in range(draw(st.integers(1, 3))):
        nodes = list(root.iter("*"))[1:]
        if not nodes:
            break
        node, other = draw(st.sampled_from(nodes)), draw(st.sampled_from(nodes))
        match draw(st.sampled_from(["drop", "double", "move", "rename", "fill"])):
            case "drop":
                node.getparent().remove(node)  # type: ignore[union-attr]
            case "double":
                node.addnext(etree.fromstring(etree.tostring(node, with_tail=False)))
            case "move" if (
                node not in other.iterancestors() and other not in node.iterancestors() and node is not other
            ):
                other.addnext(node)
            case "rename":
                node.tag = other.tag
            case _:
                node.text = draw(st.sampled_from(["", " ", "0", "-1", "true", "x y", "ü", other.text or "", "a" * 300]))
    return etree.tostring(root)


def judged(raw: bytes) -> Message | None:
    """Return what decode makes of a document, None where it refuses it by one of the documented errors."""
    try:
        return decode(raw)
    except (TooLarge, Malformed, Invalid) as error:
        refusal = error
    assert refusal.reason
    assert refusal.line >= 1
    assert refusal.column >= 1
    return None


@settings(BRISK, max_examples=500)
@given(mutated() | rearranged())
@example(b"")
@example(b"\xff\xfe<\x00")
@example(b"<agent-message/>")
def test_a_damaged_document_is_refused_by_a_documented_error_or_read_soundly(raw: bytes) -> None:
    message = judged(raw)
    if message is not None:
        assert validated_again(message) == message
        assert decode(encode(message)) == message


@settings(BRISK, max_examples=300)
@given(mutated() | rearranged())
def test_lxml_and_xmlschema_agree_on_damaged_documents(raw: bytes) -> None:
    try:
        root = well_formed(raw)
    except Malformed:
        return
    # xmlschema strips what Python calls white space, such as U+00A0, where XML allows only its own four.
    strange = any((text or "").strip() != (text or "").strip(_XML_SPACE) for text in root.itertext())
    assert compiled().validate(root) == says_yes(root) or strange


def test_the_limit_is_checked_before_the_parser_sees_anything() -> None:
    at_limit = EXAMPLES[0] + b" " * (MAX_DOCUMENT_BYTES - len(EXAMPLES[0]))
    assert decode(at_limit) == decode(EXAMPLES[0])
    with pytest.raises(TooLarge):
        decode(b"<" * (MAX_DOCUMENT_BYTES + 1))


XSI = b'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'


def test_a_hint_where_a_schema_lies_changes_nothing() -> None:
    raw = EXAMPLES[0]
    hinted = raw.replace(b"<file ", b"<file " + XSI + b' xsi:noNamespaceSchemaLocation="file:///etc/passwd" ')
    assert decode(hinted) == decode(raw)


@pytest.mark.parametrize("attribute", [b'xsi:type="setting" name="second-reading"', b'xsi:nil="true"'])
def test_no_attribute_can_give_an_element_a_second_reading(attribute: bytes) -> None:
    with pytest.raises(Invalid):
        decode(EXAMPLES[0].replace(b"<description>", b"<description " + XSI + b" " + attribute + b">"))


def test_a_comment_does_not_split_a_text() -> None:
    split = EXAMPLES[0].replace(b"12 facts from", b"12 <!-- not -->facts<?x y?> from")
    assert decode(split) == decode(EXAMPLES[0])
