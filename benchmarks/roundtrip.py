"""Row `round trip`: one message at a time, from building it to the receipt that says it is in the journal."""

import time
from multiprocessing.connection import Connection
from pathlib import Path
from statistics import quantiles

import zmq

from benchmarks.messages import MESSAGE_BYTES, SENDER, completion, documents
from benchmarks.processes import Part, broker_of, leave_on_sigterm, run_folder, start
from benchmarks.rows import Effort, Row, compared
from bus.publisher import Publisher
from bus.run import RunFolder

_OURS = "build, encode, publish to the broker in its own process, parse, XSD, journal, receipt back"
_ECHO = f"raw pyzmq DEALER -> ROUTER in its own process -> DEALER, ipc, constant {MESSAGE_BYTES:,} bytes, nothing done"


def rows(effort: Effort) -> list[Row]:
    """Measure three senders in turn: sync on, sync off, bare echo. Their brokers live through all rounds."""
    rounds, count = effort.times(7, 3), effort.size(600, 150)
    with (
        run_folder() as synced_run,
        run_folder() as unsynced_run,
        broker_of(synced_run),
        broker_of(unsynced_run, syncs=False),
    ):
        echo = start(serve_echo, unsynced_run.endpoint("echo"))
        echo.answer()
        askers = [
            start(ask_broker, synced_run.path),
            start(ask_broker, unsynced_run.path),
            start(ask_echo, unsynced_run.endpoint("echo")),
        ]
        synced, unsynced, bare = _asked_in_turn(askers, rounds, count)
        for part in (*askers, echo):
            part.stop()
    facts = {"round_trips_per_round": count}
    return [
        *_pair("round trip, sync on", synced, bare, (f"{_OURS}; fdatasync before the receipt", _ECHO), facts),
        *_pair("round trip, sync off", unsynced, bare, (f"{_OURS}; no fdatasync", _ECHO), facts),
    ]


def _asked_in_turn(askers: list[Part], rounds: int, count: int) -> list[list[list[float]]]:
    """Return for each asker and round the percentiles 1 to 99 of its round trips in microseconds."""
    results: list[list[list[float]]] = [[] for _ in askers]
    for _ in range(rounds):
        for asker, kept in zip(askers, results, strict=True):
            asker.pipe.send(count)
            kept.append([stamp_s * 1e6 for stamp_s in quantiles(asker.answer(), n=100)])
    return results


def _pair(
    name: str, ours: list[list[float]], base: list[list[float]], text: tuple[str, str], facts: dict[str, int]
) -> list[Row]:
    return [
        compared(
            f"{name}, p{percent}",
            "us",
            [one[percent - 1] for one in ours],
            [one[percent - 1] for one in base],
            text=text,
            facts=facts,
        )
        for percent in (50, 99)
    ]


def ask_broker(pipe: Connection, folder: Path) -> None:
    """For each number received make so many round trips; answer their durations in seconds."""
    leave_on_sigterm()
    publisher = Publisher(RunFolder(folder), SENDER)
    made = 0
    while True:
        durations_s = []
        for n in range(made, made + pipe.recv()):
            began_s = time.perf_counter()
            publisher.publish([completion(n)])
            durations_s.append(time.perf_counter() - began_s)
        made += len(durations_s)
        pipe.send(durations_s)


def ask_echo(pipe: Connection, endpoint: str) -> None:
    """Do as `ask_broker` with constant bytes and somebody who sends them back."""
    leave_on_sigterm()
    dealer: zmq.Socket[bytes] = zmq.Context.instance().socket(zmq.DEALER)
    dealer.setsockopt(zmq.LINGER, 0)
    dealer.connect(endpoint)
    raw = documents(1)[0]
    while True:
        durations_s = []
        for _ in range(pipe.recv()):
            began_s = time.perf_counter()
            dealer.send(raw)
            dealer.recv()
            durations_s.append(time.perf_counter() - began_s)
        pipe.send(durations_s)


def serve_echo(pipe: Connection, endpoint: str) -> None:
    """Send back whatever comes, until SIGTERM."""
    leave_on_sigterm()
    router: zmq.Socket[bytes] = zmq.Context.instance().socket(zmq.ROUTER)
    router.setsockopt(zmq.LINGER, 0)
    router.bind(endpoint)
    pipe.send("ready")
    while True:
        router.send_multipart(router.recv_multipart())
