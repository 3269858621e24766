"""The broker as a process: killed, restarted, and with readers that are slow, late, stopped or dead."""

import os
import re
import signal
import threading
import time
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path

import pytest
import zmq

from bus.follower import durable
from bus.journal import JournalReader
from bus.publisher import Publisher, ask_status
from bus.run import RunFolder
from bus.subscriber import Subscriber
from bus.wire import Status
from protocol.decoder import decode
from protocol.encoder import encode
from protocol.errors import BusError, Refused
from protocol.names import Priority
from tests.builders import broker, status, until

MESSAGES = 20_000
FORK = get_context("forkserver")


def listen(path: str, after: int, count: int, pause_s: float, report: Connection) -> None:
    """Hear so many messages, tell the last sequence now and then, and in the end whether all came in order."""
    subscriber = Subscriber(RunFolder(Path(path)), "lead", after=after)
    expected = None
    for heard in range(count):
        entry = subscriber.receive(60)
        while entry is not None and entry.topic != "lead/status":
            entry = subscriber.receive(60)
        assert entry is not None, f"nothing after {heard} messages"
        number = int(entry.document.partition(b"message-id>m-@worker-")[2].partition(b"<")[0])
        assert expected is None or number == expected, f"{number} came instead of {expected}"
        expected = number + 1
        if heard % 1000 == 0:
            report.send(entry.sequence)
        if pause_s:
            time.sleep(pause_s)
    report.send(("done", expected))
    subscriber.close()


class Reader:
    """A subscriber in a process of its own."""

    def __init__(self, run: RunFolder, count: int, after: int = 0, pause_s: float = 0.0) -> None:
        self._pipe, theirs = FORK.Pipe(duplex=False)
        arguments = (str(run.path), after, count, pause_s, theirs)
        self.process = FORK.Process(target=listen, args=arguments, daemon=True)
        self.process.start()
        theirs.close()

    def progress(self) -> int:
        """Return a sequence it has heard, waiting for the first."""
        assert self._pipe.poll(60)
        return int(self._pipe.recv())

    def outcome(self) -> int:
        """Return the number after the last message heard."""
        while True:
            assert self._pipe.poll(90), "a reader stopped hearing"
            told = self._pipe.recv()
            if isinstance(told, tuple):
                self.process.join(10)
                return int(told[1])


@pytest.mark.slow
@pytest.mark.timeout(180)
def test_slow_late_killed_and_stopped_readers_get_everything_in_order(tmp_path: Path) -> None:
    with broker(tmp_path / "run") as running:
        slow, stopped, mortal = (
            Reader(running.run, MESSAGES, pause_s=0.0002),
            *(Reader(running.run, MESSAGES) for _ in range(2)),
        )
        publisher = Publisher(running.run, "@worker")
        publisher.publish([status(0, text="x" * 700)])
        for reader in (slow, stopped, mortal):
            reader.progress()
        os.kill(stopped.process.pid or 0, signal.SIGSTOP)
        before_kib = running.rss_kib()
        for number in range(1, MESSAGES):
            publisher.enqueue(encode(status(number, text="x" * 700)))
        publisher.flush()
        assert {receipt.status for receipt in publisher.take_receipts().values()} == {Status.NEW}
        mortal.process.kill()
        seen = mortal.progress()
        heard_again = Reader(running.run, MESSAGES - _number_at(running.run, seen) - 1, after=seen)
        late = Reader(running.run, MESSAGES)
        os.kill(stopped.process.pid or 0, signal.SIGCONT)
        assert [reader.outcome() for reader in (slow, stopped, heard_again, late)] == [MESSAGES] * 4
        # Bounded queues and the index of ids: far below what keeping 20,000 messages for two readers takes.
        assert running.rss_kib() - before_kib < 60_000
        publisher.close()


def _number_at(run: RunFolder, sequence: int) -> int:
    entry = next(iter(JournalReader(run.journal, sequence - 1).entries()))
    return int((decode(entry.document).id or "").rpartition("-")[2])


