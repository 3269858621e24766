"""The door and the order behind it."""

from pathlib import Path

import pytest

from bus.door import Admitted, Door, Rejected
from bus.memory import MemoryStore
from bus.roles import MAY_PUBLISH, Role
from bus.sequencer import Quarantine, Sequencer, Submission
from bus.wire import Status
from protocol.bodies import Control, Setting, Verb
from protocol.encoder import encode
from protocol.errors import JournalError
from protocol.messages import MessageType
from protocol.names import Priority
from protocol.topics import EVERYONE, SUPERVISOR
from tests.builders import CAST, message, status


def sequencer(store: MemoryStore | None = None, quarantine: Path | None = None) -> Sequencer:
    door = Door()
    door.cast.update(CAST)
    return Sequencer(
        store or MemoryStore(lambda: 0), door, mission="t", quarantine=Quarantine(quarantine), clock_ns=lambda: 1
    )


def submission(*messages: object, sender: str = "@worker", number: int = 1) -> Submission:
    return Submission(sender, sender.encode(), number, tuple(encode(m) for m in messages))  # type: ignore[arg-type]


def test_every_role_has_an_entry_or_says_nothing() -> None:
    silent = {Role.STORE, Role.EVERYONE, Role.OBSERVER}
    assert set(Role) - set(MAY_PUBLISH) == silent
    spoken = {kind for allowed in MAY_PUBLISH.values() for kind in allowed}
    assert spoken == set(MessageType)


def test_nobody_introduces_himself() -> None:
    body = Control(verb=Verb.PRESENT, subject="@intruder", settings=(Setting(name="role", value="supervisor"),))
    made = sequencer()
    raw = message(MessageType.CONTROL, body, "i", sender="@worker", recipient=EVERYONE)
    [[receipt]], _ = made.accept([submission(raw)])
    assert receipt.status is Status.REFUSED


def test_a_role_once_given_is_not_changed() -> None:
    door = Door()
    for role in ("specialist", "supervisor"):
        body = Control(verb=Verb.PRESENT, subject="@x", settings=(Setting(name="role", value=role),))
        raw = encode(message(MessageType.CONTROL, body, role, sender=SUPERVISOR, recipient=EVERYONE))
        judged = door.judge(raw, SUPERVISOR)
        assert isinstance(judged, Admitted)
        door.note(judged, 1)
    assert door.cast["@x"] is Role.SPECIALIST


def test_the_urgent_comes_first_across_publishers() -> None:
    store = MemoryStore(lambda: 0)
    made = sequencer(store)
    made.accept(
        [
            submission(status(1, priority=Priority.LOW), status(2)),
            submission(status(3, sender="@other", priority=Priority.CRITICAL), sender="@other"),
        ]
    )
    order = [entry.document.partition(b"<message-id>")[2].partition(b"<")[0] for entry in store.entries]
    assert order == [b"m-@other-3", b"m-@worker-1", b"m-@worker-2"]


def test_what_stands_before_the_urgent_in_one_submission_is_pulled_forward_with_it() -> None:
    store = MemoryStore(lambda: 0)
    made = sequencer(store)
    made.accept(
        [
            submission(status(1), sender="@worker"),
            submission(status(2, sender="@other"), status(3, sender="@other", priority=Priority.HIGH), sender="@other"),
        ]
    )
    order = [entry.document.partition(b"<message-id>")[2].partition(b"<")[0] for entry in store.entries]
    assert order == [b"m-@other-2", b"m-@other-3", b"m-@worker-1"]


def test_the_same_document_twice_in_one_group_is_one_entry() -> None:
    store = MemoryStore(lambda: 0)
    receipts, entries = sequencer(store).accept([submission(status(1), status(1)), submission(status(1), number=2)])
    assert len(entries) == 1
    assert [r.status for row in receipts for r in row] == [Status.NEW, Status.SAME, Status.SAME]


def test_a_store_that_fails_leaves_nothing_behind() -> None:
    class Full(MemoryStore):
        is_full = True

        def append(self, documents):  # type: ignore[no-untyped-def]
            if self.is_full:
                raise JournalError("full")
            return super().append(documents)

    store = Full(lambda: 0)
    made = sequencer(store)
    with pytest.raises(JournalError):
        made.accept([submission(status(1))])
    store.is_full = False
    [[receipt]], _ = made.accept([submission(status(1))])
    assert receipt.status is Status.NEW


def test_quarantine_keeps_the_bytes_under_their_digest(tmp_path: Path) -> None:
    made = sequencer(quarantine=tmp_path / "quarantine")
    made.accept([Submission("@worker", b"w", 1, (b"<evil>\x1b[2J</evil>",))])
    [path] = (tmp_path / "quarantine").iterdir()
    assert path.read_bytes() == b"<evil>\x1b[2J</evil>"


def test_a_refusal_can_quote_whatever_was_refused() -> None:
    door = Door()
    door.cast.update(CAST)
    for raw in (b"\x00", b"<a>\x1b</a>", "<agent-message>\ufffe</agent-message>".encode(), b"<" * 70_000):
        judged = door.judge(raw, "@worker")
        assert isinstance(judged, Rejected)
        receipts, entries = sequencer().accept([Submission("@worker", b"w", 1, (raw,))])
        assert receipts[0][0].status is Status.REFUSED
        assert [entry.topic for entry in entries] == ["worker/refusal"]
