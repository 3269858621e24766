"""One round of every cell of the kill matrix; `python -m tests.crash` plays more of them and measures."""

from pathlib import Path

import pytest

from tests.crash.cell import Cell, Results
from tests.crash.cells import CELLS
from tests.crash.plays import undisturbed
from tests.crash.rounds import once
from tests.crash.storm import planned


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> Results:
    """What the mission brings when nobody kills anything."""
    return undisturbed(tmp_path_factory.mktemp("undisturbed"))


@pytest.mark.slow
@pytest.mark.parametrize("cell", CELLS, ids=lambda cell: cell.name)
def test_a_death_there_changes_nothing(cell: Cell, tmp_path: Path, expected: Results) -> None:
    assert once(cell, tmp_path, expected).differences == ()


def test_every_cell_has_a_name_of_its_own() -> None:
    assert len({cell.name for cell in CELLS}) == len(CELLS)


def test_the_same_seed_plans_the_same_kills() -> None:
    assert [planned(7, number) for number in range(50)] == [planned(7, number) for number in range(50)]
    assert planned(7, 1) != planned(8, 1)
