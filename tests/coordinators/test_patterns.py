"""The five patterns and their nesting, as a coordinator carries them out."""

from typing import Any

import pytest

from coordinators.fold import Draft
from coordinators.groups import MAX_ROWS
from protocol.bodies import (
    Action,
    Answer,
    Control,
    Decision,
    ErrorCategory,
    ErrorDetails,
    ErrorLevel,
    Pattern,
    Policy,
    Report,
    Setting,
    TaskAssignment,
    Verb,
    WakeRequest,
)
from protocol.messages import MessageType
from protocol.topics import HUMAN, SUPERVISOR, TECH_LEAD
from tests.coordinators.play import DONE, Play, Reply, always, files, group, play, task


def test_sequential_one_after_the_other() -> None:
    played = play(task("a"), task("b", "a"), task("c", "b"))
    assert played.order == ["a", "b", "c"]
    assert [file.path for file in played.assignment("c").inputs] == ["mission/b/0.out"]


def test_parallel_all_at_once_and_joined() -> None:
    played = play(task("a"), task("b"), task("join", "a", "b"))
    assert played.order == ["a", "b", "join"]
    assert [file.path for file in played.assignment("join").inputs] == ["mission/a/0.out", "mission/b/0.out"]


@pytest.mark.parametrize(("verdict", "done", "left"), [("pass", "ship", "mend"), ("fail", "mend", "ship")])
def test_conditional_one_branch_is_done_the_other_left_out_and_the_join_goes_on(
    verdict: str, done: str, left: str
) -> None:
    played = play(
        task("review"),
        task("ship", "review", when='review.verdict == "pass"'),
        task("mend", "review", when='review.verdict != "pass"'),
        task("tell", "ship", "mend"),
        reply=always(verdict=verdict),
    )
    assert played.order == ["review", done, "tell"]
    assert played.skipped().keys() == {left}
    assert "its condition does not hold" in played.skipped()[left]
    assert f"verdict = {verdict}" in played.skipped()[left]
    assert "1 left out" in (played.result.result.description if played.result.result else "")


def test_what_needs_only_what_was_left_out_is_left_out_too() -> None:
    played = play(task("a"), task("b", "a", when="a.go"), task("c", "b"), task("d", "c"), task("e", "a", "d"))
    assert played.order == ["a", "e"]
    assert played.skipped().keys() == {"b", "c", "d"}
    assert played.skipped()["d"] == "all it needs was left out: c"


def test_a_part_that_needs_what_its_group_needs_is_given_it_once() -> None:
    played = play(task("a"), group("g", Pattern.ONCE, "a"), task("b", "a", within="g"))
    assert [file.path for file in played.assignment("b").inputs] == ["mission/a/0.out"]


def improving(scores: list[int]) -> Play:
    rounds = iter(scores)
    return play(
        task("draft"),
        group("improve", Pattern.REPEAT, "draft", rounds=4, until="check.errors == 0", best="lowest check.errors"),
        task("edit", within="improve"),
        task("check", "edit", within="improve"),
        task("publish", "improve"),
        reply=lambda draft, body: (
            Reply(values={"errors": str(next(rounds))}) if draft.task.startswith("check") else DONE
        ),
    )


def test_iterative_until_the_criterion_holds() -> None:
    played = improving([3, 0])
    assert played.order == ["draft", "edit#1", "check#1", "edit#2", "check#2", "publish"]
    second = played.assignment("edit#2")
    assert [file.path for file in second.inputs] == ["mission/draft/0.out", "mission/check/1/0.out"]
    assert second.settings == (Setting(name="round", value="2"),)
    assert second.feedback == "round 1 did not reach: check.errors == 0 (check.errors = 3)"
    assert [file.path for file in played.assignment("publish").inputs] == ["mission/check/2/0.out"]
    values = {value.name: value.value for value in played.state.rows["improve"].values}
    assert values == {"rounds": "2", "held": "true", "best": "2", "errors": "0"}


def test_iterative_the_best_round_is_kept_where_it_never_holds() -> None:
    played = improving([3, 1, 5, 2])
    assert [file.path for file in played.assignment("publish").inputs] == ["mission/check/2/0.out"]
    values = {value.name: value.value for value in played.state.rows["improve"].values}
    assert values == {"rounds": "4", "held": "false", "best": "2", "errors": "1"}


