"""From a workflow to a mission: which tasks there are, who does them, and what each is given.

Patterns become groups and needs of the plan; from there on there is one mechanism, the coordinator's.
"""

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from string import Template
from typing import Any, Final

from pydantic import ValidationError

from agents.definitions import Definition, catalogue, load_folder
from agents.dependencies import dependencies
from agents.skills.catalogue import SKILLS
from agents.skills.own import RUNNER, OwnSkills, load_own
from bus.artifacts import ArtifactStore
from bus.roles import Role
from coordinators.plan import check
from gates.sources import media_type_of
from protocol import bodies
from protocol.bodies import File, Group, Plan, PlannedTask, Policy, Setting
from protocol.conditions import read_condition
from protocol.errors import DefinitionError, SourceError
from protocol.names import MAX_ITEMS
from protocol.secrets import redacted_bytes
from scenarios.document import Document, Place, checked, nearest, read_document, shown
from scenarios.mission import CastMember, Mission
from scenarios.recall import RECALL
from scenarios.references import all_steps, faults_of, place_named
from scenarios.workflow import CHAINED, Pattern, Step, Workflow

MAX_FILE_BYTES: Final = 64 * 1024 * 1024
_GROUPS: Final = {
    Pattern.SEQUENTIAL: bodies.Pattern.ONCE,
    Pattern.PARALLEL: bodies.Pattern.ONCE,
    Pattern.CONDITIONAL: bodies.Pattern.ONCE,
    Pattern.ITERATIVE: bodies.Pattern.REPEAT,
    Pattern.PIPELINE: bodies.Pattern.EACH,
}


@dataclass(frozen=True, slots=True)
class Source:
    """A workflow and where it comes from. document: of a file, for complaints with lines; None for one in Python.

    folder: against which its paths are meant. given: values of parameters that are not its own defaults.
    """

    workflow: Workflow
    folder: Path
    document: Document | None = None
    given: tuple[tuple[str, str], ...] = ()

    def fault(self, place: Place, text: str) -> DefinitionError:
        if self.document is not None:
            return self.document.fault(place, text)
        around = [one.step.id for one in all_steps(self.workflow) if place[: len(one.place)] == one.place]
        return DefinitionError(": ".join([self.workflow.workflow, *around[-1:], text]))


def read_workflow(path: Path, given: Mapping[str, str] | None = None) -> Source:
    """Return the workflow in a file, with its parameters filled in.

    Raises:
        DefinitionError: every complaint on a line of its own, with file, line and what to do.
    """
    document = read_document(path)
    if not isinstance(document.value, dict) or "workflow" not in document.value:
        raise DefinitionError(f"{path}:1: no workflow: the key `workflow` is missing; begin it with: workflow: NAME")
    filled = Document(document.path, _filled(document, dict(given or {})), document.lines)
    return Source(checked(filled, Workflow), path.parent, filled, tuple((given or {}).items()))


def _filled(document: Document, given: dict[str, str]) -> Any:
    parameters = document.value.get("parameters") or {}
    known = {str(key): str(value) for key, value in parameters.items()} if isinstance(parameters, dict) else {}
    unknown = sorted(given.keys() - known.keys())
    if unknown:
        has = ", ".join(known) or "none"
        raise DefinitionError(f"{document.path}: --set {unknown[0]}: it has no such parameter (it has: {has})")
    values = {"files": "$files", **known, **given}

    def fill(value: Any, place: Place) -> Any:
        if isinstance(value, dict):
            return {key: fill(one, (*place, key)) if key != "parameters" else one for key, one in value.items()}
        if isinstance(value, list):
            return [fill(one, (*place, number)) for number, one in enumerate(value)]
        if not isinstance(value, str) or "$" not in value:
            return value
        try:
            return Template(value).substitute(values)
        except KeyError as error:
            has = nearest(str(error.args[0]), known)
            text = f"{shown(value)}: there is no parameter {error}; {has}; $$ stands for a dollar sign"
            raise document.fault(place, text) from error
        except ValueError as error:
            raise document.fault(place, f"{shown(value)}: a $ begins no name; $$ stands for a dollar sign") from error

    return fill(document.value, ())


