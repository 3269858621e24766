"""Checks on a plan before anything starts: what it names exists, what it asks for can be had, and it has an end."""

from collections import Counter
from collections.abc import Iterator
from typing import Final

from coordinators.graph import Graph, graph_of
from coordinators.groups import MAX_ROWS
from protocol.bodies import Pattern, Plan, PlannedTask
from protocol.conditions import read_condition
from protocol.errors import DefinitionError

MAX_ROUNDS: Final = 1_000
BEST: Final = ("lowest", "highest")


def check(plan: Plan) -> Graph:
    """Accept a plan that can be carried out, and return it with its order.

    Raises:
        DefinitionError: it is empty, names a task twice, needs one that it cannot, goes in a circle, which is then
            shown, or puts a condition on something that it will not know by then.
    """
    if not plan.tasks:
        raise DefinitionError("the plan has no tasks")
    twice = sorted(name for name, count in Counter(task.id for task in plan.tasks).items() if count > 1)
    if twice:
        raise DefinitionError(f"the plan names {', '.join(twice)} more than once")
    if plan.workers == 0:
        raise DefinitionError("workers is 0: nothing would ever be done")
    graph = graph_of(plan)
    for task in plan.tasks:
        _check_task(task, graph)
    _check_rows(graph)
    return graph


def _check_rows(graph: Graph) -> None:
    """Groups within groups multiply: find out before anything starts where the plan's own files make too many."""
    times: dict[str, int] = {}
    for name in graph.order:  # groups come before their parts
        planned, within = graph.nodes[name].planned, graph.nodes[name].planned.within
        times[name] = 1 if within is None else times[within]
        if planned.group is not None and planned.group.pattern is Pattern.EACH:
            times[name] *= max(-(-len(planned.inputs) // (planned.group.batch or 1)), 1)
    most = max(times.values())
    if most > MAX_ROWS:
        raise DefinitionError(
            f"groups within groups would do their parts {most:,} times, which is more than {MAX_ROWS:,}; use a batch"
        )


def _check_task(task: PlannedTask, graph: Graph) -> None:
    if "#" in task.id:
        raise DefinitionError(f"task {task.id}: # in a name stands for items and rounds; leave it out")
    if task.group is not None:
        _check_group(task, graph)
    if task.when is not None:
        known = set(task.needs) | {need for group in graph.nodes[task.id].chain for need in _needs(graph, group)}
        _check_names(f"task {task.id}, when", task.when, known, "it does not need; add it to its needs")
    for condition in task.accept:
        read_condition(condition)
    if task.policy is not None and task.policy.attempts == 0:
        raise DefinitionError(f"task {task.id}: attempts is 0: it could never be done")
    if task.group is not None and task.policy is not None and task.policy.deadline_s is not None:
        raise DefinitionError(f"group {task.id}: a deadline is for tasks; give it to the parts, or to the whole plan")
    if task.policy is not None:
        line = (task.agent, *task.policy.alternatives)
        if len(set(line)) < len(line):
            raise DefinitionError(f"task {task.id}: its agent and those who come after it are to be different ones")
    _check_author(task, graph)


def _needs(graph: Graph, name: str) -> tuple[str, ...]:
    return graph.nodes[name].planned.needs


def _check_author(task: PlannedTask, graph: Graph) -> None:
    author = task.policy.fixed_by if task.policy else None
    if author is None:
        return
    if author not in graph.nodes[task.id].before or graph.nodes[author].planned.group is not None:
        raise DefinitionError(f"task {task.id} is to be fixed by {author}, which is not a task that it needs")


def _check_group(task: PlannedTask, graph: Graph) -> None:
    group = task.group
    assert group is not None
    parts = graph.nodes[task.id].parts
    if not parts:
        raise DefinitionError(f"group {task.id} has no parts")
    if group.batch == 0 or group.rounds == 0 or (group.rounds or 0) > MAX_ROUNDS:
        raise DefinitionError(f"group {task.id}: batch and rounds are from 1, rounds to {MAX_ROUNDS:,}")
    if group.pattern is not Pattern.REPEAT and (group.until or group.best or group.rounds):
        raise DefinitionError(f"group {task.id}: until, best and rounds are for a group that is repeated")
    if group.until is not None:
        _check_names(f"group {task.id}, until", group.until, set(parts), "is not a part of it")
    if group.best is not None:
        sign, _, name = group.best.partition(" ")
        if sign not in BEST or name.rpartition(".")[0] not in parts:
            raise DefinitionError(
                f"group {task.id}, best: {group.best!r} is not such as `lowest PART.VALUE` or `highest PART.VALUE`"
            )


def _check_names(place: str, condition: str, known: set[str], otherwise: str) -> None:
    for name in read_condition(condition).names:
        task, dot, _ = name.rpartition(".")
        if not dot:
            raise DefinitionError(f"{place}: {name} is not a value of a task; write TASK.VALUE")
        if task not in known:
            raise DefinitionError(f"{place}: asks for {name}, but {task} {otherwise}")


def tasks_of(plan: Plan) -> Iterator[PlannedTask]:
    """Yield the tasks that somebody does; groups are left out."""
    return (task for task in plan.tasks if task.group is None)