def test_pipeline_items_flow_through_the_stages_and_the_stages_overlap() -> None:
    held: list[Draft] = []

    def slow_first_item(draft: Draft, body: TaskAssignment) -> Reply | None:
        if draft.task == "read#1":
            held.append(draft)
            return None
        return DONE

    played = play(
        group("documents", Pattern.EACH, inputs=files(3)),
        task("read", within="documents"),
        task("sum-up", "read", within="documents"),
        task("join", "documents"),
        reply=slow_first_item,
    )
    assert played.order == ["read#1", "read#2", "read#3", "sum-up#2", "sum-up#3"]
    played.go_on(played.answer(held[0]))
    assert played.order[-2:] == ["sum-up#1", "join"]
    # In the order of the items, not in that of their ends.
    assert [file.path for file in played.assignment("join").inputs] == [
        f"mission/sum-up/{item}/0.out" for item in (1, 2, 3)
    ]


def test_items_come_from_what_a_task_has_made_and_in_batches() -> None:
    played = play(
        task("split"),
        group("each", Pattern.EACH, "split", batch=2),
        task("work", within="each"),
        reply=lambda draft, body: Reply(files=5) if draft.task == "split" else DONE,
    )
    assert played.order == ["split", "work#1", "work#2", "work#3"]
    assert [len(played.assignment(f"work#{n}").inputs) for n in (1, 2, 3)] == [2, 2, 1]


def test_a_part_gets_what_its_group_works_on_when_it_asks_for_it() -> None:
    played = play(
        group("each", Pattern.EACH, inputs=files(1)),
        task("extract", within="each"),
        task("check", "each", "extract", within="each"),
    )
    assert [file.path for file in played.assignment("check#1").inputs] == ["in/0.txt", "mission/extract/1/0.out"]


def test_no_items_are_no_work() -> None:
    played = play(
        task("split"),
        group("each", Pattern.EACH, "split"),
        task("work", within="each"),
        task("join", "each"),
        reply=lambda draft, body: Reply(files=0),
    )
    assert played.order == ["split", "join"]


def test_all_five_within_one_another() -> None:
    """For each document: two readers at once, then rounds of mending until it is good, where it is wanted at all."""
    tries: dict[str, int] = {}

    def reply(draft: Draft, body: TaskAssignment) -> Reply:
        if draft.task.startswith("mend"):
            item = draft.task.split("#")[1].split(".")[0]
            tries[item] = tries.get(item, 0) + 1
            return Reply(values={"good": "true" if tries[item] == int(item) else "false"})
        return Reply(values={"wanted": "false" if draft.task == "read#3" else "true"})

    played = play(
        group("documents", Pattern.EACH, inputs=files(3)),
        task("read", within="documents"),
        task("scan", within="documents"),
        group("polish", Pattern.REPEAT, "read", "scan", within="documents", rounds=5, until="mend.good",
              when="read.wanted"),
        task("mend", within="polish"),
        task("file", "polish", within="documents"),
        task("index", "documents"),
        reply=reply,
    )  # fmt: skip
    assert [name for name in played.order if name.startswith("mend")] == ["mend#1.1", "mend#2.1", "mend#2.2"]
    assert sorted(name for name in played.order if name.startswith("file")) == ["file#1", "file#2"]
    assert played.skipped().keys() == {"polish#3", "file#3"}
    assert played.order[-1] == "index"
    assert {one.name: one.value for one in played.assignment("mend#2.2").settings} == {"item": "2", "round": "2"}
    assert played.result.result is not None


def test_a_group_done_once_is_left_out_as_a_whole() -> None:
    played = play(
        task("a"),
        group("extra", Pattern.ONCE, "a", when="a.more"),
        task("x", within="extra"),
        task("y", "x", within="extra"),
        task("end", "a", "extra"),
    )
    assert played.order == ["a", "end"]
    assert played.skipped().keys() == {"extra"}


def test_as_many_are_under_way_as_there_are_workers_and_the_longest_way_goes_first() -> None:
    waiting: list[Draft] = []

    def hold(draft: Draft, body: TaskAssignment) -> Reply | None:
        waiting.append(draft)
        return None

    played = play(
        task("short"),
        task("urgent", priority="high"),
        task("long", estimate_s=2),
        task("after", "long", estimate_s=60),
        task("short-2"),
        reply=hold,
        workers=2,
    )
    assert played.order == ["urgent", "long"]
    played.go_on(played.answer(waiting[1]))
    assert played.order[2:] == ["after"]
    played.go_on(played.answer(waiting[0]))
    assert played.order[3:] == ["short"]


def test_a_mission_goes_on_without_a_task_that_is_not_critical_and_says_so() -> None:
    played = play(
        task("a"),
        task("nice", "a", critical=False, attempts=1),
        task("b", "a", "nice"),
        reply=lambda draft, body: Reply(Decision.REJECT) if draft.task == "nice" else DONE,
    )
    assert played.order == ["a", "nice", "b"]
    alerts = [draft for draft in played.said if draft.type is MessageType.ALERT]
    assert [(draft.recipient, draft.task) for draft in alerts] == [(SUPERVISOR, "nice")]
    assert played.result.result is not None
    assert "1 left out (nice: because)" in played.result.result.description


