"""Daly's protocol, spoken: see `agents.device.protocols.daly_a5`. Temperatures are in whole degrees."""

import struct
from collections.abc import Mapping
from functools import partial
from typing import Final

from agents.device.emulation.speech import Encoder, Speech, bits_of, whole
from agents.device.protocols.daly_a5 import ALARMS, BLUETOOTH, NAME, WIRED, ask, check_sum
from agents.device.status import Status

_SENSORS: Final = 4
_STRANGER: Final = 2


def frame(command: int, data: bytes, address: int = 1) -> bytes:
    """Return a frame that holds these eight bytes."""
    body = bytes((0xA5, address, command, 8)) + data.ljust(8, b"\0")
    return body + bytes((check_sum(body),))


def _soc(status: Status) -> bytes:
    current = 0 if status.current_a is None else 30000 - whole(status.current_a, 0.1)
    return struct.pack(">HHHH", whole(status.pack_voltage_v, 0.1), 0, current, whole(status.soc_percent, 0.1))


def _extreme_cells(status: Status) -> bytes:
    if not status.cells:
        return b""
    high, low = (pick(status.cells, key=lambda one: status.cells[one]) for pick in (max, min))
    return struct.pack(">HBHB", whole(status.cells[high], 0.001), high, whole(status.cells[low], 0.001), low)


def _extreme_temperatures(status: Status) -> bytes:
    warm = status.temperatures
    if not warm:
        return b""
    high, low = (pick(warm, key=lambda one: warm[one]) for pick in (max, min))
    return bytes((whole(warm[high]) + 40, int(high), whole(warm[low]) + 40, int(low)))


def _fets(status: Status) -> bytes:
    current = status.current_a or 0.0
    state = 0 if current == 0 else 1 if current > 0 else 2
    switches = bool(status.charge_fet), bool(status.discharge_fet)
    life = 1 if status.cell_count else 0  # an awake device never says zeros alone
    return struct.pack(">BBBBI", state, *switches, life, whole(status.remaining_ah, 0.001))


def _counts(status: Status) -> bytes:
    sensors = _SENSORS if status.cell_count else 0
    return struct.pack(">BBBBBH", status.cell_count or 0, sensors, 0, 0, 0, status.cycles or 0)


def _cells(status: Status) -> bytes:
    """Three to a frame, and in the places past the last one what was there before, as real devices do."""
    count = status.cell_count or 0
    volts = [whole(status.cells.get(number), 0.001) for number in range(1, count + 1)]
    spare = volts[-3:] * 2
    parts = [volts[at : at + 3] for at in range(0, count, 3)]
    full = [(part + spare)[:3] + [0] * max(0, 3 - len(part + spare)) for part in parts]
    return b"".join(frame(0x95, struct.pack(">BHHH", number, *part)) for number, part in enumerate(full, 1))


def _temperatures(status: Status) -> bytes:
    warm = [status.temperatures.get(f"{number}") for number in range(1, _SENSORS + 1)]
    return frame(0x96, bytes((1, *(0 if one is None else whole(one) + 40 for one in warm))))


def _balance(status: Status) -> bytes:
    return (status.balance_bits or 0).to_bytes(6, "little")


def _faults(status: Status) -> bytes:
    return bits_of(status.alarms, ALARMS).to_bytes(7, "little")


def _framed(command: int, data: Encoder, status: Status) -> bytes:
    return frame(command, data(status))


_PLAIN: Final[Mapping[int, Encoder]] = {
    0x90: _soc,
    0x91: _extreme_cells,
    0x92: _extreme_temperatures,
    0x93: _fets,
    0x94: _counts,
    0x97: _balance,
    0x98: _faults,
}
_SAYS: Final[Mapping[int, Encoder]] = {
    **{command: partial(_framed, command, data) for command, data in _PLAIN.items()},
    0x95: _cells,
    0x96: _temperatures,
}


def _readdressed(data: bytes) -> bytes:
    parts = [data[at : at + 13] for at in range(0, len(data), 13)]
    return b"".join(frame(part[2], part[4:12], _STRANGER) for part in parts)


SPEECH: Final = Speech(
    name=NAME,
    answers={ask(command, host): says for host in (WIRED, BLUETOOTH) for command, says in _SAYS.items()},
    readdress=_readdressed,
)
