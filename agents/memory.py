"""The memory of a project: facts and progress that missions have learned, in one SQLite file that they share.

1. Only what passed all gates gets in, under the id of the verdict that let it in; the same verdict twice counts once.
2. The same fact again grows in count and becomes young again. Other values for its key are kept beside it, and both
   are shown as contradicting each other. Of progress only the latest is kept: what it was before was true then.
3. What was forgotten does not come back from the verdict that once brought it.
"""

import os
import re
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Final

from protocol.errors import SourceError

MOST_RECALLED: Final = 20
MOST_CHARACTERS: Final = 4_096  # of one fact: a sentence or a few, not a document
_MOST_WORDS: Final = 64
_SOURCES_SHOWN: Final = 5
_WAIT_S: Final = 2.0
_SCHEMA: Final = 1
_TABLES: Final = (
    """CREATE TABLE IF NOT EXISTS facts (
        id INTEGER PRIMARY KEY AUTOINCREMENT, project TEXT NOT NULL, kind TEXT NOT NULL, key TEXT NOT NULL,
        value TEXT NOT NULL, first_ns INTEGER NOT NULL, last_ns INTEGER NOT NULL, count INTEGER NOT NULL,
        UNIQUE (project, kind, key, value))""",
    """CREATE TABLE IF NOT EXISTS sources (
        fact INTEGER NOT NULL, run TEXT NOT NULL, task TEXT NOT NULL, agent TEXT NOT NULL, message TEXT NOT NULL,
        sequence INTEGER NOT NULL, recorded_ns INTEGER NOT NULL)""",
    "CREATE INDEX IF NOT EXISTS sources_by_fact ON sources (fact, recorded_ns)",
    # What was ever taken in, also of what is forgotten: names only, so that a resumed run does not bring it back.
    """CREATE TABLE IF NOT EXISTS taken (
        message TEXT, recorded_ns INTEGER, name TEXT, PRIMARY KEY (message, recorded_ns, name)) WITHOUT ROWID""",
    "CREATE VIRTUAL TABLE IF NOT EXISTS words USING fts5(key, value, tokenize = 'porter unicode61')",
)
_NO_FTS5: Final = (
    f"this Python's SQLite {sqlite3.sqlite_version} has no FTS5, by which the memory finds words; take a Python that "
    'has it, or set memory = "off"'
)
_WORD: Final = re.compile(r"\w+")


