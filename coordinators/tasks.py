"""The life of a task: its states, what may happen to it, and the table that joins them."""

from enum import Enum
from typing import Final

from protocol.errors import IllegalStep


class State(Enum):
    WAITING = "waiting"  # for the tasks it needs
    ASSIGNED = "assigned"
    CLAIMED = "claimed"
    ACCEPTED = "accepted"
    ESCALATED = "escalated"
    ABANDONED = "abandoned"


class Step(Enum):
    ASSIGN = "assign"
    CLAIM = "claim"
    PASS = "pass"
    RETRY = "retry"  # after a rejection, a loss or an answer from above
    ESCALATE = "escalate"
    ABANDON = "abandon"
    CHANGE = "change"  # its definition, or what it builds on, is another now: all of it is done again


STEPS: Final[dict[State, dict[Step, State]]] = {
    State.WAITING: {Step.ASSIGN: State.ASSIGNED, Step.ABANDON: State.ABANDONED, Step.CHANGE: State.WAITING},
    State.ASSIGNED: {
        Step.CLAIM: State.CLAIMED,
        Step.PASS: State.ACCEPTED,  # an earlier attempt's verdict may overtake the claim of the next
        Step.RETRY: State.ASSIGNED,
        Step.ESCALATE: State.ESCALATED,
        Step.ABANDON: State.ABANDONED,
        Step.CHANGE: State.WAITING,
    },
    State.CLAIMED: {
        Step.PASS: State.ACCEPTED,
        Step.RETRY: State.ASSIGNED,
        Step.ESCALATE: State.ESCALATED,
        Step.ABANDON: State.ABANDONED,
        Step.CHANGE: State.WAITING,
    },
    State.ESCALATED: {
        Step.RETRY: State.ASSIGNED,
        Step.PASS: State.ACCEPTED,
        Step.ABANDON: State.ABANDONED,
        Step.CHANGE: State.WAITING,
    },
    State.ACCEPTED: {Step.CHANGE: State.WAITING},
    State.ABANDONED: {Step.CHANGE: State.WAITING},
}


def advance(state: State, step: Step) -> State:
    """Return the state after a step.

    Raises:
        IllegalStep: that cannot happen to a task in this state.
    """
    try:
        return STEPS[state][step]
    except KeyError:
        raise IllegalStep(f"cannot {step.value} a task that is {state.value}") from None
