"""The keys of one front matter, each read as what it is meant to be; what had to be guessed is told."""

import re
from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from typing import Final

from agents.definitions.findings import Finding, Level
from agents.definitions.front_matter import ELSEWHERE, FrontMatter, Value
from agents.definitions.texts import Tell

# Commas and spaces divide names, but not those in brackets: Bash(git add:*, git commit:*) is one tool.
_NAMES: Final = re.compile(r"(?:[^\s,()]|\([^()]*\)?|\))+")


class Keys:
    """Reads the values of one file. Whatever cannot be used is told as an error, and reading goes on."""

    def __init__(self, front: FrontMatter, path: str, tell: Tell) -> None:
        self._front, self._path, self._tell = front, path, tell

    def value(self, key: str) -> Value:
        return self._front.values.get(key)

    def looks(self, key: str) -> str:
        """Return what YAML would take a text for, such as a date; "" for a text."""
        return self._front.looks.get(key, "")

    def text(self, key: str) -> str:
        """Return a text on one line, or several; of a list its entries behind one another."""
        value = self.value(key)
        if isinstance(value, list | dict):
            kind = "list" if isinstance(value, list) else "map"
            found = ", ".join(_leaves(value))
            self.warn(key, f"a {kind} stands where a text belongs", f"it is read as {found[:60]!r}")
            return found
        return (value or "").strip()

    def names(self, key: str) -> tuple[str, ...]:
        """Return names given as a YAML list, or as one text with commas, each once."""
        value = self.value(key)
        if isinstance(value, dict):
            self.warn(key, "a map stands where a list of names belongs", "it is read as those that are not false")
            value = [name for name, is_on in value.items() if is_on != "false"]
        listed = value if isinstance(value, list) else [value]
        odd = [one for one in listed if isinstance(one, list | dict)]
        if odd:
            self.warn(key, "a list or a map stands where a name belongs", "it is left out; write [A, B]")
        texts = [one for one in listed if isinstance(one, str)]
        return tuple(dict.fromkeys(name for text in texts for name in _NAMES.findall(text)))

    def unknown(self, known: Iterable[str]) -> tuple[str, ...]:
        """Return the keys that mean nothing here."""
        names = tuple(known)
        unknown = tuple(key for key in self._front.values if key not in names)
        for key in unknown:
            near = [] if key in ELSEWHERE else get_close_matches(key.lower(), names, n=1, cutoff=0.75)
            way_out = f"did you mean `{near[0]}`?" if near else "it is kept"
            self._say(Level.WARNING, key, f"{key[:40]!r} means nothing here", way_out)
        return unknown

    def warn(self, key: str, what: str, way_out: str) -> None:
        self._say(Level.WARNING, key, f"{key}: {what}", way_out)

    def note(self, key: str, what: str, way_out: str) -> None:
        self._say(Level.NOTE, key, f"{key}: {what}", way_out)

    def fail(self, key: str, what: str, way_out: str) -> None:
        self._say(Level.ERROR, key, f"{key}: {what}", way_out)

    def _say(self, level: Level, key: str, what: str, way_out: str) -> None:
        self._tell(Finding(level, self._path, self._front.lines.get(key, 2), what, way_out))


def _leaves(value: Value) -> Iterator[str]:
    if isinstance(value, list):
        for one in value:
            yield from _leaves(one)
    elif isinstance(value, dict):
        for key, one in value.items():
            yield f"{key}: {', '.join(_leaves(one))}"
    elif value is not None:
        yield value
