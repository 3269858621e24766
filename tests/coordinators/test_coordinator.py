"""The coordinator as a fold: what it says when it has heard something."""

from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coordinators.coordinator import LIVES, Coordinator
from coordinators.fold import Draft, Heard, say
from coordinators.recovery import ATTEMPTS
from coordinators.rows import PlanState
from coordinators.tasks import STEPS, State, Step, advance
from protocol.bodies import (
    Answer,
    Body,
    Claim,
    Control,
    Decision,
    ErrorCategory,
    ErrorDetails,
    ErrorLevel,
    File,
    Lost,
    Plan,
    PlannedTask,
    Policy,
    Report,
    TaskAssignment,
    Verb,
    VerdictReport,
    Wake,
    WakeRequest,
)
from protocol.errors import IllegalStep
from protocol.messages import Message, MessageType
from protocol.topics import SUPERVISOR, TECH_LEAD
from tests.builders import message

ME = "@lead"
SOURCE = File(path="a.md", sha256="0" * 64)
FACTS = File(path="mission/read/facts.json", sha256="1" * 64)


def task(name: str, *needs: str) -> PlannedTask:
    return PlannedTask(id=name, agent="@worker", skill="s", title=name, needs=needs, inputs=(SOURCE,))


@dataclass
class Desk:
    """A coordinator at work: feeds it messages and keeps what it said."""

    tasks: tuple[PlannedTask, ...]
    fold: Coordinator = field(default_factory=lambda: Coordinator(TECH_LEAD))
    state: PlanState = field(default_factory=PlanState)
    at_ns: int = 1_000
    heard: list[Heard] = field(default_factory=list)

    def begin(self) -> list[Draft]:
        body = TaskAssignment(title="m", skill="run-plan", folder="mission", plan=Plan(tasks=self.tasks))
        return self.hear(MessageType.TASK_ASSIGNMENT, body, "mission", sender=TECH_LEAD)

    def hear(
        self, kind: MessageType, body: Body, name: str, attempt: int | None = 1, sender: str = "@worker"
    ) -> list[Draft]:
        self.at_ns += 1
        identity = f"heard-{len(self.heard)}"
        one = message(kind, body, identity, sender=sender, recipient=ME, task=name, attempt=attempt)
        self.heard.append(Heard(one, self.at_ns))
        self.state, drafts = self.fold.step(self.state, self.heard[-1])
        return list(drafts)

    def claim(self, name: str, instance: str = "worker-1", attempt: int = 1) -> list[Draft]:
        return self.hear(MessageType.CLAIM, Claim(instance=instance, lease_s=60), name, attempt)

    def verdict(
        self,
        name: str,
        decision: Decision,
        attempt: int = 1,
        error: ErrorDetails | None = None,
        reason: str = "because",
    ) -> list[Draft]:
        body = VerdictReport(
            decision=decision,
            judged="r",
            reason=reason,
            description="done",
            artifacts=(FACTS,) if decision is Decision.PASS else (),
            error_details=error,
        )
        return self.hear(MessageType.VERDICT, body, name, attempt, sender="@gatekeeper")

    def lose(self, instance: str) -> list[Draft]:
        body = Lost(agent="@worker", instance=instance, reason="killed")
        return self.hear(MessageType.LOST, body, "run", None, sender="@supervisor")

    def states(self) -> dict[str, State]:
        return {name: row.state for name, row in self.state.rows.items()}


def assigned(drafts: list[Draft]) -> list[tuple[str, int | None]]:
    return [(draft.task, draft.attempt) for draft in drafts if isinstance(draft.body, TaskAssignment)]


def test_what_needs_nothing_starts_at_once_and_the_rest_waits() -> None:
    desk = Desk((task("a"), task("b"), task("c", "a", "b")))
    assert assigned(desk.begin()) == [("a", 1), ("b", 1)]
    assert assigned(desk.verdict("a", Decision.PASS)) == []
    [last] = [d for d in desk.verdict("b", Decision.PASS) if isinstance(d.body, TaskAssignment)]
    assert last.task == "c"
    assert isinstance(last.body, TaskAssignment)
    assert last.body.inputs == (SOURCE, FACTS, FACTS)
    assert last.body.folder == "mission/c"


