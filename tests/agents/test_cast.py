"""The cast that ships: who is in it, who leads whom, and texts that say something of their own."""

import re
from functools import cache
from itertools import combinations
from pathlib import Path

import pytest

from agents.cast import LEADS, ordered_cast, page
from agents.definitions.definition import RESERVED, Definition, Tier, catalogue
from agents.skills.catalogue import SKILLS
from agents.teams import Teams, role_of
from bus.roles import MAY_PUBLISH, Role
from protocol.conditions import read_condition
from protocol.messages import MessageType
from protocol.topics import GATEKEEPER, HUMAN, TECH_LEAD, inbox_of, topic_of
from tests.cases import ROOT

STRATEGIC = """tech-lead-orchestrator backend-architect api-architect cloud-architect database-optimizer
    security-auditor code-reviewer debugger legacy-modernizer backend-coordinator data-coordinator devops-coordinator
    security-coordinator"""
IMPLEMENTATION = """react-specialist vue-specialist django-specialist laravel-specialist rails-specialist
    nodejs-specialist python-expert go-expert rust-expert typescript-expert ui-designer ux-designer
    design-system-specialist payment-integrator gameplay-developer game-engine-developer frontend-coordinator
    design-coordinator integration-coordinator game-coordinator language-coordinator"""
ROUTINE = """devops-engineer release-engineer database-administrator test-automator accessibility-specialist
    ios-developer android-developer cms-developer documentation-writer mobile-coordinator content-coordinator
    quality-coordinator operations-coordinator"""
NAMED = {Tier.STRATEGIC: STRATEGIC, Tier.IMPLEMENTATION: IMPLEMENTATION, Tier.ROUTINE: ROUTINE}
EVERYBODY = [name for names in NAMED.values() for name in names.split()]
COUNTS = {Tier.STRATEGIC: 13, Tier.IMPLEMENTATION: 21, Tier.ROUTINE: 13}
MODELS = {Tier.STRATEGIC: "opus", Tier.IMPLEMENTATION: "sonnet", Tier.ROUTINE: "haiku"}
TEAMS = {
    *("leads", "backend", "data", "devops", "security", "frontend", "design", "integration", "game", "languages"),
    *("mobile", "content", "quality", "operations"),
}
TOOLS = {"Read", "Write", "Edit", "Grep", "Glob", "Bash"}
ORDER = ["name", "description", "tools", "model", "tier", "rationale", "team", "skills", "accepts", "leads"]
SECTIONS = [
    "Remit",
    "What you must not do",
    "What you need",
    "How you work",
    "Evidence you owe",
    "Form of your answer",
    "What you escalate, and to whom",
]
ELEMENTS = {
    *("task-completion", "status", "success", "description", "artifacts", "values", "metrics", "work"),
    *("error-details", "attempted-recovery"),
}
LINES = range(30, 81)
RUN_PLAN = "run-plan"  # any coordinator can carry out any plan: the one skill in which agents are alternatives
# Who does by its own process, and not by a skill, what its definition calls one.
PROCESSES = {"judge-results", "record", "wake", "run-own-skills", "observe"}

# Two texts may share this much of the shorter one, counted in runs of four words, where everything in backticks counts
# as one and the same word: a text made from another by putting in other names shares nearly all of them. The closest
# two of what ships share 2 %.
SHINGLE = 4
MOST_SHARED = 0.05
# The sentence that names them: "Values: `races`, `vet_findings`."
VALUES = re.compile(r"`?values\b`?[^`]*(?:`[^`]+`[^`.;]*)+", re.IGNORECASE)
TELLING_WORDS = 6  # of a sentence, outside backticks; one with fewer is a fact of the protocol


everybody = cache(ordered_cast)  # reading them again for each test takes a tenth of a second


def sections(role: str) -> dict[str, str]:
    found = re.split(r"^## (.+)$", role, flags=re.MULTILINE)
    return dict(zip(found[1::2], found[2::2], strict=True))


def spans(text: str) -> set[str]:
    return set(re.findall(r"`([^`]+)`", text.replace("\n", " ")))


def words(text: str) -> list[str]:
    plain = re.sub(r"^#+ .*$", "", text, flags=re.MULTILINE)
    return re.findall(r"[a-z0-9]+(?:['’-][a-z0-9]+)*", re.sub(r"`[^`]*`", " quoted ", plain).lower())


def shingles(role: str) -> set[tuple[str, ...]]:
    said = words(role)
    return {tuple(said[start : start + SHINGLE]) for start in range(len(said) - SHINGLE + 1)}


