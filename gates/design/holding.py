"""Which file of a design is held against what: one registry, by media type.

1. A file is judged with what lies beside it (gates.design.beside). What it needs and is not there rejects it.
2. A sketch is judged with all files of its folder: limits.h is one of them, whatever its media type says.
"""

from collections.abc import Callable, Mapping
from typing import Final, TypeAlias

from gates.design.beside import Beside
from gates.design.bills import bill_faults
from gates.design.coverage import compliance_faults, plan_faults
from gates.design.electrics import electric_faults
from gates.design.files import (
    BILL,
    COMPLIANCE,
    DESIGN,
    REQUIREMENTS,
    SKETCH,
    SOURCES,
    TEST_PLAN,
    BillFile,
    ComplianceFile,
    Conclusion,
    DesignFile,
    RequirementsFile,
    TestPlanFile,
)
from gates.design.headers import NAME as LIMITS_H
from gates.design.headers import changed_elsewhere, expected_macros, header_faults
from gates.design.limits import limit_faults
from gates.design.words import judgement
from gates.judged import Judged
from gates.sketches import Built, build
from gates.values import read
from protocol.bodies import File
from protocol.errors import SourceError
from protocol.verdicts import Pass, Reject, Verdict, first_objection

Check: TypeAlias = Callable[[File, Beside], Verdict]


def design_holds(judged: Judged) -> Verdict:
    """Judge every artifact of a result that is a file of a design; what is none of them passes unseen."""
    return first_objection(
        _ask(check, file, Beside(judged))
        for file in judged.artifacts
        for check in CHECKS.get(file.media_type or "", ())
    )


def _ask(check: Check, file: File, beside: Beside) -> Verdict:
    try:
        return check(file, beside)
    except SourceError as error:
        return Reject(f"{file.path}: {error}")


def requirements_hold(file: File, beside: Beside) -> Verdict:
    own = read(RequirementsFile, beside.data(file), file.path)
    return judgement(file.path, limit_faults(own), f"{len(own.limits)} limits hold against {len(own.claims)} claims")


def design_bears(file: File, beside: Beside) -> Verdict:
    own = read(DesignFile, beside.data(file), file.path)
    placed = sum(bool(element.part and element.node) for element in own.elements)
    unsafe = [failure.id for failure in own.failures if not failure.is_safe]
    evidence = f"{placed} parts bear what stands at their nodes, {len(own.channels)} channels measure as they have to"
    if unsafe:
        evidence += f"; open: {', '.join(unsafe)}"
    return judgement(file.path, electric_faults(own, beside.requirements(), beside.parts()), evidence)


def bill_adds_up(file: File, beside: Beside) -> Verdict:
    own = read(BillFile, beside.data(file), file.path)
    faults = bill_faults(own, beside.design(), beside.requirements(), beside.parts())
    return judgement(file.path, faults, f"{len(own.lines)} lines of the bill add up and hold all that is needed")


def plan_covers(file: File, beside: Beside) -> Verdict:
    own, requirements = read(TestPlanFile, beside.data(file), file.path), beside.requirements()
    evidence = f"{len(own.tests)} tests cover {len(requirements.requirements)} requirements"
    return judgement(file.path, plan_faults(own, requirements), evidence)


def compliance_is_told(file: File, beside: Beside) -> Verdict:
    own = read(ComplianceFile, beside.data(file), file.path)
    met = sum(one.conclusion is Conclusion.MET for one in own.verifications)
    faults = compliance_faults(own, beside.requirements(), beside.design(), beside.test_plan())
    return judgement(file.path, faults, f"{len(own.verifications)} verifications are complete, {met} say met")


def limits_agree(file: File, beside: Beside) -> Verdict:
    """A sketch has a limits.h beside it that says what the requirements say, and no other file says otherwise."""
    folder, requirements = beside.folder(file), beside.requirements()
    if LIMITS_H not in folder:
        return Reject(f"{file.path} has no {LIMITS_H} beside it")
    faults = list(header_faults(folder[LIMITS_H], requirements))
    for name in sorted(folder.keys() - {LIMITS_H}):
        if name.endswith(tuple(SOURCES)):
            faults += changed_elsewhere(folder[name], name, requirements)
    evidence = f"{len(expected_macros(requirements))} macros of {LIMITS_H} say what the requirements say"
    return judgement(f"{LIMITS_H} of {file.path}", faults, evidence)


def compiles(build: Callable[[Mapping[str, bytes]], Built]) -> Check:
    """Return the check that a sketch builds from the files of its folder. Where nothing can build it, it says so."""

    def check(file: File, beside: Beside) -> Verdict:
        built = build(beside.folder(file))
        return Reject(f"{file.path} does not build: {built.fault}") if built.fault else Pass((built.note,))

    return check


CHECKS: Final[Mapping[str, tuple[Check, ...]]] = {
    REQUIREMENTS: (requirements_hold,),
    DESIGN: (design_bears,),
    BILL: (bill_adds_up,),
    TEST_PLAN: (plan_covers,),
    COMPLIANCE: (compliance_is_told,),
    SKETCH: (limits_agree, compiles(build)),
}
