"""A line that is opened again whenever it is gone, waiting longer each time: the same adapter, not the same number."""

import os
import re
from pathlib import Path
from typing import Final

from agents.device.link import Link
from agents.device.links.opening import Place, SerialPlace
from protocol.errors import LinkError

BY_ID: Final = Path("/dev/serial/by-id")
_NUMBERED: Final = re.compile(r"tty(USB|ACM)[0-9]+")
_FIRST_S, _LONGEST_S = 0.5, 8.0


class Opening:
    """Opens one line as often as it takes: 0.5 s after a loss, then twice as long each time, up to 8 s.

    by_id: where the names of serial adapters are that stay.
    """

    def __init__(self, place: Place, by_id: Path = BY_ID) -> None:
        self._place, self._by_id = place, by_id
        self._due_s, self._wait_s, self._why = float("-inf"), _FIRST_S, "the line was not opened so far"
        self._is_known = False

    def open(self, now_s: float) -> Link:
        """Return the open line.

        Raises:
            LinkError: it is gone: it was tried now, or it is not yet time to.
        """
        if now_s < self._due_s:
            raise LinkError(self._why)
        try:
            link = self._place.open()
        except LinkError as error:
            self.lost(now_s, error)
            raise
        self._know_adapter()
        self._is_known = False
        return link

    def lost(self, now_s: float, why: LinkError) -> None:
        """Take note that it is gone."""
        self._why, self._due_s = str(why), now_s + self._wait_s
        self._wait_s = min(2 * self._wait_s, _LONGEST_S)

    def succeeded(self) -> None:
        """Take note that a device has spoken on it: that it could be opened does not show that it is well."""
        self._wait_s = _FIRST_S
        if not self._is_known:
            self._know_adapter()  # its name may have come after its number
            self._is_known = True

    def _know_adapter(self) -> None:
        """From now on go by the adapter's own name: when it is gone, its number may be given to another one."""
        if isinstance(self._place, SerialPlace) and (name := name_of(self._place.path, self._by_id)):
            self._place = SerialPlace(name, self._place.baud)


def name_of(path: str, by_id: Path = BY_ID) -> str | None:
    """Return the name of the adapter behind a numbered port; None where it has none, or the path is no number."""
    if not _NUMBERED.fullmatch(os.path.basename(path)) or not by_id.is_dir():
        return None
    target = os.path.realpath(path)
    return next((str(name) for name in sorted(by_id.iterdir()) if os.path.realpath(name) == target), None)
