"""What can be wrong with a device and its line, as orders that a person writes: `overvoltage 7 3.72`.

1. A fault of a sensor changes what is measured, before it is said; a fault of the line changes the bytes.
2. The device raises its own alarms on what it measures, also when the measurement is the fault.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import isfinite
from random import Random
from typing import Final

from agents.device.emulation.speech import Speech
from agents.device.status import Status
from protocol.errors import SourceError

_HIGH_V, _LOW_V = 3.65, 2.50
_OPEN_WIRE_V: Final = 0.8  # how far the tap between two cells drifts when nothing holds it
_SLOW_S: Final = 2.0
_ASLEEP: Final = Status(pack_voltage_v=0.0, soc_percent=0.0, alarms=frozenset())


@dataclass(frozen=True, slots=True)
class Fault:
    """One order: its word and its numbers."""

    word: str
    numbers: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class _Order:
    usage: str
    says: str
    needed: int = 0
    otherwise: tuple[float, ...] = ()
    is_bounded: Callable[[Sequence[float], int, Speech], bool] = lambda numbers, cells, speech: True
    bounds: str = ""


def _is_cell(numbers: Sequence[float], cells: int, _: Speech) -> bool:
    return numbers[0] in range(1, cells + 1) and (len(numbers) < 2 or 0 <= numbers[1] <= 5)


def _is_wire(numbers: Sequence[float], cells: int, _: Speech) -> bool:
    return numbers[0] in range(1, cells)


def _is_sensor(numbers: Sequence[float], cells: int, speech: Speech) -> bool:
    return numbers[0] in range(1, len([cell for cell in speech.sensors if cell <= cells]) + 1)


def _is_rate(numbers: Sequence[float], *_: object) -> bool:
    return 0 <= numbers[0] <= 1


def _is_delay(numbers: Sequence[float], *_: object) -> bool:
    return 0 <= numbers[0] <= 60


def _has_address(_: Sequence[float], __: int, speech: Speech) -> bool:
    return speech.readdress is not None


ORDERS: Final[Mapping[str, _Order]] = {
    "overvoltage": _Order("overvoltage CELL V", "a cell measures V volt", 2, (), _is_cell,
                          "CELL is a cell of the pack and V is 0 to 5"),
    "open-wire": _Order("open-wire N", "the wire between cells N and N+1 is open", 1, (), _is_wire,
                        "N is a cell with one above it"),
    "stuck": _Order("stuck", "it goes on talking and has stopped measuring"),
    "open-ntc": _Order("open-ntc N", "temperature sensor N is not connected", 1, (), _is_sensor,
                       "N is a sensor that the device has"),
    "lost": _Order("lost RATE", "so many of its bytes are lost, 0 to 1", 1, (), _is_rate, "RATE is 0 to 1"),
    "flipped": _Order("flipped RATE", "so many of its bytes have a bit flipped, 0 to 1", 1, (), _is_rate,
                      "RATE is 0 to 1"),
    "silent": _Order("silent", "it says nothing"),
    "sleep": _Order("sleep", "it answers with zeros"),
    "echo": _Order("echo", "the line sends back what it is sent"),
    "unplug": _Order("unplug", "the port disappears, until `plug`"),
    "slow": _Order("slow [SECONDS]", "it answers so much later, 2 unless told", 0, (_SLOW_S,), _is_delay,
                   "SECONDS is 0 to 60"),
    "wrong-address": _Order("wrong-address", "another device on the line answers", 0, (), _has_address,
                            "the answers of this protocol bear no address"),
}  # fmt: skip


def fault_of(text: str, cells: int, speech: Speech) -> Fault:
    """Return the fault that an order asks for.

    Raises:
        SourceError: there is no such fault of such a device; the text says which there are.
    """
    word, *given = text.split() or [""]
    order = ORDERS.get(word)
    if order is None:
        raise SourceError(f"{text!r} is no fault; there are: {', '.join(one.usage for one in ORDERS.values())}")
    numbers = tuple(_number(one, order) for one in given) or order.otherwise
    if len(numbers) != max(order.needed, len(order.otherwise)):
        raise SourceError(f"{text!r}: write {order.usage}")
    if not order.is_bounded(numbers, cells, speech):
        raise SourceError(f"{text!r}: {order.bounds}")
    return Fault(word, numbers)


def _number(text: str, order: _Order) -> float:
    try:
        number = float(text)
    except ValueError:
        number = float("nan")
    if not isfinite(number):
        raise SourceError(f"{text!r} is no number: write {order.usage}")
    return number


def measured(status: Status, faults: Sequence[Fault]) -> Status:
    """Return what a device with these faults measures, and the alarms that it raises over it."""
    for fault in faults:
        status = _CHANGES.get(fault.word, _unchanged)(status, fault)
    alarms = set(status.alarms or ())
    alarms |= {"cell-overvoltage"} if max(status.cells.values(), default=0.0) > _HIGH_V else set()
    alarms |= {"cell-undervoltage"} if min(status.cells.values(), default=_LOW_V) < _LOW_V else set()
    return replace(status, alarms=frozenset(alarms))


def _unchanged(status: Status, _: Fault) -> Status:
    return status


def _overvoltage(status: Status, fault: Fault) -> Status:
    """The cell really has it: the pack has as much more."""
    cell, volts = int(fault.numbers[0]), fault.numbers[1]
    more = volts - status.cells[cell]
    return replace(
        status, cells={**status.cells, cell: volts}, pack_voltage_v=round((status.pack_voltage_v or 0.0) + more, 2)
    )


def _open_wire(status: Status, fault: Fault) -> Status:
    cell = int(fault.numbers[0])
    below, above = status.cells[cell] - _OPEN_WIRE_V, status.cells[cell + 1] + _OPEN_WIRE_V
    return replace(status, cells={**status.cells, cell: round(below, 3), cell + 1: round(above, 3)})


def _open_ntc(status: Status, fault: Fault) -> Status:
    gone = f"{int(fault.numbers[0])}"
    return replace(status, temperatures={name: value for name, value in status.temperatures.items() if name != gone})


def _asleep(status: Status, _: Fault) -> Status:
    return _ASLEEP


_CHANGES: Final[Mapping[str, Callable[[Status, Fault], Status]]] = {
    "overvoltage": _overvoltage,
    "open-wire": _open_wire,
    "open-ntc": _open_ntc,
    "sleep": _asleep,
}


def damaged(data: bytes, faults: Sequence[Fault], random: Random) -> bytes:
    """Return what of the bytes comes out at the other end of the line."""
    rates = {fault.word: fault.numbers[0] for fault in faults if fault.word in ("lost", "flipped")}
    lost, flipped = rates.get("lost", 0.0), rates.get("flipped", 0.0)
    kept = (byte for byte in data if not lost or random.random() >= lost)
    return bytes(byte ^ 1 << random.randrange(8) if flipped and random.random() < flipped else byte for byte in kept)