class Kind(Enum):
    FACT = "fact"
    PROGRESS = "progress"


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where something was learned. message: the verdict that let it in; sequence: where that stands in the journal."""

    run: str
    task: str
    agent: str
    message: str
    sequence: int
    recorded_ns: int


@dataclass(frozen=True, slots=True)
class Learned:
    """What one accepted result tells. name: under which the result carries it."""

    kind: Kind
    name: str
    key: str
    value: str
    source: Source


@dataclass(frozen=True, slots=True)
class Fact:
    """What is known. count: how often it was learned. sources: the latest first, not all of many.

    contradicts: the numbers of facts that say something else under the same key.
    """

    id: int
    project: str
    kind: Kind
    key: str
    value: str
    first_ns: int
    last_ns: int
    count: int
    sources: tuple[Source, ...] = ()
    contradicts: tuple[int, ...] = ()

    def age_s(self, now_ns: int) -> float:
        return (now_ns - self.last_ns) / 1e9


@dataclass(frozen=True, slots=True)
class Memory:
    """The memory in a file, as one project uses it. It holds nothing open.

    clock_ns: nanoseconds since 1970. Every method raises SourceError where the file, a lock or this machine's SQLite
    do not let it.
    """

    path: Path
    project: str
    clock_ns: Callable[[], int] = time.time_ns

    def learn(self, learned: Sequence[Learned]) -> int:
        """Take in what accepted results tell, all or nothing; return how much of it was not taken in before."""
        with self._opened() as index, _transaction(index):
            return sum(self._take(index, one) for one in learned)

    def recall(self, query: str, most: int = MOST_RECALLED) -> tuple[Fact, ...]:
        """Return what is known in this project about some words, the most relevant first.

        Of a key that is found all values are returned, so that nobody hears one side of a contradiction only.
        """
        found = self.listed(query, self.project, most)
        keys = dict.fromkeys((fact.kind, fact.key) for fact in found)
        known = {fact.id: fact for fact in found}
        others = [other for fact in found for other in fact.contradicts if other not in known]
        known |= {fact.id: fact for fact in self._read("facts.id IN (SELECT value FROM json_each(?))", (str(others),))}
        order = list(keys)
        return tuple(sorted(known.values(), key=lambda fact: order.index((fact.kind, fact.key))))

    def listed(self, query: str = "", project: str | None = None, most: int = -1) -> tuple[Fact, ...]:
        """Return what is known, of one project or of all: about some words the most relevant first, else the latest.

        Raises:
            SourceError: there is no word in the query.
        """
        if not query:
            return self._read("(?1 IS NULL OR project = ?1)", (project,), "last_ns DESC, facts.id DESC", most)
        # bm25 is negative, the better the smaller; words of the key say what a fact is about.
        order = "bm25(words, 2.0, 1.0), last_ns DESC, facts.id DESC"
        where = "(?1 IS NULL OR project = ?1) AND words MATCH ?2"
        return self._read(where, (project, _match(query)), order, most)

    def forget(
        self, number: int | None = None, *, older_than_s: float | None = None, project: str | None = None
    ) -> tuple[Fact, ...]:
        """Remove a fact, or what was not learned again for so long, or all; return what was removed."""
        if not self.path.exists():
            return ()
        until_ns = None if older_than_s is None else self.clock_ns() - int(older_than_s * 1e9)
        where = "(?1 IS NULL OR facts.id = ?1) AND (?2 IS NULL OR last_ns < ?2) AND (?3 IS NULL OR project = ?3)"
        with self._opened() as index:
            with _transaction(index):
                gone = _facts(index, where, (number, until_ns, project), "facts.id", -1)
                for fact in gone:
                    _remove(index, fact.id)
            if gone:
                # Words of what was removed stay in older parts of the word index until these are put together.
                index.execute("INSERT INTO words (words) VALUES ('optimize')")
        return gone

    def check(self) -> None:
        """Find out before anything is begun whether this machine can keep a memory."""
        with closing(sqlite3.connect(":memory:")) as index:
            try:
                index.execute("CREATE VIRTUAL TABLE words USING fts5(key)")
            except sqlite3.Error as error:
                raise SourceError(_NO_FTS5) from error

    def _take(self, index: sqlite3.Connection, one: Learned) -> bool:
        # With its moment: message ids follow from the run's, and two folders may be called alike.
        place = (one.source.message, one.source.recorded_ns, one.name)
        if not index.execute("INSERT OR IGNORE INTO taken VALUES (?, ?, ?)", place).rowcount:
            return False
        if one.kind is Kind.PROGRESS and not self._is_latest(index, one):
            return True
        number = self._put(index, one)
        source = one.source
        row = (number, source.run, source.task, source.agent, source.message, source.sequence, source.recorded_ns)
        index.execute("INSERT INTO sources VALUES (?, ?, ?, ?, ?, ?, ?)", row)
        return True

    def _is_latest(self, index: sqlite3.Connection, one: Learned) -> bool:
        """Whether progress is no older than what is known of it; what it replaces is removed."""
        chosen = "SELECT id, last_ns, value FROM facts WHERE project = ? AND kind = ? AND key = ?"
        for number, last_ns, value in index.execute(chosen, (self.project, one.kind.value, one.key)).fetchall():
            if last_ns > one.source.recorded_ns:
                return False
            if value != one.value:
                _remove(index, number)
        return True

    def _put(self, index: sqlite3.Connection, one: Learned) -> int:
        """Add a fact, or count it once more; return its number."""
        at_ns = one.source.recorded_ns
        again = """
            UPDATE facts SET count = count + 1, first_ns = min(first_ns, ?1), last_ns = max(last_ns, ?1)
            WHERE project = ?2 AND kind = ?3 AND key = ?4 AND value = ?5 RETURNING id"""
        whose = (self.project, one.kind.value, one.key, one.value)
        known = index.execute(again, (at_ns, *whose)).fetchall()
        if known:
            return int(known[0][0])
        added = "INSERT INTO facts (project, kind, key, value, first_ns, last_ns, count) VALUES (?, ?, ?, ?, ?, ?, 1)"
        number = index.execute(added, (*whose, at_ns, at_ns)).lastrowid or 0
        index.execute("INSERT INTO words (rowid, key, value) VALUES (?, ?, ?)", (number, one.key, one.value))
        return number

    def _read(
        self, where: str, values: tuple[str | None, ...], order: str = "facts.id", most: int = -1
    ) -> tuple[Fact, ...]:
        if not self.path.exists():
            return ()
        with self._opened() as index:
            return _facts(index, where, values, order, most)

    @contextmanager
    def _opened(self) -> Iterator[sqlite3.Connection]:
        """Open the file, which is made where it is missing, for its owner only."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            os.close(os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
            with closing(sqlite3.connect(self.path, timeout=_WAIT_S, isolation_level=None)) as index:
                index.execute("PRAGMA secure_delete = ON")  # what is forgotten shall not stay in unused pages
                _prepare(index)
                yield index
        except (sqlite3.Error, OSError) as error:
            raise self._unusable(error) from error

    def _unusable(self, error: Exception) -> SourceError:
        if str(error) == "no such module: fts5":
            return SourceError(_NO_FTS5)
        return SourceError(f"the memory in {self.path} cannot be used: {error}")


