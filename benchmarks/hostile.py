"""Rows `hostile: ...`: what a KB of the worst documents costs the broker, next to a KB of an ordinary message.

The classes are the most expensive ones of some hundred tried, each as large as a document may be. What is timed is
the door's judgement; for a refused document that includes finding the place and the words for the refusal.
"""

import time
from collections.abc import Callable, Sequence
from typing import Final

from benchmarks.messages import RECIPIENT, SENDER, completion, documents
from benchmarks.rows import Aim, Effort, Row, compared, interleaved
from bus.door import Admitted, Door
from bus.roles import Role
from protocol.encoder import encode
from protocol.xml import MAX_DOCUMENT_BYTES

_AIM: Final = Aim(bound=50, at_most=True)
_ORDINARY: Final = "Door.judge of ordinary messages of 1,075 bytes, as our encoder writes them"
_BYTES: Final = MAX_DOCUMENT_BYTES - 20_000
_MOST_ITEMS: Final = 4096
_MESSAGE: Final = encode(completion(0))
_ROOT: Final = b"<agent-message"
_PAYLOAD: Final = b"<payload"
_END_OF_RESULT: Final = b"</result>"

Make = Callable[[int], bytes]


def rows(effort: Effort) -> list[Row]:
    """Judge one document of each class in each round, next to ordinary messages."""
    size, rounds = effort.size(_BYTES, 300_000), effort.times(7, 3)
    let_in = [_row(name, make(size), rounds, is_admissible=True) for name, make in ADMISSIBLE.items()]
    return let_in + [_row(name, make(size), rounds, is_admissible=False) for name, make in INADMISSIBLE.items()]


def _row(name: str, raw: bytes, rounds: int, *, is_admissible: bool) -> Row:
    door, ordinary = _door(), documents(300)
    if isinstance(door.judge(raw, SENDER), Admitted) != is_admissible:
        raise AssertionError(f"{name}: the wrong verdict")
    ours, base = interleaved(rounds, lambda: _us_per_kb(door, [raw]), lambda: _us_per_kb(door, ordinary))
    text = f"Door.judge of one document that is {'let in' if is_admissible else 'refused'}", _ORDINARY
    facts = {"bytes": len(raw), "ms": round(min(ours) * len(raw) / 1024 / 1000, 1)}
    return compared(f"hostile: {name}", "us/KB", ours, base, text=text, aim=_AIM, facts=facts)


def _door() -> Door:
    door = Door()
    door.cast.update({SENDER: Role.SPECIALIST, RECIPIENT: Role.COORDINATOR})
    return door


def _us_per_kb(door: Door, raws: Sequence[bytes]) -> float:
    began_s = time.perf_counter()
    for raw in raws:
        door.judge(raw, SENDER)
    return (time.perf_counter() - began_s) * 1e6 / (sum(map(len, raws)) / 1024)


def _behind(there: bytes, filling: bytes) -> Make:
    """Return the maker of a message with as many of these behind this tag as there is room for."""
    return lambda size: _MESSAGE.replace(there + b">", there + b">" + filling * (size // len(filling)), 1)


def _items(item: bytes, most: int = _MOST_ITEMS) -> Make:
    """Return the maker of a message with a list of items, as many as there is room for."""
    return lambda size: _MESSAGE.replace(
        _END_OF_RESULT, b"<basis>%b</basis>" % (item * min(most, size // len(item))) + _END_OF_RESULT
    )


def _lists(item: bytes) -> Make:
    """Return the maker of a message with list after list of as many items as one may hold: all are looked at."""
    whole = b"<basis>%b</basis>" % (item * _MOST_ITEMS)
    return lambda size: _MESSAGE.replace(_END_OF_RESULT, whole * max(1, size // len(whole)) + _END_OF_RESULT)


def _plan(item: bytes) -> Make:
    """Return the maker of a control message with a plan whose tasks need as much as a task may."""
    task = b'<task id="a" agent="@a" skill="a"><title/><needs>%b</needs></task>' % (item * _MOST_ITEMS)
    before = _MESSAGE[: _MESSAGE.index(_PAYLOAD)].replace(b"<type>task-completion", b"<type>control")
    opening, closing = b"<payload><control><verb>start</verb><plan>", b"</plan></control></payload></agent-message>"
    return lambda size: before + opening + task * max(1, size // len(task)) + closing


def _attributes(tag: bytes, filling: str) -> Make:
    """Return the maker of a message with as many numbered attributes on an element as there is room for."""

    def make(size: int) -> bytes:
        count = size // len(filling.format(99_999, 99_999) + " ")
        return _MESSAGE.replace(tag, tag + b" " + " ".join(filling.format(n, n) for n in range(count)).encode(), 1)

    return make


def _declared(declaration: str) -> Make:
    """Return the maker of a document with as many numbered declarations as there is room for."""

    def make(size: int) -> bytes:
        count = size // len(declaration.format(99_999))
        return f"<!DOCTYPE a [{''.join(declaration.format(n) for n in range(count))}]><a/>".encode()

    return make


def _laughs(_size: int) -> bytes:
    lines = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 12))
    return f'<!DOCTYPE a [<!ENTITY l0 "ha">{lines}]><a b="&l11;">&l11;</a>'.encode()


ADMISSIBLE: Final[dict[str, Make]] = {
    "items of full length": _items(b"<step>%b</step>" % (b"a" * 200)),
    "shortest items": _items(b"<step>a</step>"),
    "namespaces": _attributes(_ROOT, 'xmlns:a{}="u{}"'),
    "instructions": _behind(_PAYLOAD, b"<?a?>"),
    "comments": _behind(_PAYLOAD, b"<!---->"),
    "spaces by number": _behind(_PAYLOAD, b"&#32;"),
}

INADMISSIBLE: Final[dict[str, Make]] = {
    "wrong items": _items(b"<step> </step>"),
    "wrong items in many lists": _plan(b"<need> </need>"),
    "too many items": _items(b"<step>a</step>", most=60_000),
    "list after list": _lists(b"<step> </step>"),
    "unknown attributes": _attributes(_PAYLOAD, 'a{}=""'),
    "unknown elements": _behind(_PAYLOAD, b"<x/>"),
    "unknown ids": _behind(_PAYLOAD, b'<x xml:id="a"/>'),
    "nesting": lambda size: b"<r>" + (b"<a>" * 250 + b"</a>" * 250) * (size // 1750) + b"</r>",
    "attribute declarations": _declared('<!ATTLIST a b{} CDATA "x">'),
    "element declarations": _declared("<!ELEMENT e{} (a|b|c)>"),
    "entity declarations": _declared('<!ENTITY e{} "x">'),
    "a billion laughs": _laughs,
    "ampersands": lambda size: b"<a>" + b"&" * size,
}
