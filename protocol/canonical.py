"""The short way in: a document that our own encoder wrote is recognised by one pattern, without libxml2.

1. The pattern is made from the schema, element by element and facet by facet, one for each message type. What the
   schema says and this module does not understand raises NotImplementedError: nothing is skipped.
2. It knows one spelling of a document: no declaration, nothing between the elements, attributes in the order of the
   schema, no <a/>, and of references only those that the encoder writes, only where it must.
3. The two rules that `protocol.xml` adds to the schema are in it: the payload is what the type says, and a timestamp
   exists in the calendar.
4. So `protocol.xml.parse` accepts what is accepted here, and reads the same. Of the rest nothing is said: None is
   "ask libxml2", never "invalid".
5. The cost is linear: at every point the schema leaves one way on, and no character of a leaf may be what follows
   the leaf, so what is given back after a failure is not tried again. Nothing is possessive or atomic for that reason,
   and because Python 3.11.0 to 3.11.4 match too much then. Source: https://github.com/python/cpython/issues/106052

Left to libxml2 on purpose: more than MAX_GLANCE_BYTES; 29 February; the years 1 and 9999, where a zone can lead out of
the calendar. tests/differential holds this module against libxml2.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache
from typing import Final, NamedTuple

from lxml import etree

from protocol.schema import XS, schema_bytes
from protocol.xml import REPORT_TYPES

# At this size one long text costs 28 µs here and 22 with libxml2. Many small elements stay far cheaper here.
MAX_GLANCE_BYTES: Final = 8_192


class Glance(NamedTuple):
    """What the envelope of an admissible document says. message_id: None where the document has none."""

    sender: str
    recipient: str
    type: str
    priority: str
    message_id: str | None


def glance(raw: bytes) -> Glance | None:
    """Return what the envelope says if the whole document is admissible and spelled as we spell; None: ask libxml2."""
    if len(raw) > MAX_GLANCE_BYTES:
        return None
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        return None
    if "\ufffe" in text or "\uffff" in text:  # all that XML forbids above the controls; the patterns see to those
        return None
    start = text.find("<type>") + 6
    kind = text[start : text.find("<", start)]
    if kind not in KINDS:
        return None
    found = pattern_of(kind, "&" in text).fullmatch(text)
    return None if found is None else Glance._make(found.groups())


@cache
def pattern_of(kind: str, has_references: bool) -> re.Pattern[str]:
    """Return the compiled pattern for documents of a message type; 2 to 3 ms, so it is made when first needed."""
    return re.compile(written(_SCHEMA, kind, has_references))


def written(schema: etree._Element, kind: str, has_references: bool) -> str:
    """Return the pattern for documents of a message type, as text.

    has_references: whether it reads &amp; and the like. Most documents have none, and are read faster without.

    Raises:
        NotImplementedError: the schema holds what is not understood here.
    """
    _check_words(schema)
    named = {str(node.get("name")): node for node in schema}
    walk = _Walk(named, kind, has_references)
    # By these names the walk finds what the envelope says and what protocol.xml asks beyond the schema.
    if len(named) != len(schema) or not {"agent-message", "message-type", "timestamp"} <= named.keys():
        raise NotImplementedError("the schema names two things alike, or not what it has to name")
    pattern = walk.element(named["agent-message"])
    if re.findall(r"\(\?P<(\w+)>", pattern) != list(Glance._fields):
        raise NotImplementedError("the envelope has not each field of a Glance once, in their order")
    return pattern


# Every word that the walk understands, with its attributes.
_WORDS: Final = {
    "annotation": "",
    "documentation": "",
    "schema": "blockDefault",
    "element": "name type minOccurs maxOccurs",
    "attribute": "name type use",
    "group": "name ref",
    "sequence": "",
    "choice": "",
    "complexType": "name",
    "simpleContent": "",
    "extension": "base",
    "simpleType": "name",
    "restriction": "base",
    "enumeration": "value",
    "pattern": "value",
    "minLength": "value",
    "maxLength": "value",
}


def _check_words(schema: etree._Element) -> None:
    """Refuse a schema with an element or an attribute that the walk would pass over."""
    for node in schema.iter("*"):
        word = str(node.tag).removeprefix(XS)
        if word not in _WORDS or not set(node.attrib) <= set(_WORDS[word].split()):
            raise NotImplementedError(f"<{word} {dict(node.attrib)}> of the schema")


def _parts(node: etree._Element) -> list[tuple[str, etree._Element]]:
    """Return the children that say something, each with its word."""
    words = [(str(child.tag).removeprefix(XS), child) for child in node.iterchildren("*")]
    return [(word, child) for word, child in words if word != "annotation"]


def _only(word: str, node: etree._Element) -> etree._Element:
    """Return the one child of a node, which must be this."""
    match _parts(node):
        case [(found, child)] if found == word:
            return child
    raise NotImplementedError(f"anything but one {word} in {node.tag!s} {node.get('name')}")


@dataclass(frozen=True, slots=True)
class _Walk:
    """A walk through the schema from the root to the leaves; each step returns the pattern of what it has seen."""

    named: dict[str, etree._Element]
    kind: str
    has_references: bool
    captured: set[str] = field(default_factory=set)

    def element(self, node: etree._Element) -> str:
        name, type_ = str(node.get("name")), node.get("type")
        attributes, content = self.inside(self.definition(node))
        if type_ == "message-type":
            content = re.escape(self.kind)
        key = name.replace("-", "_")
        # The envelope stands before the payload, where a field of the same name is something else.
        if key in Glance._fields and key not in self.captured:
            self.captured.add(key)
            content = f"(?P<{key}>{content})"
        return _repeated(node, f"<{name}{attributes}>{content}</{name}>")

    def definition(self, node: etree._Element) -> etree._Element:
        """Return the type of an element or attribute, named or written inside it."""
        match _parts(node), node.get("type"):
            case [], str(name):
                return self.called(name)
            case [("simpleType" | "complexType", inner)], None:
                return inner
        raise NotImplementedError(f"the type of {node.get('name')}")

    def called(self, name: str | None) -> etree._Element:
        if name in self.named:
            return self.named[name]
        raise NotImplementedError(f"{name}, which the schema does not define")

    def inside(self, definition: etree._Element) -> tuple[str, str]:
        """Return the pattern of the attributes and that of the content."""
        match str(definition.tag).removeprefix(XS), _parts(definition):
            case "simpleType", _:
                return "", self.leaf(definition, _TEXT)
            case "complexType", [("simpleContent", content)]:
                extension = _only("extension", content)
                base = self.called(extension.get("base"))
                return self.attributes(_parts(extension)), self.leaf(base, _TEXT)
            case "complexType", [("sequence" | "choice" as word, particle), *attributes]:
                return self.attributes(attributes), self.particle(word, particle)
        raise NotImplementedError(f"the inside of {definition.get('name')}")

    def attributes(self, parts: Iterable[tuple[str, etree._Element]]) -> str:
        return "".join([self.attribute(word, node) for word, node in parts])

    def attribute(self, word: str, node: etree._Element) -> str:
        once = f' {node.get("name")}="{self.leaf(self.definition(node), _ATTRIBUTE)}"'
        match word, node.get("use"):
            case "attribute", "required":
                return once
            case "attribute", None:
                return f"(?:{once}|)"
        raise NotImplementedError(f"{word} {node.get('name')} where attributes stand")

    def particle(self, word: str, node: etree._Element) -> str:
        """Return the pattern of what stands in an element."""
        match word, node.get("ref"):
            case "element", None:
                return self.element(node)
            case "sequence", None:
                return "".join([self.particle(*part) for part in _parts(node)])
            case "choice", None:
                return self.choice(node)
            case "group", str(name):
                return self.particle("sequence", _only("sequence", self.called(name)))
        raise NotImplementedError(f"{word} {node.get('name')} where elements stand")

    def choice(self, node: etree._Element) -> str:
        """Return the one alternative that the message's type names; there is no choice but the payload's."""
        wanted = "report" if self.kind in REPORT_TYPES else self.kind
        found = [part for part in _parts(node) if wanted in (part[1].get("name"), part[1].get("ref"))]
        if len(found) != 1:
            raise NotImplementedError(f"a choice with {len(found)} alternatives for {self.kind}")
        return self.particle(*found[0])

    def leaf(self, definition: etree._Element, place: "_Place") -> str:
        """Return the pattern of a text or an attribute's value."""
        restriction = _only("restriction", definition)
        facets: dict[str, list[str]] = {}
        for word, node in _parts(restriction):
            facets.setdefault(word, []).append(str(node.get("value")))
        match restriction.get("base"), facets:
            case "xs:string", {"enumeration": values} if len(facets) == 1:
                return _one_of(values)
            case "xs:string", {"pattern": [one]} if len(facets) == 1:
                return (_IN_CALENDAR if definition.get("name") == "timestamp" else "") + _translated(one)
            case "xs:string", {"maxLength": [most]} if facets.keys() <= {"maxLength", "minLength"}:
                [least] = facets.get("minLength", ["0"])
                return place.characters(int(least), int(most), self.has_references)
        raise NotImplementedError(f"{restriction.get('base')} with {sorted(facets)} in {definition.get('name')}")


