"""The files that a judged file is held against: those of the same result, else those that were given to its task."""

from collections.abc import Mapping
from pathlib import PurePosixPath

from gates.design.files import (
    DESIGN,
    NAMES,
    REQUIREMENTS,
    TEST_PLAN,
    DesignFile,
    RequirementsFile,
    TestPlanFile,
)
from gates.design.parts import NAME as PARTS
from gates.design.parts import Part, read_parts
from gates.judged import Judged, inputs_of
from gates.values import Read, read
from protocol.bodies import File
from protocol.errors import SourceError


class Beside:
    """What lies beside a judged file. Every method raises SourceError: there is none, there are two, or it is broken.

    A result that brings a file which was also given has to bring the same one: whoever designs does not get to
    change what the design is held against.
    """

    def __init__(self, judged: Judged) -> None:
        self._judged = judged

    def data(self, file: File) -> bytes:
        """Return the bytes of a file."""
        return self._judged.store.get(file)

    def requirements(self) -> RequirementsFile:
        return self._read(RequirementsFile, REQUIREMENTS)

    def design(self) -> DesignFile:
        return self._read(DesignFile, DESIGN)

    def test_plan(self) -> TestPlanFile:
        return self._read(TestPlanFile, TEST_PLAN)

    def parts(self) -> Mapping[str, Part]:
        """Return the parts: those of parts.csv."""
        own = [file for file in self._judged.artifacts if _name(file) == PARTS]
        given = [file for file in inputs_of(self._judged) if _name(file) == PARTS]
        return read_parts(self.data(_only(own, given, PARTS)))

    def folder(self, file: File) -> Mapping[str, bytes]:
        """Return the files of the result that lie in the same folder, by name, and in no folder below it."""
        home = PurePosixPath(file.path).parent
        return {_name(one): self.data(one) for one in self._judged.artifacts if PurePosixPath(one.path).parent == home}

    def _read(self, kind: type[Read], media_type: str) -> Read:
        own = [file for file in self._judged.artifacts if file.media_type == media_type]
        given = [file for file in inputs_of(self._judged) if file.media_type == media_type]
        file = _only(own, given, NAMES[media_type])
        return read(kind, self.data(file), file.path)


def _name(file: File) -> str:
    return PurePosixPath(file.path).name


def _only(own: list[File], given: list[File], name: str) -> File:
    digests = {file.sha256 for file in (*own, *given)}
    if not digests:
        raise SourceError(f"there is no {name} to hold it against, neither in the result nor among the task's inputs")
    if len(digests) > 1:
        where = "the result brings another one than was given" if own and given else f"{len(digests)} different ones"
        raise SourceError(f"it is not clear which {name} to hold it against: {where}")
    return (own or given)[0]
