"""`orchestra cache`: what is kept of earlier runs, why it would be used, and how to be rid of it."""

import re
import time
from dataclasses import asdict
from typing import Annotated, Any, Final

import typer

from agents.definitions.definition import catalogue
from agents.results import Kept, Missed, ResultStore
from agents.results_key import Component, maker, read_key
from agents.reuse import spelled_age
from cli.missions import Json
from cli.runs import kept_results
from cli.screen import say, say_json, table
from cli.settings import load
from protocol.errors import SourceError

cache_app = typer.Typer(
    no_args_is_help=True, help="Results kept from earlier runs: what there is, why, and away with it."
)

_UNITS_S: Final = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}
_SHOWN_CHARACTERS: Final = 120


@cache_app.command()
def stats(as_json: Json = False) -> None:
    """Show how much is kept, how often it was used, and what was dropped because it was damaged, by agent."""
    store = _store()
    found, now_ns = store.stats(), time.time_ns()
    hits, misses, dropped = (sum(getattr(t, name) for t in found.tallies) for name in ("hits", "misses", "dropped"))
    ages = {name: None if ns is None else round((now_ns - ns) / 1e9, 1)
            for name, ns in (("oldest_s", found.oldest_ns), ("newest_s", found.newest_ns))}  # fmt: skip
    whole = {"entries": found.entries, "bytes": found.bytes, "hits": hits, "misses": misses, "dropped": dropped}
    if as_json:
        by_agent = [asdict(tally) for tally in found.tallies]
        about = {"folder": str(store.folder), "limit_bytes": store.most_bytes, "hit_rate": _rate(hits, misses)}
        say_json({**about, **whole, **ages, "agents": by_agent})
        return
    rows = [[t.agent or "(index)", *_figures(asdict(t))] for t in found.tallies]
    columns = ["", "entries", "bytes", "hits", "misses", "hit rate", "dropped"]
    table(f"{store.folder}, limit {store.most_bytes:,} bytes", columns, [*rows, ["all", *_figures(whole)]])
    if ages["oldest_s"] is not None and ages["newest_s"] is not None:
        say(f"oldest {spelled_age(ages['oldest_s'])}, newest {spelled_age(ages['newest_s'])}")


def _figures(row: dict[str, Any]) -> list[str]:
    rate = _rate(row["hits"], row["misses"])
    shown = "" if rate is None else f"{rate:.0%}"
    return [f"{row['entries']:,}", f"{row['bytes']:,}", row["hits"], row["misses"], shown, row["dropped"]]


def _rate(hits: int, misses: int) -> float | None:
    return round(hits / (hits + misses), 4) if hits + misses else None


@cache_app.command()
def clear(
    agent: Annotated[str | None, typer.Option(help="Only of this agent, such as fact-extractor.")] = None,
    older_than: Annotated[
        str | None, typer.Option(metavar="AGE", help="Only what is older, such as 48h or 7d.")
    ] = None,
) -> None:
    """Remove kept results: all, of one agent, or those that are older than something."""
    age_s = age_in_s(older_than) if older_than else 0
    entries, freed = _store().clear(agent.removeprefix("@") if agent else None, age_s)
    say(f"{entries} kept results removed, {freed:,} bytes")


def age_in_s(text: str) -> int:
    """Return an age such as 48h in seconds.

    Raises:
        SourceError: it is none.
    """
    found = re.fullmatch(r"([1-9][0-9]{0,8})([smhd])", text)
    if found is None:
        raise SourceError(f"--older-than {text!r}: give a number with s, m, h or d, such as 48h")
    return int(found[1]) * _UNITS_S[found[2]]


@cache_app.command()
def why(
    key: Annotated[str, typer.Argument(metavar="KEY", help="A kept result's key, or how it begins.")],
    as_json: Json = False,
) -> None:
    """Show all that a kept result depends on, where it came from, and whether it would be used now.

    Keys stand in the journal where a kept result was used: `orchestra audit show --type progress`.
    """
    store = _store()
    kept = _named(store, key)
    components = read_key(kept.spelled).components
    age_s, reason = kept.age_s(store.clock_ns()), _hindrance(store, kept, components)
    if as_json:
        about = {name: getattr(kept, name) for name in ("key", "agent", "run", "task", "uses", "max_age_s")}
        say_json({**about, "age_s": round(age_s, 1), "usable": not reason, "reason": reason, "components": components})
        return
    origin = f"of task {kept.task} in run {kept.run}" if kept.run else f"of {kept.agent}"
    say(f"{kept.key}\nmade {spelled_age(age_s)} ago, {origin}; used {kept.uses} times")
    table("it depends on", ["what", "value"], [[name, _short(" ".join(value))] for name, *value in components])
    say(f"it would not be used now: {reason}" if reason else "it would be used now", "yellow" if reason else "green")


def _short(text: str) -> str:
    return text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]}… ({len(text):,} characters)"


def _named(store: ResultStore, prefix: str) -> Kept:
    found = store.known(prefix.lower())
    if len(found) != 1:
        known = ", ".join(key[:12] for key in (found or store.known())[:5]) or "nothing is kept"
        many = f"{len(found)} kept results begin" if found else "no kept result begins"
        raise SourceError(f"{many} with {prefix!r}: {known}")
    kept = store.look(found[0])
    if isinstance(kept, Missed):
        raise SourceError(f"{kept.reason}; the next look-up drops it")
    return kept


def _hindrance(store: ResultStore, kept: Kept, components: tuple[Component, ...]) -> str:
    """Return why a kept result would not be used for the same task today; "" where it would."""
    is_agents = components[0][0] == "agent"
    definition = catalogue().get(kept.agent) if is_agents else None
    most_s = min(kept.max_age_s, (definition.max_age_s if definition else 0) or kept.max_age_s)
    if not kept.is_fresh(store.clock_ns(), most_s):
        return f"it is {spelled_age(kept.age_s(store.clock_ns()))} old and may be {spelled_age(most_s)}"
    if not is_agents:
        return ""
    if definition is None:
        return f"there is no agent {kept.agent} any more"
    now = dict(part for part in maker(definition) if len(part) == 2)
    changed = [name for name, *value in components if name in now and [now[name]] != value]
    return f"its {' and '.join(changed)} changed since" if changed else ""


def _store() -> ResultStore:
    store = kept_results(load())
    if store is None:
        raise SourceError("no results are kept: `cache` is off in orchestra.toml or ORCHESTRA_CACHE")
    return store
