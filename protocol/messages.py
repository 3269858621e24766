"""A message: the envelope around a body. One value here is one XML document on the bus."""

from enum import Enum
from typing import Final

from pydantic import BaseModel, ConfigDict, model_validator

from protocol import bodies
from protocol.bodies import Body, Report
from protocol.names import AgentName, Count, Identifier, Label, Priority, Timestamp


class MessageType(Enum):
    TASK_COMPLETION = "task-completion"
    ESCALATION = "escalation"
    QUESTION = "question"
    STATUS = "status"
    TASK_ASSIGNMENT = "task-assignment"
    CLAIM = "claim"
    ANSWER = "answer"
    PROGRESS = "progress"
    VERDICT = "verdict"
    MODEL_CALL = "model-call"
    TELEMETRY = "telemetry"
    ALERT = "alert"
    APPROVAL = "approval"
    WAKE_REQUEST = "wake-request"
    WAKE = "wake"
    LOST = "lost"
    REFUSAL = "refusal"
    CONTROL = "control"


BODIES: Final[dict[MessageType, type[Body]]] = {
    MessageType.TASK_COMPLETION: Report,
    MessageType.ESCALATION: Report,
    MessageType.QUESTION: Report,
    MessageType.STATUS: Report,
    MessageType.TASK_ASSIGNMENT: bodies.TaskAssignment,
    MessageType.CLAIM: bodies.Claim,
    MessageType.ANSWER: bodies.Answer,
    MessageType.PROGRESS: bodies.Progress,
    MessageType.VERDICT: bodies.VerdictReport,
    MessageType.MODEL_CALL: bodies.ModelCall,
    MessageType.TELEMETRY: bodies.Telemetry,
    MessageType.ALERT: bodies.Alert,
    MessageType.APPROVAL: bodies.Approval,
    MessageType.WAKE_REQUEST: bodies.WakeRequest,
    MessageType.WAKE: bodies.Wake,
    MessageType.LOST: bodies.Lost,
    MessageType.REFUSAL: bodies.Refusal,
    MessageType.CONTROL: bodies.Control,
}


class Integrity(Enum):
    TRUSTED = "trusted"
    UNTRUSTED = "untrusted"


class Confidentiality(Enum):
    PUBLIC = "public"
    PRIVATE = "private"


class Mark(Enum):
    """What a gate said, however its tick was spelled on the way."""

    PASSED = "✓ Passed"
    REJECTED = "✗ Rejected"
    ESCALATED = "Escalated"
    TRIGGERED = "Triggered"
    NOT_TRIGGERED = "Not triggered"
    NOT_RUN = "Not run"

    @classmethod
    def _missing_(cls, value: object) -> "Mark | None":
        # Spellings the schema admits besides ours: no tick, a tick decoded wrongly, and "Failed".
        word = str(value).rpartition(" ")[2] if str(value) not in ("Not triggered", "Not run") else ""
        return {"Passed": cls.PASSED, "Rejected": cls.REJECTED, "Failed": cls.REJECTED}.get(word)


class Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class QualityGates(Frozen):
    """The five gates in their order."""

    layer_1_input: Mark = Mark.NOT_RUN
    layer_2_hallucination: Mark = Mark.NOT_RUN
    layer_3_boundary: Mark = Mark.NOT_RUN
    layer_4_output: Mark = Mark.NOT_RUN
    layer_5_escalation: Mark = Mark.NOT_TRIGGERED


class Usage(Frozen):
    """What a language model used. cost_nano_usd None: the price is not known, which is not zero."""

    provider: Label
    model: Label
    input_tokens: Count = 0
    output_tokens: Count = 0
    cache_read_tokens: Count = 0
    cache_write_tokens: Count = 0
    cost_nano_usd: Count | None = None


class Message(Frozen):
    """One message between agents.

    id: None only in files that `orchestra validate` reads; on the bus it is required.
    timestamp_ns: nanoseconds since 1970-01-01T00:00Z. cause: the id of the message this one answers.
    """

    sender: AgentName
    recipient: AgentName
    type: MessageType
    priority: Priority = Priority.NORMAL
    task: Identifier
    parent_task: Identifier | None = None
    timestamp_ns: Timestamp
    id: Identifier | None = None
    mission: Identifier | None = None
    cause: Identifier | None = None
    attempt: Count | None = None
    integrity: Integrity | None = None
    confidentiality: Confidentiality | None = None
    body: Body
    usage: Usage | None = None
    gates: QualityGates | None = None

    @model_validator(mode="after")
    def _body_is_what_the_type_says(self) -> "Message":
        expected = BODIES[self.type]
        if type(self.body) is not expected:
            raise ValueError(f"a {self.type.value} carries {expected.__name__}, not {type(self.body).__name__}")
        return self
