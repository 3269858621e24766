"""`orchestra history` and `show`: which missions there were, and where one stood at any moment."""

from collections.abc import Iterator
from typing import Annotated, Any

import typer

from bus.journal import TO_THE_END, JournalReader
from bus.lock import is_open
from bus.run import RunFolder
from cli.missions import Json, RunName, coordinator_of, start_of
from cli.runs import all_runs, find_run
from cli.screen import say, say_json, table, warn, when
from cli.settings import load
from coordinators.past import moment
from coordinators.rows import TaskRow
from coordinators.tasks import State
from observers.outline import Outline
from protocol.errors import OrchestraError


def history(
    most: Annotated[int, typer.Option("--last", min=1, metavar="N", help="Only so many, the newest.")] = 20,
    as_json: Json = False,
) -> None:
    """List the missions in the runs folder, the newest last: what they were, how far they got, how they ended."""
    rows = [_row(run) for run in all_runs(load())[-most:]]
    if as_json:
        for row in rows:
            say_json(row)
        return
    columns = ["run", "scenario", "began", "took s", "tasks", "accepted", "entries", "stands"]
    table(f"{len(rows)} mission{'s' * (len(rows) != 1)}", columns, [list(row.values()) for row in rows])


def _row(run: RunFolder) -> dict[str, Any]:
    past, stands = Outline(), ""
    try:
        for entry in JournalReader(run.journal).entries():
            past.hear(entry)
    except OrchestraError as error:
        stands = f"cannot be read: {error}"
    is_held = is_open(run.journal)
    if not past.entries and not is_held:
        stands = stands or "never began"
    return {
        "run": run.id,
        "scenario": past.scenario,
        "began": when(past.began_ns) if past.entries else "",
        "took_s": round((past.ended_ns - past.began_ns) / 1e9, 1),
        "tasks": len(past.tasks),
        "accepted": len(past.accepted),
        "entries": past.entries,
        "stands": stands or past.stands(is_held),
    }


def show(
    name: RunName = "last",
    at: Annotated[int | None, typer.Option(min=1, metavar="SEQ", help="After this entry; default: the last.")] = None,
    as_json: Json = False,
) -> None:
    """Show where every task of a mission stood, now or after any entry of its journal.

    The state is not stored anywhere: the journal is folded up to that entry by the coordinator's own rules.
    """
    run = find_run(load(), name)
    coordinator = coordinator_of(start_of(run))
    found = moment(JournalReader(run.journal).entries(), coordinator, at or TO_THE_END)
    rows = list(_rows(found.rows))
    if as_json:
        say_json({"run": str(run.path), "at": found.at, "recorded_ns": found.at_ns, "tasks": rows})
        return
    if not rows:
        warn(f"{run.id}: entry {found.at}, before the plan was given", "yellow")
        return
    done = sum(row["state"] == State.ACCEPTED.value for row in rows)
    title = f"{run.id} after entry {found.at}, {when(found.at_ns)}: {done} of {len(rows)} tasks accepted"
    columns = ["task", "agent", "state", "attempt", "rejections", "losses", "instance"]
    shown = [[*(row[column] for column in columns), ", ".join(row["waits_for"]) or row["note"]] for row in rows]
    table(title, [*columns, "waits for, or why not"], shown)
    if at is None:
        say("any earlier moment: orchestra show RUN --at SEQ (sequences: orchestra audit show)", "dim")


def _rows(rows: tuple[TaskRow, ...]) -> Iterator[dict[str, Any]]:
    settled = {row.planned.id for row in rows if row.is_settled}
    for row in rows:
        yield {
            "task": row.name,
            "agent": row.agent or row.planned.agent,
            "state": row.state.value,
            "attempt": row.attempt,
            "rejections": row.rejections,
            "losses": row.losses,
            "instance": row.instance if row.state is State.CLAIMED else "",
            "waits_for": [need for need in row.planned.needs if need not in settled] if row.waits else [],
            "note": row.note,
            "artifacts": [file.path for file in row.artifacts],
        }