def _repeated(node: etree._Element, once: str) -> str:
    least, most = node.get("minOccurs", "1"), node.get("maxOccurs", "1")
    if (least, most) == ("1", "1"):
        return once
    if (least, most) == ("0", "1"):
        return f"(?:{once}|)"
    if not (least + most).isdecimal():
        raise NotImplementedError(f"{least} to {most} times {node.get('name')}")
    return f"(?:{once}){{{least},{most}}}"


@dataclass(frozen=True, slots=True)
class _Place:
    """Where characters stand. plain: the class of those that stand for themselves; references: the names of others."""

    plain: str
    references: str

    def characters(self, least: int, most: int, has_references: bool) -> str:
        """Return the pattern of least to most characters, a reference counting as the one that it stands for."""
        one, reference = self.plain, f"&(?:{self.references});"
        if not has_references:
            return f"{one}{{{least},{most}}}"
        if least == 0 and most >= MAX_GLANCE_BYTES:  # nothing to count: ten times as fast
            return f"{one}*(?:{reference}{one}*)*"
        return f"(?:{one}|{reference}){{{least},{most}}}"


# A tab or line feed is itself in a text, but a parser would make a space of it in an attribute.
_TEXT: Final = _Place(r"[^\x00-\x08\x0b-\x1f&<>]", "amp|lt|gt|#13")
_ATTRIBUTE: Final = _Place(r'[^\x00-\x1f&<>"]', "amp|lt|gt|#13|quot|#10|#9")
# Before the schema's own pattern: not what it lets through although no calendar has it.
_IN_CALENDAR: Final = "(?!0000|0001|9999|[0-9]{4}-02-(?:29|3)|[0-9]{4}-(?:0[469]|11)-31)"
# Of the patterns that XSD has, those that mean the same to `re`, and no character that would have to be escaped.
_CLASS: Final = r"\[(?:[0-9]-[0-9]|[A-Z]-[A-Z]|[a-z]-[a-z]|[A-Za-z0-9._:/@#+]|\\[.\-])+\]"
_TRANSLATED: Final = re.compile(rf"(?:{_CLASS}|\\[.\-]|[A-Za-z0-9@/:_-]|[()|?]|\{{[0-9]+(?:,[0-9]+)?\}})+")


def _translated(pattern: str) -> str:
    """Return a pattern of the schema as one for `re`."""
    if not _TRANSLATED.fullmatch(pattern):
        raise NotImplementedError(f"the pattern {pattern}")
    return f"(?:{pattern.replace('(', '(?:')})"


def _one_of(values: Iterable[str]) -> str:
    if not all(re.fullmatch(f"{_ATTRIBUTE.plain}+", value) for value in values):
        raise NotImplementedError(f"one of {values} would have to be escaped")
    return f"(?:{'|'.join(map(re.escape, values))})"


_SCHEMA: Final = etree.fromstring(schema_bytes())
KINDS: Final = frozenset(
    str(node.get("value")) for node in _SCHEMA.iterfind(f"*[@name='message-type']//{XS}enumeration")
)
