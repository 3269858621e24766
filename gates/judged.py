"""What a gate gets to see: the claim of a specialist and everything needed to hold it against the facts."""

from collections.abc import Callable
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
