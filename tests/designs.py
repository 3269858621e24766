"""A small design that passes every gate, file by file, and ways to change one thing of it.

Four cells instead of sixteen, and a handful of limits: small enough to be read, whole enough to be judged.
"""

from collections.abc import Mapping
from decimal import Decimal
from hashlib import sha256
from pathlib import PurePosixPath
from typing import TypeVar

from pydantic import BaseModel

from bus.artifacts import ArtifactStore
from gates.claims import Claim
from gates.design.files import (
    BILL,
    C_HEADER,
    COMPLIANCE,
    DESIGN,
    REQUIREMENTS,
    SKETCH,
    TEST_PLAN,
    Basis,
    BillFile,
    BillLine,
    Channel,
    ComplianceFile,
    Conclusion,
    DesignFile,
    Direction,
    Element,
    ErrorTerm,
    FailureMode,
    Kind,
    Level,
    Limit,
    Node,
    Pack,
    Pin,
    PlannedTest,
    Question,
    Relation,
    Requirement,
    RequirementsFile,
    Subject,
    TestPlanFile,
    Verification,
    Wire,
)
from gates.design.headers import expected_macros
from gates.judged import Judged
from gates.values import written
from protocol.bodies import Action, File, Report, Result, TaskAssignment
from protocol.messages import MessageType
from tests.builders import message

PACK_YAML = b"""\
# the pack
cells: 4
capacity_ah: 280
max_current_a: 280
min_v: 2.5
max_v: 3.65
budget_usd: 50
accuracy_mv: 10
margin: 1.25
"""
CELL_MD = (
    "# Cell\n"
    "\n"
    "Charge voltage: 3,65 V\n"
    "Standard charge current: 0.5C, for no more than 10 min above it\n"
    "Charge temperature: \u221210 °C to +50 °C\n"
    "Warn from 3500 mV on, and below 2900 mV\n"
).encode()
PARTS_CSV = (
    b"part,description,max_v,price_usd,priced_on,price_basis,alternatives,notes\n"
    b'RELAY-400,"PhotoMOS relay, 400 V",400,2.90,2026-11-21,estimate,,\n'
    b"RELAY-15,relay for 15 V,15,1.20,2026-11-21,estimate,,\n"
    b"MEGA-2560,board,20,18.00,2026-11-21,estimate,,\n"
    b"BOARD,perforated board,,11.00,2026-11-21,estimate,,\n"
)
DOCUMENTS = {"pack.yaml": PACK_YAML, "cell.md": CELL_MD}
FOLDER = "mission/design"


def d(text: str) -> Decimal:
    return Decimal(text)


def _claim(identity: str, document: str, line: int, *figure: str, unit: str = "") -> Claim:
    quote = DOCUMENTS[document].decode().splitlines()[line - 1]
    digest = sha256(DOCUMENTS[document]).hexdigest()
    return Claim(
        id=identity,
        statement=quote,
        figure=figure,
        unit=unit,
        document=document,
        sha256=digest,
        place=f"line {line}",
        quote=quote,
    )


CLAIMS = (
    _claim("c-capacity", "pack.yaml", 3, "280"),
    _claim("c-accuracy", "pack.yaml", 8, "10"),
    _claim("c-margin", "pack.yaml", 9, "1.25"),
    _claim("c-current", "pack.yaml", 4, "280"),
    _claim("c-min", "pack.yaml", 5, "2.5"),
    _claim("c-max", "pack.yaml", 6, "3.65"),
    _claim("c-charge", "cell.md", 3, "3,65", unit="V"),
    _claim("c-rate", "cell.md", 4, "0.5", unit="C"),
    _claim("c-minutes", "cell.md", 4, "10", unit="min"),
    _claim("c-warm", "cell.md", 5, "\u221210", "+50", unit="°C"),
    _claim("c-warn", "cell.md", 6, "3500", "2900", unit="mV"),
)
MOST, LEAST, EQUAL = Relation.AT_MOST, Relation.AT_LEAST, Relation.EQUAL


def _basis(claim: str, relation: Relation, figure: str, unit: str, times: str = "1", plus: str = "0") -> Basis:
    return Basis(claim=claim, relation=relation, figure=d(figure), unit=unit, times=d(times), plus=d(plus))


def _limit(name: str, value: str, clear: str, unit: str, delay: str, *bases: Basis) -> Limit:
    is_above = d(clear) < d(value)
    return Limit(
        name=name,
        quantity=name.rpartition("-")[0],
        level=Level.ALARM if name.endswith("alarm") else Level.WARNING,
        direction=Direction.ABOVE if is_above else Direction.BELOW,
        value=d(value),
        clear=d(clear),
        unit=unit,
        delay_s=d(delay),
        bases=bases,
    )


