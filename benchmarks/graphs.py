"""Random graphs of tasks for the scheduling rows: four families, drawn from a generator."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from random import Random
from typing import Final

_MEDIAN_S: Final = 60
_SIGMA: Final = 1.0  # of the logarithm: a third takes longer than 1.5 medians, one in twenty longer than 5


@dataclass(slots=True)
class Graph:
    """Tasks and what they need, in an order in which they can be done. durations: in seconds, log-normal."""

    drawn: Random
    durations: dict[str, int] = field(default_factory=dict)
    needs: dict[str, list[str]] = field(default_factory=dict)

    def add(self, *needs: str) -> str:
        """Add a task and return its name."""
        name = f"t{len(self.needs) + 1}"
        self.needs[name] = list(dict.fromkeys(needs))
        self.durations[name] = max(1, round(_MEDIAN_S * self.drawn.lognormvariate(0, _SIGMA)))
        return name

    @property
    def total_s(self) -> int:
        return sum(self.durations.values())

    @property
    def critical_s(self) -> int:
        """How long the longest way through is, which no number of workers shortens."""
        ends: dict[str, int] = {}
        for name, needs in self.needs.items():
            ends[name] = self.durations[name] + max((ends[need] for need in needs), default=0)
        return max(ends.values())

    def least_s(self, workers: int) -> float:
        """Return what no schedule can be under."""
        return max(self.critical_s, self.total_s / workers)


def layered(drawn: Random, tasks: int) -> Graph:
    """Layers of 5 to 20 tasks, each of which needs one to three of the layer above."""
    graph, above = Graph(drawn), list[str]()
    while len(graph.needs) < tasks:
        width = drawn.randint(5, 20)
        above = [graph.add(*drawn.sample(above, min(len(above), drawn.randint(1, 3)))) for _ in range(width)]
    return graph


def fork_join(drawn: Random, tasks: int) -> Graph:
    """One task, 4 to 24 chains of one to four tasks beside each other, one task that needs them all; and again."""
    graph = Graph(drawn)
    join = graph.add()
    while len(graph.needs) < tasks:
        join = graph.add(*(_chain(graph, join, drawn.randint(1, 4)) for _ in range(drawn.randint(4, 24))))
    return graph


def _chain(graph: Graph, need: str, length: int) -> str:
    for _ in range(length):
        need = graph.add(need)
    return need


def series_parallel(drawn: Random, tasks: int) -> Graph:
    """Split again and again into parts that follow one another or stand beside each other, until one task is left."""
    graph = Graph(drawn)
    _compose(graph, [], tasks)
    return graph


def _compose(graph: Graph, needs: list[str], tasks: int) -> list[str]:
    """Add so many tasks behind some others; return those at the end of them."""
    if tasks <= 1:
        return [graph.add(*needs)]
    cuts = sorted(graph.drawn.sample(range(1, tasks), min(tasks - 1, graph.drawn.randint(1, 5))))
    sizes = [end - start for start, end in pairwise([0, *cuts, tasks])]
    if graph.drawn.random() < 0.5:
        for size in sizes:
            needs = _compose(graph, needs, size)
        return needs
    return [end for size in sizes for end in _compose(graph, needs, size)]


def any_dag(drawn: Random, tasks: int) -> Graph:
    """Any earlier task is needed with the same chance: three on average."""
    graph = Graph(drawn)
    for number in range(tasks):
        graph.add(*(name for name in list(graph.needs) if drawn.random() < 3 / max(number, 3)))
    return graph


FAMILIES: Final[Mapping[str, Callable[[Random, int], Graph]]] = {
    "layered": layered,
    "fork-join": fork_join,
    "series-parallel": series_parallel,
    "any DAG": any_dag,
}
