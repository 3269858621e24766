"""A specialist: a process that waits for assignments, claims one, does it, and says what came out.

Several instances of one agent hear the same inbox; the broker admits one claim for each attempt.
`turn` is the whole life of one task.
"""

import heapq
import os
import signal
import time
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

import structlog

from agents.definitions.definition import Definition
from agents.results import ResultStore
from agents.reuse import STEP, Reuse, reusing
from agents.skills.catalogue import SKILLS
from agents.skills.own import RUNNER, load_own
from agents.work import Outcome, Skill, SkillFailed, Work
from bus.artifacts import ArtifactStore
from bus.faults import reached
from bus.follower import durable
from bus.publisher import Publisher
from bus.records import Entry
from bus.run import RunFolder
from bus.subscriber import Subscriber
from bus.timebox import TimeUp, timeboxed
from bus.transport import Hearing, Publishing
from bus.wire import Status
from gates.chain import run as run_gates
from gates.checks import inputs_are_sound
from gates.judged import Judged
from protocol.bodies import (
    Action,
    Claim,
    ErrorCategory,
    ErrorDetails,
    ErrorLevel,
    File,
    Progress,
    Report,
    Result,
    TaskAssignment,
    Value,
)
from protocol.conditions import spelled
from protocol.decoder import reread
from protocol.encoder import check_text, mended
from protocol.errors import SourceError
from protocol.ids import derived
from protocol.messages import Integrity, Mark, Message, MessageType, QualityGates
from protocol.names import RANK
from protocol.peek import peek
from protocol.topics import inbox_of
from protocol.verdicts import Pass