LIMITS = (
    _limit("cell-high-warn", "3.5", "3.4", "V", "2", _basis("c-warn", MOST, "3500", "mV")),
    _limit(
        "cell-high-alarm",
        "3.65",
        "3.45",
        "V",
        "1",
        _basis("c-max", MOST, "3.65", "V"),
        _basis("c-charge", MOST, "3.65", "V"),
    ),
    _limit("cell-low-warn", "2.9", "3.1", "V", "2", _basis("c-warn", EQUAL, "2900", "mV")),
    _limit("cell-low-alarm", "2.5", "3.1", "V", "1", _basis("c-min", LEAST, "2.5", "V")),
    _limit("pack-high-alarm", "14.6", "13.5", "V", "2", _basis("c-max", MOST, "3.65", "V", "4")),
    _limit("pack-low-alarm", "10", "12", "V", "2", _basis("c-min", LEAST, "2.5", "V", "4")),
    _limit(
        "charge-current-warn",
        "140",
        "130",
        "A",
        "600",
        _basis("c-rate", MOST, "0.5", "C"),
        _basis("c-minutes", MOST, "10", "min"),
    ),
    _limit("charge-cold-alarm", "0", "2", "degC", "0", _basis("c-warm", LEAST, "-10", "degC", plus="10")),
    _limit("charge-hot-alarm", "45", "42.5", "degC", "5", _basis("c-warm", MOST, "50", "degC", plus="-5")),
)


def _requirement(number: int, subject: Subject, text: str, *limits: str, claims: tuple[str, ...] = ()) -> Requirement:
    return Requirement(id=f"SR-{number:02}", subject=subject, text=text, is_critical=True, limits=limits, claims=claims)


def requirements() -> RequirementsFile:
    """Return requirements.json of a pack of four cells."""
    return RequirementsFile(
        pack=Pack(
            cells=4,
            cell_type="LF280K",
            chemistry="LFP",
            capacity_ah=d("280"),
            nominal_v=d("3.2"),
            max_v=d("3.65"),
            min_v=d("2.5"),
            max_current_a=d("280"),
            budget_usd=d("50"),
            platform="Arduino Mega",
        ),
        accuracy_mv=d("10"),
        margin=d("1.25"),
        limits=LIMITS,
        requirements=(
            _requirement(1, Subject.VOLTAGE, "every cell", *(one.name for one in LIMITS[:6]), claims=("c-max",)),
            _requirement(2, Subject.CURRENT, "the current", "charge-current-warn"),
            _requirement(3, Subject.TEMPERATURE, "cold and hot", "charge-cold-alarm", "charge-hot-alarm"),
            _requirement(4, Subject.SENSORS, "a relay that sticks is found"),
        ),
        claims=CLAIMS,
    )


def cell_channel(
    span: str = "4.096", *, quantisation: str = "0.0005", reference: str = "0.004", bits: int = 10
) -> Channel:
    """Return the channel of the cells; the span is what the converter's full scale stands for at the cell, in V."""
    return Channel(
        name="cells",
        chain=("cell", "relay", "capacitor", "converter"),
        unit="V",
        span=d(span),
        bits=bits,
        oversamples=16,
        terms=(
            ErrorTerm(name="quantisation", value=d(quantisation), how="half a step, 16 readings"),
            ErrorTerm(name="reference", value=d(reference), how="0.1 %"),
        ),
        required=d("0.010"),
    )


def design() -> DesignFile:
    """Return design.json of a monitor for four cells."""
    return DesignFile(
        board="Arduino Mega 2560",
        nodes=(
            Node(name="pack", max_v=d("14.6"), why="4 cells of 3.65 V"),
            Node(name="logic", max_v=d("5"), why="supply of the board"),
        ),
        elements=(
            Element(
                id="E-01",
                name="tap relays",
                purpose="one cell at a time",
                part="RELAY-400",
                quantity=5,
                node="pack",
                meets=("SR-01", "SR-03"),
            ),
            Element(
                id="E-02",
                name="board",
                purpose="measures",
                part="MEGA-2560",
                quantity=1,
                node="logic",
                meets=("SR-01", "SR-02"),
            ),
            Element(id="E-03", name="self test", purpose="finds what sticks", backs_up="E-01"),
        ),
        channels=(cell_channel(),),
        pins=(
            Pin(macro="PIN_SELECT_0", number="22", signal="select", to="E-01"),
            Pin(macro="ADC_CELL", number="A0", signal="capacitor", to="E-01"),
        ),
        wires=(Wire(source="cell 1", target="E-01", carries="cell voltage"),),
        failures=(
            FailureMode(
                id="F-01",
                element="E-01",
                what="a relay sticks",
                detected_by="E-03",
                reaction="alarm",
                requirement="SR-04",
            ),
        ),
    )


def _line(part: str, quantity: int, price: str) -> BillLine:
    return BillLine(part=part, description=part, quantity=quantity, price_usd=d(price), sum_usd=quantity * d(price))


def bill() -> BillFile:
    """Return bill.json: all that the design needs, within the budget."""
    lines = (_line("RELAY-400", 5, "2.90"), _line("MEGA-2560", 1, "18.00"), _line("BOARD", 1, "11.00"))
    return BillFile(lines=lines, total_usd=d("43.50"), budget_usd=d("50"), over_usd=d("0"), priced="2026-11-21")


