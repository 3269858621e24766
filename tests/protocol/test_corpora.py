"""The real corpora where a single document is not the whole question.

`test_xml.py` judges every document by its label. Here: that the corpora are whole, that none of them can be
smuggled in or end the door, that no signature is taken for a message, and that our validator is who they say.
"""

import json
import re
from hashlib import sha256
from typing import Any

import pytest
from lxml import etree

from bus.door import Door, Rejected, refusal
from protocol import Invalid, MessageType, decode, encode
from protocol.bodies import Refusal
from protocol.examples import example
from protocol.schema import XS, schema_bytes
from protocol.xml import well_formed
from tests.bus.test_door import sequencer, submission
from tests.cases import are_here, cases
from tests.protocol.test_xml import code_of

FOLDERS = {"notwf": 246, "wf": 103, "dtd": 39, "hostile": 31, "encoding": 126}


def rows(place: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(cases(f"xml/{place}").read_text())["cases"]
    return found


def listed(place: str) -> list[Any]:
    """The rows of a list of expectations, for parametrising; where it is absent, one that skips or fails."""
    if not are_here(f"xml/{place}"):
        return [pytest.param(None, id="absent")]
    return [pytest.param(row, id=f"{row['file']}-{row.get('xsd_version', '')}".rstrip("-")) for row in rows(place)]


def documents() -> list[tuple[str, bytes]]:
    """Every XML document of the corpora, schemas, signatures and canonical forms too."""
    root = cases("xml")
    paths = [path for path in sorted(root.rglob("*")) if path.suffix in (".xml", ".xsd", ".xsl", ".dtd")]
    return [(str(path.relative_to(root)), path.read_bytes()) for path in paths]


def test_every_document_of_the_corpora_is_here_and_unchanged() -> None:
    counts = dict.fromkeys(FOLDERS, 0)
    for row in rows("expected.json"):
        assert sha256(cases(f"xml/{row['file']}").read_bytes()).hexdigest() == row["sha256"], row["file"]
        folder = row["file"].partition("/")[0]
        counts[folder] = counts.get(folder, 0) + 1
    assert {folder: counts[folder] for folder in FOLDERS} == FOLDERS


def test_the_door_refuses_every_document_and_its_answer_can_always_be_journaled() -> None:
    door = Door()
    for name, raw in documents():
        judged = door.judge(raw, "@worker")
        assert isinstance(judged, Rejected), name
        assert judged.reason, name
        assert judged.line >= 1, name
        assert judged.column >= 1, name
        answer = decode(refusal(judged, raw, "mission", 0, "@worker"))
        assert isinstance(answer.body, Refusal), name
        assert (answer.recipient, answer.body.code) == ("@worker", judged.code), name
        assert answer.body.reason.replace("\n", " ").isprintable(), name


def test_the_broker_answers_every_document_and_goes_on() -> None:
    made = sequencer()
    count = 0
    for number, (_, raw) in enumerate(documents(), 1):
        sent = submission(number=number)
        made.accept([type(sent)(sent.sender, sent.session, number, (raw,))])
        count = number
    assert made.refused == count > 600


def test_every_document_that_is_text_can_be_quoted_in_a_message_and_stays_a_quotation() -> None:
    """A DOCTYPE, an entity or an include between the tags of a message is text like any other."""
    quoted = 0
    carrier = example(MessageType.ANSWER)
    for name, raw in documents():
        try:
            message = carrier.model_copy(
                update={"body": carrier.body.model_copy(update={"text": raw.decode()[:65536]})}
            )
            document = encode(message)
        except (UnicodeDecodeError, Invalid):
            continue  # not UTF-8, or characters that no document can carry
        assert decode(document) == message, name
        quoted += 1
    assert quoted > 450


def test_no_document_becomes_a_message_by_standing_inside_one_or_around_one() -> None:
    message = encode(example(MessageType.STATUS))
    for name, raw in documents():
        bare = raw.partition(b"?>")[2] if raw.startswith(b"<?xml ") else raw
        if not re.sub(rb"<!--.*?-->", b"", bare, flags=re.DOTALL).strip(b" \t\r\n\xef\xbb\xbf"):
            continue  # no more than a declaration or comments
        inside = message.replace(b"<payload>", b"<payload>" + bare)
        for grafted in (inside, raw + message, message + raw):
            assert code_of(grafted) in ("malformed", "invalid"), name


@pytest.mark.parametrize("row", listed("dsig/expected_dsig.json"))
def test_a_signed_document_is_no_message_whether_its_signature_holds_or_not(row: dict[str, Any] | None) -> None:
    raw = cases(f"xml/dsig/{row['file'] if row else 'absent'}").read_bytes()
    assert code_of(raw) == ("malformed" if b"<!DOCTYPE" in raw else "invalid")


@pytest.mark.parametrize("row", listed("dsig/xsw/expected_xsw.json"))
def test_a_wrapped_signature_is_no_message_and_nothing_in_it_is_read_as_one(row: dict[str, Any] | None) -> None:
    raw = cases(f"xml/dsig/xsw/{row['file'] if row else 'absent'}").read_bytes()
    assert code_of(raw) == "invalid"
    judged = Door().judge(raw, "@worker")
    assert isinstance(judged, Rejected)
    assert judged.refused is None


def test_a_text_that_a_comment_splits_is_read_whole() -> None:
    root = well_formed(cases("xml/dsig/xsw/response_node_text_attack.xml").read_bytes())
    [name] = [node.text for node in root.iter("{urn:oasis:names:tc:SAML:2.0:assertion}NameID")]
    assert name == "support@onelogin.com"


def is_unsafe(schema: bytes) -> bool:
    """Whether a schema names others, which MANIFEST.md asks no parser to follow, or is a bomb that takes 20 seconds.

    The orchestra never compiles a schema but its own.
    """
    return b"schemaLocation" in schema or b"laugh" in schema.lower()


def verdict(schema: bytes, instance: bytes | None) -> str:
    """Return what the validator that messages go through says of a schema, or of an instance of it."""
    try:
        judge = etree.XMLSchema(etree.fromstring(schema))
    except (etree.XMLSchemaParseError, etree.XMLSyntaxError):
        return "invalid" if instance is None else "schema-error"
    return "valid" if instance is None or judge.validate(well_formed(instance)) else "invalid"


@pytest.mark.parametrize("row", listed("xsd/expected_xsd.json"))
def test_our_validator_judges_real_schemas_and_instances_as_they_are_labelled(row: dict[str, Any] | None) -> None:
    """Ours is XSD 1.0; where `disputed` is set the two validators differ, and libxml2 has to differ as noted."""
    named = cases(f"xml/xsd/{row['file'] if row else 'absent'}")
    assert row is not None
    schema = cases(f"xml/xsd/{row.get('schema', row['file'])}").read_bytes()
    if row["xsd_version"] != "1.0" or is_unsafe(schema):
        assert code_of(named.read_bytes()) in ("invalid", "malformed")
        return
    found = verdict(schema, named.read_bytes() if row["what"] == "instance" else None)
    assert found == row["lxml"]
    assert row.get("disputed") or found == row["expect"]


def words(schema: bytes) -> set[str]:
    """Return the elements and attributes with which a schema is written."""
    nodes = list(etree.fromstring(schema).iter("*"))
    return {str(node.tag).removeprefix(XS) for node in nodes} | {str(key) for node in nodes for key in node.attrib}


def test_our_schema_uses_nothing_over_which_the_validators_dispute() -> None:
    disputed = [row for row in rows("xsd/expected_xsd.json") if row.get("disputed")]
    schemas = [cases(f"xml/xsd/{row.get('schema', row['file'])}").read_bytes() for row in disputed]
    at_issue = [{"key", "keyref"}, {"complexContent"}, {"mixed"}, {"list"}]
    assert len(disputed) == 5
    assert all(any(issue <= words(schema) for issue in at_issue) for schema in schemas)
    assert words(schema_bytes()).isdisjoint(set().union(*at_issue))
