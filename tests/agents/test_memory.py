"""The memory of a project: what gets in, how often it counts, how it is found, and that it can be forgotten."""

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from agents.memory import Fact, Kind, Learned, Memory, Source
from protocol.errors import SourceError

SECOND_NS = 1_000_000_000


def learned(key: str, value: str, number: int = 1, *, kind: Kind = Kind.FACT, run: str = "one") -> Learned:
    """Return what one verdict told; number: which verdict, and at which second."""
    source = Source(
        run=run, task="t", agent="@worker", message=f"v-{number}", sequence=number, recorded_ns=number * SECOND_NS
    )
    return Learned(kind, f"memory.{key}", key, value, source)


@pytest.fixture
def memory(tmp_path: Path) -> Memory:
    return Memory(tmp_path / "memory.db", "cells", clock_ns=lambda: 100 * SECOND_NS)


def told(facts: tuple[Fact, ...]) -> list[tuple[str, str]]:
    return [(fact.key, fact.value) for fact in facts]


def test_the_same_verdict_counts_once_and_the_same_fact_again_grows_young(memory: Memory) -> None:
    assert memory.learn([learned("limit", "3.6 V", 1)]) == 1
    assert memory.learn([learned("limit", "3.6 V", 1)]) == 0
    assert memory.learn([learned("limit", "3.6 V", 90, run="two")]) == 1
    [fact] = memory.listed()
    assert (fact.count, fact.first_ns, fact.last_ns, fact.age_s(memory.clock_ns())) == (
        2,
        SECOND_NS,
        90 * SECOND_NS,
        10,
    )
    assert [(source.run, source.sequence) for source in fact.sources] == [("two", 90), ("one", 1)]


def test_two_runs_of_one_name_are_told_apart(memory: Memory) -> None:
    one = learned("limit", "3.6 V", 1)
    memory.learn([one, replace(one, source=replace(one.source, recorded_ns=5))])
    assert memory.listed()[0].count == 2


def test_values_that_contradict_each_other_are_both_kept_and_say_so(memory: Memory) -> None:
    memory.learn([learned("limit", "3.6 V", 1), learned("limit", "3.65 V", 2, run="two"), learned("mass", "70 g", 3)])
    by_value = {fact.value: fact for fact in memory.listed()}
    assert by_value["3.6 V"].contradicts == (by_value["3.65 V"].id,)
    assert by_value["3.65 V"].contradicts == (by_value["3.6 V"].id,)
    assert by_value["3.65 V"].sources[0].run == "two"
    assert by_value["70 g"].contradicts == ()


def test_of_progress_only_the_latest_is_kept_whatever_comes_first(memory: Memory) -> None:
    memory.learn([learned("tests", "4 of 9 pass", 2, kind=Kind.PROGRESS)])
    memory.learn([learned("tests", "7 of 9 pass", 5, kind=Kind.PROGRESS)])
    memory.learn([learned("tests", "1 of 9 passes", 1, kind=Kind.PROGRESS)])
    assert told(memory.listed()) == [("tests", "7 of 9 pass")]
    assert memory.recall("4") == ()


def test_what_is_about_the_words_comes_first_and_what_is_not_does_not_come(memory: Memory) -> None:
    memory.learn(
        [
            learned("supplier", "charges for a replacement of the limiter", 1),
            learned("charge_voltage_limit", "3.65 V", 2),
            learned("mass", "70 g", 3),
        ]
    )
    assert told(memory.recall("limits when charging")) == [
        ("charge_voltage_limit", "3.65 V"),
        ("supplier", "charges for a replacement of the limiter"),
    ]
    assert memory.recall("colour") == ()
    assert len(memory.recall("limit charge mass", most=1)) == 1


def test_nobody_hears_one_side_of_a_contradiction_only(memory: Memory) -> None:
    memory.learn([learned("case", "aluminium housing", 1), learned("case", "steel", 2)])
    assert told(memory.recall("aluminium")) == [("case", "aluminium housing"), ("case", "steel")]


