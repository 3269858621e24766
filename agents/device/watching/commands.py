"""What somebody says to a device's agent, and what it makes of that: it observes, takes note, or declines and says why.

Nothing here writes to a device. The one task that is taken is to observe for a while; a setting never is.
"""

from dataclasses import dataclass
from typing import Final, TypeAlias

from protocol.bodies import Answer, Approval, Consent, Control, TaskAssignment, Verb
from protocol.messages import Message
from protocol.topics import HUMAN

ONLY_WATCHES: Final = (
    "this agent only watches; to change anything on a device needs a person's approval, "
    "and approvals for devices are not built"
)
OBSERVE: Final = "observe"
LONGEST_S: Final = 86_400  # what one window may be long
ACKNOWLEDGE: Final = "acknowledge"  # an answer's choice, or a setting with the alarm's code as value
_TAKES: Final = f"to observe takes `number`, from 1, `seconds`, up to {LONGEST_S:,}, and `from`, in seconds"
_NO_PERSON: Final = f"only {HUMAN} acknowledges an alarm"
_UNKNOWN_ANSWER: Final = f"an alert is answered with {ACKNOWLEDGE!r}, naming the alert as the cause"


@dataclass(frozen=True, slots=True)
class Acknowledge:
    """A person has taken note. what: the id of the alert that raised it, or the alarm's code. person: who, if told."""

    what: str
    person: str = ""


@dataclass(frozen=True, slots=True)
class Decline:
    """It is not done. code and reason as in a refusal."""

    code: str
    reason: str


@dataclass(frozen=True, slots=True)
class Observe:
    """Hand in all that is read within so many seconds.

    number: which window of the watch it is, from 1. from_s: where it begins, counted from the beginning of the watch.
    """

    number: int
    from_s: float
    seconds: float


Meaning: TypeAlias = Acknowledge | Decline | Observe


def meaning(message: Message) -> Meaning | None:
    """Return what a message to a device's agent asks for; None where it asks for nothing."""
    match message.body:
        case TaskAssignment(skill=skill) as task if skill == OBSERVE:
            return _observation(task)
        case TaskAssignment():
            return Decline("not-built", ONLY_WATCHES)
        case Answer() | Approval() if message.sender != HUMAN:
            return Decline("role", _NO_PERSON)
        case Answer() as answer:
            return _of_answer(answer, message.cause)
        case Approval(decision=Consent.GRANTED) as approval:
            return Acknowledge(approval.subject, approval.person or "")
        case Approval():
            return Decline("nothing-asked", "an alarm cannot be denied; it ends when its cause is gone")
        case Control(verb=Verb.SET) as control:
            return _of_setting(control, message.sender)
    return None


def _observation(task: TaskAssignment) -> Meaning:
    told = {setting.name: setting.value for setting in task.settings}
    try:
        asked = Observe(int(told["number"]), float(told.get("from", "0")), float(told["seconds"]))
    except (KeyError, ValueError):
        return Decline("bad-setting", _TAKES)
    is_sound = asked.number >= 1 and 0 < asked.seconds <= LONGEST_S and 0 <= asked.from_s < float("inf")
    return asked if is_sound else Decline("bad-setting", _TAKES)


def _of_answer(answer: Answer, cause: str | None) -> Meaning:
    if answer.choice.strip().casefold() != ACKNOWLEDGE or cause is None:
        return Decline("unknown-answer", _UNKNOWN_ANSWER)
    return Acknowledge(cause, answer.person or "")


def _of_setting(control: Control, sender: str) -> Meaning:
    if len(control.settings) != 1 or control.settings[0].name != ACKNOWLEDGE:
        return Decline("not-built", ONLY_WATCHES)
    return Acknowledge(control.settings[0].value) if sender == HUMAN else Decline("role", _NO_PERSON)
