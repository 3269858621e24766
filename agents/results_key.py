"""The key of a kept result: everything that the result depends on, spelled out, and the digest of that text.

A line of the text is one component, a JSON list that begins with the component's name. What is not in it must not
change a result: the task's name, title and folder, the number of the attempt, the time limit, the run.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from importlib.metadata import PackageNotFoundError, version
from importlib.resources import files
from pathlib import Path
from typing import Final, TypeAlias

from agents.definitions.definition import Definition
from protocol.bodies import TaskAssignment

Component: TypeAlias = tuple[str, ...]
_PACKAGE: Final = "agent-orchestra"
_CODE: Final = ("agents", "gates")  # skills, and how they read their sources


@dataclass(frozen=True, slots=True)
class Key:
    """What a result depends on, in order."""

    components: tuple[Component, ...]

    @property
    def spelled(self) -> str:
        return "\n".join(json.dumps(component) for component in self.components)

    @property
    def digest(self) -> str:
        return sha256(self.spelled.encode()).hexdigest()


def read_key(spelled: str) -> Key:
    """Return the key of which this is the text. Raises ValueError: it is no such text."""
    return Key(tuple(tuple(map(str, json.loads(line))) for line in spelled.split("\n")))


def key_of(definition: Definition, assignment: TaskAssignment) -> Key:
    """Return the key of what an agent makes of an assignment, with the skills installed now."""
    return Key((*maker(definition), *_task(assignment)))


def maker(definition: Definition) -> tuple[Component, ...]:
    """Return the components that say who makes it: another definition, release or line of code is another maker."""
    return (
        ("agent", definition.name),
        ("definition", definition_digest(definition)),
        ("version", package_version()),
        ("code", code_digest()),
    )


def _task(assignment: TaskAssignment) -> Iterator[Component]:
    yield "skill", assignment.skill
    for file in assignment.inputs:
        yield "input", file.path, file.sha256 or "", file.media_type or ""
    yield from sorted(("setting", setting.name, setting.value) for setting in assignment.settings)
    for condition in assignment.accept:
        yield "accept", condition
    for name, value in _optional(assignment):
        if value is not None:
            yield name, str(value)


def _optional(assignment: TaskAssignment) -> Iterable[tuple[str, str | int | None]]:
    return (
        ("feedback", assignment.feedback),
        ("strategy", assignment.strategy),
        ("max-tokens", assignment.max_tokens),
    )


def definition_digest(definition: Definition) -> str:
    """Return a digest of what makes an agent answer as it does: role, skills, model and tools."""
    said = [definition.role, list(definition.skills), definition.model, list(definition.tools)]
    return sha256(json.dumps(said).encode()).hexdigest()


@lru_cache(maxsize=1)
def package_version() -> str:
    try:
        return version(_PACKAGE)
    except PackageNotFoundError:  # run from a folder, without being installed
        return "none"


@lru_cache(maxsize=1)
def code_digest() -> str:
    """Return a digest of the source of skills and gates: between two releases the version says nothing."""
    whole = sha256()
    for package in _CODE:
        folder = Path(str(files(package)))
        for path in sorted(folder.rglob("*.py")):
            whole.update(f"{package}/{path.relative_to(folder).as_posix()}\n".encode())
            whole.update(sha256(path.read_bytes()).digest())
    return whole.hexdigest()
