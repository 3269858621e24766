"""A device on its line, which is opened again whenever it is gone."""

from collections.abc import Callable
from pathlib import Path

from agents.device.device_address import DeviceAddress, decoders_of, line_of
from agents.device.link import Link
from agents.device.links.opening import place_of
from agents.device.links.opening_again import BY_ID, Opening
from agents.device.polling import Counts, Poller, PollingPace, added
from agents.device.recording import RecordedLink
from agents.device.status import Status, inverted
from agents.device.turns import Turns
from protocol.errors import LinkError

_LONGEST_S, _LONGEST_OF_SEVERAL_S, _SILENCE_S = 8.0, 16.0, 3.0


def _forget(_is_sent: bool, _data: bytes) -> None:
    return


class Line:
    """A source of statuses. keep: told of every byte, and whether it was sent.

    Raises:
        SourceError: no such device can be: see `decoders_of` and `place_of`.
        DefinitionError: its map is none.
    """

    def __init__(
        self, device: DeviceAddress, keep: Callable[[bool, bytes], None] = _forget, by_id: Path = BY_ID
    ) -> None:
        self._device, self._keep, self._settings = device, keep, line_of(device.protocol)
        self._decoders = decoders_of(device)  # what is wrong with it is said at once, and not when the line is there
        self._opening = Opening(place_of(device.url, self._settings.baud), by_id)
        self._link: Link | None = None
        self._source: Poller | Turns | None = None
        self._past = Counts()

    @property
    def counts(self) -> Counts:
        """What came of all bytes, before and after the line was gone."""
        return added([self._past, *([] if self._source is None else [self._source.counts])])

    @property
    def last_error(self) -> str:
        """Why a whole frame was refused last, since the line was opened."""
        return "" if self._source is None else self._source.last_error

    def poll(self, now_s: float, wait_s: float = 0.0) -> Status | None:
        """Go on, and return the next status if there is one. now_s: monotonic. wait_s: for bytes to come.

        Several addresses give one status a round, with a pack for each that has answered.

        Raises:
            LinkError: the line is gone. It is opened again by a later call; this one did not wait.
        """
        source = self._source or self._opened(now_s)
        try:
            status = source.poll(now_s, wait_s)
        except LinkError as error:
            self.close()
            self._opening.lost(now_s, error)
            raise
        if status is None:
            return None
        self._opening.succeeded()
        return inverted(status) if self._device.is_current_inverted else status

    def close(self) -> None:
        """Give the line back; closing it again does nothing."""
        self._past = self.counts
        self._source = None
        if self._link is not None:
            self._link.close()
        self._link = None

    def _opened(self, now_s: float) -> Poller | Turns:
        self._link = RecordedLink(self._opening.open(now_s), self._keep)
        for decoder in self._decoders:
            decoder.reset()
        pollers = [Poller(self._link, decoder, self._pace()) for decoder in self._decoders]
        self._source = pollers[0] if len(pollers) == 1 else Turns(pollers, self._settings.pause_s)
        return self._source

    def _pace(self) -> PollingPace:
        period_s = self._device.period_s
        longest_s = _LONGEST_S if len(self._decoders) == 1 else _LONGEST_OF_SEVERAL_S
        return PollingPace(
            period_s=period_s,
            longest_s=max(longest_s, period_s),
            pause_s=self._settings.pause_s,
            silence_s=max(_SILENCE_S, 3 * period_s),
        )


class Listening:
    """A line that is only listened to, and opened again whenever it is gone. keep: told of every byte.

    Raises:
        SourceError: it is no address of a line.
    """

    def __init__(self, url: str, keep: Callable[[bool, bytes], None], by_id: Path = BY_ID) -> None:
        self._opening, self._keep = Opening(place_of(url), by_id), keep
        self._link: Link | None = None

    def poll(self, now_s: float, wait_s: float = 0.0) -> None:
        """Hear what comes. now_s: monotonic. wait_s: for bytes to come.

        Raises:
            LinkError: the line is gone. It is opened again by a later call; this one did not wait.
        """
        self._link = self._link or RecordedLink(self._opening.open(now_s), self._keep)
        try:
            if self._link.read(wait_s):
                self._opening.succeeded()
        except LinkError as error:
            self.close()
            self._opening.lost(now_s, error)
            raise

    def close(self) -> None:
        """Give the line back; closing it again does nothing."""
        if self._link is not None:
            self._link.close()
        self._link = None
