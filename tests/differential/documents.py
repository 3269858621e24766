"""Documents grown from the schema, valid or nearly: a second reading of it, which shares nothing with the first.

A document is first a list of parts: markup as it stands, and leaves that are still to be given a value. So one can put
any value in any leaf, and for every facet the values just inside and just outside.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from random import Random
from typing import Any, Final

from lxml import etree

from protocol.schema import XS, schema_bytes
from protocol.xml import REPORT_TYPES
from tests.protocol.arbitrary import AWKWARD

_ROOT: Final = etree.fromstring(schema_bytes())
_NAMED: Final = {str(node.get("name")): node for node in _ROOT}
# The parse that the engine itself makes of a pattern; typeshed does not know it.
_PARSER: Final[Any] = re._parser  # type: ignore[attr-defined]
_PLAIN: Final = ("a", "page 3 of 8", "Ω", "✓", " ", "'", "\U0010ffff")
_WORDS: Final = (*AWKWARD, *_PLAIN)
_MOMENTS: Final = (
    *["2024-02-29T00:00:00Z", "2023-02-29T00:00:00Z", "2024-02-30T00:00:00Z", "2024-02-31T00:00:00Z"],
    *[f"2024-{month:02}-31T00:00:00Z" for month in range(1, 13)],
    *["0000-01-01T00:00:00Z", "0000-12-31T23:59:59-23:59", "0001-01-01T00:00:00Z", "0001-01-01T00:00:00+00:01"],
    *["9999-12-31T23:59:59.999999999Z", "9999-12-31T23:59:59-00:01", "2024-01-01T24:00:00Z", "2024-01-01T00:00:60Z"],
)
_LONGEST: Final = 1_100  # of a value; longer ones only make the document too long to be looked at


@dataclass(frozen=True, slots=True)
class Leaf:
    """A place for a value. path: the elements down to it, such as agent-message/context/cause or .../file@path."""

    path: str
    is_attribute: bool
    facets: dict[str, list[str]] = field(hash=False)

    def shown(self, value: str) -> str:
        """Return the value as the encoder would write it here."""
        value = value.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("\r", "&#13;")
        if not self.is_attribute:
            return value
        return value.replace('"', "&quot;").replace("\n", "&#10;").replace("\t", "&#9;")


Part = str | Leaf


def grown(kind: str, rng: Random, often: float) -> list[Part]:
    """Return a document of a message type. often: how likely what may be missing is there; at 1 all of it, once."""
    return list(_element(_NAMED["agent-message"], "", _Whim(kind, rng, often)))


def rendered(parts: Sequence[Part], values: dict[int, str], rng: Random, *, is_plain: bool) -> str:
    """Return the document with these values, by the number of the part, and any value that is right elsewhere.

    is_plain: no value of ours needs a reference, so that there is none unless a given value brings it.
    """
    return "".join(
        part if isinstance(part, str) else part.shown(values[at] if at in values else sound(part, rng, is_plain))
        for at, part in enumerate(parts)
    )


@dataclass(frozen=True, slots=True)
class _Whim:
    kind: str
    rng: Random
    often: float

    def times(self, least: int, most: int) -> int:
        if self.often >= 1 or most == 1:
            return max(least, int(self.rng.random() < self.often))
        return max(least, self.rng.choice((0, 1, 2, 3)))


def _children(node: etree._Element) -> list[etree._Element]:
    return [child for child in node if child.tag != f"{XS}annotation"]


def _type(node: etree._Element) -> etree._Element:
    named = node.get("type") or node.get("base")
    return _NAMED[named] if named else _children(node)[0]


def _element(node: etree._Element, above: str, whim: _Whim) -> Iterator[Part]:
    name = str(node.get("name"))
    for _ in range(whim.times(int(node.get("minOccurs", "1")), int(node.get("maxOccurs", "1")))):
        yield f"<{name}"
        yield from _inside(_type(node), f"{above}{name}", whim)
        yield f"</{name}>"


def _inside(definition: etree._Element, path: str, whim: _Whim) -> Iterator[Part]:
    """Attributes, the end of the opening tag, content."""
    extended = definition.findall(f"{XS}simpleContent/{XS}extension")
    for owner in (definition, *extended):
        for node in owner.iterfind(f"{XS}attribute"):
            yield from _attribute(node, path, whim)
    yield ">"
    if definition.tag == f"{XS}simpleType":
        yield _leaf(definition, path, whim, is_attribute=False)
    for node in extended:
        yield _leaf(_type(node), path, whim, is_attribute=False)
    for node in definition.iterchildren(f"{XS}sequence", f"{XS}choice"):
        yield from _particle(node, f"{path}/", whim)


def _attribute(node: etree._Element, path: str, whim: _Whim) -> Iterator[Part]:
    if node.get("use") == "required" or whim.times(0, 1):
        yield f' {node.get("name")}="'
        yield _leaf(_type(node), f"{path}@{node.get('name')}", whim, is_attribute=True)
        yield '"'


def _particle(node: etree._Element, above: str, whim: _Whim) -> Iterator[Part]:
    if node.tag == f"{XS}element":
        yield from _element(node, above, whim)
        return
    chosen = _children(_NAMED[str(node.get("ref"))] if node.get("ref") else node)
    if node.tag == f"{XS}choice":
        wanted = "report" if whim.kind in REPORT_TYPES else whim.kind
        chosen = [child for child in chosen if wanted in (child.get("ref"), child.get("name"))]
    for child in chosen:
        yield from _particle(child, above, whim)


def _leaf(definition: etree._Element, path: str, whim: _Whim, *, is_attribute: bool) -> Part:
    return whim.kind if path == "agent-message/type" else Leaf(path, is_attribute, _facets(definition))


@cache
def _facets(definition: etree._Element) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for facet in definition.iterfind(f"{XS}restriction/*"):
        found.setdefault(str(facet.tag).removeprefix(XS), []).append(str(facet.get("value")))
    return found


def sound(leaf: Leaf, rng: Random, is_plain: bool) -> str:
    """Return some value that the schema admits; of a timestamp perhaps one that no calendar has."""
    match leaf.facets:
        case {"enumeration": values}:
            return rng.choice(values)
        case {"pattern": [pattern]}:
            return rng.choice(_spellings(pattern, slips=0))
    words = _PLAIN if is_plain else _WORDS
    text = "".join(rng.choices(words, k=rng.randrange(6)))[: int(leaf.facets["maxLength"][0])]
    return text or "a" * int(leaf.facets.get("minLength", ["0"])[0])


def near(leaf: Leaf, rng: Random) -> str:
    """Return some value at the border of what the schema admits, on either side."""
    match leaf.facets:
        case {"pattern": [pattern]}:
            return rng.choice(_spellings(pattern, slips=0.05))
    return rng.choice(list(borders(leaf)))


def borders(leaf: Leaf) -> Iterator[str]:
    """Yield for every facet of a leaf the values just inside and just outside."""
    yield from ("", " ")
    for value in leaf.facets.get("enumeration", ()):
        yield from (value, value[:-1], f"{value}x", value.upper(), f" {value}", f"{value}\n")
    for name in ("minLength", "maxLength"):
        for length in (int(number) for number in leaf.facets.get(name, ())):
            for count in (length - 1, length, length + 1):
                yield from (one * min(count, _LONGEST) for one in ("a", "Ω", "&", "\r", "\U0010ffff", '"', "\n"))
    for pattern in leaf.facets.get("pattern", ()):
        yield from _at_every_border(pattern)


def _at_every_border(pattern: str) -> Iterator[str]:
    """Yield what a pattern admits at its shortest, longest and outermost, and the same one step too far."""
    right = _spellings(pattern, slips=0)
    yield from (*right, *_spellings(pattern, slips=0.15), *_MOMENTS)
    for one in right[:3]:
        yield from (f"{one}\n", f" {one}", f"{one}é", one[:-1], one * 2, f"{one}\r", f"{one}<")


@cache
def _spellings(pattern: str, slips: float) -> list[str]:
    """Return some texts for a pattern, each step of it at one of its borders. slips: how likely a step is outside."""
    tokens = _PARSER.parse(pattern)
    return [_spelled(tokens, Random(seed), slips) for seed in range(30)]


def _spelled(tokens: Any, rng: Random, slips: float) -> str:
    return "".join([_token(str(operator), argument, rng, slips) for operator, argument in tokens])


def _token(operator: str, argument: Any, rng: Random, slips: float) -> str:
    """Return a text for one step of a parsed pattern."""
    is_outside = rng.random() < slips
    match operator:
        case "LITERAL":
            return chr(argument + is_outside)
        case "IN":
            kind, codes = rng.choice(argument)
            low, high = (codes, codes) if str(kind) == "LITERAL" else codes
            return chr(rng.choice((low - is_outside, high + is_outside, (low + high) // 2)))
        case "MAX_REPEAT":
            least, most, inner = argument
            count = rng.choice((least, most, (least + most) // 2))
            count = rng.choice((max(least - 1, 0), most + 1)) if is_outside else count
            return "".join([_spelled(inner, rng, slips / max(count, 1)) for _ in range(count)])
        case "SUBPATTERN":
            return _spelled(argument[3], rng, slips)
        case "BRANCH":
            return _spelled(rng.choice(argument[1]), rng, slips)
    raise AssertionError(f"a pattern may not use {operator}")
