"""How a person's words get into a run: through the one door, whether anything runs or not.

1. Where a broker serves the run they go to it, and the run's own recorder seals them.
2. Where none does, the run is taken as a launcher takes it: a broker is started, told, and stopped, and the end is
   sealed. No agent is started; what was said is heard when the run goes on.
3. Said again after a death in the middle, they stand in the journal once: their ids follow from what they answer.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeAlias

from bus.door import BORN_WITH
from bus.journal import SEGMENT_BYTES, JournalReader
from bus.lock import is_open
from bus.publisher import Publisher
from bus.records import Entry
from bus.run import RunFolder
from bus.supervisor import Program, Supervisor
from bus.transport import all_taken
from bus.wire import Receipt, Status
from observers import recorder
from protocol.decoder import decode, reread
from protocol.encoder import encode
from protocol.errors import BusError, Held, OrchestraError, Refused
from protocol.messages import Message
from protocol.names import Priority
from protocol.topics import BROKER, EVERYONE, HUMAN, RECORDER
from scenarios.launch import serve_broker

_PATIENCE_S: Final = 20.0
_ONE_TRY_S: Final = 2.0  # a broker that was just asked may be one that is ending
_PAUSE_S: Final = 0.1
_FACTS: Final = {"role": "person"}
Documents: TypeAlias = Sequence[tuple[bytes, Priority]]
Sealing: TypeAlias = tuple[RunFolder, Sequence[Path], str]
_PRELOAD: Final = ["scenarios.launch", "observers.recorder"]


@dataclass(frozen=True, slots=True)
class Said:
    """The entry that stands in the journal under a message's id.

    is_new: it was said now; otherwise before. is_the_same: it says what the message says.
    """

    entry: Entry
    is_new: bool
    is_the_same: bool


def tell(run: RunFolder, message: Message, *, anchors: Sequence[Path] = (), authority: str = "") -> Said:
    """Say one message of @human in a run and return what then stands in the journal under its id.

    Raises:
        OrchestraError: as for `say`.
    """
    [receipt] = say(run, [message], anchors=anchors, authority=authority)
    return look_up(run, message, receipt.sequence, is_new=receipt.status is Status.NEW)


def look_up(run: RunFolder, message: Message, sequence: int, *, is_new: bool = False) -> Said:
    """Return the entry of a sequence, and whether it says what a message says.

    Raises:
        JournalError: the journal is damaged or ends before.
    """
    entry = next(iter(JournalReader(run.journal, sequence - 1).entries(sequence)))
    # What was sent is not always what was meant: secrets are taken out, and XML knows one kind of line end.
    return Said(entry, is_new, reread(entry.document).body == decode(encode(message)).body)


def say(
    run: RunFolder,
    messages: Sequence[Message],
    *,
    anchors: Sequence[Path] = (),
    authority: str = "",
    patience_s: float = _PATIENCE_S,
) -> list[Receipt]:
    """Publish messages of @human in a run, with its broker or with one of our own, and return their receipts.

    anchors, authority: as for `observers.recorder.serve`. patience_s: how long somebody else may hold the run
    without a broker that answers.

    Raises:
        Invalid, TooLarge: a message cannot be written as a document; nothing was sent.
        Refused: the broker would not take one of them; the others were taken.
        Held: somebody else has the run, and no broker of theirs answers.
        BusError: the run's folder cannot be written, or our own broker does not answer.
        OrchestraError: the broker cannot go on with this journal, or what was said could not be sealed.
    """
    documents = [(encode(message), message.priority) for message in messages]
    deadline_s = time.monotonic() + patience_s
    while True:
        try:
            if is_open(run.journal):
                return all_taken(_with_its_broker(run, documents))
            with run.held():
                return all_taken(_with_our_own(run, documents, (run, anchors, authority)))
        except Held:
            if time.monotonic() > deadline_s:
                raise
            time.sleep(_PAUSE_S)


def _with_its_broker(run: RunFolder, documents: Documents) -> list[Receipt]:
    publisher = Publisher(run, HUMAN, facts=_FACTS, patience_s=_ONE_TRY_S)
    try:
        return publisher.submit(documents)
    except Refused:
        raise
    except BusError as error:
        raise Held(f"{run.path} has a broker that does not answer; see: orchestra status {run.path}") from error
    finally:
        publisher.close()


def _with_our_own(run: RunFolder, documents: Documents, sealing: Sealing) -> list[Receipt]:
    """Publish through a broker that is there for nothing else, and seal what was said, be it refused."""
    run.prepare_keys({*BORN_WITH} - {EVERYONE})
    _make_logs(run)
    supervisor = Supervisor(run.logs, preload=_PRELOAD)
    try:
        supervisor.start(Program(BROKER, "broker", serve_broker, (run, SEGMENT_BYTES, None)))
        receipts = _submit(run, supervisor, documents)
        supervisor.stop()
        _seal(supervisor, sealing)
        return receipts
    finally:
        supervisor.stop()
        run.remove_sockets()


def _submit(run: RunFolder, supervisor: Supervisor, documents: Documents) -> list[Receipt]:
    publisher = Publisher(
        run, HUMAN, facts=_FACTS, patience_s=_PATIENCE_S, while_waiting=lambda: _keep_running(supervisor)
    )
    try:
        return publisher.submit(documents)
    finally:
        publisher.close()


def _keep_running(supervisor: Supervisor) -> None:
    supervisor.watch(0.0)


def _make_logs(run: RunFolder) -> None:
    """A run that was copied may have left them behind."""
    try:
        run.logs.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise BusError(f"{run.path} cannot be written: {error.strerror}") from error


def _seal(supervisor: Supervisor, sealing: Sealing) -> None:
    try:
        supervisor.carry_out(Program(RECORDER, "recorder", recorder.finish, sealing, is_kept=False))
    except OrchestraError as error:
        raise OrchestraError(f"it was said and is in the journal, but it could not be sealed: {error}") from error
