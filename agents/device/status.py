"""What a battery says about itself at one moment, in one set of units, whatever it speaks.

Volt, ampere, ampere-hours, degrees Celsius, per cent. Current is positive into the battery. None, and a missing entry:
the device said nothing about it, or said that it has no such sensor.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any

from protocol.errors import OrchestraError


class FrameError(OrchestraError):
    """A frame is whole, but what it says cannot be: lengths that do not fit, a refusal, a type that is not known."""


class OtherDevice(FrameError):
    """A good answer of a device that was not asked: of the one that was, nothing has come."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """What one frame says. Frames of one device that say different things are put together with `merged`.

    cells: voltages by cell number, from 1. temperatures: by name, such as "1", "mos", "ambient".
    alarms: names, such as "cell-overvoltage"; empty: it says that there are none; None: it does not say.
    address: of the device on a line with several; part: for answers in several frames, which one this is, from 1.
    others: what else it says, by name, such as "max-cell-v", "min-cell", "power-w", "state".
    packs: where one frame tells of several packs, what it says of each; then it says nothing about itself.
    """

    pack_voltage_v: float | None = None
    current_a: float | None = None
    soc_percent: float | None = None
    soh_percent: float | None = None
    remaining_ah: float | None = None
    nominal_ah: float | None = None
    full_ah: float | None = None
    cycles: int | None = None
    cell_count: int | None = None
    cells: dict[int, float] = field(default_factory=dict)
    temperatures: dict[str, float] = field(default_factory=dict)
    charge_fet: bool | None = None
    discharge_fet: bool | None = None
    alarms: frozenset[str] | None = None
    alarm_bits: int | None = None
    balance_bits: int | None = None
    model: str | None = None
    address: int | None = None
    part: int | None = None
    packs: tuple["Status", ...] = ()
    others: dict[str, float | int | str | bool] = field(default_factory=dict)


def merged(statuses: Sequence[Status]) -> Status:
    """Return one status that says what several of one device say: its parts, or its answers to several questions.

    Where two say the same thing, the later one counts; alarms add up. Packs with one address are one pack.
    """
    values = {one.name: _merged([getattr(status, one.name) for status in statuses]) for one in fields(Status)}
    return Status(**{**{name: value for name, value in values.items() if value is not None}, "part": None})


def side_by_side(statuses: Iterable[Status]) -> Status:
    """Return one status about the packs that several statuses are of, or tell of."""
    return Status(packs=tuple(_merged_packs([pack for status in statuses for pack in status.packs or (status,)])))


def _merged_packs(packs: Sequence[Status]) -> Iterator[Status]:
    by_address = dict[int, list[Status]]()
    for place, pack in enumerate(packs):
        # Without an address nobody knows whether two are the same; below zero there are none.
        by_address.setdefault(-1 - place if pack.address is None else pack.address, []).append(pack)
    yield from (one[0] if len(one) == 1 else merged(one) for one in by_address.values())


def inverted(status: Status) -> Status:
    """Return what a status says with its current the other way round, that of its packs included."""
    current_a = None if status.current_a is None else 0.0 - status.current_a
    return replace(status, current_a=current_a, packs=tuple(inverted(pack) for pack in status.packs))


def is_measured(status: Status) -> bool:
    """Return whether a status holds what a battery measures, and not only what a device says of itself."""
    return status.pack_voltage_v is not None or bool(status.cells) or any(map(is_measured, status.packs))


def packs_of(device: str, status: Status) -> Mapping[str, Status]:
    """Return what a status says of each pack, by name; a device without packs behind it is one itself.

    A device that only tells of others is heard, and says nothing of its own.
    """
    if not status.packs:
        return {device: status}
    behind = {f"{device}/{_number(pack, place)}": pack for place, pack in enumerate(status.packs, 1)}
    return {device: Status(), **behind}


def _number(pack: Status, place: int) -> int:
    return place if pack.address is None else pack.address


def _merged(values: Sequence[Any]) -> Any:
    said = [value for value in values if value is not None]
    if said and isinstance(said[0], dict):
        return {name: value for one in said for name, value in one.items()}
    if said and isinstance(said[0], frozenset):
        return frozenset().union(*said)
    if said and isinstance(said[0], tuple):
        return tuple(_merged_packs([pack for packs in said for pack in packs]))
    return said[-1] if said else None
