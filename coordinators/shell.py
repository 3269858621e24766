"""The thin shell that makes a fold a process: refold, publish what is missing, then hear and answer."""

from collections.abc import Sequence
from functools import partial
from typing import Any, Final

import structlog

from bus.faults import reached
from bus.follower import durable, durable_head
from bus.journal import JournalReader
from bus.publisher import Publisher
from bus.records import Entry
from bus.run import RunFolder
from bus.subscriber import Subscriber
from coordinators.coordinator import Coordinator
from coordinators.fold import Fold, Heard, say
from coordinators.refold import Begun, Refold
from coordinators.snapshots import Photographer, SnapshotFolder
from coordinators.tech_lead import TechLead
from protocol.decoder import reread
from protocol.encoder import encode
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
    fold = fold_of(name)
    photographer = _photographer(run, fold, name)
    again = _refolded(run, fold, name, photographer)
    publisher = Publisher(run, name, facts={"role": "tech-lead" if name == TECH_LEAD else "coordinator"})
    said = _publish(publisher, [(message, encode(message)) for message in again.missing])
    if photographer is not None:
        photographer.begin(said)
    subscriber = Subscriber(run, inbox_of(name), after=again.position)
    state = again.state
    while True:
        entry = subscriber.receive(_BEAT_S)
        if entry is not None:
            reached("coordinator.before-step")
            heard = Heard(reread(entry.document), entry.recorded_ns)
            state, spoken = say(fold, state, heard, name, partial(_log_break, heard.message.id))
            said = _publish(publisher, spoken)
            if photographer is not None:
                photographer.learn(entry.sequence, heard.message)
                photographer.turned(entry.sequence, state, said)
        publisher.beat({"state": "ready", "position": subscriber.position})


def _photographer(run: RunFolder, fold: Fold[Any], name: str) -> Photographer | None:
    """Return who takes snapshots of a coordinator, beginning from the newest; the tech lead has none to take."""
    if not isinstance(fold, Coordinator):
        return None
    folder = SnapshotFolder(run.path / "snapshots" / inbox_of(name), fold.version, partial(_entry_at, run))
    return Photographer(folder, folder.newest(durable_head(run)))


def _entry_at(run: RunFolder, sequence: int) -> Entry | None:
    return next(JournalReader(run.journal, sequence - 1).entries(sequence), None)


def _refolded(run: RunFolder, fold: Fold[Any], name: str, photographer: Photographer | None) -> Refold[Any]:
    """Fold the journal from the newest snapshot, or from the start."""
    after = photographer.after if photographer else None
    begun = Begun(after.state, after.sequence, after.owed) if after else None
    again = Refold(fold, name, begun)
    for entry in durable(run, again.position):
        turn = again.hear(entry)
        if turn is not None and photographer is not None:
            photographer.learn(turn.sequence, turn.heard.message)
    structlog.get_logger().info(
        "refolded",
        agent=name,
        snapshot=after.sequence if after else 0,
        position=again.position,
        compared=again.compared,
        missing=len(again.missing),
    )
    return again


def _log_break(message: str | None, error: Exception) -> None:
    structlog.get_logger().error("message set aside", message=message, exc_info=error)


def _publish(publisher: Publisher, spoken: Sequence[tuple[Message, bytes]]) -> list[tuple[int, bytes]]:
    """Publish what was said; return each document with where the journal has it."""
    messages = [message for message, _ in spoken]
    if len(messages) > 1:
        reached("coordinator.between-outputs", lambda: publisher.publish(messages[:1]))
    receipts = publisher.publish(messages)
    return [(receipt.sequence, raw) for receipt, (_, raw) in zip(receipts, spoken, strict=True)]
