"""A pack.yaml that cannot be meant: one sentence with file, line and the way out, and no mission."""

from pathlib import Path

import pytest

from bus.artifacts import ArtifactStore
from protocol.errors import DefinitionError
from scenarios.battery_design.plan import plan_mission

FAULTS = {
    "nothing": ("", 1, "begin it with: cells: 16"),
    "a list": ("- 3\n", 1, "keys with values"),
    "a capacity below zero": ("cells: 8\ncapacity: -3 Ah\n", 2, "it has to be more than 0"),
    "more for long than at most": (
        "max_current: 100 A\nstandard_current: 140 A\n",
        1,
        "lower the one or raise the other",
    ),
    "a voltage in ampere": ("nominal_voltage: 3.2 A\n", 1, "write such as 3.65 V"),
    "a misspelled key": ("cellz: 3\n", 1, "did you mean cells?"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_pack_that_cannot_be_meant_is_refused_with_its_line_and_a_way_out(fault: str, tmp_path: Path) -> None:
    text, line, said = FAULTS[fault]
    specs, pack = tmp_path / "specs", tmp_path / "pack.yaml"
    specs.mkdir()
    (specs / "pack.md").write_text("# Pack\n\n- Main cable: 16 mm²\n", encoding="utf-8")
    pack.write_text(text, encoding="utf-8")
    with pytest.raises(DefinitionError) as refused:
        plan_mission(specs, tmp_path / "out", ArtifactStore(tmp_path / "store"), pack=pack)
    assert str(refused.value).startswith(f"{pack}:{line}: ")
    assert said in str(refused.value)
