"""Every line keeps the same promises: bytes both ways, nothing when nothing has come, and an error once it is gone."""

import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol

import pytest

from agents.device.emulation.pty_port import PtyPort
from agents.device.link import Link
from agents.device.links.loopback import pair
from agents.device.links.opening import place_of
from protocol.errors import LinkError, SourceError

LONG_S = 30.0  # longer than any of this takes: what has come is given at once


class Peer(Protocol):
    def read(self, timeout_s: float) -> bytes: ...
    def write(self, data: bytes) -> None: ...
    def close(self) -> None: ...


class SocketPeer:
    def __init__(self, listening: socket.socket) -> None:
        self._socket, _ = listening.accept()
        self._socket.settimeout(LONG_S)
        listening.close()

    def read(self, timeout_s: float) -> bytes:
        return self._socket.recv(65_536)

    def write(self, data: bytes) -> None:
        self._socket.sendall(data)

    def close(self) -> None:
        self._socket.close()


def loopback() -> tuple[Link, Peer]:
    return pair()


def by_tcp() -> tuple[Link, Peer]:
    listening = socket.create_server(("127.0.0.1", 0))
    link = place_of(f"tcp://127.0.0.1:{listening.getsockname()[1]}").open()
    return link, SocketPeer(listening)


def by_path() -> tuple[Link, Peer]:
    peer = PtyPort()
    return place_of(peer.path).open(), peer


def by_url() -> tuple[Link, Peer]:
    peer = PtyPort()
    return place_of(f"serial://{peer.path}?baud=19200").open(), peer


@pytest.fixture(params=[loopback, by_tcp, by_path, by_url], ids=lambda make: make.__name__)
def ends(request: pytest.FixtureRequest) -> Iterator[tuple[Link, Peer]]:
    make: Callable[[], tuple[Link, Peer]] = request.param
    link, peer = make()
    yield link, peer
    link.close()
    peer.close()


def read(end: Peer, count: int) -> bytes:
    data = b""
    while len(data) < count:
        come = end.read(LONG_S)
        assert come
        data += come
    return data


def test_bytes_of_every_value_go_both_ways_unchanged(ends: tuple[Link, Peer]) -> None:
    link, peer = ends
    everything = bytes(range(256))
    link.write(everything)
    assert read(peer, 256) == everything
    peer.write(everything)
    assert read(link, 256) == everything


def test_where_nothing_has_come_nothing_is_given(ends: tuple[Link, Peer]) -> None:
    link, _ = ends
    assert link.read(0) == b""
    assert link.read(0.001) == b""


def test_a_killed_peer_is_an_error_at_once(ends: tuple[Link, Peer]) -> None:
    link, peer = ends
    peer.close()
    with pytest.raises(LinkError, match="gone"):
        link.read(LONG_S)
    with pytest.raises(LinkError, match="gone"):
        link.read(LONG_S)


def write_on(link: Link) -> None:
    """The first bytes sent to a closed socket are still taken by our own side."""
    for _ in range(100_000):
        link.write(b"\0" * 100)


def test_writing_to_a_killed_peer_ends_in_an_error(ends: tuple[Link, Peer]) -> None:
    link, peer = ends
    peer.close()
    with pytest.raises(LinkError):
        write_on(link)


def test_closing_twice_does_nothing_and_reading_after_it_is_an_error(ends: tuple[Link, Peer]) -> None:
    link, _ = ends
    link.close()
    link.close()
    with pytest.raises(LinkError):
        link.read(LONG_S)


def test_a_port_is_opened_by_one_program_only() -> None:
    peer = PtyPort()
    link = place_of(peer.path).open()
    with pytest.raises(LinkError, match="another program uses it"):
        place_of(peer.path).open()
    link.close()
    place_of(peer.path).open().close()
    peer.close()


def test_what_is_not_there_is_said_with_what_there_is(tmp_path: Path) -> None:
    with pytest.raises(LinkError, match=r"there is no such port; (there are|no serial adapter)"):
        place_of(str(tmp_path / "ttyUSB7")).open()
    with pytest.raises(LinkError, match="it is no serial port"):
        place_of("/dev/null").open()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(LinkError, match="cannot connect to tcp://"):
        place_of(f"tcp://127.0.0.1:{port}").open()


@pytest.mark.parametrize(
    "url",
    ["", "tcp://", "tcp://host", "tcp://host:0", "tcp://host:99999", "tcp://host:1/path", "http://host:1", "serial://",
     "/dev/ttyUSB0?baud=fast", "/dev/ttyUSB0?baud=0", "/dev/ttyUSB0?baud=", "/dev/ttyUSB0?bauds=9600", "tcp://[::1"],
)  # fmt: skip
def test_what_is_no_address_is_refused_with_its_reason(url: str) -> None:
    with pytest.raises(SourceError):
        place_of(url).open()


def test_a_link_to_a_port_lasts_as_long_as_the_port(tmp_path: Path) -> None:
    place = tmp_path / "pack"
    peer = PtyPort(place)
    place_of(str(place)).open().close()
    with pytest.raises(LinkError, match="cannot make the link"):
        PtyPort(place)
    assert place.is_symlink()
    peer.close()
    assert not place.is_symlink()
