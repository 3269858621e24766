"""A picture of a battery as an image: the only module that knows matplotlib, which is an extra.

1. Nothing global: figures of their own, matplotlib's defaults and not those of the user's `matplotlibrc`.
2. Text is text: what messages say is not read as formulas.
3. The same picture gives the same bytes.
"""

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from io import BytesIO
from typing import Any, Final

import matplotlib as mpl
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from observers.battery.colours import COLOURS
from observers.battery.grid import Known
from observers.battery.groups import Group
from observers.battery.picture import MONITORS, SEVERITIES, Line, Panel, Picture, Strip, Weight
from observers.summary import printable
from protocol.bodies import Severity

_NAMED: Final = tuple(COLOURS[name] for name in ("first", "highest", "third", "lowest", "fifth", "sixth"))
_SEVERE: Final = {severity: COLOURS[severity.value if severity else "device"] for severity in SEVERITIES}
_KNOWN: Final = {known: COLOURS[known.name.lower()] for known in Known if known >= Known.SUSPECT}
_LINES: Final = {
    Weight.PLAIN: (COLOURS["thin"], 0.6, 2),
    Weight.HIGHEST: (COLOURS["highest"], 1.4, 4),
    Weight.LOWEST: (COLOURS["lowest"], 1.4, 4),
    Weight.BOTH: (COLOURS["highest"], 1.4, 4),
}
_SEVERITY_WORDS: Final = {None: "told by the device"} | {one: one.value for one in Severity}
_SETTINGS: Final[Any] = {
    "text.parse_math": False,
    "svg.fonttype": "none",  # text that can be selected and read out; its glyphs come from the viewer
    "svg.hashsalt": "orchestra",
    "font.family": "sans-serif",
    "font.size": 8.5,
    "axes.edgecolor": COLOURS["rule"],
    "axes.labelcolor": COLOURS["soft"],
    "axes.linewidth": 0.8,
    "axes.unicode_minus": False,
    "axes.formatter.useoffset": False,
    "text.color": COLOURS["ink"],
    "xtick.color": COLOURS["soft"],
    "ytick.color": COLOURS["soft"],
    "path.simplify": False,  # it was reduced before, with its extremes kept
}
_LEGEND: Final[dict[str, Any]] = {
    "loc": "lower right",
    "bbox_to_anchor": (1.0, 1.0),
    "frameon": False,
    "fontsize": 7.5,
    "borderaxespad": 0.1,
    "borderpad": 0.1,
    "handlelength": 1.4,
    "columnspacing": 1.2,
    "handletextpad": 0.4,
    "labelcolor": COLOURS["soft"],
}
_DOUBTED: Final[dict[str, Any]] = {
    "linestyle": "none",
    "marker": "x",
    "markersize": 3.4,
    "color": COLOURS["suspect"],
}
_NOTED: Final[dict[str, Any]] = {
    "linestyle": "none",
    "marker": "D",
    "markersize": 4.5,
    "markerfacecolor": COLOURS["paper"],
    "markeredgecolor": COLOURS["ink"],
    "markeredgewidth": 0.9,
}
# Inches.
_WIDTH, _LEFT, _RIGHT, _TOP, _BOTTOM, _GAP, _ROW = 11.0, 1.45, 0.2, 0.9, 0.82, 0.36, 0.19
_TALL: Final = {Group.CELLS: 2.5, Group.PACK: 1.6}
_SMALL: Final = 1.15
_DPI: Final = 150
_LABEL_LETTERS: Final = 22
_LEGEND_LETTERS: Final = 158  # beyond that a legend runs into the title of its panel
_ENTRY_LETTERS: Final = 6  # the room that the sign of an entry takes
_LETTER_POINTS: Final = 9.0  # the height of a limit's label, with some room
_MOST_ASIDE: Final = 3
_ORDER: Final = list(Weight)
_PAPER: Final[dict[str, Any]] = {"facecolor": COLOURS["paper"], "edgecolor": "none", "pad": 0.8, "alpha": 0.75}


def png(picture: Picture) -> bytes:
    """Return a picture as PNG."""
    return _saved(picture, "png")


def svg(picture: Picture) -> bytes:
    """Return a picture as SVG."""
    return _saved(picture, "svg")


def _saved(picture: Picture, kind: str) -> bytes:
    raw = BytesIO()
    with _settled():
        figure = _figure(picture)
        metadata: dict[str, Any] = {"Date": None, "Creator": "Agent Orchestra"} if kind == "svg" else {"Software": None}
        canvas = FigureCanvasSVG(figure) if kind == "svg" else FigureCanvasAgg(figure)
        canvas.print_figure(raw, format=kind, dpi=_DPI if kind == "png" else 72, metadata=metadata)
    return raw.getvalue()


