"""`orchestra report` of real runs: what it says, what it leaves alone, and what a browser shows of it."""

import shutil
from pathlib import Path

import pytest

from protocol.bodies import Control, TaskAssignment
from protocol.messages import Message, MessageType
from tests.asking import escalated, leave, started, stopped_run
from tests.browser import page
from tests.builders import broker, message
from tests.mission.runs import orchestra, start

HOSTILE = "</title></svg><script>document.title='taken over'</script>\u202etxt.exe"


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a mission that was carried out; its run is `run` in it."""
    mission = start(tmp_path_factory.mktemp("done"))
    code, _, complained = mission.finish()
    assert code == 0, complained
    return mission.folder


@pytest.fixture
def place(done: Path, tmp_path: Path) -> Path:
    shutil.copytree(done / "run", tmp_path / "run")
    return tmp_path


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def reported(place: Path, *arguments: str | Path, code: int = 0) -> str:
    """Return the page that a command has made, at `page.html`."""
    ended = orchestra("report", "run", "--output", "page.html", *arguments, cwd=place)
    assert ended.returncode == code, ended.stderr
    return (place / "page.html").read_text(encoding="utf-8")


@pytest.mark.slow
def test_a_run_is_told_on_one_page_that_lies_where_it_was_asked_for(place: Path) -> None:
    ended = orchestra("report", "run", cwd=place)
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.startswith("run.html: ")
    told = (place / "run.html").read_text(encoding="utf-8")
    for words in (
        "extract/001-bench-report.pdf",
        "@contradiction-finder",
        "FACTS.md",
        "sealed up to",
        "6 quotes stand",
    ):
        assert words in told
    assert "sealed_ns" not in told


@pytest.mark.slow
def test_a_run_that_has_ended_is_told_in_the_same_bytes_and_is_left_as_it_is(place: Path) -> None:
    before = contents(place / "run")
    assert reported(place) == reported(place)
    assert contents(place / "run") == before


@pytest.mark.slow
def test_a_record_that_was_changed_is_told_as_one_that_cannot_be_trusted(place: Path) -> None:
    [segment] = (place / "run" / "journal").glob("*.mcap")
    raw = segment.read_bytes()
    place_of_it = raw.index(b"Extract cell-note.md")
    segment.write_bytes(raw[:place_of_it] + b"Ignored" + raw[place_of_it + 7 :])
    told = reported(place, code=1)
    assert "cannot be trusted" in told
    assert "could be read up to entry" in told


@pytest.mark.slow
def test_a_seal_that_is_no_more_is_told(place: Path) -> None:
    (place / "run" / "anchor").unlink()
    assert "no seal vouches for them" in reported(place)


@pytest.mark.slow
def test_while_somebody_has_the_run_open_it_is_told_as_far_as_it_is(tmp_path: Path) -> None:
    with broker(tmp_path / "run"):
        told = reported(tmp_path)
    assert ">running<" in told
    assert "and it goes on" in told


@pytest.mark.slow
@pytest.mark.parametrize("output", ["run", "/proc/page.html"])
def test_where_the_page_cannot_be_written_one_sentence_says_so(place: Path, output: str) -> None:
    ended = orchestra("report", "run", "--output", output, cwd=place)
    assert ended.returncode == 2
    assert ended.stderr.count("\n") == 1
    assert "--output" in ended.stderr
    assert not list(place.glob(".*.part"))


@pytest.mark.slow
def test_what_was_planned_and_not_begun_is_told(tmp_path: Path) -> None:
    stopped_run(tmp_path / "run", started(), _given("mission", plan=True))
    told = reported(tmp_path)
    assert "Not begun" in told
    assert "extract/1" in told


def _given(task: str, *, plan: bool = False, title: str = "a title") -> Message:
    said = started().body
    assert isinstance(said, Control)
    body = TaskAssignment(title=title, skill="run-plan", folder="mission", plan=said.plan if plan else None)
    sender, recipient = ("@tech-lead-orchestrator", "@lead") if plan else ("@lead", "@worker")
    return message(MessageType.TASK_ASSIGNMENT, body, f"given-{task}", sender=sender, recipient=recipient, task=task)


@pytest.fixture
def hostile(tmp_path: Path) -> Path:
    asked = (leave(reason=HOSTILE), escalated(question=HOSTILE, options=(HOSTILE, "give up")))
    stopped_run(tmp_path / "run", started(), _given("t", title=HOSTILE), *asked)
    reported(tmp_path)
    return tmp_path / "page.html"


@pytest.mark.slow
def test_a_browser_shows_what_was_said_and_obeys_none_of_it(hostile: Path, tmp_path: Path) -> None:
    with page(tmp_path) as shown:
        shown.open(hostile)
        assert shown.ask("document.title") == "run · report"
        assert shown.ask("document.scripts.length") == 0
        seen = shown.ask("document.body.innerText")
        assert HOSTILE.replace("\u202e", "\\u202e") in seen
        assert (shown.complaints, shown.requested) == ([], [hostile.as_uri()])


@pytest.mark.slow
def test_a_browser_shows_the_page_on_any_screen_and_on_paper(done: Path, tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    assert orchestra("report", done / "run", "--output", path, cwd=tmp_path).returncode == 0
    with page(tmp_path) as shown:
        shown.open(path)
        seen = shown.ask("document.body.innerText")
        for words in (
            "8 of 8 begun",
            "Timeline",
            "@fact-extractor",
            "No model was called",
            "Nobody was asked anything",
        ):
            assert words in seen
        assert shown.ask("document.querySelectorAll('svg.gantt rect.bar.accepted').length") == 9
        for width in (1280, 900, 768, 360):
            shown.resize(width)
            assert shown.ask("document.documentElement.scrollWidth <= innerWidth"), width
        light = shown.ask("getComputedStyle(document.body).backgroundColor")
        shown.media(prefers_color_scheme="dark")
        assert shown.ask("getComputedStyle(document.body).backgroundColor") != light
        shown.media("print", prefers_color_scheme="dark")
        assert shown.ask("getComputedStyle(document.body).backgroundColor") == light == "rgb(255, 255, 255)"
        assert shown.ask("getComputedStyle(document.querySelector('nav')).display") == "none"
        assert (shown.complaints, shown.requested) == ([], [path.as_uri()])
