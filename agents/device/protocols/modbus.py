"""Modbus RTU: questions and answers of devices whose registers a map describes.

1. A frame has no start byte. It is found by address, function and byte count, and by its CRC-16, low byte first.
2. Of byte counts only those count that an answer may have: a question of another master, an echo of our own, or junk
   that announces 250 bytes does not keep an answer waiting.
3. An answer does not say which registers it holds. `asked` tells the decoder what was sent last, and then only the
   answer to that is a frame. Nobody having told, a block of that length which the device may have is taken; where that
   fits two blocks, the frame is refused when it is decoded.
4. A refusal of the device (function + 0x80) is a frame too, of the kind "exception"; decoding it raises FrameError.

Source: Modbus Application Protocol Specification V1.1b3; Modbus over Serial Line V1.02.
"""

import struct
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Final

from agents.device.decoder import Frame
from agents.device.protocols.checksums import crc16_modbus
from agents.device.protocols.framing import Framer, Shape
from agents.device.protocols.register_map import Block, RegisterMap
from agents.device.protocols.registers import Answer
from agents.device.status import FrameError, Status

EXCEPTION: Final = "exception"
_REFUSED: Final = 0x80
_HEAD, _TAIL = 3, 2
_REASONS: Final = {
    1: "illegal function",
    2: "illegal data address",
    3: "illegal data value",
    4: "device failure",
    5: "acknowledged, not done yet",
    6: "device busy",
    8: "memory parity error",
    10: "gateway path unavailable",
    11: "gateway target does not answer",
}


def question(address: int, function: int, at: int, count: int) -> bytes:
    """Return the frame that asks a device for coils or registers."""
    return _with_crc(struct.pack(">BBHH", address, function, at, count))


def _with_crc(data: bytes) -> bytes:
    return data + crc16_modbus(data).to_bytes(2, "little")


def _is_whole(frame: bytes) -> bool:
    return frame == _with_crc(frame[:-_TAIL])


def _length(head: bytes) -> int | None:
    if len(head) < _HEAD:
        return None
    return _HEAD + _TAIL if head[1] & _REFUSED else _HEAD + head[2] + _TAIL


def _shape(heads: Iterable[bytes]) -> Shape:
    """Return the shape of answers that begin with any of these: address, function, byte count."""
    starts = set(heads)
    return Shape(sorted(starts | {bytes((head[0], head[1] | _REFUSED)) for head in starts}), _length, _is_whole)


class Modbus:
    """Decoder of the devices that a map describes.

    addresses: whom to ask; none: the first that the map names. is_sign_flipped: for firmware that counts current the
    other way round than its kind.

    Raises:
        ValueError: an address is none.
    """

    def __init__(self, registers: RegisterMap, addresses: Sequence[int] = (), *, is_sign_flipped: bool = False) -> None:
        self.name = registers.name
        self._map, self._sign = registers, -1 if is_sign_flipped else 1
        self._asked_at = tuple(addresses) or registers.addresses[:1]
        self._may_answer = tuple(addresses) or registers.addresses
        self._kinds: dict[bytes, str] = _kinds(registers, self._may_answer)
        self._framer = Framer(_shape(self._kinds))

    def asks(self) -> Sequence[bytes]:
        return [
            question(address, block.function, block.at, block.count)
            for block in self._map.blocks
            for address in block.addresses or self._asked_at
        ]

    def asked(self, sent: bytes) -> None:
        """Take note of the question that is being sent: from now on only its answer counts.

        Raises:
            ValueError: it asks for nothing that the map describes.
        """
        if len(sent) != 8 or not _is_whole(sent):
            raise ValueError(f"{sent.hex()} is no question of Modbus")
        address, function, at, count = struct.unpack_from(">BBHH", sent)
        block = next((one for one in self._map.blocks if (one.function, one.at) == (function, at)), None)
        if block is None:
            raise ValueError(f"no block of {self.name} begins at {at:#06x} with function {function}")
        self._kinds = {_head(self._map, address, block, block.bytes_of(count)): block.name}
        self._framer = Framer(_shape(self._kinds))

    def feed(self, data: bytes) -> list[Frame]:
        return [Frame(self.name, self._kinds.get(frame[:_HEAD], EXCEPTION), frame) for frame in self._framer.feed(data)]

    def reset(self) -> None:
        self._framer.reset()

    def decode(self, frame: Frame) -> Status:
        address = frame.data[0] - self._map.answer_offset
        if frame.kind == EXCEPTION:
            raise FrameError(_refusal(address, frame.data))
        block = next((one for one in self._map.blocks if one.name == frame.kind), None)
        if block is None:
            raise FrameError(f"an answer of {len(frame.data)} bytes may be {frame.kind}: nobody told what was asked")
        data = frame.data[_HEAD:-_TAIL]
        if block.is_never_zero and not any(data):
            raise FrameError(f"{block.name} says nothing but zeros: the device sleeps")
        status = Answer(block, data).status()
        current = None if status.current_a is None else 0.0 + self._sign * status.current_a
        return replace(status, address=address, current_a=current)


def _kinds(registers: RegisterMap, addresses: Sequence[int]) -> dict[bytes, str]:
    """Return what an answer is by its head; where several blocks look alike, the names of all of them."""
    found: dict[bytes, str] = {}
    for name, head in _heads(registers, addresses):
        found[head] = f"{found[head]} or {name}" if head in found else name
    return found


def _heads(registers: RegisterMap, addresses: Sequence[int]) -> Iterator[tuple[str, bytes]]:
    for block in registers.blocks:
        for address in block.addresses or addresses:
            for length in block.lengths:
                yield block.name, _head(registers, address, block, length)


def _head(registers: RegisterMap, address: int, block: Block, length: int) -> bytes:
    return bytes((address + registers.answer_offset, block.function, length))


def _refusal(address: int, frame: bytes) -> str:
    code = frame[2]
    reason = _REASONS.get(code, "a reason of its own")
    return f"the device at {address} refuses function {frame[1] & ~_REFUSED} with exception {code}: {reason}"
