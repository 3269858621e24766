"""`orchestra replay`, `record` and `record-test`: a run's coordinators put to the test, today and any later day."""

import shlex
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from bus.artifacts import ArtifactStore
from bus.journal import TO_THE_END, JournalReader
from bus.records import Entry
from bus.run import RunFolder
from cli.exits import Exit
from cli.missions import Json, RunName, start_of
from cli.runs import find_run
from cli.screen import say, say_json, warn
from cli.settings import load
from observers.summary import describe
from protocol.decoder import reread
from protocol.errors import ReplayDifference, SourceError
from scenarios.recording import SUFFIX, is_recording, read_recording, write_recording
from scenarios.replaying import Replayed, Source
from scenarios.replaying import replay as replay_all
from scenarios.written_tests import function_name, text_of_test

Artifacts = Annotated[
    bool, typer.Option("--with-artifacts", help="The files too, so that specialists can be replayed.")
]


def replay(
    name: Annotated[str, typer.Argument(metavar="RUN|FILE", help="A run, as everywhere, or a recording.")] = "last",
    speed: Annotated[
        float | None, typer.Option(min=0.001, metavar="X", help="At X times the recorded pace, showing each message.")
    ] = None,
    until: Annotated[int | None, typer.Option(min=1, metavar="SEQ", help="Only up to this entry.")] = None,
    as_json: Json = False,
) -> None:
    """Feed a run's journal, or a recording, to its coordinators again and compare every message they would send.

    Exit codes: 0 the same messages, 1 a difference, which is shown: where, on hearing what, and in which lines.
    """
    source = _source(name)
    show = _shown if speed and not as_json else _ignored
    try:
        rows = replay_all(source, upto=until or TO_THE_END, on_entry=_paced(speed) if speed else _ignored, on_same=show)
    except ReplayDifference as difference:
        _tell(difference, as_json)
        raise typer.Exit(Exit.FAILED) from difference
    for row in rows:
        if as_json:
            say_json({"agent": row.agent, "same": row.same, "not_sent": row.not_sent})
        else:
            say(f"{row.agent}: {row.same} messages, all the same" + _unsent(row, until))


def record(
    name: RunName,
    file: Annotated[Path, typer.Argument(metavar="FILE", help=f"Where to; {SUFFIX} is added where it is missing.")],
    with_artifacts: Artifacts = False,
    force: Annotated[bool, typer.Option("--force", help="Write over what is there.")] = False,
) -> None:
    """Make one small file of a run, from which its coordinators can be replayed anywhere: `orchestra replay FILE`."""
    run = find_run(load(), name)
    path = file if file.suffix == SUFFIX else file.with_name(file.name + SUFFIX)
    _check_free([path], force, "FILE")
    _record(run, start_of(run).subject or "mission", path, with_artifacts)


def record_test(
    name: RunName,
    to: Annotated[Path, typer.Option(help="The folder of your tests.")] = Path("tests"),
    with_artifacts: Artifacts = False,
    force: Annotated[bool, typer.Option("--force", help="Write over what is there.")] = False,
) -> None:
    """Make a pytest of a run: a recording, and a short test that today's coordinators say the same again.

    With --with-artifacts the test also asks every specialist for the same results.
    """
    run = find_run(load(), name)
    scenario = start_of(run).subject or "mission"
    recorded = to / "recordings" / f"{scenario}{SUFFIX}"
    test = to / f"test_{function_name(scenario)}_recording.py"
    _check_free([recorded, test], force, "--to")
    rows = replay_all(_source(name))
    _record(run, scenario, recorded, with_artifacts)
    text = text_of_test(read_recording(recorded), rows, with_specialists=with_artifacts)
    try:
        test.write_text(text, encoding="utf-8")
    except OSError as error:
        raise SourceError(f"{test} cannot be written: {error.strerror}; choose another --to") from error
    say(f"{test}: run it with: python -m pytest {shlex.quote(str(test))}")


def _record(run: RunFolder, scenario: str, path: Path, with_artifacts: bool) -> None:
    store = ArtifactStore(run.artifacts) if with_artifacts else None
    size = write_recording(path, _journal(run), run=run.id, scenario=scenario, store=store)
    say(f"{path}: {size:,} bytes")


def _check_free(paths: list[Path], may_replace: bool, other: str) -> None:
    there = [str(path) for path in paths if path.exists()]
    if there and not may_replace:
        raise SourceError(f"{' and '.join(there)} would be written over; --force does it, another {other} keeps both")


def _source(name: str) -> Source:
    path = Path(name)
    if path.is_file():
        return read_recording(path).entries
    if is_recording(path.with_name(path.name + SUFFIX)):
        return read_recording(path.with_name(path.name + SUFFIX)).entries
    return _journal(find_run(load(), name))


def _journal(run: RunFolder) -> Source:
    return lambda: JournalReader(run.journal).entries()


def _tell(difference: ReplayDifference, as_json: bool) -> None:
    if not as_json:
        warn(str(difference), "red")
        return
    facts = {"agent": difference.agent, "sequence": difference.sequence, "cause": difference.cause}
    say_json({**facts, "reason": difference.reason, "diff": difference.diff})


def _unsent(row: Replayed, until: int | None) -> str:
    if not row.not_sent:
        return ""
    return f"; {row.not_sent} more " + ("after that entry" if until else "to send when the run is resumed")


def _paced(speed: float) -> Callable[[Entry], None]:
    """Return what waits until an entry is due, counted from the first one."""
    begun: list[tuple[float, int]] = []

    def wait(entry: Entry) -> None:
        if not begun:
            begun.append((time.monotonic(), entry.recorded_ns))
        began_s, first_ns = begun[0]
        time.sleep(max(0.0, began_s + (entry.recorded_ns - first_ns) / 1e9 / speed - time.monotonic()))

    return wait


def _ignored(_entry: Entry) -> None:
    """Nobody wants to see it."""


def _shown(entry: Entry) -> None:
    message = reread(entry.document)
    about = f"{message.sender} → {message.recipient} {message.type.value} {message.task}"
    say(f"{entry.sequence:6} same  {about} {describe(message)}")
