"""A device on its line: asked, lost, found again, and told apart from others on the same wire."""

import itertools
import os
import socket
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from agents.device.device_address import DeviceAddress
from agents.device.line import Line
from agents.device.links.opening_again import name_of
from agents.device.protocols import jbd_up
from agents.device.status import Status
from protocol.errors import DefinitionError, LinkError, SourceError
from tests.agents.device.benches import Device, Watching, emulated, packs_at, point, silent


def line_to(device: Device, by_id: Path = Path("/nowhere"), **more: Any) -> Line:
    return Line(DeviceAddress(**{"url": device.path, "protocol": "jbd", **more}), by_id=by_id)


def addresses_of(status: Status) -> list[int | None]:
    return [pack.address for pack in status.packs]


def test_a_device_is_asked_once_a_period() -> None:
    device = emulated()
    bench = Watching(line_to(device), device)
    said = bench.run(10)
    assert 9 <= len(said) <= 11
    assert said[0].cell_count == 16
    assert bench.lost == []
    assert bench.line.counts.frames == 2 * len(said)


def test_a_line_that_is_gone_is_an_error_at_each_call_and_opened_again_when_it_is_back(tmp_path: Path) -> None:
    name = tmp_path / "usb-A"
    point(name, device := emulated())
    bench = Watching(line_to(device, url=str(name)), device)
    assert bench.run(3)
    frames = bench.line.counts.frames
    bench.devices.clear()
    device.close()
    assert bench.run(3) == []
    assert len(bench.lost) >= 290
    assert "gone" in bench.lost[0]
    bench.devices.append(emulated())
    point(name, bench.devices[0])
    bench.lost.clear()
    again = bench.run(10)
    assert len(again) >= 2
    assert len(bench.lost) < 401  # at most 4 s from one try to the next, by then
    assert bench.line.counts.frames == frames + 2 * len(again)


def test_tries_come_later_each_time_however_often_it_is_polled_and_soon_again_after_an_answer() -> None:  # case 20
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        url = f"tcp://127.0.0.1:{server.getsockname()[1]}"
        line, tried = Line(DeviceAddress(url=url, protocol="vedirect-text")), list[float]()
        for at_s in range(0, 60_000, 125):
            with suppress(LinkError):
                line.poll(at_s / 1000)
            with suppress(BlockingIOError):
                server.accept()[0].close()  # it can be opened, and nobody speaks
                tried.append(at_s / 1000)
    waits = [later - sooner for sooner, later in itertools.pairwise(tried)]
    assert waits == [pytest.approx(wait_s, abs=0.5) for wait_s in (0.5, 1, 2, 4, 8, 8, 8, 8, 8, 8)][: len(waits)]
    assert len(waits) >= 9


def test_a_line_that_comes_and_goes_all_day_leaves_nothing_open(tmp_path: Path) -> None:  # case 21
    name = tmp_path / "usb-A"
    point(name, device := emulated())
    bench = Watching(line_to(device, url=str(name)), device)
    assert bench.run(2)
    opened = len(os.listdir("/proc/self/fd"))
    for _ in range(10):
        device.close()
        bench.devices = [device := emulated()]
        point(name, device)
        assert bench.run(3)
    assert len(os.listdir("/proc/self/fd")) == opened
    bench.line.close()
    bench.line.close()
    assert len(os.listdir("/proc/self/fd")) < opened
    assert bench.run(1)  # whoever asks again after closing it opens it again


def numbered(folder: Path, number: int, device: Device) -> Path:
    """The n-th port there is, as the kernel counts them: a link, as a pty has another name."""
    folder.mkdir(exist_ok=True)
    point(path := folder / f"ttyUSB{number}", device)
    return path


