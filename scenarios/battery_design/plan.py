"""From a folder of documents, a pack and a list of parts to a mission: who derives, designs and verifies what."""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Final

from agents.document import checked, read_document
from agents.skills.battery.requirements.pack import NAME as PACK
from agents.skills.battery.requirements.pack import PackSettings, written_out
from agents.skills.battery.skills import PRACTICE, SKETCH_FOLDER
from bus.artifacts import ArtifactStore
from bus.roles import Role
from gates.design.files import SOURCES
from gates.design.parts import NAME as PARTS
from gates.design.parts import read_parts
from protocol.bodies import File, Group, Pattern, Plan, PlannedTask
from protocol.errors import SourceError
from scenarios.files import take
from scenarios.mission import CastMember, Mission
from scenarios.spec_facts import plan as spec_facts

NAME: Final = "battery-design"
COORDINATOR: Final = "@data-coordinator"
_FACTS: Final = "facts"
_HERE: Final = Path(str(files("scenarios") / "battery_design"))
_SKETCH: Final = Path(str(files("firmware") / SKETCH_FOLDER))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Step:
    """A task behind the facts. needs: other steps; given: which of the mission's own files it gets."""

    id: str
    agent: str
    skill: str
    title: str
    needs: tuple[str, ...]
    given: tuple[str, ...] = ()
    accept: tuple[str, ...] = ()


_STEPS: Final = (
    _Step(
        id="requirements",
        agent="@safety-engineer",
        skill="derive-requirements",
        title="Derive the safety requirements",
        needs=(_FACTS,),
        given=("pack", "practice", "documents"),
    ),
    _Step(
        id="design",
        agent="@battery-designer",
        skill="design-monitor",
        title="Design the monitor",
        needs=("requirements",),
        given=("parts",),
    ),
    _Step(
        id="bill",
        agent="@parts-buyer",
        skill="cost-parts",
        title="Cost the parts",
        needs=("requirements", "design"),
        given=("parts",),
    ),
    _Step(
        id="firmware",
        agent="@firmware-engineer",
        skill="write-firmware",
        title="Put the limits into the sketch",
        needs=("requirements", "design"),
        given=("parts", "sketch"),
    ),
    _Step(
        id="test-plan",
        agent="@test-planner",
        skill="plan-the-tests",
        title="Plan the tests",
        needs=("requirements", "design"),
    ),
    _Step(
        id="verification",
        agent="@safety-verifier",
        skill="verify-design",
        title="Verify the design against its requirements",
        needs=("requirements", "design", "bill", "firmware", "test-plan"),
        accept=("not-met == 0",),  # what is not met is for a person; nothing is handed over then
    ),
    _Step(
        id="hand-over",
        agent="@delivery-engineer",
        skill="hand-over",
        title="Hand everything over",
        needs=(_FACTS, "requirements", "design", "bill", "firmware", "test-plan", "verification"),
        given=("pack", "practice", "parts", "documents"),
    ),
)


def plan_mission(
    specs: Path,
    output: Path,
    store: ArtifactStore,
    *,
    pack: Path | None = None,
    parts: Path | None = None,
    skips_unreadable: bool = False,
    instances: int = 2,
) -> Mission:
    """Take the documents, the pack and the parts into the store and return the mission that designs the monitor.

    Raises:
        DefinitionError: the pack is described wrongly; the text names file and line.
        SourceError: documents or parts cannot be read.
    """
    reading = spec_facts.plan_mission(specs, output, store, skips_unreadable=skips_unreadable, instances=instances)
    given = {
        "documents": next(task.inputs for task in reading.plan.tasks if task.id == "compare"),
        "pack": (_pack(pack, store),),
        "parts": (_parts(parts or _HERE / PARTS, store),),
        **_shipped(store),
    }
    steps = tuple(_planned(step, given) for step in _STEPS)
    settings = [(name, str(path.absolute())) for name, path in (("pack", pack), ("parts", parts)) if path]
    return Mission(
        scenario=NAME,
        coordinator=COORDINATOR,
        specialists=(*reading.specialists, *(CastMember(step.agent, Role.SPECIALIST) for step in steps)),
        plan=Plan(tasks=(_group(), *_within_group(reading), *steps)),
        settings=(*reading.settings, *settings),
    )


def _shipped(store: ArtifactStore) -> dict[str, tuple[File, ...]]:
    """Take what is the same for every pack: the practice, and the sources of the sketch."""
    sources = sorted(path for path in _SKETCH.iterdir() if path.suffix in SOURCES)
    return {
        "practice": (take(_HERE / PRACTICE, _HERE, store),),
        "sketch": tuple(take(path, _SKETCH, store) for path in sources),
    }


def _group() -> PlannedTask:
    """The mission that reads the documents is one group of this one."""
    return PlannedTask(
        id=_FACTS,
        agent=COORDINATOR,
        skill="run-plan",
        title="Read the documents and compare what they say",
        group=Group(pattern=Pattern.ONCE),
    )


def _within_group(reading: Mission) -> tuple[PlannedTask, ...]:
    return tuple(task.model_copy(update={"within": _FACTS}) for task in reading.plan.tasks)


def _planned(step: _Step, given: Mapping[str, tuple[File, ...]]) -> PlannedTask:
    return PlannedTask(
        id=step.id,
        agent=step.agent,
        skill=step.skill,
        title=step.title,
        needs=step.needs,
        inputs=tuple(file for name in step.given for file in given[name]),
        accept=step.accept,
    )


def _pack(path: Path | None, store: ArtifactStore) -> File:
    settings = PackSettings() if path is None else _settings(path)
    return store.put(written_out(settings), path=PACK, media_type="text/plain")


def _settings(path: Path) -> PackSettings:
    """Read the pack's configuration."""
    document = read_document(path, first_key="cells: 16")
    return checked(document, PackSettings)


def _parts(path: Path, store: ArtifactStore) -> File:
    """Take the parts file, whatever its name, and find out at once whether it can be read."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise SourceError(f"{path} cannot be read: {error.strerror}; give a CSV file as --parts") from error
    try:
        read_parts(data)
    except SourceError as error:
        raise SourceError(f"{path}: {error}") from error
    return store.put(data, path=PARTS, media_type="text/csv")
