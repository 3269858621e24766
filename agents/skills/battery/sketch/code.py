"""What a sketch's source says, as far as it has to be known without compiling it: its macros, and which it refers to.

1. Comments, texts and whatever stands under `#if 0` say nothing.
2. A macro is referred to where code uses it, or uses a macro whose body uses it; `NAME##_CLEAR` counts with the NAME it
   is called with. A definition alone refers to nothing, and an assertion of the compiler decides nothing at run time.
3. Reading never fails: what is no C is read as words.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import PurePosixPath

from gates.design.files import SOURCES

_SOURCES = frozenset({*SOURCES, ".cc"})
# Texts of `#include` lines stay: they say what is compiled in.
_SILENT = re.compile(
    r"(?P<kept>^[ \t]*#[ \t]*include[^\n]*)|//[^\n]*|/\*.*?(?:\*/|\Z)"
    r'|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'',
    re.DOTALL | re.MULTILINE,
)
_DIRECTIVE = re.compile(r"^[ \t]*#[ \t]*(?P<word>\w+)[ \t]*(?P<rest>.*)$")
_DEFINITION = re.compile(r"^(?P<name>\w+)(?:\((?P<parameters>[^()]*)\))?[ \t]*(?P<body>.*)$")
_ASSERTION = re.compile(r"\b(?:_Static_assert|static_assert)\b[^;]*;?")
_WORD = re.compile(r"\b[A-Za-z_]\w*\b")
_NUMBER = re.compile(r"^(?P<sign>[-+]?)\s*(?P<digits>0[xX][0-9a-fA-F]+|0|[1-9]\d*)[uUlL]{0,3}$")
# More texts of one file than this are no sketch of ours; reading them would only cost time.
_MAX_TEXT = 2_000_000


@dataclass(frozen=True, slots=True)
class Macro:
    """A definition. parameters: None where it takes none."""

    name: str
    file: str
    body: str
    parameters: tuple[str, ...] | None = None


class SketchCode:
    """The source files of one sketch, read once."""

    def __init__(self, files: Mapping[str, bytes]) -> None:
        self.files = tuple(sorted(name for name in files if PurePosixPath(name).suffix in _SOURCES))
        self._code: dict[str, str] = {}
        self.macros: list[Macro] = []
        self.included: set[str] = set()
        self.undefined: set[str] = set()
        for name in self.files:
            self._read(name, files[name][:_MAX_TEXT].decode("utf-8", "replace"))

    def _read(self, name: str, text: str) -> None:
        spoken = _SILENT.sub(lambda found: found["kept"] or " ", re.sub(r"\\\r?\n", " ", text))
        code = []
        for line in _in_force(spoken.splitlines()):
            directive = _DIRECTIVE.match(line)
            if directive is None:
                code.append(line)
            else:
                self._directive(name, directive["word"], directive["rest"].strip())
        self._code[name] = "\n".join(code)

    def _directive(self, name: str, word: str, rest: str) -> None:
        if word == "include":
            self.included.add(PurePosixPath(rest.strip('"<> \t')).name)
        elif word == "undef":
            self.undefined.add(rest)
        elif word == "define" and (found := _DEFINITION.match(rest)):
            given = found["parameters"]
            parameters = None if given is None else tuple(part.strip() for part in given.split(","))
            self.macros.append(Macro(found["name"], name, found["body"].strip(), parameters))

    def defined(self, name: str) -> tuple[Macro, ...]:
        """Return the definitions of a macro; more than one means that nobody can say which holds."""
        return tuple(macro for macro in self.macros if macro.name == name)

    def named(self, name: str) -> tuple[str, ...]:
        """Return the files of this name, in whatever folder."""
        return tuple(file for file in self.files if PurePosixPath(file).name == name)

    def users(self, name: str) -> tuple[str, ...]:
        """Return the files whose code refers to a macro."""
        return tuple(file for file in self.files if name in self._referred[file])

    def speaks_of(self, word: str) -> tuple[str, ...]:
        """Return the files in whose code a name holds this word: "watchdog" stands in `feed_watchdog`."""
        return tuple(file for file in self.files if any(word in name.lower() for name in self._referred[file]))

    @cached_property
    def _referred(self) -> dict[str, frozenset[str]]:
        asserting = {macro.name for macro in self.macros if _ASSERTION.match(macro.body)}
        called = {macro.name: macro for macro in self.macros if macro.parameters and "##" in macro.body}
        return {file: self._words(code, asserting, called) for file, code in self._code.items()}

    def _words(self, code: str, asserting: set[str], called: Mapping[str, Macro]) -> frozenset[str]:
        code = _ASSERTION.sub(" ", _without_calls(code, asserting))
        return frozenset(self._reached({*_WORD.findall(code), *_pasted(code, called)}))

    def _reached(self, found: set[str]) -> set[str]:
        """Return these words and those that the bodies of macros among them add."""
        bodies: dict[str, set[str]] = {}
        for macro in self.macros:
            bodies.setdefault(macro.name, set()).update(_WORD.findall(macro.body))
        reached, waiting = set(found), list(found)
        while waiting:
            fresh = bodies.get(waiting.pop(), set()) - reached
            reached |= fresh
            waiting += fresh
        return reached


def _in_force(lines: list[str]) -> Iterator[str]:
    """Yield the lines that are not under `#if 0`; other conditions are not judged, both ways count."""
    depth: list[bool] = []  # of each open condition: whether its lines are off
    for line in lines:
        directive = _DIRECTIVE.match(line)
        word = directive["word"] if directive else ""
        if directive and word in {"if", "ifdef", "ifndef"}:
            depth.append(word == "if" and directive["rest"].strip() in {"0", "(0)", "false"})
        elif word in {"else", "elif"} and depth:
            depth[-1] = False
        elif word == "endif" and depth:
            depth.pop()
        elif not any(depth):
            yield line


def _without_calls(code: str, names: set[str]) -> str:
    if not names:
        return code
    return re.sub(rf"\b(?:{'|'.join(map(re.escape, sorted(names)))})\s*\([^()]*\)", " ", code)


def _pasted(code: str, called: Mapping[str, Macro]) -> Iterator[str]:
    """Yield the names that macros make of their arguments: `HIGH(CELL_HIGH, …)` with `NAME##_CLEAR` in its body."""
    for name, macro in called.items():
        for call in re.finditer(rf"\b{re.escape(name)}\s*\(([^()]*)\)", code):
            given = dict(zip(macro.parameters or (), (part.strip() for part in call[1].split(",")), strict=False))
            body = _WORD.sub(lambda found, given=given: given.get(found[0], found[0]), macro.body)  # type: ignore[misc]
            yield from _WORD.findall(re.sub(r"\s*##\s*", "", body))


def whole_number(body: str) -> int | None:
    """Return the number that a macro's body is, or None: 3650, -100, (3650L), 0x10."""
    text = body.strip()
    while text.startswith("(") and text.endswith(")"):
        text = text[1:-1].strip()
    found = _NUMBER.match(text)
    # Twenty digits are more than any word of the board holds.
    if found is None or len(found["digits"]) > 20:
        return None
    return int(found["digits"], 0) * (-1 if found["sign"] == "-" else 1)
