"""The chain of gates and the gates themselves, on results as specialists send them."""

import contextlib
import json
import time
from hashlib import sha256
from pathlib import Path

import pytest

from bus.artifacts import ArtifactStore
from bus.memory import MemoryBus
from gates.chain import run
from gates.checks import CLAIMS_MEDIA_TYPE, GATES
from gates.gatekeeper import LIVES, Gatekeeper
from gates.judged import Judged
from protocol.bodies import Action, Decision, File, Lost, Refusal, Report, Result, TaskAssignment, VerdictReport
from protocol.decoder import decode
from protocol.messages import Mark, Message, MessageType
from protocol.topics import EVERYONE, SUPERVISOR, TECH_LEAD
from protocol.verdicts import Escalate, Pass, Reject, Verdict
from tests.builders import introduce, message

TEXT = b"# Cell\n\nThe maximum voltage is 3.65 V.\nWeight: t.b.d.\n"


@pytest.fixture
def store(tmp_path: Path) -> ArtifactStore:
    return ArtifactStore(tmp_path)


def source(store: ArtifactStore) -> File:
    return store.put(TEXT, path="cell.md", media_type="text/markdown")


def claims(
    store: ArtifactStore, changed: dict[str, object] | None = None, path: str = "mission/read/facts.json"
) -> File:
    claim = {
        "id": "c1",
        "statement": "maximum voltage is 3.65 V",
        "figure": ["3.65"],
        "unit": "V",
        "document": "cell.md",
        "sha256": sha256(TEXT).hexdigest(),
        "place": "line 3",
        "quote": "The maximum voltage is 3.65 V.",
        **(changed or {}),
    }
    return store.put(json.dumps({"claims": [claim]}).encode(), path=path, media_type=CLAIMS_MEDIA_TYPE)


def judged(store: ArtifactStore, *files: File, success: bool = True, folder: str = "mission/read") -> Judged:
    report = Report(action=Action.COMPLETED, result=Result(success=success, description="d", artifacts=files))
    one = message(MessageType.TASK_COMPLETION, report, "r", task="read", attempt=1)
    assignment = TaskAssignment(title="t", skill="s", folder=folder, inputs=(source(store),))
    return Judged(one, report, assignment, store)


def decide(case: Judged) -> tuple[str, str]:
    outcome = run(GATES, case)
    return outcome.layer, "" if isinstance(outcome.verdict, Pass) else outcome.verdict.reason


def test_a_claim_that_stands_in_its_source_passes_with_evidence(store: ArtifactStore) -> None:
    outcome = run(GATES, judged(store, claims(store)))
    assert isinstance(outcome.verdict, Pass)
    assert "1 quote stands verbatim at its place" in outcome.verdict.evidence
    marks = outcome.marks
    assert {marks.layer_1_input, marks.layer_2_hallucination, marks.layer_3_boundary, marks.layer_4_output} == {
        Mark.PASSED
    }


@pytest.mark.parametrize(
    "changed",
    [
        {"quote": "The maximum voltage is 3.66 V.", "figure": ["3.66"]},
        {"place": "line 4"},
        {"place": "line 400"},
        {"figure": ["3.6"]},
        {"figure": ["4.2"]},
        {"unit": "A"},
        {"unit": "mV"},
        {"sha256": "0" * 64},
        {"quote": ""},
    ],
)
def test_a_claim_that_does_not_stand_there_is_rejected_with_the_place(
    store: ArtifactStore, changed: dict[str, object]
) -> None:
    layer, reason = decide(judged(store, claims(store, changed)))
    assert layer == "layer_2_hallucination"
    assert "1 of 1 claims do not hold: cell.md, " in reason or "not among the inputs" in reason


@pytest.mark.parametrize(
    "path",
    [
        "/etc/passwd",
        "mission/other/x.json",
        "mission/read/../../x",
        "mission/read\\..\\x",
        "facts.json",
        "mission/read",
    ],
)
def test_an_artifact_outside_the_tasks_folder_is_rejected(store: ArtifactStore, path: str) -> None:
    assert decide(judged(store, claims(store, path=path)))[0] == "layer_3_boundary"


def test_a_result_that_answers_nothing_is_rejected(store: ArtifactStore) -> None:
    case = judged(store)
    assert decide(Judged(case.message, case.report, None, store))[0] == "layer_1_input"


def test_an_input_that_was_changed_in_the_store_is_rejected(store: ArtifactStore, tmp_path: Path) -> None:
    case = judged(store)
    digest = sha256(TEXT).hexdigest()
    (tmp_path / digest[:2] / digest[2:]).write_bytes(b"something else")
    layer, reason = decide(case)
    assert layer == "layer_1_input"
    assert "the store was changed" in reason


def test_a_missing_artifact_and_a_broken_one_are_rejected(store: ArtifactStore) -> None:
    ghost = File(path="mission/read/x.txt", sha256="2" * 64, media_type="text/plain")
    assert decide(judged(store, ghost))[0] == "layer_4_output"
    broken = store.put(b"{", path="mission/read/x.json", media_type="application/json")
    assert "is not JSON" in decide(judged(store, broken))[1]


def test_a_specialist_that_reports_failure_is_rejected_at_the_output(store: ArtifactStore) -> None:
    assert decide(judged(store, success=False))[0] == "layer_4_output"


