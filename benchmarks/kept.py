"""Rows `kept result ...`: a result used again next to doing the work, and what keeping one takes."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from itertools import count
from pathlib import Path
from typing import Final

from agents.definitions.definition import Definition, catalogue
from agents.results import Kept, ResultStore
from agents.results_index import INDEX
from agents.results_key import Key, key_of
from agents.reuse import reusing
from agents.skills.catalogue import SKILLS
from agents.work import Outcome, Work
from benchmarks.messages import MISSION
from benchmarks.processes import run_folder
from benchmarks.rows import Aim, Effort, Row, Spread, compared, interleaved
from bus.artifacts import ArtifactStore
from gates.sources import media_type_of
from protocol.bodies import Decision, File, TaskAssignment, VerdictReport
from protocol.encoder import encode
from protocol.messages import Mark, Message, MessageType, QualityGates
from protocol.topics import GATEKEEPER

_SAMPLE: Final = Path("scenarios/spec_facts/sample")
_LONG: Final = "long.md"
_SMALL: Final = "wiring-note.txt"
_TIMES: Final = 60  # the requirements of the sample, one after the other: 32 KB, as long as a data sheet's text
_TASK: Final = "extract/001"
_MARKS: Final = 5
_INCLUDES: Final = (
    "key, lock, index opened, row and files held against their digests, verdict decoded and validated, artifact "
    "synced into the run's store, use counted and committed"
)
_WORK: Final = "the skill itself on the same document: read, extract, its step and its artifact synced"


@dataclass(slots=True)
class _Place:
    """Where results are kept and runs have their artifacts; every run gets an empty store, which has to sync."""

    folder: Path
    definition: Definition
    results: ResultStore
    _numbers: Callable[[], int] = field(default_factory=lambda: count().__next__)

    def run_with(self, name: str) -> tuple[ArtifactStore, File]:
        """Return the store of a new run that holds one document, and the document."""
        store = ArtifactStore(self.folder / f"artifacts-{self._numbers()}")
        return store, store.put(_content(name), path=name, media_type=media_type_of(name) or "text/plain")


def _content(name: str) -> bytes:
    return (_SAMPLE / "bms-requirements.md").read_bytes() * _TIMES if name == _LONG else (_SAMPLE / name).read_bytes()


def rows(effort: Effort) -> list[Row]:
    """Keep many small results and count their bytes; then use kept results and do the work in turn."""
    with run_folder() as run:
        place = _Place(run.path, catalogue()["fact-extractor"], ResultStore(run.path / "results"))
        sizes = _sizes(place, effort.size(1_000, 300))
        return [*(_timed(place, name, effort) for name in (_LONG, "bench-report.pdf", _SMALL)), sizes]


def _timed(place: _Place, name: str, effort: Effort) -> Row:
    store, file = place.run_with(name)
    outcome = _do(_assignment(file), store)
    place.results.keep(_kept(place, _assignment(file), outcome, store))

    def use() -> float:
        store, file = place.run_with(name)
        began_s = time.perf_counter()
        reused = reusing(place.results, place.definition, store)(_assignment(file))
        took_s = time.perf_counter() - began_s
        if reused is None or reused.outcome.artifacts != outcome.artifacts:
            raise AssertionError(f"the kept result of {name} was not used, or is another")
        return took_s * 1e3

    def work() -> float:
        store, file = place.run_with(name)
        began_s = time.perf_counter()
        _do(_assignment(file), store)
        return (time.perf_counter() - began_s) * 1e3

    ours, base = interleaved(effort.times(21, 9), use, work)
    facts = {"artifact_bytes": outcome.artifacts[0].bytes, "other_entries": place.results.stats().entries - 1}
    aim = Aim(bound=10, at_most=True, is_ratio=False)
    return compared(f"kept result, {name}", "ms", ours, base, text=(_INCLUDES, _WORK), aim=aim, facts=facts)


def _sizes(place: _Place, entries: int) -> Row:
    """Keep so many results that differ in their key and return by how much each lets the index grow."""
    store, file = place.run_with(_SMALL)
    outcome = _do(_assignment(file), store)
    kept = _kept(place, _assignment(file), outcome, store)
    grown, each = [], entries // _MARKS
    place.results.known()
    for mark in range(_MARKS):
        before = _index_bytes(place)
        for number in range(each):
            key = Key((*key_of(place.definition, _assignment(file)).components, ("setting", "n", f"{mark}/{number}")))
            place.results.keep(replace(kept, key=key.digest, spelled=key.spelled))
        grown.append((_index_bytes(place) - before) / each)
    files = sum(len(raw) for raw in kept.contents.values())
    return Row(
        name="kept result, index",
        unit="bytes",
        includes="growth of the index by one result of one artifact: row, key's text, verdict document, indexes",
        baseline="none",
        ours=Spread.of(grown),
        aim=Aim(bound=3_072, at_most=True, is_ratio=False),
        facts={"entries": entries, "counted_for_each": (place.results.stats().bytes - files) // (each * _MARKS)},
    )


def _index_bytes(place: _Place) -> int:
    return (place.results.folder / INDEX).stat().st_size


def _assignment(file: File) -> TaskAssignment:
    return TaskAssignment(title=file.path, skill="extract-facts", folder=f"mission/{_TASK}", inputs=(file,))


def _do(assignment: TaskAssignment, store: ArtifactStore) -> Outcome:
    return SKILLS[assignment.skill](Work(_TASK, 1, assignment, store, lambda progress: None))


def _kept(place: _Place, assignment: TaskAssignment, outcome: Outcome, store: ArtifactStore) -> Kept:
    key = key_of(place.definition, assignment)
    return Kept(
        key=key.digest,
        spelled=key.spelled,
        document=encode(_verdict(outcome)),
        contents={file.sha256: store.get(file) for file in outcome.artifacts if file.sha256},
        agent=place.definition.name,
        folder=assignment.folder,
        run=MISSION,
        task=_TASK,
        created_ns=time.time_ns(),
        max_age_s=place.definition.max_age_s,
    )


def _verdict(outcome: Outcome) -> Message:
    """Return a verdict as the gatekeeper gives it on a result of this mission."""
    reason = "1 inputs match their digests; 3 quotes stand verbatim at their places; 1 paths inside mission/extract/001"
    body = VerdictReport(
        decision=Decision.PASS,
        judged="0d5f6f0e-53a3-5d5b-9f0c-000000000001",
        reason=reason,
        description=outcome.description,
        evidence=tuple(reason.split("; ")),
        artifacts=outcome.artifacts,
    )
    passed = Mark.PASSED
    return Message(
        sender=GATEKEEPER,
        recipient="@data-coordinator",
        type=MessageType.VERDICT,
        task=_TASK,
        parent_task="mission",
        timestamp_ns=1_795_253_400_250_000_000,
        id="b7f1c7de-1f5b-5c9e-8d55-5a9b9e0a4c77",
        mission=MISSION,
        cause=body.judged,
        attempt=1,
        body=body,
        gates=QualityGates(
            layer_1_input=passed, layer_2_hallucination=passed, layer_3_boundary=passed, layer_4_output=passed
        ),
    )
