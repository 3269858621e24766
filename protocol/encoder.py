"""Messages to bytes.

1. decode(encode(message)) == message for every message.
2. encode writes only what the schema accepts; what XML cannot carry (U+0000, lone surrogates) is Invalid.

Text is rendered with escaping instead of building a tree: 4-5 µs against 24-64 µs for a message of 1 KB.
Every leaf was checked by its type when the model was made, so nothing is checked again here.
"""

import re
from collections.abc import Callable
from decimal import Decimal
from enum import Enum
from typing import Any, Final

from pydantic import BaseModel

from protocol.errors import Invalid, TooLarge
from protocol.messages import Message, QualityGates, Usage
from protocol.names import render_timestamp
from protocol.shapes import CONTEXT, TABLES, Field, Kind
from protocol.xml import MAX_DOCUMENT_BYTES, REPORT_TYPES

_FORBIDDEN: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_STAMPS: Final = frozenset({"due", "taken"})

Render = Callable[[Any], str]


def encode(message: Message) -> bytes:
    """Return the message as one UTF-8 XML document.

    Raises:
        Invalid: a text holds characters that XML cannot carry.
        TooLarge: the document would be over the limit for messages; use an artifact.
    """
    body, kind = _WRITERS[type(message.body)](message.body), message.type.value
    if kind not in REPORT_TYPES:
        body = f"<{kind}>{body}</{kind}>"
    text = (
        f"<agent-message><sender>{message.sender}</sender><recipient>{message.recipient}</recipient>"
        f"<type>{kind}</type><priority>{message.priority.value}</priority>"
        f"<context>{_context(message)}</context><payload>{body}</payload>{_tail(message)}</agent-message>"
    )
    return _bytes(text)


def _context(message: Message) -> str:
    values = message.__dict__
    parts = [f"<task-id>{message.task}</task-id>"]
    for name, opening, closing, shown in _CONTEXT_PARTS:
        value = values[name]
        if value is not None:
            parts.append(f"{opening}{shown(value)}{closing}")
    return "".join(parts)


def _tail(message: Message) -> str:
    text = ""
    if message.usage is not None:
        text += f"<usage>{_WRITERS[Usage](message.usage)}</usage>"
    if message.gates is not None:
        text += f"<quality-gates>{_WRITERS[QualityGates](message.gates)}</quality-gates>"
    return text


def _bytes(text: str) -> bytes:
    # isprintable is ten times as fast and says yes to most messages
    bad = None if text.isprintable() else _FORBIDDEN.search(text)
    if bad:
        near = text[max(0, bad.start() - 20) : bad.start()]
        raise Invalid(f"U+{ord(bad.group()):04X} cannot stand in XML (after {near!r}); remove or replace it")
    raw = text.encode()
    if len(raw) > MAX_DOCUMENT_BYTES:
        raise TooLarge(f"{len(raw):,} bytes, the limit for a message is {MAX_DOCUMENT_BYTES:,}; use an artifact")
    return raw


def _escape(text: str) -> str:
    if "&" in text:
        text = text.replace("&", "&amp;")
    if "<" in text:
        text = text.replace("<", "&lt;")
    if ">" in text:
        text = text.replace(">", "&gt;")
    # A parser turns a bare carriage return into a line feed: two texts would become one.
    return text.replace("\r", "&#13;") if "\r" in text else text


def _escape_attribute(text: str) -> str:
    return _escape(text).replace('"', "&quot;").replace("\n", "&#10;").replace("\t", "&#9;")


def _shown(field: Field) -> Render:
    """Return the function that turns one leaf value of a field into text, escaped where it must be."""
    if field.tag in _STAMPS:
        return render_timestamp
    if field.inner is str and field.is_plain:
        return str
    if field.inner is str:
        return _escape if field.kind is not Kind.ATTRIBUTE else _escape_attribute
    if field.inner is bool:
        return lambda value: "true" if value else "false"
    if field.inner is Decimal:
        return lambda value: f"{value:f}"
    return _word if issubclass(field.inner, Enum) else str


def _word(value: Enum) -> str:
    return str(value.value)


def _writer(model: type[BaseModel]) -> Render:
    """Return the function that renders a model's content (children and text), without its own tags."""
    parts = [_part_writer(field) for field in TABLES[model] if field.kind is not Kind.ATTRIBUTE]

    def render(value: BaseModel) -> str:
        values = value.__dict__
        return "".join([part(values) for part in parts])

    return render


def _part_writer(field: Field) -> Callable[[dict[str, Any]], str]:
    """Return the function that renders one field of a model from the model's values."""
    name, opening, closing = field.name, f"<{field.tag}>", f"</{field.tag}>"
    if field.kind is Kind.CONTENT:
        shown = _shown(field)
        return lambda values: shown(values[name])
    if field.kind is Kind.LEAF:
        shown = _shown(field)
        return lambda values: "" if (one := values[name]) is None else f"{opening}{shown(one)}{closing}"
    element = _element_writer(field.item_tag or field.tag, field)
    if field.kind is Kind.ITEMS:
        return lambda values: f"{opening}{''.join(map(element, items))}{closing}" if (items := values[name]) else ""
    if field.kind is Kind.REPEATED:
        return lambda values: "".join(map(element, values[name]))
    return lambda values: "" if (one := values[name]) is None else element(one)


def _element_writer(tag: str, field: Field) -> Render:
    """Return the function that renders one element of this tag with its attributes."""
    if field.inner not in TABLES:
        shown = _shown(field)
        return lambda value: f"<{tag}>{shown(value)}</{tag}>"
    model = field.inner
    attributes = [(f.name, f.tag, _shown(f)) for f in TABLES[model] if f.kind is Kind.ATTRIBUTE]

    def render(value: BaseModel) -> str:
        values = value.__dict__
        given = [f' {key}="{shown(one)}"' for name, key, shown in attributes if (one := values[name]) is not None]
        return f"<{tag}{''.join(given)}>{_WRITERS[model](value)}</{tag}>"

    return render


_CONTEXT_SHOWN: Final[dict[str, Render]] = {
    "timestamp": render_timestamp,
    "integrity": _word,
    "confidentiality": _word,
}
_CONTEXT_PARTS: Final = [
    (name, f"<{tag}>", f"</{tag}>", _CONTEXT_SHOWN.get(tag, str)) for tag, name in CONTEXT.items() if tag != "task-id"
]
_WRITERS: Final = {model: _writer(model) for model in TABLES}
