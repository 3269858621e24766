"""The one door for XML: what is bad stays out, what is good comes in, and a refusal says where and why."""

import json
import os
import re
import resource
import socket
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

from protocol import MAX_DOCUMENT_BYTES, Invalid, Malformed, MessageType, TooLarge, WireError, decode, encode, parse
from protocol.examples import example
from tests.cases import ROOT, are_here, cases

LIMIT = MAX_DOCUMENT_BYTES


def listed(folder: str) -> list[Any]:
    """The real documents of a folder, for parametrising; where they are absent, one entry that skips or fails."""
    if not are_here("xml/expected.json"):
        return [pytest.param({"file": f"{folder}/absent", "has_dtd": True, "expect": "either"}, id="absent")]
    rows = json.loads(cases("xml/expected.json").read_text())["cases"]
    return [
        pytest.param(row, id=row["file"].removeprefix(f"{folder}/"))
        for row in rows
        if row["file"].startswith(f"{folder}/")
    ]


def code_of(raw: bytes) -> str:
    """Return "accepted", or the code of the refusal; anything but a WireError is a bug and passes through."""
    try:
        decode(raw)
    except WireError as error:
        refusal = error
    else:
        return "accepted"
    assert refusal.reason
    assert "\n" not in refusal.reason
    return refusal.code


def real(row: dict[str, Any]) -> bytes:
    return cases(f"xml/{row['file']}").read_bytes()


@pytest.mark.parametrize("row", listed("notwf"))
def test_a_real_document_that_is_not_well_formed_is_malformed(row: dict[str, Any]) -> None:
    assert code_of(real(row)) == "malformed"


@pytest.mark.parametrize("row", listed("wf"))
def test_a_real_well_formed_document_is_never_malformed_only_not_a_message(row: dict[str, Any]) -> None:
    assert code_of(real(row)) == "invalid"


@pytest.mark.parametrize("row", listed("dtd"))
def test_a_real_document_with_a_dtd_is_refused_because_of_it(row: dict[str, Any]) -> None:
    assert code_of(real(row)) == "malformed"


@pytest.mark.parametrize("row", listed("hostile"))
def test_a_real_hostile_document_is_refused(row: dict[str, Any]) -> None:
    assert code_of(real(row)) == ("malformed" if row["has_dtd"] else "invalid")


@pytest.mark.parametrize("row", listed("encoding"))
def test_a_real_document_is_read_in_the_encoding_that_it_is_in(row: dict[str, Any]) -> None:
    judged = {"accept": {"invalid"}, "reject": {"malformed"}, "either": {"invalid", "malformed"}}
    allowed = {"malformed"} if row["has_dtd"] else judged[row["expect"].partition(":")[0]]
    assert code_of(real(row)) in allowed


NOT_WELL_FORMED = [
    b"", b" ", b"\x00", b"<", b"<a", b"<a>", b"<a></b>", b"</a>", b"<a/><b/>", b"<a/>x", b"x<a/>", b"<a b=1/>",
    b'<a b="1" b="2"/>', b"<a b='<'/>", b"<a>&undeclared;</a>", b"<a>&</a>", b"<a>&#0;</a>", b"<a>&#xD800;</a>",
    b"<a>]]></a>", b"<a><!-- -- --></a>", b"<a><![CDATA[</a>", b"<a>\x00</a>", b"<a>\x1b</a>", b"<a>\xff</a>",
    b"<a>\xc0\x80</a>", b"<a>\xed\xa0\x80</a>", b" <?xml version='1.0'?><a/>",
    b"<?xml version='1.0' encoding='no'?><a/>",
    b"<?xml version='1.0' encoding='utf-16'?><a/>", b"<p:a/>", b'<a xmlns:p=""/>', b"\xef\xbb\xbf", b"\xff\xfe",
    b"<1/>",
]  # fmt: skip


@pytest.mark.parametrize("raw", NOT_WELL_FORMED)
def test_what_is_not_well_formed_is_malformed(raw: bytes) -> None:
    assert code_of(raw) == "malformed"


WELL_FORMED = [
    b"<a/>", b"<a>\r\n</a>", b"\n<a/>\n", b"<!-- a --><a/><?b?>", b"<?x <!DOCTYPE a> ?><a/>",
    b"<!-- <!DOCTYPE a> --><a/>",
    b"<a><![CDATA[<!DOCTYPE a>]]></a>", b"\xef\xbb\xbf<a/>", "<a>é</a>".encode("utf-16"),
    "<?xml version='1.0' encoding='iso-8859-1'?><a>é</a>".encode("latin-1"), b"<a xml:lang='de' xmlns='urn:x'/>",
    b'<a xmlns:xi="http://www.w3.org/2001/XInclude"><xi:include href="file:///etc/passwd"/></a>',
    b'<?xml-stylesheet href="http://localhost/x.xsl"?><a/>',
]  # fmt: skip


