"""The skills of those who design a battery monitor: each takes accepted files and hands on one subject."""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from pathlib import PurePosixPath
from typing import Final

from agents.skills.battery.design import billing, monitor
from agents.skills.battery.design.circuit import chosen
from agents.skills.battery.documents import compliance, design, readme, safety_requirements, software, test_plan, wiring
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
from protocol.bodies import ErrorCategory, ErrorLevel, File, Progress
from protocol.bodies import Work as Effort
from protocol.errors import SourceError

PRACTICE: Final = "practice.md"
FACTS: Final = "facts.json"
SKETCH_FOLDER: Final = "battery_monitor"
_MADE_HERE: Final = ("limits.h", "calibration.h", "pins.h")
_MARKDOWN, _SVG, _CSV = "text/markdown", "image/svg+xml", "text/csv"
SOURCES: Final[Mapping[str, str]] = {
    ".ino": files.SKETCH,
    ".h": files.C_HEADER,
    ".c": files.C_SOURCE,
    ".cpp": files.CPP_SOURCE,
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
    return files.read(files.RequirementsFile, _read(work, "requirements.json"), "requirements.json")


def _design(work: Work) -> files.DesignFile:
    return files.read(files.DesignFile, _read(work, "design.json"), "design.json")


def _bill(work: Work) -> files.BillFile:
    return files.read(files.BillFile, _read(work, "bill.json"), "bill.json")


def _parts(work: Work) -> Mapping[str, Part]:
    return read_parts(_read(work, PARTS))


def _ratings(work: Work) -> Mapping[str, Decimal]:
    """Return what each part bears, in V, where the parts file says so."""
    return {name: part.max_v for name, part in _parts(work).items() if part.max_v is not None}


def _outcome(said: str, made: Iterable[File], values: Mapping[str, int] | None = None) -> Outcome:
    artifacts = tuple(made)
    return Outcome(said, artifacts, Effort(tool_calls=1, files_read=len(artifacts)), values or {})


def derive_requirements(work: Work) -> Outcome:
    """From the facts, the configuration and the practice to requirements.json and SAFETY_REQUIREMENTS.md."""
    facts, findings = read_report(_read(work, FACTS))
    raw = _read(work, PACK)
    work.report(Progress(note=f"deriving limits from {len(facts)} facts and {len(findings)} findings"))
    practice = as_words(PRACTICE, _read(work, PRACTICE))
    try:
        derived = derive(as_words(PACK, raw), raw, practice, facts, findings)
    except SourceError as error:
        raise SkillFailed(ErrorLevel.PERSON, ErrorCategory.VALIDATION, str(error)) from error
    said = f"{len(derived.requirements)} requirements, {len(derived.limits)} limits, {len(derived.claims)} words cited"
    page = safety_requirements.render(derived).encode()
    made = (
        work.write("SAFETY_REQUIREMENTS.md", page, _MARKDOWN, said),
        work.write("requirements.json", files.written(derived), files.REQUIREMENTS, said),
    )
    grave = sum(note.is_grave for note in derived.notes)
    return _outcome(said, made, {"requirements": len(derived.requirements), "grave-notes": grave})


def design_monitor(work: Work) -> Outcome:
    """From the requirements and the parts to design.json, DESIGN.md, WIRING.md and two drawings."""
    requirements = _requirements(work)
    made = monitor.design(requirements, _parts(work))
    said = f"{len(made.elements)} elements, {len(made.channels)} ways of measuring, {len(made.failures)} failure modes"
    pages = (
        ("design.json", files.written(made), files.DESIGN),
        ("DESIGN.md", design.render(requirements, made, _ratings(work)), _MARKDOWN),
        ("WIRING.md", wiring.render(requirements, made), _MARKDOWN),
        ("architecture.svg", block_diagram.render(requirements, made), _SVG),
        ("wiring.svg", schematic.render(requirements, made), _SVG),
    )
    return _outcome(said, [work.write(name, data, kind, said) for name, data, kind in pages])


def cost_parts(work: Work) -> Outcome:
    """From the design and the parts file to bill.json, BOM.md and bom.csv."""
    requirements, parts = _requirements(work), _parts(work)
    made = billing.bill(requirements, _design(work), parts)
    said = f"{made.total_usd:.2f} USD for {len(made.lines)} parts" + (f"; {made.why}" if made.why else "")
    pages = (
        ("bill.json", files.written(made), files.BILL),
        ("BOM.md", billing.as_page(made, parts).encode(), _MARKDOWN),
        ("bom.csv", billing.as_csv(made, parts), _CSV),
    )
    return _outcome(said, [work.write(name, data, kind, said) for name, data, kind in pages])


def write_firmware(work: Work) -> Outcome:
    """From requirements and design to the sketch with its limits, and SOFTWARE.md."""
    requirements, made = _requirements(work), _design(work)
    circuit = chosen(requirements, _parts(work))
    sources = {
        "limits.h": limits_header(requirements),
        "calibration.h": calibration_header(requirements, circuit),
        "pins.h": pins_header(made.pins),
        **_shipped(work),
    }
    said = f"sketch of {len(sources)} files with {len(requirements.limits)} limits compiled in"
    written = [
        work.write(f"{SKETCH_FOLDER}/{name}", data, SOURCES[PurePosixPath(name).suffix], said)
        for name, data in sorted(sources.items())
    ]
    page = software.render(requirements, made, sources)
    return _outcome(said, [*written, work.write("SOFTWARE.md", page, _MARKDOWN, said)])


def _shipped(work: Work) -> dict[str, bytes]:
    """Return the part of the sketch that is the same for every pack."""
    given = [file for file in work.assignment.inputs if PurePosixPath(file.path).suffix in SOURCES]
    names = {PurePosixPath(file.path).name: file for file in given}
    return {name: work.read(file) for name, file in names.items() if name not in _MADE_HERE}


def plan_the_tests(work: Work) -> Outcome:
    """From requirements and design to test-plan.json and TEST_PLAN.md."""
    requirements = _requirements(work)
    made = plan_tests(requirements, _design(work))
    said = f"{len(made.tests)} tests for {len(requirements.requirements)} requirements"
    pages = (
        ("test-plan.json", files.written(made), files.TEST_PLAN),
        ("TEST_PLAN.md", test_plan.render(made, requirements), _MARKDOWN),
    )
    return _outcome(said, [work.write(name, data, kind, said) for name, data, kind in pages])


def verify_design(work: Work) -> Outcome:
    """Look for oneself whether each requirement is met: compliance.json and COMPLIANCE.md."""
    requirements = _requirements(work)
    plan = files.read(files.TestPlanFile, _read(work, "test-plan.json"), "test-plan.json")
    sketch = {
        PurePosixPath(file.path).name: work.read(file)
        for file in work.assignment.inputs
        if PurePosixPath(file.path).parent.name == SKETCH_FOLDER
    }
    made = verify(requirements, _design(work), _bill(work), plan, sketch)
    counts = {kind: sum(one.conclusion is kind for one in made.verifications) for kind in files.Conclusion}
    said = ", ".join(f"{count} {kind.value}" for kind, count in counts.items())
    pages = (
        ("compliance.json", files.written(made), files.COMPLIANCE),
        ("COMPLIANCE.md", compliance.render(made, requirements, _compiled(sketch)), _MARKDOWN),
    )
    values = {"not-met": counts[files.Conclusion.NOT_MET], "open": counts[files.Conclusion.OPEN]}
    return _outcome(said, [work.write(name, data, kind, said) for name, data, kind in pages], values)


def _compiled(sketch: Mapping[str, bytes]) -> str:
    """Return what a compiler says of the sketch, or that none is here."""
    built = build(sketch)
    return built.fault or built.note


def hand_over(work: Work) -> Outcome:
    """Hand on every accepted file for the builder, with README.md to begin with."""
    verified = files.read(files.ComplianceFile, _read(work, "compliance.json"), "compliance.json")
    accepted = [file for file in work.assignment.inputs if _is_made(file)]
    page = readme.render(_requirements(work), _bill(work), verified, [*map(_delivered, accepted), PACK, PRACTICE])
    said = f"{len(accepted) + 2} files for the builder"
    handed = [
        work.write(_delivered(file), work.read(file), file.media_type or _MARKDOWN, file.summary or "")
        for file in accepted
    ]
    kept = [work.write(name, _read(work, name), "text/plain", said) for name in (PACK, PRACTICE)]
    return _outcome(said, [work.write("README.md", page.encode(), _MARKDOWN, said), *handed, *kept])


def _is_made(file: File) -> bool:
    """Whether a task of this mission has made a file; the mission's own inputs are not handed on."""
    return PurePosixPath(file.path).parts[0] == "mission"


def _delivered(file: File) -> str:
    """Return the name under which a file is handed on: the sketch keeps its folder, the rest lies flat."""
    path = PurePosixPath(file.path)
    return f"{SKETCH_FOLDER}/{path.name}" if path.parent.name == SKETCH_FOLDER else path.name
