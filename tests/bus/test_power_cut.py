"""A power cut at every write of the journal: it opens, and everything acknowledged is there once, in order.

The system calls are carried out and noted. For a cut before each of them the folder is made anew as a disk may
have it then: what was synced, and of what was not any part: shorter files, holes of zeros, pages of garbage,
names that came or did not, a shortening that never happened. A page that holds synced bytes keeps those.
"""

import os
import random
import shutil
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from bus.journal import Journal
from bus.records import Entry
from bus.seals import last_sealed
from bus.segment import segments
from observers.sealer import Sealer
from tests.bus.test_torn import read

PAGE_BYTES = 4096
SEGMENT_BYTES = 65_000  # a few groups after the 50 KB of its beginning
TOPICS = ("lead/status", "worker/task-assignment", "everyone/control")
Group = list[tuple[str, bytes]]
Check = Callable[[Path, "Disk"], None]


@dataclass(frozen=True)
class Write:
    file: int
    at: int
    raw: bytes


@dataclass(frozen=True)
class Resize:
    file: int
    size: int


@dataclass(frozen=True)
class Sync:
    file: int


@dataclass(frozen=True)
class Name:
    """A name that a file got; old: the one it had."""

    name: str
    file: int
    old: str = ""


@dataclass(frozen=True)
class SyncNames:
    pass


@dataclass(frozen=True)
class Acknowledged:
    """From here on these entries must never be missing. attempts: groups that may have come to the disk."""

    entries: tuple[Entry, ...]


@dataclass(frozen=True)
class Attempted:
    group: tuple[tuple[str, bytes], ...]


Step = Write | Resize | Sync | Name | SyncNames | Acknowledged | Attempted


