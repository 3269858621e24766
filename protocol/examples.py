"""One example of every message type: documentation, templates and the first test of the schema."""

from decimal import Decimal
from typing import Final

from protocol import bodies as b
from protocol.messages import Integrity, Mark, Message, MessageType, QualityGates, Usage
from protocol.names import Priority

_DIGEST: Final = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
_NS: Final = 1_795_253_400_250_000_000  # 2026-11-21T09:30:00.25Z
_FACTS: Final = b.File(
    path="extract/1/facts.json", sha256=_DIGEST, bytes=1840, media_type="application/json", summary="12 facts"
)
_SOURCE: Final = b.File(path="datasheet.md", sha256=_DIGEST, bytes=1453, media_type="text/markdown")
_TASK: Final = b.PlannedTask(
    id="extract/1", agent="@fact-extractor", skill="extract-facts", title="Extract datasheet.md", inputs=(_SOURCE,)
)

_GROUP: Final = b.PlannedTask(
    id="improve",
    agent="@spec-coordinator",
    skill="run-plan",
    title="Improve the summary until it is short",
    needs=("extract/1",),
    when="extract/1.facts > 0",
    group=b.Group(pattern=b.Pattern.REPEAT, rounds=3, until="shorten.words < 200", best="lowest shorten.words"),
)
_PART: Final = b.PlannedTask(
    id="shorten",
    agent="@fact-writer",
    skill="shorten",
    within="improve",
    title="Shorten the summary",
    accept=("words > 0",),
    policy=b.Policy(priority=Priority.HIGH, attempts=2, critical=False, alternatives=("@documentation-writer",)),
)

_BODIES: Final[dict[MessageType, b.Body]] = {
    MessageType.TASK_COMPLETION: b.Report(
        action=b.Action.COMPLETED,
        result=b.Result(
            success=True,
            description="12 facts from 1 document",
            artifacts=(_FACTS,),
            basis=("read",),
            values=(b.Value(name="facts", value="12"),),
        ),
        work=b.Work(tool_calls=2, files_read=1, lines_generated=96),
    ),
    MessageType.ESCALATION: b.Report(
        action=b.Action.ESCALATING,
        error_details=b.ErrorDetails(
            level=b.ErrorLevel.TECH_LEAD,
            category=b.ErrorCategory.VALIDATION,
            message="three attempts were rejected: the quote on line 12 is not in the document",
            attempted_recovery="assigned again twice with the verdict as feedback",
            transient=False,
            kind="rejected",
        ),
    ),
    MessageType.QUESTION: b.Report(
        action=b.Action.PENDING, question="Is 70 V or 60 V the limit?", options=("60 V", "70 V")
    ),
    MessageType.STATUS: b.Report(
        action=b.Action.PENDING, metrics=(b.Metric(name="tasks-done", unit="tasks", value=Decimal(7)),)
    ),
    MessageType.TASK_ASSIGNMENT: b.TaskAssignment(
        title="Extract datasheet.md",
        skill="extract-facts",
        folder="extract/1",
        inputs=(_SOURCE,),
        feedback="line 12: the quote is not in the document",
        timeout_s=120,
        accept=("facts > 0",),
        max_age_s=86_400,
        strategy="rejected/retry-with-feedback",
    ),
    MessageType.CLAIM: b.Claim(instance="fact-extractor-1.0", lease_s=120),
    MessageType.ANSWER: b.Answer(choice="60 V", text="the installation manual is binding"),
    MessageType.PROGRESS: b.Progress(
        note="page 3 of 8 read", done=3, total=8, step="read-3", request_hash=_DIGEST, product=_FACTS
    ),
    MessageType.VERDICT: b.VerdictReport(
        decision=b.Decision.PASS,
        judged="5d0c0c1e-6a3b-5a52-8a39-2f6a0b6d0c11",
        reason="every quote is verbatim",
        description="12 facts from 1 document",
        evidence=("12 quotes found at their places",),
        artifacts=(_FACTS,),
        values=(b.Value(name="facts", value="12"),),
    ),
    MessageType.MODEL_CALL: b.ModelCall(
        step="critique", request_hash=_DIGEST, response=_FACTS, latency_ms=840, cache_hit=False
    ),
    MessageType.TELEMETRY: b.Telemetry(
        device="pack-1",
        taken=_NS,
        readings=(
            b.Reading(name="cell-1-voltage", unit="V", quality=b.Quality.GOOD, value=Decimal("3.273")),
            b.Reading(name="current", unit="A", quality=b.Quality.SUSPECT, value=Decimal("-6.54")),
        ),
    ),
    MessageType.ALERT: b.Alert(
        code="cell-over-voltage",
        severity=b.Severity.CRITICAL,
        state=b.AlertState.RAISED,
        text="cell 7 is above its limit",
        value=Decimal("3.671"),
        limit=Decimal("3.65"),
    ),
    MessageType.APPROVAL: b.Approval(
        subject="5d0c0c1e-6a3b-5a52-8a39-2f6a0b6d0c11",
        decision=b.Consent.GRANTED,
        reason="limits read back and right",
        person="R. Meyer",
    ),
    MessageType.WAKE_REQUEST: b.WakeRequest(key="extract/1#2", due=_NS),
    MessageType.WAKE: b.Wake(key="extract/1#2", due=_NS),
    MessageType.LOST: b.Lost(
        agent="@fact-extractor", instance="fact-extractor-1.0", reason="killed by signal 9", exit_code=-9
    ),
    MessageType.REFUSAL: b.Refusal(
        code="invalid", reason="level: 7 is not one of 1, 2, 3, 4", line=21, column=7, quarantined=_DIGEST
    ),
    MessageType.CONTROL: b.Control(
        verb=b.Verb.START,
        subject="spec-facts",
        settings=(b.Setting(name="coordinator", value="@spec-coordinator"),),
        plan=b.Plan(tasks=(_TASK, _GROUP, _PART), workers=4, snapshot_every=3),
    ),
}


def example(kind: MessageType) -> Message:
    """Return a complete message of this type."""
    has_usage = kind is MessageType.MODEL_CALL
    has_gates = kind in (MessageType.TASK_COMPLETION, MessageType.VERDICT)
    return Message(
        sender="@fact-extractor",
        recipient="@spec-coordinator",
        type=kind,
        priority=Priority.NORMAL,
        task="extract/1",
        parent_task="mission",
        timestamp_ns=_NS,
        id="0d5f6f0e-53a3-5d5b-9f0c-7f1f6a1e2b33",
        mission="spec-facts-20261121-093000",
        cause="b7f1c7de-1f5b-5c9e-8d55-5a9b9e0a4c77",
        attempt=1,
        integrity=Integrity.UNTRUSTED,
        body=_BODIES[kind],
        usage=Usage(provider="scripted", model="scripted", input_tokens=900, output_tokens=120) if has_usage else None,
        gates=QualityGates(layer_1_input=Mark.PASSED) if has_gates else None,
    )
