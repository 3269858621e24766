"""Redoing: a specialist is given the assignments of a recording again, and its results are held to the recorded ones.

1. The real specialist runs the real skills, on a bus in memory and a store that holds the recorded artifacts.
2. Compared is what others build on: success, description, artifacts by digest, values, the kind of an error. Not
   compared is what no two runs share: times, ids, effort.
3. Steps that the recording holds from earlier attempts are reused, as after a restart, and not paid for again.
"""

import difflib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from agents.definitions.definition import catalogue
from agents.skills.catalogue import SKILLS
from agents.specialist import Specialist, Surroundings
from agents.work import Skill
from bus.artifacts import ArtifactStore
from bus.memory import MemoryBus
from bus.records import Entry
from bus.transport import all_taken
from protocol.bodies import File, Report, TaskAssignment
from protocol.decoder import reread
from protocol.errors import DefinitionError, SourceError
from protocol.messages import Message, MessageType
from protocol.topics import EVERYONE, GATEKEEPER, inbox_of, topic_of

Attempt: TypeAlias = tuple[str, int | None]
_INTRODUCTIONS: Final = topic_of(EVERYONE, MessageType.CONTROL.value)
_RESULTS: Final = topic_of(GATEKEEPER, MessageType.TASK_COMPLETION.value)
_LINES_SHOWN: Final = 40


@dataclass(frozen=True, slots=True)
class Redone:
    """One attempt of one task, done again. differences: what is not as it was, for people; empty where all is."""

    task: str
    attempt: int | None
    recorded: Report
    now: Report
    differences: tuple[str, ...]


def redo(
    entries: Iterable[Entry], agent: str, store: ArtifactStore, skills: Mapping[str, Skill] | None = None
) -> Iterator[Redone]:
    """Yield every attempt of an agent that has a recorded result, done again.

    store: holds the artifacts that the assignments name, and takes those that are made. skills: others than the
    agent's own.

    Raises:
        DefinitionError: no skills are given and no definition has this name.
        SourceError: an artifact that an assignment names is not in the store.
    """
    known = _skills_of(agent) if skills is None else skills
    bus, own = MemoryBus(), list[Entry]()
    given: dict[Attempt, tuple[Message, tuple[Entry, ...]]] = {}
    for entry in entries:
        if entry.topic == _INTRODUCTIONS:
            _say_again(bus, reread(entry.document))
        elif entry.topic == topic_of(agent, MessageType.TASK_ASSIGNMENT.value):
            assignment = reread(entry.document)
            given[assignment.task, assignment.attempt] = (assignment, tuple(own))
        elif _is_said_by(agent, entry):
            own.append(entry)
            result = reread(entry.document)
            if entry.topic == _RESULTS and isinstance(result.body, Report):
                yield _again(bus, store, known, result, *given[result.task, result.attempt])


def answered(entries: Iterable[Entry]) -> tuple[str, ...]:
    """Return the specialists with a definition here whose results stand in a recording, in their order."""
    senders = (reread(entry.document).sender for entry in entries if entry.topic == _RESULTS)
    here = {f"@{name}" for name, definition in catalogue().items() if SKILLS.keys() & set(definition.skills)}
    return tuple(dict.fromkeys(sender for sender in senders if sender in here))


def _skills_of(agent: str) -> Mapping[str, Skill]:
    definition = catalogue().get(inbox_of(agent))
    if definition is None:
        raise DefinitionError(f"no definition is called {inbox_of(agent)}; give the skills of {agent} yourself")
    return {name: SKILLS[name] for name in definition.skills if name in SKILLS}


def _is_said_by(agent: str, entry: Entry) -> bool:
    return f"<sender>{agent}</sender>".encode() in entry.document[:200]


def _say_again(bus: MemoryBus, message: Message) -> None:
    all_taken(bus.publisher(message.sender).publish([message]))


def _again(
    bus: MemoryBus,
    store: ArtifactStore,
    skills: Mapping[str, Skill],
    result: Message,
    assignment: Message,
    past: tuple[Entry, ...],
) -> Redone:
    recorded, agent = result.body, result.sender
    assert isinstance(recorded, Report)
    if recorded.result is not None and recorded.result.success:
        _check_inputs(assignment, store)
    before = len(bus.entries)
    _say_again(bus, assignment)
    hearing = bus.subscriber(inbox_of(agent), before)
    around = Surroundings(hearing, bus.publisher(agent), store, history=lambda: list(past))
    Specialist(agent, f"{inbox_of(agent)}-again", skills, around).turn(0)
    [now] = [reread(entry.document).body for entry in bus.entries[before:] if entry.topic == _RESULTS]
    assert isinstance(now, Report)
    return Redone(result.task, result.attempt, recorded, now, tuple(_differences(recorded, now, store)))


def _check_inputs(assignment: Message, store: ArtifactStore) -> None:
    inputs = assignment.body.inputs if isinstance(assignment.body, TaskAssignment) else ()
    for file in inputs:
        try:
            store.get(file)
        except SourceError as error:
            raise SourceError(f"{error}; record the run with --with-artifacts") from error


def _differences(recorded: Report, now: Report, store: ArtifactStore) -> Iterator[str]:
    before, after = _facts(recorded), _facts(now)
    yield from (
        f"{name}: recorded {before[name]!r}, now {after[name]!r}" for name in before if before[name] != after[name]
    )
    old, new = _files(recorded), _files(now)
    for path in sorted(old.keys() | new.keys()):
        if path not in new:
            yield f"artifact {path} is not made any more"
        elif path not in old:
            yield f"artifact {path} is new"
        elif old[path].sha256 != new[path].sha256:
            yield f"artifact {path} is another\n{_diff(old[path], new[path], store)}".rstrip()


def _facts(report: Report) -> dict[str, Any]:
    result, error = report.result, report.error_details
    return {
        "action": report.action.value,
        "success": result.success if result else None,
        "description": result.description if result else None,
        "values": {value.name: value.value for value in result.values} if result else {},
        "error": (error.level.value, error.category.value) if error else None,
    }


def _files(report: Report) -> dict[str, File]:
    return {file.path: file for file in report.result.artifacts} if report.result else {}


def _diff(old: File, new: File, store: ArtifactStore) -> str:
    """Return how two texts differ, its beginning; nothing where one is no text or not there."""
    try:
        before, after = (store.get(file).decode().splitlines() for file in (old, new))
    except (SourceError, UnicodeDecodeError):
        return ""
    lines: Sequence[str] = list(difflib.unified_diff(before, after, "as recorded", "as it is now", lineterm=""))
    more = [f"({len(lines) - _LINES_SHOWN} more lines)"] if len(lines) > _LINES_SHOWN else []
    return "\n".join([*(line[:200] for line in lines[:_LINES_SHOWN]), *more])
