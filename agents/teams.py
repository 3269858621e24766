"""Who leads whom: teams, their leaders, the ladder upwards, and which coordinator takes a task.

A team is what agents name in `team`; who leads it says so in `leads`. The ladder goes from a specialist to whoever
leads its team, from there to the tech lead, and from there to a person.
"""

from collections.abc import Iterable, Mapping
from typing import Final

from agents.definitions.definition import Definition
from agents.skills.own import RUNNER
from bus.door import BORN_WITH
from bus.roles import Role
from protocol.topics import HUMAN, RECORDER, TECH_LEAD

DEFAULT: Final = "data-coordinator"  # takes what belongs to no team, or to several
_OF_THE_HOUSE: Final = {**BORN_WITH, RECORDER: Role.RECORDER, TECH_LEAD: Role.TECH_LEAD}


def role_of(definition: Definition) -> Role:
    """Return as what an agent takes part in a run."""
    known = _OF_THE_HOUSE.get(f"@{definition.name}")
    if known is not None:
        return known
    return Role.COORDINATOR if is_coordinator(definition) else Role.SPECIALIST


def is_coordinator(definition: Definition) -> bool:
    """Return whether an agent can carry out a plan: its name says so, or it leads a team."""
    is_named = definition.name.endswith("coordinator") or bool(definition.leads)
    return is_named and f"@{definition.name}" not in _OF_THE_HOUSE


class Teams:
    """The teams of some agents. Of two that lead one team the first counts."""

    def __init__(self, definitions: Mapping[str, Definition]) -> None:
        self._definitions = definitions
        self._leaders: dict[str, str] = {}
        for one in definitions.values():
            if one.leads:
                self._leaders.setdefault(one.leads, one.name)

    def names(self) -> tuple[str, ...]:
        """Return the teams there are, by the alphabet."""
        return tuple(sorted({one.team for one in self._definitions.values() if one.team} | self._leaders.keys()))

    def leader_of(self, team: str) -> str | None:
        """Return who leads a team, without @."""
        return self._leaders.get(team)

    def led_by(self, name: str) -> tuple[str, ...]:
        """Return whom an agent leads: the others of its team; the tech lead: all who lead a team, and its own."""
        definition = self._definitions[name]
        is_top = role_of(definition) is Role.TECH_LEAD
        return tuple(
            one.name
            for one in self._definitions.values()
            if one.name != name
            and ((definition.leads and one.team == definition.leads) or (is_top and is_coordinator(one)))
        )

    def answers_to(self, name: str) -> str:
        """Return who is asked when an agent cannot go on, with @."""
        definition = self._definitions[name]
        role = role_of(definition)
        if role is Role.TECH_LEAD:
            return HUMAN
        leader = self._leaders.get(definition.team)
        if role is Role.COORDINATOR or leader == name:
            return TECH_LEAD
        return f"@{leader or DEFAULT}"

    def coordinator_for(self, agents: Iterable[str]) -> str:
        """Return which coordinator takes tasks of some agents, with @.

        Whoever leads the one team to which all of them belong, else the default. The runner of a workflow's own skills
        works for everybody, so it says nothing about a team.
        """
        known = [self._definitions[name] for name in agents if name in self._definitions and name != RUNNER]
        leaders = {self._leaders.get(one.team) if not one.leads else one.name for one in known}
        leader = leaders.pop() if len(leaders) == 1 else None
        return f"@{leader or DEFAULT}"

    def taker_of(self, skill: str) -> str | None:
        """Return which coordinator takes a task that asks for a skill, with @; None where nobody has it."""
        able = [one.name for one in self._definitions.values() if skill in one.skills]
        return self.coordinator_for(able[:1]) if able else None
