"""Reading YAML and JSON that people write, so that every complaint can name file, line and a way out.

JSON is read as the YAML that it is. Duplicate keys, aliases that multiply, and depths nobody writes are refused.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Final, TypeVar

import yaml
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from protocol.errors import DefinitionError

MAX_BYTES: Final = 4 * 1024 * 1024
_MAX_NODES: Final = 200_000
_MAX_DEPTH: Final = 60
_SHOWN, _LISTED = 60, 12
_FIRST_KEY: Final = "workflow: NAME"
_ID: Final = re.compile(r"[\w./-]{1,100}", re.ASCII)
# What XML cannot carry, so no message can: control characters, and halves of pairs.
_UNSENDABLE: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
# What newcomers to YAML run into, by a part of the parser's words, and the way out.
_HINTS: Final[Mapping[str, str]] = {
    "'\\t' that cannot start": "indent with spaces, not with tabs",
    "'@' that cannot start": "leave the @ out, or put quotes around the text",
    "that cannot start any token": "put quotes around the text",
    "alias": "put quotes around a text that begins with *, such as '*.md'",
    "alphabetic or numeric": "put quotes around a text that begins with * or &, such as '*.md'",
    "mapping values are not allowed": "put quotes around a text with a colon; keys of one step begin in one column",
    "another document": "one file holds one document; take out the line with ---",
    "special characters": "take that character out",
    "but found '<block": "keys of one step begin in one column",
    "but found '<stream end>'": "a bracket or quote is open; close it",
    "unexpected end of stream": "a quote is open; close it",
}
Model = TypeVar("Model", bound=BaseModel)
Place = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Document:
    """What a file says, and at which line each of its values begins."""

    path: str
    value: Any
    lines: dict[Place, int]

    def line_of(self, place: Place) -> int:
        """Return the line of a value, or of the nearest one around it that the file has."""
        while place and place not in self.lines:
            place = place[:-1]
        return self.lines.get(place, 1)

    def fault(self, place: Place, text: str) -> DefinitionError:
        return DefinitionError(f"{self.path}:{self.line_of(place)}: {text}")


def read_document(path: Path, first_key: str = _FIRST_KEY) -> Document:
    """Return what a YAML or JSON file says. first_key: with what such a file begins, for whoever gives an empty one.

    Raises:
        DefinitionError: it cannot be read, or is neither; the text names the line.
    """
    return parse_document(text_of(path), str(path), first_key)


def text_of(path: Path) -> str:
    """Return the text of such a file.

    Raises:
        DefinitionError: it cannot be read, is too long, or not UTF-8.
    """
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise DefinitionError(f"{path}: cannot be read: {error.strerror}") from error
    if len(raw) > MAX_BYTES:
        raise DefinitionError(f"{path}:1: it has more bytes, the limit is {MAX_BYTES:,}; split it")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise DefinitionError(f"{path}:{line}: not UTF-8 text (byte {error.start + 1}); save it as UTF-8") from error


def parse_document(text: str, path: str, first_key: str = _FIRST_KEY) -> Document:
    """Return what a text in YAML or JSON says; `path` is for complaints.

    Raises:
        DefinitionError: as for `read_document`.
    """
    if text.lstrip()[:1] == "{":
        text = text.replace("\t", " ")  # JSON may be indented with tabs, and has none in its texts
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError as error:
        raise DefinitionError(f"{path}:{_line_of_fault(error, text)}: not YAML or JSON: {_problem(error)}") from error
    except RecursionError as error:
        raise DefinitionError(f"{path}:1: nested deeper than {_MAX_DEPTH} levels; make it flatter") from error
    if root is None:
        raise DefinitionError(f"{path}:1: the file says nothing; begin it with: {first_key}")
    reader = _Reader(path)
    return Document(path, reader.value(root, ()), reader.lines)


def _line_of_fault(error: yaml.YAMLError, text: str) -> int:
    mark = getattr(error, "problem_mark", None)
    if mark is not None:
        return int(mark.line) + 1
    return text.count("\n", 0, getattr(error, "position", 0)) + 1


def _problem(error: yaml.YAMLError) -> str:
    problem = getattr(error, "problem", None) or str(error).partition("\n")[0]
    hint = next((hint for words, hint in _HINTS.items() if words in problem), None)
    return f"{problem}; {hint}" if hint else str(problem)


class _Reader:
    """Turns nodes into values and notes their lines. Scalars become what YAML's safe loader makes of them."""

    def __init__(self, path: str) -> None:
        self._path, self._scalars, self._count = path, yaml.SafeLoader(""), 0
        self.lines: dict[Place, int] = {}

    def value(self, node: yaml.Node, place: Place) -> Any:
        self._count += 1
        if self._count > _MAX_NODES or len(place) > _MAX_DEPTH:
            raise self._fault(node, f"more than {_MAX_NODES:,} values or {_MAX_DEPTH} levels; make it smaller")
        self.lines[place] = node.start_mark.line + 1
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, place)
        if isinstance(node, yaml.SequenceNode):
            return [self.value(item, (*place, number)) for number, item in enumerate(node.value)]
        return self._scalar(node)

    def _mapping(self, node: yaml.MappingNode, place: Place) -> dict[str, Any]:
        made: dict[str, Any] = {}
        for key_node, value_node in node.value:
            # `on:` and `1:` are keys as written, not True and 1.
            key = key_node.value if isinstance(key_node, yaml.ScalarNode) else None
            if key is None or key == "<<":
                raise self._fault(key_node, "a key is one word; merging with << is not read, write the keys out")
            if key in made:
                raise self._fault(key_node, f"{shown(key)} stands here twice; take one out")
            made[key] = self.value(value_node, (*place, key))
            self.lines[*place, key] = key_node.start_mark.line + 1
        return made

    def _scalar(self, node: yaml.Node) -> Any:
        node.value = _paired(node.value)
        if unsendable := _UNSENDABLE.search(node.value):
            text = f"holds the character U+{ord(unsendable[0]):04X}, which no message can carry; take it out"
            raise self._fault(node, text)
        if node.tag not in _TAGS:
            # Dates and whatever else YAML guesses from the look of a text stay the text.
            return node.value
        try:
            return self._scalars.construct_object(node)
        except (yaml.YAMLError, ValueError) as error:
            kind = node.tag.rpartition(":")[2]
            raise self._fault(
                node, f"{shown(node.value)} is no {kind}; put quotes around it if it is a text"
            ) from error

    def _fault(self, node: yaml.Node, text: str) -> DefinitionError:
        return DefinitionError(f"{self._path}:{node.start_mark.line + 1}: {text}")


