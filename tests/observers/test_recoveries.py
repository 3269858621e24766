"""What was done about failures, and whether it helped, is read from the journal of a run alone."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from agents.work import Outcome as Made
from agents.work import SkillFailed, Work
from gates.checks import GATES
from observers.recoveries import Account, Outcome, Tries, account, tally
from protocol.bodies import (
    Answer,
    Approval,
    Claim,
    Consent,
    Control,
    ErrorCategory,
    ErrorLevel,
    Lost,
    Plan,
    Setting,
    TaskAssignment,
    Verb,
)
from protocol.failures import LEASE_RAN_OUT, Kind, Way
from protocol.messages import Message, MessageType
from protocol.topics import EVERYONE, SUPERVISOR, TECH_LEAD
from scenarios.rehearsal import Died, Rehearsed, Script
from tests.asking import published
from tests.builders import message
from tests.coordinators.play import task
from tests.scenarios.plays import rehearse, writes

PASSING = SkillFailed(ErrorLevel.SPECIALIST, ErrorCategory.EXECUTION, "the server is busy")
CONFLICT = SkillFailed(ErrorLevel.COORDINATOR, ErrorCategory.INTEGRATION, "merge conflict in a.c: 1 place")


def wrong(text: str = "no such column") -> SkillFailed:
    return SkillFailed(ErrorLevel.SPECIALIST, ErrorCategory.VALIDATION, text)


def failing(*faults: BaseException) -> Script:
    """Fail so, one after the other, and then write."""
    left = list(faults)

    def script(work: Work) -> Made:
        if left:
            raise left.pop(0)
        return writes(work)

    return script


def played(folder: Path, script: Script, *tasks: Any, others: dict[str, Script] | None = None, **terms: Any) -> Account:
    return account(carried_out(folder, script, *tasks, others=others, **terms).entries)


def carried_out(
    folder: Path, script: Script, *tasks: Any, others: dict[str, Script] | None = None, **terms: Any
) -> Rehearsed:
    cast = {"@worker": script, **(others or {})}
    return rehearse(Plan(tasks=tasks or (task("a"),)), cast, folder, gates=GATES, **terms)


def ways(told: Account) -> list[tuple[Kind | None, Way | None, Outcome]]:
    return [(one.kind, one.way, one.outcome) for one in told.recoveries]


def answering(*choices: str) -> Callable[[Message], Answer]:
    left = list(choices)
    return lambda asked: Answer(choice=left.pop(0), person="anna")


def test_where_nothing_fails_there_is_nothing_to_tell(tmp_path: Path) -> None:
    told = played(tmp_path, writes)
    assert told.recoveries == ()
    assert [(one.name, one.is_accepted) for one in told.tasks] == [("a", True)]


@pytest.mark.parametrize(
    ("fault", "kind", "way"),
    [
        (PASSING, Kind.PASSING, Way.RETRY),
        (wrong(), Kind.REJECTED, Way.FEEDBACK),
        (CONFLICT, Kind.CONFLICT, Way.RESOLVE),
        (Died("the power went"), Kind.LOST, Way.RETRY),
    ],
)
def test_a_failure_is_told_with_its_kind_the_way_taken_and_that_it_helped(
    tmp_path: Path, fault: BaseException, kind: Kind, way: Way
) -> None:
    [one] = played(tmp_path, failing(fault)).recoveries
    assert (one.task, one.attempt, one.kind, one.way, one.outcome) == ("a", 1, kind, way, Outcome.HELPED)
    assert str(fault) in one.reason
    assert (one.agent, one.next_agent) == ("@worker", "@worker")
    assert 0 < one.failed_at < one.answered_at < one.ended_at


def test_what_a_pause_has_cost_is_part_of_the_time(tmp_path: Path) -> None:
    [one] = played(tmp_path, failing(PASSING)).recoveries
    assert one.took_s is not None
    assert 1 < one.took_s < 2


def test_a_way_that_is_followed_by_another_failure_has_failed(tmp_path: Path) -> None:
    told = played(tmp_path, failing(wrong("1"), wrong("2")))
    feedback = (Kind.REJECTED, Way.FEEDBACK)
    assert ways(told) == [(*feedback, Outcome.FAILED), (*feedback, Outcome.HELPED)]
    assert [one.attempt for one in told.recoveries] == [1, 2]


def test_who_took_over_is_told(tmp_path: Path) -> None:
    told = played(
        tmp_path, failing(wrong("1"), wrong("1")), task("a", alternatives=("@other",)), others={"@other": writes}
    )
    last = told.recoveries[-1]
    assert (last.kind, last.way, last.agent, last.next_agent) == (Kind.LOOP, Way.ALTERNATIVE, "@worker", "@other")
    assert last.outcome is Outcome.HELPED


def test_a_process_lost_in_between_says_nothing_about_the_way(tmp_path: Path) -> None:
    told = played(tmp_path, failing(wrong(), Died("gone")))
    assert ways(told) == [
        (Kind.REJECTED, Way.FEEDBACK, Outcome.HELPED),
        (Kind.LOST, Way.RETRY, Outcome.HELPED),
    ]
    told = played(tmp_path, failing(Died("gone"), wrong()))
    assert ways(told)[0] == (Kind.LOST, Way.RETRY, Outcome.HELPED)


def assigned(attempt: int) -> Message:
    body = TaskAssignment(title="a", skill="s", folder="mission/a")
    identity = f"assigned-{attempt}"
    kind = MessageType.TASK_ASSIGNMENT
    return message(kind, body, identity, sender="@lead", recipient="@worker", task="a", attempt=attempt)


def stopped(why: str) -> Message:
    settings = Setting(name="reason", value=why), Setting(name="task", value="a")
    body = Control(verb=Verb.CANCEL, subject="worker-1", settings=settings)
    return message(MessageType.CONTROL, body, "stop", sender="@lead", recipient=SUPERVISOR, task="mission")


@pytest.mark.parametrize(("why", "kinds"), [(LEASE_RAN_OUT, [Kind.LOST]), ("the plan is another now", [])])
def test_a_process_that_hangs_until_its_lease_is_over_counts_as_lost(why: str, kinds: list[Kind]) -> None:
    claim = message(MessageType.CLAIM, Claim(instance="worker-1", lease_s=1), "claim", task="a", attempt=1)
    death = Lost(agent="@worker", instance="worker-1", reason="it was ended")
    gone = message(MessageType.LOST, death, "gone", sender=SUPERVISOR, recipient=EVERYONE, task="run")
    told = account(published(assigned(1), claim, stopped(why), assigned(2), gone).entries)
    assert [one.kind for one in told.recoveries] == kinds


def test_what_goes_back_to_its_author_has_helped_when_the_check_passes(tmp_path: Path) -> None:
    tasks = task("write"), task("test", "write", fixed_by="write")
    checks = {"@worker": failing_check("test_add: 2 + 2 is not 5")}
    told = account(rehearse(Plan(tasks=tasks), checks, tmp_path, gates=GATES).entries)
    [one] = told.recoveries
    assert (one.task, one.kind, one.way, one.outcome) == ("test", Kind.FAULTY_INPUT, Way.FIX, Outcome.HELPED)
    assert "2 + 2" in one.reason


def failing_check(text: str) -> Script:
    left = [wrong(text)]

    def script(work: Work) -> Made:
        if work.task == "test" and left:
            raise left.pop()
        return writes(work)

    return script


def test_a_task_that_is_left_out_is_told_with_the_failure_for_which(tmp_path: Path) -> None:
    told = played(tmp_path, failing(wrong()), task("a", critical=False, attempts=1), task("b"))
    [one] = told.recoveries
    assert (one.task, one.kind, one.way, one.outcome) == ("a", Kind.REJECTED, Way.SKIP, Outcome.LEFT_OUT)
    assert tally([told]).error_rate == 0.5


def test_an_escalation_is_open_until_somebody_decides(tmp_path: Path) -> None:
    [one] = played(tmp_path, failing(wrong()), task("a", attempts=1)).recoveries
    assert (one.kind, one.way, one.outcome) == (Kind.REJECTED, Way.MANUAL, Outcome.ESCALATED)
    assert (one.ended_at, one.took_s, one.is_by_person) == (0, None, False)


@pytest.mark.parametrize(
    ("choice", "outcome"), [("retry", Outcome.HELPED), ("skip", Outcome.LEFT_OUT), ("give up", Outcome.GIVEN_UP)]
)
def test_what_a_person_decided_is_told_with_the_name(tmp_path: Path, choice: str, outcome: Outcome) -> None:
    told = played(tmp_path, failing(wrong()), task("a", attempts=1), task("b"), person=answering(choice))
    [one] = told.recoveries
    assert (one.way, one.outcome, one.decision, one.decided_by) == (Way.MANUAL, outcome, choice, "anna")
    assert tally([told]).alone == 0


def test_what_the_tech_lead_decided_is_not_by_a_person(tmp_path: Path) -> None:
    fault = SkillFailed(ErrorLevel.TECH_LEAD, ErrorCategory.EXECUTION, "no idea")
    told = played(tmp_path, failing(fault))
    [one] = told.recoveries
    assert (one.kind, one.way, one.outcome) == (Kind.BEYOND, Way.MANUAL, Outcome.HELPED)
    assert (one.decided_by, one.decision, one.is_by_person) == (TECH_LEAD, "retry", False)
    assert tally([told]).alone == 1


def test_a_refused_consent_is_a_failure_that_only_a_person_can_mend(tmp_path: Path) -> None:
    def person(asked: Message) -> Approval | None:
        if not isinstance(asked.body, Approval):
            return None
        return Approval(subject=asked.body.subject, decision=Consent.DENIED, reason="not before the review", person="b")

    [one] = played(tmp_path, writes, task("a", approve=True), person=person).recoveries
    assert (one.kind, one.way, one.outcome) == (Kind.PERSON, Way.MANUAL, Outcome.ESCALATED)
    assert "not before the review" in one.reason


def test_a_journal_that_ends_after_a_failure_leaves_it_open(tmp_path: Path) -> None:
    rehearsed = carried_out(tmp_path, failing(wrong()))
    [one] = account(rehearsed.entries).recoveries
    cut = account(rehearsed.entries[: one.failed_at])
    assert ways(cut) == [(None, None, Outcome.OPEN)]
    cut = account(rehearsed.entries[: one.answered_at])
    assert ways(cut) == [(Kind.REJECTED, Way.FEEDBACK, Outcome.OPEN)]
    assert tally([cut]).ways == {}


def test_a_fork_does_not_count_what_happened_in_the_past_that_it_shares(tmp_path: Path) -> None:
    past = carried_out(tmp_path, failing(wrong())).entries
    fork = message(MessageType.CONTROL, Control(verb=Verb.FORK), "f", sender=SUPERVISOR, recipient=EVERYONE, task="run")
    begun = published(fork).entries[-1]._replace(sequence=len(past) + 1)
    told = account([*past, begun])
    assert len(told.recoveries) == len(told.tasks) == 1
    assert (told.own.recoveries, told.own.tasks) == ((), ())
    assert account(past).own == account(past)


def test_shares_are_told_so_that_few_tries_prove_little() -> None:
    assert Tries(0, 0).share == 0.5
    assert Tries(1, 1).share == pytest.approx(2 / 3)
    assert Tries(90, 100).share == pytest.approx(91 / 102)


def test_many_runs_add_up(tmp_path: Path) -> None:
    runs = [played(tmp_path, failing(*faults)) for faults in ([wrong()], [wrong("1"), wrong("2")], [PASSING], [])]
    found = tally(runs)
    assert found.ways == {"passing/retry": Tries(1, 1), "rejected/retry-with-feedback": Tries(2, 3)}
    assert (found.failures, found.tasks, found.accepted, found.troubled, found.alone) == (4, 4, 4, 3, 3)
    assert (found.error_rate, found.share_alone) == (0, 1)
    assert tally([]).error_rate is None


def test_recoveries_stand_in_the_order_of_the_failures(tmp_path: Path) -> None:
    told = played(tmp_path, failing(wrong("1"), PASSING, wrong("2")), task("a"), task("b"))
    sequences = [one.failed_at for one in told.recoveries]
    assert len(sequences) == 3
    assert sequences == sorted(sequences)
