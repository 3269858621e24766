"""What a workflow is, as people write it: in YAML, in JSON, or with these classes in Python. One definition for all.

A step is done by an agent with a skill, or is a group of steps with a pattern:

    sequential   one after the other               iterative   again and again, until a criterion holds
    parallel     all at once                       pipeline    each item through the steps, stages overlapping
    conditional  then or else, by a condition

`needs` says what has to be done before; in a sequential, iterative or pipeline group a step without `needs` needs the
one above it. Conditions are read by `protocol.conditions`: STEP.VALUE == "text", < 3, exists, and, or, not.
"""

import re
from enum import Enum
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema, model_validator

from protocol.conditions import read_condition
from protocol.errors import DefinitionError
from protocol.names import Priority

_UNITS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_DURATION: Final = re.compile(r"(?:[0-9]{1,7}[smhd])+")
_NAME: Final = r"^[A-Za-z0-9][A-Za-z0-9._/\-]{0,99}$"
_BEST: Final = r"^(lowest|highest) \S+\.\S+$"
_SETTING: Final = r"[A-Za-z0-9][A-Za-z0-9._:/@#\-]{0,199}"
_LONGEST_S: Final = 10 * 365 * 86_400


class Pattern(Enum):
    SEQUENTIAL = "sequential"
    PARALLEL = "parallel"
    CONDITIONAL = "conditional"
    ITERATIVE = "iterative"
    PIPELINE = "pipeline"


CHAINED: Final = (Pattern.SEQUENTIAL, Pattern.ITERATIVE, Pattern.PIPELINE)


def seconds(value: Any) -> Any:
    """Return a duration in seconds: 90, "90s", "2m", "1h30m", "7d"."""
    found = value
    if isinstance(value, str) and _DURATION.fullmatch(value.replace(" ", "")):
        parts = re.findall(r"([0-9]+) *([smhd])", value)
        found = sum(int(number) * _UNITS[unit] for number, unit in parts)
    if isinstance(found, bool) or not isinstance(found, int):
        raise ValueError(f"{str(value)[:40]!r} is no duration; write such as 90s, 2m or 1h30m")
    if not 0 <= found <= _LONGEST_S:
        raise ValueError(f"{str(value)[:40]} is no duration from 0 s to ten years")
    return found


def _condition(text: str) -> str:
    try:
        read_condition(text)
    except DefinitionError as error:
        hint = "; equal is written ==" if re.search(r"(?<![<>=!])=(?!=)", text) else ""
        raise ValueError(f"{error}{hint}") from error
    return text


def _name(text: str) -> str:
    if not re.fullmatch(_NAME, text):
        raise ValueError(f"{text[:40]!r} is no name; use letters, digits and . _ / - (no space, no #), 100 at most")
    return text


def _best(text: str) -> str:
    if not re.fullmatch(_BEST, text):
        raise ValueError(f"{text[:40]!r} is no measure; write `lowest STEP.VALUE` or `highest STEP.VALUE`")
    return text


def _output(text: str) -> str:
    if not text or text.startswith("/") or ".." in text.split("/") or "\\" in text:
        raise ValueError(f"{text[:40]!r} is no name of a file in the step's own folder; write such as report.md")
    return text


def _limit(value: Any) -> Any:
    if seconds(value) == 0:
        raise ValueError(f"{str(value)[:40]} leaves no time at all; the least is 1s")
    return seconds(value)


def _approval(value: Any) -> Any:
    return value if isinstance(value, bool) else _limit(value)