def _paired(text: str) -> str:
    """Return a text in which the two halves of a pair, as JSON escapes them, are one character."""
    if not any("\ud800" <= letter <= "\udfff" for letter in text):
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")


_TAGS: Final = {f"tag:yaml.org,2002:{name}" for name in ("str", "int", "float", "bool", "null")}


def checked(document: Document, model: type[Model]) -> Model:
    """Return a document as a model.

    Raises:
        DefinitionError: it is none; every complaint on a line of its own, with file, line and, for a misspelled key,
            the key that was meant.
    """
    try:
        return model.model_validate(document.value)
    except ValidationError as error:
        complaints = [_complaint(document, fault, model) for fault in error.errors(include_url=False)]
        raise DefinitionError("\n".join(dict.fromkeys(complaints))) from error


def _complaint(document: Document, fault: ErrorDetails, model: type[BaseModel]) -> str:
    place = tuple(part for part in fault["loc"] if not (isinstance(part, str) and part.startswith("function-")))
    line = f"{document.path}:{document.line_of(place)}: "
    if fault["type"] in ("extra_forbidden", "missing"):
        within, key = _where(document, place[:-1]), str(place[-1])
        if fault["type"] == "missing":
            return f"{line}{within}{key!r} is missing"
        return f"{line}{within}there is no key {shown(key)}; {nearest(key, _keys_around(model, place))}"
    where, text = _where(document, place), _in_words(fault)
    is_said = bool(where) and text.startswith(f"{where[:-2].rpartition('.')[2]} ")
    return f"{line}{'' if is_said else where}{text}"


