"""Where a mission stood at any sequence: the journal folded up to there, as a restart folds it."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import takewhile

from bus.records import Entry
from coordinators.coordinator import Coordinator
from coordinators.refold import refold
from coordinators.rows import TaskRow
from protocol.bodies import Plan
from protocol.topics import TECH_LEAD


@dataclass(frozen=True, slots=True)
class Moment:
    """A mission after one entry of its journal. at: its sequence. at_ns: when it was recorded.

    rows: every task of the plan and where it stood, in the order in which they came up; empty before there was a plan.
    """

    at: int
    at_ns: int
    rows: tuple[TaskRow, ...]
    plan: Plan


def moment(entries: Iterable[Entry], coordinator: str, upto: int) -> Moment:
    """Return where the tasks of a coordinator stood after the entry `upto`, or after the last one before it.

    Raises:
        ReplayDifference: today's rules would have said something else by then; the state would be a guess.
    """
    past = list(takewhile(lambda entry: entry.sequence <= upto, entries))
    again = refold(Coordinator(TECH_LEAD), coordinator, past)
    last = past[-1] if past else None
    state = again.state
    rows = tuple(state.all_rows())
    return Moment(last.sequence if last else 0, last.recorded_ns if last else 0, rows, state.graph.plan)
