"""Hostile documents written by ourselves: every class of the corpora, for whoever does not have them.

Each is refused with the word that it deserves, or read exactly as the honest message that it is; and whatever
is accepted reads the same to a second reader that shares no code with ours.
"""

from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocol import Invalid, MessageType, WireError, decode, encode
from protocol.bodies import Answer, Report
from protocol.examples import example
from protocol.xml import parse, well_formed
from tests.protocol.test_xml import code_of

HONEST = encode(example(MessageType.TASK_COMPLETION))
TEXT = HONEST.decode()
WORDS = "12 facts from 1 document"
XSI = 'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
XI = 'xmlns:xi="http://www.w3.org/2001/XInclude"'
PAYLOAD = TEXT[TEXT.index("<payload>") : TEXT.index("</payload>") + len("</payload>")]
CONTEXT = TEXT[TEXT.index("<context>") : TEXT.index("</context>") + len("</context>")]
SENDER = "<sender>@fact-extractor</sender>"


def put(there: str, instead: str) -> str:
    """Return the honest message with something else in one place."""
    assert TEXT.count(there) >= 1, there
    return TEXT.replace(there, instead, 1)


def said(text: str) -> str:
    """Return the honest message with this, as it is written, for its words."""
    return put(WORDS, text)


def around(root_attributes: str) -> str:
    return put("<agent-message>", f"<agent-message {root_attributes}>")


def second_reading(raw: bytes) -> object:
    """Return what expat, which our door does not parse with, makes of a document; None where it refuses."""
    try:
        root = ElementTree.fromstring(raw)
    except (ElementTree.ParseError, LookupError, ValueError):
        return None
    return [(node.tag, dict(node.attrib), "".join(node.itertext())) for node in root.iter()]


def first_reading(raw: bytes) -> object:
    """Return what our door makes of it, in the same words."""
    return [(node.tag, dict(node.attrib), "".join(node.itertext())) for node in well_formed(raw).iter("*")]


SAME_MESSAGE = {
    "DOCTYPE in an instruction": "<?x <!DOCTYPE agent-message [<!ENTITY a 'b'>]>?>" + TEXT,
    "DOCTYPE in a comment": "<!-- <!DOCTYPE agent-message> -->" + TEXT,
    "stylesheet": '<?xml-stylesheet href="file:///etc/passwd"?>' + TEXT,
    "a comment that splits a name": put("@fact-extractor", "@fact<!-- @intruder -->-extractor"),
    "an instruction that splits a name": put("@fact-extractor", "@fact<?x @intruder?>-extractor"),
    "CDATA that splits a name": put("@fact-extractor", "<![CDATA[@fact]]>-<![CDATA[extractor]]>"),
    "characters by number": put("@fact-extractor", "&#64;f&#x61;ct-extractor"),
    "empty CDATA between elements": put("<payload>", "<payload><![CDATA[]]>"),
    "where its schema lies": around(f'{XSI} xsi:noNamespaceSchemaLocation="http://127.0.0.1:9/x.xsd"'),
    "a namespace that nobody uses": around('xmlns:a="urn:a"'),
    "its own type again": put("<priority>", f'<priority {XSI} xsi:type="priority">'),
    "standalone": '<?xml version="1.0" standalone="yes"?>' + TEXT,
    "XML 1.1": '<?xml version="1.1"?>' + TEXT,
    "comments around": f"<!-- a -->{TEXT}<!-- b --><?c?>",
}  # fmt: skip


@pytest.mark.parametrize("name", SAME_MESSAGE)
def test_what_changes_nothing_of_a_message_is_read_as_that_message(name: str) -> None:
    assert decode(SAME_MESSAGE[name].encode()) == decode(HONEST)


UNICODE = ["utf-8", "utf-8-sig", "utf-16", "utf-32"]
DECLARED = ["utf-8", "us-ascii", "iso-8859-1", "windows-1252", "utf-16", "utf-16-le", "utf-7", "gb18030", "iso-2022-jp"]