def test_what_was_acknowledged_before_a_kill_is_there_and_the_rest_is_sent_again(tmp_path: Path) -> None:
    with broker(tmp_path / "run") as running:
        publisher = Publisher(running.run, "@worker")
        for number in range(600):
            publisher.enqueue(encode(status(number)))
            if number == 300:
                running.kill()
                running.start()
        publisher.flush()
        receipts = publisher.take_receipts()
        assert len(receipts) == 600
        assert {receipt.status for receipt in receipts.values()} <= {Status.NEW, Status.SAME}
        publisher.close()
        running.stop()
        entries = [e for e in JournalReader(running.run.journal).entries() if e.topic == "lead/status"]
        assert [decode(e.document).id for e in entries] == [f"m-@worker-{n}" for n in range(600)]


def test_a_restarted_broker_opens_a_new_epoch_and_knows_every_id(tmp_path: Path) -> None:
    with broker(tmp_path / "run") as running:
        publisher = Publisher(running.run, "@worker")
        [first] = publisher.publish([status(1)])
        old = ask_status(running.run)
        running.kill()
        running.start()
        [again] = publisher.publish([status(1)])
        new = ask_status(running.run)
        assert (again.status, again.sequence) == (Status.SAME, first.sequence)
        assert old is not None
        assert new is not None
        assert new["epoch"] > old["epoch"]
        assert new["cast"] == old["cast"]
        publisher.close()


def test_a_subscriber_survives_the_broker(tmp_path: Path) -> None:
    with broker(tmp_path / "run") as running:
        publisher, subscriber = Publisher(running.run, "@worker"), Subscriber(running.run, "lead")
        publisher.publish([status(1)])
        assert _next_id(subscriber) == "m-@worker-1"
        running.kill()
        running.start()
        publisher.publish([status(2)])
        assert _next_id(subscriber) == "m-@worker-2"
        publisher.close()
        subscriber.close()


def _next_id(subscriber: Subscriber) -> str | None:
    while True:
        entry = subscriber.receive(20)
        assert entry is not None
        if entry.topic == "lead/status":
            return decode(entry.document).id


def test_strangers_on_the_socket_disturb_nobody(tmp_path: Path) -> None:
    with broker(tmp_path / "run") as running:
        context = zmq.Context()
        stranger = context.socket(zmq.DEALER)
        stranger.setsockopt(zmq.LINGER, 0)
        stranger.connect(running.run.endpoint("publish"))
        for frames in (
            [b""],
            [b"P"],
            [b"P" + b"\xff" * 40],
            [b"H{"],
            [b"?", b"x"],
            [b"A"],
            [b"H" + b"[]"],
            [b"\x00" * 900],
        ):
            stranger.send_multipart(frames)
        publisher = Publisher(running.run, "@worker")
        assert publisher.publish([status(1)])[0].status is Status.NEW
        publisher.close()
        context.destroy(linger=0)


def test_a_broker_told_to_stop_closes_its_journal(tmp_path: Path) -> None:
    with broker(tmp_path / "run") as running:
        running.stop()
        assert running.process.exitcode == 0
        raw = (running.run.journal / "000000000001.mcap").read_bytes()
        assert raw.endswith(b"\x89MCAP0\r\n")


def test_status_tells_who_is_there_and_how_far(tmp_path: Path) -> None:
    with broker(tmp_path / "run") as running:
        publisher = Publisher(running.run, "@worker", facts={"role": "specialist", "instance": "worker-1"})
        publisher.publish([status(n) for n in range(5)])
        publisher.beat({"state": "ready", "position": 3})

        def has_beaten() -> bool:
            facts = ask_status(running.run)
            return facts is not None and any(s.get("state") == "ready" for s in facts["sessions"])

        until(has_beaten)
        facts = ask_status(running.run)
        assert facts is not None
        assert facts["topics"]["lead/status"] == 5
        [session] = [s for s in facts["sessions"] if s["agent"] == "@worker"]
        assert (session["published"], session["position"], session["pid"]) == (5, 3, os.getpid())
        publisher.close()


