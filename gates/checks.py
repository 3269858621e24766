"""The gates themselves, in their first form: plain functions from a judged result to a verdict.

1 input          the result answers an assignment, and that assignment's inputs are what they hash to
2 hallucination  every quote is verbatim at its place in an input; figure and unit stand in the quote
3 boundary       artifact paths stay in the task's folder, and the tokens used within what the task may use
4 output         the specialist says it succeeded, every artifact is in the store and is what it claims, the files
                 of a design and of a watch hold (gates.design, gates.telemetry), and so do the conditions that the
                 plan puts on the result's values
"""

import json
from collections.abc import Iterator
from functools import lru_cache
from pathlib import PurePosixPath
from typing import Final

from bus.artifacts import ArtifactStore
from gates.claims import Claim, flaw, read_claims
from gates.design.files import REQUIREMENTS
from gates.design.holding import design_holds
from gates.design.words import listed
from gates.judged import Gate, Judged, inputs_of
from gates.sources import Source, media_type_of, read_source
from gates.telemetry.holding import telemetry_holds
from protocol.bodies import File
from protocol.conditions import read_condition
from protocol.errors import SourceError
from protocol.verdicts import Pass, Reject, Verdict, first_objection

CLAIMS_MEDIA_TYPE: Final = "application/vnd.orchestra.claims+json"
_CLAIMING: Final = frozenset({CLAIMS_MEDIA_TYPE, REQUIREMENTS})


def inputs_are_sound(judged: Judged) -> Verdict:
    """Gate 1: there is an assignment, and its inputs are in the store under their digests."""
    if judged.assignment is None:
        return Reject("this result answers no assignment of this run")
    for file in judged.assignment.inputs:
        try:
            judged.store.get(file)
        except SourceError as error:
            return Reject(str(error))
    return Pass((_counted(len(judged.assignment.inputs), "input matches its digest", "inputs match their digests"),))


def _counted(number: int, one: str, several: str) -> str:
    return f"{number} {one if number == 1 else several}"


def claims_are_grounded(judged: Judged) -> Verdict:
    """Gate 2: every claim is verbatim in one of the task's inputs, with its figure and unit in the quote."""
    sources = _Sources(judged)
    faults, checked = [], 0
    for file in _claim_files(judged):
        try:
            claims = read_claims(judged.store.get(file))
        except SourceError as error:
            return Reject(f"{file.path}: {error}")
        checked += len(claims)
        faults += [fault for claim in claims if (fault := _fault(claim, sources))]
    if faults:
        return Reject(f"{len(faults)} of {checked} claims do not hold: {listed(faults)}")
    said = _counted(checked, "quote stands verbatim at its place", "quotes stand verbatim at their places")
    return Pass((said,) if checked else ())


def _claim_files(judged: Judged) -> Iterator[File]:
    return (file for file in judged.artifacts if file.media_type in _CLAIMING)


def _fault(claim: Claim, sources: "_Sources") -> str | None:
    try:
        source = sources.read(claim.sha256)
    except SourceError as error:
        return f"{claim.document}: {error}"
    fault = flaw(claim, source)
    return f"{claim.document}, {claim.place}: {fault}" if fault else None


class _Sources:
    """The inputs of the judged task, read by the gate itself and not taken from the specialist."""

    def __init__(self, judged: Judged) -> None:
        self._store = judged.store
        self._files = {file.sha256: file for file in inputs_of(judged) if file.sha256}

    def read(self, sha256: str) -> Source:
        file = self._files.get(sha256)
        if file is None:
            raise SourceError("it was not among the inputs of this task")
        return _source(self._store, file)


@lru_cache(maxsize=256)
def _source(store: ArtifactStore, file: File) -> Source:
    """Return a source as text. A PDF takes seconds and is quoted from in several tasks; its digest names it."""
    return read_source(store.get(file), file.media_type or media_type_of(file.path) or "text/plain")


def bounds_are_kept(judged: Judged) -> Verdict:
    """Gate 3: no artifact path leaves the folder that the assignment gave, no more tokens were used than it allows."""
    folder = PurePosixPath(judged.assignment.folder) if judged.assignment else PurePosixPath(".")
    for file in judged.artifacts:
        path = PurePosixPath(file.path)
        if path.is_absolute() or ".." in path.parts or "\\" in file.path or "\0" in file.path:
            return Reject(f"the artifact path {file.path!r} is not a plain relative path")
        if folder not in path.parents:
            return Reject(f"the artifact path {file.path!r} is outside the task's folder {folder}")
    used, most = _tokens_used(judged), judged.assignment.max_tokens if judged.assignment else None
    if most is not None and used > most:
        return Reject(f"{used:,} tokens were used, the task may use {most:,}")
    said = _counted(len(judged.artifacts), f"path inside {folder}", f"paths inside {folder}")
    return Pass((said,) if judged.artifacts else ())


def _tokens_used(judged: Judged) -> int:
    usage = judged.message.usage
    billed = usage.input_tokens + usage.output_tokens if usage else 0
    return max(billed, judged.report.work.context_tokens if judged.report.work else 0)


def output_is_whole(judged: Judged) -> Verdict:
    """Gate 4: the specialist reports success, its artifacts are what they claim to be, and the conditions hold."""
    checks = (_succeeded, _artifacts_are_sound, _outputs_are_there, design_holds, telemetry_holds, _conditions_hold)
    return first_objection(check(judged) for check in checks)


def _succeeded(judged: Judged) -> Verdict:
    result = judged.report.result
    if result is None or not result.success:
        error = judged.report.error_details
        return Reject(error.message if error else "the specialist reports no success and no reason")
    return Pass()


def _artifacts_are_sound(judged: Judged) -> Verdict:
    for file in judged.artifacts:
        try:
            data = judged.store.get(file)
            if (file.media_type or "").endswith("json"):
                json.loads(data)
        except SourceError as error:
            return Reject(str(error))
        except ValueError as error:
            return Reject(f"{file.path} is not JSON: {error}")
        except RecursionError:
            return Reject(f"{file.path} is nested too deeply to be read")
    return Pass((_counted(len(judged.artifacts), "artifact matches its digest", "artifacts match their digests"),))


def _outputs_are_there(judged: Judged) -> Verdict:
    if judged.assignment is None:
        return Pass()
    made = {file.path for file in judged.artifacts}
    missing = [name for name in judged.assignment.outputs if f"{judged.assignment.folder}/{name}" not in made]
    return Reject(f"the result lacks {', '.join(missing)}, which the task has to make") if missing else Pass()


def _conditions_hold(judged: Judged) -> Verdict:
    values = {value.name: value.value for value in judged.report.result.values} if judged.report.result else {}
    conditions = judged.assignment.accept if judged.assignment else ()
    for condition in map(read_condition, conditions):
        if not condition.holds(values):
            has = ", ".join(f"{name} = {values.get(name, 'not given')}" for name in condition.names)
            return Reject(f"the condition {condition.text} does not hold: {has}")
    return Pass(tuple(f"holds: {text}" for text in conditions))


GATES: Final[dict[str, Gate]] = {
    "layer_1_input": inputs_are_sound,
    "layer_2_hallucination": claims_are_grounded,
    "layer_3_boundary": bounds_are_kept,
    "layer_4_output": output_is_whole,
}
