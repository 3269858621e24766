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


class Event(Enum):
    ASSIGN = "assign"
    CLAIM = "claim"
    PASS = "pass"
    RETRY = "retry"  # after a rejection, a loss or an answer from above
    ESCALATE = "escalate"
    ABANDON = "abandon"


STEPS: Final[dict[State, dict[Event, State]]] = {
    State.WAITING: {Event.ASSIGN: State.ASSIGNED, Event.ABANDON: State.ABANDONED},
    State.ASSIGNED: {
        Event.CLAIM: State.CLAIMED,
        Event.PASS: State.ACCEPTED,  # an earlier attempt's verdict may overtake the claim of the next
        Event.RETRY: State.ASSIGNED,
        Event.ESCALATE: State.ESCALATED,
        Event.ABANDON: State.ABANDONED,
    },
    State.CLAIMED: {
        Event.PASS: State.ACCEPTED,
        Event.RETRY: State.ASSIGNED,
        Event.ESCALATE: State.ESCALATED,
        Event.ABANDON: State.ABANDONED,
    },
    State.ESCALATED: {Event.RETRY: State.ASSIGNED, Event.PASS: State.ACCEPTED, Event.ABANDON: State.ABANDONED},
    State.ACCEPTED: {},
    State.ABANDONED: {},
}


def advance(state: State, event: Event) -> State:
    """Return the state after an event.

    Raises:
        IllegalStep: that cannot happen to a task in this state.
    """
    try:
        return STEPS[state][event]
    except KeyError:
        raise IllegalStep(f"cannot {event.value} a task that is {state.value}") from None