@pytest.mark.parametrize("encoding", UNICODE)
def test_a_message_may_come_in_any_encoding_of_unicode_that_its_first_bytes_show(encoding: str) -> None:
    assert decode(TEXT.encode(encoding)) == decode(HONEST)


@pytest.mark.parametrize("encoding", DECLARED)
def test_a_message_in_the_encoding_that_it_declares_is_the_same_message(encoding: str) -> None:
    text = f'<?xml version="1.0" encoding="{encoding}"?>' + TEXT.replace("✓ ", "")
    assert decode(text.encode(encoding)) == decode(TEXT.replace("✓ ", "").encode())


LEGAL = {
    "&#155;2J": "\x9b2J", "&#x9b;31m": "\x9b31m", "&#x7f;": "\x7f", "&#x202e;": "\u202e", "&#x85;": "\x85",
    "&#xFEFF;": "\ufeff", "&#13;": "\r", "&#13;&#10;": "\r\n", "&#x10FFFF;": "\U0010ffff", "\x9b": "\x9b",
    "<![CDATA[<!DOCTYPE a>]]>": "<!DOCTYPE a>", "<![CDATA[&lol;]]>": "&lol;", "&amp;lt;": "&lt;",
    "&#38;#60;": "&#60;", "[red]alarm[/red]": "[red]alarm[/red]", "a<!-- b -->c": "ac", "a\r\nb": "a\nb",
}  # fmt: skip


def description(document: str) -> str:
    body = decode(document.encode()).body
    assert isinstance(body, Report)
    assert body.result is not None
    return body.result.description


@pytest.mark.parametrize("written", LEGAL)
def test_what_xml_can_carry_arrives_as_the_characters_that_it_means(written: str) -> None:
    assert description(said(written)) == LEGAL[written]


ENTITIES = {
    "a billion laughs": '<!DOCTYPE a [<!ENTITY a "ha"><!ENTITY b "&a;&a;"><!ENTITY c "&b;&b;">]>' + said("&c;"),
    "an entity that holds itself": '<!DOCTYPE a [<!ENTITY a "&b;"><!ENTITY b "&a;">]>' + said("&a;"),
    "a file": '<!DOCTYPE a [<!ENTITY a SYSTEM "file:///etc/passwd">]>' + said("&a;"),
    "a host": '<!DOCTYPE a [<!ENTITY a SYSTEM "http://127.0.0.1:9/">]>' + said("&a;"),
    "a file as a parameter": '<!DOCTYPE a [<!ENTITY % a SYSTEM "file:///etc/passwd"> %a;]>' + TEXT,
    "parameters in parameters": "<!DOCTYPE a [<!ENTITY % a '&#37;b;'><!ENTITY % b '<!ENTITY c \"x\">'> %a;]>" + TEXT,
    "a declaration from elsewhere": '<!DOCTYPE agent-message PUBLIC "a" "http://127.0.0.1:9/a.dtd">' + TEXT,
    "an attribute by default": "<!DOCTYPE a [<!ATTLIST file sha256 CDATA 'x'>]>" + TEXT,
    "an entity that nobody declared": said("&nbsp;"),
    "an unparsed entity": '<!DOCTYPE a [<!NOTATION n SYSTEM "x"><!ENTITY a SYSTEM "x" NDATA n>]>' + TEXT,
    "a declaration after the root": TEXT + "<!DOCTYPE a>",
    "a declaration in lower case": "<!doctype agent-message>" + TEXT,
    "a declaration in UTF-16": "<!DOCTYPE agent-message>" + TEXT,
}  # fmt: skip


@pytest.mark.parametrize("name", ENTITIES)
def test_no_entity_and_no_declaration_gets_in(name: str) -> None:
    assert code_of(ENTITIES[name].encode("utf-16" if "UTF-16" in name else "utf-8")) == "malformed"


