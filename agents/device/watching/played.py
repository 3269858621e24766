"""A recording as a source: its bytes at the times at which they came, as fast as they can be read.

The recording is the clock as well. Nothing is read beyond the moment that is looked at, so a window holds the same
statuses and the same bytes however often it is played: what came before it ends, and not what came as it ended.
It is over when its last byte is: who falls silent within it is silent until then.
"""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final

from agents.device.decoder import Decoder
from agents.device.recording import Chunk, open_recording, read_recording, statuses
from agents.device.status import Status, inverted
from agents.device.watching.commands import Observe
from protocol.errors import SourceError

_NEVER_NS: Final = 2**63 - 1


class Played:
    """A recording that is played. keep: told whether bytes were sent, the bytes, and when that was, since 1970.

    decoders: one for each pack that was asked.
    period_s: between two looks where nothing is said. from_ns: since 1970; bytes before it are not kept again.

    Raises:
        SourceError: it cannot be read, or is no recording; while it is played, a line of it is none.
    """

    def __init__(
        self,
        path: Path,
        decoders: Sequence[Decoder],
        period_s: float,
        keep: Callable[[bool, bytes, int], None] = lambda is_sent, data, at_ns: None,
        from_ns: int = 0,
        *,
        is_current_inverted: bool = False,
    ) -> None:
        self._file = open_recording(path)
        try:
            head, chunks = read_recording(self._file, str(path))
        except SourceError:
            self._file.close()
            raise
        self.began_ns, self._now_ns, self._last_ns = head.began_ns, 0, 0
        self._period_ns, self._keep, self._from_ns = round(period_s * 1e9), keep, from_ns - head.began_ns
        self._is_current_inverted = is_current_inverted
        self._pending = deque[Chunk]()
        self._statuses = statuses(self._seen(chunks), *decoders)
        self._next = next(self._statuses, None)

    @property
    def now_s(self) -> float:
        """Seconds since the recording began."""
        return self._now_ns / 1e9

    def clock_ns(self) -> int:
        """Return the time of the recording, in nanoseconds since 1970."""
        return self.began_ns + self._now_ns

    @property
    def is_over(self) -> bool:
        return self._next is None and self._now_ns >= self._last_ns

    def advance(self, until_s: float) -> None:
        """Go on to the next status, by a period where it comes later, and to this moment at the most."""
        later_ns = min(self._now_ns + self._period_ns, round(until_s * 1e9))
        later_ns = min(later_ns, self._last_ns if self._next is None else self._next[0])
        self._now_ns = max(self._now_ns, later_ns)
        self._keep_until(self._now_ns - 1)  # a window that ends now ends with it

    def poll(self, now_s: float) -> Status | None:
        """Return what was said by now."""
        self._keep_until(self._now_ns)
        if self._next is None or self._next[0] > self._now_ns:
            return None
        status = self._next[1]
        self._next = next(self._statuses, None)
        return inverted(status) if self._is_current_inverted else status

    def end(self) -> None:
        """Keep what came after the last status, too."""
        self._keep_until(_NEVER_NS)

    def _keep_until(self, now_ns: int) -> None:
        while self._pending and self._pending[0].at_ns <= now_ns:
            chunk = self._pending.popleft()
            if chunk.at_ns >= self._from_ns:
                self._keep(chunk.is_sent, chunk.data, self.began_ns + chunk.at_ns)

    def until_s(self, asked: Observe, _now_s: float) -> float:
        """Return when a window ends: the same one always at the same place."""
        return asked.from_s + asked.seconds

    def close(self) -> None:
        self._file.close()

    def _seen(self, chunks: Iterator[Chunk]) -> Iterator[Chunk]:
        for chunk in chunks:
            self._pending.append(chunk)
            self._last_ns = chunk.at_ns
            yield chunk
