"""The SQLite projection of a journal: what an audit is asked, in tables. Rebuilt from the journal at will."""

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from bus.faults import reached
from bus.records import Entry
from observers.chain import START, link
from observers.summary import describe
from protocol.bodies import VerdictReport
from protocol.decoder import reread
from protocol.errors import JournalError
from protocol.messages import Message

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS place (one INTEGER PRIMARY KEY CHECK (one = 1), position INTEGER, head BLOB);
CREATE TABLE IF NOT EXISTS messages (
    sequence INTEGER PRIMARY KEY, recorded_ns INTEGER, topic TEXT, id TEXT, sender TEXT, recipient TEXT,
    type TEXT, priority TEXT, task TEXT, parent_task TEXT, mission TEXT, cause TEXT, attempt INTEGER,
    bytes INTEGER, said TEXT);
CREATE INDEX IF NOT EXISTS messages_by_task ON messages (task);
CREATE INDEX IF NOT EXISTS messages_by_id ON messages (id);
CREATE TABLE IF NOT EXISTS verdicts (
    sequence INTEGER PRIMARY KEY, judged TEXT, task TEXT, attempt INTEGER, decision TEXT, reason TEXT,
    input TEXT, hallucination TEXT, boundary TEXT, output TEXT, escalation TEXT);
CREATE TABLE IF NOT EXISTS usages (
    sequence INTEGER PRIMARY KEY, recorded_ns INTEGER, agent TEXT, task TEXT, provider TEXT, model TEXT,
    input_tokens INTEGER, output_tokens INTEGER, cache_read_tokens INTEGER, cache_write_tokens INTEGER,
    cost_nano_usd INTEGER);
"""


class Projection:
    """The tables and how far they go. One writer, the recorder; any number of readers."""

    def __init__(self, path: Path) -> None:
        """Open or make it.

        Raises:
            JournalError: the file is not ours or not a database; deleting it loses nothing.
        """
        try:
            self._db = sqlite3.connect(path, isolation_level=None)
            self._db.execute("PRAGMA journal_mode = WAL")
            self._db.execute("PRAGMA synchronous = NORMAL")
            self._db.executescript(_SCHEMA)
        except sqlite3.DatabaseError as error:
            raise JournalError(f"{path}: {error}; delete it, it is rebuilt from the journal") from error

    @classmethod
    def over(cls, db: sqlite3.Connection) -> "Projection":
        """Return the projection that lives in an open database; its tables are made where they are missing."""
        projection = cls.__new__(cls)
        projection._db = db
        db.executescript(_SCHEMA)
        return projection

    def place(self) -> tuple[int, bytes]:
        """Return the last sequence taken in and the chain's head there."""
        row = self._db.execute("SELECT position, head FROM place").fetchone()
        return (int(row[0]), bytes(row[1])) if row else (0, START)

    def take(self, entries: Iterable[Entry]) -> tuple[int, bytes]:
        """Take entries in, all or none, and return the new place."""
        position, head = self.place()
        with self._transaction():
            for entry in entries:
                if entry.sequence != position + 1:
                    raise JournalError(f"entry {entry.sequence} follows {position}: something is missing")
                position, head = entry.sequence, link(head, entry)
                self._row(entry)
                reached("recorder.mid-projection")
            self._db.execute("INSERT OR REPLACE INTO place VALUES (1, ?, ?)", (position, head))
        return position, head

    def begin_at(self, position: int, head: bytes) -> None:
        """Leave out what comes before a sequence: it was pruned."""
        self._db.execute("INSERT OR REPLACE INTO place VALUES (1, ?, ?)", (position, head))

    def clear(self) -> None:
        """Forget everything, to be rebuilt."""
        with self._transaction():
            for table in ("place", "messages", "verdicts", "usages"):
                self._db.execute(f"DELETE FROM {table}")

    def close(self) -> None:
        self._db.close()

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    def _row(self, entry: Entry) -> None:
        message = reread(entry.document)
        self._db.execute(
            "INSERT INTO messages VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
            (
                entry.sequence,
                entry.recorded_ns,
                entry.topic,
                message.id,
                message.sender,
                message.recipient,
                message.type.value,
                message.priority.value,
                message.task,
                message.parent_task,
                message.mission,
                message.cause,
                message.attempt,
                len(entry.document),
                describe(message),
            ),
        )
        self._verdict(entry, message)
        self._usage(entry, message)

    def _verdict(self, entry: Entry, message: Message) -> None:
        body, gates = message.body, message.gates
        if not isinstance(body, VerdictReport):
            return
        marks = [mark.value for mark in gates.__dict__.values()] if gates else [""] * 5
        self._db.execute(
            "INSERT INTO verdicts VALUES (?,?,?,?,?,?,?,?,?,?,?)",
            (entry.sequence, body.judged, message.task, message.attempt, body.decision.value, body.reason, *marks),
        )

    def _usage(self, entry: Entry, message: Message) -> None:
        usage = message.usage
        if usage is None:
            return
        self._db.execute(
            "INSERT INTO usages VALUES (?,?,?,?,?,?,?,?,?,?,?)",
            (entry.sequence, entry.recorded_ns, message.sender, message.task, *usage.__dict__.values()),
        )
