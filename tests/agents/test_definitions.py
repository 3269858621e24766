"""Definitions: what is in the catalogue, and how a wrong one is told."""

import re
from pathlib import Path

import pytest

from agents.definitions.definition import KEYS, Tier, catalogue, load, load_folder, parse, read_text
from agents.skills.catalogue import SKILLS
from protocol.errors import DefinitionError
from protocol.messages import MessageType
from tests.cases import ROOT

GOOD = """---
name: fact-writer
description: Writes.
tools: Read, Write
model: opus
tier: routine
skills: [write-facts]
colour: blue
---

You write.
"""


def test_every_definition_that_ships_is_complete() -> None:
    shipped = catalogue()
    assert {"tech-lead-orchestrator", "data-coordinator", "fact-extractor", "gatekeeper"} <= shipped.keys()
    for definition in shipped.values():
        assert Path(definition.path).stem == definition.name
        assert definition.rationale
        assert definition.team
        assert definition.skills
        assert not definition.unknown
        assert "## " in definition.role


def test_the_missions_specialists_have_their_skills() -> None:
    for name in ("fact-extractor", "contradiction-finder", "fact-writer"):
        definition = catalogue()[name]
        assert definition.model == "none"
        assert set(definition.skills) <= SKILLS.keys()


def test_a_definition_is_read_as_people_write_it() -> None:
    definition = parse(GOOD, "x.md")
    assert definition.tools == ("Read", "Write")
    assert definition.tier is Tier.ROUTINE
    assert definition.unknown == ("colour",)
    assert definition.role == "You write."


def test_what_an_agent_hears_and_leads_is_read() -> None:
    definition = parse(GOOD.replace("colour: blue", "accepts: [answer, control]\nleads: data"), "x.md")
    assert definition.accepts == (MessageType.ANSWER, MessageType.CONTROL)
    assert definition.leads == "data"
    assert definition.unknown == ()


def test_carriage_returns_and_a_byte_order_mark_are_no_obstacle(tmp_path: Path) -> None:
    path = tmp_path / "a.md"
    path.write_bytes(b"\xef\xbb\xbf" + GOOD.replace("\n", "\r\n").encode())
    assert load(path).name == "fact-writer"


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("# no front matter", "x.md:1: begins with '# no front matter'"),
        ("---\nname: a\n", "x.md:1: the front matter is never closed"),
        ("---\nname: [a\n---\n", "x.md:2: not YAML"),
        ("---\n- a\n---\n", "x.md:2: the front matter is not a list"),
        ("---\ndescription: d\nname: '***'\n---\n", "x.md:3: name: '***' is not a name"),
        ("---\ndescription: d\nname: human\n---\n", "x.md:3: name: human is in every run already"),
        ("---\nname: a\n---\n", "x.md:2: description: missing"),
        ("---\nname: a\ndescription: d\naccepts: [anser]\n---\n", "x.md:4: accepts: 'anser' is not a type of message"),
        ("---\nname: a\ndescription: d\nmax-age-h: soon\n---\n", "x.md:4: max-age-h: 'soon' is not a whole number"),
    ],
)
def test_a_wrong_definition_is_told_by_file_and_line(text: str, complaint: str) -> None:
    with pytest.raises(DefinitionError) as told:
        parse(text, "x.md")
    assert complaint in str(told.value)


def test_one_name_defined_twice_names_both_files(tmp_path: Path) -> None:
    for name in ("a.md", "b.md"):
        (tmp_path / name).write_text(GOOD)
    with pytest.raises(DefinitionError, match=r"b\.md:2: name: fact-writer is also defined in .*a\.md"):
        load_folder(tmp_path)


def test_the_page_about_agents_has_every_key_and_an_example_without_findings() -> None:
    page = (ROOT / "docs" / "agents.md").read_text(encoding="utf-8")
    assert set(re.findall(r"^\| `([a-z-]+)` \|", page, re.MULTILINE)) == set(KEYS)
    [shown] = re.findall(r"^```markdown\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    assert read_text(shown, "gap-finder.md").findings == ()
