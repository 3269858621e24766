"""Where the marks of a time axis stand and what they say, in UTC."""

from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil
from typing import Final

from observers.battery.history import NS
from protocol.names import render_timestamp

_DAY: Final = 86_400
_STEPS_S: Final = (
    0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800,
    3600, 7200, 10_800, 21_600, 43_200,
)  # fmt: skip
_LONG: Final = tuple(days * 10**power * _DAY for power in range(7) for days in (1, 2, 5))
_MOST: Final = 9
_FIRST_S: Final = -62_135_596_800  # the years 1 to 9999, which is what messages can say
_LAST_S: Final = 253_402_300_799


@dataclass(frozen=True, slots=True)
class Tick:
    """A mark. at_s: seconds since the axis begins. label: one line, or two with the day where it changes."""

    at_s: float
    label: str


def ticks(begin_s: float, end_s: float) -> tuple[Tick, ...]:
    """Return the marks of an axis between two moments, given in seconds since 1970."""
    span_s = end_s - begin_s
    step_s = next((step for step in (*_STEPS_S, *_LONG) if span_s / step <= _MOST), span_s)
    return tuple(_ticks(begin_s, end_s, step_s))


def moment(at_s: float) -> str:
    """Return a moment as people read it, to the second."""
    return _text(at_s)[:19].replace("T", " ")


def clock(at_s: float) -> str:
    """Return the time of the day, to the second."""
    return _text(at_s)[11:19]


def _ticks(begin_s: float, end_s: float, step_s: float) -> Iterator[Tick]:
    day = ""
    for number in range(ceil(begin_s / step_s), int(end_s // step_s) + 1):
        at_s = number * step_s
        text = _text(at_s)
        if step_s >= _DAY:
            yield Tick(at_s - begin_s, text[:10])
            continue
        yield Tick(at_s - begin_s, _time(text, step_s) + ("" if text[:10] == day else f"\n{text[:10]}"))
        day = text[:10]


def _time(text: str, step_s: float) -> str:
    if step_s < 1:
        return f"{text[11:19]}.{text[20:-1].ljust(3, '0')[:3]}"
    return text[11:16] if step_s >= 60 else text[11:19]


def _text(at_s: float) -> str:
    # To the microsecond: that is how fine seconds since 1970 are as a float.
    return render_timestamp(round(min(max(at_s, _FIRST_S), _LAST_S) * 1_000_000) * (NS // 1_000_000))
