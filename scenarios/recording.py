"""Recordings: all that a run's coordinators heard and said, in one small file, for replays anywhere and any time.

    magic · one zstd frame of records · end mark · SHA-256 of everything before

1. A record is a kind, a length and its content: one head (JSON), entries, artifacts where asked for, a last empty one.
2. Signatures stay behind: a recording is for tests, what is to be proven stays with the run.
3. Nothing is given out before the whole file was found to be what was written.
"""

import json
import os
import re
import struct
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import BinaryIO, Final

import zstandard

from bus.artifacts import ArtifactStore
from bus.records import Entry
from protocol.bodies import File
from protocol.errors import SourceError

SUFFIX: Final = ".recording"
_MAGIC: Final = b"\x89orchestra-recording\r\n"
_FORMAT: Final = b"1"
_END: Final = b"\nEND\n"
_DIGEST_BYTES: Final = 32
_HEAD, _ENTRY, _ARTIFACT, _LAST = b"H", b"E", b"A", b"Z"
_RECORD: Final = struct.Struct("<cQ")
_PLACED: Final = struct.Struct("<QQH")  # sequence, recorded, length of the topic
_LARGEST_BYTES: Final = 128 * 1024 * 1024  # twice the largest document that a mission takes in
# Measured on the sample mission, 53 entries of 63 KB: level 3 makes 6.9 KB of them, 9 makes 6.2 KB, 22 makes 6.0 KB and
# takes eighty times as long.
_LEVEL: Final = 9
_BLOCK_BYTES: Final = 1024 * 1024
_REFERENCE: Final = re.compile(rb'sha256="([0-9a-f]{64})"')


@dataclass(frozen=True, slots=True)
class Recording:
    """A recording that was found whole. run: the id of the run it was made of; scenario: what that run carried out."""

    path: Path
    run: str
    scenario: str

    def entries(self) -> Iterator[Entry]:
        """Yield the journal's entries, as often as it is asked for."""
        for kind, content in _records(self.path):
            if kind == _ENTRY:
                yield _entry(content)
            elif kind == _ARTIFACT:
                return

    def unpack(self, folder: Path) -> ArtifactStore:
        """Return a store in this folder with the artifacts that the recording carries."""
        store = ArtifactStore(folder)
        for kind, content in _records(self.path):
            if kind == _ARTIFACT:
                store.put(content, path="artifact", media_type="application/octet-stream")
        return store


