"""The fixed side of a plan: what stands within what, what comes before what, and how long the way to the end is.

A planned task within groups is done once, or again and again: for each item, in each round. A *row* is one of these
times. Its name is the task's id, and behind a # the number of the item or round in each such group around it, the
outermost first: "shorten#2.1". A task needs tasks of its own group or of one around it, never the inside of another.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from graphlib import CycleError, TopologicalSorter
from typing import Final

from protocol.bodies import Pattern, Plan, PlannedTask
from protocol.errors import DefinitionError

DEFAULT_ROUNDS: Final = 5
_DEFAULT_ESTIMATE_S: Final = 1

Path = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Node:
    """A planned task in its place.

    chain: the groups around it, the outermost first. depth: how many of them are done more than once.
    before, after: what it needs, and what needs it, in its own group; of a group also what its parts need from outside.
    parts: of a group, in the plan's order. wants_given: whether it gets what its group works on.
    """

    planned: PlannedTask
    chain: tuple[str, ...]
    depth: int
    before: tuple[str, ...]
    after: tuple[str, ...]
    parts: tuple[str, ...]
    wants_given: bool

    @property
    def is_repeated(self) -> bool:
        """Whether it is a group whose parts are done more than once."""
        return is_repeated(self.planned)


@dataclass(frozen=True, slots=True)
class Graph:
    """A plan with its order. top: the tasks that stand in no group. order: all, those before others first.

    ways: for each task the longest way from its beginning to the end of the plan, in seconds.
    """

    plan: Plan
    nodes: Mapping[str, Node]
    top: tuple[str, ...]
    order: tuple[str, ...]
    ways: Mapping[str, int] = field(default_factory=dict)

    def depth_of(self, name: str) -> int:
        return self.nodes[name].depth

    def finals(self, names: Iterable[str]) -> list[str]:
        """Return those of some tasks of one group that no other of the group builds on."""
        return [name for name in names if not self.nodes[name].after]

    def inside(self, name: str) -> list[str]:
        """Return a task and everything within it."""
        found = [name]
        for one in found:
            found += self.nodes[one].parts
        return found


NO_PLAN: Final = Graph(Plan(), {}, (), ())


def is_repeated(planned: PlannedTask) -> bool:
    return planned.group is not None and planned.group.pattern is not Pattern.ONCE


def row_name(name: str, path: Path) -> str:
    """Return the name of one time a task is done."""
    return f"{name}#{'.'.join(map(str, path))}" if path else name


def graph_of(plan: Plan) -> Graph:
    """Return a plan with its order.

    Raises:
        DefinitionError: a task stands within or needs what it cannot, or tasks need one another in a circle,
            which is then shown.
    """
    tasks = {task.id: task for task in plan.tasks}
    chains = {name: _chain(name, tasks) for name in tasks}
    before = _before(tasks, chains)
    order = _in_order(before, tasks)
    after: dict[str, list[str]] = {name: [] for name in tasks}
    parts: dict[str, list[str]] = {name: [] for name in tasks}
    for name, task in tasks.items():
        for need in before[name]:
            after[need].append(name)
        if task.within:
            parts[task.within].append(name)
    nodes = {
        name: Node(
            planned=task,
            chain=chains[name],
            depth=sum(is_repeated(tasks[group]) for group in chains[name]),
            before=before[name],
            after=tuple(after[name]),
            parts=tuple(parts[name]),
            wants_given=task.within is not None and (not before[name] or task.within in task.needs),
        )
        for name, task in tasks.items()
    }
    graph = Graph(plan, nodes, tuple(name for name, task in tasks.items() if not task.within), order)
    return replace(graph, ways=_ways(graph))


def _chain(name: str, tasks: Mapping[str, PlannedTask]) -> tuple[str, ...]:
    chain: list[str] = []
    inner = name
    while (group := tasks[inner].within) is not None:
        if group not in tasks or tasks[group].group is None:
            raise DefinitionError(f"task {inner} stands within {group}, which is not a group of the plan")
        if group in chain or group == name:
            raise DefinitionError(f"task {name} stands within itself: {' → '.join([name, *chain, group])}")
        chain.append(group)
        inner = group
    return tuple(reversed(chain))


def _before(tasks: Mapping[str, PlannedTask], chains: Mapping[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    """Return what comes before each task in its own group; what a part needs from outside comes before its group."""
    before: dict[str, dict[str, None]] = {name: {} for name in tasks}
    for name, task in tasks.items():
        for need in task.needs:
            if need not in tasks:
                raise DefinitionError(f"task {name} needs {need}, which is not in the plan")
            if need in chains[name]:
                continue  # its own group: it wants what the group works on
            inner = _at_level_of(need, name, tasks, chains)
            before[inner][need] = None
    return {name: tuple(needs) for name, needs in before.items()}


def _at_level_of(need: str, name: str, tasks: Mapping[str, PlannedTask], chains: Mapping[str, tuple[str, ...]]) -> str:
    """Return the task, or the group around it, that stands in the same group as what it needs."""
    for inner in (name, *reversed(chains[name])):
        if tasks[inner].within == tasks[need].within:
            return inner
    raise DefinitionError(f"task {name} needs {need}, which stands inside {tasks[need].within}; need the group instead")


def _in_order(before: Mapping[str, tuple[str, ...]], tasks: Mapping[str, PlannedTask]) -> tuple[str, ...]:
    sorter = TopologicalSorter(before)
    for name, task in tasks.items():
        if task.within:
            sorter.add(name, task.within)
    try:
        return tuple(sorter.static_order())
    except CycleError as error:
        circle = [str(name) for name in reversed(error.args[1])]
        raise DefinitionError(f"the plan goes in a circle: {' → '.join(circle)}") from error


@dataclass(frozen=True, slots=True)
class Timing:
    """When a task can begin and end at the earliest and at the latest, in seconds after the start.

    slack_s: by how much it may be late without delaying the whole; 0 on the critical path.
    """

    earliest_s: int
    latest_s: int
    duration_s: int
    slack_s: int


def _ways(graph: Graph) -> dict[str, int]:
    """Return for each task how long the longest way from its beginning to the end of the plan is, in seconds.

    Source: Kelley and Walker, Critical-Path Planning and Scheduling, 1959: what is on the longest way comes first.
    """
    durations = _durations(graph)
    within: dict[str, int] = {}
    for name in reversed(graph.order):
        after = [within[follower] for follower in graph.nodes[name].after]
        within[name] = durations[name] + max(after, default=0)
    tails: dict[str, int] = {}
    for name in graph.order:  # groups come before their parts
        group = graph.nodes[name].planned.within
        tails[name] = 0 if group is None else tails[group] + within[group] - durations[group]
    return {name: within[name] + tails[name] for name in graph.order}


def _durations(graph: Graph) -> dict[str, int]:
    """Return how long each task is expected to take; a group as long as the longest way through its parts."""
    durations: dict[str, int] = {}
    ways: dict[str, int] = {}
    for name in reversed(graph.order):  # parts come before their groups, followers before what they follow
        node = graph.nodes[name]
        durations[name] = _duration(node, max((ways[part] for part in node.parts), default=0))
        ways[name] = durations[name] + max((ways[follower] for follower in node.after), default=0)
    return durations


def _duration(node: Node, longest_s: int) -> int:
    policy, group = node.planned.policy, node.planned.group
    if group is None:
        return _DEFAULT_ESTIMATE_S if policy is None or policy.estimate_s is None else policy.estimate_s
    return longest_s * ((group.rounds or DEFAULT_ROUNDS) if group.pattern is Pattern.REPEAT else 1)


def timings(graph: Graph) -> dict[str, Timing]:
    """Return the timing of every task by the critical-path method, with as many agents as there is work for."""
    durations, ways = _durations(graph), graph.ways
    whole_s = max(ways.values(), default=0)
    earliest: dict[str, int] = {}
    found = {}
    for name in graph.order:
        node = graph.nodes[name]
        group = node.planned.within
        starts = [earliest[need] + durations[need] for need in node.before]
        earliest[name] = max([earliest[group] if group else 0, *starts])
        latest_s = whole_s - ways[name]
        found[name] = Timing(earliest[name], latest_s, durations[name], latest_s - earliest[name])
    return found


def critical_path(graph: Graph) -> list[str]:
    """Return one longest way through the tasks that stand in no group, in order."""
    path: list[str] = []
    left = list(graph.top)
    while left:
        path.append(max(left, key=lambda name: graph.ways[name]))  # of equals the first
        left = list(graph.nodes[path[-1]].after)
    return path