DEFAULT_TASK_S: Final = 300
IDLE_S: Final = 20.0
_WAIT_S: Final = 0.2
_CLAIM: Final = f"/{MessageType.CLAIM.value}"


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a specialist works with.

    history: the journal so far, asked for when a task was begun before. tell: what this instance is at, for
    `orchestra status`. clock_ns: nanoseconds since 1970, for the timestamps of its messages.
    reuse: looks for a kept result of the same task.
    """

    hearing: Hearing
    publishing: Publishing
    store: ArtifactStore
    history: Callable[[], list[Entry]]
    tell: Callable[[str], None] = lambda state: None
    clock_ns: Callable[[], int] = time.time_ns
    reuse: Reuse = lambda assignment: None


class Specialist:
    """One instance of a specialist. instance: unique over all lives, such as "fact-extractor-1-3f9a2c"."""

    def __init__(self, name: str, instance: str, skills: Mapping[str, Skill], around: Surroundings) -> None:
        self.name, self.instance = name, instance
        self._skills, self._around = skills, around
        self._queue: list[tuple[int, int, Message]] = []
        self._newest: dict[str, int] = {}
        self._progress = 0

    def turn(self, wait_s: float) -> bool:
        """Take one task and deal with it completely. Returns whether there was one."""
        assignment = self._next(wait_s)
        if assignment is None or not isinstance(assignment.body, TaskAssignment):
            return assignment is not None
        if not self._claim(assignment, assignment.body):
            return True
        self._around.tell(f"working on {assignment.task}")
        fault = self._gate(assignment, assignment.body)
        report = self._failed(fault) if fault else self._do(assignment, assignment.body)
        reached("specialist.before-result")
        self._say(assignment, MessageType.TASK_COMPLETION, report, "result", gates=_claimed_marks(fault))
        return True

    def _next(self, wait_s: float) -> Message | None:
        """Return the most urgent assignment that has been heard; waits only when there is none.

        An attempt after which another was assigned is passed over: nobody waits for it any more.
        """
        while (entry := self._around.hearing.receive(0 if self._queue else wait_s)) is not None:
            self.take(entry)
        while self._queue:
            message = heapq.heappop(self._queue)[2]
            if (message.attempt or 1) >= self._newest[message.task]:
                return message
        return None

    def take(self, entry: Entry) -> None:
        """Put an assignment into the queue; what else is heard is not for a specialist."""
        if entry.topic == f"{inbox_of(self.name)}/{MessageType.TASK_ASSIGNMENT.value}":
            message = reread(entry.document)
            self._newest[message.task] = max(message.attempt or 1, self._newest.get(message.task, 1))
            heapq.heappush(self._queue, (RANK[message.priority], entry.sequence, message))

    def _claim(self, assignment: Message, body: TaskAssignment) -> bool:
        """Return whether this instance has the attempt: the first claim that is journaled counts."""
        claim = Claim(instance=self.instance, lease_s=body.timeout_s or DEFAULT_TASK_S)
        # `same` is our own claim, sent again because a broker died before it could answer.
        return self._say(assignment, MessageType.CLAIM, claim, "claim") in (Status.NEW, Status.SAME)

    def _gate(self, assignment: Message, body: TaskAssignment) -> ErrorDetails | None:
        """Gate 1 at the door: do not start on inputs that are not what the assignment says."""
        judged = Judged(assignment, Report(action=Action.PENDING), body, self._around.store)
        verdict = run_gates({"layer_1_input": inputs_are_sound}, judged).verdict
        if isinstance(verdict, Pass):
            return None
        return ErrorDetails(level=ErrorLevel.COORDINATOR, category=ErrorCategory.VALIDATION, message=verdict.reason)

    def _do(self, assignment: Message, body: TaskAssignment) -> Report:
        """Answer with a kept result where one may be used, and say so first; else do the work."""
        reused = self._around.reuse(body)
        if reused is None:
            return self._work(assignment, body)
        self._report(assignment, Progress(note=reused.note, step=STEP, request_hash=reused.key))
        return _succeeded(reused.outcome, (STEP,))

    def _work(self, assignment: Message, body: TaskAssignment) -> Report:
        """Run the skill and return what to report; whatever goes wrong becomes an error with level and category."""
        skill = self._skills.get(body.skill)
        if skill is None:
            return self._failed(_error(ErrorLevel.TECH_LEAD, ErrorCategory.ARCHITECTURAL, f"no skill {body.skill!r}"))
        work = self._prepare(assignment, body)
        try:
            with timeboxed(body.timeout_s or DEFAULT_TASK_S):
                outcome = skill(work)
            return _succeeded(outcome, tuple(work.basis))
        except SkillFailed as failure:
            return self._failed(failure.details)
        except TimeUp as late:
            return self._failed(_error(ErrorLevel.COORDINATOR, ErrorCategory.EXECUTION, str(late)))
        except SourceError as error:
            return self._failed(_error(ErrorLevel.PERSON, ErrorCategory.VALIDATION, str(error)))
        except Exception as error:  # noqa: BLE001  # the process's edge: a broken skill must not take the agent down
            structlog.get_logger().exception("skill failed", skill=body.skill, task=assignment.task)
            text = f"{body.skill} broke{_place(skill, error)}: {type(error).__name__}: {error}"
            return self._failed(_error(ErrorLevel.SPECIALIST, ErrorCategory.EXECUTION, text))

    def _prepare(self, assignment: Message, body: TaskAssignment) -> Work:
        attempt = assignment.attempt or 1
        journaled = self._steps_of(assignment.task) if attempt > 1 else {}
        report = partial(self._report, assignment)
        return Work(assignment.task, attempt, body, self._around.store, report, journaled)

    def _report(self, assignment: Message, progress: Progress) -> None:
        self._progress += 1
        # What happened carries the incarnation in its id: two lives spend twice.
        self._say(assignment, MessageType.PROGRESS, progress, f"progress-{self.instance}-{self._progress}")

    def _steps_of(self, task: str) -> dict[tuple[str, str], File]:
        """Return what earlier attempts of a task have journaled as done."""
        steps: dict[tuple[str, str], File] = {}
        mark = f"<task-id>{task}</task-id>".encode()  # decoding the progress of ten thousand other tasks takes a second
        for entry in self._around.history():
            if entry.topic.endswith("/progress") and mark in entry.document:
                message = reread(entry.document)
                body = message.body
                if message.sender != self.name or message.task != task or not isinstance(body, Progress):
                    continue
                if body.step and body.request_hash and body.product:
                    steps[body.step, body.request_hash] = body.product
        return steps

    def _failed(self, details: ErrorDetails) -> Report:
        recovery = details.attempted_recovery
        told = {"message": mended(details.message), "attempted_recovery": recovery and mended(recovery)}
        details = details.model_copy(update=told)
        result = Result(success=False, description=details.message[:500])
        return Report(action=Action.BLOCKED, result=result, error_details=details)

    def _say(
        self,
        assignment: Message,
        kind: MessageType,
        body: Claim | Progress | Report,
        what: str,
        gates: QualityGates | None = None,
    ) -> Status:
        """Answer an assignment; the id follows from the attempt and from what is said."""
        message = Message(
            sender=self.name,
            recipient=assignment.sender,
            type=kind,
            priority=assignment.priority,
            task=assignment.task,
            parent_task=assignment.parent_task,
            timestamp_ns=self._around.clock_ns(),
            id=derived(what, assignment.mission, assignment.task, assignment.attempt),
            mission=assignment.mission,
            cause=assignment.id,
            attempt=assignment.attempt,
            integrity=Integrity.UNTRUSTED,
            body=body,
            gates=gates,
        )
        return self._around.publishing.publish([message])[0].status


def _place(skill: Skill, error: Exception) -> str:
    """Return the last line of the skill's own file that an error came through, or where the skill begins."""
    code = getattr(skill, "__code__", None)
    if code is None:
        return ""
    file = code.co_filename
    lines = [line for frame, line in traceback.walk_tb(error.__traceback__) if frame.f_code.co_filename == file]
    return f" at {Path(file).name}:{(lines or [code.co_firstlineno])[-1]}"