def plan_mission(source: Source, output: Path, store: ArtifactStore, files: Sequence[Path] = ()) -> Mission:
    """Take a workflow's files into the store and return the mission that carries it out.

    files: what `$files` among the inputs and items stands for.

    Raises:
        DefinitionError: a step names somebody, a skill, a step or a file that is not there.
        SourceError: a file cannot be read or stored.
    """
    workflow = source.workflow
    wrong = [str(source.fault(place, text)) for place, text in faults_of(workflow)]
    if wrong:
        raise DefinitionError("\n".join(wrong))
    compiler = _Compiler(source, _definitions(source), _own_skills(source), store, files)
    tasks = tuple(compiler.compiled())
    plan = _checked_plan(source, tasks)
    names = dict.fromkeys(name for task in tasks if task.group is None for name in _agents_of(task))
    return Mission(
        scenario=workflow.workflow,
        coordinator=compiler.coordinator,
        specialists=tuple(CastMember(name, Role.SPECIALIST, instances=workflow.instances) for name in names),
        plan=plan,
        settings=(("output", str(output.absolute())), *_origin(source, files)),
        definitions=tuple(compiler.definitions[name[1:]] for name in names),
        skills=compiler.skills_file(),
    )


def _workers(workflow: Workflow, tasks: Sequence[PlannedTask]) -> int:
    """Return how many tasks are given out at once where the workflow does not say: twice as many as processes may do.

    So no process waits for its next task, and what is given out next is chosen late, when the longest way is known.
    """
    agents = {name for task in tasks if task.group is None for name in _agents_of(task)}
    return 2 * workflow.instances * len(agents)


def _checked_plan(source: Source, tasks: tuple[PlannedTask, ...]) -> Plan:
    workflow = source.workflow
    if len(tasks) > MAX_ITEMS:
        text = f"{len(tasks):,} steps; a workflow has at most {MAX_ITEMS:,}; let a group go through `items` instead"
        raise source.fault(("steps",), text)
    plan = Plan(
        tasks=tasks,
        workers=workflow.workers or _workers(workflow, tasks),
        deadline_s=workflow.deadline,
        snapshot_every=workflow.snapshot_every,
    )
    try:
        check(plan)
    except DefinitionError as error:
        raise source.fault(place_named(workflow, str(error)), str(error)) from error
    return plan


def _agents_of(task: PlannedTask) -> tuple[str, ...]:
    return (task.agent, *(task.policy.alternatives if task.policy else ()))


_GIVEN: Final = "set."
_FILE: Final = "files."


def _origin(source: Source, files: Sequence[Path]) -> Iterable[tuple[str, str]]:
    """Return as settings what the workflow can be read from again."""
    if source.document is None:
        return
    yield "workflow", str(Path(source.document.path).absolute())
    yield from ((f"{_GIVEN}{name}", value) for name, value in source.given)
    yield from ((f"{_FILE}{number}", str(path.absolute())) for number, path in enumerate(files))


def given_in(told: Mapping[str, str]) -> tuple[dict[str, str], list[Path]]:
    """Return the parameters and the files that a mission was begun with, from its settings."""
    given = {name.removeprefix(_GIVEN): value for name, value in told.items() if name.startswith(_GIVEN)}
    return given, [Path(value) for name, value in told.items() if name.startswith(_FILE)]


def _definitions(source: Source) -> dict[str, Definition]:
    """Return the agents there are: those that ship, then those of the workflow's folders, which go before them."""
    found = dict(catalogue())
    for number, folder in enumerate(source.workflow.agents):
        path = source.folder / folder
        if not path.is_dir():
            raise source.fault(("agents", number), f"{path} is no folder; name one with agent definitions (*.md)")
        found |= load_folder(path)
    return found


