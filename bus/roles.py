"""Who may publish what to whom: one small table.

A name gets its role when it is introduced by a journaled `control` message of the verb "present".
"""

from enum import Enum
from typing import Final

from bus import wire
from protocol.messages import MessageType as T
from protocol.topics import EVERYONE, inbox_of


class Role(Enum):
    BROKER = "broker"
    SUPERVISOR = "supervisor"
    TECH_LEAD = "tech-lead"
    COORDINATOR = "coordinator"
    SPECIALIST = "specialist"
    GATEKEEPER = "gatekeeper"
    RECORDER = "recorder"
    CLOCK = "clock"
    DEVICE = "device"
    PERSON = "person"
    OBSERVER = "observer"  # hears everything, says nothing
    STORE = "store"  # memory and dashboard: they are told, they do not ask
    EVERYONE = "everyone"


_R = Role
_DECIDE: Final = frozenset({_R.TECH_LEAD, _R.COORDINATOR})
_ANYBODY: Final = frozenset(Role)
# What everybody who may connect hears: messages to everyone, and how far the journal reaches.
FOR_ALL: Final = (f"{inbox_of(EVERYONE)}/", wire.BEACON, wire.HEAD)
_TOLD: Final = frozenset({_R.STORE, _R.TECH_LEAD, _R.COORDINATOR, _R.PERSON, _R.SUPERVISOR})

# Sender's role, type, recipient's roles. What does not stand here is refused.
MAY_PUBLISH: Final[dict[Role, dict[T, frozenset[Role]]]] = {
    _R.BROKER: {T.CONTROL: _ANYBODY, T.REFUSAL: _ANYBODY, T.LOST: _ANYBODY},
    _R.SUPERVISOR: {T.CONTROL: _ANYBODY, T.LOST: _ANYBODY, T.STATUS: _TOLD},
    _R.TECH_LEAD: {
        T.TASK_ASSIGNMENT: frozenset({_R.COORDINATOR, _R.SPECIALIST, _R.DEVICE}),
        T.ESCALATION: frozenset({_R.PERSON}),
        T.ANSWER: frozenset({_R.COORDINATOR}),
        T.STATUS: _TOLD,
        T.QUESTION: frozenset({_R.PERSON, _R.COORDINATOR}),
        T.WAKE_REQUEST: frozenset({_R.CLOCK}),
        T.APPROVAL: _ANYBODY,
        T.REFUSAL: _ANYBODY,
    },
    _R.COORDINATOR: {
        T.TASK_ASSIGNMENT: frozenset({_R.COORDINATOR, _R.SPECIALIST, _R.DEVICE}),
        T.TASK_COMPLETION: _DECIDE,
        T.ESCALATION: _DECIDE,
        T.QUESTION: _DECIDE | {_R.PERSON, _R.SPECIALIST},
        T.ANSWER: frozenset({_R.SPECIALIST, _R.COORDINATOR, _R.DEVICE}),
        T.STATUS: _TOLD,
        T.PROGRESS: _TOLD,
        T.ALERT: _TOLD,
        T.CONTROL: frozenset({_R.SUPERVISOR}),  # to end a process that nobody waits for any more
        T.WAKE_REQUEST: frozenset({_R.CLOCK}),
        T.APPROVAL: _ANYBODY,
        T.REFUSAL: _ANYBODY,
    },
    _R.SPECIALIST: {
        T.TASK_COMPLETION: _DECIDE,
        T.CLAIM: _DECIDE,
        T.ESCALATION: _DECIDE,
        T.QUESTION: _DECIDE,
        T.STATUS: _TOLD,
        T.PROGRESS: _TOLD,
        T.MODEL_CALL: _TOLD,
        T.WAKE_REQUEST: frozenset({_R.CLOCK}),
        T.REFUSAL: _ANYBODY,
    },
    _R.DEVICE: {
        T.TASK_COMPLETION: _DECIDE,
        T.CLAIM: _DECIDE,
        T.TELEMETRY: _ANYBODY,
        T.ALERT: _ANYBODY,
        T.STATUS: _TOLD,
        T.PROGRESS: _TOLD,
        T.WAKE_REQUEST: frozenset({_R.CLOCK}),
        T.REFUSAL: _ANYBODY,
    },
    _R.GATEKEEPER: {T.VERDICT: _DECIDE, T.STATUS: _TOLD, T.REFUSAL: _ANYBODY},
    _R.CLOCK: {T.WAKE: _ANYBODY},
    _R.RECORDER: {T.STATUS: _TOLD, T.ALERT: _ANYBODY},
    _R.PERSON: {T.ANSWER: _ANYBODY, T.APPROVAL: _ANYBODY, T.CONTROL: _ANYBODY},
}


def may_hear(name: str, is_observer: bool, prefix: str) -> bool:
    """Return whether a name from another machine may hear the topics that begin so.

    Its own inbox and what is for everyone; everything only as an observer.
    """
    return is_observer or prefix.startswith((f"{name}/", *FOR_ALL))


def objection(role: Role, kind: T, recipient: Role) -> str | None:
    """Return why a role may not send this type to that role, or None where it may."""
    recipients = MAY_PUBLISH.get(role, {}).get(kind)
    if recipients is None:
        return f"a {role.value} may not publish {kind.value}"
    if recipient not in recipients:
        return f"a {role.value} may not send {kind.value} to a {recipient.value}"
    return None
