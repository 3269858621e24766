"""Who does a step of a workflow: the agents there are, what each can do here, and who stands in for whom."""

from collections.abc import Iterable, Iterator

from agents.definitions.definition import Definition
from agents.definitions.folders import NO_FOLDER, Gathered, gathered
from agents.document import Place, nearest
from agents.skills.catalogue import SKILLS
from agents.skills.own import RUNNER, OwnSkills, read_own
from agents.teams import Teams, is_coordinator
from protocol.errors import DefinitionError, SourceError
from scenarios.references import all_steps
from scenarios.source import Source
from scenarios.workflow import Step


def _gathered(source: Source) -> Gathered:
    """Return the agents there are, of the workflow's folders, of the command's, and those that ship."""
    folders = [source.folder / folder for folder in source.workflow.agents]
    for number, path in enumerate(folders):
        if not path.is_dir():
            raise source.fault(("agents", number), f"{path} {NO_FOLDER}")
    return gathered(folders, source.catalogues)


def _own_skills(source: Source) -> OwnSkills | None:
    if source.workflow.skills is None:
        return None
    path = source.folder / source.workflow.skills
    try:
        return read_own(path)
    except SourceError as error:
        raise source.fault(("skills",), str(error)) from error


def usable(definition: Definition, own: OwnSkills | None) -> tuple[str, ...]:
    """Return what an agent can do here: of its skills those that there are, and are not only named.

    own: skills that were brought along.
    """
    brought = own.names if own else ()
    found = [skill for skill in definition.skills if skill in SKILLS or skill in brought]
    return (*found, *(skill for skill in brought if definition.name == RUNNER and skill not in found))


class Doers:
    """The agents and the skills that one workflow can use.

    Raises:
        DefinitionError: a folder of agents or the file of skills is not there, or cannot be used.
    """

    def __init__(self, source: Source) -> None:
        self._source, self._gathered, self.own = source, _gathered(source), _own_skills(source)
        self.definitions, self.notes = self._gathered.definitions, self._gathered.notes

    def coordinator(self) -> str:
        """Return who divides the work, with @: who is named, else whoever leads the team of all who do a step.

        Raises:
            DefinitionError: nobody of that name is a coordinator; or as for `of`.
        """
        workflow = self._source.workflow
        if "coordinator" not in workflow.model_fields_set:
            return Teams(self.definitions).coordinator_for(self._everybody())
        name = workflow.coordinator.removeprefix("@")
        able = [known for known, one in self.definitions.items() if is_coordinator(one)]
        if name not in able:
            raise self._unknown("coordinator", name, able, ("coordinator",))
        return f"@{name}"

    def _everybody(self) -> Iterator[str]:
        """Yield who does a step, or stands in for whoever cannot."""
        for one in all_steps(self._source.workflow):
            if one.step.pattern is None:
                yield self.of(one.step, one.place)[0]
                yield from (name.removeprefix("@") for name in one.step.otherwise)

    def of(self, step: Step, place: Place) -> tuple[str, str]:
        """Return who does a step, without @, with which skill; where only one of them is given, the other follows.

        Raises:
            DefinitionError: there is no such agent or skill, or the one does not have the other.
        """
        if not step.agent:
            return self._who_can(step.skill, (*place, "skill")), step.skill
        name = step.agent.removeprefix("@")
        if name not in self.definitions:
            raise self._unknown("agent", step.agent, self.definitions, (*place, "agent"))
        able = self._usable(name)
        if not step.skill and len(able) == 1:
            return name, able[0]
        if not step.skill:
            has = ", ".join(able) or "none that can be run here"
            raise self._source.fault((*place, "agent"), f"{step.id}: name a skill; {step.agent} has: {has}")
        if step.skill not in able:
            has = nearest(step.skill, able)
            raise self._source.fault((*place, "skill"), f"{step.agent} has no skill {step.skill!r} here; {has}")
        return name, step.skill

    def _usable(self, agent: str) -> tuple[str, ...]:
        return usable(self.definitions[agent], self.own)

    def _who_can(self, skill: str, place: Place) -> str:
        own = self.own.names if self.own else ()
        able = [name for name, definition in self.definitions.items() if skill in definition.skills]
        if able and (skill in SKILLS or skill in own):
            return able[0]
        if skill in own:
            return RUNNER
        raise self._unknown("skill", skill, [*SKILLS, *own], place)

    def _unknown(self, what: str, name: str, known: Iterable[str], place: Place) -> DefinitionError:
        left_out = self._gathered.left_out.get(name.removeprefix("@"))
        if left_out is not None:
            return self._source.fault(place, f"{name} cannot be used: {left_out}")
        return self._source.fault(place, f"there is no {what} {name!r}; {nearest(name, known)}")

    def alternatives(self, step: Step, place: Place) -> Iterator[str]:
        """Yield who is asked where whoever does a step cannot, with @, in order.

        Raises:
            DefinitionError: one of them cannot do it, or has been asked by then.
        """
        agent, skill = self.of(step, place) if step.otherwise else ("", "")
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
