"""Recordings: what is written is what is read, and anything else is said to be what it is."""

from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from bus.artifacts import ArtifactStore
from bus.records import Entry
from protocol.encoder import encode
from protocol.errors import SourceError
from protocol.examples import example
from protocol.messages import MessageType
from scenarios.recording import read_recording, write_recording
from scenarios.replaying import replay
from tests.cases import ROOT

ENTRIES = [Entry(n, 1_000 + n, f"lead/{kind.value}", encode(example(kind))) for n, kind in enumerate(MessageType, 1)]
COMMITTED = sorted((ROOT / "tests" / "recordings").glob("*.recording"))


@pytest.fixture
def store(tmp_path: Path) -> ArtifactStore:
    return ArtifactStore(tmp_path / "artifacts")


def written(path: Path, entries: Iterable[Entry] = ENTRIES, store: ArtifactStore | None = None) -> Path:
    kept = list(entries)
    write_recording(path, lambda: kept, run="r-1", scenario="sums", store=store)
    return path


def refers_to(data: bytes, store: ArtifactStore) -> Entry:
    file = store.put(data, path="a.md", media_type="text/markdown")
    return Entry(1, 1, "lead/verdict", f'<file path="a.md" sha256="{file.sha256}"/>'.encode())


def test_all_entries_come_back_as_often_as_they_are_asked_for(tmp_path: Path) -> None:
    recording = read_recording(written(tmp_path / "a.recording"))
    assert (recording.run, recording.scenario) == ("r-1", "sums")
    assert list(recording.entries()) == list(recording.entries()) == ENTRIES


def test_signatures_stay_with_the_run(tmp_path: Path) -> None:
    path = written(tmp_path / "a.recording", [ENTRIES[0]._replace(signature=b"s" * 64)])
    assert list(read_recording(path).entries()) == [ENTRIES[0]]


def test_it_is_a_fraction_of_what_it_holds(tmp_path: Path) -> None:
    path = written(tmp_path / "a.recording", ENTRIES * 20)
    assert path.stat().st_size < sum(len(entry.document) for entry in ENTRIES * 20) / 20


def test_artifacts_come_along_when_they_are_asked_for_each_once(tmp_path: Path, store: ArtifactStore) -> None:
    entry = refers_to(b"# a document", store)
    path = written(tmp_path / "a.recording", [entry, entry._replace(sequence=2)], store)
    unpacked = read_recording(path).unpack(tmp_path / "unpacked")
    assert unpacked.get(store.put(b"# a document", path="a.md", media_type="text/markdown")) == b"# a document"
    assert sum(item.is_file() for item in (tmp_path / "unpacked").rglob("*")) == 1
    assert len(list(read_recording(path).entries())) == 2


def test_an_artifact_that_is_gone_is_not_left_out_in_silence(tmp_path: Path, store: ArtifactStore) -> None:
    entry = refers_to(b"gone", store)
    with pytest.raises(SourceError, match="is not in the store"):
        written(tmp_path / "a.recording", [entry], ArtifactStore(tmp_path / "empty"))


def test_a_recording_that_cannot_be_finished_leaves_the_last_one(tmp_path: Path) -> None:
    path = written(tmp_path / "a.recording")

    def breaks() -> Iterator[Entry]:
        yield ENTRIES[0]
        raise SourceError("the journal ended here")

    with pytest.raises(SourceError, match="the journal ended here"):
        write_recording(path, breaks, run="r-2", scenario="sums")
    assert read_recording(path).run == "r-1"
    assert list(tmp_path.iterdir()) == [path]


def test_wherever_it_was_cut_it_is_torn(tmp_path: Path) -> None:
    path = written(tmp_path / "a.recording")
    raw = path.read_bytes()
    for length in range(1, len(raw)):
        path.write_bytes(raw[:length])
        with pytest.raises(SourceError, match="is torn"):
            read_recording(path)


def test_whatever_byte_was_changed_it_is_noticed(tmp_path: Path) -> None:
    path = written(tmp_path / "a.recording")
    raw = path.read_bytes()
    for at in range(len(raw)):
        path.write_bytes(raw[:at] + bytes([raw[at] ^ 1]) + raw[at + 1 :])
        with pytest.raises(SourceError, match=r"is (damaged|torn|not a recording)|another version"):
            read_recording(path)


@pytest.mark.parametrize("raw", [b"", b"PK\x03\x04", b"\x89MCAP0\r\n", b"\x28\xb5\x2f\xfd"])
def test_what_is_no_recording_is_called_that(tmp_path: Path, raw: bytes) -> None:
    path = tmp_path / "a.recording"
    path.write_bytes(raw)
    with pytest.raises(SourceError, match="is not a recording; make one with: orchestra record RUN"):
        read_recording(path)


def test_a_recording_that_is_not_there_is_said_to_be_missing(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="cannot be read: No such file"):
        read_recording(tmp_path / "none.recording")


@pytest.mark.parametrize("path", COMMITTED, ids=lambda path: path.stem)
def test_what_was_recorded_once_would_be_said_again_today(path: Path) -> None:
    """Every file of tests/recordings; `orchestra record RUN tests/recordings/NAME` adds one."""
    rows = replay(read_recording(path).entries)
    assert rows
    assert {row.agent: row.not_sent for row in rows if row.not_sent} == {}
