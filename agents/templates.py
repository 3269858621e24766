"""Messages as one agent would send or get them: the example of a type, between the right two, about the right task.

1. Who may say what to whom is `bus.roles`; what this agent hears of that is its definition's `accepts`.
2. The other one is, of those that the roles allow, whoever the ladder puts there: above for reports, below for tasks.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Final

from agents.definitions.definition import Definition, as_name
from agents.exchange import heard_by, sent_by
from agents.teams import DEFAULT, Teams, role_of
from bus.roles import Role
from protocol import bodies as b
from protocol.errors import DefinitionError
from protocol.examples import Part, example, plan_of
from protocol.messages import Message
from protocol.messages import MessageType as T
from protocol.names import is_identifier
from protocol.template import explained
from protocol.topics import BROKER, CLOCK, EVERYONE, GATEKEEPER, HUMAN, MEMORY, RECORDER, SUPERVISOR, TECH_LEAD

_LONGEST_TITLE: Final = 200
# What goes up the ladder; all else goes down, or to somebody besides it.
_UPWARDS: Final = frozenset(
    {T.TASK_COMPLETION, T.CLAIM, T.ESCALATION, T.QUESTION, T.STATUS, T.PROGRESS, T.MODEL_CALL, T.ALERT, T.REFUSAL}
)
# With whom a type is exchanged whatever the ladder says, where that may be.
_USUAL: Final = {T.CONTROL: SUPERVISOR, T.LOST: SUPERVISOR, T.APPROVAL: HUMAN}
_LEVELS: Final = {
    Role.COORDINATOR: b.ErrorLevel.COORDINATOR,
    Role.TECH_LEAD: b.ErrorLevel.TECH_LEAD,
    Role.PERSON: b.ErrorLevel.PERSON,
}
_ONE_OF: Final = {
    Role.TECH_LEAD: TECH_LEAD,
    Role.COORDINATOR: f"@{DEFAULT}",
    Role.SPECIALIST: "@fact-extractor",
    Role.PERSON: HUMAN,
    Role.SUPERVISOR: SUPERVISOR,
    Role.GATEKEEPER: GATEKEEPER,
    Role.CLOCK: CLOCK,
    Role.BROKER: BROKER,
    Role.RECORDER: RECORDER,
    Role.STORE: MEMORY,
    Role.DEVICE: "@device-1",
    Role.EVERYONE: EVERYONE,
}
_ROLES: Final = {name: role for role, name in _ONE_OF.items()}


def template_for(kind: T, name: str, definitions: Mapping[str, Definition]) -> str:
    """Return a message as `message_of` does, indented, with a comment that says what each leaf takes.

    Raises:
        DefinitionError: as there.
    """
    return explained(message_of(kind, name, definitions))


def message_of(kind: T, name: str, definitions: Mapping[str, Definition]) -> Message:
    """Return a complete, valid message of a type as an agent would send it; where it may not, as it would get it.

    Raises:
        DefinitionError: it may do neither; the text names the types that it may send and get.
    """
    agent, sends, hears = definitions[name], sent_by(definitions[name]), heard_by(definitions[name])
    if kind not in sends and kind not in hears:
        raise DefinitionError(
            f"@{name} may neither send nor get {kind.value}; it sends: {_listed(sends)}; it gets: {_listed(hears)}"
        )
    pair = _Pair(agent, definitions)
    is_sent = kind in sends
    other = pair.other(kind, sends[kind] if is_sent else hears[kind], is_sent=is_sent)
    sender, recipient = (f"@{name}", other) if is_sent else (other, f"@{name}")
    if kind is T.TASK_COMPLETION and not is_sent:
        recipient = pair.coordinator_of(other)  # the gatekeeper hears it, whoever it is addressed to
    return _fitted(example(kind, pair.part(sender, recipient)), pair)


def _listed(kinds: Mapping[T, object]) -> str:
    return ", ".join(kind.value for kind in T if kind in kinds) or "nothing"


class _Pair:
    """An agent, and whoever it may exchange something with."""

    def __init__(self, agent: Definition, definitions: Mapping[str, Definition]) -> None:
        self.agent, self._definitions, self._teams = agent, definitions, Teams(definitions)

    def other(self, kind: T, allowed: frozenset[Role], *, is_sent: bool) -> str:
        """Return with whom a type is exchanged, with @."""
        for name in self._candidates(kind, is_sent):
            if name != f"@{self.agent.name}" and self.role(name) in allowed:
                return name
        return next(_ONE_OF[role] for role in _ONE_OF if role in allowed)

    def _candidates(self, kind: T, is_sent: bool) -> Iterator[str]:
        name = self.agent.name
        above, below = self._teams.answers_to(name), [f"@{one}" for one in self._teams.led_by(name)]
        if kind is T.STATUS and is_sent and above == HUMAN:
            yield SUPERVISOR  # the end of a mission; a person is asked in escalations
        if kind in _USUAL:
            yield _USUAL[kind]
        yield from [above, *below] if (kind in _UPWARDS) == is_sent else [*below, above]
        yield from (f"@{one.name}" for one in self._definitions.values() if role_of(one) is Role.SPECIALIST)

    def role(self, name: str) -> Role | None:
        known = self._definitions.get(name[1:])
        return role_of(known) if known is not None else _ROLES.get(name)

    def coordinator_of(self, name: str) -> str:
        return self._teams.answers_to(name[1:]) if name[1:] in self._definitions else f"@{DEFAULT}"

    def part(self, sender: str, recipient: str) -> Part:
        """Return whose task it is about: the agent's own, that of the other one, or that of somebody whom it leads."""
        mine = f"@{self.agent.name}"
        led = [f"@{one}" for one in self._teams.led_by(self.agent.name)]
        specialist = self._first([mine, sender, recipient, *led], Role.SPECIALIST)
        coordinator = self._first([mine, sender, recipient, self.coordinator_of(specialist)], Role.COORDINATOR)
        skill, title = self._work_of(specialist)
        return Part(
            sender=sender,
            recipient=recipient,
            specialist=specialist,
            coordinator=coordinator,
            skill=skill,
            task=f"{as_name(skill) or 'task'}/1",
            title=title,
            outcome=f"{skill}: 12 results from 1 document",
            counted="results",
            product="RESULT.md",
        )

    def _first(self, names: list[str], role: Role) -> str:
        return next((name for name in names if self.role(name) is role), _ONE_OF[role])

    def _work_of(self, specialist: str) -> tuple[str, str]:
        one = self._definitions.get(specialist[1:])
        skills = [skill for skill in one.skills if is_identifier(skill)] if one else []
        skill = skills[0] if skills else specialist[1:]
        return skill, f"{skill}: datasheet.md"[:_LONGEST_TITLE]

    def has_tools(self, name: str) -> tuple[str, ...]:
        one = self._definitions.get(name[1:])
        return one.tools if one else ()


