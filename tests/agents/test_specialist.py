"""One turn of a specialist, on the in-memory bus: claim, gate, work, answer."""

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from agents.specialist import Specialist, Surroundings
from agents.work import Outcome, SkillFailed, Work
from bus.artifacts import ArtifactStore
from bus.memory import MemoryBus
from protocol.bodies import (
    ErrorCategory,
    ErrorLevel,
    File,
    Report,
    TaskAssignment,
)
from protocol.decoder import decode
from protocol.errors import SourceError
from protocol.messages import Message, MessageType
from protocol.names import Priority
from protocol.topics import SUPERVISOR
from tests.builders import introduce, message


class Office:
    """A bus with one coordinator, on which specialists can be put to work."""

    def __init__(self, folder: Path) -> None:
        self.bus = MemoryBus()
        introduce(self.bus.publisher(SUPERVISOR))
        self.store = ArtifactStore(folder)
        self.source = self.store.put(b"text", path="a.md", media_type="text/markdown")

    def assign(
        self, attempt: int = 1, source: File | None = None, skill: str = "s", timeout_s: int = 20, task: str = "t"
    ) -> None:
        body = TaskAssignment(
            title="t", skill=skill, folder=f"mission/{task}", inputs=(source or self.source,), timeout_s=timeout_s
        )
        identity, to = f"{task}-{attempt}", "@worker"
        kind = MessageType.TASK_ASSIGNMENT
        one = message(kind, body, identity, sender="@lead", recipient=to, attempt=attempt, task=task)
        self.bus.publisher("@lead").publish([one])

    def specialist(self, skill: Callable[[Work], Outcome], instance: str = "worker-1") -> Specialist:
        around = Surroundings(
            hearing=self.bus.subscriber("worker"),
            publishing=self.bus.publisher("@worker"),
            store=self.store,
            history=lambda: self.bus.entries,
        )
        return Specialist("@worker", instance, {"s": skill}, around)

    def said(self, kind: MessageType) -> list[Message]:
        messages = [decode(entry.document) for entry in self.bus.entries]
        return [one for one in messages if one.sender == "@worker" and one.type is kind]

    def report(self) -> Report:
        [result] = self.said(MessageType.TASK_COMPLETION)
        assert isinstance(result.body, Report)
        return result.body


@pytest.fixture
def office(tmp_path: Path) -> Office:
    return Office(tmp_path)


def fine(work: Work) -> Outcome:
    data = work.read(work.assignment.inputs[0])
    return Outcome("done", (work.write("out.txt", data, "text/plain"),))


def test_a_task_is_claimed_done_and_answered(office: Office) -> None:
    office.assign()
    assert office.specialist(fine).turn(0)
    assert len(office.said(MessageType.CLAIM)) == 1
    result = office.report().result
    assert result is not None
    assert (result.success, result.artifacts[0].path) == (True, "mission/t/out.txt")


def test_two_instances_share_the_work_and_do_nothing_twice(office: Office) -> None:
    office.assign(task="a")
    office.assign(task="b")
    one, two = office.specialist(fine, "worker-1"), office.specialist(fine, "worker-2")
    assert one.turn(0)
    assert two.turn(0)
    assert two.turn(0)
    assert len(office.said(MessageType.TASK_COMPLETION)) == 2
    assert {claim.task for claim in office.said(MessageType.CLAIM)} == {"a", "b"}


def test_an_attempt_after_which_another_was_assigned_is_passed_over(office: Office) -> None:
    office.assign(1)
    office.assign(2)
    specialist = office.specialist(fine)
    assert specialist.turn(0)
    assert not specialist.turn(0)
    assert [claim.attempt for claim in office.said(MessageType.CLAIM)] == [2]


def fails(error: Exception) -> Callable[[Work], Outcome]:
    def skill(_: Work) -> Outcome:
        raise error

    return skill


