"""How models are laid out as elements: tables made once from the models, used in both directions."""

from dataclasses import dataclass
from enum import Enum
from types import UnionType
from typing import Any, Final, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from protocol.bodies import Attribute, Content, Items
from protocol.messages import BODIES, QualityGates, Usage


class Kind(Enum):
    LEAF = "leaf"
    ATTRIBUTE = "attribute"
    CONTENT = "content"
    MODEL = "model"
    ITEMS = "items"
    REPEATED = "repeated"


@dataclass(frozen=True, slots=True)
class Field:
    """How one field is written: under which tag, as what, and of which model or leaf type.

    is_plain: a text whose pattern leaves nothing to escape.
    """

    name: str
    tag: str
    kind: Kind
    inner: type
    item_tag: str = ""
    is_plain: bool = False


def _tag(name: str) -> str:
    return name.replace("_", "-")


def _bare(annotation: Any) -> Any:
    """Return the type behind Optional and Annotated."""
    if get_origin(annotation) in (Union, UnionType):
        return _bare(next(arg for arg in get_args(annotation) if arg is not type(None)))
    return _bare(get_args(annotation)[0]) if hasattr(annotation, "__metadata__") else annotation


def _field(name: str, info: FieldInfo) -> Field:
    bare = _bare(info.annotation)
    items = next((mark for mark in info.metadata if isinstance(mark, Items)), None)
    if get_origin(bare) is tuple:
        inner = _bare(get_args(bare)[0])
        kind = Kind.ITEMS if items else Kind.REPEATED
        plain = _has_pattern(get_args(bare)[0])
        return Field(name, _tag(name), kind, inner, items.tag if items else "task", plain)
    plain = _has_pattern(info.annotation) or _has_pattern(info)
    if Attribute in info.metadata:
        return Field(name, _tag(name), Kind.ATTRIBUTE, bare, is_plain=plain)
    if Content in info.metadata:
        return Field(name, "", Kind.CONTENT, bare)
    kind = Kind.MODEL if issubclass(bare, BaseModel) else Kind.LEAF
    return Field(name, _tag(name), kind, bare, is_plain=plain)


def _has_pattern(annotation: Any) -> bool:
    """Return whether a leaf is held to an ASCII pattern; none of ours admits &, <, > or a quote."""
    if get_origin(annotation) in (Union, UnionType):
        return any(_has_pattern(arg) for arg in get_args(annotation))
    marks = getattr(annotation, "__metadata__", ()) or getattr(annotation, "metadata", ())
    return any(getattr(mark, "pattern", None) for mark in marks)


def _table(model: type[BaseModel]) -> tuple[Field, ...]:
    return tuple(_field(name, info) for name, info in model.model_fields.items())


def _tables() -> dict[type[BaseModel], tuple[Field, ...]]:
    """Return the table of every model that can stand in a message, found from the bodies inwards."""
    tables: dict[type[BaseModel], tuple[Field, ...]] = {}
    waiting: list[type[BaseModel]] = [*BODIES.values(), Usage, QualityGates]
    while waiting:
        model = waiting.pop()
        if model not in tables:
            tables[model] = _table(model)
            waiting += [field.inner for field in tables[model] if issubclass(field.inner, BaseModel)]
    return tables


TABLES: Final = _tables()
# The envelope groups these fields of Message under <context>, in this order.
CONTEXT: Final = {
    "task-id": "task",
    "parent-task": "parent_task",
    "timestamp": "timestamp_ns",
    "message-id": "id",
    "mission-id": "mission",
    "cause": "cause",
    "attempt": "attempt",
    "integrity": "integrity",
    "confidentiality": "confidentiality",
}
