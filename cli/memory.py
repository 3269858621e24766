"""`orchestra memory`: what missions have learned, where from, and how to make it forgotten."""

import time
from typing import Annotated, Any

import typer

from agents.memory import Fact, Memory
from agents.reuse import spelled_age
from cli.cache import age_in_s
from cli.missions import Json
from cli.runs import project_memory
from cli.screen import say, say_json, table
from cli.settings import load
from protocol.errors import SourceError
from scenarios.recall import as_json as fact_as_json

memory_app = typer.Typer(no_args_is_help=True, help="What missions learned from accepted results, for later ones.")
Project = Annotated[str | None, typer.Option(help="Only of this project; default: of all in this memory.")]


@memory_app.command("list")
def list_facts(
    query: Annotated[list[str] | None, typer.Argument(metavar="QUERY", help="Words; the best match first.")] = None,
    project: Project = None,
    as_json: Json = False,
) -> None:
    """List what is known: about some words the most relevant first, otherwise the latest first."""
    memory, now_ns = _memory(), time.time_ns()
    found = memory.listed(" ".join(query or ()), project)
    if as_json:
        for fact in found:
            say_json(_row(fact, now_ns))
        return
    if not found:
        say("nothing is known" + (" about that" if query else ""))
        return
    columns = ["id", "project", "kind", "key", "age", "times", "from", "value"]
    table(f"{len(found)} in {memory.path}", columns, [_cells(fact, now_ns) for fact in found])
    for numbers in dict.fromkeys(tuple(sorted((fact.id, *fact.contradicts))) for fact in found if fact.contradicts):
        say(f"{', '.join(map(str, numbers))} contradict each other: one key, several values", "yellow")


@memory_app.command()
def forget(
    number: Annotated[
        int | None, typer.Argument(metavar="ID", help="One fact, as `orchestra memory list` shows.")
    ] = None,
    older_than: Annotated[
        str | None, typer.Option(metavar="AGE", help="What was not learned again for so long, such as 48h or 90d.")
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="All of it.")] = False,
    project: Project = None,
    as_json: Json = False,
) -> None:
    """Remove what is known, and say what that was. It does not come back from the runs that it was learned in.

    Journals keep what was said in them; only what later missions would recall is removed.
    """
    if [number is not None, older_than is not None, everything].count(True) != 1:
        raise SourceError("say what to forget: an ID, --older-than AGE, or --all")
    memory, now_ns = _memory(), time.time_ns()
    age_s = age_in_s(older_than) if older_than else None
    gone = memory.forget(number, older_than_s=age_s, project=project)
    if number is not None and not gone:
        raise SourceError(f"there is no fact {number}; see: orchestra memory list")
    for fact in gone:
        if as_json:
            say_json(_row(fact, now_ns))
        else:
            say(f"forgotten: {fact.id} {fact.project} {fact.key}: {fact.value}")
    if not gone and not as_json:
        say("nothing to forget")


def _row(fact: Fact, now_ns: int) -> dict[str, Any]:
    about = {"id": fact.id, "project": fact.project, **fact_as_json(fact)}
    return {**about, "age_s": round(fact.age_s(now_ns), 1)}


def _cells(fact: Fact, now_ns: int) -> list[Any]:
    latest = fact.sources[0]
    origin = f"{latest.run} {latest.task} {latest.agent} #{latest.sequence}"
    age = spelled_age(fact.age_s(now_ns))
    return [fact.id, fact.project, fact.kind.value, fact.key, age, fact.count, origin, _line(fact.value)]


def _line(value: str) -> str:
    return " ".join(value.split())


def _memory() -> Memory:
    memory = project_memory(load())
    if memory is None:
        raise SourceError("nothing is remembered: `memory` is off in orchestra.toml or ORCHESTRA_MEMORY")
    memory.check()
    return memory
