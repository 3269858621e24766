"""The headers that ship with the sketch are those that the mission makes for the default pack: they cannot drift."""

from importlib.resources import files

import pytest

from agents.skills.battery.design.circuit import chosen
from agents.skills.battery.design.monitor import design
from agents.skills.battery.requirements.citations import as_words
from agents.skills.battery.requirements.derivation import derive
from agents.skills.battery.requirements.pack import PackSettings, written_out
from agents.skills.battery.sketch.headers import calibration_header, limits_header, pins_header
from gates.design.parts import read_parts
from tests.cases import ROOT

SCENARIO = ROOT / "scenarios" / "battery_design"


def made() -> dict[str, bytes]:
    """The headers for the default pack with no documents at all."""
    raw = written_out(PackSettings())
    practice = as_words("practice.md", (SCENARIO / "practice.md").read_bytes())
    requirements = derive(as_words("pack.yaml", raw), raw, practice, (), ())
    parts = read_parts((SCENARIO / "parts.csv").read_bytes())
    return {
        "limits.h": limits_header(requirements),
        "calibration.h": calibration_header(requirements, chosen(requirements, parts)),
        "pins.h": pins_header(design(requirements, parts).pins),
    }


@pytest.mark.parametrize("name", ["limits.h", "calibration.h", "pins.h"])
def test_a_header_of_the_sketch_is_what_the_mission_makes_for_the_default_pack(name: str) -> None:
    """After a change of the practice, write them again: `python -m tests.firmware.test_defaults`."""
    shipped = files("firmware") / "battery_monitor" / name
    assert shipped.read_bytes() == made()[name]


if __name__ == "__main__":
    for name, data in made().items():
        (ROOT / "firmware" / "battery_monitor" / name).write_bytes(data)
