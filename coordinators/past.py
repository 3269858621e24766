"""Where a mission stood at any sequence: the journal folded up to there, as a restart folds it."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import takewhile

from bus.records import Entry
from coordinators.coordinator import Coordinator
from coordinators.refold import Refold
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
    again, at_ns = Refold(Coordinator(TECH_LEAD), coordinator), 0
    for entry in takewhile(lambda entry: entry.sequence <= upto, entries):
        again.hear(entry)
        at_ns = entry.recorded_ns
    return Moment(again.position, at_ns, tuple(again.state.all_rows()), again.state.graph.plan)
