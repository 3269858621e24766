"""How long it took until somebody was at work again.

1. The clock starts at the death: the fault point's marker, or the kill from outside. Where somebody has to start
   the run again (the supervisor or the whole tree died) it starts with that command instead.
2. One process died: it stops at the first journal entry that its next life published (the broker: its epoch; a
   specialist: its claim; the recorder: its next seal). A next life that had nothing left to say counts from the
   first entry that anybody published after it had started; at the very end of a mission, from its start.
3. All of them died: it stops at the first entry of anybody but broker and supervisor after the new broker's start.
4. So it includes the wait for the next piece of work: it is an upper bound.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from bus.seals import read_seals
from protocol.bodies import Claim, Lost
from protocol.decoder import decode
from protocol.messages import Message
from protocol.topics import BROKER, RECORDER, SUPERVISOR, inbox_of
from tests.crash.stage import Clock
from tests.mission.runs import Mission

_KILLED: Final = -9


@dataclass(frozen=True, slots=True, order=True)
class Life:
    """One life of a slot. since_ns: when it started, real nanoseconds since 1970."""

    since_ns: int
    instance: str

    @property
    def slot(self) -> str:
        return self.instance.rpartition("-")[0]


def of_one(mission: Mission, clock: Clock, died_ns: int) -> float | None:
    """Return the seconds that the death of one process cost, by rule 2."""
    said = _said(mission, clock)
    lives = _lives(mission)
    agent, slot = _who_died([message for _, message in said], lives, died_ns)
    following = next((life for life in lives if life.slot == slot and life.since_ns > died_ns), None)
    if following is None:
        return None
    if agent == RECORDER:
        again = [clock.real_ns(seal.sealed_ns) for seal in read_seals(mission.run / "anchor")]
    else:
        again = [at_ns for at_ns, message in said if _is_its(message, agent, following.instance)]
    later = [*again, *(at_ns for at_ns, _ in said), following.since_ns]
    return (next(at_ns for at_ns in later if at_ns >= following.since_ns) - died_ns) / 1e9


def of_all(mission: Mission, clock: Clock, since_ns: int) -> float | None:
    """Return the seconds until a mission of which everything died went on, by rule 3."""
    broker = next((life for life in _lives(mission) if life.slot == "broker" and life.since_ns > since_ns), None)
    if broker is None:
        return None
    at_work = (at for at, m in _said(mission, clock) if at > broker.since_ns and m.sender not in (BROKER, SUPERVISOR))
    at_ns = next(at_work, None)
    return None if at_ns is None else (at_ns - since_ns) / 1e9


def _who_died(messages: Sequence[Message], lives: Sequence[Life], died_ns: int) -> tuple[str, str]:
    """Return agent and slot of who was killed: as the supervisor says, else whose slot lived again first."""
    lost = (message.body for message in messages if isinstance(message.body, Lost))
    killed = next((body for body in lost if body.exit_code == _KILLED), None)
    if killed is not None:
        return killed.agent, killed.instance.rpartition("-")[0]
    before = {life.slot for life in lives if life.since_ns <= died_ns}
    again = (life.slot for life in lives if life.since_ns > died_ns and life.slot in before)
    slot = next(again, inbox_of(BROKER))
    return f"@{slot}", slot


def _is_its(message: Message, agent: str, instance: str) -> bool:
    """Whether a life said this: several instances speak as one specialist, but each claims in its own name."""
    if isinstance(message.body, Claim):
        return message.body.instance == instance
    return message.sender == agent and not instance.startswith(("fact-", "contradiction-"))


def _said(mission: Mission, clock: Clock) -> list[tuple[int, Message]]:
    return [(clock.real_ns(entry.recorded_ns), decode(entry.document)) for entry in mission.entries()]


def _lives(mission: Mission) -> list[Life]:
    return sorted(life for path in (mission.run / "logs").glob("*.jsonl") for life in _started(path))


def _started(path: Path) -> Iterator[Life]:
    for line in path.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        if row["event"] == "started":
            yield Life(int(datetime.fromisoformat(row["timestamp"]).timestamp() * 1e9), str(row["instance"]))
