"""The bus: one broker, one journal, publishers and subscribers over ZeroMQ, and the same in memory for tests.

Publisher(run, "@python-expert").publish([message])     journaled when this returns
Subscriber(run, "python-expert").receive()              every entry of an inbox, in order
"""

from bus.artifacts import ArtifactStore
from bus.broker import Broker
from bus.journal import Journal, JournalReader
from bus.memory import MemoryBus
from bus.publisher import Publisher, ask_status
from bus.records import Entry
from bus.roles import Role
from bus.run import RunFolder
from bus.subscriber import Subscriber
from bus.transport import Hearing, Publishing
from bus.wire import Receipt, Status

__all__ = [
    # a run and what lies in it
    "RunFolder", "Journal", "JournalReader", "Entry", "ArtifactStore",
    # taking part
    "Broker", "Publisher", "Subscriber", "MemoryBus", "Publishing", "Hearing",
    # what the broker answers
    "Receipt", "Status", "Role", "ask_status",
]  # fmt: skip
