"""What an emulated device says: an answer to each question it knows, or a word of its own each period."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from agents.device.status import Status

Encoder: TypeAlias = Callable[[Status], bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class Speech:
    """How a protocol is spoken.

    answers: by question. talk: what it says by itself, from a status and the number of the word, each period_s.
    sensors: the cells that have one of temperature. most_cells: that fit, or the one number that there can be.
    readdress: gives an answer as another device on the line would send it; None: its answers bear no address.
    """

    name: str
    answers: Mapping[bytes, Encoder] = field(default_factory=dict)
    talk: Callable[[Status, int], bytes] | None = None
    period_s: float = 1.0
    sensors: tuple[int, ...] = (1, 6, 11, 16)
    cells: range = range(1, 25)
    readdress: Callable[[bytes], bytes] | None = None


def bits_of(alarms: frozenset[str] | None, names: tuple[str, ...]) -> int:
    """Return a word with the bits of these alarms; one that the protocol has no name for is left out."""
    return sum(1 << bit for bit, name in enumerate(names) if name in (alarms or ()))


def whole(value: float | None, step: float = 1.0, absent: int = 0) -> int:
    """Return a value in a protocol's own steps."""
    return absent if value is None else round(value / step)