@contextmanager
def _settled() -> Iterator[None]:
    with mpl.rc_context(), warnings.catch_warnings():
        # A name in a script that the font lacks is drawn as boxes; that is no reason to talk on standard error.
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        mpl.rcdefaults()
        mpl.rcParams.update(_SETTINGS)
        yield


def _figure(picture: Picture) -> Figure:
    strips = [strip for strip in ((*picture.alarms, *_more(picture)), picture.qualities) if strip]
    heights = [
        *(_TALL.get(panel.group, _SMALL) for panel in picture.panels),
        *(_ROW * len(strip) + 0.06 for strip in strips),
    ]
    tall = _TOP + _BOTTOM + sum(heights) + _GAP * (len(heights) - 1)
    figure = Figure(figsize=(_WIDTH, tall), facecolor=COLOURS["paper"])
    _title(figure, picture, tall)
    all_axes = list(_axes(figure, heights, tall))
    for axes, panel in zip(all_axes, picture.panels, strict=False):
        _panel(axes, panel)
    for axes, strip in zip(all_axes[len(picture.panels) :], strips, strict=True):
        if strip is picture.qualities:
            _qualities(axes, strip)
        else:
            _alarms(axes, strip)
    for axes in all_axes:
        _time(axes, picture, is_last=axes is all_axes[-1])
    return figure


def _more(picture: Picture) -> tuple[Strip, ...]:
    return (Strip(f"and {picture.left_out} more", ()),) if picture.left_out else ()


def _title(figure: Figure, picture: Picture, tall: float) -> None:
    left = _LEFT / _WIDTH
    text = figure.text(left, 1 - 0.17 / tall, _shown(picture.title, 90), size=13, weight="bold", va="top")
    text.set_gid("title")
    figure.text(
        left, 1 - 0.42 / tall, _shown(f"{picture.about}  ·  {picture.source}", 150), color=COLOURS["soft"], va="top"
    )
    end = 1 - _RIGHT / _WIDTH
    figure.text(end, 1 - 0.2 / tall, MONITORS, color=COLOURS["soft"], va="top", ha="right")


def _axes(figure: Figure, heights: Sequence[float], tall: float) -> Iterator[Axes]:
    top = tall - _TOP
    for height in heights:
        box = (_LEFT / _WIDTH, (top - height) / tall, (_WIDTH - _LEFT - _RIGHT) / _WIDTH, height / tall)
        axes = figure.add_axes(box, facecolor="none")
        axes.spines[["top", "right"]].set_visible(False)
        yield axes
        top -= height + _GAP


def _panel(axes: Axes, panel: Panel) -> None:
    axes.set_ylim(panel.low, panel.high)
    axes.grid(axis="both", color=COLOURS["rule"], linewidth=0.5)
    axes.set_axisbelow(True)
    for void in panel.voids:
        axes.axvspan(void.begin_s, void.end_s, facecolor=_KNOWN[Known(void.rank)], alpha=0.35, linewidth=0, zorder=0.5)
    lines = sorted(enumerate(panel.lines), key=lambda pair: _ORDER.index(pair[1].weight))
    handles = [one for place, line in lines for one in _line(axes, panel, line, place)]
    _limits(axes, panel)
    handles += _doubts(axes, panel)
    _heading(axes, panel.title)
    _legend(axes, handles)
    _note(axes, panel.note)


def _line(axes: Axes, panel: Panel, line: Line, place: int) -> Iterator[Artist]:
    """Draw a line and yield it where it has an entry in the legend."""
    colour, width, depth = _LINES[line.weight]
    named = [one.name for one in panel.lines if one.weight is Weight.PLAIN and one.label]
    is_named = len(named) == len(panel.lines) and (panel.group is not Group.CELLS or len(named) == 1)
    if is_named or not line.label:
        colour, width = _NAMED[place % len(_NAMED)] if is_named else COLOURS["first"], 1.1
    [drawn] = axes.plot(
        line.at_s, line.values, color=colour, linewidth=width, drawstyle="steps-post", zorder=depth,
        label=_shown(line.label, 60), gid=f"line-{panel.group.name.lower()}-{place}", solid_capstyle="butt",
    )  # fmt: skip
    if line.label and (is_named or line.weight is not Weight.PLAIN):
        yield drawn
    elif line.label and line.name == next((one.name for one in panel.lines if one.weight is Weight.PLAIN), ""):
        many = sum(one.weight is Weight.PLAIN for one in panel.lines)
        what = "cell" if panel.group is Group.CELLS else "sensor"
        yield Line2D([], [], color=colour, linewidth=width, label=f"{many} other {what}{'s' * (many != 1)}")


def _doubts(axes: Axes, panel: Panel) -> Iterator[Artist]:
    """Mark what is in doubt; one mark looks the same whichever line it is on."""
    found = [line.doubts for line in panel.lines if line.doubts[0].size]
    for at_s, values in found:
        axes.plot(at_s, values, **_DOUBTED, zorder=5, clip_on=False)
    if found:
        yield Line2D([], [], **_DOUBTED, label="suspect")


