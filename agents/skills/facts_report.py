"""FACTS.md and facts.json: the third specialist's work, from facts and findings to text. Same input, same bytes.

Everything quoted comes from documents nobody vouches for, so nothing of it may become markup, a link or a control
character in the report.
"""

import json
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from agents.skills.facts import (
    DocumentFacts,
    Evidence,
    Fact,
    FactKind,
    Finding,
    FindingKind,
    Unread,
    claims_of,
)
from agents.skills.matching import amount_text

MAX_QUOTE = 160
# A parts list of ten thousand rows belongs into facts.json; a person reads the first of each document.
MAX_ROWS = 400

_SECTIONS = (
    (FindingKind.CONTRADICTION, "Contradictions"),
    (FindingKind.MISSING, "Missing values"),
    (FindingKind.UNIT_SLIP, "Slips of unit"),
    (FindingKind.DAMAGED, "Damaged data"),
    (FindingKind.IMPLAUSIBLE, "Implausible values"),
    (FindingKind.LOOKALIKE, "Looked like contradictions, are none"),
)


def render_markdown(
    documents: Sequence[DocumentFacts], findings: Sequence[Finding], unread: Sequence[Unread] = ()
) -> str:
    """Return FACTS.md: a summary, the findings by kind, then the facts of each document with place and quote."""
    parts = [*_summary(documents, findings, unread)]
    for kind, title in _SECTIONS:
        parts += _findings_section(title, [item for item in findings if item.kind is kind])
    parts += _unread_section(unread)
    for document in sorted(documents, key=lambda item: item.document):
        parts += _document_section(document)
    return "\n".join(parts).rstrip() + "\n"


def render_json(
    documents: Sequence[DocumentFacts], findings: Sequence[Finding], unread: Sequence[Unread] = ()
) -> bytes:
    """Return facts.json: documents, claims (so that it is a `gates.claims.ClaimsFile`), facts and findings."""
    ordered = sorted(documents, key=lambda item: item.document)
    facts = [fact for document in ordered for fact in document.facts]
    content = {
        "documents": [_header(document) for document in ordered],
        "unread": [item.model_dump(mode="json") for item in sorted(unread, key=lambda item: item.document)],
        "claims": [claim.model_dump(mode="json") for claim in claims_of(facts)],
        "facts": [_row(fact) for fact in facts],
        "findings": [item.model_dump(mode="json") for item in findings],
    }
    return json.dumps(content, ensure_ascii=False, indent=1, sort_keys=True).encode("utf-8", "replace") + b"\n"


def _header(document: DocumentFacts) -> dict[str, object]:
    return document.model_dump(mode="json", include={"document", "sha256", "media_type", "pages", "note"})


def _row(fact: Fact) -> dict[str, object]:
    return {**fact.model_dump(mode="json", exclude={"claim"}), "claim": fact.claim.id}


def escaped(text: str, limit: int = MAX_QUOTE) -> str:
    """Return untrusted text as one line that markdown shows as it is, cut with … at the limit."""
    line = one_line(text, limit)
    line = line.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    line = re.sub(r"([\\`*_\[\]|#~])", r"\\\1", line)
    # Most renderers make links of bare addresses; written as entities these marks read the same and link nothing.
    line = line.replace("@", "&#64;").replace("://", "&#58;//")
    return re.sub(r"(?i)\bwww\.", "www&#46;", line)


def one_line(text: str, limit: int = MAX_QUOTE) -> str:
    """Return untrusted text as one line of letters that are seen, cut with … at the limit; markup is left as it is."""
    visible = "".join(_visible(letter) for letter in text)
    line = re.sub(r"\s+", " ", visible).strip()
    return line if len(line) <= limit else line[: limit - 1].rstrip() + "…"


def _visible(letter: str) -> str:
    category = unicodedata.category(letter)
    if category == "Cc":
        return " "
    # Marks that turn the direction of writing or hide letters (Cf), surrogates (Cs): shown, not obeyed.
    return "\ufffd" if category in {"Cf", "Cs", "Co"} else letter


def _summary(
    documents: Sequence[DocumentFacts], findings: Sequence[Finding], unread: Sequence[Unread]
) -> Iterator[str]:
    facts = sum(len(document.facts) for document in documents)
    yield "# Facts\n"
    read, left = _count(len(documents), "document"), _count(len(unread), "document")
    yield f"{read} read, {left} not read, {_count(facts, 'fact')}.\n"
    counted = Counter(item.kind for item in findings)
    if not findings:
        yield "Nothing contradictory, missing or implausible was found.\n"
        return
    yield "| found | number |\n| --- | ---: |"
    for kind, title in _SECTIONS:
        if counted[kind]:
            yield f"| {title} | {counted[kind]} |"
    yield ""


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _findings_section(title: str, findings: Sequence[Finding]) -> Iterator[str]:
    if not findings:
        return
    yield f"## {title}\n"
    for item in findings:
        yield f"- **{item.severity.value}**: {escaped(item.statement, 1_000)}"
        for evidence in item.evidence:
            yield f"  - {_where(evidence)}: “{escaped(evidence.quote)}”"
    yield ""


def _where(evidence: Evidence) -> str:
    return f"{escaped(evidence.document)}, {escaped(evidence.place)}"


def _unread_section(unread: Iterable[Unread]) -> Iterator[str]:
    listed = sorted(unread, key=lambda item: item.document)
    if not listed:
        return
    yield "## Documents not read\n"
    for item in listed:
        yield f"- {escaped(item.document)}: {escaped(item.reason, 300)}"
    yield ""


def _document_section(document: DocumentFacts) -> Iterator[str]:
    yield f"## {escaped(document.document)}\n"
    pages = f", {_count(document.pages, 'page')}" if document.pages is not None else ""
    note = f". {escaped(document.note, 300)}" if document.note else ""
    yield f"{document.media_type}{pages}, SHA-256 `{document.sha256}`{note}\n"
    if not document.facts:
        yield "No facts were found in it.\n"
        return
    yield "| what | value | place | quote |\n| --- | --- | --- | --- |"
    for fact in document.facts[:MAX_ROWS]:
        place, quote = escaped(fact.claim.place), escaped(fact.claim.quote)
        yield f"| {escaped(fact.subject)} | {_value(fact)} | {place} | {quote} |"
    left = len(document.facts) - MAX_ROWS
    if left > 0:
        yield f"\n{_count(left, 'more fact')} in facts.json."
    yield ""


def _value(fact: Fact) -> str:
    if fact.kind is FactKind.MISSING:
        return f"not stated ({escaped(fact.text)})"
    shown = amount_text(fact) if fact.value is not None else fact.text
    remark = f" ({fact.text})" if fact.value is not None and fact.text else ""
    note = f"; {fact.note}" if fact.note else ""
    return escaped(f"{shown}{remark}{note}", 200)
