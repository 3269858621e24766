"""One example of every message type: documentation, templates and the first test of the schema."""

from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from typing import Final

from protocol import bodies as b
from protocol.messages import Integrity, Mark, Message, MessageType, QualityGates, Usage
from protocol.names import Priority

_DIGEST: Final = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
_NS: Final = 1_795_253_400_250_000_000  # 2026-11-21T09:30:00.25Z


@dataclass(frozen=True, slots=True)
class Part:
    """Between whom an example stands, and about which task.

    specialist: who does the task; coordinator: who gave it out. One of them, or somebody else, sends and receives.
    outcome, counted, product: what came of it in words, the name of a value, and a file.
    """

    sender: str = "@fact-extractor"
    recipient: str = "@spec-coordinator"
    specialist: str = "@fact-extractor"
    coordinator: str = "@spec-coordinator"
    skill: str = "extract-facts"
    task: str = "extract/1"
    title: str = "Extract datasheet.md"
    outcome: str = "12 facts from 1 document"
    counted: str = "facts"
    product: str = "facts.json"

    @property
    def instance(self) -> str:
        return f"{self.specialist[1:]}-1.0"


_EXTRACTING: Final = Part()
_SOURCE: Final = b.File(path="datasheet.md", sha256=_DIGEST, bytes=1453, media_type="text/markdown")


def _product(part: Part) -> b.File:
    return b.File(
        path=f"{part.task}/{part.product}",
        sha256=_DIGEST,
        bytes=1840,
        media_type="application/json" if part.product.endswith(".json") else "text/markdown",
        summary=part.outcome.partition(" from ")[0],
    )


def plan_of(part: Part) -> b.Plan:
    """Return a plan with the task of an example, and a group that goes on with what it makes."""
    task = b.PlannedTask(id=part.task, agent=part.specialist, skill=part.skill, title=part.title, inputs=(_SOURCE,))
    group = b.PlannedTask(
        id="improve",
        agent=part.coordinator,
        skill="run-plan",
        title="Improve the summary until it is short",
        needs=(part.task,),
        when=f"{part.task}.{part.counted} > 0",
        group=b.Group(pattern=b.Pattern.REPEAT, rounds=3, until="shorten.words < 200", best="lowest shorten.words"),
    )
    inside = b.PlannedTask(
        id="shorten",
        agent="@fact-writer",
        skill="shorten",
        within="improve",
        title="Shorten the summary",
        accept=("words > 0",),
        policy=b.Policy(priority=Priority.HIGH, attempts=2, critical=False, alternatives=("@documentation-writer",)),
    )
    return b.Plan(tasks=(task, group, inside), workers=4, snapshot_every=3)


@lru_cache(maxsize=64)
def _bodies(part: Part) -> dict[MessageType, b.Body]:
    return {**_reports(part), **_of_tasks(part), **_of_devices(), **_of_the_run(part)}


def _reports(part: Part) -> dict[MessageType, b.Body]:
    made = _product(part)
    return {
        MessageType.TASK_COMPLETION: b.Report(
            action=b.Action.COMPLETED,
            result=b.Result(
                success=True,
                description=part.outcome,
                artifacts=(made,),
                basis=("read",),
                values=(b.Value(name=part.counted, value="12"),),
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
        MessageType.PROGRESS: b.Progress(
            note="page 3 of 8 read", done=3, total=8, step="read-3", request_hash=_DIGEST, product=made
        ),
    }


def _of_tasks(part: Part) -> dict[MessageType, b.Body]:
    made = _product(part)
    return {
        MessageType.TASK_ASSIGNMENT: b.TaskAssignment(
            title=part.title,
            skill=part.skill,
            folder=part.task,
            inputs=(_SOURCE,),
            feedback="line 12: the quote is not in the document",
            timeout_s=120,
            accept=(f"{part.counted} > 0",),
            max_age_s=86_400,
            strategy="rejected/retry-with-feedback",
        ),
        MessageType.CLAIM: b.Claim(instance=part.instance, lease_s=120),
        MessageType.ANSWER: b.Answer(choice="60 V", text="the installation manual is binding"),
        MessageType.VERDICT: b.VerdictReport(
            decision=b.Decision.PASS,
            judged="5d0c0c1e-6a3b-5a52-8a39-2f6a0b6d0c11",
            reason="every quote is verbatim",
            description=part.outcome,
            evidence=("12 quotes found at their places",),
            artifacts=(made,),
            values=(b.Value(name=part.counted, value="12"),),
        ),
        MessageType.MODEL_CALL: b.ModelCall(
            step="critique", request_hash=_DIGEST, response=made, latency_ms=840, cache_hit=False
        ),
        MessageType.APPROVAL: b.Approval(
            subject="5d0c0c1e-6a3b-5a52-8a39-2f6a0b6d0c11",
            decision=b.Consent.GRANTED,
            reason="limits read back and right",
            person="R. Meyer",
        ),
    }


def _of_devices() -> dict[MessageType, b.Body]:
    return {
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
    }


def _of_the_run(part: Part) -> dict[MessageType, b.Body]:
    return {
        MessageType.WAKE_REQUEST: b.WakeRequest(key=f"{part.task}#2", due=_NS),
        MessageType.WAKE: b.Wake(key=f"{part.task}#2", due=_NS),
        MessageType.LOST: b.Lost(
            agent=part.specialist, instance=part.instance, reason="killed by signal 9", exit_code=-9
        ),
        MessageType.REFUSAL: b.Refusal(
            code="invalid", reason="level: 7 is not one of 1, 2, 3, 4", line=21, column=7, quarantined=_DIGEST
        ),
        MessageType.CONTROL: b.Control(
            verb=b.Verb.START,
            subject="spec-facts",
            settings=(b.Setting(name="coordinator", value=part.coordinator),),
            plan=plan_of(part),
        ),
    }


def example(kind: MessageType, part: Part = _EXTRACTING) -> Message:
    """Return a complete message of this type. part: between whom, and about which task."""
    has_usage = kind is MessageType.MODEL_CALL
    has_gates = kind in (MessageType.TASK_COMPLETION, MessageType.VERDICT)
    return Message(
        sender=part.sender,
        recipient=part.recipient,
        type=kind,
        priority=Priority.NORMAL,
        task=part.task,
        parent_task="mission",
        timestamp_ns=_NS,
        id="0d5f6f0e-53a3-5d5b-9f0c-7f1f6a1e2b33",
        mission="spec-facts-20261121-093000",
        cause="b7f1c7de-1f5b-5c9e-8d55-5a9b9e0a4c77",
        attempt=1,
        integrity=Integrity.UNTRUSTED,
        body=_bodies(part)[kind],
        usage=Usage(provider="scripted", model="scripted", input_tokens=900, output_tokens=120) if has_usage else None,
        gates=QualityGates(layer_1_input=Mark.PASSED) if has_gates else None,
    )
