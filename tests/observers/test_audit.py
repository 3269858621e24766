"""The audit: a chain, seals, tables; and everything that somebody might do to them afterwards."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from bus.journal import Journal, JournalReader
from bus.run import RunFolder
from bus.seals import last_sealed, read_seals
from bus.segment import segments
from bus.signatures import public_hex
from observers.costs import costs, usd
from observers.keys import public_keys, recorder_key
from observers.projection import Projection
from observers.recorder import rebuild
from observers.sealer import Sealer
from observers.tables import open_tables
from observers.verify import verify
from protocol.encoder import encode
from protocol.errors import JournalError
from protocol.examples import example
from protocol.messages import MessageType, Usage
from protocol.topics import topic_of
from tests.builders import status

ENTRIES = 60


def recorded(path: Path, seal_every: int = 20) -> RunFolder:
    """Return a run with a journal, its tables and seals, as a recorder leaves it."""
    run = RunFolder(path)
    run.create()
    journal, projection = Journal(run.journal), Projection(run.audit_db)
    sealer = Sealer(run.id, run.anchor, recorder_key(run))
    for first in range(0, ENTRIES, 10):
        entries = journal.append([("lead/status", encode(status(n))) for n in range(first, first + 10)])
        place = projection.take(entries)
        if place[0] % seal_every == 0:
            sealer.seal(*place)
    journal.close()
    projection.close()
    return run


@pytest.fixture(scope="module")
def master(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    return recorded(tmp_path_factory.mktemp("audit") / "run")


@pytest.fixture
def run(master: RunFolder, tmp_path: Path) -> RunFolder:
    """A copy of the recorded run, to be tampered with."""
    shutil.copytree(master.path, tmp_path / "run")
    return RunFolder(tmp_path / "run")


def segment_of(run: RunFolder) -> Path:
    return segments(run.journal)[0][1]


def test_an_untouched_run_is_good(run: RunFolder) -> None:
    found = verify(run, public_keys(run))
    assert found.is_good
    assert (found.entries, found.sealed, found.seals, found.unsealed) == (ENTRIES, ENTRIES, 3, 0)


def test_the_unsealed_tail_is_reported(run: RunFolder) -> None:
    journal = Journal(run.journal)
    journal.append([("lead/status", encode(status(n))) for n in range(100, 107)])
    journal.close()
    found = verify(run, public_keys(run))
    assert found.is_good
    assert found.unsealed == 7


def test_any_changed_byte_of_an_entry_is_found(run: RunFolder) -> None:
    path = segment_of(run)
    raw = bytearray(path.read_bytes())
    place = raw.index(b"message 37")
    raw[place] ^= 1
    path.write_bytes(raw)
    found = verify(run, public_keys(run))
    assert not found.is_good
    assert found.first_bad == 31  # the group of ten in which it lies
    assert found.sealed == 20


def rewrite(run: RunFolder, change: Callable[[list[tuple[str, bytes]]], list[tuple[str, bytes]]]) -> None:
    """Write the journal again, consistent in itself, as somebody with access to the disk would."""
    documents = [(e.topic, e.document) for e in JournalReader(run.journal).entries()]
    stamps = iter([e.recorded_ns for e in JournalReader(run.journal).entries()])
    shutil.rmtree(run.journal)
    journal = Journal(run.journal, clock_ns=lambda: next(stamps))
    for topic, document in change(documents):
        journal.append([(topic, document)])
    journal.close()


def edit(documents: list[tuple[str, bytes]]) -> list[tuple[str, bytes]]:
    return [(topic, raw.replace(b"message 37", b"message 73")) for topic, raw in documents]


def swap(documents: list[tuple[str, bytes]]) -> list[tuple[str, bytes]]:
    documents[24], documents[25] = documents[25], documents[24]
    return documents


def leave_out(documents: list[tuple[str, bytes]]) -> list[tuple[str, bytes]]:
    return documents[:50] + documents[51:]


@pytest.mark.parametrize(("change", "first_bad"), [(edit, 21), (swap, 21), (leave_out, 60)])
def test_a_journal_written_anew_does_not_fit_the_seals(
    run: RunFolder, change: Callable[[list[tuple[str, bytes]]], list[tuple[str, bytes]]], first_bad: int
) -> None:
    rewrite(run, change)
    found = verify(run, public_keys(run))
    assert not found.is_good
    assert found.first_bad == first_bad


def test_a_journal_cut_below_its_seal_is_found(run: RunFolder) -> None:
    rewrite(run, lambda documents: documents[:45])
    found = verify(run, public_keys(run))
    assert found.first_bad == 46
    assert "vouches for 60" in found.reason


def test_a_seal_made_with_another_key_is_found(run: RunFolder, tmp_path: Path) -> None:
    other = public_hex(recorder_key(RunFolder(tmp_path / "other")))
    assert "not signed by this key" in verify(run, [other]).reason
    row = json.loads(run.anchor.read_text().splitlines()[0])
    run.anchor.write_text(json.dumps({**row, "count": 30}) + "\n")
    assert not verify(run, public_keys(run)).is_good


def test_an_anchor_that_holds_something_else_is_found(run: RunFolder) -> None:
    run.anchor.write_text("{}\n")
    assert "not a seal" in verify(run, public_keys(run)).reason


def test_half_a_seal_is_made_again(run: RunFolder) -> None:
    whole = run.anchor.read_bytes()
    run.anchor.write_bytes(whole[:-30])
    assert last_sealed(run.anchor) == 40
    projection = Projection(run.audit_db)
    Sealer(run.id, run.anchor, recorder_key(run)).seal(*projection.place())
    projection.close()
    assert [seal.count for seal in read_seals(run.anchor)] == [20, 40, 60]
    assert verify(run, public_keys(run)).is_good


def test_a_broker_does_not_start_on_a_journal_that_was_cut_below_its_seal(run: RunFolder) -> None:
    rewrite(run, lambda documents: documents[:45])
    with pytest.raises(JournalError, match="it was cut"):
        Journal(run.journal, sealed_upto=last_sealed(run.anchor))


def test_tables_rebuilt_from_the_journal_are_the_same(run: RunFolder) -> None:
    before = open_tables(run).execute("SELECT * FROM messages").fetchall()
    assert rebuild(run) == ENTRIES
    assert open_tables(run).execute("SELECT * FROM messages").fetchall() == before
    run.audit_db.unlink()
    assert open_tables(run).execute("SELECT * FROM messages").fetchall() == before


def test_a_broken_table_file_says_how_to_make_it_again(run: RunFolder) -> None:
    run.audit_db.write_bytes(b"not a database at all" * 100)
    with pytest.raises(JournalError, match="orchestra audit rebuild"):
        open_tables(run)


def test_the_tables_take_a_group_whole_or_not_at_all(run: RunFolder) -> None:
    projection = Projection(run.audit_db)
    entries = list(JournalReader(run.journal, 10).entries())
    with pytest.raises(JournalError, match="something is missing"):
        projection.take(entries)
    assert projection.place()[0] == ENTRIES
    projection.close()


def with_calls(path: Path, prices: list[int | None]) -> RunFolder:
    run = RunFolder(path)
    run.create()
    journal = Journal(run.journal)
    for number, price in enumerate(prices):
        usage = Usage(provider="p", model="m", input_tokens=10, output_tokens=2, cost_nano_usd=price)
        call = example(MessageType.MODEL_CALL).model_copy(update={"usage": usage, "id": f"call-{number}"})
        journal.append([(topic_of(call.recipient, call.type.value), encode(call))])
    journal.close()
    return run


def test_costs_add_up_exactly_and_an_unknown_price_is_not_zero(tmp_path: Path) -> None:
    [row] = costs(open_tables(with_calls(tmp_path / "run", [1_500_000_001, 0, None])), "agent")
    assert (row.name, row.calls, row.input_tokens) == ("@fact-extractor", 3, 30)
    assert (usd(row.nano_usd), row.unpriced) == ("1.500000001", 1)


@pytest.mark.parametrize(
    ("nano_usd", "text"), [(0, "0.00"), (1, "0.000000001"), (10**9, "1.00"), (120_000_000, "0.12")]
)
def test_dollars_are_written_exactly(nano_usd: int, text: str) -> None:
    assert usd(nano_usd) == text
