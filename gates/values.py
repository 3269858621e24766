"""Files that pass between specialists and gates as values: read with one class by both, and nothing in them boundless.

A file, a list, a text, a number: what is beyond its bound is refused when it is read, with the place where it stands.
"""

from decimal import Decimal
from typing import ClassVar, Final, TypeVar
from unicodedata import category

from pydantic import BaseModel, ConfigDict, ValidationError, field_validator

from protocol.errors import SourceError

MAX_BYTES: Final = 4_000_000
MAX_ITEMS: Final = 4_000
MAX_TEXT: Final = 8_000
_MIN_POWER: Final = -60


class Value(BaseModel):
    """A file, or a part of one. MAX_POWER: no number in it has more digits before the point than that and one."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    # Far beyond any volt, ampere or dollar; 1E999999 would take a gigabyte to write out, and minutes to compare.
    MAX_POWER: ClassVar[int] = 9

    @field_validator("*")
    @classmethod
    def _is_bounded(cls, value: object) -> object:
        if isinstance(value, Decimal | int):
            bound_number(Decimal(value), cls.MAX_POWER)
        elif isinstance(value, str):
            _bound_text(value)
        elif isinstance(value, tuple):
            _bound_list(value)
        return value


def bound_number(value: Decimal, max_power: int = Value.MAX_POWER) -> None:
    """Raises ValueError: the number is not finite, or larger or finer than anything that is measured."""
    power = value.as_tuple().exponent
    if not isinstance(power, int):
        raise ValueError("the number is not finite")
    if power < _MIN_POWER or (value and value.adjusted() > max_power) or power > max_power:
        raise ValueError("the number is out of any range that is measured")


def _bound_text(value: str) -> None:
    if len(value) > MAX_TEXT:
        raise ValueError(f"the text is longer than {MAX_TEXT} characters")
    if any(category(letter) in {"Cc", "Cs"} for letter in value if letter not in "\n\t"):
        raise ValueError("the text holds control characters")


def _bound_list(value: tuple[object, ...]) -> None:
    if len(value) > MAX_ITEMS:
        raise ValueError(f"the list is longer than {MAX_ITEMS}")
    for item in value:
        if isinstance(item, str):
            _bound_text(item)


Read = TypeVar("Read", bound=BaseModel)


def read(kind: type[Read], data: bytes, name: str) -> Read:
    """Return a file as a value.

    Raises:
        SourceError: it is not one, or larger than MAX_BYTES; the first flaw is named.
    """
    if len(data) > MAX_BYTES:
        raise SourceError(f"{name} cannot be read: it has {len(data):,} bytes, the limit is {MAX_BYTES:,}")
    try:
        return kind.model_validate_json(data)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        place = _shown(".".join(str(part) for part in first["loc"])) or "the file"
        raise SourceError(f"{name} cannot be read: {place}: {first['msg']}") from error


def _shown(place: str) -> str:
    """A key that nobody knows may be anything: what is shown of it is short and can be printed."""
    return "".join(letter if letter.isprintable() else "?" for letter in place[:120])


def written(file: BaseModel) -> bytes:
    """Return the bytes of a file; the same values give the same bytes."""
    return file.model_dump_json(indent=1).encode() + b"\n"
