"""Kept results: rows of an index and files named by their digests, in one folder that all runs of a user share.

1. What is kept is bytes. Nothing is unpickled, and all of it is held against its digest before it is handed out.
2. A row or file that is not what it was is dropped and counted; it is never used and never mended.
3. Whatever disk or lock refuse is a SourceError within seconds, and whoever asked goes on without kept results.
"""

import json
import os
import sqlite3
import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from hashlib import sha256
from pathlib import Path
from typing import Final

from agents.results_index import CONTENTS, count, sweep, transaction, with_index

MOST_BYTES: Final = 256 * 1024 * 1024
_FILLED: Final = 0.9  # of the limit, after an eviction: not every result that comes shall evict again
_ROW_BYTES: Final = 900  # of keys, digests, numbers, indexes and unused space; measured over a thousand entries
_COLUMNS: Final = ("key", "spelled", "document", "agent", "folder", "run", "task",
                   "created_ns", "max_age_s", "used_ns", "uses")  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """One kept result.

    key: the SHA-256 of `spelled`, the text of all it depends on. document: what came out; contents: the bytes
    that it refers to, by digest. folder: where its paths led. max_age_s: how old it may become.
    """

    key: str
    spelled: str
    document: bytes
    contents: Mapping[str, bytes] = field(default_factory=dict)
    agent: str
    folder: str = ""
    run: str = ""
    task: str = ""
    created_ns: int
    max_age_s: int
    used_ns: int = 0
    uses: int = 0

    def age_s(self, now_ns: int) -> float:
        return (now_ns - self.created_ns) / 1e9

    def is_fresh(self, now_ns: int, max_age_s: int) -> bool:
        """Return whether it is no older than it may be, by its own limit and this one, and not of the future."""
        return 0 <= self.age_s(now_ns) <= min(max_age_s, self.max_age_s)


@dataclass(frozen=True, slots=True)
class Missed:
    """Why there is nothing to use. is_damaged: there was something that is not what it was."""

    reason: str
    is_damaged: bool = False


@dataclass(frozen=True, slots=True)
class Tally:
    """What has come and gone of one agent. dropped: damaged or unusable entries; of agent "", damaged indexes."""

    agent: str
    entries: int
    bytes: int
    hits: int
    misses: int
    dropped: int


@dataclass(frozen=True, slots=True)
class Stats:
    """The whole store. bytes: of rows and files, each file once. oldest_ns, newest_ns: None where it is empty."""

    entries: int
    bytes: int
    oldest_ns: int | None
    newest_ns: int | None
    tallies: tuple[Tally, ...]


