"""The thin shell that makes a fold a process: refold, publish what is missing, then hear and answer."""

from functools import partial
from typing import Any, Final

import structlog

from bus.faults import reached
from bus.follower import durable
from bus.publisher import Publisher
from bus.run import RunFolder
from bus.subscriber import Subscriber
from coordinators.coordinator import Coordinator
from coordinators.fold import Fold, Heard, say
from coordinators.refold import refold
from coordinators.tech_lead import TechLead
from protocol.decoder import reread
from protocol.messages import Message
from protocol.topics import TECH_LEAD, inbox_of

_BEAT_S: Final = 1.0


def fold_of(name: str) -> Fold[Any]:
    """Return the rules that a coordinator of this name follows."""
    return TechLead() if name == TECH_LEAD else Coordinator(TECH_LEAD)


def serve(run: RunFolder, name: str) -> None:
    """Run a coordinator as a process until the supervisor stops it.

    Raises:
        ReplayDifference: its code would not say what it has already said; it stops rather than contradict itself.
    """
    log = structlog.get_logger().bind(agent=name)
    fold = fold_of(name)
    again = refold(fold, name, durable(run))
    log.info("refolded", position=again.position, compared=again.compared, missing=len(again.missing))
    publisher = Publisher(run, name, facts={"role": "tech-lead" if name == TECH_LEAD else "coordinator"})
    _publish(publisher, again.missing)
    subscriber = Subscriber(run, inbox_of(name), after=again.position)
    state = again.state
    while True:
        entry = subscriber.receive(_BEAT_S)
        if entry is not None:
            reached("coordinator.before-step")
            heard = Heard(reread(entry.document), entry.recorded_ns)
            state, spoken = say(fold, state, heard, name, partial(_log_break, heard.message.id))
            _publish(publisher, [message for message, _ in spoken])
        publisher.beat({"state": "ready", "position": subscriber.position})


def _log_break(message: str | None, error: Exception) -> None:
    structlog.get_logger().error("message set aside", message=message, exc_info=error)


def _publish(publisher: Publisher, messages: list[Message]) -> None:
    if len(messages) > 1:
        reached("coordinator.between-outputs", lambda: publisher.publish(messages[:1]))
    publisher.publish(messages)
