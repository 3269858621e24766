"""A task in words becomes a workflow, or it is said what is missing."""

from pathlib import Path

from agents.definitions.definition import catalogue
from bus.artifacts import ArtifactStore
from coordinators.graph import graph_of
from scenarios.compile import plan_mission
from scenarios.proposal import Proposal, as_yaml, propose
from scenarios.source import Source, read_workflow
from scenarios.workflow import Pattern

READ = "Extract the facts of the documents, find contradictions between them, then write the facts"


def proposed(text: str, *files: Path) -> Proposal:
    return propose(text, files, catalogue())


def test_steps_are_given_to_whoever_declares_a_skill_for_them(tmp_path: Path) -> None:
    documents = [tmp_path / name for name in ("a.md", "b.md")]
    for path in documents:
        path.write_text("The limit is 3.65 V.\n", encoding="utf-8")
    made = proposed(READ, *documents)
    assert made.choice.pattern is Pattern.SEQUENTIAL
    assert [doer.agent for doer in made.doers.values()] == ["fact-extractor", "contradiction-finder", "fact-writer"]
    assert made.missing == ()
    mission = plan_mission(Source(made.workflow, tmp_path), tmp_path, ArtifactStore(tmp_path / "store"), documents)
    graph = graph_of(mission.plan)
    each, find, write = graph.top
    assert len(graph.nodes[each].planned.inputs) == 2  # the extractor reads one document at a time
    assert graph.nodes[write].before == (each, find)


def test_a_step_that_nobody_can_do_is_named_and_the_rest_is_there_to_be_finished() -> None:
    made = proposed("Translate the menu, then extract the facts")
    assert len(made.missing) == 1
    assert "nobody here has a skill for 'Translate the menu'" in made.missing[0]
    assert "skill: extract-facts" in as_yaml(made.workflow)


def test_a_criterion_and_a_condition_in_words_have_to_be_measured_by_somebody() -> None:
    rounds = proposed("Improve the summary until nobody complains, at most 4 rounds")
    assert any("nobody complains" in one for one in rounds.missing)
    assert rounds.workflow.steps[0].rounds == 4
    branches = proposed("If the invoice is over 500 EUR, then write the facts, otherwise find contradictions")
    assert any("the invoice is over 500 EUR" in one for one in branches.missing)
    assert [step.skill for step in branches.workflow.steps[0].then] == ["write-facts"]


def test_what_is_saved_is_read_again_as_it_was(tmp_path: Path) -> None:
    made = proposed("Extract the facts, then write the facts")
    path = tmp_path / "flow.yaml"
    path.write_text(as_yaml(made.workflow), encoding="utf-8")
    assert [step.id for step in read_workflow(path).workflow.steps] == [step.id for step in made.workflow.steps]
