"""What a mission learns: from results that passed the gates, once, and never from others."""

import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from agents.learning import Learner
from agents.memory import MOST_CHARACTERS, Kind, Memory
from bus.artifacts import ArtifactStore
from bus.memory import MemoryBus
from gates.gatekeeper import Gatekeeper
from protocol.bodies import Action, Report, Result, TaskAssignment, Value
from protocol.messages import MessageType
from protocol.topics import GATEKEEPER, SUPERVISOR, TECH_LEAD
from tests.builders import CAST, introduce, message


class Run:
    """Results as they are claimed, judged by the real gatekeeper, and heard by a learner."""

    def __init__(self, folder: Path, memory: Memory | None) -> None:
        self.bus, self.memory = MemoryBus(), memory
        introduce(self.bus.publisher(SUPERVISOR), dict(CAST))
        self._gatekeeper = Gatekeeper(self.bus.publisher(GATEKEEPER), ArtifactStore(folder))
        self._judged = 0
        self.learner = Learner(memory)

    def claim(
        self, task: str, *, values: dict[str, str], success: bool = True, lead: str = "@lead", agent: str = "@worker"
    ) -> None:
        """Assign a task, claim a result, and let it be judged. values: of the result."""
        given = TaskAssignment(
            title=task, skill="s", folder=f"mission/{task}", accept=("ok exists",) if "ok" in values else ()
        )
        told = tuple(Value(name=name, value=value) for name, value in values.items())
        result = Result(success=success, description=f"{task} is done", values=told)
        pair = [
            (MessageType.TASK_ASSIGNMENT, given, lead, agent),
            (MessageType.TASK_COMPLETION, Report(action=Action.COMPLETED, result=result), agent, lead),
        ]
        for kind, body, sender, recipient in pair:
            one = message(kind, body, f"{task}-{kind.value}", sender=sender, recipient=recipient, task=task, attempt=1)
            self.bus.publisher(sender).publish([one])
        for entry in self.bus.entries[self._judged :]:
            self._gatekeeper.hear(entry)
        self._judged = len(self.bus.entries)

    def hear(self, learner: Learner | None = None) -> None:
        """Let a learner hear the journal from its start, as every life of a launcher does."""
        for entry in self.bus.entries:
            (learner or self.learner).hear(entry)


@pytest.fixture
def memory(tmp_path: Path) -> Memory:
    return Memory(tmp_path / "memory.db", "cells")


@pytest.fixture
def run(tmp_path: Path, memory: Memory) -> Run:
    return Run(tmp_path / "artifacts", memory)


def test_an_accepted_result_tells_facts_and_progress_with_their_source(run: Run, memory: Memory) -> None:
    values = {"memory.limit": "3.65 V", "memory.progress.reading": "4 of 9", "errors": "0", "memory.": "nothing"}
    run.claim("read", values=values)
    run.hear()
    by_key = {fact.key: fact for fact in memory.listed()}
    assert {key: (fact.kind, fact.value) for key, fact in by_key.items()} == {
        "limit": (Kind.FACT, "3.65 V"),
        "reading": (Kind.PROGRESS, "4 of 9"),
    }
    [source] = by_key["limit"].sources
    verdict = next(entry for entry in run.bus.entries if entry.topic.endswith("/verdict"))
    assert (source.run, source.task, source.agent, source.sequence) == ("test", "read", "@worker", verdict.sequence)
    assert source.recorded_ns == verdict.recorded_ns


def test_a_rejected_result_leaves_nothing(run: Run, memory: Memory) -> None:
    run.claim("read", values={"memory.limit": "99 V"}, success=False)
    run.hear()
    assert any(b"<decision>reject<" in entry.document for entry in run.bus.entries)
    assert memory.listed() == ()
    assert not memory.path.exists()


def test_a_second_life_hears_all_again_and_learns_nothing_twice(run: Run, memory: Memory) -> None:
    run.claim("read", values={"memory.limit": "3.65 V"})
    run.hear()
    run.claim("weigh", values={"memory.mass": "70 g"})
    run.hear(Learner(memory))
    assert sorted((fact.key, fact.count) for fact in memory.listed()) == [("limit", 1), ("mass", 1)]


def test_a_mission_accepted_as_a_whole_is_progress_of_its_own(run: Run, memory: Memory) -> None:
    run.claim("mission", values={}, lead=TECH_LEAD, agent="@lead")
    run.hear()
    [fact] = memory.listed()
    assert (fact.kind, fact.key, fact.value) == (Kind.PROGRESS, "mission/test", "mission is done")


def test_what_is_no_sentence_but_a_document_is_not_remembered_and_said_so(run: Run, memory: Memory) -> None:
    run.claim("read", values={"memory.book": "x" * (MOST_CHARACTERS + 1)})
    with capture_logs() as logs:
        run.hear()
    assert "memory.book of task read has 4,097 characters, limit 4,096" in str(logs)
    assert memory.listed() == ()


def test_what_could_not_be_written_is_written_later(run: Run, memory: Memory) -> None:
    run.claim("read", values={"memory.limit": "3.65 V"})
    memory.path.mkdir()
    with capture_logs() as logs:
        run.hear()
        run.learner.settle()
    assert len(logs) == 1  # warned of once
    memory.path.rmdir()
    run.learner.settle()
    assert [fact.key for fact in memory.listed()] == ["limit"]


def test_without_full_text_search_a_mission_goes_on_and_says_why_it_learns_nothing(
    run: Run, memory: Memory, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_fts5(monkeypatch)
    run.claim("read", values={"memory.limit": "3.65 V"})
    with capture_logs() as logs:
        learner = Learner(memory)
        run.hear(learner)
    assert "has no FTS5" in str(logs)
    assert not memory.path.exists()


def without_fts5(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let SQLite refuse the module, as one built without it does."""
    connect: Callable[..., sqlite3.Connection] = sqlite3.connect

    def bare(*given: object, **more: object) -> sqlite3.Connection:
        made = connect(*given, **more)
        made.set_authorizer(
            lambda action, *told: sqlite3.SQLITE_DENY if action == sqlite3.SQLITE_CREATE_VTABLE else sqlite3.SQLITE_OK
        )
        return made

    monkeypatch.setattr(sqlite3, "connect", bare)


def test_with_the_memory_off_nothing_is_learned(run: Run, tmp_path: Path) -> None:
    run.claim("read", values={"memory.limit": "3.65 V"})
    run.hear(Learner(None))
    assert not list(tmp_path.glob("*.db"))
