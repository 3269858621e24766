"""The files of a design as values: requirements, design, bill of materials, test plan, compliance.

1. Whoever designs writes these files, and the gate reads them with the same classes; what it concludes from them is
   the gate's own.
2. Every figure that limits something rests on a claim: words at a place of a document, of the configuration, or of
   the practice that was followed. `Basis` says how.
3. Quantities are decimal, in the unit that is named beside them as pint writes it: "V", "mV", "A", "degC", "s".
4. Nothing in them is boundless (gates.values).
"""

from collections.abc import Mapping
from decimal import Decimal
from enum import StrEnum
from typing import Final

from pydantic import Field

from gates.claims import Claim
from gates.values import Value
from protocol.errors import SourceError

REQUIREMENTS: Final = "application/vnd.orchestra.requirements+json"
DESIGN: Final = "application/vnd.orchestra.design+json"
BILL: Final = "application/vnd.orchestra.bill+json"
TEST_PLAN: Final = "application/vnd.orchestra.test-plan+json"
COMPLIANCE: Final = "application/vnd.orchestra.compliance+json"
SKETCH: Final = "text/x-arduino"
C_HEADER: Final = "text/x-chdr"
C_SOURCE: Final = "text/x-csrc"
CPP_SOURCE: Final = "text/x-c++src"

SOURCES: Final[Mapping[str, str]] = {
    ".ino": SKETCH,
    ".h": C_HEADER,
    ".hpp": C_HEADER,
    ".c": C_SOURCE,
    ".cpp": CPP_SOURCE,
}
"""The files of a sketch by suffix, with their media types."""

NAMES: Final[Mapping[str, str]] = {
    REQUIREMENTS: "requirements.json",
    DESIGN: "design.json",
    BILL: "bill.json",
    TEST_PLAN: "test-plan.json",
    COMPLIANCE: "compliance.json",
}
"""How each file of a design is called, by its media type."""


class Relation(StrEnum):
    """How a limit stands to a figure: it may not go above it, not below it, or is exactly it."""

    AT_MOST = "at most"
    AT_LEAST = "at least"
    EQUAL = "equal"


class Basis(Value):
    """A figure that a limit rests on. claim: by its id in the same file. figure, unit: what the claim's words say.

    times: how often the figure counts, such as 16 cells of 3.65 V. plus: what is added to it, in the same unit.
    """

    claim: str
    relation: Relation
    figure: Decimal
    unit: str
    times: Decimal = Decimal(1)
    plus: Decimal = Decimal(0)


class Direction(StrEnum):
    """On which side of its value a limit speaks up."""

    ABOVE = "above"
    BELOW = "below"


class Level(StrEnum):
    """What a limit leads to: a light, or light and sound until somebody acknowledges."""

    WARNING = "warning"
    ALARM = "alarm"


class Limit(Value):
    """A threshold. name: such as "cell-high-alarm". clear: where it is over again. delay_s: how long it has to last.

    quantity: what is measured, such as "cell voltage". why: one sentence for whoever asks.
    """

    name: str
    quantity: str
    level: Level
    direction: Direction
    value: Decimal
    clear: Decimal
    unit: str
    delay_s: Decimal
    bases: tuple[Basis, ...] = Field(min_length=1)
    why: str = ""

    def is_beyond(self, value: Decimal) -> bool:
        """Whether a value lies on the side on which the limit speaks up."""
        return value > self.value if self.direction is Direction.ABOVE else value < self.value


class Subject(StrEnum):
    """What a requirement is about; the chapters of SAFETY_REQUIREMENTS.md."""

    VOLTAGE = "voltage"
    CURRENT = "current"
    TEMPERATURE = "temperature"
    SENSORS = "failures to detect"
    ALERTS = "alerts"
    RECORDS = "records and calibration"
    SCOPE = "scope"
    DEVICES = "devices in the documents"


class Requirement(Value):
    """What the monitor has to do. id: such as "SR-07"; key: its name in the practice, such as "charge-cold".

    limits, claims: by name and id, in the same file.
    """

    id: str
    key: str = ""
    subject: Subject
    text: str
    is_critical: bool
    limits: tuple[str, ...] = ()
    claims: tuple[str, ...] = ()
    standard: str = ""


class Pack(Value):
    """The battery that is watched, as configured and as the documents narrow it down. Voltages of one cell in V."""

    cells: int = Field(ge=1, le=32)
    cell_type: str
    chemistry: str
    capacity_ah: Decimal
    nominal_v: Decimal
    max_v: Decimal
    min_v: Decimal
    max_current_a: Decimal
    budget_usd: Decimal
    platform: str

    @property
    def top_v(self) -> Decimal:
        """The most that stands across the whole pack, in V."""
        return self.cells * self.max_v


class Note(Value):
    """Something a builder has to know before building. claims: the words it rests on, by id."""

    text: str
    claims: tuple[str, ...] = ()
    is_grave: bool = False


