"""Torn at every byte, flipped at many: either everything acknowledged is there or the journal says that it is not."""

import os
import random
from contextlib import closing
from pathlib import Path

import pytest

from bus.journal import Journal, JournalReader
from bus.records import CHUNK_BYTES, RECORD_BYTES, Entry
from bus.segment import Segment, segments
from bus.tear import mark, mark_path, marked
from protocol.errors import JournalError
from tests.bus.test_journal import group

PAGE_BYTES = 4096
HEAD_BYTES = RECORD_BYTES + CHUNK_BYTES


class Master:
    """A journal as a killed broker left it: several groups, the last one larger than 4 KB."""

    def __init__(self, folder: Path, *, is_closed: bool = False, segment_bytes: int = 1 << 26) -> None:
        journal = Journal(folder, segment_bytes=segment_bytes)
        self.entries = [entry for n in range(5) for entry in journal.append(group(8 * n))]
        self.whole = len(self.entries)
        self.entries += journal.append(group(40, 8, 640))
        if is_closed:
            journal.close()
        journal._release()
        self.files = {path.name: path.read_bytes() for path in folder.iterdir()}
        self.name = segments(folder)[-1][1].name
        self.raw = self.files[self.name]
        self.ends = _ends(folder)

    def lay_out(self, folder: Path, raw: bytes, *, marks: bool) -> Path:
        """Make a folder whose last segment holds these bytes, without anything an earlier journal left there."""
        folder.mkdir(exist_ok=True)
        for path in folder.iterdir():
            path.unlink()
        kept = {name: content for name, content in self.files.items() if marks or name != "synced"}
        for name, content in {**kept, self.name: raw}.items():
            (folder / name).write_bytes(content)
        return folder


def _ends(folder: Path) -> list[int]:
    """Return where the whole chunks of the last segment end."""
    segment = Segment(segments(folder)[-1][1], keeps_places=True)
    list(segment.entries(0, 2**63))
    segment.close()
    return [place.offset + place.length for place in segment.places]


@pytest.fixture(scope="module")
def master(tmp_path_factory: pytest.TempPathFactory) -> Master:
    return Master(tmp_path_factory.mktemp("torn") / "journal")


def read(folder: Path) -> list[Entry]:
    with closing(JournalReader(folder)) as reader:
        return list(reader.entries())


def opened(folder: Path) -> list[Entry]:
    """Open and close a journal and return what it holds then."""
    Journal(folder, syncs=False).close()
    return read(folder)


