"""The line to an emulated battery in the same process: `emulated:…` is opened, read and lost as a real one is."""

from itertools import count

import pytest

from agents.device.emulation.catalogue import SHORT, SPEECHES
from agents.device.links.emulated import Clock, emulated_place, open_emulated
from agents.device.links.opening import place_of
from agents.device.polling import Poller, PollingPace
from agents.device.protocols.catalogue import DECODERS
from agents.device.status import Status
from protocol.errors import LinkError, SourceError

_SEEDS = count(1000)  # each test has a battery of its own: one address is one battery in a process


class Time:
    """A clock that goes on when somebody waits."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def wait(self, seconds: float) -> None:
        self.now_s += seconds

    def clock(self) -> Clock:
        return Clock(lambda: self.now_s, self.wait)


def address(protocol: str, more: str = "") -> str:
    return f"emulated:{protocol}?seed={next(_SEEDS)}{more}"


def statuses(url: str, protocol: str, seconds: float, time: Time | None = None) -> list[tuple[float, Status]]:
    """What a decoder reads of a battery within some seconds, and when."""
    time = time or Time()
    link = open_emulated(url, time.clock())
    poller, end_s = Poller(link, DECODERS[protocol](), PollingPace(period_s=0.5)), time.now_s + seconds
    found = [(time.now_s, poller.poll(time.now_s, 0.05)) for _ in iter(lambda: time.now_s < end_s, False)]
    link.close()
    return [(at_s, status) for at_s, status in found if status]


@pytest.mark.parametrize("name", [*SPEECHES, *SHORT])
def test_every_emulated_protocol_is_read_by_its_own_decoder(name: str) -> None:
    found = statuses(address(name), SHORT.get(name, name), 3)
    assert any(50 < (status.pack_voltage_v or 0) < 56 for _, status in found)


def test_bytes_come_at_the_rate_of_the_protocol() -> None:
    time = Time()
    link = open_emulated(address("vedirect"), time.clock())
    arrived = 0
    while time.now_s < 20:
        data = link.read(0.1)
        arrived += len(data)
        assert len(data) <= 19200 / 10 * 0.005 + 2
    assert arrived > 20 * 100


def test_who_reads_seldom_gets_what_came_meanwhile_up_to_ten_seconds_of_it() -> None:
    time = Time()
    link = open_emulated(address("mega"), time.clock())
    time.wait(5)
    assert link.read(0).count(b"$BM") == pytest.approx(20, abs=2)
    time.wait(3600)
    assert link.read(0).count(b"$BM") == pytest.approx(40, abs=2)


def test_a_fault_begins_and_ends_when_the_address_says() -> None:
    found = statuses(address("jbd", "&fault=overvoltage+7+3.72&fault=open-ntc+2&after=4&for=3"), "jbd", 10)
    high = [at_s for at_s, status in found if status.cells.get(7) == 3.72]
    assert 4 <= min(high) < 5.5
    assert 6 < max(high) < 8.5
    assert len([at_s for at_s, status in found if at_s > max(high)]) > 2


def test_an_unplugged_battery_is_gone_cannot_be_opened_and_comes_back() -> None:
    time, url = Time(), address("jk", "&fault=unplug&after=2&for=5")
    with pytest.raises(LinkError, match="is gone: unplugged"):
        statuses(url, "jk-uart", 10, time)
    assert time.now_s == pytest.approx(2, abs=0.1)
    with pytest.raises(LinkError, match=r"cannot open .* unplugged"):
        open_emulated(url, time.clock())
    time.wait(5)
    assert statuses(url, "jk-uart", 3, time)


def test_what_is_unplugged_takes_no_bytes_either() -> None:
    time = Time()
    link = open_emulated(address("jk", "&fault=unplug&after=1"), time.clock())
    link.write(b"\0")
    time.wait(2)
    with pytest.raises(LinkError, match="unplugged"):
        link.write(b"\0")


def test_closing_and_opening_again_does_not_mend_a_battery() -> None:
    time, url = Time(), address("jbd", "&fault=silent&after=3")
    assert statuses(url, "jbd", 3, time)
    assert statuses(url, "jbd", 3, time) == []


def test_the_same_seed_is_the_same_battery_and_another_is_another() -> None:
    one, same, other = (statuses(f"emulated:mega?seed={seed}&cells=16{more}", "battery-monitor", 3)[-1][1].cells
                        for seed, more in ((77, ""), (77, "&fault=slow+0"), (78, "")))  # fmt: skip
    assert one == same != other


def test_one_part_of_a_program_has_it_open_at_a_time() -> None:
    url = address("jbd")
    link = place_of(url).open()
    with pytest.raises(LinkError, match="open already"):
        place_of(url).open()
    link.close()
    link.close()
    with pytest.raises(LinkError, match="it was closed"):
        link.read(0)
    again = place_of(url).open()
    link.close()  # it has no longer a say
    assert again.read(0) == b""
    again.close()


@pytest.mark.parametrize(
    ("url", "says"),
    [("emulated:", "names no emulated battery"), ("emulated:morse", "'morse' cannot be emulated; there are: .*jk"),
     ("emulated://jk", "names no emulated battery"), ("emulated:jk#a", "names no emulated battery"),
     ("emulated:jk?cells=ten", "cells is a whole number"), ("emulated:jk?cells=99", "jk-uart takes 1 to 24 cells"),
     ("emulated:jk?seed=", "seed is a whole number"), ("emulated:jk?cells=" + "9" * 5000, "cells is a whole number"),
     ("emulated:jk?sed=1", "'sed' is no setting .*cells, seed, fault, after, for"),
     ("emulated:jk?seed=1&seed=2", "seed is given 2 times"), ("emulated:jk?fault=burn", "'burn' is no fault"),
     ("emulated:jk?fault=overvoltage+17+3.7", "CELL is a cell"), ("emulated:jk?after=3", "add fault=ORDER"),
     ("emulated:jk?fault=stuck&after=-1", "after is a number of seconds"),
     ("emulated:jk?fault=stuck&for=inf", "for is a number of seconds"),
     ("emulated:jk?fault=stuck&for=soon", "for is a number of seconds")],
)  # fmt: skip
def test_a_slip_in_an_address_is_named(url: str, says: str) -> None:
    with pytest.raises(SourceError, match=says):
        place_of(url).open()


def test_a_place_is_opened_as_often_as_one_likes() -> None:
    place = emulated_place(address("jbd"))
    for _ in range(2):
        link = place.open()
        assert link.name == place.url
        link.close()
