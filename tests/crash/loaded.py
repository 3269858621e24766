"""Deaths under load: several thousand documents, more than a window holds, and every receipt kept.

The publisher is stopped by a broker that does not answer, or the broker dies under it. Whoever died is started
again; a publisher says everything again, with the same ids.
"""

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bus.journal import JournalReader
from bus.keys import BROKER_KEY, KeyRing
from bus.publisher import Publisher, ask_status
from bus.records import Entry
from bus.remote import RemoteBus
from bus.run import RunFolder
from protocol.decoder import decode
from protocol.topics import BROKER, SUPERVISOR
from tests.builders import free_address, introduce, until
from tests.crash import checks
from tests.crash.cell import Cell, Outcome, Results
from tests.crash.plays import NOT_REACHED, stage_of
from tests.crash.stage import Stage, left_over

COUNT: Final = 6000
_BEFORE_STOP: Final = 500  # receipts that are in before the broker stops answering
_PATIENCE_S: Final = 60.0


@dataclass(frozen=True, slots=True)
class Noted:
    """A receipt as the publisher noted it."""

    number: int
    status: str
    sequence: int


def play(cell: Cell, folder: Path, _expected: Results) -> Outcome:
    """Publish under load until somebody dies at the cell's point, start that one again, and compare."""
    stage, run = stage_of(cell, folder), RunFolder(folder / "run")
    run.create()
    dies_of_it = not cell.point.startswith("publisher")
    broker = _broker(stage, run, cell.segment_bytes, has_fault=dies_of_it)
    supervisor = Publisher(run, SUPERVISOR)
    introduce(supervisor)
    supervisor.close()
    if dies_of_it:
        began_ns, broker = _broker_dies(stage, run, broker, cell.segment_bytes)
    else:
        began_ns = _publisher_dies(stage, run, broker)
    broker.terminate()
    broker.communicate(timeout=10)
    found = tuple(_differences(run, _noted(folder)))
    if stage.died_ns is None:
        return Outcome((NOT_REACHED, *found))
    return Outcome(found, _recovery_s(run, _noted(folder), began_ns, is_brokers=dies_of_it))


def range_play(cell: Cell, folder: Path, _expected: Results) -> Outcome:
    """Somebody elsewhere reads the journal through the broker, which dies while it answers and is started again."""
    stage, run, address = stage_of(cell, folder), RunFolder(folder / "run"), free_address()
    run.create()
    ring = KeyRing.make(run.keys)
    ring.create_curve(BROKER_KEY)
    ring.allow("auditor", ring.create_curve("auditor"), is_observer=True)
    broker = _broker(stage, run, cell.segment_bytes, has_fault=True, address=address)
    supervisor = Publisher(run, SUPERVISOR)
    introduce(supervisor)
    supervisor.close()
    _check_ended(_publisher(stage, run, has_fault=False))
    with ThreadPoolExecutor(1) as threads:
        heard = threads.submit(_read_from_elsewhere, RemoteBus(address, "auditor", ring))
        broker.communicate(timeout=_PATIENCE_S)
        again = _broker(stage, run, cell.segment_bytes, has_fault=True, address=address)
        sequences = heard.result(_PATIENCE_S)
    again.terminate()
    again.communicate(timeout=10)
    kept = [entry.sequence for entry in JournalReader(run.journal).entries()]
    found = () if sequences == kept[: len(sequences)] and len(sequences) >= COUNT else ("a range has gaps",)
    if stage.died_ns is None:
        return Outcome((NOT_REACHED, *found))
    return Outcome(found, _recovery_s(run, [], stage.died_ns, is_brokers=True))


def _read_from_elsewhere(bus: RemoteBus) -> list[int]:
    reader = bus.history(None, 0)
    sequences = [entry.sequence for entry in reader.entries(COUNT)]
    reader.close()
    return sequences


