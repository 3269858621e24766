"""One round of every cell of the kill matrix; `python -m tests.crash` plays more of them and measures."""

from pathlib import Path

import pytest

from tests.crash import graph_storm
from tests.crash.cell import Cell, Results
from tests.crash.cells import CELLS
from tests.crash.graphs import drawn_workflow
from tests.crash.plays import undisturbed
from tests.crash.rounds import once
from tests.crash.stage import end_all
from tests.crash.storm import planned


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> Results:
    """What the mission brings when nobody kills anything."""
    return undisturbed(tmp_path_factory.mktemp("undisturbed"))


@pytest.mark.slow
@pytest.mark.parametrize("cell", CELLS, ids=lambda cell: cell.name)
def test_a_death_there_changes_nothing(cell: Cell, tmp_path: Path, expected: Results) -> None:
    assert once(cell, tmp_path, expected).differences == ()


@pytest.mark.slow
def test_a_graph_of_many_tasks_brings_the_same_however_often_somebody_dies(tmp_path: Path) -> None:
    calm, wild = tmp_path / "calm", tmp_path / "wild"
    calm.mkdir()
    wild.mkdir()
    try:
        graph = graph_storm.undisturbed(5, 150, calm)
        found = graph_storm.stormed(graph, wild, print)
    finally:
        end_all(calm)
        end_all(wild)
    assert found.differences == ()
    assert found.killed
    assert found.entries > graph.entries


def test_the_same_seed_draws_the_same_graph_and_the_same_kills() -> None:
    assert drawn_workflow(7, 200) == drawn_workflow(7, 200)
    assert drawn_workflow(7, 200) != drawn_workflow(8, 200)
    assert graph_storm.planned(7, 200) == graph_storm.planned(7, 200)
    assert graph_storm.planned(7, 200) != graph_storm.planned(8, 200)


def test_every_cell_has_a_name_of_its_own() -> None:
    assert len({cell.name for cell in CELLS}) == len(CELLS)


def test_the_same_seed_plans_the_same_kills() -> None:
    assert [planned(7, number) for number in range(50)] == [planned(7, number) for number in range(50)]
    assert planned(7, 1) != planned(8, 1)
