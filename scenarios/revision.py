"""A workflow that was edited while its mission was stopped: what is another now, and going on with it.

Whoever resumes has to say which one is meant. The tasks that are the same in both, and build on nothing that is not,
keep what they have; the rest is done again. The new plan is journaled as what a person has accepted.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from bus.artifacts import ArtifactStore
from bus.run import RunFolder
from protocol.bodies import Control, Plan, PlannedTask, Setting, Verb
from protocol.encoder import encode
from protocol.ids import derived
from protocol.messages import Message, MessageType
from protocol.names import Priority
from protocol.topics import HUMAN
from scenarios.compile import plan_mission
from scenarios.mission import DEFINITION, Mission, brought_along
from scenarios.source import given_in, read_workflow


@dataclass(frozen=True, slots=True)
class Revision:
    """A mission as its workflow says it now. differences: in words, from what the journal has. path: the file."""

    mission: Mission
    differences: tuple[str, ...]
    path: Path


def revision(run: RunFolder, start: Control, output: Path) -> Revision | None:
    """Return what a run's workflow says now, or None where it says the same or is not there any more.

    Raises:
        DefinitionError, SourceError: it cannot be carried out as it is now.
    """
    told = {setting.name: setting.value for setting in start.settings}
    path = Path(told.get("workflow", ""))
    if "workflow" not in told or not path.is_file() or start.plan is None:
        return None
    given = given_in(told)
    source = read_workflow(path, given.parameters, given.catalogues)
    mission = plan_mission(source, output, ArtifactStore(run.artifacts), given.files)
    before = {name: value for name, value in told.items() if name.startswith(DEFINITION)}
    differences = (*_plan_differences(start.plan, mission.plan), *_agents(before, dict(brought_along(mission))))
    return Revision(mission, differences, path) if differences else None


def acceptance(run: str, accepted: Revision, now_ns: int) -> Message:
    """Return the message by which a person accepts what a workflow says now. run: its id."""
    settings = tuple(Setting(name=name, value=value) for name, value in brought_along(accepted.mission))
    body = Control(verb=Verb.SET, subject="definition", settings=settings, plan=accepted.mission.plan)
    message = Message(
        sender=HUMAN,
        recipient=accepted.mission.coordinator,
        type=MessageType.CONTROL,
        priority=Priority.HIGH,
        task="run",
        timestamp_ns=now_ns,
        id="draft",
        mission=run,
        body=body,
    )
    digest = sha256(encode(message.model_copy(update={"timestamp_ns": 0}))).hexdigest()
    return message.model_copy(update={"id": derived("accept", run, digest)})


def _plan_differences(before: Plan, now: Plan) -> Iterator[str]:
    old, new = {task.id: task for task in before.tasks}, {task.id: task for task in now.tasks}
    yield from (f"{name} is gone" for name in old if name not in new)
    yield from (f"{name} is new" for name in new if name not in old)
    for name in old:
        if name in new and old[name] != new[name]:
            yield f"{name}: {_fields(old[name], new[name])} changed"
    yield from _limits(before, now)


def _limits(before: Plan, now: Plan) -> Iterator[str]:
    for name in ("workers", "deadline_s", "snapshot_every"):
        if getattr(before, name) != getattr(now, name):
            yield f"{name.replace('_', ' ')}: {getattr(before, name)} → {getattr(now, name)}"


def _fields(old: PlannedTask, new: PlannedTask) -> str:
    changed = [name for name in type(old).model_fields if getattr(old, name) != getattr(new, name)]
    if changed == ["settings"]:
        settings = {one.name for one in set(old.settings) ^ set(new.settings)}
        return ", ".join("its skill's file" if name == "skills" else name for name in sorted(settings))
    return ", ".join(name.replace("_", " ") for name in changed)


def _agents(before: Mapping[str, str], now: Mapping[str, str]) -> Iterator[str]:
    after = {name: value for name, value in now.items() if name.startswith(DEFINITION)}
    for name in sorted(before.keys() | after.keys()):
        if before.get(name) != after.get(name):
            yield f"the definition of {name.removeprefix(DEFINITION)} changed"