def test_a_group_that_is_not_critical_is_left_out_when_a_part_of_it_fails() -> None:
    played = play(
        task("a"),
        group("extra", Pattern.ONCE, "a", policy=Policy(critical=False)),
        task("x", within="extra", attempts=1),
        task("y", within="extra"),
        task("b", "a", "extra"),
        reply=lambda draft, body: Reply(Decision.REJECT) if draft.task == "x" else DONE,
    )
    assert played.order == ["a", "x", "y", "b"]
    assert played.skipped().keys() == {"extra", "x", "y"}


def test_who_handed_in_what_was_rejected_is_at_something_else_and_is_not_stopped_when_the_task_is_left_out() -> None:
    held: list[Draft] = []
    played = play(task("nice", critical=False, attempts=1), reply=lambda draft, body: held.append(draft))
    played.claim(held[0], "worker-7")
    said = played.answer(held[0], Reply(Decision.REJECT))
    assert played.skipped() == {"nice": "because"}
    assert [draft.type for draft in said if draft.recipient == SUPERVISOR] == [MessageType.ALERT]


def test_a_deadline_that_passes_stops_what_is_under_way_and_asks() -> None:
    played = play(task("a"), task("b", "a"), reply=lambda draft, body: None, deadline_s=60)
    assert [draft.body.due for draft in played.said if isinstance(draft.body, WakeRequest)] == [60_000_001_001]
    played.wake()
    [asked] = [draft for draft in played.said if draft.type is MessageType.ESCALATION]
    assert isinstance(asked.body, Report)
    assert asked.body.error_details is not None
    assert "not done within 60 s" in asked.body.error_details.message
    assert played.states()["a"] == "ready"
    played.reply = always()
    played.go_on(played.hear(MessageType.ANSWER, Answer(choice="retry"), "mission", sender=TECH_LEAD))
    assert played.result.result is not None


def test_cancelling_a_task_stops_its_process_and_the_mission_goes_on_without_it() -> None:
    held: list[Draft] = []

    def hold_a(draft: Draft, body: TaskAssignment) -> Reply | None:
        if draft.task != "a":
            return DONE
        held.append(draft)
        return None

    played = play(task("a"), task("b"), task("c", "a", "b"), reply=hold_a)
    played.claim(held[0], "worker-7")
    body = Control(verb=Verb.CANCEL, subject="a", settings=(Setting(name="reason", value="too dear"),))
    said = played.hear(MessageType.CONTROL, body, "run", sender=HUMAN)
    [stop] = [draft for draft in said if draft.recipient == SUPERVISOR]
    assert isinstance(stop.body, Control)
    assert (stop.body.verb, stop.body.subject) == (Verb.CANCEL, "worker-7")
    played.go_on(said)
    assert played.order == ["a", "b", "c"]
    assert played.skipped() == {"a": "cancelled: too dear"}


def test_cancelling_the_mission_ends_it() -> None:
    played = play(task("a"), reply=lambda draft, body: None)
    said = played.hear(MessageType.CONTROL, Control(verb=Verb.CANCEL), "run", sender=HUMAN)
    assert [(draft.type, draft.recipient) for draft in said] == [(MessageType.STATUS, TECH_LEAD)]
    assert isinstance(said[0].body, Report)
    assert said[0].body.result is not None
    assert not said[0].body.result.success


