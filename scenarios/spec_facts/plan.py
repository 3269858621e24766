"""From a folder of specification documents to a mission: what is read, by whom, in which order."""

import json
import re
from pathlib import Path
from typing import Final

from bus.artifacts import ArtifactStore
from bus.roles import Role
from gates.sources import media_type_of
from protocol.bodies import File, Plan, PlannedTask, Setting
from protocol.errors import SourceError
from scenarios.files import is_hidden, take
from scenarios.mission import CastMember, Mission

NAME: Final = "spec-facts"
COORDINATOR: Final = "@data-coordinator"
EXTRACTOR, FINDER, WRITER = "@fact-extractor", "@contradiction-finder", "@fact-writer"
MAX_DOCUMENTS: Final = 1000


def plan_mission(
    specs: Path, output: Path, store: ArtifactStore, *, skips_unreadable: bool = False, instances: int = 2
) -> Mission:
    """Take the documents of a folder into the store and return the mission that reads them.

    Raises:
        SourceError: the folder is missing, holds nothing that is read, or holds too much.
    """
    readable, others = _documents(specs)
    documents = tuple(take(path, specs, store) for path in readable)
    extracts = tuple(_extract(number, file, skips_unreadable) for number, file in enumerate(documents, 1))
    ids = tuple(task.id for task in extracts)
    unread = tuple(_unread(ascii(path.relative_to(specs).as_posix())[1:-1]) for path in others)
    return Mission(
        scenario=NAME,
        coordinator=COORDINATOR,
        specialists=specialists(instances),
        plan=Plan(tasks=(*extracts, _compare(ids, documents), _write(ids, documents, unread))),
        settings=(("output", str(output.absolute())), ("specs", str(specs.absolute()))),
    )


def _extract(number: int, file: File, skips_unreadable: bool) -> PlannedTask:
    return PlannedTask(
        id=f"extract/{number:03}-{_slug(file.path)}",
        agent=EXTRACTOR,
        skill="extract-facts",
        title=f"Extract {file.path}"[:200],
        inputs=(file,),
        settings=(Setting(name="skip-unreadable", value="true"),) if skips_unreadable else (),
    )


def _compare(extracts: tuple[str, ...], documents: tuple[File, ...]) -> PlannedTask:
    """The documents are inputs too: the gate holds the findings' quotes against them."""
    title = f"Compare {len(documents)} documents"
    return PlannedTask(
        id="compare", agent=FINDER, skill="find-contradictions", title=title, needs=extracts, inputs=documents
    )


def _write(extracts: tuple[str, ...], documents: tuple[File, ...], unread: tuple[Setting, ...]) -> PlannedTask:
    return PlannedTask(
        id="write",
        agent=WRITER,
        skill="write-facts",
        title="Write FACTS.md and facts.json",
        needs=(*extracts, "compare"),
        inputs=documents,
        settings=unread,
    )


def specialists(instances: int) -> tuple[CastMember, ...]:
    """Return the specialists of this mission; reading is shared by so many processes."""
    return (
        CastMember(EXTRACTOR, Role.SPECIALIST, instances=instances),
        CastMember(FINDER, Role.SPECIALIST),
        CastMember(WRITER, Role.SPECIALIST),
    )


def _documents(specs: Path) -> tuple[list[Path], list[Path]]:
    """Return the files that are read and those that are not, hidden ones left out."""
    if not specs.is_dir():
        raise SourceError(f"{specs} is not a folder; give the folder with the documents as --specs")
    found = [path for path in sorted(specs.rglob("*")) if path.is_file() and not is_hidden(path, specs)]
    readable = [path for path in found if media_type_of(path.name)]
    if not readable:
        raise SourceError(f"{specs} holds no document that is read (PDF, Markdown, text, CSV)")
    if len(readable) > MAX_DOCUMENTS:
        raise SourceError(f"{specs} holds {len(readable):,} documents, the limit is {MAX_DOCUMENTS:,}; split it")
    return readable, [path for path in found if path not in set(readable)]


def _slug(name: str) -> str:
    """Return a name as it may stand in an identifier."""
    return re.sub(r"[^A-Za-z0-9.]+", "-", name).strip("-.")[-60:] or "document"


def _unread(name: str) -> Setting:
    return Setting(name="unread", value=json.dumps({"document": name, "reason": "files of this type are not read"}))