def test_a_run_folder_is_its_owners_alone_however_long_its_path(tmp_path: Path) -> None:
    run = RunFolder(tmp_path / ("long-" * 20) / "run")
    run.create()
    assert run.path.stat().st_mode & 0o777 == 0o700
    sockets = Path(run.endpoint("publish").removeprefix("ipc://")).parent
    assert sockets.stat().st_mode & 0o777 == 0o700
    assert len(run.endpoint("publish")) < 113


@pytest.mark.slow
def test_a_publisher_outlives_a_broker_that_stood_still(tmp_path: Path) -> None:
    with broker(tmp_path / "run") as running:
        publisher = Publisher(running.run, "@worker")
        publisher.publish([status(0)])
        os.kill(running.process.pid or 0, signal.SIGSTOP)
        waker = threading.Timer(3.0, os.kill, (running.process.pid, signal.SIGCONT))
        waker.start()
        for number in range(1, 4001):
            publisher.enqueue(encode(status(number)))
        publisher.flush()
        assert publisher.publish([status(9999)])[0].status is Status.NEW
        waker.join()
        publisher.close()
        entries = [e for e in JournalReader(running.run.journal).entries() if e.topic == "lead/status"]
        assert [decode(e.document).id for e in entries][:-1] == [f"m-@worker-{n}" for n in range(4001)]


def test_a_publisher_that_waits_in_vain_says_so(tmp_path: Path) -> None:
    run = RunFolder(tmp_path / "run")
    run.create()
    publisher = Publisher(run, "@worker", patience_s=0.3)
    with pytest.raises(BusError, match="no broker has answered"):
        publisher.publish([status(1)])
    publisher.close()


def test_nothing_a_publisher_sends_ends_the_broker(tmp_path: Path) -> None:
    with broker(tmp_path / "run") as running:
        (running.run.path / "quarantine").write_text("a file where the folder should be")
        nameless = Publisher(running.run, "worker")
        with pytest.raises(Refused, match="'worker' is not an agent name"):
            nameless.submit([(b"<refused/>", Priority.NORMAL)])
        context = zmq.Context()
        stranger = context.socket(zmq.DEALER)
        stranger.setsockopt(zmq.LINGER, 0)
        stranger.connect(running.run.endpoint("publish"))
        stranger.send(b"H" + b"[" * 200_000)
        publisher = Publisher(running.run, "@worker")
        [receipt] = publisher.submit([(b"<refused/>", Priority.NORMAL)])
        assert receipt.status is Status.REFUSED
        assert publisher.publish([status(1)])[0].status is Status.NEW
        assert running.process.is_alive()
        nameless.close()
        publisher.close()
        context.destroy(linger=0)


def test_only_what_is_durable_is_history(tmp_path: Path) -> None:
    with broker(tmp_path / "run") as running:
        publisher = Publisher(running.run, "@worker")
        [receipt] = publisher.publish([status(1)])
        assert [entry.sequence for entry in durable(running.run)] == list(range(1, receipt.sequence + 1))
        running.kill()
        with pytest.raises(BusError, match="no broker has answered"):
            list(durable(running.run, patience_s=0.1))
        publisher.close()


def test_a_run_with_any_name_can_be_spoken_of(tmp_path: Path) -> None:
    for name in ("a b ü", "x" * 250, "run-1", "...", "a/"):
        assert is_identifier(RunFolder(tmp_path / name).id)
    assert RunFolder(tmp_path / "run-1").id == "run-1"
    assert RunFolder(tmp_path / "a b").id != RunFolder(tmp_path / "a c").id


def is_identifier(text: str) -> bool:
    return bool(re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._:/@#-]{0,199}", text))