def test_a_numbered_port_is_opened_again_by_its_adapters_name_and_not_by_its_number(tmp_path: Path) -> None:  # case 14
    dev, by_id = tmp_path / "dev", tmp_path / "by-id"
    by_id.mkdir()
    ours, other = emulated(), emulated()
    path = numbered(dev, 0, ours)
    point(by_id / "usb-ours", ours)
    point(by_id / "usb-other", other)
    bench = Watching(line_to(ours, by_id, url=str(path)), ours, other)
    assert bench.run(2)
    bench.devices.remove(ours)
    (by_id / "usb-ours").unlink()
    ours.close()
    numbered(dev, 0, other)  # it was plugged in anew, and has got the number that had become free
    assert bench.run(10) == []
    assert other.sent == b""
    back = emulated()
    numbered(dev, 1, back)
    point(by_id / "usb-ours", back)
    bench.devices.append(back)
    assert bench.run(10)
    assert back.sent
    assert other.sent == b""


def test_a_name_that_comes_later_than_the_port_is_learned_with_the_first_answer(tmp_path: Path) -> None:
    path = numbered(tmp_path / "dev", 0, device := emulated())
    bench = Watching(line_to(device, tmp_path, url=str(path)), device)
    bench.tick()
    point(tmp_path / "usb-late", device)
    assert bench.run(2)
    bench.devices.clear()
    device.close()
    (tmp_path / "usb-late").unlink()
    assert bench.run(10) == []
    assert "usb-late" in bench.lost[-1]


def test_only_a_number_is_looked_up_among_the_names(tmp_path: Path) -> None:
    device = silent()
    path = str(numbered(tmp_path / "dev", 0, device))
    by_id = tmp_path / "by-id"
    by_id.mkdir()
    assert name_of(path, by_id) is None
    point(by_id / "usb-A", device)
    assert name_of(path, by_id) == str(by_id / "usb-A")
    assert name_of(device.path, by_id) is None
    assert name_of(path, tmp_path / "none") is None
    assert name_of("/dev/ttyUSB99", by_id) is None


def test_every_byte_is_kept_over_a_loss_and_none_twice(tmp_path: Path) -> None:
    name, kept = tmp_path / "usb-A", bytearray()
    point(name, device := emulated())

    def keep(is_sent: bool, data: bytes) -> None:
        kept.extend(data if is_sent else b"")

    bench = Watching(Line(DeviceAddress(url=str(name), protocol="jbd"), keep), device)
    bench.run(3)
    device.close()
    bench.devices.clear()
    first = bytes(device.sent)
    bench.run(1)
    bench.devices.append(emulated())
    point(name, bench.devices[0])
    bench.run(5)
    assert bytes(kept).startswith(first)
    assert bytes(kept).endswith(bytes(bench.devices[0].sent))
    assert kept.count(bytes.fromhex("dda503")) == (first + bench.devices[0].sent).count(bytes.fromhex("dda503"))


def test_the_switch_turns_the_current_of_everything_that_is_said() -> None:
    device, other = emulated(), emulated()
    straight = Watching(line_to(device), device).run(5)
    turned = Watching(line_to(other, is_current_inverted=True), other).run(5)
    assert [one.current_a for one in straight][-1]
    for one, opposite in zip(straight, turned, strict=False):
        assert one.current_a is not None
        assert opposite.current_a == pytest.approx(-one.current_a, abs=0.3)
    bus = packs_at(1, 2)
    [status, *_] = Watching(line_to(bus, protocol="jbd-up", addresses=(1, 2), is_current_inverted=True), bus).run(3)
    plain = Watching(line_to(other_bus := packs_at(1, 2), protocol="jbd-up", addresses=(1, 2)), other_bus).run(3)[0]
    assert [-(pack.current_a or 0) for pack in status.packs] == [pack.current_a for pack in plain.packs]


def test_several_addresses_give_one_status_a_round_with_a_pack_for_each() -> None:
    bus = packs_at(1, 2, 5)
    said = Watching(line_to(bus, protocol="jbd-up", addresses=(1, 2, 5)), bus).run(10)
    assert 9 <= len(said) <= 11
    assert {tuple(addresses_of(status)) for status in said} == {(1, 2, 5)}
    assert said[0].cells == {}
    assert said[0].packs[2].cell_count == 16


