"""The pytest plugin that comes with the orchestra: recordings, replays and plans tried out in one process.

It imports nothing of the orchestra before a test asks for one of its fixtures: a project that has the orchestra
installed and does not use them must not pay for it. That is why the modules are named here instead of imported.

PYTEST_DONT_REWRITE
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from agents.work import Skill
    from bus.artifacts import ArtifactStore
    from coordinators.fold import Fold
    from coordinators.refold import Turn
    from protocol.bodies import Plan
    from scenarios.recording import Recording
    from scenarios.redoing import Redone
    from scenarios.rehearsal import Rehearsed, Script
    from scenarios.replaying import Replayed


def _module(name: str) -> Any:
    return import_module(name)


@pytest.fixture
def recording(request: pytest.FixtureRequest) -> Callable[[str], Recording]:
    """`recording("name")`: the recording in `recordings/name.recording` beside the test's file."""
    reading = _module("scenarios.recording")
    folder = request.path.parent / "recordings"

    def load(name: str) -> Recording:
        recorded: Recording = reading.read_recording(folder / f"{name}{reading.SUFFIX}")
        return recorded

    return load


@pytest.fixture
def replayed() -> Callable[..., list[Replayed]]:
    """`replayed(recording)`: every coordinator fed the recording again; the test fails with the first difference.

    folds: other rules, by the coordinator's name. not_sent: how many messages it may still have to send, as in a
    recording of a run that was interrupted.
    """
    replaying, errors = _module("scenarios.replaying"), _module("protocol.errors")

    def check(
        recorded: Recording, folds: Mapping[str, Fold[Any]] | None = None, *, not_sent: int = 0
    ) -> list[Replayed]:
        __tracebackhide__ = True
        rows: list[Replayed] = []
        try:
            rows = replaying.replay(recorded.entries, folds)
            fault = _unsent(rows, not_sent)
        except errors.ReplayDifference as difference:
            fault = str(difference)
        if fault:
            pytest.fail(f"{recorded.path.name}: {fault}", pytrace=False)
        return rows

    return check


def _unsent(rows: list[Replayed], expected: int) -> str:
    unsent = {row.agent: row.not_sent for row in rows if row.not_sent}
    if sum(unsent.values()) == expected:
        return ""
    return f"the recording ends with {expected} messages still to be said, now it would be {unsent or 'none'}"


@pytest.fixture
def turns() -> Callable[..., Iterator[Turn[Any]]]:
    """`turns(recording, "@name")`: step by step what one coordinator hears and says, and its state then."""
    replaying = _module("scenarios.replaying")

    def steps(recorded: Recording, name: str, fold: Fold[Any] | None = None) -> Iterator[Turn[Any]]:
        found: Iterator[Turn[Any]] = replaying.turns(recorded.entries(), name, fold)
        return found

    return steps


@pytest.fixture
def artifact_store(tmp_path: Path) -> ArtifactStore:
    """A store for the artifacts of a test; what it holds is gone with the test's folder."""
    store: ArtifactStore = _module("bus.artifacts").ArtifactStore(tmp_path / "artifacts")
    return store


@pytest.fixture
def redone(tmp_path: Path) -> Callable[..., list[Redone]]:
    """`redone(recording, "@name")`: a specialist does its recorded tasks again; the test fails where results differ.

    skills: others than the agent's own. The recording has to carry artifacts: `orchestra record --with-artifacts`.
    """
    redoing = _module("scenarios.redoing")

    def check(recorded: Recording, name: str, skills: Mapping[str, Skill] | None = None) -> list[Redone]:
        __tracebackhide__ = True
        store = recorded.unpack(tmp_path / "recorded")
        rows: list[Redone] = list(redoing.redo(recorded.entries(), name, store, skills))
        faults = [f"{name}, {row.task}, attempt {row.attempt}: {fault}" for row in rows for fault in row.differences]
        if faults:
            pytest.fail("\n".join([f"{recorded.path.name}: other results than recorded", *faults]), pytrace=False)
        return rows

    return check


@pytest.fixture
def orchestra_in_memory(artifact_store: ArtifactStore) -> Callable[..., Rehearsed]:
    """`orchestra_in_memory(plan, {"@name": script})`: the plan carried out in this process.

    gates: the gatekeeper's own; without, everything passes. folds: other rules, by name. person: answers what a person
    is asked. seed: shuffles who comes first among those who could at the same time.
    """
    rehearsal = _module("scenarios.rehearsal")

    def carry_out(plan: Plan, specialists: Mapping[str, Script | Mapping[str, Script]], **terms: Any) -> Rehearsed:
        orchestra = rehearsal.Orchestra(plan, specialists, artifact_store, rehearsal.Terms(**terms))
        rehearsed: Rehearsed = orchestra.carry_out()
        return rehearsed

    return carry_out
