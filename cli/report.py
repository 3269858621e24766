"""`orchestra report`: a run as one page to be read, printed and handed on."""

import time
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from bus.journal import JournalReader
from bus.run import RunFolder
from cli.exits import Exit
from cli.missions import RunName, coordinator_of, start_of
from cli.runs import find_run
from cli.screen import say, warn
from cli.settings import load
from cli.writing import write_whole
from coordinators.past import moment
from coordinators.rows import TaskRow
from coordinators.tasks import State
from observers.report.page import render
from observers.report.reading import read
from observers.report.values import RunReport, Unbegun
from protocol.errors import OrchestraError, SourceError


def report(
    name: RunName = "last",
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE.html", help="Default: the run's id, here.")
    ] = None,
) -> None:
    """Make one HTML page of a run: how it stands, who did what when, what was said, judged, asked, spent and sealed.

    The page needs nothing else: no network, no script. It is made of any run, also while it is going on, and
    changes nothing in its folder; of a run that has ended it is the same each time. A page that is there already is
    replaced.

    Exit codes: 0 the page is written, 1 it is written but the record cannot be trusted, 2 it cannot be written.
    """
    run = find_run(load(), name)
    path = output or Path(f"{run.id}.html")
    if path.is_dir():
        raise SourceError(f"{path} is a folder; name a file in it: --output {path / run.id}.html")
    told = read(run, time.time_ns())
    size = write_whole(path, render(_with_unbegun(told, run)).encode())
    say(f"{path}: {size:,} bytes; {told.run} up to entry {told.entries}")
    finding = told.audit.finding
    if not finding.is_good:
        warn(f"entry {finding.first_bad} and what follows cannot be trusted, as the page says: {finding.reason}", "red")
        raise typer.Exit(Exit.FAILED)


def _with_unbegun(told: RunReport, run: RunFolder) -> RunReport:
    """Return the report with the tasks of the plan that nobody was given, as the coordinator's rules have them."""
    begun = {one.task for one in told.attempts}
    try:
        rows = moment(
            JournalReader(run.journal).entries(told.entries), coordinator_of(start_of(run)), told.entries
        ).rows
    except OrchestraError as error:
        return replace(told, why_unknown=str(error))
    settled = {row.planned.id for row in rows if row.is_settled}
    # A group is nobody's work; its parts are rows of their own.
    unbegun = [_unbegun(row, settled) for row in rows if row.name not in begun and row.planned.group is None]
    return replace(told, unbegun=tuple(unbegun))


def _unbegun(row: TaskRow, settled: set[str]) -> Unbegun:
    needs = [need for need in row.planned.needs if need not in settled] if row.waits else []
    consent = "a person's consent" if row.state is State.ASKED else ""
    note = row.note or consent or ", ".join(needs)
    return Unbegun(row.name, row.agent or row.planned.agent, row.state.value, note)