@dataclass(frozen=True, slots=True)
class ResultStore:
    """The store in a folder. It holds nothing open, so it can be sent to other processes.

    clock_ns: nanoseconds since 1970. Every method raises SourceError where disk or lock do not let it.
    """

    folder: Path
    most_bytes: int = MOST_BYTES
    clock_ns: Callable[[], int] = time.time_ns

    def find(self, key: str, agent: str, max_age_s: int) -> Kept | Missed:
        """Return a result that is no older than it may be; count it where there is none, drop it where it is damaged.

        Whoever uses what is found says so: `used`.
        """
        return with_index(self.folder, lambda index: self._find(index, key, agent, max_age_s))

    def used(self, kept: Kept) -> None:
        """Count one use."""

        def note(index: sqlite3.Connection) -> None:
            with transaction(index):
                index.execute(
                    "UPDATE entries SET uses = uses + 1, used_ns = ? WHERE key = ?", (self.clock_ns(), kept.key)
                )
                count(index, kept.agent, "hits")

        with_index(self.folder, note)

    def keep(self, kept: Kept) -> bool:
        """Keep a result, unless a newer one is kept or it is too large; return whether it is kept now."""
        if _row_bytes(kept) + sum(map(len, kept.contents.values())) > self.most_bytes:
            return False
        is_added, total = with_index(self.folder, lambda index: self._add(index, kept))
        if total > self.most_bytes:
            with_index(self.folder, self._trim, alone=True)
        return is_added

    def drop(self, key: str, agent: str) -> None:
        """Forget a result that turned out to be unusable, and count it."""

        def forget(index: sqlite3.Connection) -> None:
            with transaction(index):
                if _remove(index, key):
                    count(index, agent, "dropped")

        with_index(self.folder, forget)

    def clear(self, agent: str | None = None, older_than_s: float = 0) -> tuple[int, int]:
        """Remove what is kept: all, or of one agent, or older than this. Return how many entries and bytes."""
        until_ns = self.clock_ns() - int(older_than_s * 1e9)
        chosen = "SELECT key FROM entries WHERE (?1 IS NULL OR agent = ?1) AND (?2 = 0 OR created_ns < ?3)"

        def remove(index: sqlite3.Connection) -> tuple[int, int]:
            with transaction(index):
                keys = index.execute(chosen, (agent, older_than_s, until_ns)).fetchall()
                freed = sum(_remove(index, key) for (key,) in keys)
            sweep(self.folder, index)
            return len(keys), freed

        return with_index(self.folder, remove, alone=True)

    def look(self, key: str) -> Kept | Missed:
        """Return an entry as it is, whatever its age; nothing is counted and nothing dropped."""
        return with_index(self.folder, lambda index: self._read(index, key))

    def known(self, prefix: str = "") -> tuple[str, ...]:
        """Return the keys that begin so, the newest first."""
        chosen = "SELECT key FROM entries WHERE substr(key, 1, ?) = ? ORDER BY created_ns DESC"
        found = (len(prefix), prefix)
        return with_index(self.folder, lambda index: tuple(key for (key,) in index.execute(chosen, found)))

    def stats(self) -> Stats:
        return with_index(self.folder, _stats)

    def _find(self, index: sqlite3.Connection, key: str, agent: str, max_age_s: int) -> Kept | Missed:
        found = self._read(index, key)
        if isinstance(found, Kept):
            if found.is_fresh(self.clock_ns(), max_age_s):
                return found
            found = Missed("what is kept is too old")
        with transaction(index):
            count(index, agent, "misses")
            if found.is_damaged:
                _remove(index, key)
                count(index, agent, "dropped")
        return found

    def _read(self, index: sqlite3.Connection, key: str) -> Kept | Missed:
        """Return an entry whose row and files are what they were when it was kept."""
        row = index.execute(f"SELECT {', '.join(_COLUMNS)}, digest FROM entries WHERE key = ?", (key,)).fetchone()
        if row is None:
            return Missed("nothing is kept under this key")
        *values, digest = row
        kept = Kept(**dict(zip(_COLUMNS, values, strict=True)))
        if _digest_of(kept) != digest or sha256(kept.spelled.encode()).hexdigest() != key:
            return Missed(f"the row of {key[:12]} is not what it was", is_damaged=True)
        contents = {}
        for (name,) in index.execute("SELECT digest FROM parts WHERE key = ?", (key,)).fetchall():
            raw = self._content(name)
            if raw is None:
                return Missed(f"a file of {key[:12]} is not what it was", is_damaged=True)
            contents[name] = raw
        return replace(kept, contents=contents)

    def _content(self, digest: str) -> bytes | None:
        try:
            raw = self._path(digest).read_bytes()
        except (FileNotFoundError, IsADirectoryError, ValueError):
            return None
        return raw if sha256(raw).hexdigest() == digest else None

    def _add(self, index: sqlite3.Connection, kept: Kept) -> tuple[bool, int]:
        for digest, raw in kept.contents.items():
            self._write(digest, raw)
        newer = "SELECT 1 FROM entries WHERE key = ? AND created_ns > ?"
        with transaction(index):
            is_added = index.execute(newer, (kept.key, kept.created_ns)).fetchone() is None
            if is_added:
                _remove(index, kept.key)
                _insert(index, replace(kept, used_ns=self.clock_ns(), uses=0))
        return is_added, _bytes(index)

    def _write(self, digest: str, raw: bytes) -> None:
        """Write a file whole or not at all. Not synced: what a power cut takes is found out by its digest."""
        target = self._path(digest)
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor, draft = tempfile.mkstemp(dir=target.parent)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(raw)
            os.replace(draft, target)
        except OSError:
            with suppress(OSError):
                os.unlink(draft)
            raise

    def _path(self, digest: str) -> Path:
        return self.folder / CONTENTS / digest[:2] / digest[2:]

    def _trim(self, index: sqlite3.Connection) -> None:
        """Remove what is too old to be used, then what was used longest ago, until there is room again."""
        old = "SELECT key FROM entries WHERE created_ns + max_age_s * 1000000000 < ?"
        with transaction(index):
            for (key,) in index.execute(old, (self.clock_ns(),)).fetchall():
                _remove(index, key)
            total = _bytes(index)
            over = total - int(self.most_bytes * _FILLED) if total > self.most_bytes else 0
            for (key,) in index.execute("SELECT key FROM entries ORDER BY used_ns").fetchall():
                if over <= 0:
                    break
                over -= _remove(index, key)
        sweep(self.folder, index)