def _prepare(index: sqlite3.Connection) -> None:
    [version] = index.execute("PRAGMA user_version").fetchone()
    if version == _SCHEMA:
        return
    if version:
        raise sqlite3.DatabaseError(f"it is of version {version}, this release reads version {_SCHEMA}")
    with _transaction(index):
        for table in _TABLES:
            index.execute(table)
        index.execute(f"PRAGMA user_version = {_SCHEMA}")


@contextmanager
def _transaction(index: sqlite3.Connection) -> Iterator[None]:
    """Write all of the block or nothing: where it fails the connection is closed, which undoes it."""
    index.execute("BEGIN IMMEDIATE")
    yield
    index.execute("COMMIT")


def _facts(
    index: sqlite3.Connection, where: str, values: tuple[str | int | None, ...], order: str, most: int
) -> tuple[Fact, ...]:
    columns = "facts.id, project, kind, facts.key, facts.value, first_ns, last_ns, count"
    joined = "facts JOIN words ON words.rowid = facts.id" if "words" in where else "facts"
    rows = index.execute(f"SELECT {columns} FROM {joined} WHERE {where} ORDER BY {order} LIMIT {most:d}", values)
    return tuple(_with_sources(index, row) for row in rows.fetchall())


def _with_sources(index: sqlite3.Connection, row: tuple[int, str, str, str, str, int, int, int]) -> Fact:
    number, project, kind, key, value, first_ns, last_ns, count = row
    chosen = "SELECT run, task, agent, message, sequence, recorded_ns FROM sources WHERE fact = ?"
    rows = index.execute(f"{chosen} ORDER BY recorded_ns DESC, rowid DESC LIMIT {_SOURCES_SHOWN}", (number,))
    names = ("run", "task", "agent", "message", "sequence", "recorded_ns")
    sources = tuple(Source(**dict(zip(names, one, strict=True))) for one in rows)
    other = "SELECT id FROM facts WHERE project = ? AND kind = ? AND key = ? AND id <> ? ORDER BY id"
    contradicts = tuple(found for (found,) in index.execute(other, (project, kind, key, number)))
    return Fact(number, project, Kind(kind), key, value, first_ns, last_ns, count, sources, contradicts)


def _remove(index: sqlite3.Connection, number: int) -> None:
    index.execute("DELETE FROM sources WHERE fact = ?", (number,))
    index.execute("DELETE FROM words WHERE rowid = ?", (number,))
    index.execute("DELETE FROM facts WHERE id = ?", (number,))


def _match(query: str) -> str:
    """Return a query for FTS5 that any of the words answers; quoted, none of them is an operator."""
    words = _WORD.findall(query)[:_MOST_WORDS]
    if not words:
        raise SourceError(f"{query!r} names no word to look for")
    return " OR ".join(f'"{word}"' for word in words)
