"""Any plan, any messages in any order: a coordinator never breaks, never miscounts, and never waits for nobody."""

from collections.abc import Sequence
from random import Random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from coordinators.fold import Draft
from coordinators.graph import row_name
from coordinators.groups import parts_of
from coordinators.plan import check
from coordinators.rows import PlanState, TaskRow
from coordinators.tasks import WITH_AN_AGENT, State
from protocol.bodies import (
    Alert,
    AlertState,
    Answer,
    Consent,
    Control,
    Decision,
    ErrorCategory,
    ErrorDetails,
    ErrorLevel,
    Lost,
    Pattern,
    Plan,
    PlannedTask,
    Severity,
    TaskAssignment,
    Verb,
    Wake,
    WakeRequest,
)
from protocol.errors import DefinitionError
from protocol.messages import MessageType
from protocol.topics import EVERYONE, HUMAN, SUPERVISOR, TECH_LEAD
from tests.coordinators.play import DONE, Play, Reply, files, group, task

_SECOND_NS = 1_000_000_000
_LATE = (State.CLAIMED, State.PAUSED, State.ASKED)


class Anything:
    """A play in which anything may be said. owed: the wakes that were asked for and have not come."""

    def __init__(self, chance: Random) -> None:
        self.chance = chance
        self.play = Play(_plan(chance), lambda draft, body: None)
        self.given: list[Draft] = []
        self.owed: list[int] = []
        self._notice(0)
        self.play.run()
        self._notice(0)

    def say(self) -> None:
        self.play.at_ns += self.chance.choice((0, 0, 0, _SECOND_NS, 100 * _SECOND_NS))
        said = len(self.play.said)
        self.chance.choice(
            (self._judge, self._judge, self._claim, self._lose, self._wake, self._decide, self._change, self._alarm)
        )()
        self._notice(said)

    def _notice(self, since: int) -> None:
        new = self.play.said[since:]
        self.given += [draft for draft in new if isinstance(draft.body, TaskAssignment)]
        self.owed += [draft.body.due for draft in new if isinstance(draft.body, WakeRequest)]
        check_counts(self.play.state)
        check_somebody_is_waited_for(self.play.state)

    def _row(self) -> TaskRow | None:
        rows = self.play.state.all_rows()
        return self.chance.choice(rows) if rows else None

    def _judge(self) -> None:
        if self.given:
            self.play.answer(self.chance.choice(self.given[-6:]), self.chance.choice(_REPLIES))

    def _claim(self) -> None:
        if self.given:
            self.play.claim(self.chance.choice(self.given[-6:]), f"i{self.chance.randrange(3)}")

    def _lose(self) -> None:
        self.play.hear(
            MessageType.LOST, Lost(agent="@worker", instance=f"i{self.chance.randrange(3)}", reason="killed"), "run"
        )

    def _wake(self) -> None:
        if self.owed:
            due = self.owed.pop(self.chance.randrange(len(self.owed)))
            self.play.at_ns = max(self.play.at_ns, due)
            self.play.hear(MessageType.WAKE, Wake(key="tasks-due", due=due), "mission", sender="@clock")

    def _decide(self) -> None:
        row = self._row()
        if row is not None and row.request and self.chance.random() < 0.5:
            self.play.consent(row.name, self.chance.choice((Consent.GRANTED, Consent.DENIED)))
        elif row is not None:
            choice = self.chance.choice(("retry", "retry", "skip", "skip", "skip", "give up"))
            self.play.hear(MessageType.ANSWER, Answer(choice=choice), row.name, sender=TECH_LEAD)

    def _change(self) -> None:
        row = self._row()
        if row is not None and self.chance.random() < 0.5:
            body = Control(verb=Verb.CANCEL, subject=self.chance.choice((row.name, row.planned.id)))
            self.play.hear(MessageType.CONTROL, body, "run", sender=HUMAN)
        elif self.chance.random() < 0.3:
            self.play.hear(MessageType.CONTROL, Control(verb=Verb.FORK, subject=EVERYONE), "run", sender=SUPERVISOR)
        else:
            plan = _changed(self.chance, self.play.state.graph.plan)
            body = Control(verb=Verb.SET, subject="definition", plan=plan)
            self.play.hear(MessageType.CONTROL, body, "run", sender=HUMAN)

    def _alarm(self) -> None:
        """Let a device's agent tell of an alarm of what may be called as a task is; that changes nothing."""
        row, before = self._row(), self.play.state
        body = Alert(code="hot", severity=Severity.CRITICAL, state=self.chance.choice(list(AlertState)), text="55 °C")
        said = self.play.hear(MessageType.ALERT, body, row.name if row else "pack-1", sender="@battery-1")
        assert [draft.recipient for draft in said] == [TECH_LEAD] * (body.state is AlertState.RAISED)
        assert self.play.state == before

    def come_to_an_end(self) -> None:
        """Answer everything that anybody is asked, until the mission is over."""
        for _ in range(2_000):
            state = self.play.state
            if state.is_reported or any(row.state is State.ABANDONED for row in state.all_rows()):
                return
            said = len(self.play.said)
            self._help(state)
            self._notice(said)
        raise AssertionError(f"no end: {self.play.states()}")

    def _help(self, state: PlanState) -> None:
        escalated = [row for row in state.live_rows() if row.state is State.ESCALATED]
        asked = [row for row in state.live_rows() if row.state is State.ASKED]
        if self.given:
            self.play.answer(self.given.pop(0), DONE)
        elif state.is_halted:
            self.play.hear(MessageType.ANSWER, Answer(choice="retry"), "mission", sender=TECH_LEAD)
        elif escalated:
            self.play.hear(MessageType.ANSWER, Answer(choice="skip"), escalated[0].name, sender=TECH_LEAD)
        elif asked:
            self.play.consent(asked[0].name, Consent.GRANTED)
        else:
            assert self.owed, f"nobody has anything to do: {self.play.states()}"
            self.owed.sort()
            self._wake()


