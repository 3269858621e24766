"""A TCP connection to a serial server: bytes as they are, no Telnet."""

import select
import socket
from typing import Final

from agents.device.link import LinkError

# Whoever opens it again and again does other things as well, and is not kept from them for longer.
_CONNECT_S: Final = 2.0
_MOST_BYTES: Final = 65_536


class TcpLink:
    """An open connection.

    Raises:
        LinkError: there is none to be had.
    """

    def __init__(self, host: str, port: int) -> None:
        self.name = f"tcp://[{host}]:{port}" if ":" in host else f"tcp://{host}:{port}"
        try:
            self._socket = socket.create_connection((host, port), timeout=_CONNECT_S)
        except OSError as error:
            raise LinkError(f"cannot connect to {self.name}: {error.strerror or error}") from error

    def read(self, timeout_s: float) -> bytes:
        try:
            if not select.select([self._socket], [], [], timeout_s)[0]:
                return b""
            data = self._socket.recv(_MOST_BYTES)
        except (OSError, ValueError) as error:
            raise LinkError(f"{self.name} is gone: {error}") from error
        if not data:
            raise LinkError(f"{self.name} is gone: the other end closed the connection")
        return data

    def write(self, data: bytes) -> None:
        try:
            self._socket.sendall(data)
        except OSError as error:
            raise LinkError(f"{self.name} is gone: {error.strerror or error}") from error

    def close(self) -> None:
        self._socket.close()
