"""Small plans, the parts in them, and rules that say something else than the coordinator's."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from agents.work import Outcome, Work
from bus.artifacts import ArtifactStore
from coordinators.fold import Draft, Fold, Heard
from protocol.bodies import Plan, PlannedTask
from protocol.names import Priority
from scenarios.rehearsal import Orchestra, Rehearsed, Script, Terms


def diamond(branches: int) -> Plan:
    """Return a plan of so many branches of two tasks each, and one task that needs them all."""
    tasks = []
    for number in range(1, branches + 1):
        tasks.append(_task(f"left/{number}"))
        tasks.append(_task(f"right/{number}", f"left/{number}"))
    return Plan(tasks=(*tasks, _task("end", *(f"right/{number}" for number in range(1, branches + 1)))))


def _task(name: str, *needs: str) -> PlannedTask:
    return PlannedTask(id=name, agent="@worker", skill="write", title=name, needs=needs)


def writes(work: Work) -> Outcome:
    """Write down which task it was and what it was given."""
    given = "".join(work.read(file).decode() for file in work.assignment.inputs)
    return Outcome("written", (work.write("text.txt", f"{work.task}\n{given}".encode(), "text/plain"),))


def rehearse(
    plan: Plan, specialists: Mapping[str, Script | Mapping[str, Script]], folder: Path, **terms: Any
) -> Rehearsed:
    """Carry a plan out in memory, its artifacts in a folder. terms: as in `scenarios.rehearsal.Terms`."""
    return Orchestra(plan, specialists, ArtifactStore(folder / "store"), Terms(**terms)).carry_out()


@dataclass(frozen=True)
class Shouting:
    """Rules that say the same as others, and all of it as critical."""

    rules: Fold[Any]
    version = "loud"

    def start(self) -> Any:
        return self.rules.start()

    def step(self, state: Any, heard: Heard) -> tuple[Any, tuple[Draft, ...]]:
        after, drafts = self.rules.step(state, heard)
        return after, tuple(replace(draft, priority=Priority.CRITICAL) for draft in drafts)

    def set_aside(self, state: Any, heard: Heard, reason: str) -> tuple[Any, tuple[Draft, ...]]:
        return self.rules.set_aside(state, heard, reason)