def test_when_all_is_accepted_it_reports_once_with_the_final_artifacts() -> None:
    desk = Desk((task("a"), task("b", "a")))
    desk.begin()
    desk.verdict("a", Decision.PASS)
    [done] = [d for d in desk.verdict("b", Decision.PASS) if d.type is MessageType.TASK_COMPLETION]
    assert done.recipient == TECH_LEAD
    assert isinstance(done.body, Report)
    assert done.body.result is not None
    assert done.body.result.artifacts == (FACTS,)
    assert desk.verdict("b", Decision.PASS) == []


def test_a_rejection_gives_the_next_attempt_with_the_verdict_as_feedback() -> None:
    desk = Desk((task("a"),))
    desk.begin()
    desk.claim("a")
    [again] = desk.verdict("a", Decision.REJECT, reason="line 3: not verbatim")
    assert isinstance(again.body, TaskAssignment)
    assert again.body.strategy == "rejected/retry-with-feedback"
    assert isinstance(again.body, TaskAssignment)
    assert (again.attempt, again.body.feedback) == (2, "line 3: not verbatim")


def test_after_three_rejections_the_tech_lead_is_asked() -> None:
    desk = Desk((task("a"),))
    desk.begin()
    for attempt in range(1, ATTEMPTS):
        assert assigned(desk.verdict("a", Decision.REJECT, attempt, reason=f"{attempt}")) == [("a", attempt + 1)]
    escalation, blocked = desk.verdict("a", Decision.REJECT, ATTEMPTS)
    assert (escalation.type, escalation.recipient) == (MessageType.ESCALATION, TECH_LEAD)
    assert isinstance(blocked.body, Report)
    assert (blocked.type, blocked.body.options) == (MessageType.STATUS, ("a",))
    assert desk.states() == {"a": State.ESCALATED}


@pytest.mark.parametrize("level", [ErrorLevel.TECH_LEAD, ErrorLevel.PERSON])
def test_an_error_that_others_must_act_on_goes_up_at_once(level: ErrorLevel) -> None:
    desk = Desk((task("a"),))
    desk.begin()
    error = ErrorDetails(level=level, category=ErrorCategory.VALIDATION, message="no")
    escalation, _ = desk.verdict("a", Decision.REJECT, error=error)
    assert isinstance(escalation.body, Report)
    assert escalation.body.error_details is not None
    assert escalation.body.error_details.level is level
    assert escalation.body.error_details.category is ErrorCategory.VALIDATION


def test_a_gate_that_escalates_goes_up_at_once() -> None:
    desk = Desk((task("a"),))
    desk.begin()
    escalation, _ = desk.verdict("a", Decision.ESCALATE)
    assert escalation.type is MessageType.ESCALATION


def test_what_a_lost_process_held_is_given_out_again_without_costing_an_attempt() -> None:
    desk = Desk((task("a"), task("b")))
    desk.begin()
    desk.claim("a", "worker-1")
    desk.claim("b", "worker-2")
    assert assigned(desk.lose("worker-1")) == [("a", 2)]
    assert desk.state.rows["a"].rejections == 0


def test_a_claim_that_comes_after_the_news_of_its_senders_death_is_given_out_again() -> None:
    desk = Desk((task("a"),))
    desk.begin()
    desk.lose("worker-1")
    assert assigned(desk.claim("a", "worker-1")) == [("a", 2)]


def test_a_task_that_kills_every_process_is_escalated() -> None:
    desk = Desk((task("a"),))
    desk.begin()
    said: list[Draft] = []
    for life in range(1, LIVES + 1):
        desk.claim("a", f"worker-{life}", life)
        said = desk.lose(f"worker-{life}")
    assert [draft.type for draft in said] == [MessageType.ESCALATION, MessageType.STATUS]


