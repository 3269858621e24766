"""Doing things again: a task whose work proved wrong, and a plan that is another now. Both are one mechanism.

1. What is done again is the task and all that builds on it; of groups the whole. What does not build on it stays.
2. An attempt is never numbered twice: rows made afresh go on counting where those that were dropped stopped.
"""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from coordinators.graph import Graph
from coordinators.rows import TaskRow
from coordinators.tasks import WITH_AN_AGENT, State, Step
from coordinators.turn import Turn


def redo(turn: Turn, row: TaskRow, **told: Any) -> None:
    """Do a task again, and all of its group that builds on it. told: what the task's next attempt is told."""
    graph = turn.state.graph
    names = _builds_on(graph, [row.planned.id])
    again = [turn.row(name, row.path) for name in graph.order if name in names]
    for one in again:
        inner = turn.inside(one)
        for each in (one, *inner):
            turn.stop(each, f"{row.name} is done again")
        _drop(turn, inner)
    settled = {one.name for one in again if one.is_settled}
    for one in again:
        waits = sum(need in names or not turn.row(need, one.path).is_settled for need in turn.node(one).before)
        fresh = turn.put(one, Step.CHANGE, waits=waits, artifacts=(), values=(), instance="", due_ns=0, round=0, left=0)
        # What an earlier attempt was told was about other work.
        turn.put(fresh, valid_from=fresh.attempt + 1, feedback=None, strategy=None)
    _unsettle(turn, row, len(settled))
    turn.free_again(turn.put(turn.state.rows[row.name], **told))


def adopt(turn: Turn, graph: Graph) -> None:
    """Go on with another plan: what is the same in both and builds on nothing that is not keeps where it stands."""
    before = turn.state.graph
    rows = turn.state.all_rows()
    given_up = {_top_of(turn, row) for row in rows if row.state is State.ABANDONED}
    same = [name for name in graph.top if name not in given_up and _is_same(before, graph, name)]
    changed = [name for name in graph.top if name not in set(same)]
    again = _builds_on(graph, changed)
    kept = [name for name in same if name not in again]
    for row in rows:
        if _top_of(turn, row) not in kept:
            turn.stop(row, "the plan is another now")
    if len(kept) == len(graph.top) == len(before.top):
        turn.state = replace(turn.state, graph=graph, is_reported=False)  # whoever said it waits for an end
        return
    inside = {name for top in kept for name in before.inside(top)}
    _drop(turn, [row for row in turn.state.all_rows() if row.planned.id not in inside])
    settled = sum(turn.row(name).is_settled for name in kept)
    turn.state = replace(turn.state, graph=graph, is_reported=False)
    turn.state = replace(turn.state, open_top=len(graph.top) - settled, told="", ready=())
    _place_again(turn)
    turn.create([name for name in graph.top if name in again], ())
    _count_again(turn, again)


def _top_of(turn: Turn, row: TaskRow) -> str:
    return (*turn.node(row).chain, row.planned.id)[0]


def _place_again(turn: Turn) -> None:
    ready = [row for row in turn.state.all_rows() if row.state is State.READY]
    turn.state = replace(turn.state, ready=tuple(sorted(turn.state.turn_of(row) for row in ready)))


def _count_again(turn: Turn, again: set[str]) -> None:
    """Of what it needs a row made afresh waits only for what is not settled."""
    for name in turn.state.graph.top:
        if name in again:
            row = turn.row(name)
            waits = sum(not turn.row(need).is_settled for need in turn.node(row).before)
            row = turn.put(row, waits=waits)
            if not waits:
                turn.free_again(row)


def _builds_on(graph: Graph, names: Iterable[str]) -> set[str]:
    """Return some tasks of one group and all of the group that needs them, directly or not."""
    found = list(dict.fromkeys(names))
    for name in found:
        found += [after for after in graph.nodes[name].after if after not in found]
    return set(found)


def _is_same(before: Graph, after: Graph, name: str) -> bool:
    """Whether a task, with all that is within it, is defined the same in both plans."""
    if name not in before.nodes:
        return False
    inner, others = before.inside(name), after.inside(name)
    return inner == others and all(before.nodes[one].planned == after.nodes[one].planned for one in inner)


def _drop(turn: Turn, rows: list[TaskRow]) -> None:
    """Forget rows; those made in their places go on counting attempts behind theirs."""
    state = turn.state
    under_way = sum(row.state in WITH_AN_AGENT for row in rows)
    kept, live = state.rows, state.live
    for row in rows:
        kept, live = kept.discard(row.name), live.discard(row.serial)
    base = max([state.base, *(row.attempt for row in rows)])
    # A row that is made in the place of one has another turn.
    ready = tuple(turn_of for turn_of in state.ready if turn_of[-1] in kept)
    turn.state = replace(state, rows=kept, live=live, ready=ready, under_way=state.under_way - under_way, base=base)


def _unsettle(turn: Turn, row: TaskRow, count: int) -> None:
    """So many rows of one group are not settled any more: the group, or the plan, waits for them again."""
    within = row.planned.within
    if within is None:
        turn.state = replace(turn.state, open_top=turn.state.open_top + count)
        return
    group = turn.row(within, row.path[: turn.state.graph.depth_of(within)])
    turn.put(group, left=group.left + count)
