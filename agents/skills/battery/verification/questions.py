"""The six questions of whoever signs for safety, answered from what was found and from nothing else.

A question is satisfied only where the evidence carries the answer; a monitor that switches nothing says so each time.
"""

import re
from collections.abc import Iterator, Sequence

from agents.skills.battery.measuring import elements_in, is_difference
from agents.skills.battery.verification.answers import SWITCHES_NOTHING, Answering, answer
from agents.skills.battery.verification.design_checks import IN_ONE_WAY, backing
from agents.skills.battery.verification.dossier import Dossier
from gates.design.files import (
    Direction,
    Element,
    FailureMode,
    Limit,
    Question,
    Subject,
    Verification,
)
from gates.design.words import quantity

_SOUNDING = re.compile(r"buzzer|sounder|siren|\bhorn\b|beeper", re.IGNORECASE)
_SHOWING = re.compile(r"\bleds?\b|\blights?\b|\blamps?\b|beacon", re.IGNORECASE)
_WITHOUT_BOARD = re.compile(r"dead.?man|\bown (?:9 V )?battery", re.IGNORECASE)
_BREAKER = re.compile(r"\bfuses?\b|breaker|\bcontactors?\b", re.IGNORECASE)
_MAIN = re.compile(
    r"\bmain|class[- ]?t\b|\bANL\b|\bMEGA fuse|\bMRBF\b|\bNH ?0|circuit.?breaker|contactor", re.IGNORECASE
)


def questions(dossier: Dossier, verifications: tuple[Verification, ...]) -> Iterator[Question]:
    """Yield the six questions with their answers."""
    answering = Answering(dossier, verifications)
    for ask in (_voltages, _temperatures, _overcurrent, _sensors, _unsafe, _alerts):
        yield ask(answering)


def _voltages(answering: Answering) -> Question:
    pack = answering.dossier.requirements.pack
    cells = [item for item in answering.alarms("V", Direction.ABOVE, "cell") if not is_difference(item)]
    highs = [item for item in cells if item.value <= pack.max_v]
    lows = [item for item in answering.alarms("V", Direction.BELOW, "cell") if item.value >= pack.min_v]
    lacking = [
        *_unless(highs, f"no alarm speaks up at or below {quantity(pack.max_v, 'V')} for a cell that is too high"),
        *_unless(lows, f"no alarm speaks up at or above {quantity(pack.min_v, 'V')} for a cell that is too low"),
        *answering.unmet(Subject.VOLTAGE),
        *answering.nobodys("V"),
    ]
    late = [*_late([*highs, *lows], answering)]
    yes = "By alarms, for every cell and the pack, on paper." + (f" But {'; '.join(late)}." if late else "")
    found = [*answering.kept("V"), *late]
    return answer("Are all voltage limits enforced?", yes, lacking, found, SWITCHES_NOTHING)


def _unless(found: Sequence[object], lacking: str) -> tuple[str, ...]:
    return () if found else (lacking,)


def _late(limits: Sequence[Limit], answering: Answering) -> Iterator[str]:
    """Yield the alarms that may speak up only beyond the cell's own limit, because a reading may be off."""
    error_v = answering.dossier.requirements.accuracy_mv / 1000
    pack = answering.dossier.requirements.pack
    for limit in limits:
        is_high = limit.direction is Direction.ABOVE
        latest = limit.value + error_v if is_high else limit.value - error_v
        if (latest > pack.max_v) if is_high else (latest < pack.min_v):
            yield f"{limit.name} may speak up only at {quantity(latest, 'V')}, beyond the cell's own limit"


def _temperatures(answering: Answering) -> Question:
    lacking = [
        *_unless(
            answering.alarms("degC", Direction.BELOW, "charge"), "no alarm speaks up when it is charged in the cold"
        ),
        *_unless(answering.alarms("degC", Direction.ABOVE), "no alarm speaks up when it gets too hot"),
        *answering.unmet(Subject.TEMPERATURE),
        *answering.nobodys("degC"),
    ]
    yes = "Yes, by alarms for charging and discharging, on paper."
    found = [*answering.kept("degC")]
    return answer("Are temperature limits monitored?", yes, lacking, found, SWITCHES_NOTHING)


def _overcurrent(answering: Answering) -> Question:
    main, others = _breaking(answering.dossier)
    detecting = [
        *_unless(answering.alarms("A", Direction.ABOVE, "charge"), "no alarm on the current into the battery"),
        *_unless(answering.alarms("A", Direction.ABOVE, "discharge"), "no alarm on the current out of the battery"),
        *answering.unmet(Subject.CURRENT),
        *answering.nobodys("A"),
    ]
    known = "It is detected, on paper" if not detecting else "Its detection is not shown"
    broken = "nothing in the bill breaks the pack's current"
    if others:
        broken += "; the fuses that are there protect wires of the monitor"
    lacking = [*detecting, *_unless(main, f"{known}, but {broken}" if not detecting else broken)]
    yes = f"{known}, and the bill holds {'; '.join(main)}; whether that suits this battery was not judged."
    found = [*answering.kept("A"), *main, *others]
    return answer("Is overcurrent protection present?", yes, lacking, found, SWITCHES_NOTHING)


