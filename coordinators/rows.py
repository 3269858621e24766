"""What a coordinator knows: one row for each time a task is done, and where the whole plan stands. Frozen values.

The maps are persistent: a step changes a few rows of ten thousand, and what it did not change is shared with the state
before. They have no order of their own; whoever goes through them sorts by `serial`.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from rpds import HashTrieMap

from coordinators.graph import DEFAULT_ROUNDS, NO_PLAN, Graph, Path, row_name
from coordinators.tasks import SETTLED, State
from protocol.bodies import ErrorDetails, File, PlannedTask, Policy, Value
from protocol.messages import Message
from protocol.names import RANK, Priority

_POLICY = Policy()


@dataclass(frozen=True, slots=True)
class TaskRow:
    """One time that a planned task is done, and where that stands.

    path: the numbers of the items and rounds around it. serial: in which order rows came into being.
    waits: how many of the tasks before it are not settled. left: of a group, how many of its parts are not.
    round: of a group that is repeated, the one under way. given: what its group works on, where it wants that.
    feedback, strategy: what the next attempt is told, and how it means to do better.
    agent: who does it now; "" while it is the planned one. due_ns: when it is late, or when its pause is over.
    rejections, losses, failures: what has happened to it. faults: digests of the rejected results.
    note: why it was skipped. request: the id of the message that asks a person about it.
    valid_from: the first attempt that counts; those before were made for another plan.
    """

    planned: PlannedTask
    path: Path = ()
    serial: int = 0
    state: State = State.WAITING
    waits: int = 0
    left: int = 0
    round: int = 0
    given: tuple[File, ...] = ()
    attempt: int = 0
    valid_from: int = 1
    rejections: int = 0
    losses: int = 0
    failures: int = 0
    faults: frozenset[str] = frozenset()
    feedback: str | None = None
    strategy: str | None = None
    agent: str = ""
    instance: str = ""
    due_ns: int = 0
    artifacts: tuple[File, ...] = ()
    values: tuple[Value, ...] = ()
    error: ErrorDetails | None = None
    note: str = ""
    request: str = ""

    @property
    def name(self) -> str:
        return row_name(self.planned.id, self.path)

    @property
    def policy(self) -> Policy:
        return self.planned.policy or _POLICY

    @property
    def planned_rounds(self) -> int:
        """How often the parts of a group are repeated at most."""
        return (self.planned.group.rounds if self.planned.group else None) or DEFAULT_ROUNDS

    @property
    def is_settled(self) -> bool:
        return self.state in SETTLED

    def value(self, name: str) -> str | None:
        """Return one value of the result, or None where it has none of that name."""
        return next((value.value for value in self.values if value.name == name), None)

    @property
    def is_critical(self) -> bool:
        return self.policy.critical is not False


@dataclass(frozen=True, slots=True)
class Breaker:
    """How often in a row an agent has failed, and until when it is given nothing."""

    failures: int = 0
    open_until_ns: int = 0


@dataclass(frozen=True, slots=True)
class PlanState:
    """Everything a coordinator knows.

    given: the assignment that brought the plan; None before it came. graph: the plan as it is now.
    live: the rows that wait for something which can be late, by serial. ready: rows in the order of their turn.
    under_way: how many rows are with an agent. open_top: how many of the tasks in no group are not settled.
    gone: instances that are no more. wake_due_ns: the earliest wake that is owed; 0: none.
    accepted, milestones: how many tasks were accepted so far, how many rounds and groups came to their end.
    base: attempts so far, of rows that a change has dropped. told: what was last said about what it waits for.
    is_halted: nothing more is begun until a person has decided. is_reported: the end has been said.
    """

    given: Message | None = None
    graph: Graph = NO_PLAN
    began_ns: int = 0
    rows: "HashTrieMap[str, TaskRow]" = field(default_factory=HashTrieMap)
    live: "HashTrieMap[int, str]" = field(default_factory=HashTrieMap)
    ready: tuple[tuple[int, int, int, str], ...] = ()
    under_way: int = 0
    open_top: int = 0
    next_serial: int = 1
    accepted: int = 0
    milestones: int = 0
    gone: frozenset[str] = frozenset()
    breakers: "HashTrieMap[str, Breaker]" = field(default_factory=HashTrieMap)
    wake_due_ns: int = 0
    base: int = 0
    told: str = ""
    is_halted: bool = False
    is_reported: bool = False

    def live_rows(self) -> list[TaskRow]:
        return [self.rows[name] for _, name in sorted(self.live.items())]

    def all_rows(self) -> list[TaskRow]:
        """Return every row in the order in which they came into being."""
        return sorted(self.rows.values(), key=lambda row: row.serial)

    def called(self, names: Iterable[str], path: Path) -> list[TaskRow]:
        """Return the rows of some tasks as a row at this path sees them: those of its own item and round."""
        return [self.rows[row_name(name, path[: self.graph.depth_of(name)])] for name in names]

    def turn_of(self, row: TaskRow) -> tuple[int, int, int, str]:
        """Return what the order of ready rows goes by: priority, then the longer way to the end, then age."""
        priority = RANK[row.policy.priority or Priority.NORMAL]
        return priority, -self.graph.ways[row.planned.id], row.serial, row.name
