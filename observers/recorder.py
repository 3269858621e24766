"""The recorder: a process of its own with a key of its own that chains, seals and indexes the journal.

It reads the journal up to what the broker calls durable and never holds anybody up. A seal goes into the
anchor file only after the tables that lead to it are committed, so a killed recorder goes on where it was.
"""

import json
import os
import signal
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict
from itertools import islice
from pathlib import Path
from typing import Final

import structlog
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from bus.faults import reached
from bus.follower import Follower
from bus.journal import JournalReader
from bus.publisher import Publisher
from bus.records import Entry
from bus.run import RunFolder
from bus.seals import Seal, read_seals
from bus.signatures import public_hex
from observers.keys import recorder_key
from observers.projection import Projection
from protocol.errors import JournalError
from protocol.topics import RECORDER

SEAL_ENTRIES: Final = 500
SEAL_S: Final = 2.0
_BATCH: Final = 500
_WAIT_S: Final = 0.2


class Sealer:
    """Writes seals to the anchor file, every so many entries or seconds. Opening it cuts half a line at its end."""

    def __init__(self, anchor: Path, key: Ed25519PrivateKey, clock_ns: Callable[[], int] = time.time_ns) -> None:
        self._anchor, self._key, self._clock_ns = anchor, key, clock_ns
        _cut_torn_line(anchor)
        self.sealed = max((seal.count for seal in read_seals(anchor)), default=0)
        self._sealed_s = time.monotonic()

    def maybe(self, count: int, head: bytes) -> None:
        """Seal when enough has come or enough time has passed."""
        age_s = time.monotonic() - self._sealed_s
        if count - self.sealed >= SEAL_ENTRIES or (count > self.sealed and age_s >= SEAL_S):
            self.seal(count, head)

    def seal(self, count: int, head: bytes) -> None:
        """Vouch for the first `count` entries; nothing happens where that was vouched for already."""
        if count <= self.sealed:
            return
        now_ns = self._clock_ns()
        blank = Seal(count, head.hex(), now_ns, public_hex(self._key), "")
        seal = Seal(count, head.hex(), now_ns, blank.key, self._key.sign(blank.signed_bytes()).hex())
        with self._anchor.open("a", encoding="utf-8") as file:
            line = json.dumps(asdict(seal)) + "\n"
            reached("recorder.mid-seal", lambda: os.write(file.fileno(), line[: len(line) // 2].encode()))
            file.write(line)
            file.flush()
            os.fsync(file.fileno())
        self.sealed, self._sealed_s = count, time.monotonic()


def _cut_torn_line(anchor: Path) -> None:
    """A recorder killed while sealing leaves half a line; the seal is made again."""
    if anchor.exists() and (raw := anchor.read_bytes()) and not raw.endswith(b"\n"):
        os.truncate(anchor, raw.rfind(b"\n") + 1)


def _take(projection: Projection, sealer: Sealer, entries: Iterable[Entry]) -> None:
    waiting = iter(entries)
    while batch := list(islice(waiting, _BATCH)):
        position, head = projection.take(batch)
        sealer.maybe(position, head)


def serve(run: RunFolder) -> None:
    """Run the recorder as a process until it is told to stop; then take in the rest and seal it."""
    stopping: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, _frame: stopping.append(number))
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    projection = _sound_projection(run)
    sealer = Sealer(run.anchor, recorder_key(run))
    follower = Follower(run, after=projection.place()[0])
    publisher = Publisher(run, RECORDER, facts={"role": "recorder"})
    structlog.get_logger().info("recording", agent=RECORDER, position=follower.position)
    try:
        while not stopping:
            _take(projection, sealer, follower.entries(_WAIT_S))
            sealer.maybe(*projection.place())
            publisher.beat({"state": f"sealed {sealer.sealed}", "position": follower.position})
        _take(projection, sealer, follower.rest())
        sealer.seal(*projection.place())
    finally:
        follower.close()
        publisher.close()
        projection.close()


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
    """Make the tables again from the journal alone and return how many entries they hold."""
    projection = Projection(run.audit_db)
    projection.clear()
    entries = JournalReader(run.journal).entries()
    while batch := list(islice(entries, _BATCH)):
        projection.take(batch)
    position, _ = projection.place()
    projection.close()
    return position
