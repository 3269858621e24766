"""Checking a folder of agents before anybody relies on it: everything there is to say, file by file, line by line."""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from agents.definitions.definition import Definition, Folder, as_name, line_of, read, read_folder
from agents.definitions.findings import Finding, Level
from agents.exchange import senders_to
from agents.skills.catalogue import SKILLS
from agents.skills.own import RUNNER
from agents.teams import role_of
from bus.roles import Role
from protocol.errors import SourceError


@dataclass(frozen=True, slots=True)
class Checked:
    """What was found, in the order of files and lines. agents: how many can be used."""

    agents: int
    findings: tuple[Finding, ...]

    def count(self, level: Level) -> int:
        return sum(finding.level is level for finding in self.findings)

    @property
    def is_good(self) -> bool:
        return not self.count(Level.ERROR)


def check(path: Path) -> Checked:
    """Return what there is to say about a folder of agents, or about one file. Content never makes it fail.

    Raises:
        SourceError: there is nothing at this path.
    """
    if os.path.isdir(path):  # unlike Path.is_dir it says no, too, where nobody may look
        folder = read_folder(path)
    elif os.path.isfile(path):
        reading = read(path)
        made = {reading.definition.name: reading.definition} if reading.definition else {}
        folder = Folder(made, {}, reading.findings)
    else:
        raise SourceError(f"{path} is neither a folder nor a file; name a folder with agent definitions (*.md)")
    findings = [*folder.findings, *(one for agent in folder.definitions.values() for one in _about(agent))]
    findings += _rivals(folder.definitions)
    ordered = sorted(dict.fromkeys(findings), key=lambda finding: (finding.path, finding.line))
    return Checked(len(folder.definitions), tuple(ordered))


def _about(agent: Definition) -> Iterator[Finding]:
    stem = Path(agent.path).stem
    if agent.name not in (stem, as_name(stem)):
        way_out = f"call the file {agent.name}.md, or the agent {as_name(stem) or 'after it'}"
        yield _warning(agent, "name", f"{agent.name} is not the file's name", way_out)
    role = role_of(agent)
    unknown = [skill for skill in agent.skills if skill not in SKILLS]
    if unknown and role is Role.SPECIALIST and agent.name != RUNNER:  # others do theirs by rules of their own
        what = f"there is no deterministic skill {', '.join(unknown)}"
        yield _warning(agent, "skills", what, "it needs a model, or a Python file that the workflow brings along")
    deaf = [kind.value for kind in agent.accepts if kind not in senders_to(role)]
    if deaf:
        yield _warning(agent, "accepts", f"nobody may send a {role.value} {', '.join(deaf)}", "take it out")


def _rivals(agents: Mapping[str, Definition]) -> Iterator[Finding]:
    leaders: dict[str, Definition] = {}
    for agent in agents.values():
        other = leaders.setdefault(agent.leads, agent) if agent.leads else agent
        if other is not agent:
            what = f"{agent.leads} is led by {other.name} too ({other.path}), who counts"
            yield _warning(agent, "leads", what, "a team has one leader")


def _warning(agent: Definition, key: str, what: str, way_out: str) -> Finding:
    return Finding(Level.WARNING, agent.path, line_of(agent, key), f"{key}: {what}", way_out)
