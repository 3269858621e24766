"""Impostors: whoever is on the bus and wants more than his role gives him is refused, told so, and counted."""

import json
import tracemalloc
from collections.abc import Iterator
from hashlib import sha256
from itertools import product
from pathlib import Path

import pytest
from pydantic import ValidationError

from bus.artifacts import ArtifactStore
from bus.door import Admitted, Door, Rejected
from bus.journal import JournalReader
from bus.publisher import Publisher, ask_status
from bus.records import Entry
from bus.roles import MAY_PUBLISH, Role
from bus.wire import Receipt, Status
from cli.main import main
from protocol.bodies import Answer, Control, Decision, File, Refusal, Setting, Verb, VerdictReport
from protocol.decoder import decode
from protocol.encoder import encode
from protocol.errors import SourceError
from protocol.examples import example
from protocol.messages import Message, MessageType
from protocol.names import Priority
from protocol.topics import BROKER, EVERYONE, GATEKEEPER, SUPERVISOR
from scenarios.mission import write_results
from tests.builders import RunningBroker, broker, message, status
from tests.protocol.test_hostile import TWO_READINGS

HOSTILE_TEXT = "\x9b2J\x9b31m\x85\u202e\u2028\x7f [red]alarm[/red] [link=file:///etc/passwd]x[/link] :bomb: \ufeff"


@pytest.fixture
def running(tmp_path: Path) -> Iterator[RunningBroker]:
    with broker(tmp_path / "run") as made:
        yield made


def sent(running: RunningBroker, name: str, *documents: bytes) -> list[Receipt]:
    """Send documents over a connection that says this name, and return what the broker answers."""
    publisher = Publisher(running.run, name, patience_s=20)
    try:
        return publisher.submit([(raw, Priority.NORMAL) for raw in documents])
    finally:
        publisher.close()


def entries(running: RunningBroker, topic: str) -> list[Entry]:
    return [entry for entry in JournalReader(running.run.journal).entries() if entry.topic == topic]


def refused(running: RunningBroker) -> int:
    facts = ask_status(running.run)
    assert facts is not None
    return int(facts["refused"])


def assert_refused(running: RunningBroker, receipt: Receipt, code: str, name: str, raw: bytes) -> None:
    """The attempt is refused to its face, journaled as a refusal to its inbox, counted, and kept as evidence."""
    assert (receipt.status, receipt.reason.partition(":")[0]) == (Status.REFUSED, code)
    [entry] = entries(running, f"{name}/refusal")
    answer = decode(entry.document)
    assert isinstance(answer.body, Refusal)
    assert (answer.sender, answer.body.code) == (BROKER, code)
    digest = sha256(raw).hexdigest()
    assert answer.body.quarantined == digest
    assert (running.run.quarantine / digest).read_bytes() == raw
    assert refused(running) == 1


def test_nobody_speaks_in_the_name_of_another(running: RunningBroker) -> None:
    raw = encode(status(1, sender="@worker"))
    [receipt] = sent(running, "@other", raw)
    assert_refused(running, receipt, "spoofed-sender", "other", raw)
    assert entries(running, "lead/status") == []


@pytest.mark.parametrize("name", [BROKER, SUPERVISOR, GATEKEEPER, "@tech-lead-orchestrator"])
def test_nobody_speaks_in_the_name_of_the_system(running: RunningBroker, name: str) -> None:
    body = Control(verb=Verb.PRESENT, subject="@mole", settings=(Setting(name="role", value="supervisor"),))
    raw = encode(message(MessageType.CONTROL, body, "x", sender=name, recipient=EVERYONE))
    [receipt] = sent(running, "@other", raw)
    assert_refused(running, receipt, "spoofed-sender", "other", raw)
    assert sent(running, "@worker", encode(status(1, recipient="@mole")))[0].status is Status.REFUSED


def test_a_message_sent_again_is_the_same_message_and_nothing_happens_twice(running: RunningBroker) -> None:
    raw = encode(status(1))
    [first] = sent(running, "@worker", raw)
    replayed = [*sent(running, "@worker", raw, raw), *sent(running, "@worker", raw)]
    assert {(receipt.status, receipt.sequence) for receipt in replayed} == {(Status.SAME, first.sequence)}
    assert len(entries(running, "lead/status")) == 1
    assert refused(running) == 0


def test_a_message_overheard_and_sent_again_by_another_is_refused(running: RunningBroker) -> None:
    raw = encode(status(1))
    sent(running, "@worker", raw)
    [receipt] = sent(running, "@other", raw)
    assert_refused(running, receipt, "spoofed-sender", "other", raw)


def test_an_id_used_again_for_other_words_loses_to_the_first(running: RunningBroker) -> None:
    raw = encode(status(1, text="the truth"))
    [first] = sent(running, "@worker", raw)
    forged = [encode(status(1, text="a lie")), raw.replace(b"<payload>", b"<payload><!-- nothing -->"), raw + b"\n"]
    for receipt in sent(running, "@worker", *forged):
        assert (receipt.status, receipt.sequence) == (Status.CONFLICT, first.sequence)
    assert [entry.document for entry in entries(running, "lead/status")] == [raw]


