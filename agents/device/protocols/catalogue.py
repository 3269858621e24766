"""The decoders there are, by the name of their protocol."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Final

from agents.device.decoder import Decoder
from agents.device.protocols import daly_a5, jbd, register_map
from agents.device.protocols.modbus import Modbus


def _by_map(name: str) -> Decoder:
    return Modbus(register_map.packaged_map(name))


DECODERS: Final[Mapping[str, Callable[[], Decoder]]] = {
    jbd.NAME: jbd.Jbd,
    daly_a5.NAME: daly_a5.DalyA5,
    **{name: partial(_by_map, name) for name in register_map.PACKAGED},
}
