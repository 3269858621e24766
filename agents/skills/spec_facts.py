"""The three skills of the spec-facts mission: the pure functions, put to work on a task's inputs."""

import json
from typing import Final

from agents.skills.facts import DocumentFacts, Evidence, Finding, Unread, from_json, identify, to_json
from agents.skills.facts_report import render_json, render_markdown
from agents.skills.findings import find
from agents.skills.quantities import extract_facts
from agents.work import Outcome, SkillFailed, Work
from gates.checks import CLAIMS_MEDIA_TYPE
from gates.claims import Claim
from protocol.bodies import ErrorCategory, ErrorLevel, File, Progress
from protocol.bodies import Work as Effort
from protocol.errors import SourceError

UNREAD_MEDIA_TYPE: Final = "application/vnd.orchestra.unread+json"
FINDINGS_NAME: Final = "findings.json"


def extract(work: Work) -> Outcome:
    """Read one document and hand on its facts as a claims file."""
    if len(work.assignment.inputs) != 1:
        hint = f"reads one document, {len(work.assignment.inputs)} are given; make a task for each"
        raise SkillFailed(ErrorLevel.TECH_LEAD, ErrorCategory.ARCHITECTURAL, hint)
    [document] = work.assignment.inputs
    data = work.read(document)
    try:
        raw = work.step("extract", data, lambda: to_json(extract_facts(document.path, data)), CLAIMS_MEDIA_TYPE)
    except SourceError as error:
        return _unreadable(work, document, str(error))
    facts = from_json(raw)
    said = f"{_counted(len(facts.facts), 'fact')} from {document.path}"
    effort = Effort(tool_calls=1, files_read=1, lines_generated=raw.count(b"\n"))
    return Outcome(said, (work.write("facts.json", raw, CLAIMS_MEDIA_TYPE, said),), effort)


def _unreadable(work: Work, document: File, reason: str) -> Outcome:
    """A document that cannot be read is for a person to mend, unless the mission was told to go on without it."""
    if work.setting("skip-unreadable") != "true":
        hint = f"{document.path}: {reason}; repair it, take it out, or run again with --skip-unreadable"
        raise SkillFailed(ErrorLevel.PERSON, ErrorCategory.VALIDATION, hint)
    note = json.dumps({"document": document.path, "reason": reason}).encode()
    said = f"{document.path} was left out: {reason}"
    return Outcome(said, (work.write("unread.json", note, UNREAD_MEDIA_TYPE, said),), Effort(errors=1))


def find_contradictions(work: Work) -> Outcome:
    """Compare the accepted facts of all documents and hand on the findings, each with its words as claims."""
    documents = _documents(work)
    facts = [fact for document in documents for fact in document.facts]
    work.report(Progress(note=f"comparing {_counted(len(facts), 'fact')} of {_counted(len(documents), 'document')}"))
    findings = find(facts, documents)
    digests = {document.document: document.sha256 for document in documents}
    content = {
        "findings": [item.model_dump(mode="json") for item in findings],
        "claims": [claim.model_dump(mode="json") for claim in _claims(findings, digests)],
    }
    raw = json.dumps(content, ensure_ascii=False, indent=1, sort_keys=True).encode()
    said = _counted(len(findings), "finding")
    effort = Effort(tool_calls=1, files_read=len(documents), lines_generated=raw.count(b"\n"))
    return Outcome(said, (work.write(FINDINGS_NAME, raw, CLAIMS_MEDIA_TYPE, said),), effort)


def _claims(findings: tuple[Finding, ...], digests: dict[str, str]) -> list[Claim]:
    """Return the words that findings rest on as claims, each once: the gate holds them against the documents."""
    words = {(item.document, item.place, item.quote) for one in findings for item in one.evidence}
    return [_claim(Evidence(document=d, place=p, quote=q), digests[d]) for d, p, q in sorted(words) if q]


def _claim(evidence: Evidence, digest: str) -> Claim:
    return Claim(
        id=identify("evidence", evidence.document, evidence.place, evidence.quote),
        statement=f"{evidence.document} says so at {evidence.place}",
        document=evidence.document,
        sha256=digest,
        place=evidence.place,
        quote=evidence.quote,
    )


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}{'s' * (number != 1)}"


def write_facts(work: Work) -> Outcome:
    """Write FACTS.md and facts.json from accepted artifacts."""
    documents, unread = _documents(work), _unread(work)
    found = next(file for file in work.assignment.inputs if file.path.endswith("/" + FINDINGS_NAME))
    findings = [Finding.model_validate(item) for item in json.loads(work.read(found))["findings"]]
    text = render_markdown(documents, findings, unread).encode()
    raw = render_json(documents, findings, unread)
    facts = sum(len(document.facts) for document in documents)
    told = f"{_counted(facts, 'fact')} and {_counted(len(findings), 'finding')}"
    said = f"{told} from {_counted(len(documents), 'document')}"
    files = (
        work.write("FACTS.md", text, "text/markdown", said),
        work.write("facts.json", raw, CLAIMS_MEDIA_TYPE, said),
    )
    return Outcome(said, files, Effort(lines_generated=text.count(b"\n") + raw.count(b"\n")))


def _documents(work: Work) -> list[DocumentFacts]:
    """Return the accepted facts among a task's inputs: one artifact for each document that was read."""
    files = [file for file in work.assignment.inputs if file.media_type == CLAIMS_MEDIA_TYPE]
    return [from_json(work.read(file)) for file in files if not file.path.endswith("/" + FINDINGS_NAME)]


def _unread(work: Work) -> list[Unread]:
    skipped = [file for file in work.assignment.inputs if file.media_type == UNREAD_MEDIA_TYPE]
    told = [json.loads(work.read(file)) for file in skipped]
    told += [json.loads(setting.value) for setting in work.assignment.settings if setting.name == "unread"]
    return [Unread(document=item["document"], reason=item["reason"]) for item in told]
