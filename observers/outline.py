"""What a run was, how far it got and how it stands: read from its journal in one pass, few messages decoded."""

from dataclasses import dataclass, field
from typing import Final

from bus.records import Entry
from protocol.alarms import acknowledgement
from protocol.bodies import Action, Answer, Control, Report, Verb
from protocol.decoder import reread
from protocol.messages import Message, MessageType
from protocol.topics import HUMAN, SUPERVISOR, TECH_LEAD, topic_of

DONE: Final = "done"
ASKS: Final = "a person must decide"
GIVEN_UP: Final = "given up"
RUNNING: Final = "running"
STOPPED: Final = "stopped: orchestra resume"
_SAID: Final = (f"/{MessageType.ANSWER.value}", f"/{MessageType.APPROVAL.value}")


@dataclass(slots=True)
class Outline:
    """What the journal told so far. tasks: those that were assigned; the mission is none.

    end: the tech lead's last report, as long as nothing was said about it.
    """

    scenario: str = ""
    tasks: set[str] = field(default_factory=set)
    accepted: set[str] = field(default_factory=set)
    entries: int = 0
    began_ns: int = 0
    ended_ns: int = 0
    end: Report | None = None

    def hear(self, entry: Entry) -> None:
        self.entries, self.ended_ns = entry.sequence, entry.recorded_ns
        self.began_ns = self.began_ns or entry.recorded_ns
        topic, document = entry.topic, entry.document
        if topic.endswith("/task-assignment"):
            message = reread(document)
            self.tasks |= {message.task} if message.parent_task else set()
        elif topic.endswith("/verdict") and b"<decision>pass<" in document and b"<parent-task>" in document:
            self.accepted.add(reread(document).task)
        elif topic == topic_of(TECH_LEAD, "control"):
            body = reread(document).body
            if isinstance(body, Control) and body.verb is Verb.START:
                self.scenario = body.subject or ""
        else:
            self._hear_of_its_end(topic, document)

    def _hear_of_its_end(self, topic: str, document: bytes) -> None:
        if topic == topic_of(SUPERVISOR, "status"):
            message = reread(document)
            if message.sender == TECH_LEAD and isinstance(message.body, Report):
                self.end = message.body
        elif topic.endswith(_SAID) and not self.is_over and _is_decision(reread(document)):
            self.end = None  # a person has decided: it can go on

    @property
    def is_over(self) -> bool:
        """Whether nothing more can come of it: it is done, or was given up."""
        return self.end is not None and self.end.result is not None

    def stands(self, is_open: bool) -> str:
        """Return in words how the mission stands. is_open: whether a broker holds its journal now."""
        if self.end is None:
            return RUNNING if is_open else STOPPED
        if self.end.action is Action.COMPLETED:
            return DONE
        return GIVEN_UP if self.is_over else ASKS

    @property
    def why(self) -> str:
        """What the tech lead said last: what came of it, why it was given up, or what a person must decide."""
        if self.end is None:
            return ""
        error, result = self.end.error_details, self.end.result
        if self.end.action is Action.COMPLETED and result is not None:
            return result.description
        return error.message if error else self.end.question or (result.description if result else "")


def _is_decision(message: Message) -> bool:
    """Whether a person has said something on which a mission can go on; that note was taken of an alarm is none."""
    is_note = isinstance(message.body, Answer) and acknowledgement(message) is not None
    return message.sender == HUMAN and not is_note
