"""The sketch with its log on an SD card, on an emulated Mega with an emulated card whose content is a file."""

from itertools import pairwise
from pathlib import Path

import pytest

from firmware.sd_log import BLOCK_BYTES, read_lines
from tests.firmware.heard import Heard, run
from tests.firmware.logic import FLAGS, crc16, names

pytestmark = pytest.mark.slow

COUNT = 10


def card(folder: Path, count: int = COUNT) -> Path:
    """A card whose header says how large its ring is."""
    image = folder / "card.img"
    head = (b"BMLH\1\0" + count.to_bytes(4, "little")).ljust(BLOCK_BYTES - 2, b"\0")
    image.write_bytes(head + crc16(head).to_bytes(2, "little") + bytes(BLOCK_BYTES * count))
    return image


def kept_on(image: Path) -> list[str]:
    with image.open("rb") as file:
        return [line[1:-5] for line in read_lines(file)]


def said(heard: Heard) -> list[str]:
    return [text for _, text in heard.lines]


def flags(heard: Heard) -> list[set[str]]:
    return [names(int(fields[31], 16), FLAGS) for _, fields in heard.reports()]


def assert_undisturbed(heard: Heard, *troubles: str) -> None:
    """No scan was late, the watchdog was fed, and of these troubles none was told."""
    assert len([text for text in heard.answers() if text.startswith("BOOT")]) == 1
    assert [found for found in flags(heard) if found & {"LATE", *troubles}] == []
    # The line of a scan of 245 ms is out after 16 more.
    assert max(at_ms - int(fields[3]) for at_ms, fields in heard.reports()) <= 268
    at_ms = [int(fields[3]) for _, fields in heard.reports()]
    assert {later - earlier for earlier, later in pairwise(at_ms)} == {250}
    beats = [at_ms for at_ms, text in heard.pins if text.startswith("heartbeat")][1:]
    assert all(200 <= later - earlier <= 300 for earlier, later in pairwise(beats))


def test_the_shipped_sketch_has_nothing_of_it(shipped: bytes, with_card: bytes) -> None:
    assert b"sd_log_next" not in shipped
    assert b"sd_log_next" in with_card


@pytest.mark.parametrize("kind", ["new", "old"])
def test_a_board_that_is_killed_loses_one_line_at_most_and_goes_on_behind_the_newest(
    emulator: Path, with_card: bytes, tmp_path: Path, kind: str
) -> None:
    image, written = card(tmp_path), list[str]()
    for ms in (3100, 2850, 3100):
        heard = run(emulator, with_card, f"card {kind} {image}", f"run {ms}")
        assert_undisturbed(heard, "LINE_DROPPED", "CARD_FAILED")
        before, now = written, said(heard)
        found = kept_on(image)
        # What waited for a second line is lost with the power, and nothing else.
        written = next(all_of for all_of in (before + now, before + now[:-1]) if all_of[-1] == found[-1])
        assert found == written[-len(found) :]
        assert len(found) >= min(len(written), 2 * COUNT - 2)
    assert len(written) > 2 * COUNT


def test_a_power_cut_within_a_write_costs_the_lines_of_one_block(
    emulator: Path, with_card: bytes, tmp_path: Path
) -> None:
    image = card(tmp_path)
    first = said(run(emulator, with_card, f"card new {image}", "run 2100", "cut", "run 3000"))
    kept = kept_on(image)
    assert kept == first[: len(kept)]
    assert len(first) - len(kept) <= 2
    again = said(run(emulator, with_card, f"card new {image}", "run 2100"))
    assert kept_on(image)[: len(kept)] == kept
    assert kept_on(image)[len(kept) :] in (again, again[:-1])


def test_a_slow_card_keeps_every_line_and_delays_none(emulator: Path, with_card: bytes, tmp_path: Path) -> None:
    image = card(tmp_path)
    heard = run(emulator, with_card, f"card slow {image}", "run 4100")
    assert_undisturbed(heard, "LINE_DROPPED", "CARD_FAILED")
    assert kept_on(image) in (said(heard), said(heard)[:-1])


@pytest.mark.parametrize("kind", ["none", "stuck", "noise"])
def test_a_card_that_does_not_work_is_told_and_disturbs_nothing(
    emulator: Path, with_card: bytes, tmp_path: Path, kind: str
) -> None:
    put_in = () if kind == "none" else (f"card {kind} {card(tmp_path)}",)
    heard = run(emulator, with_card, *put_in, "run 8000")
    assert "CARD_FAILED" in flags(heard)[-1]
    assert heard.first("warn 1", 600) < 4000
    assert_undisturbed(heard)


def test_a_card_that_holds_something_else_is_told_and_not_written_to(
    emulator: Path, with_card: bytes, tmp_path: Path
) -> None:
    image = tmp_path / "photos.img"
    image.write_bytes(b"\xeb\x58\x90mkfs.fat".ljust(BLOCK_BYTES * 20, b"x"))
    before = image.read_bytes()
    assert "CARD_FAILED" in flags(run(emulator, with_card, f"card new {image}", "run 3000"))[-1]
    assert image.read_bytes() == before


def test_a_card_that_is_smaller_than_its_ring_is_told_before_anything_is_written(
    emulator: Path, with_card: bytes, tmp_path: Path
) -> None:
    image = card(tmp_path)
    whole = image.read_bytes()
    image.write_bytes(whole[:-BLOCK_BYTES])
    assert "CARD_FAILED" in flags(run(emulator, with_card, f"card new {image}", "run 3000"))[-1]
    assert image.read_bytes() == whole[:-BLOCK_BYTES]


def test_a_card_that_is_put_in_again_is_gone_on_with(emulator: Path, with_card: bytes, tmp_path: Path) -> None:
    image = card(tmp_path)
    heard = run(
        emulator, with_card, f"card new {image}", "run 2000", "pull", "run 2000", f"card new {image}", "run 7000"
    )
    assert "CARD_FAILED" in set.union(*flags(heard))
    assert "CARD_FAILED" not in flags(heard)[-1]
    assert kept_on(image)[-1] in said(heard)[-2:]
