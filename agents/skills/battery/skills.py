"""The skills of those who design a battery monitor: each takes accepted files and hands on one subject."""

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from pathlib import PurePosixPath
from typing import Final

from agents.skills.battery.design import billing, monitor
from agents.skills.battery.design.circuit import chosen
from agents.skills.battery.documents import (
    bill,
    compliance,
    design,
    readme,
    safety_requirements,
    software,
    test_plan,
    wiring,
)
from agents.skills.battery.drawings import block_diagram, schematic
from agents.skills.battery.requirements.citations import as_words
from agents.skills.battery.requirements.derivation import derive
from agents.skills.battery.requirements.pack import NAME as PACK
from agents.skills.battery.sketch.headers import calibration_header, limits_header, pins_header
from agents.skills.battery.test_plan.plan import plan_tests
from agents.skills.battery.verification.verifier import verify
from agents.skills.facts import read_report
from agents.work import Outcome, SkillFailed, Work
from gates.design import files
from gates.design.parts import NAME as PARTS
from gates.design.parts import Part, read_parts
from gates.sketches import build
from gates.sources import MEDIA_TYPES
from gates.values import Read, read, written
from protocol.bodies import ErrorCategory, ErrorLevel, File, Progress
from protocol.bodies import Work as Effort
from protocol.errors import SourceError

PRACTICE: Final = "practice.md"
FACTS: Final = "facts.json"
SKETCH_FOLDER: Final = "battery_monitor"
_MADE_HERE: Final = ("limits.h", "calibration.h", "pins.h")
# Media types by whole name, else by suffix.
_KINDS: Final[Mapping[str, str]] = {
    **{name: media_type for media_type, name in files.NAMES.items()},
    **MEDIA_TYPES,
    **files.SOURCES,
    ".svg": "image/svg+xml",
}


def _input(work: Work, name: str) -> File:
    """Return the input of a name, whoever made it. Raises SkillFailed: the plan does not give it."""
    for file in work.assignment.inputs:
        if PurePosixPath(file.path).name == name:
            return file
    raise SkillFailed(ErrorLevel.TECH_LEAD, ErrorCategory.ARCHITECTURAL, f"{name} is not among the inputs of this task")


def _read(work: Work, name: str) -> bytes:
    return work.read(_input(work, name))


def _requirements(work: Work) -> files.RequirementsFile:
    return _file(work, files.RequirementsFile, files.REQUIREMENTS)


def _design(work: Work) -> files.DesignFile:
    return _file(work, files.DesignFile, files.DESIGN)


def _bill(work: Work) -> files.BillFile:
    return _file(work, files.BillFile, files.BILL)


def _file(work: Work, kind: type[Read], media_type: str) -> Read:
    name = files.NAMES[media_type]
    return read(kind, _read(work, name), name)


def _parts(work: Work) -> Mapping[str, Part]:
    return read_parts(_read(work, PARTS))


def _ratings(work: Work) -> Mapping[str, Decimal]:
    """Return what each part bears, in V, where the parts file says so."""
    return {name: part.max_v for name, part in _parts(work).items() if part.max_v is not None}


def _outcome(work: Work, said: str, made: Mapping[str, bytes], values: Mapping[str, int] | None = None) -> Outcome:
    """Return what was made, by its names in the task's folder."""
    artifacts = tuple(work.write(name, data, _media_type(name), said) for name, data in made.items())
    return Outcome(said, artifacts, _effort(work), values or {})


def _effort(work: Work) -> Effort:
    return Effort(tool_calls=1, files_read=len(work.assignment.inputs))


def _media_type(name: str) -> str:
    return _KINDS.get(name) or _KINDS.get(PurePosixPath(name).suffix, "text/plain")


def derive_requirements(work: Work) -> Outcome:
    """From the facts, the configuration and the practice to requirements.json and SAFETY_REQUIREMENTS.md."""
    facts, findings = read_report(_read(work, FACTS))
    raw = _read(work, PACK)
    work.report(Progress(note=f"deriving limits; facts: {len(facts)}, findings: {len(findings)}"))
    practice = as_words(PRACTICE, _read(work, PRACTICE))
    try:
        derived = derive(as_words(PACK, raw), raw, practice, facts, findings)
    except SourceError as error:
        raise SkillFailed(ErrorLevel.PERSON, ErrorCategory.VALIDATION, str(error)) from error
    said = f"{len(derived.requirements)} requirements, {len(derived.limits)} limits, {len(derived.claims)} words cited"
    made = {
        "SAFETY_REQUIREMENTS.md": safety_requirements.render(derived).encode(),
        "requirements.json": written(derived),
    }
    grave = sum(note.is_grave for note in derived.notes)
    return _outcome(work, said, made, {"requirements": len(derived.requirements), "grave-notes": grave})


