"""A person's words get into a run through its one door, whether it runs or not, and are sealed like all others."""

import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from bus.faults import VARIABLE
from bus.journal import JournalReader
from bus.lock import is_open
from bus.run import RunFolder
from bus.seals import last_sealed
from bus.signatures import Signing
from bus.wire import Status
from observers.inbox import Request, requests
from observers.verify import verify
from protocol.bodies import Control, Verb
from protocol.decoder import decode
from protocol.encoder import encode
from protocol.errors import BusError, Held, Refused
from protocol.messages import Message, MessageType
from protocol.topics import HUMAN
from scenarios import replies
from scenarios.person import say, tell
from tests.asking import STUCK, escalated, leave, started, stopped_run
from tests.builders import broker, message, until
from tests.cases import ROOT

SPAWN = multiprocessing.get_context("spawn")  # a fork would share the forkserver of this process


def inbox(run: RunFolder) -> list[Request]:
    return requests(JournalReader(run.journal).entries(), run.id)


def answer(run: RunFolder, choice: str = "skip", text: str = "") -> Message:
    [request] = [request for request in inbox(run) if request.options]
    return replies.answer(request, choice, text, person="anna", now_ns=time.time_ns())


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    """A run that was stopped when two things had been asked."""
    return stopped_run(tmp_path / "run", started(), leave(), escalated())


def test_what_is_said_while_nothing_runs_is_in_the_journal_sealed_and_nothing_is_left_running(run: RunFolder) -> None:
    before = len(list(JournalReader(run.journal).entries()))
    said = tell(run, answer(run))
    assert said.is_new
    entries = list(JournalReader(run.journal).entries())
    opened, heard = [decode(entry.document) for entry in entries[before:]]
    assert isinstance(opened.body, Control)
    assert opened.body.verb is Verb.EPOCH  # a broker of its own epoch, so nothing was written behind its back
    assert heard.sender == HUMAN
    settled = inbox(run)[1].settlement
    assert settled is not None
    assert settled.choice == "skip"
    found = verify(run)
    assert (found.is_good, found.entries, found.sealed) == (True, len(entries), len(entries))
    assert not is_open(run.journal)
    assert not (run.path / "sockets").exists()
    with run.held():
        pass


@pytest.mark.slow
def test_said_twice_it_stands_there_once(run: RunFolder) -> None:
    words = answer(run)
    first, second = tell(run, words), tell(run, words)
    assert (first.is_new, second.is_new, second.is_the_same) == (True, False, True)
    assert first.entry == second.entry


@pytest.mark.slow
def test_the_same_words_at_another_time_are_the_same_answer(run: RunFolder) -> None:
    text = "the key is sk-" + "A1b2C3d4E5f6G7h8I9\r\n"  # neither the secret nor the line end gets into the journal
    first, second = tell(run, answer(run, text=text)), tell(run, answer(run, text=text))
    assert (second.is_new, second.is_the_same) == (False, True)
    assert second.entry == first.entry


@pytest.mark.slow
def test_a_second_answer_is_told_of_the_first(run: RunFolder) -> None:
    first, second = tell(run, answer(run, "skip")), tell(run, answer(run, "retry"))
    assert (second.is_new, second.is_the_same) == (False, False)
    assert second.entry == first.entry


def test_where_every_message_is_signed_a_person_signs_too(tmp_path: Path) -> None:
    plain = stopped_run(tmp_path / "run", started(), escalated())
    run = RunFolder(plain.path, signing=Signing.MESSAGES)
    said = tell(run, answer(run))
    assert len(said.entry.signature) == 64
    found = verify(run)
    assert found.is_good, found.reason
    assert found.signed == 2  # the broker's epoch and the answer


def test_seals_go_to_the_anchors_elsewhere_too(run: RunFolder, tmp_path: Path) -> None:
    elsewhere = tmp_path / "seals"
    tell(run, answer(run), anchors=(elsewhere,))
    assert last_sealed(elsewhere) == last_sealed(run.anchor) > 0


def test_what_the_broker_refuses_is_said_to_whoever_said_it_and_the_refusal_is_sealed(run: RunFolder) -> None:
    to_nobody = message(
        MessageType.CONTROL, Control(verb=Verb.CANCEL), "c", sender=HUMAN, recipient="@nobody", task="run"
    )
    with pytest.raises(Refused, match="nobody is called @nobody"):
        say(run, [to_nobody])
    found = verify(run)
    assert (found.is_good, found.unsealed) == (True, 0)


