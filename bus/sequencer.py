"""From submissions to journal entries and receipts: everything the broker decides, without a socket.

A group is drained, judged, ordered by urgency, written as one chunk and synced; only then are receipts
given and entries forwarded. The broker and the in-memory bus both work through this.
"""

import contextlib
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Final, Protocol

from bus.door import Admitted, Door, Rejected, refusal
from bus.records import Draft, Entry
from bus.signatures import Sign
from bus.wire import Live, Receipt, Status
from protocol.secrets import redacted_bytes
from protocol.topics import BROKER, EVERYONE, SUPERVISOR, inbox_of
from protocol.xml import MAX_DOCUMENT_BYTES

_QUARANTINE_FILES: Final = 1000
_QUARANTINE_BYTES: Final = 64 * 1024 * 1024
_STRANGERS: Final = 100  # refusals of unknown names that are journaled in one life of the broker
_EVERYONE: Final = inbox_of(EVERYONE)


class Store(Protocol):
    """Where entries go. `append` returns when they are as durable as the store makes them."""

    def append(self, documents: Sequence[Draft]) -> list[Entry]: ...


@dataclass(frozen=True, slots=True)
class Submission:
    """Documents that one publisher sent in one frame.

    is_repeated: the broker had taken this frame before. signatures: one for each document, or none at all.
    """

    sender: str
    session: bytes
    number: int
    documents: tuple[bytes, ...]
    is_repeated: bool = False
    signatures: tuple[bytes, ...] = ()

    def signed(self) -> Iterator[tuple[bytes, bytes]]:
        """Yield every document with its signature, which is empty where there is none."""
        return zip(self.documents, self.signatures or (b"",) * len(self.documents), strict=True)


