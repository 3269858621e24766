"""Checking a run from outside: needs the journal, an anchor and the recorder's public key; nothing secret.

1. It finds edits, insertions, gaps, reordering, truncation and forged seals, says where the first bad entry is,
   and repairs nothing.
2. What comes after the last seal is chained, but nobody vouches for its end: cut off there, nobody could tell.
   It is counted.
3. It streams: memory does not grow with the journal.
4. A later check goes on where an earlier one stood (`Checked`), as long as the files before it were not touched and
   it holds them against no other seals.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from hashlib import sha256
from pathlib import Path

from bus.journal import JournalReader
from bus.keys import ED25519, KeyRing
from bus.records import Entry
from bus.run import RunFolder
from bus.seals import Seal, read_seals
from bus.segment import segment_path, segments
from bus.signatures import Verifier
from observers.chain import START, link, must_sign
from observers.keys import is_genuine, public_keys
from observers.pruning import pruned_place
from protocol.canonical import glance
from protocol.errors import JournalError, WireError
from protocol.xml import well_formed


@dataclass(frozen=True, slots=True)
class Checked:
    """How far a check has come: before the segment that follows `position`. head: hexadecimal.

    seals: a digest of the seals that the entries before it were held against; with others they are read again.
    files: size and time of last change of every segment before it; touched, they are read again.
    """

    position: int = 0
    head: str = START.hex()
    must_sign: bool = False
    seals: str = ""
    files: Mapping[str, tuple[int, int]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Finding:
    """What a verification found.

    entries: where the journal ends. read: how many entries were read for it. sealed: how many a genuine seal
    vouches for. first_bad: the first sequence that cannot be trusted, None when all is well; where only a seal
    tells, the first after the seal before. signed: how many of those read carry their sender's signature.
    pruned: up to which entry the journal was pruned. place: from where a later check may go on.
    """

    entries: int
    seals: int
    sealed: int
    first_bad: int | None = None
    reason: str = ""
    read: int = 0
    signed: int = 0
    pruned: int = 0
    place: Checked = field(default_factory=Checked)

    @property
    def is_good(self) -> bool:
        return self.first_bad is None

    @property
    def unsealed(self) -> int:
        """How many entries at the end no seal vouches for (yet)."""
        return max(0, self.entries - self.sealed)


def verify(
    run: RunFolder, publics: Sequence[str] = (), *, anchors: Sequence[Path] = (), since: Checked | None = None
) -> Finding:
    """Hold a journal against its seals and its senders' signatures.

    publics: the recorder's public keys, in hexadecimal; none: those that lie in the run folder. anchors: where seals
    lie besides the run's own anchor. since: where an earlier check stood; None reads everything.
    """
    was_given = bool(publics)
    try:
        found = _seals(run, anchors)
        start = _beginning(run)
        publics = publics or (public_keys(run) if found else ())
    except JournalError as error:
        return Finding(0, 0, 0, 1, str(error))
    if was_given and not found:
        return Finding(0, 0, 0, 1, f"{run.anchor} holds no seal, so nothing is signed by this key")
    forged = next((seal for seal in found if not any(is_genuine(seal, public) for public in publics)), None)
    if forged is not None:
        return Finding(0, len(found), 0, 1, f"the seal over {forged.count} entries is not signed by this key")
    heads: dict[int, Seal] = {}
    for seal in found:
        if heads.setdefault(seal.count, seal).head != seal.head:
            reason = f"two genuine seals over {seal.count} entries differ: the journal was written twice"
            return Finding(0, len(found), 0, 1, reason)
    pruned = start.position
    if since is not None and since.position > pruned and _still_holds(since, run, heads):
        start = since
    return _Walk(run, heads, start, pruned).finding()


def _seals(run: RunFolder, anchors: Sequence[Path]) -> list[Seal]:
    """Return the seals of a run, from its own anchor and from those elsewhere, which may hold other runs' too."""
    own = read_seals(run.anchor)
    names = {run.id, *(seal.run for seal in own)}  # a copied folder may have another name
    for anchor in anchors:
        there = [seal for seal in read_seals(anchor) if seal.run in names]
        if not there:
            raise JournalError(f"{anchor} holds no seal of {' or '.join(sorted(names))}")
        own += there
    return own


def _beginning(run: RunFolder) -> Checked:
    pruned = pruned_place(run)
    return Checked() if pruned is None else Checked(pruned.last, pruned.head, pruned.must_sign)


def _still_holds(place: Checked, run: RunFolder, seals: Mapping[int, Seal]) -> bool:
    """Return whether the segments before a place are all there as they were, and so are the seals over them."""
    is_untouched = all(_stamp(run.journal / name) == tuple(told) for name, told in place.files.items())
    return is_untouched and place.seals == _digest_of(seals, place.position)


def _digest_of(seals: Mapping[int, Seal], upto: int) -> str:
    """Return what changes with every seal over at most so many entries."""
    said = sorted((count, seal.head) for count, seal in seals.items() if count <= upto)
    return sha256(json.dumps(said).encode()).hexdigest()


