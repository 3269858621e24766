"""A drawing is an image of its picture: the same each time, text as text, and nobody's settings but its own."""

import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import matplotlib as mpl
import pytest
from lxml import etree
from PIL import Image

from observers.battery.colours import COLOURS
from observers.battery.drawing import png, svg
from observers.battery.history import Stage
from observers.battery.page import MOST_ALARMS, render
from observers.battery.picture import MONITORS, Picture
from protocol.bodies import Quality, Reading, Severity
from tests.browser import page
from tests.cases import ROOT
from tests.observers.battery.histories import DEVICE, T0_S, a_told, cell, drawn, only, reading, whole
from tests.observers.test_report import HOSTILE, Seen

_SVG = "{http://www.w3.org/2000/svg}"


def readings(second: int) -> Sequence[Reading]:
    quality = Quality.SUSPECT if second == 20 else Quality.STALE if second in (30, 31) else Quality.GOOD
    volts = [cell(number, 3.3 + number / 500 + second / 5000, quality) for number in range(1, 17)]
    warm = [reading(f"temperature-{name}", 20 + second / 10, "degC") for name in ("1", "2", "mos", "ambient")]
    return [*volts, *warm, reading("current", second - 30, "A"), reading("soc", 50 + second / 10, "%")]


TOLD = a_told({second: readings(second) for second in range(60)})
TOLD.raised(
    DEVICE, "cell-overvoltage", Stage(T0_S + 5, Severity.WARNING, f"cell-7-voltage is 3, above {HOSTILE}", 3.4, 3.35)
)
TOLD.acknowledged(DEVICE, "cell-overvoltage", T0_S + 15)
HISTORY = only(TOLD)
PICTURE = drawn(HISTORY)


def texts(drawing: bytes) -> list[str]:
    return ["".join(map(str, node.itertext())) for node in etree.fromstring(drawing).iter(f"{_SVG}text")]


def the_page(shown: Picture = PICTURE) -> str:
    return render(shown, HISTORY, whole(HISTORY), svg(shown))


def test_the_same_picture_is_the_same_image() -> None:
    assert png(PICTURE) == png(PICTURE)
    assert svg(PICTURE) == svg(PICTURE)
    assert the_page() == the_page()


def test_a_png_can_be_read_and_is_not_empty(tmp_path: Path) -> None:
    file = tmp_path / "one.png"
    file.write_bytes(png(PICTURE))
    with Image.open(file) as image:
        assert image.width == 1650
        assert len(image.convert("RGB").getcolors(image.width * image.height) or ()) > 50


def test_a_drawing_says_what_is_in_it() -> None:
    found = texts(svg(PICTURE))
    for text in (DEVICE, MONITORS, "time, UTC", "Cells, V", "Delta of the cells, mV", "Current, A", "acknowledged"):
        assert text in found
    assert "cell 16: highest 3.344 V at 09:30:58" in found
    assert "14 other cells" in found
    assert "cell-overvoltage 3.350 V" in found


def test_a_single_cell_is_called_by_its_name() -> None:
    assert "cell 1" in texts(svg(drawn(only(a_told({0: [cell(1, 3.3)], 5: [cell(1, 3.4)]})))))


@pytest.mark.parametrize("name", ["$\\frac{1}{2}$", "_hidden", "a<b>&amp;", HOSTILE, "電池", "x" * 400])
def test_names_are_text_and_neither_formulas_nor_marks(name: str) -> None:
    told = a_told({0: [cell(1, 3.3), cell(2, 3.4)]})
    told.raised(DEVICE, name, Stage(T0_S, Severity.INFO, name))
    shown = replace(drawn(only(told)), title=name, source=name)
    found = texts(svg(shown))
    assert any(text.startswith(name[:3].replace("\x1b", "")) for text in found)
    assert "\u202e" not in svg(shown).decode()
    assert png(shown)