MALFORMED = {
    "escape by number": said("&#27;[2J"), "null by number": said("&#0;"), "U+0001 by number": said("&#1;"),
    "half a pair by number": said("&#xD800;"), "a pair by two numbers": said("&#xD83D;&#xDE00;"),
    "no character": said("&#xFFFE;"), "beyond Unicode": said("&#x110000;"), "a huge number": said("&#9999999999999;"),
    "a raw escape": said("\x1b[2J"), "a raw null": said("\0"), "a null behind": TEXT + "\0",
    "a null before": "\0" + TEXT,
    "a second document": TEXT + TEXT, "an end in CDATA": said("]]>"), "a comment that does not end": TEXT + "<!--",
    "a declaration in the middle": put("<payload>", '<payload><?xml version="1.0"?>'),
    "a declaration after a space": ' <?xml version="1.0"?>' + TEXT, "XML 2.0": '<?xml version="2.0"?>' + TEXT,
    "perhaps standalone": '<?xml version="1.0" standalone="perhaps"?>' + TEXT,
    "no such encoding": '<?xml version="1.0" encoding="utf-8//IGNORE"?>' + TEXT,
    "an encoding of nothing": '<?xml version="1.0" encoding=""?>' + TEXT,
    "UTF-8 that says UTF-16": '<?xml version="1.0" encoding="utf-16"?>' + TEXT,
    "a prefix from nowhere": put("<priority>", "<a:priority>"),
    "the prefix xml elsewhere": around('xmlns:xml="urn:x"'), "the prefix xmlns": around('xmlns:xmlns="urn:x"'),
    "one attribute under two prefixes": put("<payload>", '<payload xmlns:a="u" xmlns:b="u" a:x="1" b:x="2">'),
    "one attribute twice": put("<payload>", '<payload a="1" a="2">'),
    "deep nesting": put("<payload>", "<payload>" + "<a>" * 300), "a huge name": f"<{'a' * 60_000}>",
    "an attribute across lines, unquoted": put("<payload>", "<payload a=b>"),
}  # fmt: skip


@pytest.mark.parametrize("name", MALFORMED)
def test_what_is_no_xml_is_malformed(name: str) -> None:
    assert code_of(MALFORMED[name].encode()) == "malformed"


BYTES = {
    "an overlong bracket": HONEST.replace(b"<sender>", b"\xc0\xbcsender>"),
    "an overlong slash": HONEST.replace(b"12 facts", b"\xc0\xaf"),
    "an overlong null": HONEST.replace(b"12 facts", b"\xc0\x80"),
    "three bytes for two": HONEST.replace(b"12 facts", b"\xe0\x82\xaf"),
    "half a pair": HONEST.replace(b"12 facts", b"\xed\xa0\x80"),
    "a pair of halves": HONEST.replace(b"12 facts", b"\xed\xa0\xbd\xed\xb8\x80"),
    "five bytes": HONEST.replace(b"12 facts", b"\xf8\x88\x80\x80\x80"),
    "beyond Unicode": HONEST.replace(b"12 facts", b"\xf4\x90\x80\x80"),
    "a byte that follows nothing": HONEST.replace(b"12 facts", b"\x80"),
    "Latin-1 undeclared": HONEST.replace(b"12 facts", b"\xe9t\xe9"),
    "ASCII with more": b'<?xml version="1.0" encoding="us-ascii"?>' + HONEST.replace(b"12 facts", b"\xe9"),
    "UTF-16 without a mark": TEXT.encode("utf-16-le"),
    "UTF-16 with half a pair": TEXT.encode("utf-16").replace("12".encode("utf-16-le"), b"\x00\xd8x\x00"),
    "UTF-16 with an odd byte": TEXT.encode("utf-16") + b"\x00",
    "UTF-7 with its mark": b"+/v8-" + TEXT.encode("utf-7"),
    "EBCDIC": f'<?xml version="1.0" encoding="cp037"?>{TEXT}'.replace("✓ ", "").encode("cp037"),
}


@pytest.mark.parametrize("name", BYTES)
def test_bytes_that_are_no_text_are_malformed(name: str) -> None:
    assert code_of(BYTES[name]) == "malformed"


def test_utf_7_that_nothing_declares_is_plain_text_and_no_markup() -> None:
    hidden = said("+ADw-sender+AD4-")
    assert description(hidden) == "+ADw-sender+AD4-"


