"""A disk that is full or read-only, and a clock that jumps: said clearly, nothing acknowledged lost.

The full disk is a small tmpfs where it may be mounted: as root, or else in namespaces of our own (`unshare -rm`),
in which the test runs itself again. Where neither is allowed the test is skipped and says so. The same is shown
for everybody by a limit on the size of the broker's files, which is lifted again while it runs.
"""

import os
import resource
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from bus.journal import Journal
from bus.publisher import Publisher, ask_status
from bus.run import RunFolder
from bus.wire import Receipt, Status
from protocol.decoder import decode
from protocol.errors import JournalError
from tests.builders import broker, status, until
from tests.bus.test_journal import group
from tests.bus.test_torn import read

DISK_BYTES = 1_500_000
MESSAGES = 400
TEXT = "x" * 1000


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 1.5 MB."""
    place = tmp_path / "disk"
    place.mkdir()
    mounted = _mount(place, f"size={DISK_BYTES}")
    if mounted.returncode != 0:
        pytest.skip(f"no tmpfs may be mounted here: {mounted.stderr.strip()}")
    yield place
    subprocess.run(["umount", "--lazy", str(place)], check=True)


def _mount(place: Path, options: str) -> "subprocess.CompletedProcess[str]":
    command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(place)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def in_own_namespace(request: pytest.FixtureRequest) -> bool:
    """Run the present test again with the right to mount, where this user has not got it; return whether it did."""
    if os.geteuid() == 0 or shutil.which("unshare") is None:
        return False
    if subprocess.run(["unshare", "-rm", "true"], capture_output=True, check=False).returncode != 0:
        return False
    place = f"--basetemp={request.getfixturevalue('tmp_path') / 'again'}"
    pytest_again = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", place, request.node.nodeid]
    again = ["unshare", "-rm", *pytest_again]
    done = subprocess.run(again, cwd=request.config.rootpath, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return True


class Talker(threading.Thread):
    """A publisher that says one message after another and notes what was acknowledged."""

    def __init__(self, run: RunFolder) -> None:
        super().__init__(daemon=True)
        self._run = run
        self.receipts: list[Receipt] = []
        self.trouble: Exception | None = None

    def run(self) -> None:
        publisher = Publisher(self._run, "@worker")
        try:
            for number in range(MESSAGES):
                self.receipts += publisher.publish([status(number, text=TEXT)])
        except Exception as error:  # noqa: BLE001  # told to the test, which fails with it
            self.trouble = error
        finally:
            publisher.close()


def trouble(run: RunFolder) -> str:
    facts = ask_status(run)
    assert facts is not None
    return str(facts["trouble"])


def said(run: RunFolder) -> list[str | None]:
    """Return the ids of the talker's messages in the journal."""
    return [decode(e.document).id for e in read(run.journal) if e.topic == "lead/status"]


def check_that_a_full_disk_only_costs_time(
    run_path: Path, fill: Callable[[int], None], free: Callable[[int], None]
) -> None:
    """fill, free: make the disk of the broker with this pid full, and give it space again."""
    with broker(run_path) as running:
        pid = running.process.pid or 0
        talker = Talker(running.run)
        fill(pid)
        talker.start()
        until(lambda: trouble(running.run) != "")
        acknowledged = len(talker.receipts)
        assert acknowledged < MESSAGES
        assert "nothing was accepted" in trouble(running.run)
        assert said(running.run)[:acknowledged] == [f"m-@worker-{n}" for n in range(acknowledged)]
        free(pid)
        talker.join(60)
        assert talker.trouble is None
        assert {receipt.status for receipt in talker.receipts} <= {Status.NEW, Status.SAME}
        assert trouble(running.run) == ""
        running.stop()
        assert said(running.run) == [f"m-@worker-{n}" for n in range(MESSAGES)]


