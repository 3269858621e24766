"""Teams: who leads whom, who answers to whom, and which coordinator takes which task."""

import pytest

from agents.definitions.definition import Definition
from agents.teams import Teams, role_of
from bus.roles import Role


def agent(name: str, team: str = "", *skills: str, leads: str = "") -> Definition:
    return Definition(name=name, description="d", role="", team=team, skills=skills, leads=leads)


ALL = [
    agent("tech-lead-orchestrator", "leads", "decide-mission", leads="leads"),
    agent("data-coordinator", "data", "run-plan", leads="data"),
    agent("web-coordinator", "leads", "run-plan", leads="web"),
    agent("captain", "crew", leads="crew"),
    agent("reader", "data", "read"),
    agent("react", "web", "write-react"),
    agent("vue", "web", "write-vue"),
    agent("lonely", "nowhere", "sit"),
    agent("sailor", "crew", "sail"),
    agent("skill-runner", "data", "run-own-skills"),
    agent("gatekeeper", "quality", "judge"),
]
TEAMS = Teams({one.name: one for one in ALL})


@pytest.mark.parametrize(
    ("name", "role"),
    [
        ("tech-lead-orchestrator", Role.TECH_LEAD),
        ("web-coordinator", Role.COORDINATOR),
        ("captain", Role.COORDINATOR),
        ("react", Role.SPECIALIST),
        ("gatekeeper", Role.GATEKEEPER),
    ],
)
def test_the_role_follows_from_the_name_and_from_leading(name: str, role: Role) -> None:
    assert role_of(next(one for one in ALL if one.name == name)) is role


def test_the_ladder_goes_from_the_specialist_over_its_leader_and_the_tech_lead_to_a_person() -> None:
    ladder = ["react"]
    while ladder[-1] != "human":
        ladder.append(TEAMS.answers_to(ladder[-1])[1:])
    assert ladder == ["react", "web-coordinator", "tech-lead-orchestrator", "human"]
    assert TEAMS.answers_to("lonely") == "@data-coordinator"
    assert TEAMS.answers_to("captain") == "@tech-lead-orchestrator"


def test_a_leader_leads_the_others_of_its_team_and_the_tech_lead_all_leaders() -> None:
    assert TEAMS.led_by("web-coordinator") == ("react", "vue")
    assert TEAMS.led_by("captain") == ("sailor",)
    assert TEAMS.led_by("react") == ()
    assert TEAMS.led_by("tech-lead-orchestrator") == ("data-coordinator", "web-coordinator", "captain")


@pytest.mark.parametrize(
    ("agents", "coordinator"),
    [
        (["react", "vue"], "@web-coordinator"),
        (["react"], "@web-coordinator"),
        (["react", "reader"], "@data-coordinator"),
        (["react", "lonely"], "@data-coordinator"),
        (["lonely"], "@data-coordinator"),
        (["react", "skill-runner"], "@web-coordinator"),
        (["skill-runner"], "@data-coordinator"),
        ([], "@data-coordinator"),
        (["nobody"], "@data-coordinator"),
    ],
)
def test_whoever_leads_the_team_of_all_takes_their_tasks(agents: list[str], coordinator: str) -> None:
    assert TEAMS.coordinator_for(agents) == coordinator


def test_a_task_goes_to_the_coordinator_of_whoever_has_its_skill() -> None:
    assert TEAMS.taker_of("write-vue") == "@web-coordinator"
    assert TEAMS.taker_of("sail") == "@captain"
    assert TEAMS.taker_of("fly") is None


def test_the_teams_are_those_that_somebody_belongs_to_or_leads() -> None:
    assert TEAMS.names() == ("crew", "data", "leads", "nowhere", "quality", "web")
    assert TEAMS.leader_of("web") == "web-coordinator"
    assert TEAMS.leader_of("nowhere") is None
