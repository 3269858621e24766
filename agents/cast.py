"""Makes docs/cast.md from the definitions of the cast: `python -m agents.cast > docs/cast.md`."""

import sys
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from agents.definitions.definition import Definition, Tier, cast
from agents.skills.catalogue import SKILLS
from agents.teams import Teams

LEADS: Final = "leads"  # the team of those who lead the others; the tech lead leads it and is in it
_FOLDS: Final = frozenset({"run-plan", "decide-mission"})  # what coordinators/ does, by code as well

_HEAD: Final = """# The cast

Generated from the definitions in `agents/catalogue/cast/` (`python -m agents.cast > docs/cast.md`); a test holds the
two together. Each definition is one Markdown file, `TIER/NAME.md`. Who keeps the house without a model (gatekeeper,
recorder, clock, those who read facts) lies beside it in `agents/catalogue/house/` and is not counted here.

A tier says how much judgement the work takes, and with it the size of the model, as an alias. A **bold** skill is done
by code alone and needs no model; a workflow that asks for another one where nothing does it is refused by
`orchestra workflow check`. Coordinators and the tech lead are folds over the journal: they call no model either, and
their tier is the size of the decisions that they stand for.
"""

_MEANINGS: Final = {
    Tier.STRATEGIC: "decisions that are few, are built upon by many, and come to light late when they are wrong",
    Tier.IMPLEMENTATION: "work whose rules are known and whose mistakes a tool, a test or a gate finds within the task",
    Tier.ROUTINE: "work whose steps are given, where the output itself says whether it succeeded",
}

_TEAMS: Final = """## Teams

Everybody has one team and everybody but the tech lead one leader, so a failure has one way up: specialist →
its coordinator → `@tech-lead-orchestrator` → `@human`. The tier of a leader need not be that of those it leads:
`@devops-engineer` follows steps, while a wrong division of its team's work takes a system down.
"""

_TASKS: Final = """## Which coordinator takes which task

A task belongs to the team of the agent whose skill it asks for. A workflow whose agents are all of one team goes to
whoever leads it; one of several teams goes to `@data-coordinator`, or to the one that it names (`coordinator`, see
[workflows](workflows.md)): name who leads the team on whose results the others wait. A coordinator may assign agents
of any team; what it should rather leave to another coordinator stands in its definition.
"""

_RESOLVED: Final = (
    ("part of the order", "who that is", "why"),
    (
        '"4 coordinators (backend, data, devops, security)"',
        "`@backend-coordinator`, `@data-coordinator`, `@devops-coordinator`, `@security-coordinator`",
        "named in the order; with the nine named agents they are the 13",
    ),
    (
        '"all framework specialists (React, Vue, Django, Laravel, Rails, Node.js)"',
        "`@react-specialist`, `@vue-specialist`, `@django-specialist`, `@laravel-specialist`, `@rails-specialist`, "
        "`@nodejs-specialist`",
        "one for each that the brackets name; the two of the browser are in the team frontend, the four of the server "
        "in backend, since a team shares what its results are held against",
    ),
    (
        '"all language experts (Python, Go, Rust, TypeScript)"',
        "`@python-expert`, `@go-expert`, `@rust-expert`, `@typescript-expert`",
        "one for each language named; a language that only a framework uses has its framework's specialist",
    ),
    (
        '"UI/UX designers, design specialists"',
        "`@ui-designer`, `@ux-designer`, `@design-system-specialist`",
        "what a person does and how it looks are judged by different evidence, quotes and contrasts; what all screens "
        "share is the third subject",
    ),
    (
        '"payment integration, game developers"',
        "`@payment-integrator`, `@gameplay-developer`, `@game-engine-developer`",
        'payment is one subject; "developers" is a plural, divided where rules end and the frame begins',
    ),
    (
        '"5 coordinators"',
        "`@frontend-coordinator`, `@design-coordinator`, `@integration-coordinator`, `@game-coordinator`, "
        "`@language-coordinator`",
        "exactly the teams of the sixteen agents above that had no leader yet; 16 and 5 are the 21",
    ),
    (
        '"DevOps engineers, DBAs"',
        "`@devops-engineer`, `@release-engineer`, `@database-administrator`",
        "a plural again: keeping environments running, and bringing versions into them. The administrator runs "
        "databases; what a query costs is for `@database-optimizer`",
    ),
    (
        '"test automators, accessibility specialists"',
        "`@test-automator`, `@accessibility-specialist`",
        "one each: several at once are instances of one definition, not definitions",
    ),
    (
        '"mobile developers"',
        "`@ios-developer`, `@android-developer`",
        "two toolchains, two stores, hardly a rule in common",
    ),
    (
        '"CMS developers, documentation"',
        "`@cms-developer`, `@documentation-writer`",
        "one each; both end in text that others publish, so they share a team",
    ),
    (
        '"remaining coordinators"',
        "`@mobile-coordinator`, `@content-coordinator`, `@quality-coordinator`, `@operations-coordinator`",
        "nine routine agents leave room for four, and four teams were still without a leader",
    ),
)

