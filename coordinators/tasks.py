"""The life of a task: its states, what may happen to it, and the table that joins them."""

from enum import Enum
from typing import Final

from protocol.errors import IllegalStep


class State(Enum):
    WAITING = "waiting"  # for the tasks it needs
    ASKED = "asked"  # for a person's consent
    READY = "ready"  # for its turn
    PAUSED = "paused"  # until the time of its next attempt
    ASSIGNED = "assigned"
    CLAIMED = "claimed"
    OPEN = "open"  # a group whose parts are being done
    ACCEPTED = "accepted"
    SKIPPED = "skipped"  # the mission goes on without it
    ESCALATED = "escalated"
    ABANDONED = "abandoned"


class Step(Enum):
    ASK = "ask"
    FREE = "free"  # nothing but its turn is missing
    ASSIGN = "assign"
    CLAIM = "claim"
    OPEN = "open"
    PASS = "pass"
    PAUSE = "pause"
    RETRY = "retry"  # after a rejection, a loss or an answer from above
    SKIP = "skip"
    ESCALATE = "escalate"
    ABANDON = "abandon"
    CHANGE = "change"  # its definition, or what it builds on, is another now: all of it is done again


_ENDS: Final = {
    Step.SKIP: State.SKIPPED,
    Step.ESCALATE: State.ESCALATED,
    Step.ABANDON: State.ABANDONED,
    Step.CHANGE: State.WAITING,
}
STEPS: Final[dict[State, dict[Step, State]]] = {
    State.WAITING: {**_ENDS, Step.ASK: State.ASKED, Step.FREE: State.READY, Step.OPEN: State.OPEN},
    State.ASKED: {**_ENDS, Step.FREE: State.READY, Step.OPEN: State.OPEN},
    State.READY: {**_ENDS, Step.ASSIGN: State.ASSIGNED, Step.PAUSE: State.PAUSED},
    State.PAUSED: {**_ENDS, Step.RETRY: State.READY, Step.PASS: State.ACCEPTED},
    State.ASSIGNED: {
        **_ENDS,
        Step.CLAIM: State.CLAIMED,
        Step.PASS: State.ACCEPTED,  # an earlier attempt's verdict may overtake the claim of the next
        Step.PAUSE: State.PAUSED,
        Step.RETRY: State.READY,
    },
    State.CLAIMED: {**_ENDS, Step.PASS: State.ACCEPTED, Step.PAUSE: State.PAUSED, Step.RETRY: State.READY},
    State.OPEN: {**_ENDS, Step.PASS: State.ACCEPTED},
    State.ESCALATED: {
        Step.ESCALATE: State.ESCALATED,  # a group that has too many items still
        Step.OPEN: State.OPEN,
        Step.RETRY: State.READY,
        Step.ASK: State.ASKED,
        Step.PASS: State.ACCEPTED,
        Step.SKIP: State.SKIPPED,
        Step.ABANDON: State.ABANDONED,
        Step.CHANGE: State.WAITING,
    },
    State.ACCEPTED: {Step.CHANGE: State.WAITING},
    State.SKIPPED: {Step.CHANGE: State.WAITING},
    State.ABANDONED: {Step.CHANGE: State.WAITING},
}
SETTLED: Final = (State.ACCEPTED, State.SKIPPED)
WITH_AN_AGENT: Final = (State.ASSIGNED, State.CLAIMED)


def advance(state: State, step: Step) -> State:
    """Return the state after a step.

    Raises:
        IllegalStep: that cannot happen to a task in this state.
    """
    try:
        return STEPS[state][step]
    except KeyError:
        raise IllegalStep(f"cannot {step.value} a task that is {state.value}") from None
