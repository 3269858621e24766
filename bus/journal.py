"""The journal: a folder of segments to which one broker appends.

1. One broker at a time: an exclusive lock is held as long as the journal is open.
2. `append` returns only when the group is on disk; before that nobody may hear of it.
3. Only an incomplete last chunk is cut when a journal is opened, and its bytes are kept aside.
   Any other damage, a gap, or a head below the last seal or mark, stops the start with an error.
   Which of the two it is, `bus.tear` tells.
4. Every opening begins a new segment and closes the one before it properly.
5. A file gets its name only when its content is synced, and nothing is cut before its copy is: so a power cut
   at any moment leaves a journal that opens.
"""

import contextlib
import os
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final

from bus.faults import reached
from bus.files import FRESH, keep, sync_names, write_all
from bus.lock import is_open, locked
from bus.records import CHUNK_BYTES, RECORD_BYTES, Channels, ChunkPlace, Draft, Entry, chunk, ending, preamble
from bus.segment import Segment, segment_path, segments
from bus.tear import is_ending, is_incomplete, mark, mark_path, marked
from protocol.errors import JournalError
from protocol.schema import schema_bytes, schema_digest

SEGMENT_BYTES: Final = 64 * 1024 * 1024
TO_THE_END: Final = 2**63 - 1  # the highest number that a frame may carry


