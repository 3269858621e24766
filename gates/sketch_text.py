"""The source of a sketch as text that a compiler may see: a stranger's, so it is read before any compiler reads it.

1. Includes are plain names, of the sketch or of a library; nothing else in it makes a compiler read a file.
2. It is read as a compiler reads: lines that are joined are one, comments are blank.
"""

import re
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath
from typing import Final

from protocol.errors import SourceError

MAX_FILES: Final = 64
MAX_BYTES: Final = 1_000_000
_SUFFIXES: Final = (".ino", ".h", ".c", ".cpp")
_NAME: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}")
_SPLICE: Final = re.compile(r"\\[ \t\f\v]*\r?\n")
_TOKEN: Final = re.compile(
    r"""(?P<raw>\b(?:u8|[uUL])?R")|(?P<comment>/\*.*?(?:\*/|\Z)|//[^\n]*)|"(?:\\.|[^"\\\n])*"?|'(?:\\.|[^'\\\n])*'?""",
    re.DOTALL,
)
_DIRECTIVE: Final = re.compile(r"^[ \t\f\v]*(?:#|%:)[ \t\f\v]*(\w*)[ \t\f\v]*([^\r\n]*)", re.MULTILINE)
_PLAIN: Final = frozenset({"define", "undef", "if", "ifdef", "ifndef", "elif", "else", "endif", "error", "warning"})
_INCLUDED: Final = re.compile(r'"((?:\w+/)*\w[\w.-]*)"|<((?:\w+/)*\w[\w.-]*)>')
_READS: Final = re.compile(
    # avr/io.h includes what __AVR_DEVICE_HEADER__ says.
    r"\b__has_include\w*|\b_Pragma\b|\b__AVR_DEV\w*|\.\s*(?:incbin|include|macro|irpc?|altmacro|mri)\b",
    re.I,
)
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f]+")
_SHOWN: Final = 300


def read_sketch(files: Mapping[str, bytes]) -> dict[str, str]:
    """Return the files of one sketch folder as text, by their names; nothing in them reads other files.

    Raises:
        SourceError: too many files, too large, no sketch, or a line that may not come before a compiler.
    """
    if len(files) > MAX_FILES:
        raise SourceError(f"the sketch has {len(files)} files, the limit is {MAX_FILES}")
    size = sum(map(len, files.values()))
    if size > MAX_BYTES:
        raise SourceError(f"the sketch has {size} bytes, the limit is {MAX_BYTES}")
    for name in files:
        if not _NAME.fullmatch(name) or PurePosixPath(name).suffix not in _SUFFIXES:
            raise SourceError(
                f"{shown(ascii(name))} is not the name of a file of a sketch: .ino, .c, .cpp or .h, no folders"
            )
    mains = [name for name in files if name.endswith(".ino")]
    if len(mains) != 1:
        raise SourceError(f"a sketch has one .ino file, this one has {len(mains)}")
    return {name: _text(name, data) for name, data in files.items()}


def _text(name: str, data: bytes) -> str:
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise SourceError(f"{name}: it is not UTF-8 text") from error
    if "\0" in text or "\r" in text.replace("\r\n", "\n"):
        raise SourceError(f"{name}: it holds characters that no source has (a zero byte, or a line end of old kind)")
    for line, fault in _reads_elsewhere(text):
        raise SourceError(f"{name}:{line}: {shown(fault)}")
    return text


def _reads_elsewhere(text: str) -> Iterator[tuple[int, str]]:
    """Yield what could make the compiler read another file, with its line, as a compiler reads: splices, comments."""
    joined = _SPLICE.sub("", text)
    for token in _TOKEN.finditer(joined):
        if token["raw"]:
            yield _line(text, token.start()), "raw strings are not taken: what they hide cannot be told"
    # Of the same length, so that places stay places; a directive goes on behind a comment of several lines.
    bare = _TOKEN.sub(lambda token: " " * len(token[0]) if token["comment"] else token[0], joined)
    for found in _DIRECTIVE.finditer(bare):
        if fault := _directive_fault(found[1], found[2].strip()):
            yield _line(text, found.start(1)), fault
    for found in _READS.finditer(bare):
        yield _line(text, found.start()), f"{found[0]} is not taken: it can read files outside the sketch"


def _directive_fault(word: str, rest: str) -> str:
    if word == "include":
        is_plain = _INCLUDED.fullmatch(rest) is not None
        return "" if is_plain else f"#include {rest} is not taken: only plain names, of the sketch or of a library"
    if word in _PLAIN or (word, rest) in (("pragma", "once"), ("", "")):
        return ""
    return f"#{word} {rest} is not taken in a sketch"


def _line(text: str, place: int) -> int:
    """Return the line of a place in the text without its splices."""
    for splice in _SPLICE.finditer(text):
        if splice.start() > place:
            break
        place += len(splice[0])
    return text.count("\n", 0, place) + 1


def shown(text: str) -> str:
    """Return a stranger's words fit to be shown: one line, not endless."""
    text = _CONTROL.sub(" ", text)
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"
