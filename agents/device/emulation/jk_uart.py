"""JK's TTL port, spoken: see `agents.device.protocols.jk_uart`. Temperatures are in whole degrees."""

from typing import Final

from agents.device.emulation.speech import Speech, bits_of, whole
from agents.device.protocols.jk_uart import ALARMS, NAME, READ_ALL
from agents.device.status import Status

_NO_SENSOR: Final = 140
_HEAD: Final = b"\0\0\0\0\x06\0\x01"


def answer(status: Status) -> bytes:
    """Return the answer that tells everything."""
    body = _HEAD + _registers(status) + b"\0\0\0\0\x68"
    frame = b"NW" + (len(body) + 6).to_bytes(2, "big") + body
    return frame + b"\0\0" + (sum(frame) & 0xFFFF).to_bytes(2, "big")


def _registers(status: Status) -> bytes:
    cells = b"".join(bytes((number,)) + _two(whole(volts, 0.001)) for number, volts in sorted(status.cells.items()))
    fets = bool(status.charge_fet) | bool(status.discharge_fet) << 1
    return b"".join(
        (
            b"\x79" + bytes((len(cells),)) + cells,
            *(bytes((at,)) + _two(_degrees(status, name)) for at, name in ((0x80, "mos"), (0x81, "1"), (0x82, "2"))),
            b"\x83" + _two(whole(status.pack_voltage_v, 0.01)),
            b"\x84" + _two(_current(whole(status.current_a, 0.01))),
            b"\x85" + bytes((whole(status.soc_percent),)),
            b"\x86\x02\x87" + _two(status.cycles or 0),
            b"\x8a" + _two(status.cell_count or 0),
            b"\x8b" + _two(bits_of(status.alarms, ALARMS)),
            b"\x8c" + _two(fets),
            b"\xaa" + whole(status.nominal_ah).to_bytes(4, "big"),
            b"\xc0\x01",
        )
    )


def _two(number: int) -> bytes:
    return number.to_bytes(2, "big")


def _degrees(status: Status, name: str) -> int:
    """Below zero it counts on from 100."""
    celsius = status.temperatures.get(name)
    if celsius is None:
        return _NO_SENSOR
    return whole(celsius) if whole(celsius) >= 0 else 100 - whole(celsius)


def _current(hundredths: int) -> int:
    """Bit 15 is set where it flows into the battery."""
    return 0x8000 | hundredths if hundredths > 0 else -hundredths


SPEECH: Final = Speech(name=NAME, answers={READ_ALL: answer}, sensors=(1, 16))
