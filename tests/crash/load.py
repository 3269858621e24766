"""The two processes of a loaded bus: a broker, and a publisher that notes every receipt as it comes.

`python -m tests.crash.load broker RUN SEGMENT_BYTES [ADDRESS]`
`python -m tests.crash.load publisher RUN COUNT RECEIPTS`
"""

import os
import sys
from pathlib import Path

from bus.broker import Broker
from bus.keys import KeyRing
from bus.publisher import Publisher
from bus.run import RunFolder
from bus.sockets import Listen
from protocol.encoder import encode
from tests.builders import status

TEXT = "x" * 300


def serve(run: RunFolder, segment_bytes: int, address: str = "") -> None:
    listen = Listen(address, KeyRing.open(run.keys)) if address else None
    Broker(run, segment_bytes=segment_bytes, listen=listen).serve()


def publish(run: RunFolder, count: int, receipts: Path) -> None:
    """Publish documents 0 to count - 1, the same in every life; one line "number status sequence" for each receipt."""
    publisher = Publisher(run, "@worker", facts={"role": "load"})
    notes = os.open(receipts, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for number in range(count):
        publisher.enqueue(encode(status(number, text=TEXT)))
        _note(publisher, notes)
    publisher.flush()
    _note(publisher, notes)
    publisher.close()


def _note(publisher: Publisher, notes: int) -> None:
    """Write at once and unbuffered: what this process was told must outlive it."""
    rows = [f"{ticket - 1} {r.status.name} {r.sequence}\n" for ticket, r in publisher.take_receipts().items()]
    if rows:
        os.write(notes, "".join(rows).encode())


if __name__ == "__main__":
    if sys.argv[1] == "broker":
        serve(RunFolder(Path(sys.argv[2])), int(sys.argv[3]), *sys.argv[4:])
    else:
        publish(RunFolder(Path(sys.argv[2])), int(sys.argv[3]), Path(sys.argv[4]))