def test_a_gate_that_crashes_is_late_or_says_nothing_escalates(store: ArtifactStore) -> None:
    def crashes(_: Judged) -> Verdict:
        raise RuntimeError("boom")

    def sleeps(_: Judged) -> Verdict:
        time.sleep(30)
        return Pass()

    def holds_on(_: Judged) -> Verdict:
        while True:
            with contextlib.suppress(Exception):  # as libraries for reading documents do
                time.sleep(0.01)

    def mumbles(_: Judged) -> Verdict:
        return None  # type: ignore[return-value]  # exactly what must not count as a yes

    for gate, words in ((crashes, "boom"), (sleeps, "late"), (holds_on, "late"), (mumbles, "no verdict")):
        outcome = run({"layer_1_input": gate, "layer_2_hallucination": lambda _: Pass()}, judged(store), gate_s=0.1)
        assert isinstance(outcome.verdict, Escalate)
        assert words in outcome.verdict.reason
        assert outcome.marks.layer_1_input is Mark.ESCALATED
        assert outcome.marks.layer_2_hallucination is Mark.NOT_RUN
        assert outcome.marks.layer_5_escalation is Mark.TRIGGERED


def test_the_first_gate_that_does_not_pass_decides(store: ArtifactStore) -> None:
    asked: list[str] = []

    def gate(name: str, verdict: Verdict) -> object:
        def ask(_: Judged) -> Verdict:
            asked.append(name)
            return verdict

        return ask

    gates = {
        "layer_1_input": gate("1", Pass(("looked",))),
        "layer_2_hallucination": gate("2", Reject("no")),
        "layer_3_boundary": gate("3", Pass()),
    }
    assert run(gates, judged(store)).verdict == Reject("no")  # type: ignore[arg-type]  # plain functions
    assert asked == ["1", "2"]


def completion(store: ArtifactStore, *files: File) -> Message:
    return judged(store, *files).message


def test_the_gatekeeper_publishes_one_verdict_however_often_it_hears_a_result(store: ArtifactStore) -> None:
    bus = MemoryBus()
    introduce(bus.publisher(SUPERVISOR))
    assignment = TaskAssignment(title="t", skill="s", folder="mission/read", inputs=(source(store),))
    given = message(
        MessageType.TASK_ASSIGNMENT, assignment, "a", sender="@lead", recipient="@worker", task="read", attempt=1
    )
    bus.publisher("@lead").publish([given])
    bus.publisher("@worker").publish([completion(store, claims(store))])
    for _life in range(2):
        keeper = Gatekeeper(bus.publisher("@gatekeeper"), store)
        for entry in bus.entries:
            keeper.hear(entry)
    verdicts = [decode(e.document) for e in bus.entries if e.topic == "lead/verdict"]
    assert len(verdicts) == 1
    body = verdicts[0].body
    assert isinstance(body, VerdictReport)
    assert (body.decision, len(body.artifacts), verdicts[0].attempt) == (Decision.PASS, 1, 1)


def test_a_rejected_result_hands_on_no_artifact(store: ArtifactStore) -> None:
    keeper = Gatekeeper(MemoryBus().publisher("@gatekeeper"), store)
    body = keeper.verdict_on(completion(store, claims(store))).body
    assert isinstance(body, VerdictReport)
    assert body.decision is Decision.REJECT
    assert body.artifacts == ()
    assert TECH_LEAD not in body.reason


def test_a_result_that_ends_whoever_judges_it_is_set_aside_and_the_ladder_is_told(store: ArtifactStore) -> None:
    bus = MemoryBus()
    introduce(bus.publisher(SUPERVISOR))
    bus.publisher("@worker").publish([completion(store, claims(store))])
    for life in range(LIVES):
        lost = Lost(agent="@gatekeeper", instance=f"gatekeeper-{life}", reason="killed by signal 11")
        bus.publisher(SUPERVISOR).publish(
            [message(MessageType.LOST, lost, f"lost-{life}", sender=SUPERVISOR, recipient=EVERYONE)]
        )
    keeper = Gatekeeper(bus.publisher("@gatekeeper"), store)
    for entry in bus.entries:
        keeper.recall(entry)
    for entry in bus.entries:
        keeper.hear(entry)
    said = [decode(e.document) for e in bus.entries if b"<sender>@gatekeeper<" in e.document]
    verdict, refusal = said[0].body, said[1].body
    assert isinstance(verdict, VerdictReport)
    assert verdict.decision is Decision.ESCALATE
    assert "3 lives of the gatekeeper ended" in verdict.reason
    assert isinstance(refusal, Refusal)
    assert (said[1].recipient, refusal.refused) == ("@worker", verdict.judged)


def test_what_xml_cannot_carry_is_rejected_in_words_that_it_can(store: ArtifactStore) -> None:
    bus = MemoryBus()
    introduce(bus.publisher(SUPERVISOR))
    assignment = TaskAssignment(title="t", skill="s", folder="mission/read", inputs=(source(store),))
    given = message(
        MessageType.TASK_ASSIGNMENT, assignment, "a", sender="@lead", recipient="@worker", task="read", attempt=1
    )
    bus.publisher("@lead").publish([given])
    bus.publisher("@worker").publish([completion(store, claims(store, {"\x00\uffff": 1}))])
    keeper = Gatekeeper(bus.publisher("@gatekeeper"), store)
    for entry in bus.entries:
        keeper.hear(entry)
    [verdict] = [decode(entry.document).body for entry in bus.entries if entry.topic == "lead/verdict"]
    assert isinstance(verdict, VerdictReport)
    assert verdict.decision is Decision.REJECT
    assert "claims.0.\ufffd" in verdict.reason