class Journal:
    """The writing side. Not thread-safe; one process holds it.

    on_entry: called for every entry found when opening, so that indexes need no second reading.
    set_aside: the files in which opening kept what it cut.
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
            JournalError: another broker holds it, it cannot be written, it is damaged, or it ends before `sealed_upto`.
        """
        self._folder, self._segment_bytes, self._syncs, self._clock_ns = folder, segment_bytes, syncs, clock_ns
        self.head = 0
        self.set_aside: list[Path] = []
        self._last_ns = 0
        self._lock = self._descriptor = self._mark = -1
        try:
            self._open(on_entry, sealed_upto)
        except OSError as error:
            self._release()
            raise JournalError(f"{error.filename or folder}: {error.strerror}; the journal cannot be opened") from error
        except BaseException:
            self._release()
            raise

    def _open(self, on_entry: Callable[[Entry], None], sealed_upto: int) -> None:
        folder = self._folder
        folder.mkdir(parents=True, exist_ok=True)
        self._lock = locked(folder / "lock")
        self._sync_names()
        marked_upto = marked(folder)
        self._recover(on_entry, marked_upto)
        if self.head < sealed_upto:
            raise JournalError(f"{folder} ends at {self.head}, but a seal vouches for {sealed_upto}: it was cut")
        if self.head < marked_upto:
            there = f"{folder} ends at {self.head}, but {marked_upto} entries were acknowledged"
            raise JournalError(f"{there}: it was cut; to go on without them, remove {mark_path(folder)}")
        self._mark = os.open(mark_path(folder), os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self._begin()

    def append(self, documents: Sequence[Draft]) -> list[Entry]:
        """Write documents as one group and return them as entries, on disk.

        documents: topic, raw bytes and, where it was signed, the signature.

        Raises:
            JournalError: the disk would not take it; nothing of the group counts as written.
        """
        first_ns = max(self._last_ns + 1, self._clock_ns())
        entries = [Entry(self.head + 1 + n, first_ns + n, *document) for n, document in enumerate(documents)]
        self._make_ready()
        counts = dict(self._channels.counts)
        try:
            raw = chunk(entries, self._channels)
            reached("broker.before-write")
            reached("broker.mid-write", lambda: os.write(self._descriptor, raw[: len(raw) // 2]))
            self._write(raw)
        except (OSError, JournalError) as error:
            self._undo(counts)
            if isinstance(error, JournalError):
                raise
            raise JournalError(f"{self._path}: {error.strerror}; nothing was accepted") from error
        self._note(entries, raw)
        return entries

    def close(self) -> None:
        """Write the segment's ending and let the lock go."""
        if self._lock >= 0:
            if self._descriptor >= 0:
                self._finish()
            self._release()

    def _release(self) -> None:
        self._let_go()
        for descriptor in (self._mark, self._lock):
            if descriptor >= 0:
                os.close(descriptor)
        self._mark = self._lock = -1

    def _make_ready(self) -> None:
        """Have a segment that ends on a whole record."""
        if self._descriptor >= 0 and self._offset > self._segment_bytes:
            self._finish()
            reached("broker.mid-rotation")
        if self._descriptor < 0:
            self._begin()
        elif self._has_remains:
            try:
                self._cut()
            except OSError as error:
                raise JournalError(f"{self._path}: {error.strerror}; nothing was accepted") from error

    def _note(self, entries: Sequence[Entry], raw: bytes) -> None:
        first_ns, last_ns = entries[0].recorded_ns, entries[-1].recorded_ns
        self._places.append(
            ChunkPlace(self._offset, len(raw), first_ns, last_ns, len(raw) - RECORD_BYTES - CHUNK_BYTES)
        )
        self._offset += len(raw)
        self.head, self._last_ns = entries[-1].sequence, last_ns
        if self._syncs:
            # Evidence for the next opening, not a promise: entries are on disk with or without it.
            with contextlib.suppress(OSError):
                os.pwrite(self._mark, mark(self.head), 0)

    def _write(self, raw: bytes) -> None:
        write_all(self._descriptor, raw)
        reached("broker.before-sync")
        if self._syncs:
            os.fdatasync(self._descriptor)

    def _undo(self, counts: dict[int, int]) -> None:
        """Take a failed group back: its channels now, its bytes now or before the next group."""
        channels = self._channels
        for number in channels.counts.keys() - counts.keys():
            del channels.ids[channels.topics.pop(number)]
        channels.counts = counts
        self._has_remains = True
        with contextlib.suppress(OSError):
            self._cut()

    def _cut(self) -> None:
        os.ftruncate(self._descriptor, self._offset)
        os.lseek(self._descriptor, self._offset, os.SEEK_SET)
        self._has_remains = False

    def _begin(self) -> None:
        self._path = segment_path(self._folder, self.head + 1)
        self._channels, self._places, self._has_remains = Channels(), list[ChunkPlace](), False
        unnamed = self._folder / "next"
        raw = preamble(schema_bytes(), schema_digest())
        try:
            self._descriptor = os.open(unnamed, FRESH, 0o600)
            self._write(raw)
            os.replace(unnamed, self._path)
            self._sync_names()
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
        raw = ending(self._places, self._channels, schema_bytes(), self._offset)
        try:
            self._cut()
            self._write(raw)
        except OSError:
            # The ending is a convenience for other readers; every entry is already on disk.
            with contextlib.suppress(OSError):
                self._cut()
        self._let_go()

    def _sync_names(self) -> None:
        if self._syncs:
            sync_names(self._folder)

    def _recover(self, on_entry: Callable[[Entry], None], marked_upto: int) -> None:
        """Read everything, cut an incomplete last chunk, and see that every segment is closed properly."""
        found = segments(self._folder)
        for place, (first, path) in enumerate(found):
            if first != self.head + 1:
                raise JournalError(f"{path.name}: begins at {first}, the journal reaches to {self.head}")
            segment = Segment(path, keeps_places=True)
            try:
                trouble = self._take_in(segment, on_entry)
                following = found[place + 1][0] if place + 1 < len(found) else None
                if trouble is not None and not self._hides_nothing(segment, following, marked_upto):
                    raise trouble
                if not segment.is_closed or not is_ending(segment.rest(), segment.offset):
                    self._close_torn(segment)
            finally:
                segment.close()

    def _take_in(self, segment: Segment, on_entry: Callable[[Entry], None]) -> JournalError | None:
        """Read a segment as far as it is whole and return what stopped the reading before its end."""
        name = segment.path.name
        try:
            for entry in segment.entries(0, TO_THE_END):
                if entry.sequence != self.head + 1:
                    return JournalError(f"{name}: entry {entry.sequence} follows {self.head}")
                self.head, self._last_ns = entry.sequence, entry.recorded_ns
                segment.channels.count(entry)
                on_entry(entry)
        except JournalError as error:
            return error
        if segment.is_closed or segment.offset == segment.size_bytes():
            return None
        return _cut_short(segment)

    def _hides_nothing(self, segment: Segment, following: int | None, marked_upto: int) -> bool:
        """Return whether no acknowledged entry can be in what was not read of a segment."""
        # Not the head: a chunk counts when all of it was taken in.
        whole_upto = segment.last_sequence or int(segment.path.stem) - 1
        if following is not None:
            return following == whole_upto + 1
        return whole_upto >= marked_upto and segment.is_begun and is_incomplete(segment.rest(), segment.offset)

    def _close_torn(self, segment: Segment) -> None:
        """Keep aside what follows the last whole chunk, and write the ending in its place."""
        path, whole = segment.path, segment.offset
        rest = segment.rest()
        if rest:
            self.set_aside.append(keep(self._folder, f"torn-{path.stem}-{whole}", rest, syncs=self._syncs))
        if not segment.places:
            return  # nothing was ever acknowledged from it; this opening begins it anew
        raw = ending(segment.places, segment.channels, schema_bytes(), whole)
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        try:
            os.ftruncate(descriptor, whole)
            os.lseek(descriptor, whole, os.SEEK_SET)
            try:
                write_all(descriptor, raw)
            except OSError:
                os.ftruncate(descriptor, whole)  # as in _finish
            # Its last chunk may be whole without ever having been synced, and from now on it counts.
            if self._syncs:
                os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _cut_short(segment: Segment) -> JournalError:
    return JournalError(f"{segment.path.name}, byte {segment.offset:,}: cut short, but more was written after that")


class JournalReader:
    """The reading side: any process, any number, while the broker writes.

    Remembers its place: each call of `entries` goes on after the last entry it yielded.
    """

    def __init__(self, folder: Path, after: int = 0) -> None:
        self._folder = folder
        self.position = after
        self._segment: Segment | None = None

    def entries(self, upto: int = TO_THE_END) -> Iterator[Entry]:
        """Yield what comes after the present position, to `upto` (the durable head when the broker is alive).

        Raises:
            JournalError: the journal is damaged there, or ends before an `upto` that was named.
        """
        while self.position < upto:
            if self._segment is None and not self._open():
                self._check_pruned()
                break
            assert self._segment is not None
            yield from self._segment_entries(self._segment, upto)
            if not self._passed(self._segment):
                break
        if self.position < upto < TO_THE_END:
            raise self._too_short(upto)
        if upto == TO_THE_END and not is_open(self._folder):
            self._check_end()

    def _check_end(self) -> None:
        """Raise where a journal that nobody writes ends before what is known of it."""
        marked_upto, segment = marked(self._folder), self._segment
        if self.position < marked_upto:
            raise self._too_short(marked_upto)
        if segment is None or segment.is_closed or segment.offset == segment.size_bytes():
            return
        if not self._hides_nothing(segment, TO_THE_END):
            raise _cut_short(segment)

    def _too_short(self, upto: int) -> JournalError:
        there = f"{self._folder} ends at {self.position}, but {upto} entries were acknowledged"
        return JournalError(f"{there}: it was cut, or pruned")

    def _check_pruned(self) -> None:
        """Say so where what comes next was taken out: it must not look like the end."""
        if any(first > self.position + 1 for first, _ in segments(self._folder)):
            following = segments(self._folder)[0][0]
            raise JournalError(f"entries {self.position + 1} to {following - 1} are not in {self._folder}: pruned?")

    def _segment_entries(self, segment: Segment, upto: int) -> Iterator[Entry]:
        try:
            for entry in segment.entries(self.position, upto):
                if entry.sequence != self.position + 1:
                    raise JournalError(f"sequence {self.position + 1} is missing; {entry.sequence} follows")
                self.position = entry.sequence
                yield entry
        except JournalError:
            if not self._hides_nothing(segment, upto):
                raise

    def _hides_nothing(self, segment: Segment, upto: int) -> bool:
        """Return whether no acknowledged entry can be in what was not read of a segment; as when a journal opens."""
        path = segments(self._folder)[-1][1]
        if path != segment.path:
            return segment_path(self._folder, self.position + 1).exists()
        if upto < TO_THE_END or not segment.is_begun or self.position < marked(self._folder):
            return False
        return is_incomplete(segment.rest(), segment.offset)

    def seek(self, after: int) -> None:
        """Go on after this sequence; only forwards."""
        self.position = max(self.position, after)
        if self._segment is not None and self._path_ahead() != self._segment.path:
            self.close()

    def close(self) -> None:
        if self._segment is not None:
            self._segment.close()
            self._segment = None

    @property
    def path(self) -> Path | None:
        """The segment that is being read."""
        return self._segment.path if self._segment is not None else None

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
