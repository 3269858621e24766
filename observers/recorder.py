"""The recorder: a process of its own with a key of its own that chains, seals and indexes the journal.

It reads the journal up to what the broker calls durable and never holds anybody up. A seal goes into the
anchor file only after the tables that lead to it are committed, so a killed recorder goes on where it was.
"""

import signal
from collections.abc import Iterable, Sequence
from itertools import islice
from pathlib import Path
from typing import Final

import structlog

from bus.follower import Follower
from bus.journal import JournalReader
from bus.publisher import Publisher
from bus.records import Entry
from bus.run import RunFolder
from bus.signatures import Signing
from observers.keys import recorder_key
from observers.projection import Projection
from observers.pruning import pruned_place
from observers.sealer import Sealer
from observers.stamps import stamp
from protocol.errors import JournalError, SourceError
from protocol.topics import RECORDER

_BATCH: Final = 500
_WAIT_S: Final = 0.2


def _take(projection: Projection, sealer: Sealer, entries: Iterable[Entry]) -> None:
    waiting = iter(entries)
    while batch := list(islice(waiting, _BATCH)):
        position, head = projection.take(batch)
        sealer.maybe(position, head)


def serve(run: RunFolder, anchors: Sequence[Path] = (), authority: str = "") -> None:
    """Run the recorder as a process until it is told to stop; then take in the rest and seal it.

    anchors: where seals go besides the run's own anchor. authority: the address of a time-stamp authority that
    is asked to stamp the last seal, or "".
    """
    stopping: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, _frame: stopping.append(number))
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    projection, sealer = _opened(run, anchors)
    follower = Follower(run, after=projection.place()[0])
    publisher = Publisher(run, RECORDER, facts={"role": "recorder"})
    structlog.get_logger().info("recording", agent=RECORDER, position=follower.position)
    try:
        while not stopping:
            _take(projection, sealer, follower.entries(_WAIT_S))
            sealer.maybe(*projection.place())
            publisher.beat({"state": f"sealed {sealer.sealed}", "position": follower.position})
        _finish(run, projection, sealer, follower.rest(), authority)
    finally:
        follower.close()
        publisher.close()
        projection.close()


def finish(run: RunFolder, anchors: Sequence[Path] = (), authority: str = "") -> None:
    """Take in, seal and stamp what is left of a run whose broker has gone: after a recorder that died at the end."""
    projection, sealer = _opened(run, anchors)
    try:
        _finish(run, projection, sealer, JournalReader(run.journal, projection.place()[0]).entries(), authority)
    finally:
        projection.close()


def _opened(run: RunFolder, anchors: Sequence[Path]) -> tuple[Projection, Sealer]:
    projection = _sound_projection(run)
    key = recorder_key(run) if run.signing is not Signing.NONE else None
    return projection, Sealer(run.id, run.anchor, key, anchors)


def _finish(run: RunFolder, projection: Projection, sealer: Sealer, rest: Iterable[Entry], authority: str) -> None:
    _take(projection, sealer, rest)
    sealer.seal(*projection.place())
    if authority:
        _stamp(run, authority)


def _stamp(run: RunFolder, authority: str) -> None:
    try:
        stamp(run, authority)
    except SourceError as error:
        structlog.get_logger().warning("not stamped", reason=str(error))


def _sound_projection(run: RunFolder) -> Projection:
    """Return the tables, begun anew where they are broken or know more than the journal does."""
    try:
        projection = Projection(run.audit_db)
    except JournalError:
        for path in run.path.glob("audit.db*"):
            path.unlink()
        projection = Projection(run.audit_db)
    if projection.place()[0] > _head(run):
        projection.clear()
    return projection


def _head(run: RunFolder) -> int:
    reader = JournalReader(run.journal)
    for _ in reader.entries():
        pass
    reader.close()
    return reader.position


def rebuild(run: RunFolder) -> int:
    """Make the tables again from the journal alone and return up to which sequence they go.

    Of a pruned run they hold what is left.
    """
    pruned = pruned_place(run)
    projection = Projection(run.audit_db)
    projection.clear()
    if pruned is not None:
        projection.begin_at(pruned.last, bytes.fromhex(pruned.head))
    entries = JournalReader(run.journal, projection.place()[0]).entries()
    while batch := list(islice(entries, _BATCH)):
        projection.take(batch)
    position, _ = projection.place()
    projection.close()
    return position
