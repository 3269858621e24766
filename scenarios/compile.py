"""From a workflow to a mission: which tasks there are, what each needs, and what each is given.

Patterns become groups and needs of the plan; from there on there is one mechanism, the coordinator's.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from agents.dependencies import dependencies
from agents.document import Place, shown
from bus.artifacts import ArtifactStore
from bus.roles import Role
from coordinators.plan import check
from protocol import bodies
from protocol.bodies import File, Group, Plan, PlannedTask, Policy, Setting
from protocol.conditions import read_condition
from protocol.errors import DefinitionError, SourceError
from protocol.names import MAX_ITEMS
from scenarios.doers import Doers
from scenarios.files import is_hidden, matching, take
from scenarios.mission import CastMember, Mission, agents_of
from scenarios.recall import RECALL
from scenarios.references import faults_of, place_named
from scenarios.source import Source, origin
from scenarios.workflow import CHAINED, Pattern, Step, Workflow

_GROUPS: Final = {
    Pattern.SEQUENTIAL: bodies.Pattern.ONCE,
    Pattern.PARALLEL: bodies.Pattern.ONCE,
    Pattern.CONDITIONAL: bodies.Pattern.ONCE,
    Pattern.ITERATIVE: bodies.Pattern.REPEAT,
    Pattern.PIPELINE: bodies.Pattern.EACH,
}


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
    doers = Doers(source)
    compiler = _Compiler(source, doers, store, files)
    tasks = tuple(compiler.compiled())
    plan = _checked_plan(source, tasks)
    names = agents_of(tasks)
    return Mission(
        scenario=workflow.workflow,
        coordinator=compiler.coordinator,
        specialists=tuple(CastMember(name, Role.SPECIALIST, instances=workflow.instances) for name in names),
        plan=plan,
        settings=(("output", str(output.absolute())), *origin(source, files)),
        definitions=tuple(doers.definitions[name[1:]] for name in names),
        skills=compiler.skills_file(),
        notes=doers.notes,
    )


def _at_once(workflow: Workflow, tasks: Sequence[PlannedTask]) -> int:
    """Return how many tasks may be under way where the workflow does not say: two for each process there may be.

    So no process waits for its next task, and what is given out next is chosen late, when the longest way is known.
    """
    return 2 * workflow.instances * len(agents_of(tasks))


def _checked_plan(source: Source, tasks: tuple[PlannedTask, ...]) -> Plan:
    workflow = source.workflow
    if len(tasks) > MAX_ITEMS:
        text = f"{len(tasks):,} steps; a workflow has at most {MAX_ITEMS:,}; let a group go through `items` instead"
        raise source.fault(("steps",), text)
    plan = Plan(
        tasks=tasks,
        workers=workflow.workers or _at_once(workflow, tasks),
        deadline_s=workflow.deadline,
        snapshot_every=workflow.snapshot_every,
    )
    try:
        check(plan)
    except DefinitionError as error:
        raise source.fault(place_named(workflow, str(error)), str(error)) from error
    return plan


class _Compiler:
    """Walks through the steps of one workflow and makes its tasks."""

    def __init__(self, source: Source, doers: Doers, store: ArtifactStore, files: Sequence[Path]) -> None:
        self._source, self._doers, self._store, self._given = source, doers, store, files
        self._taken: dict[Path, File] = {}
        self.coordinator = doers.coordinator()

    def compiled(self) -> Iterable[PlannedTask]:
        chained = self._source.workflow.pattern == "sequential"
        yield from self._steps(self._source.workflow.steps, ("steps",), None, chained)

    def skills_file(self) -> File | None:
        return None if self._doers.own is None else self._doers.own.stored(self._store)

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
        agent, skill = self._doers.of(step, place)
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
        own = self._doers.own
        if own and skill in own.names:
            settings += (Setting(name="skills", value=sha256(own.source).hexdigest()),)
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
            alternatives=tuple(self._doers.alternatives(step, place)),
        )
        return None if policy == Policy() else policy

    def _files(self, patterns: Sequence[str], place: Place) -> tuple[File, ...]:
        """Return the files that patterns name, each once, in the order of the patterns and then of their names."""
        found: dict[Path, None] = {}
        for number, pattern in enumerate(patterns):
            found |= dict.fromkeys(self._named_by(pattern, (*place, number)))
        with self._at(place):
            return tuple(self._take(path) for path in found)

    def _named_by(self, pattern: str, place: Place) -> Sequence[Path]:
        if pattern == "$files":
            if not self._given:
                text = "$files stands for what --files names, and it names nothing; add --files PATH"
                raise self._source.fault(place, text)
            return [path for given in self._given for path in self._within(given, place)]
        if not pattern.strip():
            raise self._source.fault(place, "an empty text names no file; write such as docs/*.md")
        try:
            found = matching(pattern, self._source.folder)
        except (ValueError, NotImplementedError) as error:
            raise self._source.fault(place, f"{shown(pattern)} names no files: {error}") from error
        if not found:
            path = Path(pattern)
            root = Path(path.anchor) if path.is_absolute() else self._source.folder.absolute()
            raise self._source.fault(place, f"{shown(pattern)} names no file; looked in {root}")
        return found

    def _within(self, given: Path, place: Place) -> list[Path]:
        """Return the files below a folder that --files names; a file is itself."""
        if not given.is_dir():
            return [given]
        found = sorted(one for one in given.rglob("*") if one.is_file() and not is_hidden(one, given))
        if not found:
            raise self._source.fault(place, f"there is no file in {given}, which --files names")
        return found

    def _take(self, path: Path) -> File:
        if path not in self._taken:
            self._taken[path] = take(path, self._source.folder, self._store)
        return self._taken[path]


def _asked_for(conditions: Iterable[str]) -> list[str]:
    """Return the tasks whose values conditions ask for."""
    return [name.rpartition(".")[0] for text in conditions for name in read_condition(text).names if "." in name]