@pytest.mark.parametrize("raw", WELL_FORMED)
def test_what_is_well_formed_but_no_message_is_invalid(raw: bytes) -> None:
    assert code_of(raw) == "invalid"


def message() -> bytes:
    return encode(example(MessageType.TASK_COMPLETION))


def laughs(depth: int) -> bytes:
    lines = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, depth))
    return f'<!DOCTYPE a [<!ENTITY l0 "ha">{lines}]><a b="&l{depth - 1};">&l{depth - 1};</a>'.encode()


DOCTYPES = [
    b"<!DOCTYPE agent-message>", b"<!DOCTYPE agent-message []>", b'<!DOCTYPE agent-message SYSTEM "x.dtd">',
    b'<!DOCTYPE agent-message PUBLIC "-//X//Y" "http://127.0.0.1:9/x.dtd">',
    b"<!-- a -->\n<!DOCTYPE agent-message [<!ENTITY a 'b'>]>",
    b"<!DOCTYPE agent-message [<!ENTITY % p SYSTEM 'file:///etc/passwd'> %p;]>",
]  # fmt: skip


@pytest.mark.parametrize("doctype", DOCTYPES)
def test_a_message_with_a_doctype_is_malformed_even_if_all_else_is_right(doctype: bytes) -> None:
    assert code_of(message()) == "accepted"
    assert code_of(doctype + message()) == "malformed"
    assert code_of((doctype + message()).decode().encode("utf-16")) == "malformed"


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_a_message_in_another_encoding_of_unicode_is_the_same_message(encoding: str) -> None:
    assert decode(message().decode().encode(encoding)) == decode(message())


def many(element: str, count: int) -> bytes:
    return message().replace(b"<basis><step>read</step></basis>", b"<basis>" + element.encode() * count + b"</basis>")


