"""Reading YAML and JSON that people write, so that every complaint can name file, line and a way out.

JSON is read as the YAML that it is. Duplicate keys, aliases that multiply, and depths nobody writes are refused.
"""

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


def read_document(path: Path) -> Document:
    """Return what a YAML or JSON file says.

    Raises:
        DefinitionError: it cannot be read, or is neither; the text names the line.
    """
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise DefinitionError(f"{path}: cannot be read: {error.strerror}") from error
    if len(raw) > MAX_BYTES:
        raise DefinitionError(f"{path}: {len(raw):,} bytes, the limit is {MAX_BYTES:,}")
    try:
        return parse_document(raw.decode("utf-8-sig"), str(path))
    except UnicodeDecodeError as error:
        raise DefinitionError(f"{path}: not UTF-8 text: {error.reason} at byte {error.start}") from error


def parse_document(text: str, path: str) -> Document:
    """Return what a text in YAML or JSON says; `path` is for complaints.

    Raises:
        DefinitionError: as for `read_document`.
    """
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        problem = getattr(error, "problem", None) or str(error)
        raise DefinitionError(f"{path}:{mark.line + 1 if mark else 1}: not YAML: {problem}") from error
    except RecursionError as error:
        raise DefinitionError(f"{path}:1: nested deeper than {_MAX_DEPTH} levels") from error
    if root is None:
        raise DefinitionError(f"{path}:1: the file is empty")
    reader = _Reader(path)
    return Document(path, reader.value(root, ()), reader.lines)


class _Reader:
    """Turns nodes into values and notes their lines. Scalars become what YAML's safe loader makes of them."""

    def __init__(self, path: str) -> None:
        self._path, self._scalars, self._count = path, yaml.SafeLoader(""), 0
        self.lines: dict[Place, int] = {}

    def value(self, node: yaml.Node, place: Place) -> Any:
        self._count += 1
        if self._count > _MAX_NODES or len(place) > _MAX_DEPTH:
            raise self._fault(node, f"more than {_MAX_NODES:,} values or {_MAX_DEPTH} levels")
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
                raise self._fault(key_node, "a key is one word; merging with << is not read")
            if key in made:
                raise self._fault(key_node, f"{key} stands here twice")
            made[key] = self.value(value_node, (*place, key))
            self.lines[*place, key] = key_node.start_mark.line + 1
        return made

    def _scalar(self, node: yaml.Node) -> Any:
        if node.tag not in _TAGS:
            # Dates and whatever else YAML guesses from the look of a text stay the text.
            return node.value
        try:
            return self._scalars.construct_object(node)
        except (yaml.YAMLError, ValueError) as error:
            raise self._fault(node, f"{node.value!r} cannot be read: {error}") from error

    def _fault(self, node: yaml.Node, text: str) -> DefinitionError:
        return DefinitionError(f"{self._path}:{node.start_mark.line + 1}: {text}")


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
    where = ".".join(str(part) for part in place) or "the file"
    line = f"{document.path}:{document.line_of(place)}: "
    if fault["type"] == "extra_forbidden":
        known = _keys_around(model, place)
        near = get_close_matches(str(place[-1]), known, n=1)
        hint = f"did you mean {near[0]}?" if near else f"known here: {', '.join(sorted(known))}"
        return f"{line}{where}: there is no key {place[-1]!r}; {hint}"
    if fault["type"] == "missing":
        return f"{line}{where}: {place[-1]!r} is missing"
    return f"{line}{where}: {fault['msg'].removeprefix('Value error, ')}"


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
