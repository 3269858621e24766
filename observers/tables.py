"""A run's tables for reading: the recorder's, brought up to date in memory where the recorder is not there."""

import sqlite3
from itertools import islice
from pathlib import Path

from bus.journal import JournalReader
from bus.lock import is_open
from bus.run import RunFolder
from observers.projection import Projection
from protocol.errors import JournalError


def open_tables(run: RunFolder) -> sqlite3.Connection:
    """Return a connection to a run's tables, read-only in effect: nothing in the run's folder changes.

    While the run is alive these are the recorder's tables; afterwards what it did not get to is added.

    Raises:
        JournalError: the journal is damaged and the tables do not hold what is asked.
    """
    memory = sqlite3.connect(":memory:", isolation_level=None)
    is_live = is_open(run.journal)
    _copy(run.audit_db, memory, is_live)
    projection = Projection.over(memory)  # the recorder may not have begun: then the tables are empty
    if not is_live:
        entries = JournalReader(run.journal, projection.place()[0]).entries()
        while batch := list(islice(entries, 500)):
            projection.take(batch)
    return memory


def _copy(path: Path, memory: sqlite3.Connection, is_live: bool) -> None:
    if not path.exists():
        return
    tail = path.with_name(f"{path.name}-wal")
    # SQLite puts files beside a database that may have a tail; one that nobody writes and that has none is read as it
    # is, so that the folder stays as it was, and may be one that cannot be written.
    how = "mode=ro" if is_live or (tail.exists() and tail.stat().st_size) else "immutable=1"
    try:
        source = sqlite3.connect(f"{path.absolute().as_uri()}?{how}", uri=True)
        source.backup(memory)
        source.close()
    except sqlite3.DatabaseError as error:
        raise JournalError(f"{path}: {error}; make it again with: orchestra audit rebuild {path.parent}") from error
