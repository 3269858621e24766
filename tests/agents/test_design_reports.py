"""The drawings and documents of a design: complete, escaped, the same bytes each time, legible for any pack."""

import re
from collections.abc import Callable, Iterator
from decimal import Decimal
from itertools import combinations
from typing import Any, NamedTuple
from xml.etree import ElementTree

import pytest

from agents.skills.battery.circuit_roles import Role, numbers, role_of, roles_in
from agents.skills.battery.documents import design as design_document
from agents.skills.battery.documents import software, wiring
from agents.skills.battery.documents.markdown import error, linked
from agents.skills.battery.drawings import block_diagram, schematic
from agents.skills.battery.figures import times
from agents.skills.battery.sketch.words import figure, named, opening, watchdog_ms
from gates.design.files import DesignFile, Element, RequirementsFile
from tests.agents.monitors import SKETCH, design, requirements

DRAWINGS: list[Callable[[RequirementsFile, DesignFile], bytes]] = [block_diagram.render, schematic.render]
CELLS = [1, 2, 3, 4, 8, 14, 16, 24, 32]
HOSTILE = "<script>alert(1)</script> ]]> | [a](javascript:b) `c` &lt;\n# h \u202eabc $x_1$ \ufffe https://example.org"
SVG = "{http://www.w3.org/2000/svg}"


def pages(wanted: RequirementsFile, made: DesignFile) -> dict[str, str]:
    return {
        "DESIGN.md": design_document.render(wanted, made).decode(),
        "WIRING.md": wiring.render(wanted, made).decode(),
        "SOFTWARE.md": software.render(wanted, made, SKETCH).decode(),
    }