def design_monitor(work: Work) -> Outcome:
    """From the requirements and the parts to design.json, DESIGN.md, WIRING.md and two drawings."""
    requirements = _requirements(work)
    drawn = monitor.design(requirements, _parts(work))
    made = {
        "design.json": written(drawn),
        "DESIGN.md": design.render(requirements, drawn, _ratings(work)),
        "WIRING.md": wiring.render(requirements, drawn),
        "architecture.svg": block_diagram.render(requirements, drawn),
        "wiring.svg": schematic.render(requirements, drawn),
    }
    counts = f"{len(drawn.elements)} elements, {len(drawn.channels)} ways of measuring"
    return _outcome(work, f"{counts}, {len(drawn.failures)} failure modes", made)


def cost_parts(work: Work) -> Outcome:
    """From the design and the parts file to bill.json, BOM.md and bom.csv."""
    requirements, parts = _requirements(work), _parts(work)
    costs = billing.bill(requirements, _design(work), parts)
    said = f"{costs.total_usd:.2f} USD for {len(costs.lines)} parts" + (f"; {costs.why}" if costs.why else "")
    made = {
        "bill.json": written(costs),
        "BOM.md": bill.render(costs, parts),
        "bom.csv": bill.render_csv(costs, parts),
    }
    return _outcome(work, said, made)


def write_firmware(work: Work) -> Outcome:
    """From requirements and design to the sketch with its limits, and SOFTWARE.md."""
    requirements, drawn = _requirements(work), _design(work)
    circuit = chosen(requirements, _parts(work))
    sources = {
        "limits.h": limits_header(requirements),
        "calibration.h": calibration_header(requirements, circuit),
        "pins.h": pins_header(drawn.pins),
        **_shipped(work),
    }
    said = f"sketch of {len(sources)} files with {len(requirements.limits)} limits compiled in"
    made = {f"{SKETCH_FOLDER}/{name}": data for name, data in sorted(sources.items())}
    return _outcome(work, said, {**made, "SOFTWARE.md": software.render(requirements, drawn, sources)})


def _shipped(work: Work) -> dict[str, bytes]:
    """Return the part of the sketch that is the same for every pack."""
    given = [file for file in work.assignment.inputs if PurePosixPath(file.path).suffix in files.SOURCES]
    names = {PurePosixPath(file.path).name: file for file in given}
    return {name: work.read(file) for name, file in names.items() if name not in _MADE_HERE}


def plan_the_tests(work: Work) -> Outcome:
    """From requirements and design to test-plan.json and TEST_PLAN.md."""
    requirements = _requirements(work)
    plan = plan_tests(requirements, _design(work))
    said = f"{len(plan.tests)} tests for {len(requirements.requirements)} requirements"
    made = {"test-plan.json": written(plan), "TEST_PLAN.md": test_plan.render(plan, requirements)}
    return _outcome(work, said, made)


def verify_design(work: Work) -> Outcome:
    """Look for oneself whether each requirement is met: compliance.json and COMPLIANCE.md."""
    requirements = _requirements(work)
    plan = _file(work, files.TestPlanFile, files.TEST_PLAN)
    sketch = {
        PurePosixPath(file.path).name: work.read(file)
        for file in work.assignment.inputs
        if PurePosixPath(file.path).parent.name == SKETCH_FOLDER
    }
    verified = verify(requirements, _design(work), _bill(work), plan, sketch)
    counts = {kind: sum(one.conclusion is kind for one in verified.verifications) for kind in files.Conclusion}
    said = ", ".join(f"{count} {kind.value}" for kind, count in counts.items())
    made = {
        "compliance.json": written(verified),
        "COMPLIANCE.md": compliance.render(verified, requirements, _compiled(sketch)),
    }
    values = {"not-met": counts[files.Conclusion.NOT_MET], "open": counts[files.Conclusion.OPEN]}
    return _outcome(work, said, made, values)


def _compiled(sketch: Mapping[str, bytes]) -> str:
    """Return what a compiler says of the sketch, or that none is here."""
    built = build(sketch)
    return built.fault or built.note


def hand_over(work: Work) -> Outcome:
    """Hand on every accepted file for the builder, with README.md to begin with."""
    verified = _file(work, files.ComplianceFile, files.COMPLIANCE)
    accepted = [file for file in work.assignment.inputs if _is_made(file)]
    page = readme.render(_requirements(work), _bill(work), verified, [*map(_delivered, accepted), PACK, PRACTICE])
    said = f"{len(accepted) + 2} files for the builder"
    own = {"README.md": page.encode(), PACK: _read(work, PACK), PRACTICE: _read(work, PRACTICE)}
    outcome = _outcome(work, said, own)
    return replace(outcome, artifacts=(*outcome.artifacts, *(_handed_on(work, file) for file in accepted)))


def _handed_on(work: Work, file: File) -> File:
    """Store a file once more as it was accepted, with what was said of it."""
    name = _delivered(file)
    return work.write(name, work.read(file), file.media_type or _media_type(name), file.summary or "")


def _is_made(file: File) -> bool:
    """Whether a task of this mission has made a file; the mission's own inputs are not handed on."""
    return PurePosixPath(file.path).parts[0] == "mission"


def _delivered(file: File) -> str:
    """Return the name under which a file is handed on: the sketch keeps its folder, the rest lies flat."""
    path = PurePosixPath(file.path)
    return f"{SKETCH_FOLDER}/{path.name}" if path.parent.name == SKETCH_FOLDER else path.name
