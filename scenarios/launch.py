"""Launching a mission: the processes, the beginning, the waiting, the end.

The same function starts a mission and resumes one: everything it says has an id that follows from the run, so
said twice it is in the journal once.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from agents import clock, specialist
from agents.definitions.definition import Definition
from agents.device.watching import process
from agents.learning import Learner
from agents.memory import Memory
from agents.results import ResultStore
from agents.reuse import Keeper
from bus.artifacts import ArtifactStore
from bus.broker import Broker
from bus.door import BORN_WITH
from bus.faults import reached
from bus.journal import SEGMENT_BYTES
from bus.publisher import Publisher, ask_status
from bus.records import Entry
from bus.run import RunFolder
from bus.seals import last_sealed
from bus.sockets import Listen
from bus.subscriber import Subscriber
from bus.supervisor import Death, Program, Supervisor
from bus.wire import Status
from coordinators import shell
from gates import gatekeeper
from observers import recorder
from protocol.bodies import Action, Body, Control, Decision, Lost, Report, Verb, WakeRequest
from protocol.decoder import reread
from protocol.encoder import encode
from protocol.errors import BusError, OrchestraError
from protocol.ids import derived
from protocol.messages import Message, MessageType
from protocol.peek import peek
from protocol.topics import BROKER, CLOCK, EVERYONE, GATEKEEPER, HUMAN, RECORDER, SUPERVISOR, TECH_LEAD, inbox_of
from scenarios.mission import Mission
from scenarios.start import from_supervisor, presence, start_control

_BROKER_S: Final = 20.0
_TOO_MANY_DEATHS: Final = 20
_SAID_TO_LEAD: Final = (MessageType.STATUS.value, MessageType.ESCALATION.value)
_PRELOAD: Final = ["agents.specialist", "gates.gatekeeper", "coordinators.shell", "observers.recorder", "agents.clock"]


@dataclass(frozen=True, slots=True)
class End:
    """How a mission ended: the tech lead's last report."""

    report: Report
    sequence: int

    @property
    def is_done(self) -> bool:
        return self.report.action is Action.COMPLETED

    @property
    def is_over(self) -> bool:
        """Whether nothing more can come of it: it is done, or was given up. Otherwise a person has to decide."""
        return self.report.result is not None

    @property
    def why(self) -> str:
        """What a person must decide, or why it was given up."""
        error = self.report.error_details
        return error.message if error else self.report.question or "no reason was given"


def serve_broker(run: RunFolder, segment_bytes: int, listen: Listen | None) -> None:
    """Run the broker as a process; it refuses a journal that ends before the recorder's last seal."""
    Broker(run, sealed_upto=last_sealed(run.anchor), segment_bytes=segment_bytes, listen=listen).serve()


