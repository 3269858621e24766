"""Hostile frames: whatever arrives on a socket, it is a value or a BusError, and an honest publisher is served."""

import json
import socket
import struct
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import zmq
from hypothesis import given, settings
from hypothesis import strategies as st

from bus import wire
from bus.publisher import Publisher, ask_status
from bus.ranges import unpack_range
from bus.run import RunFolder
from bus.subscriber import Subscriber
from bus.wire import Status
from protocol.encoder import encode
from protocol.errors import BusError
from tests.builders import RunningBroker, broker, status, until

DOCUMENT = encode(status(1))
RECEIPTS = [wire.Receipt(Status.NEW, 7), wire.Receipt(Status.REFUSED, 0, "invalid: ü"), wire.Receipt(Status.SAME, 3)]
HONEST: dict[str, tuple[Callable[[bytes], object], bytes]] = {
    "publish": (wire.unpack_publish, wire.pack_publish(3, [DOCUMENT, b"", DOCUMENT])),
    "acknowledgement": (wire.unpack_ack, wire.pack_ack(3, RECEIPTS)),
    "live": (wire.unpack_heard, wire.pack_live(wire.Live("lead/status", 3, 17, 11, 9, 1_000, (DOCUMENT, b"")))),
    "beacon": (wire.unpack_heard, wire.pack_beacon(wire.Beacon(7, 99, {"lead": 98, "everyone": 7}))),
    "head": (wire.unpack_heard, wire.pack_head(7, 99)),
    "number": (wire.unpack_number, wire.pack_number(b"N", 5)),
    "facts": (wire.unpack_facts, wire.pack_facts(b"H", {"agent": "@worker", "pid": 4, "first": 1, "state": None})),
    "answer": (wire.unpack_facts, wire.pack_facts(b"J", {"sessions": [{"agent": "@worker"}], "topics": {"a/b": 1}})),
}
READERS = [*{reader: None for reader, _ in HONEST.values()}, unpack_range]


def outcome(reader: Callable[[bytes], object], raw: bytes) -> str:
    """Return "read" or "refused"; any other error is a bug and passes through."""
    try:
        reader(raw)
    except BusError:
        return "refused"
    return "read"


@pytest.mark.parametrize("name", HONEST)
def test_an_honest_frame_is_read(name: str) -> None:
    assert outcome(*HONEST[name]) == "read"


@given(st.binary(max_size=400))
@settings(max_examples=200, derandomize=True, deadline=None)
def test_any_bytes_are_a_frame_or_a_bus_error(raw: bytes) -> None:
    for reader in READERS:
        outcome(reader, raw)


@pytest.mark.parametrize("name", HONEST)
def test_a_frame_cut_anywhere_is_a_bus_error_or_a_shorter_frame(name: str) -> None:
    reader, raw = HONEST[name]
    outcomes = [outcome(reader, raw[:length]) for length in range(len(raw))]
    # Facts may be none at all, and a beacon or an acknowledgement may end before its table.
    assert outcomes.count("read") <= 2


@pytest.mark.parametrize("name", HONEST)
def test_a_frame_with_any_byte_changed_is_a_frame_or_a_bus_error(name: str) -> None:
    reader, raw = HONEST[name]
    for place in range(len(raw)):
        for byte in (0x00, 0x22, 0x7F, 0x80, 0xFF):
            outcome(reader, raw[:place] + bytes([byte]) + raw[place + 1 :])


@pytest.mark.parametrize("name", HONEST)
@pytest.mark.parametrize("number", [2**31 - 1, 2**31, 2**32 - 1])
def test_a_frame_that_claims_gigabytes_costs_no_memory(name: str, number: int) -> None:
    reader, raw = HONEST[name]
    claims = [raw[:n] + struct.pack("<I", number) + raw[n + 4 :] for n in range(len(raw) - 3)]
    tracemalloc.start()
    try:
        for claim in claims:
            outcome(reader, claim)
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak_bytes < 4_000_000


def test_a_frame_of_very_many_empty_documents_is_refused() -> None:
    """64 MB of zeros is a table of sixteen million lengths; judging them would hold the broker for minutes."""
    for count in (wire.MOST_DOCUMENTS + 1, 250_000):
        raw = struct.pack("<cQI", b"P", 1, count) + bytes(4 * count)
        with pytest.raises(BusError, match="documents"):
            wire.unpack_publish(raw)
    assert outcome(wire.unpack_publish, wire.pack_publish(1, [b""] * wire.MOST_DOCUMENTS)) == "read"


