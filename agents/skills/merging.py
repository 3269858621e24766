"""Merging two changes of one file: `git merge-file`, and of a conflict what can be decided without judgement.

1. Settings `base`, `ours`, `theirs` name inputs by path, whole or from its end; `base.NAME`, `ours.NAME`, `theirs.NAME`
   a further file of the same task.
2. A conflict fails the task with the first place quoted. Where the coordinator then asks to resolve it, each place is
   decided that two programmers would not argue about; for the rest a person is asked.
3. What counts as mere space depends on the language: indentation is content unless it is known to mean nothing.
"""

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final

from agents.work import Outcome, SkillFailed, Work
from protocol.bodies import ErrorCategory, ErrorLevel, File
from protocol.failures import Way

_SIDES: Final = ("base", "ours", "theirs")
_PATIENCE_S: Final = 60
_MOST_CONFLICTS: Final = 127  # git's exit code says no more; above it is an error
_QUOTED: Final = 2_000
_MARKER: Final = 7
_LINE: Final = re.compile(rb"[^\n]*\n|[^\n]+")
# Where blocks have braces and a string ends on its line, space says nothing to whoever reads the file.
_FREE_FORM: Final = frozenset({".c", ".cc", ".cpp", ".css", ".h", ".hpp", ".ino", ".json", ".scss"})
_BREAKS_LINES: Final = frozenset({".md", ".markdown"})  # with two spaces at the end of one


@dataclass(frozen=True, slots=True)
class Place:
    """A place where both sides have changed the same lines. text: with its markers, as git shows it."""

    base: tuple[bytes, ...]
    ours: tuple[bytes, ...]
    theirs: tuple[bytes, ...]
    text: bytes


Piece = bytes | Place


def merge_files(work: Work) -> Outcome:
    """Merge what two have made of the same files.

    Raises:
        SkillFailed: of level coordinator: the changes conflict; of level person: they still do after what could be
            decided, an input is not there or no text, or git is missing.
    """
    resolves = (work.assignment.strategy or "").endswith(Way.RESOLVE.value)
    names = [setting.name for setting in work.assignment.settings]
    chosen = dict.fromkeys(name.removeprefix("ours") for name in names if re.fullmatch(r"ours(\..+)?", name))
    if not chosen:
        raise _for_a_person("the task names no files; give the settings base, ours and theirs")
    merged, left, decided = [], [], 0
    for suffix in chosen:
        files = {side: _input(work, side + suffix) for side in _SIDES}
        name = PurePosixPath(files["ours"].path).name
        pieces = _merged(name, {side: work.read(file) for side, file in files.items()})
        settled = [_settled(piece, name, work) if resolves else piece for piece in pieces]
        decided += sum(isinstance(before, Place) for before in pieces) - len(_places(settled))
        left += [(name, place) for place in _places(settled)]
        merged.append((files["ours"], name, b"".join(piece for piece in settled if isinstance(piece, bytes))))
    if left:
        raise _conflict(left, decided, resolves)
    return _outcome(work, merged, decided)


def _outcome(work: Work, merged: list[tuple[File, str, bytes]], decided: int) -> Outcome:
    names = [name for _, name, _ in merged]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise _for_a_person(f"two of the merged files would be called {twice}; merge them in tasks of their own")
    artifacts = tuple(work.write(name, data, file.media_type or "text/plain") for file, name, data in merged)
    told = f", {decided} conflicts resolved without judgement" if decided else ""
    return Outcome(
        f"merged {', '.join(names)}{told}", artifacts, values={"conflicts": 0, "resolved": decided, "files": len(names)}
    )


def _input(work: Work, setting: str) -> File:
    """Return the input that a setting names, by its whole path or the end of it."""
    path = work.setting(setting)
    inputs = work.assignment.inputs
    found = [file for file in inputs if file.path == path] or [
        file for file in inputs if path and file.path.endswith(f"/{path}")
    ]
    if len(found) != 1:
        has = ", ".join(file.path for file in inputs) or "none"
        many = "several inputs are" if found else "no input is"
        raise _for_a_person(f"{many} called {path!r}, which the setting {setting} names (inputs: {has})")
    return found[0]


def _merged(name: str, sides: dict[str, bytes]) -> list[Piece]:
    """Return a file as git merges it: what is clear, and the places that conflict, in their order."""
    git = shutil.which("git")
    if git is None:
        raise _for_a_person("git is not installed, and files are merged with it; on Debian: apt install git")
    marker = _marker_size(sides.values())
    with tempfile.TemporaryDirectory() as folder:
        for side, data in sides.items():
            Path(folder, side).write_bytes(data)
        labels = [part for side in ("ours", "base", "theirs") for part in ("-L", side)]
        command = [git, "merge-file", "-p", "--diff3", f"--marker-size={marker}", *labels, "ours", "base", "theirs"]
        ended = subprocess.run(
            command, cwd=folder, env=_surroundings(folder), capture_output=True, timeout=_PATIENCE_S, check=False
        )
    if ended.returncode < 0 or ended.returncode > _MOST_CONFLICTS:
        said = ended.stderr.decode(errors="replace").strip()[:500]
        raise _for_a_person(f"{name} cannot be merged: {said or f'git ended with {ended.returncode}'}")
    return list(_pieces(ended.stdout, marker)) if ended.returncode else [ended.stdout]


