"""The schema holds what it promises, said of every one of its parts: a linter, and its agreement with the models."""

import re
from functools import cache
from importlib.resources import files
from itertools import pairwise
from typing import Any

import pytest
import xmlschema
from lxml import etree
from pydantic import BaseModel

from protocol import Message, MessageType, decode, encode
from protocol.bodies import Report
from protocol.examples import example
from protocol.messages import BODIES
from protocol.schema import PARTS, XS, compiled, schema_bytes
from protocol.shapes import CONTEXT, TABLES, Kind
from protocol.template import template

# The parse that the engine itself makes of a pattern; typeshed does not know it.
PARSER: Any = re._parser  # type: ignore[attr-defined]
ROOT = etree.fromstring(schema_bytes())
PATTERNS = [str(node.get("value")) for node in ROOT.iter(f"{XS}pattern")]
OURS = {str(node.get("name")) for node in ROOT.iterchildren(f"{XS}simpleType", f"{XS}complexType")}


@cache
def second_opinion() -> xmlschema.XMLSchema10:
    return xmlschema.XMLSchema10(schema_bytes().decode())


def test_the_schema_is_xsd_1_0_and_every_part_is_in_it() -> None:
    assert isinstance(compiled(), etree.XMLSchema)
    assert second_opinion().xsd_version == "1.0"
    words = {str(node.tag).removeprefix(XS) for node in ROOT.iter("*")}
    assert words.isdisjoint({"assert", "assertion", "alternative", "override", "openContent", "any", "anyAttribute"})
    assert words.isdisjoint({"include", "import", "redefine"})
    assert ROOT.get("targetNamespace") is None
    named = [node.get("name") for node in ROOT]
    parts = [etree.fromstring((files("protocol") / "schema" / f"{part}.xsd").read_bytes()) for part in PARTS]
    assert named == [node.get("name") for part in parts for node in part.iterchildren("*") if node.get("name")]
    assert {part.get("blockDefault") for part in [ROOT, *parts]} == {"#all"}


def test_every_type_element_and_attribute_is_documented() -> None:
    kinds = [f"{XS}{kind}" for kind in ("simpleType", "complexType", "group", "element", "attribute")]
    for node in ROOT.iter(*kinds):
        if not node.get("name") and node.tag != f"{XS}simpleType":
            continue
        words = node.findtext(f"{XS}annotation/{XS}documentation") or ""
        assert len(words.split()) >= 2 or node.get("name") in ("reason", "subject"), (node.get("name"), node.sourceline)


def test_every_leaf_is_a_string_with_an_explicit_limit() -> None:
    for node in ROOT.iter(f"{XS}simpleType"):
        [restriction] = node.findall(f"{XS}restriction")
        assert restriction.get("base") == "xs:string"
        facets = {str(facet.tag).removeprefix(XS) for facet in restriction}
        assert facets & {"pattern", "enumeration", "maxLength"}
        assert facets <= {"pattern", "enumeration", "minLength", "maxLength"}


def test_no_built_in_type_stands_anywhere_else_and_no_list_is_endless() -> None:
    for node in ROOT.iter("*"):
        for key in ("type", "base"):
            if (named := node.get(key)) is not None and node.tag != f"{XS}restriction":
                assert named in OURS, named
        assert node.get("maxOccurs") in (None, "4096")
        assert node.get("nillable") is None
        assert node.get("mixed") is None


def firsts(tokens: Any) -> set[int]:
    """Return the characters with which a parsed pattern can begin."""
    found: set[int] = set()
    for token in tokens:
        one, may_be_empty = first(*token)
        found |= one
        if not may_be_empty:
            break
    return found


def first(operator: Any, argument: Any) -> tuple[set[int], bool]:
    match str(operator):
        case "LITERAL":
            return {argument}, False
        case "IN":
            return {code for item in argument for code in codes(*item)}, False
        case "MAX_REPEAT":
            return firsts(argument[2]), argument[0] == 0 or firsts(argument[2]) == set()
        case "SUBPATTERN":
            return firsts(argument[3]), False
        case "BRANCH":
            return {code for branch in argument[1] for code in firsts(branch)}, False
    raise AssertionError(f"a pattern may not use {operator}")


def codes(operator: Any, argument: Any) -> range:
    assert str(operator) in ("LITERAL", "RANGE"), operator
    return range(argument, argument + 1) if str(operator) == "LITERAL" else range(argument[0], argument[1] + 1)


def faults(tokens: Any, *, is_counted: bool = False) -> list[str]:
    """Return why a validator would have to guess: nested counts, or a count that may overlap what follows."""
    found = []
    tokens = list(tokens)
    for (operator, argument), following in pairwise([*tokens, (None, None)]):
        match str(operator):
            case "MAX_REPEAT":
                low, high, inner = argument
                is_count = high > 1
                if is_count and is_counted:
                    found.append("a count in a count")
                if low != high and following[0] is not None and firsts(inner) & firsts([following]):
                    found.append("what repeats may also be what follows")
                found += faults(inner, is_counted=is_counted or is_count)
            case "SUBPATTERN":
                found += faults(argument[3], is_counted=is_counted)
            case "BRANCH":
                found += [fault for branch in argument[1] for fault in faults(branch, is_counted=is_counted)]
    return found


def alternations(pattern: str) -> list[list[str]]:
    """Return the alternatives of every group as they are written: the engine's parse has already merged beginnings."""
    open_groups, closed = [[""]], []
    for character in pattern:
        if character == "(":
            open_groups.append([""])
        elif character == ")":
            closed.append(open_groups.pop())
            open_groups[-1][-1] += f"({'|'.join(closed[-1])})"
        elif character == "|":
            open_groups[-1].append("")
        else:
            open_groups[-1][-1] += character
    return [*closed, *open_groups]


