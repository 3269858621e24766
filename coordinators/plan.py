"""Checks on a plan before anything starts: every need exists, no task twice, no circle."""

from collections.abc import Iterable

from protocol.bodies import Plan
from protocol.errors import DefinitionError


def check(plan: Plan) -> None:
    """Accept a plan that can be carried out.

    Raises:
        DefinitionError: it is empty, names a task twice, needs one that is not there, or goes in a circle,
            which is then shown.
    """
    names = [task.id for task in plan.tasks]
    if not names:
        raise DefinitionError("the plan has no tasks")
    twice = sorted({name for name in names if names.count(name) > 1}) if len(set(names)) < len(names) else []
    if twice:
        raise DefinitionError(f"the plan names {', '.join(twice)} more than once")
    known = set(names)
    for task in plan.tasks:
        missing = [need for need in task.needs if need not in known]
        if missing:
            raise DefinitionError(f"task {task.id} needs {missing[0]}, which is not in the plan")
    circle = _circle({task.id: task.needs for task in plan.tasks})
    if circle:
        raise DefinitionError(f"the plan goes in a circle: {' → '.join(circle)}")


def _circle(needs: dict[str, tuple[str, ...]]) -> list[str]:
    """Return a circle of tasks that need one another, the first one repeated at the end; [] where there is none."""
    left = {name: set(wanted) for name, wanted in needs.items()}
    while free := [name for name, wanted in left.items() if not wanted & left.keys()]:
        for name in free:
            del left[name]
    if not left:
        return []
    path = [next(iter(left))]
    while len(path) == len(set(path)):
        path.append(_first(need for need in needs[path[-1]] if need in left))
    return path[path.index(path[-1]) :]


def _first(names: Iterable[str]) -> str:
    return next(iter(names))