def test_more_rows_than_a_coordinator_keeps_are_brought_before_a_person() -> None:
    parts = [task(f"p{n}", within="each") for n in range(MAX_ROWS // 4_000)]
    played = play(
        group("each", Pattern.EACH, "many"), task("many"), *parts, reply=lambda draft, body: Reply(files=4_096)
    )
    assert played.states() == {"each": "escalated", "many": "accepted"}
    assert "use a batch" in told_of_rows(played)
    played.hear(MessageType.ANSWER, Answer(choice="retry"), "each", sender=TECH_LEAD)
    assert played.states() == {"each": "escalated", "many": "accepted"}
    tasks = (group("each", Pattern.EACH, "many", batch=1_000), *played.plan.tasks[1:])
    other = played.plan.model_copy(update={"tasks": tasks})
    played.reply = lambda draft, body: DONE
    played.go_on(played.hear(MessageType.CONTROL, Control(verb=Verb.SET, plan=other), "run", sender=HUMAN))
    assert played.result.result is not None


def told_of_rows(played: Play) -> str:
    [up] = [draft.body for draft in played.said if draft.type is MessageType.ESCALATION]
    assert isinstance(up, Report)
    assert up.error_details is not None
    return up.error_details.message


def test_groups_within_groups_over_too_many_files_are_refused_before_anything_starts() -> None:
    inner = group("inner", Pattern.EACH, within="outer", inputs=files(1_000, "b"))
    played = play(group("outer", Pattern.EACH, inputs=files(1_000)), inner, task("part", within="inner"))
    assert "1,000,000 times" in told_of_rows(played)
    assert not played.states()


def test_two_consents_that_lapse_at_once_leave_their_group_out_once() -> None:
    asks: dict[str, Any] = {"approve": True, "approve_within_s": 10}
    group_ = group("g", Pattern.ONCE, policy=Policy(critical=False))
    played = play(group_, task("a", within="g", **asks), task("b", within="g", **asks), task("c"))
    played.wake()
    assert played.states() == {"g": "skipped", "c": "accepted", "a": "skipped", "b": "skipped"}
    assert played.result.result is not None


def test_a_plan_with_a_later_deadline_goes_on_where_the_earlier_one_had_halted_it() -> None:
    played = play(task("a"), reply=lambda draft, body: None, deadline_s=10)
    played.wake()
    other = played.plan.model_copy(update={"deadline_s": 60})
    played.reply = lambda draft, body: DONE
    played.go_on(played.hear(MessageType.CONTROL, Control(verb=Verb.SET, plan=other), "run", sender=HUMAN))
    assert played.result.result is not None
    assert next(draft.body.due for draft in played.said if isinstance(draft.body, WakeRequest)) < played.at_ns


def test_what_a_person_gave_up_is_done_again_in_a_fork_and_cannot_be_cancelled_before() -> None:
    escalates = ErrorDetails(level=ErrorLevel.PERSON, category=ErrorCategory.VALIDATION, message="m")
    played = play(task("a"), reply=lambda draft, body: Reply(Decision.REJECT, error=escalates))
    played.hear(MessageType.ANSWER, Answer(choice="give up"), "a", sender=TECH_LEAD)
    played.hear(MessageType.CONTROL, Control(verb=Verb.CANCEL, subject="a"), "run", sender=HUMAN)
    assert played.states() == {"a": "abandoned"}
    played.reply = lambda draft, body: DONE
    played.go_on(played.hear(MessageType.CONTROL, Control(verb=Verb.FORK), "run", sender=SUPERVISOR))
    assert played.result.result is not None


def test_a_fork_of_a_mission_that_waits_for_a_person_says_so_again() -> None:
    escalates = ErrorDetails(level=ErrorLevel.PERSON, category=ErrorCategory.VALIDATION, message="m")
    played = play(task("a"), reply=lambda draft, body: Reply(Decision.REJECT, error=escalates))
    [said] = played.hear(MessageType.CONTROL, Control(verb=Verb.FORK), "run", sender=SUPERVISOR)
    assert isinstance(said.body, Report)
    assert said.body.action is Action.BLOCKED


@pytest.mark.slow
def test_ten_thousand_tasks_are_done_in_one_go() -> None:
    played = play(
        group("each", Pattern.EACH, inputs=files(3_334)),
        task("one", within="each"),
        task("two", "one", within="each"),
        task("three", "two", within="each"),
    )
    assert len(played.order) == 10_002
    assert played.result.result is not None
    assert len(played.result.result.artifacts) == 3_334


def test_more_files_than_a_message_carries_are_brought_before_a_person_and_nothing_is_lost() -> None:
    played = play(
        group("each", Pattern.EACH, inputs=files(3)),
        task("many", within="each"),
        task("join", "each"),
        reply=lambda draft, body: Reply(files=1_400),
    )
    [up] = [draft for draft in played.said if draft.type is MessageType.ESCALATION]
    assert isinstance(up.body, Report)
    assert up.body.error_details is not None
    assert "4,200 files" in up.body.error_details.message
    assert "in batches" in up.body.error_details.message
    assert played.states()["join"] == "escalated"
    batched = group("some", Pattern.EACH, "each", batch=100)
    other = played.plan.model_copy(update={"tasks": (*played.plan.tasks[:2], batched, task("pack", within="some"))})
    played.reply = lambda draft, body: DONE
    played.go_on(played.hear(MessageType.CONTROL, Control(verb=Verb.SET, plan=other), "run", sender=HUMAN))
    assert played.order.count("many#1") == 1
    assert played.result.result is not None
    assert len(played.result.result.artifacts) == 42


def test_a_result_of_more_files_than_a_message_carries_is_no_end() -> None:
    played = play(
        group("each", Pattern.EACH, inputs=files(3)),
        task("many", within="each"),
        reply=lambda draft, body: Reply(files=1_400),
    )
    [up] = [draft for draft in played.said if draft.type is MessageType.ESCALATION]
    assert up.task == "mission"
