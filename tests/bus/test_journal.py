"""The journal: whole after any tear, never silently wrong, and readable by others."""

import os
import random
from itertools import pairwise
from pathlib import Path

import pytest
from mcap.reader import NonSeekingReader, make_reader

from bus.journal import Journal, JournalReader
from bus.lock import is_open
from bus.records import Entry
from bus.segment import Segment, segments
from protocol.errors import JournalError
from protocol.schema import schema_bytes

TOPICS = ("lead/status", "worker/task-assignment", "everyone/control")


def group(first: int, count: int = 8, size: int = 60) -> list[tuple[str, bytes]]:
    return [(TOPICS[n % 3], f"<m>{n}</m>".encode().ljust(size)) for n in range(first, first + count)]


def written(folder: Path, groups: int = 6) -> list[Entry]:
    """Write a journal, leave it as a killed broker would, and return its entries."""
    journal = Journal(folder)
    entries = [entry for n in range(groups) for entry in journal.append(group(8 * n))]
    os.close(journal._lock)
    return entries


def read(folder: Path, after: int = 0) -> list[Entry]:
    return list(JournalReader(folder, after).entries())


def last_segment(folder: Path) -> Path:
    return segments(folder)[-1][1]


def test_what_was_appended_is_read_back(tmp_path: Path) -> None:
    entries = written(tmp_path)
    assert read(tmp_path) == entries
    assert read(tmp_path, after=10) == entries[10:]
    assert [entry.sequence for entry in entries] == list(range(1, 49))
    assert all(a.recorded_ns < b.recorded_ns for a, b in pairwise(entries))