def _insert(index: sqlite3.Connection, kept: Kept) -> None:
    numbers = kept.used_ns, kept.uses, _row_bytes(kept), kept.created_ns, kept.max_age_s
    texts = kept.folder, kept.run, kept.task, _digest_of(kept), kept.spelled, kept.document
    row = (kept.key, kept.agent, *numbers, *texts)
    index.execute(f"INSERT INTO entries VALUES ({', '.join('?' * len(row))})", row)
    parts = [(kept.key, digest, len(raw)) for digest, raw in kept.contents.items()]
    index.executemany("INSERT INTO parts VALUES (?, ?, ?)", parts)


def _remove(index: sqlite3.Connection, key: str) -> int:
    """Remove an entry's rows and return how many bytes that frees; its files go with the next sweep."""
    sole = """
        SELECT total(bytes) FROM parts AS ours WHERE key = ?1
        AND NOT EXISTS (SELECT 1 FROM parts WHERE digest = ours.digest AND key <> ?1)"""
    [freed] = index.execute(sole, (key,)).fetchone()
    [row] = index.execute("SELECT total(bytes) FROM entries WHERE key = ?", (key,)).fetchone()
    index.execute("DELETE FROM entries WHERE key = ?", (key,))
    index.execute("DELETE FROM parts WHERE key = ?", (key,))
    return int(freed + row)


def _bytes(index: sqlite3.Connection) -> int:
    once = "SELECT total(bytes) FROM (SELECT DISTINCT digest, bytes FROM parts)"
    return int(index.execute(f"SELECT (SELECT total(bytes) FROM entries) + ({once})").fetchone()[0])


def _stats(index: sqlite3.Connection) -> Stats:
    whole = "SELECT count(*), CAST(min(created_ns) AS INTEGER), CAST(max(created_ns) AS INTEGER) FROM entries"
    entries, oldest_ns, newest_ns = index.execute(whole).fetchone()
    by_agent = """
        WITH sizes AS (
            SELECT agent, count(*) AS entries, total(bytes + coalesce(
                (SELECT sum(parts.bytes) FROM parts WHERE parts.key = entries.key), 0)) AS bytes
            FROM entries GROUP BY agent),
        names AS (SELECT agent FROM sizes UNION SELECT agent FROM tallies)
        SELECT names.agent, coalesce(entries, 0), CAST(coalesce(bytes, 0) AS INTEGER),
            coalesce(hits, 0), coalesce(misses, 0), coalesce(dropped, 0)
        FROM names LEFT JOIN sizes USING (agent) LEFT JOIN tallies USING (agent) ORDER BY names.agent"""
    tallies = tuple(Tally(*row) for row in index.execute(by_agent))
    return Stats(entries, _bytes(index), oldest_ns, newest_ns, tallies)


def _row_bytes(kept: Kept) -> int:
    texts = kept.spelled, kept.agent, kept.folder, kept.run, kept.task
    return len(kept.document) + sum(len(text.encode()) for text in texts) + _ROW_BYTES


def _digest_of(kept: Kept) -> str:
    """Return a digest of all of a row that never changes once it is written, whatever types damage has given it."""
    fixed = (kept.key, kept.spelled, kept.agent, kept.folder, kept.run, kept.task, kept.created_ns, kept.max_age_s)
    document = kept.document if isinstance(kept.document, bytes) else repr(kept.document).encode()
    return sha256(json.dumps(fixed, default=repr).encode() + b"\n" + document).hexdigest()
