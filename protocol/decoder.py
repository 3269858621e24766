"""Bytes to messages: parse, validate, then fill the models by the tables of protocol.shapes.

The schema has checked every leaf, so the models are filled without checking again: that is half of what
decoding would cost. It is sound as long as schema and models accept the same values; a property test
validates what was decoded a second time and compares.
"""

from collections.abc import Callable
from decimal import Decimal
from enum import Enum
from functools import cache
from typing import Any, Final, TypeVar

from lxml import etree
from pydantic import BaseModel

from protocol.bodies import Report
from protocol.messages import BODIES, Confidentiality, Integrity, Message, MessageType, QualityGates, Usage
from protocol.names import Priority, parse_timestamp
from protocol.shapes import CONTEXT, TABLES, Field, Kind
from protocol.xml import parse, well_formed

Read = Callable[[etree._Element], Any]
Convert = Callable[[str], Any]
M = TypeVar("M", bound=BaseModel)
# The models are frozen, so their slots are written directly: half of what object.__setattr__ costs.
_set_values, _set_fields, _set_extra, _set_private = (
    BaseModel.__dict__[slot].__set__
    for slot in ("__dict__", "__pydantic_fields_set__", "__pydantic_extra__", "__pydantic_private__")
)
_PRIORITIES: Final[dict[Any, Priority]] = {priority.value: priority for priority in Priority}
_TYPES: Final[dict[Any, MessageType]] = {kind.value: kind for kind in MessageType}
_STAMPS: Final = frozenset({"due", "taken"})


def decode(raw: bytes) -> Message:
    """Return the message that a document holds.

    Raises:
        TooLarge, Malformed, Invalid: as for `protocol.xml.parse`, and nothing else.
    """
    return read(parse(raw))


def reread(raw: bytes) -> Message:
    """Return the message of a document that was admitted before: parsed again, but not validated again.

    For what a subscriber hears from its broker, which validates at its door. The caller vouches for that.

    Raises:
        TooLarge, Malformed: the bytes are not even XML.
    """
    return read(well_formed(raw))


def read(root: etree._Element) -> Message:
    """Return the message of a root that `parse` has let through."""
    sender, recipient, kind, priority, context, payload, *tail = root
    values = dict(_ENVELOPE)
    values["sender"] = sender.text
    values["recipient"] = recipient.text
    values["priority"] = _PRIORITIES[priority.text]
    values["type"] = type_ = _TYPES[kind.text]
    for node in context:
        name, convert = _CONTEXT[node.tag]
        values[name] = node.text if convert is None else convert(node.text or "")
    model = BODIES[type_]
    values["body"] = _READERS[model](payload if model is Report else payload[0])
    for node in tail:
        if node.tag == "usage":
            values["usage"] = _READERS[Usage](node)
        else:
            values["gates"] = _gates(tuple([mark.text for mark in node]))
    return _fill(Message, values)


@cache
def _gates(marks: tuple[str | None, ...]) -> QualityGates:
    """Return the five marks as a value: frozen, so the few that occur are shared."""
    return QualityGates.model_validate(dict(zip(QualityGates.model_fields, marks, strict=True)))


def _fill(model: type[M], values: dict[str, Any]) -> M:
    """Return a model with these values, all of its fields given and already checked."""
    made = object.__new__(model)
    _set_values(made, values)
    _set_fields(made, _FIELDS[model])
    _set_extra(made, None)
    _set_private(made, None)
    return made


def _converter(inner: type, tag: str) -> Convert | None:
    """Return how the text of a leaf becomes its value; None where it is the value."""
    if tag in _STAMPS:
        return parse_timestamp
    if inner is str:
        return None
    if inner is bool:
        return {"true": True, "false": False}.__getitem__
    if issubclass(inner, Enum):
        return {str(member.value): member for member in inner}.__getitem__
    return Decimal if inner is Decimal else int


@cache
def _reader(model: type[BaseModel]) -> Read:
    """Return the function that reads an element into a model."""
    table = TABLES[model]
    if table[0].kind is Kind.REPEATED:
        return _repeated_reader(model, table)
    defaults = {name: info.default for name, info in model.model_fields.items()}
    children: dict[Any, tuple[str, Convert | None, Read | None]] = {
        field.tag: (field.name, _leaf_converter(field), _child_reader(field))
        for field in table
        if field.kind in _ELEMENTS
    }
    attributes: dict[Any, tuple[str, Convert | None]] = {
        f.tag: (f.name, _converter(f.inner, f.tag)) for f in table if f.kind is Kind.ATTRIBUTE
    }
    content = next(((f.name, _converter(f.inner, f.tag)) for f in table if f.kind is Kind.CONTENT), None)

    def read_model(element: etree._Element) -> BaseModel:
        values = dict(defaults)
        for node in element:
            name, convert, read_child = children[node.tag]
            if read_child is not None:
                values[name] = read_child(node)
            else:
                values[name] = (node.text or "") if convert is None else convert(node.text or "")
        if attributes:
            for key, value in element.items():
                known = attributes.get(key)
                if known is not None:  # the schema admits xsi:schemaLocation and the like beside ours
                    name, convert = known
                    values[name] = value if convert is None else convert(str(value))
        if content is not None:
            name, convert = content
            values[name] = (element.text or "") if convert is None else convert(element.text or "")
        return _fill(model, values)

    return read_model


def _repeated_reader(model: type[BaseModel], table: tuple[Field, ...]) -> Read:
    """Return the reader of a model that is a list of its first kind of child, and leaves behind it."""
    first, *rest = table
    read_item = _reader(first.inner)
    leaves: dict[Any, tuple[str, Convert | None]] = {field.tag: (field.name, _leaf_converter(field)) for field in rest}
    defaults = {name: info.default for name, info in model.model_fields.items()}

    def read_list(element: etree._Element) -> BaseModel:
        values, items = dict(defaults), []
        for node in element:
            if node.tag == first.item_tag:
                items.append(read_item(node))
            else:
                name, convert = leaves[node.tag]
                values[name] = (node.text or "") if convert is None else convert(node.text or "")
        values[first.name] = tuple(items)
        return _fill(model, values)

    return read_list


def _leaf_converter(field: Field) -> Convert | None:
    return _converter(field.inner, field.tag) if field.kind is Kind.LEAF else None


def _child_reader(field: Field) -> Read | None:
    """Return how a child element with elements of its own becomes a field's value; None for a leaf."""
    if field.kind is Kind.LEAF:
        return None
    if field.kind is Kind.MODEL:
        return _reader(field.inner)
    if field.inner not in TABLES:
        return lambda node: tuple([item.text or "" for item in node])
    read_item = _reader(field.inner)
    return lambda node: tuple([read_item(item) for item in node])


_FILLED: Final[list[type[BaseModel]]] = [*TABLES, Message]
_ELEMENTS: Final = (Kind.LEAF, Kind.MODEL, Kind.ITEMS)
_FIELDS: Final = {model: set(model.model_fields) for model in _FILLED}
_ENVELOPE: Final = {name: info.default for name, info in Message.model_fields.items()}
_CONVERTED: Final[dict[str, Convert]] = {
    "timestamp": parse_timestamp,
    "attempt": int,
    "integrity": Integrity,
    "confidentiality": Confidentiality,
}
_CONTEXT: Final[dict[Any, tuple[str, Convert | None]]] = {
    tag: (name, _CONVERTED.get(tag)) for tag, name in CONTEXT.items()
}
_READERS: Final = {model: _reader(model) for model in TABLES}