def test_a_missing_pack_does_not_stop_the_others_and_is_asked_less_often() -> None:  # case 16
    bus = packs_at(1, 3)
    bench = Watching(line_to(bus, protocol="jbd-up", addresses=(1, 2, 3)), bus)
    said = bench.run(60)
    assert {tuple(addresses_of(status)) for status in said} == {(1, 3)}
    assert len(said) > 40
    assert bus.sent.count(jbd_up.ask(2)) < 12
    assert bus.sent.count(jbd_up.ask(1)) > 40


def test_a_missing_pack_that_comes_back_is_in_the_next_round() -> None:
    missing, whole = packs_at(1), packs_at(1, 2)
    both = Device(lambda now_s, asked: (missing if now_s < 130 else whole).answer(now_s, asked))
    said = Watching(line_to(both, protocol="jbd-up", addresses=(1, 2)), both).run(60)
    assert addresses_of(said[5]) == [1]
    assert addresses_of(said[-1]) == [1, 2]


@pytest.mark.parametrize("addresses", [(1, 2), (2,)])
def test_the_answer_of_another_pack_than_was_asked_is_not_believed(addresses: tuple[int, ...]) -> None:  # case 16
    bus = packs_at(1, 2, answers_as={2: 3})
    bench = Watching(line_to(bus, protocol="jbd-up", addresses=addresses), bus)
    said = bench.run(20)
    assert {pack.address for status in said for pack in status.packs} == set(addresses) - {2}
    assert bench.line.counts.refused > 0
    assert bench.line.last_error == "the answer is from address 3, asked was 2"


def test_an_answer_that_comes_too_late_is_not_given_with_the_next_one() -> None:
    bus, late = packs_at(1), list[tuple[float, bytes]]()

    def slow(now_s: float, asked: bytes) -> bytes:
        if said := bus.answer(now_s, asked):
            late.append((now_s + (1.5 if len(late) == 0 else 0), said))
        due = [said for at_s, said in late if at_s <= now_s]
        late[:] = [(at_s, b"") for at_s, _ in late if at_s <= now_s] + [one for one in late if one[0] > now_s]
        return b"".join(due)

    device = Device(slow)
    bench = Watching(line_to(device, protocol="jbd-up"), device)
    assert bench.run(1.9) == []
    said = bench.run(5)
    assert 3 <= len(said) <= 5


def test_one_address_gives_a_status_and_no_packs() -> None:
    bus = packs_at(1, 2)
    [status, *_] = Watching(line_to(bus, protocol="jbd-up", addresses=(2,)), bus).run(2)
    assert (status.packs, status.address, status.cell_count) == ((), 2, 16)


def test_what_cannot_be_is_said_before_there_is_a_line(tmp_path: Path) -> None:
    own = tmp_path / "own.yaml"
    own.write_text("name: [\n")
    wrong: list[tuple[dict[str, Any], str]] = [
        ({"protocol": "morse"}, "'morse' is no protocol; there are: battery-monitor"),
        ({"addresses": (1,)}, "devices of jbd have no addresses; those of these have: daly-a5"),
        ({"protocol": "jbd-up", "addresses": (1, 1)}, "named twice"),
        ({"protocol": "jbd-up", "addresses": (77,)}, "77 is no address of jbd-up: there are 0 to 31"),
        ({"protocol": "pace-ascii", "addresses": (256,)}, "256 is no address of pace-ascii"),
        ({"protocol": "daly-modbus-81", "addresses": (1,)}, "1 is no address of daly-modbus-81"),
        ({"protocol": "modbus"}, "needs a map of your own: --map"),
        ({"register_map": own}, "jbd takes no map"),
        ({"url": "http://a"}, "is no address of a device"),
    ]
    for more, says in wrong:
        with pytest.raises(SourceError, match=says):
            Line(DeviceAddress(**{"url": "/dev/null", "protocol": "jbd", **more}))
    with pytest.raises(DefinitionError, match=r"own\.yaml"):
        Line(DeviceAddress(url="/dev/null", protocol="modbus", register_map=own))