def sentences(role: str) -> set[str]:
    plain = re.sub(r"^#+ .*$", "", role, flags=re.MULTILINE)
    parts = re.split(r"(?<=[.;?!])\s+|\n\s*(?:[-*]|\d+\.)\s|\n\n", plain)
    told = (part for part in parts if len(words(part)) - words(part).count("quoted") >= TELLING_WORDS)
    return {" ".join(part.lower().split()) for part in told}


def shared(one: Definition, other: Definition) -> float:
    first, second = shingles(one.role), shingles(other.role)
    return len(first & second) / min(len(first), len(second))


def claimed_without_a_model(one: Definition) -> set[str]:
    parts = re.split(r"(?<=[.;])\s+", one.role)
    claims = [part for part in parts if re.search(r"\bdeterministic\b|\bwithout a model\b", part, re.IGNORECASE)]
    return {span for part in claims for span in spans(part) if span in one.skills}


def test_the_cast_is_thirteen_twenty_one_and_thirteen() -> None:
    assert len(EVERYBODY) == 47
    by_tier = {tier: {one.name for one in everybody().values() if one.tier is tier} for tier in Tier}
    assert by_tier == {tier: set(names.split()) for tier, names in NAMED.items()}
    assert {tier: len(names) for tier, names in by_tier.items()} == COUNTS


def test_a_definition_lies_in_the_folder_of_its_tier() -> None:
    assert [name for name, one in everybody().items() if Path(one.path).parent.name != one.tier.value] == []


def test_the_tier_says_which_model() -> None:
    assert [name for name, one in everybody().items() if one.model != MODELS[one.tier]] == []


def test_every_team_has_one_leader_and_every_leader_a_team() -> None:
    members = everybody().values()
    assert {one.team for one in members} == TEAMS
    assert sorted(one.leads for one in members if one.leads) == sorted(TEAMS)


def test_a_failure_goes_up_from_agent_to_coordinator_to_tech_lead_to_a_person() -> None:
    teams = Teams(everybody())
    for name, one in everybody().items():
        above = teams.answers_to(name)
        expected = {Role.TECH_LEAD: HUMAN, Role.COORDINATOR: TECH_LEAD}.get(role_of(one))
        assert above == (expected or f"@{teams.leader_of(one.team)}")
        assert above in one.role, f"{name} does not say that it answers to {above}"


def test_who_leads_a_team_is_in_the_team_of_the_leads_and_the_tech_lead_leads_those() -> None:
    leading = {name: one for name, one in everybody().items() if one.leads}
    assert {name for name, one in everybody().items() if one.team == LEADS} == leading.keys()
    assert [name for name, one in leading.items() if one.leads == LEADS] == ["tech-lead-orchestrator"]


@pytest.mark.parametrize("name", EVERYBODY)
def test_a_definition_has_its_keys_in_order(name: str) -> None:
    one = everybody()[name]
    keys = re.findall(r"^([a-z-]+):", one.text.split("\n---", 1)[0], flags=re.MULTILINE)
    assert keys == (ORDER if one.leads else ORDER[:-1])
    assert 40 <= len(one.description) <= 200
    assert one.rationale
    assert set(one.tools) <= TOOLS
    assert not (one.leads and one.tools), "a fold over messages needs no tools"


@pytest.mark.parametrize("name", EVERYBODY)
def test_a_definition_has_every_section_in_order_with_something_in_it(name: str) -> None:
    found = sections(everybody()[name].role)
    assert [title for title in found if title in SECTIONS] == SECTIONS
    assert [title for title, text in found.items() if len(words(text)) < 10] == []


@pytest.mark.parametrize("name", EVERYBODY)
def test_a_definition_is_long_enough_to_say_something_and_short_enough_to_be_read(name: str) -> None:
    assert len(everybody()[name].role.splitlines()) in LINES


@pytest.mark.parametrize("name", EVERYBODY)
def test_the_form_of_an_answer_is_told_in_the_elements_of_messages(name: str) -> None:
    one = everybody()[name]
    form = set(re.split(r"[^a-z-]+", sections(one.role)["Form of your answer"].lower()))
    assert len(form & ELEMENTS) >= 3
    assert "metrics" in form if one.leads else "values" in form


@pytest.mark.parametrize("name", EVERYBODY)
def test_what_is_escalated_has_a_level(name: str) -> None:
    told = sections(everybody()[name].role)["What you escalate, and to whom"]
    assert re.search(r"\blevel [1-4]\b", told, re.IGNORECASE)
    assert re.search(r"\b(?:execution|validation|integration|architectural)\b", told, re.IGNORECASE)


def test_skills_are_a_verb_and_what_it_is_done_to_and_no_two_agents_have_the_same() -> None:
    skills = [skill for one in catalogue().values() for skill in one.skills if skill != RUN_PLAN]
    assert sorted(skills) == sorted(set(skills))
    in_the_cast = [skill for one in everybody().values() for skill in one.skills]
    assert [skill for skill in in_the_cast if not re.fullmatch(r"[a-z]+(?:-[a-z0-9]+)+", skill)] == []


