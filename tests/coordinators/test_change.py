"""A plan that becomes another on the way: what is the same keeps what it has, the rest is done again."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coordinators.fold import Draft
from protocol.bodies import Control, Pattern, Plan, PlannedTask, TaskAssignment, Verb
from protocol.errors import DefinitionError
from protocol.messages import MessageType
from protocol.topics import HUMAN
from tests.coordinators.play import DONE, Play, Reply, files, group, play, task


def changed(played: Play, plan: Plan) -> list[Draft]:
    return played.hear(MessageType.CONTROL, Control(verb=Verb.SET, plan=plan), "run", sender=HUMAN)


def titled(planned: PlannedTask, title: str) -> PlannedTask:
    return planned.model_copy(update={"title": title})


def test_a_part_that_changed_has_its_whole_group_done_again_and_what_builds_on_it() -> None:
    played = play(
        task("a"),
        group("each", Pattern.EACH, "a", inputs=files(2)),
        task("one", within="each"),
        task("two", "one", within="each"),
        task("other"),
        task("end", "each", "other"),
    )
    first = list(played.order)
    tasks = [titled(one, "new") if one.id == "two" else one for one in played.plan.tasks]
    played.go_on(changed(played, Plan(tasks=tuple(tasks))))
    assert sorted(played.order[len(first) :]) == sorted(["one#1", "one#2", "one#3", "two#1", "two#2", "two#3", "end"])
    assert played.state.rows["one#1"].attempt == 2  # no attempt is numbered twice


def test_a_new_task_is_done_and_a_task_that_is_gone_is_forgotten() -> None:
    played = play(task("a"), task("b", "a"))
    played.go_on(changed(played, Plan(tasks=(task("a"), task("c", "a")))))
    assert played.order == ["a", "b", "c"]
    assert played.states() == {"a": "accepted", "c": "accepted"}


def test_what_is_under_way_and_unchanged_goes_on() -> None:
    held: list[Draft] = []

    def hold(draft: Draft, body: TaskAssignment) -> Reply | None:
        held.append(draft)
        return None

    played = play(task("a"), task("b"), reply=hold)
    played.claim(held[0], "worker-1")
    said = changed(played, Plan(tasks=(task("a"), titled(task("b"), "new"))))
    assert [draft.task for draft in said if isinstance(draft.body, TaskAssignment)] == ["b"]
    played.reply = lambda draft, body: DONE
    played.go_on(played.answer(held[0]))
    assert played.answer(held[1]) == []  # of the plan before
    assert played.states() == {"a": "accepted", "b": "assigned"}


def test_the_process_of_a_task_that_changed_is_stopped() -> None:
    held: list[Draft] = []
    played = play(task("a"), reply=lambda draft, body: held.append(draft))
    played.claim(held[0], "worker-1")
    said = changed(played, Plan(tasks=(titled(task("a"), "new"),)))
    assert [draft.body.subject for draft in said if isinstance(draft.body, Control)] == ["worker-1"]


def test_a_plan_that_cannot_be_carried_out_changes_nothing() -> None:
    played = play(task("a"), task("b", "a"), reply=lambda draft, body: None)
    before = played.state
    with pytest.raises(DefinitionError, match="circle"):
        changed(played, Plan(tasks=(task("a", "b"), task("b", "a"))))
    assert played.state == before


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    """Draw a plan of up to seven tasks, some within groups, each needing some that stand before it in its group."""
    made: list[PlannedTask] = []
    for number in range(draw(st.integers(1, 7))):
        groups = [one.id for one in made if one.group is not None]
        within = draw(st.sampled_from([None, *groups]))
        before = [one.id for one in made if one.within == within and one.id != within]
        needs = draw(st.lists(st.sampled_from(before), unique=True, max_size=2)) if before else []
        title = draw(st.sampled_from("xy"))
        if draw(st.integers(0, 3)) == 0:
            pattern = draw(st.sampled_from(Pattern))
            more = {"rounds": 2} if pattern is Pattern.REPEAT else {}
            made.append(titled(group(f"g{number}", pattern, *needs, within=within, inputs=files(2), **more), title))
            made.append(task(f"p{number}", within=f"g{number}"))
        else:
            made.append(titled(task(f"t{number}", *needs, within=within), title))
    return Plan(tasks=tuple(made))


@settings(max_examples=150, deadline=None)
@given(plans(), plans(), st.integers(0, 12))
def test_from_any_plan_to_any_other_at_any_moment_it_comes_to_the_end_of_the_other(
    first: Plan, second: Plan, moment: int
) -> None:
    left = [moment]

    def reply(draft: Draft, body: TaskAssignment) -> Reply | None:
        left[0] -= 1
        return DONE if left[0] >= 0 else None

    played = Play(first, reply).run()
    accepted = {row.name for row in played.state.all_rows() if row.is_settled and not row.planned.within}
    played.reply = lambda draft, body: DONE
    open_before = [draft for draft in played.said if isinstance(draft.body, TaskAssignment)]
    seen = len(played.said)
    played.go_on(changed(played, second))
    for draft in open_before:  # what was under way comes to its end, whether anybody waits for it or not
        played.go_on(played.answer(draft))
    assert played.state.open_top == 0, played.states()
    assert set(played.states()) >= {one.id for one in second.tasks if not one.within}
    again = {draft.task for draft in played.said[seen:] if isinstance(draft.body, TaskAssignment)}
    kept = {one.id for one in second.tasks if one in first.tasks and one.group is None and not one.within}
    unneeding = {one.id for one in second.tasks if not one.needs}
    assert not again & accepted & kept & unneeding
    attempts = [(d.task, d.attempt) for d in played.said if isinstance(d.body, TaskAssignment)]
    assert len(attempts) == len(set(attempts))
