"""The tech lead as a fold: the top of the ladder below a person."""

from coordinators.fold import Draft, Heard
from coordinators.tech_lead import MISSION_TASK, MissionState, TechLead
from protocol.bodies import (
    Action,
    Answer,
    Body,
    Control,
    Decision,
    ErrorCategory,
    ErrorDetails,
    ErrorLevel,
    Plan,
    Report,
    Setting,
    TaskAssignment,
    Verb,
    VerdictReport,
)
from protocol.messages import MessageType
from protocol.topics import HUMAN, SUPERVISOR, TECH_LEAD
from tests.builders import message


class Desk:
    def __init__(self) -> None:
        self.fold, self.state, self._count = TechLead(), MissionState(), 0

    def hear(self, kind: MessageType, body: Body, task: str = "a", sender: str = "@lead") -> list[Draft]:
        self._count += 1
        one = message(kind, body, f"heard-{self._count}", sender=sender, recipient=TECH_LEAD, task=task)
        self.state, drafts = self.fold.step(self.state, Heard(one, 1_000 + self._count))
        return list(drafts)

    def start(self) -> list[Draft]:
        settings = (Setting(name="coordinator", value="@lead"),)
        body = Control(verb=Verb.START, subject="m", settings=settings, plan=Plan())
        return self.hear(MessageType.CONTROL, body, "run", SUPERVISOR)

    def escalate(
        self, category: ErrorCategory, level: ErrorLevel = ErrorLevel.TECH_LEAD, task: str = "a"
    ) -> list[Draft]:
        details = ErrorDetails(level=level, category=category, message="it broke")
        return self.hear(MessageType.ESCALATION, Report(action=Action.ESCALATING, error_details=details), task)


def test_a_mission_is_handed_to_its_coordinator_once() -> None:
    desk = Desk()
    [draft] = desk.start()
    assert draft.recipient == "@lead"
    assert isinstance(draft.body, TaskAssignment)
    assert draft.body.plan == Plan()
    assert desk.start() == []


def test_an_accident_is_worth_one_more_try_and_only_one() -> None:
    desk = Desk()
    desk.start()
    [answer] = desk.escalate(ErrorCategory.EXECUTION)
    assert isinstance(answer.body, Answer)
    assert answer.body.choice == "retry"
    second = desk.escalate(ErrorCategory.EXECUTION)
    assert [draft.recipient for draft in second] == [HUMAN]


def test_the_supervisor_is_told_once_nothing_goes_on_and_every_open_question_is_with_a_person() -> None:
    desk = Desk()
    desk.start()
    desk.escalate(ErrorCategory.EXECUTION)
    blocked = Report(action=Action.BLOCKED, question="nothing goes on without: a", options=("a",))
    assert desk.hear(MessageType.STATUS, blocked, MISSION_TASK) == []  # the answer is on its way
    desk.escalate(ErrorCategory.EXECUTION)
    [told] = desk.hear(MessageType.STATUS, blocked, MISSION_TASK)
    assert (told.recipient, told.body) == (SUPERVISOR, blocked)


def test_a_persons_answer_goes_to_the_coordinator_and_only_to_what_was_asked() -> None:
    desk = Desk()
    desk.start()
    retry = Answer(choice="retry", text="the server is back")
    assert desk.hear(MessageType.ANSWER, retry, "a", HUMAN) == []
    desk.escalate(ErrorCategory.VALIDATION)
    [down] = desk.hear(MessageType.ANSWER, retry, "a", HUMAN)
    assert (down.recipient, down.task, down.body) == ("@lead", "a", retry)
    assert desk.hear(MessageType.ANSWER, retry, "a", HUMAN) == []


def test_giving_a_task_up_is_giving_the_mission_up() -> None:
    desk = Desk()
    desk.start()
    desk.escalate(ErrorCategory.VALIDATION)
    _, told = desk.hear(MessageType.ANSWER, Answer(choice="give up", text="no budget"), "a", HUMAN)
    assert isinstance(told.body, Report)
    assert told.body.result is not None
    assert (told.recipient, told.body.result.success) == (SUPERVISOR, False)
    assert "no budget" in told.body.result.description
    assert desk.state.is_over


def test_what_a_person_must_decide_reaches_the_person_with_its_choices() -> None:
    for category, level in (
        (ErrorCategory.VALIDATION, ErrorLevel.TECH_LEAD),
        (ErrorCategory.ARCHITECTURAL, ErrorLevel.TECH_LEAD),
        (ErrorCategory.EXECUTION, ErrorLevel.PERSON),
    ):
        desk = Desk()
        desk.start()
        escalation, *told = desk.escalate(category, level)
        assert isinstance(escalation.body, Report)
        assert "it broke" in (escalation.body.question or "")
        assert escalation.body.options
        # Where the plan itself is wrong nothing goes on meanwhile.
        assert bool(told) is (category is ErrorCategory.ARCHITECTURAL)


def test_an_accepted_mission_ends_with_one_report() -> None:
    desk = Desk()
    desk.start()
    passed = VerdictReport(decision=Decision.PASS, judged="r", reason="ok", description="8 tasks")
    [done] = desk.hear(MessageType.VERDICT, passed, MISSION_TASK, "@gatekeeper")
    assert isinstance(done.body, Report)
    assert (done.recipient, done.body.action) == (SUPERVISOR, Action.COMPLETED)
    assert desk.hear(MessageType.VERDICT, passed, MISSION_TASK, "@gatekeeper") == []


def test_a_mission_that_goes_on_with_a_longer_plan_is_completed_again_and_escalates_as_before() -> None:
    desk = Desk()
    desk.start()
    desk.escalate(ErrorCategory.VALIDATION, task="open")
    passed = VerdictReport(decision=Decision.PASS, judged="r", reason="ok", description="1 task")
    desk.hear(MessageType.VERDICT, passed, MISSION_TASK, "@gatekeeper")
    assert desk.hear(MessageType.ANSWER, Answer(choice="retry"), "open", HUMAN) == []  # settled by the end
    [asked] = desk.escalate(ErrorCategory.VALIDATION, task="b")
    assert asked.recipient == HUMAN
    longer = passed.model_copy(update={"judged": "r2", "description": "2 tasks"})
    [done] = desk.hear(MessageType.VERDICT, longer, MISSION_TASK, "@gatekeeper")
    assert isinstance(done.body, Report)
    assert done.body.result is not None
    assert (done.recipient, done.body.result.description) == (SUPERVISOR, "2 tasks")


def test_a_mission_result_that_a_gate_rejects_goes_to_a_person() -> None:
    desk = Desk()
    desk.start()
    rejected = VerdictReport(decision=Decision.REJECT, judged="r", reason="paths", description="")
    drafts = desk.hear(MessageType.VERDICT, rejected, MISSION_TASK, "@gatekeeper")
    assert [draft.recipient for draft in drafts] == [HUMAN, SUPERVISOR]
