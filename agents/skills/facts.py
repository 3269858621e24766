"""What the specialists hand on: facts with their claims, findings with their evidence, one JSON file per document."""

import hashlib
from collections.abc import Iterable, Sequence
from decimal import Decimal
from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from gates.claims import Claim
from protocol.errors import SourceError

_FROZEN = ConfigDict(frozen=True, extra="forbid")


class FactKind(StrEnum):
    """What kind of thing a fact says."""

    QUANTITY = "quantity"
    RANGE = "range"
    MISSING = "missing"
    PART = "part"
    COUNT = "count"
    TEXT = "text"


class Origin(StrEnum):
    """How a value was come by: as somebody stated it, or worked out by us from what stands there."""

    STATED = "stated"
    COUNTED = "counted"
    DECODED = "decoded"


class Fact(BaseModel):
    """One thing a document says.

    subject: what it describes, in the document's own words where it has some.
    value, value_high: in `unit`; value_high only for ranges and for the second side of "70 mm x 135 mm".
    unit: as pint reads it ("V", "mm**2", "degC"), "" for a bare number.
    text: the part number, or the word that is the value, where there is no number.
    qualifier: "<", ">", "~", "typ", "max", "min", "x" (sides, not a range), or "".
    context: the headings above it, the closest last.
    """

    model_config = _FROZEN

    id: str
    subject: str
    kind: FactKind
    value: Decimal | None = None
    value_high: Decimal | None = None
    unit: str = ""
    text: str = ""
    qualifier: str = ""
    note: str = ""
    context: str = ""
    origin: Origin = Origin.STATED
    claim: Claim


class FindingKind(StrEnum):
    """What is wrong, or, for a lookalike, what only looks wrong."""

    CONTRADICTION = "contradiction"
    MISSING = "missing"
    UNIT_SLIP = "unit-slip"
    DAMAGED = "damaged"
    IMPLAUSIBLE = "implausible"
    LOOKALIKE = "lookalike"


class Severity(StrEnum):
    """How much a finding matters to somebody who builds from these documents."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


class Evidence(BaseModel):
    """Words at a place. fact: the id of the fact they carry, "" when they carry none."""

    model_config = _FROZEN

    document: str
    place: str
    quote: str
    fact: str = ""


class Finding(BaseModel):
    """Something a reader of the documents has to know, with the words it rests on."""

    model_config = _FROZEN

    id: str
    kind: FindingKind
    severity: Severity
    statement: str
    evidence: tuple[Evidence, ...] = ()


class Unread(BaseModel):
    """A document nobody read, and why."""

    model_config = _FROZEN

    document: str
    reason: str


class DocumentFacts(BaseModel):
    """Everything taken from one document, in the order it stands there.

    findings: what the reading itself showed, such as a damaged octet; `findings.find` adds what comparing shows.
    """

    model_config = _FROZEN

    document: str
    sha256: str
    media_type: str
    pages: int | None = None
    note: str = ""
    facts: tuple[Fact, ...] = ()
    findings: tuple[Finding, ...] = ()


class FactRow(Fact):
    """A fact as written to JSON: the claim by its id, since the file lists all claims for the gate."""

    claim: str  # type: ignore[assignment]  # a row refers to the claim that a fact carries


class ReportFile(BaseModel):
    """The JSON artifact over all documents of a mission; what else it holds is for people."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    claims: tuple[Claim, ...]
    facts: tuple[FactRow, ...]
    findings: tuple[Finding, ...] = ()


class DocumentFile(BaseModel):
    """The JSON artifact of one document. Its `claims` make it a `gates.claims.ClaimsFile`."""

    model_config = _FROZEN

    document: str
    sha256: str
    media_type: str
    pages: int | None
    note: str
    claims: tuple[Claim, ...]
    facts: tuple[FactRow, ...]
    findings: tuple[Finding, ...] = Field(default=())


def identify(prefix: str, *parts: object) -> str:
    """Return an id that follows from the parts alone, so that the same content always has the same id."""
    text = "\x1f".join(str(part) for part in parts)
    return f"{prefix}-{hashlib.sha256(text.encode('utf-8', 'surrogatepass')).hexdigest()[:12]}"


def finding(kind: FindingKind, severity: Severity, statement: str, evidence: Iterable[Evidence]) -> Finding:
    """Return a finding whose id follows from what it says and where."""
    listed = tuple(evidence)
    places = [f"{item.document} {item.place}" for item in listed]
    return Finding(
        id=identify("finding", kind, statement, *places),
        kind=kind,
        severity=severity,
        statement=statement,
        evidence=listed,
    )


def evidence_of(fact: Fact) -> Evidence:
    """Return the words a fact rests on."""
    return Evidence(document=fact.claim.document, place=fact.claim.place, quote=fact.claim.quote, fact=fact.id)


def to_json(document: DocumentFacts) -> bytes:
    """Return the artifact of one document; the same facts give the same bytes."""
    rows = tuple(FactRow(**{**fact.model_dump(exclude={"claim"}), "claim": fact.claim.id}) for fact in document.facts)
    file = DocumentFile(
        **document.model_dump(include={"document", "sha256", "media_type", "pages", "note"}),
        claims=claims_of(document.facts),
        facts=rows,
        findings=document.findings,
    )
    return file.model_dump_json(indent=1).encode() + b"\n"


def claims_of(facts: Iterable[Fact]) -> tuple[Claim, ...]:
    """Return the claims of the facts, each once, in order."""
    return tuple({fact.claim.id: fact.claim for fact in facts}.values())


def from_json(data: bytes) -> DocumentFacts:
    """Return the facts of one document's artifact.

    Raises:
        SourceError: it is not such an artifact, or a fact refers to a claim that is not there.
    """
    try:
        file = DocumentFile.model_validate_json(data)
    except ValidationError as error:
        raise SourceError(f"the facts cannot be read: {error.error_count()} flaws in the JSON") from error
    header = file.model_dump(exclude={"claims", "facts", "findings"})
    return DocumentFacts(**header, facts=_joined(file.facts, file.claims), findings=file.findings)


def read_report(data: bytes) -> tuple[tuple[Fact, ...], tuple[Finding, ...]]:
    """Return the facts and findings over all documents of a mission, from its facts.json.

    Raises:
        SourceError: it is no such file, or a fact refers to a claim that is not there.
    """
    try:
        file = ReportFile.model_validate_json(data)
    except ValidationError as error:
        raise SourceError(f"the facts cannot be read: {error.error_count()} flaws in the JSON") from error
    return _joined(file.facts, file.claims), file.findings


def _joined(rows: Sequence[FactRow], listed: Sequence[Claim]) -> tuple[Fact, ...]:
    """Return facts with their claims in them."""
    claims = {claim.id: claim for claim in listed}
    absent = sorted({row.claim for row in rows} - claims.keys())
    if absent:
        raise SourceError(f"the facts refer to claims that are not in the file: {', '.join(absent[:3])}")
    return tuple(Fact(**{**row.model_dump(), "claim": claims[row.claim]}) for row in rows)
