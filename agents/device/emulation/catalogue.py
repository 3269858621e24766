"""The protocols that emulated devices speak, by name."""

from collections.abc import Mapping
from typing import Final

from agents.device.emulation import battery_monitor, daly_a5, jbd, jk_uart, vedirect
from agents.device.emulation.device import EmulatedDevice
from agents.device.emulation.speech import Speech
from protocol.errors import SourceError

_SPOKEN: Final = (jbd, jk_uart, daly_a5, vedirect, battery_monitor)
SPEECHES: Final[Mapping[str, Speech]] = {one.SPEECH.name: one.SPEECH for one in _SPOKEN}
SHORT: Final[Mapping[str, str]] = {
    "jk": jk_uart.SPEECH.name,
    "daly": daly_a5.SPEECH.name,
    "vedirect": vedirect.SPEECH.name,
    "mega": battery_monitor.SPEECH.name,
}


def device_of(protocol: str, cells: int, seed: int) -> EmulatedDevice:
    """Return a new device that speaks a protocol, by its full or its short name.

    Raises:
        SourceError: nobody speaks it here, or such a device has not so many cells.
    """
    speech = SPEECHES.get(SHORT.get(protocol, protocol))
    if speech is None:
        names = ", ".join(sorted({*SPEECHES, *SHORT}))
        raise SourceError(f"{protocol!r} cannot be emulated; there are: {names}")
    if cells not in speech.cells:
        raise SourceError(f"{speech.name} takes {speech.cells[0]} to {speech.cells[-1]} cells, not {cells}")
    return EmulatedDevice(speech, cells=cells, seed=seed)
