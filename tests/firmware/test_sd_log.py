"""The log on an SD card: its C on this machine, a card of bytes whose power can be cut, and the reader of images."""

import ctypes
import io
import random
from pathlib import Path

import pytest

from firmware.sd_log import BLOCK_BYTES, main, read_lines
from protocol.errors import SourceError
from tests.firmware.logic import SdLog, compiled, crc16

REST, READ, WRITE = range(3)
REFUSED = 5
COUNT = 16


@pytest.fixture(scope="module")
def logic(tmp_path_factory: pytest.TempPathFactory) -> ctypes.CDLL:
    return compiled(tmp_path_factory.mktemp("logic"))


def blank(count: int = COUNT, byte: bytes = b"\0") -> bytearray:
    return bytearray(byte * BLOCK_BYTES * (count + 1))


def line(number: int) -> str:
    """A line as long as most of those of a scan."""
    return f"${f'BM,1,{number},':x<150}*0000"


def lines_of(card: bytes | bytearray) -> list[str]:
    return list(read_lines(io.BytesIO(card)))


class Monitor:
    """The log of a monitor that has just been switched on, with a card. reads: how many blocks it asked for."""

    def __init__(self, logic: ctypes.CDLL, card: bytearray, count: int = COUNT) -> None:
        self._logic, self.card, self.log, self.reads = logic, card, SdLog(), 0
        logic.sd_log_begin(ctypes.byref(self.log), ctypes.c_uint32(count))
        self.work()

    def _act(self) -> tuple[int, slice]:
        block = ctypes.c_uint32()
        act = self._logic.sd_log_next(ctypes.byref(self.log), ctypes.byref(block))
        return act, slice(block.value * BLOCK_BYTES, (block.value + 1) * BLOCK_BYTES)

    def _due(self) -> tuple[int, slice]:
        """What is due once it has thought, REST when nothing is."""
        for _ in range(100):
            act, place = self._act()
            if act != REST:
                break
        return act, place

    def work(self) -> None:
        while (due := self._due())[0] != REST:
            act, place = due
            if act == READ:
                self.reads += 1
                self.log.bytes[:] = self.card[place]
            else:
                self.card[place] = bytes(self.log.bytes)
            self._logic.sd_log_done(ctypes.byref(self.log))

    def put(self, text: str) -> bool:
        raw = f"{text}\r\n".encode()
        return bool(self._logic.sd_log_put(ctypes.byref(self.log), raw, ctypes.c_uint16(len(raw))))

    def say(self, first: int, behind: int) -> None:
        for number in range(first, behind):
            assert self.put(line(number))
            self.work()

    def tear(self, kept: int) -> None:
        """The power goes within a write: so many bytes of the block are new, the others old."""
        act, place = self._due()
        assert act == WRITE
        self.card[place.start : place.start + kept] = bytes(self.log.bytes)[:kept]


def test_lines_are_read_back_whole_and_in_order_two_in_a_block(logic: ctypes.CDLL) -> None:
    monitor = Monitor(logic, blank())
    monitor.say(0, 11)
    assert lines_of(monitor.card) == [line(number) for number in range(10)]
    assert monitor.card[5 * BLOCK_BYTES :][:4] == b"BMLT"
    assert not any(monitor.card[6 * BLOCK_BYTES :])


@pytest.mark.parametrize("said", [0, 1, 2, 3, 29, 30, 31, 32, 33, 34, 63, 64, 65, 66, 101])
def test_after_the_power_was_away_it_goes_on_behind_the_newest_line(logic: ctypes.CDLL, said: int) -> None:
    card = blank()
    Monitor(logic, card).say(0, said)
    kept = said // 2 * 2
    Monitor(logic, card).say(1000, 1004)
    numbers = [*range(kept), *range(1000, 1004)]
    assert lines_of(card) == [line(number) for number in numbers[-2 * COUNT :]]


@pytest.mark.parametrize("kept", [0, 1, 4, 9, 200, 511, 512])
@pytest.mark.parametrize("said", [0, 2, 30, 32, 34, 70])
def test_a_write_that_is_cut_costs_the_lines_of_one_block(logic: ctypes.CDLL, said: int, kept: int) -> None:
    card = blank()
    monitor = Monitor(logic, card)
    monitor.say(0, said)
    assert monitor.put(line(said))
    assert monitor.put(line(said + 1))
    monitor.tear(kept)
    Monitor(logic, card).say(1000, 1004)
    written = [*range(said), *([said, said + 1] if kept == 512 else [])]
    expected = [line(number) for number in [*written, *range(1000, 1004)][-2 * COUNT :]]
    assert lines_of(card) == expected


def test_a_header_that_is_cut_costs_nothing(logic: ctypes.CDLL) -> None:
    card = blank()
    Monitor(logic, card).say(0, 40)
    before = lines_of(card)
    for kept in (0, 4, 12, 300):
        card[kept:BLOCK_BYTES] = bytes(BLOCK_BYTES - kept)
        Monitor(logic, card)
        assert lines_of(card) == before
    Monitor(logic, card).say(40, 42)
    assert lines_of(card)[-1] == line(41)


