"""What a task depends on besides its inputs, as settings: journaled with the plan and part of a kept result's key."""

import re
import subprocess
from collections.abc import Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from types import MappingProxyType
from typing import Final

from protocol.bodies import Setting
from protocol.errors import SourceError

_GIT_S: Final = 20
_LONGEST_NAME: Final = 150
_NOTHING: Final[Mapping[str, str]] = MappingProxyType({})


def dependencies(
    folder: Path, *, git: bool = False, files: Sequence[Path] = (), configuration: Mapping[str, str] = _NOTHING
) -> tuple[Setting, ...]:
    """Return what a task depends on, for whoever plans to put into the task's settings.

    git: the commit and branch that are checked out in the folder. Work that is not committed is in neither; name
    such files. files: below the folder or elsewhere; their content counts, not when they were written.
    configuration: names and values; only digests of the values are told.

    Raises:
        SourceError: the folder is in no repository, or a file cannot be read.
    """
    found = list(_git_state(folder)) if git else []
    found += [("depends-file:" + _name(str(path)), _digest(_content(folder / path))) for path in files]
    found += [("depends-config:" + _name(name), _digest(value.encode())) for name, value in configuration.items()]
    return tuple(Setting(name=name, value=value) for name, value in found)


def _git_state(folder: Path) -> tuple[tuple[str, str], ...]:
    commit = _git(folder, "rev-parse", "--verify", "HEAD")
    # --abbrev-ref answers "HEAD" where no branch is checked out: that is a fact too.
    branch = _git(folder, "rev-parse", "--abbrev-ref", "HEAD")
    return ("depends-git-commit", commit), ("depends-git-branch", branch)


def _git(folder: Path, *arguments: str) -> str:
    command = ["git", "-C", str(folder), *arguments]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_GIT_S, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise SourceError(f"git cannot be asked about {folder}: {error}") from error
    if done.returncode != 0:
        said = (done.stderr.strip().splitlines() or ["no reason was given"])[0]
        raise SourceError(f"{folder} has no commit that a task could depend on; git says: {said}")
    return done.stdout.strip()


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise SourceError(f"{path}, on which a task depends, cannot be read: {error.strerror}") from error


def _digest(raw: bytes) -> str:
    return sha256(raw).hexdigest()


def _name(text: str) -> str:
    """Return a name as it may stand in a setting's; one that has to be changed for it stays unlike all others."""
    fit = re.sub(r"[^A-Za-z0-9._:/@\-]", "-", text)
    if fit == text and len(fit) <= _LONGEST_NAME:
        return fit
    return f"{fit[-_LONGEST_NAME:]}#{_digest(text.encode())[:8]}"
