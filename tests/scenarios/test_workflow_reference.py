"""docs/workflows.md has every key there is, no other, each with an example that is read."""

import re
from typing import Any

import pytest
import yaml
from pydantic import BaseModel

from agents.document import checked, parse_document
from scenarios.workflow import Budget, Cache, Depends, Retry, Step, Workflow
from tests.cases import ROOT

TEXT = (ROOT / "docs" / "workflows.md").read_text(encoding="utf-8")
_ROW = re.compile(r"^\| `(?P<key>\w+)` \|.* \| `(?P<example>[^`]+)` \|$", re.MULTILINE)
OTHER = {"id": "other", "skill": "read-log"}
PART = {"id": "a", "skill": "read-log"}
ALONE: dict[str, Any] = {"id": "x", "skill": "read-log"}
# What a key needs beside it to be part of a whole step.
BESIDE: dict[str, dict[str, Any]] = {
    "if": {"id": "x", "pattern": "conditional", "then": [PART]},
    "then": {"id": "x", "pattern": "conditional", "if": "other.errors > 0"},
    "else": {"id": "x", "pattern": "conditional", "if": "other.errors > 0", "then": [PART]},
    "until": {"id": "x", "pattern": "iterative", "steps": [PART]},
    "rounds": {"id": "x", "pattern": "iterative", "steps": [PART]},
    "best": {"id": "x", "pattern": "iterative", "steps": [PART]},
    "items": {"id": "x", "pattern": "pipeline", "steps": [PART]},
    "batch": {"id": "x", "pattern": "pipeline", "steps": [PART]},
    "pattern": {"id": "x", "steps": [PART]},
    "steps": {"id": "x", "pattern": "parallel"},
}


def keys(model: type[BaseModel]) -> set[str]:
    return {field.alias or name for name, field in model.model_fields.items()}


def rows(begin: str, end: str) -> dict[str, str]:
    """Return the examples of the tables between two places of the text, by key."""
    part = TEXT[TEXT.index(begin) : TEXT.index(end)]
    found = [(row["key"], row["example"]) for row in _ROW.finditer(part)]
    assert len(dict(found)) == len(found)
    return dict(found)


TABLES: list[tuple[type[BaseModel], dict[str, str]]] = [
    (Workflow, rows("## The whole workflow", "## Every step")),
    (
        Step,
        rows("## Every step", "## A step that")
        | rows("## A step that", "Within `retry`")
        | rows("## A group", "## Conditions"),
    ),
    (Retry, rows("Within `retry`", "Within `budget`")),
    (Budget, rows("Within `budget`", "Within `cache`:")),
    (Cache, rows("Within `cache`:", "Within `cache.depends`")),
    (Depends, rows("Within `cache.depends`", "## A group")),
]


@pytest.mark.parametrize(("model", "table"), TABLES, ids=lambda one: getattr(one, "__name__", ""))
def test_every_key_is_there_and_no_other(model: type[BaseModel], table: dict[str, str]) -> None:
    assert set(table) == keys(model)


@pytest.mark.parametrize(("model", "table"), TABLES, ids=lambda one: getattr(one, "__name__", ""))
def test_every_example_is_read(model: type[BaseModel], table: dict[str, str]) -> None:
    for key, example in table.items():
        given = yaml.safe_load(example)
        assert list(given) == [key]
        if model is Step:
            steps = [OTHER, {**BESIDE.get(key, ALONE), **given}]
            assert Workflow.model_validate({"workflow": "w", "steps": steps})
        elif model is Workflow:
            assert Workflow.model_validate({"workflow": "w", "steps": [OTHER], **given})
        else:
            assert model.model_validate(given)


def test_every_workflow_in_the_text_is_one() -> None:
    shown = re.findall(r"^```yaml\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)
    assert shown
    for text in shown:
        assert checked(parse_document(text, "docs/workflows.md"), Workflow)