class Quarantine:
    """Keeps the bytes of refused documents under their digest, a bounded number of them."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        sizes = [path.stat().st_size for path in folder.iterdir()] if folder is not None and folder.exists() else []
        self._kept, self._bytes = len(sizes), sum(sizes)

    def keep(self, raw: bytes) -> None:
        if (
            self._folder is None
            or self._kept >= _QUARANTINE_FILES
            or self._bytes + len(raw) > _QUARANTINE_BYTES
            or len(raw) > 2 * MAX_DOCUMENT_BYTES
        ):
            return  # the refusal carries the digest, which is all that is promised
        path = self._folder / sha256(raw).hexdigest()
        with contextlib.suppress(OSError):  # a full disk must not keep the broker from refusing
            self._folder.mkdir(mode=0o700, exist_ok=True)
            if not path.exists():
                # Of what holds a secret only the digest is kept: it is the file's name.
                path.write_bytes(b"" if redacted_bytes(raw) != raw else raw)
                self._kept += 1
                self._bytes += len(raw)


class Sequencer:
    """Judges and sequences groups of submissions.

    last: the last sequence of each inbox; subscribers tell gaps by it. refused: documents that were not admissible.
    conflicts: documents whose id was taken by other bytes of the same sender.
    """

    def __init__(
        self,
        store: Store,
        door: Door,
        *,
        mission: str,
        quarantine: Quarantine,
        clock_ns: Callable[[], int] = time.time_ns,
        sign: Sign | None = None,
    ) -> None:
        """Sequence into a store. sign: what the broker signs its own messages with, where messages are signed."""
        self._sign = sign
        self._store, self._door, self._mission = store, door, mission
        self._quarantine, self._clock_ns = quarantine, clock_ns
        self.last: dict[str, int] = {}
        self.refused = self.conflicts = self._strangers = 0

    def accept(self, group: Sequence[Submission]) -> tuple[list[list[Receipt]], list[Entry]]:
        """Return a receipt for every document of every submission, and the entries that are new.

        Raises:
            JournalError: the store would not take the group; nobody may be told anything.
        """
        judged = [[self._door.judge(raw, submission.sender, signature) for raw, signature in submission.signed()]
                  for submission in group]  # fmt: skip
        fresh: dict[bytes, tuple[int, Admitted]] = {}
        for ordinal, row in enumerate(judged):
            for item in row:
                if isinstance(item, Admitted) and self._door.seen(item) is None:
                    fresh.setdefault(item.key, (ordinal, item))
        refusals = self._refusals(group, judged)
        entries = self._write([*_by_urgency(list(fresh.values())), *refusals])
        return [[self._receipt(item, fresh) for item in row] for row in judged], entries

    def _receipt(self, item: Admitted | Rejected, fresh: dict[bytes, tuple[int, Admitted]]) -> Receipt:
        if isinstance(item, Rejected):
            return Receipt(Status.REFUSED, 0, f"{item.code}: {item.reason}")
        known = self._door.seen(item)
        assert known is not None
        is_first = item.key in fresh and fresh[item.key][1] is item
        self.conflicts += known.status is Status.CONFLICT
        return Receipt(Status.NEW, known.sequence) if is_first else known

    def _refusals(self, group: Sequence[Submission], judged: Sequence[Sequence[Admitted | Rejected]]) -> list[Admitted]:
        """Quarantine what was rejected and return the answers that are to be journaled, each once."""
        answers: dict[bytes, Admitted] = {}
        for submission, row in zip(group, judged, strict=True):
            for raw, item in zip(submission.documents, row, strict=True):
                if not isinstance(item, Rejected):
                    continue
                self.refused += 1
                self._quarantine.keep(raw)
                if item.sender not in self._door.cast:
                    self._strangers += 1
                    if self._strangers > _STRANGERS:
                        continue  # counted; a stranger must not be able to fill the journal
                answer = self._own(refusal(item, raw, self._mission, self._clock_ns(), self._told(item)))
                if isinstance(answer, Admitted) and self._door.seen(answer) is None:
                    answers.setdefault(answer.key, answer)
        return list(answers.values())

    def _told(self, item: Rejected) -> str:
        """Return who is told of a refusal: the sender, or of a name that this run does not know, the supervisor."""
        return item.sender if item.sender in self._door.cast else SUPERVISOR

    def _own(self, raw: bytes) -> Admitted | Rejected:
        return self._door.judge(raw, BROKER, self._sign(raw) if self._sign else b"")

    def _write(self, documents: Sequence[Admitted]) -> list[Entry]:
        if not documents:
            return []
        entries = self._store.append([(item.topic, item.raw, item.signature) for item in documents])
        for admitted, entry in zip(documents, entries, strict=True):
            self._door.note(admitted, entry.sequence)
        return entries

    def frames(self, entries: Sequence[Entry], epoch: int, most: int) -> list[Live]:
        """Return entries as frames: runs of one topic, at most so many documents each."""
        frames: list[Live] = []
        run: list[Entry] = []
        for entry in entries:
            if run and (entry.topic != run[0].topic or len(run) == most):
                frames.append(self._frame(run, epoch))
                run = []
            run.append(entry)
        if run:
            frames.append(self._frame(run, epoch))
        return frames

    def _frame(self, run: Sequence[Entry], epoch: int) -> Live:
        topic, first = run[0].topic, run[0].sequence
        inbox = topic.partition("/")[0]
        documents = tuple(entry.document for entry in run)
        previous, everyone = self.last.get(inbox, 0), self.last.get(_EVERYONE, 0)
        self.last[inbox] = run[-1].sequence
        return Live(topic, epoch, first, previous, everyone, run[0].recorded_ns, documents)


def _by_urgency(documents: Sequence[tuple[int, Admitted]]) -> list[Admitted]:
    """Order a group of (submission, document) by priority without reordering what one submission holds.

    What stands before something urgent in the same submission is pulled forward with it.
    """
    if len({admitted.rank for _, admitted in documents}) <= 1:
        return [admitted for _, admitted in documents]
    urgency: dict[int, int] = {}
    ranked: list[tuple[int, int, Admitted]] = []
    for place, (source, admitted) in reversed(list(enumerate(documents))):
        urgency[source] = min(admitted.rank, urgency.get(source, admitted.rank))
        ranked.append((urgency[source], place, admitted))
    return [admitted for _, _, admitted in sorted(ranked, key=lambda item: item[:2])]