@dataclass(slots=True)
class Launch:
    """One mission while it runs.

    on_entry: told of every journal entry, for whoever shows progress. segment_bytes: how long a file of the
    journal becomes before the next is begun. listen: where the run can be reached from elsewhere.
    anchors, authority: as for `observers.recorder.serve`. results: where results are kept; None: none is.
    memory: what learns from accepted results; None: nothing does. at_end: asked while the mission stands at its end,
    again and again, whether to leave it there; whoever wants to go on says so to the run, as `scenarios.person` does.
    """

    run: RunFolder
    mission: Mission
    on_entry: Callable[[Entry], None] = lambda entry: None
    on_death: Callable[[Death], None] = lambda death: None
    segment_bytes: int = SEGMENT_BYTES
    listen: Listen | None = None
    anchors: tuple[Path, ...] = ()
    authority: str = ""
    results: ResultStore | None = None
    memory: Memory | None = None
    at_end: Callable[[End], bool] = lambda end: True
    _keeper: Keeper = field(init=False)
    _defined: dict[str, Definition] = field(init=False)
    _learner: Learner = field(init=False)
    _supervisor: Supervisor = field(init=False)
    _publisher: Publisher = field(init=False)
    _open: dict[str, set[str]] = field(default_factory=dict)
    _unreported: list[Death] = field(default_factory=list)
    _attempts: dict[str, str] = field(default_factory=dict)
    _claimed: dict[str, str] = field(default_factory=dict)
    _owed: dict[str, int] = field(default_factory=dict)
    _told: dict[str, int] = field(default_factory=dict)
    _moved_at: int = 0
    _past: int = 0
    _end: End | None = None

    def until_done(self) -> End:
        """Run the mission and return how it ended.

        Raises:
            OrchestraError: it cannot go on: a damaged journal, a process that fails for good, no broker.
            KeyboardInterrupt: somebody interrupted it; `orchestra resume` goes on where it stopped.
        """
        with self.run.held():
            self._supervisor = Supervisor(self.run.logs, preload=_PRELOAD)
            self._defined = {one.name: self.mission.definition_of(one.name) for one in self.mission.specialists}
            by_name = {name[1:]: definition for name, definition in self._defined.items()}
            self._keeper = Keeper(self.results, ArtifactStore(self.run.artifacts), by_name)
            self._learner = Learner(self.memory)
            try:
                return self._carry_out()
            finally:
                self._stop()
                self._learner.settle()

    def _carry_out(self) -> End:
        self.run.prepare_keys({*BORN_WITH, *(member.name for member in self.mission.cast)} - {EVERYONE})
        self._supervisor.start(Program(BROKER, "broker", serve_broker, (self.run, self.segment_bytes, self.listen)))
        self._await_broker()
        facts = {"role": "supervisor"}
        self._publisher = Publisher(self.run, SUPERVISOR, facts=facts, while_waiting=self._tend)
        try:
            self._introduce()
            self._start_standing()
            self._begin()
            return self._wait()
        finally:
            self._publisher.close()

    def _await_broker(self) -> None:
        deadline_s = time.monotonic() + _BROKER_S
        while ask_status(self.run, 0.5) is None:
            self._tend()
            if time.monotonic() > deadline_s:
                raise BusError(f"the broker did not start within {_BROKER_S:.0f} s; see {self.run.logs}")

    def _introduce(self) -> None:
        self._say_all([(f"present-{member.name}", presence(member)) for member in self.mission.cast])

    def _start_standing(self) -> None:
        run, coordinator = self.run, self.mission.coordinator
        self._supervisor.start(Program(RECORDER, "recorder", recorder.serve, (run, self.anchors, self.authority)))
        self._supervisor.start(Program(GATEKEEPER, "gatekeeper", gatekeeper.serve, (run,)))
        reached("supervisor.mid-start")
        self._supervisor.start(Program(CLOCK, "clock", clock.serve, (run,)))
        self._supervisor.start(Program(TECH_LEAD, "tech-lead", shell.serve, (run, TECH_LEAD)))
        self._supervisor.start(Program(coordinator, inbox_of(coordinator), shell.serve, (run, coordinator)))
        for device in self.mission.devices:
            args = (run, device, coordinator)
            slot = inbox_of(device.agent)
            self._supervisor.start(Program(device.agent, slot, process.serve, args, takes_instance=True))

    def _begin(self) -> None:
        """Report what an earlier life of this run left held, then start; a start said before is not said again."""
        lost = [(f"lost-{instance}", Lost(agent=agent, instance=instance, reason="the run was stopped"))
                for agent, instance in self._held_before()]  # fmt: skip
        self._say_all([*lost])
        start = start_control(self.mission)
        self._say_all([("start", start)], recipient=TECH_LEAD)

    def _held_before(self) -> list[tuple[str, str]]:
        """Return the instances that had claimed something in an earlier life of this run, in order."""
        status = ask_status(self.run)
        self._past = int(status["head"]) if status else 0
        held: dict[str, str] = {}
        subscriber = Subscriber(self.run, None)
        while subscriber.position < self._past:
            entry = subscriber.receive(2.0)
            if entry is None:
                break
            if entry.topic.endswith("/claim"):
                held[peek(entry.document, "instance")] = peek(entry.document, "sender")
        subscriber.close()
        return [(agent, instance) for instance, agent in held.items()]

    def _wait(self) -> End:
        subscriber = Subscriber(self.run, None)
        try:
            while True:
                self._tend()
                while self._unreported:
                    self._report_death(self._unreported.pop(0))
                entry = subscriber.receive(0.05)
                while entry is not None:
                    self.on_entry(entry)
                    self._keeper.hear(entry)
                    self._learner.hear(entry)
                    self._end = self._note(entry) or self._end
                    if entry.sequence == self._past:
                        self._start_what_is_open()
                    entry = subscriber.receive(0)
                if self._is_at_end(subscriber.position) and self._end is not None and self.at_end(self._end):
                    return self._end
                self._publisher.beat({"state": "supervising", "position": subscriber.position})
        finally:
            subscriber.close()

    def _is_at_end(self, position: int) -> bool:
        return self._end is not None and position >= self._past and not self._is_overdue()

    def _tend(self) -> None:
        """Notice deaths and start again what is due; what is to be said of them waits until somebody can hear it."""
        self._unreported += self._supervisor.watch(0.0)

    def _note(self, entry: Entry) -> End | None:
        """Keep count of what is assigned and claimed, start specialists for it, and notice the end."""
        inbox, _, kind = entry.topic.partition("/")
        if inbox == inbox_of(SUPERVISOR) and kind == MessageType.STATUS.value:
            return self._hear_status(entry)
        if inbox == inbox_of(TECH_LEAD) and kind in _SAID_TO_LEAD:
            self._told[peek(entry.document, "message-id")] = entry.sequence
        hear = _HEARD.get(kind)
        if hear is not None:
            hear(self, entry)
        return None

    def _hear_status(self, entry: Entry) -> End | None:
        message = reread(entry.document)
        if message.sender != TECH_LEAD or not isinstance(message.body, Report):
            return None
        end = End(message.body, entry.sequence)
        return None if self._is_outdated(end, message) else end

    def _hear_assignment(self, entry: Entry) -> None:
        agent = peek(entry.document, "recipient")
        task = peek(entry.document, "task-id")
        self._open.setdefault(agent, set()).add(task)
        self._attempts[task] = peek(entry.document, "attempt")
        self._moved_at = entry.sequence
        if entry.sequence > self._past:
            self._start_for(agent)

    def _hear_claim(self, entry: Entry) -> None:
        self._claimed[peek(entry.document, "task-id")] = peek(entry.document, "instance")

    def _hear_verdict(self, entry: Entry) -> None:
        task, is_passed = peek(entry.document, "task-id"), peek(entry.document, "decision") == Decision.PASS.value
        if not is_passed and peek(entry.document, "attempt") != self._attempts.get(task):
            return  # of an attempt after which another was assigned; that one still needs somebody
        self._claimed.pop(task, None)
        for tasks in self._open.values():
            tasks.discard(task)

    def _hear_wake(self, entry: Entry) -> None:
        self._owed.pop(peek(entry.document, "cause"), None)
        self._forget_block()

    def _hear_reply(self, entry: Entry) -> None:
        self._go_on_after(reread(entry.document))

    def _is_outdated(self, end: End, message: Message) -> bool:
        """Whether work was given out after the coordinator had said that nothing goes on; it will say so again."""
        if end.is_over:
            return False
        said_at = self._told.get(message.cause or "")
        if said_at is not None:
            return said_at < self._moved_at
        return any(self._open.get(member.name) for member in self.mission.specialists)

    def _hear_control(self, entry: Entry) -> None:
        message = reread(entry.document)
        if not isinstance(message.body, Control):
            return
        if message.body.verb is Verb.FORK or message.body.plan is not None:
            self._end = None  # of the run whose past this one shares, or of a plan that is another now
        elif message.body.verb is Verb.CANCEL and message.recipient == SUPERVISOR and entry.sequence > self._past:
            self._end_process(message.body)
        else:
            self._go_on_after(message)

    def _go_on_after(self, message: Message) -> None:
        """A person has said something: a mission that was waiting for that is not at its end any more.

        What is said to a device's agent is no decision about the mission; nobody would say again that it is blocked.
        """
        if message.sender == HUMAN and message.recipient in (TECH_LEAD, self.mission.coordinator, EVERYONE):
            self._forget_block()

    def _forget_block(self) -> None:
        """Something has happened on which a blocked mission may go on; where it does not, it says so again."""
        if self._end is not None and not self._end.is_over:
            self._end = None

    def _owe(self, entry: Entry) -> None:
        reached("supervisor.wake-requested")
        message = reread(entry.document)
        if isinstance(message.body, WakeRequest) and message.recipient == CLOCK:
            self._owed[message.id or ""] = message.body.due

    def _is_overdue(self) -> bool:
        """Whether a blocked mission slept beyond a time that it wanted to be woken at, such as that of a consent."""
        if self._end is None or self._end.is_over:
            return False
        return any(due_ns <= time.time_ns() for due_ns in self._owed.values())

    def _end_process(self, body: Control) -> None:
        """Kill a process that works on what nobody waits for; its death is reported as any other.

        Where its result has been judged meanwhile, it is at something else, and left alone.
        """
        task = next((setting.value for setting in body.settings if setting.name == "task"), "")
        for tasks in self._open.values():
            tasks.discard(task)
        if self._claimed.pop(task, None) == body.subject:
            self._supervisor.end(body.subject or "")

    def _start_what_is_open(self) -> None:
        """The past of a resumed run has been read: only what it left undone needs somebody."""
        for agent, tasks in self._open.items():
            if tasks:
                self._start_for(agent)

    def _start_for(self, agent: str) -> None:
        """Start as many instances as there is work for, up to what the cast allows; the rest come on demand."""
        member = next((m for m in self.mission.specialists if m.name == agent), None)
        if member is None:
            return
        definition = self._defined[agent]
        for number in range(1, min(member.instances, len(self._open[agent])) + 1):
            slot = f"{agent[1:]}-{number}"
            if not self._supervisor.is_running(slot):
                args = (self.run, definition, self.mission.skills, self.results)
                self._supervisor.start(Program(agent, slot, specialist.serve, args, takes_instance=True, is_kept=False))

    def _report_death(self, death: Death) -> None:
        self.on_death(death)
        if death.in_a_row > _TOO_MANY_DEATHS:
            log = self.run.logs / f"{death.instance}.jsonl"
            raise OrchestraError(
                f"{death.program.slot} died {death.in_a_row} times in a row, the last time {death.reason}; see {log}"
            )
        if death.program.agent == BROKER:
            return  # nobody could be told; the next epoch in the journal says it
        if death.exit_code != 0 or death.instance in self._claimed.values():
            body = Lost(
                agent=death.program.agent,
                instance=death.instance,
                reason=death.reason[:500],
                exit_code=death.exit_code,
            )
            self._say_all([(f"lost-{death.instance}", body)])
        if self._open.get(death.program.agent):
            self._start_for(death.program.agent)

    def _say_all(self, said: list[tuple[str, Body]], recipient: str = EVERYONE) -> None:
        """Publish facts about the run, each once over all lives of the run."""
        messages = [from_supervisor(body, derived(what, self.run.id), self.run.id, recipient) for what, body in said]
        documents = [(encode(message), message.priority) for message in messages]
        for receipt in self._publisher.submit(documents):
            if receipt.status is Status.REFUSED:
                raise BusError(f"the broker refused the supervisor: {receipt.reason}")

    def _stop(self) -> None:
        """Stop in an order in which nobody misses anything: agents, broker, and last the recorder, which seals."""
        slots = [life for life in self._supervisor.slots() if life not in ("broker", "recorder")]
        self._supervisor.stop(slots)
        self._supervisor.stop(["broker"])
        was_recording = self._supervisor.is_running("recorder")
        if self._supervisor.stop(["recorder"]).get("recorder") != 0 and was_recording:
            # It died, or was ended, before it had sealed the end; no broker is left to tell another how far to go.
            args = (self.run, self.anchors, self.authority)
            self._supervisor.carry_out(Program(RECORDER, "recorder", recorder.finish, args, is_kept=False))
        self.run.remove_sockets()


_HEARD: Final[dict[str, Callable[[Launch, Entry], None]]] = {
    MessageType.TASK_ASSIGNMENT.value: Launch._hear_assignment,
    MessageType.CLAIM.value: Launch._hear_claim,
    MessageType.VERDICT.value: Launch._hear_verdict,
    MessageType.CONTROL.value: Launch._hear_control,
    MessageType.WAKE_REQUEST.value: Launch._owe,
    MessageType.WAKE.value: Launch._hear_wake,
    MessageType.ANSWER.value: Launch._hear_reply,
    MessageType.APPROVAL.value: Launch._hear_reply,
}
