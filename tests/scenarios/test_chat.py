"""A conversation as a mission: how lines become tasks, and how a journal tells the conversation again."""

from pathlib import Path

import pytest

from agents.definitions.definition import Definition
from agents.skills.own import load_own
from bus.artifacts import ArtifactStore
from bus.records import Entry
from protocol.bodies import (
    Alert,
    AlertState,
    Body,
    Control,
    Decision,
    File,
    Plan,
    PlannedTask,
    Setting,
    Severity,
    Value,
    Verb,
    VerdictReport,
)
from protocol.decoder import reread
from protocol.encoder import encode
from protocol.errors import DefinitionError, SourceError
from protocol.messages import MessageType
from protocol.names import MAX_ITEMS
from protocol.topics import HUMAN, topic_of
from scenarios.chat import COORDINATOR, Answer, Conversation, Line, Partner, gone_on, is_chat, partner, with_proposal
from scenarios.proposal import proposed
from scenarios.recall import MEDIA_TYPE
from scenarios.replies import longer_plan
from tests.builders import message

OWN = load_own(b"def count(work): ...\ndef shout(work): ...\n", "own.py")
WORKER = Definition(name="worker", description="Works.", role="", skills=("count", "shout"))
PARTNER = Partner("worker", WORKER.skills, "count", WORKER, settings={"end": "!"})


def entry(kind: MessageType, body: Body, sequence: int, task: str = "run") -> Entry:
    one = message(kind, body, f"m-{sequence}", task=task)
    return Entry(sequence=sequence, recorded_ns=sequence, topic=topic_of("@lead", kind.value), document=encode(one))


def lines(*texts: str) -> Plan:
    return Plan(tasks=tuple(PARTNER.task(number, text) for number, text in enumerate(texts, 1)))


def verdict(decision: Decision, description: str = "3 words") -> VerdictReport:
    values = (Value(name="words", value="3"),) if decision is Decision.PASS else ()
    return VerdictReport(decision=decision, judged="r", reason="because", description=description, values=values)


def test_a_line_is_a_task_with_the_line_as_its_request_and_the_conversation_goes_on_without_it() -> None:
    task = PARTNER.task(2, "one two three")
    assert (task.id, task.agent, task.skill, task.title) == ("turn-2", "@worker", "count", "one two three")
    assert {setting.name: setting.value for setting in task.settings} == {"end": "!", "request": "one two three"}
    assert task.policy is not None
    assert task.policy.critical is False
    assert len(PARTNER.task(1, "x" * 500).title) == 200


def test_what_no_message_carries_is_an_error_and_no_task() -> None:
    with pytest.raises(SourceError, match="cannot be sent"):
        PARTNER.task(1, "x" * 70_000)


def test_only_what_can_be_done_here_can_be_talked_to() -> None:
    assert partner("@fact-extractor", None).skills == ("extract-facts",)
    runner = partner("skill-runner", OWN)
    assert (runner.skills, runner.skill) == (("count", "shout"), "count")
    assert Setting(name="skills", value=runner.own) in runner.task(1, "hello").settings
    for name, why in (("nobody", "there is no agent 'nobody'"), ("skill-runner", "what --skills FILE brings")):
        with pytest.raises(DefinitionError, match=why):
            partner(name, None)
    with pytest.raises(DefinitionError, match=r"without a model; to be talked to: .*contradiction-finder"):
        partner("code-reviewer", None)
    with pytest.raises(SourceError, match="has no skill 'sing'"):
        runner.with_skill("sing")


def test_the_journal_tells_the_conversation_again() -> None:
    heard = Conversation()
    said: list[Line | Answer] = []
    alert = Alert(
        code="task-left-out", severity=Severity.WARNING, state=AlertState.RAISED, text="turn-2 was left out: no"
    )
    for one in (
        entry(MessageType.CONTROL, Control(verb=Verb.START, plan=lines("hello")), 1),
        entry(MessageType.VERDICT, verdict(Decision.REJECT), 2, "turn-1"),
        entry(MessageType.VERDICT, verdict(Decision.PASS), 3, "turn-1"),
        entry(MessageType.VERDICT, verdict(Decision.PASS, "the whole"), 4, "mission"),
        entry(MessageType.CONTROL, Control(verb=Verb.SET, plan=lines("hello", "again")), 5),
        entry(MessageType.ALERT, alert, 6, "turn-2"),
    ):
        said += heard.hear(one)
    assert [one.text for one in said if isinstance(one, Line)] == ["hello", "again"]
    told = [(one.task.id, one.decision, one.reason, one.is_last) for one in said if isinstance(one, Answer)]
    assert told == [
        ("turn-1", Decision.REJECT, "because", False),
        ("turn-1", Decision.PASS, "because", True),
        ("turn-2", None, "no", True),
    ]
    assert heard.plan == lines("hello", "again")
    assert heard.close(9) == []


