"""A coordinator's plan played through without processes: every assignment is answered at once by a function."""

from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from coordinators.coordinator import Coordinator
from coordinators.fold import Draft, Heard
from coordinators.rows import PlanState
from coordinators.tasks import State
from protocol.bodies import (
    Action,
    Approval,
    Body,
    Claim,
    Consent,
    Decision,
    ErrorDetails,
    File,
    Group,
    Pattern,
    Plan,
    PlannedTask,
    Policy,
    Report,
    TaskAssignment,
    Value,
    VerdictReport,
    Wake,
    WakeRequest,
)
from protocol.messages import MessageType
from protocol.topics import HUMAN, TECH_LEAD
from tests.builders import message


@dataclass(frozen=True)
class Reply:
    """What an attempt comes to. values: of the result; files: how many it makes."""

    decision: Decision = Decision.PASS
    values: dict[str, str] = field(default_factory=dict)
    files: int = 1
    reason: str = "because"
    error: ErrorDetails | None = None
    evidence: tuple[str, ...] = ()


DONE = Reply()
Answering = Callable[[Draft, TaskAssignment], Reply | None]


def task(name: str, *needs: str, within: str | None = None, when: str | None = None, **policy: object) -> PlannedTask:
    """Return a task; what is not among these arguments is policy."""
    return PlannedTask(
        id=name,
        agent="@worker",
        skill="s",
        title=name,
        needs=needs,
        within=within,
        when=when,
        policy=Policy.model_validate(policy) if policy else None,
    )


def group(name: str, pattern: Pattern, *needs: str, within: str | None = None, **more: object) -> PlannedTask:
    """Return a group; what is not of a planned task is of the group."""
    own: dict[str, Any] = {key: more.pop(key) for key in ("inputs", "when", "policy") if key in more}
    body = Group.model_validate({"pattern": pattern, **more})
    made = PlannedTask(id=name, agent="@lead", skill="run-plan", title=name, needs=needs, within=within, group=body)
    return made.model_copy(update=own)


def files(count: int, prefix: str = "in") -> tuple[File, ...]:
    return tuple(_file(f"{prefix}/{n}.txt") for n in range(count))


def _file(path: str, words: str = "") -> File:
    return File(path=path, sha256=sha256(f"{path}{words}".encode()).hexdigest(), bytes=len(path))


@dataclass
class Play:
    """A plan being played. order: the tasks as they were assigned. said: everything the coordinator said."""

    plan: Plan
    reply: Answering
    fold: Coordinator = field(default_factory=lambda: Coordinator(TECH_LEAD))
    state: PlanState = field(default_factory=PlanState)
    at_ns: int = 1_000
    said: list[Draft] = field(default_factory=list)
    heard: list[Heard] = field(default_factory=list)

    def run(self) -> "Play":
        body = TaskAssignment(title="m", skill="run-plan", folder="mission", plan=self.plan)
        waiting = self.hear(MessageType.TASK_ASSIGNMENT, body, "mission", sender=TECH_LEAD)
        while waiting:
            draft = waiting.pop(0)
            if isinstance(draft.body, TaskAssignment):
                waiting += self._answer(draft, draft.body)
        return self

    def hear(
        self,
        kind: MessageType,
        body: Body,
        name: str,
        attempt: int | None = None,
        sender: str = "@worker",
        cause: str | None = None,
    ) -> list[Draft]:
        self.at_ns += 1
        identity = f"heard-{len(self.heard)}"
        one = message(kind, body, identity, sender=sender, recipient="@lead", task=name, attempt=attempt, cause=cause)
        self.heard.append(Heard(one, self.at_ns))
        self.state, drafts = self.fold.step(self.state, self.heard[-1])
        self.said += drafts
        return list(drafts)

    def go_on(self, drafts: list[Draft]) -> None:
        """Answer what was assigned in some drafts, and what follows."""
        while drafts:
            draft = drafts.pop(0)
            if isinstance(draft.body, TaskAssignment):
                drafts += self._answer(draft, draft.body)

    def claim(self, draft: Draft, instance: str) -> list[Draft]:
        body = Claim(instance=instance, lease_s=60)
        return self.hear(MessageType.CLAIM, body, draft.task, draft.attempt)

    def consent(self, name: str, decision: Consent, sender: str = HUMAN) -> list[Draft]:
        """Let a person answer what was asked about a task last."""
        request = self.state.rows[name].request
        body = Approval(subject=request, decision=decision, reason="read it", person="R. Meyer")
        return self.hear(MessageType.APPROVAL, body, name, sender=sender, cause=request)

    def wake(self) -> None:
        """Let the time come that the coordinator asked for last."""
        due = [draft.body.due for draft in self.said if isinstance(draft.body, WakeRequest)][-1]
        self.at_ns = max(self.at_ns, due)
        self.go_on(self.hear(MessageType.WAKE, Wake(key="tasks-due", due=due), "mission", sender="@clock"))

    def _answer(self, draft: Draft, body: TaskAssignment) -> list[Draft]:
        reply = self.reply(draft, body)
        return [] if reply is None else self.answer(draft, reply)

    def answer(self, draft: Draft, reply: Reply = DONE) -> list[Draft]:
        """Let the gatekeeper judge what an attempt came to, and return what the coordinator says to that."""
        assert isinstance(draft.body, TaskAssignment)
        body, passed = draft.body, reply.decision is Decision.PASS
        made = tuple(_file(f"{body.folder}/{n}.out", f"{draft.attempt}") for n in range(reply.files))
        verdict = VerdictReport(
            decision=reply.decision,
            judged="r",
            reason=reply.reason,
            description="done",
            artifacts=made if passed else (),
            values=tuple(Value(name=name, value=value) for name, value in reply.values.items()) if passed else (),
            error_details=reply.error,
            evidence=reply.evidence,
        )
        return self.hear(MessageType.VERDICT, verdict, draft.task, draft.attempt, sender="@gatekeeper")

    @property
    def order(self) -> list[str]:
        return [draft.task for draft in self.said if isinstance(draft.body, TaskAssignment)]

    def assignment(self, name: str, attempt: int | None = None) -> TaskAssignment:
        """Return the last assignment of a row, or that of one attempt."""
        found = [d for d in self.said if d.task == name and attempt in (None, d.attempt)]
        return next(draft.body for draft in reversed(found) if isinstance(draft.body, TaskAssignment))

    def states(self) -> dict[str, str]:
        return {row.name: row.state.value for row in self.state.all_rows()}

    @property
    def result(self) -> Report:
        """The report of the whole; fails where there is none yet."""
        reports = [draft.body for draft in self.said if draft.type is MessageType.TASK_COMPLETION]
        assert len(reports) == 1, self.states()
        assert isinstance(reports[0], Report)
        assert reports[0].action is Action.COMPLETED
        return reports[0]

    def skipped(self) -> dict[str, str]:
        return {row.name: row.note for row in self.state.all_rows() if row.state is State.SKIPPED}


def always(**values: str) -> Answering:
    return lambda draft, body: Reply(values=values)


def play(*tasks: PlannedTask, reply: Answering = lambda draft, body: DONE, **plan: int) -> Play:
    return Play(Plan.model_validate({"tasks": tasks, **plan}), reply).run()