@dataclass
class Recorder:
    """Notes what is done to the files of one folder, while it is done. is_full: no write is taken whole."""

    folder: Path
    steps: list[Step] = field(default_factory=list)
    names: dict[str, int] = field(default_factory=dict)
    is_full: bool = False
    _open: dict[int, int] = field(default_factory=dict)
    _files: int = 0

    def __post_init__(self) -> None:
        self._real: dict[str, Callable[..., Any]] = {name: getattr(os, name) for name in self.calls()}

    @staticmethod
    def calls() -> list[str]:
        return ["open", "write", "pwrite", "ftruncate", "fsync", "fdatasync", "replace", "close"]

    def open(self, path: Any, flags: int, mode: int = 0o777) -> int:
        name = Path(path).name
        is_ours = Path(path).parent == self.folder and name != "lock"
        is_new = is_ours and not Path(path).exists()
        descriptor = int(self._real["open"](path, flags, mode))
        if is_new:
            self._files += 1
            self.names[name] = self._files
            self.steps.append(Name(name, self._files))
        if is_ours:
            self._open[descriptor] = self.names[name]
            if flags & os.O_TRUNC and not is_new:
                self.steps.append(Resize(self.names[name], 0))
        return descriptor

    def write(self, descriptor: int, raw: bytes) -> int:
        at = os.lseek(descriptor, 0, os.SEEK_CUR) if descriptor in self._open else 0
        taken = bytes(raw[: len(raw) // 2]) if self.is_full else bytes(raw)
        if self.is_full and len(raw) < 100:
            raise OSError(28, "No space left on device")
        return self._noted(descriptor, at, taken, int(self._real["write"](descriptor, taken)))

    def pwrite(self, descriptor: int, raw: bytes, at: int) -> int:
        return self._noted(descriptor, at, raw, int(self._real["pwrite"](descriptor, raw, at)))

    def _noted(self, descriptor: int, at: int, raw: bytes, taken: int) -> int:
        if descriptor in self._open:
            self.steps.append(Write(self._open[descriptor], at, raw[:taken]))
        return taken

    def ftruncate(self, descriptor: int, size: int) -> None:
        self._real["ftruncate"](descriptor, size)
        self.steps.append(Resize(self._open[descriptor], size))

    def fsync(self, descriptor: int) -> None:
        if descriptor in self._open:
            self.steps.append(Sync(self._open[descriptor]))
        elif stat.S_ISDIR(os.fstat(descriptor).st_mode) and os.path.samestat(os.fstat(descriptor), self.folder.stat()):
            self.steps.append(SyncNames())

    def fdatasync(self, descriptor: int) -> None:
        self.fsync(descriptor)

    def replace(self, old: Path, new: Path) -> None:
        self._real["replace"](old, new)
        self.names[new.name] = self.names.pop(old.name)
        self.steps.append(Name(new.name, self.names[new.name], old.name))

    def close(self, descriptor: int) -> None:
        self._open.pop(descriptor, None)
        self._real["close"](descriptor)


@contextmanager
def recorded(folder: Path, before: dict[str, bytes] | None = None) -> Iterator[Recorder]:
    """Record in a folder that holds some files, all of them synced."""
    folder.mkdir()
    recorder = Recorder(folder)
    for number, (name, raw) in enumerate((before or {}).items(), 1):
        (folder / name).write_bytes(raw)
        recorder.names[name] = recorder._files = number
        recorder.steps += [Name(name, number), Write(number, 0, raw), Sync(number), SyncNames()]
    with pytest.MonkeyPatch.context() as patch:
        for name in recorder.calls():
            patch.setattr(os, name, getattr(recorder, name))
        yield recorder


@dataclass
class Disk:
    """What a disk holds for certain, and what it was told since."""

    synced: dict[int, bytes] = field(default_factory=dict)
    names: dict[str, int] = field(default_factory=dict)
    pending: dict[int, list[Write | Resize]] = field(default_factory=dict)
    pending_names: list[Name] = field(default_factory=list)
    acknowledged: tuple[Entry, ...] = ()
    attempts: list[tuple[tuple[str, bytes], ...]] = field(default_factory=list)

    def take(self, step: Step) -> None:
        match step:
            case Write() | Resize():
                self.pending.setdefault(step.file, []).append(step)
            case Sync():
                self.synced[step.file] = _after(self.synced.get(step.file, b""), self.pending.pop(step.file, []))
            case Name():
                self.pending_names.append(step)
            case SyncNames():
                self.names = _named(self.names, self.pending_names)
                self.pending_names = []
            case Acknowledged():
                self.acknowledged, self.attempts = step.entries, []
            case Attempted():
                self.attempts.append(step.group)

    def left_by(self, cut: "Cut") -> dict[str, bytes]:
        """Return the files that are there after the power is back."""
        names = _named(self.names, [name for name in self.pending_names if cut.has_name()])
        contents = {
            number: cut.content(self.synced.get(number, b""), self.pending.get(number, []))
            for number in set(names.values())
        }
        return {name: contents[number] for name, number in names.items()}


def _named(names: dict[str, int], steps: list[Name]) -> dict[str, int]:
    found = dict(names)
    for step in steps:
        if found.get(step.old) == step.file:
            del found[step.old]
        found[step.name] = step.file
    return found


def _after(content: bytes, steps: list[Write | Resize]) -> bytes:
    for step in steps:
        if isinstance(step, Resize):
            content = content[: step.size].ljust(step.size, b"\0")
        else:
            content = content[: step.at].ljust(step.at, b"\0") + step.raw + content[step.at + len(step.raw) :]
    return content


@dataclass
class Cut:
    """One way in which a power cut may treat what was not synced."""

    name: str
    chosen: random.Random

    def has_name(self) -> bool:
        return {"nothing": False, "all": True}.get(self.name, self.chosen.random() < 0.5)

    def content(self, synced: bytes, steps: list[Write | Resize]) -> bytes:
        if self.name == "nothing":
            return synced
        if self.name == "prefix" and steps:
            return self._prefix(synced, steps)
        if self.name in ("all", "prefix"):
            return _after(synced, steps)
        return self._pages(synced, [step for step in steps if self.chosen.random() < 0.8])

    def _prefix(self, synced: bytes, steps: list[Write | Resize]) -> bytes:
        kept = self.chosen.randrange(len(steps))
        content, last = _after(synced, steps[:kept]), steps[kept]
        if isinstance(last, Resize):
            return content
        return _after(content, [Write(last.file, last.at, last.raw[: self.chosen.randrange(len(last.raw) + 1)])])

    def _pages(self, synced: bytes, steps: list[Write | Resize]) -> bytes:
        """Some pages of what was written come, others are zeros or garbage; the size may be too small."""
        content = _after(synced, steps)
        for step in steps:
            if isinstance(step, Write):
                content = self._holed(content, len(synced), step)
        if self.chosen.random() < 0.3 and len(content) > len(synced):
            content = content[: self.chosen.randrange(len(synced), len(content) + 1)]
        return content

    def _holed(self, content: bytes, safe: int, step: Write) -> bytes:
        end = min(step.at + len(step.raw), len(content))
        loss = self.chosen.random()
        for page in range(step.at // PAGE_BYTES * PAGE_BYTES, end, PAGE_BYTES):
            start, stop = max(page, step.at, safe), min(page + PAGE_BYTES, end)
            if start < stop and self.chosen.random() < loss:
                content = content[:start] + self._lost(stop - start) + content[stop:]
        return content

    def _lost(self, size: int) -> bytes:
        return bytes(size) if self.name == "holes" else self.chosen.randbytes(size)


def cuts(seed: int, rounds: int) -> list[Cut]:
    names = ["nothing", "all", *["prefix", "holes", "garbage"] * rounds]
    return [Cut(name, random.Random(f"{seed}-{number}-{name}")) for number, name in enumerate(names)]


def group(first: int, count: int, size: int = 60) -> Group:
    return [(TOPICS[n % 3], f"<m>{n}</m>".encode().ljust(size, b".")) for n in range(first, first + count)]


def append(recorder: Recorder, journal: Journal, known: list[Entry], documents: Group) -> None:
    recorder.steps.append(Attempted(tuple(documents)))
    known += journal.append(documents)
    recorder.steps.append(Acknowledged(tuple(known)))


def opened(recorder: Recorder, known: list[Entry]) -> Journal:
    """Open the journal; whatever it finds counts from then on, because a broker would call it the same."""
    known.clear()
    journal = Journal(recorder.folder, on_entry=known.append, segment_bytes=SEGMENT_BYTES)
    recorder.steps.append(Acknowledged(tuple(known)))
    return journal


def abandon(journal: Journal) -> None:
    """Leave a journal as a killed broker leaves it."""
    journal._release()


def a_life(recorder: Recorder) -> None:
    """Small and large groups, a new segment, a full disk in a group and in an ending, a kill, a proper end."""
    known: list[Entry] = []
    journal = opened(recorder, known)
    for size in (60, 3000, 200):
        append(recorder, journal, known, group(len(known), 4, size))
    append_to_a_full_disk(recorder, journal, group(90, 5, 900))
    append(recorder, journal, known, group(len(known), 2))
    append(recorder, journal, known, group(len(known), 3, 2500))
    append(recorder, journal, known, group(len(known), 2, 700))  # in a new segment
    abandon(journal)
    journal = opened(recorder, known)
    append(recorder, journal, known, group(len(known), 6, 2800))
    append_to_a_full_disk(recorder, journal, group(90, 1))  # while the segment ends
    append(recorder, journal, known, group(len(known), 1))
    journal.close()
    append_last = opened(recorder, known)
    append(recorder, append_last, known, group(len(known), 3, 1500))
    append_last.close()


def append_to_a_full_disk(recorder: Recorder, journal: Journal, documents: Group) -> None:
    recorder.steps.append(Attempted(tuple(documents)))
    recorder.is_full = True
    with pytest.raises(Exception, match="No space left on device"):
        journal.append(documents)
    recorder.is_full = False


@pytest.fixture(scope="module")
def life(tmp_path_factory: pytest.TempPathFactory) -> list[Step]:
    with recorded(tmp_path_factory.mktemp("power") / "journal") as recorder:
        a_life(recorder)
    return recorder.steps


def laid_out(folder: Path, files: dict[str, bytes]) -> Path:
    folder.mkdir()
    for name, raw in files.items():
        (folder / name).write_bytes(raw)
    return folder


def check(folder: Path, disk: Disk) -> None:
    """Open what is left, and see that it holds what it must, perhaps the group that was under way, and goes on."""
    before = read(folder)
    journal = Journal(folder, syncs=False)
    found = read(folder)
    assert before == found, "a reader saw something else than the broker"
    known = len(disk.acknowledged)
    assert tuple(found[:known]) == disk.acknowledged
    more = tuple((entry.topic, entry.document) for entry in found[known:])
    assert not more or more in disk.attempts
    added = journal.append(group(500, 2))
    journal.close()
    assert read(folder) == found + added


def check_every_cut(tmp_path: Path, steps: list[Step], rounds: int, check: Check, after: int = 0) -> int:
    """Cut the power before each step, in several ways; return how many different disks that gave."""
    disk, tried = Disk(), 0
    for place, step in enumerate(steps):
        seen: list[dict[str, bytes]] = []
        for cut in cuts(place, rounds) if place >= after else []:
            files = disk.left_by(cut)
            if files in seen or isinstance(step, Acknowledged | Attempted):
                continue
            seen.append(files)
            folder = laid_out(tmp_path / f"{place}-{len(seen)}", files)
            try:
                check(folder, disk)
            except Exception as error:
                error.add_note(f"cut before step {place}: {cut.name}")
                raise
            shutil.rmtree(folder)
        tried += len(seen)
        disk.take(step)
    return tried


@pytest.mark.slow
def test_after_a_power_cut_anywhere_every_acknowledged_entry_is_there_once(tmp_path: Path, life: list[Step]) -> None:
    assert check_every_cut(tmp_path, life, 2, check) > 400


@pytest.mark.slow
def test_after_a_power_cut_anywhere_in_many_more_ways(tmp_path: Path, life: list[Step]) -> None:
    assert check_every_cut(tmp_path, life, 25, check) > 3000


def torn(folder: Path) -> tuple[dict[str, bytes], bytes]:
    """Return the files of a journal whose last group is half there with a hole in it, and that half."""
    journal = Journal(folder)
    journal.append(group(0, 4))
    size = segments(folder)[-1][1].stat().st_size
    journal.append(group(4, 8, 2000))
    abandon(journal)
    path = segments(folder)[-1][1]
    raw = path.read_bytes()[:-5000]
    half = raw[size : 6000 + size] + bytes(PAGE_BYTES) + raw[size + 6000 + PAGE_BYTES :]
    return {path.name: raw[:size] + half}, half


def test_a_power_cut_while_a_torn_group_is_cut_loses_nothing_of_it(tmp_path: Path) -> None:
    before, half = torn(tmp_path / "torn")
    with recorded(tmp_path / "journal", before) as recorder:
        recorder.steps.append(Acknowledged(tuple(read(recorder.folder))))
        began = len(recorder.steps)
        opened(recorder, []).close()

    def keeps_the_half(folder: Path, disk: Disk) -> None:
        check(folder, disk)
        assert half in [path.read_bytes() for path in folder.glob("torn-*.bin")]

    assert check_every_cut(tmp_path, recorder.steps, 6, keeps_the_half, began) > 50


def test_a_power_cut_while_a_seal_is_written_leaves_every_seal_before_it(tmp_path: Path) -> None:
    anchor, key = tmp_path / "anchor", Ed25519PrivateKey.generate()
    ends = [0]
    for count in (20, 40):
        Sealer("run", anchor, key).seal(count, bytes(32))
        ends.append(anchor.stat().st_size)
    raw = anchor.read_bytes()
    for cut in range(ends[1], ends[2]):
        for left in (raw[:cut], raw[:cut] + bytes(ends[2] - cut)):
            anchor.write_bytes(left)
            assert last_sealed(anchor) == 20
    for left in (b"", raw[: ends[2] - 1], raw[: ends[1]] + bytes(100)):
        anchor.write_bytes(left)
        Sealer("run", anchor, key).seal(40, bytes(32))
        assert last_sealed(anchor) == 40
