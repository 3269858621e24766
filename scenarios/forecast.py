"""The dry run: what a plan would do, in which order and for how long, without doing any of it."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from coordinators import drafts
from coordinators.coordinator import Coordinator
from coordinators.fold import Draft, Heard, sign
from coordinators.graph import Graph, Timing, critical_path, is_repeated, timings
from coordinators.rows import PlanState, TaskRow
from protocol.bodies import PlannedTask, TaskAssignment
from protocol.messages import Message, MessageType
from protocol.topics import TECH_LEAD
from scenarios.mission import Mission

_CHARACTERS_A_TOKEN: Final = 4  # of English text; Source: the rule of thumb in both large providers' documentation


@dataclass(frozen=True, slots=True)
class Step:
    """One task of a plan as it is expected. tokens: of what it is given, estimated; None: that is made only then."""

    name: str
    planned: PlannedTask
    timing: Timing
    is_critical: bool
    tokens: int | None


def forecast(graph: Graph) -> list[Step]:
    """Return the tasks of a plan in the order in which they can begin."""
    times, critical = timings(graph), set(critical_path(graph))
    steps = [
        Step(name, graph.nodes[name].planned, times[name], name in critical, _tokens(graph, name))
        for name in graph.order
    ]
    return sorted(steps, key=lambda step: (step.timing.earliest_s, step.timing.slack_s))


def _tokens(graph: Graph, name: str) -> int | None:
    planned = graph.nodes[name].planned
    is_told_later = graph.nodes[name].before or graph.nodes[name].wants_given
    if is_told_later or (planned.group is not None and not planned.inputs):
        return None
    return sum(file.bytes or 0 for file in planned.inputs) // _CHARACTERS_A_TOKEN


def assignments(mission: Mission, graph: Graph) -> Iterator[Message]:
    """Yield each task's first assignment as it would be sent, of items and rounds that of the first.

    What other tasks make is not in it yet, nor which file is the first item.
    """
    body = TaskAssignment(title=mission.scenario, skill="run-plan", folder="mission", plan=mission.plan)
    given = Message(
        sender=TECH_LEAD, recipient=mission.coordinator, type=MessageType.TASK_ASSIGNMENT, task="mission",
        timestamp_ns=0, id="plan", mission=mission.scenario, attempt=1, body=body,
    )  # fmt: skip
    heard = Heard(given, 0)
    state, _ = Coordinator(TECH_LEAD).step(PlanState(), heard)
    for ordinal, name in enumerate(graph.order):
        planned = graph.nodes[name].planned
        if planned.group is None:
            yield sign(_first(state, planned), sender=mission.coordinator, heard=heard, ordinal=ordinal)


def _first(state: PlanState, planned: PlannedTask) -> Draft:
    alone = planned.model_copy(update={"needs": (), "within": None})
    first = tuple(1 for name in state.graph.nodes[planned.id].chain if is_repeated(state.graph.nodes[name].planned))
    return drafts.assignment(state, TaskRow(alone, path=first, attempt=1))
