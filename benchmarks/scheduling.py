"""Rows `schedule ...`: random graphs on W workers in the coordinator's order, next to the order of readiness.

Time is simulated; who begins when is decided by the coordinator's own rules, which hear claims and verdicts as in a
mission. Three orders are compared: *exact*, where `workers` is set and estimates are right; *off*, where each estimate
is wrong by up to a factor of two; *equal*, where nobody wrote any, which leaves the number of tasks to the end.
*First come* is what the same rules do without `workers`: everything ready is given out at once, and W workers take it
in that order.
"""

import heapq
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from statistics import median, quantiles
from typing import Final

from benchmarks.graphs import FAMILIES, Graph
from benchmarks.messages import MISSION
from benchmarks.rows import Effort, Row, compared
from coordinators.coordinator import Coordinator
from coordinators.fold import Draft, Heard
from coordinators.rows import PlanState
from protocol.bodies import (
    Body,
    Claim,
    Decision,
    Plan,
    PlannedTask,
    Policy,
    TaskAssignment,
    VerdictReport,
)
from protocol.messages import Message, MessageType
from protocol.topics import GATEKEEPER, TECH_LEAD

_SEED: Final = 20_261_121
_WORKERS: Final = (2, 4, 8)
_TASKS: Final = (100, 300)
_AGENT, _COORDINATOR = "@worker", "@data-coordinator"
_SECOND_NS: Final = 1_000_000_000


@dataclass(slots=True)
class Simulation:
    """A plan carried out in simulated time by so many workers; the coordinator decides who begins when.

    waiting: what was given out and nobody does yet. now_s: the simulated time.
    """

    durations: Mapping[str, int]
    workers: int
    now_s: int = 0
    waiting: deque[Draft] = field(default_factory=deque)
    _fold: Coordinator = field(default_factory=lambda: Coordinator(TECH_LEAD))
    _state: PlanState = field(default_factory=PlanState)
    _busy: list[tuple[int, int, Draft]] = field(default_factory=list)
    _heard: int = 0

    def makespan_s(self, plan: Plan) -> int:
        """Carry a plan out and return how long it took.

        Raises:
            AssertionError: it did not come to its end.
        """
        body = TaskAssignment(title="graph", skill="run-plan", folder="mission", plan=plan)
        self._hear(MessageType.TASK_ASSIGNMENT, body, "mission", None, TECH_LEAD)
        while self.waiting or self._busy:
            while self.waiting and len(self._busy) < self.workers:
                self._begin(self.waiting.popleft())
            self._end()
        assert self._state.is_reported, "the plan did not come to its end"
        return self.now_s

    def _begin(self, given: Draft) -> None:
        ends_s = self.now_s + self.durations[given.task]
        heapq.heappush(self._busy, (ends_s, self._heard, given))
        claim = Claim(instance=f"worker-{self._heard}", lease_s=self.durations[given.task])
        self._hear(MessageType.CLAIM, claim, given.task, given.attempt, _AGENT)

    def _end(self) -> None:
        """Let the time come when the next task is done."""
        self.now_s, _, given = heapq.heappop(self._busy)
        verdict = VerdictReport(decision=Decision.PASS, judged="r", reason="all gates passed", description="done")
        self._hear(MessageType.VERDICT, verdict, given.task, given.attempt, GATEKEEPER)

    def _hear(self, kind: MessageType, body: Body, task: str, attempt: int | None, sender: str) -> None:
        self._heard += 1
        at_ns = self.now_s * _SECOND_NS + self._heard
        message = Message(
            sender=sender,
            recipient=_COORDINATOR,
            type=kind,
            task=task,
            timestamp_ns=at_ns,
            id=f"heard-{self._heard}",
            mission=MISSION,
            attempt=attempt,
            body=body,
        )
        self._state, drafts = self._fold.step(self._state, Heard(message, at_ns))
        self.waiting += [draft for draft in drafts if isinstance(draft.body, TaskAssignment)]


@dataclass(frozen=True, slots=True)
class Scheduled:
    """How long one graph took in each order, in simulated seconds; and what no order can be under or need be over."""

    exact: int
    off: int
    equal: int
    first_come: int
    least: float
    one_by_one: int


def scheduled(graph: Graph, workers: int) -> Scheduled:
    """Carry a graph out in each order."""
    drawn = Random(f"estimates/{graph.total_s}")
    off = {name: max(1, round(took_s * 2 ** drawn.uniform(-1, 1))) for name, took_s in graph.durations.items()}
    equal = dict.fromkeys(graph.durations, 1)

    def took_s(estimates: Mapping[str, int], limit: int | None) -> int:
        return Simulation(graph.durations, workers).makespan_s(_plan(graph, estimates, limit))

    return Scheduled(
        exact=took_s(graph.durations, workers),
        off=took_s(off, workers),
        equal=took_s(equal, workers),
        first_come=took_s(graph.durations, None),
        least=graph.least_s(workers),
        one_by_one=graph.total_s,
    )


def _plan(graph: Graph, estimates: Mapping[str, int], workers: int | None) -> Plan:
    tasks = [
        PlannedTask(
            id=name,
            agent=_AGENT,
            skill="work",
            title=name,
            needs=tuple(needs),
            policy=Policy(estimate_s=estimates[name]),
        )
        for name, needs in graph.needs.items()
    ]
    return Plan(tasks=tuple(tasks), workers=workers)


def rows(effort: Effort) -> list[Row]:
    """Draw graphs of every family and schedule them; rounds are how many graphs of each."""
    drawn = Random(_SEED)
    count = effort.times(20, 4)
    found = []
    for family, draw in FAMILIES.items():
        graphs = [draw(drawn, drawn.randint(*_TASKS)) for _ in range(count)]
        found += [_row(family, workers, [scheduled(graph, workers) for graph in graphs]) for workers in _WORKERS]
    return found


def _row(family: str, workers: int, runs: Sequence[Scheduled]) -> Row:
    return compared(
        f"schedule {family}, {workers} workers",
        "s, simulated",
        [one.exact for one in runs],
        [one.first_come for one in runs],
        text=(
            "from the first task's beginning to the last one's end, `workers` set, estimates right; "
            f"{len(runs)} graphs of {_TASKS[0]} to {_TASKS[1]} tasks",
            "first come: without `workers` everything ready is given out at once, and so many take it in that order",
        ),
        facts={
            "p90_of_first_come": _p90([one.exact / one.first_come for one in runs]),
            "estimates_off_of_first_come": _middle([one.off / one.first_come for one in runs]),
            "estimates_equal_of_first_come": _middle([one.equal / one.first_come for one in runs]),
            "over_least": _middle([one.exact / one.least for one in runs]),
            "p90_over_least": _p90([one.exact / one.least for one in runs]),
            "first_come_over_least": _middle([one.first_come / one.least for one in runs]),
            "of_one_by_one": _middle([one.exact / one.one_by_one for one in runs]),
        },
    )


def _middle(values: Sequence[float]) -> float:
    return round(median(values), 3)


def _p90(values: Sequence[float]) -> float:
    return round(quantiles(values, n=10, method="inclusive")[-1] if len(values) > 1 else values[0], 3)