BOMBS = {
    "lists in lists": b"[" * 60_000,
    "objects in objects": b'{"a":' * 12_000,
    "lists in a fact": b'{"agent":' + b"[" * 30_000 + b"]" * 30_000 + b"}",
    "a few lists": b'{"agent": "@worker", "state": [[[[1]]]]}',
    "an object": b'{"agent": "@worker", "state": {"a": 1}}',
    "very many facts": b"{" + b",".join(b'"%d":1' % n for n in range(20_000)) + b"}",
    "a long fact": json.dumps({"agent": "@worker", "state": "x" * 70_000}).encode(),
    "a number of many digits": b'{"first": 1' + b"0" * 5_000 + b"}",
    "a number no frame can carry": b'{"first": 18446744073709551616}',
    "a number before the first": b'{"agent": "@worker", "first": -5}',
    "no object": b'"agent"', "two objects": b"{}{}", "not UTF-8": b'{"agent": "\xff"}', "a null": b"{}\0",
}  # fmt: skip


@pytest.mark.parametrize("name", BOMBS)
@pytest.mark.parametrize("kind", [b"H", b"B", b"S", b"R", b"X"])
def test_what_a_stranger_says_of_himself_stays_small_and_flat(kind: bytes, name: str) -> None:
    assert outcome(wire.unpack_facts, kind + BOMBS[name]) == "refused"


def test_the_brokers_own_answer_may_be_long_and_deep() -> None:
    facts = {"sessions": [{"agent": f"@worker-{n}", "state": "ready"} for n in range(5_000)]}
    assert wire.unpack_facts(wire.pack_facts(b"J", facts)) == facts


GARBAGE = [
    [], [b""], [b"", b""], [b"P"], [b"P", b"P"], [b"P" + b"\xff" * 40], [b"A"], [b"N"], [b"\x00" * 900], [b"P"] * 500,
    [b"P" + struct.pack("<QI", 1, 2**31) + b"\xff" * 64], [b"P" + struct.pack("<QII", 1, 1, 2**31)],
    [b"P" + struct.pack("<QI", 1, 250_000) + bytes(1_000_000)], [b"G" + struct.pack("<QI", 1, 2**31)],
    [b"G" + struct.pack("<QI", 1, 0)], [b"H"], [b"H\xff\xfe"], [b"H" + b"\x00" * 70_000], [b"B{}"], [b"S[]"],
    [b'H{"agent": 5}'], [b'H{"agent": "@broker\\u0000"}'], [b'H{"agent": "@\\ud800"}'], [b"R{}"],
    [b'R{"after": -1, "upto": 1, "inbox": null}'], [b'R{"after": 1e999, "upto": NaN, "inbox": []}'],
    *([b"H" + bomb] for bomb in BOMBS.values()),
]  # fmt: skip

# A session that is let in and then misbehaves. The first frame is its hello.
LIARS = [
    [b'H{"agent": "@other", "pid": 99999999999999999}', b"H{}"],
    [b'H{"agent": "@other", "pid": 2147483648}', b'H{"agent": "@other"}'],
    [b'H{"agent": "@other", "pid": "1", "first": true}', b"B" + b'{"pid": 1e400}'],
    [b'H{"agent": "@other", "first": 9223372036854775807}', wire.pack_publish(2**64 - 1, [b""])],
    [b'H{"agent": "@other", "role": "\\ud800", "state": "\\u001b[2J"}', b'B{"position": "nowhere", "pid": null}'],
    [b'H{"agent": "@other", "first": 1}', wire.pack_publish(2**63, [b"<a/>"]), wire.pack_publish(0, [b"<a/>"])],
    [b'H{"agent": "@other", "first": 1}', b'R{"after": 9223372036854775807, "upto": 9223372036854775807}'],
    [b'H{"agent": "@other", "first": 1}', b'R{"after": 0, "upto": 9223372036854775807, "inbox": "../"}'],
    [
        b'H{"agent": "@other", "first": 1}',
        wire.pack_publish(1, [b"<a><context><message-id>-a</message-id></context></a>"]),
    ],
]


@contextmanager
def stranger(run: RunFolder) -> "Iterator[zmq.Socket[bytes]]":
    """A socket on which anybody may say anything."""
    context = zmq.Context()
    dealer = context.socket(zmq.DEALER)
    dealer.setsockopt(zmq.LINGER, 2000)
    dealer.connect(run.endpoint("publish"))
    try:
        yield dealer
    finally:
        context.destroy()


def assert_serves(running: RunningBroker, number: int) -> None:
    publisher = Publisher(running.run, "@worker", patience_s=20)
    [receipt] = publisher.publish([status(number)])
    publisher.close()
    assert receipt.status is Status.NEW
    facts = ask_status(running.run)
    assert facts is not None
    assert running.process.is_alive()


def test_whatever_strangers_send_an_honest_publisher_is_served_and_status_answers(tmp_path: Path) -> None:
    with broker(tmp_path / "run") as running:
        before_kib = running.rss_kib()
        with stranger(running.run) as dealer:
            for frames in [frames for frames in GARBAGE if frames] * 3:
                dealer.send_multipart(frames)
        assert_serves(running, 1)
        assert running.rss_kib() - before_kib < 50_000


