"""What the steps of a workflow name: one another, in needs and in conditions. Every fault with its place.

A step reaches the steps of its own group and of the groups around it, never the inside of another group.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from agents.document import Place, nearest
from protocol.conditions import read_condition
from scenarios.workflow import Step, Workflow

Fault = tuple[Place, str]


@dataclass(frozen=True, slots=True)
class Placed:
    """A step where it stands. chain: the groups around it, the outermost first."""

    step: Step
    place: Place
    chain: tuple[str, ...]


def all_steps(workflow: Workflow) -> list[Placed]:
    """Return every step of a workflow, groups before what is in them."""
    return list(_walk(workflow.steps, ("steps",), ()))


def _walk(steps: Iterable[Step], place: Place, chain: tuple[str, ...]) -> Iterator[Placed]:
    for number, step in enumerate(steps):
        here, inner = (*place, number), (*chain, step.id)
        yield Placed(step, here, chain)
        yield from _walk(step.steps, (*here, "steps"), inner)
        yield from _walk(step.then, (*here, "then"), inner)
        yield from _walk(step.otherwise_steps, (*here, "else"), inner)


def faults_of(workflow: Workflow) -> Iterator[Fault]:
    """Yield what is wrong with the names by which steps call one another."""
    placed = all_steps(workflow)
    often = Counter(one.step.id for one in placed)
    known = {one.step.id: one for one in reversed(placed)}
    for one in placed:
        if often[one.step.id] > 1 and known[one.step.id] is not one:
            yield (*one.place, "id"), f"{one.step.id} is the id of another step too; give each its own"
        yield from _faults(one, known)


def _faults(one: Placed, known: Mapping[str, Placed]) -> Iterator[Fault]:
    step = one.step
    for number, need in enumerate(step.needs or ()):
        if need not in one.chain and (text := _out_of_reach(need, one, known)):
            yield (*one.place, "needs", number), f"{step.id} needs {need}, {text}"
    for key, condition in (("when", step.when), ("if", step.condition)):
        yield from _asked((*one.place, key), f"{step.id}, {key}", condition, one, known)
    if step.fixed_by is not None and (text := _out_of_reach(step.fixed_by, one, known)):
        yield (*one.place, "fixed_by"), f"{step.id} is fixed by {step.fixed_by}, {text}"
    parts = [part.id for part in step.steps]
    for name in read_condition(step.until).names if step.until else ():
        if text := _no_part(name, parts):
            yield (*one.place, "until"), f"{step.id}, until: asks for {name}, {text}"
    if step.best and (text := _no_part(step.best.partition(" ")[2], parts)):
        yield (*one.place, "best"), f"{step.id}, best: {step.best}, {text}"
    for number, gate in enumerate(step.gates):
        for name in read_condition(gate).names:
            task, dot, value = name.rpartition(".")
            if dot and task in known:
                text = f"{step.id}, gates: {name}: gates are on the step's own values; write {value}, or use `when`"
                yield (*one.place, "gates", number), text


def _asked(
    place: Place, where: str, condition: str | None, one: Placed, known: Mapping[str, Placed]
) -> Iterator[Fault]:
    for name in read_condition(condition).names if condition else ():
        task, dot, _ = name.rpartition(".")
        if not dot:
            yield place, f"{where}: {name} is no value of a step; write STEP.{name}, or put quotes around a text"
        elif text := _out_of_reach(task, one, known):
            yield place, f"{where}: asks for {name}, {text}"


def _out_of_reach(name: str, one: Placed, known: Mapping[str, Placed]) -> str:
    """Return why a step cannot wait for another, and what to do; "" where it can."""
    if name == one.step.id:
        return "which is the step itself; take that out"
    other = known.get(name)
    if other is None:
        return f"but there is no step {name}; {nearest(name, known)}"
    if name in one.chain:
        return f"but {name} is the group around it, which is done only when this is; ask a step before it"
    shared = one.chain[: len(other.chain)]
    if other.chain == shared:
        return ""
    group = next(group for group in other.chain if group not in one.chain)
    return f"but {name} stands inside the group {group}; name {group} instead"


def _no_part(name: str, parts: Iterable[str]) -> str:
    """Return why a value is none of the parts of a group; "" where it is."""
    task, dot, _ = name.rpartition(".")
    if not dot:
        return f"which is no value of a step; write STEP.{name}"
    return "" if task in parts else f"but {task} is not one of the group's own steps; {nearest(task, parts)}"


def place_named(workflow: Workflow, text: str) -> Place:
    """Return where the first step stands that a complaint names; the list of steps where it names none."""
    places = {one.step.id: one.place for one in reversed(all_steps(workflow))}
    words = (word.strip(",:;") for word in text.split())
    return next((places[word] for word in words if word in places), ("steps",))
