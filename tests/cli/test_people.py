"""`orchestra inbox`, `answer`, `approve`, `reject` and `cancel`, as a person meets them."""

import json
import shutil
import time
from pathlib import Path
from typing import Any

import pytest

from bus.journal import JournalReader
from bus.run import RunFolder
from cli.asking import span
from cli.main import main
from observers.verify import verify
from protocol.bodies import (
    Action,
    AlertState,
    Answer,
    Approval,
    Consent,
    Control,
    Plan,
    PlannedTask,
    Report,
    Result,
    Setting,
    Verb,
)
from protocol.decoder import decode
from protocol.messages import Message, MessageType
from protocol.topics import HUMAN, SUPERVISOR, TECH_LEAD
from tests.asking import BATTERY, DEPLOY, OVER, STUCK, alert, escalated, leave, started, stopped_run, up_the_ladder
from tests.builders import broker, message

HOUR_NS = 3_600 * 10**9
ROW = [
    "id", "short", "run", "kind", "from", "task", "question", "options", "asked_ns", "due_ns", "standing", "settled",
]  # fmt: skip
PLACE = ["sequence", "said_ns", "new", "running"]


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LOGNAME", "anna")


def orchestra(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    """Return exit code, standard output and standard error of a command."""
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    said = capsys.readouterr()
    code = ended.value.code
    return (code if isinstance(code, int) else 0), said.out, said.err


def rows(capsys: pytest.CaptureFixture[str], *arguments: str) -> list[dict[str, Any]]:
    code, said, complained = orchestra(capsys, *arguments, "--json")
    assert (code, complained) == (0, "")
    return [json.loads(line) for line in said.splitlines()]


def a_run(name: str = "one", *messages: Message) -> RunFolder:
    return stopped_run(Path("runs") / name, started(), *(messages or (leave(), escalated())))


def said_by_people(run: RunFolder) -> list[Message]:
    messages = [decode(entry.document) for entry in JournalReader(run.journal).entries()]
    return [message for message in messages if message.sender == HUMAN]


def test_where_nobody_asks_that_is_what_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    assert orchestra(capsys, "inbox") == (0, "nobody asks anything\n", "")


def test_the_inbox_shows_who_asks_what_and_how_to_answer(capsys: pytest.CaptureFixture[str]) -> None:
    a_run("one", leave(due_ns=time.time_ns() + 3 * HOUR_NS), escalated())
    code, said, _ = orchestra(capsys, "inbox")
    assert code == 0
    assert said.splitlines() == [
        "deploy  one  @lead asks leave for deploy, 0 s ago, due in 3 h",
        "  | switch the relay off",
        "  orchestra approve deploy   or: orchestra reject deploy --reason …",
        "stuck-  one  @tech-lead-orchestrator asks about extract/1, 0 s ago",
        "  | What now?",
        "  | tried so far: another specialist",
        "  orchestra answer stuck- retry | skip | 'give up'",
    ]


def test_the_inbox_goes_over_all_runs_and_the_newest_request_is_last(capsys: pytest.CaptureFixture[str]) -> None:
    a_run("one", leave("first-1"))
    a_run("two", leave("second-1"))
    found = rows(capsys, "inbox")
    assert [(row["id"], row["short"], Path(row["run"]).name) for row in found] == [
        ("first-1", "first-", "one"),
        ("second-1", "second", "two"),
    ]
    assert [row["id"] for row in rows(capsys, "inbox", "two")] == ["second-1"]
    assert list(found[0]) == ROW


def test_a_run_that_cannot_be_read_does_not_hide_the_others(capsys: pytest.CaptureFixture[str]) -> None:
    a_run("good", leave("good-1"))
    [segment] = a_run("bad", leave("bad-1")).journal.glob("*.mcap")
    raw = bytearray(segment.read_bytes())
    raw[raw.index(b"switch the relay off")] ^= 1
    segment.write_bytes(raw)
    code, said, complained = orchestra(capsys, "inbox")
    assert code == 0
    assert "good-1" in said
    assert "bad is left out: " in complained
    assert "a chunk is damaged" in complained
    assert orchestra(capsys, "inbox", "bad")[0] == 1


def test_nothing_in_a_question_moves_the_cursor_or_passes_for_the_inbox(capsys: pytest.CaptureFixture[str]) -> None:
    forged = "yes?\n  orchestra approve deploy\x9b2J\u202e"
    a_run("one", escalated(question=forged, options=("ok; rm -rf ~", "\x9b31mno")))
    _, said, _ = orchestra(capsys, "inbox")
    assert "\x9b" not in said
    assert "\u202e" not in said
    assert "  |   orchestra approve deploy\\x9b2J\\u202e" in said.splitlines()
    assert said.splitlines()[-1] == "  orchestra answer stuck- 'ok; rm -rf ~' | '\\x9b31mno'"


def test_an_answer_while_nothing_runs_stands_in_the_journal_and_says_how_to_go_on(
    capsys: pytest.CaptureFixture[str],
) -> None:
    run = a_run()
    code, said, complained = orchestra(capsys, "answer", "stuck-", "give up", "--text", "no use")
    assert (code, complained) == (0, "")
    first, second = said.splitlines()
    assert first.startswith("stuck-: give up by anna at ")
    assert first.endswith(": no use")
    assert second == f"go on with: orchestra resume {run.path.resolve()}"
    [answer] = said_by_people(run)
    assert (answer.type, answer.cause, answer.recipient) == (MessageType.ANSWER, STUCK, TECH_LEAD)
    found = verify(run)
    assert (found.is_good, found.unsealed) == (True, 0)
    assert [row["id"] for row in rows(capsys, "inbox")] == [DEPLOY]
    settled = rows(capsys, "inbox", "--all")[1]["settled"]
    assert (settled["person"], settled["choice"], settled["text"]) == ("anna", "give up", "no use")


@pytest.mark.slow
@pytest.mark.parametrize(("command", "decision"), [("approve", Consent.GRANTED), ("reject", Consent.DENIED)])
def test_consent_is_given_or_refused_by_a_person_with_a_name(
    capsys: pytest.CaptureFixture[str], command: str, decision: Consent
) -> None:
    run = a_run()
    [told] = rows(capsys, command, DEPLOY, "--reason", "it is night", "--as", "bert")
    assert list(told) == ["run", "id", "choice", "person", "text", *PLACE]
    assert (told["choice"], told["person"], told["text"]) == (decision.value, "bert", "it is night")
    assert (told["new"], told["running"]) == (True, False)
    [said] = said_by_people(run)
    assert said.type is MessageType.APPROVAL


def test_a_run_that_runs_is_told_at_once(capsys: pytest.CaptureFixture[str]) -> None:
    a_run()
    with broker(Path("runs/one")) as running:
        code, said, _ = orchestra(capsys, "approve", DEPLOY)
        assert (code, "resume" in said) == (0, False)
        assert len(said_by_people(running.run)) == 1


def test_the_same_answer_again_is_done_and_another_one_is_too_late(capsys: pytest.CaptureFixture[str]) -> None:
    run = a_run()
    orchestra(capsys, "answer", STUCK, "retry")
    code, said, _ = orchestra(capsys, "answer", STUCK, "retry")
    assert (code, "it was said before, so nothing was said again" in said) == (0, True)
    code, _, complained = orchestra(capsys, "answer", STUCK, "skip", "--as", "bert")
    assert code == 2
    assert "stuck- was answered already: retry by anna at 2" in complained
    assert len(said_by_people(run)) == 1


def test_a_lapsed_request_is_shown_as_such_and_cannot_be_approved(capsys: pytest.CaptureFixture[str]) -> None:
    run = a_run("one", leave(due_ns=time.time_ns() - 2 * HOUR_NS - 10**9))
    assert orchestra(capsys, "inbox")[1] == "nobody asks anything; 1 settled or lapsed: orchestra inbox --all\n"
    assert "lapsed 2 h ago" in orchestra(capsys, "inbox", "--all")[1]
    code, _, complained = orchestra(capsys, "approve", DEPLOY)
    assert (code, "has lapsed" in complained) == (2, True)
    assert said_by_people(run) == []


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["answer", "nobody-1", "retry"], "no request is called 'nobody-1'"),
        (["answer", "st", "retry"], "give at least 6 characters"),
        (["answer", "same-p", "retry"], "may be same-prefix-1, same-prefix-2; give more"),
        (["answer", STUCK, "again"], "not among the options"),
        (["answer", DEPLOY, "yes"], "asks for consent"),
        (["approve", STUCK], "asks no consent"),
        (["reject", DEPLOY], "--reason"),
        (["reject", DEPLOY, "--reason", " "], "a refusal needs a reason"),
        (["approve", DEPLOY, "--as", "a\nb"], "is no name of a person"),
        (["approve", DEPLOY, "--run", "nowhere"], "no run is called"),
        (["cancel", "one", "unknown"], "no task of "),
        (["cancel", "nowhere"], "no run is called"),
    ],
)
def test_what_cannot_be_done_is_wrong_usage_and_nothing_is_said(
    capsys: pytest.CaptureFixture[str], arguments: list[str], reason: str
) -> None:
    alike = [escalated(f"same-prefix-{n}", task=f"extract/{n + 1}") for n in (1, 2)]
    run = a_run("one", leave(), escalated(), *alike)
    code, _, complained = orchestra(capsys, *arguments)
    assert (code, said_by_people(run)) == (2, [])
    assert reason in complained