def test_any_number_of_cuts_leaves_lines_whole_and_in_order(logic: ctypes.CDLL) -> None:
    chance, card, said, kept = random.Random(1), blank(), 0, list[int]()
    for _ in range(200):
        monitor, count = Monitor(logic, card), 2 * chance.randrange(30)
        monitor.say(said, said + count)
        assert monitor.put(line(said + count))
        assert monitor.put(line(said + count + 1))
        # Less than five bytes are those of the block before it, more than 344 are zeros.
        monitor.tear(chance.randrange(5, 340))
        kept = [*kept, *range(said, said + count)][-2 * (COUNT - 1) :]
        assert lines_of(card) == [line(number) for number in kept]
        said += count + 2


@pytest.mark.parametrize("damaged", range(COUNT))
def test_a_block_that_goes_bad_costs_its_own_lines_only(logic: ctypes.CDLL, damaged: int) -> None:
    card = blank()
    Monitor(logic, card).say(0, 50)
    card[(damaged + 1) * BLOCK_BYTES + 20] ^= 1
    before = lines_of(card)
    assert len(before) == 2 * COUNT - 2
    Monitor(logic, card).say(50, 52)
    assert set(before[2:]) <= set(lines_of(card))
    assert lines_of(card)[-2:] == [line(50), line(51)]


def test_the_end_of_a_large_ring_is_found_with_few_blocks_read(logic: ctypes.CDLL) -> None:
    card = blank(4000)
    Monitor(logic, card, 4000).say(0, 5000)
    again = Monitor(logic, card, 4000)
    assert again.log.number == 2500
    assert again.reads <= 2 + 8 * 13


def test_the_header_says_how_large_the_ring_is_whatever_the_build_says(logic: ctypes.CDLL) -> None:
    card = blank()
    Monitor(logic, card).say(0, 40)
    other = Monitor(logic, card, 3_500_000)
    assert (other.log.count, other.log.number) == (COUNT, 20)


@pytest.mark.parametrize("byte", [b"\0", b"\xff"])
def test_an_empty_card_is_taken(logic: ctypes.CDLL, byte: bytes) -> None:
    card = blank(byte=byte)
    Monitor(logic, card).say(0, 2)
    assert lines_of(card) == [line(0), line(1)]


@pytest.mark.parametrize(
    ("at", "what"),
    [(510, b"\x55\xaa"), (0, b"\xeb\x58\x90mkfs.fat"), (0, b"BMLT")],
    ids=["partitions", "a file system", "a block of text"],
)
def test_a_card_that_holds_something_else_is_not_written_to(logic: ctypes.CDLL, at: int, what: bytes) -> None:
    card = blank()
    card[at : at + len(what)] = what
    before = bytes(card)
    monitor = Monitor(logic, card)
    assert monitor.put(line(0))
    assert monitor.put(line(1))
    monitor.work()
    assert monitor.log.phase == REFUSED
    assert card == before


def sealed(content: bytes) -> bytes:
    content = content.ljust(BLOCK_BYTES - 2, b"\0")
    return content + crc16(content).to_bytes(2, "little")


def test_a_log_of_another_version_is_neither_written_to_nor_read(logic: ctypes.CDLL) -> None:
    card = blank()
    card[:BLOCK_BYTES] = sealed(b"BMLH\x02\x00\x10\x00\x00\x00")
    assert Monitor(logic, card).log.phase == REFUSED
    with pytest.raises(SourceError, match="version 2"):
        lines_of(card)


def test_a_line_is_refused_while_there_is_no_room_for_it(logic: ctypes.CDLL) -> None:
    monitor = Monitor(logic, blank())
    assert [monitor.put(line(number)) for number in range(4)] == [True, True, True, False]
    monitor.work()
    assert lines_of(monitor.card) == [line(0), line(1), line(2)]


def test_what_no_monitor_has_written_is_no_card_of_one() -> None:
    for image in (b"", b"\0" * 5000, random.Random(2).randbytes(5000)):
        with pytest.raises(SourceError, match="no image"):
            lines_of(image)


def test_an_image_that_ends_early_is_read_as_far_as_it_goes(logic: ctypes.CDLL) -> None:
    card = blank()
    Monitor(logic, card).say(0, 8)
    assert lines_of(card[: 3 * BLOCK_BYTES + 100]) == [line(number) for number in range(4)]


def test_control_characters_of_a_strangers_image_do_not_reach_the_terminal() -> None:
    text = b"$\x1b[2J\xff\n*0000\r\n"
    block = sealed(b"BMLT" + (0).to_bytes(4, "little") + len(text).to_bytes(2, "little") + text)
    assert lines_of(bytes(BLOCK_BYTES) + block) == [r"$\x1b[2J\xff\x0a*0000"]


def test_the_command_writes_lines_and_says_what_it_cannot_read(
    logic: ctypes.CDLL, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    card, image = blank(), tmp_path / "card.img"
    Monitor(logic, card).say(0, 2)
    image.write_bytes(card)
    assert main([str(image)]) == 0
    assert capsys.readouterr().out == f"{line(0)}\n{line(1)}\n"
    assert main([str(tmp_path / "none")]) == 2
    assert "No such file" in capsys.readouterr().err
    assert main([]) == 2
