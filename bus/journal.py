"""The journal: a folder of segments to which one broker appends.

1. One broker at a time: an exclusive lock is held as long as the journal is open.
2. `append` returns only when the group is on disk; before that nobody may hear of it.
3. Only an incomplete last chunk is cut when a journal is opened, and its bytes are kept aside.
   Any other damage, a gap, or a head below the last seal, stops the start with an error.
4. Every opening begins a new segment and closes the one before it properly.
"""

import fcntl
import os
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final

from bus.faults import reached
from bus.records import CHUNK_BYTES, RECORD_BYTES, Channels, ChunkPlace, Entry, chunk, ending, preamble
from bus.segment import Segment, segment_path, segments
from protocol.errors import JournalError
from protocol.schema import schema_bytes, schema_digest

SEGMENT_BYTES: Final = 64 * 1024 * 1024
_LOCK_S: Final = 1.0


class Journal:
    """The writing side. Not thread-safe; one process holds it.

    on_entry: called for every entry found when opening, so that indexes need no second reading.
    """

    def __init__(
        self,
        folder: Path,
        *,
        on_entry: Callable[[Entry], None] = lambda entry: None,
        sealed_upto: int = 0,
        segment_bytes: int = SEGMENT_BYTES,
        syncs: bool = True,
        clock_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        """Open for appending.

        Raises:
            JournalError: another broker holds it, it is damaged, or it ends before `sealed_upto`.
        """
        folder.mkdir(parents=True, exist_ok=True)
        self._folder, self._segment_bytes, self._syncs, self._clock_ns = folder, segment_bytes, syncs, clock_ns
        self._lock = _locked(folder / "lock")
        self.head = 0
        self._last_ns = 0
        self._descriptor = -1
        try:
            self._recover(on_entry)
            if self.head < sealed_upto:
                raise JournalError(f"{folder} ends at {self.head}, but a seal vouches for {sealed_upto}: it was cut")
            self._begin()
        except BaseException:
            os.close(self._lock)
            raise

    def append(self, documents: Sequence[tuple[str, bytes]]) -> list[Entry]:
        """Write (topic, document) pairs as one group and return them as entries, on disk.

        Raises:
            JournalError: the disk would not take it; nothing of the group counts as written.
        """
        first_ns = max(self._last_ns + 1, self._clock_ns())
        entries = [
            Entry(self.head + 1 + n, first_ns + n, topic, document) for n, (topic, document) in enumerate(documents)
        ]
        if self._descriptor >= 0 and self._offset > self._segment_bytes:
            self._finish()
            reached("broker.mid-rotation")
        if self._descriptor < 0:
            self._begin()
        before = set(self._channels.ids)
        raw = chunk(entries, self._channels)
        reached("broker.before-write")
        reached("broker.mid-write", lambda: os.write(self._descriptor, raw[: len(raw) // 2]))
        try:
            self._write(raw)
        except OSError as error:
            self._undo(before, entries)
            raise JournalError(f"{self._path}: {error.strerror}; nothing was accepted") from error
        self._places.append(
            ChunkPlace(self._offset, len(raw), first_ns, entries[-1].recorded_ns, len(raw) - RECORD_BYTES - CHUNK_BYTES)
        )
        self._offset += len(raw)
        self.head, self._last_ns = entries[-1].sequence, entries[-1].recorded_ns
        self._count += len(entries)
        return entries

    def close(self) -> None:
        """Write the segment's ending and let the lock go."""
        if self._lock >= 0:
            if self._descriptor >= 0:
                self._finish()
            os.close(self._lock)
            self._lock = -1

    def _write(self, raw: bytes) -> None:
        view = memoryview(raw)
        while view:
            view = view[os.write(self._descriptor, view) :]
        reached("broker.before-sync")
        if self._syncs:
            os.fdatasync(self._descriptor)

    def _undo(self, before: set[str], entries: Sequence[Entry]) -> None:
        """Cut what a failed write left behind, so that the next group starts on a whole record."""
        os.ftruncate(self._descriptor, self._offset)
        os.lseek(self._descriptor, self._offset, os.SEEK_SET)
        for entry in entries:
            self._channels.counts[self._channels.ids[entry.topic]] -= 1
        for topic in self._channels.ids.keys() - before:
            number = self._channels.ids.pop(topic)
            del self._channels.topics[number], self._channels.counts[number]

    def _begin(self) -> None:
        self._path = segment_path(self._folder, self.head + 1)
        self._channels, self._places, self._count = Channels(), list[ChunkPlace](), 0
        try:
            flags = os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC
            self._descriptor = os.open(self._path, flags, 0o600)
            raw = preamble(schema_bytes(), schema_digest())
            self._write(raw)
            _sync_folder(self._folder)
        except OSError as error:
            self._let_go()
            raise JournalError(f"{self._path}: {error.strerror}; nothing was accepted") from error
        self._offset = len(raw)

    def _let_go(self) -> None:
        """Close the segment; a number that is kept after that may soon belong to another file."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
        self._descriptor = -1

    def _finish(self) -> None:
        raw = ending(self._places, self._channels, schema_bytes(), self._count, self._offset)
        try:
            self._write(raw)
        except OSError:
            # The ending is a convenience for other readers; every entry is already on disk.
            os.ftruncate(self._descriptor, self._offset)
        self._let_go()

    def _recover(self, on_entry: Callable[[Entry], None]) -> None:
        """Read everything, cut an incomplete last chunk, and close the last segment properly."""
        found = segments(self._folder)
        for first, path in found:
            if first != self.head + 1:
                raise JournalError(f"{path.name}: begins at {first}, the journal reaches to {self.head}")
            segment = Segment(path, keeps_places=True)
            try:
                for entry in segment.entries(0, 2**63):
                    if entry.sequence != self.head + 1:
                        raise JournalError(f"{path.name}: entry {entry.sequence} follows {self.head}")
                    self.head, self._last_ns = entry.sequence, entry.recorded_ns
                    on_entry(entry)
                whole = segment.is_closed or segment.offset == segment.size_bytes()
                if not whole and path != found[-1][1]:
                    raise JournalError(f"{path.name}, byte {segment.offset:,}: cut short, but later segments exist")
                if not segment.is_closed:
                    self._close_torn(segment)
            finally:
                segment.close()

    def _close_torn(self, segment: Segment) -> None:
        path, whole = segment.path, segment.offset
        if segment.size_bytes() > whole:
            aside = self._folder / f"torn-{path.stem}-{whole}.bin"
            with path.open("rb") as torn:
                torn.seek(whole)
                aside.write_bytes(torn.read())
        if not segment.places:
            path.unlink()  # nothing was ever acknowledged from it; this opening begins it anew
            return
        entries = self.head - int(path.stem) + 1
        channels = segment.channels
        with path.open("r+b") as file:
            file.truncate(whole)
            file.seek(whole)
            file.write(ending(segment.places, channels, schema_bytes(), entries, whole))
            file.flush()
            os.fsync(file.fileno())


def _locked(path: Path) -> int:
    """Take the lock; `is_open` holds it for a moment, and so does a broker that is just being killed."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    deadline_s = time.monotonic() + _LOCK_S
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if time.monotonic() < deadline_s:
                time.sleep(0.01)
                continue
            os.close(descriptor)
            raise JournalError(f"{path.parent} is held by another broker; stop that one first") from error
        return descriptor


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


class JournalReader:
    """The reading side: any process, any number, while the broker writes.

    Remembers its place: each call of `entries` goes on after the last entry it yielded.
    """

    def __init__(self, folder: Path, after: int = 0) -> None:
        self._folder = folder
        self.position = after
        self._segment: Segment | None = None

    def entries(self, upto: int = 2**63) -> Iterator[Entry]:
        """Yield what comes after the present position, to `upto` (the durable head when the broker is alive).

        Raises:
            JournalError: the journal is damaged there.
        """
        while self.position < upto:
            if self._segment is None and not self._open():
                return
            assert self._segment is not None
            for entry in self._segment.entries(self.position, upto):
                if entry.sequence != self.position + 1:
                    raise JournalError(f"sequence {self.position + 1} is missing; {entry.sequence} follows")
                self.position = entry.sequence
                yield entry
            if not self._passed(self._segment):
                return

    def seek(self, after: int) -> None:
        """Go on after this sequence; only forwards."""
        self.position = max(self.position, after)
        if self._segment is not None and self._path_ahead() != self._segment.path:
            self.close()

    def close(self) -> None:
        if self._segment is not None:
            self._segment.close()
            self._segment = None

    def _open(self) -> bool:
        path = self._path_ahead()
        if path is not None:
            self._segment = Segment(path)
        return path is not None

    def _path_ahead(self) -> Path | None:
        """Return the segment in which the next entry is or will be; None where there is none yet."""
        behind = [path for first, path in segments(self._folder) if first <= self.position + 1]
        return behind[-1] if behind else None

    def _passed(self, segment: Segment) -> bool:
        """Return whether this segment is finished and a next one exists; then let go of it."""
        following = segment_path(self._folder, self.position + 1)
        if following != segment.path and following.exists() and segment.last_sequence <= self.position:
            self.close()
            return True
        return False


def is_open(folder: Path) -> bool:
    """Return whether a broker holds this journal now."""
    try:
        descriptor = os.open(folder / "lock", os.O_RDWR)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(descriptor)
    return False
