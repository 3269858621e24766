"""The index of kept results: an SQLite database that several processes use at once and that may be damaged any time.

1. Whoever reads or adds holds the folder's lock together with others; whoever removes files holds it alone.
2. A damaged index is set aside, the last one is kept, and a new one is begun; the files it named go with it.
3. Nothing waits longer than seconds: a process that was stopped while it held the lock must not stop the rest.
"""

import fcntl
import os
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final, TypeVar

from protocol.errors import SourceError

T = TypeVar("T")
CONTENTS: Final = "contents"
INDEX: Final = "index.db"
_WAIT_S: Final = 2.0
_SCHEMA: Final = 1
# Small columns come first: SQLite reads past a long one to get at what stands behind it.
_TABLES: Final = """
CREATE TABLE IF NOT EXISTS entries (
    key TEXT PRIMARY KEY, agent TEXT NOT NULL, used_ns INTEGER NOT NULL, uses INTEGER NOT NULL, bytes INTEGER NOT NULL,
    created_ns INTEGER NOT NULL, max_age_s INTEGER NOT NULL, folder TEXT NOT NULL, run TEXT NOT NULL,
    task TEXT NOT NULL, digest TEXT NOT NULL, spelled TEXT NOT NULL, document BLOB NOT NULL);
CREATE INDEX IF NOT EXISTS entries_by_use ON entries (used_ns, bytes);
CREATE TABLE IF NOT EXISTS parts (
    key TEXT NOT NULL, digest TEXT NOT NULL, bytes INTEGER NOT NULL, PRIMARY KEY (key, digest)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS parts_by_digest ON parts (digest, bytes);
CREATE TABLE IF NOT EXISTS tallies (
    agent TEXT PRIMARY KEY, hits INTEGER NOT NULL DEFAULT 0, misses INTEGER NOT NULL DEFAULT 0,
    dropped INTEGER NOT NULL DEFAULT 0);
"""
# What SQLite says of a file that is torn, is no database, or has other tables than ours.
_DAMAGE: Final = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_ERROR)


class _OtherVersion(sqlite3.DatabaseError):
    sqlite_errorcode = sqlite3.SQLITE_NOTADB


def with_index(folder: Path, work: Callable[[sqlite3.Connection], T], *, alone: bool = False) -> T:
    """Do something with the index, under the lock; where it turns out to be damaged, with a new one.

    Raises:
        SourceError: disk or lock do not let it, or others may write in the folder.
    """
    try:
        # Two that make a database at once would stand in each other's way; SQLite does not wait there.
        with _locked(folder, alone=alone or not (folder / INDEX).exists()), _opened(folder) as index:
            return work(index)
    except sqlite3.DatabaseError as error:
        if not _is_damage(error):
            raise _unusable(folder, error) from error
    except OSError as error:
        raise _unusable(folder, error) from error
    try:
        with _locked(folder, alone=True):
            return _mended(folder, work)
    except (sqlite3.DatabaseError, OSError) as error:
        raise _unusable(folder, error) from error


def _mended(folder: Path, work: Callable[[sqlite3.Connection], T]) -> T:
    try:
        with _opened(folder) as index:
            return work(index)  # somebody else has begun anew meanwhile
    except sqlite3.DatabaseError as error:
        if not _is_damage(error):
            raise
    _set_aside(folder)
    with _opened(folder) as index:
        sweep(folder, index)
        with transaction(index):
            count(index, "", "dropped")
        return work(index)


def _set_aside(folder: Path) -> None:
    for ending in ("", "-wal", "-shm"):
        path = folder / (INDEX + ending)
        if path.exists():
            path.replace(folder / f"damaged-{INDEX}{ending}")


def sweep(folder: Path, index: sqlite3.Connection) -> None:
    """Remove files that no row names, such as those of whoever died between file and row; the lock is held alone."""
    named = {digest for (digest,) in index.execute("SELECT DISTINCT digest FROM parts")}
    for path in (folder / CONTENTS).glob("*/*"):
        if path.parent.name + path.name not in named:
            path.unlink(missing_ok=True)


@contextmanager
def transaction(index: sqlite3.Connection) -> Iterator[None]:
    """Write all of the block or nothing: where it fails the connection is closed, which undoes it."""
    index.execute("BEGIN IMMEDIATE")
    yield
    index.execute("COMMIT")


def count(index: sqlite3.Connection, agent: str, what: str) -> None:
    """Count one more of hits, misses or dropped."""
    index.execute("INSERT OR IGNORE INTO tallies (agent) VALUES (?)", (agent,))
    index.execute(f"UPDATE tallies SET {what} = {what} + 1 WHERE agent = ?", (agent,))


@contextmanager
def _opened(folder: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(folder / INDEX, timeout=_WAIT_S, isolation_level=None)) as index:
        index.text_factory = _text
        index.execute("PRAGMA journal_mode = WAL")
        index.execute("PRAGMA synchronous = NORMAL")
        [version] = index.execute("PRAGMA user_version").fetchone()
        if version == 0:
            index.executescript(f"{_TABLES} PRAGMA user_version = {_SCHEMA};")
        elif version != _SCHEMA:
            raise _OtherVersion(f"an index of version {version}")
        yield index


def _text(raw: bytes) -> str:
    """A text that is no UTF-8 any more is found out by its digest; an error here would stop the whole reading."""
    return raw.decode(errors="replace")


@contextmanager
def _locked(folder: Path, *, alone: bool) -> Iterator[None]:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    status = folder.stat()
    if status.st_uid != os.getuid() or status.st_mode & 0o022:
        raise SourceError(f"{folder} can be written by others, who could plant results; choose another `cache`")
    descriptor = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        _take(descriptor, fcntl.LOCK_EX if alone else fcntl.LOCK_SH)
        yield
    finally:
        os.close(descriptor)


def _take(descriptor: int, how: int) -> None:
    deadline_s = time.monotonic() + _WAIT_S
    while True:
        try:
            return fcntl.flock(descriptor, how | fcntl.LOCK_NB)
        except BlockingIOError as error:
            if time.monotonic() > deadline_s:
                raise TimeoutError(f"another process has held the lock for {_WAIT_S:.0f} s") from error
            time.sleep(0.01)


def _is_damage(error: sqlite3.DatabaseError) -> bool:
    # The lower byte is the kind of error; the rest says where inside SQLite it was found.
    return getattr(error, "sqlite_errorcode", 0) & 0xFF in _DAMAGE


def _unusable(folder: Path, error: Exception) -> SourceError:
    return SourceError(f"the kept results in {folder} cannot be used: {error}")