def test_an_id_that_another_has_guessed_and_used_first_stays_free_for_its_owner(running: RunningBroker) -> None:
    mine = encode(status(1, sender="@worker"))
    guessed = mine.replace(b"<sender>@worker<", b"<sender>@other<")
    assert sent(running, "@other", guessed)[0].status is Status.NEW
    assert sent(running, "@other", mine)[0].status is Status.REFUSED
    assert sent(running, "@worker", mine)[0].status is Status.NEW
    assert len(entries(running, "lead/status")) == 2


def test_the_id_of_a_refusal_to_come_cannot_be_taken_away(running: RunningBroker) -> None:
    raw = b"<no-message/>"
    sent(running, "@other", raw)
    [answer] = [decode(entry.document) for entry in entries(running, "other/refusal")]
    taken = encode(status(1).model_copy(update={"id": answer.id}))
    assert sent(running, "@worker", taken)[0].status is Status.NEW
    assert sent(running, "@worker", raw)[0].status is Status.REFUSED
    assert len(entries(running, "worker/refusal")) == 1


def test_who_was_never_introduced_is_refused_and_the_supervisor_is_told(running: RunningBroker) -> None:
    raw = encode(status(1, sender="@stranger"))
    [receipt] = sent(running, "@stranger", raw)
    assert (receipt.status, receipt.reason.partition(":")[0]) == (Status.REFUSED, "unknown-sender")
    assert entries(running, "stranger/refusal") == []
    assert any(b"@stranger was not introduced" in entry.document for entry in entries(running, "supervisor/refusal"))
    assert refused(running) == 1


def test_a_type_that_the_role_may_not_use_is_refused_and_journaled(running: RunningBroker) -> None:
    body = VerdictReport(decision=Decision.PASS, judged="x", reason="", description="")
    raw = encode(message(MessageType.VERDICT, body, "x"))
    [receipt] = sent(running, "@worker", raw)
    assert_refused(running, receipt, "role", "worker", raw)
    assert entries(running, "lead/verdict") == []


def named(role: Role) -> str:
    return f"@a-{role.value}"


@pytest.mark.parametrize("kind", MessageType)
def test_who_may_say_what_to_whom_is_the_table_and_nothing_else(kind: MessageType) -> None:
    door = Door()
    door.cast.update({named(role): role for role in Role})
    for sender, recipient in product(Role, Role):
        said = example(kind).model_copy(update={"sender": named(sender), "recipient": named(recipient)})
        judged = door.judge(encode(said), named(sender))
        is_allowed = recipient in MAY_PUBLISH.get(sender, {}).get(kind, frozenset())
        assert isinstance(judged, Admitted) == is_allowed, (sender, recipient)
        assert is_allowed or (isinstance(judged, Rejected) and judged.code == "role")


@pytest.mark.parametrize("name", ["two payloads", "a payload in a wrapper", "two senders", "two ids", "two contexts"])
def test_a_message_that_can_be_read_in_two_ways_is_refused_whichever_way_would_do(
    running: RunningBroker, name: str
) -> None:
    raw = TWO_READINGS[name].replace("@fact-extractor", "@worker").replace("@spec-coordinator", "@lead").encode()
    [receipt] = sent(running, "@worker", raw)
    assert_refused(running, receipt, "invalid", "worker", raw)
    assert [entry.topic for entry in JournalReader(running.run.journal).entries() if "lead" in entry.topic] == []


def test_an_id_that_only_looks_like_one_does_not_end_the_broker(running: RunningBroker) -> None:
    for claimed in ("-a", "a" * 201, "\u0661", "a b", "--", "a\u200b"):
        raw = f"<agent-message><context><message-id>{claimed}</message-id></context></agent-message>".encode()
        assert sent(running, "@worker", raw)[0].status is Status.REFUSED
    assert sent(running, "@worker", encode(status(1)))[0].status is Status.NEW


def stored(folder: Path, path: str, data: bytes = b"data") -> tuple[ArtifactStore, File]:
    store = ArtifactStore(folder / "artifacts")
    return store, store.put(data, path="mission/task/file", media_type="text/plain").model_copy(update={"path": path})


@pytest.mark.parametrize("claimed_bytes", [0, 3, 10**9, 10**18 - 1])
def test_a_reference_that_lies_about_its_size_is_refused_and_costs_no_memory(
    tmp_path: Path, claimed_bytes: int
) -> None:
    store, file = stored(tmp_path, "mission/task/file")
    tracemalloc.start()
    try:
        with pytest.raises(SourceError, match="mission/task/file"):
            store.get(file.model_copy(update={"bytes": claimed_bytes}))
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak_bytes < 1_000_000


