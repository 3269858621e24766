"""What is told while a mission runs: each acceptance once, and after a resumption only what is new."""

import pytest

from bus.records import Entry
from cli.progress import ProgressView
from protocol.bodies import Body, Claim, Control, Decision, Lost, Plan, Verb, VerdictReport
from protocol.encoder import encode
from protocol.messages import Message, MessageType
from protocol.topics import topic_of


def entry(kind: MessageType, body: Body, sequence: int, *, attempt: int | None = None) -> Entry:
    """A message about the task count, journaled sequence nanoseconds after 1970."""
    message = Message(
        sender="@gatekeeper",
        recipient="@lead",
        type=kind,
        task="count",
        parent_task="mission",
        attempt=attempt,
        timestamp_ns=sequence,
        id=f"m-{sequence}",
        body=body,
    )
    document = encode(message)
    return Entry(sequence=sequence, recorded_ns=sequence, topic=topic_of("@lead", kind.value), document=document)


def start(sequence: int) -> Entry:
    return entry(MessageType.CONTROL, Control(verb=Verb.START, subject="spec-facts", plan=Plan()), sequence)


def claim(sequence: int, instance: str, attempt: int) -> Entry:
    return entry(MessageType.CLAIM, Claim(instance=instance, lease_s=10), sequence, attempt=attempt)


def accepted(sequence: int, attempt: int) -> Entry:
    body = VerdictReport(decision=Decision.PASS, judged="r", reason="because", description=f"try {attempt}")
    return entry(MessageType.VERDICT, body, sequence, attempt=attempt)


def lost(sequence: int, instance: str) -> Entry:
    return entry(MessageType.LOST, Lost(agent="@worker", instance=instance, reason="the run was stopped"), sequence)


def told(capsys: pytest.CaptureFixture[str], *entries: Entry, resumed_ns: int = 0) -> list[str]:
    with ProgressView(1, is_quiet=False, resumed_ns=resumed_ns) as view:
        for one in entries:
            view.entry(one)
    said: str = capsys.readouterr().err
    return said.splitlines()


def test_a_mission_is_told_from_its_start(capsys: pytest.CaptureFixture[str]) -> None:
    said = told(capsys, start(1), claim(2, "one", 1), accepted(3, 1))
    assert said == ["mission started: 1 task", "[1/1] accepted count: try 1"]


def test_what_was_journaled_before_a_resumption_is_summed_up(capsys: pytest.CaptureFixture[str]) -> None:
    said = told(capsys, start(1), claim(2, "one", 1), accepted(3, 1), start(10), resumed_ns=10)
    assert said == ["mission goes on: 1 of 1 tasks had been accepted"]


def test_a_verdict_on_a_task_whose_process_was_lost_meanwhile_is_not_told(capsys: pytest.CaptureFixture[str]) -> None:
    late = (lost(3, "one"), accepted(4, 1))
    said = told(capsys, start(1), claim(2, "one", 1), *late, claim(5, "two", 2), accepted(6, 2))
    assert said == ["mission started: 1 task", "[1/1] accepted count: try 2"]