@pytest.mark.parametrize(
    ("error", "level", "category"),
    [
        (RuntimeError("boom"), ErrorLevel.SPECIALIST, ErrorCategory.EXECUTION),
        (ValueError("\x1b[31mred"), ErrorLevel.SPECIALIST, ErrorCategory.EXECUTION),
        (SourceError("not a PDF"), ErrorLevel.PERSON, ErrorCategory.VALIDATION),
        (
            SkillFailed(ErrorLevel.TECH_LEAD, ErrorCategory.INTEGRATION, "no answer"),
            ErrorLevel.TECH_LEAD,
            ErrorCategory.INTEGRATION,
        ),
    ],
)
def test_whatever_goes_wrong_is_reported_with_level_and_category(
    office: Office, error: Exception, level: ErrorLevel, category: ErrorCategory
) -> None:
    office.assign()
    assert office.specialist(fails(error)).turn(0)
    details = office.report().error_details
    assert details is not None
    assert (details.level, details.category) == (level, category)
    assert str(error).replace("\x1b", "\ufffd") in details.message


def test_where_a_skill_broke_is_told_by_the_line_of_its_own_file(office: Office) -> None:
    def breaks(work: Work) -> Outcome:
        return Outcome(str(int("x")))

    office.assign()
    assert office.specialist(breaks).turn(0)
    details = office.report().error_details
    assert details is not None
    line = breaks.__code__.co_firstlineno + 1
    assert details.message.startswith(f"s broke at test_specialist.py:{line}: ValueError: invalid literal")


@pytest.mark.parametrize("given", [5, None, Outcome("unreadable \0"), Outcome("d", values={"no name!": 1})])
def test_what_is_no_outcome_is_reported_and_ends_no_process(office: Office, given: object) -> None:
    office.assign()
    assert office.specialist(lambda _: given).turn(0)  # type: ignore[arg-type, return-value]
    details = office.report().error_details
    assert details is not None
    assert details.message.startswith("s broke")


def test_a_skill_that_does_not_end_is_interrupted(office: Office) -> None:
    def endless(_: Work) -> Outcome:
        while True:
            time.sleep(0.01)

    office.assign(timeout_s=1)
    assert office.specialist(endless).turn(0)
    details = office.report().error_details
    assert details is not None
    assert details.message == "not done in 1 s"


def test_inputs_that_are_not_what_they_hash_to_are_not_worked_on(office: Office) -> None:
    office.assign(source=File(path="a.md", sha256="3" * 64))
    assert office.specialist(fails(AssertionError("never called"))).turn(0)
    details = office.report().error_details
    assert details is not None
    assert "is not in the store" in details.message


def test_a_skill_nobody_has_is_an_architectural_error(office: Office) -> None:
    office.assign(skill="unheard-of")
    assert office.specialist(fine).turn(0)
    details = office.report().error_details
    assert details is not None
    assert details.category is ErrorCategory.ARCHITECTURAL


def test_the_next_attempt_reuses_what_the_last_one_journaled(office: Office) -> None:
    made: list[str] = []

    def make(name: str, data: bytes) -> bytes:
        made.append(name)
        return data

    def costly(work: Work) -> Outcome:
        first = work.step("first", b"request", lambda: make("first", b"1"), "text/plain")
        if work.attempt == 1:
            raise RuntimeError("died after the first step")
        second = work.step("second", first, lambda: make("second", b"2"), "text/plain")
        return Outcome("done", (work.write("out", first + second, "text/plain"),))

    office.assign(1)
    assert office.specialist(costly).turn(0)
    office.assign(2)
    later = office.specialist(costly, "worker-2")
    while office.said(MessageType.TASK_COMPLETION)[-1].attempt != 2:
        assert later.turn(0)
    assert made == ["first", "second"]
    last = office.said(MessageType.TASK_COMPLETION)[-1].body
    assert isinstance(last, Report)
    assert last.result is not None
    assert last.result.basis == ("first", "second")
    assert office.store.get(last.result.artifacts[0]) == b"12"


def test_the_urgent_task_comes_first(office: Office) -> None:
    for number, priority in ((1, Priority.LOW), (2, Priority.CRITICAL)):
        body = TaskAssignment(title="t", skill="s", folder="mission/t", inputs=(office.source,))
        one = message(
            MessageType.TASK_ASSIGNMENT,
            body,
            f"p-{number}",
            sender="@lead",
            recipient="@worker",
            attempt=number,
            priority=priority,
        )
        office.bus.publisher("@lead").publish([one])
    assert office.specialist(fine).turn(0)
    assert office.said(MessageType.TASK_COMPLETION)[0].attempt == 2