def begin_alike(pattern: str) -> bool:
    for alternatives in alternations(pattern):
        starts = [firsts(PARSER.parse(one)) for one in alternatives]
        if len(alternatives) > 1 and len(set().union(*starts)) != sum(map(len, starts)):
            return True
    return False


@pytest.mark.parametrize("pattern", PATTERNS)
def test_a_pattern_is_ascii_explicit_and_deterministic(pattern: str) -> None:
    assert pattern.isascii()
    assert not re.search(r"\\[^.\-]|\^|\$|\(\?|[*+](?![^\[]*\])", pattern)
    assert not re.search(r"\[[^]]*[|()]", pattern), "the scan for alternatives takes these for structure"
    assert faults(PARSER.parse(pattern)) == []
    assert not begin_alike(pattern)


@pytest.mark.parametrize(
    "pattern", ["(a|ab)c", "(ab|ac)", "([a-c]x|[c-e]y)", "([a-z]{1,9}-?){1,9}", "a{1,9}a", "(a{2}b?){0,3}"]
)
def test_the_linter_finds_a_pattern_that_makes_a_validator_guess(pattern: str) -> None:
    assert faults(PARSER.parse(pattern)) or begin_alike(pattern)


ADVERSARIAL = [
    piece * count
    for piece in ("a", "0", "-", "9.", "1/", "2026-11-21T", "@a", " ", "é")
    for count in (30, 1000, 100_000)
]


@pytest.mark.parametrize("name", sorted(OURS))
def test_libxml2_has_an_answer_for_every_long_string(name: str) -> None:
    [node] = [node for node in ROOT if node.get("name") == name and node.tag != f"{XS}element"]
    if node.tag != f"{XS}simpleType":
        return
    alone = etree.fromstring(schema_bytes())
    etree.SubElement(alone, f"{XS}element", name="probe", type=name)
    validator = etree.XMLSchema(alone)
    for text in ADVERSARIAL:
        probe = etree.Element("probe")
        probe.text = text
        validator.validate(probe)
        assert not any("internal" in entry.message.lower() for entry in validator.error_log)


@pytest.mark.parametrize("kind", MessageType)
def test_the_example_of_a_type_is_valid_to_both_validators(kind: MessageType) -> None:
    raw = encode(example(kind))
    assert decode(raw) == example(kind)
    assert compiled().validate(etree.fromstring(raw))
    assert second_opinion().is_valid(raw.decode())


@pytest.mark.parametrize("kind", MessageType)
def test_the_template_of_a_type_is_a_valid_message(kind: MessageType) -> None:
    assert decode(template(kind).encode()).type is kind
    assert "<!--" in template(kind)


def test_every_message_type_has_its_place_in_the_schema() -> None:
    [types] = [node for node in ROOT if node.get("name") == "message-type"]
    assert [node.get("value") for node in types.iter(f"{XS}enumeration")] == [kind.value for kind in MessageType]
    [payload] = [node for node in ROOT if node.get("name") == "payload"]
    own = [kind.value for kind, body in BODIES.items() if body is not Report]
    assert [node.get("name") for node in payload.iter(f"{XS}element")] == own


def declared(owner: Any) -> tuple[list[tuple[str, bool]], list[tuple[str, bool]]]:
    """Return names and whether they are required, of the elements and of the attributes of a type."""
    elements = (
        [(child.name, child.min_occurs > 0) for child in owner.content.iter_elements()]
        if owner.has_complex_content()
        else []
    )
    return elements, [(str(name), one.use == "required") for name, one in owner.attributes.items()]


def type_of(model: type[BaseModel]) -> Any:
    types = second_opinion().types
    renamed = {"VerdictReport": "verdict"}
    tag = renamed.get(model.__name__, re.sub(r"(?<!^)(?=[A-Z])", "-", model.__name__).lower())
    return types.get(tag)


@pytest.mark.parametrize("model", TABLES)
def test_a_model_and_its_type_in_the_schema_agree_field_by_field(model: type[BaseModel]) -> None:
    if model is Report:
        group = second_opinion().groups["report"]
        elements = [(str(child.name), child.min_occurs > 0) for child in group.iter_elements()]
        attributes: list[tuple[str, bool]] = []
    else:
        elements, attributes = declared(type_of(model))
    table = TABLES[model]
    children = [f for f in table if f.kind not in (Kind.ATTRIBUTE, Kind.CONTENT)]
    assert [f.item_tag if f.kind is Kind.REPEATED else f.tag for f in children] == [name for name, _ in elements]
    # What the schema requires is always written; what may be left out has a default for when it is.
    for field, (_, is_required) in zip(children, elements, strict=True):
        info = model.model_fields[field.name]
        may_be_absent = field.kind in (Kind.ITEMS, Kind.REPEATED) or (not info.is_required() and info.default is None)
        assert is_required is not may_be_absent, field.name
    given = [(f.tag, model.model_fields[f.name].is_required()) for f in table if f.kind is Kind.ATTRIBUTE]
    assert given == attributes


def test_the_envelope_and_its_context_agree_with_the_schema() -> None:
    elements, _ = declared(second_opinion().types["context"])
    assert [name for name, _ in elements] == list(CONTEXT)
    assert [(name, Message.model_fields[CONTEXT[name]].is_required()) for name, _ in elements] == elements
