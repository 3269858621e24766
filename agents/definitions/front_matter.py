"""Front matter: the YAML between two lines of ---, as people write it, some of whom never met a YAML parser.

1. Scalars stay the texts that they are: no date, number or truth is made of them, and no tag does anything.
2. What is not YAML as a whole is read key by key: a description with a colon in it is a text for people, and taken as
   it stands, as the programs do for which most such files are written. Where that would be a guess, it is refused.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

import yaml

from agents.definitions.findings import Finding, Level, Unusable
from agents.definitions.texts import UNSENDABLE, Tell

FENCE: Final = "---"
_MAX_NODES, _MAX_DEPTH = 5_000, 20
_TOO_MUCH: Final = f"more than {_MAX_NODES:,} values or {_MAX_DEPTH} levels"
_EVERYTHING: Final = "*"  # no YAML, but many write it for all tools, and nothing else can be meant
# PyYAML ends lines where editors and YAML 1.2 do not, and would count them.
_NO_BREAKS: Final = {ord(character): " " for character in "\x85\u2028\u2029"}
# Keys that mean something elsewhere; where a file is read key by key they end the text before them.
ELSEWHERE: Final = frozenset(
    {
        *("color", "colour", "permissionMode", "disallowedTools", "hooks", "mcpServers", "memory", "maxTurns"),
        *("background", "effort", "isolation", "initialPrompt", "mode", "temperature", "version", "author"),
    }
)
_KEY: Final = re.compile(r"([A-Za-z_][\w-]*):(?: .*|\t.*)?")
_BLOCK: Final = re.compile(r"[|>][-+0-9]*")
_LOOKS: Final = {"int": "a number", "float": "a number", "bool": "true or false", "timestamp": "a date"}
_KINDS: Final = {yaml.ScalarNode: "text", yaml.SequenceNode: "list", yaml.MappingNode: "map"}
_STANDARD: Final = frozenset({"str", "seq", "map", "null", "merge", "value", *_LOOKS})
_TAG: Final = "tag:yaml.org,2002:"
# A text with an escape that is no character makes PyYAML fail with ValueError or OverflowError.
_FAULTS: Final = (yaml.YAMLError, ValueError, OverflowError, RecursionError)
Value: TypeAlias = "str | list[Value] | dict[str, Value] | None"


@dataclass(frozen=True, slots=True)
class FrontMatter:
    """What stands in a file. lines: of each key. looks: what YAML would take a text for. role: the text below."""

    values: dict[str, Value]
    lines: dict[str, int]
    looks: dict[str, str]
    role: str


@dataclass(frozen=True, slots=True)
class Known:
    """Keys that count. free: their values are for people, and may be taken as they stand; bound: they may not."""

    free: frozenset[str]
    bound: frozenset[str]


def split(text: str, path: str, known: Known, tell: Tell) -> FrontMatter:
    """Return what stands in a file; what is odd about it is told.

    Raises:
        Unusable: it has no front matter, or none that can be understood.
    """
    lines = text.split("\n")
    begin = next((number for number, line in enumerate(lines) if line.strip()), None)
    if begin is None:
        raise Unusable(path, 1, "is empty", "put front matter between two --- lines, and the role below")
    if lines[begin].strip() != FENCE:
        what = f"begins with {lines[begin].strip()[:40]!r}"
        way_out = "put front matter between two --- lines, or, where it is no agent, give it another ending than .md"
        raise Unusable(path, begin + 1, what, way_out)
    end = next((number for number in range(begin + 1, len(lines)) if lines[number].rstrip() == FENCE), None)
    if end is None:
        raise Unusable(path, begin + 1, "the front matter is never closed", "add a line with ---")
    reader = _Reader(path, begin + 2, known, tell)
    values = reader.read(lines[begin + 1 : end])
    return FrontMatter(values, reader.lines, reader.looks, "\n".join(lines[end + 1 :]).strip())


def has_front_matter(text: str) -> bool:
    """Return whether a file means to be an agent at all."""
    return text.lstrip().partition("\n")[0].strip() == FENCE


class _TooMuch(yaml.MarkedYAMLError):
    """More values or levels than anybody writes by hand."""


@dataclass(frozen=True, slots=True)
class _Fault:
    """Why something is no YAML. line: of the file."""

    line: int
    problem: str
    way_out: str


class _Reader:
    """Reads one front matter. first: the line of the file on which it begins."""

    def __init__(self, path: str, first: int, known: Known, tell: Tell) -> None:
        self._path, self._first, self._known, self._tell = path, first, known, tell
        self._count = 0
        self._at: yaml.Mark | None = None  # the key of which the value is being read
        self.lines: dict[str, int] = {}
        self.looks: dict[str, str] = {}

    def read(self, lines: Sequence[str]) -> dict[str, Value]:
        text = "\n".join(lines)
        try:
            return self._whole(text, 0)
        except _FAULTS as error:
            return self._by_key(lines, self._fault(error, text, 0))

    def _whole(self, text: str, offset: int) -> dict[str, Value]:
        self._count = 0
        root = yaml.compose(text.translate(_NO_BREAKS), Loader=yaml.SafeLoader)
        if root is None:
            return {}
        if not isinstance(root, yaml.MappingNode):
            what = "the front matter is not a list of `key: value` lines"
            raise Unusable(self._path, self._first, what, "write such as: name: fact-writer")
        return self._mapping(root, offset)

    def _by_key(self, lines: Sequence[str], fault: "_Fault") -> dict[str, Value]:
        """Read each key by itself; only texts for people, and keys that mean nothing here, may be no YAML."""
        made: dict[str, Value] = {}
        for key, number, piece in _pieces(lines, self._known):
            found, own_fault = self._alone(piece, number)
            if list(found) != [key]:
                found = {key: _as_it_stands(key, piece)}
                if key in self._known.bound and found[key] != _EVERYTHING:
                    raise self._unusable(own_fault or fault, f"mend `{key}`")
            made |= found
            self.lines[key] = self._first + number
        if not made:
            raise self._unusable(fault, "write `key: value` lines")
        self._warn(fault.line, f"not YAML: {fault.problem}", f"it was read key by key; {fault.way_out}")
        return made

    def _alone(self, piece: Sequence[str], offset: int) -> "tuple[dict[str, Value], _Fault | None]":
        text = "\n".join(piece)
        try:
            return self._whole(text, offset), None
        except _FAULTS as error:
            return {}, self._fault(error, text, offset)

    def _fault(self, error: Exception, text: str, offset: int) -> "_Fault":
        return _Fault(self._first + offset + _line_of(error, text), *_problem(error))

    def _unusable(self, fault: "_Fault", way_out: str) -> Unusable:
        return Unusable(self._path, fault.line, f"not YAML: {fault.problem}", way_out)

    def _warn(self, line: int, what: str, way_out: str) -> None:
        self._tell(Finding(Level.WARNING, self._path, line, what, way_out))

    def _mapping(self, node: yaml.MappingNode, offset: int) -> dict[str, Value]:
        made: dict[str, Value] = {}
        for key_node, value_node in node.value:
            line = self._first + offset + key_node.start_mark.line
            if not isinstance(key_node, yaml.ScalarNode):
                self._warn(line, "a list or a map stands where a key belongs", "it is left out")
                continue
            key = _written(key_node)
            if key in made:
                self._warn(line, f"{key[:40]!r} stands here twice", "the last one counts; take one out")
            self._at = key_node.start_mark
            made[key], self.lines[key] = self._value(value_node, offset, 0), line
            if key in self._known.free and _has_comment(value_node):
                self._warn(line, f"{key}: YAML takes what stands behind # for a comment", "put quotes around the text")
            if (kind := value_node.tag.removeprefix(_TAG)) in _LOOKS:
                self.looks[key] = _LOOKS[kind]
        return made

    def _value(self, node: yaml.Node, offset: int, depth: int) -> Value:
        self._count += 1
        if self._count > _MAX_NODES or depth > _MAX_DEPTH:
            raise _TooMuch(problem=_TOO_MUCH, problem_mark=self._at)
        if node.tag.removeprefix(_TAG) not in _STANDARD:
            what = f"the tag {node.tag.replace(_TAG, '!!')[:60]} means nothing here"
            line = self._first + offset + node.start_mark.line
            self._warn(line, what, f"it was read as a {_KINDS[type(node)]}; take it out")
        if isinstance(node, yaml.SequenceNode):
            return [self._value(item, offset, depth + 1) for item in node.value]
        if isinstance(node, yaml.MappingNode):
            return {_written(key): self._value(value, offset, depth + 1) for key, value in node.value}
        if node.tag == f"{_TAG}null":
            return None
        return UNSENDABLE.sub("\ufffd", node.value)


def _written(key: yaml.Node) -> str:
    return UNSENDABLE.sub("\ufffd", key.value) if isinstance(key, yaml.ScalarNode) else ""


def _pieces(lines: Sequence[str], known: Known) -> Iterator[tuple[str, int, list[str]]]:
    """Yield each key with where it stands and its lines; within a text for people only keys that are known end it."""
    ends = known.free | known.bound | ELSEWHERE
    key, begin = "", 0
    for number, line in enumerate(lines):
        found = _KEY.fullmatch(line)
        if found is None or (key in known.free and found[1] not in ends):
            continue
        if key:
            yield key, begin, list(lines[begin:number])
        key, begin = found[1], number
    if key:
        yield key, begin, list(lines[begin:])


def _as_it_stands(key: str, piece: Sequence[str]) -> str:
    first = piece[0][len(key) + 1 :].strip()
    rest = [line.strip() for line in piece[1:]]
    text = "\n".join(([] if _BLOCK.fullmatch(first) else [first]) + rest).strip()
    is_quoted = len(text) > 1 and text[0] == text[-1] and text[0] in "\"'"
    return text[1:-1] if is_quoted else text


def _line_of(error: Exception, text: str) -> int:
    mark = getattr(error, "problem_mark", None)
    if mark is not None:
        return int(mark.line)
    return text.count("\n", 0, getattr(error, "position", 0))


def _problem(error: Exception) -> tuple[str, str]:
    """Return what is wrong, and the way out."""
    if isinstance(error, _TooMuch | RecursionError):
        return _TOO_MUCH, "shorten what is nested or repeated"
    problem = getattr(error, "problem", None) or str(error).partition("\n")[0]
    return problem.replace(
        r"'\x00'", "the end"
    ), "put quotes around a text with a colon, a bracket, a quote or a star in it"


def _has_comment(node: yaml.Node) -> bool:
    if not isinstance(node, yaml.ScalarNode) or node.style is not None or node.end_mark.buffer is None:
        return False
    behind = node.end_mark.buffer[node.end_mark.pointer :].partition("\n")[0]
    return behind.lstrip().startswith("#")
