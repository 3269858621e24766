"""How a device on its line is named on the command line: options that several commands share, and what they mean."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from agents.device.device_address import DeviceAddress
from agents.device.judging.limits import Limits
from agents.device.links.emulated import SCHEME as EMULATED
from agents.device.links.emulated import emulated_place
from agents.device.recording import Head
from cli.screen import warn
from protocol.errors import LinkError, SourceError

Url = Annotated[
    str,
    typer.Argument(
        metavar="URL", help="/dev/ttyUSB0?baud=9600, serial:///dev/serial/by-id/…, tcp://HOST:PORT or emulated:jk."
    ),
]
Spoken = Annotated[str, typer.Option("--protocol", metavar="P", help="What it speaks; see: orchestra device info.")]
SpokenUnlessEmulated = Annotated[
    str | None,
    typer.Option(
        "--protocol",
        metavar="P",
        help="What it speaks; see: orchestra device info. An emulated: battery says it itself.",
    ),
]
Period = Annotated[float, typer.Option(min=0.1, max=3600, metavar="S", help="Ask it each S seconds.")]
Addresses = Annotated[
    list[str] | None,
    typer.Option("--address", metavar="N", help="Of a pack on the line, such as 2 or 0x81; once for each pack."),
]
Cells = Annotated[int | None, typer.Option(min=1, max=48, metavar="N", help="How many cells a pack has.")]
Hours = Annotated[
    float | None, typer.Option("--ah", min=0.1, max=10_000, metavar="A", help="How much a pack holds, in Ah.")
]
Inverted = Annotated[
    bool, typer.Option("--invert-current", help="It counts a current out of the battery as positive: turn it round.")
]
OwnMap = Annotated[
    Path | None, typer.Option("--map", metavar="FILE.yaml", help="Your own map of registers, for --protocol modbus.")
]


def addresses_of(given: Sequence[str] | None) -> tuple[int, ...]:
    """Return addresses as numbers.

    Raises:
        SourceError: one is no number.
    """
    try:
        return tuple(int(text, 0) for text in given or ())
    except ValueError as error:
        raise SourceError(f"--address: write a whole number such as 2 or 0x81 ({error})") from error


def spoken_in(file: Path, head: Head, protocol: str | None) -> str:
    """Return what a recording speaks. protocol: what the user says of it.

    Raises:
        SourceError: neither says it.
    """
    if name := protocol or head.protocol:
        return name
    raise SourceError(f"{file} does not say what the device speaks: add --protocol P")


def limits_of(device: DeviceAddress, battery_ah: float | None) -> Limits:
    """Return what is possible of its packs."""
    return Limits(period_s=device.round_s, cell_count=device.cells, battery_ah=battery_ah)


class Presence:
    """Whether a line is there, and since when it is not. The first time that it cannot be opened is an error."""

    def __init__(self, *, is_told: bool) -> None:
        self._is_told, self._was_there = is_told, False
        self.gone_since_s: float | None = None
        self.reason = ""

    def gone(self, why: LinkError, now_s: float) -> None:
        """Take note that the line is gone, and say so once.

        Raises:
            LinkError: it never was there.
        """
        if not self._was_there:
            raise why
        if self.gone_since_s is None:
            self._tell(f"{why}; it is opened again as soon as it is there")
            self.gone_since_s = now_s
        self.reason = str(why)

    def there(self, now_s: float) -> None:
        """Take note that the line is there, and say so when it was gone."""
        if self.gone_since_s is not None:
            self._tell(f"the line is back after {now_s - self.gone_since_s:.0f} s")
        self._was_there, self.gone_since_s = True, None

    def _tell(self, text: str) -> None:
        if self._is_told:
            warn(text, "yellow")


def spoken_by(url: str, protocol: str | None) -> str:
    """Return what a device speaks: what is said, or what its address says.

    Raises:
        SourceError: neither does.
    """
    if protocol is None and url.startswith(f"{EMULATED}:"):
        return emulated_place(url).protocol
    if protocol is None:
        raise SourceError(f"what does {url} speak? add --protocol P; to find out: orchestra device scan {url}")
    return protocol
