"""The protocols that emulated devices speak, by name."""

from collections.abc import Mapping
from typing import Final

from agents.device.emulation import battery_monitor, daly_a5, jbd, jk_uart, vedirect
from agents.device.emulation.speech import Speech

_SPOKEN: Final = (jbd, jk_uart, daly_a5, vedirect, battery_monitor)
SPEECHES: Final[Mapping[str, Speech]] = {one.SPEECH.name: one.SPEECH for one in _SPOKEN}