def test_a_result_of_a_lost_process_that_was_accepted_counts() -> None:
    desk = Desk((task("a"), task("b", "a")))
    desk.begin()
    desk.claim("a", "worker-1")
    desk.lose("worker-1")
    assert assigned(desk.verdict("a", Decision.PASS, attempt=1)) == [("b", 1)]
    assert desk.verdict("a", Decision.REJECT, attempt=2) == []


def test_one_wake_is_owed_for_the_task_due_first_and_late_tasks_are_given_out_again() -> None:
    desk = Desk((task("a"), task("b")))
    assert not [draft for draft in desk.begin() if isinstance(draft.body, WakeRequest)], "waiting is not being late"
    said = desk.claim("a") + desk.claim("b", "worker-2")
    wakes = [draft.body for draft in said if isinstance(draft.body, WakeRequest)]
    assert len(wakes) == 1
    desk.verdict("b", Decision.PASS)
    desk.at_ns = wakes[0].due
    drafts = desk.hear(MessageType.WAKE, Wake(key="tasks-due", due=wakes[0].due), "mission", sender="@clock")
    assert assigned(drafts) == [("a", 2)]


def test_what_waits_for_a_free_process_is_never_late() -> None:
    desk = Desk(tuple(task(f"t{n}") for n in range(50)))
    desk.begin()
    desk.claim("t0")
    desk.at_ns += 10**15
    drafts = desk.hear(MessageType.WAKE, Wake(key="tasks-due", due=1), "mission", sender="@clock")
    assert assigned(drafts) == [("t0", 2)]


def test_the_tech_leads_answer_gives_an_escalated_task_one_more_attempt() -> None:
    desk = Desk((task("a"),))
    desk.begin()
    desk.verdict("a", Decision.ESCALATE)
    drafts = desk.hear(MessageType.ANSWER, Answer(choice="retry", text="again"), "a", sender=TECH_LEAD)
    assert assigned(drafts) == [("a", 2)]


@pytest.mark.parametrize(
    ("tasks", "reason"),
    [
        ((), "no tasks"),
        ((task("a"), task("a")), "more than once"),
        ((task("a", "x"),), "needs x, which is not in the plan"),
        ((task("a", "b"), task("b", "c"), task("c", "a")), "a → b → c → a"),
        ((task("a", "a"),), "a → a"),
        ((task("a").model_copy(update={"policy": Policy(alternatives=("@worker",))}),), "are to be different ones"),
    ],
)
def test_a_plan_that_cannot_be_carried_out_is_escalated_with_its_reason(
    tasks: tuple[PlannedTask, ...], reason: str
) -> None:
    [escalation] = Desk(tasks).begin()
    assert isinstance(escalation.body, Report)
    assert escalation.body.error_details is not None
    assert reason in escalation.body.error_details.message
    assert escalation.body.error_details.level is ErrorLevel.PERSON


events = st.tuples(
    st.sampled_from(["claim", "pass", "reject", "escalate", "lose", "retry"]),
    st.sampled_from(["a", "b", "c"]),
    st.integers(1, 4),
)


@given(st.lists(events, max_size=40))
def test_whatever_it_hears_it_never_breaks_and_says_the_same_again(happenings: list[tuple[str, str, int]]) -> None:
    desk = Desk((task("a"), task("b", "a"), task("c", "a")))
    desk.begin()
    for what, name, number in happenings:
        if what == "claim":
            desk.claim(name, f"w-{number}", number)
        elif what == "lose":
            desk.lose(f"w-{number}")
        elif what == "retry":
            desk.hear(MessageType.ANSWER, Answer(choice="retry"), name, sender=TECH_LEAD)
        else:
            desk.verdict(name, Decision(what), number)
    assert _said(desk.heard) == _said(desk.heard)
    accepted = {name for name, state in desk.states().items() if state is State.ACCEPTED}
    assert not accepted or "a" in accepted


