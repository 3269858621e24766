"""Which file of a watch is held against what: one registry, by media type.

1. A window is held to the readings that it brings along. An assessment is held to the windows that were *given*: who
   assesses does not get to bring the readings that fit.
2. What was given counts as a window, and what is made as an assessment, only under its media type: that is what a
   gate has held it by, and holds it by now.
3. Every figure is worked out once more (gates.telemetry.recount). What differs by more than its rounding is rejected,
   and so is what is called unknown and can be told, or told and cannot be known, or left out.
4. A coordinator hands on what its specialists made. Each file was held where it was made, to what was given there.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import PurePosixPath
from typing import Final, TypeAlias

from gates.design.words import judgement
from gates.judged import Judged, inputs_of
from gates.telemetry import assessment, readings, window
from gates.telemetry.assessment import ASSESSMENT, AssessmentFile
from gates.telemetry.findings import finding_faults, value_faults
from gates.telemetry.given import PackRows, Watched, is_window, rows_of, watched
from gates.telemetry.kinds import Kind
from gates.telemetry.readings import READINGS, read_rows
from gates.telemetry.recount import Figure, figures, is_cell
from gates.telemetry.window import WINDOW, WindowFile
from gates.units import SPELLINGS
from gates.values import read
from protocol.bodies import File
from protocol.errors import SourceError
from protocol.verdicts import Pass, Reject, Verdict, first_objection

Check: TypeAlias = Callable[[Judged, File], Verdict]

_NAMES: Final[Mapping[str, str]] = {
    window.NAME: WINDOW,
    readings.NAME: READINGS,
    assessment.NAME: ASSESSMENT,
}
_UNITS: Final[Mapping[str, str]] = {"pack-voltage": "V", "current": "A", "soc": "%", "soh": "%", "cycles": "1"}
_KNOWN: Final = frozenset({*SPELLINGS.values(), "%", "1"})
_RECORDING: Final = re.compile(rb"# orchestra device recording [0-9]+ began_ns=[0-9]{1,19} [^\n]*\n[0-9]+ [<>] ")


def telemetry_holds(judged: Judged) -> Verdict:
    """Judge every artifact of a result that is a file of a watch; what is none of them passes unseen."""
    is_watch = any(map(is_window, inputs_of(judged)))
    return first_objection(_ask(judged, file, is_watch=is_watch) for file in judged.artifacts)


def _ask(judged: Judged, file: File, *, is_watch: bool) -> Verdict:
    expected = _NAMES.get(PurePosixPath(file.path).name)
    if is_watch and expected and file.media_type != expected:
        return Reject(f"{file.path} is handed in as {file.media_type or 'a file of no type'}, not as {expected}")
    check = CHECKS.get(file.media_type or "")
    try:
        return check(judged, file) if check else Pass()
    except SourceError as error:
        return Reject(f"{file.path}: {error}")


def window_holds(judged: Judged, file: File) -> Verdict:
    """A window has its readings beside it, all of its time and its packs, and its recording where it names one."""
    own = read(WindowFile, judged.store.get(file), file.path)
    beside = {one.path: one for one in judged.artifacts}
    path = str(PurePosixPath(file.path).parent / readings.NAME)
    if path not in beside:
        return Reject(f"{file.path} has no {readings.NAME} beside it")
    data = judged.store.get(beside[path])
    count = sum(1 for _ in rows_of(own, data, path, {pack: PackRows() for pack in own.packs}))
    faults = [*_unit_faults(read_rows(data, path)[0]), *_alert_faults(own), *_line_faults(judged, file, own)]
    return judgement(file.path, faults, f"{count} rows of {readings.NAME} are of the window's time and packs")


def _unit_faults(units: Mapping[str, str]) -> Iterator[str]:
    for name, unit in units.items():
        if name.startswith("cell-") and not is_cell(name):
            yield f"the reading {name} is no voltage of a cell, such as cell-1-voltage"
        family = {"cell": "V", "temperature": "degC"}.get(name.partition("-")[0])
        if unit not in _KNOWN or unit != (family or _UNITS.get(name, unit)):
            yield f"the reading {name} is in {unit}" + (f", not in {family or _UNITS.get(name) or 'a unit we know'}")


def _alert_faults(own: WindowFile) -> Iterator[str]:
    for alert in own.alerts:
        if alert.pack not in (*own.packs, own.device):
            yield f"the alert {alert.code} is of {alert.pack}, which is not a pack of the window"
        if not own.from_ns <= alert.taken_ns <= own.to_ns:
            yield f"the alert {alert.code} of {alert.pack} at {alert.taken_ns} is outside of the window"


def _line_faults(judged: Judged, file: File, own: WindowFile) -> Iterator[str]:
    if not own.line or not own.rows:
        return
    path = str(PurePosixPath(file.path).parent / own.line)
    recording = next((one for one in judged.artifacts if one.path == path), None)
    if recording is None:
        yield f"the recording {own.line} is not beside it"
    elif _RECORDING.match(judged.store.get(recording)) is None:
        yield f"{own.line} is no recording of a line, though {own.rows} rows were read from it"


def readings_hold(judged: Judged, file: File) -> Verdict:
    """Readings can be read; those that come with an assessment are those that were given, joined."""
    is_joined = any(one.media_type == ASSESSMENT for one in judged.artifacts)
    given = watched(judged) if is_joined and not _is_handed_on(judged) else None
    units, rows = read_rows(judged.store.get(file), file.path)
    if given is None:
        return Pass((f"{sum(1 for _ in rows)} rows of {file.path} can be read",))
    packs = {name: PackRows() for name in given.packs}
    for pack in packs.values():
        pack.widen(units)
    for row in rows:
        if row.pack not in packs:
            return Reject(f"{file.path} tells of {row.pack}, which was not watched")
        packs[row.pack].add(row)
    changed = [name for name, pack in packs.items() if _differ(pack, given.packs[name])]
    faults = [f"the rows of {name} are not those that were given" for name in changed]
    return judgement(file.path, faults, f"{given.rows} rows are those of the windows, in order")


def _differ(one: PackRows, other: PackRows) -> bool:
    told = {name: column for name, column in one.columns.items() if name in one.told}
    same = {name: column for name, column in other.columns.items() if name in other.told}
    return (one.times, told, one.values, one.doubted) != (other.times, same, other.values, other.doubted)


def assessment_holds(judged: Judged, file: File) -> Verdict:
    """Every kind of finding is there for every pack, and is what the gate itself finds in what was given."""
    own = read(AssessmentFile, judged.store.get(file), file.path)
    if _is_handed_on(judged):
        return Pass((f"{file.path} was held to its readings where it was made",))
    given = watched(judged)
    if given is None:
        return Reject(f"{file.path} cannot be held to anything: no {window.NAME} was given to this task")
    said = {(finding.pack, finding.kind): finding for finding in own.findings}
    faults = [*_head_faults(own, given), *_number_faults(own, given)]
    for pack in given.packs:
        found = figures(given, pack)
        for kind in Kind:
            if (finding := said.get((pack, kind))) is not None:
                faults += finding_faults(finding, found[kind], given)
        faults += _value_faults(judged, pack, found, len(given.packs) > 1)
    return judgement(file.path, faults, f"{len(own.findings)} findings are what {given.rows} rows say")


def _is_handed_on(judged: Judged) -> bool:
    """Whether a result is a coordinator's: it makes no files of its own."""
    return judged.assignment is not None and judged.assignment.plan is not None


