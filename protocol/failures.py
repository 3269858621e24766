"""The words for failures and for what is done about them; they travel in messages as `KIND/WAY`, the strategy.

Coordinators choose a way, observers count which ways have helped, and both mean the same by these words.
"""

from enum import Enum
from typing import Final

LEASE_RAN_OUT: Final = "its lease ran out"  # why a process is ended whose attempt counts as lost
LEFT_OUT: Final = "task-left-out"  # the code of the alert that a mission goes on without a task


class Kind(Enum):
    """What kind of failure it is, which decides the ways out of it."""

    PASSING = "passing"  # the same may succeed later
    REJECTED = "rejected"  # a gate says what is wrong with it
    LOOP = "loop"  # the same result was rejected before in the same words
    FAULTY_INPUT = "faulty-input"  # the work of the task that it checks is wrong
    CONFLICT = "conflict"  # two changes of one place
    BEYOND = "beyond"  # the specialist says that somebody higher has to act
    PERSON = "person"  # only a person can mend it
    LOST = "lost"  # the process that did it is no more


class Way(Enum):
    """A way out."""

    RETRY = "retry"
    FEEDBACK = "retry-with-feedback"
    ALTERNATIVE = "alternative"
    RESOLVE = "resolve-conflict"
    FIX = "fix-author"
    SKIP = "skip"
    MANUAL = "manual"


def strategy_of(kind: Kind, way: Way) -> str:
    """Return how an assignment names the way that was chosen for a kind of failure."""
    return f"{kind.value}/{way.value}"


def read_strategy(strategy: str | None) -> tuple[Kind, Way] | None:
    """Return what an assignment's strategy names; None where it names no way out of a failure."""
    kind, _, way = (strategy or "").partition("/")
    try:
        return Kind(kind), Way(way)
    except ValueError:
        return None


def read_kind(text: str | None) -> Kind | None:
    """Return the kind that a message names; None where it names none of ours."""
    return next((kind for kind in Kind if kind.value == text), None)
