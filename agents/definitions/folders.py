"""Agents from several folders: which of two that have one name is meant, and what is said about it.

A workflow's own folders go before those that the command names with --catalogue, of several the later one, and all of
them before what ships. In a workflow's own folder nothing may be wrong; of other people's what cannot be used is left
out, and said.
"""

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from agents.definitions.definition import Definition, catalogue, load_folder, read_folder
from protocol.errors import DefinitionError

NO_FOLDER = "is no folder; name one with agent definitions (*.md)"


@dataclass(frozen=True, slots=True)
class Gathered:
    """The agents there are, those that go before others first.

    notes: what was decided about them, in words. left_out: why agents are not among them that are in a folder.
    """

    definitions: Mapping[str, Definition]
    notes: tuple[str, ...] = ()
    left_out: Mapping[str, str] = field(default_factory=dict)


def gathered(own: Sequence[Path] = (), catalogues: Sequence[Path] = ()) -> Gathered:
    """Return the agents of a workflow's own folders, of other people's and of those that ship.

    Raises:
        DefinitionError: a folder is not there, or something is wrong in one of the workflow's own.
    """
    left_out: dict[str, str] = {}
    notes: list[str] = []
    theirs = [_theirs(folder, left_out, notes) for folder in reversed(catalogues)]
    mine = [load_folder(_there(folder, str(folder))) for folder in reversed(own)]
    found: dict[str, Definition] = {}
    for layer in (*mine, *theirs, catalogue()):
        notes += _hidden(layer, found)
        found = {**found, **{name: one for name, one in layer.items() if name not in found}}
    missing = {name: why for name, why in left_out.items() if name not in found}
    return Gathered(found, tuple(dict.fromkeys(notes)), missing)


def _theirs(folder: Path, left_out: dict[str, str], notes: list[str]) -> dict[str, Definition]:
    read = read_folder(_there(folder, f"--catalogue {folder}"))
    left_out |= {name: finding.complaint for name, finding in read.left_out.items()}
    notes += [f"left out: {finding.complaint}" for finding in read.findings if finding.is_error]
    if not read.definitions:
        notes.append(f"--catalogue {folder}: there is no agent in it")
    return read.definitions


def _there(folder: Path, told: str) -> Path:
    if not os.path.isdir(folder):  # unlike Path.is_dir it says no, too, where nobody may look
        raise DefinitionError(f"{told} {NO_FOLDER}")
    return folder


def _hidden(layer: Mapping[str, Definition], before: Mapping[str, Definition]) -> Iterable[str]:
    shipped = catalogue()
    for name, one in layer.items():
        stronger = before.get(name)
        if stronger is None or stronger.text == one.text:
            continue
        weaker = "the one that ships" if shipped.get(name) is one else one.path
        yield f"{name} is defined twice: {stronger.path} goes before {weaker}"
