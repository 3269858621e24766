"""assessment.json: what was found out about the packs of a device in one window, or over a whole watch."""

from decimal import Decimal
from typing import ClassVar, Final

from pydantic import Field, model_validator

from gates.telemetry.kinds import MAX_EVIDENCE, Kind
from gates.telemetry.window import STAMP_POWER, TimeNs
from gates.values import Value
from protocol.names import Identifier

ASSESSMENT: Final = "application/vnd.orchestra.assessment+json"
NAME: Final = "assessment.json"


class Evidence(Value):
    """A good reading that a finding rests on. name: of the reading, such as "cell-3-voltage"."""

    MAX_POWER: ClassVar[int] = STAMP_POWER

    taken_ns: TimeNs
    name: Identifier
    value: Decimal


class Finding(Value):
    """What was found out of one kind about one pack. unit: as pint writes it; text: in plain words.

    value: None where it cannot be told, and then `unknown` says why; else that is "".
    """

    # Of the largest voltage and current that readings can have, the energy of a year.
    MAX_POWER: ClassVar[int] = 36

    pack: Identifier
    kind: Kind
    value: Decimal | None
    unit: str
    text: str
    unknown: str = ""
    evidence: tuple[Evidence, ...] = Field(default=(), max_length=MAX_EVIDENCE)

    @model_validator(mode="after")
    def _is_known_or_says_why(self) -> "Finding":
        if (self.value is None) is not bool(self.unknown):
            raise ValueError("a finding has a value, or says why it is unknown")
        return self


class AssessmentFile(Value):
    """assessment.json. from_ns, to_ns, rows: of the window, or of all windows of the watch together."""

    MAX_POWER: ClassVar[int] = STAMP_POWER

    device: Identifier
    from_ns: TimeNs
    to_ns: TimeNs
    rows: int = Field(ge=0)
    findings: tuple[Finding, ...]
