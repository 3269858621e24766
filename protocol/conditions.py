"""Conditions on the values of results: the small language of `when`, `until` and `accept`.

    review.verdict == "pass" and (measure.time_ms < 300 or not strict.on)

1. A name is a path with dots: a task and one of its values, or in `accept` a value of the result itself.
2. Both sides that are numbers compare as numbers, else both as texts; == and != of true and false are of texts.
3. A value that is not there equals nothing, is less and greater than nothing, and is not true: a plan must not go on
   because something is missing. `name exists` asks for it.
4. Reading never evaluates anything but this grammar, and neither depth nor length can exhaust it.

    condition  = all ("or" all)*        all = one ("and" one)*        one = "not" one | "(" condition ")" | test
    test       = side (("==" | "!=" | "<" | "<=" | ">" | ">=") side | "exists")?      side = name | number | "text"
"""

import operator
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any, Final, TypeAlias

from protocol.errors import DefinitionError

MAX_CHARACTERS: Final = 2_000
_MAX_DEPTH: Final = 50
_TOKEN: Final = re.compile(
    r"""\s*(?:(?P<number>-?\d+(?:\.\d+)?(?![\w.]))|(?P<text>"[^"]*"|'[^']*')|(?P<operator>==|!=|<=|>=|<|>|\(|\))"""
    r"""|(?P<name>[A-Za-z0-9][\w:/@#.\-]*))"""
)
_WORDS: Final = ("and", "or", "not", "exists")
_COMPARED: Final[dict[str, Callable[[Any, Any], bool]]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
Values: TypeAlias = Mapping[str, str]
Test: TypeAlias = Callable[[Values], bool]
Side: TypeAlias = Callable[[Values], str | None]


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition that was read. names: the values it asks for. holds: whether it is true of these values."""

    text: str
    names: tuple[str, ...]
    holds: Test


def spelled(value: str | int | float | bool | Decimal) -> str:
    """Return a value as results carry it: true and false as the schema spells them, numbers without an exponent."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        value = Decimal(repr(value))
    return f"{value:f}" if isinstance(value, Decimal) else str(value)


def read_condition(text: str) -> Condition:
    """Return a condition, ready to be asked.

    Raises:
        DefinitionError: it is none; the text says where and what was expected.
    """
    if len(text) > MAX_CHARACTERS:
        raise DefinitionError(f"a condition of {len(text):,} characters; {MAX_CHARACTERS:,} are read")
    reader = _Reader(text, list(_tokens(text)))
    test = reader.condition(0)
    if reader.left:
        raise reader.fault("and, or, or the end")
    return Condition(text, tuple(dict.fromkeys(reader.names)), test)


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    at: int


def _tokens(text: str) -> Iterator[_Token]:
    at = 0
    while text[at:].strip():
        found = _TOKEN.match(text, at)
        if found is None:
            raise DefinitionError(f"in the condition {text!r}: {text[at:].strip()[:20]!r} is not part of a condition")
        kind = found.lastgroup or ""
        word = found[kind]
        yield _Token("word" if word in _WORDS else kind, word, found.start(kind))
        at = found.end()


@dataclass(slots=True)
class _Reader:
    """Reads tokens from left to right; each method reads one rule of the grammar."""

    text: str
    tokens: list[_Token]
    at: int = 0
    names: list[str] = field(default_factory=list)

    @property
    def left(self) -> bool:
        return self.at < len(self.tokens)

    def fault(self, expected: str) -> DefinitionError:
        found = repr(self.tokens[self.at].text) if self.left else "the end"
        return DefinitionError(f"in the condition {self.text!r}: expected {expected}, found {found}")

    def taken(self, *texts: str) -> str:
        """Return the next token and pass it, if it is one of these words or operators; else ""."""
        if self.left and self.tokens[self.at].kind in ("word", "operator") and self.tokens[self.at].text in texts:
            self.at += 1
            return self.tokens[self.at - 1].text
        return ""

    def condition(self, depth: int) -> Test:
        tests = [self.all_of(depth)]
        while self.taken("or"):
            tests.append(self.all_of(depth))
        return tests[0] if len(tests) == 1 else lambda values: any(test(values) for test in tests)

    def all_of(self, depth: int) -> Test:
        tests = [self.one(depth)]
        while self.taken("and"):
            tests.append(self.one(depth))
        return tests[0] if len(tests) == 1 else lambda values: all(test(values) for test in tests)

    def one(self, depth: int) -> Test:
        if depth > _MAX_DEPTH:
            raise DefinitionError(f"in the condition {self.text[:40]!r}…: more than {_MAX_DEPTH} levels")
        if self.taken("not"):
            inner = self.one(depth + 1)
            return lambda values: not inner(values)
        if self.taken("("):
            inner = self.condition(depth + 1)
            if not self.taken(")"):
                raise self.fault("a closing bracket")
            return inner
        return self.test()

    def test(self) -> Test:
        left = self.side()
        if self.taken("exists"):
            return lambda values: left(values) is not None
        sign = self.taken(*_COMPARED)
        if not sign:
            return lambda values: left(values) == "true"
        right = self.side()
        return lambda values: _compared(left(values), sign, right(values))

    def side(self) -> Side:
        if not self.left or self.tokens[self.at].kind in ("operator", "word"):
            raise self.fault("a name, a number or a text in quotes")
        token = self.tokens[self.at]
        self.at += 1
        if token.kind == "text":
            return lambda values: token.text[1:-1]
        if token.kind == "number" or token.text in ("true", "false"):
            return lambda values: token.text
        self.names.append(token.text)
        return lambda values: values.get(token.text)


def _compared(left: str | None, sign: str, right: str | None) -> bool:
    if left is None or right is None:
        return False
    numbers = number(left), number(right)
    if None not in numbers:
        return _COMPARED[sign](*numbers)
    return _COMPARED[sign](left, right)


def number(text: str) -> Decimal | None:
    """Return the number that a text is, or None."""
    try:
        value = Decimal(text)
    except InvalidOperation:
        return None
    return value if value.is_finite() else None
