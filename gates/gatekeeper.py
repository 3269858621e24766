"""The gatekeeper: the process between a claim and anybody who might build on it.

It hears everything, remembers what was assigned, and answers each task-completion with one verdict whose
id follows from the result's: judging twice, in two lives, still gives one verdict in the journal.
"""

import re
import time
from collections.abc import Callable, Mapping
from hashlib import sha256
from typing import Final

import structlog

from bus.artifacts import ArtifactStore
from bus.follower import durable
from bus.publisher import Publisher
from bus.records import Entry
from bus.run import RunFolder
from bus.subscriber import Subscriber
from bus.transport import Publishing
from gates import chain
from gates.checks import GATES
from gates.judged import Gate, Judged, inputs_of
from protocol.bodies import (
    Action,
    Control,
    Decision,
    Lost,
    Refusal,
    Report,
    TaskAssignment,
    Verb,
    VerdictReport,
)
from protocol.decoder import reread
from protocol.ids import derived
from protocol.messages import Message, MessageType
from protocol.names import Priority
from protocol.topics import GATEKEEPER
from protocol.verdicts import Escalate, Pass, Reject, Verdict

# What one more document may cost a gate that reads it: a drawing of a few megabytes takes pypdf some seconds.
_INPUT_SECONDS: Final = 5.0
# A result on which so many lives of the gatekeeper ended is not judged again: the next one would end too.
LIVES: Final = 3
_RECALLED: Final = {kind.value for kind in (MessageType.TASK_COMPLETION, MessageType.VERDICT, MessageType.LOST)}
# Source: XML 1.0, production 2, Char.
_UNSAYABLE: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_DECISIONS: Final = {Pass: Decision.PASS, Reject: Decision.REJECT, Escalate: Decision.ESCALATE}


