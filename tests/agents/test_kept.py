"""Plain functions whose results are kept, by a clock that goes when it is told to."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from agents.kept import kept
from agents.results import ResultStore
from protocol.errors import SourceError


@dataclass
class Clock:
    """Seconds since the beginning."""

    now_s: float = 1_000.0

    def ns(self) -> int:
        return int(self.now_s * 1e9)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(tmp_path: Path, clock: Clock) -> ResultStore:
    return ResultStore(tmp_path / "results", clock_ns=clock.ns)


CALLS: list[Any] = []


def total(numbers: list[int], factor: Any = 1, *more: int, **named: int) -> Any:
    CALLS.append(numbers)
    return {"total": sum(numbers) * factor + sum(more) + sum(named.values())}


@pytest.fixture
def added(store: ResultStore) -> Callable[..., Any]:
    CALLS.clear()
    return kept(store, max_age_s=60)(total)


def test_a_call_with_the_same_arguments_is_made_once(added: Callable[..., Any]) -> None:
    assert added([1, 2]) == added(numbers=[1, 2]) == added([1, 2], 1) == {"total": 3}
    assert len(CALLS) == 1


@pytest.mark.parametrize("other", [([2, 1],), ([1, 2], 2), ([1, 2], 1.0), ([1, 2], True), ([1, 2], 1, 5)])
def test_other_arguments_are_another_call(other: tuple[Any, ...], added: Callable[..., Any]) -> None:
    added([1, 2])
    added(*other)
    assert len(CALLS) == 2


def test_a_result_that_is_too_old_is_made_again(added: Callable[..., Any], clock: Clock) -> None:
    added([1])
    clock.now_s += 61
    added([1])
    assert len(CALLS) == 2


def first(n: int) -> int:
    return n + 1


def second(n: int) -> int:
    return n + 2


def test_another_function_or_another_source_is_another_key(store: ResultStore, monkeypatch: pytest.MonkeyPatch) -> None:
    assert kept(store, 60)(first)(1) == 2
    monkeypatch.setattr(second, "__qualname__", "first")
    assert kept(store, 60)(second)(1) == 3


@pytest.mark.parametrize(
    ("argument", "kind"),
    [((1,), "tuple"), ({1: 2}, "dict"), ({"a": {3}}, "set"), (b"x", "bytes"), (Path("x"), "PosixPath")],
)
def test_an_argument_that_would_not_come_back_the_same_is_refused(
    argument: Any, kind: str, added: Callable[..., Any]
) -> None:
    with pytest.raises(SourceError, match=f"the argument factor holds a {kind}"):
        added([1], argument)
    assert CALLS == []


def test_a_number_that_json_has_not_is_refused(added: Callable[..., Any]) -> None:
    with pytest.raises(SourceError, match="the argument factor cannot be kept as JSON"):
        added([1], float("nan"))


def pair() -> Any:
    return (1, 2)


def test_a_result_that_would_not_come_back_the_same_is_refused(store: ResultStore) -> None:
    with pytest.raises(SourceError, match=r"what .*pair returns holds a tuple"):
        kept(store, 60)(pair)()


def test_a_function_that_takes_values_from_around_it_is_refused(store: ResultStore) -> None:
    outer = 3

    def inner() -> int:
        return outer

    with pytest.raises(SourceError, match="takes values from around it"):
        kept(store, 60)(inner)


def test_a_store_that_cannot_be_used_stops_no_call(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with capture_logs() as logs:
        assert kept(ResultStore(tmp_path / "file" / "x"), 60)(first)(1) == 2
    assert {line["log_level"] for line in logs} == {"warning"}