def test_a_run_that_is_served_is_told_by_its_own_broker(tmp_path: Path) -> None:
    stopped_run(tmp_path / "run", started(), escalated())
    with broker(tmp_path / "run") as running:
        said = tell(running.run, answer(running.run))
        assert said.is_new
        assert is_open(running.run.journal)
        assert (running.run.path / "sockets").exists()
        epochs = [entry for entry in JournalReader(running.run.journal).entries() if b"<verb>epoch<" in entry.document]
        assert len(epochs) == 1
        assert tell(running.run, answer(running.run, "retry")).entry == said.entry
    assert not list(running.run.logs.glob("broker-*"))


@pytest.mark.slow
def test_when_the_broker_goes_away_unanswered_the_run_is_taken(tmp_path: Path) -> None:
    stopped_run(tmp_path / "run", started(), escalated())
    with broker(tmp_path / "run") as running:
        os.kill(running.process.pid or 0, signal.SIGSTOP)  # it holds the journal and answers nobody
        killer = threading.Timer(0.3, running.kill)
        killer.start()
        assert tell(running.run, answer(running.run)).is_new
        killer.join()
    settled = inbox(running.run)[0].settlement
    assert settled is not None
    assert verify(running.run).unsealed == 0


def test_a_run_that_somebody_else_carries_out_without_a_broker_is_not_taken(run: RunFolder) -> None:
    with run.held(), pytest.raises(Held, match="is being carried out by another process"):
        say(run, [answer(run)], patience_s=0.2)
    assert inbox(run)[1].settlement is None


@pytest.mark.slow
def test_a_broker_that_does_not_answer_is_named_and_not_pushed_aside(tmp_path: Path) -> None:
    stopped_run(tmp_path / "run", started(), escalated())
    with broker(tmp_path / "run") as running:
        os.kill(running.process.pid or 0, signal.SIGSTOP)
        with pytest.raises(Held, match="has a broker that does not answer; see: orchestra status"):
            say(running.run, [answer(running.run)], patience_s=0.1)


def test_a_folder_that_cannot_be_written_is_an_error_that_says_so(run: RunFolder) -> None:
    (run.path / "launched").mkdir()  # root may write to what is read-only; nobody can write to this
    with pytest.raises(BusError, match="run cannot be written: Is a directory"):
        say(run, [answer(run)])
    assert inbox(run)[1].settlement is None


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_read_only_folder_is_left_as_it_is(run: RunFolder) -> None:
    words = answer(run)
    run.path.chmod(0o500)
    try:
        with pytest.raises(BusError, match="cannot be written: Permission denied"):
            say(run, [words])
    finally:
        run.path.chmod(0o700)


@pytest.mark.slow
def test_two_people_at_once_give_one_answer(run: RunFolder) -> None:
    tellers = [SPAWN.Process(target=tell, args=(run, answer(run, choice))) for choice in ("skip", "retry")]
    for teller in tellers:
        teller.start()
    for teller in tellers:
        teller.join(60)
    assert [teller.exitcode for teller in tellers] == [0, 0]
    said = [entry for entry in JournalReader(run.journal).entries() if entry.topic.endswith("/answer")]
    assert len(said) == 1
    assert verify(run).is_good


@pytest.mark.slow
@pytest.mark.parametrize(
    "point",
    [
        "broker.before-write:2",
        "broker.mid-write:2",
        "broker.before-sync:3",
        "broker.before-forward:2",
        "broker.before-ack:1",
        "person.before-ack:1",
        "recorder.mid-projection:1",
        "recorder.mid-seal:1",
    ],
)
def test_whoever_dies_while_it_is_said_it_is_said_once(run: RunFolder, point: str) -> None:
    marker = run.path / "died"
    command = [sys.executable, "-m", "cli.main", "answer", "--run", str(run.path), STUCK, "skip", "--as", "anna"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), VARIABLE: f"{point}:{marker}"}
    codes = []
    for _ in range(2):
        done = subprocess.run(command, cwd=run.path, env=environment, capture_output=True, text=True, check=False)
        codes.append(done.returncode)
    assert marker.exists()
    assert codes == [-signal.SIGKILL if point.startswith("person") else 0, 0], done.stderr
    entries = list(JournalReader(run.journal).entries())
    assert len([entry for entry in entries if entry.topic.endswith("/answer")]) == 1
    found = verify(run)
    assert found.is_good, found.reason


def test_a_receipt_tells_which_of_two_messages_is_new(run: RunFolder) -> None:
    words = answer(run)
    again = words.model_copy(update={"timestamp_ns": words.timestamp_ns + 1})
    assert encode(words) != encode(again)
    assert [receipt.status for receipt in say(run, [words, again])] == [Status.NEW, Status.CONFLICT]


def test_words_wait_until_a_broker_that_is_starting_answers(tmp_path: Path) -> None:
    stopped_run(tmp_path / "run", started(), escalated())
    with broker(tmp_path / "run") as running:
        running.kill()
        words = answer(running.run)
        running.start()
        until(lambda: is_open(running.run.journal))
        assert tell(running.run, words).is_new