def _own_skills(source: Source) -> OwnSkills | None:
    if source.workflow.skills is None:
        return None
    path = source.folder / source.workflow.skills
    try:
        raw = path.read_bytes()
    except OSError as error:
        text = f"{path} cannot be read: {error.strerror}; name the Python file with the workflow's own skills"
        raise source.fault(("skills",), text) from error
    if redacted_bytes(raw) != raw:
        raise source.fault(("skills",), f"{path} holds a secret; read it from the environment instead")
    return load_own(raw, str(path))


class _Compiler:
    """Walks through the steps of one workflow and makes its tasks."""

    def __init__(
        self,
        source: Source,
        definitions: Mapping[str, Definition],
        own: OwnSkills | None,
        store: ArtifactStore,
        files: Sequence[Path],
    ) -> None:
        self._source, self.definitions, self._own = source, definitions, own
        self._store, self._given = store, files
        self._taken: dict[Path, File] = {}
        self.coordinator = self._coordinator()

    def _coordinator(self) -> str:
        name = self._source.workflow.coordinator.removeprefix("@")
        able = [known for known in self.definitions if known.endswith("coordinator")]
        if name not in able:
            raise self._unknown("coordinator", name, able, ("coordinator",))
        return f"@{name}"

    def compiled(self) -> Iterable[PlannedTask]:
        chained = self._source.workflow.pattern == "sequential"
        yield from self._steps(self._source.workflow.steps, ("steps",), None, chained)

    def skills_file(self) -> File | None:
        if self._own is None:
            return None
        return self._store.put(self._own.source, path=Path(self._own.path).name, media_type="text/x-python")

    def _steps(
        self, steps: Sequence[Step], place: Place, within: str | None, chained: bool, when: str | None = None
    ) -> Iterable[PlannedTask]:
        """Compile the steps of one list. when: holds for all of them; those that follow one of them need not ask."""
        above: tuple[str, ...] = ()
        ids = {step.id for step in steps}
        for number, step in enumerate(steps):
            needs = tuple(step.needs) if step.needs is not None else above if chained else ()
            yield from self._step(step, (*place, number), within, needs, None if ids & set(needs) else when)
            above = (step.id,)

    def _step(
        self, step: Step, place: Place, within: str | None, needs: tuple[str, ...], when: str | None
    ) -> Iterable[PlannedTask]:
        conditions = [condition for condition in (when, step.when) if condition]
        both = " and ".join(f"({condition})" if len(conditions) > 1 else condition for condition in conditions)
        with self._at(place):
            task = PlannedTask(
                id=step.id,
                agent=self.coordinator,
                skill="run-plan",
                title=step.title or step.id,
                within=within,
                needs=tuple(dict.fromkeys((*needs, *_asked_for(conditions)))),
                when=both or None,
                policy=self._policy(step, place),
            )
        if step.pattern is None:
            yield self._done_by_somebody(task, step, place)
        elif step.pattern is Pattern.CONDITIONAL:
            yield from self._conditional(task, step, place)
        else:
            yield from self._group(task, step, step.pattern, place)

    def _group(self, task: PlannedTask, step: Step, pattern: Pattern, place: Place) -> Iterable[PlannedTask]:
        kind = bodies.Pattern.EACH if step.items else _GROUPS[pattern]
        is_repeated = kind is bodies.Pattern.REPEAT
        group = Group(
            pattern=kind,
            batch=step.batch if kind is bodies.Pattern.EACH and step.batch > 1 else None,
            rounds=step.rounds if is_repeated else None,
            until=step.until if is_repeated else None,
            best=step.best if is_repeated else None,
        )
        files = (*self._files(step.inputs, (*place, "inputs")), *self._files(step.items, (*place, "items")))
        yield task.model_copy(update={"group": group, "inputs": files})
        yield from self._steps(step.steps, (*place, "steps"), step.id, pattern in CHAINED)

    def _conditional(self, task: PlannedTask, step: Step, place: Place) -> Iterable[PlannedTask]:
        """Two branches within a group: what the condition asks for has to be done before the group."""
        condition = step.condition or ""
        needs = tuple(dict.fromkeys((*task.needs, *_asked_for([condition]))))
        files = self._files(step.inputs, (*place, "inputs"))
        group = Group(pattern=bodies.Pattern.ONCE)
        yield task.model_copy(update={"group": group, "needs": needs, "inputs": files})
        yield from self._steps(step.then, (*place, "then"), step.id, True, condition)
        yield from self._steps(step.otherwise_steps, (*place, "else"), step.id, True, f"not ({condition})")

    def _done_by_somebody(self, task: PlannedTask, step: Step, place: Place) -> PlannedTask:
        agent, skill = self._doer(step, place)
        inputs = self._files(step.inputs, (*place, "inputs"))
        made = {
            "agent": f"@{agent}",
            "skill": skill,
            "inputs": inputs,
            "settings": self._settings(step, skill, place),
            "accept": tuple(step.gates),
            "outputs": tuple(step.outputs),
        }
        return task.model_copy(update=made)

    def _settings(self, step: Step, skill: str, place: Place) -> tuple[Setting, ...]:
        with self._at((*place, "with")):
            settings = tuple(Setting(name=name, value=value) for name, value in step.settings.items())
            settings += (Setting(name=RECALL, value=step.recall),) if step.recall else ()
        if self._own and skill in self._own.names:
            settings += (Setting(name="skills", value=sha256(self._own.source).hexdigest()),)
        depends, folder = step.cache.depends, self._source.folder
        files = [Path(name) for name in depends.files]
        with self._at((*place, "cache")):
            return settings + dependencies(folder, git=depends.git, files=files, configuration=depends.config)

    @contextmanager
    def _at(self, place: Place) -> Iterator[None]:
        """Give what cannot be read or sent its place in the workflow."""
        try:
            yield
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            key = ".".join(map(str, first["loc"]))
            raise self._source.fault(place, f"{key}: {shown(first['input'])} cannot be sent: {first['msg']}") from error
        except SourceError as error:
            raise self._source.fault(place, str(error)) from error

    def _doer(self, step: Step, place: Place) -> tuple[str, str]:
        """Return who does a step with which skill; where only one of them is given, the other follows."""
        if not step.agent:
            return self._who_can(step.skill, (*place, "skill")), step.skill
        name = step.agent.removeprefix("@")
        if name not in self.definitions:
            raise self._unknown("agent", step.agent, self.definitions, (*place, "agent"))
        usable = self._usable(name)
        if not step.skill and len(usable) == 1:
            return name, usable[0]
        if not step.skill:
            has = ", ".join(usable) or "none that can be run here"
            raise self._source.fault((*place, "agent"), f"{step.id}: name a skill; {step.agent} has: {has}")
        if step.skill not in usable:
            has = nearest(step.skill, usable)
            raise self._source.fault((*place, "skill"), f"{step.agent} has no skill {step.skill!r} here; {has}")
        return name, step.skill

    def _usable(self, agent: str) -> list[str]:
        """Return what an agent can do in this workflow: of its skills those that there are, and are not only named."""
        own = self._own.names if self._own else ()
        usable = [skill for skill in self.definitions[agent].skills if skill in SKILLS or skill in own]
        return usable + [skill for skill in own if agent == RUNNER and skill not in usable]

    def _who_can(self, skill: str, place: Place) -> str:
        own = self._own.names if self._own else ()
        able = [name for name, definition in self.definitions.items() if skill in definition.skills]
        if able and (skill in SKILLS or skill in own):
            return able[0]
        if skill in own:
            return RUNNER
        raise self._unknown("skill", skill, [*SKILLS, *own], place)

    def _unknown(self, what: str, name: str, known: Iterable[str], place: Place) -> DefinitionError:
        return self._source.fault(place, f"there is no {what} {name!r}; {nearest(name, known)}")

    def _alternatives(self, step: Step, place: Place) -> Iterable[str]:
        agent, skill = self._doer(step, place) if step.otherwise else ("", "")
        earlier = {agent}
        for number, given in enumerate(step.otherwise):
            here, name = (*place, "otherwise", number), given.removeprefix("@")
            if name not in self.definitions:
                raise self._unknown("agent", given, self.definitions, here)
            if name in earlier:
                raise self._source.fault(here, f"{given} has been asked already by then; name somebody else")
            earlier.add(name)
            if skill not in self._usable(name):
                able = [agent for agent in self.definitions if skill in self._usable(agent)]
                raise self._source.fault(here, f"{given} cannot do {skill}; who can: {', '.join(able)}")
            yield f"@{name}"

    def _policy(self, step: Step, place: Place) -> Policy | None:
        policy = Policy(
            priority=step.priority,
            timeout_s=step.timeout,
            deadline_s=step.deadline,
            attempts=step.retry.attempts if step.retry else None,
            backoff_s=step.retry.backoff if step.retry else None,
            critical=None if step.critical else False,
            approve=True if step.approve is not False else None,
            approve_within_s=step.approve if not isinstance(step.approve, bool) else None,
            estimate_s=step.estimate,
            max_tokens=step.budget.tokens if step.budget else None,
            max_age_s=step.cache.max_age,
            fixed_by=step.fixed_by,
            alternatives=tuple(self._alternatives(step, place)),
        )
        return None if policy == Policy() else policy

    def _files(self, patterns: Sequence[str], place: Place) -> tuple[File, ...]:
        """Return the files that patterns name, each once, in the order of the patterns and then of their names."""
        found: dict[Path, None] = {}
        for number, pattern in enumerate(patterns):
            found |= dict.fromkeys(self._matching(pattern, (*place, number)))
        with self._at(place):
            return tuple(self._take(path) for path in found)

    def _matching(self, pattern: str, place: Place) -> list[Path]:
        if pattern == "$files":
            if not self._given:
                raise self._source.fault(
                    place, "$files stands for what --files names, and it names nothing; add --files PATH"
                )
            return list(self._given)
        if not pattern.strip():
            raise self._source.fault(place, "an empty text names no file; write such as docs/*.md")
        path = Path(pattern)
        root = Path(path.anchor) if path.is_absolute() else self._source.folder
        inner = str(path.relative_to(path.anchor)) if path.is_absolute() else pattern
        if (root / inner).is_dir():
            inner = f"{inner}/**/*"
        try:
            matching = sorted(one for one in root.glob(inner) if one.is_file() and not _is_hidden(one, root))
        except (ValueError, NotImplementedError) as error:
            raise self._source.fault(place, f"{shown(pattern)} names no files: {error}") from error
        if not matching:
            raise self._source.fault(place, f"{shown(pattern)} names no file; looked in {root.absolute()}")
        return matching

    def _take(self, path: Path) -> File:
        if path not in self._taken:
            self._taken[path] = take(path, self._source.folder, self._store)
        return self._taken[path]


def _is_hidden(path: Path, root: Path) -> bool:
    return any(part.startswith(".") for part in path.relative_to(root).parts if part != "..")


def take(path: Path, folder: Path, store: ArtifactStore) -> File:
    """Put a file into the store under its name as seen from a folder.

    Raises:
        SourceError: it cannot be read, is too large, or its name cannot be sent.
    """
    name = Path(os.path.relpath(path, folder)).as_posix()
    name = path.name if name.startswith("..") else name
    if not name.isprintable() or len(name) > 500:
        raise SourceError(f"{str(path)!a} has a name that no message can carry; rename it")
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise SourceError(f"{path} has more than {MAX_FILE_BYTES:,} bytes; split it or take it out")
        data = path.read_bytes()
    except OSError as error:
        raise SourceError(f"{path} cannot be read: {error.strerror}") from error
    return store.put(data, path=name, media_type=media_type_of(name) or _media_type(data))


def _media_type(data: bytes) -> str:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return "application/octet-stream"
    return "text/plain"


def _asked_for(conditions: Iterable[str]) -> list[str]:
    """Return the tasks whose values conditions ask for."""
    return [name.rpartition(".")[0] for text in conditions for name in read_condition(text).names if "." in name]
