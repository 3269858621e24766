"""From a task in words to a workflow: a pattern by rules, specialists by their declared skills, and what is missing.

Nothing is guessed: a step that nobody has a skill for, a condition or a criterion that only words tell, are named, and
the workflow as far as it goes is there to be finished by hand.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import yaml

from agents.definitions.definition import Definition, catalogue
from agents.skills.catalogue import ONE_AT_A_TIME, SKILLS
from scenarios.candidates import Candidate, specialists_for
from scenarios.choice import Choice, choose, explained
from scenarios.steps import branches, parts, repetition
from scenarios.workflow import Pattern, Step, Workflow

Making = Callable[[Sequence[str], list[str]], list[Step]]
_NAME: Final = "task"
_WORDS_OF_A_NAME: Final = 4
_DEFAULT_ROUNDS: Final = 3
_TELLING_WORDS: Final = 2


@dataclass(frozen=True, slots=True)
class Proposal:
    """A workflow made from words. doers: who was found for each step. missing: what somebody has to add, in words."""

    choice: Choice
    workflow: Workflow
    doers: Mapping[str, Candidate]
    missing: tuple[str, ...]


def propose(description: str, files: Sequence[Path], definitions: Mapping[str, Definition]) -> Proposal:
    """Return a workflow for a task description. files: what it is about."""
    choice = choose(description, [path.name for path in files])
    doers: dict[str, Candidate] = {}
    missing: list[str] = []

    def made(texts: Sequence[str], inputs: list[str]) -> list[Step]:
        return [_step(text, number, inputs, definitions, doers, missing) for number, text in enumerate(texts, 1)]

    given = ["$files"] if files else []
    steps = _steps(choice.pattern, description, given, made, missing)
    workflow = Workflow.model_construct(
        workflow=_NAME,
        title=description.strip().split("\n")[0][:200],
        pattern="parallel" if choice.pattern is Pattern.PARALLEL else "sequential",
        steps=steps,
    )
    return Proposal(choice, workflow, doers, tuple(missing))


def _in_order(steps: list[Step]) -> list[Step]:
    """Let each step have what all before it made: words do not tell on which of them it builds."""
    before: list[str] = []
    ordered = []
    for step in steps:
        ordered.append(step.model_copy(update={"needs": list(before)}) if before else step)
        before.append(step.id)
    return ordered


def _one_by_one(step: Step) -> Step:
    """Return a step as it is, or for each of its files where its skill takes one at a time."""
    if step.skill not in ONE_AT_A_TIME or not step.inputs:
        return step
    each = step.model_copy(update={"inputs": [], "id": f"{step.id}-one"})
    return Step.model_construct(id=step.id, pattern=Pattern.PIPELINE, items=step.inputs, steps=[each])


def _steps(pattern: Pattern, description: str, given: list[str], made: Making, missing: list[str]) -> list[Step]:
    texts = parts(description) or (description,)
    if pattern is Pattern.PIPELINE and given:
        return [Step.model_construct(id="items", pattern=pattern, items=given, steps=made(texts, []))]
    if pattern is Pattern.ITERATIVE:
        again = repetition(description)
        rounds = again.rounds if again and again.rounds else _DEFAULT_ROUNDS
        if again and again.criterion:
            missing.append(f"`until`: what value of which step tells that {again.criterion!r}?")
        body = made((again.body,) if again and again.body else texts, given)
        return [Step.model_construct(id="rounds", pattern=pattern, rounds=rounds, steps=body)]
    found = branches(description) if pattern is Pattern.CONDITIONAL else None
    if found is not None:
        missing.append(f"`if`: what value of which step tells that {found.condition!r}?")
        then, otherwise = made((found.then,), given), made((found.otherwise,) if found.otherwise else (), given)
        return [Step.model_construct(id="choice", pattern=pattern, then=then, otherwise_steps=otherwise)]
    steps = [_one_by_one(step) for step in made(texts, given)]
    return steps if pattern is Pattern.PARALLEL else _in_order(steps)


def _step(
    text: str,
    number: int,
    inputs: list[str],
    definitions: Mapping[str, Definition],
    doers: dict[str, Candidate],
    missing: list[str],
) -> Step:
    """Return one step with whoever has a skill for it that can be run here."""
    words = re.findall(r"[A-Za-z0-9]+", text.lower())[:_WORDS_OF_A_NAME]
    name = f"{number}-{'-'.join(words)}"[:80] if words else f"step-{number}"
    found = specialists_for(text, definitions.values())
    # One everyday verb is no sign: "write me a poem" is nothing for whoever writes facts.
    able = [candidate for candidate in found if candidate.skill in SKILLS and len(candidate.why) >= _TELLING_WORDS]
    if not able:
        missing.append(f"{name}: nobody here has a skill for {text!r}; give it `skill:` or an agent")
        return Step.model_construct(id=name, title=text[:200], inputs=inputs)
    doers[name] = able[0]
    return Step.model_construct(id=name, title=text[:200], agent=able[0].agent, skill=able[0].skill, inputs=inputs)


def as_yaml(workflow: Workflow) -> str:
    """Return a workflow as a file to go on writing."""
    said = workflow.model_dump(mode="json", by_alias=True, exclude_unset=True, warnings=False)
    return yaml.safe_dump(said, sort_keys=False, allow_unicode=True, width=100)


def proposed(description: str) -> str:
    """Return a proposal in words, the same for the same description."""
    made = propose(description, (), catalogue())
    doers = [
        f"{name}: @{doer.agent} with {doer.skill} (by: {', '.join(doer.why)})" for name, doer in made.doers.items()
    ]
    lines = [*explained(made.choice), *doers, *made.missing]
    return "\n".join([*lines, 'nothing was begun: orchestra run --task "…" --save FILE writes it as a workflow'])