@pytest.mark.parametrize("number", range(len(LIARS)))
def test_a_publisher_that_lies_about_itself_harms_nobody(tmp_path: Path, number: int) -> None:
    with broker(tmp_path / "run") as running:
        with stranger(running.run) as dealer:
            for frame in LIARS[number]:
                dealer.send(frame)
            dealer.send(b"S{}")
            assert dealer.poll(10_000), "the broker no longer answers"
        assert_serves(running, 1)


def test_a_stranger_with_very_many_identities_and_all_the_facts_he_may_have_harms_nobody(tmp_path: Path) -> None:
    hello = wire.pack_facts(b"H", {"agent": "@other", "state": "x" * 60_000})
    with broker(tmp_path / "run") as running:
        for _ in range(40):
            with stranger(running.run) as dealer:
                dealer.send(hello)
        assert_serves(running, 1)


def greeting() -> bytes:
    """What opens a ZMTP 3.0 connection without keys, with the handshake of a DEALER. Source: rfc.zeromq.org/spec/23."""
    start = b"\xff" + bytes(8) + b"\x7f" + b"\x03\x00" + b"NULL".ljust(20, b"\0") + bytes(32)
    ready = b"\x05READY" + b"\x0bSocket-Type" + struct.pack(">I", 6) + b"DEALER"
    return start + b"\x04" + bytes([len(ready)]) + ready


RAW = {
    "no greeting at all": b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "random bytes": bytes(range(256)) * 40,
    "a frame of 2 GB": greeting() + b"\x02" + struct.pack(">Q", 2**31) + b"P",
    "a frame of all memory": greeting() + b"\x02" + struct.pack(">Q", 2**64 - 1) + b"P",
    "a command of 2 GB": greeting()[:64] + b"\x06" + struct.pack(">Q", 2**31) + b"\x05READY",
    "frames without an end": greeting() + b"\x01\x01P" * 10_000,
    "half a greeting": greeting()[:30],
}


@pytest.mark.parametrize("place", ["publish", "hear"])
def test_a_connection_that_claims_gigabytes_or_speaks_another_language_costs_nothing(
    tmp_path: Path, place: str
) -> None:
    with broker(tmp_path / "run") as running:
        before_kib = running.rss_kib()
        connections = [socket.socket(socket.AF_UNIX) for _ in RAW]
        for connection, said in zip(connections, RAW.values(), strict=True):
            connection.connect(running.run.endpoint(place).removeprefix("ipc://"))
            connection.sendall(said)
        assert_serves(running, 1)
        assert running.rss_kib() - before_kib < 50_000
        for connection in connections:
            connection.close()


@contextmanager
def impostor_broker(path: Path, kind: int, name: str) -> "Iterator[tuple[RunFolder, zmq.Socket[bytes]]]":
    """A run in which somebody else has bound one of the broker's sockets."""
    run = RunFolder(path)
    run.create()
    context = zmq.Context()
    bound = context.socket(kind)
    bound.setsockopt(zmq.LINGER, 0)
    bound.bind(run.endpoint(name))
    try:
        yield run, bound
    finally:
        context.destroy(linger=0)


ANSWERS = [
    b"A", b"A" + b"\xff" * 20, b"A" + struct.pack("<QI", 1, 2**31), b"N", b"N\x00", b"X", b"X[", b"X" + b"[" * 50_000,
    b"A" + struct.pack("<QI", 1, 1) + struct.pack("<BQ", 250, 1), b"X\xff",
    b"A" + struct.pack("<QI", 1, 1) + struct.pack("<BQ", 3, 1) + b"[",
]  # fmt: skip


@pytest.mark.parametrize("answer", ANSWERS)
def test_a_publisher_that_is_answered_with_garbage_says_so(tmp_path: Path, answer: bytes) -> None:
    with impostor_broker(tmp_path / "run", zmq.ROUTER, "publish") as (run, router):
        publisher = Publisher(run, "@worker", patience_s=20)
        identity, _hello = router.recv_multipart()
        router.send_multipart([identity, answer])
        with pytest.raises(BusError):
            publisher.publish([status(1)])
        publisher.close()


HEARD = [
    b"lead/status", b"lead/status\0", b"lead/status\0" + b"\xff" * 60, b"lead/\xff\0" + bytes(44),
    b"~beacon", b"~beacon\0", b"~beacon\0" + bytes(16) + b"{", b"~beacon\0" + bytes(16) + b"[" * 50_000,
    b"~beacon\0" + bytes(16) + b'{"lead": "x"}', b"~beacon\0" + bytes(16) + b"[]",
]  # fmt: skip


@pytest.mark.parametrize("heard", HEARD)
def test_a_subscriber_that_hears_garbage_says_so(tmp_path: Path, heard: bytes) -> None:
    with impostor_broker(tmp_path / "run", zmq.XPUB, "hear") as (run, xpub):
        subscriber = Subscriber(run, "lead")
        asked: list[bytes] = []
        until(lambda: asked.append(xpub.recv()) or len(asked) == 3)  # type: ignore[func-returns-value]
        xpub.send(heard)
        with pytest.raises(BusError):
            subscriber.receive(20)
        subscriber.close()
