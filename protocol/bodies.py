"""What messages say: one frozen model for each payload, in the order of the schema's elements.

Field names are the element names with underscores for dashes. `Attribute` marks what is written as an
attribute, `Content` the text of an element that has attributes, `Items(tag)` a list inside a wrapper.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Annotated, Final

from annotated_types import GroupedMetadata, MaxLen
from pydantic import BaseModel, ConfigDict

from protocol.names import (
    MAX_ITEMS,
    AgentName,
    Count,
    Identifier,
    Integer,
    Label,
    MediaType,
    Number,
    Path,
    Priority,
    Sha256,
    Text,
    Timestamp,
    Unit,
)


@dataclass(frozen=True, slots=True)
class Items(GroupedMetadata):
    """A tuple is written as a wrapper element around one element named tag for each of up to MAX_ITEMS items."""

    tag: str

    def __iter__(self) -> Iterator[MaxLen]:
        yield MaxLen(MAX_ITEMS)


class _Marker(Enum):
    ATTRIBUTE = "attribute"
    CONTENT = "content"


Attribute: Final = _Marker.ATTRIBUTE
Content: Final = _Marker.CONTENT


class Body(BaseModel):
    """Anything that stands inside a payload."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Action(Enum):
    COMPLETED = "completed"
    PENDING = "pending"
    BLOCKED = "blocked"
    ESCALATING = "escalating"


class ErrorLevel(Enum):
    """Who has to act."""

    SPECIALIST = "1"
    COORDINATOR = "2"
    TECH_LEAD = "3"
    PERSON = "4"


class ErrorCategory(Enum):
    EXECUTION = "execution"
    VALIDATION = "validation"
    INTEGRATION = "integration"
    ARCHITECTURAL = "architectural"


class File(Body):
    """A file by reference: its bytes lie in the artifact store under sha256."""

    path: Annotated[Path, Attribute]
    sha256: Annotated[Sha256 | None, Attribute] = None
    bytes: Annotated[Count | None, Attribute] = None
    media_type: Annotated[MediaType | None, Attribute] = None
    summary: Annotated[Text, Content] = ""


class Value(Body):
    """One named value of a result, on which conditions can be put (`protocol.conditions`)."""

    name: Annotated[Identifier, Attribute]
    value: Annotated[Text, Content]


class Result(Body):
    """What came out of a task, and which journaled steps it rests on."""

    success: bool
    description: Text
    artifacts: Annotated[tuple[File, ...], Items("file")] = ()
    basis: Annotated[tuple[Identifier, ...], Items("step")] = ()
    values: Annotated[tuple[Value, ...], Items("value")] = ()


class ErrorDetails(Body):
    """kind: of an escalation, what kind of failure led to it (`protocol.failures.Kind`)."""

    level: ErrorLevel
    category: ErrorCategory
    message: Text
    attempted_recovery: Text | None = None
    transient: bool | None = None
    kind: Identifier | None = None


class Work(Body):
    """The effort behind a result, as counts."""

    tool_calls: Count = 0
    files_read: Count = 0
    lines_generated: Count = 0
    errors: Count = 0
    context_tokens: Count = 0


class Metric(Body):
    name: Annotated[Identifier, Attribute]
    unit: Annotated[Unit | None, Attribute] = None
    value: Annotated[Number, Content]


class Report(Body):
    """The payload of task-completion, escalation, question and status."""

    action: Action
    result: Result | None = None
    error_details: ErrorDetails | None = None
    question: Text | None = None
    options: Annotated[tuple[Text, ...], Items("option")] = ()
    work: Work | None = None
    metrics: Annotated[tuple[Metric, ...], Items("metric")] = ()


class Setting(Body):
    name: Annotated[Identifier, Attribute]
    value: Annotated[Text, Content]


class Policy(Body):
    """How a task is treated. What is None has the coordinator's default.

    fixed_by: the task that is done again, with this one's fault as feedback, when this one is rejected.
    max_age_s: how old a kept result may be to be used instead; 0: none may.
    """

    priority: Priority | None = None
    timeout_s: Count | None = None
    deadline_s: Count | None = None
    attempts: Count | None = None
    backoff_s: Count | None = None
    critical: bool | None = None
    approve: bool | None = None
    approve_within_s: Count | None = None
    estimate_s: Count | None = None
    max_tokens: Count | None = None
    max_age_s: Count | None = None
    fixed_by: Identifier | None = None
    alternatives: Annotated[tuple[AgentName, ...], Items("alternative")] = ()


class Pattern(Enum):
    """How often the parts of a group are done: once, once for each item, or until a criterion holds."""

    ONCE = "once"
    EACH = "each"
    REPEAT = "repeat"


class Group(Body):
    """What makes a planned task a group. batch: files that make one item; best: such as "lowest score.errors"."""

    pattern: Pattern
    batch: Count | None = None
    rounds: Count | None = None
    until: Text | None = None
    best: Text | None = None


class PlannedTask(Body):
    """One node of a plan: who does it, with what, after which other tasks.

    within: the group of which it is a part. when, accept: conditions, as `protocol.conditions` reads them.
    outputs: the names of the files that its result must have, in the folder of the task.
    """

    id: Annotated[Identifier, Attribute]
    agent: Annotated[AgentName, Attribute]
    skill: Annotated[Identifier, Attribute]
    within: Annotated[Identifier | None, Attribute] = None
    title: Label
    needs: Annotated[tuple[Identifier, ...], Items("need")] = ()
    inputs: Annotated[tuple[File, ...], Items("file")] = ()
    settings: Annotated[tuple[Setting, ...], Items("setting")] = ()
    when: Text | None = None
    accept: Annotated[tuple[Text, ...], Items("condition")] = ()
    outputs: Annotated[tuple[Path, ...], Items("output")] = ()
    policy: Policy | None = None
    group: Group | None = None


