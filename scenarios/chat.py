"""A conversation with a specialist, kept as a mission: its plan grows by one task for each line of a person.

1. A line is a task for one skill, given out, judged and accepted like any other; one that cannot be done is left out.
2. What a person says stands in the journal with the plan that it makes, one task longer: in the start of the mission
   the first line, in a `control` of @human each further one. What was there keeps where it stands.
3. The journal is the conversation: heard again it tells it again, and its last task tells with what to go on.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256
from pathlib import Path
from typing import Final, TypeGuard

from pydantic import ValidationError

from agents.definitions.definition import Definition, catalogue
from agents.definitions.folders import Gathered, gathered
from agents.skills.catalogue import SKILLS
from agents.skills.own import RUNNER, OwnSkills
from agents.skills.questions import CONVERSATION, PROPOSAL, REQUEST
from bus.artifacts import ArtifactStore
from bus.records import Entry
from bus.roles import Role
from protocol.bodies import (
    Alert,
    Body,
    Control,
    Decision,
    File,
    Plan,
    PlannedTask,
    Policy,
    Setting,
    Value,
    Verb,
    VerdictReport,
)
from protocol.decoder import reread
from protocol.errors import DefinitionError, SourceError
from protocol.failures import LEFT_OUT
from protocol.messages import Message, MessageType
from protocol.topics import TECH_LEAD
from scenarios.doers import usable
from scenarios.mission import CastMember, Mission
from scenarios.proposal import proposed
from scenarios.recall import MEDIA_TYPE

NAME: Final = CONVERSATION
COORDINATOR: Final = "@data-coordinator"
CLERK: Final = "mission-clerk"
# The tech lead decides by rules and reads no files; who answers for it is a specialist like any other.
_FOR_THE_LEAD: Final = ("tech-lead", TECH_LEAD[1:])
_OWN: Final = "skills"
RESERVED: Final = (REQUEST, _OWN)
_DO: Final = re.compile(r"do:\s*(?P<what>\S.*)", re.IGNORECASE | re.DOTALL)
_LONGEST_TITLE: Final = 200
# Left out when the specialist cannot do it: the conversation goes on, and a person is there who can ask again.
_POLICY: Final = Policy(critical=False)
_HEARD: Final = tuple(f"/{kind.value}" for kind in (MessageType.CONTROL, MessageType.VERDICT, MessageType.ALERT))


@dataclass(frozen=True, slots=True)
class Partner:
    """Whom a person talks to, and how the next line becomes a task.

    skills: those that can be run here. own: a digest of the skills that were brought along, "" where none were.
    definition: of the agent; where it does not ship it travels with the conversation.
    """

    agent: str
    skills: tuple[str, ...]
    skill: str
    definition: Definition
    own: str = ""
    files: tuple[File, ...] = ()
    settings: Mapping[str, str] = field(default_factory=dict)

    def with_skill(self, name: str) -> "Partner":
        """Raises SourceError: it has no such skill."""
        if name not in self.skills:
            raise SourceError(
                f"@{self.agent} has no skill {name!r} that can be run here; it has: {', '.join(self.skills)}"
            )
        return replace(self, skill=name)

    def task(self, number: int, line: str) -> PlannedTask:
        """Return a line as the task that it is.

        Raises:
            SourceError: a setting, or the line, cannot be sent.
        """
        brought = {_OWN: self.own} if self.own and self.skill not in SKILLS else {}
        told = {**self.settings, REQUEST: line, **brought}
        try:
            return PlannedTask(
                id=f"turn-{number}",
                agent=f"@{self.agent}",
                skill=self.skill,
                title=line[:_LONGEST_TITLE],
                inputs=self.files,
                settings=tuple(Setting(name=name, value=value) for name, value in told.items()),
                policy=_POLICY,
            )
        except ValidationError as error:
            first = error.errors()[0]
            raise SourceError(f"it cannot be sent: {'.'.join(map(str, first['loc']))}: {first['msg']}") from error


def partner(name: str, own: OwnSkills | None, among: Gathered | None = None) -> Partner:
    """Return whom to talk to, with its first skill. own: skills that were brought along. among: default: what ships.

    Raises:
        DefinitionError: there is no such specialist, or it can do nothing here.
    """
    among = among or gathered()
    definitions, name = among.definitions, name.removeprefix("@")
    definition = definitions.get(CLERK if name in _FOR_THE_LEAD else name)
    able = sorted(one for one in definitions if usable(definitions[one], own))
    if definition is None and name in among.left_out:
        raise DefinitionError(f"{name} cannot be used: {among.left_out[name]}")
    if definition is None:
        raise DefinitionError(f"there is no agent {name!r}; to be talked to: {', '.join(able)}")
    skills = usable(definition, own)
    if not skills:
        brings = "; it runs what --skills FILE brings" if definition.name == RUNNER else ""
        raise DefinitionError(
            f"@{definition.name} has no skill that can be run here without a model{brings}; "
            f"to be talked to: {', '.join(able)}"
        )
    return Partner(definition.name, skills, skills[0], definition, sha256(own.source).hexdigest() if own else "")


def gone_on(name: str, own: OwnSkills | None, last: PlannedTask, brought: Sequence[Definition] = ()) -> Partner:
    """Return whom to talk to as it was when a conversation stopped. brought: definitions that it had brought along.

    Raises:
        DefinitionError, SourceError: the agent, or its skill, is not there any more.
    """
    told = {setting.name: setting.value for setting in last.settings if setting.name not in RESERVED}
    among = Gathered({**catalogue(), **{definition.name: definition for definition in brought}})
    before = partner(name, own, among).with_skill(last.skill)
    files = tuple(
        file for file in last.inputs if file.media_type != MEDIA_TYPE and not file.path.startswith(f"{PROPOSAL}/")
    )
    return replace(before, files=files, settings=told)


def begun(first: PlannedTask, output: Path, person: str, skills: File | None, definition: Definition) -> Mission:
    """Return the mission that a first line makes. definition: of whom it is said to."""
    return Mission(
        scenario=NAME,
        coordinator=COORDINATOR,
        specialists=(CastMember(first.agent, Role.SPECIALIST),),
        plan=Plan(tasks=(first,)),
        settings=(("output", str(output.absolute())), (NAME, first.agent), ("person", person)),
        definitions=(definition,),
        skills=skills,
    )


@dataclass(frozen=True, slots=True)
class Line:
    """What a person has said."""

    task: PlannedTask

    @property
    def text(self) -> str:
        return next((setting.value for setting in self.task.settings if setting.name == REQUEST), self.task.title)


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of a line. decision: None where it was left out. sequence: where it stands in the journal."""

    task: PlannedTask
    decision: Decision | None
    reason: str
    sequence: int
    text: str = ""
    artifacts: tuple[File, ...] = ()
    values: tuple[Value, ...] = ()
    attempt: int | None = None

    @property
    def is_last(self) -> bool:
        """Whether nothing more comes of the line."""
        return self.decision in (Decision.PASS, None)


