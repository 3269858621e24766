"""Questions about missions: what is understood, what the journals say to it, and what is not pretended."""

from pathlib import Path

import pytest

from agents.skills.questions import answer_about_missions
from agents.work import Work
from bus.artifacts import ArtifactStore
from protocol.bodies import (
    Action,
    Alert,
    AlertState,
    Answer,
    Decision,
    File,
    ModelCall,
    Report,
    Result,
    Setting,
    Severity,
    TaskAssignment,
    VerdictReport,
)
from protocol.messages import Message, MessageType, Usage
from protocol.topics import GATEKEEPER, HUMAN, SUPERVISOR, TECH_LEAD
from tests.asking import escalated, leave, started, stopped_run
from tests.builders import message


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    return tmp_path / "runs"


def asked(runs: Path, question: str, *inputs: File) -> tuple[str, str]:
    """Return whether a question was understood, and the answer."""
    told = {"request": question, "runs": str(runs)}
    settings = tuple(Setting(name=name, value=value) for name, value in told.items())
    given = TaskAssignment(
        title="q", skill="answer-about-missions", folder="mission/q", inputs=inputs, settings=settings
    )
    outcome = answer_about_missions(Work("q", 1, given, ArtifactStore(runs / "store"), lambda progress: None))
    return str(outcome.values["understood"]), outcome.description


def verdict(task: str, decision: Decision, reason: str, attempt: int) -> Message:
    body = VerdictReport(decision=decision, judged="r", reason=reason, description="d")
    identity = f"verdict-{task}-{attempt}"
    return message(MessageType.VERDICT, body, identity, sender=GATEKEEPER, task=task, attempt=attempt)


def ended(action: Action) -> Message:
    body = Report(action=action, result=Result(success=True, description="d") if action is Action.COMPLETED else None)
    return message(
        MessageType.STATUS, body, f"end-{action.value}", sender=TECH_LEAD, recipient=SUPERVISOR, task="mission"
    )


def mission(runs: Path, name: str, *messages: Message) -> None:
    stopped_run(runs / name, *messages)


def test_without_missions_it_says_so(runs: Path) -> None:
    assert asked(runs, "missions") == ("True", "there is no mission yet")
    assert asked(runs, "what is blocked?") == ("True", "there is no mission yet")
    assert asked(runs, "what runs") == ("True", "no mission is running")


@pytest.mark.parametrize(
    "question", ["who are you", "", "why", "delete everything", "do:", "x" * 5_000, "status in a b"]
)
def test_what_is_not_understood_is_not_answered_but_what_is_understood_is_told(runs: Path, question: str) -> None:
    understood, text = asked(runs, question)
    assert understood == "False"
    assert "no model is configured" in text or "do: is answered in a conversation" in text


def test_help_lists_every_form(runs: Path) -> None:
    understood, text = asked(runs, "HELP!")
    assert understood == "True"
    assert "why was TASK accepted [in RUN]" in text
    assert "what did it cost [in RUN]" in text


def test_why_a_task_was_accepted_is_told_by_attempt_with_its_place(runs: Path) -> None:
    mission(
        runs,
        "one",
        started(),
        verdict("deploy", Decision.REJECT, "layer 4 output: no file", 1),
        verdict("deploy", Decision.PASS, "2 paths inside", 2),
    )
    _, text = asked(runs, "Why was deploy accepted?")
    first, rejected, passed = text.split("\n")
    assert first == "deploy of one stands at: accepted"
    assert rejected.startswith("  attempt 1: reject, entry ")
    assert rejected.endswith("layer 4 output: no file")
    assert passed.endswith("2 paths inside")
    assert asked(runs, "why is extract/1")[1] == "extract/1 of one stands at: waiting; no verdict was given"
    assert "it has: deploy, extract/1" in asked(runs, "why was nothing accepted in one")[1]
    assert "no mission is called 'two'" in asked(runs, "why was deploy accepted in two")[1]


def test_what_is_blocked_says_on_whom_and_how_to_go_on(runs: Path) -> None:
    mission(runs, "one", started(), escalated(), leave(), ended(Action.BLOCKED))
    _, text = asked(runs, "what is blocked")
    assert text.split("\n") == [
        "one: 2 blocked, 0 wait",
        "  deploy: a person is asked: switch the relay off",
        "  extract/1: a person is asked: What now?",
        "answer: orchestra inbox one",
    ]
    assert "one, extract/1: What now?" in asked(runs, "what needs a person?")[1]


def test_what_a_person_has_answered_blocks_no_more(runs: Path) -> None:
    asking = escalated()
    said = message(
        MessageType.ANSWER, Answer(choice="retry"), "a", sender=HUMAN, recipient=TECH_LEAD, task="t", cause=asking.id
    )
    mission(runs, "one", started(), asking, ended(Action.BLOCKED), said)
    assert asked(runs, "inbox") == ("True", "nobody needs a person")
    assert asked(runs, "missions")[1] == "1 missions, the newest last\none: stopped, 0 of 2 tasks accepted"


def test_a_done_mission_is_done_and_what_was_left_out_says_why(runs: Path) -> None:
    alert = Alert(
        code="task-left-out", severity=Severity.WARNING, state=AlertState.RAISED, text="deploy was left out: no"
    )
    out = message(MessageType.ALERT, alert, "out", recipient=SUPERVISOR, sender="@lead", task="deploy")
    mission(runs, "one", started(), verdict("extract/1", Decision.PASS, "fine", 1), out, ended(Action.COMPLETED))
    assert asked(runs, "status")[1].split("\n") == [
        "one: done, 1 of 2 tasks accepted",
        "  deploy (@worker): left out",
        "  extract/1 (@worker): accepted",
    ]
    assert asked(runs, "blocked in one")[1] == "nothing in one: it is done"
    assert "left out: deploy was left out: no" in asked(runs, "why was deploy left out")[1]


def test_a_price_that_is_not_known_is_not_zero(runs: Path) -> None:
    mission(runs, "one", started())
    assert asked(runs, "what did it cost")[1] == "one called no model, so it cost nothing but time"
    body = ModelCall(step="s", request_hash="0" * 64, response=File(path="r"), latency_ms=1, cache_hit=False)
    calls = [
        message(MessageType.MODEL_CALL, body, f"call-{price}").model_copy(
            update={"usage": Usage(provider="p", model="m", input_tokens=10, output_tokens=5, cost_nano_usd=price)}
        )
        for price in (2_000, None)
    ]
    mission(runs, "two", started(), *calls)
    assert asked(runs, "cost in two")[1] == "two: 2 calls, 30 tokens, 0.000002 USD, and 1 calls of unknown price"


def test_a_damaged_journal_is_named_and_the_others_are_answered_about(runs: Path) -> None:
    mission(runs, "one", started())
    mission(runs, "two", started())
    file = next((runs / "two" / "journal").glob("*.mcap"))
    raw = bytearray(file.read_bytes())
    raw[len(raw) // 2] ^= 1
    file.write_bytes(raw)
    text = asked(runs, "missions")[1]
    assert "one: stopped, 0 of 2 tasks accepted" in text
    assert "two cannot be read: " in text
    assert "two cannot be read: " in asked(runs, "status in two")[1]


def test_a_proposal_is_what_was_put_among_the_inputs(runs: Path) -> None:
    file = ArtifactStore(runs / "store").put(b"pipeline: 5", path="proposal/q.txt", media_type="text/plain")
    assert asked(runs, "Do: read and write", file) == ("True", "pipeline: 5")
