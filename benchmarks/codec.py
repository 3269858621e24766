"""Rows `decode`, `parse`, `glance`, `encode`: the codec in one process, next to bare lxml."""

import time
from collections.abc import Callable, Sequence
from typing import Any, Final

from lxml import etree

from benchmarks.messages import completion, documents
from benchmarks.rows import Aim, Effort, Row, compared, interleaved
from protocol.canonical import Glance, glance
from protocol.decoder import decode
from protocol.encoder import encode
from protocol.schema import compiled
from protocol.xml import parse

# The options of protocol.xml, spelled again: a baseline must not move with what it measures.
_PARSER: Final = etree.XMLParser(
    resolve_entities=False,
    no_network=True,
    load_dtd=False,
    huge_tree=False,
    remove_comments=True,
    remove_pis=True,
    collect_ids=False,
)
_VALID: Final = compiled()
_BARE: Final = "bare lxml in the same process: etree.fromstring with the same hardened parser, then XMLSchema.validate"


def rows(effort: Effort) -> list[Row]:
    """Time each step over documents with a fresh id each, all in one process, in interleaved rounds."""
    raws = documents(effort.size(2_000, 1_000))
    messages = [completion(n) for n in range(len(raws))]
    recipe = _recipe(etree.fromstring(raws[0]))
    bare, parsed, glanced, decoded, encoded, built = interleaved(
        effort.times(21, 9),
        lambda: _each_us(_bare, raws),
        lambda: _each_us(parse, raws),
        lambda: _each_us(_glanced, raws),
        lambda: _each_us(decode, raws),
        lambda: _each_us(encode, messages),
        lambda: _each_us(lambda _: etree.tostring(_built(recipe), encoding="utf-8"), raws),
    )
    short = "the whole document recognised as admissible by one pattern, five fields of its envelope read"
    whole = "parse, XSD and our two further rules, then the typed frozen Message (values as pydantic models)"
    tree = "bare lxml: the same document as a tree by SubElement, then tostring; values not checked"
    return [
        compared("decode", "us", decoded, bare, text=(whole, _BARE), aim=Aim(bound=2.0, at_most=True)),
        compared("parse", "us", parsed, bare, text=("parse, XSD and our two further rules", _BARE)),
        compared("glance", "us", glanced, parsed, text=(short, "protocol.xml.parse, for the same verdict by libxml2")),
        compared("encode", "us", encoded, built, text=("Message to bytes, escaped, characters and size checked", tree)),
    ]


def _each_us(step: Callable[[Any], object], values: Sequence[object]) -> float:
    """Return how many microseconds a step takes for one value."""
    began_s = time.perf_counter()
    for value in values:
        step(value)
    return (time.perf_counter() - began_s) / len(values) * 1e6


def _bare(raw: bytes) -> etree._Element:
    root = etree.fromstring(raw, _PARSER)
    if not _VALID.validate(root):
        raise AssertionError("the benchmark's message is not valid")
    return root


def _glanced(raw: bytes) -> Glance:
    said = glance(raw)
    if said is None:
        raise AssertionError("the benchmark's message is not recognised")
    return said


Recipe = tuple[str, dict[str, str], str | None, list[Any]]


def _recipe(node: etree._Element) -> Recipe:
    attributes = {str(key): str(value) for key, value in node.items()}
    return str(node.tag), attributes, node.text, [_recipe(child) for child in node]


def _built(recipe: Recipe, parent: etree._Element | None = None) -> etree._Element:
    tag, attributes, text, children = recipe
    node = etree.Element(tag, attributes) if parent is None else etree.SubElement(parent, tag, attributes)
    node.text = text
    for child in children:
        _built(child, node)
    return node
