"""Where a workflow comes from: its file with the parameters filled in, and the settings it is found by again."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from string import Template
from typing import Any, Final

from agents.document import Document, Place, checked, nearest, read_document, shown
from protocol.errors import DefinitionError
from scenarios.references import all_steps
from scenarios.workflow import Workflow

_GIVEN: Final = "set."
_FILE: Final = "files."
_CATALOGUE: Final = "catalogue."


@dataclass(frozen=True, slots=True)
class Source:
    """A workflow and where it comes from. document: of a file, for complaints with lines; None for one in Python.

    folder: against which its paths are meant. given: values of parameters that are not its own defaults.
    catalogues: folders with agents that the command adds.
    """

    workflow: Workflow
    folder: Path
    document: Document | None = None
    given: tuple[tuple[str, str], ...] = ()
    catalogues: tuple[Path, ...] = ()

    def fault(self, place: Place, text: str) -> DefinitionError:
        if self.document is not None:
            return self.document.fault(place, text)
        around = [one.step.id for one in all_steps(self.workflow) if place[: len(one.place)] == one.place]
        return DefinitionError(": ".join([self.workflow.workflow, *around[-1:], text]))


def read_workflow(path: Path, given: Mapping[str, str] | None = None, catalogues: Sequence[Path] = ()) -> Source:
    """Return the workflow in a file, with its parameters filled in. catalogues: folders with agents beside its own.

    Raises:
        DefinitionError: every complaint on a line of its own, with file, line and what to do.
    """
    document = read_document(path)
    if not isinstance(document.value, dict) or "workflow" not in document.value:
        raise DefinitionError(f"{path}:1: no workflow: the key `workflow` is missing; begin it with: workflow: NAME")
    filled = Document(document.path, _filled(document, dict(given or {})), document.lines)
    return Source(checked(filled, Workflow), path.parent, filled, tuple((given or {}).items()), tuple(catalogues))


def _filled(document: Document, given: dict[str, str]) -> Any:
    parameters = document.value.get("parameters") or {}
    known = {str(key): str(value) for key, value in parameters.items()} if isinstance(parameters, dict) else {}
    unknown = sorted(given.keys() - known.keys())
    if unknown:
        has = ", ".join(known) or "none"
        raise DefinitionError(f"{document.path}: --set {unknown[0]}: it has no such parameter (it has: {has})")
    values = {"files": "$files", **known, **given}

    def fill(value: Any, place: Place) -> Any:
        if isinstance(value, dict):
            return {key: fill(one, (*place, key)) if key != "parameters" else one for key, one in value.items()}
        if isinstance(value, list):
            return [fill(one, (*place, number)) for number, one in enumerate(value)]
        if not isinstance(value, str) or "$" not in value:
            return value
        try:
            return Template(value).substitute(values)
        except KeyError as error:
            has = nearest(str(error.args[0]), known)
            text = f"{shown(value)}: there is no parameter {error}; {has}; $$ stands for a dollar sign"
            raise document.fault(place, text) from error
        except ValueError as error:
            raise document.fault(place, f"{shown(value)}: a $ begins no name; $$ stands for a dollar sign") from error

    return fill(document.value, ())


def origin(source: Source, files: Sequence[Path]) -> Iterable[tuple[str, str]]:
    """Return as settings what the workflow can be read from again."""
    if source.document is None:
        return
    yield "workflow", str(Path(source.document.path).absolute())
    yield from ((f"{_GIVEN}{name}", value) for name, value in source.given)
    yield from ((f"{_FILE}{number}", str(path.absolute())) for number, path in enumerate(files))
    yield from ((f"{_CATALOGUE}{number}", str(path.absolute())) for number, path in enumerate(source.catalogues))


@dataclass(frozen=True, slots=True)
class Given:
    """What a mission was begun with beside its workflow: parameters, files, and folders with agents."""

    parameters: dict[str, str]
    files: list[Path]
    catalogues: list[Path]


def given_in(told: Mapping[str, str]) -> Given:
    """Return what a mission was begun with, from its settings."""

    def paths(prefix: str) -> list[Path]:
        return [Path(value) for name, value in told.items() if name.startswith(prefix)]

    parameters = {name.removeprefix(_GIVEN): value for name, value in told.items() if name.startswith(_GIVEN)}
    return Given(parameters, paths(_FILE), paths(_CATALOGUE))
