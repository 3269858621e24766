"""What a scenario hands to the launcher: a name, a cast, a plan, and where the results go."""

import os
import tempfile
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final

from agents.definitions.definition import Definition, catalogue, parse
from agents.device.watching.settings import SETTING as DEVICE
from agents.device.watching.settings import DeviceSettings, read_settings
from bus.artifacts import ArtifactStore
from bus.roles import Role
from protocol.bodies import Control, File, Plan, PlannedTask
from protocol.errors import DefinitionError, SourceError
from protocol.topics import GATEKEEPER, RECORDER, TECH_LEAD


@dataclass(frozen=True, slots=True)
class CastMember:
    """Somebody who takes part. instances: how many processes may share a specialist's work."""

    name: str
    role: Role
    instances: int = 1


@dataclass(frozen=True, slots=True)
class Mission:
    """A mission ready to start.

    settings: what `orchestra resume` needs to know again; journaled with the start.
    definitions: of agents; those that ship need not be among them. skills: a file with skills of the mission's own.
    notes: what somebody who begins it should know about its agents; nothing that a resume needs.
    devices: those that are watched, each by an agent of its own; the settings tell of them too.
    """

    scenario: str
    coordinator: str
    specialists: tuple[CastMember, ...]
    plan: Plan
    settings: tuple[tuple[str, str], ...] = ()
    definitions: tuple[Definition, ...] = ()
    skills: File | None = None
    notes: tuple[str, ...] = ()
    devices: tuple[DeviceSettings, ...] = ()

    def definition_of(self, agent: str) -> Definition:
        """Return the definition of an agent of the cast, by its name with @.

        Raises:
            DefinitionError: nobody has defined it.
        """
        own = {f"@{definition.name}": definition for definition in self.definitions}
        found = own.get(agent) or catalogue().get(agent[1:])
        if found is None:
            raise DefinitionError(f"there is no definition of {agent}")
        return found

    @property
    def cast(self) -> tuple[CastMember, ...]:
        """Everybody whose name has to exist in the run."""
        return (
            CastMember(TECH_LEAD, Role.TECH_LEAD),
            CastMember(self.coordinator, Role.COORDINATOR),
            CastMember(GATEKEEPER, Role.GATEKEEPER),
            CastMember(RECORDER, Role.RECORDER),
            *self.specialists,
            *(CastMember(device.agent, Role.DEVICE) for device in self.devices),
        )


DEFINITION: Final = "definition."  # settings that bring a whole definition along
_SKILLS: Final = "skills"


def brought_along(mission: Mission) -> tuple[tuple[str, str], ...]:
    """Return as settings what a mission has that does not ship: whole definitions, and the digest of its skills."""
    shipped = {definition.text for definition in catalogue().values()}
    own = [definition for definition in mission.definitions if definition.text not in shipped]
    told = [(f"{DEFINITION}{definition.name}", definition.text) for definition in own]
    if mission.skills is not None:
        told.append((_SKILLS, f"{mission.skills.sha256} {mission.skills.path}"))
    return tuple(told)


def agents_of(tasks: Iterable[PlannedTask]) -> tuple[str, ...]:
    """Return who does some tasks, or may, each once; groups are the coordinator's own business."""
    done = [task for task in tasks if task.group is None]
    return tuple(dict.fromkeys(agent for task in done for agent in (task.agent, *_alternatives(task))))


def _alternatives(task: PlannedTask) -> tuple[str, ...]:
    return task.policy.alternatives if task.policy else ()


def mission_of(start: Control, instances: int) -> Mission:
    """Return the mission that a journaled start tells of; whoever is in its plan is in its cast.

    Raises:
        SourceError: it tells of no plan.
    """
    told = {setting.name: setting.value for setting in start.settings}
    if start.plan is None or "coordinator" not in told:
        raise SourceError(f"the start of {start.subject!r} tells of no plan")
    digest, _, path = told.get(_SKILLS, "").partition(" ")
    texts = {name: value for name, value in told.items() if name.startswith(DEFINITION)}
    devices = tuple(read_settings(value) for name, value in told.items() if name.startswith(DEVICE))
    watchers = {device.agent for device in devices}
    doers = [agent for agent in agents_of(start.plan.tasks) if agent not in watchers]
    return Mission(
        scenario=start.subject or "",
        coordinator=told["coordinator"],
        specialists=tuple(CastMember(name, Role.SPECIALIST, instances) for name in doers),
        plan=start.plan,
        settings=tuple((name, value) for name, value in told.items() if name not in ("coordinator", _SKILLS, *texts)),
        # Of a file without a name in it the agent was called after the file.
        definitions=tuple(parse(text, f"{name.removeprefix(DEFINITION)}.md") for name, text in texts.items()),
        skills=File(path=path, sha256=digest, media_type="text/x-python") if digest else None,
        devices=devices,
    )


def check_writable(output: Path) -> None:
    """Find out before a mission starts whether its results can be written.

    Raises:
        SourceError: they cannot.
    """
    try:
        output.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=output):
            pass
        if not any(output.iterdir()):
            output.rmdir()
    except OSError as error:
        raise SourceError(f"{output} cannot be written: {error.strerror}; choose another --output") from error


def write_results(files: tuple[File, ...], store: ArtifactStore, output: Path) -> list[Path]:
    """Write accepted artifacts under a folder, each whole or not at all, and return their paths.

    Files of one name that several tasks have made go into folders with the names of their tasks.

    Raises:
        SourceError: one cannot be read or written, or would leave the folder.
    """
    written = []
    names = Counter(PurePosixPath(file.path).parts[2:] for file in files)
    for file in files:
        # mission/<task>/<path>: the first two parts are the run's business, not the reader's.
        parts = PurePosixPath(file.path).parts[2:]
        parts = PurePosixPath(file.path).parts[1:] if names[parts] > 1 else parts
        if not parts or ".." in parts or PurePosixPath(file.path).is_absolute():
            raise SourceError(f"the artifact path {file.path!r} does not lead into {output}")
        target = output.joinpath(*parts)
        try:
            if not Path(os.path.realpath(target.parent)).is_relative_to(os.path.realpath(output)):
                raise SourceError(f"the artifact path {file.path!r} leads out of {output} over a link")
            target.parent.mkdir(parents=True, exist_ok=True)
            draft = target.with_name(f".{target.name}.part")
            draft.write_bytes(store.get(file))
            draft.replace(target)
        except OSError as error:
            raise SourceError(f"{target} cannot be written: {error.strerror}; choose another --output") from error
        except ValueError as error:  # a null or half a pair, which no document can carry but a model can
            raise SourceError(f"{file.path!r} cannot be the name of a file") from error
        written.append(target)
    return written
