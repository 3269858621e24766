"""How a person takes note of an alarm: said in one of three ways, which mean the same to whoever reads them."""

from dataclasses import dataclass
from typing import Final

from protocol.bodies import Answer, Approval, Consent, Control, Setting, Verb
from protocol.messages import Message
from protocol.topics import HUMAN

ACKNOWLEDGE: Final = "acknowledge"  # an answer's choice, or a setting with the alarm's code as value


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """A person has taken note. what: the id of the alert that raised it, or the alarm's code. person: who, if told."""

    what: str
    person: str = ""
    text: str = ""


def acknowledgement(message: Message) -> Acknowledgement | None:
    """Return of what a message takes note, where it is to a device's agent; None where it takes note of nothing.

    A consent is said in the same way as a note that is an approval: only to whom it is said tells them apart.
    """
    if message.sender != HUMAN:
        return None
    match message.body:
        case Answer() as answer if message.cause is not None and answer.choice.strip().casefold() == ACKNOWLEDGE:
            return Acknowledgement(message.cause, answer.person or "", answer.text or "")
        case Approval(decision=Consent.GRANTED) as approval:
            return Acknowledgement(approval.subject, approval.person or "", approval.reason)
        case Control(verb=Verb.SET, settings=(Setting() as setting,)) if setting.name == ACKNOWLEDGE:
            return Acknowledgement(setting.value)
    return None