TWO_READINGS = {
    "two payloads": TEXT.replace(PAYLOAD, PAYLOAD + PAYLOAD.replace(WORDS, "forged")),
    "a forged payload first": TEXT.replace(PAYLOAD, PAYLOAD.replace(WORDS, "forged") + PAYLOAD),
    "a payload in a payload": TEXT.replace(PAYLOAD, f"<payload>{PAYLOAD}</payload>"),
    "a payload in a wrapper": TEXT.replace(PAYLOAD, f"{PAYLOAD}<Object>{PAYLOAD}</Object>"),
    "a payload with an Id": TEXT.replace("<payload>", '<payload Id="signed">'),
    "a payload with an xml:id": TEXT.replace("<payload>", '<payload xml:id="signed">'),
    "a signature beside it": TEXT.replace(PAYLOAD, PAYLOAD + '<Signature xmlns="http://www.w3.org/2000/09/xmldsig#"/>'),
    "two contexts": TEXT.replace(CONTEXT, CONTEXT + CONTEXT.replace("extract/1", "extract/2")),
    "a context in the payload": put("<payload>", "<payload>" + CONTEXT),
    "a context after the payload": TEXT.replace(CONTEXT, "").replace(PAYLOAD, PAYLOAD + CONTEXT),
    "two senders": put(SENDER, SENDER + "<sender>@intruder</sender>"),
    "two ids": put("<message-id>", "<message-id>forged</message-id><message-id>"),
    "two types": put("<type>", "<type>status</type><type>"),
    "a message in a message": put("<payload>", "<payload>" + TEXT),
    "a message in a wrapper": f"<Response>{TEXT}</Response>",
    "a type of its own": put("<priority>", f'<priority {XSI} xsi:type="identifier">'),
    "a type of the schema language": put("<priority>", f'<priority {XSI} xsi:type="xs:string">'),
    "nothing, said by attribute": put("<description>", f'<description {XSI} xsi:nil="true">'),
    "not nothing, said by attribute": put("<description>", f'<description {XSI} xsi:nil="false">'),
    "a namespace for all": around('xmlns="urn:x"'),
    "a namespace for one": put("<payload>", '<payload xmlns="urn:x">'),
    "a prefix for one": put("<payload>", '<a:payload xmlns:a="urn:x">').replace("</payload>", "</a:payload>"),
    "an included file": put("<payload>", f'<payload {XI}><xi:include href="file:///etc/passwd" parse="text"/>'),
    "an included file for a text": said(f'<xi:include {XI} href="file:///etc/passwd" parse="text"/>'),
    "a base": around('xml:base="http://127.0.0.1:9/"'), "spaces to be kept": around('xml:space="preserve"'),
    "a space before a name": put("<sender>@", "<sender> @"),
    "a space behind it": put(SENDER, SENDER.replace("</", " </")),
    "a line end before a name": put("<sender>@", "<sender>\n@"), "a tab by number": put("<sender>@", "<sender>&#9;@"),
    "a space that does not break": put("<sender>@", "<sender>\u00a0@"),
    "a Cyrillic letter in a name": put("@fact", "@f\u0430ct"), "no width in a name": put("@fact", "@fa\u200bct"),
    "a wide @": put("<sender>@", "<sender>\uff20"), "backwards in a name": put("@fact", "@\u202efact"),
    "a Cyrillic letter in a tag": TEXT.replace("sender>", "s\u0435nder>"),
    "another case": TEXT.replace("sender>", "Sender>"),
    "digits of another script": put("<tool-calls>2", "<tool-calls>\u0662"),
    "a plus": put("<tool-calls>2", "<tool-calls>+2"),
    "a leading zero": put("<tool-calls>2", "<tool-calls>02"), "true as a digit": put("<success>true", "<success>1"),
    "a mark in another form": TEXT.replace("<type>task-completion", "<type>Task-Completion"),
    "text between elements": put("<payload>", "<payload>x"), "text by number": put("<payload>", "<payload>&#160;"),
    "very many attributes": put("<payload>", "<payload " + " ".join(f'a{n}=""' for n in range(20_000)) + ">"),
    "very many namespaces": around(" ".join(f'xmlns:a{n}="u"' for n in range(9_000)) + ' x=""'),
}  # fmt: skip


