"""What can go wrong in the monitor itself, what notices it, and what happens then; the table is failures.csv."""

import csv
import io
from collections.abc import Mapping
from importlib.resources import files

from gates.design.files import Element, FailureMode, RequirementsFile


def failures(elements: Mapping[str, Element], requirements: RequirementsFile) -> tuple[FailureMode, ...]:
    """Return the ways in which the monitor itself can fail. elements: by key."""
    table = (files("agents.skills.battery.design") / "failures.csv").read_text(encoding="utf-8")
    ids = {requirement.key: requirement.id for requirement in requirements.requirements}
    return tuple(
        FailureMode(
            id=f"F-{number:02}",
            element=elements[row["element"]].id,
            what=row["what"],
            detected_by=row["detected_by"],
            reaction=row["reaction"],
            requirement=ids[row["requirement"]],
            is_safe=row["is_safe"] == "yes",
        )
        for number, row in enumerate(csv.DictReader(io.StringIO(table)), 1)
    )