@pytest.mark.parametrize("query", ['limit" OR "', "limit*", "NEAR(limit)", "key:limit", "-limit", "(limit", "límit"])
def test_nothing_in_a_query_is_an_operator(query: str, memory: Memory) -> None:
    memory.learn([learned("limit", "3.6 V")])
    assert told(memory.recall(query)) == [("limit", "3.6 V")]


def test_a_query_without_words_is_refused(memory: Memory) -> None:
    memory.learn([learned("limit", "3.6 V")])
    with pytest.raises(SourceError, match="names no word"):
        memory.recall('"*"')


def test_another_project_is_not_recalled_from(memory: Memory) -> None:
    memory.learn([learned("limit", "3.6 V", 1)])
    other = replace(memory, project="packs")
    other.learn([learned("limit", "48 V", 2)])
    assert told(memory.recall("limit")) == [("limit", "3.6 V")]
    assert [fact.project for fact in memory.listed("limit", "packs")] == ["packs"]
    assert len(memory.listed()) == 2
    assert all(not fact.contradicts for fact in memory.listed())


def test_what_was_forgotten_is_gone_from_the_file_and_stays_away(memory: Memory) -> None:
    memory.learn([learned("limit", "quicksilver", 1), learned("limit", "3.6 V", 2)])
    number = next(fact.id for fact in memory.listed() if fact.value == "quicksilver")
    assert told(memory.forget(number)) == [("limit", "quicksilver")]
    assert b"quicksilv" not in memory.path.read_bytes()
    assert memory.learn([learned("limit", "quicksilver", 1)]) == 0
    [left] = memory.listed()
    assert (left.value, left.contradicts) == ("3.6 V", ())
    memory.learn([learned("limit", "quicksilver", 9)])
    assert len(memory.listed()) == 2


def test_the_old_or_a_project_or_all_can_be_forgotten(memory: Memory) -> None:
    memory.learn([learned("old", "a", 1), learned("young", "b", 99)])
    replace(memory, project="packs").learn([learned("old", "c", 2)])
    assert told(memory.forget(older_than_s=50, project="cells")) == [("old", "a")]
    assert memory.forget(77) == ()
    assert len(memory.forget()) == 2
    assert memory.listed() == ()


def test_reading_makes_no_file_and_writing_one_for_its_owner_only(memory: Memory) -> None:
    assert memory.listed() == memory.recall("limit") == memory.forget() == ()
    assert not memory.path.exists()
    memory.learn([learned("limit", "3.6 V")])
    assert memory.path.stat().st_mode & 0o777 == 0o600


def test_several_missions_learn_at_once_and_nothing_is_lost(memory: Memory) -> None:
    def learn(number: int) -> int:
        return memory.learn([learned(f"k{number % 7}", "v", number)])

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(learn, range(1, 41))) == 40
    assert sum(fact.count for fact in memory.listed()) == 40
    assert len(memory.listed()) == 7


def test_what_fails_in_the_middle_leaves_nothing_of_it(memory: Memory) -> None:
    broken = replace(learned("b", "v", 2), value=object())  # type: ignore[arg-type]
    with pytest.raises(SourceError, match="cannot be used"):
        memory.learn([learned("a", "v", 1), broken])
    assert memory.listed() == ()
    assert memory.learn([learned("a", "v", 1)]) == 1


def test_a_file_that_is_no_memory_or_a_later_one_is_named(memory: Memory) -> None:
    memory.path.write_bytes(b"something else entirely, not a database at all" * 40)
    with pytest.raises(SourceError, match=r"memory in .*memory\.db cannot be used: file is not a database"):
        memory.listed()
    memory.path.unlink()
    with sqlite3.connect(memory.path) as later:
        later.execute("PRAGMA user_version = 9")
    later.close()
    with pytest.raises(SourceError, match="it is of version 9"):
        memory.listed()


@pytest.mark.slow
def test_a_memory_that_somebody_holds_is_an_error_within_seconds(memory: Memory) -> None:
    memory.learn([learned("a", "v")])
    holder = sqlite3.connect(memory.path, isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")
    with pytest.raises(SourceError, match="locked"):
        memory.learn([learned("b", "v", 2)])
    holder.close()
    memory.check()
