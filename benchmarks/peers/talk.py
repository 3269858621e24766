"""What the scripts of all peers have in common: the documents, the count at the receiver, the talk with the runner.

Runs under the peers' Python, so it imports the standard library only. The runner reads one JSON object a line:
the receiver says `listening`, `warm`, `received`; the sender `warmed`, `sent`. The sender waits for a line twice.
"""

import argparse
import asyncio
import json
import os
import resource
import sys
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

UVLOOP = "PEERS_UVLOOP"
_SLOT = b"-9f0c-" + b"0" * 12  # where message 0 has its number


@dataclass(frozen=True, slots=True)
class Errand:
    """What one script is to do. head, tail: the document before and after the twelve digits of its number."""

    role: str
    address: str
    head: bytes
    tail: bytes
    warm: int
    count: int

    def documents(self, first: int, last: int) -> Iterator[bytes]:
        """Yield the documents first to last - 1, each with a number of its own."""
        return (b"%b%012x%b" % (self.head, n, self.tail) for n in range(first, last))


def errand() -> Errand:
    """Read the command line: role, address, file of document 0, how many to warm up with, how many to measure."""
    parser = argparse.ArgumentParser()
    parser.add_argument("role", choices=("serve", "receive", "send"))
    parser.add_argument("address")
    parser.add_argument("document", type=Path)
    parser.add_argument("warm", type=int)
    parser.add_argument("count", type=int)
    options = parser.parse_args()
    before, slot, after = options.document.read_bytes().partition(_SLOT)
    return Errand(options.role, options.address, before + slot[:6], after, options.warm, options.count)


def say(what: str, **figures: float) -> None:
    """Tell the runner one thing."""
    print(json.dumps({"said": what, **figures}), flush=True)


def cpu_s() -> float:
    """Return the seconds of CPU, user and system, that all threads of this process have used."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


class Tally:
    """Counts what arrives: every document once, of the right size. Says when the warm-up is there, and when all is."""

    def __init__(self, errand: Errand) -> None:
        self._errand = errand
        self._start = len(errand.head)
        self._size = self._start + 12 + len(errand.tail)
        self._all = errand.warm + errand.count
        self._seen = bytearray(self._all)
        self._arrived = 0
        self._before_s = 0.0

    @property
    def is_done(self) -> bool:
        return self._arrived == self._all

    def take(self, raw: bytes) -> None:
        """Count one document.

        Raises:
            AssertionError: it has another size, or has been here before.
        """
        n = int(raw[self._start : self._start + 12], 16)
        if len(raw) != self._size or self._seen[n]:
            raise AssertionError(f"document {n} of {len(raw)} bytes is not right")
        self._seen[n] = 1
        self._arrived += 1
        if self._arrived == self._errand.warm:
            self._before_s = cpu_s()
            say("warm")
        elif self.is_done:
            say("received", at_s=time.monotonic(), cpu_s=cpu_s() - self._before_s)


async def timed(errand: Errand, send: Callable[[Iterable[bytes]], Awaitable[None]]) -> None:
    """Warm up, wait for the word, send what is measured; stay connected until the next word."""
    await send(errand.documents(0, errand.warm))
    say("warmed")
    await asyncio.to_thread(sys.stdin.readline)
    before_s, began_s = cpu_s(), time.monotonic()
    await send(errand.documents(errand.warm, errand.warm + errand.count))
    say("sent", at_s=began_s, cpu_s=cpu_s() - before_s)
    await asyncio.to_thread(sys.stdin.readline)


def run(
    roles: dict[str, Callable[[Errand], Coroutine[Any, Any, None]]], loop: Callable[[Any], Any] | None = None
) -> None:
    """Do the errand of the command line. loop: what runs it; else asyncio, or uvloop where the runner asks for it."""
    todo = errand()
    if loop is None:
        loop = import_module("uvloop").run if os.environ.get(UVLOOP) else asyncio.run
    loop(roles[todo.role](todo))
