"""A device that is not there: bytes that it is sent in, bytes that it sends out, and a pack that goes on living.

Time is an argument, so that a day can be had at once; the same seed gives the same day.
"""

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import pi, sin
from random import Random
from typing import Final, Protocol

from agents.device.emulation.faults import Fault, damaged, measured
from agents.device.emulation.pack_model import after, allowed_a, pack_of, status_of
from agents.device.emulation.speech import Encoder, Speech
from agents.device.status import Status

_WAVE_A: Final = 40.0
_WAVE_S: Final = 600.0
_MEASURES_S: Final = 0.25
_MOST_QUESTION: Final = 256
_FIRST_ANSWER_S: Final = 0.01  # what a microcontroller takes to answer


class Answering(Protocol):
    """How a device finds its answers."""

    def answers(self, status: Status, asked: bytes) -> Sequence[bytes]:
        """Take in what was asked, and return the answers that are ready now, each whole."""
        ...

    def close(self) -> None: ...


class ByQuestion:
    """Knows its questions, and what it says to each."""

    def __init__(self, known: Mapping[bytes, Encoder]) -> None:
        self._known, self._asked = known, bytearray()

    def answers(self, status: Status, asked: bytes) -> Sequence[bytes]:
        """Return the answers to the questions that are whole now; what stands between them is not understood."""
        self._asked += asked
        found: list[bytes] = []
        while place := self._question():
            at, question = place
            found.append(self._known[question](status))
            del self._asked[: at + len(question)]
        del self._asked[:-_MOST_QUESTION]
        return found

    def close(self) -> None:
        """There is nothing to give back."""

    def _question(self) -> tuple[int, bytes] | None:
        places = ((self._asked.find(question), question) for question in self._known)
        return min(((at, question) for at, question in places if at >= 0), default=None)


class EmulatedDevice:
    """A device of one protocol and its pack, whose current swings between charging and discharging.

    faults: what is wrong now; they may be changed at any time. answering: who answers in the place of speech.answers.
    """

    def __init__(self, speech: Speech, *, cells: int = 16, seed: int = 1, answering: Answering | None = None) -> None:
        self.speech, self.faults = speech, list[Fault]()
        self._answering = answering or ByQuestion(speech.answers)
        self._random, self._pack = Random(seed), pack_of(seed, cells=cells)
        self._answers = deque[tuple[float, bytes]]()
        self._began_s: float | None = None
        self._measured_s = 0.0
        self._talked_s, self._words = float("-inf"), 0
        self._status = self._said = status_of(self._pack, self._random, speech.sensors)

    @property
    def status(self) -> Status:
        """What it measured last, faults included: what a good reading of it gives."""
        return self._said

    def step(self, now_s: float, asked: bytes = b"") -> bytes:
        """Take in what it was sent, and return what it sends now. now_s: monotonic."""
        self._measure(now_s)
        sent = asked if self._has("echo") else b""
        for answer in self._answering.answers(self._said, asked):
            self._answers.append((now_s + _FIRST_ANSWER_S + self._delay_s(), self._addressed(answer)))
        while self._answers and self._answers[0][0] <= now_s:
            sent += self._answers.popleft()[1]
        sent += self._talk(now_s)
        return b"" if self._has("silent") else damaged(sent, self.faults, self._random)

    def close(self) -> None:
        """Give back what it needs to answer."""
        self._answering.close()

    def _measure(self, now_s: float) -> None:
        if self._began_s is None:
            self._began_s = self._measured_s = now_s
        if now_s - self._measured_s >= _MEASURES_S:
            current_a = allowed_a(self._pack, _WAVE_A * sin(2 * pi * (now_s - self._began_s) / _WAVE_S))
            self._pack = after(self._pack, current_a, now_s - self._measured_s)
            self._measured_s = now_s
            if not self._has("stuck"):
                self._status = status_of(self._pack, self._random, self.speech.sensors)
        self._said = measured(replace(self._status, cycles=12), self.faults)

    def _addressed(self, answer: bytes) -> bytes:
        if self._has("wrong-address") and self.speech.readdress:
            return self.speech.readdress(answer)
        return answer

    def _talk(self, now_s: float) -> bytes:
        if self.speech.talk is None or now_s - self._talked_s < self.speech.period_s + self._delay_s():
            return b""
        self._talked_s = now_s
        self._words += 1
        return self.speech.talk(self._said, self._words - 1)

    def _delay_s(self) -> float:
        return sum(fault.numbers[0] for fault in self.faults if fault.word == "slow")

    def _has(self, word: str) -> bool:
        return any(fault.word == word for fault in self.faults)
