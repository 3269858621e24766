"""Rows `journal append` and `journal scan`: the journal next to a plain file with length and CRC."""

import os
import struct
import time
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from benchmarks.messages import TOPIC, documents
from benchmarks.processes import run_folder
from benchmarks.rows import Aim, Effort, Row, compared, interleaved
from bus.journal import Journal, JournalReader

_GROUP: Final = 32
_HEAD: Final = struct.Struct("<II")
_APPEND: Final = f"Journal.append in groups of {_GROUP}: sequence, time, topic, MCAP chunk with CRC"
_PLAIN: Final = f"plain file: length, CRC-32, document; one write for each {_GROUP}"


def rows(effort: Effort) -> list[Row]:
    """Append with and without sync, then read back; each next to the plain file, in interleaved rounds."""
    rounds = effort.times(11, 5)
    few, many = effort.size(100, 40), effort.size(400, 150)
    return [
        _append("journal append", rounds, few, True, Aim(bound=0.7)),
        _append("journal append, no sync", rounds, many, False, None),
        _scan(rounds, many),
    ]


def _append(name: str, rounds: int, groups: int, syncs: bool, aim: Aim | None) -> Row:
    made = _groups(groups)
    with run_folder() as run:
        journal = Journal(run.journal, syncs=syncs)
        plain = os.open(run.path / "plain", os.O_RDWR | os.O_CREAT, 0o600)
        ours, base = interleaved(
            rounds,
            lambda: _rate(lambda: _append_all(journal, made), groups * _GROUP),
            lambda: _rate(lambda: _write_all(plain, made, syncs), groups * _GROUP),
        )
        expected = rounds * groups * _GROUP
        if journal.head != expected:
            raise AssertionError(f"the journal holds {journal.head} entries, not {expected}")
        journal.close()
        os.close(plain)
    ending = "fdatasync for each group" if syncs else "no fdatasync: what remains is our own work"
    text = f"{_APPEND}; {ending}", f"{_PLAIN}; {ending if syncs else 'no fdatasync'}"
    return compared(name, "msgs/s", ours, base, text=text, aim=aim, facts={"groups_per_round": groups})


def _scan(rounds: int, groups: int) -> Row:
    made, count = _groups(groups), groups * _GROUP
    with run_folder() as run:
        journal = Journal(run.journal, syncs=False)
        _append_all(journal, made)
        journal.close()
        path = run.path / "plain"
        plain = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        _write_all(plain, made, False)
        os.close(plain)
        ours, base = interleaved(
            rounds,
            lambda: _rate(lambda: _expect(count, sum(1 for _ in JournalReader(run.journal).entries())), count),
            lambda: _rate(lambda: _expect(count, _read_all(path)), count),
        )
    text = (
        "JournalReader.entries over the whole journal, chunk CRCs, sequences and times checked, typed entries",
        "the plain file read in one piece, every length and CRC checked, documents sliced",
    )
    return compared("journal scan", "msgs/s", ours, base, text=text, facts={"entries_per_round": count})


def _rate(work: Callable[[], None], count: int) -> float:
    """Return how many of `count` things a second the work does."""
    began_s = time.perf_counter()
    work()
    return count / (time.perf_counter() - began_s)


def _groups(groups: int) -> list[list[bytes]]:
    raws = documents(groups * _GROUP)
    return [raws[n : n + _GROUP] for n in range(0, len(raws), _GROUP)]


def _append_all(journal: Journal, groups: Sequence[Sequence[bytes]]) -> None:
    for group in groups:
        journal.append([(TOPIC, raw) for raw in group])


def _write_all(descriptor: int, groups: Sequence[Sequence[bytes]], syncs: bool) -> None:
    for group in groups:
        os.write(descriptor, b"".join([part for raw in group for part in (_HEAD.pack(len(raw), zlib.crc32(raw)), raw)]))
        if syncs:
            os.fdatasync(descriptor)


def _read_all(path: Path) -> int:
    raw, at, count = path.read_bytes(), 0, 0
    while at < len(raw):
        length, crc = _HEAD.unpack_from(raw, at)
        document = raw[at + _HEAD.size : at + _HEAD.size + length]
        if zlib.crc32(document) != crc:
            raise AssertionError("the plain file is damaged")
        at += _HEAD.size + length
        count += 1
    return count


def _expect(count: int, found: int) -> None:
    if found != count:
        raise AssertionError(f"{found} of {count} entries were read back")
