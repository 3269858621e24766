"""Who could do a step: agents ranked by the words that their definitions share with it.

1. A word counts the more, the fewer definitions use it; in a skill three times, in a name twice, in a description once.
2. A definition that shares no telling word with the text is no candidate; nobody is proposed for want of better.
3. Agents that carry the orchestra itself are never proposed.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import log
from typing import Final

from agents.definitions.definition import Definition
from scenarios.words import SAY_NOTHING, stem, words_of

SYSTEM_SKILLS: Final = frozenset(
    {"run-plan", "decide-mission", "judge-results", "record", "wake", "answer-about-missions"}
)
_SKILL_WEIGHT: Final = 3.0
_NAME_WEIGHT: Final = 2.0
_DESCRIPTION_WEIGHT: Final = 1.0


@dataclass(frozen=True, slots=True)
class Candidate:
    """An agent for a step. skill: the one of its skills that fits best, "" where it declares none.

    score: comparable within one ranking only. why: the words of the text that matched, the most telling first.
    """

    agent: str
    skill: str
    score: float
    why: tuple[str, ...]


def specialists_for(text: str, definitions: Iterable[Definition]) -> tuple[Candidate, ...]:
    """Return who could do what a text asks for, the best first, equals by name; () where nobody's words match."""
    able = [one for one in definitions if not SYSTEM_SKILLS.intersection(one.skills)]
    used = Counter(word for one in able for word in _weights(one))
    rarity = {word: log(1 + len(able) / count) for word, count in used.items()}
    asked = _stems(text)
    found = [candidate for one in able if (candidate := _candidate(one, asked, rarity)) is not None]
    return tuple(sorted(found, key=lambda candidate: (-candidate.score, candidate.agent)))


def _candidate(definition: Definition, asked: Mapping[str, str], rarity: Mapping[str, float]) -> Candidate | None:
    weights = _weights(definition)
    worth = {word: weights[word] * rarity[word] for word in asked if word in weights}
    if not worth:
        return None
    ordered = sorted(worth, key=lambda word: (-worth[word], word))
    skill = max(definition.skills, key=lambda name: _overlap(name, asked, rarity), default="")
    return Candidate(definition.name, skill, round(sum(worth.values()), 3), tuple(asked[word] for word in ordered))


def _weights(definition: Definition) -> dict[str, float]:
    """Return what each word of a definition counts: by the most prominent place where it stands."""
    places = (
        (_DESCRIPTION_WEIGHT, definition.description),
        (_NAME_WEIGHT, definition.name),
        (_SKILL_WEIGHT, " ".join(definition.skills)),
    )
    return {word: weight for weight, text in places for word in _stems(text)}


def _overlap(skill: str, asked: Mapping[str, str], rarity: Mapping[str, float]) -> float:
    return sum(rarity[word] for word in _stems(skill) if word in asked)


def _stems(text: str) -> dict[str, str]:
    """Return the telling stems of a text, each with the word as it stands there first."""
    found: dict[str, str] = {}
    for word in words_of(text.replace("_", " ")):
        if word not in SAY_NOTHING and len(word) > 1:
            found.setdefault(stem(word), word)
    return found
