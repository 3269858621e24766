"""A port that is not there: a pty, which programs open as they open a serial port."""

import os
import select
import tty
from contextlib import suppress
from pathlib import Path

from agents.device.link import LinkError


class PtyPort:
    """The device's end of a pty. path: what the other side opens, or a symbolic link to it.

    Raises:
        LinkError: there is something else at link, or no link can be made there.
    """

    def __init__(self, link: Path | None = None) -> None:
        # The other side's end stays open here as well: else nobody could open it a second time.
        self._device, self._other = os.openpty()
        tty.setraw(self._other)
        os.set_blocking(self._device, False)
        self.path = self._target = os.ttyname(self._other)
        self._link = link
        if link is not None:
            try:
                self._put_link(link)
            except LinkError:
                self.close()
                raise

    def read(self, timeout_s: float) -> bytes:
        """Return what the other side has sent, at the latest after so long."""
        if not select.select([self._device], [], [], timeout_s)[0]:
            return b""
        with suppress(BlockingIOError):
            return os.read(self._device, 4096)
        return b""

    def write(self, data: bytes) -> None:
        """Send bytes. Those that nobody fetches are lost, as on a wire."""
        with suppress(BlockingIOError):
            os.write(self._device, data)

    def close(self) -> None:
        """Pull the plug: whoever has it open is told so."""
        if self._link is not None and self._link.is_symlink() and os.readlink(self._link) == self._target:
            self._link.unlink()
        for descriptor in (self._device, self._other):
            with suppress(OSError):
                os.close(descriptor)

    def _put_link(self, link: Path) -> None:
        if link.is_symlink() and not link.exists():
            link.unlink()  # left by an emulation that was killed
        try:
            link.symlink_to(self._target)
        except OSError as error:
            self._link = None
            raise LinkError(f"cannot make the link {link}: {error.strerror}") from error
        self.path = str(link)
