"""What a benchmark returns, and the statistics of interleaved rounds.

1. Two things are compared only within one round, measured next to each other: the machine is shared and noisy.
2. A ratio is taken pair by pair; what is shown is the minimum, the median and the maximum of the pairs.
3. An aim is reported as reached or not; nothing fails because of it.
"""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from statistics import median
from typing import Any, TypeVar

A = TypeVar("A")


@dataclass(frozen=True, slots=True)
class Spread:
    """The smallest, the middle and the largest of some rounds."""

    least: float
    middle: float
    most: float

    @classmethod
    def of(cls, values: Sequence[float]) -> "Spread":
        return cls(min(values), median(values), max(values))


@dataclass(frozen=True, slots=True, kw_only=True)
class Aim:
    """What the middle should be. With is_ratio the middle of the ratios, else of our own figure."""

    bound: float
    at_most: bool = False
    is_ratio: bool = True

    def __str__(self) -> str:
        return f"{'<=' if self.at_most else '>='} {self.bound:g}{'' if self.is_ratio else ' (ours)'}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of the table. unit: of ours and of the baseline; the ratio is ours / baseline.

    includes: what stands inside our figure. baseline: what it is compared with. facts: further figures, with units.
    """

    name: str
    unit: str
    includes: str
    baseline: str
    ours: Spread
    base: Spread | None = None
    ratio: Spread | None = None
    aim: Aim | None = None
    facts: dict[str, Any] = field(default_factory=dict)

    @property
    def is_reached(self) -> bool | None:
        """Whether the aim is met; None where there is none."""
        judged = self.ratio if self.aim is not None and self.aim.is_ratio else self.ours
        if self.aim is None or judged is None:
            return None
        return judged.middle <= self.aim.bound if self.aim.at_most else judged.middle >= self.aim.bound

    def as_json(self) -> dict[str, Any]:
        return {**asdict(self), "aim": str(self.aim) if self.aim else None, "is_reached": self.is_reached}


@dataclass(frozen=True, slots=True)
class Effort:
    """How much is to be measured. rounds: None leaves it to each benchmark."""

    is_quick: bool
    rounds: int | None = None

    def times(self, full: int, quick: int) -> int:
        """Return how many rounds to run."""
        return self.rounds or (quick if self.is_quick else full)

    def size(self, full: int, quick: int) -> int:
        """Return how much of something to do in one round."""
        return quick if self.is_quick else full


def interleaved(rounds: int, *sides: Callable[[], A]) -> list[list[A]]:
    """Run the sides in turn, A B A B, and return for each side what its rounds gave."""
    results: list[list[A]] = [[] for _ in sides]
    for _ in range(rounds):
        for side, kept in zip(sides, results, strict=True):
            kept.append(side())
    return results


def compared(
    name: str,
    unit: str,
    ours: Sequence[float],
    base: Sequence[float],
    *,
    text: tuple[str, str],
    aim: Aim | None = None,
    facts: dict[str, Any] | None = None,
) -> Row:
    """Return the row of two sides measured in pairs. text: what ours includes, what the baseline is."""
    pairs = [one / other for one, other in zip(ours, base, strict=True)]
    return Row(
        name=name,
        unit=unit,
        includes=text[0],
        baseline=text[1],
        ours=Spread.of(ours),
        base=Spread.of(base),
        ratio=Spread.of(pairs),
        aim=aim,
        facts=facts or {},
    )
