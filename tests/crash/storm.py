"""Random kills: mission after mission, victims and moments drawn from a seed.

A moment is a journal sequence, not a time, so the same seed tries the same kills again. Who is killed is a slot,
the forkserver, the supervisor, or the whole tree; after the last two the run is resumed.
"""

import os
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Final

from bus.journal import JournalReader
from protocol.errors import JournalError
from tests.crash.cell import Outcome, Results
from tests.crash.checks import differences
from tests.crash.plays import forkserver_of
from tests.crash.stage import Clock, Stage, finished
from tests.mission.runs import Mission

SLOTS: Final = (
    "broker", "recorder", "gatekeeper", "clock", "tech-lead", "data-coordinator", "fact-extractor-1",
    "fact-extractor-2", "contradiction-finder-1", "fact-writer-1",
)  # fmt: skip
_ALL: Final = ("forkserver", "supervisor", "the whole tree")
_BEGUN: Final = 10  # from this sequence on the mission's start is journaled, so that it can be resumed
_LAST: Final = 60  # an undisturbed mission has 53 entries; kills make it longer
_MOST: Final = 4
_PATIENCE_S: Final = 90.0
_POLL_S: Final = 0.002


@dataclass(frozen=True, slots=True, order=True)
class Kill:
    """A kill to come: when the journal reaches this sequence, this victim."""

    sequence: int
    victim: str


def planned(seed: int, number: int) -> list[Kill]:
    """Return the kills of one mission, in the order of their moments; the same for the same seed and number."""
    drawn = Random(f"{seed}/{number}")
    victims = [drawn.choice((*SLOTS, *_ALL)) for _ in range(drawn.randint(1, _MOST))]
    return sorted(Kill(drawn.randint(_BEGUN if victim in _ALL else 2, _LAST), victim) for victim in victims)


def mission(kills: list[Kill], folder: Path, expected: Results, tell: Callable[[str], None]) -> Outcome:
    """Run one mission under these kills, resume it as often as it takes, and look at what came of it."""
    stage = Stage(folder, Clock(time.time_ns(), 1))
    running = Storm(stage, tell).over(stage.run(), kills)
    code, said, complained = finished(running)
    return Outcome(tuple(differences(running, code, said + complained, expected)))


@dataclass(slots=True)
class Storm:
    """Kills one after the other. done: how many of them found somebody to kill."""

    stage: Stage
    tell: Callable[[str], None]
    head: int = 0
    done: int = 0

    def over(self, running: Mission, kills: list[Kill]) -> Mission:
        """Carry the kills out on a mission; return the one that runs then, which may be a resumed one."""
        for kill in kills:
            running = self.carry_out(kill, running)
        return running

    def carry_out(self, kill: Kill, running: Mission) -> Mission:
        """Wait for the moment and kill; return the mission that runs then, which may be a resumed one."""
        if not self._wait(kill.sequence, running):
            self.tell(f"entry {kill.sequence}: {kill.victim} not killed, the mission was over at {self.head}")
            return running
        if kill.victim in ("supervisor", "the whole tree"):
            return self._resumed(kill, running)
        was_there = _shoot(kill.victim, running)
        self.done += was_there
        self.tell(f"entry {self.head}: {kill.victim} {'killed' if was_there else 'was not running'}")
        return running

    def _resumed(self, kill: Kill, running: Mission) -> Mission:
        if kill.victim == "supervisor":
            running.process.kill()
            running.process.communicate(timeout=10)
        else:
            running.kill_tree()
        self.done += 1
        self.tell(f"entry {self.head}: {kill.victim} killed, resumed")
        return self.stage.resume()

    def _wait(self, sequence: int, running: Mission) -> bool:
        """Wait until the journal has so many entries; False when the mission ends before."""
        deadline_s = time.monotonic() + _PATIENCE_S
        while running.process.poll() is None:
            self._read(running)
            if self.head >= sequence:
                return True
            assert time.monotonic() < deadline_s, f"the journal stays at {self.head}"
            time.sleep(_POLL_S)
        return False

    def _read(self, running: Mission) -> None:
        reader = JournalReader(running.run / "journal", self.head)
        with suppress(JournalError, OSError):  # it is being written, or mended, at this moment
            for entry in reader.entries():
                self.head = entry.sequence
        reader.close()


def _shoot(victim: str, running: Mission) -> bool:
    """Kill one process; returns whether it was there."""
    try:
        os.kill(forkserver_of(running) if victim == "forkserver" else running.pids(victim)[-1], signal.SIGKILL)
    except (OSError, IndexError):
        return False
    return True
