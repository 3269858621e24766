"""Who gets in from another machine: nobody without a key, and with a key only under its own name."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import zmq
import zstandard

from bus import wire
from bus.compression import LARGEST_FRAME_BYTES, pack, pack_heard, unpack, unpack_heard
from bus.journal import TO_THE_END
from bus.keys import BROKER_KEY, CURVE, KeyRing
from bus.publisher import Publisher, ask_status
from bus.ranges import SLICE_ENTRIES, unpack_range
from bus.remote import RangeReader, RemoteBus
from bus.run import RunFolder
from bus.sockets import Listen, tcp_endpoint
from bus.subscriber import Subscriber
from bus.wire import Status
from protocol.encoder import encode
from protocol.errors import BusError, KeyFault, Refused
from tests.builders import RunningBroker, broker, free_address, status

SHORT_S = 1.0


@dataclass
class Elsewhere:
    """A broker that listens on TCP, its ring, and the way there."""

    broker: RunningBroker
    ring: KeyRing
    address: str

    def bus(self, name: str) -> RemoteBus:
        return RemoteBus(self.address, name, self.ring)


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Elsewhere]:
    ring = KeyRing.make(tmp_path_factory.mktemp("ring") / "keys")
    ring.create_curve(BROKER_KEY)
    for name in ("worker", "lead", "auditor", "stranger"):
        public = ring.create_curve(name)
        if name != "stranger":
            ring.allow(name, public, is_observer=name == "auditor")
    address = free_address()
    with broker(tmp_path_factory.mktemp("run"), Listen(address, ring)) as running:
        yield Elsewhere(running, ring, address)


def answered(address: str, prepare: "object") -> bool:
    """Return whether the broker answers a bare client that was prepared so."""
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    try:
        dealer = context.socket(zmq.DEALER)
        dealer.setsockopt(zmq.LINGER, 0)
        prepare(dealer)  # type: ignore[operator]
        dealer.connect(tcp_endpoint(address, "publish"))
        dealer.send(pack(wire.pack_facts(b"S", {})))
        return bool(dealer.poll(int(SHORT_S * 1000)))
    finally:
        context.destroy(linger=0)


@pytest.mark.slow
def test_no_key_an_unknown_key_and_a_password_are_all_turned_away(elsewhere: Elsewhere) -> None:
    server = elsewhere.ring.public(BROKER_KEY, CURVE)

    def with_keys(public: bytes, secret: bytes) -> "object":
        def prepare(dealer: "zmq.Socket[bytes]") -> None:
            dealer.curve_publickey, dealer.curve_secretkey, dealer.curve_serverkey = public, secret, server

        return prepare

    def with_password(dealer: "zmq.Socket[bytes]") -> None:
        dealer.plain_username, dealer.plain_password = b"worker", b"worker"

    assert answered(elsewhere.address, with_keys(*elsewhere.ring.curve("worker")))
    assert not answered(elsewhere.address, lambda dealer: None)
    assert not answered(elsewhere.address, with_keys(*zmq.curve_keypair()))
    assert not answered(elsewhere.address, with_keys(*elsewhere.ring.curve("stranger")))
    assert not answered(elsewhere.address, with_password)
    facts = ask_status(elsewhere.broker.run)
    assert facts is not None
    assert facts["denied"] >= 2


def test_a_key_speaks_only_under_its_own_name(elsewhere: Elsewhere) -> None:
    publisher = Publisher(elsewhere.bus("worker"), "@lead")
    with pytest.raises(Refused, match="the key of @worker may not speak as @lead"):
        publisher.publish([status(1, sender="@lead", recipient="@tech-lead-orchestrator")])
    publisher.close()


def test_who_is_not_allowed_is_told_what_to_do(elsewhere: Elsewhere) -> None:
    with pytest.raises(BusError, match="orchestra keys allow stranger"):
        elsewhere.bus("stranger").check()
    elsewhere.bus("worker").check()


def test_a_broker_with_another_key_is_not_talked_to(elsewhere: Elsewhere, tmp_path: Path) -> None:
    ring = KeyRing.make(tmp_path / "keys")
    ring.create_curve("worker")
    ring.trust_broker(zmq.curve_keypair()[0])
    with pytest.raises(BusError, match="no broker answers"):
        RemoteBus(elsewhere.address, "worker", ring).check(SHORT_S)


def test_what_is_published_over_tcp_is_heard_over_tcp_from_the_beginning(elsewhere: Elsewhere) -> None:
    publisher = Publisher(elsewhere.bus("worker"), "@worker")
    count = SLICE_ENTRIES + 300  # more than one slice of history
    receipts = publisher.publish([status(n) for n in range(count)])
    assert {receipt.status for receipt in receipts} == {Status.NEW}
    subscriber = Subscriber(elsewhere.bus("lead"), "lead")
    told: list[int] = []
    while len(told) < count and (entry := subscriber.receive(10)) is not None:
        told += [entry.sequence] if entry.topic == "lead/status" else []
    assert told == [receipt.sequence for receipt in receipts]
    publisher.publish([status(count)])
    live = subscriber.receive(10)
    assert live is not None
    assert b"m-@worker-" + str(count).encode() in live.document
    subscriber.close()
    publisher.close()


def test_an_observer_hears_everything_and_may_say_nothing(elsewhere: Elsewhere) -> None:
    subscriber = Subscriber(elsewhere.bus("auditor"), None)
    first = subscriber.receive(10)
    assert first is not None
    assert first.sequence == 1
    subscriber.close()
    reader = elsewhere.bus("auditor").history(None, 0)
    assert next(iter(reader.entries(TO_THE_END))).sequence == 1
    reader.close()
    publisher = Publisher(elsewhere.bus("auditor"), "@auditor")
    with pytest.raises(Refused, match="@auditor was not introduced"):
        publisher.publish([status(1, sender="@auditor")])
    publisher.close()


def test_a_name_reads_its_own_inbox_and_no_other(elsewhere: Elsewhere) -> None:
    for inbox in ("lead", None):
        reader = elsewhere.bus("worker").history(inbox, 0)
        with pytest.raises(BusError, match="may read its own inbox"):
            list(reader.entries(5))
        reader.close()
    eavesdropper = Subscriber(elsewhere.bus("worker"), "worker")
    eavesdropper._socket.subscribe("lead/")
    local = Publisher(elsewhere.broker.run, "@other")
    local.publish([status(1, sender="@other"), status(2, sender="@other", recipient="@tech-lead-orchestrator")])
    while (entry := eavesdropper.receive(SHORT_S)) is not None:
        assert not entry.topic.startswith("lead/")
    local.close()
    eavesdropper.close()


def test_a_revoked_key_does_not_get_in_again(elsewhere: Elsewhere) -> None:
    public = elsewhere.ring.create_curve("guest")
    elsewhere.ring.allow("guest", public, is_observer=True)
    elsewhere.bus("guest").check()
    elsewhere.ring.deny("guest")
    with pytest.raises(BusError, match="does not know our key"):
        elsewhere.bus("guest").check()


def test_keys_that_others_can_read_stop_the_start(tmp_path: Path) -> None:
    ring = KeyRing.make(tmp_path / "keys")
    ring.create_curve("worker")
    (tmp_path / "keys" / "worker.curve").chmod(0o640)
    with pytest.raises(KeyFault, match=r"open to others \(0640\); do: chmod 0600"):
        KeyRing.open(tmp_path / "keys")
    (tmp_path / "keys" / "worker.curve").chmod(0o600)
    (tmp_path / "keys").chmod(0o755)
    with pytest.raises(KeyFault, match="do: chmod 0700"):
        KeyRing.open(tmp_path / "keys")


def test_secrets_are_written_for_their_owner_only(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        ring = KeyRing.make(tmp_path / "keys")
        ring.create_curve("worker")
    finally:
        os.umask(before)
    assert (tmp_path / "keys").stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "keys" / "worker.curve").stat().st_mode & 0o777 == 0o600


def test_one_key_is_never_two_names(tmp_path: Path) -> None:
    ring = KeyRing.make(tmp_path / "keys")
    public = ring.create_curve("worker")
    ring.allow("worker", public, is_observer=False)
    with pytest.raises(KeyFault, match="worker's already"):
        ring.allow("lead", public, is_observer=False)


@pytest.mark.parametrize("name", ["../worker", "a/b", "", "Wörker", "w" * 300])
def test_a_name_never_leads_out_of_the_folder(name: str, tmp_path: Path) -> None:
    ring = KeyRing.make(tmp_path / "keys")
    with pytest.raises(KeyFault, match="not an agent name"):
        ring.create_curve(name)


@pytest.mark.parametrize("address", ["tcp://*", "ipc:///tmp/x", "tcp://host:0", "tcp://host:65535", "host:7788", ""])
def test_an_address_that_is_none_is_named(address: str) -> None:
    with pytest.raises(BusError, match="not an address such as"):
        tcp_endpoint(address, "hear")


def test_a_range_that_does_not_add_up_is_refused() -> None:
    with pytest.raises(BusError):
        unpack_range(b"L")
    with pytest.raises(BusError):
        unpack_range(b"L" + bytes(8) + (5).to_bytes(8, "little") + (2**32 - 1).to_bytes(4, "little"))


def test_history_from_elsewhere_reads_on_after_its_broker_was_killed(tmp_path: Path) -> None:
    ring = KeyRing.make(tmp_path / "keys")
    ring.create_curve(BROKER_KEY)
    ring.allow("auditor", ring.create_curve("auditor"), is_observer=True)
    address = free_address()
    with broker(tmp_path / "run", Listen(address, ring)) as running:
        local = Publisher(running.run, "@worker")
        local.publish([status(n) for n in range(2 * SLICE_ENTRIES)])
        reader = RangeReader(RemoteBus(address, "auditor", ring), None, 0)
        entries = reader.entries(2 * SLICE_ENTRIES)
        first = [next(entries).sequence for _ in range(SLICE_ENTRIES)]
        running.kill()
        running.start()
        rest = [entry.sequence for entry in entries]
        assert first + rest == list(range(1, 2 * SLICE_ENTRIES + 1))
        reader.close()
        local.close()
    assert RunFolder(tmp_path / "run").journal.exists()


def test_frames_between_machines_come_back_as_they_were() -> None:
    raw = wire.pack_publish(1, [encode(status(n)) for n in range(32)])
    assert unpack(pack(raw)) == raw
    assert len(pack(raw)) < len(raw) / 8
    assert unpack_heard(pack_heard(b"lead/status\0" + raw)) == b"lead/status\0" + raw
    assert unpack(pack(b"H{}")) == b"H{}"


def test_a_frame_that_would_become_too_large_is_refused_before_it_is_unpacked() -> None:
    bomb = pack(b"a" * 300)[:5] + zstandard.ZstdCompressor().compress(bytes(LARGEST_FRAME_BYTES + 1))
    with pytest.raises(BusError, match="would become"):
        unpack(bomb)


@pytest.mark.parametrize("raw", [b"", b"\1", b"\2abc", b"\1\0\0\0\0(", pack(b"a" * 300)[:20], pack(b"a" * 300)[:5]])
def test_a_frame_that_was_not_packed_here_is_refused(raw: bytes) -> None:
    with pytest.raises(BusError):
        unpack(raw)


def test_who_sends_what_no_subscriber_sends_is_kept_out_and_hears_nothing(tmp_path: Path) -> None:
    """libzmq would give the next subscription to somebody else's pipe."""
    ring = KeyRing.make(tmp_path / "keys")
    ring.create_curve(BROKER_KEY)
    for name in ("auditor", "evil"):
        ring.allow(name, ring.create_curve(name), is_observer=name == "auditor")
    address = free_address()
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    with broker(tmp_path / "run", Listen(address, ring)) as running:
        evil = context.socket(zmq.XSUB)
        RemoteBus(address, "evil", ring).connect(evil, "hear")
        auditor = Subscriber(RemoteBus(address, "auditor", ring), None)
        assert auditor.receive(10) is not None
        for frame in (b"X", b"\x01evil/", b"\x01", b"X"):
            evil.send(frame)
        local = Publisher(running.run, "@worker")
        local.publish([status(n) for n in range(50)])
        told: list[int] = []
        while len(told) < 50 and (entry := auditor.receive(10)) is not None:
            told += [entry.sequence] if entry.topic == "lead/status" else []
        assert len(told) == 50
        heard = []
        while evil.poll(200):
            heard.append(evil.recv().partition(b"\0")[0])
        assert not [topic for topic in heard if topic.startswith(b"lead/")]
        with pytest.raises(BusError, match="does not know our key"):
            RemoteBus(address, "evil", ring).check()
        local.close()
        auditor.close()
    context.destroy(linger=0)


def test_a_broken_file_in_the_ring_keeps_one_out_not_everybody(tmp_path: Path) -> None:
    ring = KeyRing.make(tmp_path / "keys")
    ring.create_curve(BROKER_KEY)
    ring.allow("worker", ring.create_curve("worker"), is_observer=False)
    address = free_address()
    with broker(tmp_path / "run", Listen(address, ring)):
        dangling = tmp_path / "keys" / "allowed" / "gone.pub"
        dangling.symlink_to(tmp_path / "nowhere")
        with pytest.raises(BusError):
            RemoteBus(address, "worker", ring).check(SHORT_S)
        dangling.unlink()
        RemoteBus(address, "worker", ring).check()
