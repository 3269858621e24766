"""A small mutator: bytes in, worse bytes out, the same for the same seed.

It breaks bytes, borrows from other examples, inserts what has broken parsers before, overwrites lengths, writes
a document in another encoding, and rearranges the elements of a tree so that what comes out is still well-formed.
"""

import struct
from collections.abc import Callable, Sequence
from copy import deepcopy
from random import Random
from typing import Final

from lxml import etree

MOST_BYTES: Final = 200_000
_TOKENS: Final = (
    *(b"<!DOCTYPE a>", b'<!DOCTYPE a [<!ENTITY b "c">]>', b"<![CDATA[", b"]]>", b"<!--", b"-->", b"<?x ", b"?>"),
    *(b"&#27;", b"&#x9b;", b"&lt;", b"&a;", b"&#xD800;", b'xmlns="u"', b'xmlns:a="u"', b"a:", b' xml:id="a"'),
    *(b"\xef\xbb\xbf", b"\xff\xfe", b"\xed\xa0\x80", b"\xc0\xbc", b"\xc2\x85", b"\xe2\x80\xa8", b"\x1b[2J", b'"', b"'"),
    *(b'<?xml version="1.0" encoding="utf-16"?>', b'<?xml version="1.1"?>', b"</payload>", b"<payload>"),
    *(b"</agent-message>", b"&#0;", b"\0", b"null", b"1e999"),
    *(b' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:nil="true"', b"\n", b" ", b"{", b"["),
)  # fmt: skip
_NUMBERS: Final = (0, 1, 2, 31, 63, 64, 65, 127, 255, 256, 2**15, 2**16 - 1, 2**31 - 1, 2**31, 2**32 - 1)
_TEXTS: Final = (
    "",
    " ",
    "@x",
    "-a",
    "a" * 201,
    "0",
    "-0",
    "1e5",
    "\x9b2J",
    "true",
    "0001-01-01T00:00:00Z",
    "é\u202e",
    "9" * 40,
)
_ENCODINGS: Final = ("utf-16", "utf-16-le", "utf-32", "utf-7", "utf-8-sig", "latin-1", "cp037", "shift_jis", "gb18030")

Change = Callable[[Random, bytes, Sequence[bytes]], bytes]


def mutate(random: Random, raw: bytes, others: Sequence[bytes]) -> bytes:
    """Return the bytes after one to six changes. others: what can be borrowed from."""
    for _ in range(random.randint(1, 6)):
        raw = random.choice(_CHANGES)(random, raw, others)[:MOST_BYTES]
    return raw


def _span(random: Random, raw: bytes) -> tuple[int, int]:
    start = random.randint(0, len(raw))
    return start, min(len(raw), start + random.choice((1, 2, 8, 40, 400)))


def _flip(random: Random, raw: bytes, _others: Sequence[bytes]) -> bytes:
    at = random.randrange(len(raw)) if raw else 0
    return raw[:at] + bytes([(raw[at] if raw else 0) ^ 1 << random.randrange(8)]) + raw[at + 1 :]


def _byte(random: Random, raw: bytes, _others: Sequence[bytes]) -> bytes:
    at = random.randint(0, len(raw))
    return raw[:at] + bytes([random.randrange(256)]) + raw[at + 1 :]


def _drop(random: Random, raw: bytes, _others: Sequence[bytes]) -> bytes:
    start, end = _span(random, raw)
    return raw[:start] + raw[end:]


def _repeat(random: Random, raw: bytes, _others: Sequence[bytes]) -> bytes:
    start, end = _span(random, raw)
    return raw[:start] + raw[start:end] * random.choice((2, 3, 50, 1000)) + raw[end:]


def _cut(random: Random, raw: bytes, _others: Sequence[bytes]) -> bytes:
    return raw[: random.randint(0, len(raw))]


def _token(random: Random, raw: bytes, _others: Sequence[bytes]) -> bytes:
    start, end = _span(random, raw)
    return raw[:start] + random.choice(_TOKENS) + raw[random.choice((start, end)) :]


def _borrow(random: Random, raw: bytes, others: Sequence[bytes]) -> bytes:
    other = random.choice(others)
    start, end = _span(random, other)
    at = random.randint(0, len(raw))
    return raw[:at] + other[start:end] + raw[at:]


def _join(random: Random, raw: bytes, others: Sequence[bytes]) -> bytes:
    other = random.choice(others)
    return raw[: random.randint(0, len(raw))] + other[random.randint(0, len(other)) :]


def _number(random: Random, raw: bytes, _others: Sequence[bytes]) -> bytes:
    packed = struct.pack(random.choice(("<I", "<Q", "<H")), random.choice(_NUMBERS[:12]))
    if random.random() < 0.3:
        packed = struct.pack("<I", random.choice(_NUMBERS))
    at = random.randint(0, min(len(raw), 80))
    return raw[:at] + packed + raw[at + len(packed) :]


def _encode(random: Random, raw: bytes, _others: Sequence[bytes]) -> bytes:
    encoding = random.choice(_ENCODINGS)
    declared = f'<?xml version="1.0" encoding="{encoding}"?>' if random.random() < 0.5 else ""
    return (declared + raw.decode(errors="replace")).encode(encoding, errors="replace")


def _rearrange(random: Random, raw: bytes, _others: Sequence[bytes]) -> bytes:
    """Change the tree instead of the bytes; what is no tree stays as it is."""
    try:
        root = etree.fromstring(raw, etree.XMLParser(resolve_entities=False, no_network=True))
    except (etree.XMLSyntaxError, ValueError, LookupError):
        return raw
    nodes = list(root.iter("*"))
    _at_tree(random, random.choice(nodes), random.choice(nodes))
    return etree.tostring(root, encoding="utf-8")


def _at_tree(random: Random, node: etree._Element, other: etree._Element) -> None:
    match random.randrange(6):
        case 0:
            node.text = random.choice(_TEXTS)
        case 1:
            node.tag = other.tag
        case 2:
            node.append(deepcopy(other))
        case 3:
            for key in list(other.attrib):
                node.set(key, random.choice(_TEXTS))
        case 4:
            parent = node.getparent()
            if parent is not None:
                parent.remove(node)
        case _:
            node.text = other.text


_CHANGES: Final[tuple[Change, ...]] = (
    *(_flip, _byte, _drop, _repeat, _cut, _token, _token, _borrow, _join, _number, _encode),
    *(_rearrange, _rearrange, _rearrange),
)
