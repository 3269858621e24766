"""Graphs of tasks drawn from a seed, written as a workflow with skills of its own.

Steps stand in layers and need some of those above. Most only mix what they are given; some are groups, done for each
of some files or again until a criterion holds, some depend on a value, some fail once, and some for good, uncritically.
"""

import json
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any, Final

AGENTS: Final = ("skill-runner", "mixer", "checker")
_SKILLS: Final = Path(__file__).with_name("graph_skills.py")
_ITEMS: Final = 6
_LAYER: Final = (4, 40)
_NEEDS: Final = 3
_REACH: Final = 40  # how far back, in steps, what a step needs may stand
_KINDS: Final = {"mixes": 78, "falters": 5, "breaks": 4, "asks": 6, "each": 4, "repeat": 3}
_AGENT: Final = """---
name: {name}
description: Does a part of the steps of a drawn graph.
skills: [mixes, falters, breaks, betters]
---
You mix.
"""


@dataclass(slots=True)
class _Drawing:
    """A graph being drawn. tasks: how many times something is done, groups counted with all their items and rounds.

    made: the steps so far that make a file for certain. valued: those of them that have a value as well.
    """

    drawn: Random
    steps: list[dict[str, Any]] = field(default_factory=list)
    tasks: int = 0
    made: list[str] = field(default_factory=list)
    valued: list[str] = field(default_factory=list)

    def layer(self, width: int) -> None:
        """Add steps that need some of those above, but not one another."""
        above, valued = self.made[-_REACH:], self.valued[-_REACH:]
        for kind in self.drawn.choices(list(_KINDS), list(_KINDS.values()), k=width):
            name = f"s{len(self.steps) + 1:04}"
            needs = self.drawn.sample(above, min(len(above), self.drawn.randint(1, _NEEDS)))
            self._add(name, kind if above and valued else "mixes", needs, valued)

    def _add(self, name: str, kind: str, needs: list[str], valued: list[str]) -> None:
        step: dict[str, Any] = {"id": name, "needs": needs}
        if kind == "each":
            self._each(step)
        elif kind == "repeat":
            self._repeat(step)
        else:
            self.tasks += 1
            step |= self._done("mixes" if kind == "asks" else kind)
        if kind == "asks":
            step["when"] = f"{self.drawn.choice(valued)}.digit >= {self.drawn.randint(1, 8)}"
        elif kind == "breaks":
            step["critical"] = False
        else:
            self.made.append(name)
            self.valued += [name] if kind in ("mixes", "falters") else []
        self.steps.append(step)

    def _each(self, step: dict[str, Any]) -> None:
        """Make it a pipeline over some of the files."""
        items = self.drawn.randint(2, _ITEMS)
        parts = [{"id": f"{step['id']}-{n}", **self._done("mixes")} for n in range(self.drawn.randint(1, 3))]
        files = [f"items/{number}.txt" for number in range(items)]
        step |= {"pattern": "pipeline", "items": files, "steps": parts}
        self.tasks += items * len(parts)

    def _repeat(self, step: dict[str, Any]) -> None:
        """Make it a group that is done again until it has made so many lines, or five times."""
        rounds, inner = self.drawn.randint(2, 5), f"{step['id']}-b"
        parts = [{"id": inner, **self._done("betters")}]
        step |= {"pattern": "iterative", "rounds": 5, "until": f"{inner}.lines >= {rounds + 2}", "steps": parts}
        self.tasks += rounds

    def _done(self, skill: str) -> dict[str, Any]:
        """Return by whom and how a step is done."""
        salt = f"{self.drawn.randrange(16**8):08x}"
        return {"agent": self.drawn.choice(AGENTS), "skill": skill, "with": {"salt": salt}}


def drawn_workflow(seed: int, tasks: int) -> dict[str, Any]:
    """Return a workflow of about so many tasks; the same for the same seed and number."""
    drawing = _Drawing(Random(f"graph/{seed}/{tasks}"))
    while drawing.tasks < tasks - 1:
        drawing.layer(drawing.drawn.randint(*_LAYER))
    needed = {need for step in drawing.steps for need in step["needs"]}
    ends = [name for name in drawing.made if name not in needed]
    last = {"id": "last", "agent": AGENTS[0], "skill": "mixes", "needs": ends, "with": {"salt": "last"}}
    return {
        "workflow": f"graph-{seed}",
        "pattern": "parallel",
        "skills": "skills.py",
        "agents": "agents",
        "workers": 16,
        "steps": [*drawing.steps, last],
    }


def write_graph(folder: Path, seed: int, tasks: int) -> Path:
    """Write a drawn workflow with all that belongs to it into a folder and return its file."""
    (folder / "items").mkdir(parents=True)
    (folder / "agents").mkdir()
    for number in range(_ITEMS):
        (folder / "items" / f"{number}.txt").write_text(f"item {number}\n", encoding="utf-8")
    for name in AGENTS[1:]:
        (folder / "agents" / f"{name}.md").write_text(_AGENT.format(name=name), encoding="utf-8")
    shutil.copy(_SKILLS, folder / "skills.py")
    file = folder / "graph.json"
    file.write_text(json.dumps(drawn_workflow(seed, tasks), indent=1) + "\n", encoding="utf-8")
    return file
