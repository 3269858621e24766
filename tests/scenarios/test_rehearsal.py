"""Plans tried out in one process: the real coordinators, the real gatekeeper, scripted specialists."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from agents.work import Outcome, Work
from bus.artifacts import ArtifactStore
from bus.memory import MemoryBus
from coordinators.fold import Draft, Heard
from gates.checks import GATES
from protocol.bodies import (
    Action,
    Answer,
    Approval,
    Claim,
    Consent,
    ErrorCategory,
    ErrorDetails,
    ErrorLevel,
    Pattern,
    Plan,
    PlannedTask,
    Policy,
    Report,
    Result,
    TaskAssignment,
    Value,
    VerdictReport,
    Wake,
    WakeRequest,
)
from protocol.decoder import reread
from protocol.errors import DefinitionError
from protocol.messages import Message, MessageType
from protocol.topics import CLOCK, HUMAN, SUPERVISOR
from scenarios.rehearsal import COORDINATOR, Died, scripted
from scenarios.replaying import replay
from tests.builders import introduce, message
from tests.coordinators.play import group, task
from tests.scenarios.plays import diamond, rehearse, writes

HOUR_NS = 3_600 * 1_000_000_000


def one_task(skill: str = "write") -> Plan:
    return Plan(tasks=(PlannedTask(id="a", agent="@worker", skill=skill, title="a"),))


def test_a_plan_is_carried_out_to_its_end(tmp_path: Path) -> None:
    rehearsed = rehearse(diamond(2), {"@worker": writes}, tmp_path)
    assert rehearsed.is_done
    assert rehearsed.artifacts == {"mission/end/text.txt": b"end\nright/1\nleft/1\nright/2\nleft/2\n"}
    assert len(rehearsed.said(MessageType.VERDICT, sender="@gatekeeper")) == 6
    assert len(rehearsed.said(MessageType.TASK_ASSIGNMENT, task="end")) == 1


def test_two_rehearsals_of_one_plan_are_byte_for_byte_the_same(tmp_path: Path) -> None:
    first, second = (rehearse(diamond(3), {"@worker": writes}, tmp_path / name) for name in "ab")
    assert first.entries == second.entries


def test_chance_changes_the_order_and_not_the_result(tmp_path: Path) -> None:
    plays = [rehearse(diamond(3), {"@worker": writes}, tmp_path, seed=seed) for seed in range(4)]
    assert len({play.entries for play in plays}) > 1
    assert len({tuple(play.artifacts.items()) for play in plays}) == 1


def test_who_dies_after_the_claim_is_replaced_and_the_task_is_done(tmp_path: Path) -> None:
    lives = []

    def dies_once(work: Work) -> Outcome:
        lives.append(work.attempt)
        if len(lives) == 1:
            raise Died("the power went")
        return writes(work)

    rehearsed = rehearse(diamond(2), {"@worker": dies_once}, tmp_path)
    assert rehearsed.is_done
    [lost] = rehearsed.said(MessageType.LOST)
    assert (lost.body.instance, lost.body.reason) == ("worker-1", "the power went")  # type: ignore[attr-defined]
    assert lives[:2] == [1, 1]
    assert 2 in lives


def test_a_script_may_report_a_failure_and_the_coordinator_hears_of_it(tmp_path: Path) -> None:
    details = ErrorDetails(level=ErrorLevel.PERSON, category=ErrorCategory.VALIDATION, message="the file is empty")
    rehearsed = rehearse(one_task(), {"@worker": lambda work: Report(action=Action.BLOCKED, error_details=details)},
                         tmp_path, gates=GATES)  # fmt: skip
    assert not rehearsed.is_done
    assert rehearsed.said(MessageType.ESCALATION)
    [verdict] = rehearsed.said(MessageType.VERDICT, task="a")
    assert isinstance(verdict.body, VerdictReport)
    assert verdict.body.error_details == details


def test_a_script_may_report_values(tmp_path: Path) -> None:
    result = Result(success=True, description="counted", values=(Value(name="words", value="12"),))
    rehearsed = rehearse(one_task(), {"@worker": lambda work: Report(action=Action.COMPLETED, result=result)}, tmp_path)
    [verdict] = rehearsed.said(MessageType.VERDICT, task="a")
    assert isinstance(verdict.body, VerdictReport)
    assert verdict.body.values == result.values


def test_the_real_gates_stop_what_a_script_does_wrong(tmp_path: Path) -> None:
    def strays(work: Work) -> Outcome:
        return Outcome("written", (work.store.put(b"x", path="elsewhere/x.txt", media_type="text/plain"),))

    rehearsed = rehearse(one_task(), {"@worker": strays}, tmp_path, gates=GATES)
    assert not rehearsed.is_done
    assert "elsewhere/x.txt" in str(rehearsed.said(MessageType.VERDICT, task="a")[0].body)


def test_a_specialist_may_have_a_script_for_each_skill(tmp_path: Path) -> None:
    assert rehearse(one_task("write"), {"@worker": {"write": writes}}, tmp_path).is_done
    assert not rehearse(one_task("read"), {"@worker": {"write": writes}}, tmp_path, gates=GATES).is_done


def test_a_plan_that_wants_somebody_who_is_not_played_is_refused_at_once(tmp_path: Path) -> None:
    with pytest.raises(DefinitionError, match="the plan wants @worker, and nobody plays them"):
        rehearse(one_task(), {"@other": writes}, tmp_path)


@dataclass(frozen=True)
class Sleeper:
    """Rules that wait for an hour before they do anything, and then are done."""

    version = "1"

    def start(self) -> int:
        return 0

    def step(self, state: int, heard: Heard) -> tuple[int, tuple[Draft, ...]]:
        body = heard.message.body
        if isinstance(body, TaskAssignment):
            request = WakeRequest(key="later", due=heard.at_ns + HOUR_NS)
            return heard.at_ns, (Draft(recipient=CLOCK, type=MessageType.WAKE_REQUEST, task="mission", body=request),)
        if isinstance(body, Wake):
            waited_h = (heard.at_ns - state) // HOUR_NS
            done = Report(action=Action.COMPLETED, result=Result(success=True, description=f"{waited_h} h"))
            to = "@tech-lead-orchestrator"
            return state, (Draft(recipient=to, type=MessageType.TASK_COMPLETION, task="mission", attempt=1, body=done),)
        return state, ()

    def set_aside(self, state: int, heard: Heard, reason: str) -> tuple[int, tuple[Draft, ...]]:
        return state, ()


def test_a_person_is_asked_and_the_answer_counts(tmp_path: Path) -> None:
    tries = []

    def fails_twice(work: Work) -> Outcome | Report:
        tries.append(work.attempt)
        if len(tries) > 1:
            return writes(work)
        details = ErrorDetails(level=ErrorLevel.PERSON, category=ErrorCategory.VALIDATION, message="which of the two?")
        return Report(action=Action.BLOCKED, error_details=details)

    def person(asked: Message) -> Answer:
        assert isinstance(asked.body, Report)
        assert "which of the two?" in str(asked.body.question)
        return Answer(choice="retry", text="the first one")

    rehearsed = rehearse(one_task(), {"@worker": fails_twice}, tmp_path, gates=GATES, person=person)
    assert rehearsed.is_done
    assert tries == [1, 2]
    assert next(one.sender for one in rehearsed.said(MessageType.ANSWER)) == HUMAN


@pytest.mark.parametrize(("decision", "is_done"), [(Consent.GRANTED, True), (Consent.DENIED, False), (None, False)])
def test_consent_is_asked_for_and_silence_is_a_no(tmp_path: Path, decision: Consent | None, is_done: bool) -> None:
    policy = Policy(approve=True, approve_within_s=3600)
    task = PlannedTask(id="a", agent="@worker", skill="write", title="a", policy=policy)

    def person(asked: Message) -> Approval | None:
        if decision is None or not isinstance(asked.body, Approval):
            return None
        return Approval(subject=asked.body.subject, decision=decision, reason="as I see it", person="me")

    rehearsed = rehearse(Plan(tasks=(task,)), {"@worker": writes}, tmp_path, person=person)
    assert rehearsed.said(MessageType.APPROVAL)
    assert bool(rehearsed.said(MessageType.CLAIM)) is is_done
    assert bool(rehearsed.artifacts) is is_done


def test_a_group_goes_through_its_items_and_replays(tmp_path: Path) -> None:
    store = ArtifactStore(tmp_path / "store")
    inputs = tuple(
        store.put(name.encode(), path=f"{name}.txt", media_type="text/plain") for name in ("one", "two", "three")
    )
    every = group("every", Pattern.EACH, inputs=inputs)
    parts = task("part", within="every"), task("end", "every")
    rehearsed = rehearse(Plan(tasks=(every, *parts)), {"@worker": writes}, tmp_path, gates=GATES)
    assert rehearsed.is_done
    assert len(rehearsed.said(MessageType.CLAIM)) == 4
    assert {row.not_sent for row in replay(lambda: rehearsed.entries)} == {0}


def test_an_hour_passes_in_no_time_when_all_wait_for_it(tmp_path: Path) -> None:
    rehearsed = rehearse(one_task(), {"@worker": writes}, tmp_path, folds={COORDINATOR: Sleeper()})
    [result] = rehearsed.said(MessageType.TASK_COMPLETION, task="mission")
    assert isinstance(result.body, Report)
    assert result.body.result is not None
    assert result.body.result.description == "1 h"


def test_a_scripted_specialist_plays_on_any_memory_bus(tmp_path: Path) -> None:
    bus = MemoryBus()
    introduce(bus.publisher(SUPERVISOR))
    body = TaskAssignment(title="t", skill="anything", folder="mission/t")
    one = message(MessageType.TASK_ASSIGNMENT, body, "a-1", sender="@lead", recipient="@worker", attempt=1)
    bus.publisher("@lead").publish([one])
    assert scripted("@worker", writes, bus, ArtifactStore(tmp_path)).turn(0)
    said = [reread(entry.document) for entry in bus.entries if b"<sender>@worker<" in entry.document]
    assert [type(one.body) for one in said] == [Claim, Report]
