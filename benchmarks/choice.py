"""`python -m benchmarks.choice`: how often the pattern chosen for a description is the one a person would give it.

The labelled descriptions are in `tests/scenarios/descriptions.yaml`, in two halves: the rules were tuned against the
first, and the second was looked at once, when they were done. `further.yaml` was written while they grew and they were
changed for it; `last.yaml` was written when they were final and they were not.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import yaml

from scenarios.choice import Choice, choose, explained
from scenarios.workflow import Pattern

FILE: Final = Path(__file__).resolve().parent.parent / "tests" / "scenarios" / "descriptions.yaml"
HALVES: Final = ("development", "untouched")
# What a quick first version would look for, one word each.
_KEYWORDS: Final = {
    "parallel": Pattern.PARALLEL,
    "if": Pattern.CONDITIONAL,
    "until": Pattern.ITERATIVE,
    "each": Pattern.PIPELINE,
    "then": Pattern.SEQUENTIAL,
}


@dataclass(frozen=True, slots=True)
class Labelled:
    """A description and the pattern that a person gives it."""

    label: Pattern
    text: str


def labelled(path: Path = FILE) -> dict[str, tuple[Labelled, ...]]:
    """Return the descriptions of each half: within each label they go to the halves in turn."""
    listed: Mapping[str, Sequence[str]] = yaml.safe_load(path.read_text(encoding="utf-8"))
    rows = [
        (place, Labelled(Pattern(label), text)) for label, texts in listed.items() for place, text in enumerate(texts)
    ]
    return {half: tuple(row for place, row in rows if place % 2 == turn) for turn, half in enumerate(HALVES)}


def listed(path: Path) -> tuple[Labelled, ...]:
    """Return all descriptions of a file, the first half before the second."""
    halves = labelled(path)
    return tuple(row for half in HALVES for row in halves[half])


def accuracy(rows: Sequence[Labelled], chooser: Callable[[str], Pattern]) -> float:
    """Return the share of descriptions for which the label is chosen."""
    return sum(chooser(row.text) is row.label for row in rows) / len(rows)


def by_rules(text: str) -> Pattern:
    """Return what the rules choose."""
    return choose(text).pattern


def always_sequential(text: str) -> Pattern:
    """The first baseline: the pattern that is never wrong to carry out, only slow."""
    return Pattern.SEQUENTIAL


def by_keyword(text: str) -> Pattern:
    """The second baseline: the first of five words that stands in the text, one for each pattern."""
    return next((pattern for word, pattern in _KEYWORDS.items() if word in text.lower().split()), Pattern.SEQUENTIAL)


def main() -> None:
    """Print for each set the accuracy against the baselines, the confusion matrix and each miss."""
    others = {name: listed(FILE.with_name(f"{name}.yaml")) for name in ("further", "last")}
    for half, rows in (labelled() | others).items():
        print(f"{half}: {len(rows)} descriptions")
        for name, chooser in (("rules", by_rules), ("keywords", by_keyword), ("always sequential", always_sequential)):
            print(f"  {name:<18}{accuracy(rows, chooser):6.1%}")
        print(_confusion(rows))
        for row, choice in _misses(rows):
            print(f"\n  {row.label.value} expected: {row.text}")
            print("\n".join(f"    {line}" for line in explained(choice)))
        print()


def _confusion(rows: Sequence[Labelled]) -> str:
    counted = Counter((row.label, by_rules(row.text)) for row in rows)
    lines = ["  label \\ chosen " + "".join(f"{pattern.value:>12}" for pattern in Pattern)]
    for label in Pattern:
        lines.append(f"  {label.value:<15}" + "".join(f"{counted[label, chosen] or '.':>12}" for chosen in Pattern))
    return "\n".join(lines)


def _misses(rows: Sequence[Labelled]) -> list[tuple[Labelled, Choice]]:
    choices = [(row, choose(row.text)) for row in rows]
    return [(row, choice) for row, choice in choices if choice.pattern is not row.label]


if __name__ == "__main__":
    main()
