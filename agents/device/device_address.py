"""Which device is meant and what it speaks, as one value; and the decoders that follow from it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from agents.device.decoder import Decoder
from agents.device.protocols import battery_monitor, daly_a5, jbd_up, jk_55aa, register_map, telecom_ascii
from agents.device.protocols.catalogue import DECODERS, LINES, LineSettings
from agents.device.protocols.modbus import Modbus
from agents.device.protocols.one_of_several import OnlyFrom, OnlyFromAcknowledged
from agents.device.protocols.register_map import RegisterMap
from protocol.errors import SourceError

OWN_MAP: Final = "modbus"
_OWN_MAP_LINE: Final = LineSettings(9600, "RS485", 0.05)
_HIGHEST: Final = 255
_TURN_S: Final = 0.5  # of one pack; at 9600 baud an answer takes some tenths of a second
# Daly's boards are asked as 40, 41 and so on, and answer as 1, 2 and so on.
_DALY_BOARDS: Final = range(1, 33)
_DALY_FIRST_HOST: Final = daly_a5.WIRED - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceAddress:
    """A device: its line, what it speaks, and what it cannot say of itself.

    url: a path, serial://PATH or tcp://HOST:PORT. protocol: its name; `modbus` with a map of your own.
    addresses: of the packs on its line; none: the one that such a device has out of the box.
    is_current_inverted: it counts a current out of the battery as positive. cells: how many it has, where it
    does not tell.
    """

    url: str
    protocol: str
    period_s: float = 1.0
    addresses: tuple[int, ...] = ()
    is_current_inverted: bool = False
    register_map: Path | None = None
    cells: int | None = None

    @property
    def round_s(self) -> float:
        """How long it may take until each pack was asked once: many of them take longer than the period."""
        return max(self.period_s, _TURN_S * len(self.addresses))


def line_of(protocol: str) -> LineSettings:
    """Return how the line of a protocol is usually set.

    Raises:
        SourceError: there is no such protocol.
    """
    if protocol == OWN_MAP:
        return _OWN_MAP_LINE
    if protocol not in LINES:
        raise SourceError(f"{protocol!r} is no protocol; there are: {', '.join(sorted([*DECODERS, OWN_MAP]))}")
    return LINES[protocol]


def decoders_of(device: DeviceAddress) -> tuple[Decoder, ...]:
    """Return a decoder for each pack that is asked, in order; one, where no addresses are named.

    Raises:
        SourceError: there is no such protocol, its devices have no addresses or not these, or a map is missing or
            not taken.
        DefinitionError: the map is none.
    """
    line_of(device.protocol)
    registers = _map_of(device)
    if not device.addresses:
        return (_alone(device, registers),)
    if len(set(device.addresses)) != len(device.addresses):
        raise SourceError(f"an address of {device.protocol} is named twice")
    make = partial(_by_map, registers) if registers else _ADDRESSED.get(device.protocol)
    if make is None:
        raise SourceError(f"devices of {device.protocol} have no addresses; those of these have: {_addressed_names()}")
    return tuple(_one(device, make, address) for address in device.addresses)


def _addressed_names() -> str:
    return ", ".join(sorted([*_ADDRESSED, *register_map.PACKAGED, OWN_MAP]))


def _map_of(device: DeviceAddress) -> RegisterMap | None:
    if device.register_map is not None and device.protocol != OWN_MAP:
        raise SourceError(f"{device.protocol} takes no map; the protocol for a map of your own is {OWN_MAP}")
    if device.protocol in register_map.PACKAGED:
        return register_map.packaged_map(device.protocol)
    if device.protocol != OWN_MAP:
        return None
    if device.register_map is None:
        raise SourceError(f"{OWN_MAP} needs a map of your own: --map FILE.yaml")
    return register_map.read_map(device.register_map)


def _alone(device: DeviceAddress, registers: RegisterMap | None) -> Decoder:
    if registers is not None:
        return Modbus(registers)
    if device.protocol == battery_monitor.NAME and device.cells is not None:
        return battery_monitor.BatteryMonitor(device.cells)
    if device.protocol == daly_a5.NAME:
        return daly_a5.DalyA5(cell_count=device.cells)
    return DECODERS[device.protocol]()


def _one(device: DeviceAddress, make: Callable[[int], Decoder], address: int) -> Decoder:
    try:
        if not 0 <= address <= _HIGHEST:
            raise ValueError(f"there is none beyond {_HIGHEST}")
        return make(address)
    except ValueError as error:
        raise SourceError(f"{address} is no address of {device.protocol}: {error}") from error


def _by_map(registers: RegisterMap, address: int) -> Decoder:
    """Return the decoder for the blocks that one device has: not those that the map gives to others alone."""
    blocks = tuple(block for block in registers.blocks if not block.addresses or address in block.addresses)
    blocks = tuple(block.model_copy(update={"addresses": ()}) for block in blocks)
    if not blocks or not 0 <= address + registers.answer_offset <= _HIGHEST:
        raise ValueError(f"{registers.name} asks nothing of it")
    return Modbus(registers.model_copy(update={"blocks": blocks}), (address,))


def _telecom(name: str, address: int) -> Decoder:
    return OnlyFrom(telecom_ascii.TelecomAscii(name, addresses=(address,)), address)


def _jbd_up(address: int) -> Decoder:
    _require(address in jbd_up.ADDRESSES, jbd_up.ADDRESSES)
    return OnlyFrom(jbd_up.JbdUp((address,)), address)


def _jk_55aa(address: int) -> Decoder:
    _require(address in jk_55aa.ADDRESSES, jk_55aa.ADDRESSES)
    return OnlyFromAcknowledged(jk_55aa.Jk55aa((address,)), address)


def _daly_a5(address: int) -> Decoder:
    _require(address in _DALY_BOARDS, _DALY_BOARDS)
    return daly_a5.DalyA5(_DALY_FIRST_HOST + address, address=address)


def _require(is_so: bool, there_are: range) -> None:
    if not is_so:
        raise ValueError(f"there are {there_are[0]} to {there_are[-1]}")


_ADDRESSED: Final[Mapping[str, Callable[[int], Decoder]]] = {
    **{name: partial(_telecom, name) for name in telecom_ascii.MEMBERS},
    jbd_up.NAME: _jbd_up,
    jk_55aa.NAME: _jk_55aa,
    daly_a5.NAME: _daly_a5,
}