def _breaking(dossier: Dossier) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the bill's lines that break the pack's current, and those of other fuses."""
    lines = [f"{line.part}, {line.description}" for line in dossier.bill.lines]
    fuses = [line for line in lines if _BREAKER.search(line)]
    main = tuple(line for line in fuses if _MAIN.search(line))
    return main, tuple(line for line in fuses if line not in main)


def _sensors(answering: Answering) -> Question:
    dossier = answering.dossier
    failures = [item for item in dossier.design.failures if item.element in _measuring(dossier)]
    lacking = [
        *_unless(answering.about(Subject.SENSORS), "no requirement says what has to be detected"),
        *answering.unmet(Subject.SENSORS),
        *(f"{item.id}: {item.what}: {reason}" for item in failures if (reason := _reason(item))),
        *_forgotten(dossier),
    ]
    found = [f"{item.id}: {item.what}: {item.detected_by}; {item.reaction}" for item in failures if not _reason(item)]
    yes = f"By the design it is noticed and told, for each of {len(found)} ways to fail; the tests have to show it."
    return answer("What happens if a sensor fails?", yes, lacking, found)


def _measuring(dossier: Dossier) -> dict[str, Element]:
    """Return the elements that stand in a channel's chain, by id; all of them where no chain names any."""
    found = {item.id: item for channel in dossier.design.channels for item in elements_in(channel, dossier.design)}
    return found or dossier.elements


def _forgotten(dossier: Dossier) -> Iterator[str]:
    told = {failure.element for failure in dossier.design.failures}
    for channel in dossier.design.channels:
        chain = list(elements_in(channel, dossier.design))
        if chain and not any(element.id in told for element in chain):
            yield f"no failure mode says what happens when the channel {channel.name} fails"


def _unsafe(answering: Answering) -> Question:
    failures = answering.dossier.design.failures
    lacking = [
        *_unless(failures, "the design names no failure modes"),
        *(f"{item.id}: {item.what}: {reason}" for item in failures if (reason := _reason(item))),
        *(
            f"{item.requirement} is {text}"
            for item in answering.verifications
            for text in item.evidence
            if _single(text)
        ),
    ]
    found = [f"{item.id}: {item.what}: {item.detected_by}" for item in failures if not _reason(item)]
    none = f"None was found among {len(failures)} failure modes; the list itself is the designer's."
    asked = answer("Are there any unsafe failure modes?", none, lacking, found, SWITCHES_NOTHING)
    if not failures or not lacking:
        return asked
    return asked.model_copy(update={"answer": f"Yes, {len(lacking)}: {'; '.join(lacking)}. {SWITCHES_NOTHING}"})


def _single(text: str) -> bool:
    return text.startswith(IN_ONE_WAY)


def _reason(failure: FailureMode) -> str:
    """Return why a failure is not safe, "" where nothing speaks against it."""
    if not failure.is_safe:
        return "unsafe by the designer's own word"
    if not failure.detected_by.strip():
        return "nothing notices it"
    return "" if failure.reaction.strip() else "nothing answers to it"


def _alerts(answering: Answering) -> Question:
    dossier = answering.dossier
    sounding, showing, alone = (_bought(dossier, pattern) for pattern in (_SOUNDING, _SHOWING, _WITHOUT_BOARD))
    standing = [item for about in answering.about(Subject.ALERTS) for item in backing(about, dossier)]
    lacking = [
        *_unless(sounding, "nothing that sounds is in the bill"),
        *_unless(showing, "no light is in the bill"),
        *_unless(alone, "nothing that is bought sounds while the board is dead"),
        *_unless(standing, "nothing that alerts backs up another part of it"),
        *_unless(answering.about(Subject.ALERTS), "no requirement is about alerts"),
        *answering.unmet(Subject.ALERTS),
    ]
    found = dict.fromkeys(f"{item.id}, {item.name}" for item in (*sounding, *showing, *alone, *standing))
    dead = alone[0].name if alone else ""
    yes = f"Yes, on paper: by sound and by light; while the board is dead, by {dead}."
    return answer("Is the alert system redundant?", yes, lacking, tuple(found))


def _bought(dossier: Dossier, pattern: re.Pattern[str]) -> list[Element]:
    """Return the elements of this kind whose parts are in the bill."""
    alike = (item for item in dossier.design.elements if pattern.search(f"{item.name} {item.purpose}"))
    return [item for item in alike if dossier.is_bought(item)]
