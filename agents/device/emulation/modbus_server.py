"""A Modbus device behind a server that is not ours: pymodbus answers, from registers that are written by a map.

1. It stands at the first address of its map, and where a block has addresses of its own, there too. A question to
   another address is not answered, and nothing can be written.
2. The server is on a pty of its own; it goes on whenever it is asked for answers, and holds what is measured then.

Source: pymodbus 3.16, whose simulator answers an address it does not know with an exception, and in the place of a
device 0 if there is one: both are kept back here.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from pymodbus.constants import ExcCodes
from pymodbus.framer import FramerType
from pymodbus.server import ModbusSerialServer
from pymodbus.simulator import DataType, SimData, SimDevice

from agents.device.emulation.pty_port import PtyPort
from agents.device.emulation.registers import content, moved
from agents.device.protocols.checksums import crc16_modbus
from agents.device.protocols.register_map import Block, RegisterMap
from agents.device.status import Status

_EVERYONE: Final = 0  # whom pymodbus lets answer for those it does not know
_KINDS: Final = (1, 2, 3, 4)  # functions that read, in the order in which pymodbus lays out a device
_TURNS: Final = 16  # of its loop, more than it takes from a question to its answer
_WORD_BITS: Final = 16
_SUM: Final = 2  # bytes


class ModbusServer:
    """Answers as a device with this map does."""

    def __init__(self, registers: RegisterMap) -> None:
        self._map, self._status, self._blocks = registers, Status(), _by_address(registers)
        self._port, self._runner = PtyPort(), asyncio.Runner()
        self._lengths, self._came, self._asked = deque[int](), bytearray(), bytearray()
        self._server = self._runner.run(self._begun())

    def answers(self, status: Status, asked: bytes) -> Sequence[bytes]:
        """Return the answers that are ready now, each whole."""
        self._status = status
        if question := self._heard(asked):
            self._port.write(question)
        self._runner.run(_turn())
        self._came += self._port.read(0.0)
        found: list[bytes] = []
        while self._lengths and len(self._came) >= self._lengths[0]:
            length = self._lengths.popleft()
            found.append(bytes(self._came[:length]))
            del self._came[:length]
        return found

    def _heard(self, asked: bytes) -> bytes:
        """Return a question that is whole now. A silence ends what is none, as on a real line: pymodbus would go on
        waiting for the rest of what was meant for devices of other makers.
        """
        self._asked += asked
        heard = bytes(self._asked)
        is_whole = len(heard) > _SUM and crc16_modbus(heard[:-_SUM]) == int.from_bytes(heard[-_SUM:], "little")
        if is_whole or not asked:
            self._asked.clear()
        return heard if is_whole else b""

    def close(self) -> None:
        self._runner.run(self._end())
        self._runner.close()
        self._port.close()

    async def _begun(self) -> ModbusSerialServer:
        blocks: dict[int, Sequence[Block]] = {_EVERYONE: (), **self._blocks}
        devices = [_Registers(of, lambda: self._status).device(address) for address, of in blocks.items()]
        server = ModbusSerialServer(devices, framer=FramerType.RTU, port=self._port.path, trace_packet=self._sends)
        await server.serve_forever(background=True)
        return server

    async def _end(self) -> None:
        await self._server.shutdown()  # type: ignore[no-untyped-call]  # so in pymodbus

    def _sends(self, is_sent: bool, frame: bytes) -> bytes:
        """Take note of what pymodbus sends, and keep back what no device here would say."""
        if not is_sent:
            return frame
        if frame[0] not in self._blocks:
            return b""
        answer = moved(frame, self._map.answer_offset)
        self._lengths.append(len(answer))
        return answer


def _by_address(registers: RegisterMap) -> dict[int, Sequence[Block]]:
    found: dict[int, list[Block]] = {registers.addresses[0]: []}
    for block in registers.blocks:
        for address in block.addresses or registers.addresses[:1]:
            found.setdefault(address, []).append(block)
    return dict(found)


async def _turn() -> None:
    for _ in range(_TURNS):
        await asyncio.sleep(0)


@dataclass(frozen=True, slots=True)
class _Registers:
    """What stands at one address. status: what is measured now."""

    blocks: Sequence[Block]
    status: Callable[[], Status]

    def device(self, address: int) -> SimDevice:
        coils, inputs, holding, others = ([self._data(one) for one in self._of(kind)] for kind in _KINDS)
        # pymodbus wants something of each kind; what no block describes is refused below.
        bit = SimData(0, values=[False], datatype=DataType.BITS)
        word = SimData(0, values=[0], datatype=DataType.REGISTERS)
        kinds = (coils or [bit], inputs or [bit], holding or [word], others or [word])
        return SimDevice(address, kinds, action=self.fill)

    def _of(self, function: int) -> list[Block]:
        return [block for block in self.blocks if block.function == function]

    def _data(self, block: Block) -> SimData:
        if block.is_coils:
            return SimData(block.at, values=[False] * block.most, datatype=DataType.BITS)
        return SimData(block.at, values=[0] * block.most, datatype=DataType.REGISTERS)

    async def fill(
        self, function: int, begin: int, address: int, _: int, held: list[int], put: list[int] | list[bool] | None
    ) -> ExcCodes | None:
        """Put what is measured into pymodbus' registers, each time before it reads them."""
        if function not in _KINDS or put is not None:
            return ExcCodes.ILLEGAL_FUNCTION
        blocks = self._of(function)
        if not any(block.at <= address < block.at + block.most for block in blocks):
            return ExcCodes.ILLEGAL_ADDRESS
        for block in blocks:
            place = _put_coils if block.is_coils else _put_registers
            place(held, begin, block, content(block, self.status()))
        return None


def _put_registers(held: list[int], begin: int, block: Block, data: bytes) -> None:
    words = [int.from_bytes(data[at : at + 2], "big") for at in range(0, len(data), 2)]
    held[block.at - begin : block.at - begin + len(words)] = words


def _put_coils(held: list[int], begin: int, block: Block, data: bytes) -> None:
    """pymodbus keeps 16 coils in a word, the first its lowest bit; begin counts such words."""
    bits = int.from_bytes(data, "little")
    for number in range(8 * len(data)):
        word, bit = divmod(block.at + number - _WORD_BITS * begin, _WORD_BITS)
        if word < len(held):
            held[word] = held[word] & ~(1 << bit) | (bits >> number & 1) << bit
