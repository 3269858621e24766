"""Which device an agent watches and on what terms, as one value that a mission's start carries."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from agents.definitions.definition import RESERVED, catalogue
from agents.device.alarms.rules import Rule, parse_rules, start_rules
from agents.device.bluetooth import SCHEME as BLUETOOTH
from agents.device.bluetooth import driver_of
from agents.device.device_address import DeviceAddress, decoders_of, line_of
from agents.device.judging.limits import Limits
from agents.device.links.emulated import SCHEME, emulated_place
from agents.device.links.opening import place_of
from agents.device.protocols.catalogue import LINES
from agents.device.recording import length_s, read_head
from agents.device.watching.watch import Terms
from bus.door import BORN_WITH
from protocol.errors import SourceError
from protocol.topics import RECORDER

SETTING: Final = "device."  # the settings of a start that bring a device along, by the name of its agent
RECORDING: Final = "recording:"
_SOURCE: Final = re.compile(rf"(?:([a-z0-9-]+)@)?({RECORDING}.+|\S+)")  # names of files have spaces
_NAMED: Final = re.compile(r"([A-Za-z0-9][A-Za-z0-9._-]{0,59})=(.+)")
_ILL_NAMED: Final = re.compile(r"[^/:?=][^:?=]*=|=")  # no path, no scheme and no settings of a line stand before it
_MOST_SOURCES: Final = 4
LARGEST_AH: Final = 100_000


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class SourceSettings(_Strict):
    """One line that tells of a pack. name: short, unique in its device. url: as `orchestra device monitor` takes it."""

    name: str
    url: str
    protocol: str

    @property
    def is_bluetooth(self) -> bool:
        """Whether a driver asks it, and no bytes of it can be kept."""
        return self.url.startswith(f"{BLUETOOTH}:")


class DeviceSettings(_Strict):
    """A device and how it is watched.

    alarms: the text of a file of alarms, "" for the start values. addresses, is_current_inverted, register_map: as for
    a device on its line, of the first source.
    """

    name: str
    sources: Annotated[tuple[SourceSettings, ...], Field(min_length=1, max_length=_MOST_SOURCES)]
    cells: Annotated[int, Field(ge=1, le=512)] = 16
    battery_ah: Annotated[float, Field(gt=0, le=LARGEST_AH, allow_inf_nan=False)] = 280.0
    period_s: Annotated[float, Field(ge=0.1, le=3600, allow_inf_nan=False)] = 1.0
    addresses: tuple[int, ...] = ()
    is_current_inverted: bool = False
    register_map: str = ""
    alarms: str = ""

    @property
    def agent(self) -> str:
        return f"@{self.name}"

    @property
    def recording(self) -> Path | None:
        """The recording that is played instead of a device."""
        url = self.sources[0].url
        return Path(url.removeprefix(RECORDING)) if url.startswith(RECORDING) else None

    def own_rules(self) -> tuple[Rule, ...]:
        """Return what raises an alarm. Raises DefinitionError: the text of the alarms is none."""
        return parse_rules(self.alarms, "the alarms") if self.alarms else start_rules(self.cells, self.battery_ah)

    @property
    def terms(self) -> Terms:
        """What it is judged by."""
        round_s = self.address(self.sources[0]).round_s
        limits = Limits(period_s=round_s, cell_count=self.cells, battery_ah=self.battery_ah)
        return Terms(self.own_rules(), limits)

    def address(self, source: SourceSettings) -> DeviceAddress:
        """Return a source as a device on its line."""
        is_first = source == self.sources[0]
        return DeviceAddress(
            url=source.url,
            protocol=source.protocol,
            period_s=self.period_s,
            addresses=self.addresses if is_first else (),
            is_current_inverted=self.is_current_inverted and is_first,
            register_map=Path(self.register_map) if self.register_map and is_first else None,
            cells=self.cells,
        )


def read_settings(text: str) -> DeviceSettings:
    """Return the settings that a start carries.

    Raises:
        SourceError: it is none.
    """
    try:
        return DeviceSettings.model_validate_json(text)
    except ValidationError as error:
        raise SourceError(f"these are no settings of a device: {error.errors()[0]['msg']}") from error


def sources_of(text: str, protocol: str, place: int) -> tuple[str, tuple[SourceSettings, ...]]:
    """Return the name and the sources of a device that is given as [NAME=][PROTOCOL@]URL[,[PROTOCOL@]URL…].

    protocol: of those that do not say; "" for none. place: which device it is, from 1: it is battery-1 by default.

    Raises:
        SourceError: it cannot be read so, or says nowhere what is spoken.
    """
    named = _NAMED.fullmatch(text)
    if named is None and _ILL_NAMED.match(text):
        raise SourceError(f"{text[:80]!r}: a name is up to 60 letters, digits, '.', '_' and '-'; write NAME=URL")
    name, listed = (named[1], named[2]) if named else (f"battery-{place}", text)
    found = list[SourceSettings]()
    for one in listed.split(","):
        spoken, url = _source(one.strip(), protocol)
        twins = sum(other.protocol == spoken for other in found)
        found.append(SourceSettings(name=f"{spoken}-{twins + 1}" if twins else spoken, url=url, protocol=spoken))
    if len(found) > _MOST_SOURCES:
        raise SourceError(f"{text!r}: a pack is watched by up to {_MOST_SOURCES} devices")
    if len(found) > 1 and any(one.url.startswith(RECORDING) for one in found):
        raise SourceError(f"{text!r}: a recording is played by itself, not beside another device")
    return name, tuple(found)


def _source(text: str, protocol: str) -> tuple[str, str]:
    """Return what is spoken, and the address, of one source."""
    found = _SOURCE.fullmatch(text)
    if found is None:
        raise SourceError(f"{text!r} is no address of a device; write such as jbd@/dev/ttyUSB0 or emulated:jbd")
    spoken, url = found[1] or "", found[2]
    if url.startswith(RECORDING):
        path = Path(url.removeprefix(RECORDING)).absolute()
        return spoken or protocol or _recorded(path), f"{RECORDING}{path}"
    if url.startswith(f"{BLUETOOTH}:"):
        return f"{BLUETOOTH}-{driver_of(url)}", url
    if url.startswith(f"{SCHEME}:"):
        return emulated_place(url).protocol, url
    if not (spoken or protocol):
        known = ", ".join(sorted(LINES))
        raise SourceError(f"{text!r} does not say what the device speaks; add --protocol P, one of: {known}")
    return spoken or protocol, url


def _recorded(path: Path) -> str:
    head = read_head(path)
    if head.protocol is None:
        raise SourceError(f"{path} does not say what the device speaks: write PROTOCOL@recording:{path}")
    return head.protocol


def check_can_be(devices: Sequence[DeviceSettings]) -> None:
    """Find out before a mission starts what is wrong with its devices, as far as that shows without them.

    Raises:
        SourceError, DefinitionError: something is.
    """
    taken = {*RESERVED, *catalogue(), *(name[1:] for name in BORN_WITH), RECORDER[1:]}
    names = [device.name for device in devices]
    if others := sorted(name for name in names if name.lower() in taken):
        raise SourceError(f"{others[0]!r} is the name of somebody else in every run; call the device something else")
    if len(set(names)) < len(names):
        raise SourceError(f"two devices are called alike: {', '.join(sorted(names))}; write NAME=URL")
    urls = [source.url for device in devices for source in device.sources]
    if len(set(urls)) < len(urls):
        raise SourceError("a line is named twice; one agent alone can have it, a second emulated battery takes &seed=2")
    for device in devices:
        device.own_rules()
        for source in device.sources:
            _check(device, source)
        if device.recording is not None and length_s(device.recording) <= 0:
            raise SourceError(f"{device.recording} holds nothing that was said")


def _check(device: DeviceSettings, source: SourceSettings) -> None:
    if source.is_bluetooth:
        driver_of(source.url)
        return
    decoders_of(device.address(source))
    if device.recording is None:
        place_of(source.url, line_of(source.protocol).baud)
