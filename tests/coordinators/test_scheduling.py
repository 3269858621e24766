"""Any order of a graph's tasks takes no longer than one after the other, and no less than its longest way."""

from random import Random

import pytest

from benchmarks.graphs import FAMILIES, Graph
from benchmarks.scheduling import scheduled


@pytest.mark.parametrize("workers", [1, 3, 100])
@pytest.mark.parametrize("family", FAMILIES)
def test_every_order_lies_between_the_bound_and_one_after_the_other(family: str, workers: int) -> None:
    graph = FAMILIES[family](Random(f"{family}/{workers}"), 40)
    found = scheduled(graph, workers)
    for took_s in (found.exact, found.off, found.equal, found.first_come):
        assert graph.least_s(workers) <= took_s <= graph.total_s


def test_with_one_worker_nothing_is_won_and_with_many_only_the_longest_way_counts() -> None:
    graph = FAMILIES["any DAG"](Random(3), 40)
    assert scheduled(graph, 1).exact == graph.total_s
    assert scheduled(graph, 40).exact == graph.critical_s


def test_what_lies_on_the_longest_way_is_begun_before_what_was_ready_as_early() -> None:
    graph = Graph(Random(0))
    for _ in range(4):
        graph.add()
    long = graph.add()
    graph.add(long)
    graph.durations = {"t1": 10, "t2": 10, "t3": 10, "t4": 10, "t5": 10, "t6": 30}
    found = scheduled(graph, 2)
    assert (found.exact, found.first_come) == (40, 50)
