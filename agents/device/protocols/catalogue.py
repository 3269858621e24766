"""The decoders there are, by the name of their protocol."""

from collections.abc import Callable, Mapping
from typing import Final

from agents.device.decoder import Decoder
from agents.device.protocols import jbd

DECODERS: Final[Mapping[str, Callable[[], Decoder]]] = {
    jbd.NAME: jbd.Jbd,
}
