"""How alarms and switches lie in the telegrams of Seplos v2, PACE and Pylontech.

First a byte for each cell and each sensor: 0 fine, 1 at the low limit, 2 at the high one, else another fault. What
follows is each maker's own. The limits of these bytes are those that warn; protection has bits of its own.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from agents.device.protocols.telecom_fields import Fields
from agents.device.status import Status

_MOST_CELLS, _MOST_SENSORS = 32, 16
_STATES: Final = frozenset((0, 1, 2, *range(0x80, 0x100)))
_SEPLOS_FLAGS: Final = 20  # bytes of them, which the telegram states
SEPLOS_EVENTS: Final = (
    ("voltage-sensor", "temperature-sensor", "current-sensor", "key-switch",
     "cell-voltage-difference", "charge-switch", "discharge-switch", "current-limit-switch"),
    ("cell-overvoltage-warning", "cell-overvoltage", "cell-undervoltage-warning", "cell-undervoltage",
     "pack-overvoltage-warning", "pack-overvoltage", "pack-undervoltage-warning", "pack-undervoltage"),
    ("charge-overtemperature-warning", "charge-overtemperature",
     "charge-undertemperature-warning", "charge-undertemperature",
     "discharge-overtemperature-warning", "discharge-overtemperature",
     "discharge-undertemperature-warning", "discharge-undertemperature"),
    ("ambient-overtemperature-warning", "ambient-overtemperature",
     "ambient-undertemperature-warning", "ambient-undertemperature",
     "mos-overtemperature", "mos-overtemperature-warning", "", ""),
    ("charge-overcurrent-warning", "charge-overcurrent", "discharge-overcurrent-warning", "discharge-overcurrent",
     "transient-overcurrent", "short-circuit", "transient-overcurrent-lockout", "short-circuit-lockout"),
    ("charger-overvoltage", "", "low-soc-warning", "low-soc",
     "cell-too-low-to-charge", "reverse-polarity", "output-connection", ""),
)  # fmt: skip
_PACE_PROTECTION: Final = (
    ("cell-overvoltage", "cell-undervoltage", "pack-overvoltage", "pack-undervoltage",
     "charge-overcurrent", "discharge-overcurrent", "short-circuit", "charger-overvoltage"),
    ("charge-overtemperature", "discharge-overtemperature", "charge-undertemperature", "discharge-undertemperature",
     "mos-overtemperature", "ambient-overtemperature", "ambient-undertemperature", ""),
)  # fmt: skip
_PACE_FAULTS: Final = (("charge-switch", "discharge-switch", "temperature-sensor", "", "cell", "front-end"),)
_PACE_WARNINGS: Final = (
    ("cell-overvoltage-warning", "cell-undervoltage-warning", "pack-overvoltage-warning", "pack-undervoltage-warning",
     "charge-overcurrent-warning", "discharge-overcurrent-warning"),
    ("charge-overtemperature-warning", "discharge-overtemperature-warning", "charge-undertemperature-warning",
     "discharge-undertemperature-warning", "ambient-overtemperature-warning", "ambient-undertemperature-warning",
     "mos-overtemperature-warning", "low-soc-warning"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Flags:
    """What follows the bytes of cells and sensors. bits: as sent, the first byte lowest."""

    charge_fet: bool
    discharge_fet: bool
    names: frozenset[str]
    bits: int
    balance: int | None = None


def read(fields: Fields, address: int, *, rest: Callable[[Fields], Flags]) -> Status | None:
    """Return what is said of the next pack; None where that cannot be alarms."""
    cells = fields.numbers(count, 1) if (count := fields.number()) <= _MOST_CELLS else []
    sensors = fields.numbers(count, 1) if (count := fields.number()) <= _MOST_SENSORS else []
    flags = rest(fields)
    if fields.is_short or not cells or not sensors or not _STATES.issuperset(cells + sensors):
        return None
    names = flags.names | limits("cell-{}voltage-warning", cells) | limits("{}temperature-warning", sensors)
    return Status(
        address=address,
        cell_count=len(cells),
        charge_fet=flags.charge_fet,
        discharge_fet=flags.discharge_fet,
        alarms=names,
        alarm_bits=flags.bits,
        balance_bits=flags.balance,
    )


def limits(form: str, states: Sequence[int]) -> frozenset[str]:
    """Return the names that bytes of limits stand for."""
    words = {1: "under", 2: "over"}
    return frozenset(form.format(words[state]) if state in words else "other" for state in states if state)


def named(events: Sequence[int], table: Sequence[Sequence[str]]) -> frozenset[str]:
    """Return the names of the bits that are set. A bit without one is the device's own affair."""
    pairs = zip(events, table, strict=True)
    return frozenset(name for byte, names in pairs for bit, name in enumerate(names) if name and byte & (1 << bit))


def seplos(fields: Fields) -> Flags:
    current, voltage, count = fields.numbers(3, 1)
    events, switches, balance = fields.numbers(6, 1), fields.number(), fields.numbers(2, 1)
    _, open_wires = fields.number(), fields.numbers(2, 1)
    fields.numbers(max(count, _SEPLOS_FLAGS) - 12, 1)
    names = named(events, SEPLOS_EVENTS) | limits("pack-{}voltage-warning", [voltage])
    names |= limits("{}current-warning", [current]) | ({"open-wire"} if any(open_wires) else set())
    bits, lit = int.from_bytes(bytes(events), "little"), int.from_bytes(bytes(balance), "little")
    return Flags(bool(switches & 2), bool(switches & 1), names, bits, lit)


def pace(fields: Fields) -> Flags:
    charge, voltage, discharge = fields.numbers(3, 1)
    protection, switches, _ = fields.numbers(2, 1), fields.number(), fields.number()
    faults, balance, warnings = fields.numbers(1, 1), fields.numbers(2, 1), fields.numbers(2, 1)
    names = named(protection, _PACE_PROTECTION) | named(faults, _PACE_FAULTS) | named(warnings, _PACE_WARNINGS)
    bits = int.from_bytes(bytes((*protection, *faults, *warnings)), "little")
    lit = int.from_bytes(bytes(balance), "little")
    return Flags(bool(switches & 2), bool(switches & 4), names | _of_pack(charge, voltage, discharge), bits, lit)


def pylontech(fields: Fields) -> Flags:
    """Its first status byte, with what protects, is given as bits only: sources disagree on their order."""
    charge, voltage, discharge = fields.numbers(3, 1)
    protection, switches, *_ = fields.numbers(5, 1)
    return Flags(bool(switches & 2), bool(switches & 4), _of_pack(charge, voltage, discharge), protection)


def _of_pack(charge: int, voltage: int, discharge: int) -> frozenset[str]:
    currents = limits("charge-{}current-warning", [charge]) | limits("discharge-{}current-warning", [discharge])
    return currents | limits("pack-{}voltage-warning", [voltage])
