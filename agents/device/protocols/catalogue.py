"""The decoders there are, by the name of their protocol."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Final

from agents.device.decoder import Decoder
from agents.device.protocols import jbd, pace_bin, seplos_bin, telecom_ascii, vedirect

DECODERS: Final[Mapping[str, Callable[[], Decoder]]] = {
    jbd.NAME: jbd.Jbd,
    vedirect.NAME: vedirect.Vedirect,
    **{name: partial(telecom_ascii.TelecomAscii, name) for name in telecom_ascii.MEMBERS},
    seplos_bin.NAME: seplos_bin.SeplosBin,
    pace_bin.NAME: pace_bin.PaceBin,
}