def _test(number: int, covers: str, limit: str = "", stimulus: str = "") -> PlannedTest:
    return PlannedTest(
        id=f"T-{number:03}",
        kind=Kind.SAFETY,
        title=f"test {number}",
        setup="bench supply",
        steps=("set it",),
        expected="it speaks up",
        covers=(covers,),
        limit=limit,
        stimulus=d(stimulus) if stimulus else None,
    )


def test_plan() -> TestPlanFile:
    """Return test-plan.json: every requirement is covered, every alarm is provoked."""
    return TestPlanFile(
        tests=(
            _test(1, "SR-01", "cell-high-alarm", "3.7"),
            _test(2, "SR-01", "cell-low-alarm", "2.4"),
            _test(3, "SR-01", "pack-high-alarm", "14.8"),
            _test(4, "SR-01", "pack-low-alarm", "9.8"),
            _test(5, "SR-02"),
            _test(6, "SR-03", "charge-cold-alarm", "-2"),
            _test(7, "SR-03", "charge-hot-alarm", "47"),
            _test(8, "SR-04"),
        )
    )


def _verification(requirement: str, elements: str, tests: str, conclusion: Conclusion) -> Verification:
    return Verification(
        requirement=requirement,
        elements=tuple(elements.split()),
        tests=tuple(tests.split()),
        conclusion=conclusion,
        evidence=("looked at design and plan",),
    )


def compliance() -> ComplianceFile:
    """Return compliance.json: one word on each requirement."""
    return ComplianceFile(
        verifications=(
            _verification("SR-01", "E-01 E-02", "T-001 T-002", Conclusion.MET),
            _verification("SR-02", "E-02", "T-005", Conclusion.OPEN),
            _verification("SR-03", "E-01", "T-006 T-007", Conclusion.MET),
            _verification("SR-04", "E-01", "T-008", Conclusion.MET),
        ),
        questions=(Question(question="Does it switch?", answer="No.", is_satisfied=True, evidence=("DESIGN.md",)),),
    )


def limits_h(file: RequirementsFile) -> str:
    """Return limits.h as a generator writes it."""
    macros = {"CELL_COUNT": file.pack.cells, **expected_macros(file)}
    lines = [f"#define {name} {value}" for name, value in macros.items()]
    head = ["// Written by a mission. Do not edit.", "#ifndef LIMITS_H", "#define LIMITS_H"]
    return "\n".join([*head, *lines, "#endif", ""])


Changed = TypeVar("Changed", bound=BaseModel)


def changed(file: Changed, /, **fields: object) -> Changed:
    """Return a file or a part of it with other fields; whatever was given to it is checked as when it is read."""
    return type(file).model_validate({**{name: getattr(file, name) for name in type(file).model_fields}, **fields})


def with_limit(name: str, /, **fields: object) -> RequirementsFile:
    """Return the requirements with one limit changed."""
    file = requirements()
    limits = tuple(changed(one, **fields) if one.name == name else one for one in file.limits)
    return changed(file, limits=limits)


def whole() -> dict[str, bytes]:
    """Return every file of the design, by its name."""
    return {
        "requirements.json": written(requirements()),
        "design.json": written(design()),
        "bill.json": written(bill()),
        "test-plan.json": written(test_plan()),
        "compliance.json": written(compliance()),
        "battery_monitor/battery_monitor.ino": b'#include "limits.h"\nvoid setup() {}\nvoid loop() {}\n',
        "battery_monitor/limits.h": limits_h(requirements()).encode(),
    }


_TYPES: Mapping[str, str] = {
    "requirements.json": REQUIREMENTS,
    "design.json": DESIGN,
    "bill.json": BILL,
    "test-plan.json": TEST_PLAN,
    "compliance.json": COMPLIANCE,
    "battery_monitor.ino": SKETCH,
    "limits.h": C_HEADER,
    "parts.csv": "text/csv",
    "cell.md": "text/markdown",
}


def put(store: ArtifactStore, path: str, data: bytes) -> File:
    """Store a file under the media type that its name stands for."""
    return store.put(data, path=path, media_type=_TYPES.get(PurePosixPath(path).name, "text/plain"))


def result(store: ArtifactStore, made: Mapping[str, bytes], given: Mapping[str, bytes] | None = None) -> Judged:
    """Return a result that made these files. given: the inputs of its task, beside documents and parts."""
    inputs = {**DOCUMENTS, "parts.csv": PARTS_CSV, **(given or {})}
    artifacts = tuple(put(store, f"{FOLDER}/{name}", data) for name, data in made.items())
    report = Report(action=Action.COMPLETED, result=Result(success=True, description="d", artifacts=artifacts))
    one = message(MessageType.TASK_COMPLETION, report, "r", task="design", attempt=1)
    assignment = TaskAssignment(
        title="t", skill="s", folder=FOLDER, inputs=tuple(put(store, path, data) for path, data in inputs.items())
    )
    return Judged(one, report, assignment, store)
