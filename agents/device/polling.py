"""Asking a device again and again: its questions in turn, its answers as one status a cycle.

1. Time is an argument. One call reads once, sends at most one question, and gives at most one status.
2. A question is asked on a quiet line: what is left of earlier answers is thrown away first, and counted.
3. A device that wants to know whether somebody listens is told so after a frame that was whole: a host that hears
   nothing does not live, as far as the device is concerned.
4. Who does not answer is asked less often, until it answers. Nothing old is ever given again.
"""

from collections import deque
from collections.abc import Iterable
from dataclasses import astuple, dataclass, replace
from typing import Final

from agents.device.decoder import Decoder, Frame, TakesQuestions, WantsHeartbeat
from agents.device.link import Link
from agents.device.protocols.framing import MAX_FRAME
from agents.device.status import FrameError, OtherDevice, Status, merged
from bus.faults import reached

_TIMEOUTS_IN_A_ROW: Final = 2
_BEAT_S: Final = 3.0  # our own monitor calls a host silent after ten


@dataclass(frozen=True, slots=True, kw_only=True)
class PollingPace:
    """How a device is asked, in seconds.

    period_s: from one cycle to the next; longest_s: likewise, to one that does not answer. timeout_s: for an answer.
    gap_s: a silence after which an answer in several frames is complete. pause_s: between an answer and a question.
    silence_s: after which what a device that talks by itself has begun will not be gone on with.
    """

    period_s: float = 1.0
    longest_s: float = 8.0
    timeout_s: float = 1.0
    gap_s: float = 0.1
    pause_s: float = 0.0
    silence_s: float = 3.0


@dataclass(frozen=True, slots=True)
class Counts:
    """What came of the bytes. refused: whole frames that cannot be; junk_bytes: those that belonged to no frame."""

    frames: int = 0
    refused: int = 0
    timeouts: int = 0
    junk_bytes: int = 0


def added(several: Iterable[Counts]) -> Counts:
    """Return the sum of counts."""
    return Counts(*(sum(column) for column in zip(*(astuple(one) for one in (Counts(), *several)), strict=True)))


class _Tally:
    """Counts the bytes that belong to no frame, as soon as it is certain."""

    def __init__(self) -> None:
        self._seen, self.junk_bytes = bytearray(), 0

    def take(self, data: bytes, frames: list[Frame]) -> None:
        self._seen += data
        if not frames:
            self._give_up(len(self._seen) - MAX_FRAME)
            return
        at = self._seen.rfind(frames[-1].data)
        # Lines that a decoder has taken out of the middle of a frame: then where it ended is not known.
        end = at + len(frames[-1].data) if at >= 0 else len(self._seen)
        self.junk_bytes += max(0, end - sum(len(frame.data) for frame in frames))
        del self._seen[:end]

    def settle(self) -> None:
        """What has not become a frame will not."""
        self._give_up(len(self._seen))

    def _give_up(self, count: int) -> None:
        if count > 0:
            self.junk_bytes += count
            del self._seen[:count]


