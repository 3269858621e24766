"""A plan as a picture: everything is there, nothing lies over anything else, and what people wrote stays text."""

from itertools import combinations
from pathlib import Path
from typing import NamedTuple

import pytest
from lxml import etree

from bus.artifacts import ArtifactStore
from coordinators.graph import Graph, graph_of
from scenarios.compile import plan_mission
from scenarios.drawing import as_svg, as_text
from scenarios.source import Source, read_workflow
from scenarios.workflow import Step, Workflow
from tests.cases import ROOT

FOLDER = ROOT / "scenarios" / "patterns"
SVG = "{http://www.w3.org/2000/svg}"
FAR = [("a", ""), ("b", "a"), ("c", "b"), ("d", "a c"), ("e", "a b d"), ("f", "a")]


class Rectangle(NamedTuple):
    x: int
    y: int
    width: int
    height: int

    def holds(self, other: "Rectangle") -> bool:
        return (
            self.x <= other.x
            and self.y <= other.y
            and other.x + other.width <= self.x + self.width
            and other.y + other.height <= self.y + self.height
        )

    def is_apart_from(self, other: "Rectangle") -> bool:
        beside = self.x + self.width < other.x or other.x + other.width < self.x
        return beside or self.y + self.height < other.y or other.y + other.height < self.y


def graph(source: Source, tmp_path: Path) -> Graph:
    return graph_of(plan_mission(source, tmp_path / "out", ArtifactStore(tmp_path)).plan)


def drawn(shown: Graph, title: str = "title") -> etree._Element:
    return etree.fromstring(as_svg(shown, title).encode())


def rectangles(picture: etree._Element) -> list[Rectangle]:
    return [
        Rectangle(*(int(one.get(key) or "") for key in ("x", "y", "width", "height")))
        for one in picture.iter(f"{SVG}rect")
    ]


@pytest.mark.parametrize("name", sorted(path.stem for path in FOLDER.glob("*.yaml")))
def test_no_box_lies_over_another_and_all_lie_in_the_picture(name: str, tmp_path: Path) -> None:
    shown = graph(read_workflow(FOLDER / f"{name}.yaml"), tmp_path)
    picture = drawn(shown)
    found = rectangles(picture)
    assert len(found) == len(shown.nodes)
    for one, other in combinations(found, 2):
        assert one.holds(other) or other.holds(one) or one.is_apart_from(other)
    whole = Rectangle(0, 0, int(picture.get("width") or ""), int(picture.get("height") or ""))
    assert all(whole.holds(one) for one in found)


def test_a_line_over_several_columns_runs_below_what_stands_between(tmp_path: Path) -> None:
    steps = [Step(id=name, skill="write-facts", needs=needs.split()) for name, needs in FAR]
    picture = drawn(graph(Source(Workflow(workflow="far", steps=steps), tmp_path), tmp_path))
    lowest = max(one.y + one.height for one in rectangles(picture))
    ways = [one.get("d") or "" for one in picture.iter(f"{SVG}path") if "way" in (one.get("class") or "")]
    assert len(ways) == sum(len(needs.split()) for _, needs in FAR)
    lanes = [int(way.split("H")[1].split()[-1]) for way in ways if way.count("C") == 2]
    assert len(lanes) == 3  # a to d, a to e, b to e
    assert min(lanes) > lowest
    assert len(set(lanes)) == 2  # one for each that is waited for


def test_what_people_wrote_stays_text(tmp_path: Path) -> None:
    steps = [Step(id="a", skill="write-facts", title="<script>alert(1)</script>"),
             Step(id="b", skill="write-facts", when='a.v == "<b>"')]  # fmt: skip
    picture = drawn(graph(Source(Workflow(workflow="w", steps=steps), tmp_path), tmp_path), 'a & b <i "x">')
    assert {etree.QName(one).localname for one in picture.iter()} <= {
        *("svg", "title", "style", "defs", "marker", "path", "text", "g", "rect"),
    }
    assert 'when a.v == "<b>"' in "".join(picture.itertext())


def test_the_tree_says_who_does_what_after_what(tmp_path: Path) -> None:
    lines = as_text(graph(read_workflow(FOLDER / "nested.yaml"), tmp_path))
    assert lines[0] == "├─ packs  [for each file of 3]"
    assert "│  │  └─ gaps  @gap-finder · find-gaps  (not critical)  (else @skill-runner)" in lines
    assert "   │  ├─ shorten  [repeat until review.words <= 70, at most 4 rounds]" in lines
    assert lines[-1] == "   └─ note  @skill-runner · note-result  when not (join.alarms > 0)"


def test_two_thousand_tasks_one_after_the_other_are_drawn(tmp_path: Path) -> None:
    steps = [Step(id=f"s{number}", skill="write-facts") for number in range(2000)]
    shown = graph(Source(Workflow(workflow="long", steps=steps), tmp_path), tmp_path)
    assert len(rectangles(drawn(shown))) == len(as_text(shown)) == 2000
