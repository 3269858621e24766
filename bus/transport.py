"""What every transport of the bus guarantees, as two narrow protocols. One contract test runs over all of them.

1. What `publish` has returned for is journaled: exactly once for its (sender, id), in one order for everybody.
2. `receive` gives every entry of the inbox after the chosen sequence, in that order, at least once.
3. What is not admissible is refused to its publisher and never heard by anybody.
"""

from collections.abc import Iterator, Sequence
from typing import Protocol

import zmq

from bus.records import Entry
from bus.signatures import Sign
from bus.wire import Receipt, Status
from protocol.errors import Refused
from protocol.messages import Message
from protocol.names import Priority


class History(Protocol):
    """What was journaled, read forwards."""

    def seek(self, after: int) -> None: ...

    def entries(self, upto: int) -> Iterator[Entry]: ...

    def close(self) -> None: ...


class Place(Protocol):
    """Where a bus is: a run's folder on this machine, or an address elsewhere."""

    def connect(self, socket: "zmq.Socket[bytes]", name: str) -> None: ...

    def history(self, inbox: str | None, after: int) -> History: ...

    def packed(self, frame: bytes) -> bytes: ...

    def unpacked(self, raw: bytes) -> bytes: ...

    def heard(self, raw: bytes) -> bytes: ...

    def signer(self, agent: str) -> Sign | None: ...


class Publishing(Protocol):
    """A way onto the bus, in one agent's name."""

    def publish(self, messages: Sequence[Message]) -> list[Receipt]: ...

    def submit(self, documents: Sequence[tuple[bytes, Priority]]) -> list[Receipt]: ...

    def close(self) -> None: ...


class Hearing(Protocol):
    """A way of hearing one inbox, or all of them."""

    def receive(self, timeout_s: float | None = None) -> Entry | None: ...

    def close(self) -> None: ...


def all_taken(receipts: list[Receipt]) -> list[Receipt]:
    """Return receipts of which none is a refusal.

    Raises:
        Refused: the first refusal among them.
    """
    for receipt in receipts:
        if receipt.status is Status.REFUSED:
            code, _, reason = receipt.reason.partition(": ")
            raise Refused(code, reason)
    return receipts
