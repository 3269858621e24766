"""One step of a coordinator while it is being taken: rows change, drafts gather, and the end of it is a new state.

1. `put` is the only way a row changes; it keeps the counts and lists of the state right.
2. What follows from a settled task is worked off in a queue, not by calls within calls: chains may be long.
3. A task whose needs were all left out is left out too; one accepted need is enough to go on.
"""

from bisect import insort
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any, Final

from coordinators import drafts
from coordinators.fold import Draft
from coordinators.graph import Node, Path, row_name
from coordinators.groups import MAX_ROWS, asked, chosen_round, items_of, merged, parts_of, too_many, until_holds
from coordinators.recovery import next_agent
from coordinators.rows import Breaker, PlanState, TaskRow
from coordinators.tasks import WITH_AN_AGENT, State, Step, advance
from protocol.bodies import File, Pattern, Value
from protocol.conditions import read_condition
from protocol.failures import Kind, Way, strategy_of
from protocol.ids import derived

CONSENT_S: Final = 86_400
BREAKER_NS: Final = 30_000_000_000
CAN_BE_LATE: Final = (*WITH_AN_AGENT, State.PAUSED, State.ASKED, State.ESCALATED)


@dataclass(slots=True)
class Turn:
    """A step being taken at a time. drafts: what there is to say so far. dues: when rows changed in it are late.

    cause: the id of the message that is heard. unfit: rows that cannot be given out, and why.
    """

    state: PlanState
    at_ns: int
    cause: str
    drafts: list[Draft] = field(default_factory=list)
    dues: list[int] = field(default_factory=list)
    unfit: list[tuple[TaskRow, str]] = field(default_factory=list)
    _settled: deque[str] = field(default_factory=deque)
    _free: deque[str] = field(default_factory=deque)

    def node(self, row: TaskRow) -> Node:
        return self.state.graph.nodes[row.planned.id]

    def row(self, name: str, path: Path = ()) -> TaskRow:
        return self.state.rows[row_name(name, path)]

    def put(self, row: TaskRow, step: Step | None = None, **changes: Any) -> TaskRow:
        """Change a row, by a step of its life or within a state, and return it as it is now."""
        if step is not None:
            changes["state"] = advance(row.state, step)
        after = replace(row, **changes)
        state = self.state
        live = state.live.discard(row.serial)
        if after.state in CAN_BE_LATE:
            live = live.insert(after.serial, after.name)
            self.dues.append(after.due_ns)
        self.state = replace(
            state,
            rows=state.rows.insert(after.name, after),
            live=live,
            under_way=state.under_way + (after.state in WITH_AN_AGENT) - (row.state in WITH_AN_AGENT),
        )
        return after

    def live(self) -> Iterator[TaskRow]:
        """Yield the rows that can be late, each as it stands by then: what is done about one may settle others."""
        for serial, name in sorted(self.state.live.items()):
            if serial in self.state.live:
                yield self.state.rows[name]

    def create(self, names: Iterable[str], path: Path, given: tuple[File, ...] = (), note: str | None = None) -> None:
        """Make rows for tasks of one group, or of none; those that wait for nothing are free.

        given: what the group works on. note: what they are told at the beginning of another round.
        """
        state = self.state
        made = []
        for serial, name in enumerate(names, state.next_serial):
            node = state.graph.nodes[name]
            row = TaskRow(
                planned=node.planned,
                path=path,
                serial=serial,
                waits=len(node.before),
                given=given if node.wants_given else (),
                feedback=note if node.wants_given and node.planned.group is None else None,
                attempt=state.base,
                valid_from=state.base + 1,
            )
            made.append(row)
        rows = state.rows.update({row.name: row for row in made})
        self.state = replace(state, rows=rows, next_serial=state.next_serial + len(made))
        self._free.extend(row.name for row in made if not row.waits)

    def work_off(self) -> None:
        """Do all that follows from what was settled, freed and opened so far."""
        while self._settled or self._free:
            if self._settled:
                self._tell_followers(self.state.rows[self._settled.popleft()])
                continue
            row = self.state.rows.get(self._free.popleft())
            if row is not None and row.state is State.WAITING and not row.waits:
                self._let_go(row)

    def free_again(self, row: TaskRow) -> None:
        """Let a waiting row begin that waits for nothing."""
        self._free.append(row.name)

    def accept(self, row: TaskRow, artifacts: tuple[File, ...], values: tuple[Value, ...]) -> None:
        self.put(row, Step.PASS, artifacts=artifacts, values=values, instance="", due_ns=0)
        self.state = replace(self.state, accepted=self.state.accepted + (row.planned.group is None))
        self._settled.append(row.name)

    def skip(self, row: TaskRow, why: str) -> None:
        """Leave a row out, and of a group all that is in it; whoever works on it is stopped."""
        for inner in self.inside(row):
            if not inner.is_settled and inner.state is not State.ABANDONED:
                self.stop(inner, why)
                self.put(inner, Step.SKIP, note=why, instance="", due_ns=0)
        self.stop(row, why)
        self.put(row, Step.SKIP, note=why, instance="", due_ns=0)
        self._settled.append(row.name)

    def inside(self, row: TaskRow) -> list[TaskRow]:
        """Return the rows within a group's row, whatever item or round they belong to."""
        if row.planned.group is None:
            return []
        names = set(self.state.graph.inside(row.planned.id)[1:])
        depth = len(row.path)
        rows = self.state.all_rows() if names else []
        return [one for one in rows if one.planned.id in names and one.path[:depth] == row.path]

    def stop(self, row: TaskRow, why: str) -> None:
        """See to it that a process does not go on with what nobody waits for."""
        if row.state is State.CLAIMED and row.instance and row.instance not in self.state.gone:
            self.drafts.append(drafts.stop_process(self.state, row, why))

    def _tell_followers(self, row: TaskRow) -> None:
        for name in self.node(row).after:
            follower = self.row(name, row.path)
            follower = self.put(follower, waits=follower.waits - 1)
            if not follower.waits:
                self._free.append(follower.name)
        within = row.planned.within
        if within is None:
            self.state = replace(self.state, open_top=self.state.open_top - 1)
            return
        group = self.row(within, row.path[: self.state.graph.depth_of(within)])
        group = self.put(group, left=group.left - 1)
        if not group.left and group.state is State.OPEN:
            self._close(group)

    def _let_go(self, row: TaskRow) -> None:
        """Decide about a row whose needs are settled: leave it out, open it, ask a person, or give it a turn."""
        why = self._needless(row)
        if why:
            self.skip(row, why)
        elif row.policy.approve:
            self.ask(row)
        else:
            self.begin(row)

    def begin(self, row: TaskRow) -> None:
        """Begin a row for which nothing is missing: open a group, give a task its place in the queue."""
        if row.planned.group is not None:
            self._open(row)
        else:
            self.make_ready(row, Step.FREE)

    def _needless(self, row: TaskRow) -> str:
        chain = self.node(row).chain
        needs = self.state.called((need for need in row.planned.needs if need not in chain), row.path)
        if needs and all(need.state is State.SKIPPED for need in needs):
            return f"all it needs was left out: {', '.join(need.name for need in needs)}"
        if row.planned.when is None:
            return ""
        condition = read_condition(row.planned.when)
        tasks = {name.rpartition(".")[0] for name in condition.names}
        holds, told = asked(condition, {task: self.state.called([task], row.path)[0] for task in tasks})
        return "" if holds else f"its condition does not hold: {told}"

    def ask(self, row: TaskRow) -> None:
        """Ask a person whether a task may be started."""
        within_s = CONSENT_S if row.policy.approve_within_s is None else row.policy.approve_within_s
        due_ns = self.at_ns + max(within_s * 1_000_000_000, 1)  # what is due at once nobody would wake us for
        given = self.state.given
        request = derived(given.recipient if given else "", self.cause, len(self.drafts))  # as `fold.sign` makes it
        self.put(row, Step.ASK, due_ns=due_ns, request=request)
        self.drafts.append(drafts.consent(self.state, row, due_ns))

    def make_ready(self, row: TaskRow, step: Step, **changes: Any) -> None:
        """Give a row its place among those that wait for their turn."""
        row = self.put(row, step, instance="", due_ns=0, **changes)
        ready = list(self.state.ready)
        insort(ready, self.state.turn_of(row))
        self.state = replace(self.state, ready=tuple(ready))

    def hand_out(self) -> None:
        """Give ready rows to their agents, those that matter most first, as many as may be under way."""
        workers = self.state.graph.plan.workers
        most = MAX_ROWS if workers is None else workers
        place, ready = 0, self.state.ready
        while place < len(ready) and self.state.under_way < most and not self.state.is_halted:
            row = self.state.rows.get(ready[place][-1])
            place += 1
            if row is not None and row.state is State.READY:
                self._assign(row)
        self.state = replace(self.state, ready=ready[place:])

    def _assign(self, row: TaskRow) -> None:
        reason = drafts.excess(drafts.inputs(self.state, row))
        if reason:
            self.unfit.append((row, reason))
            return
        breaker = self.state.breakers.get(row.agent or row.planned.agent) or Breaker()
        other = next_agent(row)
        if breaker.open_until_ns > self.at_ns and other is None:
            self.put(row, Step.PAUSE, due_ns=breaker.open_until_ns)
            return
        if breaker.open_until_ns > self.at_ns:
            row = replace(row, agent=other or "", strategy=strategy_of(Kind.PASSING, Way.ALTERNATIVE))
        elif breaker.open_until_ns:
            self.close_off(row.agent or row.planned.agent, breaker)  # this attempt decides; others wait for it
        row = self.put(row, Step.ASSIGN, attempt=row.attempt + 1)
        self.drafts.append(drafts.assignment(self.state, row))

    def close_off(self, agent: str, breaker: Breaker) -> None:
        """Give an agent nothing for a while."""
        shut = replace(breaker, open_until_ns=self.at_ns + BREAKER_NS)
        self.state = replace(self.state, breakers=self.state.breakers.insert(agent, shut))

    def _open(self, row: TaskRow) -> None:
        """Begin a group: make the rows of its parts, once, for each item, or for the first round."""
        group = row.planned.group
        assert group is not None
        files = drafts.inputs(self.state, row)
        parts = self.node(row).parts
        if group.pattern is Pattern.ONCE:
            self.put(row, Step.OPEN, left=len(parts), given=files)
            self.create(parts, row.path, files)
        elif group.pattern is Pattern.REPEAT:
            row = self.put(row, Step.OPEN, given=files)
            self._begin_round(row, 1, files, None)
        else:
            items = items_of(files, group.batch or 1)
            if len(self.state.rows) + len(items) * len(parts) > MAX_ROWS:
                self.unfit.append((row, too_many(len(items), len(parts))))
                return
            row = self.put(row, Step.OPEN, left=len(parts) * len(items), round=len(items))
            for number, item in enumerate(items, 1):
                self.create(parts, (*row.path, number), item)
            if not items:
                self._close(row)

    def _begin_round(self, row: TaskRow, number: int, files: tuple[File, ...], note: str | None) -> None:
        parts = self.node(row).parts
        self.put(row, round=number, left=len(parts))
        self.create(parts, (*row.path, number), files, note)

    def _close(self, row: TaskRow) -> None:
        """All parts of a group are settled: accept it with what they made, or begin another round."""
        self.state = replace(self.state, milestones=self.state.milestones + 1)
        group = row.planned.group
        assert group is not None
        graph, rows = self.state.graph, self.state.rows
        if group.pattern is not Pattern.REPEAT:
            parts = parts_of(graph, rows, row)
            if parts and all(part.state is State.SKIPPED for part in parts):
                self.skip(row, "all of it was left out")
                return
            counted = (Value(name="items", value=str(row.round)),) if group.pattern is Pattern.EACH else ()
            files, values = merged(graph, parts)
            self.accept(row, files, (*counted, *values))
            return
        held, missing = until_holds(graph, rows, row)
        is_room = len(rows) + len(self.node(row).parts) <= MAX_ROWS
        if not held and row.round < row.planned_rounds and is_room:
            files, _ = merged(graph, parts_of(graph, rows, row))
            self._begin_round(row, row.round + 1, (*row.given, *files), missing)
            return
        best = row.round if held else chosen_round(rows, row)
        files, values = merged(graph, parts_of(graph, rows, row, best))
        facts = {"rounds": str(row.round), "held": "true" if held else "false", "best": str(best)}
        self.accept(row, files, (*(Value(name=name, value=value) for name, value in facts.items()), *values))
