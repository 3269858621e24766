"""`orchestra agents`: who there is, what one of them is for, and whether a folder of them can be relied upon."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from agents.definitions.checking import check as check_folder
from agents.definitions.definition import Definition, Tier, cast, catalogue
from agents.definitions.findings import Finding, Level
from agents.definitions.folders import Gathered, gathered
from agents.document import nearest
from agents.exchange import heard_by, sent_by
from agents.teams import Teams, role_of
from cli.exits import Exit
from cli.screen import say, say_json, table, warn
from observers.summary import printable
from protocol.errors import DefinitionError, SourceError

agents_app = typer.Typer(no_args_is_help=True, help="The agents there are: list, show, and check a folder of your own.")
Catalogue = Annotated[
    list[Path] | None,
    typer.Option(
        "--catalogue",
        metavar="DIR",
        help="A folder of agents that go before those that ship; repeatable, a later one goes before an earlier one.",
    ),
]
Json = Annotated[bool, typer.Option("--json", help="One JSON object a line.")]
_STYLES = {Level.ERROR: "red", Level.WARNING: "yellow", Level.NOTE: "dim"}


def told_of(folders: list[Path] | None) -> Gathered:
    """Return the agents there are with these folders; what is to be known about that is said.

    Raises:
        DefinitionError: one is no folder.
    """
    found = gathered(catalogues=folders or ())
    for note in found.notes:
        warn(f"note: {note}", "dim")
    return found


@agents_app.command("list")
def list_agents(
    tier: Annotated[Tier | None, typer.Option(help="Only of this tier.")] = None,
    team: Annotated[str | None, typer.Option(help="Only of this team.")] = None,
    with_house: Annotated[
        bool, typer.Option("--all", help="Also those who run the house and its own missions.")
    ] = False,
    folders: Catalogue = None,
    as_json: Json = False,
) -> None:
    """List the agents that can be chosen for work: those that ship, and those of your folders."""
    found = told_of(folders).definitions
    teams = Teams(found)
    if team is not None and team not in teams.names():
        raise SourceError(f"there is no team {team!r}; {nearest(team, teams.names())}")
    shown = [one for one in found.values() if with_house or _is_for_work(one)]
    shown = [one for one in shown if tier in (None, one.tier) and team in (None, one.team, one.leads)]
    shown.sort(key=lambda one: (list(Tier).index(one.tier), one.leads or one.team, not one.leads, one.name))
    if as_json:
        for one in shown:
            say_json(_facts(one, teams))
        return
    columns = ["name", "tier", "model", "team", "leads", "skills"]
    rows = [[one.name, one.tier.value, one.model, one.team, one.leads, ", ".join(one.skills)] for one in shown]
    table(f"{len(rows)} agent{'s' * (len(rows) != 1)}", columns, rows)


def _is_for_work(definition: Definition) -> bool:
    return definition.name in cast() or catalogue().get(definition.name) is not definition


@agents_app.command("show")
def show_agent(
    name: Annotated[str, typer.Argument(metavar="NAME", help="An agent's name, with or without @.")],
    folders: Catalogue = None,
    as_json: Json = False,
) -> None:
    """Show one agent: what its file says, who leads it, what it sends and hears, and where the file is."""
    found = told_of(folders)
    definition, teams = one_of(found, name), Teams(found.definitions)
    facts = _facts(definition, teams)
    if as_json:
        say_json({**facts, "role": definition.role})
        return
    for key, value in facts.items():
        say(printable(f"{key:13} {_shown(value)}").rstrip())
    say(f"\n{definition.role}")


def one_of(found: Gathered, name: str) -> Definition:
    """Return an agent by its name, with or without @.

    Raises:
        DefinitionError: there is none, or its file cannot be used.
    """
    name = name.removeprefix("@")
    if name in found.left_out:
        raise DefinitionError(f"{name} cannot be used: {found.left_out[name]}")
    if name not in found.definitions:
        raise DefinitionError(f"there is no agent {name!r}; {nearest(name, found.definitions)}")
    return found.definitions[name]


def _facts(one: Definition, teams: Teams) -> dict[str, Any]:
    leader = teams.leader_of(one.team)
    return {
        "name": one.name,
        "description": one.description,
        "tools": list(one.tools),
        "model": one.model,
        "tier": one.tier.value,
        "rationale": one.rationale,
        "team": one.team,
        "skills": list(one.skills),
        "accepts": [kind.value for kind in one.accepts],
        "leads": one.leads,
        "max_age_s": one.max_age_s,
        "other_keys": list(one.unknown),
        "takes_part_as": role_of(one).value,
        "led_by": None if leader in (None, one.name) else leader,
        "answers_to": teams.answers_to(one.name).removeprefix("@"),
        "leads_agents": list(teams.led_by(one.name)),
        "sends": [kind.value for kind in sent_by(one)],
        "hears": [kind.value for kind in heard_by(one)],
        "file": one.path,
    }


def _shown(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else "" if value is None else str(value)


@agents_app.command("check")
def check_agents(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A folder with agent definitions, or one file.")],
    as_json: Json = False,
) -> None:
    """Say what there is to say about a folder of agents, one line each: `FILE:LINE: level: what; way out`.

    Errors are agents that cannot be used; all others can be. Exit codes: 0 no errors, 1 errors, 2 no such folder.
    """
    found = check_folder(folder)
    for finding in found.findings:
        if as_json:
            say_json(_row(finding))
        else:
            say(printable(str(finding)), _STYLES[finding.level])
    if not as_json:
        counts = {level: found.count(level) for level in Level}
        told = ", ".join(f"{count} {level.value}{'s' * (count != 1)}" for level, count in counts.items())
        good = f"{found.agents} agent{'s' * (found.agents != 1)} can be used"
        say(printable(f"{folder}: {good}; {told}"), "green" if found.is_good else "red")
    raise typer.Exit(Exit.DONE if found.is_good else Exit.FAILED)


def _row(finding: Finding) -> Mapping[str, Any]:
    return {
        "file": finding.path,
        "line": finding.line,
        "level": finding.level.value,
        "what": finding.what,
        "way_out": finding.way_out,
    }
