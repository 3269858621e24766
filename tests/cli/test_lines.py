"""Lines as they come: whole, in order, the last one without an end too, and never waited for."""

import os
from collections.abc import Iterator

import pytest

from cli.lines import Lines


@pytest.fixture
def pipe() -> Iterator[tuple[Lines, int]]:
    reading, writing = os.pipe()
    yield Lines(reading), writing
    for descriptor in (reading, writing):
        try:
            os.close(descriptor)
        except OSError:
            continue


def test_a_line_is_given_once_it_is_whole(pipe: tuple[Lines, int]) -> None:
    lines, writing = pipe
    assert lines.take() is None
    os.write(writing, b"one\r\ntw")
    assert [lines.take(), lines.take()] == ["one", None]
    os.write(writing, b"o\n\nthree")
    assert [lines.take(), lines.take(), lines.take()] == ["two", "", None]
    os.close(writing)
    assert not lines.is_over
    assert lines.take() == "three"
    assert lines.is_over
    assert lines.take() is None
    assert not lines.is_typed


def test_a_line_longer_than_one_reading_and_one_that_is_no_text_come_through(pipe: tuple[Lines, int]) -> None:
    lines, writing = pipe
    os.write(writing, b"x" * 65_536)
    assert lines.take() is None
    os.write(writing, b"y\n\xff\xfe\n")
    assert len(lines.take() or "") == 65_537
    assert lines.take() == "\ufffd\ufffd"
