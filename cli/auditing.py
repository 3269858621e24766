"""`orchestra audit` and `costs`: what was said, whether it is still what was said, and what it cost."""

import sqlite3
import sys
import time
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from bus.journal import JournalReader
from cli.missions import Json, RunName
from cli.runs import find_run
from cli.screen import out, say, say_json, table
from cli.settings import load
from observers.costs import GROUPINGS, Cost, Grouping, costs, usd
from observers.recorder import rebuild as rebuild_tables
from observers.tables import open_tables
from protocol.errors import SourceError
from protocol.messages import MessageType

audit_app = typer.Typer(no_args_is_help=True, help="The audit trail: show it, verify it, rebuild its tables.")

_TYPES = tuple(kind.value for kind in MessageType)
_COLUMNS = "sequence, recorded_ns, topic, id, sender, recipient, type, task, attempt, cause, said"


@audit_app.command()
def show(
    name: RunName = "last",
    agent: Annotated[str | None, typer.Option(help="Sent by or to this agent, such as @fact-writer.")] = None,
    task: Annotated[str | None, typer.Option(help="About this task.")] = None,
    kind: Annotated[str | None, typer.Option("--type", help="Only messages of this type.")] = None,
    since: Annotated[str | None, typer.Option(help="Journaled at or after this time, ISO 8601.")] = None,
    until: Annotated[str | None, typer.Option(help="Journaled before this time, ISO 8601.")] = None,
    as_json: Json = False,
    as_xml: Annotated[bool, typer.Option("--xml", help="The documents themselves, as they were sent.")] = False,
) -> None:
    """Show who said what to whom, and for every result why it was accepted or not."""
    run = find_run(load(), name)
    where, values = _conditions(agent, task, kind, since, until)
    db = open_tables(run)
    rows = db.execute(f"SELECT {_COLUMNS} FROM messages{where} ORDER BY sequence", values).fetchall()
    if as_xml:
        _print_documents(run.journal, {row[0] for row in rows})
        return
    names = [name.strip() for name in _COLUMNS.split(",")]
    if as_json:
        for row in rows:
            say_json(dict(zip(names, row, strict=True)) | _verdict(db, row[0]))
        return
    shown = [[r[0], _clock(r[1]), r[4], r[5], r[6], r[7], _attempt(r[8]), _why(db, r)] for r in rows]
    table(f"{run.id}: {len(rows)} messages", ["seq", "time", "from", "to", "type", "task", "try", "said"], shown)


def _conditions(
    agent: str | None, task: str | None, kind: str | None, since: str | None, until: str | None
) -> tuple[str, list[Any]]:
    parts: list[str] = []
    values: list[Any] = []
    if agent:
        name = agent if agent.startswith("@") else f"@{agent}"
        parts.append("(sender = ? OR recipient = ?)")
        values += [name, name]
    if kind and kind not in _TYPES:
        raise typer.BadParameter(f"{kind!r} is not one of {', '.join(_TYPES)}", param_hint="--type")
    for column, value in (("task", task), ("type", kind)):
        if value:
            parts.append(f"{column} = ?")
            values.append(value)
    for comparison, text in ((">=", since), ("<", until)):
        if text:
            parts.append(f"recorded_ns {comparison} ?")
            values.append(stamp_of(text))
    return (" WHERE " + " AND ".join(parts) if parts else ""), values


def stamp_of(text: str) -> int:
    """Return an ISO 8601 time as nanoseconds since 1970."""
    try:
        return int(datetime.fromisoformat(text).timestamp() * 1_000_000_000)
    except ValueError as error:
        raise typer.BadParameter(f"{text!r} is not a time such as 2026-11-21T09:30:00") from error


def _clock(stamp_ns: int) -> str:
    return time.strftime("%H:%M:%S", time.localtime(stamp_ns // 1_000_000_000)) + f".{stamp_ns // 1_000_000 % 1000:03}"


def _attempt(attempt: int | None) -> str:
    return "" if attempt is None else str(attempt)


def _why(db: sqlite3.Connection, row: tuple[Any, ...]) -> str:
    """Return what a message said; for a verdict also what each gate said."""
    marks = _verdict(db, row[0]).get("gates")
    return row[10] if not marks else f"{row[10]} [{', '.join(f'{gate}: {mark}' for gate, mark in marks.items())}]"


def _verdict(db: sqlite3.Connection, sequence: int) -> dict[str, Any]:
    row = db.execute(
        "SELECT judged, decision, reason, input, hallucination, boundary, output, escalation FROM verdicts"
        " WHERE sequence = ?",
        (sequence,),
    ).fetchone()
    if row is None:
        return {}
    gates = dict(zip(("input", "hallucination", "boundary", "output", "escalation"), row[3:], strict=True))
    return {"judged": row[0], "decision": row[1], "reason": row[2], "gates": gates}


def _print_documents(journal: Path, wanted: set[int]) -> None:
    for entry in JournalReader(journal).entries():
        if entry.sequence in wanted:
            if out.is_terminal:  # which would obey what a message holds
                say(entry.document.decode(errors="replace"))
            else:
                sys.stdout.buffer.write(entry.document + b"\n")


@audit_app.command()
def rebuild(name: RunName = "last") -> None:
    """Make the tables that `audit show` reads again, from the journal alone."""
    run = find_run(load(), name)
    say(f"{rebuild_tables(run)} entries taken in; {run.audit_db}")


def show_costs(
    name: RunName = "last",
    by: Annotated[str, typer.Option(help=f"Grouped by one of: {', '.join(GROUPINGS)}.")] = "agent",
    as_json: Json = False,
) -> None:
    """Show what a run has cost. An unknown price is shown as unknown, never as zero."""
    if by not in GROUPINGS:
        raise SourceError(f"--by {by}: not one of {', '.join(GROUPINGS)}")
    grouping: Grouping = by
    run = find_run(load(), name)
    rows = costs(open_tables(run), grouping)
    total, unpriced = sum(row.nano_usd for row in rows), sum(row.unpriced for row in rows)
    if as_json:
        say_json(
            {
                "run": str(run.path),
                "by": by,
                "usd": None if unpriced else usd(total),
                "usd_known": usd(total),
                "unpriced_calls": unpriced,
                "rows": [_cost_row(row) for row in rows],
            }
        )
        return
    if not rows:
        say(f"{run.id}: no model was called; 0.00 USD")
        return
    columns = [by, "calls", "tokens in", "tokens out", "USD"]
    table(run.id, columns, [[r.name, r.calls, r.input_tokens, r.output_tokens, _price(r)] for r in rows])
    say(f"total: {usd(total)} USD" + (f" and {unpriced} calls of unknown price" if unpriced else ""))


def _price(row: Cost) -> str:
    if row.unpriced == row.calls:
        return "unknown"
    return usd(row.nano_usd) + (f" + {row.unpriced} unknown" if row.unpriced else "")


def _cost_row(row: Cost) -> dict[str, Any]:
    return {
        "name": row.name,
        "calls": row.calls,
        "input_tokens": row.input_tokens,
        "output_tokens": row.output_tokens,
        "usd": None if row.unpriced else usd(row.nano_usd),
        "unpriced_calls": row.unpriced,
    }
