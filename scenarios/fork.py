"""Forking: a new run that shares a mission's past up to one entry, and goes its own way from there.

1. The past is copied entry by entry, with times and signatures, so folding it gives the same state.
2. The next entry names the parent and the sequence; the parent keeps a line about each of its forks.
3. What is changed is journaled too: the changed task and all that builds on it are done again, nothing else.
"""

import json
import os
import shutil
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path

from bus.artifacts import ArtifactStore
from bus.journal import Journal, JournalReader
from bus.records import Entry
from bus.run import RunFolder
from coordinators.coordinator import CHANGED
from coordinators.past import moment
from protocol.bodies import Control, File, Plan, PlannedTask, Setting, Verb
from protocol.encoder import encode
from protocol.errors import SourceError
from protocol.ids import derived
from protocol.messages import Message, MessageType
from protocol.names import Priority
from protocol.topics import EVERYONE, SUPERVISOR, topic_of


@dataclass(frozen=True, slots=True)
class Branch:
    """What a fork begins with: the entries that both runs share, and the plan from there, where it is another."""

    parent: RunFolder
    past: tuple[Entry, ...]
    coordinator: str
    plan: Plan | None


def branch(parent: RunFolder, at: int, coordinator: str, changes: Sequence[str]) -> Branch:
    """Find out what a fork after the entry `at` would begin with; files that are given go into the parent's store.

    changes: such as "write.title=short" for a setting of a task, or "compare.input=FILE" for one of its files,
    which is then another file for every task that reads it.

    Raises:
        SourceError: the parent has not that many entries, or a change names no task, setting or file.
        JournalError: the parent's journal is damaged.
        ReplayDifference: today's rules would not have come to the parent's state.
    """
    past = tuple(takewhile(lambda entry: entry.sequence <= at, JournalReader(parent.journal).entries()))
    if len(past) < at:
        raise SourceError(f"{parent.path} has {len(past)} entries; choose --at from 1 to {len(past)}")
    plan = moment(past, coordinator, at).plan
    after = {task.id: task for task in plan.tasks}
    for change in changes:
        after |= _changed(after, change, ArtifactStore(parent.artifacts))
    changed = plan.model_copy(update={"tasks": tuple(after.values())})
    return Branch(parent, past, coordinator, None if changed == plan else changed)


def fork(begun: Branch, child: RunFolder, output: Path) -> None:
    """Write the beginning of a fork into a folder that was made for it. output: where its results go."""
    parent, at = begun.parent, len(begun.past)
    _link_artifacts(parent.artifacts, child.artifacts)
    lineage = (("at", str(at)), ("parent", str(parent.path)), ("output", str(output.absolute())))
    told = lineage if begun.plan is None else (*lineage, (CHANGED, "plan"))
    settings = tuple(Setting(name=name, value=value) for name, value in told)
    said = [(EVERYONE, Control(verb=Verb.FORK, subject=parent.id, settings=settings))]
    if begun.plan is not None:
        said.append((begun.coordinator, Control(verb=Verb.SET, subject="plan", plan=begun.plan)))
    _write(child, begun.past, [_message(child, recipient, body, n) for n, (recipient, body) in enumerate(said)])
    with (parent.path / "forks.jsonl").open("a", encoding="utf-8") as file:
        file.write(json.dumps({"run": child.id, "path": str(child.path), "at": at}) + "\n")


def _changed(planned: Mapping[str, PlannedTask], change: str, store: ArtifactStore) -> dict[str, PlannedTask]:
    """Return the tasks that one change makes others."""
    place, equals, value = change.partition("=")
    name, dot, what = place.rpartition(".")
    task = planned.get(name)
    if not equals or not dot or task is None:
        known = ", ".join(list(planned)[:8]) or "none yet: the plan comes later"
        raise SourceError(f"--set {change!r}: not TASK.NAME=VALUE of a task there (tasks: {known})")
    if what != "input":
        return {name: _with_setting(task, what, value)}
    old, new = _replaced(task, Path(value), store)
    readers = [reader for reader in planned.values() if old in reader.inputs]
    return {reader.id: _with_input(reader, old, new) for reader in readers}


def _with_setting(task: PlannedTask, name: str, value: str) -> PlannedTask:
    kept = tuple(setting for setting in task.settings if setting.name != name)
    return task.model_copy(update={"settings": (*kept, Setting(name=name, value=value))})


def _replaced(task: PlannedTask, path: Path, store: ArtifactStore) -> tuple[File, File]:
    """Return the file of a task that is replaced, the one of this name or the only one, and its replacement."""
    named = [file for file in task.inputs if file.path == path.name] or list(task.inputs)
    if len(named) != 1:
        has = ", ".join(file.path for file in task.inputs) or "none"
        raise SourceError(f"{task.id} has no file {path.name}; it has {has}")
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise SourceError(f"{path} cannot be read: {error.strerror}") from error
    [old] = named
    return old, store.put(raw, path=old.path, media_type=old.media_type or "text/plain")


def _with_input(task: PlannedTask, old: File, new: File) -> PlannedTask:
    return task.model_copy(update={"inputs": tuple(new if file == old else file for file in task.inputs)})


def _message(child: RunFolder, recipient: str, body: Control, number: int) -> Message:
    return Message(
        sender=SUPERVISOR,
        recipient=recipient,
        type=MessageType.CONTROL,
        priority=Priority.HIGH,
        task="run",
        timestamp_ns=time.time_ns(),
        id=derived("fork", child.id, number),
        mission=child.id,
        body=body,
    )


def _write(child: RunFolder, past: Sequence[Entry], messages: Sequence[Message]) -> None:
    stamps = iter([group[0].recorded_ns for group in _groups(past)])
    child.prepare_keys([SUPERVISOR])
    sign = child.signer(SUPERVISOR)
    journal = Journal(child.journal, clock_ns=lambda: next(stamps, time.time_ns()))
    for group in _groups(past):
        journal.append([(entry.topic, entry.document, entry.signature) for entry in group])
    raws = [(topic_of(message.recipient, message.type.value), encode(message)) for message in messages]
    journal.append([(topic, raw, sign(raw) if sign else b"") for topic, raw in raws])
    journal.close()


def _groups(entries: Iterable[Entry]) -> Iterator[list[Entry]]:
    """Yield entries as they were written: those of one group were recorded one nanosecond after the other."""
    group: list[Entry] = []
    for entry in entries:
        if group and entry.recorded_ns != group[-1].recorded_ns + 1:
            yield group
            group = []
        group.append(entry)
    if group:
        yield group


def _link_artifacts(source: Path, target: Path) -> None:
    """Let the fork's store hold what the parent's holds; artifacts never change, so links will do."""
    for path in source.glob("??/*"):
        there = target / path.parent.name / path.name
        there.parent.mkdir(mode=0o700, exist_ok=True)
        if there.exists():
            continue
        try:
            os.link(path, there)
        except OSError:  # another file system
            shutil.copy2(path, there)
