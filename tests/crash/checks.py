"""What has to hold after a mission in which something died. Each check yields what differs, as sentences."""

import json
import sqlite3
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

from typer.testing import CliRunner

from bus.records import Entry
from cli.main import app
from protocol.bodies import Claim, Progress
from protocol.decoder import decode
from protocol.messages import Message
from tests.crash.cell import Results
from tests.crash.stage import left_over
from tests.mission.runs import Mission


def differences(mission: Mission, code: int, said: str, undisturbed: Results) -> Iterator[str]:
    """Yield what is not as it must be after a mission that was to end well."""
    left = left_over(mission.folder)
    if left:
        yield f"processes are left: {left}"
    if code != 0:
        yield f"exit code {code}: {said.strip()[-500:]}"
        return
    entries = mission.entries()
    messages = [decode(entry.document) for entry in entries]
    yield from _results(mission.results(), undisturbed)
    yield from order(entries, messages)
    yield from _effects(messages)
    yield from _record(mission.run, len(entries))


def _results(found: Results, undisturbed: Results) -> Iterator[str]:
    for name in sorted(found.keys() | undisturbed.keys()):
        if found.get(name) != undisturbed.get(name):
            yield f"the result {name} is not the undisturbed one"


def order(entries: Sequence[Entry], messages: Sequence[Message]) -> Iterator[str]:
    """Every id of every sender once; sequences without a gap; the broker's clock strictly rising."""
    counts = Counter((message.sender, message.id) for message in messages)
    yield from (f"journaled {count} times: {key}" for key, count in counts.items() if count > 1)
    if [entry.sequence for entry in entries] != list(range(1, len(entries) + 1)):
        yield "the journal's sequences are not contiguous"
    stamps = [entry.recorded_ns for entry in entries]
    if stamps != sorted(set(stamps)):
        yield "the journal's times do not rise"


def _effects(messages: Sequence[Message]) -> Iterator[str]:
    """No life does a step twice; what two lives made of one request is the same."""
    lives: dict[tuple[str, int | None], str] = {}
    done: dict[tuple[str, str, str], list[tuple[str, str | None]]] = defaultdict(list)
    for message in messages:
        body = message.body
        if isinstance(body, Claim):
            lives.setdefault((message.task, message.attempt), body.instance)
        elif isinstance(body, Progress) and body.step and body.request_hash and body.product:
            life = lives.get((message.task, message.attempt), "nobody")
            done[message.task, body.step, body.request_hash].append((life, body.product.sha256))
    for key, times in done.items():
        if len({digest for _, digest in times}) > 1:
            yield f"different products of the same request: {key}"
        # A journaled product is reused by every later attempt, so none of the deaths here makes a second one.
        if len(times) > 1:
            yield f"done again although it was journaled: {key} by {[life for life, _ in times]}"


def _record(run: Path, entries: int) -> Iterator[str]:
    """The audit verifies and is sealed to its end, the coordinators replay, the tables hold every entry."""
    verified = _command("audit", "verify", str(run), "--json")
    told = json.loads(verified[1]) if verified[0] == 0 else {}
    if not told.get("good"):
        yield f"orchestra audit verify: {verified}"
    elif told["unsealed"]:
        yield f"{told['unsealed']} entries at the end are not sealed"
    replayed = _command("replay", str(run), "--json")
    if replayed[0] != 0 or any(json.loads(line)["not_sent"] for line in replayed[1].splitlines()):
        yield f"orchestra replay: {replayed}"
    with closing(sqlite3.connect(run / "audit.db")) as tables:
        rows = tables.execute("SELECT count(*) FROM messages").fetchone()[0]
    if rows != entries:
        yield f"the tables hold {rows} of {entries} entries"


def _command(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, list(arguments))
    return result.exit_code, result.stdout if result.exit_code == 0 else f"{result.output}{result.exception!r}"
