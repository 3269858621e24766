"""A picture of a battery as one HTML page that needs nothing from outside: no script, no font, no network.

1. What messages say comes through `observers.templates`; the drawing's own text was escaped by whoever drew it.
2. The same picture gives the same page. Times are UTC.
3. Whatever could be long is bounded, and what is left out is counted beside it.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from itertools import groupby
from pathlib import Path
from typing import Final

from jinja2 import Environment
from lxml import etree
from markupsafe import Markup

from observers.battery.colours import COLOURS
from observers.battery.grid import Grid, Known
from observers.battery.groups import UNITS, Group, label_of
from observers.battery.history import Alarm, History, Stage
from observers.battery.measures import Measure, measures, reliance
from observers.battery.picture import MONITORS, SEVERITIES, Picture, in_words
from observers.battery.time_axis import moment
from observers.report.scale import duration
from observers.templates import environment

MOST_ALARMS: Final = 200
MOST_READINGS: Final = 200
_NS: Final = 1_000_000_000
_SVG: Final = "{http://www.w3.org/2000/svg}"
_NAMES: Final = {colour: name for name, colour in COLOURS.items()}
_PAINT: Final = re.compile(r"\b(fill|stroke): (#[0-9a-f]{6})")
_PLACE: Final = re.compile(r"-?[0-9]+\.[0-9]{2,}")


@dataclass(frozen=True, slots=True)
class Stood:
    """One alarm, in words. severity: the worst it came to."""

    code: str
    severity: str
    raised: str
    cleared: str
    acknowledged: str
    lasted: str
    text: str


def render(picture: Picture, history: History, shown: Grid, svg: bytes) -> str:
    """Return the page of a picture. svg: the picture, drawn."""
    every = measures(shown)
    measured = [one for one in every if one.lowest is not None]
    alarms = [alarm for alarm in history.alarms if alarm.lies_in(shown.begin_s, shown.end_s)]
    return (
        _environment()
        .get_template("picture.html.jinja")
        .render(
            picture=picture,
            monitors=MONITORS,
            begin=moment(shown.begin_s),
            end=moment(shown.end_s),
            lasts=duration(round((shown.end_s - shown.begin_s) * _NS)),
            figure=_inline(svg),
            groups=_grouped(measured[:MOST_READINGS]),
            readings=len(measured),
            most_readings=MOST_READINGS,
            never=[label_of(one.name) for one in every if one.lowest is None][:MOST_READINGS],
            alarms=[_stood(alarm, shown.end_s) for alarm in alarms[:MOST_ALARMS]],
            alarms_total=len(alarms),
            reliance=list(reliance(shown).items()),
            kinds=[known for known in Known if known >= Known.GOOD],
            version=version("agent-orchestra"),
        )
    )


def _grouped(measured: Sequence[Measure]) -> list[tuple[Group, str, list[Measure]]]:
    return [(group, UNITS[group], list(ones)) for group, ones in groupby(measured, key=lambda one: one.group)]


def _stood(alarm: Alarm, end_s: float) -> Stood:
    worst = max(alarm.stages, key=lambda stage: SEVERITIES.index(stage.severity))
    until_s = end_s if alarm.cleared_s is None else alarm.cleared_s
    return Stood(
        code=alarm.code,
        severity=_severity(worst),
        raised=moment(alarm.began_s),
        cleared="" if alarm.cleared_s is None else moment(alarm.cleared_s),
        acknowledged=moment(alarm.acknowledged_s[-1]) if alarm.acknowledged_s else "",
        lasted=duration(round((until_s - alarm.began_s) * _NS)),
        text=worst.text,
    )


def _severity(stage: Stage) -> str:
    return stage.severity.value if stage.severity else "device"


def _inline(svg: bytes) -> Markup:
    """Return a drawing to stand in a page: without a head of its own, its colours those of the page."""
    root = etree.fromstring(svg, etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=True))
    for node in list(root.iter(etree.Comment, f"{_SVG}metadata", f"{_SVG}style")):
        parent = node.getparent()
        if parent is not None:
            parent.remove(node)
    for node in root.iter(etree.Element):
        if style := node.get("style"):
            node.set("style", _PAINT.sub(_named, style))
        if path := node.get("d"):
            node.set("d", _PLACE.sub(lambda found: f"{float(found[0]):.1f}", path).replace("\n", ""))
    for name in ("width", "height", "version"):
        root.attrib.pop(name, None)
    root.attrib.update({"class": "figure plot", "role": "img", "aria-labelledby": "figure-says"})
    root.set("style", "stroke-linejoin: round; stroke-linecap: butt")
    return Markup(etree.tostring(root, encoding="unicode", with_tail=False))


def _named(found: re.Match[str]) -> str:
    name = _NAMES.get(found[2])
    return f"{found[1]}: var(--plot-{name}, {found[2]})" if name else found[0]


def _share(part: float) -> str:
    """Return a part of the time in per cent; what was there is never 0 and what was missing never 100."""
    if not part:
        return "–"
    return "< 0.1 %" if part < 0.001 else "100 %" if part == 1 else f"{min(part, 0.999):.1%}".replace("%", " %")


@cache
def _environment() -> Environment:
    made = environment(Path(__file__).parent, Path(__file__).parent.parent / "report")
    made.filters.update({"in_words": in_words, "label": label_of, "moment": moment, "share": _share})
    return made