def check_counts(state: PlanState) -> None:
    """Count again what the state keeps counted."""
    rows, nodes = state.rows, state.graph.nodes
    assert state.under_way == sum(row.state in WITH_AN_AGENT for row in rows.values())
    assert state.open_top == sum(not rows[name].is_settled for name in state.graph.top if name in rows)
    queued = {name for *_, name in state.ready}
    for row in rows.values():
        if row.state is State.WAITING:
            open_needs = [
                need for need in nodes[row.planned.id].before if not rows[row_name(need, row.path)].is_settled
            ]
            assert row.waits == len(open_needs) > 0, row.name
        elif row.state is State.OPEN:
            assert row.left == sum(not part.is_settled for part in parts_of(state.graph, rows, row)) > 0, row.name
        elif row.state is State.READY:
            assert row.name in queued


def check_somebody_is_waited_for(state: PlanState) -> None:
    """While a mission is not over, an agent, the clock or a person is to do something, and knows it."""
    rows = state.all_rows()
    if not rows or state.is_reported or state.is_halted or any(row.state is State.ABANDONED for row in rows):
        return
    dues = [row.due_ns for row in rows if row.state in _LATE]
    assert all(dues)
    assert not dues or state.wake_due_ns, "something can be late, and nobody is to wake us"
    is_going_on = state.under_way or any(row.state is State.PAUSED for row in rows)
    assert is_going_on or state.told, f"nothing goes on, and nobody was told: {[row.name for row in rows]}"


def _error(level: ErrorLevel, *, transient: bool | None = None) -> ErrorDetails:
    return ErrorDetails(level=level, category=ErrorCategory.EXECUTION, message="m", transient=transient)


_REPLIES: Sequence[Reply] = (
    *(DONE, DONE, Reply(values={"ok": "true"}), Reply(values={"ok": "false"})),
    Reply(Decision.REJECT),
    Reply(Decision.REJECT, reason="another one"),
    Reply(Decision.REJECT, reason="merge conflict"),
    Reply(Decision.REJECT, error=_error(ErrorLevel.SPECIALIST, transient=True)),
    Reply(Decision.REJECT, error=_error(ErrorLevel.TECH_LEAD)),
    Reply(Decision.REJECT, error=_error(ErrorLevel.PERSON)),
    Reply(Decision.ESCALATE),
)


def _plan(chance: Random) -> Plan:
    """Draw a plan: groups within groups, needs, conditions and every policy."""
    while True:
        tasks: list[PlannedTask] = []
        for number in range(chance.randint(1, 7)):
            tasks.append(_task(chance, f"t{number}", tasks))
        parents = {one.within for one in tasks}
        tasks += [task(f"{one.id}-part", within=one.id) for one in tasks if one.group and one.id not in parents]
        limits = {"workers": chance.choice((None, 1, 2)), "deadline_s": chance.choice((None, None, 1, 2_000))}
        plan = Plan.model_validate({"tasks": tasks, **limits})
        try:
            check(plan)
        except DefinitionError:
            continue
        return plan


def _task(chance: Random, name: str, before: Sequence[PlannedTask]) -> PlannedTask:
    within = chance.choice((None, *(one.id for one in before if one.group is not None)))
    beside = [one for one in before if one.within == within]
    needs = [one.id for one in beside if chance.random() < 0.4]
    when = f"{needs[0]}.ok == true" if needs and chance.random() < 0.3 else None
    policy: dict[str, Any] = {"critical": False} if chance.random() < 0.5 else {}
    policy |= {"approve": True, "approve_within_s": chance.choice((0, 10))} if chance.random() < 0.3 else {}
    if chance.random() < 0.35:
        pattern = chance.choice(list(Pattern))
        more: dict[str, object] = {"rounds": 3} if pattern is Pattern.REPEAT else {}
        made = group(name, pattern, *needs, within=within, when=when, inputs=files(chance.choice((0, 2))), **more)
        return made.model_copy(update={"policy": task("p", **policy).policy})
    authors = [one.id for one in beside if one.id in needs and one.group is None]
    policy |= {"fixed_by": authors[0]} if authors and chance.random() < 0.5 else {}
    policy |= {"alternatives": ["@other"]} if chance.random() < 0.3 else {}
    policy |= {"deadline_s": chance.choice((1, 500))} if chance.random() < 0.2 else {}
    return task(name, *needs, within=within, when=when, **policy)


def _changed(chance: Random, plan: Plan) -> Plan:
    if chance.random() < 0.3:
        return _plan(chance)
    tasks = list(plan.tasks)
    place = chance.randrange(len(tasks))
    tasks[place] = tasks[place].model_copy(update={"title": f"v{chance.randrange(99)}"})
    return plan.model_copy(update={"tasks": tuple(tasks), "workers": chance.choice((None, 2))})


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 2**32), st.integers(0, 50))
def test_whatever_is_said_counts_agree_somebody_is_waited_for_and_there_is_an_end(seed: int, steps: int) -> None:
    anything = Anything(Random(seed))
    for _ in range(steps):
        anything.say()
    anything.come_to_an_end()
    again, state = anything.play.fold, anything.play.fold.start()
    said: list[Draft] = []
    for heard in anything.play.heard:
        state, drafts = again.step(state, heard)
        said += drafts
    assert (said, state) == (anything.play.said, anything.play.state)