def _limits(axes: Axes, panel: Panel) -> None:
    """Draw the limits, the label of each below it; labels that would touch stand beside each other."""
    letters = _LETTER_POINTS / 72 / _TALL.get(panel.group, _SMALL) * (panel.high - panel.low)
    before, aside = float("-inf"), 0
    for limit in panel.limits:
        colour = _SEVERE[limit.severity]
        axes.axhline(limit.value, color=colour, linewidth=1, linestyle=(0, (5, 3)), zorder=3)
        aside = (aside + 1) % _MOST_ASIDE if limit.value - before < letters else 0
        is_low = limit.value - panel.low < letters
        label = axes.annotate(
            _shown(limit.label, 44), (1 - aside / _MOST_ASIDE, limit.value), xycoords=("axes fraction", "data"),
            xytext=(-2, 2 if is_low else -2), textcoords="offset points", ha="right", va="bottom" if is_low else "top",
        )  # fmt: skip
        label.set(size=7, color=colour, zorder=6, bbox=_PAPER)
        before = limit.value


def _note(axes: Axes, text: str) -> None:
    if text:
        note = axes.text(0.005, 0.03, _shown(text, 120), transform=axes.transAxes, size=7)
        note.set(color=COLOURS["soft"], zorder=6, bbox=_PAPER)


def _heading(axes: Axes, text: str) -> None:
    axes.set_title(text, loc="left", size=8.5, weight="bold", color=COLOURS["ink"], pad=4)


def _legend(axes: Axes, handles: Sequence[Artist]) -> None:
    labels = [str(handle.get_label()) for handle in handles]
    if sum(map(len, labels)) + _ENTRY_LETTERS * len(labels) > _LEGEND_LETTERS:
        for handle, label in zip(handles, labels, strict=True):
            handle.set_label(_shown(label, max(6, _LEGEND_LETTERS // len(labels) - _ENTRY_LETTERS)))
    if handles:
        axes.legend(handles=handles, ncols=len(handles), **_LEGEND)


def _alarms(axes: Axes, strips: Sequence[Strip]) -> None:
    ranks = {span.rank for strip in strips for span in strip.spans}
    colours = {place: _SEVERE[severity] for place, severity in enumerate(SEVERITIES, 1)}
    _rows(axes, strips, colours)
    handles: list[Artist] = [
        Patch(facecolor=colours[rank], label=_SEVERITY_WORDS[SEVERITIES[rank - 1]]) for rank in sorted(ranks)
    ]
    for place, strip in enumerate(strips):
        axes.plot(strip.marks_s, [place] * len(strip.marks_s), **_NOTED, zorder=4, clip_on=False)
    if any(strip.marks_s for strip in strips):
        handles.append(Line2D([], [], **_NOTED, label="acknowledged"))
    _heading(axes, "Alarms, raised to cleared")
    _legend(axes, handles)


def _qualities(axes: Axes, strips: Sequence[Strip]) -> None:
    ranks = sorted({span.rank for strip in strips for span in strip.spans})
    _rows(axes, strips, dict(_KNOWN))
    _heading(axes, "Quality" if ranks else "Quality: all good")
    _legend(axes, [Patch(facecolor=_KNOWN[Known(rank)], label=Known(rank).word) for rank in ranks])


def _rows(axes: Axes, strips: Sequence[Strip], colours: dict[Any, str]) -> None:
    axes.set_ylim(len(strips) - 0.5, -0.5)
    for place, strip in enumerate(strips):
        bars = [(span.begin_s, span.end_s - span.begin_s) for span in strip.spans]
        faces = [colours[span.rank] for span in strip.spans]
        axes.broken_barh(bars, (place - 0.34, 0.68), facecolors=faces, linewidth=0, zorder=2)
    axes.set_yticks(range(len(strips)), [_shown(strip.label, _LABEL_LETTERS) for strip in strips])
    axes.tick_params(axis="y", length=0, labelsize=7.5)
    axes.grid(axis="x", color=COLOURS["rule"], linewidth=0.5)
    axes.set_axisbelow(True)


def _time(axes: Axes, picture: Picture, *, is_last: bool) -> None:
    axes.set_xlim(0, picture.span_s)
    labels = [tick.label for tick in picture.ticks] if is_last else []
    axes.set_xticks([tick.at_s for tick in picture.ticks], labels or [""] * len(picture.ticks))
    axes.tick_params(axis="x", length=3 if is_last else 0)
    if is_last:
        axes.set_xlabel("time, UTC")


def _shown(text: str, most: int) -> str:
    """Return text as it may stand in a picture: on one line, without what turns the direction of writing."""
    safe = printable(text)
    return safe if len(safe) <= most else f"{safe[: most - 1]}…"