def _error(level: ErrorLevel, category: ErrorCategory, message: str) -> ErrorDetails:
    return ErrorDetails(level=level, category=category, message=message[:65536])


def _succeeded(outcome: Outcome, basis: tuple[str, ...]) -> Report:
    if not isinstance(outcome, Outcome):  # a function of somebody's own, which no type checker has seen
        raise TypeError(f"it returned {type(outcome).__name__}, not an Outcome")
    values = tuple(Value(name=name, value=spelled(value)) for name, value in outcome.values.items())
    for text in (outcome.description, *(file.summary for file in outcome.artifacts), *(one.value for one in values)):
        check_text(text)
    result = Result(
        success=True, description=outcome.description, artifacts=outcome.artifacts, basis=basis, values=values
    )
    return Report(action=Action.COMPLETED, result=result, work=outcome.effort)


def _claimed_marks(fault: ErrorDetails | None) -> QualityGates:
    """The specialist's own claim: it has run gate 1 and no other."""
    return QualityGates(layer_1_input=Mark.REJECTED if fault else Mark.PASSED)


def _skills_of(definition: Definition, own: File | None, store: ArtifactStore) -> dict[str, Skill]:
    """Return what an agent can do: the skills it declares, of those that ship and those that the mission brings."""
    brought = load_own(store.get(own), own.path).skills if own else {}
    known = {**SKILLS, **brought}
    declared = {skill: known[skill] for skill in definition.skills if skill in known}
    return {**declared, **(brought if definition.name == RUNNER else {})}


def backlog(run: RunFolder, name: str) -> tuple[int, list[Entry]]:
    """Return how far the journal goes now, and the assignments to an agent in it that nobody has claimed.

    Of a long mission an instance that starts late would otherwise ask for thousands of tasks that others have done.
    """
    mine, position = f"{inbox_of(name)}/{MessageType.TASK_ASSIGNMENT.value}", 0
    unclaimed: dict[tuple[str, str], Entry] = {}
    for entry in durable(run):
        position = entry.sequence
        if entry.topic == mine:
            unclaimed[_attempt_in(entry.document)] = entry
        elif entry.topic.endswith(_CLAIM) and peek(entry.document, "sender") == name:
            unclaimed.pop(_attempt_in(entry.document), None)
    return position, list(unclaimed.values())


def _attempt_in(document: bytes) -> tuple[str, str]:
    return peek(document, "task-id"), peek(document, "attempt")


def serve(run: RunFolder, definition: Definition, own: File | None, results: ResultStore | None, instance: str) -> None:
    """Run one instance as a process until the supervisor stops it or nothing has come for a while.

    own: a file with skills that the mission brings along. results: what is kept of earlier runs.
    """
    name, artifacts = f"@{definition.name}", ArtifactStore(run.artifacts)
    facts: dict[str, Any] = {"role": "specialist", "instance": instance, "model": definition.model}
    publisher = Publisher(run, name, facts=facts)
    position, unclaimed = backlog(run, name)
    subscriber = Subscriber(run, inbox_of(name), after=position)
    around = Surroundings(
        hearing=subscriber,
        publishing=publisher,
        store=artifacts,
        history=lambda: list(durable(run)),
        tell=lambda state: publisher.beat({"state": state, "position": subscriber.position}),
        reuse=reusing(results, definition, artifacts) if results else lambda assignment: None,
    )
    skills = _skills_of(definition, own, around.store)
    specialist = Specialist(name, instance, skills, around)
    for entry in unclaimed:
        specialist.take(entry)
    stopping: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, _frame: stopping.append(number))
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    log = structlog.get_logger().bind(agent=name, instance=instance)
    log.info("ready", model=definition.model, pid=os.getpid())
    idle_since_s = time.monotonic()
    while not stopping and time.monotonic() - idle_since_s < IDLE_S:
        publisher.beat({"state": "ready", "position": subscriber.position})
        if specialist.turn(_WAIT_S):
            idle_since_s = time.monotonic()
    log.info("retiring" if not stopping else "stopping")