@pytest.mark.slow
@pytest.mark.timeout(180)
def test_a_publisher_goes_on_by_itself_when_a_full_disk_has_space_again(
    request: pytest.FixtureRequest,
) -> None:
    if in_own_namespace(request):
        return
    disk: Path = request.getfixturevalue("disk")
    ballast = disk / "ballast"

    def fill(_pid: int) -> None:
        ballast.write_bytes(bytes(shutil.disk_usage(disk).free - 100_000))

    check_that_a_full_disk_only_costs_time(disk / "run", fill, lambda _pid: ballast.unlink())
    assert not list((disk / "run" / "journal").glob("torn-*.bin"))


def test_a_publisher_goes_on_by_itself_when_files_may_grow_again(tmp_path: Path) -> None:
    def limit(pid: int, size: int) -> None:
        _, hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (size, hard))

    check_that_a_full_disk_only_costs_time(
        tmp_path / "run", lambda pid: limit(pid, 120_000), lambda pid: limit(pid, resource.RLIM_INFINITY)
    )


def test_a_journal_on_a_read_only_disk_says_so(request: pytest.FixtureRequest) -> None:
    if in_own_namespace(request):
        return
    disk: Path = request.getfixturevalue("disk")
    journal = Journal(disk / "journal")
    entries = journal.append(group(0))
    journal.close()
    subprocess.run(["mount", "-o", "remount,bind,ro", str(disk)], check=True)
    with pytest.raises(JournalError, match=r"journal/lock: Read-only file system; the journal cannot be opened"):
        Journal(disk / "journal")
    with pytest.raises(JournalError, match=r"other: Read-only file system; the journal cannot be opened"):
        Journal(disk / "other")
    assert read(disk / "journal") == entries


def test_a_journal_does_not_open_on_a_full_disk_and_opens_afterwards(request: pytest.FixtureRequest) -> None:
    if in_own_namespace(request):
        return
    disk: Path = request.getfixturevalue("disk")
    journal = Journal(disk / "journal")
    entries = journal.append(group(0))
    journal._release()
    ballast = disk / "ballast"
    ballast.write_bytes(bytes(shutil.disk_usage(disk).free))
    with pytest.raises(JournalError, match="No space left on device"):
        Journal(disk / "journal")
    assert read(disk / "journal") == entries
    ballast.unlink()
    Journal(disk / "journal").close()
    assert read(disk / "journal") == entries


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(JournalError, match=r"file/journal: Not a directory; the journal cannot be opened"):
        Journal(tmp_path / "file" / "journal")


def test_a_disk_that_neither_takes_nor_cuts_is_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    journal = Journal(tmp_path)
    first = journal.append(group(0))
    with monkeypatch.context() as patch:
        patch.setattr(os, "write", _half_of_it(os.write))
        patch.setattr(os, "ftruncate", _refused)
        for _ in range(2):
            with pytest.raises(JournalError, match="Read-only file system; nothing was accepted"):
                journal.append([("new/topic", b"lost" * 50)])
    second = journal.append([("new/topic", b"kept")])
    journal.close()
    assert read(tmp_path) == first + second


def _half_of_it(real: Callable[[int, bytes], int]) -> Callable[[int, bytes], int]:
    def write(descriptor: int, raw: bytes) -> int:
        real(descriptor, bytes(raw[: len(raw) // 2]))
        raise OSError(30, "Read-only file system")

    return write


def _refused(_descriptor: int, _size: int) -> None:
    raise OSError(30, "Read-only file system")


@pytest.mark.parametrize("steps_ns", [[5, 5, 5], [10**18, 3, 4], [1, 10**18, 2], [7, 6, 10**18]])
def test_recorded_times_and_sequences_rise_however_the_clock_steps(tmp_path: Path, steps_ns: list[int]) -> None:
    for step_ns in steps_ns:  # each in a life of its own, too
        times = iter([step_ns, step_ns - 1, step_ns + 2])
        journal = Journal(tmp_path, clock_ns=lambda times=times: next(times))  # type: ignore[misc]
        for _ in range(3):
            journal.append(group(0, 3))
        journal.close()
    entries = read(tmp_path)
    assert all(one.recorded_ns < other.recorded_ns for one, other in pairwise(entries))
    assert [entry.sequence for entry in entries] == list(range(1, 28))
