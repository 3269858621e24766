"""What a person says to a run, as messages: an answer, a consent or its refusal, a cancellation, a longer plan.

What settles a request has an id that follows from the request, so whoever answers second is told of the first.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from pydantic import ValidationError

from observers.inbox import Request, Standing
from observers.summary import printable
from protocol.bodies import Answer, Approval, Body, Consent, Control, Plan, PlannedTask, Setting, Verb
from protocol.encoder import encode
from protocol.errors import SourceError, WireError
from protocol.ids import derived
from protocol.messages import Message, MessageType
from protocol.names import Priority
from protocol.topics import HUMAN

_NO_TASK = "run"


def answer(request: Request, choice: str, text: str, *, person: str, now_ns: int) -> Message:
    """Return the answer to an escalation or a question.

    Raises:
        SourceError: it is not among the options, a consent is asked for instead, or it cannot be sent.
    """
    _check_is_wanted(request)
    if request.kind is MessageType.APPROVAL:
        raise SourceError(f"{request.id} asks for consent: orchestra approve, or orchestra reject --reason …")
    chosen = {printable(option): option for option in request.options}.get(printable(choice))
    if request.options and chosen is None:
        options = ", ".join(repr(printable(option)) for option in request.options)
        raise SourceError(f"{choice!r} is not among the options of {request.id}: {options}")
    with _sendable(person):
        body = Answer(choice=chosen or choice, text=text or None, person=person)
        return _reply(request, MessageType.ANSWER, body, now_ns)


def consent(request: Request, decision: Consent, reason: str, *, person: str, now_ns: int) -> Message:
    """Return the consent to what is asked for, or its refusal.

    Raises:
        SourceError: no consent is asked for, it was due before now, or it cannot be sent.
    """
    _check_is_wanted(request)
    if request.kind is not MessageType.APPROVAL:
        options = " | ".join(repr(printable(option)) for option in request.options) or "CHOICE"
        raise SourceError(f"{request.id} asks no consent but for an answer: orchestra answer {request.id} {options}")
    if request.standing(now_ns) is Standing.LAPSED:
        then = f"no answer is a refusal, with which it goes on: orchestra resume {request.run}"
        raise SourceError(f"{request.id} has lapsed, it was due before now; {then}")
    with _sendable(person):
        body = Approval(subject=request.id, decision=decision, reason=reason, person=person)
        return _reply(request, MessageType.APPROVAL, body, now_ns)


def _check_is_wanted(request: Request) -> None:
    if request.is_withdrawn:
        raise SourceError(f"{request.id} was withdrawn: it was asked again, or the mission is over; orchestra inbox")


def cancellation(run: str, coordinator: str, task: str | None, reason: str, *, person: str, now_ns: int) -> Message:
    """Return what cancels a task of a mission, or all of it. run: its id.

    Raises:
        SourceError: it cannot be sent.
    """
    with _sendable(person):
        told = (Setting(name="reason", value=reason), Setting(name="person", value=person))
        message = Message(
            sender=HUMAN,
            recipient=coordinator,
            type=MessageType.CONTROL,
            priority=Priority.HIGH,
            task=task or _NO_TASK,
            timestamp_ns=now_ns,
            id=derived("cancel", run, task or ""),
            mission=run,
            body=Control(verb=Verb.CANCEL, subject=task, settings=told),
        )
        encode(message)
        return message


def longer_plan(run: str, coordinator: str, plan: Plan, task: PlannedTask, *, person: str, now_ns: int) -> Message:
    """Return what makes a mission go on with one more task at the end of its plan. run: its id.

    Raises:
        SourceError: it cannot be sent; or the plan would be too long for a message.
    """
    with _sendable(person):
        longer = Plan.model_validate({**dict(plan), "tasks": (*plan.tasks, task)})
        told = (Setting(name="person", value=person),)
        message = Message(
            sender=HUMAN,
            recipient=coordinator,
            type=MessageType.CONTROL,
            priority=Priority.HIGH,
            task=task.id,
            timestamp_ns=now_ns,
            id=derived("turn", run, task.id),
            mission=run,
            body=Control(verb=Verb.SET, subject=task.title, settings=told, plan=longer),
        )
        encode(message)
        return message


def _reply(request: Request, kind: MessageType, body: Body, now_ns: int) -> Message:
    message = Message(
        sender=HUMAN,
        recipient=request.sender,
        type=kind,
        priority=Priority.HIGH,
        task=request.task,
        timestamp_ns=now_ns,
        id=derived("answer", request.id),
        mission=request.run,
        cause=request.id,
        body=body,
    )
    encode(message)
    return message


@contextmanager
def _sendable(person: str) -> Iterator[None]:
    """Say in a sentence why words cannot be sent: too long, or with characters that XML has no place for."""
    if not person.strip() or not person.isprintable():
        raise SourceError(f"{person!r} is no name of a person; give one with --as NAME")
    try:
        yield
    except ValidationError as error:
        first = error.errors()[0]
        raise SourceError(f"it cannot be sent: {'.'.join(map(str, first['loc']))}: {first['msg']}") from error
    except WireError as error:
        raise SourceError(f"it cannot be sent: {error}") from error
