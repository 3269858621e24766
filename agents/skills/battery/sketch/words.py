"""What a sketch says of itself in its headers: figures that it defines, names that it counts, how a file opens.

SOFTWARE.md takes its figures from here, so that it says what the sketch does and not what somebody remembered.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

Sketch: TypeAlias = Mapping[str, bytes]

_COMMENT: Final = re.compile(r"/\*(.*?)\*/", re.S)


@dataclass(frozen=True, slots=True)
class Named:
    """A name that the sketch counts, without its prefix. number: None where the compiler counts. what: its comment."""

    name: str
    number: int | None
    what: str


def figure(sketch: Sketch, macro: str) -> int | None:
    """Return the whole number that a macro of a header stands for, None where none defines it as one."""
    pattern = re.compile(
        rf"^[ \t]*#define[ \t]+{re.escape(macro)}[ \t]+\(?(-?\d{{1,12}})[UuLl]*\)?[ \t]*(?:/[*/].*)?\r?$", re.M
    )
    found = (pattern.search(text) for text in _headers(sketch))
    return next((int(match[1]) for match in found if match), None)


def named(sketch: Sketch, prefix: str) -> Sequence[Named]:
    """Return the names with a prefix that the headers enumerate, in their order."""
    pattern = re.compile(
        rf"^[ \t]*{re.escape(prefix)}(\w+)(?:[ \t]*=[ \t]*(\d{{1,6}}))?[ \t]*,?[ \t]*(?:/\*(.*?)\*/)?[ \t]*\r?$", re.M
    )
    return [
        Named(match[1], int(match[2]) if match[2] else None, (match[3] or "").strip())
        for text in _headers(sketch)
        for match in pattern.finditer(text)
    ]


def watchdog_ms(sketch: Sketch) -> int | None:
    """Return after what time the watchdog resets the board, as the sketch sets it; None where it sets none."""
    for name in sorted(sketch):
        match = re.search(r"wdt_enable\(\s*WDTO_(\d+)(MS|S)\s*\)", _text(sketch[name]))
        if match:
            return int(match[1]) * (1000 if match[2] == "S" else 1)
    return None


def opening(source: bytes) -> str:
    """Return the first sentence of the comment that a file opens with, "" where it opens with none."""
    match = _COMMENT.match(_text(source).lstrip())
    first = match[1].strip().partition("\n\n")[0] if match else ""
    return re.sub(r"\s+", " ", first).partition(". ")[0].rstrip(".:")


def _headers(sketch: Sketch) -> Iterator[str]:
    return (_text(sketch[name]) for name in sorted(sketch) if name.endswith(".h"))


def _text(source: bytes) -> str:
    return source.decode("utf-8", "replace")