def _head_faults(own: AssessmentFile, given: Watched) -> Iterator[str]:
    for what, claimed, there in (
        ("device", own.device, given.device),
        ("from_ns", own.from_ns, given.from_ns),
        ("to_ns", own.to_ns, given.to_ns),
        ("rows", own.rows, given.rows),
    ):
        if claimed != there:
            yield f"{what} is {claimed}, but the windows say {there}"


def _number_faults(own: AssessmentFile, given: Watched) -> Iterator[str]:
    said = [(finding.pack, finding.kind) for finding in own.findings]
    for pack in given.packs:
        for kind in Kind:
            if (count := said.count((pack, kind))) != 1:
                yield f"{kind} of {pack} " + (f"stands {count} times" if count else "is left out")
    for pack in dict.fromkeys(pack for pack, _ in said if pack not in given.packs):
        yield f"there are findings of {pack}, which was not watched"


def _value_faults(judged: Judged, pack: str, found: Mapping[Kind, Figure], is_one_of_several: bool) -> Iterator[str]:
    """Yield what is wrong with the values on which a plan puts its conditions."""
    names = {f"{pack}:{kind}" if is_one_of_several else kind.value: kind for kind in Kind}
    for value in judged.report.result.values if judged.report.result else ():
        kind = names.get(value.name)
        if kind is None:
            continue
        yield from value_faults(value.name, value.value, kind, found[kind])


CHECKS: Final[Mapping[str, Check]] = {
    WINDOW: window_holds,
    READINGS: readings_hold,
    ASSESSMENT: assessment_holds,
}