_WHY: Final = """## How the counted names were resolved

The cast was ordered in three lists of 13, 21 and 13: nine agents by name (`@tech-lead-orchestrator`,
`@backend-architect`, `@api-architect`, `@cloud-architect`, `@database-optimizer`, `@security-auditor`,
`@code-reviewer`, `@debugger`, `@legacy-modernizer`), the others by kind. Two rules decided what a kind means: the
counts are exact, and nobody is without a team or a leader.
"""

_REVERSED: Final = """
A definition is a file: another division is made by writing, moving or taking away files; the test of the cast
(`tests/agents/test_cast.py`) then says which counts, leaders or texts no longer agree.
"""


def ordered_cast() -> dict[str, Definition]:
    """Return the cast that ships, by name, tier after tier."""
    order = list(Tier)
    return dict(sorted(cast().items(), key=lambda item: (order.index(item[1].tier), bool(item[1].leads), item[0])))


def page() -> str:
    """Return the page as Markdown."""
    members = ordered_cast()
    parts = [_HEAD, *_tiers(members.values())]
    parts += [_TEAMS, _table(("team", "leader", "who is led"), _teams(members))]
    parts += [_TASKS, _table(("coordinator", "what for", "skills of its team"), _tasks(members))]
    parts += [_WHY, _table(_RESOLVED[0], _RESOLVED[1:]), _REVERSED.lstrip()]
    return "\n".join(parts)


def _tiers(members: Iterable[Definition]) -> Iterator[str]:
    everybody = list(members)
    for tier, meaning in _MEANINGS.items():
        own = [one for one in everybody if one.tier is tier]
        models = ", ".join(sorted({f"`{one.model}`" for one in own}))
        yield f"## {tier.value.capitalize()}: {len(own)} with {models}\n\nFor {meaning}.\n"
        yield _table(("agent", "team", "model", "skills", "why this tier"), map(_row, own))


def _row(one: Definition) -> tuple[str, ...]:
    team = f"{one.team}, leads {one.leads}" if one.leads else one.team
    return f"`@{one.name}`", team, one.model, _skills(one.skills), one.rationale


def _skills(names: Iterable[str]) -> str:
    return ", ".join(f"**{name}**" if name in SKILLS or name in _FOLDS else name for name in names)


def _teams(members: Mapping[str, Definition]) -> Iterator[tuple[str, ...]]:
    teams = Teams(members)
    for leader in _leaders(members):
        yield leader.leads, f"`@{leader.name}`", ", ".join(f"`@{name}`" for name in teams.led_by(leader.name))


def _tasks(members: Mapping[str, Definition]) -> Iterator[tuple[str, ...]]:
    teams = Teams(members)
    for leader in _leaders(members):
        if leader.leads != LEADS:
            skills = [skill for name in teams.led_by(leader.name) for skill in members[name].skills]
            yield f"`@{leader.name}`", leader.description, _skills(skills)


def _leaders(members: Mapping[str, Definition]) -> list[Definition]:
    """Return who leads a team, the tech lead first and the others by their teams."""
    return sorted((one for one in members.values() if one.leads), key=lambda one: (one.leads != LEADS, one.leads))


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |" for line in lines) + "\n"


if __name__ == "__main__":
    sys.stdout.write(page())