def _in_words(fault: ErrorDetails) -> str:
    """Return what is wrong with a value, and what to write instead."""
    given, limits = shown(fault["input"]), fault.get("ctx", {})
    if fault["input"] is None and fault["type"].endswith("_type"):
        return "nothing stands here; give it a value, or leave the key out"
    match fault["type"]:
        case "string_type":
            return f"{given} is no text; put quotes around it if it is meant as one"
        case "list_type":
            return f"{given} is no list; write [A, B], or one on each line behind a dash"
        case "dict_type" | "model_type" | "model_attributes_type":
            return f"{given} stands where keys with values belong, such as {{KEY: VALUE}}"
        case "int_type" | "int_parsing" | "int_from_float":
            return f"{given} is no whole number"
        case "bool_type" | "bool_parsing":
            return f"{given} is neither true nor false"
        case "greater_than":
            return f"{given} is too small; it has to be more than {limits['gt']}"
        case "greater_than_equal":
            return f"{given} is too small; the least is {limits['ge']}"
        case "less_than_equal":
            return f"{given} is too large; the most is {limits['le']}"
        case "too_short":
            return "is empty; it has at least one entry"
        case "string_too_long":
            return f"is longer than {limits['max_length']} characters"
        case "enum" | "literal_error":
            known = [word.strip("'") for word in re.split(r", | or ", str(limits["expected"]))]
            return f"{given} is not one of {', '.join(known)}{_meant(str(fault['input']), known)}"
    return fault["msg"].removeprefix("Value error, ")


def shown(value: Any) -> str:
    """Return a value as complaints quote it: short, and on one line."""
    text = repr(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


def nearest(name: str, known: Iterable[str]) -> str:
    """Return in words what may have been meant."""
    names = sorted(set(known))
    near = get_close_matches(name, names, n=1)
    more = f" and {len(names) - _LISTED} more" if len(names) > _LISTED else ""
    return f"did you mean {near[0]}?" if near else f"known: {', '.join(names[:_LISTED]) or 'none'}{more}"


def _meant(name: str, known: Iterable[str]) -> str:
    near = get_close_matches(name, list(known), n=1)
    return f"; did you mean {near[0]}?" if near else ""


def _where(document: Document, place: Place) -> str:
    """Return a place in words: the ids of the steps it is in, not their numbers, and the key."""
    told: list[str] = []
    value = document.value
    for part in place:
        value = _inner(value, part)
        identity = value.get("id") if isinstance(value, dict) and isinstance(part, int) else None
        if isinstance(identity, str) and _ID.fullmatch(identity):
            told[-1:] = [identity]
        elif isinstance(part, int):
            told[-1:] = [f"{told[-1] if told else 'entry'} {part + 1}"]
        else:
            told.append(part)
    return f"{'.'.join(told)}: " if told else ""


def _inner(value: Any, part: str | int) -> Any:
    if isinstance(value, dict):
        return value.get(part)
    return value[part] if isinstance(value, list) and isinstance(part, int) and part < len(value) else None


def _keys_around(model: type[BaseModel], place: Place) -> list[str]:
    """Return the keys that may stand where an unknown one stands."""
    for part in place[:-1]:
        field = model.model_fields.get(str(part)) or next(
            (one for one in model.model_fields.values() if one.alias == part), None
        )
        inner = None if field is None else _model_in(field.annotation)
        model = inner or model
    return [field.alias or name for name, field in model.model_fields.items()]


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for arg in getattr(annotation, "__args__", ()) if (found := _model_in(arg))), None)