def _surroundings(folder: str) -> dict[str, str]:
    """Return an environment in which neither a user's nor a repository's configuration has a say."""
    own = {
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CEILING_DIRECTORIES": os.path.dirname(folder),
    }
    return {"PATH": os.environ.get("PATH", os.defpath), "HOME": folder, "LC_ALL": "C", **own}


def _marker_size(texts: Iterable[bytes]) -> int:
    """Return a length of conflict markers that no line of the files begins with."""
    runs = [len(run) for text in texts for run in re.findall(rb"^(?:<+|\|+|=+|>+)", text, re.MULTILINE)]
    return max(_MARKER, *(length + 1 for length in runs)) if runs else _MARKER


def _pieces(text: bytes, marker: int) -> Iterator[Piece]:
    """Yield the parts of a file with conflict markers."""
    beginnings = {b"<" * marker: "ours", b"|" * marker: "base", b"=" * marker: "theirs", b">" * marker: ""}
    clear: list[bytes] = []
    side, parts, whole = "", dict[str, list[bytes]](), list[bytes]()
    for line in _LINE.findall(text):
        turn = beginnings.get(line[:marker])
        if turn == "ours":
            yield b"".join(clear)
            clear, parts, whole = [], {side: [] for side in _SIDES}, []
        if turn is not None or side:
            whole.append(line)
        if turn is None:
            (parts[side] if side else clear).append(line)
        elif turn:
            side = turn
        else:
            side = ""
            yield Place(tuple(parts["base"]), tuple(parts["ours"]), tuple(parts["theirs"]), b"".join(whole))
    yield b"".join(clear)


def _settled(piece: Piece, name: str, work: Work) -> Piece:
    """Return what becomes of a place where that takes no judgement; otherwise the place."""
    if isinstance(piece, bytes):
        return piece
    base, ours, theirs = (_without_space(lines, name) for lines in (piece.base, piece.ours, piece.theirs))
    if theirs in (ours, base):  # the same on both sides, or theirs has changed nothing but space
        return b"".join(piece.ours)
    if ours == base:
        return b"".join(piece.theirs)
    if not piece.base and work.setting("union") == "true":
        return b"".join(_ended(piece.ours) + piece.theirs)
    return piece


def _ended(lines: tuple[bytes, ...]) -> tuple[bytes, ...]:
    return lines if not lines or lines[-1].endswith(b"\n") else (*lines[:-1], lines[-1] + b"\n")


def _without_space(lines: tuple[bytes, ...], name: str) -> tuple[bytes, ...]:
    """Return lines without the space that means nothing; within a line with quotes it may mean something."""
    suffix = PurePosixPath(name).suffix.lower()
    if suffix in _FREE_FORM:
        bare = (line.strip() for line in lines)
        return tuple(line if re.search(rb"[\"']", line) else re.sub(rb"[ \t]+", b" ", line) for line in bare)
    return tuple(line.rstrip(b"\r\n") if suffix in _BREAKS_LINES else line.rstrip() for line in lines)


def _places(pieces: list[Piece]) -> list[Place]:
    return [piece for piece in pieces if isinstance(piece, Place)]


def _conflict(left: list[tuple[str, Place]], decided: int, resolves: bool) -> SkillFailed:
    counts = {name: sum(name == other for other, _ in left) for name, _ in left}
    counted = ", ".join(f"{name}: {count} place{'s' * (count != 1)}" for name, count in counts.items())
    resolved = f" ({decided} more could be resolved without judgement)" if decided else ""
    message = f"merge conflict in {counted}{resolved}; the first one:\n{_quoted(left[0][1].text)}"
    return SkillFailed(
        ErrorLevel.PERSON if resolves else ErrorLevel.COORDINATOR,
        ErrorCategory.INTEGRATION,
        message,
        "each place was tried that takes no judgement" if resolves else None,
        transient=False,  # whatever words the quoted lines hold
    )


def _quoted(text: bytes) -> str:
    whole = text.decode(errors="replace")
    plain = "".join(one if one.isprintable() or one in "\n\t" else "\ufffd" for one in whole.replace("\r\n", "\n"))
    return plain if len(plain) <= _QUOTED else f"{plain[:_QUOTED]}\n(shortened)"


def _for_a_person(message: str) -> SkillFailed:
    return SkillFailed(ErrorLevel.PERSON, ErrorCategory.VALIDATION, message)
