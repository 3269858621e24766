"""What people are asked in a run and what they said: read from its journal whenever somebody wants to know.

1. A request is a message to @human that waits for words: an escalation, a question, an approval that is requested.
2. The first answer or approval of @human that names it as its cause settles it, in a fork also one of the shared past.
3. An approval that was not settled when it was due has lapsed: that is a refusal.
4. What is asked again about the same task stands in the place of what was asked before, which is withdrawn; so is
   whatever is still asked when the mission is over.
5. An alarm that came up the ladder is a request of the device's agent, and has the id of the alert that raised it. A
   person settles it by taking note, however that is said, or the device's agent by saying that somebody did. That it
   was cleared settles nothing; a new alert of the same alarm stands in its place.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from enum import Enum
from itertools import pairwise, takewhile
from typing import Final, TypeAlias

from bus.records import Entry
from protocol.alarms import ACKNOWLEDGE, acknowledgement
from protocol.bodies import Alert, AlertState, Answer, Approval, Body, Consent, Report, Severity
from protocol.decoder import reread
from protocol.messages import Message, MessageType
from protocol.peek import peek
from protocol.topics import HUMAN, SUPERVISOR, TECH_LEAD, inbox_of

SHORT_ID: Final = 6  # characters of an id that people have to give at least
_ASKED: Final = tuple(
    f"{inbox_of(HUMAN)}/{kind.value}" for kind in (MessageType.APPROVAL, MessageType.ESCALATION, MessageType.QUESTION)
)
_ENDS: Final = f"{inbox_of(SUPERVISOR)}/{MessageType.STATUS.value}"
_SAID: Final = (f"/{MessageType.ANSWER.value}", f"/{MessageType.APPROVAL.value}", f"/{MessageType.CONTROL.value}")
_ON_THE_LADDER: Final = (f"/{MessageType.ALERT.value}", f"/{MessageType.ESCALATION.value}")


class Standing(Enum):
    OPEN = "open"
    SETTLED = "settled"
    LAPSED = "lapsed"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True)
class Settlement:
    """What a person said. person: "" where it is not known. sequence: where it stands in the journal."""

    person: str
    choice: str
    text: str
    said_ns: int
    sequence: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What a person is asked. options: none where any answer will do. due_ns: when it lapses, None: never.

    Of an alarm, whose kind is alert: code is the alarm's, way who has passed it on, the device's agent first.
    """

    id: str
    run: str
    kind: MessageType
    sender: str
    task: str
    question: str
    options: tuple[str, ...]
    asked_ns: int
    due_ns: int | None = None
    settlement: Settlement | None = None
    is_withdrawn: bool = False
    code: str = ""
    way: tuple[str, ...] = ()

    def standing(self, now_ns: int) -> Standing:
        if self.settlement is not None:
            return Standing.SETTLED
        if self.is_withdrawn:
            return Standing.WITHDRAWN
        is_late = self.due_ns is not None and self.due_ns < now_ns
        return Standing.LAPSED if is_late else Standing.OPEN


def requests(entries: Iterable[Entry], run: str) -> list[Request]:
    """Return what people are asked in a run, in the order in which it was asked. run: its id.

    An alarm is asked about from when it was raised.
    """
    reading = _Reading(run)
    for entry in entries:
        reading.hear(entry)
    return sorted((*reading.found.values(), *reading.told), key=lambda one: one.asked_ns)


_Alarm: TypeAlias = tuple[str, str, str]  # the device's agent, what is watched, the code


