"""What a gate gets to see: the claim of a specialist and everything needed to hold it against the facts."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

from bus.artifacts import ArtifactStore
from protocol.bodies import File, Report, TaskAssignment
from protocol.messages import Message
from protocol.verdicts import Verdict


@dataclass(frozen=True, slots=True)
class Judged:
    """A task-completion together with the assignment it answers.

    assignment: None when the result answers nothing that was ever assigned.
    """

    message: Message
    report: Report
    assignment: TaskAssignment | None
    store: ArtifactStore

    @property
    def artifacts(self) -> tuple[File, ...]:
        return self.report.result.artifacts if self.report.result else ()


Gate: TypeAlias = Callable[[Judged], Verdict]


def inputs_of(judged: Judged) -> Iterator[File]:
    """Yield the files given to a task: its own inputs, and for a coordinator those of the plan it was given."""
    if judged.assignment is None:
        return
    yield from judged.assignment.inputs
    for task in judged.assignment.plan.tasks if judged.assignment.plan else ():
        yield from task.inputs