class Plan(Body):
    """A graph of tasks: what needs nothing starts at once, the rest waits for what it needs.

    workers: how many tasks may be under way at once; None: as many as are ready.
    """

    tasks: Annotated[tuple[PlannedTask, ...], MaxLen(MAX_ITEMS)] = ()
    workers: Count | None = None
    deadline_s: Count | None = None
    snapshot_every: Count | None = None


class TaskAssignment(Body):
    """A task given to an agent: a skill to run on inputs, or for a coordinator a plan.

    folder: where the task's artifact paths must lie. feedback: why the last attempt was rejected.
    accept: conditions on the values of the result. outputs: the files that it must have.
    strategy: how this attempt means to do better than the last.
    """

    title: Label
    skill: Identifier
    folder: Path
    inputs: Annotated[tuple[File, ...], Items("file")] = ()
    settings: Annotated[tuple[Setting, ...], Items("setting")] = ()
    feedback: Text | None = None
    timeout_s: Count | None = None
    plan: Plan | None = None
    accept: Annotated[tuple[Text, ...], Items("condition")] = ()
    outputs: Annotated[tuple[Path, ...], Items("output")] = ()
    max_tokens: Count | None = None
    max_age_s: Count | None = None
    strategy: Identifier | None = None


class Claim(Body):
    """An instance takes an attempt of a task; the broker admits the first claim only."""

    instance: Identifier
    lease_s: Count


class Answer(Body):
    """What was decided about a question or an escalation. person: who did, where a person has."""

    choice: Label
    text: Text | None = None
    person: Label | None = None


class Progress(Body):
    """How far a task is; with step, request_hash and product the next attempt can reuse it."""

    note: Text
    done: Count | None = None
    total: Count | None = None
    step: Identifier | None = None
    request_hash: Sha256 | None = None
    product: File | None = None


class Decision(Enum):
    PASS = "pass"
    REJECT = "reject"
    ESCALATE = "escalate"


class VerdictReport(Body):
    """The gatekeeper's answer to a task-completion; only the artifacts named here may be built upon."""

    decision: Decision
    judged: Identifier
    reason: Text
    description: Text
    evidence: Annotated[tuple[Text, ...], Items("item")] = ()
    artifacts: Annotated[tuple[File, ...], Items("file")] = ()
    error_details: ErrorDetails | None = None
    values: Annotated[tuple[Value, ...], Items("value")] = ()


class ModelCall(Body):
    """One call of a language model; its usage stands in the envelope."""

    step: Identifier
    request_hash: Sha256
    response: File
    latency_ms: Count
    cache_hit: bool


class Quality(Enum):
    GOOD = "good"
    SUSPECT = "suspect"
    STALE = "stale"
    ABSENT = "absent"

    @property
    def is_usable(self) -> bool:
        """Whether the value was read now, doubted or not."""
        return self in (Quality.GOOD, Quality.SUSPECT)


class Reading(Body):
    """One value a device gave. Current is positive into the battery."""

    name: Annotated[Identifier, Attribute]
    unit: Annotated[Unit, Attribute]
    quality: Annotated[Quality, Attribute]
    value: Annotated[Number, Content]


class Telemetry(Body):
    device: Identifier
    taken: Timestamp
    readings: Annotated[tuple[Reading, ...], Items("reading")] = ()


class Severity(Enum):
    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"


class AlertState(Enum):
    RAISED = "raised"
    ACKNOWLEDGED = "acknowledged"
    CLEARED = "cleared"


class Alert(Body):
    """kind: what kind of failure raised it, where one did (`protocol.failures.Kind`)."""

    code: Identifier
    severity: Severity
    state: AlertState
    text: Text
    value: Number | None = None
    limit: Number | None = None
    kind: Identifier | None = None


class Consent(Enum):
    REQUESTED = "requested"
    GRANTED = "granted"
    DENIED = "denied"


class Approval(Body):
    """A person is asked for, grants or denies what a message proposes. due: until when an answer counts."""

    subject: Identifier
    decision: Consent
    reason: Text
    person: Label | None = None
    due: Timestamp | None = None


class WakeRequest(Body):
    key: Identifier
    due: Timestamp


class Wake(Body):
    key: Identifier
    due: Timestamp


class Lost(Body):
    """A process has died or fallen silent; whatever it held has to be given out again."""

    agent: AgentName
    instance: Identifier
    reason: Text
    exit_code: Integer | None = None


class Refusal(Body):
    """Somebody would not take a message; quarantined is the digest of the bytes kept."""

    code: Identifier
    reason: Text
    line: Count | None = None
    column: Count | None = None
    refused: Identifier | None = None
    quarantined: Sha256 | None = None


class Verb(Enum):
    EPOCH = "epoch"
    PRESENT = "present"
    START = "start"
    STOP = "stop"
    CANCEL = "cancel"
    SET = "set"
    FORK = "fork"


class Control(Body):
    """A fact about the run itself: who is there, what starts, what a person changed."""

    verb: Verb
    subject: Label | None = None
    settings: Annotated[tuple[Setting, ...], Items("setting")] = ()
    plan: Plan | None = None
