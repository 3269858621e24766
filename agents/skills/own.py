"""Skills that somebody brings along: the plain functions of one Python file, run from its bytes in the store.

A function `def count_words(work)` is the skill `count-words`. What begins with an underscore or was imported is none.
The bytes that run are those whose digest the journal names, whatever has become of the file since.
"""

import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Final

from agents.work import Skill
from bus.artifacts import ArtifactStore
from protocol.bodies import File
from protocol.errors import DefinitionError, SourceError
from protocol.secrets import redacted_bytes

RUNNER: Final = "skill-runner"  # the agent that has every skill of such a file


@dataclass(frozen=True, slots=True)
class OwnSkills:
    """The skills of a file. source: its bytes."""

    path: str
    source: bytes
    skills: Mapping[str, Skill]

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self.skills)

    def stored(self, store: ArtifactStore) -> File:
        """Put the file into a store, where every process of the mission finds it.

        Raises:
            SourceError: the disk would not take it.
        """
        return store.put(self.source, path=Path(self.path).name, media_type="text/x-python")


def read_own(path: Path) -> OwnSkills:
    """Return the skills in a Python file on disk; its top level is run.

    Raises:
        SourceError: it cannot be read, or holds a secret.
        DefinitionError: as for `load_own`.
    """
    try:
        raw = path.read_bytes()
    except OSError as error:
        text = f"{path} cannot be read: {error.strerror}; name a Python file with skills of your own"
        raise SourceError(text) from error
    if redacted_bytes(raw) != raw:
        raise SourceError(f"{path} holds a secret; read it from the environment instead")
    return load_own(raw, str(path))


def load_own(source: bytes, path: str) -> OwnSkills:
    """Return the skills in a Python file; its top level is run.

    Raises:
        DefinitionError: it is not Python, breaks, or has no skill; the text names the line.
    """
    module = ModuleType("own_skills")
    module.__file__ = path
    try:
        exec(compile(source, path, "exec"), module.__dict__)
    except SyntaxError as error:
        raise DefinitionError(f"{path}:{error.lineno or 1}: not Python: {error.msg}") from error
    except (Exception, SystemExit) as error:  # somebody else's code; whatever it raises, the user wants to know where
        raise DefinitionError(f"{path}:{_line(error, path)}: {type(error).__name__}: {error}") from error
    skills = {name.replace("_", "-"): one for name, one in vars(module).items() if _is_skill(name, one, path)}
    if not skills:
        raise DefinitionError(f"{path}:1: has no skill; write such as: def count_words(work): ...")
    return OwnSkills(path, source, skills)


def _is_skill(name: str, one: object, path: str) -> bool:
    if name.startswith("_") or not inspect.isfunction(one) or one.__code__.co_filename != path:
        return False
    return len(inspect.signature(one).parameters) == 1


def _line(error: BaseException, path: str) -> int:
    """Return the last line of this file that an error came through."""
    line, trace = 1, error.__traceback__
    while trace is not None:
        line = trace.tb_lineno if trace.tb_frame.f_code.co_filename == path else line
        trace = trace.tb_next
    return line
