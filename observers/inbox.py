"""What people are asked in a run and what they said: read from its journal whenever somebody wants to know.

1. A request is a message to @human that waits for words: an escalation, a question, an approval that is requested.
2. The first answer or approval of @human that names it as its cause settles it, in a fork also one of the shared past.
3. An approval that was not settled when it was due has lapsed: that is a refusal.
4. What is asked again about the same task stands in the place of what was asked before, which is withdrawn; so is
   whatever is still asked when the mission is over.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import Enum
from itertools import pairwise, takewhile
from typing import Final

from bus.records import Entry
from protocol.bodies import Answer, Approval, Body, Consent, Report
from protocol.decoder import reread
from protocol.messages import Message, MessageType
from protocol.topics import HUMAN, SUPERVISOR, TECH_LEAD, inbox_of

SHORT_ID: Final = 6  # characters of an id that people have to give at least
_ASKED: Final = tuple(
    f"{inbox_of(HUMAN)}/{kind.value}" for kind in (MessageType.APPROVAL, MessageType.ESCALATION, MessageType.QUESTION)
)
_ENDS: Final = f"{inbox_of(SUPERVISOR)}/{MessageType.STATUS.value}"
_SAID: Final = (f"/{MessageType.ANSWER.value}", f"/{MessageType.APPROVAL.value}")


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
    """What a person is asked. options: none where any answer will do. due_ns: when it lapses, None: never."""

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

    def standing(self, now_ns: int) -> Standing:
        if self.settlement is not None:
            return Standing.SETTLED
        if self.is_withdrawn:
            return Standing.WITHDRAWN
        is_late = self.due_ns is not None and self.due_ns < now_ns
        return Standing.LAPSED if is_late else Standing.OPEN


def requests(entries: Iterable[Entry], run: str) -> list[Request]:
    """Return what people are asked in a run, in the order in which it was asked. run: its id."""
    found: dict[str, Request] = {}
    for entry in entries:
        if entry.topic in _ASKED:
            request = _request(entry, reread(entry.document), run)
            if request is not None and request.id not in found:
                _withdraw(found, [one for one in found.values() if _is_about_the_same(one, request)])
                found[request.id] = request
        elif entry.topic.endswith(_SAID):
            _settle(found, entry, reread(entry.document))
        elif entry.topic == _ENDS and _is_over(reread(entry.document)):
            _withdraw(found, list(found.values()))
    return list(found.values())


def _withdraw(found: dict[str, Request], requests: Iterable[Request]) -> None:
    for request in requests:
        if request.settlement is None:
            found[request.id] = replace(request, is_withdrawn=True)


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


def _question(body: Body) -> str:
    if isinstance(body, Approval):
        return body.reason
    if not isinstance(body, Report):
        return ""
    details = body.error_details
    asked = body.question or (details.message if details else "")
    tried = details.attempted_recovery if details else None
    return f"{asked}\ntried so far: {tried}" if tried else asked


def _settle(found: dict[str, Request], entry: Entry, message: Message) -> None:
    request = found.get(message.cause or "")
    said = settlement(entry, message)
    if request is not None and request.settlement is None and said is not None:
        found[request.id] = replace(request, settlement=said)


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
