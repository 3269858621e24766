"""The protocols that emulated devices speak, by name."""

from collections.abc import Mapping
from importlib import import_module
from typing import Any, Final

from agents.device.emulation import battery_monitor, daly_a5, jbd, jk_uart, vedirect
from agents.device.emulation.device import EmulatedDevice
from agents.device.emulation.registers import speech_of
from agents.device.emulation.speech import Speech
from agents.device.protocols.register_map import PACKAGED, packaged_map
from protocol.errors import SourceError

_SPOKEN: Final = (jbd, jk_uart, daly_a5, vedirect, battery_monitor)
SPEECHES: Final[Mapping[str, Speech]] = {one.SPEECH.name: one.SPEECH for one in _SPOKEN}
SHORT: Final[Mapping[str, str]] = {
    "jk": jk_uart.SPEECH.name,
    "daly": daly_a5.SPEECH.name,
    "vedirect": vedirect.SPEECH.name,
    "mega": battery_monitor.SPEECH.name,
}


EMULATED: Final = frozenset({*SPEECHES, *PACKAGED})  # those of PACKAGED by a server of their own


def served_device(protocol: str, cells: int, seed: int) -> EmulatedDevice:
    """Return a new device that speaks any protocol that can be emulated; it is to be closed.

    Raises:
        SourceError: as `device_of`; or it is a Modbus device, and the extra for those is not installed.
    """
    if protocol not in PACKAGED:
        return device_of(protocol, cells, seed)
    registers = packaged_map(protocol)
    speech = speech_of(registers)
    _refuse_cells(speech, cells)
    return EmulatedDevice(speech, cells=cells, seed=seed, answering=_server().ModbusServer(registers))


def _server() -> Any:
    """Return the module that serves registers, loaded when it is needed: it wants an extra."""
    try:
        return import_module("agents.device.emulation.modbus_server")
    except ImportError as error:
        raise SourceError("emulating a Modbus device needs an extra: pip install 'agent-orchestra[modbus]'") from error


def device_of(protocol: str, cells: int, seed: int) -> EmulatedDevice:
    """Return a new device that speaks a protocol, by its full or its short name.

    Raises:
        SourceError: nobody speaks it here, or such a device has not so many cells.
    """
    if protocol in PACKAGED:
        raise SourceError(
            f"{protocol} is emulated by a program of its own: orchestra device emulate --protocol {protocol}"
        )
    speech = SPEECHES.get(SHORT.get(protocol, protocol))
    if speech is None:
        names = ", ".join(sorted({*EMULATED, *SHORT}))
        raise SourceError(f"{protocol!r} cannot be emulated; there are: {names}")
    _refuse_cells(speech, cells)
    return EmulatedDevice(speech, cells=cells, seed=seed)


def _refuse_cells(speech: Speech, cells: int) -> None:
    if cells not in speech.cells:
        raise SourceError(f"{speech.name} takes {speech.cells[0]} to {speech.cells[-1]} cells, not {cells}")
