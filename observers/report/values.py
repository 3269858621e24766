"""What a report is about: one frozen value, made by `observers.report.reading`, shown by `observers.report.page`."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Final

from bus.seals import Seal
from observers.costs import Cost
from observers.inbox import Request
from observers.recoveries import Recovery
from observers.verify import Finding
from protocol.bodies import Decision, File
from protocol.messages import MessageType

DAMAGED: Final = "damaged"  # how a run stands of whose journal nobody can read the end


class Fate(Enum):
    """What became of an attempt."""

    ACCEPTED = "accepted"
    REJECTED = "rejected"
    ESCALATED = "escalated"
    LOST = "lost"
    RUNNING = "running"
    UNFINISHED = "unfinished"  # the run stopped before a verdict
    WAITING = "waiting"  # nobody has taken it
    WITHDRAWN = "withdrawn"  # the task was given out anew, or the mission ended without it


@dataclass(frozen=True, slots=True)
class Judgement:
    """A verdict of the gatekeeper. at: its sequence. marks: of the five gates, in their order; none where not told."""

    at: int
    decision: Decision
    marks: tuple[str, ...]
    reason: str
    evidence: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One try at a task. at: the sequence of its assignment. number: None where the assignment names none.

    claimed_ns, ended_ns: 0 where that has not happened. is_mission: it is the whole plan, given to a coordinator.
    """

    task: str
    title: str
    agent: str
    number: int | None
    at: int
    assigned_ns: int
    strategy: str = ""
    instance: str = ""
    claimed_ns: int = 0
    ended_ns: int = 0
    fate: Fate = Fate.WAITING
    judgement: Judgement | None = None
    is_mission: bool = False

    @property
    def began_ns(self) -> int:
        """When somebody took it; where nobody has, when it was given out."""
        return self.claimed_ns or self.assigned_ns


@dataclass(frozen=True, slots=True)
class Said:
    """One message, in a line. place: its number among those that are not folded, from 1.

    heard_by: whose inbox it went to; a result goes to the gatekeeper, whoever it is for.
    """

    place: int
    sequence: int
    recorded_ns: int
    sender: str
    heard_by: str
    type: MessageType
    task: str
    text: str
    decision: Decision | None = None


@dataclass(frozen=True, slots=True)
class Talk:
    """What is shown of what was said, in order: the first, the last, and what went wrong or concerned people.

    folded: how many claims, notes of progress and the like are not among it. left_out: how many of the others.
    """

    shown: tuple[Said, ...] = ()
    folded: int = 0
    left_out: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Agent:
    """Somebody who was there. attempts: by what became of them."""

    name: str
    role: str
    instances: int
    sent: int
    attempts: dict[Fate, int]


@dataclass(frozen=True, slots=True)
class Artifact:
    """An accepted file. is_result: of the mission as a whole. is_kept: whether the store has these bytes; None: not
    looked at.
    """

    file: File
    task: str
    agent: str
    is_result: bool
    is_kept: bool | None = None


@dataclass(frozen=True, slots=True)
class Unbegun:
    """A task of the plan that nobody was given. state: where the coordinator has it."""

    task: str
    agent: str
    state: str
    note: str


@dataclass(frozen=True, slots=True)
class Audit:
    """What an audit can say. keys: the recorder's public keys that lie in the run's folder. trouble: what of it could
    not be found out.
    """

    finding: Finding
    seal: Seal | None = None
    keys: tuple[str, ...] = ()
    stamps: tuple[tuple[Seal, datetime, bool], ...] = ()
    trouble: str = ""


@dataclass(frozen=True, slots=True)
class Costs:
    """What was spent; nothing where no model was called. trouble: why that cannot be told."""

    by_agent: Sequence[Cost] = ()
    by_model: Sequence[Cost] = ()
    by_task: Sequence[Cost] = ()
    trouble: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunReport:
    """A run as its journal tells it up to one entry: all that the page shows.

    folder: the name of its folder. stands, why: as in `observers.outline`, or DAMAGED. entries: the sequence of the
    last entry that was read; head: the chain's head there, hexadecimal. pruned: up to which entry the journal was.
    damage: why the reading ended there, "" where it ended with the journal. starts_ns: when a broker opened it.
    parent: of which run it is a fork, and after which entry. kinds: how many messages of each type.
    unbegun: None where that is not known; why_unknown: why not. words: what people said unasked, such as to cancel.
    """

    run: str
    folder: str
    scenario: str
    stands: str
    why: str
    entries: int
    head: str
    began_ns: int
    ended_ns: int
    now_ns: int
    accepted: int
    tasks: int
    is_open: bool = False
    pruned: int = 0
    damage: str = ""
    starts_ns: tuple[int, ...] = ()
    parent: str = ""
    kinds: tuple[tuple[str, int], ...] = ()
    agents: tuple[Agent, ...] = ()
    attempts: tuple[Attempt, ...] = ()
    unbegun: tuple[Unbegun, ...] | None = None
    why_unknown: str = ""
    talk: Talk = Talk()
    requests: tuple[Request, ...] = ()
    words: tuple[Said, ...] = ()
    recoveries: tuple[Recovery, ...] = ()
    artifacts: tuple[Artifact, ...] = ()
    costs: Costs = Costs()
    audit: Audit = Audit(Finding(0, 0, 0))