def _stamp(path: Path) -> tuple[int, int] | None:
    """Return a file's size and the time of its last change, of contents or of rights; None where it is gone."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_size, status.st_ctime_ns


class _Walk:
    """One reading of a journal from a place to its end."""

    def __init__(self, run: RunFolder, seals: Mapping[int, Seal], start: Checked, pruned: int) -> None:
        self._run, self._seals, self._start, self._pruned = run, seals, start, pruned
        self._count, self._head = start.position, bytes.fromhex(start.head)
        # What was pruned has to be proven here; what an earlier check has read was proven there.
        self._was_checked = was_checked = start.position > pruned
        self._sealed = max((count for count in seals if count <= start.position), default=0) if was_checked else 0
        self._proven: int | None = None
        self._read: set[Path] = {run.journal / name for name in start.files}
        self._must_sign, self._signed = start.must_sign, 0
        self._place = start
        self._signers = _signers(run)
        self._firsts = dict(segments(run.journal))

    def finding(self) -> Finding:
        there = self._seals.get(self._start.position)
        if there is not None and there.head != self._head.hex():
            return self._found(1, f"entries 1 to {self._count} were sealed with another head than the one told here")
        if there is not None:
            self._sealed = self._proven = self._count
        reader = JournalReader(self._run.journal, self._start.position)
        try:
            for entry in reader.entries():
                if reader.path is not None:
                    self._read.add(reader.path)
                fault = self._take(entry)
                if fault is not None:
                    return self._found(*fault)
        except (JournalError, OSError) as error:
            return self._found(self._count + 1, str(error))
        finally:
            reader.close()
        if not self._was_checked and self._start.position and self._proven is None:
            reason = f"no seal vouches for what was pruned, entries 1 to {self._start.position}"
            return self._found(1, reason)
        strangers = self._strangers()
        if strangers:
            hint = "; if a pruning was killed, prune again" if self._pruned else ""
            return self._found(1, f"{', '.join(strangers)} in the journal's folder is no part of the chain{hint}")
        promised = max(self._seals, default=0)
        if promised > self._count:
            reason = f"the journal ends at {self._count}, but a seal vouches for {promised}: it was cut"
            return self._found(self._count + 1, reason)
        stray = sorted(path.name for path in self._run.journal.glob("torn-*.bin"))
        return self._found(None, f"kept aside after a crash: {', '.join(stray)}" if stray else "")

    def _take(self, entry: Entry) -> tuple[int, str] | None:
        """Chain an entry; return the first sequence that cannot be trusted, and why, where there is one."""
        if entry.sequence in self._firsts and entry.sequence > self._start.position + 1:
            files, seals = dict(self._files_before(entry.sequence)), _digest_of(self._seals, self._count)
            self._place = Checked(self._count, self._head.hex(), self._must_sign, seals, files)
        fault = self._unsigned(entry)
        self._count, self._head = entry.sequence, link(self._head, entry)
        if fault is not None:
            return entry.sequence, fault
        seal = self._seals.get(entry.sequence)
        if seal is not None:
            if seal.head != self._head.hex():
                reason = f"entries {self._sealed + 1} to {self._count} are not what was sealed: one of them was changed"
                return self._sealed + 1, reason
            self._sealed = self._proven = entry.sequence
        return None

    def _strangers(self) -> list[str]:
        """Return the files that look like segments and were not read: other readers would take them for the journal.

        The last one may hold nothing yet.
        """
        begun = segment_path(self._run.journal, self._count + 1)
        return sorted(path.name for path in self._run.journal.glob("*.mcap") if path not in {*self._read, begun})

    def _files_before(self, sequence: int) -> Iterator[tuple[str, tuple[int, int]]]:
        for first, path in self._firsts.items():
            stamp = _stamp(path)
            if first < sequence and stamp is not None:
                yield path.name, stamp

    def _unsigned(self, entry: Entry) -> str | None:
        """Return what is wrong with an entry's signature; the broker's first word in an epoch says who must sign."""
        self._must_sign = must_sign(entry, self._must_sign)
        if not entry.signature:
            return f"entry {entry.sequence} is not signed" if self._must_sign else None
        sender = _sender(entry.document)
        self._signed += 1
        if any(key.has_signed(entry.document, entry.signature) for key in self._signers.get(sender, ())):
            return None
        return f"entry {entry.sequence} is not signed by @{sender}"

    def _found(self, first_bad: int | None, reason: str) -> Finding:
        return Finding(
            entries=self._count,
            seals=len(self._seals),
            sealed=self._sealed,
            first_bad=first_bad,
            reason=reason,
            read=self._count - self._start.position,
            signed=self._signed,
            pruned=self._pruned,
            place=self._place,
        )


def _sender(document: bytes) -> str:
    """Return who a document says has sent it, without @, as every other reader of it understands it."""
    told = glance(document)
    if told is None:
        try:
            return (well_formed(document).findtext("sender") or "")[1:]
        except WireError:
            return ""
    return told.sender[1:]


def _signers(run: RunFolder) -> dict[str, list[Verifier]]:
    """Return the public signing keys that lie in the run folder, by name; retired ones too."""
    if not run.keys.is_dir():
        return {}
    signers: dict[str, list[Verifier]] = {}
    for name, public in KeyRing(run.keys).ever_known(ED25519):
        signers.setdefault(name, []).append(Verifier(public))
    return signers


def remember(path: Path, place: Checked) -> None:
    """Keep where a check stood, for whoever checks: not in the run folder, which is what is being checked."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_suffix(".part")
    draft.write_text(json.dumps(asdict(place)), encoding="ascii")
    draft.replace(path)


def remembered(path: Path) -> Checked | None:
    """Return where an earlier check stood; None where nothing usable is kept: then everything is read."""
    try:
        told = json.loads(path.read_text(encoding="ascii"))
        bytes.fromhex(told["head"])
        files = {str(name): (int(size), int(changed)) for name, (size, changed) in told["files"].items()}
        if int(told["position"]) and not files:
            return None  # a place behind the beginning has segments before it
        return Checked(int(told["position"]), told["head"], bool(told["must_sign"]), str(told["seals"]), files)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError):
        return None