EXPENSIVE = {
    "entities": laughs(12),
    "a quadratic entity": b'<!DOCTYPE a [<!ENTITY x "' + b"x" * 100_000 + b'">]><a>' + b"&x;" * 100_000 + b"</a>",
    "depth": b"<a>" * (LIMIT // 3),
    "depth, closed": b"<a>" * 100_000 + b"</a>" * 100_000,
    "attributes": b"<a " + b" ".join(b"a%d=''" % n for n in range(90_000)) + b"/>",
    "attributes of a message": message().replace(
        b"<file ", b"<file " + b" ".join(b"a%d=''" % n for n in range(80_000)) + b" "
    ),
    "one attribute twice": b"<a " + b"a='' " * 200_000 + b"/>",
    "namespaces": b"<a " + b" ".join(b"xmlns:a%d='u'" % n for n in range(50_000)) + b"/>",
    "a long name": b"<" + b"a" * 1_000_000 + b"/>",
    "a long attribute": b"<a b='" + b"x" * 1_000_000 + b"'/>",
    "a long text": b"<a>" + b"x" * 1_000_000 + b"</a>",
    "a long comment": b"<!--" + b"x" * 1_000_000 + b"--><a/>",
    "open brackets": b"<" * LIMIT,
    "ampersands": b"<a>" + b"&" * 1_000_000,
    "line ends": b"\n" * LIMIT,
    "unknown elements": many("<x/>", 200_000),
    "wrong items": many("<step>a b</step>", 60_000),
    "wrong items in many lists": message().replace(
        b"<work>", b"<x>" + b"<basis><step> </step></basis>" * 30_000 + b"</x><work>"
    ),
    "items with a wrong attribute": many("<step x=''>a</step>", 45_000),
    "a long wrong value": many(f"<step>{'a' * 900_000}!</step>", 1),
    "nulls": b"\x00" * LIMIT,
    "UTF-16": "<a>".encode("utf-16") + b"\x00\xd8" * 500_000,
}


@pytest.mark.parametrize("name", EXPENSIVE)
@pytest.mark.timeout(10)
def test_an_expensive_document_is_refused_in_bounded_time_and_memory(name: str) -> None:
    before_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert code_of(EXPENSIVE[name]) in ("malformed", "invalid")
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before_kb < 300_000


def test_one_byte_over_the_limit_is_too_large_and_the_limit_itself_is_not() -> None:
    assert code_of(message().ljust(LIMIT)) == "accepted"
    assert code_of(message().ljust(LIMIT + 1)) == "too-large"
    with pytest.raises(TooLarge, match="1,048,577 bytes, the limit for a message is 1,048,576"):
        parse(b"<" * (LIMIT + 1))


def test_whatever_a_document_names_neither_a_file_nor_a_socket_is_opened(tmp_path: Path) -> None:
    """The files it names are pipes filled with a secret, the host is a listening socket: both must stay untouched."""
    pipe = tmp_path / "secret"
    os.mkfifo(pipe)
    end = os.open(pipe, os.O_RDWR | os.O_NONBLOCK)
    os.write(end, b"<secret/>")
    with socket.create_server(("127.0.0.1", 0)) as host:
        host.setblocking(False)
        places = [str(pipe), f"file://{pipe}", f"http://127.0.0.1:{host.getsockname()[1]}/x"]
        # A process of its own: whoever reads the pipe to its end waits inside libxml2, where no signal is heard.
        judge = (
            "from tests.protocol.test_xml import *; [code_of(raw) for place in sys.argv[1:] for raw in naming(place)]"
        )
        subprocess.run([sys.executable, "-c", judge, *places], check=True, cwd=ROOT, timeout=30)
        with pytest.raises(BlockingIOError):
            host.accept()
    assert os.read(end, 100) == b"<secret/>"
    os.close(end)


def naming(place: str) -> list[bytes]:
    xsi = 'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
    body = message().decode()
    documents = [
        f'<!DOCTYPE a SYSTEM "{place}"><a/>',
        f'<!DOCTYPE a PUBLIC "p" "{place}"><a/>',
        f'<!DOCTYPE a [<!ENTITY e SYSTEM "{place}">]><a>&e;</a>',
        f'<!DOCTYPE a [<!ENTITY e SYSTEM "{place}">]><a b="&e;"/>',
        f'<!DOCTYPE a [<!ENTITY % e SYSTEM "{place}"> %e;]><a/>',
        f'<!DOCTYPE a [<!NOTATION n SYSTEM "{place}"><!ENTITY e SYSTEM "{place}" NDATA n>]><a/>',
        f'<?xml-stylesheet type="text/xsl" href="{place}"?>{body}',
        f'<?xml-model href="{place}"?>{body}',
        f'<a xmlns:xi="http://www.w3.org/2001/XInclude"><xi:include href="{place}"/></a>',
        body.replace("<agent-message>", f'<agent-message {xsi} xsi:noNamespaceSchemaLocation="{place}">'),
        body.replace("<agent-message>", f'<agent-message {xsi} xsi:schemaLocation="urn:x {place}">'),
        f'<agent-message {xsi} xsi:schemaLocation="urn:x {place}" xmlns="urn:x"/>',
    ]
    return [document.encode() for document in documents]


def test_python_opens_nothing_while_real_hostile_documents_are_judged() -> None:
    folder = cases("xml/hostile")
    watch = textwrap.dedent(
        """
        import sys
        from pathlib import Path
        from protocol import WireError, decode
        documents = [path.read_bytes() for path in sorted(Path(sys.argv[1]).iterdir()) if path.is_file()]
        seen = []
        watched = ("open", "socket", "subprocess")
        sys.addaudithook(lambda event, _: seen.append(event) if event.startswith(watched) else None)
        for raw in documents:
            try:
                decode(raw)
            except WireError:
                pass
        print(len(documents), seen)
        """
    )
    done = subprocess.run(
        [sys.executable, "-c", watch, str(folder)], capture_output=True, text=True, check=True, cwd=ROOT, timeout=60
    )
    count, _, seen = done.stdout.strip().partition(" ")
    assert int(count) >= 31
    assert seen == "[]"


DOCUMENT = """\
<?xml version="1.0" encoding="UTF-8"?>
<agent-message>
  <sender>@spec-coordinator</sender>
  <recipient>@fact-extractor</recipient>
  <type>task-assignment</type>
  <priority>normal</priority>
  <context>
    <task-id>extract/1</task-id>
    <timestamp>2026-11-21T09:30:00Z</timestamp>
  </context>
  <payload>
    <task-assignment>
      <title>µ Extract</title><skill>extract-facts</skill>
      <folder>extract/1</folder>
      <inputs><file path="a.md" bytes="12">a</file></inputs>
    </task-assignment>
  </payload>
</agent-message>
"""

# (what stands there, what is written instead, line, column, element, words of the reason)
FAULTS = [
    ("<priority>normal", "<priority>soon", 6, 3, "priority", "'soon' is not one of critical, high, normal, low"),
    ("@fact-extractor", "fact-extractor", 4, 3, "recipient", "'fact-extractor' is not an agent name: @ and then"),
    ("<skill>extract-facts</skill>", "", 14, 7, "folder", "not expected here; expected: skill"),
    ("<skill>extract-facts</skill>", "<skill>a b</skill>", 13, 31, "skill", "'a b' is not an identifier"),
    ("<folder>", "<colour>red</colour><folder>", 14, 7, "colour", "not expected here; expected: folder"),
    ("  <payload>", "  <payload><!-- µ --><mood/>", 11, 22, "mood", "not expected here; expected: "),
    ('bytes="12"', 'bytes="-1"', 15, 15, "file", "the attribute bytes: '-1' is not a whole number from 0"),
    ('bytes="12"', 'colour="red"', 15, 15, "file", "the attribute colour is not allowed"),
    ('path="a.md" ', "", 15, 15, "file", "the attribute path is missing"),
    ('path="a.md"', 'path=""', 15, 15, "file", "the attribute path: 0 characters, at least 1"),
    ("<folder>", "<folder>a</folder><folder>", 14, 25, "folder", "not expected here; expected: inputs, settings"),
    ("2026-11-21T", "2026-02-30T", 9, 5, "timestamp", "'2026-02-30T09:30:00Z' is not a moment in the calendar"),
    ("2026-11-21T", "0000-01-01T", 9, 5, "timestamp", "is not a moment in the calendar"),
    ("2026-11-21T09:30:00Z", "yesterday", 9, 5, "timestamp", "'yesterday' is not an ISO 8601 date and time"),
    ("<type>task-assignment", "<type>status", 12, 5, "task-assignment", "type status needs <action> in its payload"),
    ("<type>task-assignment", "<type>claim", 12, 5, "task-assignment", "type claim needs <claim> in its payload"),
    ("µ Extract", "µ" * 201, 13, 7, "title", "201 characters, at most 200"),
    ("<payload>", "<payload>hello", 11, 3, "payload", "it takes elements only, and text stands between them"),
    ("extract-facts", "<b>extract</b>", 13, 31, "skill", "it takes text only, and an element stands in it"),
    ("  </payload>\n", "  </payload><x/>\n", 17, 13, "x", "not expected here; expected: usage, quality-gates"),
    ("    <timestamp>2026-11-21T09:30:00Z</timestamp>\n", "", 7, 3, "context", "expected: parent-task, timestamp"),
    ("agent-message>", "agent-note>", 2, 1, "agent-note", "a message begins with <agent-message>, without a namespace"),
    ("<agent-message>", '<agent-message xmlns="urn:x">', 2, 1, "{urn:x}agent-message", "without a namespace"),
]  # fmt: skip


@pytest.mark.parametrize(("there", "instead", "line", "column", "element", "reason"), FAULTS)
def test_a_fault_is_named_with_line_column_element_and_reason_in_plain_words(
    there: str, instead: str, line: int, column: int, element: str, reason: str
) -> None:
    assert code_of(DOCUMENT.encode()) == "accepted"
    with pytest.raises(Invalid) as caught:
        parse(DOCUMENT.replace(there, instead).encode())
    assert (caught.value.line, caught.value.column, caught.value.element) == (line, column, element)
    assert reason in caught.value.reason
    assert not any(
        jargon in caught.value.reason for jargon in ("facet", "[A-Za-z", "atomic type", "xs:", "libxml", "Expected")
    )


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_place_is_counted_in_characters_whatever_the_encoding(encoding: str) -> None:
    text = DOCUMENT.replace(' encoding="UTF-8"', "").replace("extract-facts", "extract facts")
    with pytest.raises(Invalid) as caught:
        parse(text.encode(encoding))
    assert (caught.value.line, caught.value.column) == (13, 31)


def test_a_document_that_is_not_well_formed_is_told_its_line() -> None:
    with pytest.raises(Malformed) as caught:
        parse(DOCUMENT.replace("</skill>", "</skil>").encode())
    assert caught.value.line == 13
    assert "skil" in caught.value.reason


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"<a>" * 300 + b"</a>" * 300, "nested deeper than 256 elements"),
        (b"<!DOCTYPE a><a/>", "a DOCTYPE is not allowed; remove it"),
        (b"", "Document is empty"),
    ],
)
def test_why_a_document_is_malformed_is_said_in_plain_words(raw: bytes, reason: str) -> None:
    with pytest.raises(Malformed) as caught:
        parse(raw)
    assert caught.value.reason == reason


def test_a_wrong_value_of_any_length_makes_a_short_reason() -> None:
    for value in ("a" * 100_000 + "!", "é'\n" * 10_000, "}{ {0} {kind}"):
        with pytest.raises(Invalid) as caught:
            parse(DOCUMENT.replace("extract-facts", value).encode())
        assert len(caught.value.reason) < 320
        assert "is not an identifier" in caught.value.reason


def test_the_moment_until_which_an_approval_is_asked_for_has_to_exist_too() -> None:
    asked = example(MessageType.APPROVAL)
    dated = asked.model_copy(update={"body": asked.body.model_copy(update={"due": asked.timestamp_ns})})
    raw = encode(dated)
    assert parse(raw) is not None
    day = re.search(rb"<due>(....-..-..)", raw)
    assert day is not None
    with pytest.raises(Invalid, match="is not a moment in the calendar"):
        parse(raw.replace(b"<due>" + day[1], b"<due>2026-02-30"))
