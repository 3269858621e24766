"""Row `47 agents`: a forkserver with our preload, as the supervisor runs it, against spawn.

Each start is measured in a launcher of its own: a forkserver is started once in a process, and it has to be paid
for.
"""

import json
import multiprocessing
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from multiprocessing import connection
from multiprocessing.connection import Connection
from pathlib import Path
from statistics import median

import lxml.etree
import zmq

import bus.publisher
import bus.subscriber
import protocol
from benchmarks.processes import own_memory_bytes
from benchmarks.rows import Aim, Effort, Row, compared, interleaved
from bus.supervisor import Program, Supervisor

AGENTS = 47


@dataclass(frozen=True, slots=True)
class Started:
    """seconds: until every agent was ready. warm_seconds: the same again in the same launcher. own_bytes: per agent."""

    seconds: float
    warm_seconds: float
    own_bytes: int


def rows(effort: Effort) -> list[Row]:
    """Start so many agents in fresh launchers, in turn; --quick starts fewer."""
    count = effort.size(AGENTS, 12)
    forked, spawned = interleaved(
        effort.times(3, 1), lambda: _launched("forkserver", count), lambda: _launched("spawn", count)
    )
    ready = "ready: zmq, lxml, protocol and bus imported and reported through a pipe"
    own = "own memory of one agent: Private_Dirty + Private_Clean of smaps_rollup, all agents alive, middle of them"
    cold = f"Supervisor.start for each of {count}, the forkserver's own start and preload included; {ready}"
    warm = f"Supervisor.start for each of {count}, forkserver already running; {ready}"
    spawn = f"multiprocessing spawn, {count} processes started at once, {ready}"
    title, aim = f"{count} agents", Aim(bound=0.12, at_most=True)
    spawn_s = [one.seconds for one in spawned]
    return [
        compared(f"{title}, cold", "s", [one.seconds for one in forked], spawn_s, text=(cold, spawn), aim=aim),
        compared(f"{title}, warm", "s", [one.warm_seconds for one in forked], spawn_s, text=(warm, spawn), aim=aim),
        compared(
            "agent memory",
            "MiB",
            [one.own_bytes / 2**20 for one in forked],
            [one.own_bytes / 2**20 for one in spawned],
            text=(f"forkserver; {own}", "spawn; the same"),
        ),
    ]


def _launched(side: str, count: int) -> Started:
    # Not `-m`: what the supervisor starts has to be importable by its own name.
    script = f"from benchmarks import startup; startup.main({side!r}, {count})"
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return Started(**json.loads(done.stdout))


def agent(pipe: Connection) -> None:
    """Be an agent that has nothing to do: report what is loaded, stay until the pipe closes."""
    loaded = (zmq.Context, lxml.etree.XMLSchema, protocol.decode, bus.publisher.Publisher, bus.subscriber.Subscriber)
    pipe.send((multiprocessing.current_process().pid, len(loaded)))
    pipe.poll(None)


def _start_all(side: str, supervisor: Supervisor, count: int) -> tuple[float, int]:
    """Start `count` agents; return the seconds until all were ready and the middle of their own memory in bytes."""
    pipes = [multiprocessing.Pipe() for _ in range(count)]
    began_s = time.perf_counter()
    if side == "forkserver":
        for n, (_, theirs) in enumerate(pipes):
            supervisor.start(Program("@agent", f"agent-{n}", agent, (theirs,)))
    else:
        context = multiprocessing.get_context("spawn")
        for _, theirs in pipes:
            context.Process(target=agent, args=(theirs,), daemon=True).start()
    waiting = [ours for ours, _ in pipes]
    pids = []
    while waiting:
        for ours in connection.wait(waiting):
            assert isinstance(ours, Connection)
            pids.append(ours.recv()[0])
            waiting.remove(ours)
    took_s = time.perf_counter() - began_s
    own_bytes = int(median(own_memory_bytes(pid) for pid in pids))
    for ours, theirs in pipes:
        ours.close()
        theirs.close()
    return took_s, own_bytes


def main(side: str, count: int) -> None:
    """Print one `Started` as JSON."""
    with tempfile.TemporaryDirectory() as logs:
        supervisor = Supervisor(Path(logs))
        seconds, own_bytes = _start_all(side, supervisor, count)
        supervisor.stop()
        warm_seconds = _start_all(side, supervisor, count)[0] if side == "forkserver" else seconds
        supervisor.stop()
    print(json.dumps({"seconds": seconds, "warm_seconds": warm_seconds, "own_bytes": own_bytes}))