class RequirementsFile(Value):
    """requirements.json.

    accuracy_mv: how far a cell's reading may be off, worst case. margin: a part bears so many times its node's voltage.
    """

    pack: Pack
    accuracy_mv: Decimal
    margin: Decimal = Field(ge=1)
    limits: tuple[Limit, ...]
    requirements: tuple[Requirement, ...]
    notes: tuple[Note, ...] = ()
    claims: tuple[Claim, ...]

    def limit(self, name: str) -> Limit:
        """Return a limit by its name. Raises SourceError: there is none."""
        for limit in self.limits:
            if limit.name == name:
                return limit
        raise SourceError(f"there is no limit {name}")


class Node(Value):
    """A place in the circuit with the most that stands there against the pack's negative end, in V."""

    name: str
    max_v: Decimal
    why: str


class Element(Value):
    """A part of the design that does something. part: its key in the parts file. node: the voltage it has to bear.

    meets: the requirements that it serves, by id. backs_up: the element whose failure it catches, by id.
    """

    id: str
    name: str
    purpose: str
    part: str = ""
    quantity: int = Field(default=0, ge=0)
    node: str = ""
    meets: tuple[str, ...] = ()
    backs_up: str = ""


class ErrorTerm(Value):
    """One cause of a measurement's error, at the input, in the channel's unit."""

    name: str
    value: Decimal
    how: str


class Channel(Value):
    """One way of measuring, from the input to the number.

    span: what the converter's full scale stands for at the input, in `unit`; bits: of the converter.
    required: the error that is allowed, in `unit`.
    """

    name: str
    chain: tuple[str, ...]
    unit: str
    span: Decimal
    bits: int = Field(ge=1, le=32)
    oversamples: int = Field(default=1, ge=1)
    terms: tuple[ErrorTerm, ...]
    required: Decimal

    @property
    def step(self) -> Decimal:
        """What one step of the converter stands for at the input."""
        return self.span / Decimal(2**self.bits)

    @property
    def total(self) -> Decimal:
        """The sum of all errors: the worst case, not a likely one."""
        return sum((term.value for term in self.terms), Decimal(0))


class Pin(Value):
    """One pin of the board. macro: its name in pins.h, "" where the code needs none. number: as on the board, A0."""

    macro: str
    number: str
    signal: str
    to: str
    note: str = ""


class Wire(Value):
    """One wire: from where to where, what it carries, and what protects it."""

    source: str
    target: str
    carries: str
    note: str = ""


class FailureMode(Value):
    """What can go wrong, what notices it, and what happens then. element: where it happens, by id."""

    id: str
    element: str
    what: str
    detected_by: str
    reaction: str
    requirement: str
    is_safe: bool = True


class DesignFile(Value):
    """design.json."""

    board: str
    nodes: tuple[Node, ...]
    elements: tuple[Element, ...]
    channels: tuple[Channel, ...]
    rejected: tuple[Channel, ...] = ()
    pins: tuple[Pin, ...]
    wires: tuple[Wire, ...]
    failures: tuple[FailureMode, ...]


class BillLine(Value):
    """One row of the bill: quantity, price of one and of all, in USD."""

    part: str
    description: str
    quantity: int = Field(ge=1)
    price_usd: Decimal
    sum_usd: Decimal
    alternatives: str = ""


class BillFile(Value):
    """bill.json. over_usd: by how much the total is above the budget, 0 where it is not; why: what costs most."""

    lines: tuple[BillLine, ...]
    total_usd: Decimal
    budget_usd: Decimal
    over_usd: Decimal
    priced: str
    why: str = ""


class Kind(StrEnum):
    """What sort of test it is, from a bench without a battery to the finished monitor."""

    UNIT = "unit"
    INTEGRATION = "integration"
    SAFETY = "safety"
    CALIBRATION = "calibration"
    ACCEPTANCE = "acceptance"


class PlannedTest(Value):
    """One test. covers: requirements by id. limit, stimulus: the limit that is provoked, and with which value."""

    id: str
    kind: Kind
    title: str
    setup: str
    steps: tuple[str, ...] = Field(min_length=1)
    expected: str
    covers: tuple[str, ...] = Field(min_length=1)
    limit: str = ""
    stimulus: Decimal | None = None


class TestPlanFile(Value):
    """test-plan.json."""

    __test__ = False  # not a test of ours, whatever its name

    tests: tuple[PlannedTest, ...]


class Conclusion(StrEnum):
    """What the verifier says of one requirement."""

    MET = "met"
    NOT_MET = "not met"
    OPEN = "open"


GRAVEST_FIRST: Final = (Conclusion.NOT_MET, Conclusion.OPEN, Conclusion.MET)


class Verification(Value):
    """One requirement, what serves it, what tests it, and what the verifier concluded. evidence: what it looked at."""

    requirement: str
    elements: tuple[str, ...]
    tests: tuple[str, ...]
    conclusion: Conclusion
    evidence: tuple[str, ...] = Field(min_length=1)


class Question(Value):
    """A question that whoever signs for safety asks, with the answer and what it rests on."""

    question: str
    answer: str
    is_satisfied: bool
    evidence: tuple[str, ...]


class ComplianceFile(Value):
    """compliance.json."""

    verifications: tuple[Verification, ...]
    questions: tuple[Question, ...]
