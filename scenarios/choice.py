"""Which pattern a task description asks for, by rules that can be read, and why.

1. Every sign of `scenarios/signs` and every finding of `scenarios.structure` is a reason with a weight and a quote.
2. The pattern with the greatest sum wins. Between equal sums the first of TIES wins: what has a criterion or a
   condition before what has none, and order before none, because keeping an order costs time, losing it costs results.
3. The same description always gives the same choice. Nothing is asked of a model.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from scenarios.signs.branches import BRANCHES
from scenarios.signs.flow import FLOW
from scenarios.signs.order import ORDER, SIDE_BY_SIDE
from scenarios.signs.rounds import ROUNDS
from scenarios.signs.sign import Reason, Sign
from scenarios.steps import MAX_READ
from scenarios.structure import structure
from scenarios.workflow import Pattern

TIES: Final = (Pattern.ITERATIVE, Pattern.CONDITIONAL, Pattern.PIPELINE, Pattern.SEQUENTIAL, Pattern.PARALLEL)
NOTHING_MORE: Final = "nothing in it asks for more"

_NEGATION: Final = re.compile(
    r"(?:\b(?:not|no need (?:to|for)|no|never|without|needn't|rather than|instead of|avoid|neither|none|nobody"
    r"|cannot)|n't)"
    r"(?! only| just)(?: [\w'-]+){0,4} ?$",
    re.I,
)
_CLAUSE_END: Final = re.compile(r"[,.;:!?()](?=\s)")
_COMPILED: Final = tuple(
    (sign, re.compile(sign.words, re.I), re.compile(sign.but, re.I) if sign.but else None)
    for sign in (*ORDER, *SIDE_BY_SIDE, *BRANCHES, *ROUNDS, *FLOW)
)


@dataclass(frozen=True, slots=True)
class Choice:
    """The pattern chosen, what each pattern came to, and why: the reasons for the chosen one first, heaviest first."""

    pattern: Pattern
    scores: Mapping[Pattern, int]
    reasons: tuple[Reason, ...]


def choose(description: str, files: Sequence[str] = ()) -> Choice:
    """Return the pattern that a task description asks for. files: the names of what is to be worked on."""
    text = _readable(description)
    reasons = [*_signs_in(text), *structure(text, files)]
    scores = {pattern: sum(r.weight for r in reasons if r.pattern is pattern) for pattern in Pattern}
    if not reasons:
        return Choice(Pattern.SEQUENTIAL, scores, (Reason(Pattern.SEQUENTIAL, 0, "", NOTHING_MORE),))
    chosen = min(TIES, key=lambda pattern: (-scores[pattern], TIES.index(pattern)))
    ordered = sorted(reasons, key=lambda r: (r.pattern is not chosen, -scores[r.pattern], -r.weight))
    return Choice(chosen, scores, tuple(ordered))


def explained(choice: Choice) -> list[str]:
    """Return lines for people: the pattern with its score, the next best, then each reason with its words."""
    others = [(score, p.value) for p, score in choice.scores.items() if p is not choice.pattern and score]
    rest = ", ".join(f"{name} {score}" for score, name in sorted(others, key=lambda pair: -pair[0]))
    head = f"{choice.pattern.value}: {choice.scores[choice.pattern]}" + (f" ({rest})" if rest else "")
    return [head, *(_line(reason) for reason in choice.reasons)]


def _line(reason: Reason) -> str:
    quoted = f": “{reason.quote}”" if reason.quote else ""
    return f"  {reason.pattern.value} +{reason.weight}, {reason.says}{quoted}"


def _readable(description: str) -> str:
    """Return the text with one kind of apostrophe and one kind of space; its words stay as they are."""
    text = description[:MAX_READ].replace("\u2019", "'").replace("\u00a0", " ")
    return re.sub(r"[ \t\r\n]+", " ", re.sub(r"\s*\n\s*(?=[-*•]|\d+[.)]|\n)", " ; ", text)).strip()


def _signs_in(text: str) -> Iterator[Reason]:
    """Give a reason for each sign whose words stand in the text, or, under a negation, for its contrary."""
    for sign, words, but in _COMPILED:
        barred = [found.span() for found in but.finditer(text)] if but else []
        found = [match for match in words.finditer(text) if not _overlaps(match.span(), barred)]
        affirmed = [match for match in found if not _negation_before(text, match.start())]
        if affirmed:
            yield Reason(sign.pattern, sign.weight, affirmed[0][0].strip(" ,.;:"), sign.says)
        elif found and sign.denied is not None:
            yield _denied(sign, sign.denied, text, found[0])


def _denied(sign: Sign, contrary: Pattern, text: str, match: re.Match[str]) -> Reason:
    negation = _negation_before(text, match.start())
    return Reason(contrary, 3, f"{negation}{match[0]}".strip(" ,.;:"), f"denies that it {sign.says}")


def _negation_before(text: str, start: int) -> str:
    """Return the negation, with what stands between, under which the words at a place stand; "" where none."""
    clause = _CLAUSE_END.split(text[max(0, start - 60) : start])[-1]
    found = _NEGATION.search(clause)
    return found[0] if found else ""


def _overlaps(span: tuple[int, int], others: Sequence[tuple[int, int]]) -> bool:
    return any(span[0] < end and start < span[1] for start, end in others)
