"""A sheet to draw circuits on: symbols and lines by schemdraw, words as plain text. Same strokes, same bytes.

1. Coordinates are in units of 24 points, y upwards, as schemdraw counts.
2. Words never pass through schemdraw: it reads "$" and "&" as markup. They become text nodes, escaped on writing.
3. The sheet is white, so that it can be read on a dark page too.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import Literal, TypeAlias
from xml.etree import ElementTree

from agents.skills.battery.drawings.symbols import Drawing, Segment, SegmentCircle, SegmentPoly, elements
from agents.skills.facts_report import one_line

Place: TypeAlias = tuple[float, float]

BLACK, GREY, BLUE, GREEN = "#1b1f24", "#57606a", "#0550ae", "#1a7f37"
_WHITE, _TINT = "#ffffff", "#f3f6fa"
_SMALL, _NORMAL, _LARGE = 8.5, 9.5, 13.0

_SCALE = 24
_LONGEST = 200  # letters of one line
_FONT = "Helvetica, Arial, 'DejaVu Sans', sans-serif"
# Widths of letters against their height, in the widest of the fonts above: no text runs out of its box.
_NARROW, _MIDDLE, _WIDE, _WIDEST, _BOLD = 0.36, 0.62, 0.72, 1.0, 1.13
_SVG = "{http://www.w3.org/2000/svg}"


class Anchor(StrEnum):
    """Which point of a line of words stands at its place."""

    START = "start"
    MIDDLE = "middle"
    END = "end"


@dataclass(frozen=True, slots=True)
class Face:
    """How words look. size: in points."""

    size: float
    color: str
    is_bold: bool = False


TITLE, HEADING, PLAIN = Face(_LARGE, BLACK, True), Face(_NORMAL, BLACK, True), Face(_NORMAL, BLACK)
FINE, NOTE, SIGNAL, BACKUP = Face(_SMALL, BLACK), Face(_SMALL, GREY), Face(_SMALL, BLUE), Face(_SMALL, GREEN)


@dataclass(frozen=True, slots=True)
class Look:
    """How a rectangle looks. layer: what is drawn above what."""

    fill: str
    color: str
    is_dashed: bool = False
    layer: int = 1


BLOCK, FIELD, FLAG, ABSENT = Look(_TINT, GREY), Look(_WHITE, GREY), Look(_WHITE, BLUE), Look(_WHITE, GREY, True)
FRAME, PLATE, GROUP = Look(_WHITE, GREY, layer=0), Look(_TINT, GREY, layer=0), Look(_TINT, GREY, True, layer=0)
_PAPER = Look(_WHITE, _WHITE, layer=-1)


@dataclass(frozen=True, slots=True)
class _Words:
    place: Place
    text: str
    face: Face
    anchor: Anchor


@dataclass(slots=True)
class Sheet:
    """What has been drawn so far."""

    _strokes: list[elements.Element] = field(default_factory=list)
    _words: list[_Words] = field(default_factory=list)

    def symbol(self, kind: type[elements.Element2Term], start: Place, end: Place, color: str = BLACK) -> None:
        """Draw a part with two ends from one place to another."""
        self._strokes.append(kind().at(start).to(end).color(color).linewidth(1.4))

    def sign(self, element: elements.Element, place: Place) -> None:
        """Draw a symbol that hangs at one place, such as ground."""
        self._strokes.append(element.at(place).color(BLACK).linewidth(1.4))

    def line(self, *places: Place, color: str = BLACK, is_dashed: bool = False, is_arrow: bool = False) -> None:
        """Draw a line through some places."""
        arrow = "->" if is_arrow else None
        self._stroke(
            Segment(places, color=color, lw=1.3, ls=_style(is_dashed), arrow=arrow, arrowwidth=0.26, arrowlength=0.34)
        )

    def dot(self, place: Place) -> None:
        """Draw a joint."""
        self._stroke(SegmentCircle(place, 0.09, fill=BLACK, color=BLACK, lw=1, zorder=3))

    def box(self, corner: Place, size: Place, look: Look = FIELD) -> None:
        """Draw a rectangle from its lower left corner."""
        (x, y), (width, height) = corner, size
        path = [(x, y), (x + width, y), (x + width, y + height), (x, y + height)]
        style = _style(look.is_dashed)
        self._stroke(SegmentPoly(path, fill=look.fill, color=look.color, lw=1.1, ls=style, zorder=look.layer))

    def text(
        self,
        place: Place,
        words: str,
        face: Face = PLAIN,
        anchor: Anchor = Anchor.START,
        width: float | None = None,
    ) -> None:
        """Write one line; the place is on its base line. width: in units, what does not fit is cut with …."""
        line = _drawable(words)
        if width is not None:
            line = _cut(line, width, face)
        self._words.append(_Words(place, line, face, anchor))

    def _stroke(self, segment: Segment | SegmentPoly | SegmentCircle) -> None:
        stroke = elements.Element()
        stroke.segments.append(segment)
        self._strokes.append(stroke.at((0, 0)).theta(0))

    def svg(self, corner: Place, size: Place, title: str) -> bytes:
        """Return the picture of a rectangle of the sheet, from its lower left corner, as one SVG document."""
        drawing = Drawing(canvas="svg", show=False, inches_per_unit=_SCALE / 72, margin=0)
        self.box(corner, size, _PAPER)
        for stroke in self._strokes:
            drawing.add(stroke)
        # A dash array of "-" is how schemdraw says that there is none; it is no CSS.
        root = ElementTree.fromstring(drawing.get_imagedata("svg").replace(b"stroke-dasharray:-;", b""))
        root.attrib.pop("xmlns:xlink", None)
        root.set("role", "img")
        name = ElementTree.Element(f"{_SVG}title")
        name.text = _drawable(title)
        root.insert(0, name)
        root.extend(_written(words) for words in self._words)
        return bytes(ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)) + b"\n"


def width_of(words: str, face: Face = PLAIN) -> float:
    """Return how wide a line of text may become, in units."""
    plain = sum(_width_of(letter) for letter in words) * face.size / _SCALE
    return plain * _BOLD if face.is_bold else plain


def _width_of(letter: str) -> float:
    if letter in " .,:;|!'()[]/ijlI":
        return _NARROW
    if letter in "MW@%…→" or ord(letter) > 0x2FF:
        return _WIDEST
    return _WIDE if letter.isupper() else _MIDDLE


def _cut(line: str, width: float, face: Face) -> str:
    if width_of(line, face) <= width:
        return line
    while line and width_of(line + "…", face) > width:
        line = line[:-1]
    return line.rstrip() + "…"


def lines_of(words: str, width: float, face: Face = PLAIN) -> Sequence[str]:
    """Return words broken into lines of a width in units; a word that is longer stands alone and is cut on drawing."""
    lines: list[str] = []
    for word in words.split():
        if lines and width_of(f"{lines[-1]} {word}", face) <= width:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return lines


def _style(is_dashed: bool) -> Literal["--"] | None:
    return "--" if is_dashed else None


def _drawable(words: str) -> str:
    # U+FFFE and U+FFFF are visible to nobody and allowed in no XML document.
    return one_line(words, _LONGEST).replace("\ufffe", "\ufffd").replace("\uffff", "\ufffd")


def _written(words: _Words) -> ElementTree.Element:
    x, y = words.place
    node = ElementTree.Element(
        f"{_SVG}text",
        {
            "x": _figure(x * _SCALE),
            "y": _figure(-y * _SCALE),
            "font-family": _FONT,
            "font-size": _figure(words.face.size),
            "text-anchor": words.anchor,
            "fill": words.face.color,
        },
    )
    if words.face.is_bold:
        node.set("font-weight", "600")
    node.text = words.text
    return node


def _figure(value: float) -> str:
    return f"{Decimal(value).quantize(Decimal('0.01')).normalize():f}"