def test_coordinators_carry_out_plans_and_nobody_else_does() -> None:
    able = {name for name, one in everybody().items() if RUN_PLAN in one.skills}
    assert able == {name for name, one in everybody().items() if role_of(one) is Role.COORDINATOR}


def test_who_needs_no_model_has_skills_that_exist() -> None:
    claimed = {skill for one in catalogue().values() if one.model == "none" for skill in one.skills}
    assert claimed - PROCESSES <= SKILLS.keys()


def test_a_skill_that_is_said_to_need_no_model_exists() -> None:
    claimed = {skill for one in everybody().values() for skill in claimed_without_a_model(one)}
    assert "run-tests" in claimed
    assert claimed <= SKILLS.keys()


@pytest.mark.parametrize("name", EVERYBODY)
def test_what_an_agent_accepts_somebody_may_send_to_it(name: str) -> None:
    one = everybody()[name]
    role = role_of(one)
    sendable = {kind for sent in MAY_PUBLISH.values() for kind, recipients in sent.items() if role in recipients}
    assert one.accepts
    assert len(set(one.accepts)) == len(one.accepts)
    assert set(one.accepts) <= sendable


def test_results_are_heard_by_the_gatekeeper_whoever_they_are_for() -> None:
    assert topic_of("@backend-coordinator", "task-completion").startswith(inbox_of(GATEKEEPER))
    assert [name for name, one in everybody().items() if MessageType.TASK_COMPLETION in one.accepts] == []


def test_everybody_below_the_tech_lead_can_be_given_a_task() -> None:
    deaf = [name for name, one in everybody().items() if MessageType.TASK_ASSIGNMENT not in one.accepts]
    assert deaf == ["tech-lead-orchestrator"]


@pytest.mark.parametrize("name", EVERYBODY)
def test_every_agent_that_a_text_names_exists(name: str) -> None:
    named = set(re.findall(r"(?<![\w/.])@([a-z][a-z0-9-]+)(?![\w/-])", everybody()[name].text))
    assert named <= catalogue().keys() | RESERVED


@pytest.mark.parametrize("name", [name for name in EVERYBODY if name.endswith("-coordinator")])
def test_a_coordinator_names_whom_it_leads(name: str) -> None:
    one = everybody()[name]
    assert [led.name for led in everybody().values() if led.team == one.leads and f"@{led.name}" not in one.role] == []


@pytest.mark.parametrize("name", [name for name in EVERYBODY if name.endswith("-coordinator")])
def test_a_condition_in_a_coordinators_text_can_be_read_and_somebody_gives_its_values(name: str) -> None:
    given = {span for one in everybody().values() for span in spans(sections(one.role)["Form of your answer"])}
    compared = [span for span in spans(everybody()[name].role) if re.search(r" (?:[=!]=|[<>]=?) ", span)]
    conditions = [read_condition(re.sub(r"^(?:when|until|gates): ", "", one)) for one in compared]
    asked = {value.rpartition(".")[2] for condition in conditions for value in condition.names}
    assert asked <= given


@pytest.mark.parametrize("name", [name for name in EVERYBODY if not everybody()[name].leads])
def test_the_values_that_an_agent_gives_are_spelled_in_one_way(name: str) -> None:
    told = VALUES.search(sections(everybody()[name].role)["Form of your answer"])
    assert told
    assert [span for span in spans(told[0]) if not re.fullmatch(r"[a-z][a-z0-9]*(?:_[a-z0-9]+)*", span)] == []


def test_no_sentence_stands_in_two_definitions() -> None:
    texts = {name: sentences(one.role) for name, one in everybody().items()}
    twice = [(a, b, one) for a, b in combinations(texts, 2) for one in texts[a] & texts[b]]
    assert twice == []


def test_no_two_definitions_could_be_swapped_by_changing_their_names() -> None:
    close = {(a.name, b.name): shared(a, b) for a, b in combinations(everybody().values(), 2)}
    assert {pair: share for pair, share in close.items() if share > MOST_SHARED} == {}


def test_the_measure_sees_a_text_in_which_only_names_were_changed() -> None:
    one = everybody()["vue-specialist"]
    other = Definition(name="x", description="x", role=re.sub(r"`[^`]+`", "`something else`", one.role))
    assert shared(one, other) > 0.95


def test_the_page_is_what_the_definitions_say() -> None:
    written = (ROOT / "docs" / "cast.md").read_text(encoding="utf-8")
    assert written == page(), "run: python -m agents.cast > docs/cast.md"