@pytest.mark.slow
def test_the_settings_of_the_user_do_not_matter(tmp_path: Path) -> None:
    (tmp_path / "matplotlibrc").write_text("text.usetex: True\nfigure.dpi: 30\nfont.size: 40\naxes.facecolor: red\n")
    program = (
        "import sys\n"
        "from observers.battery.drawing import svg\n"
        "from tests.observers.battery.test_drawing import PICTURE\n"
        "sys.stdout.buffer.write(svg(PICTURE))"
    )
    environment = {**os.environ, "MATPLOTLIBRC": str(tmp_path / "matplotlibrc"), "PYTHONPATH": str(ROOT)}
    made = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, check=True, cwd=tmp_path
    )
    assert made.stdout == svg(PICTURE)


def test_the_first_and_the_last_moment_that_a_message_can_say_are_drawn() -> None:
    for second in (-62_135_596_800 - T0_S, 253_402_300_799 - T0_S):
        assert png(drawn(only(a_told({second: [cell(1, 3.3), cell(2, 3.4)]}))))
    both = drawn(only(a_told({-62_135_596_800 - T0_S: [cell(1, 1e9)], 253_402_300_799 - T0_S: [cell(1, -1e9)]})))
    assert "0001-01-01 00:00:00 to 9999-12-31 23:59:59 UTC  ·  a run" in texts(svg(both))


def test_drawing_leaves_no_settings_and_no_figures_behind() -> None:
    before = dict(mpl.rcParams)
    png(PICTURE)
    assert dict(mpl.rcParams) == before
    program = "import observers.battery.drawing, sys; assert 'matplotlib.pyplot' not in sys.modules"
    subprocess.run([sys.executable, "-c", program], check=True, cwd=ROOT)


def test_the_page_has_the_drawing_and_the_numbers_and_nothing_from_outside() -> None:
    made = the_page()
    seen = Seen(made)
    assert seen.tags.count("svg") == 1
    assert not {"script", "link", "img", "iframe", "object"} & set(seen.tags) - {"link"}
    assert "default-src 'none'" in made
    assert [
        value for name, value in seen.attributes if name in ("src", "href") and not (value or "").startswith("#")
    ] == ["data:,"]
    for text in (MONITORS, "cell 16", "sensor mos", "stands", "3.304 V"):
        assert text in seen.text


def test_what_messages_say_does_not_act_on_the_page() -> None:
    made = the_page(replace(PICTURE, title=HOSTILE, source=HOSTILE))
    seen = Seen(made)
    assert "script" not in seen.tags
    assert not [name for name, _ in seen.attributes if name.startswith("on")]
    assert "\u202e" not in made
    assert "\x1b" not in made


def test_each_colour_of_the_drawing_has_a_name_that_the_page_can_change() -> None:
    made = the_page()
    for name in ("ink", "rule", "paper", "highest", "lowest", "warning"):
        assert f"var(--plot-{name}, {COLOURS[name]})" in made
    assert f": {COLOURS['ink']}" not in made.partition("<svg")[2]


def test_a_page_of_very_many_alarms_is_bounded_and_says_so() -> None:
    told = a_told({0: [cell(1, 3.3)], 5: [cell(1, 3.3)]})
    for number in range(1000):
        told.raised(DEVICE, f"alarm-{number}", Stage(T0_S, Severity.INFO))
    history = only(told)
    made = render(drawn(history), history, whole(history), svg(drawn(history)))
    assert f"{MOST_ALARMS} of 1,000 alarms are shown" in made


@pytest.mark.slow
def test_a_browser_shows_the_page_without_complaint_on_a_phone_in_the_dark_and_on_paper(tmp_path: Path) -> None:
    file = tmp_path / "one.html"
    file.write_text(the_page(), encoding="utf-8")
    with page(tmp_path) as shown:
        shown.open(file)
        assert shown.complaints == []
        assert shown.requested == [file.as_uri()]
        overlong = "document.documentElement.scrollWidth > document.documentElement.clientWidth"
        for width in (360, 1280):
            shown.resize(width)
            assert not shown.ask(overlong)
        title = "getComputedStyle(document.querySelector('#title text')).fill"
        light = shown.ask(title)
        shown.media(prefers_color_scheme="dark")
        assert shown.ask(title) != light
        shown.media("print", prefers_color_scheme="dark")
        assert shown.ask(title) == "rgb(0, 0, 0)"