def poisoned(value: Any) -> Any:
    """Every text of a file with hostile words behind it; the words before still tell what a part is."""
    if isinstance(value, dict):
        return {key: poisoned(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [poisoned(item) for item in value]
    return f"{value} {HOSTILE}" if isinstance(value, str) else value


def hostile_design() -> DesignFile:
    return DesignFile.model_validate(poisoned(design().model_dump()))


def hostile_requirements() -> RequirementsFile:
    wanted = requirements()
    pack = wanted.pack.model_copy(update={"cell_type": HOSTILE, "chemistry": HOSTILE})
    listed = tuple(
        item.model_copy(update={"id": f"{item.id} {HOSTILE}", "text": HOSTILE}) for item in wanted.requirements
    )
    limits = tuple(item.model_copy(update={"quantity": HOSTILE}) for item in wanted.limits)
    return wanted.model_copy(update={"pack": pack, "requirements": listed, "limits": limits})


class Line(NamedTuple):
    """Where a line of text stands in a picture, estimated low: letters are rarely narrower."""

    words: str
    left: float
    top: float
    right: float
    bottom: float

    def overlaps(self, other: "Line") -> bool:
        return (
            self.left < other.right and other.left < self.right and self.top < other.bottom and other.top < self.bottom
        )


def lines_of(picture: bytes) -> Iterator[Line]:
    for node in ElementTree.fromstring(picture).iter(f"{SVG}text"):
        x, y, size = (float(node.attrib[name]) for name in ("x", "y", "font-size"))
        width = 0.5 * size * len(node.text or "")
        left = x - {"start": 0.0, "middle": width / 2, "end": width}[node.attrib["text-anchor"]]
        yield Line(node.text or "", left, y - 0.7 * size, left + width, y + 0.1 * size)


def words_of(picture: bytes) -> str:
    return "\n".join(line.words for line in lines_of(picture))


@pytest.mark.parametrize("draw", DRAWINGS)
def test_the_same_values_are_drawn_with_the_same_bytes(
    draw: Callable[[RequirementsFile, DesignFile], bytes],
) -> None:
    assert draw(requirements(), design()) == draw(requirements(), design())


def test_the_same_values_are_described_with_the_same_bytes() -> None:
    assert pages(requirements(), design()) == pages(requirements(), design())


@pytest.mark.parametrize("draw", DRAWINGS)
def test_a_drawing_needs_nothing_from_outside(draw: Callable[[RequirementsFile, DesignFile], bytes]) -> None:
    root = ElementTree.fromstring(draw(requirements(), design()))
    tags = {node.tag.removeprefix(SVG) for node in root.iter()}
    assert tags <= {"svg", "title", "path", "polygon", "polyline", "circle", "text"}
    assert not any("href" in name or "url(" in value for node in root.iter() for name, value in node.attrib.items())


@pytest.mark.parametrize("draw", DRAWINGS)
def test_a_drawing_is_on_white_paper(draw: Callable[[RequirementsFile, DesignFile], bytes]) -> None:
    root = ElementTree.fromstring(draw(requirements(), design()))
    first = next(node for node in root if node.tag == f"{SVG}polygon")
    assert "fill:#ffffff" in first.attrib["style"]
    xs, ys = zip(*(map(float, point.split(",")) for point in first.attrib["points"].split()), strict=True)
    left, top, width, height = map(float, root.attrib["viewBox"].split())
    assert (min(xs), max(xs)) == pytest.approx((left, left + width), abs=1.5)
    assert (min(ys), max(ys)) == pytest.approx((top, top + height), abs=1.5)


@pytest.mark.parametrize("cells", CELLS)
@pytest.mark.parametrize("draw", DRAWINGS)
def test_no_words_lie_over_others_or_leave_the_paper(
    draw: Callable[[RequirementsFile, DesignFile], bytes], cells: int
) -> None:
    picture = draw(requirements(cells), design(cells))
    left, top, width, height = map(float, ElementTree.fromstring(picture).attrib["viewBox"].split())
    lines = list(lines_of(picture))
    assert [(one.words, other.words) for one, other in combinations(lines, 2) if one.overlaps(other)] == []
    assert [line.words for line in lines if line.left < left or line.right > left + width] == []
    assert [line.words for line in lines if line.top < top or line.bottom > top + height] == []


@pytest.mark.parametrize("draw", DRAWINGS)
def test_long_names_are_cut_and_lie_over_nothing(draw: Callable[[RequirementsFile, DesignFile], bytes]) -> None:
    lines = list(lines_of(draw(hostile_requirements(), hostile_design())))
    assert [(one.words, other.words) for one, other in combinations(lines, 2) if one.overlaps(other)] == []


def test_the_architecture_shows_every_element_and_what_it_backs_up() -> None:
    words = words_of(block_diagram.render(requirements(), design()))
    for element in design().elements:
        assert element.id in words
        assert element.name in words
        assert not element.backs_up or f"backs up {element.backs_up}" in words


def test_an_element_of_no_known_role_is_shown_all_the_same() -> None:
    odd = Element(id="E-99", name="Flux compensator", purpose="nobody knows")
    made = design().model_copy(update={"elements": (*design().elements, odd)})
    assert "E-99 Flux compensator" in words_of(block_diagram.render(requirements(), made))


def test_the_wiring_shows_every_pin() -> None:
    words = words_of(schematic.render(requirements(), design())).splitlines()
    for pin in design().pins:
        assert not pin.macro or pin.macro in words
        assert pin.number in words


def test_the_wiring_counts_relays_and_fuses_with_the_cells() -> None:
    words = words_of(schematic.render(requirements(14), design(14))).splitlines()
    assert {"K1", "K2", "K14", "K15", "F0", "F14", "R0", "R14", "Y13"} <= set(words)
    assert "… cells 3 to 13 alike …" in words
    assert "K16" not in words


def test_a_circuit_that_the_design_has_not_is_not_drawn() -> None:
    made = design()
    without = made.model_copy(
        update={
            "elements": tuple(item for item in made.elements if role_of(item) is not Role.HALL),
            "pins": tuple(pin for pin in made.pins if pin.macro != "ADC_HALL"),
        }
    )
    for draw in DRAWINGS:
        assert "Hall" in words_of(draw(requirements(), made))
        assert "Hall" not in words_of(draw(requirements(), without))


def test_a_design_with_nothing_in_it_is_drawn_and_described() -> None:
    empty = DesignFile(board="B", nodes=(), elements=(), channels=(), pins=(), wires=(), failures=())
    for draw in DRAWINGS:
        ElementTree.fromstring(draw(requirements(), empty))
    told = pages(requirements(), empty)["DESIGN.md"]
    assert "**Nothing sounds when the board is dead" in told
    assert "**No failure mode has been examined.**" in told


def test_hostile_words_stay_words_in_the_drawings() -> None:
    for draw in DRAWINGS:
        picture = draw(hostile_requirements(), hostile_design())
        root = ElementTree.fromstring(picture)
        assert not [node for node in root.iter() if node.tag.removeprefix(SVG) in ("script", "a", "tspan")]
        assert b"<script" not in picture
        assert "\u202e" not in picture.decode()
        assert "\ufffe" not in picture.decode()


def test_hostile_words_stay_words_in_the_documents() -> None:
    for name, text in pages(hostile_requirements(), hostile_design()).items():
        assert "<script" not in text, name
        assert not re.search(r"(?<!\\)\]\(javascript:", text), name
        assert "https://" not in text, name
        assert "\u202e" not in text, name
        assert not re.search(r"^# h", text, re.M), name


def test_hostile_words_add_no_cells_to_a_table() -> None:
    for text in pages(hostile_requirements(), hostile_design()).values():
        width = 0
        for line in text.splitlines():
            cells = len(re.findall(r"(?<!\\)\|", line)) if line.startswith("|") else 0
            assert not (width and cells) or cells == width, line
            width = cells


def test_the_design_tells_every_requirement_element_and_failure() -> None:
    text = pages(requirements(), design())["DESIGN.md"]
    for requirement in requirements().requirements:
        assert f"[{requirement.id}](SAFETY_REQUIREMENTS.md#{requirement.id.lower()})" in text
    for element in design().elements:
        assert f"| {element.id} | {element.name} | {element.purpose} |" in text
    for failure in design().failures:
        assert f"| {failure.id} | {failure.element} " in text
        assert failure.reaction in text


def test_the_design_adds_up_the_errors_of_each_measurement() -> None:
    text = pages(requirements(), design())["DESIGN.md"]
    assert "Full scale 4096 mV over 10 bits: 4 mV a step, mean of 16." in text
    assert "| half a step | ±2 mV | 4096 mV over 1024 steps |" in text
    assert "| **sum, worst case** | **±4 mV** | allowed ±10 mV |" in text


def test_a_rejected_design_keeps_its_figures() -> None:
    text = pages(requirements(), design())["DESIGN.md"]
    assert "A step alone is 58.6 mV, the worst case ±147 mV: 14.7 times the ±10 mV that are allowed." in text
    assert "**more than allowed: ±10 mV**" in text


def test_a_part_that_bears_too_little_is_marked() -> None:
    ratings = {"AQW214": Decimal(400), "MEGA": Decimal("5.5")}
    text = design_document.render(requirements(), design(), ratings).decode()
    assert "| E-02 Dual PhotoMOS relay | AQW214 | pack | 73 V | 400 V | 6.84 times |" in text
    assert "| 5.5 V | **1.04 times: too little** |" in text


def test_a_failure_that_is_not_safe_comes_first_and_bold() -> None:
    made = design()
    open_point = made.failures[0].model_copy(update={"is_safe": False})
    text = pages(requirements(), made.model_copy(update={"failures": (open_point, *made.failures[1:])}))["DESIGN.md"]
    assert "**Not safe as designed: F-01.**" in text


def test_a_critical_requirement_that_nothing_backs_up_is_named() -> None:
    text = pages(requirements(), design())["DESIGN.md"]
    assert "- [SR-09](SAFETY_REQUIREMENTS.md#sr-09): E-22, E-24" in text
    assert "- [SR-03](" not in text


def test_the_wiring_tells_every_pin_and_every_wire() -> None:
    text = pages(requirements(), design())["WIRING.md"]
    for pin in design().pins:
        macro = pin.macro.replace("_", r"\_") or "–"
        assert f"| {pin.number} | {macro} | {pin.signal} | {pin.to} |" in text
    for number, wire in enumerate(design().wires, 1):
        assert f"| {number} | {wire.source} | {wire.target} | {wire.carries} |" in text


@pytest.mark.parametrize("cells", [8, 16])
def test_the_wiring_tells_what_each_tap_has_to_read(cells: int) -> None:
    text = pages(requirements(cells), design(cells))["WIRING.md"]
    assert "| 1 | positive end of cell 1 | 2.5 V | 3.2 V | 3.65 V |" in text
    assert f"| {cells} | PACK + | {Decimal('2.5') * cells:f}".rstrip("0").rstrip(".") in text
    assert f"| {cells + 1} | positive" not in text


def test_a_live_pack_is_connected_ground_first_then_power_then_taps_then_load() -> None:
    text = pages(requirements(), design())["WIRING.md"]
    order = (
        "Fuses first",
        "the loose plug",
        "**PACK − first**",
        "fuse of the supply.",
        "Plug the taps in",
        "and load.",
    )
    places = [text.index(words) for words in order]
    assert places == sorted(places)


def test_the_software_tells_every_limit_with_its_requirement() -> None:
    text = pages(requirements(), design())["SOFTWARE.md"]
    for limit in requirements().limits:
        assert f"| {limit.name} | {limit.quantity} |" in text
    assert "| charge-cold-alarm | temperature while charging | ≤ 0 °C | ≥ 2 °C | at once | alarm |" in text
    assert "| cell-high-alarm | cell voltage | ≥ 3.65 V | ≤ 3.45 V | 1 s | alarm | 1 | [SR-01]" in text


def test_the_software_takes_its_figures_from_the_sketch() -> None:
    text = pages(requirements(), design())["SOFTWARE.md"]
    for words in ("every 250 ms", "given 5 ms to fill", "The last 64 alarms", "after 10 s without", "after 1000 ms"):
        assert words in text
    slower = {**SKETCH, "alarms.h": SKETCH["alarms.h"].replace(b"PERIOD_MS 250U", b"PERIOD_MS 500U")}
    assert "every 500 ms" in software.render(requirements(), design(), slower).decode()


def test_limits_that_only_one_of_sketch_and_requirements_knows_are_told() -> None:
    text = pages(requirements(), design())["SOFTWARE.md"]
    assert "The sketch has of its own: value-lost." in text
    assert "| cell-low-alarm | cell voltage | ≤ 2.5 V | ≥ 3.1 V | 1 s | alarm | **not in the sketch** |" in text


def test_the_software_is_described_without_a_sketch_too() -> None:
    text = software.render(requirements(), design(), {}).decode()
    assert "every period" in text
    assert "not in the sketch" not in text


def test_a_sketch_says_what_it_counts_and_how_it_opens() -> None:
    assert figure(SKETCH, "PERIOD_MS") == 250
    assert figure(SKETCH, "PERIOD") is None
    assert [(item.name, item.number) for item in named(SKETCH, "FLAG_")] == [("UNKNOWN", 0), ("HOST_SILENT", 12)]
    assert watchdog_ms(SKETCH) == 1000
    assert watchdog_ms({"a.ino": b"\xff\x00"}) is None
    assert opening(SKETCH["alarms.h"]) == "What the sketch counts"
    assert opening(b"int x;") == ""


def test_a_part_of_the_dead_man_circuit_is_none_of_the_boards() -> None:
    parts = roles_in(design()).elements
    assert [item.id for item in parts[Role.DEAD_MAN]] == ["E-17", "E-18"]
    assert [item.id for item in parts[Role.ALERTS]] == ["E-14", "E-15", "E-16"]
    assert [item.id for item in parts[Role.CELLS]] == ["E-01", "E-02", "E-03", "E-04", "E-05", "E-23"]


def test_pins_in_a_row_are_named_by_the_first_and_the_last() -> None:
    pins = roles_in(design()).pins
    assert numbers(pins[Role.CELLS]) == "22 … 27, A0"
    assert numbers(pins[Role.TEMPERATURES]) == "A4 … A11"
    assert numbers(()) == ""


def test_an_error_never_looks_smaller_than_it_is() -> None:
    assert error(Decimal("0.99990234375"), "A") == "±1 A"
    assert error(Decimal("4.1201"), "mV") == "±4.13 mV"
    assert error(Decimal(0), "V") == "±0 V"
    assert times(Decimal("1e60")) == "more than 1000000 times"


def test_the_anchor_of_a_requirement_is_only_letters_and_digits() -> None:
    assert linked("SR-07") == "[SR-07](SAFETY_REQUIREMENTS.md#sr-07)"
    assert linked("x) <b>").endswith("(SAFETY_REQUIREMENTS.md#xb)")


def test_more_lights_than_a_card_has_room_for_lie_over_nothing() -> None:
    made = design()
    more = tuple(made.pins[6].model_copy(update={"macro": f"PIN_LED_{number}", "number": "40"}) for number in range(20))
    picture = schematic.render(requirements(), made.model_copy(update={"pins": (*made.pins, *more)}))
    assert [(a.words, b.words) for a, b in combinations(lines_of(picture), 2) if a.overlaps(b)] == []
    assert "PIN_LED_19" in words_of(picture).splitlines()
