"""A serial port, or a pty that behaves as one: 8 data bits, no parity, one stop bit, no flow control.

It is opened for one program alone: two that read one port each get half of every answer.
"""

import errno
import select
import termios
from pathlib import Path
from typing import Final

import serial

from agents.device.link import LinkError

_BY_ID: Final = Path("/dev/serial/by-id")
_WRITE_S: Final = 2.0
# A pulled adapter shows as any of these, depending on where in pyserial it is noticed.
_GONE: Final = (serial.SerialException, OSError, termios.error, TypeError)


class SerialPort:
    """An open port.

    Raises:
        LinkError: it cannot be opened; the text says why, and what ports there are.
    """

    def __init__(self, path: str, baud: int) -> None:
        self.name = path
        try:
            self._port = serial.Serial(path, baud, timeout=0, write_timeout=_WRITE_S, exclusive=True)
        except (serial.SerialException, OSError, ValueError, termios.error) as error:
            raise LinkError(f"cannot open {path}: {_reason(error)}") from error

    def read(self, timeout_s: float) -> bytes:
        try:
            if not select.select([self._port.fileno()], [], [], timeout_s)[0]:
                return b""
            # At least one byte is asked for: that nothing comes from a port that is ready shows that it is gone.
            return bytes(self._port.read(self._port.in_waiting or 1))
        except _GONE as error:
            raise LinkError(f"{self.name} is gone: unplugged, or its other end was closed") from error

    def write(self, data: bytes) -> None:
        try:
            self._port.write(data)
        except serial.SerialTimeoutException as error:
            raise LinkError(f"{self.name} takes no bytes") from error
        except _GONE as error:
            raise LinkError(f"{self.name} is gone: unplugged, or its other end was closed") from error

    def change_baud(self, baud: int) -> None:
        """Go on at another rate. Opening the port anew would reset an Arduino once more.

        Raises:
            LinkError: it does not take the rate, or is gone.
        """
        try:
            self._port.baudrate = baud
        except (*_GONE, ValueError) as error:
            raise LinkError(f"{self.name} does not go to {baud} baud: {error}") from error

    def close(self) -> None:
        self._port.close()


def _reason(error: Exception) -> str:
    number = getattr(error, "errno", None)
    if number == errno.ENOENT:
        return f"there is no such port; {_ports()}"
    if number == errno.EACCES:
        return "you may not use it; add yourself to its group: sudo usermod -aG dialout $USER, then log in again"
    if number in (errno.EAGAIN, errno.EWOULDBLOCK, errno.EBUSY) or "exclusively lock" in str(error):
        return "another program uses it"
    if "Could not configure port" in str(error):  # pyserial drops the number here
        return "it is no serial port"
    return str(error)


def _ports() -> str:
    found = sorted(map(str, _BY_ID.iterdir())) if _BY_ID.is_dir() else []
    return f"there are: {', '.join(found)}" if found else "no serial adapter is plugged in"
