"""What the registers of one answer say, by its block of a register map."""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from agents.device.protocols.register_map import BITS, SLOTS, SWITCHES, Block, RegisterField
from agents.device.status import FrameError, Status

ZERO_CELSIUS: Final = Decimal("273.1")


@dataclass(frozen=True, slots=True)
class Answer:
    """The data of one answer: coils or registers from the first of its block on, perhaps fewer than the block has."""

    block: Block
    data: bytes

    def status(self) -> Status:
        """Return what the answer says.

        Raises:
            FrameError: it announces more cells or sensors than there are places for.
        """
        said: dict[str, Any] = {"cells": {}, "temperatures": {}, "others": {}}
        for field in self.block.fields:
            for place, value in self._said(field):
                within, _, name = place.partition(".")
                if name:
                    said[within][int(name) if within == "cells" else name] = value
                else:
                    said[within] = value
        return Status(**said)

    def _said(self, field: RegisterField) -> Iterator[tuple[str, Any]]:
        if field.type == "text":
            yield from self._text(field)
            return
        for slot in range(self._slots(field)):
            raw = self._coils(field) if self.block.is_coils else self._number(field, slot)
            if raw is None:
                continue
            yield f"{field.to}.{slot + 1}" if field.to in SLOTS else field.to, _value(field, raw)
            if field.to == "alarm_bits":
                yield "alarms", _alarms(field, raw)

    def _slots(self, field: RegisterField) -> int:
        if field.to not in SLOTS:
            return 1
        if field.counted_by is None:
            return field.count
        counted = self._word(field.counted_by)
        if counted is not None and counted > field.count:
            raise FrameError(f"{counted} {field.to} are announced, there are places for {field.count}")
        return field.count if counted is None else counted

    def _word(self, at: int) -> int | None:
        begin = 2 * (at - self.block.at)
        held = self.data[begin : begin + 2]
        return int.from_bytes(held, "big") if len(held) == 2 else None

    def _number(self, field: RegisterField, slot: int) -> int | None:
        """Return the number in a slot; None: there is nothing, or the answer does not reach that far."""
        size = field.bits // 8
        begin = 2 * (field.at - self.block.at) + slot * size
        held = self.data[begin : begin + size]
        if len(held) < size:
            return None
        if (field.word_order or self.block.word_order) == "little" and size > 2:
            held = b"".join(held[at : at + 2] for at in range(size - 2, -1, -2))
        raw = int.from_bytes(held, "big", signed=field.type.startswith("i"))
        if raw in field.nothing:
            return None
        return raw if field.mask is None else raw & field.mask

    def _coils(self, field: RegisterField) -> int | None:
        begin = field.at - self.block.at
        if begin + field.count > 8 * len(self.data):
            return None
        bits = int.from_bytes(self.data, "little") >> begin & (1 << field.count) - 1
        return bits if field.mask is None else bits & field.mask

    def _text(self, field: RegisterField) -> Iterator[tuple[str, str]]:
        begin = 2 * (field.at - self.block.at)
        text = self.data[begin : begin + 2 * field.count].decode("ascii", "replace").strip("\0 ")
        if text and text.isprintable():
            yield field.to, text


def _value(field: RegisterField, raw: int) -> float | int | bool | str:
    if field.to in SWITCHES:
        return bool(raw)
    if field.to in BITS:
        return raw
    if raw in field.values:
        return field.values[raw]
    value = raw * field.scale + field.offset
    if field.kelvin:
        value -= ZERO_CELSIUS
    return float(value) if field.is_fraction else int(value)


def _alarms(field: RegisterField, bits: int) -> frozenset[str]:
    """Return the names of the bits that are set; one without a name is not kept silent."""
    return frozenset(field.names.get(bit, f"bit-{bit}") for bit in range(bits.bit_length()) if bits >> bit & 1)
