"""Hypothesis strategies for messages, derived from the models: any field a model has, a strategy fills."""

from collections.abc import Iterator
from decimal import Decimal
from enum import Enum
from functools import cache
from types import UnionType
from typing import Any, Final, Union, get_args, get_origin

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from protocol.messages import BODIES, Message, MessageType

# What has broken encoders before: line ends, quotes, markup, the ends of the planes, white space of other kinds.
AWKWARD: Final = (
    *["\r", "\n", "\r\n", "\t", " ", '"', "'", "&", "&amp;", "&#13;", "<", ">", "]]>", "<![CDATA[", "<!--", "-->"],
    *["<?x?>", "\x7f", "\x85", "\xa0", "\u2028", "\ud7ff", "\ue000", "\ufffd", "\U00010000", "\U0010ffff", "✓", "µΩ"],
)
_MOST_CHARACTERS: Final = 40
_XML: Final = st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff")
_PIECES: Final = st.one_of(st.text(_XML, max_size=6), st.sampled_from(AWKWARD))


def messages(kind: MessageType) -> SearchStrategy[Message]:
    """Return a strategy for every message of a type, optional fields given or not."""
    parts = {name: _of_field(info) for name, info in Message.model_fields.items() if name not in ("type", "body")}
    return st.builds(Message, type=st.just(kind), body=bodies(BODIES[kind]), **parts)


@cache
def bodies(model: type[BaseModel]) -> SearchStrategy[Any]:
    """Return a strategy for every value of a model."""
    return st.builds(model, **{name: _of_field(info) for name, info in model.model_fields.items()})


def _of_field(info: FieldInfo) -> SearchStrategy[Any]:
    return _of(info.annotation, list(_flat(info.metadata)))


def _of(annotation: Any, marks: list[Any]) -> SearchStrategy[Any]:
    if hasattr(annotation, "__metadata__"):
        return _of(get_args(annotation)[0], [*marks, *_flat(annotation.__metadata__)])
    if get_origin(annotation) in (Union, UnionType):
        inner = next(arg for arg in get_args(annotation) if arg is not type(None))
        return st.none() | _of(inner, marks)
    if get_origin(annotation) is tuple:
        return st.lists(_of(get_args(annotation)[0], []), max_size=2).map(tuple)
    if annotation is str:
        return _strings(marks)
    if annotation is bool:
        return st.booleans()
    if annotation is int:
        return _integers(marks)
    if annotation is Decimal:
        return _decimals()
    return st.sampled_from(list(annotation)) if issubclass(annotation, Enum) else bodies(annotation)


def _flat(marks: Any) -> Iterator[Any]:
    for mark in marks:
        yield from mark.metadata if isinstance(mark, FieldInfo) else [mark]


def _limit(marks: list[Any], name: str) -> Any:
    return next((value for mark in marks if (value := getattr(mark, name, None)) is not None), None)


def _strings(marks: list[Any]) -> SearchStrategy[str]:
    pattern = _limit(marks, "pattern")
    if pattern is not None:
        return st.from_regex(pattern.removesuffix("$") + r"\Z")
    least, most = _limit(marks, "min_length") or 0, _limit(marks, "max_length")
    short = st.lists(_PIECES, max_size=5).map("".join).map(lambda text: text[: min(most, _MOST_CHARACTERS)])
    edges = st.sampled_from(["Ω" * min(most, 300), "\r" * min(most, 300), " "])
    return (short | edges).filter(lambda text: len(text) >= least)


def _integers(marks: list[Any]) -> SearchStrategy[int]:
    low, high = _limit(marks, "ge"), _limit(marks, "le")
    low = _limit(marks, "gt") + 1 if low is None else low
    high = _limit(marks, "lt") - 1 if high is None else high
    return st.integers(low, high) | st.sampled_from([low, high, max(low, 0)])


def _decimals() -> SearchStrategy[Decimal]:
    edges = [
        "0",
        "-0",
        "0.000000001",
        "-999999999999.999999999",
        "999999999999",
        "1E+5",
        "0E+20",
        "1.0000000000",
        "-0.50",
    ]
    return st.sampled_from(edges).map(Decimal) | st.decimals(-(10**12) + 1, 10**12 - 1, places=9)