def _broker_dies(
    stage: Stage, run: RunFolder, broker: "subprocess.Popen[str]", segment_bytes: int
) -> "tuple[int, subprocess.Popen[str]]":
    publisher = _publisher(stage, run, has_fault=False)
    broker.communicate(timeout=_PATIENCE_S)
    began_ns = stage.died_ns or 0
    again = _broker(stage, run, segment_bytes, has_fault=True)
    _check_ended(publisher)
    return began_ns, again


def _publisher_dies(stage: Stage, run: RunFolder, broker: "subprocess.Popen[str]") -> int:
    publisher = _publisher(stage, run, has_fault=True)
    until(lambda: len(_noted(stage.folder)) >= _BEFORE_STOP or publisher.poll() is not None)
    os.kill(broker.pid, signal.SIGSTOP)
    publisher.communicate(timeout=_PATIENCE_S)
    os.kill(broker.pid, signal.SIGCONT)
    began_ns = time.time_ns()
    _check_ended(_publisher(stage, run, has_fault=True))
    return began_ns


def _broker(
    stage: Stage, run: RunFolder, segment_bytes: int, *, has_fault: bool, address: str = ""
) -> "subprocess.Popen[str]":
    where = [address] if address else []
    broker = stage.process("tests.crash.load", "broker", run.path, segment_bytes, *where, has_fault=has_fault)
    until(lambda: ask_status(run, 0.2) is not None or broker.poll() is not None)
    return broker


def _publisher(stage: Stage, run: RunFolder, *, has_fault: bool) -> "subprocess.Popen[str]":
    notes = stage.folder / "receipts"
    return stage.process("tests.crash.load", "publisher", run.path, COUNT, notes, has_fault=has_fault)


def _check_ended(publisher: "subprocess.Popen[str]") -> None:
    said, complained = publisher.communicate(timeout=_PATIENCE_S)
    assert publisher.returncode == 0, said + complained


def _noted(folder: Path) -> list[Noted]:
    path = folder / "receipts"
    lines = path.read_text(encoding="ascii").splitlines() if path.exists() else []
    rows = [line.split() for line in lines]
    return [Noted(int(row[0]), row[1], int(row[2])) for row in rows]


def _differences(run: RunFolder, noted: list[Noted]) -> Iterator[str]:
    entries = list(JournalReader(run.journal).entries())
    messages = [decode(entry.document) for entry in entries]
    yield from checks.order(entries, messages)
    numbers = [_number(entry) for entry in entries if entry.topic == "lead/status"]
    if numbers != list(range(COUNT)):
        yield f"{len(numbers)} documents are journaled, or not in the order they were published in"
    places = {entry.sequence: _number(entry) for entry in entries if entry.topic == "lead/status"}
    lost = [receipt for receipt in noted if places.get(receipt.sequence) != receipt.number]
    if lost:
        yield f"{len(lost)} of {len(noted)} receipts are not true, the first: {lost[0]}"
    if {receipt.status for receipt in noted} - {"NEW", "SAME"}:
        yield f"answers other than new and same: { {receipt.status for receipt in noted} }"
    if len({receipt.number for receipt in noted}) != COUNT:
        yield "not every document was acknowledged"
    if left_over(run.path.parent):
        yield "processes are left"


def _number(entry: Entry) -> int:
    return int(entry.document.partition(b"message-id>m-@worker-")[2].partition(b"<")[0])


def _recovery_s(run: RunFolder, noted: list[Noted], since_ns: int, *, is_brokers: bool) -> float | None:
    """To the new broker's epoch, or to the first entry that only the publisher's second life published."""
    entries = list(JournalReader(run.journal).entries())
    if is_brokers:
        later = (e.recorded_ns for e in entries if e.recorded_ns > since_ns and decode(e.document).sender == BROKER)
    else:
        new = {receipt.sequence for receipt in noted if receipt.status == "NEW"}
        later = (e.recorded_ns for e in entries if e.recorded_ns > since_ns and e.sequence in new)
    at_ns = next(later, None)
    return None if at_ns is None else (at_ns - since_ns) / 1e9
