"""A rehearsal: a plan carried out in one process, in memory, by the real coordinators and by scripted specialists.

1. The same door, the same folds, the same gatekeeper, the same bytes; no broker, no socket, no second process.
2. Time stands still while anybody has something to do; then it jumps to the next wake that is owed. So leases run out
   and deadlines pass in no time, and two rehearsals of one plan say the same.
3. A rehearsal ends when the mission is over, done or given up, and everybody has come to rest; or when nobody has
   anything to do and nothing to wait for but a person who says nothing.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any, Final, TypeAlias

from agents.clock import Wakes
from agents.specialist import Specialist, Surroundings
from agents.work import Outcome, Skill, SkillFailed, Work
from bus.artifacts import ArtifactStore
from bus.memory import MemoryBus
from bus.records import Entry
from bus.roles import Role
from bus.transport import all_taken
from coordinators.fold import Fold, Heard, say
from coordinators.shell import fold_of
from gates.gatekeeper import Gatekeeper
from gates.judged import Gate
from protocol.bodies import Action, Answer, Approval, Body, Control, File, Lost, Plan, Report, Setting, Verb
from protocol.decoder import reread
from protocol.errors import DefinitionError, OrchestraError
from protocol.ids import derived
from protocol.messages import Message, MessageType
from protocol.names import Priority
from protocol.topics import CLOCK, EVERYONE, GATEKEEPER, HUMAN, SUPERVISOR, TECH_LEAD, inbox_of, topic_of
from scenarios.mission import CastMember, Mission, agents_of

# A specialist's part: what it makes of an assignment. It writes artifacts with `work.write`, as a skill does.
Script: TypeAlias = Callable[[Work], Outcome | Report]
# A person's part: the answer to a question or to a request for consent; None says nothing.
Person: TypeAlias = Callable[[Message], Answer | Approval | None]
COORDINATOR: Final = "@coordinator"
MISSION: Final = "rehearsal"
_BEGAN_NS: Final = 1_767_225_600_000_000_000  # 2026-01-01T00:00Z: any time will do, as long as it is the same
_TICK_NS: Final = 1_000_000
_MOST_TURNS: Final = 100_000
_QUESTIONS: Final = tuple(
    f"/{kind.value}" for kind in (MessageType.ESCALATION, MessageType.QUESTION, MessageType.APPROVAL)
)


class Died(BaseException):
    """Raised in a script: the process that plays it is killed here, after its claim and before any result.

    Not an Exception: a specialist reports those.
    """


class SimulatedClock:
    """Time for rehearsals: a millisecond passes whenever it is asked, more only when it is told."""

    def __init__(self) -> None:
        self._now_ns = _BEGAN_NS

    def now_ns(self) -> int:
        self._now_ns += _TICK_NS
        return self._now_ns

    def jump_to(self, then_ns: int) -> None:
        self._now_ns = max(self._now_ns, then_ns)


@dataclass(frozen=True, slots=True)
class Rehearsed:
    """What became of a plan. report: the tech lead's last one; None when nobody had anything to do before it came.

    entries: the whole journal, fit for a recording. store: where the artifacts lie.
    """

    entries: tuple[Entry, ...]
    report: Report | None
    store: ArtifactStore

    @property
    def is_done(self) -> bool:
        return self.report is not None and self.report.action is Action.COMPLETED

    @property
    def messages(self) -> list[Message]:
        """All that was said, in order."""
        return [reread(entry.document) for entry in self.entries]

    @property
    def artifacts(self) -> dict[str, bytes]:
        """The mission's results: bytes by path."""
        files: Sequence[File] = self.report.result.artifacts if self.report and self.report.result else ()
        return {file.path: self.store.get(file) for file in files}

    def said(self, kind: MessageType, *, task: str | None = None, sender: str | None = None) -> list[Message]:
        """Return the messages of one type, of one task or sender where they are given."""
        return [
            message
            for message in self.messages
            if message.type is kind and task in (None, message.task) and sender in (None, message.sender)
        ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """How a plan is rehearsed.

    gates: the gatekeeper's; none lets everything pass. folds: other rules than a coordinator of this name has.
    person: answers what a person is asked. seed: in which order those take turns who could at the same time; None:
    always the same one.
    """

    gates: Mapping[str, Gate] = field(default_factory=dict)
    folds: Mapping[str, Fold[Any]] = field(default_factory=dict)
    person: Person = lambda asked: None
    seed: int | None = None


class Orchestra:
    """An orchestra in memory. `carry_out` is all of it; `begin`, `turn` and `bus` are for tests that step in between.

    specialists: who plays them, by name: a script for whatever is assigned, or one for each skill.
    """

    def __init__(
        self, plan: Plan, specialists: Mapping[str, Script | Mapping[str, Script]], store: ArtifactStore, terms: Terms
    ) -> None:
        self._clock, self._plan, self._store = SimulatedClock(), plan, store
        self.bus = MemoryBus(MISSION, self._clock.now_ns)
        self._wakes, self._chance = Wakes(), None if terms.seed is None else Random(terms.seed)
        self._timed, self._reported = self.bus.subscriber(inbox_of(CLOCK)), self.bus.subscriber(inbox_of(SUPERVISOR))
        self._report: Report | None = None
        members = tuple(CastMember(name, Role.SPECIALIST) for name in specialists)
        self._mission = Mission(MISSION, COORDINATOR, members, plan)
        self._players: list[Callable[[], bool]] = [
            *(self._conducted(name, terms.folds.get(name) or fold_of(name)) for name in (TECH_LEAD, COORDINATOR)),
            self._judging(terms.gates),
            self._answering(terms.person),
            *(self._played(name, _skills(parts)) for name, parts in specialists.items()),
        ]
        unplayed = sorted(set(agents_of(plan.tasks)) - specialists.keys())
        if unplayed:
            raise DefinitionError(f"the plan wants {', '.join(unplayed)}, and nobody plays them")

    def carry_out(self) -> Rehearsed:
        """Carry the plan out and return what became of it.

        Raises:
            OrchestraError: it never comes to rest.
        """
        self.begin()
        for _ in range(_MOST_TURNS):
            if not self.turn() and (self._is_over() or not self._wake()):
                return self.so_far()
        raise OrchestraError(f"no end after {_MOST_TURNS:,} turns: do two agents go on answering each other?")

    def begin(self) -> None:
        """Introduce everybody and give the tech lead the plan."""
        for member in self._mission.cast:
            role = Setting(name="role", value=member.role.value)
            self.say(Control(verb=Verb.PRESENT, subject=member.name, settings=(role,)), f"present-{member.name}")
        who = Setting(name="coordinator", value=COORDINATOR)
        start = Control(verb=Verb.START, subject=MISSION, settings=(who,), plan=self._plan)
        self.say(start, "start", TECH_LEAD)

    def turn(self) -> bool:
        """Let everybody who has heard something deal with one message. Returns whether there was anybody."""
        players = list(self._players)
        if self._chance is not None:
            self._chance.shuffle(players)
        moved = [player() for player in players]
        while (entry := self._timed.receive(0)) is not None:
            if entry.topic == topic_of(CLOCK, MessageType.WAKE_REQUEST.value):
                self._wakes.hear(entry)
        while (entry := self._reported.receive(0)) is not None:
            message = reread(entry.document)
            if message.sender == TECH_LEAD and isinstance(message.body, Report):
                self._report = message.body
        return any(moved)

    def so_far(self) -> Rehearsed:
        """Return what has become of the plan by now."""
        return Rehearsed(tuple(self.bus.entries), self._report, self._store)

    def say(self, body: Body, what: str, recipient: str = EVERYONE) -> None:
        """Say something as the supervisor, once. what: names it."""
        message = Message(
            sender=SUPERVISOR,
            recipient=recipient,
            type=MessageType.LOST if isinstance(body, Lost) else MessageType.CONTROL,
            priority=Priority.HIGH,
            task="run",
            timestamp_ns=self._clock.now_ns(),
            id=derived(what, MISSION),
            mission=MISSION,
            body=body,
        )
        all_taken(self.bus.publisher(SUPERVISOR).publish([message]))

    def _is_over(self) -> bool:
        return self._report is not None and self._report.result is not None

    def _wake(self) -> bool:
        """Nobody has anything to do: let time pass until somebody wanted to be woken."""
        due_ns = self._wakes.next_due_ns()
        if due_ns is None:
            return False
        self._clock.jump_to(due_ns)
        self.bus.publisher(CLOCK).publish(self._wakes.take_due(self._clock.now_ns()))
        return True

    def _conducted(self, name: str, fold: Fold[Any]) -> Callable[[], bool]:
        hearing, publishing, state = self.bus.subscriber(inbox_of(name)), self.bus.publisher(name), fold.start()

        def player() -> bool:
            nonlocal state
            entry = hearing.receive(0)
            if entry is not None:
                heard = Heard(reread(entry.document), entry.recorded_ns)
                state, spoken = say(fold, state, heard, name)
                publishing.publish([message for message, _ in spoken])
            return entry is not None

        return player

    def _judging(self, gates: Mapping[str, Gate]) -> Callable[[], bool]:
        hearing = self.bus.subscriber(None)
        keeper = Gatekeeper(self.bus.publisher(GATEKEEPER), self._store, gates, self._clock.now_ns)

        def player() -> bool:
            entry = hearing.receive(0)
            if entry is not None:
                keeper.hear(entry)
            return entry is not None

        return player

    def _answering(self, person: Person) -> Callable[[], bool]:
        hearing, publishing = self.bus.subscriber(inbox_of(HUMAN)), self.bus.publisher(HUMAN)

        def player() -> bool:
            entry = hearing.receive(0)
            if entry is not None and entry.topic.endswith(_QUESTIONS):
                asked = reread(entry.document)
                body = person(asked)
                if body is not None:
                    publishing.publish([_reply(asked, body, self._clock.now_ns())])
            return entry is not None

        return player

    def _played(self, name: str, skills: Mapping[str, Skill]) -> Callable[[], bool]:
        """Return a specialist that dies as its script says; then the next instance hears everything from the start."""
        number, specialist = 1, self._life(name, skills, 1)

        def player() -> bool:
            nonlocal number, specialist
            try:
                return specialist.turn(0)
            except Died as death:
                instance = specialist.instance
                lost = Lost(agent=name, instance=instance, reason=str(death) or "it was killed")
                self.say(lost, f"lost-{instance}")
                number += 1
                specialist = self._life(name, skills, number)
                return True

        return player

    def _life(self, name: str, skills: Mapping[str, Skill], number: int) -> Specialist:
        around = Surroundings(
            hearing=self.bus.subscriber(inbox_of(name)),
            publishing=self.bus.publisher(name),
            store=self._store,
            history=lambda: self.bus.entries,
            clock_ns=self._clock.now_ns,
        )
        return Specialist(name, f"{inbox_of(name)}-{number}", skills, around)


def _reply(asked: Message, body: Answer | Approval, now_ns: int) -> Message:
    return Message(
        sender=HUMAN,
        recipient=asked.sender,
        type=MessageType.ANSWER if isinstance(body, Answer) else MessageType.APPROVAL,
        task=asked.task,
        timestamp_ns=now_ns,
        id=derived("reply", asked.id),
        mission=asked.mission,
        cause=asked.id,
        attempt=asked.attempt,
        body=body,
    )


class _Everything(Mapping[str, Skill]):
    """One skill under every name."""

    def __init__(self, skill: Skill) -> None:
        self._skill = skill

    def __getitem__(self, name: str) -> Skill:
        return self._skill

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0


def scripted(
    name: str, script: Script, bus: MemoryBus, store: ArtifactStore, *, instance: str | None = None
) -> Specialist:
    """Return a specialist on a bus that plays a script; `turn(0)` lets it deal with one assignment."""
    hearing, publishing = bus.subscriber(inbox_of(name)), bus.publisher(name)
    around = Surroundings(hearing, publishing, store, history=lambda: bus.entries)
    return Specialist(name, instance or f"{inbox_of(name)}-1", _skills(script), around)


def _skills(parts: Script | Mapping[str, Script]) -> Mapping[str, Skill]:
    if isinstance(parts, Mapping):
        return {skill: _skill(script) for skill, script in parts.items()}
    return _Everything(_skill(parts))


def _skill(script: Script) -> Skill:
    """Return a script as a skill: a report becomes what the specialist would have made the same report of."""

    def play(work: Work) -> Outcome:
        answer = script(work)
        if isinstance(answer, Outcome):
            return answer
        if answer.error_details is not None:
            error = answer.error_details
            raise SkillFailed(
                error.level, error.category, error.message, error.attempted_recovery, transient=error.transient
            )
        if answer.result is None:
            raise TypeError("a script's report needs a result or error details")
        values = {value.name: value.value for value in answer.result.values}
        return Outcome(answer.result.description, answer.result.artifacts, values=values)

    return play
