"""Kept results put to use: what a specialist looks up before it works, and what the launcher keeps after a verdict.

1. Only what passed all gates is kept, and what is used instead of work passes all gates again.
2. A kept result that a gate does not let through is dropped: it would cost every later run an attempt.
3. Kept results are a convenience: whatever is wrong with them is a warning, and the work is done.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import Final

import structlog

from agents.definitions.definition import Definition, catalogue
from agents.results import Kept, Missed, ResultStore
from agents.results_key import key_of
from agents.work import Outcome
from bus.artifacts import ArtifactStore
from bus.records import Entry
from protocol.bodies import Decision, File, Report, TaskAssignment, VerdictReport
from protocol.decoder import decode, reread
from protocol.errors import SourceError, WireError
from protocol.messages import Message, MessageType
from protocol.topics import GATEKEEPER

STEP: Final = "kept-result"


@dataclass(frozen=True, slots=True)
class Reused:
    """A kept result, taken over for a task. note: which it was, for the journal."""

    key: str
    note: str
    outcome: Outcome


Reuse = Callable[[TaskAssignment], Reused | None]


def max_age_s(definition: Definition, assignment: TaskAssignment) -> int:
    """Return how old a kept result may be to be used instead of work; 0: none is used, and none is kept."""
    if assignment.plan is not None:
        return 0  # a coordinator's: what it says rests on the plan, which is not in the key
    return definition.max_age_s if assignment.max_age_s is None else assignment.max_age_s


def reusing(results: ResultStore, definition: Definition, artifacts: ArtifactStore) -> Reuse:
    """Return what looks up kept results for one agent and brings their artifacts into a run's store."""

    def reuse(assignment: TaskAssignment) -> Reused | None:
        most_s = max_age_s(definition, assignment)
        if not most_s:
            return None
        key = key_of(definition, assignment).digest
        try:
            found = results.find(key, definition.name, most_s)
            if isinstance(found, Missed):
                if found.is_damaged:
                    _warn(found.reason)
                return None
            return _taken_over(results, found, assignment, artifacts)
        except SourceError as error:
            _warn(str(error))
            return None

    return reuse


def _taken_over(
    results: ResultStore, kept: Kept, assignment: TaskAssignment, artifacts: ArtifactStore
) -> Reused | None:
    try:
        outcome = _outcome(kept, assignment.folder, artifacts)
    except (WireError, ValueError, KeyError) as error:
        _warn(f"{kept.key[:12]} cannot be read: {error}")
        results.drop(kept.key, kept.agent)
        return None
    results.used(kept)
    age = spelled_age(kept.age_s(results.clock_ns()))
    note = f"kept result {kept.key[:12]}, {age} old, of task {kept.task} in run {kept.run}; {assignment.skill} not run"
    return Reused(kept.key, note, outcome)


def _outcome(kept: Kept, folder: str, artifacts: ArtifactStore) -> Outcome:
    """Return what a kept verdict let through, with its artifacts in the run's store and in the task's own folder."""
    verdict = decode(kept.document).body
    if not isinstance(verdict, VerdictReport):
        raise ValueError("it is no verdict")
    files = tuple(_moved(file, kept, folder, artifacts) for file in verdict.artifacts)
    return Outcome(verdict.description, files, values={value.name: value.value for value in verdict.values})


def _moved(file: File, kept: Kept, folder: str, artifacts: ArtifactStore) -> File:
    path = f"{folder}/{PurePosixPath(file.path).relative_to(kept.folder)}"
    data = kept.contents[file.sha256 or ""]
    stored = artifacts.put(data, path=path, media_type=file.media_type or "application/octet-stream")
    if stored.sha256 != file.sha256:
        raise ValueError(f"{file.path} would be stored as something else")  # such as by a new rule about secrets
    return file.model_copy(update={"path": path})


def spelled_age(seconds: float) -> str:
    """Return an age for people: two units at most."""
    whole = max(0, int(seconds))
    for size, unit, smaller, its_unit in ((86_400, "d", 3_600, "h"), (3_600, "h", 60, "min"), (60, "min", 1, "s")):
        if whole >= size:
            return f"{whole // size} {unit} {whole % size // smaller} {its_unit}"
    return f"{whole} s"


class Keeper:
    """Hears the journal of a run and keeps what passed all gates.

    results: None: nothing is kept. What was done before this keeper was made is left alone: other code may have
    made it than what the key would say.
    """

    def __init__(
        self, results: ResultStore | None, artifacts: ArtifactStore, definitions: Mapping[str, Definition] | None = None
    ) -> None:
        self._results, self._artifacts = results, artifacts
        self._definitions = definitions if definitions is not None or results is None else catalogue()
        self._since_ns = results.clock_ns() if results else time.time_ns()
        self._assigned: dict[tuple[str, str, int | None], TaskAssignment] = {}
        self._done: dict[str, Message] = {}

    def hear(self, entry: Entry) -> None:
        """Take in one journal entry."""
        if self._results is None:
            return
        kind = entry.topic.rpartition("/")[2]
        if kind == MessageType.TASK_ASSIGNMENT.value:
            self._note_assignment(reread(entry.document))
        elif kind == MessageType.TASK_COMPLETION.value and entry.recorded_ns >= self._since_ns:
            self._note_completion(reread(entry.document))
        elif kind == MessageType.VERDICT.value:
            self._judge(self._results, entry, reread(entry.document))

    def _note_assignment(self, message: Message) -> None:
        definition = self._definition(message.recipient)
        if isinstance(message.body, TaskAssignment) and definition and max_age_s(definition, message.body):
            self._assigned[message.recipient, message.task, message.attempt] = message.body

    def _note_completion(self, message: Message) -> None:
        if message.id and (message.sender, message.task, message.attempt) in self._assigned:
            self._done[message.id] = message

    def _judge(self, results: ResultStore, entry: Entry, verdict: Message) -> None:
        done = self._done.pop(verdict.cause or "", None)
        if done is None or not isinstance(verdict.body, VerdictReport) or verdict.sender != GATEKEEPER:
            return
        assignment = self._assigned.pop((done.sender, done.task, done.attempt))
        definition = self._definition(done.sender)
        if definition is None:
            return
        is_passed = verdict.body.decision is Decision.PASS
        try:
            if _was_kept(done) and not is_passed:
                results.drop(key_of(definition, assignment).digest, definition.name)
            elif is_passed and not _was_kept(done):
                contents = {file.sha256: self._artifacts.get(file) for file in verdict.body.artifacts if file.sha256}
                results.keep(replace(_kept(definition, assignment, entry, done), contents=contents))
        except SourceError as error:
            _warn(str(error))

    def _definition(self, agent: str) -> Definition | None:
        return (self._definitions or {}).get(agent.removeprefix("@"))


def _kept(definition: Definition, assignment: TaskAssignment, verdict: Entry, done: Message) -> Kept:
    key = key_of(definition, assignment)
    return Kept(
        key=key.digest,
        spelled=key.spelled,
        document=verdict.document,
        agent=definition.name,
        folder=assignment.folder,
        run=done.mission or "",
        task=done.task,
        created_ns=verdict.recorded_ns,
        max_age_s=max_age_s(definition, assignment),
    )


def _was_kept(message: Message) -> bool:
    body = message.body
    return isinstance(body, Report) and body.result is not None and STEP in body.result.basis


def _warn(reason: str) -> None:
    structlog.get_logger().warning("a kept result is not used or not kept", reason=reason)
