"""What a sign is: words of a task description that speak for a pattern, how strongly, and why.

1. A sign counts once, however often its words stand there; weights: 5 settles it, 3 is typical, 1 is a hint.
2. `but` names the words that look the same and mean something else: the parallel port, valid until Friday.
3. Words under a negation do not count; `denied` says for which pattern "not in parallel" speaks instead.
"""

from dataclasses import dataclass
from typing import Final

from scenarios.workflow import Pattern

SEQUENTIAL, PARALLEL, CONDITIONAL, ITERATIVE, PIPELINE = Pattern


@dataclass(frozen=True, slots=True)
class Sign:
    """Words that speak for a pattern. words, but: regular expressions, read without regard to case."""

    pattern: Pattern
    weight: int
    words: str
    says: str
    but: str = ""
    denied: Pattern | None = None


@dataclass(frozen=True, slots=True)
class Reason:
    """One thing that speaks for a pattern. quote: the words of the description that caused it."""

    pattern: Pattern
    weight: int
    quote: str
    says: str


# How many, as people write it.
NUMBER: Final = (
    r"(?:\d[\d.,]*|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|twenty|several|multiple|many"
    r"|some|a few|a couple of|a number of)"
)
