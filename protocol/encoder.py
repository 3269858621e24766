"""Messages to bytes.

1. decode(encode(message)) == message for every message without a secret; those do not get out (`protocol.secrets`).
2. encode writes only what the schema accepts; what XML cannot carry (U+0000, lone surrogates) is Invalid.

Text is rendered with escaping instead of building a tree, by tables made once from those of protocol.shapes: a field
is what stands before it, how it is shown, and what stands after it. Every leaf was checked by its type when the model
was made; checked here are only the texts without a pattern, for characters that XML has no place for.
"""

import re
from collections.abc import Callable, Iterable
from decimal import Decimal
from enum import Enum
from operator import attrgetter
from typing import Any, Final

from pydantic import BaseModel

from protocol.errors import Invalid, TooLarge
from protocol.messages import Message, QualityGates, Usage
from protocol.names import render_timestamp
from protocol.secrets import redacted
from protocol.shapes import CONTEXT, TABLES, Field, Kind
from protocol.xml import MAX_DOCUMENT_BYTES, REPORT_TYPES

_FORBIDDEN: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_STAMPS: Final = frozenset({"due", "taken"})

Render = Callable[[Any], str]
# A field: its name, what stands before and after it, and how it is shown; None: as it is.
Part = tuple[str, str, str, Render | None]


def encode(message: Message) -> bytes:
    """Return the message as one UTF-8 XML document.

    Raises:
        Invalid: a text holds characters that XML cannot carry.
        TooLarge: the document would be over the limit for messages; use an artifact.
    """
    values = message.__dict__
    body, kind = values["body"], _word(values["type"])
    payload = _WRITERS[type(body)](body)
    if kind not in REPORT_TYPES:
        payload = f"<{kind}>{payload}</{kind}>"
    return _bytes(
        f"<agent-message><sender>{values['sender']}</sender><recipient>{values['recipient']}</recipient>"
        f"<type>{kind}</type><priority>{_word(values['priority'])}</priority>"
        f"<context>{_rendered(_CONTEXT, values)}</context><payload>{payload}</payload>"
        f"{_rendered(_TAIL, values)}</agent-message>"
    )


def _rendered(parts: Iterable[Part], values: dict[str, Any]) -> str:
    """Return the fields of a model one after the other; what is None is left out."""
    text = ""
    for name, before, after, shown in parts:
        value = values[name]
        if value is not None:
            text += f"{before}{value if shown is None else shown(value)}{after}"
    return text


def _bytes(text: str) -> bytes:
    raw = text.encode()
    if len(raw) > MAX_DOCUMENT_BYTES:
        raise TooLarge(f"{len(raw):,} bytes, the limit for a message is {MAX_DOCUMENT_BYTES:,}; use an artifact")
    return raw


def _escape(text: str) -> str:
    # isprintable is ten times as fast as the pattern and says yes to most texts
    if not text.isprintable():
        check_text(text)
    text = redacted(text)
    if "&" in text:
        text = text.replace("&", "&amp;")
    if "<" in text:
        text = text.replace("<", "&lt;")
    if ">" in text:
        text = text.replace(">", "&gt;")
    # A parser turns a bare carriage return into a line feed: two texts would become one.
    return text.replace("\r", "&#13;") if "\r" in text else text


def check_text(text: str) -> None:
    """Raises Invalid: a character of it cannot stand in XML."""
    bad = _FORBIDDEN.search(text)
    if bad:
        near = text[max(0, bad.start() - 20) : bad.start()]
        raise Invalid(f"U+{ord(bad.group()):04X} cannot stand in XML (after {near!r}); remove or replace it")


def mended(text: str) -> str:
    """Return a text with U+FFFD for each character that cannot stand in XML."""
    return _FORBIDDEN.sub("\ufffd", text)


def _escape_attribute(text: str) -> str:
    return _escape(text).replace('"', "&quot;").replace("\n", "&#10;").replace("\t", "&#9;")


_word: Final[Render] = attrgetter("_value_")  # of a member of an Enum; .value is a property and costs three times that


def _shown(field: Field) -> Render | None:
    """Return the function that turns one leaf value of a field into text, escaped where it must be."""
    if field.tag in _STAMPS:
        return render_timestamp
    if field.inner is str and not field.is_plain:
        return _escape_attribute if field.kind is Kind.ATTRIBUTE else _escape
    if field.inner is bool:
        return {True: "true", False: "false"}.__getitem__
    if field.inner is Decimal:
        return lambda value: f"{value:f}"
    return _word if issubclass(field.inner, Enum) else None


def _writer(model: type[BaseModel]) -> Render:
    """Return the function that renders a model's content (children and text), without its own tags."""
    parts = [_part(field) for field in TABLES[model] if field.kind is not Kind.ATTRIBUTE]
    return lambda value: _rendered(parts, value.__dict__)


def _part(field: Field) -> Part:
    """Return how one child, list of children or text of a model is written."""
    opening, closing = f"<{field.tag}>", f"</{field.tag}>"
    if field.kind is Kind.CONTENT:
        return field.name, "", "", _shown(field)
    if field.kind is Kind.LEAF:
        return field.name, opening, closing, _shown(field)
    element = _element_writer(field.item_tag or field.tag, field)
    if field.kind is Kind.ITEMS:
        return field.name, "", "", lambda items: f"{opening}{''.join(map(element, items))}{closing}" if items else ""
    if field.kind is Kind.REPEATED:
        return field.name, "", "", lambda items: "".join(map(element, items))
    return field.name, "", "", element


def _element_writer(tag: str, field: Field) -> Render:
    """Return the function that renders one element of this tag with its attributes."""
    model = field.inner
    if model not in TABLES:
        shown = _shown(field) or str
        return lambda value: f"<{tag}>{shown(value)}</{tag}>"
    attributes = [(f.name, f' {f.tag}="', '"', _shown(f)) for f in TABLES[model] if f.kind is Kind.ATTRIBUTE]
    return lambda value: f"<{tag}{_rendered(attributes, value.__dict__)}>{_WRITERS[model](value)}</{tag}>"


_WRITERS: Final = {model: _writer(model) for model in TABLES}
_SHOWN_IN_CONTEXT: Final = {"timestamp": render_timestamp, "integrity": _word, "confidentiality": _word}
_CONTEXT: Final[list[Part]] = [
    (name, f"<{tag}>", f"</{tag}>", _SHOWN_IN_CONTEXT.get(tag)) for tag, name in CONTEXT.items()
]
_TAIL: Final[list[Part]] = [
    ("usage", "<usage>", "</usage>", _WRITERS[Usage]),
    ("gates", "<quality-gates>", "</quality-gates>", _WRITERS[QualityGates]),
]
