"""Snapshots: where a coordinator stood after one entry, so that a restart need not fold the whole journal again.

1. A snapshot is taken after entry S only when everything said because of entries up to S is acknowledged. What of that
   stands behind S in the journal goes with it, so that a refold from there finds nothing that it does not owe.
2. It names the version of the rules, the entries that brought the plan, their digest, and the snapshot before it.
   Other rules, another plan, or a file that is not what it was: it is passed over, and the one before is tried.
3. The journal alone is the truth: without any snapshot a restart takes longer and comes to the same state.
4. What all of them cost together is bounded: they are taken every so many accepted tasks and after each round and
   each group, but not more often than a 32nd of the rows has changed.
"""

import json
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields, replace
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import structlog
import zstandard
from rpds import HashTrieMap

from bus.faults import reached
from bus.files import sync_names
from bus.records import Entry
from coordinators.plan import check
from coordinators.rows import Breaker, PlanState, TaskRow
from coordinators.tasks import WITH_AN_AGENT, State
from coordinators.turn import CAN_BE_LATE
from protocol.bodies import Control, ErrorDetails, File, Plan, TaskAssignment, Value, Verb
from protocol.decoder import reread
from protocol.errors import OrchestraError
from protocol.messages import Message

KEPT: Final = 3
EVERY: Final = 3
_FORMAT: Final = 1
_SHARE: Final = 32
_MOST_BYTES: Final = 256 * 1024 * 1024
_STATE: Final = ("began_ns", "open_top", "next_serial", "accepted", "milestones", "wake_due_ns", "base", "told",
                 "is_halted", "is_reported")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A coordinator after the entry `sequence`. owed: documents that it has said by then and that stand behind it.

    given_at, plan_at: the entries that brought the assignment and the plan as it is now. parent: the digest of the
    snapshot before; "" of the first.
    """

    sequence: int
    state: PlanState
    owed: tuple[bytes, ...]
    given_at: int
    plan_at: int
    parent: str = ""


EntryAt = Callable[[int], Entry | None]


class SnapshotFolder:
    """The snapshots of one coordinator. version: of its rules. entry_at: reads one entry of the journal."""

    def __init__(self, folder: Path, version: str, entry_at: EntryAt) -> None:
        self._folder, self._version, self._entry_at = folder, version, entry_at

    def newest(self, upto: int) -> Snapshot | None:
        """Return the newest usable snapshot of an entry up to this one; None where there is none."""
        for path in sorted(self._folder.glob("*.snapshot"), reverse=True):
            try:
                snapshot = self._read(path.read_bytes())
            except (OSError, ValueError, KeyError, TypeError, IndexError, AttributeError) as error:
                _log("a snapshot is damaged and passed over", path, error)
                continue
            except (OrchestraError, zstandard.ZstdError) as error:
                _log("a snapshot is not of this plan, these rules or this journal, and passed over", path, error)
                continue
            if snapshot.sequence <= upto:
                return snapshot
        return None

    def write(self, snapshot: Snapshot) -> str:
        """Keep a snapshot, remove those that are too old, and return its digest. A full disk is no reason to stop."""
        raw = self._packed(snapshot)
        path = self._folder / f"{snapshot.sequence:012}.snapshot"
        draft = path.with_suffix(".part")
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            with draft.open("wb") as file:
                file.write(raw[: len(raw) // 2])
                reached("coordinator.mid-snapshot", file.flush)
                file.write(raw[len(raw) // 2 :])
                file.flush()
                os.fsync(file.fileno())
            draft.replace(path)
            sync_names(self._folder)
            there = sorted(self._folder.glob("*.snapshot"))
            place = there.index(path) + 1  # what lies behind our own is of another journal, and would push ours out
            for other in (*there[: max(place - KEPT, 0)], *there[place:]):
                other.unlink(missing_ok=True)
        except OSError as error:
            _log("a snapshot could not be written; a restart will take longer", path, error)
        return sha256(raw).hexdigest()

    def _packed(self, snapshot: Snapshot) -> bytes:
        body = json.dumps(
            [_packed_state(snapshot.state), [raw.decode() for raw in snapshot.owed]], separators=(",", ":")
        )
        compressed = zstandard.ZstdCompressor(level=3).compress(body.encode())
        facts = {
            "format": _FORMAT,
            "sequence": snapshot.sequence,
            "version": self._version,
            "given_at": snapshot.given_at,
            "plan_at": snapshot.plan_at,
            "given": self._digest_at(snapshot.given_at),
            "plan": self._digest_at(snapshot.plan_at),
            "parent": snapshot.parent,
            "bytes": len(body),
            "body": sha256(compressed).hexdigest(),
        }
        return json.dumps(facts).encode() + b"\n" + compressed

    def _read(self, raw: bytes) -> Snapshot:
        head, _, compressed = raw.partition(b"\n")
        facts = json.loads(head)
        if facts["format"] != _FORMAT or facts["version"] != self._version:
            raise OrchestraError(f"written by rules of version {facts['version']}, these are {self._version}")
        if sha256(compressed).hexdigest() != facts["body"] or not 0 < facts["bytes"] <= _MOST_BYTES:
            raise ValueError("its bytes are not what its digest says")
        given, plan = self._message(facts["given_at"]), self._message(facts["plan_at"])
        if any(facts[what] != self._digest_at(facts[f"{what}_at"]) for what in ("given", "plan")):
            raise OrchestraError("the journal holds another plan")
        body = zstandard.ZstdDecompressor().decompress(compressed, max_output_size=facts["bytes"])
        state, owed = json.loads(body)
        return Snapshot(
            sequence=int(facts["sequence"]),
            state=_unpacked_state(state, given, _plan_in(plan)),
            owed=tuple(one.encode() for one in owed),
            given_at=int(facts["given_at"]),
            plan_at=int(facts["plan_at"]),
            parent=str(facts["parent"]),
        )

    def _message(self, sequence: int) -> Message:
        entry = self._entry_at(sequence)
        if entry is None:
            raise OrchestraError(f"the journal has no entry {sequence}")
        return reread(entry.document)

    def _digest_at(self, sequence: int) -> str:
        entry = self._entry_at(sequence)
        return sha256(entry.document).hexdigest() if entry else ""


@dataclass(slots=True)
class Photographer:
    """Decides when a snapshot is due, from what a coordinator hears and says. after: the one that it began from."""

    folder: SnapshotFolder
    after: Snapshot | None = None
    _given_at: int = 0
    _plan_at: int = 0
    _parent: str = ""
    _accepted: int = 0
    _milestones: int = 0
    _said: tuple[tuple[int, bytes], ...] = ()

    def __post_init__(self) -> None:
        if self.after is not None:
            self._given_at, self._plan_at = self.after.given_at, self.after.plan_at
            self._accepted, self._milestones = self.after.state.accepted, self.after.state.milestones

    def begin(self, said: Sequence[tuple[int, bytes]]) -> None:
        """Note what was said at the return, each with where the journal has it."""
        self._said = tuple(said)

    def learn(self, sequence: int, heard: Message) -> None:
        """Note which entries bring the plan; also of those that a restart folds again."""
        if isinstance(heard.body, TaskAssignment) and heard.body.plan is not None and not self._given_at:
            self._given_at = self._plan_at = sequence
        elif isinstance(heard.body, Control) and heard.body.verb is Verb.SET and heard.body.plan is not None:
            self._plan_at = sequence

    def turned(self, sequence: int, state: PlanState, said: Sequence[tuple[int, bytes]]) -> None:
        """Take a snapshot where one is due. said: what was said in this turn, each with where the journal has it."""
        self._said = (*((at, raw) for at, raw in self._said if at > sequence), *said)
        if not self._given_at or not self._is_due(state):
            return
        self._accepted, self._milestones = state.accepted, state.milestones
        owed = tuple(raw for at, raw in self._said if at > sequence)
        snapshot = Snapshot(sequence, state, owed, self._given_at, self._plan_at, self._parent)
        self._parent = self.folder.write(snapshot)
        reached("coordinator.after-snapshot")

    def _is_due(self, state: PlanState) -> bool:
        every = EVERY if state.graph.plan.snapshot_every is None else state.graph.plan.snapshot_every
        since, few = state.accepted - self._accepted, len(state.rows) // _SHARE
        return since >= max(every, few) or (state.milestones > self._milestones and since >= few)


def _log(what: str, path: Path, error: Exception) -> None:
    structlog.get_logger().warning(what, path=str(path), reason=f"{type(error).__name__}: {error}")


def _plan_in(message: Message) -> Plan:
    plan = message.body.plan if isinstance(message.body, TaskAssignment | Control) else None
    if plan is None:
        raise OrchestraError("the entry that is to have brought the plan has none")
    return plan


class _Files:
    """Each file once; what refers to it has its number."""

    def __init__(self, packed: Sequence[Sequence[Any]] = ()) -> None:
        self._numbers: dict[File, int] = {}
        self._files = [_file(one) for one in packed]

    def numbers(self, files: Sequence[File]) -> list[int]:
        return [self._numbers.setdefault(file, len(self._numbers)) for file in files]

    def files(self, numbers: Sequence[int]) -> tuple[File, ...]:
        return tuple(self._files[number] for number in numbers)

    def packed(self) -> list[list[Any]]:
        return [[one.path, one.sha256, one.bytes, one.media_type, one.summary] for one in self._numbers]


def _file(packed: Sequence[Any]) -> File:
    path, digest, size, media_type, summary = packed
    return File(path=path, sha256=digest, bytes=size, media_type=media_type, summary=summary)


def _packed_state(state: PlanState) -> dict[str, Any]:
    files = _Files()
    rows = [_packed_row(row, files) for row in state.all_rows()]
    return {
        **{name: getattr(state, name) for name in _STATE},
        "rows": rows,
        "files": files.packed(),
        "ready": [name for *_, name in state.ready],
        "gone": sorted(state.gone),
        "breakers": sorted([name, one.failures, one.open_until_ns] for name, one in state.breakers.items()),
    }


def _packed_row(row: TaskRow, files: _Files) -> dict[str, Any]:
    changed = {name: getattr(row, name) for name, default in _DEFAULTS.items() if getattr(row, name) != default}
    plain = {name: _PLAIN[name](value) if name in _PLAIN else value for name, value in changed.items()}
    for name in ("given", "artifacts"):
        if name in changed:
            plain[name] = files.numbers(changed[name])
    return {"id": row.planned.id, **plain}


_DEFAULTS: Final = {field.name: field.default for field in fields(TaskRow) if field.name != "planned"}
_PLAIN: Final[dict[str, Callable[[Any], Any]]] = {
    "state": lambda state: state.value,
    "faults": sorted,
    "values": lambda values: [[value.name, value.value] for value in values],
    "error": lambda error: error.model_dump(mode="json"),
}
_TYPED: Final[dict[str, Callable[[Any], Any]]] = {
    "state": State,
    "path": tuple,
    "faults": frozenset,
    "values": lambda values: tuple(Value(name=name, value=value) for name, value in values),
    "error": ErrorDetails.model_validate,
}


def _unpacked_state(packed: dict[str, Any], given: Message, plan: Plan) -> PlanState:
    graph, files = check(plan), _Files(packed["files"])
    rows = {row.name: row for row in _unpacked_rows(packed["rows"], files, {task.id: task for task in plan.tasks})}
    state = PlanState(
        given=given,
        graph=graph,
        rows=HashTrieMap(rows),
        live=HashTrieMap({row.serial: row.name for row in rows.values() if row.state in CAN_BE_LATE}),
        under_way=sum(row.state in WITH_AN_AGENT for row in rows.values()),
        gone=frozenset(packed["gone"]),
        breakers=HashTrieMap({name: Breaker(failures, until) for name, failures, until in packed["breakers"]}),
        **{name: packed[name] for name in _STATE},
    )
    return replace(state, ready=tuple(state.turn_of(rows[name]) for name in packed["ready"] if name in rows))


def _unpacked_rows(packed: Sequence[dict[str, Any]], files: _Files, planned: dict[str, Any]) -> Iterator[TaskRow]:
    for one in packed:
        typed = {name: _TYPED[name](value) if name in _TYPED else value for name, value in one.items() if name != "id"}
        for name in ("given", "artifacts"):
            if name in typed:
                typed[name] = files.files(typed[name])
        yield TaskRow(planned=planned[one["id"]], **typed)
