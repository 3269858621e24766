"""The leaf types of messages: each the twin of a simple type in schema/names.xsd.

A value that a model accepts is a value that the schema accepts; a property test holds the two together.
"""

from datetime import UTC, datetime
from decimal import Decimal
from enum import Enum
from functools import lru_cache
from typing import Annotated, Any, Final

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints, TypeAdapter, ValidationError

MAX_ITEMS: Final = 4096  # of any list; the maxOccurs of the schema

AgentName = Annotated[str, StringConstraints(pattern=r"^@[A-Za-z0-9][A-Za-z0-9._\-]{0,62}$")]
Identifier = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:/@#\-]{0,199}$")]
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
MediaType = Annotated[str, StringConstraints(pattern=r"^[a-z]{1,20}/[A-Za-z0-9.+\-]{1,80}$")]
Unit = Annotated[str, StringConstraints(max_length=32)]
Path = Annotated[str, StringConstraints(min_length=1, max_length=1024)]
Label = Annotated[str, StringConstraints(max_length=200)]
Text = Annotated[str, StringConstraints(max_length=65536)]
Count = Annotated[int, Field(ge=0, lt=10**18)]
Integer = Annotated[int, Field(gt=-(10**9), lt=10**9)]


class Priority(Enum):
    CRITICAL = "critical"
    HIGH = "high"
    NORMAL = "normal"
    LOW = "low"


RANK: Final = {priority: rank for rank, priority in enumerate(Priority)}  # 0 is the most urgent


def _short(value: Decimal) -> Decimal:
    """Return the same number in a spelling the schema has: 0E+20 and 1.0000000000 are too long to write."""
    return value if -9 <= int(value.as_tuple().exponent) <= 0 else Decimal(f"{value.normalize():f}")


Number = Annotated[
    Decimal,
    Field(max_digits=21, decimal_places=9, gt=-(10**12), lt=10**12, allow_inf_nan=False),
    AfterValidator(_short),
]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LAST_NS = 253_402_300_799_999_999_999  # 9999-12-31T23:59:59.999999999Z
_FIRST_NS = -62_135_596_800_000_000_000  # 0001-01-01T00:00:00Z


_AGENT_NAME: Final = TypeAdapter(AgentName)
_IDENTIFIER: Final = TypeAdapter(Identifier)


def is_agent_name(text: str) -> bool:
    """Return whether a text can be the name of an agent."""
    return _is(_AGENT_NAME, text)


def is_identifier(text: str) -> bool:
    """Return whether a text can name a task, a skill or a message."""
    return _is(_IDENTIFIER, text)


def _is(kind: TypeAdapter[str], text: str) -> bool:
    try:
        kind.validate_python(text)
    except ValidationError:
        return False
    return True


def parse_timestamp(text: str) -> int:
    """Return nanoseconds since 1970-01-01T00:00Z of an ISO 8601 text; without a zone it is UTC.

    Raises:
        ValueError: there is no such moment (30 February) or it is outside the years 1 to 9999.
    """
    seconds, _, rest = text.partition(".")
    digits = len(rest) - len(rest.lstrip("0123456789"))
    moment = datetime.fromisoformat(seconds + rest[digits:])
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    span = moment - _EPOCH
    stamp_ns = (span.days * 86_400 + span.seconds) * 1_000_000_000 + int(rest[:digits].ljust(9, "0") or 0)
    if not _FIRST_NS <= stamp_ns <= _LAST_NS:
        raise ValueError(f"{text} is outside the years 1 to 9999")
    return stamp_ns


def render_timestamp(stamp_ns: int) -> str:
    """Return the ISO 8601 text, in UTC, of nanoseconds since 1970-01-01T00:00Z."""
    seconds, fraction_ns = divmod(stamp_ns, 1_000_000_000)
    fraction = f".{fraction_ns:09}".rstrip("0") if fraction_ns else ""
    return f"{_render_second(seconds)}{fraction}Z"


@lru_cache(maxsize=16)
def _render_second(seconds: int) -> str:
    """Return date and time of a whole second; messages come in bursts, so the last few are worth keeping."""
    days, second = divmod(seconds, 86_400)
    day = datetime.fromordinal(_EPOCH.toordinal() + days)
    clock = f"{second // 3600:02}:{second // 60 % 60:02}:{second % 60:02}"
    return f"{day.year:04}-{day.month:02}-{day.day:02}T{clock}"


def _stamp(value: Any) -> Any:
    return parse_timestamp(value) if isinstance(value, str) else value


Timestamp = Annotated[int, BeforeValidator(_stamp), Field(ge=_FIRST_NS, le=_LAST_NS)]