def test_what_came_to_nothing_is_told_at_the_end() -> None:
    heard = Conversation()
    list(heard.hear(entry(MessageType.CONTROL, Control(verb=Verb.START, plan=lines("hello")), 1)))
    [left] = heard.close(7)
    assert (left.task.id, left.decision, left.sequence) == ("turn-1", None, 7)
    assert heard.close(8) == []


def test_it_goes_on_as_it_stopped_without_what_was_recalled_for_one_line() -> None:
    files = (File(path="a.md"), File(path="memory/turn-1.json", media_type=MEDIA_TYPE))
    runner = partner("skill-runner", OWN).with_skill("shout")
    last = runner.task(1, "hello").model_copy(update={"inputs": files})
    again = gone_on(
        "@skill-runner", OWN, last.model_copy(update={"settings": (*last.settings, Setting(name="end", value="!"))})
    )
    assert (again.skill, again.settings, [file.path for file in again.files]) == ("shout", {"end": "!"}, ["a.md"])


def test_only_a_conversation_is_gone_on_with() -> None:
    start = Control(verb=Verb.START, subject="spec-facts")
    with pytest.raises(SourceError, match="a mission of spec-facts, not a conversation"):
        is_chat(start)
    assert is_chat(start.model_copy(update={"settings": (Setting(name="chat", value="@worker"),)})) == "@worker"


def test_a_further_line_is_said_by_a_person_with_the_whole_plan_and_once() -> None:
    plan, task = lines("hello"), PARTNER.task(2, "again")
    one, same = (longer_plan("run", COORDINATOR, plan, task, person="anna", now_ns=now) for now in (1, 2))
    assert one.id == same.id
    assert (one.sender, one.recipient, one.task) == (HUMAN, COORDINATOR, "turn-2")
    assert reread(encode(one)).body == Control(
        verb=Verb.SET, subject="again", settings=(Setting(name="person", value="anna"),), plan=lines("hello", "again")
    )


def test_a_conversation_that_has_become_too_long_says_so() -> None:
    plan = Plan(tasks=tuple(PlannedTask(id=f"turn-{n}", agent="@w", skill="s", title="t") for n in range(MAX_ITEMS)))
    with pytest.raises(SourceError, match="cannot be sent: tasks: Tuple should have at most 4096 items"):
        longer_plan("run", COORDINATOR, plan, PARTNER.task(MAX_ITEMS, "x"), person="anna", now_ns=1)
    big = Plan(tasks=tuple(PARTNER.task(number, "x" * 60_000) for number in range(1, 40)))
    with pytest.raises(SourceError, match=r"cannot be sent: .* bytes"):
        longer_plan("run", COORDINATOR, big, PARTNER.task(40, "x"), person="anna", now_ns=1)


def test_the_tech_lead_is_talked_to_through_its_clerk_and_is_given_a_proposal(tmp_path: Path) -> None:
    store = ArtifactStore(tmp_path)
    for name in ("tech-lead", "@tech-lead-orchestrator", "mission-clerk"):
        assert partner(name, None).agent == "mission-clerk"
    clerk = partner("tech-lead", None)
    task = with_proposal(clerk.task(1, "do: extract the facts, then find contradictions"), store)
    [file] = task.inputs
    assert file.path == "proposal/turn-1.txt"
    told = store.get(file).decode()
    assert told.startswith("sequential: ")
    assert "2-find-contradictions: @contradiction-finder with find-contradictions (by: contradictions, find)" in told
    assert told.endswith('nothing was begun: orchestra run --task "…" --save FILE writes it as a workflow')
    for other in (clerk.task(1, "status"), clerk.task(1, "do: "), PARTNER.task(1, "do: this")):
        assert with_proposal(other, store) == other
    assert gone_on("tech-lead", None, task).files == ()


def test_what_nobody_can_do_is_proposed_to_nobody() -> None:
    assert "1-juggle: nobody here has a skill for 'Juggle'" in proposed("Juggle")