def test_the_public_mcap_library_reads_a_closed_segment(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    entries = journal.append(group(0)) + journal.append(group(8))
    journal.close()
    with last_segment(tmp_path).open("rb") as file:
        reader = make_reader(file, validate_crcs=True)
        summary = reader.get_summary()
        assert summary is not None
        assert summary.statistics is not None
        assert summary.statistics.message_count == 16
        assert {channel.topic for channel in summary.channels.values()} == set(TOPICS)
        assert summary.schemas[1].data == schema_bytes()
        found = [(m.sequence, c.topic, m.data, m.log_time) for _, c, m in reader.iter_messages()]
    assert found == [(e.sequence, e.topic, e.document, e.recorded_ns) for e in entries]


def test_the_public_mcap_library_reads_an_unfinished_segment_front_to_back(tmp_path: Path) -> None:
    entries = written(tmp_path)
    journal = Journal(tmp_path)  # closes the torn one properly
    journal.close()
    path = segments(tmp_path)[0][1]
    with path.open("rb") as file:
        found = [m.data for _, _, m in NonSeekingReader(file, validate_crcs=True).iter_messages()]
    assert found == [entry.document for entry in entries]


@pytest.mark.slow
def test_torn_at_any_byte_of_its_end_it_opens_with_every_whole_group(tmp_path: Path) -> None:
    master = tmp_path / "master"
    entries = written(master)
    raw = last_segment(master).read_bytes()
    ends = whole_chunks(master)
    for cut in range(len(raw), ends[0], -7):
        folder = tmp_path / f"cut-{cut}"
        folder.mkdir()
        (folder / last_segment(master).name).write_bytes(raw[:cut])
        journal = Journal(folder)
        journal.close()
        whole = 8 * sum(1 for end in ends if end <= cut)
        assert read(folder) == entries[:whole], cut
        kept = sum(len(path.read_bytes()) for path in folder.glob("torn-*.bin"))
        assert kept == cut - max((end for end in ends if end <= cut), default=cut), cut


def whole_chunks(folder: Path) -> list[int]:
    """Return the byte offsets at which whole chunks end."""
    segment = Segment(last_segment(folder), keeps_places=True)
    for _ in segment.entries(0, 2**63):
        pass
    segment.close()
    return [place.offset + place.length for place in segment.places]


def test_a_flipped_bit_anywhere_stops_the_start(tmp_path: Path) -> None:
    master = tmp_path / "master"
    written(master, groups=3)
    raw = last_segment(master).read_bytes()
    chosen = random.Random(7)
    for place in sorted({*range(9), *chosen.sample(range(whole_chunks(master)[-1]), 300)}):
        folder = tmp_path / f"bit-{place}"
        folder.mkdir()
        damaged = bytearray(raw)
        damaged[place] ^= 1 << chosen.randrange(8)
        (folder / last_segment(master).name).write_bytes(damaged)
        with pytest.raises(JournalError):
            Journal(folder)


def test_a_journal_that_ends_before_its_seal_does_not_open(tmp_path: Path) -> None:
    written(tmp_path)
    with pytest.raises(JournalError, match="ends at 48, but a seal vouches for 49"):
        Journal(tmp_path, sealed_upto=49)
    Journal(tmp_path, sealed_upto=48).close()


def test_a_missing_segment_stops_the_start(tmp_path: Path) -> None:
    for _ in range(3):
        written(tmp_path, groups=1)
    segments(tmp_path)[1][1].unlink()
    with pytest.raises(JournalError, match="begins at 17, the journal reaches to 8"):
        Journal(tmp_path)


def test_only_one_broker_holds_a_journal(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    assert is_open(tmp_path)
    with pytest.raises(JournalError, match="held by another broker"):
        Journal(tmp_path)
    journal.close()
    assert not is_open(tmp_path)


def test_segments_rotate_and_a_reader_follows(tmp_path: Path) -> None:
    journal = Journal(tmp_path, segment_bytes=40_000)
    reader = JournalReader(tmp_path)
    entries, found = [], []
    for n in range(30):
        entries += journal.append(group(8 * n, size=600))
        found += list(reader.entries(journal.head - 3))
    journal.close()
    found += list(reader.entries())
    assert found == entries
    assert len(segments(tmp_path)) > 2


def test_a_reader_stops_at_what_is_called_durable(tmp_path: Path) -> None:
    entries = written(tmp_path)
    reader = JournalReader(tmp_path)
    assert list(reader.entries(5)) == entries[:5]
    assert list(reader.entries(5)) == []
    assert list(reader.entries(9)) == entries[5:9]
    assert list(reader.entries()) == entries[9:]


def test_whoever_looks_often_keeps_no_files_open(tmp_path: Path) -> None:
    written(tmp_path)
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(20):
        read(tmp_path)
        next(JournalReader(tmp_path).entries())
    assert len(os.listdir("/proc/self/fd")) == before


def test_a_clock_that_steps_back_does_not_make_time_go_back(tmp_path: Path) -> None:
    times = iter([100, 50, 10])
    journal = Journal(tmp_path, clock_ns=lambda: next(times))
    stamps = [entry.recorded_ns for _ in range(3) for entry in journal.append(group(0, 2))]
    journal.close()
    assert stamps == [100, 101, 102, 103, 104, 105]


def test_a_disk_that_takes_nothing_loses_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    journal = Journal(tmp_path)
    first = journal.append(group(0))
    real, calls = os.write, iter([True, False])

    def full(descriptor: int, data: bytes) -> int:
        if next(calls):
            return real(descriptor, bytes(data[:100]))
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(JournalError, match="No space left on device; nothing was accepted"):
        journal.append([("new/topic", b"lost")])
    monkeypatch.setattr(os, "write", real)
    second = journal.append([("new/topic", b"kept")])
    journal.close()
    assert read(tmp_path) == first + second


def test_a_file_that_is_no_segment_is_named(tmp_path: Path) -> None:
    (tmp_path / "000000000001.mcap").write_bytes(b"something else entirely")
    with pytest.raises(JournalError, match=r"000000000001\.mcap does not begin as a segment does"):
        read(tmp_path)


def test_a_disk_that_is_full_while_a_segment_ends_costs_nothing_but_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = Journal(tmp_path, segment_bytes=100)
    first = journal.append(group(0))
    real = os.write

    def full(_descriptor: int, _data: bytes) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "write", full)
    for _ in range(2):
        with pytest.raises(JournalError, match="No space left on device"):
            journal.append(group(8))
    monkeypatch.setattr(os, "write", real)
    second = journal.append(group(8))
    journal.close()
    assert read(tmp_path) == first + second