@dataclass(slots=True)
class _Reading:
    """The pass over a journal. found: what people were asked, by id; alarms: what was raised, by the alert's id.

    latest: of each alarm the alert that raised it last. ways: of a message on the ladder, whose alarm it passes on, and
    who did so before.
    """

    run: str
    found: dict[str, Request] = field(default_factory=dict)
    alarms: dict[str, Request] = field(default_factory=dict)
    latest: dict[_Alarm, str] = field(default_factory=dict)
    ways: dict[str, tuple[str, tuple[str, ...]]] = field(default_factory=dict)

    @property
    def told(self) -> list[Request]:
        """The alarms of which a person was told: the others are not up the ladder so far."""
        return [one for one in self.alarms.values() if one.way]

    def hear(self, entry: Entry) -> None:
        topic = entry.topic
        if topic.endswith(_ON_THE_LADDER):
            self._pass_on(entry, reread(entry.document))
        elif topic in _ASKED:
            self._ask(entry, reread(entry.document))
        elif topic.endswith(_SAID) and peek(entry.document, "sender") == HUMAN:
            self._settle(entry, reread(entry.document))
        elif topic == _ENDS and _is_over(reread(entry.document)):
            _withdraw(self.found, self.found)
            _withdraw(self.alarms, self.alarms)

    def _pass_on(self, entry: Entry, message: Message) -> None:
        """Follow an alarm on its way up; an escalation to a person that is none is a request as others are."""
        body, (alarm, way) = message.body, self.ways.get(message.cause or "", ("", ()))
        if isinstance(body, Alert):
            self._alert(entry, message, body)
        elif alarm and isinstance(body, Report) and ACKNOWLEDGE in body.options:
            way = (*way, message.sender)
            self.ways.setdefault(message.id or "", (alarm, way))
            if entry.topic in _ASKED and not self.alarms[alarm].way:
                self.alarms[alarm] = replace(self.alarms[alarm], question=_question(body), way=way)
        elif entry.topic in _ASKED:
            self._ask(entry, message)

    def _alert(self, entry: Entry, message: Message, body: Alert) -> None:
        alarm = (message.sender, message.task, body.code)
        before = self.latest.get(alarm)
        if body.state is AlertState.ACKNOWLEDGED and before is not None:
            self._note(before, Settlement("", body.state.value, body.text, entry.recorded_ns, entry.sequence))
        is_raised = body.state is AlertState.RAISED and body.severity is Severity.CRITICAL
        if message.id is None or message.id in self.alarms or not is_raised:
            return
        _withdraw(self.alarms, [before] if before else [])
        self.latest[alarm] = message.id
        self.alarms[message.id] = _alarm(entry, message, body, self.run)
        self.ways.setdefault(message.id, (message.id, (message.sender,)))

    def _ask(self, entry: Entry, message: Message) -> None:
        request = _request(entry, message, self.run)
        if request is not None and request.id not in self.found:
            _withdraw(self.found, [one.id for one in self.found.values() if _is_about_the_same(one, request)])
            self.found[request.id] = request

    def _settle(self, entry: Entry, message: Message) -> None:
        request, said = self.found.get(message.cause or ""), settlement(entry, message)
        if request is not None and request.settlement is None and said is not None:
            self.found[request.id] = replace(request, settlement=said)
        note = acknowledgement(message)
        for (agent, _, code), alert in self.latest.items() if note else ():
            if note and agent == message.recipient and note.what in (code, alert):
                told = Settlement(note.person, ACKNOWLEDGE, note.text, entry.recorded_ns, entry.sequence)
                self._note(alert, told)

    def _note(self, alert: str, said: Settlement) -> None:
        """Somebody has taken note of an alarm, be it up the ladder by then or not."""
        request = self.alarms[alert]
        if request.settlement is None and not request.is_withdrawn:
            self.alarms[alert] = replace(request, settlement=said)


def _withdraw(found: dict[str, Request], ids: Iterable[str]) -> None:
    for one in [found[identity] for identity in ids]:
        if one.settlement is None:
            found[one.id] = replace(one, is_withdrawn=True)


def _is_about_the_same(one: Request, other: Request) -> bool:
    return (one.sender, one.task, one.kind) == (other.sender, other.task, other.kind)


def _is_over(message: Message) -> bool:
    """Whether the tech lead says that nothing more will come of the mission: it is done, or was given up."""
    return message.sender == TECH_LEAD and isinstance(message.body, Report) and message.body.result is not None


def _request(entry: Entry, message: Message, run: str) -> Request | None:
    body = message.body
    if message.id is None or (isinstance(body, Approval) and body.decision is not Consent.REQUESTED):
        return None
    return Request(
        id=message.id,
        run=run,
        kind=message.type,
        sender=message.sender,
        task=message.task,
        question=_question(body),
        options=body.options if isinstance(body, Report) else (),
        asked_ns=entry.recorded_ns,
        due_ns=body.due if isinstance(body, Approval) else None,
    )


def _alarm(entry: Entry, message: Message, body: Alert, run: str) -> Request:
    return Request(
        id=message.id or "",
        run=run,
        kind=message.type,
        sender=message.sender,
        task=message.task,
        question=body.text,
        options=(ACKNOWLEDGE,),
        asked_ns=entry.recorded_ns,
        code=body.code,
    )


def _question(body: Body) -> str:
    if isinstance(body, Approval):
        return body.reason
    if not isinstance(body, Report):
        return ""
    details = body.error_details
    asked = body.question or (details.message if details else "")
    tried = details.attempted_recovery if details else None
    return f"{asked}\ntried so far: {tried}" if tried else asked


def settlement(entry: Entry, message: Message) -> Settlement | None:
    """Return what a message says as the words of a person; None where it is none."""
    body = message.body
    if message.sender != HUMAN:
        return None
    if isinstance(body, Answer):
        return Settlement(body.person or "", body.choice, body.text or "", entry.recorded_ns, entry.sequence)
    if isinstance(body, Approval) and body.decision is not Consent.REQUESTED:
        return Settlement(body.person or "", body.decision.value, body.reason, entry.recorded_ns, entry.sequence)
    return None


def short_ids(ids: Iterable[str]) -> dict[str, str]:
    """Return for each id the shortest beginning that no other has, of SHORT_ID characters or more."""
    ordered = sorted(set(ids))
    lengths = dict.fromkeys(ordered, SHORT_ID)
    for one, other in pairwise(ordered):
        needed = 1 + sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))
        lengths[one], lengths[other] = max(lengths[one], needed), max(lengths[other], needed)
    return {identity: identity[:length] for identity, length in lengths.items()}
