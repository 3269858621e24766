"""How telemetry lies in the telegrams of Seplos v2, PACE and Pylontech, as text or as bytes."""

from dataclasses import dataclass
from typing import Any, Final

from agents.device.status import Status

_MOST_CELLS, _MOST_SENSORS = 32, 16
_ZERO_CELSIUS: Final = 2731  # tenths of a kelvin
_NO_SENSOR: Final = (0, 0x7FFF, 0xFFFF)
_NO_VALUE: Final = 0xFFFF
PORT_VOLTAGE: Final = "port-voltage-v"


@dataclass(frozen=True, slots=True)
class Layout:
    """volt, ampere, hours: how many of the device's units make one of ours.

    tail: what each word after the remaining capacity is, and its unit likewise.
    first, last: names of the first and of the last sensors of temperature; those between are numbered.
    spare_bytes: the size of each value that follows those of the tail, of which there can be more.
    has_wide_tail: more than two words of tail: then capacities in 24 bits follow the two.
    """

    volt: int
    ampere: int
    hours: int
    tail: tuple[tuple[str, int], ...]
    first: tuple[str, ...] = ()
    last: tuple[str, ...] = ()
    spare_bytes: int = 2
    has_wide_tail: bool = False


class Fields:
    """Big-endian numbers read one after the other. is_short: more was read than there is; that reads as zeros."""

    def __init__(self, data: bytes) -> None:
        self._data, self._at, self.is_short = data, 0, False

    @property
    def left(self) -> int:
        return len(self._data) - self._at

    def number(self, size: int = 1, *, is_signed: bool = False) -> int:
        """Return the next number of so many bytes."""
        self.is_short = self.is_short or self.left < size
        taken = self._data[self._at : self._at + size]
        self._at += len(taken)
        return int.from_bytes(taken.ljust(size, b"\0"), "big", signed=is_signed)

    def numbers(self, count: int, size: int = 2) -> list[int]:
        return [self.number(size) for _ in range(count)]


def telemetry(fields: Fields, address: int, *, layout: Layout, is_sign_flipped: bool = False) -> Status | None:
    """Return what is said of the next pack; None where that cannot be telemetry."""
    cells = fields.numbers(cell_count) if (cell_count := fields.number()) <= _MOST_CELLS else []
    sensors = fields.numbers(sensor_count) if (sensor_count := fields.number()) <= _MOST_SENSORS else []
    current, volts = fields.number(2, is_signed=True), fields.number(2)
    values = _tail(fields, layout)
    others = {PORT_VOLTAGE: values.pop(PORT_VOLTAGE)} if PORT_VOLTAGE in values else {}
    if fields.is_short or not cells or not sensors:
        return None
    return Status(
        address=address,
        cell_count=cell_count,
        cells={number: raw / 1000 for number, raw in enumerate(cells, 1) if raw != _NO_VALUE},
        temperatures=celsius(_named(sensors, layout)),
        current_a=current / (-layout.ampere if is_sign_flipped else layout.ampere),
        pack_voltage_v=volts / layout.volt,
        others=others,
        **values,
    )


def celsius(sensors: dict[str, int]) -> dict[str, float]:
    """Return temperatures sent in tenths of a kelvin, without those of sensors that are not there."""
    return {name: (raw - _ZERO_CELSIUS) / 10 for name, raw in sensors.items() if raw not in _NO_SENSOR}


def _named(sensors: list[int], layout: Layout) -> dict[str, int]:
    plain = len(sensors) - len(layout.first) - len(layout.last)
    # Fewer sensors than have names of their own: nobody says which are left out.
    first, last = (layout.first, layout.last) if plain > 0 else ((), ())
    numbered = [str(number) for number in range(1, len(sensors) - len(first) - len(last) + 1)]
    return dict(zip((*first, *numbered, *last), sensors, strict=True))


def _tail(fields: Fields, layout: Layout) -> dict[str, Any]:
    """Return the capacities and what follows: the words that are known; the rest is stepped over."""
    remaining, count = fields.number(2), fields.number()
    words = fields.numbers(min(count, len(layout.tail)))
    values: dict[str, Any] = {} if remaining == _NO_VALUE else {"remaining_ah": remaining / layout.hours}
    for (name, step), raw in zip(layout.tail, words, strict=False):
        if raw != _NO_VALUE:
            values[name] = raw if step == 1 else raw / step
    if layout.has_wide_tail and count > len(words):
        values |= {name: fields.number(3) / layout.hours for name in ("remaining_ah", "full_ah")}
    else:
        fields.numbers(count - len(words), layout.spare_bytes)
    return values
