"""Mutants: documents that were valid until something was done to them. One seed, one series."""

import re
from collections.abc import Callable, Hashable, Iterator
from copy import deepcopy
from functools import cache, partial
from random import Random
from typing import Any, Final

from lxml import etree

from protocol.encoder import encode
from protocol.errors import Malformed
from protocol.examples import example
from protocol.messages import MessageType
from protocol.xml import well_formed
from tests.differential.documents import Leaf, Part, borders, grown, near, rendered, sound

Mutate = Callable[[bytes, Random], bytes]

_XSI: Final = b'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
PIECES: Final = (
    # references, ours and others
    *[b"&amp;", b"&lt;", b"&gt;", b"&quot;", b"&apos;", b"&#13;", b"&#10;", b"&#9;", b"&#38;", b"&#x26;", b"&#0;"],
    *[b"&#x1F;", b"&#xFFFF;", b"&#xD800;", b"&amp", b"&", b"&;", b"&#;", b"&nbsp;", b"&AMP;", b"&amp;amp;"],
    # quotes, markup, white space and controls
    *[b'"', b"'", b"<", b">", b"]]>", b"<![CDATA[", b"]]>", b"<![CDATA[x]]>", b"<!-- -->", b"<?p?>", b"<a/>", b"</a>"],
    *[b" ", b"\t", b"\n", b"\r", b"\r\n", b"\x00", b"\x01", b"\x0b", b"\x0c", b"\x1f", b"\x7f", b"/", b"="],
    # attributes and declarations
    *[b' a="1"', b' xmlns="urn:x"', b" " + _XSI + b' xsi:nil="true"', b' xml:lang="de"', b' name="x"', b' unit="V"'],
    *[b' path="x"', b'<?xml version="1.0"?>', b"<!DOCTYPE agent-message>", b"\xef\xbb\xbf", b"\xff\xfe"],
    # UTF-8: a control of the second block, a line separator, forbidden, overlong, a surrogate, beyond the last plane
    *["\x85".encode(), "\u2028".encode(), "Ω".encode(), "\U0010ffff".encode(), "\ufffd".encode()],
    *[b"\xef\xbf\xbe", b"\xef\xbf\xbf", b"\xc0\x80", b"\xe0\x80\xbc", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xc3"],
    # figures
    *[b"0", b"00", b"-", b"+1", b"1e5", b".", b"NaN", b"999999999999999999999", "\u0661".encode(), "\uff11".encode()],
)
_MARK: Final = "\ue0ff"


def mutants(seed: int) -> Iterator[bytes]:
    """Yield mutants without end, the same for the same seed."""
    rng = Random(seed)
    while True:
        raw = _bred(rng)
        for _ in range(rng.choice((0, 1, 1, 1, 2))):
            raw = rng.choice(_MUTATIONS)(raw, rng)
        yield raw


def bordering() -> Iterator[bytes]:
    """Yield, for every leaf there is, a document with each of the values just inside and just outside its facets."""
    for parts, at, leaf in _places(lambda leaf: leaf.path):
        yield from (rendered(parts, {at: value}, Random(0), is_plain=True).encode() for value in borders(leaf))
    for parts, at, leaf in _places(_sort):
        yield from (rendered(parts, {at: value}, Random(0), is_plain=False).encode() for value in borders(leaf))


def inserting() -> Iterator[bytes]:
    """Yield, for every sort of leaf, documents with each piece and each ASCII character in the middle of a value."""
    pieces = (*PIECES, *(bytes([code]) for code in range(128)))
    for parts, at, leaf in _places(_sort):
        for is_plain in (True, False):
            value = sound(leaf, Random(1), is_plain=True)
            marked = f"{value[:2]}{_MARK}{value[2:]}"
            raw = rendered(parts, {at: marked}, Random(2), is_plain=is_plain).encode()
            yield from (raw.replace(_MARK.encode(), piece) for piece in pieces)


def lacking() -> Iterator[bytes]:
    """Yield copies of a full document of every type: without one element or attribute, or with one element twice."""
    for kind in MessageType:
        root = etree.fromstring(rendered(grown(kind.value, Random(0), often=1), {}, Random(0), is_plain=True))
        for at, node in enumerate(root.iter("*")):
            yield from (_changed(root, at, partial(_without, str(key))) for key, _ in node.items())
            if at:
                yield _changed(root, at, lambda one: one.getparent().remove(one))
                yield _changed(root, at, lambda one: one.addnext(deepcopy(one)))


def _without(key: str, node: etree._Element) -> None:
    del node.attrib[key]


def _changed(root: etree._Element, at: int, change: Callable[[Any], object]) -> bytes:
    """Return the document with something done to a copy of its element of this number."""
    copied = deepcopy(root)
    change(list(copied.iter("*"))[at])
    return _in_pairs(copied)


def _in_pairs(root: etree._Element) -> bytes:
    """Return the document with an empty element as a pair of tags, as the encoder writes it."""
    for empty in [one for one in root.iter("*") if one.text is None]:
        empty.text = ""
    return etree.tostring(root, encoding="utf-8")


def _sort(leaf: Leaf) -> Hashable:
    return leaf.is_attribute, str(leaf.facets)


def _places(sort: Callable[[Leaf], Hashable]) -> Iterator[tuple[list[Part], int, Leaf]]:
    """Yield, for every sort of leaf, a document in which it stands, its number in there, and the leaf."""
    seen = set()
    for kind in MessageType:
        parts = grown(kind.value, Random(0), often=1)
        for at, part in enumerate(parts):
            if isinstance(part, Leaf) and sort(part) not in seen:
                seen.add(sort(part))
                yield parts, at, part


def _bred(rng: Random) -> bytes:
    """Return an example, or a document grown from the schema with perhaps a few values at a border."""
    if rng.random() < 0.4:
        return rng.choice(_examples())
    parts = grown(rng.choice(list(MessageType)).value, rng, rng.choice((0.2, 0.5, 1)))
    leaves = [at for at, part in enumerate(parts) if isinstance(part, Leaf)]
    chosen = rng.sample(leaves, rng.choice((0, 1, 1, 2)))
    values = {at: near(part, rng) for at in chosen if isinstance(part := parts[at], Leaf)}
    return rendered(parts, values, rng, is_plain=rng.random() < 0.5).encode(errors="surrogatepass")


@cache
def _examples() -> list[bytes]:
    return [encode(example(kind)) for kind in MessageType]


def _flip(raw: bytes, rng: Random) -> bytes:
    at = rng.randrange(len(raw))
    return raw[:at] + bytes([raw[at] ^ 1 << rng.randrange(8)]) + raw[at + 1 :]


def _cut(raw: bytes, rng: Random) -> bytes:
    start, end = _span(raw, rng)
    return raw[:start] + raw[end:] or b"x"


def _double(raw: bytes, rng: Random) -> bytes:
    start, end = _span(raw, rng)
    return raw[:end] + raw[start:end] + raw[end:]


def _insert(raw: bytes, rng: Random) -> bytes:
    at = rng.randrange(len(raw) + 1)
    return raw[:at] + rng.choice(PIECES) + raw[at:]


def _insert_at_a_border(raw: bytes, rng: Random) -> bytes:
    """Put a piece next to a sign of markup, where it has most chances to matter."""
    signs = [at for at, code in enumerate(raw) if code in b'<>"=&;/']
    at = rng.choice(signs) + rng.randrange(2) if signs else 0
    return raw[:at] + rng.choice(PIECES) + raw[at:]


def _replace(raw: bytes, rng: Random) -> bytes:
    start, end = _span(raw, rng)
    return raw[:start] + rng.choice(PIECES) + raw[end:]


def _rearrange(raw: bytes, rng: Random) -> bytes:
    """Drop, double, move, rename or refill an element, and write the tree again in our spelling."""
    try:
        root = well_formed(raw)
    except Malformed:
        return raw
    node, other = rng.choice(list(root.iter("*"))), rng.choice(list(root.iter("*")))
    above = node.getparent()
    match rng.randrange(7):
        case 0 if above is not None:
            above.remove(node)
        case 1 if above is not None:
            node.addnext(etree.fromstring(etree.tostring(node, with_tail=False)))
        case 2 if node not in other.iterancestors() and node is not other and other is not root:
            other.addnext(node)
        case 3:
            node.tag = other.tag
        case 4 if other.keys():
            node.set(str(rng.choice(other.keys())), node.text or "x")
        case 5 if other.keys():
            del other.attrib[rng.choice(other.keys())]
        case _:
            node.text = other.text
    return _in_pairs(root)


def _shorten(raw: bytes, rng: Random) -> bytes:
    """Spell an empty element as <a/>, a quote as an apostrophe, or a reference by its number: valid, and not ours."""
    old, new = rng.choice(((b"></", b"/><!"), (b'"', b"'"), (b"&amp;", b"&#38;"), (b">", b" >"), (b"&gt;", b">")))
    return raw.replace(old, new, rng.choice((1, -1)))


def _retype(raw: bytes, rng: Random) -> bytes:
    """Say that the message is of another type than its payload."""
    return re.sub(rb"(?<=<type>)[a-z-]+", rng.choice(list(MessageType)).value.encode(), raw, count=1)


def _span(raw: bytes, rng: Random) -> tuple[int, int]:
    start = rng.randrange(len(raw))
    return start, min(len(raw), start + rng.choice((1, 1, 2, 3, 8, 40, 200)))


_MUTATIONS: Final[tuple[Mutate, ...]] = (
    *(_flip, _cut, _double, _insert, _insert_at_a_border, _insert_at_a_border, _replace, _rearrange, _shorten, _retype),
)