class Gatekeeper:
    """Judges results. `hear` is the whole of it."""

    def __init__(
        self,
        publisher: Publishing,
        store: ArtifactStore,
        gates: Mapping[str, Gate] = GATES,
        clock_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        self._publisher, self._store, self._gates, self._clock_ns = publisher, store, gates, clock_ns
        self._assigned: dict[tuple[str, str, int | None], TaskAssignment] = {}
        self._judged: set[str] = set()
        self._waiting: dict[str, int] = {}

    def hear(self, entry: Entry) -> None:
        """Deal with one entry completely: remember an assignment or a change, or judge a result and say so."""
        kind = entry.topic.rpartition("/")[2]
        if kind == MessageType.TASK_ASSIGNMENT.value:
            message = reread(entry.document)
            if isinstance(message.body, TaskAssignment):
                self._assigned[message.recipient, message.task, message.attempt] = message.body
        elif kind == MessageType.CONTROL.value:
            self._hear_change(reread(entry.document))
        elif kind == MessageType.TASK_COMPLETION.value:
            message = reread(entry.document)
            if message.id not in self._judged:
                self._publisher.publish(self._answers(message))

    def _hear_change(self, message: Message) -> None:
        """Somebody's plan is another now; it is what the mission's own result is held against."""
        body = message.body
        if not isinstance(body, Control) or body.verb is not Verb.SET or body.plan is None:
            return
        for key, assignment in self._assigned.items():
            if key[0] == message.recipient and assignment.plan is not None:
                self._assigned[key] = assignment.model_copy(update={"plan": body.plan})

    def recall(self, entry: Entry) -> None:
        """Learn from the journal, after a restart, what was judged, and on which result earlier lives ended."""
        kind = entry.topic.rpartition("/")[2]
        if kind not in _RECALLED:
            return
        message = reread(entry.document)
        if kind == MessageType.TASK_COMPLETION.value:
            self._waiting.setdefault(message.id or "", 0)
        elif kind == MessageType.VERDICT.value:
            self._judged.add(message.cause or "")
            self._waiting.pop(message.cause or "", None)
        elif isinstance(message.body, Lost) and message.body.agent == GATEKEEPER and self._waiting:
            first = next(iter(self._waiting))  # results are judged in their order
            self._waiting[first] += 1

    def _answers(self, message: Message) -> list[Message]:
        """Return the verdict; of a result that ends whoever judges it, an escalation, and a refusal to its sender."""
        lives = self._waiting.get(message.id or "", 0)
        if lives < LIVES:
            return [self.verdict_on(message)]
        reason = f"{lives} lives of the gatekeeper ended while judging it; it was set aside"
        verdict = self.verdict_on(message, {"layer_1_input": lambda _judged: Escalate(reason)})
        body = Refusal(code="set-aside", reason=reason, refused=message.id)
        identity = derived("set-aside", message.id)
        told = {"recipient": message.sender, "type": MessageType.REFUSAL, "id": identity, "body": body, "gates": None}
        return [verdict, verdict.model_copy(update=told)]

    def verdict_on(self, message: Message, gates: Mapping[str, Gate] | None = None) -> Message:
        """Return the verdict on a task-completion. gates: others than this gatekeeper's own."""
        report = message.body if isinstance(message.body, Report) else Report(action=Action.BLOCKED)
        assignment = self._assigned.get((message.sender, message.task, message.attempt))
        judged = Judged(message, report, assignment, self._store)
        outcome = chain.run(
            gates or self._gates, judged, chain.GATE_SECONDS + _INPUT_SECONDS * len(tuple(inputs_of(judged)))
        )
        return Message(
            sender=GATEKEEPER,
            recipient=message.recipient,
            type=MessageType.VERDICT,
            priority=Priority.HIGH,
            task=message.task,
            parent_task=message.parent_task,
            timestamp_ns=self._clock_ns(),
            id=derived("verdict", message.id),
            mission=message.mission,
            cause=message.id,
            attempt=message.attempt,
            integrity=message.integrity,
            body=_body(outcome, report, message.id or ""),
            gates=outcome.marks,
        )


def _body(outcome: chain.Outcome, report: Report, judged: str) -> VerdictReport:
    """Return what the verdict says; artifacts are named only where all gates passed."""
    passed = isinstance(outcome.verdict, Pass)
    return VerdictReport(
        decision=_DECISIONS[type(outcome.verdict)],
        judged=judged,
        reason=_reason(outcome.verdict, outcome.layer),
        description=report.result.description if report.result else "",
        evidence=(*map(_sayable, outcome.verdict.evidence), *(() if passed else _rejected(report))),
        artifacts=report.result.artifacts if passed and report.result else (),
        error_details=None if passed else report.error_details,
        values=report.result.values if passed and report.result else (),
    )


def _rejected(report: Report) -> tuple[str, ...]:
    """Return what was rejected, as a digest: whether the next attempt comes to the same can be told by it."""
    if report.result is None:
        return ()
    files = [(file.path, file.sha256) for file in report.result.artifacts]
    values = [(value.name, value.value) for value in report.result.values]
    return (f"rejected result {sha256(repr((files, values)).encode()).hexdigest()}",)


def _reason(verdict: Verdict, layer: str) -> str:
    if isinstance(verdict, Pass):
        return _sayable("; ".join(verdict.evidence)) or "all gates passed"
    return _sayable(f"{layer.replace('_', ' ')}: {verdict.reason}"[:65536])


def _sayable(text: str) -> str:
    """A reason may quote what was rejected; what XML cannot carry must not end the one who has to reject it."""
    return _UNSAYABLE.sub("\ufffd", text)


def serve(run: RunFolder) -> None:
    """Run the gatekeeper as a process until the supervisor stops it."""
    publisher = Publisher(run, GATEKEEPER, facts={"role": "gatekeeper"})
    keeper = Gatekeeper(publisher, ArtifactStore(run.artifacts))
    log = structlog.get_logger().bind(agent=GATEKEEPER)
    for entry in durable(run):
        keeper.recall(entry)
    subscriber = Subscriber(run, None)
    while True:
        heard = subscriber.receive(1.0)
        if heard is None:
            publisher.beat({"state": "idle", "position": subscriber.position})
            continue
        if heard.topic.endswith("/task-completion"):
            publisher.beat({"state": "judging", "position": heard.sequence})
            log.info("judging", sequence=heard.sequence)
        keeper.hear(heard)