def test_what_a_fork_has_inherited_has_to_be_answered_in_the_right_run(capsys: pytest.CaptureFixture[str]) -> None:
    parent = a_run("parent")
    shutil.copytree("runs/parent", "runs/child")  # what both share is what a fork begins with
    child = RunFolder(Path("runs/child"))
    assert f"orchestra answer --run {parent.path.resolve()} stuck-" in orchestra(capsys, "inbox")[1]
    code, _, complained = orchestra(capsys, "answer", STUCK, "skip")
    assert (code, "is asked in several runs" in complained) == (2, True)
    assert orchestra(capsys, "answer", STUCK, "skip", "--run", "child")[0] == 0
    assert (len(said_by_people(parent)), len(said_by_people(child))) == (0, 1)


@pytest.mark.slow
def test_a_task_or_a_mission_is_cancelled_at_its_coordinator(capsys: pytest.CaptureFixture[str]) -> None:
    run = a_run()
    [told] = rows(capsys, "cancel", "one", "extract/1", "--reason", "not needed")
    assert list(told) == ["run", "task", "person", "reason", *PLACE]
    assert (told["task"], told["person"], told["reason"]) == ("extract/1", "anna", "not needed")
    code, said, _ = orchestra(capsys, "cancel", "one")
    assert (code, said.startswith("the mission: cancelled by anna at ")) == (0, True)
    task, mission = said_by_people(run)
    assert (task.recipient, task.task, mission.task) == ("@lead", "extract/1", "run")
    assert isinstance(mission.body, Control)
    assert (mission.body.verb, mission.body.subject) == (Verb.CANCEL, None)


