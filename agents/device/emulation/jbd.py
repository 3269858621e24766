"""The JBD protocol, spoken: see `agents.device.protocols.jbd`."""

import struct
from typing import Final

from agents.device.emulation.speech import Speech, bits_of, whole
from agents.device.protocols.jbd import ALARMS, NAME, ask, check_sum
from agents.device.status import Status

_SENSORS: Final = 4


def answer(command: int, data: bytes) -> bytes:
    """Return an answer that holds this data."""
    body = bytes((0, len(data))) + data
    return bytes((0xDD, command)) + body + check_sum(body).to_bytes(2, "big") + b"\x77"


def basic(status: Status) -> bytes:
    """Return what it says of the pack. A sensor that is not there reads 0 kelvin."""
    balance = status.balance_bits or 0
    fets = bool(status.charge_fet) | bool(status.discharge_fet) << 1
    head = struct.pack(
        ">HhHHHHHHHBBBBB",
        whole(status.pack_voltage_v, 0.01), whole(status.current_a, 0.01),
        whole(status.remaining_ah, 0.01), whole(status.nominal_ah, 0.01), status.cycles or 0, 0x3135,
        balance & 0xFFFF, balance >> 16, bits_of(status.alarms, ALARMS), 0x20,
        whole(status.soc_percent), fets, status.cell_count or 0, _SENSORS,
    )  # fmt: skip
    warm = [whole(status.temperatures.get(f"{number}"), 0.1, -2731) + 2731 for number in range(1, _SENSORS + 1)]
    return answer(0x03, head + struct.pack(f">{_SENSORS}H", *warm))


def cells(status: Status) -> bytes:
    """Return the voltages of the cells; one that is not measured reads 0."""
    count = status.cell_count or 0
    volts = [whole(status.cells.get(number), 0.001) for number in range(1, count + 1)]
    return answer(0x04, struct.pack(f">{count}H", *volts))


def model(status: Status) -> bytes:
    return answer(0x05, (status.model or "EMULATED-JBD").encode("ascii", "replace"))


SPEECH: Final = Speech(name=NAME, answers={ask(0x03): basic, ask(0x04): cells, ask(0x05): model})
