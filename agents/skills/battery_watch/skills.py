"""The skills of who assesses a battery: one window as it is handed in, and the whole watch at its end."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Final

from agents.skills.battery_watch.figures import findings
from agents.skills.battery_watch.given import Given, rows_of, unfit, units_of, windows_of
from agents.skills.battery_watch.overview import Glance, glance, in_short
from agents.skills.battery_watch.page import Told, render, standing
from agents.skills.battery_watch.recordings import joined
from agents.skills.battery_watch.seen import Seen
from agents.work import Outcome, Work
from gates.telemetry import assessment, readings
from gates.telemetry.assessment import ASSESSMENT, AssessmentFile, Finding
from gates.telemetry.kinds import Kind
from gates.telemetry.readings import READINGS, write_readings
from gates.values import written
from protocol.bodies import File, Progress
from protocol.bodies import Work as Effort
from protocol.names import is_identifier

PAGE: Final = "WATCH.md"
LINE: Final = "line.txt"
_LONG: Final = 600


def assess_readings(work: Work) -> Outcome:
    """From one window and its readings to assessment.json."""
    given = windows_of(work)
    if len(given) > 1:
        raise unfit(f"{len(given)} windows are among the inputs of this task, one is assessed at a time")
    packs = _seen(work, given)
    found = [finding for seen in packs.values() for finding in findings(seen)]
    said = _in_short([glance(seen) for seen in packs.values()], list(packs))
    made = work.write(assessment.NAME, written(_file(given, found)), ASSESSMENT, said)
    return Outcome(said, (made,), _effort(work), _values(found, len(packs)))


def report_watch(work: Work) -> Outcome:
    """From all windows of a watch to one assessment, one file of readings, one recording and WATCH.md."""
    given = windows_of(work)
    units, packs = units_of(work, given), _seen(work, given)
    work.report(Progress(note=f"assessing {len(given)} windows, {sum(one.window.rows for one in given)} rows"))
    found = {name: findings(seen) for name, seen in packs.items()}
    everything = [finding for several in found.values() for finding in several]
    glances = _glances(work, given)
    told = [Told(seen, {one.kind: one for one in found[name]}, glances[name]) for name, seen in packs.items()]
    raised = sum(one.value or 0 for one in everything if one.kind is Kind.ALERTS)
    still = dict.fromkeys(alert.code for seen in packs.values() for alert in standing(seen))
    stands = f"; standing in the end: {', '.join(still)}" if still else ""
    count = f"{len(given)} {'window' if len(given) == 1 else 'windows'}"
    said = f"{count}, {sum(one.window.rows for one in given):,} rows, alerts raised: {raised}{stands}"
    rows = (row for one in given for row in rows_of(work, one))
    artifacts = [
        work.write(assessment.NAME, written(_file(given, everything)), ASSESSMENT, said),
        work.write(readings.NAME, write_readings(units, rows), READINGS, said),
        *_line(work, given, said),
        work.write(PAGE, render([one.window for one in given], told), "text/markdown", said),
    ]
    return Outcome(said, tuple(artifacts), _effort(work), _values(everything, len(packs)))


def _seen(work: Work, given: Sequence[Given]) -> Mapping[str, Seen]:
    """Return what was seen of each pack in some windows."""
    units = units_of(work, given)
    windows = [one.window for one in given]
    packs = {name: Seen(name, windows, units) for one in windows for name in one.packs}
    for one in given:
        for row in rows_of(work, one):
            if row.pack not in packs:
                raise unfit(f"{one.readings.path} tells of {row.pack}, which is not a pack of the window")
            packs[row.pack].take(row)
    return packs


def _glances(work: Work, given: Sequence[Given]) -> Mapping[str, list[Glance]]:
    """Return each window of each pack at a glance, read one after the other: none of them stays in memory."""
    found = dict[str, list[Glance]]()
    for one in given:
        for name, seen in _seen(work, [one]).items():
            found.setdefault(name, []).append(glance(seen))
    return found


def _line(work: Work, given: Sequence[Given], said: str) -> list[File]:
    """Return one recording for each source."""
    lines = {LINE: [one.line for one in given if one.line]}
    for name in sorted({name for one in given for name in one.others}):
        lines[name] = [one.others[name] for one in given if name in one.others]
    return [
        work.write(name, joined([(file.path, work.read(file)) for file in files]), "text/plain", said)
        for name, files in lines.items()
        if files
    ]


def _file(given: Sequence[Given], found: Sequence[Finding]) -> AssessmentFile:
    first, last = given[0].window, given[-1].window
    return AssessmentFile(
        device=first.device,
        from_ns=first.from_ns,
        to_ns=last.to_ns,
        rows=sum(one.window.rows for one in given),
        findings=tuple(found),
    )


def _in_short(glances: Sequence[Glance], names: Sequence[str]) -> str:
    if len(glances) == 1:
        return in_short(glances[0])
    told = "; ".join(f"{name}: {in_short(one)}" for name, one in zip(names, glances, strict=True))
    return told if len(told) <= _LONG else f"{told[:_LONG]}…"


def _values(found: Sequence[Finding], packs: int) -> Mapping[str, Decimal | int]:
    """Return the figures by kind, for conditions of a plan; of several packs each is named before its figures.

    What is not known is not among them: a condition on it does not hold.
    """
    known = [(one, one.value) for one in found if one.value is not None]
    figures = {one.kind.value if packs == 1 else f"{one.pack}:{one.kind}": value for one, value in known}
    # A pack with a very long name has its figures in the assessment only.
    named = {name: value for name, value in figures.items() if is_identifier(name)}
    return {**named, "not-known": len(found) - len(known)}


def _effort(work: Work) -> Effort:
    return Effort(tool_calls=1, files_read=len(work.assignment.inputs))