@pytest.mark.slow
def test_a_cancellation_again_changes_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    run = a_run()
    orchestra(capsys, "cancel", "one", "--reason", "too late")
    code, said, _ = orchestra(capsys, "cancel", "one", "--as", "bert")
    assert (code, said.splitlines()[0].startswith("the mission: cancelled by anna at ")) == (0, True)
    assert "it was said before" in said
    assert len(said_by_people(run)) == 1


def test_what_is_done_cannot_be_cancelled(capsys: pytest.CaptureFixture[str]) -> None:
    result = Result(success=True, description="all of it")
    done = message(
        MessageType.STATUS,
        Report(action=Action.COMPLETED, result=result),
        "done",
        sender=TECH_LEAD,
        recipient=SUPERVISOR,
    )
    a_run("one", done)
    code, _, complained = orchestra(capsys, "cancel", "one")
    assert (code, "is done; there is nothing to cancel" in complained) == (2, True)


def test_a_run_that_cannot_be_written_is_an_error_of_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    run = a_run()
    (run.path / "launched").mkdir()
    code, _, complained = orchestra(capsys, "approve", DEPLOY)
    assert code == 1
    assert complained.endswith("one cannot be written: Is a directory\n")


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(-5, "0 s"), (59, "59 s"), (89, "89 s"), (90, "2 min"), (5399, "90 min"), (5400, "2 h"), (129_600, "2 days")],
)
def test_a_length_of_time_is_told_in_the_unit_that_people_use(seconds: int, words: str) -> None:
    assert span(seconds * 10**9) == words


def test_what_goes_on_with_a_longer_plan_after_its_end_can_be_cancelled(capsys: pytest.CaptureFixture[str]) -> None:
    report = Report(action=Action.COMPLETED, result=Result(success=True, description="all of it"))
    done = message(MessageType.STATUS, report, "done", sender=TECH_LEAD, recipient=SUPERVISOR)
    tasks = tuple(PlannedTask(id=name, agent="@worker", skill="s", title=name) for name in ("deploy", "further"))
    grown = Control(verb=Verb.SET, plan=Plan(tasks=tasks))
    a_run("one", done, message(MessageType.CONTROL, grown, "grown", sender=SUPERVISOR, recipient="@lead", task="run"))
    code, said, _ = orchestra(capsys, "cancel", "one", "further")
    assert (code, said.startswith("task further: cancelled by ")) == (0, True)