def _listed(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


def _texts(value: Any) -> Any:
    """Return settings as texts: numbers and truths as they are written in YAML."""
    if not isinstance(value, dict):
        return value
    return {key: _text(str(key), one) for key, one in value.items()}


def _text(key: str, value: Any) -> str:
    if not re.fullmatch(_SETTING, key):
        raise ValueError(f"{key[:40]!r} is no name of a setting; use letters, digits and . _ - (no space)")
    if isinstance(value, bool):
        return str(value).lower()
    if not isinstance(value, str | int | float):
        raise ValueError(f"{key} is neither text, number, true nor false; write one of them ('' for an empty text)")
    return str(value)


# The schema is for editors: it has to allow what is read, not what it is turned into.
_DURATION_SCHEMA: Final[dict[str, Any]] = {
    "anyOf": [{"type": "integer", "minimum": 0}, {"type": "string", "pattern": r"^([0-9]{1,7} *[smhd] *)+$"}],
    "examples": ["90s", "2m", "1h30m"],
}
_NAMES_SCHEMA: Final[dict[str, Any]] = {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}
_TEXTS_SCHEMA: Final[dict[str, Any]] = {
    "type": "object",
    "additionalProperties": {"type": ["string", "number", "boolean"]},
}
Seconds = Annotated[int, BeforeValidator(seconds), WithJsonSchema(_DURATION_SCHEMA)]
Limit = Annotated[int, BeforeValidator(_limit), WithJsonSchema(_DURATION_SCHEMA)]
Condition = Annotated[str, AfterValidator(_condition)]
Names = Annotated[list[str], BeforeValidator(_listed), WithJsonSchema(_NAMES_SCHEMA)]
Gates = Annotated[list[Condition], BeforeValidator(_listed), WithJsonSchema(_NAMES_SCHEMA)]
Outputs = Annotated[
    list[Annotated[str, AfterValidator(_output)]], BeforeValidator(_listed), WithJsonSchema(_NAMES_SCHEMA)
]
Texts = Annotated[dict[str, str], BeforeValidator(_texts), WithJsonSchema(_TEXTS_SCHEMA)]
Approval = Annotated[
    bool | int, BeforeValidator(_approval), WithJsonSchema({"anyOf": [{"type": "boolean"}, _DURATION_SCHEMA]})
]
StepName = Annotated[str, AfterValidator(_name), Field(json_schema_extra={"pattern": _NAME})]
Measure = Annotated[str, AfterValidator(_best), Field(json_schema_extra={"pattern": _BEST})]


class Definition(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class Retry(Definition):
    """How often a step is tried, and how long it waits after a failure that may pass: twice as long each time."""

    attempts: int = Field(default=3, ge=1, le=100)
    backoff: Seconds = 1


class Budget(Definition):
    """What one attempt may use."""

    tokens: int = Field(ge=0)


class Depends(Definition):
    """What a kept result depends on beside its inputs: a git repository's commit and branch, files, configuration."""

    git: bool = False
    files: Names = []
    config: Texts = {}


class Cache(Definition):
    """Whether a kept result may be used instead, and how old it may be."""

    max_age: Seconds | None = None
    depends: Depends = Depends()


def _cache(value: Any) -> Any:
    if value is False or value == "off":
        return {"max_age": 0}
    if isinstance(value, bool):
        return {}
    return {"max_age": value} if isinstance(value, str | int) else value


_CACHE_SCHEMA: Final[dict[str, Any]] = {
    "anyOf": [
        {"type": "boolean"},
        {"const": "off"},
        _DURATION_SCHEMA,
        {
            "type": "object",
            "properties": {"max_age": _DURATION_SCHEMA, "depends": Depends.model_json_schema()},
            "additionalProperties": False,
        },
    ]
}


class Step(Definition):
    """One step, or a group of steps.

    with: settings for the skill. inputs: files or patterns such as docs/*.md, beside the workflow's file.
    outputs: files that the result must have. gates: conditions on the values of the result.
    otherwise: who does it when its agent cannot. fixed_by: the step that is done again when this one finds a fault.
    recall: words about which it is given what the project's memory knows.
    """

    id: StepName
    title: str = Field(default="", max_length=200)
    agent: str = ""
    skill: str = ""
    settings: Texts = Field(default={}, alias="with")
    inputs: Names = []
    outputs: Outputs = []
    needs: Names | None = None
    when: Condition | None = None
    gates: Gates = []
    retry: Retry | None = None
    timeout: Limit | None = None
    deadline: Limit | None = None
    estimate: Seconds | None = None
    budget: Budget | None = None
    priority: Priority | None = None
    critical: bool = True
    approve: Approval = False
    otherwise: Names = []
    fixed_by: str | None = None
    cache: Annotated[Cache, BeforeValidator(_cache), WithJsonSchema(_CACHE_SCHEMA)] = Cache()
    recall: str = ""

    pattern: Pattern | None = None
    steps: list["Step"] = []
    items: Names = []
    batch: int = Field(default=1, ge=1)
    until: Condition | None = None
    rounds: int | None = Field(default=None, ge=1, le=1000)
    best: Measure | None = None
    condition: Condition | None = Field(default=None, alias="if")
    then: list["Step"] = []
    otherwise_steps: list["Step"] = Field(default=[], alias="else")

    @model_validator(mode="after")
    def _has_the_keys_of_its_kind(self) -> "Step":
        own = _OF_TASKS if self.pattern is None else _OF_PATTERNS[self.pattern]
        wrong = [_alias(key) for key in type(self).model_fields if key in self.model_fields_set & (_OF_KINDS - own)]
        kind = "has no pattern" if self.pattern is None else f"is {self.pattern.value}"
        if wrong:
            raise ValueError(f"{self.id} {kind}, so it takes no {', '.join(f'`{key}`' for key in wrong)}")
        needed = _NEEDED.get(self.pattern, ("steps",))
        missing = [key for key in needed if not getattr(self, key)]
        if missing:
            raise ValueError(f"{self.id} {kind}, so it needs {', '.join(f'`{_alias(key)}`' for key in missing)}")
        if self.pattern is None and not self.agent and not self.skill:
            raise ValueError(f"{self.id} has neither `agent` nor `skill`, and no `pattern`; give it one")
        return self


# Which keys are for tasks only, and which for groups of a pattern; the others are for both.
_OF_TASKS: Final = frozenset(
    {
        *("agent", "skill", "settings", "outputs", "gates", "retry"),
        *("timeout", "deadline", "estimate", "budget", "otherwise", "fixed_by", "cache", "recall"),
    }
)
_OF_PATTERNS: Final = {
    Pattern.SEQUENTIAL: frozenset({"steps"}),
    Pattern.PARALLEL: frozenset({"steps", "items", "batch"}),
    Pattern.CONDITIONAL: frozenset({"condition", "then", "otherwise_steps"}),
    Pattern.ITERATIVE: frozenset({"steps", "until", "rounds", "best"}),
    Pattern.PIPELINE: frozenset({"steps", "items", "batch"}),
}
_OF_KINDS: Final = _OF_TASKS.union(*_OF_PATTERNS.values())
_NEEDED: Final[dict[Pattern | None, tuple[str, ...]]] = {None: (), Pattern.CONDITIONAL: ("condition", "then")}


def _alias(key: str) -> str:
    return Step.model_fields[key].alias or key


class Workflow(Definition):
    """A whole workflow.

    pattern: how its steps follow one another where they do not say what they need.
    parameters: names that stand as $NAME in the file, with their defaults; `--set NAME=VALUE` gives others.
    coordinator: where none is named, whoever leads the one team to which all its agents belong, else this one.
    skills: a Python file with skills of its own. agents: folders of agent definitions beside those that ship.
    """

    workflow: StepName
    title: str = Field(default="", max_length=200)
    pattern: Literal["sequential", "parallel"] = "sequential"
    parameters: Texts = {}
    coordinator: str = "@data-coordinator"
    skills: str | None = None
    agents: Names = []
    instances: int = Field(default=2, ge=1, le=64)
    workers: int | None = Field(default=None, ge=1)
    deadline: Limit | None = None
    snapshot_every: int = Field(default=3, ge=1)
    steps: list[Step] = Field(min_length=1)


def schema() -> dict[str, Any]:
    """Return the JSON Schema of a workflow file, for editors."""
    made = Workflow.model_json_schema(by_alias=True)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **made}