@pytest.mark.parametrize("digest", ["../" * 21 + "x", "/" + "a" * 63, "A" * 64, "a" * 63, "a" * 64 + "\n", ""])
def test_a_digest_is_a_digest_and_never_a_path(digest: str) -> None:
    with pytest.raises(ValidationError):
        File(path="mission/task/file", sha256=digest)


def test_a_reference_to_what_is_not_in_the_store_is_refused(tmp_path: Path) -> None:
    store, file = stored(tmp_path, "mission/task/file")
    with pytest.raises(SourceError, match="is not in the store"):
        store.get(file.model_copy(update={"sha256": "0" * 64}))
    with pytest.raises(SourceError, match="names no digest"):
        store.get(File(path="mission/task/file"))


PATHS = [
    "mission/task/../../../outside/x", "mission/task/a/../../../../outside/x", "/etc/orchestra-test", "//a/b/c/d",
    "../../../outside/x", "mission/../../outside/x", "mission/task/..", "mission/task/.", "mission/task", "mission",
    ".", "..", "/", "mission/task//outside/x", "mission/task/./x", "mission/task/..\\..\\outside\\x", "C:\\outside\\x",
    "mission/task/C:/outside", "mission/task/~/x", "mission/task/~root", "mission/task/$HOME/x", "mission/task/x\n",
    "mission/task/%2e%2e/%2e%2e/outside", "mission/task/\u2025/\u2025/outside", "mission/task/\uff0e\uff0e/outside",
    "mission/task/" + "a" * 300, "mission/task/" + "a/" * 500, "mission/task/link/x", "mission/task/link",
    "mission/task/link/new/x",
    "mission/task/x\0y", "\0", "mission/task/-rf", "mission/task/\x9b2J", "mission/task/\ud800",
]  # fmt: skip


@pytest.mark.parametrize("path", PATHS, ids=range(len(PATHS)))
def test_a_result_lands_in_the_output_folder_or_nowhere(tmp_path: Path, path: str) -> None:
    output, outside = tmp_path / "output", tmp_path / "outside"
    output.mkdir()
    outside.mkdir()
    (outside / "x").write_text("untouched")
    (output / "link").symlink_to(outside)
    store, file = stored(tmp_path, path)
    try:
        written = write_results((file,), store, output)
    except SourceError:
        written = []
    assert all(place.resolve().is_relative_to(output) for place in written)
    assert [(place.name, place.read_text()) for place in outside.iterdir()] == [("x", "untouched")]
    assert {place.name for place in tmp_path.iterdir()} == {"output", "outside", "artifacts"}


@pytest.fixture
def defaced(running: RunningBroker) -> RunningBroker:
    """A run in which every text that an agent may choose carries codes for the terminal, broker stopped."""
    told = Answer(choice="x", text=HOSTILE_TEXT)
    verdict = VerdictReport(decision=Decision.REJECT, judged="x", reason=HOSTILE_TEXT, description=HOSTILE_TEXT)
    said: list[Message] = [
        status(1, text=HOSTILE_TEXT),
        message(MessageType.ANSWER, told, "a", sender="@human"),
        message(MessageType.VERDICT, verdict, "v", sender=GATEKEEPER).model_copy(
            update={"gates": example(MessageType.TASK_COMPLETION).gates}
        ),
    ]
    for one in said:
        assert sent(running, one.sender, encode(one))[0].status is Status.NEW
    control = encode(status(2)).replace(b"message 2", b"&#155;2J&#133;[red]")
    wrong = encode(status(3)).replace(b"<success>true", "<success>\x9b2J[red]".encode())
    assert sent(running, "@worker", control)[0].status is Status.NEW
    assert sent(running, "@worker", wrong)[0].status is Status.REFUSED
    running.stop()
    return running


@pytest.mark.parametrize("command", [["audit", "show"], ["observe"], ["status"]])
def test_codes_for_the_terminal_and_markup_are_shown_and_not_obeyed(
    defaced: RunningBroker, command: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main([*command, str(defaced.run.path)])
    shown = capsys.readouterr().out
    assert ended.value.code == 0
    assert all(line.isprintable() for line in shown.split("\n"))
    if command != ["status"]:
        assert (
            "\\x9b2J\\x9b31m\\x85\\u202e\\u2028\\x7f [red]alarm[/red] [link=file:///etc/passwd]x[/link] :bomb:" in shown
        )


@pytest.mark.parametrize("command", [["audit", "show"], ["observe"]])
def test_what_scripts_are_given_is_one_json_value_a_line_and_moves_no_cursor_either(
    defaced: RunningBroker, command: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        main([*command, str(defaced.run.path), "--json"])
    lines = capsys.readouterr().out.split("\n")[:-1]
    assert all(line.isprintable() for line in lines)
    rows = [json.loads(line) for line in lines]
    assert len(rows) == len(list(JournalReader(defaced.run.journal).entries()))
    if command == ["audit", "show"]:
        assert HOSTILE_TEXT in [row.get("reason") for row in rows]