def _fitted(message: Message, pair: _Pair) -> Message:
    fit = _FITTED.get(message.type)
    return fit(message, pair) if fit else message


def _assignment(message: Message, pair: _Pair) -> Message:
    """To a specialist: a skill, and what tools it has for it. To a coordinator: a plan, and nothing of a task."""
    body = message.body
    assert isinstance(body, b.TaskAssignment)
    if pair.role(message.recipient) is Role.COORDINATOR:
        part = pair.part(message.sender, message.recipient)
        whole = b.TaskAssignment(title="mission", skill="run-plan", folder="mission", plan=plan_of(part))
        return message.model_copy(update={"task": "mission", "parent_task": None, "body": whole})
    tools = ", ".join(pair.has_tools(message.recipient))
    settings = (b.Setting(name="tools", value=tools),) if tools else ()
    return message.model_copy(update={"body": body.model_copy(update={"settings": settings})})


def _completion(message: Message, pair: _Pair) -> Message:
    body = message.body
    assert isinstance(body, b.Report)
    if pair.role(message.sender) is Role.COORDINATOR:
        return message.model_copy(update={"task": "mission", "parent_task": None})
    if body.work is None or pair.has_tools(message.sender):
        return message
    work = body.work.model_copy(update={"tool_calls": 0})
    return message.model_copy(update={"body": body.model_copy(update={"work": work})})


def _escalation(message: Message, pair: _Pair) -> Message:
    body = message.body
    assert isinstance(body, b.Report)
    assert body.error_details is not None
    level = _LEVELS.get(pair.role(message.recipient) or Role.TECH_LEAD, b.ErrorLevel.TECH_LEAD)
    details = body.error_details.model_copy(update={"level": level})
    return message.model_copy(update={"body": body.model_copy(update={"error_details": details})})


def _control(message: Message, pair: _Pair) -> Message:
    """A mission's start goes to the tech lead; a coordinator ends a process; everybody else is told who is there."""
    part = pair.part(message.sender, message.recipient)
    if message.recipient == TECH_LEAD:
        return message
    if message.recipient == SUPERVISOR:
        task = b.Setting(name="task", value=part.task)
        body = b.Control(verb=b.Verb.CANCEL, subject=part.instance, settings=(task,))
    else:
        role = b.Setting(name="role", value=Role.SPECIALIST.value)
        body = b.Control(verb=b.Verb.PRESENT, subject=part.specialist, settings=(role,))
    return message.model_copy(update={"body": body})


def _approval(message: Message, pair: _Pair) -> Message:
    """Agents ask for leave; only a person grants it."""
    body = message.body
    assert isinstance(body, b.Approval)
    if message.sender == HUMAN:
        return message
    asked = {"decision": b.Consent.REQUESTED, "person": None, "due": message.timestamp_ns}
    return message.model_copy(update={"body": body.model_copy(update=asked)})


def _answer(message: Message, pair: _Pair) -> Message:
    body = message.body
    assert isinstance(body, b.Answer)
    if message.sender != HUMAN:
        return message
    return message.model_copy(update={"body": body.model_copy(update={"person": "R. Meyer"})})


def _model_call(message: Message, pair: _Pair) -> Message:
    if message.usage is None or message.sender != f"@{pair.agent.name}":
        return message
    return message.model_copy(update={"usage": message.usage.model_copy(update={"model": pair.agent.model[:200]})})


_FITTED: Final[dict[T, Callable[[Message, _Pair], Message]]] = {
    T.TASK_ASSIGNMENT: _assignment,
    T.TASK_COMPLETION: _completion,
    T.ESCALATION: _escalation,
    T.CONTROL: _control,
    T.APPROVAL: _approval,
    T.ANSWER: _answer,
    T.MODEL_CALL: _model_call,
}