def _is_about_a_line(body: Body) -> TypeGuard[VerdictReport | Alert]:
    return isinstance(body, VerdictReport) or (isinstance(body, Alert) and body.code == LEFT_OUT)


class Conversation:
    """Hears the journal of a conversation. plan: all that was said so far."""

    def __init__(self) -> None:
        self.plan = Plan()
        self._open: dict[str, PlannedTask] = {}

    def hear(self, entry: Entry) -> Iterator[Line | Answer]:
        """Yield what an entry adds to the conversation."""
        if not entry.topic.endswith(_HEARD):
            return
        message = reread(entry.document)
        body = message.body
        if isinstance(body, Control) and body.plan is not None and body.verb in (Verb.START, Verb.SET):
            yield from self._grow(body.plan)
        elif message.task in self._open and _is_about_a_line(body):
            yield self._answered(message, body, entry.sequence)

    def close(self, sequence: int) -> list[Answer]:
        """Take for left out all of which nothing came until the mission's end, such as what was cancelled."""
        left = [Answer(task, None, "it was cancelled", sequence) for task in self._open.values()]
        self._open.clear()
        return left

    def _grow(self, plan: Plan) -> Iterator[Line]:
        known = {task.id for task in self.plan.tasks}
        self.plan = plan
        for task in plan.tasks:
            if task.id not in known:
                self._open[task.id] = task
                yield Line(task)

    def _answered(self, message: Message, body: VerdictReport | Alert, sequence: int) -> Answer:
        task = self._open[message.task]
        if isinstance(body, Alert):
            answer = Answer(task, None, body.text.partition(" was left out: ")[2] or body.text, sequence)
        else:
            told = (body.description, body.artifacts, body.values, message.attempt)
            answer = Answer(task, body.decision, body.reason, sequence, *told)
        if answer.is_last:
            del self._open[message.task]
        return answer


def with_proposal(task: PlannedTask, store: ArtifactStore) -> PlannedTask:
    """Return a line; of one to the tech lead that begins with `do:`, with a proposal among its inputs.

    Made when the line is said and not by whoever answers, so the journal has what the answer rests on.
    """
    found = _DO.match(Line(task).text)
    if found is None or task.agent != f"@{CLERK}":
        return task
    raw = proposed(found["what"]).encode()
    file = store.put(raw, path=f"{PROPOSAL}/{task.id}.txt", media_type="text/plain")
    return task.model_copy(update={"inputs": (*task.inputs, file)})


def is_chat(start: Control) -> str:
    """Return with whom a run is a conversation.

    Raises:
        SourceError: it is another mission.
    """
    found = next((setting.value for setting in start.settings if setting.name == NAME), "")
    if not found:
        raise SourceError(
            f"it is a mission of {start.subject or 'another kind'}, not a conversation: orchestra history"
        )
    return found