def flipped(raw: bytes, bit: int) -> bytes:
    damaged = bytearray(raw)
    damaged[bit // 8] ^= 1 << bit % 8
    return bytes(damaged)


@pytest.mark.slow
def test_torn_at_every_byte_of_its_last_4_kb_it_holds_every_group_before(tmp_path: Path, master: Master) -> None:
    folder = master.lay_out(tmp_path / "journal", master.raw, marks=False)
    for cut in reversed(range(len(master.raw) - 4096, len(master.raw))):
        os.truncate(folder / master.name, cut)
        assert read(folder) == master.entries[: master.whole], cut


@pytest.mark.slow
def test_opened_after_a_tear_at_every_byte_of_its_last_4_kb(tmp_path: Path, master: Master) -> None:
    for cut in range(len(master.raw) - 4096, len(master.raw)):
        folder = master.lay_out(tmp_path / "journal", master.raw[:cut], marks=False)
        assert opened(folder) == master.entries[: master.whole], cut
        assert [path.read_bytes() for path in folder.glob("torn-*.bin")] == [master.raw[master.ends[-2] : cut]], cut


def test_the_same_tear_below_the_mark_stops_the_start(tmp_path: Path, master: Master) -> None:
    for cut in range(len(master.raw) - 4096, len(master.raw), 61):
        folder = master.lay_out(tmp_path / "journal", master.raw[:cut], marks=True)
        with pytest.raises(JournalError, match=r"cut short|48 entries were acknowledged"):
            Journal(folder)
    folder = master.lay_out(tmp_path / "journal", master.raw[: master.ends[-2]], marks=True)
    with pytest.raises(JournalError, match=r"ends at 40, but 48 entries were acknowledged: .* remove .*synced"):
        Journal(folder)
    mark_path(folder).unlink()
    assert opened(folder) == master.entries[: master.whole]


def test_holes_and_garbage_in_a_group_that_nothing_vouches_for_are_a_tear(tmp_path: Path, master: Master) -> None:
    chosen, begin = random.Random(5), master.ends[-2]
    for start in range(begin, len(master.raw), 97):
        stop = min(len(master.raw), (start // PAGE_BYTES + 1) * PAGE_BYTES)
        for lost in (bytes(stop - start), chosen.randbytes(stop - start)):
            raw = master.raw[:start] + lost + master.raw[stop:]
            assert opened(master.lay_out(tmp_path / "journal", raw, marks=False)) == master.entries[:40], start
            with pytest.raises(JournalError):
                Journal(master.lay_out(tmp_path / "journal", raw, marks=True))


def test_a_hole_where_later_groups_follow_is_damage(tmp_path: Path, master: Master) -> None:
    for end in master.ends[:-2]:
        raw = master.raw[:end] + bytes(200) + master.raw[end + 200 :]
        folder = master.lay_out(tmp_path / "journal", raw, marks=False)
        with pytest.raises(JournalError, match="more was written after that"):
            Journal(folder)
        with pytest.raises(JournalError, match="more was written after that"):
            read(folder)


def test_any_bit_of_the_last_groups_head_stops_the_start_without_a_mark_too(tmp_path: Path, master: Master) -> None:
    begin = master.ends[-2]
    for bit in range(8 * begin, 8 * (begin + HEAD_BYTES), 3):
        with pytest.raises(JournalError):
            Journal(master.lay_out(tmp_path / "journal", flipped(master.raw, bit), marks=False))


def test_a_bit_of_the_last_group_stops_the_start_without_a_mark_too(tmp_path: Path, master: Master) -> None:
    places = range(8 * (master.ends[-2] + HEAD_BYTES), 8 * len(master.raw))
    for bit in random.Random(11).sample(places, 100):
        folder = master.lay_out(tmp_path / "journal", flipped(master.raw, bit), marks=False)
        with pytest.raises(JournalError):
            Journal(folder)
        with pytest.raises(JournalError):
            read(folder)


@pytest.mark.parametrize("marks", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_a_flipped_bit_anywhere_in_closed_segments_loses_no_entry(tmp_path: Path, marks: bool) -> None:
    """In the entries it stops the start; in an ending, which holds none, the ending is kept aside and made again."""
    master = Master(tmp_path / "master", is_closed=True, segment_bytes=51_000)
    chosen, outcomes = random.Random(23), {"stopped": 0, "mended": 0}
    for name in sorted(name for name in master.files if name.endswith(".mcap")):
        raw = master.files[name]
        for bit in chosen.sample(range(8 * len(raw)), 40):
            folder = master.lay_out(tmp_path / "journal", master.raw, marks=marks)
            (folder / name).write_bytes(flipped(raw, bit))
            outcomes[outcome(folder, master.entries)] += 1
    assert min(outcomes.values()) > 15


def outcome(folder: Path, entries: list[Entry]) -> str:
    try:
        found = opened(folder)
    except JournalError:
        return "stopped"
    assert found == entries
    assert list(folder.glob("torn-*.bin"))
    return "mended"


def test_a_flipped_bit_in_the_beginning_of_a_segment_stops_the_start(tmp_path: Path, master: Master) -> None:
    for bit in range(0, 8 * 120, 7):
        with pytest.raises(JournalError):
            Journal(master.lay_out(tmp_path / "journal", flipped(master.raw, bit), marks=False))


def test_bytes_kept_aside_are_never_written_over(tmp_path: Path, master: Master) -> None:
    begin = master.ends[-2]
    for tail in (b"\x06one", b"\x06other", b"\x06one"):
        folder = tmp_path / "journal"
        folder.mkdir(exist_ok=True)
        for path in segments(folder):
            path[1].unlink()
        (folder / master.name).write_bytes(master.raw[:begin] + tail)
        assert opened(folder) == master.entries[: master.whole]
    kept = {path.name: path.read_bytes() for path in folder.glob("torn-*.bin")}
    first = f"torn-000000000001-{begin}"
    assert kept == {f"{first}.bin": b"\x06one", f"{first}-2.bin": b"\x06other"}


def test_a_journal_says_what_it_kept_aside(tmp_path: Path, master: Master) -> None:
    folder = master.lay_out(tmp_path / "journal", master.raw[:-1], marks=False)
    journal = Journal(folder)
    journal.close()
    assert journal.set_aside == list(folder.glob("torn-*.bin"))


def test_half_a_mark_is_no_mark(tmp_path: Path) -> None:
    whole = mark(1234)
    for raw in (b"", *(whole[:n] for n in range(len(whole))), bytes(len(whole)), whole.replace(b"4 ", b"5 ")):
        mark_path(tmp_path).write_bytes(raw)
        assert marked(tmp_path) == 0, raw
    mark_path(tmp_path).write_bytes(whole)
    assert marked(tmp_path) == 1234


def test_a_journal_that_syncs_nothing_marks_nothing(tmp_path: Path) -> None:
    journal = Journal(tmp_path, syncs=False)
    journal.append(group(0))
    journal.close()
    assert marked(tmp_path) == 0


def test_a_reader_does_not_look_at_what_is_not_durable_yet(tmp_path: Path, master: Master) -> None:
    end = master.ends[2]
    raw = flipped(master.raw, 8 * (end + 100))
    with closing(JournalReader(master.lay_out(tmp_path / "journal", raw, marks=False))) as reader:
        assert list(reader.entries(24)) == master.entries[:24]
        with pytest.raises(JournalError):
            list(reader.entries(25))


def test_a_reader_that_finds_less_than_is_durable_says_so(tmp_path: Path, master: Master) -> None:
    folder = master.lay_out(tmp_path / "journal", master.raw[: master.ends[-2]], marks=False)
    with closing(JournalReader(folder)) as reader:
        with pytest.raises(JournalError, match="ends at 40, but 48 entries were acknowledged"):
            list(reader.entries(48))
        assert reader.position == 40


def test_too_many_topics_leave_the_journal_usable(tmp_path: Path) -> None:
    journal = Journal(tmp_path, syncs=False)
    first = journal.append([(f"worker/{n}", b"") for n in range(65_534)])
    with pytest.raises(JournalError, match="more than 65,535 topics"):
        journal.append([("lead/one", b"1"), ("lead/two", b"2")])
    second = journal.append([("lead/two", b"2")])
    journal.close()
    assert read(tmp_path) == first + second
