"""Turns a validator's complaint into a sentence with a place. Runs only when something is wrong."""

import contextlib
import re
from collections.abc import Sequence
from typing import Final
from xml.parsers import expat

from lxml import etree

from protocol.errors import Invalid
from protocol.schema import documentation, type_of_leaf

_PREFIX: Final = re.compile(r"Element '[^']*'(?:, attribute '([^']*)')?: (?:\[facet '\w+'\] )?")
_SHOWN_CHARACTERS: Final = 300
_SHOWN_VALUE_CHARACTERS: Final = 60
_XSI: Final = "{http://www.w3.org/2001/XMLSchema-instance}"

# libxml2's sentences (xmlschemas.c) and ours. A template names what the pattern found; {kind} is what the
# schema says of the type.
_SENTENCES: Final = tuple(
    (re.compile(pattern, re.DOTALL), sentence)
    for pattern, sentence in [
        (
            r"The value '(?P<value>.*)' is not an element of the set \{(?P<names>.*)\}",
            "'{value}' is not one of {names}",
        ),
        (r"The value '(?P<value>.*)' is not accepted by the pattern", "'{value}' is not {kind}"),
        (
            r"The value (?:'.*' )?has a length of '(?P<n>\d+)'.* maximum length of '(?P<most>\d+)'",
            "{n} characters, at most {most}",
        ),
        (
            r"The value (?:'.*' )?has a length of '(?P<n>\d+)'.* minimum length of '(?P<least>\d+)'",
            "{n} characters, at least {least}",
        ),
        (
            r"This element is not expected\. Expected is (?:one of )?\( (?P<names>.*) \)",
            "not expected here; expected: {names}",
        ),
        (r"This element is not expected", "not expected here; nothing more may follow"),
        (
            r"Missing child element\(s\)\. Expected is (?:one of )?\( (?P<names>.*) \)",
            "it lacks something; expected: {names}",
        ),
        (r"The attribute '(?P<name>.*)' is required but missing", "the attribute {name} is missing"),
        (r"The attribute '(?P<name>.*)' is not allowed", "the attribute {name} is not allowed"),
        (r"Element content is not allowed", "it takes text only, and an element stands in it"),
        (r"Character content", "it takes elements only, and text stands between them"),
        (r"No matching global declaration", "a message begins with <agent-message>, without a namespace"),
        (r"The element is not 'nillable'", "xsi:nil is not allowed"),
        (r"The value '(?P<value>.*)", "'{value}' is not {kind}"),  # a long value: libxml2 cut its sentence short
    ]
)


def explain(raw: bytes, root: etree._Element, complaints: Sequence[etree._LogEntry]) -> Invalid:
    """Return the first complaint about a document as an error with line, column, element and reason."""
    if not complaints:
        return Invalid("the schema refuses it", line=1, column=1)
    entry = complaints[0]
    element = _element(root, entry.path)
    line, column = position(raw, root, element)
    name = str(element.tag)
    reason = _cut(f"{_cut(name, _SHOWN_VALUE_CHARACTERS)}: {_plain(entry.message, name)}", _SHOWN_CHARACTERS)
    return Invalid(reason, line=line, column=column, element=name)


def position(raw: bytes, root: etree._Element, element: etree._Element) -> tuple[int, int]:
    """Return line and column, both from 1, at which an element's tag starts.

    libxml2 keeps lines only, so the bytes are read once more by expat up to that element.
    """
    ordinal = next((n for n, node in enumerate(root.iter("*")) if node is element), 0)
    places: list[tuple[int, int]] = []
    reader = expat.ParserCreate()

    def started(_tag: str, _attributes: dict[str, str]) -> None:
        places.append((reader.CurrentLineNumber, reader.CurrentColumnNumber + 1))

    reader.StartElementHandler = started
    # Where expat does not know the encoding, libxml2's line is all there is.
    with contextlib.suppress(expat.ExpatError, LookupError, ValueError):
        reader.Parse(raw, True)
    return places[ordinal] if ordinal < len(places) else (int(element.sourceline or 1), 1)


def _element(root: etree._Element, path: str | None) -> etree._Element:
    try:
        found = root.getroottree().xpath(path) if path else []
    except etree.XPathError:
        found = []
    return found[0] if isinstance(found, list) and found and isinstance(found[0], etree._Element) else root


def _plain(message: str, element: str) -> str:
    prefix = _PREFIX.match(message)
    attribute = prefix.group(1) if prefix else None
    words = message[prefix.end() :] if prefix else message
    if attribute is not None and attribute.startswith(_XSI):
        return f"the attribute xsi:{attribute[len(_XSI) :]} is not allowed"
    kind = documentation().get(type_of_leaf(attribute or element) or "") or "what belongs here"
    for pattern, sentence in _SENTENCES:
        if found := pattern.match(words):
            words = sentence.format(kind=kind, **{key: _shown(key, part) for key, part in found.groupdict().items()})
            break
    about = attribute is not None and "attribute" not in words
    return f"the attribute {attribute}: {words}" if about else words


def _shown(key: str, part: str) -> str:
    """Return what a complaint quotes, short: a list of names without quotes, a value without its tail."""
    return part.replace("'", "") if key == "names" else _cut(part, _SHOWN_VALUE_CHARACTERS)


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[:most] + "…"
