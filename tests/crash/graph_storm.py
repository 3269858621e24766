"""A drawn graph of many tasks, undisturbed and under random kills: what it brings must be the same.

Besides what every mission has to keep (`tests.crash.checks`), each task must end the same way: accepted with the same
bytes and values, or left out.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Final

from bus.records import Entry
from protocol.bodies import Alert, Decision, VerdictReport
from protocol.decoder import decode
from tests.crash.cell import Results
from tests.crash.checks import differences
from tests.crash.graphs import AGENTS, write_graph
from tests.crash.stage import Clock, Stage, finished
from tests.crash.storm import Kill, Storm
from tests.mission.runs import Mission

MANY_TASKS: Final = 1_000
_KEPT: Final = ("broker", "recorder", "gatekeeper", "clock", "tech-lead", "data-coordinator")
_SPECIALISTS: Final = tuple(f"{name}-{number}" for name in AGENTS for number in (1, 2))
_ALL: Final = ("forkserver", "supervisor", "the whole tree")
_BEGUN: Final = 20  # from this sequence on the mission's start is journaled, so that it can be resumed
_ENTRIES_PER_TASK: Final = 5  # fewer than there are, so that the last kill still finds the mission running
_TASKS_PER_KILL: Final = 60  # every one of these has one kill on average
_PATIENCE_S: Final = 600.0


@dataclass(frozen=True, slots=True)
class Graph:
    """A graph that was carried out undisturbed. ends: how each task ended. took_s: from start to exit."""

    seed: int
    tasks: int
    results: Results
    ends: dict[str, str]
    entries: int
    took_s: float


@dataclass(frozen=True, slots=True)
class Stormed:
    """What came of a graph under kills. planned, killed: how many were to die and how many were there to die."""

    graph: Graph
    planned: int
    killed: int
    entries: int
    took_s: float
    differences: tuple[str, ...]


def planned(seed: int, tasks: int) -> list[Kill]:
    """Return the kills of one graph in the order of their moments; the same for the same seed and number of tasks."""
    drawn = Random(f"graph-kills/{seed}/{tasks}")
    last, kills = _ENTRIES_PER_TASK * tasks, []
    for _ in range(max(3, tasks // _TASKS_PER_KILL)):
        victims = drawn.choice((_KEPT, _SPECIALISTS, _ALL))
        kills.append(Kill(drawn.randint(_BEGUN, last), drawn.choice(victims)))
    return sorted(kills)


def undisturbed(seed: int, tasks: int, folder: Path) -> Graph:
    """Carry a drawn graph out and return what it brings.

    Raises:
        AssertionError: it fails, or something is left that should not be.
    """
    mission, took_s, _ = _carried_out(seed, tasks, folder, [], lambda text: None)
    results, entries = mission.results(), mission.entries()
    found = list(differences(mission, 0, "", results))
    assert not found, found
    return Graph(seed, tasks, results, _ends(entries), len(entries), took_s)


def stormed(graph: Graph, folder: Path, tell: Callable[[str], None]) -> Stormed:
    """Carry a graph out again while it is being killed, resume it as often as it takes, and compare."""
    kills = planned(graph.seed, graph.tasks)
    mission, took_s, killed = _carried_out(graph.seed, graph.tasks, folder, kills, tell)
    entries = mission.entries()
    found = [*differences(mission, 0, "", graph.results), *_otherwise(_ends(entries), graph.ends)]
    return Stormed(graph, len(kills), killed, len(entries), took_s, tuple(found))


def _carried_out(
    seed: int, tasks: int, folder: Path, kills: list[Kill], tell: Callable[[str], None]
) -> tuple[Mission, float, int]:
    stage, began_s = Stage(folder, Clock(time.time_ns(), 1)), time.monotonic()
    storm = Storm(stage, tell)
    running = storm.over(stage.run_workflow(write_graph(folder / "graph", seed, tasks)), kills)
    code, said, complained = finished(running, _PATIENCE_S)
    assert code == 0, f"exit code {code}: {(said + complained).strip()[-500:]}"
    return running, time.monotonic() - began_s, storm.done


def _ends(entries: list[Entry]) -> dict[str, str]:
    """Return of each task what it made and which values it has, or that it was left out; the last word counts."""
    ends: dict[str, str] = {}
    for entry in entries:
        message = decode(entry.document)
        body = message.body
        if isinstance(body, VerdictReport) and body.decision is Decision.PASS:
            files = [f"{file.path} {file.sha256}" for file in body.artifacts]
            ends[message.task] = "; ".join([*files, *(f"{value.name} = {value.value}" for value in body.values)])
        elif isinstance(body, Alert) and body.code == "task-left-out":
            ends[message.task] = "left out"
    return ends


def _otherwise(found: dict[str, str], expected: dict[str, str]) -> Iterator[str]:
    for name in sorted(found.keys() | expected.keys()):
        if found.get(name) != expected.get(name):
            yield f"task {name} ended otherwise: {found.get(name)}, undisturbed: {expected.get(name)}"
