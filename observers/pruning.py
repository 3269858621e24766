"""Retention: whole segments are taken out of an ended run, and what is left can still be proven.

What is taken out leaves its digest and the chain's head at its end. A later seal proves that head: it is over
everything, the part that is gone included.
"""

import json
import os
from dataclasses import asdict, dataclass
from hashlib import file_digest
from pathlib import Path

from bus.files import sync_names
from bus.journal import TO_THE_END, JournalReader
from bus.lock import is_open
from bus.run import RunFolder
from bus.segment import segments
from observers.chain import START, link, must_sign
from protocol.errors import JournalError, SourceError


@dataclass(frozen=True, slots=True)
class Gone:
    """A segment that was taken out. last_ns: when its last entry was recorded."""

    name: str
    sha256: str
    bytes: int
    first: int
    last: int
    last_ns: int


@dataclass(frozen=True, slots=True)
class Pruned:
    """What is gone: entries 1 to `last`.

    head: the chain there, in hexadecimal. must_sign: whether messages had to be signed there.
    """

    last: int
    head: str
    must_sign: bool
    gone: tuple[Gone, ...]


def pruned_place(run: RunFolder) -> Pruned | None:
    """Return what was pruned from a run; None where nothing was.

    Raises:
        JournalError: the record of it is damaged.
    """
    try:
        told = json.loads(run.pruned.read_text(encoding="ascii"))
        bytes.fromhex(told["head"])
        gone = tuple(Gone(**row) for row in told["gone"])
        if type(told["last"]) is not int or not 0 < told["last"] < 2**32:
            raise ValueError("last is no number of an entry")
        return Pruned(int(told["last"]), told["head"], bool(told["must_sign"]), gone)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise JournalError(f"{run.pruned} is not what pruning wrote: {error}") from error


def prune(run: RunFolder, before_ns: int) -> list[Gone]:
    """Take out the segments of which every entry was recorded before a time, nanoseconds since 1970.

    The run should have been verified just before, after `finish`. Returns what was taken out.

    Raises:
        SourceError: the run is still going on.
        JournalError: the journal is damaged.
    """
    if is_open(run.journal):
        raise SourceError(f"{run.path} is still going on; prune it when it has ended")
    known = pruned_place(run) or Pruned(0, START.hex(), False, ())
    after = _without(run, known, before_ns)
    if after.last > known.last:
        _write(run.pruned, after)
    finish(run)
    return list(after.gone[len(known.gone) :])


def finish(run: RunFolder) -> None:
    """Take out what a pruning that was killed had already noted as gone.

    Raises:
        JournalError: the record of what is gone is damaged.
    """
    known = pruned_place(run)
    for row in known.gone if known else ():
        (run.journal / row.name).unlink(missing_ok=True)


def _without(run: RunFolder, known: Pruned, before_ns: int) -> Pruned:
    """Return what is gone when every segment has been taken out that ends before a time."""
    after = known
    firsts = [(first, path) for first, path in segments(run.journal) if first > known.last]
    for (_, path), (following, _) in zip(firsts, [*firsts[1:], (TO_THE_END, None)], strict=True):
        longer = _behind(run, after, path, following - 1)
        if longer.gone[-1].last_ns >= before_ns:
            break
        after = longer
    return after


def _behind(run: RunFolder, known: Pruned, path: Path, upto: int) -> Pruned:
    """Return what is gone when the next segment, which reaches to `upto` at most, is gone too."""
    last, last_ns, head, signs = known.last, 0, bytes.fromhex(known.head), known.must_sign
    reader = JournalReader(run.journal, known.last)
    for entry in reader.entries():
        if entry.sequence > upto:
            break
        last, last_ns = entry.sequence, entry.recorded_ns
        head, signs = link(head, entry), must_sign(entry, signs)
    reader.close()
    with path.open("rb") as file:
        digest = file_digest(file, "sha256").hexdigest()
    gone = Gone(path.name, digest, path.stat().st_size, known.last + 1, last, last_ns)
    return Pruned(last, head.hex(), signs, (*known.gone, gone))


def _write(path: Path, pruned: Pruned) -> None:
    draft = path.with_suffix(".part")
    with draft.open("w", encoding="ascii") as file:
        json.dump(asdict(pruned), file, indent=1)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
    sync_names(path.parent)  # before a segment goes: what it was must be known after a power cut too
