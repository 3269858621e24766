"""A kept result instead of work: who may use it, what it brings, and what becomes of it when a gate says no."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from agents.definitions.definition import Definition
from agents.results import Kept, ResultStore
from agents.reuse import STEP, Keeper, reusing, spelled_age
from agents.specialist import Specialist, Surroundings
from agents.work import Outcome, Work
from bus.artifacts import ArtifactStore
from bus.memory import MemoryBus
from gates.gatekeeper import Gatekeeper
from protocol.bodies import Decision, Progress, Report, TaskAssignment, VerdictReport
from protocol.conditions import spelled
from protocol.decoder import decode
from protocol.ids import derived
from protocol.messages import MessageType
from protocol.topics import GATEKEEPER, SUPERVISOR
from tests.builders import CAST, introduce, message

HOUR_S = 3_600
WORKER = Definition(name="worker", description="Works.", role="You work.", skills=("s",), max_age_s=HOUR_S)


class Mission:
    """One run with one specialist, gatekeeper and keeper; several may share a store of kept results."""

    def __init__(self, folder: Path, results: ResultStore, worker: Definition = WORKER) -> None:
        self.bus = MemoryBus()
        introduce(self.bus.publisher(SUPERVISOR), dict(CAST))
        self.artifacts = ArtifactStore(folder / "artifacts")
        self.source = self.artifacts.put(b"text", path="a.md", media_type="text/markdown")
        self.keeper = Keeper(results, self.artifacts, {"worker": worker})
        self.gatekeeper = Gatekeeper(self.bus.publisher(GATEKEEPER), self.artifacts)
        self.runs = 0
        around = Surroundings(
            hearing=self.bus.subscriber("worker"),
            publishing=self.bus.publisher("@worker"),
            store=self.artifacts,
            history=lambda: self.bus.entries,
            reuse=reusing(results, worker, self.artifacts),
        )
        self.specialist = Specialist("@worker", "worker-1", {"s": self._skill}, around)
        self._heard = 0

    def _skill(self, work: Work) -> Outcome:
        self.runs += 1
        data = work.read(work.assignment.inputs[0])
        return Outcome("done", (work.write("in/out.txt", data, "text/plain", "one"),), values={"errors": 0})

    def do(self, name: str = "t", attempt: int = 1, **more: object) -> None:
        """Assign a task, let it be done and judged, and let the keeper hear all of it."""
        values = {"title": name, "skill": "s", "folder": f"mission/{name}", "inputs": (self.source,), **more}
        body = TaskAssignment.model_validate(values)
        kind, identity = MessageType.TASK_ASSIGNMENT, derived(name, attempt)
        one = message(kind, body, identity, sender="@lead", recipient="@worker", task=name, attempt=attempt)
        self.bus.publisher("@lead").publish([one])
        assert self.specialist.turn(0)
        for reader in (self.gatekeeper.hear, self.keeper.hear):
            for entry in self.bus.entries[self._heard :]:
                reader(entry)
        self._heard = len(self.bus.entries)

    def verdict(self) -> VerdictReport:
        bodies = [decode(entry.document).body for entry in self.bus.entries if entry.topic.endswith("/verdict")]
        assert isinstance(bodies[-1], VerdictReport)
        return bodies[-1]

    def notes(self) -> list[Progress]:
        bodies = [decode(entry.document).body for entry in self.bus.entries if entry.topic.endswith("/progress")]
        return [body for body in bodies if isinstance(body, Progress)]


@pytest.fixture
def results(tmp_path: Path) -> ResultStore:
    return ResultStore(tmp_path / "results")


Missions = Callable[..., Mission]


@pytest.fixture
def mission(tmp_path: Path, results: ResultStore) -> Missions:
    def make(name: str, worker: Definition = WORKER) -> Mission:
        return Mission(tmp_path / name, results, worker)

    return make


def test_the_second_run_uses_what_the_first_one_was_accepted_with(mission: Missions) -> None:
    one, two = mission("one"), mission("two")
    one.do("t")
    two.do("another")
    assert (one.runs, two.runs) == (1, 0)
    verdict = two.verdict()
    assert verdict.decision is Decision.PASS
    [file] = verdict.artifacts
    assert file == one.verdict().artifacts[0].model_copy(update={"path": "mission/another/in/out.txt"})
    assert two.artifacts.get(file) == b"text"
    assert [(value.name, value.value) for value in verdict.values] == [("errors", spelled(0))]
    assert verdict.description == "done"


def test_the_journal_says_which_kept_result_was_used_before_the_result(mission: Missions) -> None:
    mission("one").do()
    two = mission("two")
    two.do()
    [note] = two.notes()
    assert (note.step, len(note.request_hash or "")) == (STEP, 64)
    assert "old, of task t in run test; s not run" in note.note
    kinds = [entry.topic.rpartition("/")[2] for entry in two.bus.entries]
    assert kinds.index("progress") < kinds.index("task-completion")
    completion = next(e for e in two.bus.entries if e.topic.endswith("/task-completion"))
    body = decode(completion.document).body
    assert isinstance(body, Report)
    assert body.result is not None
    assert body.result.basis == (STEP,)


def test_a_result_that_was_kept_is_not_kept_again_and_keeps_its_age(mission: Missions, results: ResultStore) -> None:
    mission("one").do()
    [key] = results.known()
    before = results.look(key)
    mission("two").do()
    after = results.look(key)
    assert isinstance(before, Kept)
    assert isinstance(after, Kept)
    assert (after.created_ns, after.uses) == (before.created_ns, before.uses + 1)


def test_feedback_means_the_work_is_done_again(mission: Missions) -> None:
    mission("one").do()
    two = mission("two")
    two.do(feedback="the quote is not verbatim")
    assert two.runs == 1


@pytest.mark.parametrize(
    ("age_s", "max_age_s", "runs"),
    [(HOUR_S, None, 0), (0, None, 1), (HOUR_S, 0, 1), (0, HOUR_S, 0)],
    ids=["the definition allows", "the definition does not", "the task forbids", "the task allows"],
)
def test_the_task_says_how_old_and_else_the_definition(
    age_s: int, max_age_s: int | None, runs: int, mission: Missions
) -> None:
    worker = replace(WORKER, max_age_s=age_s)
    mission("one", worker).do(max_age_s=max_age_s)
    two = mission("two", worker)
    two.do(max_age_s=max_age_s)
    assert two.runs == runs


def test_what_no_gate_let_through_is_not_kept(mission: Missions, results: ResultStore) -> None:
    one = mission("one")
    one.do(accept=("errors > 5",))
    assert one.verdict().decision is Decision.REJECT
    assert results.known() == ()


def test_a_kept_result_that_a_gate_rejects_is_dropped(mission: Missions, results: ResultStore) -> None:
    mission("one").do()
    two = mission("two")
    # The gates of today are stricter than those that let the result through.
    two.gatekeeper = Gatekeeper(two.bus.publisher(GATEKEEPER), ArtifactStore(Path("/nowhere")))
    two.do()
    assert two.verdict().decision is Decision.REJECT
    assert results.known() == ()
    two.do(attempt=2, feedback=two.verdict().reason)
    assert two.runs == 1


def test_what_was_done_before_the_keeper_came_is_left_alone(mission: Missions, results: ResultStore) -> None:
    one = mission("one")
    one.do()
    results.clear()
    later = Keeper(results, one.artifacts, {"worker": WORKER})
    for entry in one.bus.entries:
        later.hear(entry)
    assert results.known() == ()


def test_a_kept_result_that_is_damaged_is_done_again_with_a_warning(mission: Missions, results: ResultStore) -> None:
    mission("one").do()
    next((results.folder / "contents").glob("*/*")).write_bytes(b"forged")
    two = mission("two")
    with capture_logs() as logs:
        two.do()
    assert two.runs == 1
    assert two.verdict().decision is Decision.PASS
    assert any("is not what it was" in line["reason"] for line in logs)


def test_a_kept_result_that_names_files_elsewhere_is_dropped(mission: Missions, results: ResultStore) -> None:
    mission("one").do()
    [key] = results.known()
    kept = results.look(key)
    assert isinstance(kept, Kept)
    results.drop(key, "worker")
    assert results.keep(replace(kept, folder="mission/elsewhere"))
    two = mission("two")
    with capture_logs() as logs:
        two.do()
    assert two.runs == 1
    assert any("cannot be read" in line["reason"] for line in logs)


def test_a_store_that_cannot_be_used_stops_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    one = Mission(tmp_path, ResultStore(tmp_path / "file" / "results"))
    with capture_logs() as logs:
        one.do()
    assert one.verdict().decision is Decision.PASS
    assert {line["log_level"] for line in logs if "kept result" in line["event"]} == {"warning"}


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.4, "0 s"), (59, "59 s"), (60, "1 min 0 s"), (3_700, "1 h 1 min"), (200_000, "2 d 7 h"), (-3, "0 s")],
)
def test_an_age_is_told_in_two_units(seconds: float, text: str) -> None:
    assert spelled_age(seconds) == text
