"""The line to a device, whatever it is made of: bytes out, bytes in, and an error when it is gone.

A link knows no protocol. It is opened by somebody, and closed; opening it again is a new link.
"""

from typing import Protocol

from protocol.errors import LinkError

__all__ = ["Link", "LinkError"]


class Link(Protocol):
    """An open line. name: what people call it, such as /dev/ttyUSB0 or tcp://10.0.0.5:8899."""

    name: str

    def read(self, timeout_s: float) -> bytes:
        """Return what has come, at the latest after so long; b"" when nothing has.

        Raises:
            LinkError: the line is gone.
        """
        ...

    def write(self, data: bytes) -> None:
        """Send bytes.

        Raises:
            LinkError: the line is gone, or does not take them.
        """
        ...

    def close(self) -> None:
        """Give the line back; closing it again does nothing."""
        ...
