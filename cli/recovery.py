"""`orchestra recovery`: what went wrong in a run and what was done about it; over all runs, what has helped."""

from dataclasses import asdict
from typing import Annotated, Any

import typer

from bus.journal import JournalReader
from bus.run import RunFolder
from cli.missions import Json, RunName
from cli.runs import all_runs, find_run
from cli.screen import say, say_json, table, warn
from cli.settings import load
from observers.recoveries import Account, Recovery, Tally, account, tally
from protocol.errors import OrchestraError

_COLUMNS = ["seq", "task", "try", "failure", "what was done", "by", "outcome", "took s", "reason"]


def recovery(
    name: RunName = "last",
    is_all: Annotated[
        bool, typer.Option("--all", help="Over all runs: which ways have helped, and how often.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Show every failure of a run: its kind, what was done about it, by whom, whether it helped and what it took.

    With --all: how often each way has helped in the runs of the runs folder. Shares are (helped + 1) / (tried + 2), so
    that few tries prove little; these are the figures that the next mission's coordinator is told.
    """
    if is_all:
        _tell_all(all_runs(load()), as_json)
        return
    run = find_run(load(), name)
    told = account(JournalReader(run.journal).entries())
    if as_json:
        for one in told.recoveries:
            say_json(_facts(one))
        return
    if told.recoveries:
        table(f"{run.id}: {_failures(len(told.recoveries))}", _COLUMNS, [_row(one) for one in told.recoveries])
    again = len(told.own.opened) - 1
    if again > 0:
        say(f"{run.id}: the broker was started again {_times(again)}")
    _sum_up(tally([told]), run.id, "no task failed" if again > 0 else "nothing went wrong")


def _facts(one: Recovery) -> dict[str, Any]:
    facts = asdict(one) | {"took_s": one.took_s, "outcome": one.outcome.value}
    named = {"kind": one.kind.value if one.kind else None, "way": one.way.value if one.way else None}
    return {key: value for key, value in (facts | named).items() if not key.endswith("_ns")}


def _row(one: Recovery) -> list[Any]:
    by = one.agent if one.next_agent in ("", one.agent) else f"{one.agent} → {one.next_agent}"
    return [
        one.failed_at,
        one.task,
        one.attempt,
        one.kind.value if one.kind else "",
        one.way.value if one.way else "nothing so far",
        by,
        f"{one.outcome.value} ({one.decision}: {one.decided_by})" if one.decided_by else one.outcome.value,
        "" if one.took_s is None else f"{one.took_s:.1f}",
        one.reason,
    ]


def _tell_all(runs: list[RunFolder], as_json: bool) -> None:
    accounts = [told for told in map(_account, runs) if told is not None]
    found = tally(accounts)
    if as_json:
        say_json(_tally_facts(found, len(accounts), len(runs) - len(accounts)))
        return
    title = f"{len(accounts)} run{'s' * (len(accounts) != 1)}"
    if found.ways:
        rows = [
            [*name.split("/"), tries.helped, tries.tried, f"{tries.share:.2f}"] for name, tries in found.ways.items()
        ]
        table(f"{title}: {_failures(found.failures)}", ["failure", "what was done", "helped", "tried", "share"], rows)
    _sum_up(found, title)


def _account(run: RunFolder) -> Account | None:
    try:
        return account(JournalReader(run.journal).entries()).own
    except OrchestraError as error:
        warn(f"{run.id} cannot be read and is left out: {error}", "yellow")
        return None


def _tally_facts(found: Tally, runs: int, unread: int) -> dict[str, Any]:
    ways = [
        {"way": name, "helped": tries.helped, "tried": tries.tried, "share": round(tries.share, 3)}
        for name, tries in found.ways.items()
    ]
    return {
        "runs": runs,
        "unread": unread,
        "failures": found.failures,
        "tasks": found.tasks,
        "accepted": found.accepted,
        "error_rate": found.error_rate,
        "troubled": found.troubled,
        "alone": found.alone,
        "share_alone": found.share_alone,
        "ways": ways,
    }


def _sum_up(found: Tally, title: str, none: str = "nothing went wrong") -> None:
    if not found.failures:
        say(f"{title}: {none}")
    else:
        share = _percent(found.share_alone)
        say(f"accepted in the end without a person: {found.alone} of {found.troubled} tasks that failed{share}")
    if found.tasks:
        lost = found.tasks - found.accepted
        say(f"not accepted: {lost} of {found.tasks} tasks that were begun{_percent(found.error_rate)}")


def _percent(share: float | None) -> str:
    return "" if share is None else f" ({share:.0%})"


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"


def _failures(count: int) -> str:
    return f"{count} failure{'s' * (count != 1)}"
