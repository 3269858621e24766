"""Recall when a mission is planned: what is known about some words becomes an input of the task that asks for it.

It happens once, before the mission starts, so the journal shows what a task was given, a replay needs no memory, and
what is learned or forgotten later changes nothing in a run that has begun.
"""

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

from agents.memory import Fact, Memory
from agents.reuse import spelled_age
from bus.artifacts import ArtifactStore
from protocol.bodies import File, PlannedTask
from protocol.errors import SourceError
from protocol.names import render_timestamp
from scenarios.mission import Mission

RECALL: Final = "recall"  # the setting by which a task asks
MEDIA_TYPE: Final = "application/vnd.orchestra.memory+json"


def with_recalled(mission: Mission, memory: Memory | None, store: ArtifactStore) -> Mission:
    """Return a mission whose tasks have what they want recalled among their inputs.

    Raises:
        SourceError: a task wants something recalled, and there is no memory or it cannot be used.
    """
    tasks = tuple(recalled(task, memory, store) for task in mission.plan.tasks)
    return replace(mission, plan=mission.plan.model_copy(update={"tasks": tasks}))


def recalled(task: PlannedTask, memory: Memory | None, store: ArtifactStore) -> PlannedTask:
    """Return a task with what it wants recalled as its last input; one that wants nothing as it is.

    Raises:
        SourceError: as for `with_recalled`.
    """
    query = next((setting.value for setting in task.settings if setting.name == RECALL), "")
    if not query:
        return task
    if memory is None:
        raise SourceError(f"task {task.id} wants {query!r} recalled, but `memory` is off")
    return task.model_copy(update={"inputs": (*task.inputs, _stored(query, task.id, memory, store))})


def _stored(query: str, task: str, memory: Memory, store: ArtifactStore) -> File:
    facts = memory.recall(query)
    document = {"query": query, "project": memory.project, "facts": [as_json(fact) for fact in facts]}
    raw = json.dumps(document, ensure_ascii=False, indent=1).encode()
    # Ages stand in the summary: the bytes, and with them the keys of kept results, change only with what is known.
    return store.put(raw, path=f"memory/{task}.json", media_type=MEDIA_TYPE, summary=_summary(facts, memory.clock_ns()))


def _summary(facts: Sequence[Fact], now_ns: int) -> str:
    if not facts:
        return "nothing is known about that"
    ages = [fact.age_s(now_ns) for fact in facts]
    against = sum(bool(fact.contradicts) for fact in facts)
    disputed = f", {against} of them contradicted" if against else ""
    return f"{len(facts)} recalled, {spelled_age(min(ages))} to {spelled_age(max(ages))} old{disputed}"


def as_json(fact: Fact) -> dict[str, Any]:
    """Return a fact for JSON: what is known, since when, from where, and what contradicts it."""
    sources = [
        {
            "run": source.run,
            "task": source.task,
            "agent": source.agent,
            "message": source.message,
            "sequence": source.sequence,
            "accepted": render_timestamp(source.recorded_ns),
        }
        for source in fact.sources
    ]
    return {
        "id": fact.id,
        "kind": fact.kind.value,
        "key": fact.key,
        "value": fact.value,
        "count": fact.count,
        "first": render_timestamp(fact.first_ns),
        "last": render_timestamp(fact.last_ns),
        "contradicts": list(fact.contradicts),
        "sources": sources,
    }
