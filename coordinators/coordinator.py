"""The coordinator: carries out one plan. Assigns, acts on verdicts, recovers, escalates, reports.

1. Only a verdict makes a result usable; claims, progress and what specialists say about themselves do not.
2. A rejection costs an attempt, a lost process does not; both are bounded.
3. What was rejected reaches no other task: inputs are the plan's own files and accepted artifacts.
4. What is late comes as a wake: leases, pauses, consent, deadlines. One wake is owed, the earliest.
5. A device's critical alarm goes up to the lead at once, before there is a plan and after its end as well: it concerns
   no task. Nothing is remembered of it, and nothing waits for it.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from coordinators import drafts
from coordinators.change import adopt, redo
from coordinators.fold import Draft, Heard
from coordinators.graph import Graph
from coordinators.plan import check
from coordinators.recovery import RATE, Fault, classified, next_agent, pause_ns, way_out
from coordinators.rows import Breaker, PlanState, TaskRow
from coordinators.tasks import WITH_AN_AGENT, State, Step
from coordinators.turn import Turn
from protocol.bodies import (
    Alert,
    AlertState,
    Answer,
    Approval,
    Claim,
    Consent,
    Control,
    Decision,
    ErrorCategory,
    ErrorLevel,
    Lost,
    Severity,
    TaskAssignment,
    Verb,
    VerdictReport,
    Wake,
)
from protocol.errors import DefinitionError
from protocol.failures import LEASE_RAN_OUT, LEFT_OUT, Kind, Way, strategy_of
from protocol.messages import Message
from protocol.topics import EVERYONE, HUMAN

LIVES: Final = 8
BREAKER_FAILURES: Final = 5
CHANGED: Final = "changed"  # a setting of a fork: the next entry brings another plan
_GRACE_NS: Final = 60_000_000_000
_SECOND_NS: Final = 1_000_000_000
_UNDECIDED: Final = (*WITH_AN_AGENT, State.READY, State.PAUSED, State.ESCALATED)

Stepped = tuple[PlanState, tuple[Draft, ...]]


class Coordinator:
    """The fold. lead: whom it reports and escalates to."""

    version = "9"

    def __init__(self, lead: str) -> None:
        self._lead = lead

    def start(self) -> PlanState:
        return PlanState()

    def step(self, state: PlanState, heard: Heard) -> Stepped:
        """Return what becomes of the state, and what there is to say, when this has been heard."""
        turn = Turn(state, heard.at_ns, heard.message.id or "")
        self._hear(turn, heard.message)
        self._end(turn)
        return turn.state, tuple(turn.drafts)

    def set_aside(self, state: PlanState, heard: Heard, reason: str) -> Stepped:
        """Tell the lead about a message on which `step` breaks; a person has to look, trying again is no use."""
        return state, (drafts.refused_plan(self._lead, heard.message.task, reason),)

    def _hear(self, turn: Turn, message: Message) -> None:
        if isinstance(message.body, Wake | Control | Answer | Approval) and message.recipient != EVERYONE:
            # Whoever sent it believes that something goes on now; where nothing does, that is said again.
            turn.state = replace(turn.state, told="")
        match message.body:
            case TaskAssignment() as body:
                self._begin(turn, message, body)
            case Lost() as body:
                self._lose(turn, body)
            case Wake():
                self._wake(turn)
            case Control() as body:
                self._control(turn, body)
            case Answer() as body if message.task == drafts.mission_task(turn.state):
                self._answer_all(turn, body)
            case Alert() as body:
                self._alarm(turn, message, body)
            case _:
                self._hear_of_task(turn, message)

    def _alarm(self, turn: Turn, message: Message, body: Alert) -> None:
        """Pass a device's alarm on. Its task is the name of what is watched, be there a task of that name or not."""
        own = turn.state.given.recipient if turn.state.given else message.recipient
        is_raised = body.state is AlertState.RAISED and body.severity is Severity.CRITICAL
        if is_raised and body.code != LEFT_OUT and message.sender != own:
            turn.drafts.append(drafts.alarm(self._lead, message, body.text))

    def _hear_of_task(self, turn: Turn, message: Message) -> None:
        row = turn.state.rows.get(message.task)
        if row is None:
            return
        match message.body:
            case Approval() as body if row.state is State.ASKED and _answers(message, row):
                self._consent(turn, row, body)
            case Claim() as body:
                self._claim(turn, row, body, message.attempt)
            case VerdictReport() as body if row.state in _UNDECIDED:
                self._verdict(turn, row, body, message.attempt or 1)
            case Answer() as body if row.state is State.ESCALATED:
                self._answer(turn, row, body)

    def _begin(self, turn: Turn, message: Message, body: TaskAssignment) -> None:
        if turn.state.given is not None or body.plan is None:
            return
        turn.state = replace(turn.state, given=message, began_ns=turn.at_ns)
        try:
            graph = check(body.plan)
        except DefinitionError as error:
            turn.state = replace(turn.state, is_reported=True)
            turn.drafts.append(drafts.refused_plan(self._lead, message.task, str(error)))
            return
        turn.state = replace(turn.state, graph=graph, open_top=len(graph.top))
        turn.create(graph.top, ())
        turn.dues += _deadlines(turn.state)

    def _control(self, turn: Turn, body: Control) -> None:
        if turn.state.given is None:
            return
        if body.verb is Verb.SET and body.plan is not None:
            self._revise(turn, check(body.plan))
        elif body.verb is Verb.FORK and turn.state.graph.nodes and all(one.name != CHANGED for one in body.settings):
            # The lead begins anew, so what had been halted or said to the parent's lead comes again.
            self._revise(turn, turn.state.graph, is_anew=True)
        elif body.verb is Verb.CANCEL:
            why = next((setting.value for setting in body.settings if setting.name == "reason"), "")
            self._cancel(turn, body.subject, f"cancelled{f': {why}' if why else ''}")

    def _revise(self, turn: Turn, graph: Graph, *, is_anew: bool = False) -> None:
        """Go on with another plan, or in a fork; where the mission was halted its deadlines begin anew."""
        state = turn.state
        began_ns = turn.at_ns if state.is_halted or is_anew else state.began_ns
        turn.state = replace(state, is_halted=False, began_ns=began_ns, told="")
        adopt(turn, graph)
        self._pass_deadlines(turn)
        turn.dues += [*(row.due_ns for row in turn.live()), *_deadlines(turn.state)]

    def _cancel(self, turn: Turn, subject: str | None, why: str) -> None:
        """Leave a task out, in all items and rounds that there are by now, or end the mission."""
        if subject is None:
            self._halt(turn, why)
            turn.state = replace(turn.state, is_reported=True)
            turn.drafts.append(drafts.ended(turn.state, self._lead, why))
            return
        named = [row for row in turn.state.all_rows() if subject in (row.name, row.planned.id)]
        for row in named:
            now = turn.state.rows[row.name]  # it may stand in a group that was left out just now
            if not now.is_settled and now.state is not State.ABANDONED:
                turn.skip(now, why)

    def _halt(self, turn: Turn, why: str) -> None:
        """Begin nothing more, and take back what is under way."""
        turn.state = replace(turn.state, is_halted=True)
        for row in turn.state.live_rows():
            turn.stop(row, why)
            if row.state in (*WITH_AN_AGENT, State.PAUSED):
                turn.make_ready(row, Step.RETRY)

    def _claim(self, turn: Turn, row: TaskRow, body: Claim, attempt: int | None) -> None:
        if row.state is not State.ASSIGNED or attempt != row.attempt:
            return
        # Time runs from the claim: what waits for a free process is not late, however long the queue.
        due_ns = turn.at_ns + body.lease_s * _SECOND_NS + _GRACE_NS
        row = turn.put(row, Step.CLAIM, instance=body.instance, due_ns=due_ns)
        # A claim can be sequenced behind the news that its sender died.
        if body.instance in turn.state.gone:
            self._take_back(turn, row, "its process had died")

    def _verdict(self, turn: Turn, row: TaskRow, body: VerdictReport, attempt: int) -> None:
        if attempt < row.valid_from:
            return
        agent = row.agent or row.planned.agent
        if body.decision is Decision.PASS:
            turn.state = replace(turn.state, breakers=turn.state.breakers.discard(agent))
            if row.state is not State.READY:
                turn.accept(row, body.artifacts, body.values)
            return
        if attempt == row.attempt and row.state in WITH_AN_AGENT:
            self._fail(turn, row, classified(row, body), body)

    def _fail(self, turn: Turn, row: TaskRow, fault: Fault, body: VerdictReport) -> None:
        """An attempt was rejected: count it, and take the way out that is open."""
        is_passing = fault.kind is Kind.PASSING
        row = turn.put(
            row,
            rejections=row.rejections + 1,
            failures=row.failures + is_passing,
            faults=row.faults | {fault.digest},
            error=body.error_details,
            instance="",  # it has handed in and is at something else by now; nobody may stop it for this
        )
        if is_passing:
            self._count_failure(turn, row.agent or row.planned.agent)
        way = way_out(row, fault, _rates(turn.state))
        strategy = strategy_of(fault.kind, way)
        told = {"strategy": strategy, "feedback": fault.reason}
        match way:
            case Way.RETRY:
                turn.put(row, Step.PAUSE, due_ns=turn.at_ns + pause_ns(row), strategy=strategy)
            case Way.FEEDBACK | Way.RESOLVE:
                turn.make_ready(row, Step.RETRY, **told)
            case Way.ALTERNATIVE:
                turn.make_ready(row, Step.RETRY, agent=next_agent(row) or "", rejections=0, **told)
            case Way.FIX:
                redo(turn, turn.row(row.policy.fixed_by or "", row.path), **told)
            case Way.SKIP:
                self._leave_out(turn, row, fault.reason, fault.kind)
            case Way.MANUAL:
                self._give_up(turn, row, fault.reason, fault)

    def _count_failure(self, turn: Turn, agent: str) -> None:
        """After some failures in a row an agent is given nothing for a while; then one more attempt decides."""
        breaker = turn.state.breakers.get(agent) or Breaker()
        breaker = replace(breaker, failures=breaker.failures + 1)
        turn.state = replace(turn.state, breakers=turn.state.breakers.insert(agent, breaker))
        if breaker.failures >= BREAKER_FAILURES:
            turn.close_off(agent, breaker)

    def _give_up(self, turn: Turn, row: TaskRow, reason: str, fault: Fault | None) -> None:
        """Nobody here can do it: where it, or a group around it, is not critical, leave that out; else escalate."""
        for name in reversed((*turn.node(row).chain, row.planned.id)):
            around = turn.row(name, row.path[: turn.state.graph.depth_of(name)])
            if not around.is_critical:
                self._leave_out(turn, around, reason, fault.kind if fault else Kind.LOST)
                return
        row = turn.put(row, Step.ESCALATE, instance="", due_ns=0)
        turn.drafts.append(drafts.escalation(turn.state, self._lead, row, reason, fault))

    def _leave_out(self, turn: Turn, row: TaskRow, why: str, kind: Kind | None = None) -> None:
        turn.drafts.append(drafts.left_out(row, why, kind))
        turn.skip(row, why[:500])

    def _answer(self, turn: Turn, row: TaskRow, body: Answer) -> None:
        """Somebody higher has decided about an escalated task."""
        why = body.text or ""
        if body.choice == "retry" and row.policy.approve and row.strategy == "refused":
            turn.ask(row)
        elif body.choice == "retry" and row.planned.group is not None:
            turn.begin(row)
        elif body.choice == "retry":
            turn.make_ready(row, Step.RETRY, feedback=body.text or row.feedback, strategy=Way.MANUAL.value)
        elif body.choice == "skip":
            self._leave_out(turn, row, f"decided so{f': {why}' if why else ''}")
        else:
            turn.put(row, Step.ABANDON)
            self._halt(turn, f"{row.name} was given up")

    def _answer_all(self, turn: Turn, body: Answer) -> None:
        """Somebody higher has decided about the mission as a whole: go on, or let it be."""
        if body.choice == "retry":
            # A deadline that has passed begins anew.
            turn.state = replace(turn.state, is_halted=False, is_reported=False, began_ns=turn.at_ns)
            turn.dues += [*(row.due_ns for row in turn.live()), *_deadlines(turn.state)]
        elif body.choice != "skip":
            self._halt(turn, "the mission was given up")

    def _consent(self, turn: Turn, row: TaskRow, body: Approval) -> None:
        if turn.at_ns > row.due_ns:
            self._refused(turn, row, "the answer came too late")
        elif body.decision is Consent.GRANTED:
            turn.begin(turn.put(row, strategy=None))
        elif body.decision is Consent.DENIED:
            self._refused(turn, row, f"refused by {body.person or 'a person'}: {body.reason}")

    def _refused(self, turn: Turn, row: TaskRow, why: str) -> None:
        row = turn.put(row, strategy="refused")
        self._give_up(turn, row, why, Fault(Kind.PERSON, ErrorLevel.PERSON, ErrorCategory.VALIDATION, why, ""))

    def _lose(self, turn: Turn, body: Lost) -> None:
        turn.state = replace(turn.state, gone=turn.state.gone | {body.instance})
        for row in turn.live():
            if row.state is State.CLAIMED and row.instance == body.instance:
                self._take_back(turn, row, body.reason)

    def _take_back(self, turn: Turn, row: TaskRow, why: str) -> None:
        row = turn.put(row, losses=row.losses + 1)
        if row.losses < LIVES:
            turn.make_ready(row, Step.RETRY)
        else:
            self._give_up(
                turn, row, f"{row.losses} processes were lost while doing this task; the last one: {why}", None
            )

    def _wake(self, turn: Turn) -> None:
        """See to whatever is late by now."""
        turn.state = replace(turn.state, wake_due_ns=0)
        for row in turn.live():
            if row.due_ns and row.due_ns <= turn.at_ns:
                self._late(turn, row)
        self._pass_deadlines(turn)
        turn.dues += [*(row.due_ns for row in turn.state.live_rows()), *_deadlines(turn.state)]

    def _late(self, turn: Turn, row: TaskRow) -> None:
        if row.state is State.CLAIMED:  # its process hangs
            turn.stop(row, LEASE_RAN_OUT)
            self._take_back(turn, row, LEASE_RAN_OUT)
        elif row.state is State.PAUSED:
            turn.make_ready(row, Step.RETRY)
        elif row.state is State.ASKED:
            self._refused(turn, row, "nobody answered in time, which is a refusal")

    def _pass_deadlines(self, turn: Turn) -> None:
        state = turn.state
        due_s = state.graph.plan.deadline_s
        if due_s is not None and state.began_ns + due_s * _SECOND_NS <= turn.at_ns and not state.is_halted:
            why = f"the mission was not done within {due_s} s"
            self._halt(turn, why)
            turn.drafts.append(drafts.refused_plan(self._lead, drafts.mission_task(state), why))
        limits = {task.id: task.policy.deadline_s for task in state.graph.plan.tasks if task.policy}
        for row in state.all_rows() if any(limits.values()) else ():
            limit_s = limits.get(row.planned.id)
            if limit_s is not None and state.began_ns + limit_s * _SECOND_NS <= turn.at_ns:
                self._miss_deadline(turn, turn.state.rows[row.name], limit_s)

    def _miss_deadline(self, turn: Turn, row: TaskRow, limit_s: int) -> None:
        if row.state in (*_UNDECIDED, State.WAITING) and row.state is not State.ESCALATED:
            turn.stop(row, "its deadline has passed")
            fault = Fault(Kind.PERSON, ErrorLevel.PERSON, ErrorCategory.EXECUTION, "", "")
            self._give_up(turn, row, f"not accepted within {limit_s} s of the start", fault)

    def _end(self, turn: Turn) -> None:
        """Say what follows from where the plan stands now: the end, that nothing goes on, when to wake."""
        turn.work_off()
        turn.hand_out()
        while turn.unfit:
            unfit, reason = turn.unfit.pop()
            row = turn.state.rows[unfit.name]  # another's end may have been its own
            if row.state is not unfit.state:
                continue
            self._give_up(turn, row, reason, Fault(Kind.PERSON, ErrorLevel.PERSON, ErrorCategory.ARCHITECTURAL, "", ""))
            turn.work_off()
            turn.hand_out()
        state = turn.state
        if state.given is None or state.is_reported:
            return
        if not state.open_top:
            turn.state = replace(state, is_reported=True)
            turn.drafts.append(drafts.completion(turn.state, self._lead))
            return
        self._tell_if_blocked(turn)
        first_ns = min((due for due in turn.dues if due > turn.at_ns), default=0)
        if first_ns and (not state.wake_due_ns or first_ns < state.wake_due_ns):
            turn.state = replace(turn.state, wake_due_ns=first_ns)
            turn.drafts.append(drafts.wake_request(turn.state, first_ns))

    def _tell_if_blocked(self, turn: Turn) -> None:
        state = turn.state
        if state.under_way or state.is_halted:
            turn.state = replace(state, told="") if state.told and not state.is_halted else state
            return
        waiting = state.live_rows()
        if not waiting or any(row.state is State.PAUSED for row in waiting):
            return
        told = " ".join(f"{row.name}:{row.state.value}" for row in waiting)
        if told != state.told:
            turn.state = replace(state, told=told)
            turn.drafts.append(drafts.blocked(state, self._lead, waiting))


def _answers(message: Message, row: TaskRow) -> bool:
    """Whether a person answers what is asked about a row now, and not what was asked about it before."""
    return message.sender == HUMAN and message.cause == row.request


def _rates(state: PlanState) -> Mapping[str, float]:
    given = state.given.body if state.given else None
    settings = given.settings if isinstance(given, TaskAssignment) else ()
    return {one.name.removeprefix(RATE): float(one.value) for one in settings if one.name.startswith(RATE)}


def _deadlines(state: PlanState) -> list[int]:
    """Return when the deadlines of the plan and of its tasks are."""
    plan = state.graph.plan
    limits = [plan.deadline_s, *(task.policy.deadline_s for task in plan.tasks if task.policy)]
    return [state.began_ns + limit * _SECOND_NS for limit in limits if limit is not None]
