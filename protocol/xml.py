"""The one door for XML.

1. Nothing reaches the parser above MAX_DOCUMENT_BYTES.
2. One parser, hardened: no entities, no network, no DTD; comments and processing instructions are dropped.
3. A DOCTYPE is refused by what the parser saw, not by searching the text for it.
4. What passes `parse` decodes: the schema holds every rule but two, and both are checked here
   (the payload is what the type says; a date exists in the calendar).
"""

import re
from typing import Final

from lxml import etree

from protocol.diagnosis import explain, position
from protocol.errors import Invalid, Malformed, TooLarge
from protocol.names import parse_timestamp
from protocol.schema import compiled

MAX_DOCUMENT_BYTES: Final = 1_048_576
REPORT_TYPES: Final = frozenset({"task-completion", "escalation", "question", "status"})

# Comments go because they split text: the schema reads <a>p<!-- -->7</a> as "p7", element.text as "p".
# Two readings of one document is how signatures get forged.
# collect_ids stays on: switched off, libxml2 takes "skip the ids" for "load the DTD" and opens the file it names.
_PARSER = etree.XMLParser(
    resolve_entities=False,
    no_network=True,
    load_dtd=False,
    huge_tree=False,
    remove_comments=True,
    remove_pis=True,
)
_VALID = compiled()
# What a declaration after a mark of UTF-8 says of the encoding. libxml2 believes the mark, expat the declaration.
_CONTRADICTED: Final = re.compile(rb"\xef\xbb\xbf<\?xml[^>]*\sencoding\s*=\s*[\"'](?!utf-?8[\"'])", re.IGNORECASE)
_FUNCTION: Final = re.compile(r"^(?:xml[A-Z]\w+|xmlns) ?: ?")
# The element of a payload that is a moment.
_STAMPED: Final = {"wake-request": "due", "wake": "due", "telemetry": "taken", "approval": "due"}


def parse(raw: bytes) -> etree._Element:
    """Return the root of an admissible document.

    Raises:
        TooLarge: more than MAX_DOCUMENT_BYTES; the parser never sees it.
        Malformed: not well-formed, nested deeper than 256 elements, or carrying a DOCTYPE.
        Invalid: the schema refuses it; the error names line, column, element and reason.
    """
    root = well_formed(raw)
    if not _VALID.validate(root):
        raise explain(raw, root, list(_VALID.error_log))
    _agree(raw, root)
    return root


def well_formed(raw: bytes) -> etree._Element:
    """Return the root of a document that is XML without a DOCTYPE, whatever it says.

    Raises:
        TooLarge, Malformed: as for `parse`.
    """
    if len(raw) > MAX_DOCUMENT_BYTES:
        raise TooLarge(f"{len(raw):,} bytes, the limit for a message is {MAX_DOCUMENT_BYTES:,}", line=1, column=1)
    try:
        root = etree.fromstring(raw, _PARSER)
    except etree.XMLSyntaxError as error:
        line, column = error.position
        raise Malformed(_syntax(error), line=max(line, 1), column=max(column, 1)) from error
    except (LookupError, ValueError) as error:  # an encoding lxml cannot name or turn into text
        raise Malformed(f"the encoding cannot be read: {error}", line=1, column=1) from error
    # With entities switched off lxml still accepts the declaration and leaves a hole where the entity stood,
    # so a DOCTYPE has to be refused by name. A document that begins with its root element has no room for one.
    # Never ask docinfo.internalDTD: it copies the DTD, and 860 KB of attribute declarations take it six seconds.
    if not raw.startswith(b"<agent-message>") and root.getroottree().docinfo.doctype:
        raise Malformed("a DOCTYPE is not allowed; remove it", line=1, column=1)
    if raw.startswith(b"\xef\xbb\xbf") and _CONTRADICTED.match(raw):
        raise Malformed("it begins with the mark of UTF-8 and declares another encoding", line=1, column=1)
    return root


def _syntax(error: etree.XMLSyntaxError) -> str:
    """Return libxml2's sentence without the position, which the error carries on its own, and without its jargon."""
    sentence = " ".join(str(error.msg or "not well-formed XML").partition(", line ")[0].split())
    return "nested deeper than 256 elements" if "depth" in sentence else _FUNCTION.sub("", sentence)


def _agree(raw: bytes, root: etree._Element) -> None:
    kind, context, payload = root[2].text or "", root[4], root[5]
    first = payload[0]
    tag = first.tag
    if tag != ("action" if kind in REPORT_TYPES else kind):
        wanted = "action" if kind in REPORT_TYPES else kind
        line, column = position(raw, root, first)
        reason = f"a message of type {kind} needs <{wanted}> in its payload, not <{tag!s}>"
        raise Invalid(reason, line=line, column=column, element=str(tag))
    stamp = context[1]
    _check_calendar(raw, root, stamp if stamp.tag == "timestamp" else context[2])
    dated = first.find(_STAMPED[str(tag)]) if tag in _STAMPED else None
    if dated is not None:
        _check_calendar(raw, root, dated)


def _check_calendar(raw: bytes, root: etree._Element, stamp: etree._Element) -> None:
    text = stamp.text or ""
    if text[8:10] < "29" and "0001" < text[:4] < "9999":
        return  # the pattern has checked the rest: every month has 28 days
    try:
        parse_timestamp(text)
    except (ValueError, OverflowError):
        line, column = position(raw, root, stamp)
        reason = f"{stamp.tag!s}: {text!r} is not a moment in the calendar"
        raise Invalid(reason, line=line, column=column, element=str(stamp.tag)) from None