@pytest.mark.parametrize("name", TWO_READINGS)
def test_what_could_be_read_in_two_ways_is_invalid(name: str) -> None:
    with pytest.raises(Invalid):
        parse(TWO_READINGS[name].encode())


ALL = [
    *(text.encode() for table in (SAME_MESSAGE, ENTITIES, MALFORMED, TWO_READINGS) for text in table.values()),
    *(said(written).encode() for written in LEGAL),
    *BYTES.values(),
    *(TEXT.encode(encoding) for encoding in UNICODE),
]


def test_whatever_we_can_read_a_second_reader_reads_in_the_same_way_or_not_at_all() -> None:
    compared = 0
    for raw in ALL:
        try:
            ours = first_reading(raw)
        except WireError:
            continue
        theirs = second_reading(raw)
        assert theirs is None or theirs == ours, raw[:200]
        compared += theirs is not None
    assert compared > 60


@pytest.mark.parametrize("declared", ["iso-8859-1", "windows-1252", "koi8-r", "utf-16", "us-ascii"])
def test_a_mark_of_utf_8_before_another_encoding_is_no_document(declared: str) -> None:
    """libxml2 believes the mark, expat the declaration: é would be one letter to us and two to them."""
    document = f'\ufeff<?xml version="1.0" encoding="{declared}"?>' + said("é")
    assert code_of(document.encode()) == "malformed"


def test_a_message_cut_anywhere_is_malformed() -> None:
    for document in (HONEST, TEXT.encode("utf-16"), f'<?xml version="1.0"?>\n<!-- é -->{TEXT}'.encode()):
        decode(document)
        for length in range(len(document)):
            assert code_of(document[:length]) == "malformed", document[:length][-40:]


def test_a_message_that_lacks_any_one_byte_is_refused_or_says_something_that_the_schema_allows() -> None:
    for gone in range(len(HONEST)):
        shortened = HONEST[:gone] + HONEST[gone + 1 :]
        if code_of(shortened) == "accepted":
            again = decode(shortened)
            assert decode(encode(again)) == again


def test_a_reason_is_one_short_printable_line_whatever_it_quotes() -> None:
    for raw in (
        put("<sender>@", "<sender>\n\x9b2J\u202e").encode(),
        put("<priority>", f"<{'a' * 40_000}>").encode(),
        said(f"&{'a' * 40_000};").encode(),
        f'<?xml version="1.0" encoding="{"a" * 40_000}"?>{TEXT}'.encode(),
        put("<payload>", "<payload><\u0301\u009b>").encode(),
    ):
        with pytest.raises(WireError) as caught:
            parse(raw)
        assert caught.value.reason.isprintable()
        assert len(caught.value.reason) < 400


DECLARATIONS = {
    "attributes": '<!ATTLIST a b{} CDATA "x">',
    "attributes of many elements": '<!ATTLIST a{} b CDATA "x">',
    "elements": "<!ELEMENT e{} (a|b|c)>",
    "entities": '<!ENTITY e{} "x">',
    "notations": '<!NOTATION n{} SYSTEM "x">',
}


@pytest.mark.parametrize("name", DECLARATIONS)
@pytest.mark.timeout(4)
def test_a_megabyte_of_declarations_is_refused_at_once(name: str) -> None:
    declaration = DECLARATIONS[name]
    count = 1_000_000 // len(declaration.format(99_999))
    declared = "".join(declaration.format(n) for n in range(count))
    assert code_of(f"<!DOCTYPE a [{declared}]><a/>".encode()) == "malformed"


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=200))
@settings(max_examples=150, derandomize=True, deadline=None)
def test_any_text_is_refused_by_the_writer_or_arrives_unchanged_at_both_readers(text: str) -> None:
    message = example(MessageType.ANSWER).model_copy(update={"body": Answer(choice="x", text=text)})
    try:
        raw = encode(message)
    except Invalid:
        return
    assert decode(raw) == message
    assert second_reading(raw) == first_reading(raw)
