"""What a Modbus device holds in its registers: a status, written by the map that decoders read it with.

What the status does not say is written as nothing, where the map has a number for that. A device that sleeps holds
zeros.
"""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any, Final

from agents.device.emulation.speech import Speech
from agents.device.protocols.checksums import crc16_modbus
from agents.device.protocols.register_map import BITS, SWITCHES, Block, RegisterField, RegisterMap
from agents.device.protocols.registers import ZERO_CELSIUS
from agents.device.status import Status

_MOST_CELLS: Final = 24  # of a device that does not tell of its cells
_SENSORS: Final = Speech(name="").sensors
_CRC_BYTES: Final = 2


def speech_of(registers: RegisterMap) -> Speech:
    """Return what a device with this map is like: how many cells and sensors it has room for."""
    cells, sensors = (_room(registers, to) for to in ("cells", "temperatures"))
    most = cells or _MOST_CELLS
    return Speech(
        name=registers.name, sensors=_SENSORS[:sensors], cells=range(1, most + 1), readdress=lambda one: moved(one, 1)
    )


def _room(registers: RegisterMap, to: str) -> int:
    return max((field.count for block in registers.blocks for field in block.fields if field.to == to), default=0)


def moved(frame: bytes, by: int) -> bytes:
    """Return an answer as the device so many addresses further on would send it."""
    body = bytes(((frame[0] + by) % 256,)) + frame[1:-_CRC_BYTES]
    return body + crc16_modbus(body).to_bytes(_CRC_BYTES, "little")


def content(block: Block, status: Status) -> bytes:
    """Return what a block holds, as long as it ever is, as an answer carries it."""
    data = bytearray(max(block.lengths))
    if status.cell_count is None:
        return bytes(data)  # it sleeps
    for field in block.fields:
        if block.is_coils:
            _put_coils(data, block, field, status)
        else:
            _put_registers(data, block, field, status)
    return bytes(data)


def _put_coils(data: bytearray, block: Block, field: RegisterField, status: Status) -> None:
    [raw] = _raws(field, status, 0)  # among coils nothing is ever absent
    bits = int.from_bytes(data, "little") | (raw & (1 << field.count) - 1) << field.at - block.at
    data[:] = bits.to_bytes(len(data), "little")


def _put_registers(data: bytearray, block: Block, field: RegisterField, status: Status) -> None:
    size, begin = field.bits // 8, 2 * (field.at - block.at)
    if field.type == "text":
        data[begin : begin + 2 * field.count] = _text(field, status)
        return
    is_little = (field.word_order or block.word_order) == "little" and size > 2
    for slot, raw in enumerate(_raws(field, status, max(field.nothing, default=0))):
        place = slice(begin + slot * size, begin + (slot + 1) * size)
        old = int.from_bytes(_turned(bytes(data[place]), is_little), "big")
        mask = (1 << field.bits) - 1 if field.mask is None else field.mask
        new = old & ~mask | raw & mask
        data[place] = _turned(new.to_bytes(size, "big"), is_little)
    if field.counted_by is not None:
        at = 2 * (field.counted_by - block.at)
        data[at : at + 2] = _counted(field, status).to_bytes(2, "big")


def _turned(words: bytes, is_little: bool) -> bytes:
    """Return the words the other way round."""
    return b"".join(words[at : at + 2] for at in range(len(words) - 2, -1, -2)) if is_little else words


def _text(field: RegisterField, status: Status) -> bytes:
    text = status.model if field.to == "model" else _other(field, status)
    room = 2 * field.count
    return str("" if text is None else text).encode("ascii", "replace")[:room].ljust(room, b"\0")


def _counted(field: RegisterField, status: Status) -> int:
    """Return how many slots count."""
    if field.to == "cells":
        return min(status.cell_count or 0, field.count)
    return min(max((int(name) for name in status.temperatures if name.isdigit()), default=0), field.count)


def _raws(field: RegisterField, status: Status, nothing: int) -> Iterator[int]:
    if field.to == "cells":
        values: list[Any] = [status.cells.get(number) for number in range(1, field.count + 1)]
    elif field.to == "temperatures":
        values = [status.temperatures.get(f"{number}") for number in range(1, field.count + 1)]
    else:
        values = [_single(field, status)]
    yield from (_raw(field, value, nothing) for value in values)


def _single(field: RegisterField, status: Status) -> Any:
    within, _, name = field.to.partition(".")
    if within == "temperatures":
        return status.temperatures.get(name)
    if name:
        return _other(field, status)
    if field.to == "alarm_bits":
        return sum(1 << bit for bit, alarm in field.names.items() if alarm in (status.alarms or ()))
    value = getattr(status, field.to)
    return _new(status).get(field.to) if value is None else value


def _new(status: Status) -> Mapping[str, Any]:
    """Return what is so of a pack that is new."""
    return {"full_ah": status.nominal_ah, "soh_percent": 100.0, "balance_bits": 0}


def _other(field: RegisterField, status: Status) -> Any:
    name = field.to.partition(".")[2]
    return {**_derived(status), **status.others}.get(name)


def _derived(status: Status) -> Mapping[str, float | str]:
    """Return what devices work out of what they measure."""
    volts, amperes = status.pack_voltage_v or 0.0, status.current_a or 0.0
    state = "idle" if amperes == 0 else "charging" if amperes > 0 else "discharging"
    found: dict[str, float | str] = {"state": state, "power-w": abs(round(volts * amperes)), "pack-count": 1}
    for word, pick in (("max", max), ("min", min)):
        if cells := status.cells:
            number = pick(cells, key=lambda one: cells[one])
            found |= {f"{word}-cell": number, f"{word}-cell-v": cells[number]}
        if warm := status.temperatures:
            name = pick(warm, key=lambda one: warm[one])
            found |= {f"{word}-temperature-sensor": int(name), f"{word}-temperature-c": warm[name]}
    return found


def _raw(field: RegisterField, value: Any, nothing: int) -> int:
    if value is None:
        return nothing
    if field.to in SWITCHES:
        return (field.mask or 1) if value else 0
    if field.to in BITS:
        return int(value)
    words = {word: raw for raw, word in field.values.items()}
    if isinstance(value, str):
        return words.get(value, nothing)
    celsius = ZERO_CELSIUS if field.kelvin else Decimal(0)
    return _within(field, round((Decimal(str(value)) + celsius - field.offset) / field.scale))


def _within(field: RegisterField, raw: int) -> int:
    """Return the nearest number that there is room for."""
    is_signed = field.type.startswith("i")
    most = (1 << field.bits - is_signed) - 1
    return min(max(raw, -most - 1 if is_signed else 0), most)
