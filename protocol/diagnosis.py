"""Turns a validator's complaint into a sentence with a place. Runs only when something is wrong."""

import contextlib
import re
from collections.abc import Sequence
from typing import Final
from xml.parsers import expat

from lxml import etree

from protocol.errors import Invalid
from protocol.schema import documentation, type_of_leaf

_PREFIX: Final = re.compile(r"^Element '[^']*'(?:, attribute '([^']*)')?: (?:\[facet '(\w+)'\] )?")
_SHOWN_CHARACTERS: Final = 300


def explain(raw: bytes, root: etree._Element, complaints: Sequence[etree._LogEntry]) -> Invalid:
    """Return the first complaint about a document as an error with line, column, element and reason."""
    if not complaints:
        return Invalid("the schema refuses it", line=1, column=1)
    # A wrong value is reported twice, by its facet and by its type: the facet says more.
    entry = complaints[0]
    element = _element(root, entry.path)
    line, column = position(raw, root, element)
    name = str(element.tag)
    return Invalid(f"{name}: {_plain(entry.message, name)}", line=line, column=column, element=name)


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
    attribute, facet = prefix.groups() if prefix else (None, None)
    words = message[prefix.end() :] if prefix else message
    words = re.sub(r"^Missing child element\(s\)\.", "something is missing.", words)
    words = words.replace("This element is not expected.", "not expected here.")
    if facet == "pattern":
        words = words.partition(" is not accepted by the pattern")[0] + " is not what belongs here"
    told = documentation().get(type_of_leaf(attribute or element) or "", "") if facet else ""
    text = (f"attribute {attribute}: " if attribute else "") + words + (f" (it is {told})" if told else "")
    return text if len(text) <= _SHOWN_CHARACTERS else text[:_SHOWN_CHARACTERS] + "…"