def write_recording(
    path: Path, entries: Callable[[], Iterable[Entry]], *, run: str, scenario: str, store: ArtifactStore | None = None
) -> int:
    """Write a recording, whole or not at all, and return its size in bytes.

    entries: gives the journal from its start each time it is called. store: where the artifacts lie that the entries
    refer to; None leaves them out.

    Raises:
        SourceError: it cannot be written, or an artifact is not in the store.
    """
    head = json.dumps({"run": run, "scenario": scenario}).encode()
    draft = path.with_name(f".{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with draft.open("w+b") as file:
            _write(file, head, entries, store)
        return draft.replace(path).stat().st_size
    except OSError as error:
        raise SourceError(f"{path} cannot be written: {error.strerror}") from error
    finally:
        draft.unlink(missing_ok=True)


def read_recording(path: Path) -> Recording:
    """Return the recording in a file, after all of it was checked.

    Raises:
        SourceError: it is no recording, of another version, torn or damaged.
    """
    try:
        _check(path)
    except OSError as error:
        raise SourceError(f"{path} cannot be read: {error.strerror}") from error
    kind, content = next(_records(path), (b"", b""))
    try:
        head = json.loads(content) if kind == _HEAD else {}
        return Recording(path, str(head["run"]), str(head["scenario"]))
    except (ValueError, KeyError, TypeError) as error:
        raise _damaged(path) from error


def is_recording(path: Path) -> bool:
    """Return whether a file begins as recordings do, whatever became of its end."""
    with suppress(OSError), path.open("rb") as file:
        return file.read(len(_MAGIC)) == _MAGIC
    return False


def _write(file: BinaryIO, head: bytes, entries: Callable[[], Iterable[Entry]], store: ArtifactStore | None) -> None:
    file.write(_MAGIC + _FORMAT)
    with zstandard.ZstdCompressor(level=_LEVEL).stream_writer(file, closefd=False) as packing:
        packing.write(_record(_HEAD, head))
        for entry in entries():
            topic = entry.topic.encode()
            placed = _PLACED.pack(entry.sequence, entry.recorded_ns, len(topic))
            packing.write(_record(_ENTRY, placed + topic + entry.document))
        for data in _artifacts(entries(), store) if store is not None else ():
            packing.write(_record(_ARTIFACT, data))
        packing.write(_record(_LAST, b""))
    file.write(_END)
    digest = _digest_of(file, file.tell())
    file.write(digest)


def _record(kind: bytes, content: bytes) -> bytes:
    return _RECORD.pack(kind, len(content)) + content


def _artifacts(entries: Iterable[Entry], store: ArtifactStore) -> Iterator[bytes]:
    """Yield each artifact once that the entries refer to."""
    given: set[str] = set()
    for entry in entries:
        for found in _REFERENCE.findall(entry.document):
            digest = found.decode()
            if digest not in given:
                given.add(digest)
                yield store.get(File(path=f"of entry {entry.sequence}", sha256=digest))


def _check(path: Path) -> None:
    with path.open("rb") as file:
        begin = file.read(len(_MAGIC) + 1)
        if not begin or begin[: len(_MAGIC)] != _MAGIC[: len(begin)]:
            raise SourceError(f"{path} is not a recording; make one with: orchestra record RUN {path.name}")
        tail = max(len(begin), file.seek(0, os.SEEK_END) - len(_END) - _DIGEST_BYTES)
        file.seek(tail)
        end = file.read()
        if not end.startswith(_END) or len(end) != len(_END) + _DIGEST_BYTES:
            raise SourceError(f"{path} is torn: it has no end; copy it again, or record the run again")
        if begin[len(_MAGIC) :] != _FORMAT:
            raise SourceError(f"{path} was recorded by another version of Agent Orchestra")
        if _digest_of(file, tail + len(_END)) != end[len(_END) :]:
            raise _damaged(path)


def _digest_of(file: BinaryIO, upto: int) -> bytes:
    """Return the digest of a file's first bytes; the file stands behind them then."""
    file.seek(0)
    digest = sha256()
    while upto and (block := file.read(min(_BLOCK_BYTES, upto))):
        digest.update(block)
        upto -= len(block)
    return digest.digest()


def _records(path: Path) -> Iterator[tuple[bytes, bytes]]:
    with path.open("rb") as file:
        file.seek(len(_MAGIC) + len(_FORMAT))
        reader = zstandard.ZstdDecompressor().stream_reader(file)
        try:
            kind = b""
            while kind != _LAST:
                kind, length = _RECORD.unpack(_exactly(reader, _RECORD.size))
                if length > _LARGEST_BYTES:
                    raise _damaged(path)
                yield kind, _exactly(reader, length)
        except (zstandard.ZstdError, struct.error) as error:
            raise _damaged(path) from error


def _exactly(reader: zstandard.ZstdDecompressionReader, wanted: int) -> bytes:
    """Return so many bytes; fewer only where the frame ends."""
    parts, missing = [], wanted
    while missing and (part := reader.read(min(missing, _BLOCK_BYTES))):
        parts.append(part)
        missing -= len(part)
    return b"".join(parts)


def _entry(content: bytes) -> Entry:
    sequence, recorded_ns, topic_bytes = _PLACED.unpack_from(content)
    document = _PLACED.size + topic_bytes
    return Entry(sequence, recorded_ns, content[_PLACED.size : document].decode(), content[document:])


def _damaged(path: Path) -> SourceError:
    return SourceError(f"{path} is damaged: it is not what was written; take it from where it was made")