def test_an_alarm_in_the_inbox_says_who_raises_it_of_what_since_when_who_passed_it_on_and_how_to_answer(
    capsys: pytest.CaptureFixture[str],
) -> None:
    a_run("one", *up_the_ladder(alert()))
    code, said, _ = orchestra(capsys, "inbox")
    assert code == 0
    assert said.splitlines() == [
        "over-4  one  @battery-1 raises an alarm of pack-1, 0 s ago",
        "  | pack-1: cell-overvoltage: cell-1-voltage is 3.7 V",
        "  | Nothing here protects: that is the work of the device's own board, of fuses and of people. "
        "The mission goes on watching.",
        "  told by @battery-1 → @lead → @tech-lead-orchestrator",
        "  orchestra answer over-4 acknowledge",
    ]
    [row] = rows(capsys, "inbox")
    assert list(row) == ROW
    assert (row["id"], row["kind"], row["from"], row["task"]) == (OVER, "alert", BATTERY, "pack-1")
    assert (row["options"], row["due_ns"], row["standing"]) == (["acknowledge"], None, "open")


def test_nothing_in_an_alarm_moves_the_cursor_or_passes_for_the_inbox(capsys: pytest.CaptureFixture[str]) -> None:
    a_run("one", *up_the_ladder(alert(text="hot\x9b2J\u202e\n  orchestra answer other- yes")))
    _, said, _ = orchestra(capsys, "inbox")
    assert "\x9b" not in said
    assert "\u202e" not in said
    assert "  |   orchestra answer other- yes" in said.splitlines()


def test_taking_note_of_an_alarm_goes_to_the_devices_agent_whether_the_run_runs_or_not(
    capsys: pytest.CaptureFixture[str],
) -> None:
    run = a_run("one", *up_the_ladder(alert()))
    code, said, complained = orchestra(capsys, "answer", "over-4", "acknowledge", "--text", "fans are on")
    assert (code, complained) == (0, "")
    assert said.splitlines()[0].startswith("over-4: acknowledge by anna at ")
    [answer] = said_by_people(run)
    assert (answer.type, answer.recipient, answer.cause) == (MessageType.ANSWER, BATTERY, OVER)
    assert answer.body == Answer(choice="acknowledge", text="fans are on", person="anna")
    assert rows(capsys, "inbox") == []
    code, said, _ = orchestra(capsys, "answer", OVER, "acknowledge", "--text", "fans are on")
    assert (code, "it was said before" in said) == (0, True)


@pytest.mark.parametrize(
    "noted",
    [
        message(
            MessageType.CONTROL,
            Control(verb=Verb.SET, settings=(Setting(name="acknowledge", value="cell-overvoltage"),)),
            "set",
            sender=HUMAN,
            recipient=BATTERY,
        ),
        message(
            MessageType.APPROVAL,
            Approval(subject=OVER, decision=Consent.GRANTED, reason="seen", person="bert"),
            "granted",
            sender=HUMAN,
            recipient=BATTERY,
        ),
        alert("told", AlertState.ACKNOWLEDGED),
    ],
    ids=["setting", "approval", "the agent's own word"],
)
def test_an_alarm_of_which_note_was_taken_otherwise_is_not_answered_again(
    capsys: pytest.CaptureFixture[str], noted: Message
) -> None:
    run = a_run("one", *up_the_ladder(alert()), noted)
    before = len(said_by_people(run))
    code, _, complained = orchestra(capsys, "answer", OVER, "acknowledge")
    assert (code, len(said_by_people(run))) == (2, before)
    assert "over-4 was answered already: acknowledge" in complained
    assert orchestra(capsys, "inbox")[1] == "nobody asks anything; 1 settled or lapsed: orchestra inbox --all\n"


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["answer", OVER, "ignore"], "'ignore' is not among the options of over-4e07c1d9: 'acknowledge'"),
        (["approve", OVER], "asks no consent but for an answer: orchestra answer over-4e07c1d9 'acknowledge'"),
        (["reject", OVER, "--reason", "no"], "asks no consent"),
    ],
)
def test_an_alarm_can_only_be_acknowledged(
    capsys: pytest.CaptureFixture[str], arguments: list[str], reason: str
) -> None:
    run = a_run("one", *up_the_ladder(alert()))
    code, _, complained = orchestra(capsys, *arguments)
    assert (code, said_by_people(run)) == (2, [])
    assert reason in complained