class Poller:
    """One device on a line. last_error: why a whole frame was refused last."""

    def __init__(self, link: Link, decoder: Decoder, pace: PollingPace) -> None:
        self._link, self._decoder, self._pace = link, decoder, pace
        self._asks = list(decoder.asks())
        self._heartbeat = decoder.heartbeat if isinstance(decoder, WantsHeartbeat) else b""
        self._beaten_s = float("-inf")
        self._tally, self._counts = _Tally(), Counts()
        self._ready, self._said = deque[Status](), list[Status]()
        self._next, self._pending = 0, False  # which question comes next; whether one is out
        self._due_s, self._asked_s, self._heard_s, self._begun_s = 0.0, 0.0, float("-inf"), 0.0
        self._is_in_parts, self._is_answered = False, False
        self._misses, self._failures = 0, 0
        self._is_begun = False
        self.last_error = ""

    @property
    def counts(self) -> Counts:
        return replace(self._counts, junk_bytes=self._tally.junk_bytes)

    @property
    def period_s(self) -> float:
        """How long from one cycle to the next: twice as long after each that nothing came of."""
        return min(self._pace.period_s * 2.0 ** min(self._failures, 16), max(self._pace.longest_s, self._pace.period_s))

    @property
    def is_resting(self) -> bool:
        """Whether it is between two cycles, so that another device on the line may be asked."""
        return not self._pending and self._next == 0

    @property
    def is_missing(self) -> bool:
        """Whether the last cycle brought nothing."""
        return self._failures > 0

    @property
    def due_s(self) -> float:
        """When the next question is."""
        return self._due_s

    def poll(self, now_s: float, wait_s: float = 0.0) -> Status | None:
        """Go on, and return the next status if there is one. now_s: monotonic. wait_s: for bytes to come.

        Raises:
            LinkError: the line is gone.
        """
        if not self._is_begun:
            self._is_begun, self._due_s, self._heard_s = True, now_s, now_s
        self._take(self._link.read(wait_s), now_s)
        if self._asks:
            self._go_on(now_s)
        elif now_s - self._heard_s > self._pace.silence_s:
            self._count(timeouts=1)
            self._forget()
            self._heard_s = now_s
        return self._ready.popleft() if self._ready else None

    def _take(self, data: bytes, now_s: float) -> None:
        if not data:
            return
        self._heard_s = now_s
        frames = self._decoder.feed(data)
        if not frames:
            reached("device.mid-frame")
        self._tally.take(data, frames)
        for frame in frames:
            self._read(frame)
        if frames and self._heartbeat and now_s - self._beaten_s >= _BEAT_S:
            self._link.write(self._heartbeat)
            self._beaten_s = now_s

    def _read(self, frame: Frame) -> None:
        self._count(frames=1)
        try:
            status = self._decoder.decode(frame)
        except FrameError as error:
            self._is_answered |= not isinstance(error, OtherDevice)
            self._count(refused=1)
            self.last_error = str(error)
            return
        self._is_answered = True
        self._is_in_parts |= status.part is not None
        (self._said if self._asks else self._ready).append(status)

    def _go_on(self, now_s: float) -> None:
        if self._pending and not self._is_over(now_s):
            return
        if self._pending:
            self._close_question(now_s)
        if now_s >= self._due_s:
            self._ask(now_s)

    def _is_over(self, now_s: float) -> bool:
        """Return whether nothing more is expected of a question."""
        if not self._is_answered:
            return now_s - self._asked_s >= self._pace.timeout_s
        return not self._is_in_parts or now_s - self._heard_s >= self._pace.gap_s

    def _close_question(self, now_s: float) -> None:
        self._pending = False
        self._misses = 0 if self._is_answered else self._misses + 1
        if not self._is_answered:
            self._count(timeouts=1)
        self._next += 1
        self._due_s = now_s + self._pace.pause_s
        if self._next == len(self._asks) or self._misses == _TIMEOUTS_IN_A_ROW:
            self._close_cycle(now_s)

    def _close_cycle(self, now_s: float) -> None:
        self._failures = 0 if self._said else self._failures + 1
        if self._said:
            self._ready.append(merged(self._said))
        self._said, self._next, self._misses = [], 0, 0
        self._due_s = max(self._begun_s + self.period_s, self._due_s)

    def _ask(self, now_s: float) -> None:
        question = self._asks[self._next]
        self._take_away()
        if isinstance(self._decoder, TakesQuestions):
            self._decoder.asked(question)
        if self._next == 0:
            # What has come since the last cycle was late, and would be given as new with this one.
            self._begun_s, self._said = now_s, []
        self._link.write(question)
        self._pending, self._is_answered, self._is_in_parts, self._asked_s = True, False, False, now_s

    def _take_away(self) -> None:
        """Empty the line: what is left of the last answer would be taken for the next one."""
        self._tally.take(self._link.read(0.0), [])
        self._forget()

    def _forget(self) -> None:
        self._decoder.reset()
        self._tally.settle()

    def _count(self, *, frames: int = 0, refused: int = 0, timeouts: int = 0) -> None:
        old = self._counts
        self._counts = Counts(old.frames + frames, old.refused + refused, old.timeouts + timeouts)
