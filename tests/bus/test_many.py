"""Many subscribers, some slow, some stopped, one late; a publisher faster than the disk. Everything bounded."""

import os
import time
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

from benchmarks.many import QUICK, SLOW, STOPPED, Ear, burst_over, send
from benchmarks.messages import RECIPIENT, SENDER, TOPIC
from benchmarks.processes import broker_of, introduce, resident_bytes, start
from bus.broker import Broker
from bus.publisher import WINDOW_FRAMES
from bus.run import RunFolder
from bus.wire import BUNDLE_DOCUMENTS
from tests.builders import until
from tests.bus.test_torn import read

MESSAGES = 20_000
MIB = 2**20
# Of a stopped subscriber the broker keeps 256 frames of at most 35 KB: 9 MB, and shares them with all the others.
# The index of ids takes some 0.3 KB a message: 6 MB. What is measured is about 25 MB; what 20,000 messages of
# 1 KB kept for seven subscribers would take is 150 MB.
BROKER_BYTES = 60 * MIB
# 64 frames of 32 documents of 1 KB are on their way at the most: 2.2 MB, and as much again inside ZeroMQ.
PUBLISHER_BYTES = 16 * MIB
IN_FLIGHT = (WINDOW_FRAMES + 1) * BUNDLE_DOCUMENTS


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    run = RunFolder(tmp_path / "run")
    run.create()
    return run


@pytest.mark.slow
@pytest.mark.timeout(180)
def test_fifty_subscribers_of_which_some_are_slow_or_stopped_all_hear_everything_in_order(run: RunFolder) -> None:
    with broker_of(run) as broker:
        outcome = burst_over(run, broker.pid, MESSAGES)
        assert outcome.heard == (MESSAGES,) * (sum(QUICK) + SLOW + STOPPED)
        assert outcome.broker_bytes < BROKER_BYTES
        assert outcome.publisher_bytes < PUBLISHER_BYTES
        assert heard_late(run) == MESSAGES


def heard_late(run: RunFolder) -> int:
    """Join when everything was said, and return how much of it is heard, in order."""
    ear = Ear(run, MESSAGES)
    until(lambda: ear.is_done or (ear.take(0.1, 0.0) and ear.is_done), 60)
    ear.close()
    return ear.heard


def serve_on_a_slow_disk(pipe: Connection, folder: Path) -> None:
    """Run a broker whose every sync takes a twentieth of a second more."""
    sync = os.fdatasync

    def slow(descriptor: int) -> None:
        time.sleep(0.05)
        sync(descriptor)

    pytest.MonkeyPatch().setattr(os, "fdatasync", slow)
    broker = Broker(RunFolder(folder))
    pipe.send("ready")
    broker.serve()


@pytest.mark.slow
def test_a_publisher_faster_than_the_disk_is_held_up_and_nothing_piles_up(run: RunFolder) -> None:
    count = 10_000
    broker, sender = start(serve_on_a_slow_disk, run.path), start(send, run.path, count)
    try:
        broker.answer()
        introduce(run, {SENDER: "specialist", RECIPIENT: "coordinator"})
        sender.answer()
        before = resident_bytes(broker.pid), resident_bytes(sender.pid)
        sender.pipe.send("go")
        most_waiting = sender.answer()
        assert WINDOW_FRAMES < most_waiting <= IN_FLIGHT
        assert resident_bytes(sender.pid, "VmHWM") - before[1] < PUBLISHER_BYTES
        assert resident_bytes(broker.pid, "VmHWM") - before[0] < BROKER_BYTES
        assert sum(entry.topic == TOPIC for entry in read(run.journal)) == count
    finally:
        sender.stop()
        broker.stop()