def _said(heard: list[Heard]) -> list[tuple[Message, bytes]]:
    fold = Coordinator(TECH_LEAD)
    state, spoken = fold.start(), []
    for one in heard:
        state, said = say(fold, state, one, ME)
        spoken += said
    return spoken


def test_the_table_of_task_states_has_no_way_out_of_the_ends() -> None:
    assert STEPS[State.ACCEPTED] == STEPS[State.ABANDONED] == {Step.CHANGE: State.WAITING}
    with pytest.raises(IllegalStep, match="cannot claim a task that is accepted"):
        advance(State.ACCEPTED, Step.CLAIM)


def test_a_changed_task_is_done_again_with_all_that_builds_on_it_and_nothing_else() -> None:
    desk = Desk((task("a"), task("b"), task("c", "a"), task("d", "c", "b")))
    desk.begin()
    for name in "abcd":
        desk.claim(name)
        said = desk.verdict(name, Decision.PASS)
    assert said[-1].type is MessageType.TASK_COMPLETION
    other = Plan(tasks=(task("a").model_copy(update={"title": "another"}), *desk.tasks[1:]))
    drafts = desk.hear(MessageType.CONTROL, Control(verb=Verb.SET, plan=other), "run", None, SUPERVISOR)
    assert assigned(drafts) == [("a", 2)]
    assert isinstance(drafts[0].body, TaskAssignment)
    assert drafts[0].body.title == "another"
    assert {name: state for name, state in desk.states().items() if state is State.WAITING}.keys() == {"c", "d"}
    assert desk.verdict("a", Decision.PASS, attempt=1) == []  # it was made of what is no longer asked for
    assert assigned(desk.verdict("a", Decision.PASS, attempt=2)) == [("c", 2)]
    assert assigned(desk.verdict("c", Decision.PASS, attempt=2)) == [("d", 2)]
    assert desk.verdict("d", Decision.PASS, attempt=2)[-1].type is MessageType.TASK_COMPLETION
    assert desk.state.rows["b"].attempt == 1


def test_a_plan_that_only_grew_keeps_all_that_is_done_and_reports_again() -> None:
    desk = Desk((task("a"),))
    desk.begin()
    desk.claim("a")
    desk.verdict("a", Decision.REJECT)
    desk.verdict("a", Decision.PASS, attempt=2)
    longer = Plan(tasks=(*desk.tasks, task("b")))
    drafts = desk.hear(MessageType.CONTROL, Control(verb=Verb.SET, plan=longer), "run", None, SUPERVISOR)
    assert assigned(drafts) == [("b", 1)]
    [report] = desk.verdict("b", Decision.PASS)
    assert isinstance(report.body, Report)
    assert report.body.result is not None
    assert report.body.result.description == "2 tasks accepted in 3 attempts"


def test_the_same_plan_once_more_is_reported_once_more() -> None:
    desk = Desk((task("a"),))
    desk.begin()
    desk.verdict("a", Decision.PASS)
    same = Control(verb=Verb.SET, plan=Plan(tasks=desk.tasks))
    [report] = desk.hear(MessageType.CONTROL, same, "run", None, SUPERVISOR)
    assert report.type is MessageType.TASK_COMPLETION


def test_a_task_that_comes_back_goes_on_counting_its_attempts() -> None:
    desk = Desk((task("a"), task("b")))
    desk.begin()
    desk.verdict("a", Decision.REJECT)
    desk.verdict("a", Decision.PASS, attempt=2)
    for tasks, expected in (((task("b"),), []), ((task("a"), task("b")), [("a", 3)])):
        body = Control(verb=Verb.SET, plan=Plan(tasks=tasks))
        assert assigned(desk.hear(MessageType.CONTROL, body, "run", None, SUPERVISOR)) == expected
