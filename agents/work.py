"""What a skill gets and what it gives: the inputs of one attempt of one task, and an outcome.

A skill is a plain function `skill(work) -> Outcome`. It reads inputs through the work, so that digests are
checked; costly steps go through `work.step`, so that the next attempt reuses what was journaled.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from hashlib import sha256
from typing import TypeAlias

from bus.artifacts import ArtifactStore
from bus.faults import reached
from protocol.bodies import ErrorCategory, ErrorDetails, ErrorLevel, File, Progress, TaskAssignment
from protocol.bodies import Work as Effort
from protocol.errors import OrchestraError


class SkillFailed(OrchestraError):
    """A skill could not do its task. level: who has to act next; category: what kind of failure;
    transient: whether the same may succeed later, where that is known."""

    def __init__(
        self,
        level: ErrorLevel,
        category: ErrorCategory,
        message: str,
        recovery: str | None = None,
        *,
        transient: bool | None = None,
    ) -> None:
        super().__init__(message)
        self.details = ErrorDetails(
            level=level, category=category, message=message, attempted_recovery=recovery, transient=transient
        )


@dataclass(frozen=True, slots=True)
class Outcome:
    """A success: what came out and what it rests on.

    values: named texts, numbers or truths, on which the plan's conditions can be put.
    """

    description: str
    artifacts: tuple[File, ...] = ()
    effort: Effort = field(default_factory=Effort)
    values: Mapping[str, str | int | float | bool | Decimal] = field(default_factory=dict)


@dataclass(slots=True)
class Work:
    """One attempt of one task, as a skill sees it.

    journaled: products of earlier attempts, by (step, request hash). report: publishes progress.
    """

    task: str
    attempt: int
    assignment: TaskAssignment
    store: ArtifactStore
    report: Callable[[Progress], None]
    journaled: Mapping[tuple[str, str], File] = field(default_factory=dict)
    basis: list[str] = field(default_factory=list)

    def read(self, file: File) -> bytes:
        """Return an input's bytes. Raises SourceError: they are not what the assignment names."""
        return self.store.get(file)

    def setting(self, name: str, default: str = "") -> str:
        return next((setting.value for setting in self.assignment.settings if setting.name == name), default)

    def write(self, name: str, data: bytes, media_type: str, summary: str = "") -> File:
        """Store a product in the task's folder and return its reference."""
        path = f"{self.assignment.folder}/{name}"
        return self.store.put(data, path=path, media_type=media_type, summary=summary)

    def step(self, name: str, request: bytes, make: Callable[[], bytes], media_type: str) -> bytes:
        """Return what `make` makes, or what an earlier attempt of this task made of the same request.

        The product is stored and journaled before it is used, so a crash after this does not pay twice.
        """
        digest = sha256(request).hexdigest()
        self.basis.append(name)
        known = self.journaled.get((name, digest))
        if known is not None:
            return self.store.get(known)
        reached("specialist.before-effect")
        data = make()
        reached("specialist.mid-effect")
        product = self.write(f"steps/{name}", data, media_type)
        reached("specialist.after-effect")
        self.report(Progress(note=f"step {name}", step=name, request_hash=digest, product=product))
        return data


Skill: TypeAlias = Callable[[Work], Outcome]
