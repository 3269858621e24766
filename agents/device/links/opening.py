"""Opening a line by what people write: a path, serial://PATH, tcp://HOST:PORT or emulated:PROTOCOL."""

from dataclasses import dataclass
from typing import Final, TypeAlias
from urllib.parse import SplitResult, parse_qs, urlsplit

from agents.device.link import Link
from agents.device.links.emulated import SCHEME, EmulatedPlace, emulated_place
from agents.device.links.serial_port import SerialPort
from agents.device.links.tcp import TcpLink
from protocol.errors import SourceError

_FORMS: Final = "/dev/ttyUSB0?baud=9600, serial:///dev/serial/by-id/NAME, tcp://HOST:PORT or emulated:jk"
_FASTEST: Final = 4_000_000


@dataclass(frozen=True, slots=True)
class SerialPlace:
    """Where a serial port is, and how fast it talks."""

    path: str
    baud: int

    def open(self) -> Link:
        """Raises LinkError when it cannot be opened."""
        return SerialPort(self.path, self.baud)


@dataclass(frozen=True, slots=True)
class TcpPlace:
    """Where a serial server listens."""

    host: str
    port: int

    def open(self) -> Link:
        """Raises LinkError when there is no connection to be had."""
        return TcpLink(self.host, self.port)


Place: TypeAlias = SerialPlace | TcpPlace | EmulatedPlace


def place_of(url: str, baud: int = 9600) -> Place:
    """Return where a line is. baud: where the address does not say; a pty and a TCP connection take any, an emulated
    battery has its protocol's own.

    Raises:
        SourceError: it is no address of a line.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise SourceError(f"{url!r} is no address of a device: {error}; write {_FORMS}") from error
    if parts.scheme == SCHEME:
        return emulated_place(url)
    if parts.scheme == "ble":
        raise SourceError(f"{url!r} is no line that bytes come over: a battery by Bluetooth is asked by its driver")
    if parts.scheme == "tcp" and parts.hostname and port and not parts.path.strip("/") and not parts.query:
        return TcpPlace(parts.hostname, port)
    if parts.scheme in ("", "serial") and parts.path and not parts.netloc:
        return SerialPlace(parts.path, _baud(parts, url, baud))
    raise SourceError(f"{url!r} is no address of a device; write {_FORMS}")


def _baud(parts: SplitResult, url: str, otherwise: int) -> int:
    given = parse_qs(parts.query, keep_blank_values=True)
    text = given.pop("baud", [str(otherwise)])[-1]
    if given:
        raise SourceError(f"{url!r}: {sorted(given)[0]!r} is no setting of a line; there is only baud")
    if not (text.isascii() and text.isdigit() and 0 < int(text[:9]) <= _FASTEST):
        raise SourceError(f"{url!r}: a baud rate is a whole number up to {_FASTEST}, not {text!r}")
    return int(text)
