"""What somebody says to a device's agent, and what it makes of that: it observes, takes note, or declines and says why.

Nothing here writes to a device. The one task that is taken is to observe for a while; a setting never is.
"""

from dataclasses import dataclass
from typing import Final, TypeAlias

from protocol.alarms import ACKNOWLEDGE, Acknowledgement, acknowledgement
from protocol.bodies import Answer, Approval, Control, Setting, TaskAssignment, Verb
from protocol.messages import Message
from protocol.topics import HUMAN

ONLY_WATCHES: Final = (
    "this agent only watches; to change anything on a device needs a person's approval, "
    "and approvals for devices are not built"
)
OBSERVE: Final = "observe"
LONGEST_S: Final = 86_400  # what one window may be long
_TAKES: Final = f"to observe takes `number`, from 1, `seconds`, up to {LONGEST_S:,}, and `from`, in seconds"
_NO_PERSON: Final = f"only {HUMAN} acknowledges an alarm"
_UNKNOWN_ANSWER: Final = f"an alert is answered with {ACKNOWLEDGE!r}, naming the alert as the cause"


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


Meaning: TypeAlias = Acknowledgement | Decline | Observe


def meaning(message: Message) -> Meaning | None:
    """Return what a message to a device's agent asks for; None where it asks for nothing."""
    note = acknowledgement(message)
    if note is not None:
        return note
    match message.body:
        case TaskAssignment(skill=skill) as task if skill == OBSERVE:
            return _observation(task)
        case TaskAssignment():
            return Decline("not-built", ONLY_WATCHES)
        case Answer() | Approval() if message.sender != HUMAN:
            return Decline("role", _NO_PERSON)
        case Answer():
            return Decline("unknown-answer", _UNKNOWN_ANSWER)
        case Approval():
            return Decline("nothing-asked", "an alarm cannot be denied; it ends when its cause is gone")
        case Control(verb=Verb.SET, settings=(Setting(name=name),)) if name == ACKNOWLEDGE:
            return Decline("role", _NO_PERSON)
        case Control(verb=Verb.SET):
            return Decline("not-built", ONLY_WATCHES)
    return None


def _observation(task: TaskAssignment) -> Meaning:
    told = {setting.name: setting.value for setting in task.settings}
    try:
        asked = Observe(int(told["number"]), float(told.get("from", "0")), float(told["seconds"]))
    except (KeyError, ValueError):
        return Decline("bad-setting", _TAKES)
    is_sound = asked.number >= 1 and 0 < asked.seconds <= LONGEST_S and 0 <= asked.from_s < float("inf")
    return asked if is_sound else Decline("bad-setting", _TAKES)
