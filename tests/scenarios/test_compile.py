"""From what people write to a plan: order, groups, who does what, and what a result depends on."""

import subprocess
from pathlib import Path

import pytest

from bus.artifacts import ArtifactStore
from protocol.bodies import Pattern, PlannedTask
from protocol.errors import DefinitionError
from scenarios.compile import plan_mission
from scenarios.mission import Mission, brought_along, mission_of
from scenarios.source import read_workflow
from scenarios.start import start_control
from scenarios.workflow import seconds
from tests.secrets import SECRETS
from tests.systems import need_command

OWN = "def look(work):\n    pass\n\n\ndef _hidden(work):\n    pass\n"
SECOND = "---\nname: second\ndescription: Looks where the first one cannot.\nskills: [look]\n---\n"


@pytest.fixture
def place(tmp_path: Path) -> Path:
    (tmp_path / "skills.py").write_text(OWN, encoding="utf-8")
    (place_of_agents := tmp_path / "agents").mkdir()
    (place_of_agents / "second.md").write_text(SECOND, encoding="utf-8")
    for name in ("a.txt", "b.txt", ".hidden.txt"):
        (tmp_path / name).write_text(name, encoding="utf-8")
    return tmp_path


def compiled(place: Path, steps: str, agents: str = "[]", **given: str) -> Mission:
    path = place / "flow.yaml"
    head = f"workflow: flow\nskills: skills.py\nparameters: {{what: '*.txt'}}\nagents: {agents}\n"
    path.write_text(f"{head}steps:\n{steps}", "utf-8")
    return plan_mission(read_workflow(path, given), place / "out", ArtifactStore(place / "store"), [place / "a.txt"])


def tasks(mission: Mission) -> dict[str, PlannedTask]:
    return {task.id: task for task in mission.plan.tasks}


def test_steps_follow_one_another_unless_they_say_what_they_need(place: Path) -> None:
    found = tasks(
        compiled(place, " - {id: x, skill: look}\n - {id: y, skill: look}\n - {id: z, skill: look, needs: x}")
    )
    assert [found[name].needs for name in "xyz"] == [(), ("x",), ("x",)]
    assert {task.agent for task in found.values()} == {"@skill-runner"}


def test_a_branch_waits_for_what_its_condition_asks_for(place: Path) -> None:
    text = """ - {id: x, skill: look}
 - id: c
   pattern: conditional
   if: x.n > 1
   then: [{id: t, skill: look}, {id: t2, skill: look}]
   else: [{id: e, skill: look}]
"""
    found = tasks(compiled(place, text))
    assert (found["c"].needs, found["t"].when, found["e"].when) == (("x",), "x.n > 1", "not (x.n > 1)")
    assert (found["t2"].when, found["t2"].needs) == (None, ("t",))
    assert {found[name].within for name in ("t", "t2", "e")} == {"c"}


def test_items_are_the_files_that_a_pattern_names_and_hidden_ones_are_none(place: Path) -> None:
    text = " - {id: p, pattern: pipeline, items: $what, batch: 2, steps: [{id: s, skill: look}]}"
    group = tasks(compiled(place, text))["p"]
    assert group.group is not None
    assert (group.group.pattern, group.group.batch) == (Pattern.EACH, 2)
    assert [file.path for file in group.inputs] == ["a.txt", "b.txt"]
    assert [file.path for file in tasks(compiled(place, text, what="b*"))["p"].inputs] == ["b.txt"]
    assert [file.path for file in tasks(compiled(place, text, what="$files"))["p"].inputs] == ["a.txt"]


def test_how_a_step_is_treated_goes_with_its_task(place: Path) -> None:
    text = """ - id: s
   agent: skill-runner
   skill: look
   with: {limit: 3.65, strict: true}
   gates: n > 1
   outputs: out.md
   retry: {attempts: 5, backoff: 2s}
   timeout: 1m30s
   deadline: 2h
   approve: 4h
   critical: false
   otherwise: [second]
   budget: {tokens: 900}
   cache: off
   priority: high
   estimate: 20s
"""
    task = tasks(compiled(place, text, agents="agents"))["s"]
    settings = {one.name: one.value for one in task.settings}
    assert (settings["limit"], settings["strict"]) == ("3.65", "true")
    assert (task.accept, task.outputs) == (("n > 1",), ("out.md",))
    policy = task.policy
    assert policy is not None
    assert (policy.attempts, policy.backoff_s, policy.timeout_s, policy.deadline_s) == (5, 2, 90, 7200)
    assert (policy.approve, policy.approve_within_s, policy.critical) == (True, 14_400, False)
    assert (policy.alternatives, policy.max_tokens, policy.max_age_s) == (("@second",), 900, 0)


def test_a_mission_can_be_made_again_from_what_its_start_tells(place: Path) -> None:
    (place / "team").mkdir()
    (place / "team" / "scout.md").write_text("---\nname: scout\ndescription: looks\nskills: [look]\n---\nLook.\n")
    path = place / "flow.yaml"
    path.write_text("workflow: flow\nskills: skills.py\nagents: team\nsteps:\n - {id: x, agent: scout}\n", "utf-8")
    mission = plan_mission(read_workflow(path), place / "out", ArtifactStore(place / "store"))

    again = mission_of(start_control(mission), instances=2)
    assert again.plan == mission.plan
    assert again.skills is not None
    assert mission.skills is not None
    assert again.skills.sha256 == mission.skills.sha256
    assert again.definition_of("@scout").role == "Look."
    assert dict(brought_along(again)) == dict(brought_along(mission))


def test_a_changed_dependency_is_another_task_and_a_touched_one_is_not(place: Path) -> None:
    text = " - {id: s, skill: look, cache: {max_age: 48h, depends: {files: [a.txt], config: {mode: fast}}}}"
    before = tasks(compiled(place, text))["s"]
    (place / "a.txt").touch()
    assert tasks(compiled(place, text))["s"] == before
    (place / "a.txt").write_text("other", encoding="utf-8")
    assert tasks(compiled(place, text))["s"].settings != before.settings


def test_a_commit_is_a_change_of_what_depends_on_git(place: Path) -> None:
    need_command("git", "git")
    git = ["git", "-C", str(place), "-c", "user.name=t", "-c", "user.email=t@example.org"]
    text = " - {id: s, skill: look, cache: {depends: {git: true}}}"
    with pytest.raises(Exception, match="repository"):
        compiled(place, text)
    found = []
    for words in ("one", "two"):
        for arguments in (["init", "-q"], ["commit", "-q", "--allow-empty", "-m", words]):
            subprocess.run([*git, *arguments], check=True, capture_output=True)
        found.append(tasks(compiled(place, text))["s"].settings)
    assert found[0] != found[1]


@pytest.mark.parametrize(
    ("text", "expected"), [("90s", 90), ("2m", 120), ("1h30m", 5400), ("7d", 604_800), (15, 15), ("1h 5s", 3605)]
)
def test_durations_are_written_as_people_write_them(text: object, expected: int) -> None:
    assert seconds(text) == expected


@pytest.mark.parametrize("text", ["soon", "5", "5x", "-3s", True, 1.5, ""])
def test_what_is_no_duration_is_refused(text: object) -> None:
    with pytest.raises(ValueError, match="no duration"):
        seconds(text)


def test_a_skill_with_a_secret_in_it_is_not_taken(place: Path) -> None:
    (place / "skills.py").write_text(f"KEY = '{next(iter(SECRETS.values()))}'\n{OWN}", encoding="utf-8")
    with pytest.raises(DefinitionError, match="holds a secret"):
        compiled(place, " - {id: x, skill: look}")
